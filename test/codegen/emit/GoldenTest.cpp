//===- GoldenTest.cpp - The texts, byte for byte -------------------------------------===//
//
// GRADUS_BLESS=1 writes golden/ anew instead of comparing. The content hash is masked: it follows the compiler's version.
//
//===----------------------------------------------------------------------===//

#include "test/codegen/emit/Sample.h"

#include "llvm/ADT/StringExtras.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

using namespace emit_test;

static void compare(const std::string &name, std::string text, const gradus::Artifact &artifact) {
  std::string const hash = llvm::utohexstr(artifact.content, /*LowerCase=*/true, /*Width=*/16);
  size_t const at = text.find(hash);
  if (at != std::string::npos)
    text.replace(at, hash.size(), "<content>");
  std::string const path = std::string(GRADUS_GOLDEN_FOLDER "/") + name;
  if (std::getenv("GRADUS_BLESS"))
    std::ofstream(path, std::ios::binary) << text;
  std::ifstream in(path, std::ios::binary);
  EXPECT_EQ(text, std::string(std::istreambuf_iterator<char>(in), {})) << path;
}

TEST(Golden, headersAndManifest) {
  Sample sample;
  auto artifact = sample.describe({"walk", "my_", "dtype=f32 target=x86-64-v3,x86-64-v4", {"x86-64-v3", "x86-64-v4"}});
  ASSERT_TRUE(succeeded(artifact));
  compare("walk.h", gradus::renderHeader(*artifact), *artifact);
  compare("walk.hpp", gradus::renderCppHeader(*artifact), *artifact);
  compare("walk.json", gradus::renderManifest(*artifact), *artifact);
}
