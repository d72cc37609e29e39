//===- CallTest.cpp - Every status that gradus_call can give ---------------------===//
//
// Each test spoils one thing of a right call; `refused` also asserts that nothing was written.
//
//===----------------------------------------------------------------------===//

#include "test/runtime/Entry.h"

#include <gtest/gtest.h>

#include <cstdlib>

using runtime_test::Call;

TEST(Call, runsAndReports) {
  Call call;
  EXPECT_EQ(call.run(), GRADUS_OK);
  EXPECT_EQ(call.memory[0].w[0], 0.25f);
  EXPECT_EQ(call.report.value, 0.5);
  EXPECT_EQ(call.report.t, 1u);
  EXPECT_EQ(call.report.committed, 1);
  EXPECT_EQ(call.report.reserved, 0);
  EXPECT_EQ(call.errors, 0);
}

TEST(Call, takesNoContextNoReportAndDefaults) {
  Call call;
  auto const seed = static_cast<uint64_t>(reinterpret_cast<uintptr_t>(&call.answer));
  EXPECT_EQ(gradus_call(&call.entry, nullptr, nullptr, 1, seed, call.tensors.data(), 2, call.workspace.data(), 4096, nullptr),
            GRADUS_OK);
  EXPECT_EQ(call.memory[0].w[0], 1e-3f);
}

TEST(Call, refusesWithoutASink) {
  Call call;
  EXPECT_EQ(gradus_call(&call.entry, nullptr, nullptr, 0, 0, call.tensors.data(), 2, call.workspace.data(), 4096, nullptr),
            GRADUS_ERROR_STEP);
}

TEST(Call, refusesANullEntry) {
  EXPECT_EQ(gradus_call(nullptr, nullptr, nullptr, 1, 0, nullptr, 0, nullptr, 0, nullptr), GRADUS_ERROR_NULL);
  EXPECT_EQ(gradus_workspace(nullptr, nullptr, 0), SIZE_MAX);
}

TEST(Call, refusesNullSlots) {
  Call call;
  call.tensors.clear();
  call.tensors.shrink_to_fit();
  EXPECT_EQ(call.refused(GRADUS_ERROR_NULL), "adam_step: the slots are a null pointer");
}

TEST(Call, refusesNullData) {
  Call call;
  call.tensors[6].data = nullptr;
  EXPECT_EQ(call.refused(GRADUS_ERROR_NULL), "adam_step: argument 'g' of slot 1: its data is a null pointer");
  EXPECT_STREQ(call.error.argument, "g");
  EXPECT_EQ(call.error.slot, 1u);
  EXPECT_EQ(call.error.dimension, -1);
}

TEST(Call, refusesNullSizes) {
  Call call;
  call.tensors[3].dims = nullptr;
  EXPECT_EQ(call.refused(GRADUS_ERROR_NULL), "adam_step: argument 'x' of slot 0: the sizes are a null pointer");
}

TEST(Call, refusesNullHypersWithoutDefaults) {
  Call call;
  call.entry.defaults = nullptr;
  EXPECT_EQ(gradus_call(&call.entry, nullptr, nullptr, 1, 0, call.tensors.data(), 2, call.workspace.data(), 4096, nullptr),
            GRADUS_ERROR_NULL);
}

TEST(Call, refusesAnotherVersionBeforeReadingTheEntry) {
  Call call;
  call.entry.abi_version = GRADUS_ABI_VERSION + 1;
  call.entry.name = nullptr;
  call.entry.arguments = nullptr;
  EXPECT_EQ(call.refused(GRADUS_ERROR_VERSION), "gradus_call: the artifact has ABI version " + std::to_string(GRADUS_ABI_VERSION + 1) + ", this runtime " + std::to_string(GRADUS_ABI_VERSION));
}

TEST(Call, refusesAnotherElementType) {
  Call call;
  call.tensors[1].dtype = GRADUS_F64;
  EXPECT_EQ(call.refused(GRADUS_ERROR_DTYPE),
            "adam_step: argument 'g' of slot 0: the element type is f64, expected f32");
}

TEST(Call, refusesAnUnknownElementType) {
  Call call;
  call.tensors[1].dtype = 99;
  EXPECT_EQ(call.refused(GRADUS_ERROR_DTYPE),
            "adam_step: argument 'g' of slot 0: the element type has the unknown code 99, expected f32");
}

TEST(Call, refusesAnotherRank) {
  Call call;
  call.tensors[4].rank = 2;
  call.tensors[4].dims = call.matrix.data();
  EXPECT_EQ(call.refused(GRADUS_ERROR_RANK), "adam_step: argument 'y' of slot 0: rank is 2, expected 1");
}

