//===- ControlTest.cpp - Loops, every, plans, collections, claims, refusals -----===//

#include "Parse.h"

using namespace gradus::reference;

TEST(Loop, CarriesValues) {
  Program program(function({"[], i64", "[n], f64"}, {"[n], f64", "[], i64"},
                           "%z = gradus.constant dense<0> : tensor<i64>\n"
                           "%y, %k = gradus.loop %a0 init(%a1, %z) : !gradus.array<[], i64>, (!gradus.array<[n], f64>, !gradus.array<[], i64>) {\n"
                           "^bb0(%i: !gradus.array<[], i64>, %v: !gradus.array<[n], f64>, %w: !gradus.array<[], i64>):\n"
                           "%s = gradus.add %v, %v : !gradus.array<[n], f64>\n"
                           "%t = gradus.add %w, %i : !gradus.array<[], i64>\n"
                           "gradus.yield %s, %t : !gradus.array<[n], f64>, !gradus.array<[], i64>\n}\n"
                           "gradus.return %y, %k : !gradus.array<[n], f64>, !gradus.array<[], i64>"));
  Arrays<double> four = program.run({A::scalarInt(4), vec({1, 2})});
  expectSame(four[0].reals, {16, 32});
  EXPECT_EQ(four[1].ints, (Ints{6}));
  expectSame(program.run({A::scalarInt(-1), vec({1, 2})})[0].reals, {1, 2});
}

/// Doubles while the square is below 20, at most as often as the count says.
TEST(Loop, AsksBeforeEachPass) {
  std::string s = "!gradus.array<[], f64>", i = "!gradus.array<[], i64>";
  Program program(function({"[], i64", "[], f64"}, {"[], f64"},
                           "%bound = gradus.constant dense<20.0> : tensor<f64>\n"
                           "%y = gradus.loop %a0 init(%a1) : " + i + ", (" + s + ") {\n"
                           "^bb0(%k: " + i + ", %v: " + s + "):\n%d = gradus.add %v, %v : " + s + "\ngradus.yield %d : " + s + "\n} while {\n"
                           "^bb0(%k: " + i + ", %v: " + s + "):\n%q = gradus.mul %v, %v : " + s + "\n"
                           "%c = gradus.compare lt %q, %bound : " + s + " -> !gradus.array<[], i1>\ngradus.yield %c : !gradus.array<[], i1>\n}\n"
                           "gradus.return %y : " + s));
  expectSame(program.run({A::scalarInt(9), A::scalar(1)})[0].reals, {8});
  expectSame(program.run({A::scalarInt(2), A::scalar(1)})[0].reals, {4});
  expectSame(program.run({A::scalarInt(9), A::scalar(7)})[0].reals, {7});
}

/// The index of the branch that is not taken is outside of its axis.
TEST(If, RunsOneBranchAlone) {
  Program program(function({"[], i64", "[n], f64"}, {"[], f64"},
                           "%zero = gradus.constant dense<0> : tensor<i64>\n"
                           "%c = gradus.compare ge %a0, %zero : !gradus.array<[], i64> -> !gradus.array<[], i1>\n"
                           "%y = gradus.if %c -> (!gradus.array<[], f64>) {\n"
                           "%e = gradus.gather %a1[%a0] : !gradus.array<[n], f64>, (!gradus.array<[], i64>) -> !gradus.array<[], f64>\n"
                           "gradus.yield %e : !gradus.array<[], f64>\n} else {\n"
                           "%r = gradus.reduce sum %a1 axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>\n"
                           "gradus.yield %r : !gradus.array<[], f64>\n}\ngradus.return %y : !gradus.array<[], f64>"));
  expectSame(program.run({A::scalarInt(1), vec({2, 5})})[0].reals, {5});
  expectSame(program.run({A::scalarInt(-1), vec({2, 5})})[0].reals, {7});
  EXPECT_NE(program.runError({A::scalarInt(2), vec({2, 5})}), "");
}

TEST(Loop, DifferentiatesThrough) {
  // x^(2^3): slope 8 x^7
  std::string s = "!gradus.array<[], f64>";
  Program program(function({"[], f64"}, {"[], f64"},
                           "%n = gradus.constant dense<3> : tensor<i64>\n"
                           "%v, %d = gradus.grad (%a0) : (" + s + ") -> (" + s + ", " + s + ") {\n^bb0(%x: " + s + "):\n"
                           "%y = gradus.loop %n init(%x) : !gradus.array<[], i64>, (" + s + ") {\n"
                           "^bb0(%i: !gradus.array<[], i64>, %w: " + s + "):\n%q = gradus.mul %w, %w : " + s + "\ngradus.yield %q : " + s + "\n}\n"
                           "gradus.yield %y : " + s + "\n}\ngradus.return %d : " + s));
  expectSame(program.run({A::scalar(2)})[0].reals, {1024});
}

