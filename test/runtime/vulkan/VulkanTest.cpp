//===- VulkanTest.cpp - Work that a device of Vulkan does -------------------------===//

#include "runtime/vulkan_probe.h"
#include "test/runtime/Entry.h"
#include "test/runtime/vulkan/Vulkan.h"

#include <thread>

using namespace vulkan_test;

TEST_F(Vulkan, saysWhatItIs) {
  EXPECT_STRNE(gradus_vulkan_name(vulkan), "");
  EXPECT_EQ(gradus_vulkan_dispatches(vulkan), 0u);
}

TEST_F(Vulkan, memoryKeepsWhatIsWritten) {
  // Longer than what passes through at once, at places that are multiples of nothing.
  size_t const bytes = 9'000'001;
  std::vector<unsigned char> out(bytes), in(bytes);
  for (size_t k = 0; k < bytes; ++k)
    out[k] = static_cast<unsigned char>(k * 2654435761u >> 13);
  gradus_address address = 0;
  ASSERT_EQ(gradus_vulkan_allocate(vulkan, bytes + 3, &address), GRADUS_OK);
  EXPECT_EQ(address % 256, 0u);
  ASSERT_EQ(gradus_vulkan_write(vulkan, address + 3, out.data(), bytes), GRADUS_OK);
  ASSERT_EQ(gradus_vulkan_read(vulkan, in.data(), address + 3, bytes), GRADUS_OK);
  EXPECT_EQ(in, out);
  EXPECT_EQ(gradus_vulkan_release(vulkan, address), GRADUS_OK);
}

TEST_F(Vulkan, eachCommandSeesWhatStandsBeforeIt) {
  size_t const count = 1000 * 256;
  gradus_address const frame = allocate(16), x = allocate(count, 1);
  uint32_t expected = 1;
  begin();
  for (uint32_t step = 1; step <= 50; ++step) { // the frame is written while the dispatch before may read it
    ASSERT_EQ(update(frame, {step}), GRADUS_OK);
    ASSERT_EQ(dispatch(accumulate, 1000, frame, x), GRADUS_OK);
    expected = 3 * expected + step;
  }
  run();
  EXPECT_EQ(read(x, count), std::vector<uint32_t>(count, expected));
  EXPECT_EQ(gradus_vulkan_dispatches(vulkan), 50u);
}

TEST_F(Vulkan, updatesWriteWhatDispatchesWrote) {
  gradus_address const frame = allocate(16, 7), x = allocate(256, 1);
  begin();
  ASSERT_EQ(dispatch(accumulate, 1, frame, x), GRADUS_OK); // 10
  ASSERT_EQ(update(x + 40, {5, 6}), GRADUS_OK);
  ASSERT_EQ(dispatch(accumulate, 1, frame, x), GRADUS_OK);
  ASSERT_EQ(update(x + 4 * 255, {1}), GRADUS_OK); // the last command
  run();
  std::vector<uint32_t> expected(256, 37);
  expected[10] = 22;
  expected[11] = 25;
  expected[255] = 1;
  EXPECT_EQ(read(x, 256), expected);
}

TEST_F(Vulkan, laterUpdatesOfTheSameBytesWin) {
  gradus_address const x = allocate(64);
  begin();
  for (uint32_t k = 0; k < 40; ++k)
    ASSERT_EQ(update(x + 4 * (k % 5), {k, 100 + k, 200 + k}), GRADUS_OK);
  run();
  EXPECT_EQ(read(x, 8), (std::vector<uint32_t>{35, 36, 37, 38, 39, 139, 239, 0}));
}

TEST_F(Vulkan, updatesAreAsLongAsTheyLike) {
  // Pieces that join, one longer than what a command takes, and the end of one buffer that is not the begin of another.
  size_t const count = 100'000;
  gradus_address const x = allocate(count);
  std::vector<uint32_t> words(count);
  for (size_t k = 0; k < count; ++k)
    words[k] = static_cast<uint32_t>(k * k);
  begin();
  size_t at = 0;
  for (size_t piece : {1u, 2u, 16'380u, 16'384u, 3u, 50'000u, 17'230u}) {
    ASSERT_EQ(update(x + 4 * at, {words.begin() + at, words.begin() + at + piece}), GRADUS_OK);
    at += piece;
  }
  ASSERT_EQ(at, count);
  run();
  EXPECT_EQ(read(x, count), words);
}