TEST(Call, refusesARankThatDiffersWithinTheSlot) {
  Call call;
  call.tensors[2].rank = 1;
  EXPECT_EQ(call.refused(GRADUS_ERROR_RANK), "adam_step: argument 'm' of slot 0: rank is 1, expected 2 (as 'w' has)");
}

TEST(Call, refusesARankOutOfRange) {
  for (int32_t rank : {-1, 9, 1 << 30}) {
    Call call;
    call.tensors[0].rank = rank;
    EXPECT_EQ(call.refused(GRADUS_ERROR_RANK),
              "adam_step: argument 'w' of slot 0: rank " + std::to_string(rank) + " is not in [0, 8]");
  }
}

TEST(Call, refusesASizeThatDiffersWithinTheSlot) {
  Call call;
  std::array<int64_t, 2> other{3, 10};
  call.tensors[6].dims = other.data();
  EXPECT_EQ(call.refused(GRADUS_ERROR_SHAPE),
            "adam_step: argument 'g' of slot 1: dimension 1 is 10, expected 4 (as 'w' has)");
  EXPECT_EQ(call.error.dimension, 1);
  EXPECT_EQ(call.error.expected, 4);
  EXPECT_EQ(call.error.got, 10);
}

TEST(Call, refusesASymbolWithTwoSizes) {
  Call call;
  std::array<int64_t, 1> other{6};
  call.tensors[4].dims = other.data();
  EXPECT_EQ(call.refused(GRADUS_ERROR_SHAPE),
            "adam_step: argument 'y' of slot 0: dimension 0 is 6, expected 5 (as 'x' has)");
}

TEST(Call, refusesAnotherFixedSize) {
  Call call;
  std::array<int64_t, 2> other{5, 3};
  call.tensors[3].dims = other.data();
  EXPECT_EQ(call.refused(GRADUS_ERROR_SHAPE), "adam_step: argument 'x' of slot 0: dimension 1 is 3, expected 4");
}

TEST(Call, refusesANegativeSize) {
  Call call;
  std::array<int64_t, 2> other{-5, 4};
  call.tensors[3].dims = other.data();
  EXPECT_EQ(call.refused(GRADUS_ERROR_SHAPE), "adam_step: argument 'x' of slot 0: dimension 0 is negative: -5");
}

TEST(Call, bindsSymbolsAnewInEverySlot) {
  Call call;
  std::array<int64_t, 1> small{2};
  for (size_t k : {5, 6, 7}) {
    call.tensors[k].dims = small.data();
    call.tensors[k].rank = 1;
  }
  EXPECT_EQ(call.run(), GRADUS_OK);
}

TEST(Call, bindsSymbolsBeyondTheTable) {
  Call call;
  std::array<gradus_argument, 5> arguments;
  std::copy(std::begin(runtime_test::arguments), std::end(runtime_test::arguments), arguments.begin());
  arguments[3].dims[0] = arguments[4].dims[0] = 100;
  for (int k : {0, 1, 2})
    arguments[k].dims[0] = 99;
  call.entry.arguments = arguments.data();
  call.entry.n_symbols = 101;
  std::array<const char *, 101> names;
  names.fill("k");
  call.entry.symbols = names.data();
  EXPECT_EQ(call.run(), GRADUS_OK);
  call.report = {-1, 7, -1, -1, 0, -1, nullptr};
  std::array<int64_t, 1> other{6};
  call.tensors[4].dims = other.data();
  EXPECT_EQ(call.refused(GRADUS_ERROR_SHAPE),
            "adam_step: argument 'y' of slot 0: dimension 0 is 6, expected 5 (as 'x' has)");
}

TEST(Call, refusesTheWrongNumberOfSlots) {
  Call call;
  call.entry.is_open = 0;
  EXPECT_EQ(call.refused(GRADUS_ERROR_SHAPE), "adam_step: 2 slots are given, expected 1");
}

TEST(Call, acceptsNoSlotsOfACollection) {
  Call call;
  call.slots = 0;
  call.entry.kernel = [](const gradus_context *, const double *, uint64_t, uint64_t, const gradus_tensor *, size_t n, char *,
                         gradus_report *) { return static_cast<int32_t>(n == 0 ? GRADUS_OK : GRADUS_ERROR_NULL); };
  EXPECT_EQ(call.run(), GRADUS_OK);
}

