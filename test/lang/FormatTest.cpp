//===- FormatTest.cpp - the canonical layout ------------------------------===//

#include "Testing.h"

#include <filesystem>
#include <set>

using namespace gradus;
using gradus::testing::Parsed;
using gradus::testing::readFile;

static std::string formatted(const std::string &text) {
  Parsed parsed(text);
  return parsed.sheet ? format(*parsed.sheet, parsed.source) : parsed.diagnostics.render();
}

/// Formatting keeps the tree and every comment, and formatting twice is formatting once.
static void expectStable(const std::string &text) {
  Parsed before(text);
  ASSERT_TRUE(before.sheet) << before.diagnostics.render();
  std::string once = format(*before.sheet, before.source);
  Parsed after(once);
  ASSERT_TRUE(after.sheet) << after.diagnostics.render() << once;
  EXPECT_EQ(dump(*before.sheet), dump(*after.sheet));
  EXPECT_EQ(once, format(*after.sheet, after.source));
  auto comments = [](const ast::Sheet &sheet) {
    std::multiset<std::string> texts;
    for (const ast::Comment &comment : sheet.comments)
      texts.insert(comment.text);
    return texts;
  };
  EXPECT_EQ(comments(*before.sheet), comments(*after.sheet));
}

TEST(Format, KeepsEveryFormOfTheLanguage) { expectStable(readFile(GRADUS_INPUTS "/specs.grad")); }

TEST(Format, KeepsTheStandardLibrary) {
  size_t count = 0;
  for (const auto &entry : std::filesystem::recursive_directory_iterator(GRADUS_STD))
    if (entry.path().extension() == ".grad") {
      SCOPED_TRACE(entry.path().string());
      expectStable(readFile(entry.path().string()));
      ++count;
    }
  EXPECT_GT(count, 0u);
}

TEST(Format, KeepsCommentsEverywhere) { expectStable(readFile(GRADUS_INPUTS "/comments.grad")); }

TEST(Format, SetsBlanksAndIndentation) {
  EXPECT_EQ(formatted("rule   r( lr=0.1 , mu:int=2 ){\nparam w:[p,q..]\n\n\n\n      w'=w-lr*( -w )^2\n}\n"),
            "rule r(lr = 0.1, mu: int = 2) {\n  param w: [p, q..]\n\n  w' = w - lr * (-w)^2\n}\n");
}

TEST(Format, KeepsStatementsOnTheirLine) {
  EXPECT_EQ(formatted("fn f(x) { y = x;z = y\n return z }\n"), "fn f(x) {\n  y = x; z = y\n  return z\n}\n");
  EXPECT_EQ(formatted("fn f(x) {y=x;return y}\n"), "fn f(x) { y = x; return y }\n");
}

TEST(Format, KeepsEachBoundary) {
  EXPECT_EQ(formatted("fn f(d: [n]) {\nF[k]=d[k]+F[k-2],F[-2]=0 ,F[-1]=1\nreturn F }\n"),
            "fn f(d: [n]) {\n  F[k] = d[k] + F[k - 2], F[-2] = 0, F[-1] = 1\n  return F\n}\n");
}

TEST(Format, KeepsTheSlotOfALoop) {
  EXPECT_EQ(formatted("fn f(d: [n]) {\nloop [checkpoints=2]k in 0..n with s=0.0{s'=s+d[k]}\nreturn s }\n"),
            "fn f(d: [n]) {\n  loop[checkpoints = 2] k in 0..n with s = 0.0 { s' = s + d[k] }\n  return s\n}\n");
}

TEST(Format, BreaksLongLinesBehindOperators) {
  std::string name(50, 'a');
  std::string text = formatted("fn f(x) = " + name + " + " + name + " * " + name + " + 1\n");
  EXPECT_EQ(text, "fn f(x) =\n  " + name + " +\n  " + name + " * " + name + " + 1\n");
  expectStable(text);
}

TEST(Format, AlignsTheRowsOfATable) {
  EXPECT_EQ(formatted("fn f(x) {\nconst a = [[1,20],\n[300,4]]\nreturn a @ x }\n"),
            "fn f(x) {\n  const a = [[  1, 20],\n             [300,  4]]\n  return a @ x\n}\n");
}

TEST(Format, SetsConstantsOfFiles) {
  std::string text = formatted("const a:[2,2]=[[1,20],\n[300,4]] // rows\n/// Twice.\nconst b=2*a\n\nfn f(x) {\nconst c=b\nreturn c*x }\n");
  EXPECT_EQ(text, "const a: [2, 2] = [[  1, 20],\n                   [300,  4]]  // rows\n/// Twice.\nconst b = 2 * a\n\nfn f(x) {\n  const c = b\n  return c * x\n}\n");
  expectStable(text);
}

TEST(Format, SetsShapesOfStacks) {
  EXPECT_EQ(formatted("rule r() { param w\ndraw z=normal([2,m]like w) }\n"), "rule r() {\n  param w\n  draw z = normal([2, m] like w)\n}\n");
}

TEST(Format, IsStableForWideAndDeepTables) {
  std::string row = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], ", deep = "[2]";
  expectStable("fn f(x) = [" + row + row + row + row + "[1]]\n");
  expectStable("fn f(x) = [[" + row + row + row + "[1]], [" + row + row + "[2]]]\n");
  expectStable("fn f(x) = g([[f([" + row + row + row + "[1]]), 1], [2, 3]])\n");
  for (int i = 0; i < 40; ++i)
    deep = i % 2 ? "[[1], " + deep + "]" : "[f(" + deep + ")]";
  expectStable("fn f(x) = " + deep + "\n");
}

TEST(Format, PutsParenthesesWhereATreeNeedsThem) {
  Location none;
  auto name = [&](const char *text) {
    auto result = std::make_unique<ast::Name>(none);
    result->name = text;
    return result;
  };
  auto sum = std::make_unique<ast::Binary>(none);
  sum->op = ast::BinaryOp::Sub;
  sum->lhs = name("a");
  sum->rhs = name("b");
  auto product = std::make_unique<ast::Binary>(none);
  product->op = ast::BinaryOp::Mul;
  product->lhs = name("c");
  product->rhs = std::move(sum);
  EXPECT_EQ(format(*product), "c * (a - b)");
}