TEST_F(Vulkan, updatesAreTakenByValue) {
  gradus_address const x = allocate(4);
  begin();
  uint32_t value = 42;
  ASSERT_EQ(device.update(device.user, x, &value, 4), GRADUS_OK);
  value = 43;
  run();
  EXPECT_EQ(read(x, 1)[0], 42u);
}

// 2^28 bytes are over maxStorageBufferRange of Mesa's device, and 2^18 groups over its maxComputeWorkGroupCount.
TEST_F(Vulkan, buffersOf256MebibytesAndDispatchesThatAreCut) {
  uint64_t const groups = (1u << 18) + 5, count = 256 * groups;
  gradus_address x = 0;
  ASSERT_EQ(gradus_vulkan_allocate(vulkan, 4 * count, &x), GRADUS_OK) << sink.message;
  {
    std::vector<uint32_t> words(count, 3);
    ASSERT_EQ(gradus_vulkan_write(vulkan, x, words.data(), 4 * count), GRADUS_OK);
  }
  begin();
  ASSERT_EQ(dispatch(number, groups, 0, x), GRADUS_OK);
  run();
  std::vector<uint32_t> const words = read(x, count);
  uint64_t wrong = 0;
  for (uint64_t k = 0; k < count; ++k)
    wrong += words[k] != 15 + static_cast<uint32_t>(k);
  EXPECT_EQ(wrong, 0u);
  EXPECT_GE(gradus_vulkan_dispatches(vulkan), 1u);
  if (std::string(gradus_vulkan_name(vulkan)).find("llvmpipe") != std::string::npos) { // 65,535 at once
    EXPECT_EQ(gradus_vulkan_dispatches(vulkan), 5u);
  }
}

TEST_F(Vulkan, noGroupsAreNoWork) {
  gradus_address const x = allocate(256, 9);
  begin();
  ASSERT_EQ(dispatch(number, 0, 0, x), GRADUS_OK);
  run();
  EXPECT_EQ(gradus_vulkan_dispatches(vulkan), 0u);
  EXPECT_EQ(read(x, 1)[0], 9u);
}

TEST_F(Vulkan, whatIsRecordedRunsAgain) {
  gradus_address const frame = allocate(16, 1), x = allocate(256, 1);
  begin();
  ASSERT_EQ(dispatch(accumulate, 1, frame, x), GRADUS_OK);
  uint32_t expected = 1;
  for (uint32_t round = 1; round < 5; ++round) {
    run();
    expected = 3 * expected + round;
    ASSERT_EQ(gradus_vulkan_write(vulkan, frame, std::vector<uint32_t>{round + 1}.data(), 4), GRADUS_OK); // for the next round
  }
  EXPECT_EQ(read(x, 256), std::vector<uint32_t>(256, expected));
  EXPECT_EQ(gradus_vulkan_dispatches(vulkan), 4u);
}

TEST_F(Vulkan, submissionsFollowOneAnother) {
  gradus_address const frame = allocate(16, 1), x = allocate(256 * 100, 1);
  gradus_vulkan_recorder *other = nullptr;
  ASSERT_EQ(gradus_vulkan_recorder_open(vulkan, &other), GRADUS_OK);
  gradus_device second{};
  begin();
  ASSERT_EQ(gradus_vulkan_begin(other, nullptr, &second), GRADUS_OK);
  ASSERT_EQ(dispatch(accumulate, 100, frame, x), GRADUS_OK);
  ASSERT_EQ(second.dispatch(second.user, &kernels.module, number, 100, 0, x), GRADUS_OK);
  ASSERT_EQ(gradus_vulkan_submit(recorder, nullptr), GRADUS_OK); // not waited for
  ASSERT_EQ(gradus_vulkan_submit(other, nullptr), GRADUS_OK);
  std::vector<uint32_t> const words = read(x, 256 * 100);
  for (uint32_t k = 0; k < words.size(); ++k)
    ASSERT_EQ(words[k], 20 + k);
  gradus_vulkan_recorder_close(other);
}

