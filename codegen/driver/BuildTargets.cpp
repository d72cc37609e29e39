//===- BuildTargets.cpp - What an artifact has code for -------------------------===//

#include "codegen/driver/BuildTargets.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace gradus::driver {

/// What LLVM writes PTX for, and what has the maxima that our kernels use (codegen/gpu/Ptx.cpp).
static constexpr int32_t architectures[] = {80, 86, 87, 89, 90, 100, 101, 103, 120, 121};

int32_t BuildTargets::findArchitecture(int32_t architecture) {
  int32_t best = architectures[0];
  for (int32_t known : architectures)
    if (known <= architecture)
      best = known;
  return best;
}

/// "sm_80" -> 80; nothing for another word.
static std::optional<int32_t> readArchitecture(StringRef word) {
  int32_t number;
  if (!word.consume_front("sm_") || word.getAsInteger(10, number) || !is_contained(architectures, number))
    return std::nullopt;
  return number;
}

std::optional<BuildTargets> BuildTargets::parse(StringRef list, std::string &error) {
  BuildTargets result;
  SmallVector<StringRef> words, sets;
  list.split(words, ',');
  bool isNvptx = false;
  for (StringRef word : words) {
    bool const begins = word.consume_front("nvptx:");
    isNvptx = begins || (isNvptx && word.starts_with("sm_"));
    if (isNvptx) {
      std::optional<int32_t> number = readArchitecture(word);
      if (!number) {
        error = "expects after 'nvptx:' architectures from sm_80 to sm_121, but got '" + word.str() + "' in '" + list.str() + "'";
        return std::nullopt;
      }
      if (!is_contained(result.nvptx, *number))
        result.nvptx.push_back(*number);
    } else if (word == "nvptx" || word.starts_with("sm_")) {
      error = "expects nvptx:sm_80, or other architectures behind 'nvptx:', but got '" + list.str() + "'";
      return std::nullopt;
    } else if (word == "vulkan") {
      result.vulkan = true;
    } else {
      sets.push_back(word);
    }
  }
  llvm::sort(result.nvptx);
  std::string cpuError;
  std::optional<CpuTargets> cpu = CpuTargets::parse(sets.empty() ? std::string(CpuTargets::initial) : join(sets, ","), cpuError);
  if (!cpu) {
    error = cpuError;
    for (StringRef set : sets)
      if (set != "native" && !set.starts_with("x86-64-v"))
        error = "expects x86-64-v3, x86-64-v4 or native, vulkan, and nvptx:sm_80, with ',' between them, but got '" + set.str() + "' in '" + list.str() + "'";
    return std::nullopt;
  }
  result.cpu = std::move(*cpu);
  return result;
}

std::vector<gradus_device_type> BuildTargets::getDevices() const {
  std::vector<gradus_device_type> devices;
  if (!nvptx.empty())
    devices.push_back(GRADUS_CUDA);
  if (vulkan)
    devices.push_back(GRADUS_VULKAN);
  return devices;
}

std::vector<std::string> BuildTargets::getNames() const {
  std::vector<std::string> names = cpu.getNames();
  if (vulkan)
    names.push_back("vulkan");
  for (int32_t architecture : nvptx)
    names.push_back("nvptx:sm_" + std::to_string(architecture));
  return names;
}

std::string BuildTargets::describe() const { return join(getNames(), ","); }

} // namespace gradus::driver
