//===- ParserTest.cpp - trees of texts ------------------------------------===//

#include "Testing.h"

using namespace gradus;
using gradus::testing::Parsed;
using gradus::testing::readFile;

/// The tree of one formula.
static std::string tree(const std::string &formula) {
  Parsed parsed("fn f(x) = " + formula + "\n");
  if (!parsed.sheet)
    return parsed.diagnostics.render();
  return dump(*static_cast<ast::Function &>(*parsed.sheet->units.front()).body.value);
}

TEST(Parser, ReadsEveryFormOfTheLanguage) {
  Parsed parsed(readFile(GRADUS_INPUTS "/specs.grad"));
  EXPECT_EQ(parsed.diagnostics.render(), "");
  ASSERT_TRUE(parsed.sheet);
  EXPECT_EQ(parsed.sheet->units.size(), 98u);
}

TEST(Parser, BindsPowersRightAndAboveMinus) {
  EXPECT_EQ(tree("-x^2^y"), "(neg (^ (x) (^ (2) (y))))");
  EXPECT_EQ(tree("2^-x * y"), "(* (^ (2) (neg (x))) (y))");
}

TEST(Parser, BindsProductsLeft) {
  EXPECT_EQ(tree("a * b @ c / d"), "(/ (@ (* (a) (b)) (c)) (d))");
  EXPECT_EQ(tree("a - b + c * d"), "(+ (- (a) (b)) (* (c) (d)))");
}

TEST(Parser, ChainsComparisons) {
  EXPECT_EQ(tree("0 <= x < 1"), "(compare (0) <= (x) < (1))");
  EXPECT_EQ(tree("not a == b and c"), "(and (not (compare (a) == (b))) (c))");
}

TEST(Parser, TellsDerivativesApart) {
  EXPECT_EQ(tree("grad f(w)"), "(grad f (arg (w)))");
  EXPECT_EQ(tree("grad[y] g[next](x, y)"), "(grad (slots y) g (subs (at (next))) (arg (x)) (arg (y)))");
  EXPECT_EQ(tree("grad[y](x * y)"), "(total grad (in y) (of (* (x) (y))))");
  EXPECT_EQ(tree("hess[x, y](x * y)"), "(total hess (in x y) (of (* (x) (y))))");
}

TEST(Parser, ReadsSubscripts) {
  EXPECT_EQ(tree("x[.., :b, i + 1]"), "(index (base (x)) (subs .. (slice (to (b))) (at (+ (i) (1)))))");
  EXPECT_EQ(tree("sum[axis = 1, keep](x)"),
            "(call (callee (index (base (sum)) (subs (axis (1)) (at (keep))))) (arg (x)))");
}

TEST(Parser, ReadsShapesOfStacks) {
  EXPECT_EQ(tree("normal([m, 2] like w)"), "(call (callee (normal)) (arg (list (of (m) (2)) like w)))");
}

TEST(Parser, ReadsConstantsOfFiles) {
  Parsed parsed("const a: [2] = [1, 2]\nconst b = 2 * a\n");
  ASSERT_TRUE(parsed.sheet) << parsed.diagnostics.render();
  ASSERT_EQ(parsed.sheet->units.size(), 2u);
  EXPECT_EQ(parsed.sheet->units[1]->kind, ast::UnitKind::Const);
}

TEST(Parser, TakesSignsForWords) {
  EXPECT_EQ(tree("∑[j](x[j]) ≤ √(π)"), tree("sum[j](x[j]) <= sqrt(pi)"));
  EXPECT_EQ(tree("∇ f(x′) ≠ 1"), tree("grad f(x') != 1"));
}

TEST(Parser, TakesSoftWordsForNames) {
  EXPECT_EQ(tree("over + at * size"), "(+ (over) (* (at) (size)))");
  EXPECT_TRUE(Parsed("rule state(param = 1) {\n  param rule\n  state = 3\n  size' = rule\n}\n").sheet);
}

TEST(Parser, BindsByToTheParenthesis) {
  EXPECT_EQ(tree("if c then 0 else (solve[r](h(r) == 0) by bisect() from a)"),
            "(if (condition (c)) (then (0)) (else (by (problem (call (callee (index (base (solve)) (subs (at (r))))) "
            "(arg (compare (call (callee (h)) (arg (r))) == (0))))) (method (call (callee (bisect)))) (from (a)))))");
}

TEST(Parser, KnowsWhereThingsStand) {
  Parsed parsed("rule r() {\n  param größe\n  größe' = größe +\n    1\n}\n");
  ASSERT_TRUE(parsed.sheet);
  auto &rule = static_cast<ast::Rule &>(*parsed.sheet->units.front());
  EXPECT_EQ(rule.loc, (Location{0, 1, 1, 5, 2}));
  auto &assign = static_cast<ast::AssignStmt &>(*rule.block.statements[1]);
  EXPECT_EQ(assign.loc, (Location{0, 3, 3, 4, 6}));
  EXPECT_EQ(static_cast<ast::Binary &>(*assign.value).opLoc, (Location{0, 3, 18, 3, 19}));
}

TEST(Parser, AttachesDocumentation) {
  Parsed parsed("/// One.\n///\n///  Two.\nfn f(x) = x\n/// Astray.\n\nfn g(x) = x\n");
  ASSERT_TRUE(parsed.sheet);
  EXPECT_EQ(parsed.sheet->units[0]->doc, (std::vector<std::string>{"One.", "", " Two."}));
  EXPECT_TRUE(parsed.sheet->units[1]->doc.empty());
  ASSERT_EQ(parsed.sheet->comments.size(), 1u);
  EXPECT_EQ(parsed.sheet->comments[0].text, "/// Astray.");
}

TEST(Parser, AcceptsCarriageReturns) {
  std::string text = readFile(GRADUS_INPUTS "/specs.grad"), dos;
  for (char c : text)
    dos += c == '\n' ? std::string("\r\n") : std::string(1, c);
  Parsed unixFile(text), dosFile(dos);
  ASSERT_TRUE(unixFile.sheet && dosFile.sheet);
  EXPECT_EQ(dump(*unixFile.sheet), dump(*dosFile.sheet));
}

TEST(Parser, NeedsNoNewlineAtTheEnd) { EXPECT_TRUE(Parsed("fn f(x) = x // no newline").sheet); }
