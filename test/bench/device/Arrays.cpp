//===- Arrays.cpp - The tensors of an entry, here and on the device --------------===//

#include "test/bench/device/Arrays.h"

#include <cmath>
#include <cstring>

namespace bench {

/// The same numbers wherever they are asked for: splitmix64.
static uint64_t draw(uint64_t index) {
  uint64_t z = (index + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void Arrays::fill(const gradus_argument &argument, std::vector<char> &to, size_t number) const {
  size_t const size = gradus_dtype_size(argument.dtype), count = to.size() / size;
  for (size_t k = 0; k < count; ++k) {
    uint64_t const bits = draw(k + 1000003 * number);
    double const unit = std::ldexp(static_cast<double>(bits >> 11), -53);
    if (argument.dtype == GRADUS_F32) { // a state is a mean of squares perhaps: not below 0
      float const value = static_cast<float>(argument.role == GRADUS_STATE ? unit * 0.01 : unit - 0.5);
      std::memcpy(to.data() + k * size, &value, size);
    } else if (argument.dtype == GRADUS_BF16) { // the upper half of a float
      float const value = static_cast<float>(unit - 0.5);
      uint32_t word;
      std::memcpy(&word, &value, sizeof(word));
      uint16_t const upper = static_cast<uint16_t>(word >> 16);
      std::memcpy(to.data() + k * size, &upper, size);
    } else if (argument.dtype == GRADUS_I64 || argument.dtype == GRADUS_I32) { // classes: there are at least two
      int64_t const value = static_cast<int64_t>(bits % 2);
      std::memcpy(to.data() + k * size, &value, size);
    } else {
      throw std::runtime_error(std::string("no numbers for ") + gradus_dtype_name(argument.dtype));
    }
  }
}

Arrays::Arrays(const gradus_entry &entry, const std::map<std::string, int64_t> &sizes, int64_t numel, size_t slots, Gpu *gpu)
    : entry(&entry), gpu(gpu), sizes(sizes), dims(entry.n_arguments) {
  for (int32_t k = 0; k < entry.n_arguments; ++k) {
    const gradus_argument &argument = entry.arguments[k];
    if (argument.rank < 0)
      dims[k].push_back(numel);
    for (int32_t axis = 0; axis < argument.rank; ++axis)
      dims[k].push_back(argument.dims[axis] < 0 ? -1 - argument.dims[axis] : sizes.at(entry.symbols[argument.dims[axis]]));
    int64_t count = 1;
    for (int64_t dim : dims[k])
      count *= dim;
    bytes.push_back(gradus_bytes(argument.dtype, count));
  }
  host.reserve(slots * entry.n_arguments);
  for (size_t slot = 0; slot < slots; ++slot)
    for (int32_t k = 0; k < entry.n_arguments; ++k) {
      const gradus_argument &argument = entry.arguments[k];
      std::vector<char> numbers(bytes[k]);
      fill(argument, numbers, slot * entry.n_arguments + k);
      gradus_tensor tensor{nullptr, dims[k].data(), nullptr, static_cast<int32_t>(dims[k].size()), argument.dtype, GRADUS_CPU, 0};
      if (gpu) {
        gradus_address const address = gpu->allocate(bytes[k]);
        gpu->write(address, numbers.data(), numbers.size());
        tensor.data = gradus_to_pointer(address);
        tensor.device_type = gpu->getDevice()->type;
        tensor.device_id = gpu->getDevice()->id;
      } else {
        host.push_back(std::move(numbers));
        tensor.data = host.back().data();
      }
      tensors.push_back(tensor);
    }
  workspaceBytes = gradus_workspace(&entry, tensors.data(), slots);
  if (workspaceBytes == SIZE_MAX)
    throw std::runtime_error(std::string(entry.name) + ": its sizes are refused");
  if (gpu)
    deviceWorkspace = gpu->allocate(workspaceBytes);
  else
    workspace.resize(workspaceBytes + 64);
}

gradus_status Arrays::call(const gradus_context *context, const double *hyper, uint64_t t, gradus_report *report) {
  char *aligned = workspace.data() + (64 - reinterpret_cast<uintptr_t>(workspace.data()) % 64) % 64;
  void *scratch = gpu ? gradus_to_pointer(deviceWorkspace) : aligned;
  return gradus_call(entry, context, hyper, t, /*seed=*/0, tensors.data(), tensors.size() / entry->n_arguments, scratch, workspaceBytes, report);
}

std::vector<std::vector<char>> Arrays::fetch() {
  std::vector<std::vector<char>> results;
  for (size_t k = 0; k < tensors.size(); ++k) {
    size_t const argument = k % entry->n_arguments;
    if (!(entry->arguments[argument].flags & GRADUS_WRITTEN))
      continue;
    results.emplace_back(bytes[argument]);
    if (gpu)
      gpu->read(results.back().data(), gradus_to_address(tensors[k].data), bytes[argument]);
    else
      std::memcpy(results.back().data(), tensors[k].data, bytes[argument]);
  }
  return results;
}

size_t Arrays::countBytes() const {
  size_t total = 0;
  for (size_t k = 0; k < tensors.size(); ++k)
    total += bytes[k % entry->n_arguments];
  return total;
}

std::vector<double> getDefaults(const gradus_entry &entry) {
  std::vector<double> values(entry.n_hypers + 1);
  gradus_hyper_defaults(&entry, values.data());
  values.resize(entry.n_hypers);
  return values;
}

} // namespace bench
