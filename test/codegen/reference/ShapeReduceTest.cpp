//===- ShapeReduceTest.cpp - Moves, gathers, reductions, contractions ------------===//

#include "Parse.h"

using namespace gradus::reference;

static A one(const std::string &body, std::vector<std::string> types, const std::string &result, const Arrays<double> &args) {
  Program program(function(types, {result}, "%y = " + body + "\n gradus.return %y : !gradus.array<" + result + ">"));
  Arrays<double> results = program.run(args);
  return results.empty() ? A() : results[0];
}
static const A matrix = A::real({2, 3}, {1, 2, 3, 4, 5, 6});

TEST(Make, ConstantDimIota) {
  expectSame(one("gradus.constant dense<[1.0, -0.0]> : tensor<2xf32>", {}, "[2], f32", {}).reals, {1, -0.0});
  EXPECT_EQ(one("gradus.constant dense<true> : tensor<i1>", {}, "[], i1", {}).ints, (Ints{1}));
  EXPECT_EQ(one("gradus.constant dense<-7> : tensor<i64>", {}, "[], i64", {}).ints, (Ints{-7}));
  EXPECT_EQ(one("gradus.dim \"c\"", {"[n, c], f64"}, "[], i64", {matrix}).ints, (Ints{3}));
  EXPECT_EQ(one("gradus.dim \"a0.numel\"", {"[n, c], f64"}, "[], i64", {matrix}).ints, (Ints{6}));
  EXPECT_EQ(one("gradus.iota 1 : !gradus.array<[n, c], i64>", {"[n, c], f64"}, "[n, c], i64", {matrix}).ints, (Ints{0, 1, 2, 0, 1, 2}));
  EXPECT_EQ(one("gradus.iota 0 : !gradus.array<[n, c], i64>", {"[n, c], f64"}, "[n, c], i64", {matrix}).ints, (Ints{0, 0, 0, 1, 1, 1}));
}

TEST(Move, BroadcastReshapeTranspose) {
  const std::string to = "!gradus.array<[2, 3], f64>";
  expectSame(one("gradus.broadcast %a0 axes [1] : !gradus.array<[3], f64> to " + to, {"[3], f64"}, "[2, 3], f64", {vec({1, 2, 3})}).reals,
             {1, 2, 3, 1, 2, 3});
  expectSame(one("gradus.broadcast %a0 axes [0] : !gradus.array<[2], f64> to " + to, {"[2], f64"}, "[2, 3], f64", {vec({1, 2})}).reals,
             {1, 1, 1, 2, 2, 2});
  expectSame(one("gradus.broadcast %a0 axes [0, 1] : !gradus.array<[1, 3], f64> to " + to, {"[1, 3], f64"}, "[2, 3], f64",
                 {A::real({1, 3}, {1, 2, 3})}).reals, {1, 2, 3, 1, 2, 3});
  expectSame(one("gradus.broadcast %a0 axes [] : !gradus.array<[], f64> to " + to, {"[], f64"}, "[2, 3], f64", {A::scalar(7)}).reals,
             {7, 7, 7, 7, 7, 7});
  A flat = one("gradus.reshape %a0 : !gradus.array<[n, c], f64> to !gradus.array<[a0.numel], f64>", {"[n, c], f64"}, "[a0.numel], f64", {matrix});
  EXPECT_EQ(flat.shape, Shape{6});
  A free = one("gradus.reshape %a0 : !gradus.array<[n, c], f64> to !gradus.array<[k, 2], f64>", {"[n, c], f64"}, "[k, 2], f64", {matrix});
  EXPECT_EQ(free.shape, (Shape{3, 2}));
  expectSame(one("gradus.transpose %a0 permutation [1, 0] : !gradus.array<[n, c], f64> to !gradus.array<[c, n], f64>", {"[n, c], f64"},
                 "[c, n], f64", {matrix}).reals, {1, 4, 2, 5, 3, 6});
  A cube = A::real({2, 1, 3}, {1, 2, 3, 4, 5, 6});
  expectSame(one("gradus.transpose %a0 permutation [2, 0, 1] : !gradus.array<[a, b, c], f64> to !gradus.array<[c, a, b], f64>",
                 {"[a, b, c], f64"}, "[c, a, b], f64", {cube}).reals, {1, 4, 2, 5, 3, 6});
}

static const std::string gatherText = "gradus.gather %a0[%a1, %a2] : !gradus.array<[n, c], f64>, (!gradus.array<[p], i64>, "
                                      "!gradus.array<[p], i64>) -> !gradus.array<[p], f64>";
static const std::vector<std::string> gatherTypes{"[n, c], f64", "[p], i64", "[p], i64"};

