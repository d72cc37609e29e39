//===- VulkanTest.cpp - The standard library on a device of Vulkan -------------------===//
//
// Every entry as SPIR-V on the first device that the loader names (lavapipe, on a machine without a GPU), against the CPU's code. The device may flush numbers below 2^-126
// and round its divisions otherwise than IEEE 754; what differs is counted in last places of the type.
//
//===----------------------------------------------------------------------------===//

#include "Specs.h"

#include "codegen/gpu/Spirv.h"
#include "runtime/gradus_vulkan.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace gradus;
using namespace gradus::bits;

namespace {

void say(void *user, const gradus_error *error) { *static_cast<std::string *>(user) = error->message; }

/// The device of all tests of this process; null, with a reason, where there is none.
struct Vulkan {
  Vulkan() {
    context.user = &message;
    context.error = say;
    gradus_vulkan_open(&context, nullptr, &vulkan);
    if (vulkan)
      gradus_vulkan_recorder_open(vulkan, &recorder);
  }
  ~Vulkan() {
    gradus_vulkan_recorder_close(recorder);
    gradus_vulkan_close(vulkan);
  }
  static Vulkan &get() {
    static Vulkan vulkan;
    return vulkan;
  }

  std::string message;
  gradus_context context{};
  gradus_vulkan *vulkan = nullptr;
  gradus_vulkan_recorder *recorder = nullptr;
};

/// Memory of the device for one call.
class Memory {
public:
  explicit Memory(Vulkan &vulkan) : vulkan(vulkan.vulkan) {}
  ~Memory() {
    for (gradus_address address : addresses)
      gradus_vulkan_release(vulkan, address);
  }
  gradus_address allocate(size_t bytes) {
    gradus_address address = 0;
    if (bytes && gradus_vulkan_allocate(vulkan, (bytes + 3) / 4 * 4, &address) == GRADUS_OK)
      addresses.push_back(address);
    return address;
  }

private:
  gradus_vulkan *vulkan;
  std::vector<gradus_address> addresses;
};

gradus_status runOnVulkan(const gradus_entry &entry, AnyCall &call, uint64_t t, std::string &message) {
  Vulkan &vulkan = Vulkan::get();
  Memory memory(vulkan);
  gradus_context context = vulkan.context;
  context.user = &message;
  std::vector<gradus_tensor> tensors = call.getTensors();
  for (gradus_tensor &tensor : tensors) {
    size_t bytes = gradus_bytes(tensor.dtype, gradus_numel(&tensor));
    gradus_address address = memory.allocate(bytes);
    std::vector<char> padded((bytes + 3) / 4 * 4);
    std::memcpy(padded.data(), tensor.data, bytes);
    if (bytes)
      gradus_vulkan_write(vulkan.vulkan, address, padded.data(), padded.size());
    tensor.data = gradus_to_pointer(address);
    tensor.device_type = GRADUS_VULKAN;
  }
  size_t slots = entry.is_open ? tensors.size() / std::max<size_t>(1, size_t(entry.n_arguments)) : 1, bytes = gradus_workspace(&entry, tensors.data(), slots);
  gradus_address workspace = memory.allocate(bytes == SIZE_MAX ? 0 : bytes), reported = memory.allocate(sizeof(gradus_device_report));
  gradus_device device;
  gradus_vulkan_begin(vulkan.recorder, nullptr, &device);
  device.report = reported;
  context.device = &device;
  gradus_status status = gradus_call(&entry, &context, call.getHypers().data(), t, 7, tensors.data(), slots, gradus_to_pointer(workspace), bytes, nullptr);
  gradus_status submitted = gradus_vulkan_submit(vulkan.recorder, nullptr), done = gradus_vulkan_wait(vulkan.recorder);
  if (status != GRADUS_OK)
    return status;
  if (submitted != GRADUS_OK || done != GRADUS_OK) {
    message = vulkan.message;
    return submitted;
  }
  for (auto [own, there] : llvm::zip_equal(call.getTensors(), tensors)) {
    size_t size = gradus_bytes(own.dtype, gradus_numel(&own));
    std::vector<char> padded((size + 3) / 4 * 4);
    if (size)
      gradus_vulkan_read(vulkan.vulkan, padded.data(), gradus_to_address(there.data), padded.size());
    std::memcpy(own.data, padded.data(), size);
  }
  gradus_device_report report;
  gradus_vulkan_read(vulkan.vulkan, &report, reported, sizeof(report));
  call.getReport() = {};
  return gradus_device_result(&entry, &context, &report, &call.getReport());
}

class OnVulkan : public testing::TestWithParam<std::string> {};

/// The largest distance in last places of the type, where numbers below the smallest normal one are alike.
template <typename Real, typename Bits>
double findDistance(const void *a, const void *b, int64_t count, int mantissa) {
  double most = 0;
  for (int64_t i = 0; i < count; ++i) {
    Real x = static_cast<const Real *>(a)[i], y = static_cast<const Real *>(b)[i];
    if (std::isnan(x) && std::isnan(y))
      continue;
    double smallest = double(std::numeric_limits<Real>::min());
    double size = std::max({std::fabs(double(x)), std::fabs(double(y)), smallest});
    double place = std::ldexp(1.0, std::ilogb(size) - mantissa);
    double distance = std::fabs(double(x) - double(y)) / place;
    if (std::fabs(double(x)) < smallest && std::fabs(double(y)) < smallest)
      distance = 0;
    most = std::isnan(distance) ? INFINITY : std::max(most, distance);
  }
  return most;
}

double findDistance(AnyCall &a, AnyCall &b) {
  double most = findDistance<double, uint64_t>(&a.getReport().value, &b.getReport().value, 1, 52);
  for (auto [x, y] : llvm::zip_equal(a.getTensors(), b.getTensors())) {
    int64_t count = gradus_numel(&x);
    double distance = 0;
    if (x.dtype == GRADUS_F32)
      distance = findDistance<float, uint32_t>(x.data, y.data, count, 23);
    else if (x.dtype == GRADUS_F64)
      distance = findDistance<double, uint64_t>(x.data, y.data, count, 52);
    else if (std::memcmp(x.data, y.data, gradus_bytes(x.dtype, count)) != 0)
      distance = INFINITY;
    most = std::max(most, distance);
  }
  return most;
}

TEST_P(OnVulkan, agreesWithTheCpu) {
  if (!findRefusal(GetParam()).empty())
    return; // SimulatedTests looks at the error
  Vulkan &vulkan = Vulkan::get();
  ASSERT_TRUE(vulkan.vulkan) << vulkan.message;
  Engines engines(GetParam());
  if (engines.layouts.empty() && engines.error.empty()) // macros alone
    return;
  ASSERT_TRUE(engines.cpu && engines.device) << engines.error;
  llvm::FailureOr<llvm::SmallVector<uint32_t, 0>> words = llvm::failure();
  {
    mlir::ScopedDiagnosticHandler handler(&engines.context, [&](mlir::Diagnostic &diagnostic) { engines.error += diagnostic.str() + "\n"; });
    words = emitSpirv(engines.device->getKernels());
  }
  ASSERT_TRUE(succeeded(words)) << engines.error;
  gradus_device_image image{GRADUS_IMAGE_SPIRV, 0, words->data(), words->size() * sizeof(uint32_t)};
  engines.device->setImages(image);
  double most = 0;
  for (const EntryLayout &layout : engines.layouts) {
    JitEntry known(layout, *engines.cpu);
    const gradus_entry &cpu = known.get();
    gradus_entry gpu = engines.device->makeEntry(known, layout, GRADUS_VULKAN);
    for (const std::vector<int64_t> &sizes : getSizes(GetParam(), cpu)) {
      size_t slots = cpu.is_open ? 3 : 1;
      std::string what = describe(cpu, sizes), message;
      AnyCall plain(&cpu, sizes, slots, {}), other(&cpu, sizes, slots, {});
      gradus_status status = plain.run(3, 1);
      if (status == GRADUS_ERROR_SHAPE || status == GRADUS_ERROR_INTERVAL)
        continue;
      uint64_t before = gradus_vulkan_dispatches(vulkan.vulkan);
      EXPECT_EQ(runOnVulkan(gpu, other, 3, message), status) << what << ": " << message << " / " << plain.getMessage();
      EXPECT_GT(gradus_vulkan_dispatches(vulkan.vulkan), before) << what;
      if (status != GRADUS_OK)
        continue;
      double distance = findDistance(other, plain);
      most = std::max(most, distance);
      if (distance > 0)
        printf("%s: %.3g last places\n", what.c_str(), distance);
    }
  }
  EXPECT_LE(most, 4);
}

INSTANTIATE_TEST_SUITE_P(Std, OnVulkan, testing::ValuesIn(findSpecs()), [](const auto &info) { return toTestName(info.param); });

} // namespace