TEST(Call, refusesStrides) {
  Call call;
  std::array<int64_t, 2> columns{1, 5};
  call.tensors[3].strides = columns.data();
  EXPECT_EQ(call.refused(GRADUS_ERROR_STRIDE),
            "adam_step: argument 'x' of slot 0: dimension 1 has stride 5, expected 1: only contiguous data is taken");
}

TEST(Call, acceptsStridesOfContiguousData) {
  Call call;
  std::array<int64_t, 2> rows{4, 1};
  call.tensors[3].strides = rows.data();
  EXPECT_EQ(call.run(), GRADUS_OK);
}

TEST(Call, refusesMisalignedData) {
  Call call;
  call.tensors[0].data = reinterpret_cast<char *>(call.memory[0].w.data()) + 2;
  EXPECT_EQ(call.refused(GRADUS_ERROR_ALIGNMENT),
            "adam_step: argument 'w' of slot 0: its data is 2 bytes past a multiple of 4");
}

TEST(Call, refusesMisalignedHypers) {
  Call call;
  alignas(8) std::array<char, 40> bytes{};
  EXPECT_EQ(gradus_call(&call.entry, nullptr, bytes.data() + 4, 1, 0, call.tensors.data(), 2, call.workspace.data(), 4096,
                        nullptr),
            GRADUS_ERROR_ALIGNMENT);
}

TEST(Call, refusesAnotherDevice) {
  Call call;
  call.tensors[2].device_type = GRADUS_CUDA;
  EXPECT_EQ(call.refused(GRADUS_ERROR_DEVICE),
            "adam_step: argument 'm' of slot 0: this entry has no code for device type 2, expected 1 (CPU)");
}

TEST(Call, refusesHypersOutsideTheirIntervals) {
  struct Case {
    int index;
    double value;
    const char *message;
  };
  double const nan = std::numeric_limits<double>::quiet_NaN();
  for (const Case &c : std::initializer_list<Case>{
           {0, nan, "adam_step: hyper-parameter 'lr' is not a number"},
           {0, runtime_test::infinity, "adam_step: hyper-parameter 'lr' is inf, expected less than inf"},
           {1, -0.5, "adam_step: hyper-parameter 'beta' is -0.5, expected at least 0"},
           {1, 1, "adam_step: hyper-parameter 'beta' is 1, expected less than 1"},
           {1, nan, "adam_step: hyper-parameter 'beta' is not a number"},
           {2, 11, "adam_step: hyper-parameter 'k' is 11, expected at most 10"},
           {2, 0, "adam_step: hyper-parameter 'k' is 0, expected at least 1"},
           {2, 2.5, "adam_step: hyper-parameter 'k' is 2.5, expected a whole number"}}) {
    Call call;
    call.hyper[c.index] = c.value;
    EXPECT_EQ(call.refused(GRADUS_ERROR_INTERVAL), c.message);
    EXPECT_NE(std::string(c.message).find(std::string("'") + call.error.argument + "'"), std::string::npos);
  }
}

TEST(Call, namesAHyperWithoutDefault) {
  Call call;
  double const nan = std::numeric_limits<double>::quiet_NaN();
  std::array<double, 3> defaults{nan, 0.9, 3};
  call.entry.defaults = defaults.data();
  EXPECT_EQ(gradus_call(&call.entry, nullptr, nullptr, 1, 0, call.tensors.data(), 2, call.workspace.data(), 4096, nullptr),
            GRADUS_ERROR_INTERVAL);
}

TEST(Call, refusesWorkspaces) {
  {
    Call call;
    call.workspacePointer = nullptr;
    EXPECT_EQ(call.refused(GRADUS_ERROR_WORKSPACE), "adam_step: the workspace is a null pointer, expected 100 bytes");
  }
  {
    Call call;
    call.workspaceBytes = 99;
    EXPECT_EQ(call.refused(GRADUS_ERROR_WORKSPACE), "adam_step: the workspace has 99 bytes, expected 100");
  }
  {
    Call call;
    call.workspacePointer = call.workspace.data() + 8;
    EXPECT_EQ(call.refused(GRADUS_ERROR_WORKSPACE), "adam_step: the workspace is 8 bytes past a multiple of 64");
  }
}

TEST(Call, refusesStepZero) {
  Call call;
  call.t = 0;
  EXPECT_EQ(call.refused(GRADUS_ERROR_STEP), "adam_step: t is 0: steps count from 1");
}

TEST(Call, refusesAStepTooLarge) {
  Call call;
  call.t = UINT64_MAX;
  EXPECT_EQ(call.refused(GRADUS_ERROR_STEP).substr(0, 16), "adam_step: t is ");
}