TEST(Gather, ReadsByIndex) {
  expectSame(one(gatherText, gatherTypes, "[p], f64", {matrix, ivec({1, 0, 1}), ivec({2, 0, 2})}).reals, {6, 1, 6});
  expectSame(one(gatherText, gatherTypes, "[p], f64", {matrix, ivec({}), ivec({})}).reals, {});
}

TEST(Gather, OutOfRangeIsAnError) {
  Program program(function(gatherTypes, {"[p], f64"}, "%y = " + gatherText + "\ngradus.return %y : !gradus.array<[p], f64>"));
  EXPECT_EQ(program.runError({matrix, ivec({0}), ivec({3})}), "test:2:6: gradus.gather: index 3 is outside axis 1 of size 3");
  EXPECT_EQ(program.runError({matrix, ivec({-1}), ivec({0})}), "test:2:6: gradus.gather: index -1 is outside axis 0 of size 2");
}

TEST(ScatterAdd, AddsDuplicatesInOrder) {
  A y = one("gradus.scatter_add %a0[%a1], %a2 : !gradus.array<[n], f64>, (!gradus.array<[p], i64>), !gradus.array<[p], f64>",
            {"[n], f64", "[p], i64", "[p], f64"}, "[n], f64", {vec({10, 20, 30}), ivec({2, 0, 2}), vec({1, 2, 3})});
  expectSame(y.reals, {12, 20, 34});
}

static A reduce(const std::string &kind, const A &x, const std::string &axes, const std::string &result, const std::string &element = "f64") {
  std::string type = std::string(x.shape.size() == 2 ? "[n, c], " : "[n], ") + element;
  return one("gradus.reduce " + kind + " %a0 axes " + axes + " : !gradus.array<" + type + "> to !gradus.array<" + result + ">", {type}, result, {x});
}

TEST(Reduce, OverAxes) {
  expectSame(reduce("sum", matrix, "[0]", "[c], f64").reals, {5, 7, 9});
  expectSame(reduce("sum", matrix, "[1]", "[n], f64").reals, {6, 15});
  expectSame(reduce("sum", matrix, "[0, 1]", "[], f64").reals, {21});
  expectSame(reduce("prod", matrix, "[1]", "[n], f64").reals, {6, 120});
  expectSame(reduce("max", matrix, "[0]", "[c], f64").reals, {4, 5, 6});
  expectSame(reduce("min", matrix, "[1]", "[n], f64").reals, {1, 4});
}

TEST(Reduce, SpecialNumbersAndNoElement) {
  expectSame(reduce("max", vec({1, qnan, 3}), "[0]", "[], f64").reals, {qnan});
  expectSame(reduce("min", vec({-inf, 3}), "[0]", "[], f64").reals, {-inf});
  expectSame(reduce("max", vec({-inf, -inf}), "[0]", "[], f64").reals, {-inf});
  expectSame(reduce("sum", vec({}), "[0]", "[], f64").reals, {0});
  expectSame(reduce("prod", vec({}), "[0]", "[], f64").reals, {1});
  expectSame(reduce("max", vec({}), "[0]", "[], f64").reals, {-inf});
  expectSame(reduce("min", vec({}), "[0]", "[], f64").reals, {inf});
  EXPECT_EQ(reduce("any", bvec({}), "[0]", "[], i1", "i1").ints, (Ints{0}));
  EXPECT_EQ(reduce("all", bvec({}), "[0]", "[], i1", "i1").ints, (Ints{1}));
  EXPECT_EQ(reduce("any", bvec({0, 1}), "[0]", "[], i1", "i1").ints, (Ints{1}));
  EXPECT_EQ(reduce("all", bvec({0, 1}), "[0]", "[], i1", "i1").ints, (Ints{0}));
  EXPECT_EQ(reduce("sum", ivec({2, 3}), "[0]", "[], i64", "i64").ints, (Ints{5}));
  EXPECT_EQ(reduce("max", ivec({-2, -3}), "[0]", "[], i64", "i64").ints, (Ints{-2}));
}

TEST(Reduce, LogSumExpAndNorm) {
  auto over = [](const std::string &op, Values x) {
    return one("gradus." + op + " %a0 axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>", {"[n], f64"}, "[], f64", {vec(x)}).reals;
  };
  expectNear(over("logsumexp", {1000, 1000}), {1000 + 0.6931471805599453});
  expectSame(over("logsumexp", {}), {-inf});
  expectSame(over("logsumexp", {-inf, -inf}), {-inf});
  expectSame(over("logsumexp", {inf, 1}), {inf});
  expectSame(over("logsumexp", {qnan, 1}), {qnan});
  expectSame(over("norm", {3, -4}), {5});
  expectSame(over("norm", {}), {0});
}

