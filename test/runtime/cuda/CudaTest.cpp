//===- CudaTest.cpp - What the runtime asks of CUDA's driver ------------------------===//
//
// The driver is a recorder (fake_driver.c), so that this runs where there is no GPU.
//
//===----------------------------------------------------------------------===//

#include "runtime/cuda_update.h"
#include "test/runtime/cuda/Fake.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <numeric>
#include <thread>
#include <vector>

using runtime_test::Fake;
using runtime_test::Sink;

namespace {

constexpr const char *kernels[] = {"one", "two"};
constexpr char ptx80[] = ".version 7.0 sm_80", ptx90[] = ".version 8.0 sm_90", cubin80[] = "cubin 80", cubin90[] = "cubin 90", wrong[] = ".version wrong";
constexpr gradus_device_image images[] = {{GRADUS_IMAGE_SPIRV, 0, "", 0},
                                          {GRADUS_IMAGE_PTX, 80, ptx80, sizeof(ptx80)},
                                          {GRADUS_IMAGE_PTX, 90, ptx90, sizeof(ptx90)},
                                          {GRADUS_IMAGE_CUBIN, 80, cubin80, sizeof(cubin80)},
                                          {GRADUS_IMAGE_CUBIN, 90, cubin90, sizeof(cubin90)}};
constexpr gradus_device_module module = {0x1234, 5, 2, images, kernels};

/// A device and a queue on it.
class Cuda : public testing::Test {
protected:
  void open(int ordinal = -1, void *stream = reinterpret_cast<void *>(0x77)) {
    ASSERT_EQ(gradus_cuda_open(&sink.context, Fake::path, ordinal, &cuda), GRADUS_OK) << sink.said;
    ASSERT_EQ(gradus_cuda_queue_open(cuda, stream, &queue), GRADUS_OK);
    device = gradus_cuda_queue_device(queue);
  }
  void TearDown() override {
    gradus_cuda_queue_close(queue);
    gradus_cuda_close(cuda);
    EXPECT_EQ(fake.depth(), 0);
    EXPECT_EQ(fake.primaries(), 0);
  }
  int32_t dispatch(uint64_t groups, const gradus_device_module &of = module, int32_t kernel = 0) {
    return device->dispatch(device->user, &of, kernel, groups, 0xabc0, 0x5);
  }
  std::string reason() {
    const char *text = device->reason(device->user);
    return text ? text : "";
  }

  Fake fake;
  Sink sink;
  gradus_cuda *cuda = nullptr;
  gradus_cuda_queue *queue = nullptr;
  gradus_device *device = nullptr;
};

} // namespace

