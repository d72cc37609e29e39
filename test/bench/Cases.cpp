//===- Cases.cpp - What is measured ----------------------------------------------===//

#include "Cases.h"

#include "adamw.h"
#include "lion.h"
#include "momentum.h"
#include "sgd.h"

#include <sys/mman.h>

#include <cmath>
#include <cstring>

using namespace gradus::bench;

const std::vector<Case> &gradus::bench::getCases() {
  static const std::vector<Case> cases = {
      {"adamw", adamw_step_entry, floor_adamw, 28, {1e-3, 0.9, 0.999, 1e-8, 1e-2}, {}},
      {"lion", lion_step_entry, floor_lion, 20, {1e-4, 0.9, 0.99, 0.01}, {{"decay", 0.01}}},
      {"momentum", momentum_step_entry, floor_momentum, 20, {0.001, 0.9}, {{"lr", 0.001}, {"mu", 0.9}}},
      {"sgd", plain_sgd_step_entry, floor_sgd, 12, {0.001}, {{"lr", 0.001}}},
      {"sgd_momentum", sgd_step_entry, floor_momentum, 20, {0.001, 0.9}, {{"lr", 0.001}, {"mu", 0.9}}},
  };
  return cases;
}

static float *allocate(int64_t n) {
  size_t bytes = (size_t(n) * sizeof(float) + (1 << 21) - 1) >> 21 << 21;
  void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return nullptr;
  madvise(memory, bytes, MADV_HUGEPAGE);
  return static_cast<float *>(memory);
}

static void release(float *memory, int64_t n) {
  if (memory)
    munmap(memory, (size_t(n) * sizeof(float) + (1 << 21) - 1) >> 21 << 21);
}

Buffers::Buffers(int64_t n) : n(n), w(allocate(n)), g(allocate(n)), m(allocate(n)), v(allocate(n)) {}

Buffers::~Buffers() {
  for (float *buffer : {w, g, m, v})
    release(buffer, n);
}

/// A well mixed 64-bit number from a counter.
static uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

static void fillNormal(float *out, int64_t n, uint64_t seed, float scale) {
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < n; ++i) {
    uint64_t bits = mix(seed * 0x2545f4914f6cdd1d + uint64_t(i));
    float radius = std::sqrt(-2 * std::log((float(bits >> 40) + 0.5f) * 0x1p-24f));
    out[i] = scale * radius * std::cos(float(bits & 0xffffff) * (6.2831853f * 0x1p-24f));
  }
}

void Buffers::fill(uint64_t seed) {
  fillNormal(w, n, seed, 0.02f);
  fillNormal(g, n, seed + 1, 1);
  fillNormal(m, n, seed + 2, 0.1f);
  fillNormal(v, n, seed + 3, 1);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < n; ++i) // a mean of squares
    v[i] = v[i] * v[i];
}

Call::Call(const Case &c, const Buffers &buffers, const gradus_context *context)
    : entry(c.entry()), context(context), n(buffers.n), hyper(entry->n_hypers) {
  gradus_hyper_defaults(entry, hyper.data());
  for (int32_t i = 0; i < entry->n_hypers; ++i)
    for (const auto &[name, value] : c.settings)
      if (name == entry->hypers[i].name)
        hyper[i] = value;
  float *states[] = {buffers.m, buffers.v};
  size_t state = 0;
  for (int32_t i = 0; i < entry->n_arguments; ++i) {
    int32_t role = entry->arguments[i].role;
    float *data = role == GRADUS_PARAM ? buffers.w : role == GRADUS_GRAD ? buffers.g : states[state++ % 2];
    tensors.push_back({data, &n, nullptr, 1, GRADUS_F32, GRADUS_CPU, 0});
  }
  workspaceBytes = gradus_workspace(entry, tensors.data(), 1);
  if (workspaceBytes == 0 || workspaceBytes == SIZE_MAX)
    return;
  workspace.resize(workspaceBytes + 64);
  alignedWorkspace = workspace.data() + (64 - reinterpret_cast<uintptr_t>(workspace.data()) % 64) % 64;
}

bool Call::operator()(uint64_t t) {
  return gradus_call(entry, context, hyper.data(), t, 0, tensors.data(), 1, alignedWorkspace, workspaceBytes,
                     nullptr) == GRADUS_OK;
}
