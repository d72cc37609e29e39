//===- FaultTest.cpp - A wrong derivative rule is traced to its operation --------===//
//
// The derivative of an op is corrupted, as a wrong row of the table would be, and the search must name the place of that op: among others,
// inside of a loop, of a branch and of a gradient.
//
//===----------------------------------------------------------------------===//

#include "codegen/driver/Checker.h"
#include "test/codegen/reference/Parse.h"

using namespace gradus;
using namespace gradus::driver;
using namespace gradus::reference;

namespace {

/// Line 3 holds sin, line 8 the tanh of the loop, line 13 the exp of the branch.
const char *source = R"(gradus.func loss @f(%w: !gradus.array<[d], f64> {gradus.name = "w", gradus.role = #gradus.role<param>})
    -> (!gradus.array<[], f64> {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %s = gradus.sin %w : !gradus.array<[d], f64>
  %p = gradus.mul %s, %w : !gradus.array<[d], f64>
  %n = gradus.constant dense<3> : tensor<i64>
  %y = gradus.loop %n init(%p) : !gradus.array<[], i64>, (!gradus.array<[d], f64>) {
  ^bb0(%i: !gradus.array<[], i64>, %v: !gradus.array<[d], f64>):
    %t = gradus.tanh %v : !gradus.array<[d], f64>
    gradus.yield %t : !gradus.array<[d], f64>
  }
  %c = gradus.compare gt %n, %n : !gradus.array<[], i64> -> !gradus.array<[], i1>
  %z = gradus.if %c -> (!gradus.array<[d], f64>) {
    %e = gradus.exp %y : !gradus.array<[d], f64>
    gradus.yield %e : !gradus.array<[d], f64>
  } else {
    %q = gradus.cos %y : !gradus.array<[d], f64>
    gradus.yield %q : !gradus.array<[d], f64>
  }
  %r = gradus.reduce sum %z axes [0] : !gradus.array<[d], f64> to !gradus.array<[], f64>
  gradus.return %r : !gradus.array<[], f64>
})";

/// The line that a fault is found at, when each gradient of what holds an `Op` comes out twice as large.
template <typename Op>
unsigned findLine() {
  Program parsed(source);
  Arrays<double> point{reference::Array<double>::real({3}, {0.5, -1.25, 2})};
  mlir::Operation *fault = findFault(parsed.func(), point, [](mlir::ModuleOp module, FuncOp value) {
    std::string error;
    bool isWrong = value.walk([](Op) { return mlir::WalkResult::interrupt(); }).wasInterrupted();
    FuncOp made = deriveTrial(module, value, error);
    if (made && isWrong) {
      mlir::Operation *end = made.getBody().front().getTerminator();
      mlir::OpBuilder builder(end);
      for (unsigned i = 1; i < end->getNumOperands(); ++i)
        end->setOperand(i, AddOp::create(builder, end->getLoc(), end->getOperand(i), end->getOperand(i)));
    }
    return made;
  });
  auto place = fault ? fault->getLoc()->findInstanceOf<mlir::FileLineColLoc>() : mlir::FileLineColLoc();
  return place ? place.getLine() : 0;
}

TEST(Fault, IsTracedToItsOperation) { EXPECT_EQ(findLine<SinOp>(), 3u); }

TEST(Fault, IsTracedIntoALoop) { EXPECT_EQ(findLine<TanhOp>(), 8u); }

TEST(Fault, IsTracedIntoABranch) { EXPECT_EQ(findLine<CosOp>(), 16u); }

TEST(Fault, IsNotSeenWhereThereIsNone) { EXPECT_EQ(findLine<TanOp>(), 0u); }

TEST(Outline, WeighsEveryResult) {
  Program parsed(source);
  Trial trial = outlineFunction(parsed.func());
  std::string error;
  auto value = reference::evaluate<double>(trial.value, {reference::Array<double>::real({1}, {0.0})}, error);
  ASSERT_TRUE(succeeded(value)) << error;
  EXPECT_NEAR((*value)[0].reals[0], std::sin(0.5), 1e-15); // f(0) = cos 0
}

} // namespace