TEST(Every, RunsAtOneAndThenEachPeriod) {
  Program program(function({"[], i64", "[], i64", "[n], f64"}, {"[n], f64"},
                           "%y = gradus.every %a0 at %a1 keep(%a2) : !gradus.array<[], i64>, (!gradus.array<[n], f64>) {\n"
                           "%s = gradus.neg %a2 : !gradus.array<[n], f64>\ngradus.yield %s : !gradus.array<[n], f64>\n}\n"
                           "gradus.return %y : !gradus.array<[n], f64>"));
  for (int64_t t = 1; t <= 7; ++t)
    EXPECT_EQ(program.run({A::scalarInt(3), A::scalarInt(t), vec({2})})[0].reals[0], t == 1 || t == 4 || t == 7 ? -2 : 2) << t;
  for (int64_t t = 1; t <= 3; ++t) // a period below 1 is one of 1
    EXPECT_EQ(program.run({A::scalarInt(0), A::scalarInt(t), vec({2})})[0].reals[0], -2) << t;
}

/// Sum of squares over the collection, then each tensor is scaled by it; as a plan of two phases.
static const std::string openBody = R"(
  %s = gradus.phase {
    %q = gradus.kernel over [n] (%a0) : (!gradus.array<[n], f64>) -> (!gradus.array<[], f64>) {
    ^bb0(%x: !gradus.array<[n], f64>):
      %xx = gradus.mul %x, %x : !gradus.array<[n], f64>
      %r = gradus.reduce sum %xx axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>
      gradus.yield %r : !gradus.array<[], f64>
    }
    gradus.yield %q : !gradus.array<[], f64>
  } -> (!gradus.array<[], f64>)
  %t = gradus.all_reduce sum %s : !gradus.array<[], f64>
  %y = gradus.phase {
    %k = gradus.kernel over [n] (%a0, %t) : (!gradus.array<[n], f64>, !gradus.array<[], f64>) -> (!gradus.array<[n], f64>) {
    ^bb0(%x: !gradus.array<[n], f64>, %f: !gradus.array<[], f64>):
      %b = gradus.broadcast %f axes [] : !gradus.array<[], f64> to !gradus.array<[n], f64>
      %m = gradus.mul %b, %x : !gradus.array<[n], f64>
      gradus.yield %m : !gradus.array<[n], f64>
    }
    gradus.yield %k : !gradus.array<[n], f64>
  } -> (!gradus.array<[n], f64>)
  gradus.return %y : !gradus.array<[n], f64>)";

TEST(Open, ReducesOverTheCollectionInStep) {
  Program program(function({"[n], f64"}, {"[n], f64"}, openBody, "rule_step", "attributes {open}"));
  std::string error;
  auto results = evaluateOpen<double>(program.func(), {{vec({1, 2})}, {vec({3})}, {vec({})}}, error);
  ASSERT_TRUE(succeeded(results)) << error;
  expectSame((*results)[0][0].reals, {14, 28});
  expectSame((*results)[1][0].reals, {42});
  expectSame((*results)[2][0].reals, {});
  auto none = evaluateOpen<double>(program.func(), {}, error);
  EXPECT_TRUE(succeeded(none) && none->empty());
}

TEST(Open, KindsOfAllReduce) {
  for (auto [kind, expected] : std::vector<std::pair<std::string, double>>{{"sum", 2}, {"prod", 24}, {"max", 4}, {"min", -3}}) {
    Program program(function({"[], f64"}, {"[], f64"}, "%y = gradus.all_reduce " + kind + " %a0 : !gradus.array<[], f64>\ngradus.return %y : !gradus.array<[], f64>",
                             "rule_step", "attributes {open}"));
    std::string error;
    auto results = evaluateOpen<double>(program.func(), {{A::scalar(4)}, {A::scalar(-3)}, {A::scalar(2)}, {A::scalar(-1)}}, error);
    ASSERT_TRUE(succeeded(results)) << error;
    for (const Arrays<double> &slot : *results)
      EXPECT_EQ(slot[0].reals[0], expected) << kind;
  }
}

