//===- GuardTest.cpp - What is said of a step that is not finite -----------------===//

#include "test/runtime/Entry.h"

#include <gtest/gtest.h>

using runtime_test::Call;

namespace {

/// Stands for a kernel whose guard refuses: it leaves what compiled code leaves.
int32_t refuse(const gradus_context *, const double *, uint64_t, uint64_t seed, const gradus_tensor *, size_t, char *, gradus_report *report) {
  report->what = "the gradient of 'w'";
  report->element = static_cast<int64_t>(seed) - 1;
  return GRADUS_ERROR_NONFINITE;
}

gradus_status call(Call &call, uint64_t seed) {
  gradus_context context{};
  context.user = &call;
  context.error = [](void *user, const gradus_error *error) { static_cast<Call *>(user)->error = *error; };
  call.entry.kernel = refuse;
  return gradus_call(&call.entry, &context, nullptr, 9, seed, call.tensors.data(), 2, call.workspace.data(), 4096, &call.report);
}

} // namespace

TEST(Guard, findsTheArgument) {
  for (size_t slot : {0, 1})
    for (size_t element : {0, 5, 11})
      for (float bad : {INFINITY, -INFINITY, NAN}) {
        Call c;
        c.memory[slot].g[element] = bad;
        c.memory[1].w[3] = bad; // no gradient
        EXPECT_EQ(call(c, 0), GRADUS_ERROR_NONFINITE);
        EXPECT_EQ(std::string(c.error.message), "adam_step: argument 'g' of slot " + std::to_string(slot) + ": element " + std::to_string(element) + " is not finite; nothing has moved");
        EXPECT_STREQ(c.error.argument, "g");
        EXPECT_EQ(c.error.element, static_cast<int64_t>(element));
        EXPECT_EQ(c.report.committed, 0);
        EXPECT_EQ(c.report.t, 9u);
        EXPECT_EQ(c.report.reserved, 2);
        EXPECT_EQ(c.report.slot, slot);
        EXPECT_EQ(c.report.element, static_cast<int64_t>(element));
        EXPECT_TRUE(std::isnan(c.report.value));
      }
}

TEST(Guard, saysWhatTheKernelHasFound) {
  Call c;
  EXPECT_EQ(call(c, 0), GRADUS_ERROR_NONFINITE);
  EXPECT_STREQ(c.error.message, "adam_step: the gradient of 'w' is not finite; nothing has moved");
  EXPECT_EQ(c.report.reserved, 0);
  EXPECT_EQ(c.report.element, -1);
  EXPECT_STREQ(c.report.what, "the gradient of 'w'");
  EXPECT_EQ(call(c, 8), GRADUS_ERROR_NONFINITE);
  EXPECT_STREQ(c.error.message, "adam_step: the gradient of 'w' is not finite in element 7; nothing has moved");
  EXPECT_EQ(c.report.element, 7);
  EXPECT_STREQ(gradus_status_name(GRADUS_ERROR_NONFINITE), "nonfinite");
}

TEST(Guard, findsTheFirstElementOfEveryType) {
  const uint16_t half[] = {0x7bff, 0xfc00, 0x7c01}, brain[] = {0x7f7f, 0x7f80, 0xffff};
  const float single[] = {3e38f, -INFINITY, NAN};
  const double wide[] = {1e308, NAN, INFINITY};
  const int32_t whole[] = {0x7f800000, 0x7f800000};
  EXPECT_EQ(gradus_find_nonfinite(GRADUS_F16, 3, half), 1);
  EXPECT_EQ(gradus_find_nonfinite(GRADUS_BF16, 3, brain), 1);
  EXPECT_EQ(gradus_find_nonfinite(GRADUS_F32, 3, single), 1);
  EXPECT_EQ(gradus_find_nonfinite(GRADUS_F64, 3, wide), 1);
  EXPECT_EQ(gradus_find_nonfinite(GRADUS_F32, 1, single), -1);
  EXPECT_EQ(gradus_find_nonfinite(GRADUS_F32, 0, nullptr), -1);
  EXPECT_EQ(gradus_find_nonfinite(GRADUS_I32, 2, whole), -1);
  std::vector<float> numbers(40, 1.0f);
  numbers[35] = NAN;
  std::vector<char> blocks(gradus_bytes(GRADUS_BLOCKS + 4, 40));
  gradus_encode(GRADUS_BLOCKS + 4, 40, numbers.data(), blocks.data());
  EXPECT_EQ(gradus_find_nonfinite(GRADUS_BLOCKS + 4, 40, blocks.data()), 32);
  EXPECT_EQ(gradus_find_nonfinite(GRADUS_BLOCKS + 4, 32, blocks.data()), -1);
}
