//===- Device.h - The kernels of an artifact's entries on devices ---------------===//
//
// One set of kernels and one host program serve every device: entries `adamw_step_vulkan` and `adamw_step_cuda` differ in the type of their memory alone, and
// the runtime of a device takes the image that it can load.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "runtime/gradus_device.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace llvm {
class Module;
} // namespace llvm

namespace gradus {

/// The kernels in one form.
struct DeviceImage {
  gradus_image_kind kind;
  int32_t architecture; ///< 80, or 0
  std::string bytes;    ///< of PTX without the NUL that ends it
};

/// The kernels in every form that the artifact has.
struct DeviceCode {
  std::vector<DeviceImage> images;
  std::vector<std::string> kernels; ///< the entry points, by number

  /// A hash of the images: a device that has loaded one artifact knows another of the same kernels.
  uint64_t getContent() const;
};

/// "spirv", "ptx", "cubin".
llvm::StringRef getImageName(gradus_image_kind kind);
/// What follows the name of an entry on such a device: "_cuda".
llvm::StringRef getDeviceSuffix(gradus_device_type type);
/// The device as the manifest calls it: "cuda".
llvm::StringRef getDeviceName(gradus_device_type type);
/// All device types of entries, in the order of the header.
llvm::ArrayRef<gradus_device_type> getDeviceTypes();

/// Defines the constant gradus_device_module that the host program takes the address of; false, with `error`, where the module has another definition.
bool addDeviceTable(llvm::Module &module, const DeviceCode &code, std::string &error);
/// Whether the host functions of these names can be recorded in a graph: they call nothing but each other and the hooks of the device, and follow no address
/// that is not of the host. False, with `error`, says what they do else. To be asked before optimisation.
bool proveCapturable(const llvm::Module &module, llvm::ArrayRef<std::string> names, std::string &error);

} // namespace gradus
