//===- LatexTest.cpp - The gradients of the whole shelf as LaTeX -----------------===//
//
// Every gradient that is printed as source is set: braces, delimiters and environments close, each line is aligned once, and nothing
// stands there that TeX reads otherwise.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/Latex.h"
#include "codegen/emit/SourcePrinter.h"
#include "lang/Parser.h"
#include "test/codegen/emit/Shelf.h"

#include "llvm/ADT/StringExtras.h"

using namespace gradus;

namespace {

/// What is wrong with a text of LaTeX, or nothing.
std::string findFault(llvm::StringRef text) {
  std::vector<std::string> open; // "{", "\\left", an environment
  unsigned aligned = 0;
  for (size_t at = 0; at < text.size();) {
    char c = text[at];
    if (c == '\\') {
      llvm::StringRef rest = text.drop_front(at + 1);
      llvm::StringRef word = rest.take_while([](char letter) { return llvm::isAlpha(letter); });
      if (word.empty()) { // a sign: \\, \,, \_
        bool isEnd = rest.starts_with("\\");
        if (isEnd && open == std::vector<std::string>{"align*"}) {
          if (aligned != 1)
            return "a line with " + std::to_string(aligned) + " marks";
          aligned = 0;
        }
        at += 2;
        continue;
      }
      at += 1 + word.size();
      if (word == "begin" || word == "end") {
        llvm::StringRef name = text.slice(at + 1, text.find('}', at));
        at += name.size() + 2;
        if (word == "begin")
          open.push_back(name.str());
        else if (open.empty() || open.back() != name)
          return "an end of " + name.str() + " inside of " + (open.empty() ? "nothing" : open.back());
        else
          open.pop_back();
        if (word == "end" && open.empty() && aligned != 1)
          return "a last line with " + std::to_string(aligned) + " marks";
      } else if (word == "left") {
        open.push_back("left");
      } else if (word == "right") {
        if (open.empty() || open.back() != "left")
          return "a \\right without its \\left";
        open.pop_back();
      }
      continue;
    }
    if (c == '{')
      open.push_back("{");
    if (c == '}') {
      if (open.empty() || open.back() != "{")
        return "a brace too many";
      open.pop_back();
    }
    if (c == '&' && open == std::vector<std::string>{"align*"})
      ++aligned;
    if (c == '_' || c == '^') {
      if (at + 1 >= text.size() || text[at + 1] != '{')
        return "a mark without a group at " + text.substr(at, 20).str();
    }
    if (c == '#' || c == '$' || c == '%')
      return std::string("a bare ") + c;
    ++at;
  }
  return open.empty() ? "" : "not closed: " + open.back();
}

TEST(Latex, TheCheckerSeesFaults) {
  EXPECT_EQ(findFault("\\begin{align*}\n a &= \\frac{1}{2} \\\\\n b_{i} &= \\left(x\\right)^{2}\n\\end{align*}\n"), "");
  EXPECT_NE(findFault("\\begin{align*} a = b \\end{align*}"), "");
  EXPECT_NE(findFault("\\begin{align*} a &= \\frac{1}{2 \\end{align*}"), "");
  EXPECT_NE(findFault("\\begin{align*} a &= \\left(1 \\end{align*}"), "");
  EXPECT_NE(findFault("\\begin{align*} a &= b_i \\end{align*}"), "");
}

class LatexShelf : public testing::TestWithParam<ShelfLoss> {};

TEST_P(LatexShelf, IsWellFormed) {
  ShelfGradient shelf(GetParam());
  ASSERT_TRUE(shelf.gradient) << shelf.said;
  mlir::ScopedDiagnosticHandler quiet(&shelf.context, [](mlir::Diagnostic &) { return mlir::success(); });
  auto text = printAsSource(shelf.gradient);
  ASSERT_TRUE(succeeded(text));
  SourceManager sources;
  Diagnostics diagnostics(sources);
  auto sheet = parse(sources.add("gradient", *text), diagnostics);
  ASSERT_TRUE(sheet) << diagnostics.render();
  std::string latex = printAsLatex(*llvm::cast<ast::Function>(sheet->units.back().get()), findPartials(shelf.gradient));
  EXPECT_EQ(findFault(latex), "") << latex << *text;
  EXPECT_EQ(latex.find("\\ldots}"), std::string::npos) << latex << *text;
  EXPECT_NE(latex.find("\\frac{\\partial \\mathcal{L}}{\\partial"), std::string::npos) << latex;
}

INSTANTIATE_TEST_SUITE_P(Library, LatexShelf, testing::ValuesIn(findLosses({std::string(GRADUS_TEST_FOLDER) + "/codegen/emit/Inputs/control.grad"})),
                         [](const auto &info) { return std::to_string(info.index) + "_" + info.param.name; });

} // namespace
