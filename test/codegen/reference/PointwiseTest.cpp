//===- PointwiseTest.cpp - Elementwise ops at ordinary and at special numbers ---===//

#include "Parse.h"

using namespace gradus::reference;

static Values unary(const std::string &op, const Values &x) {
  Program program(function({"[n], f64"}, {"[n], f64"},
                           "%y = gradus." + op + " %a0 : !gradus.array<[n], f64>\n gradus.return %y : !gradus.array<[n], f64>"));
  return program.run({vec(x)})[0].reals;
}
static A binary(const std::string &op, const A &a, const A &b) {
  std::string type = std::string("[n], ") + (a.kind == Kind::Real ? "f64" : a.kind == Kind::Integer ? "i64" : "i1");
  Program program(function({type, type}, {type}, "%y = gradus." + op + " %a0, %a1 : !gradus.array<" + type +
                                                     ">\n gradus.return %y : !gradus.array<" + type + ">"));
  return program.run({a, b})[0];
}

TEST(Unary, RoundsAndSigns) {
  expectSame(unary("abs", {-2, -0.0, 0, inf, -inf, qnan}), {2, 0, 0, inf, inf, qnan});
  expectSame(unary("ceil", {1.2, -0.5, 2, inf, qnan}), {2, -0.0, 2, inf, qnan});
  expectSame(unary("floor", {1.2, -0.5, -0.0, -inf, qnan}), {1, -1, -0.0, -inf, qnan});
  expectSame(unary("neg", {1, 0, -0.0, inf, qnan}), {-1, -0.0, 0, -inf, qnan});
  expectSame(unary("sign", {-3, -0.0, 0, inf, qnan}), {-1, 0, 0, 1, qnan});
  expectSame(unary("stop", {1, -0.0, qnan}), {1, -0.0, qnan});
}

TEST(Unary, Transcendental) {
  expectNear(unary("cos", {0, 1}), {1, 0.5403023058681398});
  expectNear(unary("erf", {0, 0.5, -6}), {0, 0.5204998778130465, -1});
  expectSame(unary("exp", {0, -inf, inf, qnan}), {1, 0, inf, qnan});
  expectNear(unary("expm1", {1e-20, 1}), {1e-20, 1.718281828459045}, 1e-15);
  EXPECT_EQ(unary("expm1", {1e-20})[0], 1e-20);
  expectSame(unary("log", {1, 0, -0.0, -1, inf}), {0, -inf, -inf, qnan, inf});
  EXPECT_EQ(unary("log1p", {1e-20})[0], 1e-20);
  expectNear(unary("sin", {0, 1}), {0, 0.8414709848078965});
  expectSame(unary("sqrt", {4, 0, -0.0, -1, inf}), {2, 0, -0.0, qnan, inf});
  expectNear(unary("tan", {0.5}), {0.5463024898437905});
  expectSame(unary("tanh", {0, -0.0, inf, -inf}), {0, -0.0, 1, -1});
}

TEST(Unary, DoesNotOverflow) {
  expectSame(unary("sigmoid", {0, 1000, -1000, inf, -inf, qnan}), {0.5, 1, 0, 1, 0, qnan});
  expectSame(unary("softplus", {1000, -1000, inf, -inf, qnan}), {1000, 0, inf, 0, qnan});
  expectNear(unary("softplus", {0}), {0.6931471805599453});
}

/// Within four last places.
static void expectClose(const Values &got, const Values &expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_LE(std::fabs(got[i] - expected[i]), 4 * std::numeric_limits<double>::epsilon() * std::fabs(expected[i])) << i << ": " << got[i] << ", not " << expected[i];
}

