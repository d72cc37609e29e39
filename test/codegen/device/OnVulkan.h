//===- OnVulkan.h - Any call, made on a device of Vulkan -----------------------===//

#pragma once

#include "runtime/gradus_vulkan.h"
#include "test/codegen/bits/AnyCall.h"

#include <string>

namespace gradus::device {

/// The best device of this machine, open. Without one `problem` says why.
class OnVulkan {
public:
  OnVulkan();
  OnVulkan(const OnVulkan &) = delete;
  ~OnVulkan();

  /// Makes the call's step t with `entry`, one of a device, from copies of its tensors; what comes of it goes back into them. The status is that of
  /// the call, or else what the device reported; `message` has the sentence.
  gradus_status run(const gradus_entry *entry, bits::AnyCall &call, uint64_t t);
  /// Records the call once, with another t, and submits it for the steps first, first + 1, ..: t, the seed and the hyper-parameters come from memory of the device.
  gradus_status replay(const gradus_entry *entry, bits::AnyCall &call, uint64_t first, uint64_t steps);
  /// gradus_vulkan_longest_loop.
  uint64_t getLongestLoop() const { return gradus_vulkan_longest_loop(vulkan); }
  /// The dispatches so far.
  uint64_t countDispatches() const { return gradus_vulkan_dispatches(vulkan); }

  std::string problem; ///< why there is no device
  std::string message; ///< what went wrong last

private:
  struct Memory;
  gradus_status record(const gradus_entry *entry, bits::AnyCall &call, uint64_t t, Memory &memory, gradus_address values);
  gradus_status submit(const gradus_entry *entry, bits::AnyCall &call, Memory &memory);

  gradus_context context{};
  gradus_vulkan *vulkan = nullptr;
  gradus_vulkan_recorder *recorder = nullptr;
};

} // namespace gradus::device
