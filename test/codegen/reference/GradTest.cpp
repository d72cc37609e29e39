//===- GradTest.cpp - Derivatives by duals against formulas, differences, complex steps ---===//

#include "Parse.h"

#include <complex>
#include <functional>

using namespace gradus::reference;

/// A function f(x: [n]) that returns the value and the gradient in x of the scalar that `body` yields of %v.
static std::string gradOf(const std::string &body) {
  return function({"[n], f64"}, {"[], f64", "[n], f64"},
                  "%value, %g = gradus.grad (%a0) : (!gradus.array<[n], f64>) -> (!gradus.array<[], f64>, !gradus.array<[n], f64>) {\n"
                  "^bb0(%v: !gradus.array<[n], f64>):\n" + body + "\ngradus.yield %s : !gradus.array<[], f64>\n}\n"
                  "gradus.return %value, %g : !gradus.array<[], f64>, !gradus.array<[n], f64>");
}
static const std::string sumOfY = "\n%s = gradus.reduce sum %y axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>";

/// The elementwise slope of a unary op, by gradus.grad.
static Values slope(const std::string &op, const Values &x) {
  Program program(gradOf("%y = gradus." + op + " %v : !gradus.array<[n], f64>" + sumOfY));
  return program.run({vec(x)})[1].reals;
}

struct UnaryCase {
  std::string op;
  std::function<double(double)> slope;
  double x;
};
static const std::vector<UnaryCase> unaryCases{
    {"cos", [](double x) { return -std::sin(x); }, 0.7},
    {"erf", [](double x) { return 2 / std::sqrt(M_PI) * std::exp(-x * x); }, 0.7},
    {"exp", [](double x) { return std::exp(x); }, -0.7},
    {"expm1", [](double x) { return std::exp(x); }, 0.7},
    {"log", [](double x) { return 1 / x; }, 0.7},
    {"log1p", [](double x) { return 1 / (1 + x); }, 0.7},
    {"neg", [](double) { return -1; }, 0.7},
    {"sigmoid", [](double x) { return std::exp(-x) / std::pow(1 + std::exp(-x), 2); }, -0.7},
    {"sin", [](double x) { return std::cos(x); }, 0.7},
    {"softplus", [](double x) { return 1 / (1 + std::exp(-x)); }, 0.7},
    {"sqrt", [](double x) { return 0.5 / std::sqrt(x); }, 0.7},
    {"tan", [](double x) { return 1 / std::pow(std::cos(x), 2); }, 0.7},
    {"tanh", [](double x) { return 1 / std::pow(std::cosh(x), 2); }, -0.7},
    {"abs", [](double) { return -1; }, -0.7},
    {"acos", [](double x) { return -1 / std::sqrt(1 - x * x); }, 0.6},
    {"acosh", [](double x) { return 1 / std::sqrt(x * x - 1); }, 1.7},
    {"asin", [](double x) { return 1 / std::sqrt(1 - x * x); }, -0.6},
    {"asinh", [](double x) { return 1 / std::sqrt(1 + x * x); }, -0.7},
    {"atan", [](double x) { return 1 / (1 + x * x); }, 0.7},
    {"atanh", [](double x) { return 1 / (1 - x * x); }, -0.7},
    {"cbrt", [](double x) { return 1 / (3 * std::cbrt(x * x)); }, -0.7},
    {"cosh", [](double x) { return std::sinh(x); }, 0.7},
    {"digamma", [](double) { return 2.834049156694611; }, 0.7},
    {"digamma", [](double) { return 14.28618087263834; }, -0.7},
    {"erfc", [](double x) { return -2 / std::sqrt(M_PI) * std::exp(-x * x); }, 1.7},
    {"exp2", [](double x) { return M_LN2 * std::exp2(x); }, 0.7},
    {"lambert_w", [](double) { return 2.2247407430170174; }, -0.25},
    {"lgamma", [](double) { return -1.2200235536979347; }, 0.7},
    {"log10", [](double x) { return 1 / (M_LN10 * x); }, 0.7},
    {"log2", [](double x) { return 1 / (M_LN2 * x); }, 0.7},
    {"normal_cdf", [](double x) { return std::exp(-x * x / 2) / std::sqrt(2 * M_PI); }, -1.7},
    {"normal_quantile", [](double) { return 5.698059856117004; }, 0.1},
    {"sinh", [](double x) { return std::cosh(x); }, -0.7},
};

