//===- TokenFilterTest.cpp - where statements end -------------------------===//
//
// Seen from outside: the number of statements of a block, and the codes of what the filter reports.
//
//===----------------------------------------------------------------------===//

#include "Testing.h"

using namespace gradus;
using gradus::testing::Parsed;

/// How many statements a body has; 0 and a failure if it does not parse.
static size_t statements(const std::string &body) {
  Parsed parsed("fn f(x) {\n" + body + "\n}\n");
  if (!parsed.sheet) {
    ADD_FAILURE() << parsed.diagnostics.render();
    return 0;
  }
  return static_cast<ast::Function &>(*parsed.sheet->units.front()).body.block->statements.size();
}

TEST(TokenFilter, EndsStatementsAtNewlines) {
  EXPECT_EQ(statements("y = x\nz = y"), 2u);
  EXPECT_EQ(statements("y = x; z = y;; return z;"), 3u);
  EXPECT_EQ(statements("\n\n  y = x  // comment\n\n  // comment\n  z = y\n\n"), 2u);
}

TEST(TokenFilter, GoesOnAfterOperators) {
  EXPECT_EQ(statements("y =\n x +\n 1"), 1u);
  EXPECT_EQ(statements("y, z\n, a = f(x)"), 1u);
  EXPECT_EQ(statements("y = if x then\n 1 else\n 2"), 1u);
}

TEST(TokenFilter, GoesOnBeforeInfixWords) {
  EXPECT_EQ(statements("y = x\n + 1\n - 2"), 1u);
  EXPECT_EQ(statements("y = if x\n then 1\n else 2"), 1u);
  EXPECT_EQ(statements("when x > 0 { y = 1 }\n else { y = 2 }"), 1u);
}

TEST(TokenFilter, GoesOnBeforeBraces) {
  EXPECT_EQ(statements("when x > 0\n{ y = 1 }\nelse\n{ y = 2 }\nloop 3 with z = 1\n\n{ z' = 2 }"), 2u);
}

TEST(TokenFilter, GoesOnInsideBrackets) {
  EXPECT_EQ(statements("y = f(\n x,\n\n 1\n)"), 1u);
  EXPECT_EQ(statements("y = [\n [1,\n 2]]"), 1u);
}

TEST(TokenFilter, KeepsTheElseGroupOfTrain) {
  EXPECT_TRUE(Parsed("train t = minimize f over W with {\n  W: a()\n  else: b()\n}\n").sheet);
  EXPECT_TRUE(Parsed("train t = minimize f over W with { W: a(); else: b() }\n").sheet);
}

TEST(TokenFilter, CountsBracketsWithoutRegardToKind) {
  EXPECT_TRUE(Parsed("rule r(a = 0.5 in [0, 1), b = 1 in (0, 2]) {\n  param w\n}\n").sheet);
}

TEST(TokenFilter, DoesNotJoinACallWithTheLineAbove) {
  EXPECT_EQ(Parsed("fn f(x) {\n  y = x\n  (a) = 1\n}\n").onlyCode(), "G0110");
}

TEST(TokenFilter, FindsTheLineThatABracketSwallowed) {
  EXPECT_EQ(Parsed("fn f(x) {\n  y = (x + 1\n  z = y\n  return z\n}\n").onlyCode(), "G0107");
  EXPECT_EQ(Parsed("fn f(x) = g(x\nfn g(x) = x\n").onlyCode(), "G0107");
}

TEST(TokenFilter, OneSlipIsOneMessage) {
  EXPECT_EQ(Parsed("fn f(x) = x ** \n").diagnostics.getErrorCount(), 2u); // the operator, and what it lacks
  EXPECT_EQ(Parsed("fn f(x) = $\n").onlyCode(), "G0100");
  EXPECT_EQ(Parsed("fn f(x) = 1 )\n").onlyCode(), "G0108");
  EXPECT_EQ(Parsed("fn f(x) = )\n").onlyCode(), "G0113");
}
