//===- LintTest.cpp - Every lint finds, is mended, and is silenced -----------===//
//
// <lint>.grad is warned of by that lint alone, and <lint>.expected holds all that is said; <lint>_mended.grad means the same without a warning; <lint>_allowed.grad is
// silenced, before and after the formatter had it. The library, the examples and the specs of the papers have no warning. A message
// that changes on purpose is taken over with GRADUS_UPDATE_EXPECTED=1.
//
//===----------------------------------------------------------------------===//

#include "lang/Format.h"
#include "lang/Parser.h"
#include "lang/lint/Lint.h"
#include "test/lang/Testing.h"

#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace fs = std::filesystem;
using namespace gradus;
using gradus::testing::readFile;

namespace {

/// A text with all that is said about it.
struct Checked {
  SourceManager sources;
  Diagnostics diagnostics{sources};

  Checked(const std::string &name, std::string text, bool hasLints = true) {
    const Source &source = sources.add(name, std::move(text));
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    EmitOptions options;
    options.standardLibrary = GRADUS_STD;
    options.checks = true;
    if (hasLints)
      options.inspect = [&](const CheckedSpec &spec) { runLints(spec, source, diagnostics); };
    emitModule(context, sources, source, diagnostics, options);
  }

  std::vector<std::string> lints() const {
    std::vector<std::string> names;
    for (const Diagnostic &one : diagnostics.getAll())
      names.emplace_back(one.lint);
    return names;
  }
};

} // namespace

static fs::path specOf(const std::string &name) { return fs::path(GRADUS_LINT_SPECS) / (name + ".grad"); }

/// "division_by_zero", the files of a lint.
static std::string fileOf(const LintInfo &lint) {
  std::string name = lint.name.str();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

static void expectMessages(const std::string &name, const Checked &checked) {
  fs::path expected = specOf(name).replace_extension(".expected");
  std::string messages = checked.diagnostics.render();
  constexpr std::string_view shelf = GRADUS_STD; // wherever the tree is
  for (size_t at = messages.find(shelf); at != std::string::npos; at = messages.find(shelf, at))
    messages.replace(at, shelf.size(), "lang/std");
  if (std::getenv("GRADUS_UPDATE_EXPECTED"))
    std::ofstream(expected, std::ios::binary) << messages;
  EXPECT_EQ(messages, readFile(expected));
}

class Lint : public ::testing::TestWithParam<LintInfo> {};

TEST_P(Lint, FindsWhatItIsFor) {
  std::string name = fileOf(GetParam());
  Checked checked(name + ".grad", readFile(specOf(name)));
  std::vector<std::string> lints = checked.lints();
  EXPECT_FALSE(lints.empty());
  for (const std::string &lint : lints)
    EXPECT_EQ(lint, GetParam().name);
  expectMessages(name, checked);
}

TEST_P(Lint, IsSilentWhereItIsMended) {
  std::string name = fileOf(GetParam()) + "_mended";
  EXPECT_EQ(Checked(name + ".grad", readFile(specOf(name))).diagnostics.render().substr(0, 2000), "");
}

TEST_P(Lint, IsSilencedByItsName) {
  std::string name = fileOf(GetParam()) + "_allowed", text = readFile(specOf(name));
  EXPECT_EQ(Checked(name + ".grad", text).diagnostics.render(), "");
  // The comment is what does it.
  std::string without = text;
  for (size_t at = without.find("allow:"); at != std::string::npos; at = without.find("allow:", at))
    without.replace(at, 6, "about:");
  std::vector<std::string> lints = Checked(name + ".grad", without).lints();
  EXPECT_TRUE(std::find(lints.begin(), lints.end(), GetParam().name) != lints.end());
  // The layout keeps it at its line.
  SourceManager sources;
  Diagnostics diagnostics(sources);
  const Source &source = sources.add(name + ".grad", text);
  std::unique_ptr<ast::Sheet> sheet = parse(source, diagnostics);
  ASSERT_TRUE(sheet);
  EXPECT_EQ(Checked(name + ".grad", format(*sheet, source)).diagnostics.render(), "");
}

INSTANTIATE_TEST_SUITE_P(All, Lint, ::testing::ValuesIn(getLints().begin(), getLints().end()), [](const auto &info) { return fileOf(info.param); });

TEST(Lints, AreSortedAndHaveTheirCodes) {
  for (size_t i = 0; i < getLints().size(); ++i) {
    const LintInfo &lint = getLints()[i];
    EXPECT_TRUE(i == 0 || getLints()[i - 1].name < lint.name) << lint.name.str();
    EXPECT_TRUE(codeTitle(lint.code).starts_with("lint " + lint.name.str() + ": ")) << lint.name.str();
  }
}

/// The page of the language lists them, with their summaries.
TEST(Lints, AreInTheReference) {
  std::string page = readFile(GRADUS_REFERENCE);
  for (const LintInfo &lint : getLints())
    EXPECT_NE(page.find("| `" + lint.name.str() + "` | " + lint.summary.str() + " |"), std::string::npos) << lint.name.str();
}

TEST(Lints, NoSpecIsOrphaned) {
  std::vector<std::string> known{"allowances"};
  for (const LintInfo &lint : getLints())
    for (const char *twin : {"", "_allowed", "_mended"})
      known.push_back(fileOf(lint) + twin);
  for (const fs::directory_entry &entry : fs::directory_iterator(GRADUS_LINT_SPECS)) {
    if (entry.path().extension() == ".grad")
      EXPECT_TRUE(std::find(known.begin(), known.end(), entry.path().stem().string()) != known.end()) << entry.path();
    if (entry.path().extension() == ".expected")
      EXPECT_TRUE(fs::exists(fs::path(entry.path()).replace_extension(".grad"))) << entry.path();
  }
}

TEST(Allowances, AreLookedAtThemselves) { expectMessages("allowances", Checked("allowances.grad", readFile(specOf("allowances")))); }

/// Nothing is said of a spec with errors, and nothing where nobody asks.
TEST(Lints, WaitForASoundSpec) {
  std::string text = readFile(specOf("division_by_zero"));
  EXPECT_EQ(Checked("a.grad", text, /*hasLints=*/false).diagnostics.render(), "");
  Checked broken("a.grad", text + "fn broken(x: [n]) = x + missing\n");
  EXPECT_EQ(broken.diagnostics.getErrorCount(), broken.diagnostics.getAll().size());
}

/// All that is in the tree for others to read has no warning.
TEST(Lints, SayNothingOfTheTree) {
  std::vector<fs::path> specs{GRADUS_INPUTS "/specs.grad", GRADUS_INPUTS "/taste.grad"};
  for (const char *folder : {GRADUS_STD, GRADUS_EXAMPLES})
    for (const fs::directory_entry &entry : fs::recursive_directory_iterator(folder))
      if (entry.path().extension() == ".grad")
        specs.push_back(entry.path());
  EXPECT_GE(specs.size(), 150u);
  std::sort(specs.begin(), specs.end());
  for (const fs::path &spec : specs)
    EXPECT_EQ(Checked(spec.string(), readFile(spec)).diagnostics.render(), "");
}
