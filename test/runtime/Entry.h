//===- Entry.h - A hand-written entry that the tests call -----------------------===//
//
// Like an AdamW step: w, g, m of any one rank and a matrix x of sizes [n, 4] and y of [n]; w and m are written. The kernel
// counts its calls through seed, which carries a pointer.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "runtime/gradus.h"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace runtime_test {

inline int32_t countCalls(const gradus_context *, const double *hyper, uint64_t, uint64_t seed, const gradus_tensor *tensors,
                          size_t, char *, gradus_report *report) {
  auto *answer = reinterpret_cast<int32_t *>(static_cast<uintptr_t>(seed));
  if (*answer != GRADUS_OK) {
    report->value = 10;
    report->reserved = 5;
    return *answer;
  }
  static_cast<float *>(tensors[0].data)[0] = static_cast<float>(hyper[0]);
  report->value = 0.5;
  return GRADUS_OK;
}

inline size_t workspace100(const gradus_tensor *, size_t) { return 100; }

constexpr double infinity = std::numeric_limits<double>::infinity();

inline const gradus_argument arguments[] = {
    {"w", GRADUS_PARAM, GRADUS_F32, -1, 1, {0}}, {"g", GRADUS_GRAD, GRADUS_F32, -1, 0, {0}},
    {"m", GRADUS_STATE, GRADUS_F32, -1, 1, {0}}, {"x", GRADUS_INPUT, GRADUS_F64, 2, 0, {1, -5}},
    {"y", GRADUS_DATA, GRADUS_I64, 1, 0, {1}},
};
inline const gradus_hyper hypers[] = {
    {"lr", 1e-3, -infinity, infinity, 0, 0, 0, 0},
    {"beta", 0.9, 0, 1, 1, 0, 0, 0},
    {"k", 3, 1, 10, 1, 1, 1, 0},
};
inline const double defaults[] = {1e-3, 0.9, 3};
inline const char *const symbols[] = {"w.numel", "n"};
inline const gradus_entry entry = {
    GRADUS_ABI_VERSION, 5, 3, 2, 1, 1, "adam_step", arguments, hypers, defaults, symbols, countCalls, workspace100, 42, GRADUS_CPU, 0, nullptr,
    nullptr};

/// A call that is right, whose parts a test spoils, and a picture of all its memory from before the call.
struct Call {
  static constexpr size_t slotCount = 2;
  struct Buffers {
    std::array<float, 12> w, g, m;
    std::array<double, 20> x;
    std::array<int64_t, 5> y;
  };
  gradus_entry entry = runtime_test::entry;
  std::array<Buffers, slotCount> memory{};
  std::array<int64_t, 2> vector{3, 4}, matrix{5, 4};
  std::array<int64_t, 1> rows{5};
  std::vector<gradus_tensor> tensors;
  std::array<double, 3> hyper{0.25, 0.9, 3};
  std::array<double, 8> gap{}; ///< so that a tensor that begins in `hyper` ends before the workspace
  alignas(64) std::array<char, 4096> workspace{};
  size_t workspaceBytes = sizeof(workspace);
  void *workspacePointer = workspace.data();
  gradus_report report{-1, 7, -1, -1, 0, -1, nullptr};
  uint64_t t = 1;
  size_t slots = slotCount;
  int32_t answer = GRADUS_OK;
  gradus_error error{};
  int errors = 0;

  Call() {
    for (size_t s = 0; s < slotCount; ++s) {
      memory[s].w.fill(1);
      tensors.push_back({memory[s].w.data(), vector.data(), nullptr, 2, GRADUS_F32, GRADUS_CPU, 0});
      tensors.push_back({memory[s].g.data(), vector.data(), nullptr, 2, GRADUS_F32, GRADUS_CPU, 0});
      tensors.push_back({memory[s].m.data(), vector.data(), nullptr, 2, GRADUS_F32, GRADUS_CPU, 0});
      tensors.push_back({memory[s].x.data(), matrix.data(), nullptr, 2, GRADUS_F64, GRADUS_CPU, 0});
      tensors.push_back({memory[s].y.data(), rows.data(), nullptr, 1, GRADUS_I64, GRADUS_CPU, 0});
    }
  }

  gradus_status run() {
    gradus_context context{};
    context.user = this;
    context.error = [](void *user, const gradus_error *error) {
      static_cast<Call *>(user)->error = *error;
      ++static_cast<Call *>(user)->errors;
    };
    auto const seed = static_cast<uint64_t>(reinterpret_cast<uintptr_t>(&answer));
    return gradus_call(&entry, &context, hyper.data(), t, seed, tensors.data(), slots, workspacePointer, workspaceBytes,
                       &report);
  }

  /// Runs a call that must be refused with this code and message, with no byte of tensors and report changed.
  std::string refused(gradus_status expected) {
    std::vector<char> before(sizeof(memory));
    std::memcpy(before.data(), memory.data(), sizeof(memory));
    gradus_status const got = run();
    if (got != expected)
      return std::string("status ") + gradus_status_name(got);
    if (std::memcmp(before.data(), memory.data(), sizeof(memory)) != 0 || report.value != -1 || report.t != 7 ||
        report.committed != -1 || report.reserved != -1)
      return "a refused call wrote something";
    if (errors != 1 || error.status != expected)
      return "the sink was not told once";
    return error.message;
  }
};

} // namespace runtime_test