/// At points where a formula that cancels or overflows would show; to 16 digits by mpmath.
TEST(Unary, InverseHyperbolicAndSpecial) {
  expectClose(unary("acos", {-0.75, 0.999999}), {2.4188584057763776, 0.0014142136802445852});
  expectClose(unary("acosh", {1.000001, 1e+200}), {0.00141421344446382, 461.2101657793691});
  expectClose(unary("asin", {-0.75, 1e-10}), {-0.848062078981481, 1e-10});
  expectClose(unary("asinh", {-1e-10, 3, 1e+200}), {-1e-10, 1.8184464592320668, 461.2101657793691});
  expectClose(unary("atan", {-3, 10000000000.0}), {-1.2490457723982544, 1.5707963266948965});
  expectClose(unary("atanh", {0.5, -0.999999}), {0.5493061443340549, -7.254328619247669});
  expectClose(unary("cbrt", {-27.5, 1e-300}), {-3.018405368398843, 1e-100});
  expectClose(unary("cosh", {-3, 710}), {10.067661995777765, 1.1169973830808555e+308});
  expectClose(unary("digamma", {0.25, 1.5, 30, -1.5, -10.75}), {-4.2274535333762655, 0.03648997397857652, 3.384438132685525, 0.7031566406452432, -0.7208957601671612});
  expectClose(unary("erfc", {-1, 0.3, 5, 26}), {1.8427007929497148, 0.6713732405408726, 1.537459794428035e-12, 5.663192408856143e-296});
  expectClose(unary("exp2", {-1074, 0.5}), {5e-324, 1.4142135623730951});
  expectClose(unary("lambert_w", {-0.3678794411714423, -0.3, 0.001, 1, 1e+300}), {-0.9999999846957459, -0.4894022271802149, 0.0009990014973385308, 0.5671432904097838, 684.2472086297608});
  expectClose(unary("lgamma", {1e-10, 0.5, 3.7, 10000000000.0, -2.5, -30.25}), {23.025850929882736, 0.5723649429247001, 1.428072326665388, 220258509288.81058, -0.056243716497674054, -74.02239745035548});
  expectClose(unary("log10", {1e-310, 7}), {-310.0, 0.8450980400142568});
  expectClose(unary("log2", {1e-310, 7}), {-1029.7977094150824, 2.807354922057604});
  expectClose(unary("normal_cdf", {-37, -1, 0.3, 3}), {5.725571222524577e-300, 0.15865525393145705, 0.6179114221889527, 0.9986501019683699});
  expectClose(unary("normal_quantile", {1e-300, 0.01, 0.500001, 0.99}), {-37.0470962993612, -2.326347874040841, 2.5066282747057052e-06, 2.3263478740408408});
  expectClose(unary("sinh", {1e-10, -3, 710}), {1e-10, -10.017874927409903, 1.1169973830808555e+308});
  expectClose(unary("trigamma", {0.25, 3, 100, -1.5}), {17.19732915450711, 0.39493406684822646, 0.010050166663333571, 9.379246644989124});
}

TEST(Unary, EndsOfDomains) {
  expectSame(unary("acosh", {1, 0.5, -2, inf}), {0, qnan, qnan, inf});
  expectSame(unary("atanh", {-0.0, 1, -1, 2}), {-0.0, inf, -inf, qnan});
  expectSame(unary("asin", {-0.0, 2, qnan}), {-0.0, qnan, qnan});
  expectSame(unary("cbrt", {-0.0, -8, inf}), {-0.0, -2, inf});
  expectSame(unary("digamma", {0, -0.0, -3, inf, -inf}), {qnan, qnan, qnan, inf, qnan});
  expectSame(unary("lambert_w", {0, -0.0, -0.4, inf, -inf}), {0, -0.0, qnan, inf, qnan});
  expectSame(unary("lgamma", {0, 1, 2, -3, inf, -inf}), {inf, 0, 0, inf, inf, inf});
  expectSame(unary("normal_cdf", {0, inf, -inf, qnan}), {0.5, 1, 0, qnan});
  expectSame(unary("normal_quantile", {0.5, 0, 1, -0.1, 1.1}), {0, -inf, inf, qnan, qnan});
  expectSame(unary("round", {0.5, 1.5, -0.5, 2.5, -inf}), {0, 2, -0.0, 2, -inf});
  expectSame(unary("trigamma", {0, -3, inf, -inf}), {inf, inf, 0, inf});
  expectSame(unary("trunc", {1.7, -1.7, -0.5, qnan}), {1, -1, -0.0, qnan});
}

TEST(Binary, AnglesAndHypotenuses) {
  expectSame(binary("atan2", vec({0, -0.0, 0, -0.0, qnan}), vec({1, 1, -1, -1, 1})).reals, {0, -0.0, M_PI, -M_PI, qnan});
  expectSame(binary("hypot", vec({3, inf, 0, 0x3p600}), vec({4, qnan, -0.0, 0x4p600})).reals, {5, inf, 0, 0x5p600});
}

TEST(Unary, EmptyArray) { expectSame(unary("exp", {}), {}); }

TEST(Binary, Arithmetic) {
  expectSame(binary("add", vec({1, 0, inf}), vec({2, -0.0, -inf})).reals, {3, 0, qnan});
  expectSame(binary("sub", vec({1, 0}), vec({2, 0})).reals, {-1, 0});
  expectSame(binary("mul", vec({2, 0, 0}), vec({3, -1, inf})).reals, {6, -0.0, qnan});
  expectSame(binary("div", vec({1, 1, 0, -1}), vec({4, 0, 0, 0})).reals, {0.25, inf, qnan, -inf});
  expectSame(binary("pow", vec({2, 0, -8, -2, 0, qnan}), vec({3, 0, 1.0 / 3, 3, -1, 0})).reals, {8, 1, qnan, -8, inf, 1});
  expectSame(binary("mod", vec({5, -5, 5}), vec({3, 3, -3})).reals, {2, 1, -1});
}

TEST(Binary, ExtremaPropagateNaNAndTakeTheFirstOfATie) {
  expectSame(binary("max", vec({1, qnan, 1, 0, -0.0}), vec({2, 1, qnan, -0.0, 0})).reals, {2, qnan, qnan, 0, -0.0});
  expectSame(binary("min", vec({1, qnan, 1, 0, -0.0}), vec({2, 1, qnan, -0.0, 0})).reals, {1, qnan, qnan, 0, -0.0});
}

