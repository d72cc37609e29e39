//===- Simulator.cpp - A device that is this process --------------------------------===//

#include "Simulator.h"

#include "llvm/ADT/APFloat.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <ucontext.h>

using namespace gradus;
using namespace gradus::bits;

namespace {

constexpr size_t threads = 256, stackBytes = size_t(1) << 16, sharedBytes = size_t(1) << 16;

/// The group that runs: each of its threads goes on until it meets a barrier or its end.
struct Group {
  ucontext_t scheduler, contexts[threads];
  bool isDone[threads];
  size_t current;
  SimulatedKernel *kernel;
  uint64_t frame, argument, number;
  void *shared;
};
Group group;

} // namespace

static void waitForOthers() { swapcontext(&group.contexts[group.current], &group.scheduler); }

static void runThread() {
  group.kernel(group.frame, group.argument, 0, group.current, group.number, group.shared, waitForOthers);
  group.isDone[group.current] = true;
}

Simulator::Simulator(DeviceCode &code) : code(code), shared(sharedBytes) {
  device.user = this;
  device.type = GRADUS_VULKAN;
  device.update = [](void *, gradus_address to, const void *from, size_t bytes) -> int32_t {
    std::memcpy(gradus_to_pointer(to), from, bytes);
    return GRADUS_OK;
  };
  device.dispatch = [](void *user, const gradus_device_module *, int32_t kernel, uint64_t groups, gradus_address frame, uint64_t argument) -> int32_t {
    auto *self = static_cast<Simulator *>(user);
    ++self->dispatches;
    self->run(size_t(kernel), groups, frame, argument);
    return GRADUS_OK;
  };
  device.scratch = [](void *user, size_t bytes) -> void * {
    auto *self = static_cast<Simulator *>(user);
    self->scratch.resize(bytes + 16);
    return self->scratch.data() + (16 - reinterpret_cast<uintptr_t>(self->scratch.data()) % 16) % 16;
  };
  device.report = gradus_to_address(&report);
}

void Simulator::run(size_t kernel, uint64_t groups, uint64_t frame, uint64_t argument) {
  SimulatedKernel *function = code.getSimulated(kernel);
  for (uint64_t number = 0; number < groups; ++number) {
    if (code.hasBarrier(kernel)) {
      runGroup(function, number, frame, argument);
      continue;
    }
    for (uint64_t thread = 0; thread < threads; ++thread)
      function(frame, argument, 0, thread, number, shared.data(), waitForOthers);
  }
}

void Simulator::runGroup(SimulatedKernel *kernel, uint64_t number, uint64_t frame, uint64_t argument) {
  group.kernel = kernel;
  group.frame = frame;
  group.argument = argument;
  group.number = number;
  group.shared = shared.data();
  for (size_t thread = stacks.size(); thread < threads; ++thread)
    stacks.emplace_back(new char[stackBytes]);
  for (size_t thread = 0; thread < threads; ++thread) {
    ucontext_t &context = group.contexts[thread];
    getcontext(&context);
    context.uc_stack.ss_sp = stacks[thread].get();
    context.uc_stack.ss_size = stackBytes;
    context.uc_link = &group.scheduler;
    makecontext(&context, runThread, 0);
    group.isDone[thread] = false;
  }
  for (bool isAny = true; isAny;) {
    isAny = false;
    for (size_t thread = 0; thread < threads; ++thread) {
      if (group.isDone[thread])
        continue;
      group.current = thread;
      swapcontext(&group.scheduler, &group.contexts[thread]);
      isAny |= !group.isDone[thread];
    }
  }
}

/// An element as a number.
template <typename Real>
static Real load(int32_t dtype, gradus_address base, int64_t index) {
  const void *from = gradus_to_pointer(base);
  if (dtype == GRADUS_F32 || dtype == GRADUS_F64)
    return static_cast<const Real *>(from)[index];
  if (dtype == GRADUS_F16)
    return static_cast<Real>(llvm::APFloat(llvm::APFloat::IEEEhalf(), llvm::APInt(16, static_cast<const uint16_t *>(from)[index])).convertToDouble());
  uint32_t const word = uint32_t(static_cast<const uint16_t *>(from)[index]) << 16;
  float number;
  std::memcpy(&number, &word, sizeof(number));
  return static_cast<Real>(number);
}

/// Blocks of 128 by fma, one after the other, which is what the CPU sums (codegen/README.md).
template <typename Real>
static void multiply(const gradus_device_product &what) {
  constexpr int64_t block = 128;
  auto *y = static_cast<Real *>(gradus_to_pointer(what.y));
  for (int64_t number = 0; number < what.count; ++number)
    for (int64_t i = 0; i < what.rows; ++i)
      for (int64_t j = 0; j < what.columns; ++j) {
        int64_t const row = number * what.a_next + i * what.a_row, column = number * what.b_next + j * what.b_column;
        Real &sum = y[number * what.y_next + i * what.y_row + j];
        for (int64_t low = 0; low < what.inner; low += block) {
          Real part = 0;
          for (int64_t k = low; k < std::min(low + block, what.inner); ++k)
            part = std::fma(load<Real>(what.dtype, what.a, row + k * what.a_column), load<Real>(what.dtype, what.b, column + k * what.b_row), part);
          sum = low == 0 ? part : sum + part;
        }
      }
}

void Simulator::addLibrary(double least) {
  device.least_product = least;
  device.product = [](void *user, const gradus_device_product *what) -> int32_t {
    auto *self = static_cast<Simulator *>(user);
    self->asked.push_back(*what);
    if (self->asked.size() > self->takes)
      return self->answer;
    if (what->rows <= 2 && what->a_column == 1 && what->b_row == 1) // of few rows the CPU has other sums
      return GRADUS_DECLINED;
    if (what->result == GRADUS_F64)
      multiply<double>(*what);
    else
      multiply<float>(*what);
    return GRADUS_OK;
  };
}

gradus_status gradus::runOnDevice(const gradus_entry &entry, AnyCall &call, const Simulator &simulator, uint64_t t, std::string &message) {
  gradus_context context = {};
  context.user = &message;
  context.error = [](void *user, const gradus_error *error) { *static_cast<std::string *>(user) = error->message; };
  context.device = simulator.get();
  std::vector<gradus_tensor> &tensors = call.getTensors();
  for (gradus_tensor &tensor : tensors)
    tensor.device_type = GRADUS_VULKAN;
  size_t slots = entry.is_open ? tensors.size() / std::max<size_t>(1, size_t(entry.n_arguments)) : 1, bytes = gradus_workspace(&entry, tensors.data(), slots);
  std::vector<char> workspace(bytes == SIZE_MAX ? 0 : bytes + 64, char(0x5a));
  char *scratch = workspace.data() + (64 - reinterpret_cast<uintptr_t>(workspace.data()) % 64) % 64;
  gradus_status status = gradus_call(&entry, &context, call.getHypers().data(), t, 7, tensors.data(), slots, scratch, bytes, nullptr);
  if (status != GRADUS_OK)
    return status;
  call.getReport() = {};
  return gradus_device_result(&entry, &context, &simulator.report, &call.getReport());
}
