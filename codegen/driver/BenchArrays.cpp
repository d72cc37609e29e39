//===- BenchArrays.cpp - The arrays of `gradus bench` --------------------------===//

#include "codegen/driver/BenchArrays.h"

#include "dialect/DimExpr.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

using namespace mlir;

namespace gradus::driver {

/// An array whose dimensions are all free has about as many numbers: a vector 2^22, others fewer, since who multiplies matrices does more than read them.
static constexpr int64_t logOfVector = 22, logOfOthers = 20;

void BenchArrays::Free::operator()(char *memory) const { std::free(memory); }

int64_t BenchArrays::Tensor::size() const {
  int64_t count = 1;
  for (int64_t dim : dims)
    count *= dim;
  return count;
}

/// What stands in the shapes of arrays of several ranks gets the least of what they ask for.
static void chooseSizes(const EntryLayout &layout, llvm::StringMap<int64_t> &sizes) {
  llvm::StringMap<int64_t> chosen;
  for (const EntryTensor &tensor : layout.tensors)
    for (Attribute dim : tensor.dims) {
      if (!isa<StringAttr>(dim))
        continue;
      auto rank = static_cast<int64_t>(tensor.dims.size());
      int64_t size = int64_t(1) << (rank == 1 ? logOfVector : logOfOthers / rank);
      for (const std::string &symbol : DimExpr::of(dim).getSymbols()) {
        auto [at, isNew] = chosen.try_emplace(symbol, size);
        at->second = std::min(at->second, size);
      }
    }
  for (const auto &symbol : chosen)
    sizes.try_emplace(symbol.getKey(), symbol.getValue());
}

bool BenchArrays::make(const EntryLayout &layout, llvm::StringMap<int64_t> &sizes, std::string &error) {
  chooseSizes(layout, sizes);
  double bytes = 0;
  const double memory = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  for (const EntryTensor &described : layout.tensors) {
    Tensor tensor{described, {}, 0, nullptr};
    double own = static_cast<double>(gradus_dtype_size(described.dtype));
    for (Attribute dim : described.dims) {
      std::optional<int64_t> size = sizeOfDim(dim, sizes);
      if (!size) {
        error = "the dimension '" + DimExpr::of(dim).print() + "' of '" + described.name + "' is no size where the others are what they are; give other ones by --dim";
        return false;
      }
      tensor.dims.push_back(*size);
      own *= static_cast<double>(*size);
    }
    bytes += own;
    if (bytes > memory / 2) {
      error = llvm::formatv("the arrays up to '{0}' take {1:f1} GiB, more than half of the memory of this machine; give smaller sizes by --dim",
                            described.name, bytes * 0x1p-30);
      return false;
    }
    tensors.push_back(std::move(tensor));
  }
  for (auto [number, tensor] : llvm::enumerate(tensors)) { // once all sizes are known to fit
    tensor.bytes = gradus_bytes(tensor.layout.dtype, tensor.size());
    tensor.data.reset(static_cast<char *>(std::aligned_alloc(64, (tensor.bytes + 127) / 64 * 64)));
    if (!tensor.data) {
      error = "no memory for '" + tensor.layout.name + "'";
      return false;
    }
    fill(tensor, number + 1);
  }
  return true;
}

/// A well mixed number from a counter.
static uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// Nearly normal: the sum of four numbers of a word.
static float drawNumber(uint64_t seed, int64_t i) {
  uint64_t bits = mix(seed * 0x2545f4914f6cdd1d + static_cast<uint64_t>(i));
  auto sum = static_cast<int64_t>((bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48));
  return static_cast<float>(sum - 131070) * (1.0f / 37837);
}

/// Through the runtime's own conversion where an element is no float.
void BenchArrays::fill(Tensor &tensor, uint64_t seed) {
  std::memset(tensor.data.get(), 0, tensor.bytes);
  const int64_t count = tensor.size();
  const gradus_dtype dtype = tensor.layout.dtype;
  if (tensor.layout.role == GRADUS_STATE || tensor.layout.role == GRADUS_OUTPUT)
    return; // from the rule's first values, or written
  for (int64_t i = 0; i < count; ++i) {
    float number = drawNumber(seed, i);
    uint32_t bits;
    std::memcpy(&bits, &number, sizeof bits);
    if (dtype == GRADUS_F32)
      std::memcpy(tensor.data.get() + 4 * i, &number, 4);
    else if (dtype == GRADUS_F64) {
      double wide = number;
      std::memcpy(tensor.data.get() + 8 * i, &wide, 8);
    } else if (dtype == GRADUS_BF16) {
      auto half = static_cast<uint16_t>(bits >> 16);
      std::memcpy(tensor.data.get() + 2 * i, &half, 2);
    } else if (dtype == GRADUS_F16) {
      // The same sign and exponent around 1, fewer digits; what is too small becomes 0.
      const int32_t exponent = static_cast<int32_t>(bits >> 23 & 0xff) - 127 + 15;
      auto half = static_cast<uint16_t>((bits >> 16 & 0x8000) | (exponent > 0 ? static_cast<uint32_t>(exponent) << 10 | (bits >> 13 & 0x3ff) : 0));
      std::memcpy(tensor.data.get() + 2 * i, &half, 2);
    }
  }
  if (tensor.layout.type.isBlocks()) {
    std::vector<float> numbers(count);
    for (int64_t i = 0; i < count; ++i)
      numbers[i] = drawNumber(seed, i);
    gradus_encode(dtype, count, numbers.data(), tensor.data.get());
  }
}

std::vector<gradus_tensor> BenchArrays::getSlot(const EntryLayout &entry) {
  std::vector<gradus_tensor> slot;
  for (const EntryTensor &asked : entry.tensors) {
    auto at = llvm::find_if(tensors, [&](const Tensor &tensor) { return tensor.layout.name == asked.name; });
    if (at == tensors.end())
      return {};
    slot.push_back({at->data.get(), at->dims.data(), nullptr, static_cast<int32_t>(at->dims.size()), at->layout.dtype, GRADUS_CPU, 0});
  }
  return slot;
}

int64_t BenchArrays::countElements() const {
  int64_t parameters = 0, largest = 0;
  for (const Tensor &tensor : tensors) {
    parameters += tensor.layout.role == GRADUS_PARAM ? tensor.size() : 0;
    largest = std::max(largest, tensor.size());
  }
  return parameters ? parameters : largest;
}

double BenchArrays::countLeastBytes() const {
  double bytes = 0;
  for (const Tensor &tensor : tensors)
    bytes += static_cast<double>(tensor.bytes) * ((tensor.layout.argument >= 0) + (tensor.layout.result >= 0));
  return bytes;
}

} // namespace gradus::driver
