//===- Simulator.cpp - A device that is this process --------------------------------===//

#include "Simulator.h"

#include <cstring>

#include <ucontext.h>

using namespace gradus;

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