TEST(Open, GradientThroughAnAllReduceIsInOwnElements) {
  // value = (sum over slots of x)^2 for every slot; its derivative in the own x is 2 * sum.
  std::string s = "!gradus.array<[], f64>";
  Program program(function({"[], f64"}, {"[], f64"},
                           "%v, %d = gradus.grad (%a0) : (" + s + ") -> (" + s + ", " + s + ") {\n^bb0(%x: " + s + "):\n"
                           "%t = gradus.all_reduce sum %x : " + s + "\n%q = gradus.mul %t, %t : " + s + "\ngradus.yield %q : " + s + "\n}\n"
                           "gradus.return %d : " + s, "rule_step", "attributes {open}"));
  std::string error;
  auto results = evaluateOpen<double>(program.func(), {{A::scalar(1)}, {A::scalar(2)}}, error);
  ASSERT_TRUE(succeeded(results)) << error;
  EXPECT_EQ((*results)[0][0].reals[0], 6);
  EXPECT_EQ((*results)[1][0].reals[0], 6);
}

static TestResult claim(const std::string &body) {
  Program program(function({}, {}, body + "\ngradus.return", "test"));
  return runTest(program.func());
}

TEST(Claims, ExpectNamesTheFirstFalseElement) {
  TestResult good = claim("%c = gradus.constant dense<true> : tensor<2xi1>\ngradus.expect %c \"fine\" : !gradus.array<[2], i1>");
  EXPECT_TRUE(good.passed);
  EXPECT_EQ(good.claims, 1u);
  TestResult bad = claim("%c = gradus.constant dense<[[true, true], [false, true]]> : tensor<2x2xi1>\ngradus.expect %c \"a < b\" : !gradus.array<[2, 2], i1>");
  EXPECT_FALSE(bad.passed);
  ASSERT_EQ(bad.failures.size(), 1u);
  EXPECT_EQ(bad.failures[0].text, "a < b");
  EXPECT_EQ(bad.failures[0].index, (Shape{1, 0}));
}

static TestResult near(const std::string &a, const std::string &b) {
  return claim("%a = gradus.constant dense<" + a + "> : tensor<3xf64>\n%b = gradus.constant dense<" + b + "> : tensor<3xf64>\n"
               "gradus.expect_near %a, %b within 1.0e-2 \"a ~ b\" : !gradus.array<[3], f64>");
}

TEST(Claims, ExpectNearNamesTheWorstElement) {
  EXPECT_TRUE(near("[1.0, 100.9, 0.0]", "[1.01, 100.0, 0.009]").passed);
  TestResult bad = near("[1.1, 2.0, 3.5]", "[1.0, 2.0, 3.0]");
  ASSERT_EQ(bad.failures.size(), 1u);
  EXPECT_EQ(bad.failures[0].index, (Shape{2}));
  EXPECT_EQ(bad.failures[0].a, 3.5);
  EXPECT_EQ(bad.failures[0].b, 3.0);
  EXPECT_TRUE(near("[0x7FF0000000000000, 1.0, 2.0]", "[0x7FF0000000000000, 1.0, 2.0]").passed);
  EXPECT_FALSE(near("[0x7FF0000000000000, 1.0, 2.0]", "[0xFFF0000000000000, 1.0, 2.0]").passed);
  EXPECT_FALSE(near("[0x7FF0000000000000, 1.0, 2.0]", "[1.0, 1.0, 2.0]").passed);
  EXPECT_FALSE(near("[1.0, 1.0, 2.0]", "[0x7FF0000000000000, 1.0, 2.0]").passed);
  EXPECT_FALSE(near("[0x7FF8000000000000, 1.0, 2.0]", "[0x7FF8000000000000, 1.0, 2.0]").passed);
}

TEST(Claims, ATestThatCannotRunFails) {
  TestResult result = claim("%n = gradus.dim \"n\"");
  EXPECT_FALSE(result.passed);
  EXPECT_NE(result.error.find("no argument gives the dimension 'n' a size"), std::string::npos);
}

TEST(Refusals, Oracles) {
  Program oracle(function({"[n], f64"}, {"[], f64"},
                          "%y = gradus.oracle value \"f\" (%a0) wrt [] : (!gradus.array<[n], f64>) -> (!gradus.array<[], f64>)\ngradus.return %y : !gradus.array<[], f64>"));
  EXPECT_NE(oracle.runError({vec({1})}).find("the objective 'f' is not bound to a loss"), std::string::npos);
}
