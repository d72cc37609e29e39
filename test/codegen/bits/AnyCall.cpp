//===- AnyCall.cpp - A call of an entry of which nothing is known but its table --===//

#include "AnyCall.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <sstream>
#include <thread>

using namespace gradus::bits;

int32_t gradus::bits::getMachineLevel() {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
    return 1;
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") ? 4 : 3;
}

int32_t gradus::bits::currentLevel = 3;

/// Stands for the runtime's own, which is not linked then.
extern "C" int32_t gradus_cpu_level(void) { return currentLevel; }

/// A well mixed number in [0, 1).
static double mix(uint64_t x) {
  x = (x + 1) * 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return double((x ^ (x >> 31)) >> 11) * 0x1p-53;
}

namespace {
/// What the hooks of a context know.
struct User {
  int threads;
  std::string *message;
};
} // namespace

/// Pieces of the range, one for each thread; some are empty where there are more threads than indices.
static void runThreads(void *user, int64_t count, gradus_body body, void *closure) {
  int threads = static_cast<User *>(user)->threads;
  std::vector<std::thread> team;
  for (int number = 1; number < threads; ++number)
    team.emplace_back([=] { body(closure, count * number / threads, count * (number + 1) / threads); });
  body(closure, 0, count / threads);
  for (std::thread &thread : team)
    thread.join();
}

/// The size of symbol `k` in a slot; of one like `T + 1` or `c / 4` that of its own symbol decides.
static int64_t sizeOf(const gradus_entry *entry, const std::vector<int64_t> &sizes, size_t slot, int32_t k) {
  auto findSize = [&](const std::string &name) -> int64_t {
    for (int32_t other = 0; other < entry->n_symbols; ++other)
      if (name == entry->symbols[other])
        return std::max<int64_t>(1, sizes[size_t(other)] / int64_t(slot + 1));
    return std::atoll(name.c_str());
  };
  std::istringstream words(entry->symbols[k]);
  std::string left, sign, right;
  if (!(words >> left >> sign >> right))
    return findSize(entry->symbols[k]);
  int64_t a = findSize(left), b = findSize(right);
  return std::max<int64_t>(1, sign == "+" ? a + b : sign == "-" ? a - b : sign == "*" ? a * b : b ? a / b : a);
}

AnyCall::AnyCall(const gradus_entry *entry, std::vector<int64_t> sizes, size_t slots, Way way)
    : entry(entry), way(way), slots(slots), hyper(size_t(entry->n_hypers)) {
  for (int32_t k = 0; k < entry->n_hypers; ++k) {
    const gradus_hyper &known = entry->hypers[k];
    double low = std::max(known.low, 0.0), high = std::min(known.high, low + 1);
    hyper[size_t(k)] = !std::isnan(known.initial) ? known.initial : known.is_integer ? std::ceil(high) : (low + high) / 2;
  }
  dims.reserve(slots * size_t(entry->n_arguments)); // tensors point into them
  for (size_t slot = 0; slot < slots; ++slot)
    for (int32_t k = 0; k < entry->n_arguments; ++k) {
      const gradus_argument &argument = entry->arguments[k];
      std::vector<int64_t> &own = dims.emplace_back();
      for (int32_t axis = 0; axis < std::abs(argument.rank); ++axis) {
        int32_t dim = argument.dims[axis];
        own.push_back(dim < 0 ? -1 - int64_t(dim) : sizeOf(entry, sizes, slot, dim));
      }
      tensors.push_back({nullptr, own.data(), nullptr, int32_t(own.size()), argument.dtype, GRADUS_CPU, 0});
      fill(tensors.size() - 1, argument);
    }
}

