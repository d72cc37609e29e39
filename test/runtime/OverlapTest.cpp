//===- OverlapTest.cpp - Written buffers meet no other -----------------------------===//

#include "test/runtime/Entry.h"

#include <gtest/gtest.h>

#include <random>

using runtime_test::Call;

TEST(Overlap, namesBothArguments) {
  Call call;
  call.tensors[2].data = call.memory[0].w.data() + 8;
  EXPECT_EQ(call.refused(GRADUS_ERROR_OVERLAP),
            "adam_step: argument 'w' of slot 0: it is written and overlaps 'm' of slot 0");
}

TEST(Overlap, isFoundAcrossSlots) {
  Call call;
  call.tensors[6].data = call.memory[0].m.data();
  EXPECT_EQ(call.refused(GRADUS_ERROR_OVERLAP),
            "adam_step: argument 'm' of slot 0: it is written and overlaps 'g' of slot 1");
}

TEST(Overlap, doesNotMatterBetweenReaders) {
  Call call;
  call.tensors[6].data = call.memory[0].g.data();
  call.tensors[8].data = call.memory[0].x.data();
  EXPECT_EQ(call.run(), GRADUS_OK);
}

TEST(Overlap, neighboursAreFine) {
  Call call;
  std::array<float, 24> both{};
  call.tensors[0].data = both.data();
  call.tensors[1].data = both.data() + 12;
  EXPECT_EQ(call.run(), GRADUS_OK);
}

TEST(Overlap, workspaceReportAndHypersCount) {
  {
    Call call;
    call.tensors[3].data = call.workspace.data() + 64;
    EXPECT_EQ(call.refused(GRADUS_ERROR_OVERLAP), "adam_step: argument 'x' of slot 0: it overlaps the workspace");
  }
  {
    Call call;
    call.tensors[5].data = call.hyper.data();
    EXPECT_EQ(call.refused(GRADUS_ERROR_OVERLAP), "adam_step: argument 'w' of slot 1: it overlaps the hyper-parameters");
  }
  {
    Call call;
    call.tensors[6].data = &call.report;
    EXPECT_EQ(call.refused(GRADUS_ERROR_OVERLAP), "adam_step: argument 'g' of slot 1: it overlaps the report");
  }
}

namespace {

/// Many slots with random, perhaps overlapping places in one arena.
struct Many {
  static constexpr size_t slots = 40;
  std::vector<float> arena = std::vector<float>(100000);
  std::vector<int64_t> sizes = std::vector<int64_t>(3 * slots);
  std::vector<gradus_tensor> tensors;
  std::vector<char> workspace = std::vector<char>(3 * slots * sizeof(size_t) + 64);
  gradus_argument arguments[3] = {{"w", GRADUS_PARAM, GRADUS_F32, 1, 1, {0}},
                                  {"g", GRADUS_GRAD, GRADUS_F32, 1, 0, {1}},
                                  {"m", GRADUS_STATE, GRADUS_F32, 1, 1, {2}}};
  const char *symbols[3] = {"a", "b", "c"};
  gradus_entry entry = runtime_test::entry;

  explicit Many(unsigned seed) {
    std::mt19937 random(seed);
    // So sparse that about half of all trials have no overlap.
    for (int64_t &size : sizes)
      size = random() % 4 == 0 ? 0 : random() % 12;
    for (size_t k = 0; k < 3 * slots; ++k)
      tensors.push_back({arena.data() + random() % (arena.size() - 16), &sizes[k], nullptr, 1, GRADUS_F32, GRADUS_CPU, 0});
    entry.n_arguments = 3;
    entry.n_symbols = 3;
    entry.n_hypers = 0;
    entry.arguments = arguments;
    entry.symbols = symbols;
    entry.workspace_size = nullptr;
    entry.kernel = [](const gradus_context *, const double *, uint64_t, uint64_t, const gradus_tensor *, size_t, char *,
                      gradus_report *) { return static_cast<int32_t>(GRADUS_OK); };
  }

  /// The definition, in quadratic time.
  bool overlaps() const {
    for (size_t a = 0; a < tensors.size(); ++a)
      for (size_t b = 0; b < a; ++b) {
        auto *x = static_cast<float *>(tensors[a].data), *y = static_cast<float *>(tensors[b].data);
        if (sizes[a] > 0 && sizes[b] > 0 && x < y + sizes[b] && y < x + sizes[a] &&
            ((arguments[a % 3].flags | arguments[b % 3].flags) & GRADUS_WRITTEN))
          return true;
      }
    return false;
  }

  gradus_status run() {
    auto *start = reinterpret_cast<char *>((reinterpret_cast<uintptr_t>(workspace.data()) + 63) / 64 * 64);
    return gradus_call(&entry, nullptr, nullptr, 1, 0, tensors.data(), slots, start, 3 * slots * sizeof(size_t), nullptr);
  }
};

} // namespace

TEST(Overlap, sortedSweepAgreesWithTheDefinition) {
  int found = 0;
  for (unsigned seed = 0; seed < 400; ++seed) {
    Many many(seed);
    bool const expected = many.overlaps();
    found += expected;
    EXPECT_EQ(many.run(), expected ? GRADUS_ERROR_OVERLAP : GRADUS_OK) << "seed " << seed;
  }
  // Both answers are well represented, else the test would say little.
  EXPECT_GT(found, 40);
  EXPECT_LT(found, 360);
}

TEST(Overlap, needsWorkspaceForManyTensors) {
  Many many(0);
  EXPECT_EQ(gradus_workspace(&many.entry, many.tensors.data(), Many::slots), 3 * Many::slots * sizeof(size_t));
  EXPECT_EQ(gradus_call(&many.entry, nullptr, nullptr, 1, 0, many.tensors.data(), Many::slots, nullptr, 0, nullptr),
            GRADUS_ERROR_WORKSPACE);
}