/// f(x) for a scalar type that the caller perturbs.
template <typename S>
static S valueAt(const std::string &op, S x) {
  Program program(function({"[n], f64"}, {"[n], f64"},
                           "%y = gradus." + op + " %a0 : !gradus.array<[n], f64>\ngradus.return %y : !gradus.array<[n], f64>"));
  return program.run<S>({Array<S>::real({1}, {x})})[0].reals[0];
}

TEST(Slope, EveryUnaryOpFourWays) {
  for (const UnaryCase &test : unaryCases) {
    SCOPED_TRACE(test.op);
    double expected = test.slope(test.x), dual = slope(test.op, {test.x})[0];
    EXPECT_NEAR(dual, expected, 1e-15 * std::fmax(1, std::fabs(expected)));
    long double h = 1e-6L;
    auto difference = (valueAt<long double>(test.op, test.x + h) - valueAt<long double>(test.op, test.x - h)) / (2 * h);
    // The truncation error grows with the third derivative, which is large where the slope is.
    EXPECT_NEAR(static_cast<double>(difference), expected, 1e-11 * std::fmax(1, expected * expected));
    EXPECT_NEAR(valueAt<std::complex<double>>(test.op, {test.x, 1e-30}).imag() / 1e-30, expected, 1e-14 * std::fmax(1, std::fabs(expected)));
  }
}

TEST(Slope, ComplexErfIsAnalytic) {
  auto y = valueAt<std::complex<double>>("erf", {1, 1});
  EXPECT_NEAR(y.real(), 1.3161512816979476, 1e-14);
  EXPECT_NEAR(y.imag(), 0.19045346923783469, 1e-14);
}

TEST(Kink, AsDocumented) {
  expectSame(slope("abs", {0, -0.0, 2, -2}), {0, 0, 1, -1});
  expectSame(slope("sqrt", {0, -0.0}), {inf, inf});
  expectSame(slope("cbrt", {0, -0.0}), {inf, inf});
  for (const std::string op : {"sign", "ceil", "floor", "round", "stop", "trunc"})
    expectSame(slope(op, {0, 0.5, -3}), {0, 0, 0});
}

TEST(Kink, AnInfiniteSlopeMeetsWhatMovesAlone) {
  Program each(gradOf("%y = gradus.sqrt %v : !gradus.array<[n], f64>" + sumOfY));
  expectSame(each.run({vec({0, 4})})[1].reals, {inf, 0.25});
  // The root of a sum of squares: each square moves by 0 at 0, and 0 * inf is NaN. One that a choice leaves out does not move.
  std::string squares = "%q = gradus.mul %v, %v : !gradus.array<[n], f64>\n", root = "\n%s = gradus.sqrt %r : !gradus.array<[], f64>";
  std::string sum = "%r = gradus.reduce sum %y axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>";
  std::string chosen = "%k = gradus.constant dense<0.0> : tensor<f64>\n%z = gradus.broadcast %k axes [] : !gradus.array<[], f64> to !gradus.array<[n], f64>\n"
                       "%c = gradus.compare gt %v, %z : !gradus.array<[n], f64> -> !gradus.array<[n], i1>\n"
                       "%y = gradus.select %c, %q, %z : !gradus.array<[n], i1>, !gradus.array<[n], f64>\n";
  Program all(gradOf(squares + "%y = gradus.neg %q : !gradus.array<[n], f64>\n" + sum + root));
  expectSame(all.run({vec({0, 0})})[1].reals, {qnan, qnan});
  Program some(gradOf(squares + chosen + sum + root));
  expectSame(some.run({vec({0, 0})})[1].reals, {0, 0});
  expectSame(some.run({vec({0, 2})})[1].reals, {0, 1});
}