TEST_F(Vulkan, threadsLoadAModuleOnce) {
  constexpr size_t threadCount = 4, count = 64 * 256;
  std::vector<gradus_address> frames, arrays;
  for (size_t k = 0; k < threadCount; ++k) {
    frames.push_back(allocate(16, static_cast<uint32_t>(k)));
    arrays.push_back(allocate(count, 1));
  }
  std::vector<int32_t> results(threadCount, -1);
  auto work = [&](size_t k) {
    // Each has its own table of the same content, as two copies of an artifact have.
    Module own(kernels.module.content, kernels.words, {"accumulate", "number", "fused"});
    gradus_vulkan_recorder *mine = nullptr;
    gradus_device hooks{};
    results[k] = gradus_vulkan_recorder_open(vulkan, &mine);
    for (int step = 0; step < 20 && results[k] == GRADUS_OK; ++step) {
      results[k] = gradus_vulkan_begin(mine, nullptr, &hooks);
      if (results[k] == GRADUS_OK)
        results[k] = hooks.dispatch(hooks.user, &own.module, accumulate, 64, frames[k], arrays[k]);
      if (results[k] == GRADUS_OK)
        results[k] = gradus_vulkan_submit(mine, nullptr);
    }
    gradus_vulkan_recorder_close(mine);
  };
  std::vector<std::thread> threads;
  for (size_t k = 0; k < threadCount; ++k)
    threads.emplace_back(work, k);
  for (std::thread &thread : threads)
    thread.join();
  for (size_t k = 0; k < threadCount; ++k) {
    ASSERT_EQ(results[k], GRADUS_OK) << sink.message;
    uint32_t expected = 1;
    for (int step = 0; step < 20; ++step)
      expected = 3 * expected + static_cast<uint32_t>(k);
    EXPECT_EQ(read(arrays[k], count), std::vector<uint32_t>(count, expected));
  }
  EXPECT_EQ(gradus_vulkan_dispatches(vulkan), 20 * threadCount);
}

TEST_F(Vulkan, kernelsAreToldWhetherFmaRoundsOnce) {
  gradus_address const x = allocate(256, 9);
  ASSERT_EQ(gradus_vulkan_load(vulkan, &kernels.module), GRADUS_OK) << sink.message;
  begin();
  ASSERT_EQ(dispatch(fused, 1, 0, x), GRADUS_OK);
  run();
  EXPECT_EQ(read(x, 256), std::vector<uint32_t>(256, static_cast<uint32_t>(gradus_vulkan_has_fma(vulkan))));
}

/// Whether the device's Fma of 256 random numbers is C's; they are close to where a second rounding shows.
template <typename Number>
static bool roundsOnce(Vulkan &test, std::vector<uint32_t> words) {
  Module module(1000 + sizeof(Number), std::move(words), {"fma"});
  std::vector<Number> operands(3 * 256), results(256);
  uint32_t state = 12345;
  for (Number &x : operands)
    x = static_cast<Number>(static_cast<int32_t>(state = state * 1664525 + 1013904223)) / 3;
  for (size_t k = 0; k < 256; ++k)
    operands[3 * k + 2] = -operands[3 * k] * operands[3 * k + 1];
  size_t const bytes = operands.size() * sizeof(Number);
  gradus_address const x = test.allocate(bytes / 4), y = test.allocate(64 * sizeof(Number));
  EXPECT_EQ(gradus_vulkan_write(test.vulkan, x, operands.data(), bytes), GRADUS_OK);
  test.begin();
  EXPECT_EQ(test.device.dispatch(test.device.user, &module.module, 0, 1, x, y), GRADUS_OK);
  test.run();
  EXPECT_EQ(gradus_vulkan_read(test.vulkan, results.data(), y, results.size() * sizeof(Number)), GRADUS_OK);
  bool isSame = true;
  for (size_t k = 0; k < 256; ++k) {
    Number const exact = std::fma(operands[3 * k], operands[3 * k + 1], operands[3 * k + 2]);
    isSame &= results[k] == exact;
    EXPECT_TRUE(results[k] == exact || results[k] == 0) << "one rounding or two, and nothing else";
  }
  return isSame;
}

TEST_F(Vulkan, fmaIsAsItSays) {
  bool const isSingle = roundsOnce<float>(*this, readWords("probe32")), isDouble = roundsOnce<double>(*this, readWords("probe64"));
  RecordProperty("single", isSingle);
  RecordProperty("double", isDouble);
  EXPECT_EQ(gradus_vulkan_has_fma(vulkan) != 0, isSingle && isDouble);
}