TEST(Call, ignoresTimeWhereTheEntryHasNone) {
  Call call;
  call.t = 0;
  call.entry.takes_time = 0;
  EXPECT_EQ(call.run(), GRADUS_OK);
}

TEST(Call, refusesSizesThatOverflow) {
  Call call;
  std::array<int64_t, 2> huge{INT64_C(1) << 40, INT64_C(1) << 40};
  for (size_t k : {0, 1, 2})
    call.tensors[k].dims = huge.data();
  EXPECT_EQ(call.refused(GRADUS_ERROR_OVERFLOW),
            "adam_step: argument 'w' of slot 0: the product of its sizes does not fit");
}

TEST(Call, refusesDataPastTheEndOfMemory) {
  Call call;
  call.tensors[0].data = reinterpret_cast<void *>(UINTPTR_MAX - 7);
  EXPECT_EQ(call.refused(GRADUS_ERROR_OVERFLOW),
            "adam_step: argument 'w' of slot 0: its data runs past the end of memory");
}

TEST(Call, refusesSlotsThatDoNotFit) {
  Call call;
  call.slots = SIZE_MAX / 2;
  EXPECT_EQ(call.refused(GRADUS_ERROR_OVERFLOW).substr(0, 11), "adam_step: ");
}

TEST(Call, passesOnWhatTheKernelRefuses) {
  Call call;
  call.answer = GRADUS_ERROR_INDEX;
  EXPECT_EQ(call.refused(GRADUS_ERROR_INDEX), "adam_step: argument 'y' of slot 0: index 10 is outside its axis");
}

TEST(Call, saysWhyWorkersCouldNotGoOn) {
  Call call;
  call.answer = GRADUS_ERROR_WORKERS;
  EXPECT_EQ(call.refused(GRADUS_ERROR_WORKERS), "adam_step: the other workers could not be reached");
}

TEST(Call, acceptsEmptyTensorsWithoutData) {
  Call call;
  std::array<int64_t, 1> none{0};
  std::array<int64_t, 2> empty{0, 4};
  call.tensors[8] = {nullptr, empty.data(), nullptr, 2, GRADUS_F64, GRADUS_CPU, 0};
  call.tensors[9] = {nullptr, none.data(), nullptr, 1, GRADUS_I64, GRADUS_CPU, 0};
  EXPECT_EQ(call.run(), GRADUS_OK);
}

TEST(Workspace, isKnownWithoutData) {
  Call call;
  for (gradus_tensor &tensor : call.tensors)
    tensor.data = nullptr;
  EXPECT_EQ(gradus_workspace(&call.entry, call.tensors.data(), 2), 100u);
}

TEST(Workspace, isRefusedWithTheShapes) {
  Call call;
  call.tensors[0].rank = 1;
  EXPECT_EQ(gradus_workspace(&call.entry, call.tensors.data(), 2), SIZE_MAX);
}

TEST(Entry, givesDefaults) {
  std::array<double, 3> hyper{};
  gradus_hyper_defaults(&runtime_test::entry, hyper.data());
  EXPECT_EQ(hyper, (std::array<double, 3>{1e-3, 0.9, 3}));
}

TEST(Entry, schemaDependsOnStateAlone) {
  Call call;
  uint64_t const schema = gradus_schema(&call.entry);
  std::array<gradus_argument, 5> arguments;
  std::copy(std::begin(runtime_test::arguments), std::end(runtime_test::arguments), arguments.begin());
  call.entry.arguments = arguments.data();
  arguments[1].name = "gradient";
  EXPECT_EQ(gradus_schema(&call.entry), schema);
  arguments[2].name = "momentum";
  EXPECT_NE(gradus_schema(&call.entry), schema);
}

TEST(Names, areStable) {
  EXPECT_STREQ(gradus_status_name(GRADUS_OK), "ok");
  EXPECT_STREQ(gradus_status_name(GRADUS_ERROR_SHAPE), "shape");
  EXPECT_STREQ(gradus_status_name(GRADUS_ERROR_WORKSPACE), "workspace");
  EXPECT_STREQ(gradus_status_name(GRADUS_ERROR_FORMAT), "format");
  EXPECT_STREQ(gradus_status_name(GRADUS_ERROR_WORKERS), "workers");
  EXPECT_STREQ(gradus_status_name(19), "unknown");
  EXPECT_STREQ(gradus_status_name(-1), "unknown");
  EXPECT_STREQ(gradus_dtype_name(GRADUS_BF16), "bf16");
  EXPECT_EQ(gradus_dtype_size(GRADUS_BOOL), 1u);
  EXPECT_EQ(gradus_dtype_size(0), 0u);
}
