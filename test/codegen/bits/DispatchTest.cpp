//===- DispatchTest.cpp - Which code of an artifact runs --------------------------===//

#include "AnyCall.h"
#include "Artifact.h"

#include "gtest/gtest.h"

using namespace gradus::bits;

static const std::string adamw = GRADUS_STD "/rules/adamw.grad";

/// One step of adamw at a level.
static gradus_status step(const Artifact &artifact, int level, std::string &message) {
  for (const gradus_entry *entry : artifact.entries)
    if (entry->takes_time) {
      AnyCall call(entry, {100}, 2, {level, 1, 0});
      std::string before = call.getBits();
      gradus_status status = call.run(1, 1);
      EXPECT_EQ(call.getBits() == before, status != GRADUS_OK);
      message = call.getMessage();
      return status;
    }
  return GRADUS_ERROR_NULL;
}

TEST(Dispatch, refusesAMachineWithoutCode) {
  Artifact artifact(adamw);
  ASSERT_EQ(artifact.problem, "");
  std::string message;
  EXPECT_EQ(step(artifact, 1, message), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(message, "adamw_step: this library has no code for this processor, which is x86-64-v1, expected at least x86-64-v3");
  EXPECT_EQ(step(artifact, 3, message), GRADUS_OK);
}

TEST(Dispatch, oneSetIsCheckedToo) {
  Artifact artifact(adamw, "--target=x86-64-v4");
  ASSERT_EQ(artifact.problem, "");
  std::string message;
  EXPECT_EQ(step(artifact, 3, message), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(message, "adamw_step: this library has no code for this processor, which is x86-64-v3, expected at least x86-64-v4");
}

TEST(Dispatch, nativeCodeAsksNobody) {
  Artifact artifact(adamw, "--target=native");
  ASSERT_EQ(artifact.problem, "");
  std::string message;
  EXPECT_EQ(step(artifact, 0, message), GRADUS_OK);
}

TEST(Dispatch, manifestNamesTheSets) {
  auto targetsOf = [](const std::string &options) {
    std::string manifest = Artifact(adamw, options).manifest, key = "\"targets\": [";
    size_t at = manifest.find(key);
    std::string text = at == std::string::npos ? "" : manifest.substr(at + key.size(), manifest.find(']', at) - at - key.size());
    std::erase_if(text, [](char c) { return c == ' ' || c == '\n'; });
    return text;
  };
  EXPECT_EQ(targetsOf(""), "\"x86-64-v3\",\"x86-64-v4\"");
  EXPECT_EQ(targetsOf("--target=x86-64-v4,x86-64-v3"), "\"x86-64-v3\",\"x86-64-v4\"");
  EXPECT_EQ(targetsOf("--target=x86-64-v4"), "\"x86-64-v4\"");
  EXPECT_EQ(targetsOf("--target=native"), "\"native\"");
}