/// The slopes of a binary op in both arguments.
static std::pair<Values, Values> slopes(const std::string &op, const Values &a, const Values &b) {
  Program program(function({"[n], f64", "[n], f64"}, {"[], f64"},
                           "%y = gradus." + op + " %a0, %a1 : !gradus.array<[n], f64>" + sumOfY + "\ngradus.return %s : !gradus.array<[], f64>"));
  std::string error;
  auto result = evaluateGradients<double>(program.func(), {vec(a), vec(b)}, {0, 1}, error);
  EXPECT_TRUE(succeeded(result)) << error;
  return {result->gradients[0].reals, result->gradients[1].reals};
}

TEST(Kink, TiesGoToTheFirst) {
  auto [maxA, maxB] = slopes("max", {1, 3, 1}, {1, 2, 2});
  expectSame(maxA, {1, 1, 0});
  expectSame(maxB, {0, 0, 1});
  auto [minA, minB] = slopes("min", {1, 3, 1}, {1, 2, 2});
  expectSame(minA, {1, 0, 1});
  expectSame(minB, {0, 1, 0});
}

TEST(Slope, BinaryOps) {
  auto [divA, divB] = slopes("div", {3}, {2});
  expectNear(divA, {0.5});
  expectNear(divB, {-0.75});
  auto [powA, powB] = slopes("pow", {2, 0, 0, 0}, {3, 2, 0, 1});
  expectNear(powA, {12, 0, 0, 1});
  expectNear(powB, {8 * std::log(2.0), 0, 0, 0});
  auto [modA, modB] = slopes("mod", {5.5}, {2});
  expectNear(modA, {1});
  expectNear(modB, {-2});
  auto [mulA, mulB] = slopes("mul", {5}, {2});
  expectNear(mulA, {2});
  expectNear(mulB, {5});
}

TEST(Kink, Reductions) {
  const std::string types = " axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>";
  Program max(gradOf("%s = gradus.reduce max %v" + types)), norm(gradOf("%s = gradus.norm %v" + types));
  Program prod(gradOf("%s = gradus.reduce prod %v" + types)), lse(gradOf("%s = gradus.logsumexp %v" + types));
  expectSame(max.run({vec({1, 3, 3})})[1].reals, {0, 1, 0});
  expectSame(max.run({vec({-inf, -inf})})[1].reals, {1, 0});
  expectSame(norm.run({vec({0, 0})})[1].reals, {0, 0});
  expectNear(norm.run({vec({3, 4})})[1].reals, {0.6, 0.8});
  expectSame(prod.run({vec({0, 3, 5})})[1].reals, {15, 0, 0});
  expectNear(lse.run({vec({1000, 1000})})[1].reals, {0.5, 0.5});
  expectSame(lse.run({vec({-inf, -inf})})[1].reals, {qnan, qnan});
  expectSame(lse.run({vec({inf, 1})})[1].reals, {qnan, 0});
  expectSame(lse.run({vec({-inf, 1})})[1].reals, {0, 1});
}

TEST(Kink, SelectHidesTheOtherBranch) {
  Program program(gradOf("%q = gradus.sqrt %v : !gradus.array<[n], f64>\n"
                         "%z = gradus.mul %v, %v : !gradus.array<[n], f64>\n"
                         "%c = gradus.compare gt %v, %z : !gradus.array<[n], f64> -> !gradus.array<[n], i1>\n"
                         "%y = gradus.select %c, %q, %z : !gradus.array<[n], i1>, !gradus.array<[n], f64>" + sumOfY));
  expectNear(program.run({vec({0, 0.25, -1})})[1].reals, {0, 1, -2});
}

TEST(Grad, MoreElementsThanTangents) {
  Program program(gradOf("%y = gradus.mul %v, %v : !gradus.array<[n], f64>" + sumOfY));
  Values x(21), expected(21);
  for (int i = 0; i < 21; ++i)
    expected[i] = 2 * (x[i] = i - 10);
  Arrays<double> results = program.run({vec(x)});
  EXPECT_EQ(results[0].reals[0], 770);
  EXPECT_EQ(results[1].reals, expected);
}

