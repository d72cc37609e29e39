//===- BadSpecs.cpp - every bad spec with its whole message ---------------===//
//
// bad/<name>.grad holds one illegal thing, bad/<name>.expected all that is said about it. A message that changes on
// purpose is taken over by running this test with GRADUS_UPDATE_EXPECTED=1 and reading the difference. What begins with
// a command, `// $ ..`, is run by error_index.py.
//
//===----------------------------------------------------------------------===//

#include "lang/Frontend.h"
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

/// Everything the front end says about a file, which it knows by its bare name so that no path stands in the messages.
static std::string messagesFor(const fs::path &path) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  const Source &source = sources.add(path.filename().string(), readFile(path));
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  EmitOptions options;
  options.standardLibrary = GRADUS_STD;
  emitModule(context, sources, source, diagnostics, options);
  EXPECT_TRUE(diagnostics.hasErrors()) << "a bad spec must be refused";
  return diagnostics.render();
}

static bool hasCommand(const fs::path &path) { return readFile(path).starts_with("// $ "); }

static std::vector<fs::path> badSpecs() {
  std::vector<fs::path> specs;
  for (const fs::directory_entry &entry : fs::directory_iterator(GRADUS_BAD_SPECS))
    if (entry.path().extension() == ".grad" && !hasCommand(entry.path()))
      specs.push_back(entry.path());
  std::sort(specs.begin(), specs.end());
  return specs;
}

class BadSpec : public ::testing::TestWithParam<fs::path> {};

TEST_P(BadSpec, HasItsMessage) {
  fs::path expected = GetParam();
  expected.replace_extension(".expected");
  std::string messages = messagesFor(GetParam());
  if (std::getenv("GRADUS_UPDATE_EXPECTED"))
    std::ofstream(expected, std::ios::binary) << messages;
  EXPECT_EQ(messages, readFile(expected));
}

INSTANTIATE_TEST_SUITE_P(All, BadSpec, ::testing::ValuesIn(badSpecs()),
                         [](const auto &info) { return info.param.stem().string(); });

TEST(BadSpecs, AreAtLeast150) { EXPECT_GE(badSpecs().size(), 150u); }

TEST(BadSpecs, NoExpectationIsOrphaned) {
  for (const fs::directory_entry &entry : fs::directory_iterator(GRADUS_BAD_SPECS)) {
    fs::path spec = entry.path();
    spec.replace_extension(".grad");
    EXPECT_TRUE(fs::exists(spec)) << entry.path() << " has no spec";
  }
}
