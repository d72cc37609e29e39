//===- OnVulkan.cpp - Any call, made on a device of Vulkan ---------------------===//

#include "OnVulkan.h"

#include <cstring>
#include <vector>

using namespace gradus::device;

/// Tensors of a call on the device, with their neighbours at least 64 bytes away; freed at the end.
struct OnVulkan::Memory {
  gradus_vulkan *vulkan;
  std::vector<gradus_tensor> tensors;
  std::vector<gradus_address> addresses;
  gradus_address report = 0;

  explicit Memory(gradus_vulkan *vulkan) : vulkan(vulkan) {}
  Memory(const Memory &) = delete;
  ~Memory() {
    for (gradus_address address : addresses)
      gradus_vulkan_release(vulkan, address);
  }

  gradus_address allocate(uint64_t bytes) {
    gradus_address address = 0;
    gradus_vulkan_allocate(vulkan, bytes, &address);
    addresses.push_back(address);
    return address;
  }
  /// One piece of memory for all of them: thousands of allocations would be slow.
  bool upload(const std::vector<gradus_tensor> &from) {
    uint64_t bytes = 0;
    for (const gradus_tensor &tensor : from)
      bytes += paddedBytes(tensor);
    gradus_address address = allocate(bytes + 64);
    std::vector<char> all(bytes);
    size_t place = 0;
    for (gradus_tensor tensor : from) {
      std::memcpy(all.data() + place, tensor.data, bytesOf(tensor));
      tensor.data = gradus_to_pointer(address + place);
      tensor.device_type = GRADUS_VULKAN;
      place += paddedBytes(tensor);
      tensors.push_back(tensor);
    }
    return address != 0 && gradus_vulkan_write(vulkan, address, all.data(), bytes) == GRADUS_OK;
  }
  bool download(const std::vector<gradus_tensor> &to) const {
    uint64_t bytes = 0;
    for (const gradus_tensor &tensor : to)
      bytes += paddedBytes(tensor);
    std::vector<char> all(bytes);
    if (bytes > 0 && gradus_vulkan_read(vulkan, all.data(), gradus_to_address(tensors.front().data), bytes) != GRADUS_OK)
      return false;
    for (size_t k = 0; k < to.size(); ++k)
      std::memcpy(to[k].data, all.data() + (gradus_to_address(tensors[k].data) - gradus_to_address(tensors.front().data)), bytesOf(to[k]));
    return true;
  }

  static uint64_t bytesOf(const gradus_tensor &tensor) { return gradus_bytes(tensor.dtype, gradus_numel(&tensor)); }
  static uint64_t paddedBytes(const gradus_tensor &tensor) { return (bytesOf(tensor) + 127) / 64 * 64; }
};

OnVulkan::OnVulkan() {
  context.user = this;
  context.error = [](void *user, const gradus_error *error) { static_cast<OnVulkan *>(user)->message = error->message; };
  if (gradus_vulkan_open(&context, nullptr, &vulkan) != GRADUS_OK || gradus_vulkan_recorder_open(vulkan, &recorder) != GRADUS_OK)
    problem = message + " (./setup installs a device that computes on the CPU)";
}

OnVulkan::~OnVulkan() {
  gradus_vulkan_recorder_close(recorder);
  gradus_vulkan_close(vulkan);
}

gradus_status OnVulkan::record(const gradus_entry *entry, bits::AnyCall &call, uint64_t t, Memory &memory, gradus_address values) {
  gradus_device hooks{};
  gradus_status status = gradus_vulkan_begin(recorder, nullptr, &hooks);
  if (status != GRADUS_OK)
    return status;
  size_t const bytes = gradus_workspace(entry, memory.tensors.data(), call.getSlots());
  gradus_address const workspace = bytes == 0 || bytes == SIZE_MAX ? 0 : memory.allocate(bytes);
  hooks.report = memory.report = memory.allocate(sizeof(gradus_device_report));
  hooks.values = values;
  gradus_context inner = context;
  inner.device = &hooks;
  status = gradus_call(entry, &inner, call.getHypers().data(), t, 7, memory.tensors.data(), call.getSlots(), gradus_to_pointer(workspace),
                       bytes == SIZE_MAX ? 0 : bytes, &call.getReport());
  gradus_status const ended = gradus_vulkan_end(recorder); // of what failed nothing runs
  return status == GRADUS_OK ? ended : status;
}

gradus_status OnVulkan::submit(const gradus_entry *entry, bits::AnyCall &call, Memory &memory) {
  gradus_device_report report;
  gradus_status status = gradus_vulkan_submit(recorder, nullptr);
  if (status == GRADUS_OK)
    status = gradus_vulkan_wait(recorder);
  if (status == GRADUS_OK)
    status = gradus_vulkan_read(vulkan, &report, memory.report, sizeof(report));
  return status == GRADUS_OK ? gradus_device_result(entry, &context, &report, &call.getReport()) : status;
}

gradus_status OnVulkan::run(const gradus_entry *entry, bits::AnyCall &call, uint64_t t) {
  Memory memory(vulkan);
  if (!memory.upload(call.getTensors()))
    return GRADUS_ERROR_DEVICE;
  gradus_status status = record(entry, call, t, memory, 0);
  if (status == GRADUS_OK)
    status = submit(entry, call, memory);
  return memory.download(call.getTensors()) ? status : GRADUS_ERROR_DEVICE;
}

gradus_status OnVulkan::replay(const gradus_entry *entry, bits::AnyCall &call, uint64_t first, uint64_t steps) {
  Memory memory(vulkan);
  if (!memory.upload(call.getTensors()))
    return GRADUS_ERROR_DEVICE;
  uint64_t const seed = 7;
  gradus_address const values = memory.allocate(16 + 8 * call.getHypers().size());
  gradus_status status = record(entry, call, first + 1000, memory, values);
  for (uint64_t t = first; t < first + steps && status == GRADUS_OK; ++t) {
    uint64_t const numbers[2] = {t, seed};
    status = gradus_vulkan_write(vulkan, values, numbers, sizeof(numbers));
    if (status == GRADUS_OK)
      status = gradus_vulkan_write(vulkan, values + sizeof(numbers), call.getHypers().data(), 8 * call.getHypers().size());
    if (status == GRADUS_OK)
      status = submit(entry, call, memory);
    if (status == GRADUS_OK && call.getReport().t != t)
      status = GRADUS_ERROR_STEP;
  }
  return memory.download(call.getTensors()) ? status : GRADUS_ERROR_DEVICE;
}