TEST_F(Cuda, saysThatThereIsNoDriver) {
  EXPECT_EQ(gradus_cuda_open(&sink.context, "libgradus_none.so.1", 0, &cuda), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(sink.said.find("gradus_cuda: there is no CUDA driver here: libgradus_none.so.1: "), 0u) << sink.said;
  EXPECT_EQ(cuda, nullptr);
  EXPECT_EQ(gradus_cuda_open(nullptr, "libgradus_none.so.1", 0, &cuda), GRADUS_ERROR_DEVICE);
}

TEST_F(Cuda, saysThatADriverIsTooOld) {
  EXPECT_EQ(gradus_cuda_open(&sink.context, "libm.so.6", 0, &cuda), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(sink.said, "gradus_cuda: the CUDA driver 'libm.so.6' has no function cuInit: it is too old");
}

TEST_F(Cuda, saysThatThereIsNoSuchDevice) {
  EXPECT_EQ(gradus_cuda_open(&sink.context, Fake::path, 2, &cuda), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(sink.said, "gradus_cuda: there is no CUDA device 2; the driver has 2");
  sink.said.clear();
  EXPECT_EQ(gradus_cuda_open(&sink.context, Fake::path, -2, &cuda), GRADUS_ERROR_DEVICE);
}

TEST_F(Cuda, usesThePrimaryContextWhereNoneIsCurrent) {
  open();
  EXPECT_EQ(fake.primaries(), 1);
  EXPECT_EQ(device->type, GRADUS_CUDA);
  EXPECT_EQ(device->id, 0);
  EXPECT_STREQ(gradus_cuda_name(cuda), "fake 0");
  EXPECT_EQ(gradus_cuda_architecture(cuda), 80);
  EXPECT_EQ(fake.current(), nullptr);
  EXPECT_EQ(dispatch(1), 0);
  EXPECT_EQ(fake.current(), nullptr);
}

TEST_F(Cuda, usesTheContextOfTheCaller) {
  fake.push(fake.ownContext(1));
  open();
  EXPECT_EQ(fake.primaries(), 0);
  EXPECT_EQ(device->id, 1);
  fake.push(fake.primaryContext(0)); // another one is current at the call
  EXPECT_EQ(dispatch(1), 0);
  EXPECT_EQ(fake.current(), fake.primaryContext(0));
  EXPECT_NE(fake.takeRecord().find("at 1\n"), std::string::npos);
  fake.pop();
  EXPECT_EQ(fake.current(), fake.ownContext(1));
  fake.pop();
}

TEST_F(Cuda, usesThePrimaryContextOfAnotherDevice) {
  fake.push(fake.ownContext(0));
  open(1);
  EXPECT_EQ(fake.primaries(), 1);
  EXPECT_EQ(device->id, 1);
  EXPECT_EQ(fake.current(), fake.ownContext(0));
  fake.pop();
}

TEST_F(Cuda, launchesWithTheArgumentsInOrder) {
  open();
  EXPECT_EQ(dispatch(3, module, 1), 0);
  EXPECT_EQ(fake.takeRecord(), "load cubin 80 at 0\ntwo 3 (abc0, 5, 0) on 77\n");
  EXPECT_EQ(dispatch(0), 0);
  EXPECT_EQ(fake.takeRecord(), "");
  EXPECT_EQ(gradus_cuda_queue_dispatches(queue), 1u);
}

TEST_F(Cuda, cutsWhatIsLargerThanAGrid) {
  fake.describe(12040, 80, 1000);
  open();
  EXPECT_EQ(dispatch(2001), 0);
  EXPECT_EQ(fake.takeRecord(), "load cubin 80 at 0\none 1000 (abc0, 5, 0) on 77\none 1000 (abc0, 5, 3e8) on 77\none 1 (abc0, 5, 7d0) on 77\n");
}

TEST_F(Cuda, goesToTheStreamInUse) {
  open();
  EXPECT_EQ(dispatch(1), 0);
  (void)fake.takeRecord();
  EXPECT_EQ(gradus_cuda_queue_use(queue, nullptr), GRADUS_OK);
  EXPECT_EQ(dispatch(1), 0);
  EXPECT_EQ(fake.takeRecord(), "one 1 (abc0, 5, 0) on 0\n");
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

TEST_F(Cuda, joinsNeighbouringUpdates) {
  open();
  std::vector<uint32_t> target(1024, 7), source(1024);
  std::iota(source.begin(), source.end(), 100);
  auto at = [&](size_t word) { return reinterpret_cast<gradus_address>(target.data() + word); };
  auto update = [&](size_t word, size_t words) { return device->update(device->user, at(word), source.data() + word, 4 * words); };
  EXPECT_EQ(update(0, 10), 0);
  EXPECT_EQ(update(10, 20), 0);
  EXPECT_EQ(update(30, 2), 0);
  source[0] = 0; // was taken by value
  EXPECT_EQ(fake.takeRecord(), "");
  EXPECT_EQ(target[0], 7u);
  EXPECT_EQ(dispatch(1), 0);
  EXPECT_EQ(fake.takeRecord(), "load cubin 80 at 0\nupdate 128 on 77\none 1 (abc0, 5, 0) on 77\n");
  EXPECT_EQ(target[0], 100u);
  EXPECT_EQ(target[31], 131u);
  EXPECT_EQ(target[32], 7u);
  // With a gap between them: two.
  EXPECT_EQ(update(40, 2), 0);
  EXPECT_EQ(update(50, 2), 0);
  EXPECT_EQ(fake.takeRecord(), "update 8 on 77\n");
  EXPECT_EQ(device->finish(device->user), 0);
  EXPECT_EQ(fake.takeRecord(), "update 8 on 77\n");
  EXPECT_EQ(device->finish(device->user), 0);
  EXPECT_EQ(fake.takeRecord(), "");
  EXPECT_EQ(target[51], 151u);
}

TEST_F(Cuda, cutsWhatIsLargerThanTheArgumentsOfAKernel) {
  for (int version : {12000, 12010}) {
    fake.describe(version, 80);
    open();
    size_t const most = version < 12010 ? 3840 : 32640, bytes = 2 * most + 8;
    std::vector<uint32_t> target(bytes / 4, 7), source(bytes / 4);
    std::iota(source.begin(), source.end(), 1);
    EXPECT_EQ(device->update(device->user, reinterpret_cast<gradus_address>(target.data()), source.data(), bytes), 0);
    EXPECT_EQ(device->finish(device->user), 0);
    std::string const one = "update " + std::to_string(most) + " on 77\n";
    EXPECT_EQ(fake.takeRecord(), one + one + "update 8 on 77\n");
    EXPECT_EQ(target, source);
    TearDown();
    queue = nullptr;
    cuda = nullptr;
  }
}

TEST_F(Cuda, refusesBytesThatAreNoWords) {
  open();
  uint32_t word = 1;
  EXPECT_EQ(device->update(device->user, reinterpret_cast<gradus_address>(&word), &word, 3), GRADUS_ERROR_ALIGNMENT);
  EXPECT_EQ(device->update(device->user, reinterpret_cast<gradus_address>(&word) + 2, &word, 4), GRADUS_ERROR_ALIGNMENT);
  EXPECT_EQ(reason(), "arguments are written in words of 4 bytes");
}

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

TEST_F(Cuda, loadsAModuleOnceForAllThreads) {
  open();
  int const own = fake.loads();
  std::vector<std::thread> threads;
  std::vector<int32_t> answers(8, -1);
  for (int k = 0; k < 8; ++k)
    threads.emplace_back([&, k] {
      gradus_cuda_queue *mine = nullptr;
      (void)gradus_cuda_queue_open(cuda, nullptr, &mine);
      gradus_device *record = gradus_cuda_queue_device(mine);
      answers[k] = record->dispatch(record->user, &module, 0, 1, 0, 0);
      gradus_cuda_queue_close(mine);
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(answers, std::vector<int32_t>(8, 0));
  EXPECT_EQ(fake.loads() - own, 1);
  gradus_device_module const copy = module; // known again by its content
  EXPECT_EQ(dispatch(1, copy), 0);
  EXPECT_EQ(fake.loads() - own, 1);
}

TEST_F(Cuda, loadsBeforeTheFirstCall) {
  open();
  EXPECT_EQ(gradus_cuda_load(cuda, nullptr), GRADUS_ERROR_NULL);
  EXPECT_EQ(sink.said, "gradus_cuda: the entry has no kernels");
  EXPECT_EQ(gradus_cuda_load(cuda, &module), GRADUS_OK);
  EXPECT_EQ(fake.takeRecord(), "load cubin 80 at 0\n");
  EXPECT_EQ(dispatch(1), 0);
  EXPECT_EQ(fake.takeRecord(), "one 1 (abc0, 5, 0) on 77\n");
}

TEST_F(Cuda, takesTheCubinOfTheDeviceOrElsePtx) {
  std::pair<int, const char *> const cases[] = {{80, "load cubin 80 at 0\n"}, {86, "load .version at 0\n"}, {90, "load cubin 90 at 0\n"}, {120, "load .version at 0\n"}};
  for (auto [architecture, expected] : cases) {
    fake.describe(12040, architecture);
    open();
    EXPECT_EQ(gradus_cuda_load(cuda, &module), GRADUS_OK);
    EXPECT_EQ(fake.takeRecord(), expected);
    TearDown();
    queue = nullptr;
    cuda = nullptr;
  }
}

TEST_F(Cuda, namesBothArchitectures) {
  fake.describe(12040, 75);
  open();
  EXPECT_EQ(dispatch(1), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(reason(), "the device 'fake 0' is sm_75, and this library has PTX for sm_80, PTX for sm_90, a cubin for sm_80, a cubin for sm_90");
}

TEST_F(Cuda, saysThatThereIsNoCode) {
  open();
  gradus_device_module const other = {9, 1, 2, images, kernels}; // SPIR-V alone
  EXPECT_EQ(dispatch(1, other), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(reason(), "this library has no code for CUDA, and the device 'fake 0' is sm_80");
}

TEST_F(Cuda, saysWhyPtxDoesNotLoad) {
  open();
  gradus_device_image const image = {GRADUS_IMAGE_PTX, 80, wrong, sizeof(wrong)};
  gradus_device_module const bad = {1, 1, 1, &image, kernels};
  EXPECT_EQ(dispatch(1, bad), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(reason(), "PTX for sm_80 does not load on sm_80 with CUDA 12.4, line 1: wrong: CUDA_ERROR_FAKE (218), as the test wants");
}

TEST_F(Cuda, takesPtxWhereTheCubinDoesNotLoad) {
  open();
  gradus_device_image const both[] = {{GRADUS_IMAGE_CUBIN, 80, wrong, sizeof(wrong)}, {GRADUS_IMAGE_PTX, 80, ptx80, sizeof(ptx80)}};
  gradus_device_module const mixed = {2, 2, 1, both, kernels};
  EXPECT_EQ(dispatch(1, mixed), 0);
}

TEST_F(Cuda, saysWhichKernelIsMissing) {
  open();
  const char *const names[] = {"missing"};
  gradus_device_module const other = {3, 5, 1, images, names};
  EXPECT_EQ(dispatch(1, other), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(reason(), "the kernel 'missing' cannot be loaded: CUDA_ERROR_FAKE (500), as the test wants");
}

//===----------------------------------------------------------------------===//
// Calls of entries
//===----------------------------------------------------------------------===//

namespace {

/// A compiled entry that ends with an update: nothing of it may wait for the next call.
int32_t recordUpdate(const gradus_context *context, const double *, uint64_t t, uint64_t, const gradus_tensor *, size_t, char *workspace, gradus_report *) {
  const gradus_device *device = context->device;
  return device->update(device->user, gradus_to_address(workspace), &t, sizeof(t));
}

} // namespace

TEST_F(Cuda, recordsAllOfACall) {
  open();
  alignas(64) uint64_t workspace[8] = {};
  gradus_entry entry{};
  entry.abi_version = GRADUS_ABI_VERSION;
  entry.name = "record";
  entry.takes_time = 1;
  entry.device_type = GRADUS_CUDA;
  entry.kernel = recordUpdate;
  entry.workspace_size = [](const gradus_tensor *, size_t) { return sizeof(workspace); };
  entry.module = &module;
  sink.context.device = device;
  gradus_report report{};
  EXPECT_EQ(gradus_call(&entry, &sink.context, nullptr, 7, 0, nullptr, 1, workspace, sizeof(workspace), &report), GRADUS_OK) << sink.said;
  EXPECT_EQ(fake.takeRecord(), "update 8 on 77\n");
  EXPECT_EQ(workspace[0], 7u);
  EXPECT_EQ(report.committed, -1);
  fake.fail("cuLaunchKernel", 719);
  EXPECT_EQ(gradus_call(&entry, &sink.context, nullptr, 7, 0, nullptr, 1, workspace, sizeof(workspace), nullptr), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(sink.said, "record: arguments cannot be written: CUDA_ERROR_FAKE (719), as the test wants");
  fake.fail("", 0);
}

//===----------------------------------------------------------------------===//
// Failing calls
//===----------------------------------------------------------------------===//

TEST_F(Cuda, doesNotOpenWhereTheDriverFails) {
  for (const char *function : {"cuInit", "cuDriverGetVersion", "cuDeviceGetCount", "cuDeviceGet", "cuDeviceGetName", "cuDeviceGetAttribute",
                               "cuDevicePrimaryCtxRetain", "cuCtxPushCurrent", "cuModuleLoadDataEx", "cuModuleGetFunction"}) {
    fake.fail(function, 3);
    sink.said.clear();
    EXPECT_EQ(gradus_cuda_open(&sink.context, Fake::path, -1, &cuda), GRADUS_ERROR_DEVICE) << function;
    EXPECT_NE(sink.said.find(": CUDA_ERROR_FAKE (3), as the test wants"), std::string::npos) << function << ": " << sink.said;
    EXPECT_EQ(cuda, nullptr);
    EXPECT_EQ(fake.depth(), 0) << function;
    EXPECT_EQ(fake.primaries(), 0) << function;
  }
}

TEST_F(Cuda, givesCodesWhereAHookFails) {
  open();
  uint32_t word = 5;
  auto const to = reinterpret_cast<gradus_address>(&word);
  fake.fail("cuLaunchKernel", 700); // as an asynchronous error of earlier work comes back
  EXPECT_EQ(dispatch(1), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(reason(), "a kernel cannot be launched: CUDA_ERROR_FAKE (700), as the test wants");
  EXPECT_EQ(device->update(device->user, to, &word, 4), 0);
  EXPECT_EQ(device->finish(device->user), GRADUS_ERROR_DEVICE);
  fake.fail("cuLaunchKernel", 999);
  EXPECT_EQ(dispatch(1), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(reason(), "a kernel cannot be launched: an unknown error (999), which the driver does not describe");
  fake.fail("cuCtxPushCurrent", 201);
  EXPECT_EQ(dispatch(1), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(device->update(device->user, to, &word, 4), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(reason(), "the context cannot be made current: CUDA_ERROR_FAKE (201), as the test wants");
  fake.fail("", 0);
}

TEST_F(Cuda, copiesBehindWhatIsRecorded) {
  open();
  gradus_address address = 0;
  ASSERT_EQ(gradus_cuda_allocate(cuda, 16, &address), GRADUS_OK);
  uint32_t in[4] = {1, 2, 3, 4}, out[4] = {};
  EXPECT_EQ(device->update(device->user, address, in, 4), 0);
  EXPECT_EQ(gradus_cuda_write(queue, address + 4, in + 1, 12), GRADUS_OK);
  EXPECT_EQ(gradus_cuda_read(queue, out, address, 16), GRADUS_OK);
  EXPECT_EQ(std::memcmp(in, out, 16), 0);
  EXPECT_EQ(gradus_cuda_wait(queue), GRADUS_OK);
  EXPECT_EQ(fake.takeRecord(), "update 4 on 77\nwrite 12 on 77\nwait on 77\nread 16 on 77\nwait on 77\nwait on 77\n");
  fake.fail("cuStreamSynchronize", 700);
  EXPECT_EQ(gradus_cuda_wait(queue), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(sink.said, "gradus_cuda: the work on the device failed: CUDA_ERROR_FAKE (700), as the test wants");
  sink.said.clear();
  fake.fail("cuMemAlloc", 2);
  gradus_address none = 1;
  EXPECT_EQ(gradus_cuda_allocate(cuda, 16, &none), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(none, 0u);
  EXPECT_EQ(sink.said, "gradus_cuda: there is no memory on the device: CUDA_ERROR_FAKE (2), as the test wants");
  sink.said.clear();
  EXPECT_EQ(device->update(device->user, address, in, 4), 0);
  fake.fail("cuLaunchKernel", 719);
  EXPECT_EQ(gradus_cuda_wait(queue), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(sink.said, "gradus_cuda: arguments cannot be written: CUDA_ERROR_FAKE (719), as the test wants");
  fake.fail("", 0);
  EXPECT_EQ(gradus_cuda_allocate(cuda, 0, &none), GRADUS_OK);
  EXPECT_EQ(none, 0u);
  EXPECT_EQ(gradus_cuda_release(cuda, none), GRADUS_OK);
  EXPECT_EQ(gradus_cuda_release(cuda, address), GRADUS_OK);
}

TEST_F(Cuda, recordsInAGraphFromTheFirstCallOn) {
  open();
  fake.push(fake.primaryContext(0));
  uint32_t words[4] = {1, 2, 3, 4}, target[4] = {};
  fake.beginCapture();
  EXPECT_EQ(gradus_cuda_wait(queue), GRADUS_ERROR_DEVICE); // the graph is watched
  EXPECT_EQ(device->update(device->user, reinterpret_cast<gradus_address>(target), words, 16), 0);
  EXPECT_EQ(dispatch(2), 0) << reason(); // the module is loaded on the way
  EXPECT_EQ(dispatch(3, module, 1), 0);
  EXPECT_EQ(device->finish(device->user), 0);
  EXPECT_EQ(fake.endCapture(), 3u);
  fake.pop();
}

TEST_F(Cuda, keepsScratch) {
  open();
  void *first = device->scratch(device->user, 100);
  ASSERT_NE(first, nullptr);
  std::memset(first, 1, 100);
  EXPECT_EQ(device->scratch(device->user, 50), first);
  EXPECT_NE(device->scratch(device->user, 1 << 20), nullptr);
}

#ifdef GRADUS_CUDA_STUB
TEST_F(Cuda, opensTheDriverOfAToolkit) {
  // A toolkit has a library that exports every function of the driver and starts none.
  EXPECT_EQ(gradus_cuda_open(&sink.context, GRADUS_CUDA_STUB, 0, &cuda), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(sink.said.find("gradus_cuda: the CUDA driver does not start: "), 0u) << sink.said;
}
#endif

#ifdef GRADUS_PTXAS
TEST(CudaUpdate, isAssembled) {
  std::pair<const char *, const char *> const kernels[] = {{"small", GRADUS_CUDA_UPDATE_SMALL_PTX}, {"large", GRADUS_CUDA_UPDATE_LARGE_PTX}};
  for (auto [name, text] : kernels)
    for (const char *architecture : {"sm_80", "sm_90"}) {
      std::string const path = testing::TempDir() + "gradus_update_" + name + "_" + architecture;
      std::ofstream(path + ".ptx") << text;
      std::string const command = GRADUS_PTXAS " -v --warn-on-spills -Werror -arch=" + std::string(architecture) + " " + path + ".ptx -o " + path + ".cubin 2>&1";
      std::string said;
      FILE *pipe = popen(command.c_str(), "r");
      ASSERT_NE(pipe, nullptr);
      char part[256];
      while (fgets(part, sizeof(part), pipe))
        said += part;
      EXPECT_EQ(pclose(pipe), 0) << said;
      EXPECT_NE(said.find("0 bytes spill stores"), std::string::npos) << said;
    }
}
#endif
