//===- Arrays.h - The tensors of an entry, here and on the device ----------------===//

#pragma once

#include "test/bench/device/Gpu.h"

#include <map>

namespace bench {

/// All tensors of a call of one entry, of `slots` slots with the same sizes, filled with the same numbers on every side.
class Arrays {
public:
  /// `sizes` has the size of each symbol; what stands for all elements of a tensor of any shape is `numel`. With `gpu` in the memory of the device.
  Arrays(const gradus_entry &entry, const std::map<std::string, int64_t> &sizes, int64_t numel, size_t slots, Gpu *gpu);

  /// One call; for a device it records. The workspace is its own.
  gradus_status call(const gradus_context *context, const double *hyper, uint64_t t, gradus_report *report = nullptr);
  /// The elements of everything that the entry writes, slot after slot.
  std::vector<std::vector<char>> fetch();
  /// The bytes of all tensors, each once.
  size_t countBytes() const;

private:
  void fill(const gradus_argument &argument, std::vector<char> &bytes, size_t number) const;

  const gradus_entry *entry;
  Gpu *gpu;
  std::map<std::string, int64_t> sizes;
  std::vector<std::vector<int64_t>> dims;   ///< one for each argument
  std::vector<size_t> bytes;                ///< likewise
  std::vector<std::vector<char>> host;      ///< the elements, where they are here
  std::vector<gradus_tensor> tensors;
  std::vector<char> workspace;
  gradus_address deviceWorkspace = 0;
  size_t workspaceBytes = 0;
};

/// The hyper-parameters of an entry at their defaults.
std::vector<double> getDefaults(const gradus_entry &entry);

} // namespace bench
