//===- ArtifactTest.cpp - The description and the manifest -------------------------===//

#include "test/codegen/emit/Sample.h"

#include "llvm/Support/JSON.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace emit_test;
using gradus::Artifact;

TEST(Artifact, mapsNamesToC) {
  Sample sample;
  ASSERT_TRUE(sample.module);
  auto artifact = sample.describe();
  ASSERT_TRUE(succeeded(artifact));
  ASSERT_EQ(artifact->entries.size(), 3u);
  EXPECT_EQ(artifact->entries[0].symbol, "walk_init");
  EXPECT_EQ(artifact->entries[1].symbol, "walk_step");
  EXPECT_EQ(artifact->entries[1].initSymbol, "walk_init");
  EXPECT_EQ(artifact->entries[2].symbol, "half");
  EXPECT_EQ(artifact->entries[1].hyperMembers, (std::vector<std::string>{"lr", "n_ce_b2", "template_", "nesterov"}));
  EXPECT_EQ(artifact->entries[1].tensorMembers, (std::vector<std::string>{"w", "g", "x", "base_m"}));
  EXPECT_EQ(artifact->entries[1].initial[3], 0.5);
  EXPECT_EQ(artifact->entries[1].initial[0], std::nullopt);
  EXPECT_EQ(artifact->getAbiMacro(), "WALK_ABI");
}

TEST(Artifact, prefixesEverySymbol) {
  Sample sample;
  auto artifact = sample.describe({"walk", "my_", ""});
  ASSERT_TRUE(succeeded(artifact));
  for (const std::string &name : artifact->getExports())
    EXPECT_EQ(name.substr(0, 3), "my_");
  EXPECT_EQ(artifact->getAbiMacro(), "MY_WALK_ABI");
}

TEST(Artifact, contentFollowsProgramAndFlags) {
  Sample one, two;
  auto first = one.describe(), again = two.describe(), other = two.describe({"walk", "", "dtype=f64"});
  EXPECT_EQ(first->content, again->content);
  EXPECT_NE(first->content, other->content);
}

TEST(Artifact, refusesTwoEntriesOfOneSymbol) {
  Sample sample(R"mlir(
    gradus.func loss @"a.b"(%w: !gradus.array<[], f64> {gradus.name = "w", gradus.role = #gradus.role<param>})
        -> (!gradus.array<[], f64> {gradus.name = "v", gradus.role = #gradus.role<value>}) {
      gradus.return %w : !gradus.array<[], f64>
    }
    gradus.func loss @a_b(%w: !gradus.array<[], f64> {gradus.name = "w", gradus.role = #gradus.role<param>})
        -> (!gradus.array<[], f64> {gradus.name = "v", gradus.role = #gradus.role<value>}) {
      gradus.return %w : !gradus.array<[], f64>
    })mlir");
  ASSERT_TRUE(sample.module);
  std::string said;
  mlir::ScopedDiagnosticHandler handler(&sample.context, [&](mlir::Diagnostic &diagnostic) { said += diagnostic.str(); });
  EXPECT_TRUE(failed(sample.describe()));
  EXPECT_EQ(said, "G0857: 'a_b' has the C name 'a_b', which another entry has already");
}

TEST(Artifact, refusesAFixedSizeBeyondTheAbi) {
  Sample sample(R"mlir(
    gradus.func loss @f(%w: !gradus.array<[4294967296], f64> {gradus.name = "w", gradus.role = #gradus.role<param>})
        -> (!gradus.array<[], f64> {gradus.name = "v", gradus.role = #gradus.role<value>}) {
      %s = gradus.reduce sum %w axes [0] : !gradus.array<[4294967296], f64> to !gradus.array<[], f64>
      gradus.return %s : !gradus.array<[], f64>
    })mlir");
  ASSERT_TRUE(sample.module);
  std::string said;
  mlir::ScopedDiagnosticHandler handler(&sample.context, [&](mlir::Diagnostic &diagnostic) { said += diagnostic.str(); });
  EXPECT_TRUE(failed(sample.describe()));
  EXPECT_EQ(said, "G0312: 'w' has an axis of the fixed size 4294967296; compiled entries take at most 2147483646");
}

TEST(Numbers, areTheShortestThatReadBack) {
  EXPECT_EQ(gradus::formatNumber(0.1), "0.1");
  EXPECT_EQ(gradus::formatNumber(1e-8), "1e-08");
  EXPECT_EQ(gradus::formatNumber(-INFINITY), "-inf");
  EXPECT_EQ(gradus::formatNumber(NAN), "nan");
}

TEST(Manifest, isJsonWithEverything) {
  Sample sample;
  auto artifact = sample.describe();
  ASSERT_TRUE(succeeded(artifact));
  llvm::Expected<llvm::json::Value> parsed = llvm::json::parse(gradus::renderManifest(*artifact));
  ASSERT_TRUE(static_cast<bool>(parsed));
  const llvm::json::Object &root = *parsed->getAsObject();
  EXPECT_EQ(root.getInteger("schema"), 1);
  EXPECT_EQ(root.getInteger("abi"), GRADUS_ABI_VERSION);
  EXPECT_EQ(root.getString("content")->size(), 18u);
  const llvm::json::Object &step = *(*root.getArray("entries"))[1].getAsObject();
  EXPECT_EQ(step.getString("name"), llvm::StringRef("walk.step"));
  EXPECT_EQ(step.getString("kind"), llvm::StringRef("rule_step"));
  EXPECT_EQ(step.getBoolean("open"), true);
  EXPECT_EQ(step.getBoolean("takes_time"), true);
  const llvm::json::Object &beta = *(*step.getArray("hyper"))[1].getAsObject();
  EXPECT_EQ(beta.getString("name"), llvm::StringRef("β"));
  EXPECT_EQ(beta.getNumber("default"), 0.9);
  EXPECT_EQ(beta.getObject("interval")->getNumber("high"), 1);
  EXPECT_EQ(beta.getObject("interval")->getBoolean("high_closed"), false);
  const llvm::json::Object &lr = *(*step.getArray("hyper"))[0].getAsObject();
  EXPECT_EQ(lr.getObject("interval")->get("high")->kind(), llvm::json::Value::Null);
  EXPECT_EQ((*step.getArray("hyper"))[2].getAsObject()->get("default")->kind(), llvm::json::Value::Null);
  const llvm::json::Object &m = *(*step.getArray("arguments"))[3].getAsObject();
  EXPECT_EQ(m.getString("name"), llvm::StringRef("base.m"));
  EXPECT_EQ(m.getString("member"), llvm::StringRef("base_m"));
  EXPECT_EQ(m.getString("role"), llvm::StringRef("state"));
  EXPECT_EQ(m.getNumber("initial"), 0.5);
  EXPECT_EQ(m.getBoolean("written"), true);
  EXPECT_EQ(m.get("rank")->kind(), llvm::json::Value::Null);
  const llvm::json::Object &x = *(*step.getArray("arguments"))[2].getAsObject();
  EXPECT_EQ(x.getInteger("rank"), 2);
  EXPECT_EQ((*x.getArray("shape"))[1].getAsInteger(), 64);
}
