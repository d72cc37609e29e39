// The same through the C++ classes, with OpenMP's threads: the bits do not depend on them.
#include "gradus_openmp.h"
#include "gradus_vulkan.h"
#include "heavy.hpp"

#include <cstdio>
#include <vector>

int main() {
  std::vector<float> w(100000, 2), g(100000, 1), m(100000), v{3, 4};
  gradus::View vw{gradus::Span<float>(w)}, vg{gradus::Span<float>(g)}, vm{gradus::Span<float>(m)}, vv{gradus::Span<float>(v)};
  gradus_context const threads = gradus_openmp_context();
  gradus::heavy_spec::heavy_step step;
  for (std::uint64_t t = 1; t <= 2; ++t)
    step(heavy_step_slot{vw, vg, vm}, t, 0, &threads).orThrow();
  for (float x : w)
    if (x != 0.75f)
      return 1;
  gradus::heavy_spec::half half;
  gradus::Outcome const value = half(half_slot{vv});
  std::printf("%g\n", value.report.value);
  if (!value || value.report.value != 12.5)
    return 2;
  step.hyper.mu = 1;
  gradus::Outcome const refused = step(heavy_step_slot{vw, vg, vm}, 3);
  std::puts(refused.message.c_str());
  return refused.message == "heavy_step: hyper-parameter 'mu' is 1, expected less than 1" ? 0 : 3;
}