TEST_F(Vulkan, loopsAreAsLongAsItSays) {
  Module module(2000, readWords("loop"), {"loop"});
  uint64_t const longest = gradus_vulkan_longest_loop(vulkan);
  for (uint32_t end : {1u, 60'000u, 70'000u, 300'000u}) {
    gradus_address const frame = allocate(2, end), count = allocate(2);
    begin();
    ASSERT_EQ(device.dispatch(device.user, &module.module, 0, 1, frame, count), GRADUS_OK);
    run();
    EXPECT_EQ(read(count, 1)[0], std::min<uint64_t>(end, longest));
  }
  EXPECT_EQ(sink.lines, longest == UINT64_MAX ? 0 : 1);
}

TEST(VulkanProbe, isTheTextOfTheFile) {
  EXPECT_EQ(readWords("probe32"), std::vector<uint32_t>(std::begin(gradus_vk_probe32), std::end(gradus_vk_probe32)));
  EXPECT_EQ(readWords("probe64"), std::vector<uint32_t>(std::begin(gradus_vk_probe64), std::end(gradus_vk_probe64)));
  EXPECT_EQ(readWords("loop"), std::vector<uint32_t>(std::begin(gradus_vk_loop), std::end(gradus_vk_loop)));
}

namespace {

const gradus_device_module *entryModule = nullptr;

/// A compiled host function: x[id] = 3 x[id] + v for w of each slot, v being the hyper-parameter k, the frame in the workspace.
int32_t record(const gradus_context *context, const double *hyper, uint64_t, uint64_t, const gradus_tensor *tensors, size_t slots, char *workspace,
               gradus_report *) {
  const gradus_device *device = context->device;
  auto const frame = gradus_to_address(workspace);
  auto const v = static_cast<uint32_t>(hyper[2]);
  int32_t status = device->update(device->user, frame, &v, sizeof(v));
  for (size_t slot = 0; slot < slots && status == GRADUS_OK; ++slot)
    status = device->dispatch(device->user, entryModule, accumulate, 1, frame, gradus_to_address(tensors[5 * slot].data));
  return status;
}

} // namespace

TEST_F(Vulkan, entriesRunOnIt) {
  runtime_test::Call call;
  std::array<int64_t, 2> sizes{32, 8};
  entryModule = &kernels.module;
  call.entry.device_type = GRADUS_VULKAN;
  call.entry.kernel = record;
  gradus_address const memory = allocate(10 * 256 + 64, 1), workspace = memory + 10 * 1024;
  for (size_t k = 0; k < call.tensors.size(); ++k) {
    call.tensors[k].data = gradus_to_pointer(memory + 1024 * k);
    call.tensors[k].device_type = GRADUS_VULKAN;
    if (k % 5 < 3)
      call.tensors[k].dims = sizes.data();
  }
  gradus_context context = sink.context();
  context.device = &device;
  begin();
  ASSERT_EQ(gradus_call(&call.entry, &context, call.hyper.data(), 4, 0, call.tensors.data(), 2, gradus_to_pointer(workspace), 128, &call.report), GRADUS_OK)
      << sink.message;
  EXPECT_EQ(call.report.committed, -1);
  run();
  EXPECT_EQ(read(memory, 256), std::vector<uint32_t>(256, 6));
  EXPECT_EQ(read(memory + 1024, 256), std::vector<uint32_t>(256, 1));
  EXPECT_EQ(read(memory + 5 * 1024, 256), std::vector<uint32_t>(256, 6));
  EXPECT_EQ(gradus_vulkan_dispatches(vulkan), 2u);

  // What the device cannot record, the call says.
  Module empty(99, {}, {"accumulate"});
  empty.module.n_images = 0;
  entryModule = &empty.module;
  begin();
  EXPECT_EQ(gradus_call(&call.entry, &context, call.hyper.data(), 4, 0, call.tensors.data(), 2, gradus_to_pointer(workspace), 128, nullptr),
            GRADUS_ERROR_DEVICE);
  EXPECT_EQ(sink.message, "adam_step: this artifact has no SPIR-V; build it for the target 'vulkan'");
}
