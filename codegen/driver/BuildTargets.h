//===- BuildTargets.h - What an artifact has code for ---------------------------===//

#pragma once

#include "codegen/cpu/Targets.h"
#include "runtime/gradus.h"

#include <optional>
#include <string>
#include <vector>

namespace gradus::driver {

/// The instruction sets of `gradus build --target`, and the devices.
struct BuildTargets {
  CpuTargets cpu;
  bool vulkan = false;
  std::vector<int32_t> nvptx; ///< compute capabilities, ascending: 80 for sm_80

  /// Reads "x86-64-v3,vulkan,nvptx:sm_80,sm_90": after `nvptx:` its architectures follow. Without an instruction set those of `initial`. Nothing, with
  /// `error` set, where a word is another.
  static std::optional<BuildTargets> parse(llvm::StringRef list, std::string &error);
  /// The newest architecture that PTX can be written for and a device of `architecture` runs.
  static int32_t findArchitecture(int32_t architecture);
  bool hasDevices() const { return vulkan || !nvptx.empty(); }
  /// The types of the devices.
  std::vector<gradus_device_type> getDevices() const;
  /// "x86-64-v3", "x86-64-v4", "vulkan", "nvptx:sm_80".
  std::vector<std::string> getNames() const;
  /// The names with commas between, which `parse` reads.
  std::string describe() const;
};

} // namespace gradus::driver
