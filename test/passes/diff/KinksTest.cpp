//===- KinksTest.cpp - The subgradient chosen at each kink -----------------------===//

#include "passes/Phases.h"
#include "passes/diff/BuildGradient.h"
#include "test/codegen/reference/Parse.h"

#include "mlir/Pass/PassManager.h"

using namespace gradus;
using namespace gradus::reference;

namespace {

/// The compiled gradient of sum(r) at x, where `body` defines %r in terms of %x.
Values gradientAt(const std::string &body, const Values &x, bool isScalar = false) {
  std::string n = "!gradus.array<[n], f64>", s = "!gradus.array<[], f64>";
  std::string text = "%v, %g = gradus.grad (%a0) : (" + n + ") -> (" + s + ", " + n + ") {\n^bb0(%x: " + n + "):\n" + body +
                     (isScalar ? "\ngradus.yield %r : " + s : "\n%total = gradus.reduce sum %r axes [0] : " + n + " to " + s + "\ngradus.yield %total : " + s) +
                     "\n}\ngradus.return %g, %v : " + n + ", " + s;
  Program program(function({"[n], f64"}, {"[n], f64", "[], f64"}, text));
  mlir::PassManager passes(&program.context);
  buildPhasesUpTo(passes, Phase::Simplify);
  EXPECT_TRUE(succeeded(passes.run(*program.module)));
  Values gradient = program.run({vec(x)})[0].reals;
  // Between the two one-sided differences, element by element, where both are finite.
  for (size_t i = 0; i < x.size(); ++i) {
    Values below = x, above = x;
    below[i] -= 1e-6;
    above[i] += 1e-6;
    double at = program.run({vec(x)})[1].reals[0];
    double left = (at - program.run({vec(below)})[1].reals[0]) / 1e-6, right = (program.run({vec(above)})[1].reals[0] - at) / 1e-6;
    if (std::isfinite(left) && std::isfinite(right) && std::isfinite(gradient[i])) {
      EXPECT_GE(gradient[i], std::fmin(left, right) - 1e-4) << body << " element " << i;
      EXPECT_LE(gradient[i], std::fmax(left, right) + 1e-4) << body << " element " << i;
    }
  }
  return gradient;
}

const std::string zero = "%k = gradus.constant dense<0.0> : tensor<f64>\n"
                         "%zero = gradus.broadcast %k axes [] : !gradus.array<[], f64> to !gradus.array<[n], f64>\n";
const std::string positive = zero + "%c = gradus.compare gt %x, %zero : !gradus.array<[n], f64> -> !gradus.array<[n], i1>\n";

TEST(Kinks, AbsAndSignAtZeroGiveZero) {
  expectSame(gradientAt("%r = gradus.abs %x : !gradus.array<[n], f64>", {-2, 0, 3}), {-1, 0, 1});
  expectSame(gradientAt("%r = gradus.sign %x : !gradus.array<[n], f64>", {-2, 3}), {0, 0});
}

TEST(Kinks, TiesOfMaxAndMinGoToTheFirstArgument) {
  expectSame(gradientAt(zero + "%r = gradus.max %x, %zero : !gradus.array<[n], f64>", {-1, 0, 1}), {0, 1, 1});
  expectSame(gradientAt(zero + "%r = gradus.max %zero, %x : !gradus.array<[n], f64>", {-1, 0, 1}), {0, 0, 1});
  expectSame(gradientAt(zero + "%r = gradus.min %x, %zero : !gradus.array<[n], f64>", {-1, 0, 1}), {1, 1, 0});
  expectSame(gradientAt(zero + "%r = gradus.min %zero, %x : !gradus.array<[n], f64>", {-1, 0, 1}), {1, 0, 0});
}

TEST(Kinks, ReductionsGoToTheFirstExtremum) {
  expectSame(gradientAt("%r = gradus.reduce max %x axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>", {1, 4, 4, 2}, true), {0, 1, 0, 0});
  expectSame(gradientAt("%r = gradus.reduce min %x axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>", {1, 4, 1, 2}, true), {1, 0, 0, 0});
}

TEST(Kinks, CumulativeExtremaGoToTheFirst) {
  const std::string largest = "%r = gradus.cumulate max %x axis 0 : !gradus.array<[n], f64>";
  expectSame(gradientAt(largest, {1, 4, 4, 2}), {1, 3, 0, 0});
  expectSame(gradientAt("%r = gradus.cumulate min %x axis 0 reverse : !gradus.array<[n], f64>", {3, 1, 1, 2}), {0, 0, 3, 1});
  // What is not chosen is never seen: the slope of log at 0 is infinite.
  expectSame(gradientAt("%l = gradus.log %x : !gradus.array<[n], f64>\n%r = gradus.cumulate max %l axis 0 : !gradus.array<[n], f64>", {2, 0}), {1, 0});
}

TEST(Kinks, TheFirstExtremumOverTwoAxesIsFirstInRowMajorOrder) {
  // The table x_i y_j with x = (1, -1) and y = (-1, 1): -1 1 / 1 -1. Its largest element stands at (0, 1), then at (1, 0).
  Values gradient = gradientAt("%y = gradus.constant dense<[-1.0, 1.0]> : tensor<2xf64>\n"
                               "%p = gradus.contract %x [0], %y [1] -> [0, 1] : !gradus.array<[n], f64>, !gradus.array<[2], f64> -> !gradus.array<[n, 2], f64>\n"
                               "%r = gradus.reduce max %p axes [0, 1] : !gradus.array<[n, 2], f64> to !gradus.array<[], f64>", {1, -1}, true);
  expectSame(gradient, {1, 0});
}

TEST(Kinks, NormAtZeroGivesZero) {
  expectSame(gradientAt("%r = gradus.norm %x axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>", {0, 0}, true), {0, 0});
  expectNear(gradientAt("%r = gradus.norm %x axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>", {3, 4}, true), {0.6, 0.8});
}

TEST(Kinks, LogSumExpOfAnInfiniteRowGivesNaNWhereItIsAttained) {
  const std::string form = "%r = gradus.logsumexp %x axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>";
  expectSame(gradientAt(form, {-inf, -inf}, true), {qnan, qnan});
  expectSame(gradientAt(form, {inf, 1}, true), {qnan, 0});
  expectSame(gradientAt(form, {-inf, 1}, true), {0, 1});
}

TEST(Kinks, SqrtAtZeroGivesInfinity) { expectSame(gradientAt("%r = gradus.sqrt %x : !gradus.array<[n], f64>", {0, 4}), {inf, 0.25}); }

TEST(Kinks, WhatIsNotChosenIsNeverSeen) {
  std::string choose = " : !gradus.array<[n], i1>, !gradus.array<[n], f64>";
  for (std::string op : {"log", "sqrt"})
    expectSame(gradientAt(positive + "%l = gradus." + op + " %x : !gradus.array<[n], f64>\n%r = gradus.select %c, %l, %zero" + choose, {0, 1}),
               {0, op == "log" ? 1 : 0.5});
  // e^800 * x is infinite where it is not chosen, with the factor 0.
  expectSame(gradientAt(positive + "%e = gradus.exp %x : !gradus.array<[n], f64>\n%p = gradus.mul %e, %x : !gradus.array<[n], f64>\n"
                                   "%r = gradus.select %c, %x, %p" + choose, {800}), {1});
}

TEST(Kinks, WhatIsNotChosenMayBeMissing) {
  double missing = std::numeric_limits<double>::quiet_NaN();
  expectSame(gradientAt(positive + "%s = gradus.mul %x, %x : !gradus.array<[n], f64>\n"
                                   "%r = gradus.select %c, %s, %zero : !gradus.array<[n], i1>, !gradus.array<[n], f64>", {missing, 3}), {0, 6});
}

TEST(Kinks, WhatIsNotChosenIsNeverSeenThroughReductions) {
  std::string body = positive + "%l = gradus.log %x : !gradus.array<[n], f64>\n";
  std::string choose = "%all = gradus.reduce all %c axes [0] : !gradus.array<[n], i1> to !gradus.array<[], i1>\n"
                       "%s = gradus.reduce sum %x axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>\n"
                       "%r = gradus.select %all, %y, %s : !gradus.array<[], i1>, !gradus.array<[], f64>";
  for (std::string op : {"logsumexp", "norm", "reduce prod"})
    expectSame(gradientAt(body + "%y = gradus." + op + " %l axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>\n" + choose, {-1, 2}, true), {1, 1});
  // log(x_i) x_j where x_i > 0
  std::string table = "!gradus.array<[n, n], f64>";
  expectNear(gradientAt(body + "%p = gradus.contract %l [0], %x [1] -> [0, 1] : !gradus.array<[n], f64>, !gradus.array<[n], f64> -> " + table + "\n"
                               "%cs = gradus.broadcast %c axes [0] : !gradus.array<[n], i1> to !gradus.array<[n, n], i1>\n"
                               "%zeros = gradus.broadcast %k axes [] : !gradus.array<[], f64> to " + table + "\n"
                               "%t = gradus.select %cs, %p, %zeros : !gradus.array<[n, n], i1>, " + table + "\n"
                               "%r = gradus.reduce sum %t axes [1] : " + table + " to !gradus.array<[n], f64>", {-1, 2}),
             {std::log(2.0), std::log(2.0) + 0.5});
}

TEST(Kinks, ProductsWithZerosAreRight) {
  std::string product = "%r = gradus.reduce prod %x axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>";
  expectSame(gradientAt(product, {2, 0, 3}, true), {0, 6, 0});
  expectSame(gradientAt(product, {0, 0, 3}, true), {0, 0, 0});
}

TEST(Kinks, PowersOfZero) {
  std::string power = "%b = gradus.constant dense<B> : tensor<f64>\n%bn = gradus.broadcast %b axes [] : !gradus.array<[], f64> to !gradus.array<[n], f64>\n"
                      "%r = gradus.pow %x, %bn : !gradus.array<[n], f64>";
  auto with = [&](std::string b) { return power.substr(0, power.find("<B>")) + "<" + b + ">" + power.substr(power.find("<B>") + 3); };
  expectSame(gradientAt(with("0.0"), {0, 2, qnan}), {0, 0, 0});
  expectSame(gradientAt(with("1.0"), {0, 2}), {1, 1});
  expectSame(gradientAt(with("2.0"), {0, 2}), {0, 4});
}

} // namespace