TEST(Grad, NoElementStillHasAValue) {
  Program program(gradOf("%y = gradus.exp %v : !gradus.array<[n], f64>" + sumOfY));
  Arrays<double> results = program.run({vec({})});
  expectSame(results[0].reals, {0});
  expectSame(results[1].reals, {});
}

/// d/dx applied `order` times to sin(x) exp(2 x) of a scalar, by nested regions.
static std::string nested(int order) {
  std::string scalar = "!gradus.array<[], f64>", open, close;
  for (int k = 1; k <= order; ++k) {
    std::string n = std::to_string(k), before = k == 1 ? "%a0" : "%x" + std::to_string(k - 1);
    open += "%v" + n + ", %d" + n + " = gradus.grad (" + before + ") : (" + scalar + ") -> (" + scalar + ", " + scalar + ") {\n^bb0(%x" + n + ": " + scalar + "):\n";
    close = "}\n" + (k == 1 ? "gradus.return %d1 : " : "gradus.yield %d" + n + " : ") + scalar + "\n" + close;
  }
  std::string x = "%x" + std::to_string(order);
  return function({"[], f64"}, {"[], f64"},
                  open + "%e = gradus.add " + x + ", " + x + " : " + scalar + "\n%f = gradus.exp %e : " + scalar + "\n%g = gradus.sin " + x + " : " +
                      scalar + "\n%h = gradus.mul %f, %g : " + scalar + "\ngradus.yield %h : " + scalar + "\n" + close);
}

TEST(Grad, NestsToTheThirdOrder) {
  // The k-th derivative of Im e^((2 + i) x) is Im (2 + i)^k e^((2 + i) x).
  double x = 0.3;
  std::complex<double> c(2, 1), z = std::exp(c * x);
  for (int order = 1; order <= 3; ++order) {
    Program program(nested(order));
    expectNear(program.run({A::scalar(x)})[0].reals, {(std::pow(c, order) * z).imag()}, 1e-13);
  }
  Program second(nested(2));
  auto precise = second.run<long double>({Array<long double>::scalar(0.3L)});
  EXPECT_NEAR(static_cast<double>(precise[0].reals[0]), (c * c * z).imag(), 1e-14);
  Program first(nested(1)); // a complex step through a dual number: a second derivative
  auto step = first.run<std::complex<double>>({Array<std::complex<double>>::scalar({x, 1e-30})});
  EXPECT_NEAR(step[0].reals[0].imag() / 1e-30, (c * c * z).imag(), 1e-13);
}

TEST(Grad, BeyondTheNestingIsAnError) {
  Program program(nested(4));
  EXPECT_NE(program.runError({A::scalar(1)}).find("derivatives of order 4 are beyond"), std::string::npos);
}

TEST(Grad, WhatIsReadFromOutsideIsConstant) {
  // d/dx (x * d/dy (x * y^2) at y = x) = d/dx (2 x^3) = 6 x^2, with the inner x constant for the inner derivative only.
  std::string s = "!gradus.array<[], f64>";
  Program program(function({"[], f64"}, {"[], f64"},
                           "%v, %d = gradus.grad (%a0) : (" + s + ") -> (" + s + ", " + s + ") {\n^bb0(%x: " + s + "):\n"
                           "%u, %e = gradus.grad (%x) : (" + s + ") -> (" + s + ", " + s + ") {\n^bb0(%y: " + s + "):\n"
                           "%p = gradus.mul %y, %y : " + s + "\n%q = gradus.mul %x, %p : " + s + "\ngradus.yield %q : " + s + "\n}\n"
                           "%r = gradus.mul %x, %e : " + s + "\ngradus.yield %r : " + s + "\n}\ngradus.return %d : " + s));
  expectNear(program.run({A::scalar(2)})[0].reals, {24});
}
