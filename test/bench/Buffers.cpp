//===- Buffers.cpp - The arrays of a case, and a call on them ----------------------===//

#include "Cases.h"

#include <sys/mman.h>

#include <cmath>
#include <cstring>

namespace gradus::bench {

static size_t roundUp(size_t bytes) { return (bytes + (1 << 21) - 1) >> 21 << 21; }

static void *allocate(size_t bytes) {
  void *memory = mmap(nullptr, roundUp(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return nullptr;
  madvise(memory, roundUp(bytes), MADV_HUGEPAGE);
  return memory;
}

Buffers::Buffers(const Case &c, int64_t n) : entry(c.entry()), n(n) {
  for (int32_t i = 0; i < entry->n_arguments; ++i) {
    bytes.push_back(gradus_bytes(entry->arguments[i].dtype, n));
    arrays.push_back(allocate(bytes.back()));
  }
}

Buffers::~Buffers() {
  for (size_t i = 0; i < arrays.size(); ++i)
    if (arrays[i])
      munmap(arrays[i], roundUp(bytes[i]));
}

bool Buffers::isValid() const {
  for (void *array : arrays)
    if (!array)
      return false;
  return true;
}

double Buffers::getBytes() const {
  double sum = 0;
  for (size_t part : bytes)
    sum += double(part);
  return sum;
}

/// A well mixed 64-bit number from a counter.
static uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

static float normal(uint64_t seed, int64_t i) {
  uint64_t bits = mix(seed * 0x2545f4914f6cdd1d + uint64_t(i));
  float radius = std::sqrt(-2 * std::log((float(bits >> 40) + 0.5f) * 0x1p-24f));
  return radius * std::cos(float(bits & 0xffffff) * (6.2831853f * 0x1p-24f));
}

static uint16_t toBf16(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static float fromBf16(uint16_t x) {
  uint32_t bits = uint32_t(x) << 16;
  float y;
  std::memcpy(&y, &bits, sizeof y);
  return y;
}

/// The pieces into which arrays are cut: whole blocks of codes.
static constexpr int64_t kPiece = 4096;

static void fillNormal(int32_t dtype, void *out, int64_t n, uint64_t seed, float scale, bool isMeanOfSquares) {
#pragma omp parallel for schedule(static)
  for (int64_t from = 0; from < n; from += kPiece) {
    float numbers[kPiece];
    int64_t count = std::min(kPiece, n - from);
    for (int64_t i = 0; i < count; ++i) {
      float x = scale * normal(seed, from + i);
      numbers[i] = isMeanOfSquares ? x * x : x;
    }
    char *to = static_cast<char *>(out) + gradus_bytes(dtype, from);
    if (dtype == GRADUS_BF16)
      for (int64_t i = 0; i < count; ++i) {
        uint16_t half = toBf16(numbers[i]);
        std::memcpy(to + 2 * i, &half, sizeof half);
      }
    else if (dtype == GRADUS_F32)
      std::memcpy(to, numbers, size_t(count) * sizeof(float));
    else
      gradus_encode(dtype, count, numbers, to);
  }
}

/// What an array of that name keeps, by its last letter: weights and their averages, gradients and the first moment are normal numbers, the others means of squares.
void Buffers::fill(uint64_t seed) {
  for (int32_t i = 0; i < entry->n_arguments; ++i) {
    std::string name = entry->arguments[i].name;
    name = name.substr(name.find_last_of('.') + 1);
    bool isWeight = name == "w" || name == "average", isSigned = isWeight || name == "g" || name == "m" || name == "last";
    float scale = isWeight ? 0.02f : name == "m" ? 0.1f : 1;
    fillNormal(entry->arguments[i].dtype, arrays[i], n, seed + uint64_t(i), scale, !isSigned);
  }
}

std::vector<float> Buffers::read(size_t array) const {
  std::vector<float> numbers(static_cast<size_t>(n));
  int32_t dtype = entry->arguments[array].dtype;
  if (dtype == GRADUS_F32)
    std::memcpy(numbers.data(), arrays[array], bytes[array]);
  else if (dtype == GRADUS_BF16)
    for (int64_t i = 0; i < n; ++i)
      numbers[size_t(i)] = fromBf16(static_cast<const uint16_t *>(arrays[array])[i]);
  else
    gradus_decode(dtype, n, arrays[array], numbers.data());
  return numbers;
}

Call::Call(const Case &c, const Buffers &buffers, const gradus_context *context)
    : entry(c.entry()), context(context), n(buffers.n), hyper(size_t(entry->n_hypers)) {
  gradus_hyper_defaults(entry, hyper.data());
  for (int32_t i = 0; i < entry->n_hypers; ++i)
    for (const auto &[name, value] : c.settings)
      if (name == entry->hypers[i].name)
        hyper[size_t(i)] = value;
  for (int32_t i = 0; i < entry->n_arguments; ++i)
    tensors.push_back({buffers.arrays[size_t(i)], &n, nullptr, 1, entry->arguments[i].dtype, GRADUS_CPU, 0});
  workspaceBytes = gradus_workspace(entry, tensors.data(), 1);
  if (workspaceBytes == 0 || workspaceBytes == SIZE_MAX)
    return;
  workspace.resize(workspaceBytes + 64);
  alignedWorkspace = workspace.data() + (64 - reinterpret_cast<uintptr_t>(workspace.data()) % 64) % 64;
}

bool Call::operator()(uint64_t t) {
  return gradus_call(entry, context, hyper.data(), t, 0, tensors.data(), 1, alignedWorkspace, workspaceBytes, nullptr) == GRADUS_OK;
}

} // namespace gradus::bench