void AnyCall::fill(size_t number, const gradus_argument &argument) {
  gradus_tensor &tensor = tensors[number];
  int64_t count = gradus_numel(&tensor);
  bool isBlocks = tensor.dtype > GRADUS_BLOCKS;
  size_t element = isBlocks ? sizeof(float) : gradus_dtype_size(tensor.dtype);
  char *data = memory.emplace_back(new char[gradus_bytes(tensor.dtype, count) + 64 + way.offset * element]).get();
  data += (64 - reinterpret_cast<uintptr_t>(data) % 64) % 64 + way.offset * element;
  tensor.data = data;
  std::memset(data, 0, gradus_bytes(tensor.dtype, count));
  bool isState = argument.role == GRADUS_STATE; // many are means of squares
  std::vector<float> numbers(isBlocks ? size_t(count) : 0);
  for (int64_t i = 0; i < count; ++i) {
    double unit = mix(number * 0x10001 + uint64_t(i)), value = isState ? 0.1 + unit : 2 * unit - 1;
    auto single = float(value);
    uint32_t word;
    std::memcpy(&word, &single, sizeof(word));
    switch (tensor.dtype) {
    case GRADUS_F32: reinterpret_cast<float *>(data)[i] = single; break;
    case GRADUS_F64: reinterpret_cast<double *>(data)[i] = value; break;
    case GRADUS_BF16: reinterpret_cast<uint16_t *>(data)[i] = uint16_t(word >> 16); break;
    case GRADUS_F16: reinterpret_cast<uint16_t *>(data)[i] = uint16_t(0x3000 + i % 0xc00); break; // from 2^-3 on
    case GRADUS_I32: reinterpret_cast<int32_t *>(data)[i] = int32_t(i % 2); break;
    case GRADUS_I64: reinterpret_cast<int64_t *>(data)[i] = i % 2; break;
    case GRADUS_BOOL: data[i] = char(i % 2); break;
    default: numbers[size_t(i)] = single;
    }
  }
  if (isBlocks)
    gradus_encode(tensor.dtype, count, numbers.data(), data);
}

gradus_status AnyCall::run(uint64_t first, uint64_t steps) {
  size_t bytes = gradus_workspace(entry, tensors.data(), slots);
  workspace.resize(bytes == SIZE_MAX ? 0 : bytes + 64);
  char *scratch = workspace.data() + (64 - reinterpret_cast<uintptr_t>(workspace.data()) % 64) % 64;
  gradus_context context = {};
  User user{way.threads, &message};
  context.user = &user;
  context.parallel_for = way.threads > 1 ? runThreads : nullptr;
  context.error = [](void *user, const gradus_error *error) { *static_cast<User *>(user)->message = error->message; };
  currentLevel = way.level;
  for (uint64_t step = first; step < first + steps; ++step)
    if (gradus_status status = gradus_call(entry, &context, hyper.data(), step, 7, tensors.data(), slots, bytes ? scratch : nullptr, bytes, &report);
        status != GRADUS_OK)
      return status;
  return GRADUS_OK;
}

/// Adds an array; which NaN a NaN is depends on the order of operands, which no machine promises.
template <typename Real>
static void addReals(std::string &bits, const void *data, int64_t count) {
  std::vector<Real> numbers(static_cast<const Real *>(data), static_cast<const Real *>(data) + count);
  for (Real &number : numbers)
    if (std::isnan(number))
      number = std::numeric_limits<Real>::quiet_NaN();
  bits.append(reinterpret_cast<const char *>(numbers.data()), numbers.size() * sizeof(Real));
}

std::string AnyCall::getBits() const {
  std::string bits;
  addReals<double>(bits, &report.value, 1);
  for (const gradus_tensor &tensor : tensors) {
    int64_t count = gradus_numel(&tensor);
    if (tensor.dtype == GRADUS_F32)
      addReals<float>(bits, tensor.data, count);
    else if (tensor.dtype == GRADUS_F64)
      addReals<double>(bits, tensor.data, count);
    else
      bits.append(static_cast<const char *>(tensor.data), gradus_bytes(tensor.dtype, count));
  }
  return bits;
}
