//===- BenchArrays.h - The arrays of `gradus bench` ----------------------------===//

#pragma once

#include "codegen/cpu/JitEntry.h"
#include "codegen/emit/Entry.h"

#include "llvm/ADT/StringMap.h"

#include <memory>
#include <string>
#include <vector>

namespace gradus::driver {

/// The arrays that one entry takes, for any sizes: random normal numbers, and 0 for what counts or chooses.
class BenchArrays {
public:
  /// Gives each dimension of the entry its size: what `sizes` has, or one by the rank of what it is a dimension of, which is put there. False, with
  /// `error` set, where a size does not come out or the arrays are too large for this machine.
  bool make(const EntryLayout &layout, llvm::StringMap<int64_t> &sizes, std::string &error);
  /// A slot of an entry whose tensors have the same names; empty if it has another one.
  std::vector<gradus_tensor> getSlot(const EntryLayout &entry);
  /// The elements of the parameters; without any, of the largest array.
  int64_t countElements() const;
  /// What a call reads and writes if it does each once.
  double countLeastBytes() const;

private:
  struct Free {
    void operator()(char *memory) const;
  };
  struct Tensor {
    EntryTensor layout;
    std::vector<int64_t> dims;
    size_t bytes = 0;
    std::unique_ptr<char, Free> data;
    int64_t size() const;
  };
  void fill(Tensor &tensor, uint64_t seed);

  std::vector<Tensor> tensors;
};

} // namespace gradus::driver