TEST(ArgReduce, FirstBestAndNaN) {
  auto best = [](const std::string &kind, Values x) {
    return one("gradus.arg_reduce " + kind + " %a0 axis 0 : !gradus.array<[n], f64> to !gradus.array<[], i64>", {"[n], f64"}, "[], i64", {vec(x)}).ints;
  };
  EXPECT_EQ(best("max", {1, 3, 3}), (Ints{1}));
  EXPECT_EQ(best("min", {2, 0.0, -0.0}), (Ints{1}));
  EXPECT_EQ(best("max", {1, qnan, inf, qnan}), (Ints{1}));
  EXPECT_EQ(best("min", {1, -inf, qnan}), (Ints{2}));
  EXPECT_EQ(best("max", {}), (Ints{-1}));
  EXPECT_EQ(one("gradus.arg_reduce max %a0 axis 0 : !gradus.array<[n, c], f64> to !gradus.array<[c], i64>", {"[n, c], f64"}, "[c], i64",
                {A::real({2, 3}, {1, 9, 3, 4, 5, 3})}).ints, (Ints{1, 0, 0}));
}

TEST(Contract, MatrixProductsTracesAndOuterProducts) {
  A b = A::real({3, 2}, {1, 0, 0, 1, 1, 1});
  expectSame(one("gradus.contract %a0 [0, 1], %a1 [1, 2] -> [0, 2] : !gradus.array<[n, d], f64>, !gradus.array<[d, c], f64> -> !gradus.array<[n, c], f64>",
                 {"[n, d], f64", "[d, c], f64"}, "[n, c], f64", {matrix, b}).reals, {4, 5, 10, 11});
  expectSame(one("gradus.contract %a0 [0, 1], %a1 [1, 2] -> [2, 0] : !gradus.array<[n, d], f64>, !gradus.array<[d, c], f64> -> !gradus.array<[c, n], f64>",
                 {"[n, d], f64", "[d, c], f64"}, "[c, n], f64", {matrix, b}).reals, {4, 10, 5, 11});
  expectSame(one("gradus.contract %a0 [0], %a1 [0] -> [] : !gradus.array<[n], f64>, !gradus.array<[n], f64> -> !gradus.array<[], f64>",
                 {"[n], f64", "[n], f64"}, "[], f64", {vec({1, 2}), vec({3, 4})}).reals, {11});
  expectSame(one("gradus.contract %a0 [0], %a1 [1] -> [1, 0] : !gradus.array<[n], f64>, !gradus.array<[m], f64> -> !gradus.array<[m, n], f64>",
                 {"[n], f64", "[m], f64"}, "[m, n], f64", {vec({1, 2}), vec({3, 4})}).reals, {3, 6, 4, 8});
  expectSame(one("gradus.contract %a0 [0], %a1 [1] -> [0] : !gradus.array<[n], f64>, !gradus.array<[m], f64> -> !gradus.array<[n], f64>",
                 {"[n], f64", "[m], f64"}, "[n], f64", {vec({1, 2}), vec({})}).reals, {0, 0});
}

TEST(Arguments, WrongOnesAreNamed) {
  Program program(function({"[n], f64", "[n], f64"}, {"[n], f64"}, "gradus.return %a0 : !gradus.array<[n], f64>"));
  EXPECT_EQ(program.runError({vec({1, 2}), vec({1})}), "test:1:1: gradus.func: argument 'a1' has the shape [1], but 'n' is 2 here");
  EXPECT_EQ(program.runError({vec({1, 2})}), "test:1:1: gradus.func: expects 2 arguments, but got 1");
  EXPECT_EQ(program.runError({vec({1}), ivec({1})}), "test:1:1: gradus.func: argument 'a1' expects floating elements, but got integer ones");
  EXPECT_EQ(program.runError({vec({1}), matrix}), "test:1:1: gradus.func: argument 'a1' expects 1 axes, but got the shape [2, 3]");
}

TEST(Arguments, TooLargeAnArrayIsAnError) {
  Program program(function({"[], f64"}, {"[4294967296, 4294967296], f64"},
                           "%y = gradus.broadcast %a0 axes [] : !gradus.array<[], f64> to !gradus.array<[4294967296, 4294967296], f64>\n"
                           "gradus.return %y : !gradus.array<[4294967296, 4294967296], f64>"));
  EXPECT_NE(program.runError({A::scalar(1)}).find("too large for the reference evaluator"), std::string::npos);
}