TEST(Binary, Integers) {
  EXPECT_EQ(binary("int_div", ivec({7, -7, 7, -7, 6, 1, INT64_MIN}), ivec({2, 2, -2, -2, 3, 0, -1})).ints,
            (Ints{3, -4, -4, 3, 2, 0, INT64_MIN}));
  EXPECT_EQ(binary("mod", ivec({7, -7, 7, 5}), ivec({3, 3, -3, 0})).ints, (Ints{1, 2, -2, 0}));
  EXPECT_EQ(binary("add", ivec({INT64_MAX}), ivec({1})).ints, (Ints{INT64_MIN}));
  EXPECT_EQ(binary("max", ivec({1, 5}), ivec({2, -5})).ints, (Ints{2, 5}));
  EXPECT_EQ(binary("and", bvec({0, 0, 1, 1}), bvec({0, 1, 0, 1})).ints, (Ints{0, 0, 0, 1}));
  EXPECT_EQ(binary("or", bvec({0, 0, 1, 1}), bvec({0, 1, 0, 1})).ints, (Ints{0, 1, 1, 1}));
}

TEST(IntPow, BySquaring) {
  Program program(function({"[n], f64", "[], i64"}, {"[n], f64"},
                           "%y = gradus.int_pow %a0, %a1 : !gradus.array<[n], f64>, !gradus.array<[], i64>\n"
                           "gradus.return %y : !gradus.array<[n], f64>"));
  expectSame(program.run({vec({2, -3, qnan, 0}), A::scalarInt(0)})[0].reals, {1, 1, 1, 1});
  expectSame(program.run({vec({2, -3, 0}), A::scalarInt(5)})[0].reals, {32, -243, 0});
  expectSame(program.run({vec({2, -4, 0}), A::scalarInt(-1)})[0].reals, {0.5, -0.25, inf});
}

static Ints compare(const std::string &predicate, Values a, Values b) {
  Program program(function({"[n], f64", "[n], f64"}, {"[n], i1"},
                           "%y = gradus.compare " + predicate + " %a0, %a1 : !gradus.array<[n], f64> -> !gradus.array<[n], i1>\n"
                           "gradus.return %y : !gradus.array<[n], i1>"));
  return program.run({vec(a), vec(b)})[0].ints;
}

TEST(Compare, NaNIsUnequalAlone) {
  Values a{1, 2, 2, qnan, 0}, b{2, 2, 1, qnan, -0.0};
  EXPECT_EQ(compare("eq", a, b), (Ints{0, 1, 0, 0, 1}));
  EXPECT_EQ(compare("ne", a, b), (Ints{1, 0, 1, 1, 0}));
  EXPECT_EQ(compare("lt", a, b), (Ints{1, 0, 0, 0, 0}));
  EXPECT_EQ(compare("le", a, b), (Ints{1, 1, 0, 0, 1}));
  EXPECT_EQ(compare("gt", a, b), (Ints{0, 0, 1, 0, 0}));
  EXPECT_EQ(compare("ge", a, b), (Ints{0, 1, 1, 0, 1}));
}

TEST(Select, DoesNotSeeTheOtherBranch) {
  Program program(function({"[n], i1", "[n], f64", "[n], f64"}, {"[n], f64"},
                           "%y = gradus.select %a0, %a1, %a2 : !gradus.array<[n], i1>, !gradus.array<[n], f64>\n"
                           "gradus.return %y : !gradus.array<[n], f64>"));
  expectSame(program.run({bvec({1, 0}), vec({1, qnan}), vec({inf, 2})})[0].reals, {1, 2});
}

static A castTo(const std::string &from, const std::string &to, const A &x) {
  Program program(function({"[n], " + from}, {"[n], " + to},
                           "%y = gradus.cast %a0 : !gradus.array<[n], " + from + "> to !gradus.array<[n], " + to + ">\n"
                           "gradus.return %y : !gradus.array<[n], " + to + ">"));
  return program.run({x})[0];
}

TEST(Cast, RoundsToSixteenBitsAndSaturatesIntegers) {
  expectSame(castTo("f64", "bf16", vec({0.1, 1e39})).reals, {0.10009765625, inf});
  EXPECT_EQ(castTo("f64", "i64", vec({1.9, -1.9, qnan, inf, -1e30})).ints, (Ints{1, -1, 0, INT64_MAX, INT64_MIN}));
  EXPECT_EQ(castTo("f64", "i32", vec({1e10, -1e10})).ints, (Ints{INT32_MAX, INT32_MIN}));
  EXPECT_EQ(castTo("f64", "i1", vec({0, -0.0, 0.5, qnan})).ints, (Ints{0, 0, 1, 1}));
  expectSame(castTo("i1", "f64", bvec({0, 1})).reals, {0, 1});
  expectSame(castTo("i64", "f32", ivec({-3})).reals, {-3});
}
