//===- GradientCheckTest.cpp - The check passes right gradients and catches wrong ones ---===//

#include "Parse.h"
#include "codegen/reference/GradientCheck.h"

using namespace gradus::reference;

static const std::string value = R"(
gradus.func loss @f(%w: !gradus.array<[d, c], f32> {gradus.name = "w", gradus.role = #gradus.role<param>},
    %i: !gradus.array<[d], i64> {gradus.name = "label", gradus.role = #gradus.role<data>})
    -> (!gradus.array<[], f64> {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %r = gradus.iota 0 : !gradus.array<[d], i64>
  %l = gradus.logsumexp %w axes [1] : !gradus.array<[d, c], f32> to !gradus.array<[d], f32>
  %p = gradus.gather %w[%r, %i] : !gradus.array<[d, c], f32>, (!gradus.array<[d], i64>, !gradus.array<[d], i64>) -> !gradus.array<[d], f32>
  %e = gradus.sub %l, %p : !gradus.array<[d], f32>
  %s = gradus.reduce sum %e axes [0] : !gradus.array<[d], f32> to !gradus.array<[], f64>
  gradus.return %s : !gradus.array<[], f64>
})";

/// The gradient by hand: softmax(w) - onehot(label), with an op applied to it at the end.
static std::string gradient(const std::string &last) {
  return R"(
gradus.func loss @f.grad(%w: !gradus.array<[d, c], f32> {gradus.name = "w", gradus.role = #gradus.role<param>},
    %i: !gradus.array<[d], i64> {gradus.name = "label", gradus.role = #gradus.role<data>})
    -> (!gradus.array<[], f64> {gradus.name = "value", gradus.role = #gradus.role<value>},
        !gradus.array<[d, c], f32> {gradus.name = "grad_w", gradus.role = #gradus.role<grad>}) {
  %r = gradus.iota 0 : !gradus.array<[d], i64>
  %l = gradus.logsumexp %w axes [1] : !gradus.array<[d, c], f32> to !gradus.array<[d], f32>
  %p = gradus.gather %w[%r, %i] : !gradus.array<[d, c], f32>, (!gradus.array<[d], i64>, !gradus.array<[d], i64>) -> !gradus.array<[d], f32>
  %e = gradus.sub %l, %p : !gradus.array<[d], f32>
  %s = gradus.reduce sum %e axes [0] : !gradus.array<[d], f32> to !gradus.array<[], f64>
  %b = gradus.broadcast %l axes [0] : !gradus.array<[d], f32> to !gradus.array<[d, c], f32>
  %x = gradus.sub %w, %b : !gradus.array<[d, c], f32>
  %y = gradus.exp %x : !gradus.array<[d, c], f32>
  %k = gradus.constant dense<-1.0> : tensor<f32>
  %m = gradus.broadcast %k axes [] : !gradus.array<[], f32> to !gradus.array<[d], f32>
  %g = gradus.scatter_add %y[%r, %i], %m : !gradus.array<[d, c], f32>, (!gradus.array<[d], i64>, !gradus.array<[d], i64>), !gradus.array<[d], f32>
  %h = )" + last + R"( : !gradus.array<[d, c], f32>
  gradus.return %s, %h : !gradus.array<[], f64>, !gradus.array<[d, c], f32>
})";
}

static GradientCheckReport check(const std::string &last) {
  Program program(value + gradient(last));
  auto funcs = llvm::to_vector(program.module->getOps<gradus::FuncOp>());
  return checkGradients(funcs[0], funcs[1]);
}

TEST(GradientCheck, PassesTheRightGradient) {
  GradientCheckReport report = check("gradus.stop %g");
  EXPECT_TRUE(report.passed) << report.error;
  EXPECT_GT(report.elements, 3 * 9u);
  EXPECT_EQ(report.kinks, 0u);
  EXPECT_LT(report.difference.error, 1e-11);
  EXPECT_LT(report.dual.error, 1e-13);
}

TEST(GradientCheck, CatchesAWrongOne) {
  GradientCheckReport report = check("gradus.abs %g");
  EXPECT_FALSE(report.passed);
  EXPECT_TRUE(report.error.empty());
  EXPECT_EQ(report.difference.argument, "w");
  EXPECT_EQ(report.difference.index.size(), 2u);
  EXPECT_GT(report.difference.error, 0.1);
  EXPECT_NEAR(report.difference.got, -report.difference.expected, 1e-9);
  EXPECT_GT(report.dual.error, 0.1);
}

TEST(GradientCheck, CatchesASmallOffset) {
  GradientCheckReport report = check("gradus.tan %g"); // the slope of tan at small g is nearly 1
  EXPECT_FALSE(report.passed);
}

/// A function of a scalar and its derivative, as ops of %x, %zero and %one; at the point `fallback`, or at random ones.
static GradientCheckReport checkScalar(const std::string &f, const std::string &df, const std::string &fallback = "") {
  const std::string head = "(%x: !gradus.array<[], f64> {gradus.name = \"x\", gradus.role = #gradus.role<param>" +
                           (fallback.empty() ? "" : ", gradus.default = " + fallback + " : f64") + "}) -> (!gradus.array<[], f64> " +
                           "{gradus.name = \"value\", gradus.role = #gradus.role<value>}";
  const std::string s = " : !gradus.array<[], f64>\n";
  const std::string start = ") {\n%zero = gradus.constant dense<0.0> : tensor<f64>\n%one = gradus.constant dense<1.0> : tensor<f64>\n%y = " + f + s;
  Program program("gradus.func loss @f" + head + start + "gradus.return %y" + s + "}\ngradus.func loss @g" + head +
                  ", !gradus.array<[], f64> {gradus.name = \"grad_x\", gradus.role = #gradus.role<grad>}" + start + "%d = " + df + s +
                  "gradus.return %y, %d : !gradus.array<[], f64>, !gradus.array<[], f64>\n}");
  auto funcs = llvm::to_vector(program.module->getOps<gradus::FuncOp>());
  return checkGradients(funcs[0], funcs[1]);
}

TEST(GradientCheck, AKinkAdmitsWhatLiesBetween) {
  GradientCheckReport report = checkScalar("gradus.max %zero, %x", "gradus.stop %zero", "0.0");
  EXPECT_TRUE(report.passed) << report.error;
  EXPECT_EQ(report.kinks, 3u);
  GradientCheckReport outside = checkScalar("gradus.max %zero, %x", "gradus.neg %one", "0.0");
  EXPECT_FALSE(outside.passed);
  EXPECT_GT(outside.difference.error, 1);
}

TEST(GradientCheck, AStepAcrossAKinkIsTakenShorter) {
  EXPECT_TRUE(checkScalar("gradus.abs %x", "gradus.sign %x", "1.0e-7").passed);
  EXPECT_FALSE(checkScalar("gradus.abs %x", "gradus.stop %zero", "1.0e-7").passed);
}

TEST(GradientCheck, FindsTheDomain) {
  EXPECT_TRUE(checkScalar("gradus.log %x", "gradus.div %one, %x").passed);
  EXPECT_EQ(checkScalar("gradus.log %zero", "gradus.div %one, %x").error, "found no point where 'f' and its derivatives are finite");
}

TEST(GradientCheck, WithoutAGradientItDoesNotPass) {
  Program program(value);
  GradientCheckReport report = checkGradients(program.func(), program.func());
  EXPECT_FALSE(report.passed);
  EXPECT_EQ(report.error, "there is no gradient to check");
}
