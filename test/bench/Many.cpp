//===- Many.cpp - One call for many tensors ----------------------------------------===//

#include "Many.h"
#include "Timing.h"

#include <omp.h>

using namespace gradus::bench;

namespace {

/// The tensors of a case in f32, each argument's behind one another in one piece of memory.
class ManyTensors {
public:
  ManyTensors(const Case &c, int64_t count, int64_t each, const gradus_context *context)
      : entry(c.entry()), context(context), count(size_t(count)), each(each), buffers(c, count * each) {
    if (!isValid())
      return;
    buffers.fill(1);
    for (int64_t slot = 0; slot < count; ++slot)
      for (void *array : buffers.arrays)
        tensors.push_back({static_cast<float *>(array) + slot * each, &this->each, nullptr, 1, GRADUS_F32, GRADUS_CPU, 0});
    bytes = gradus_workspace(entry, tensors.data(), this->count);
    workspace.resize(bytes + 64);
  }

  bool isValid() const { return buffers.isValid(); }
  bool step(uint64_t t) {
    char *scratch = workspace.data() + (64 - reinterpret_cast<uintptr_t>(workspace.data()) % 64) % 64;
    return gradus_call(entry, context, nullptr, t, 0, tensors.data(), count, scratch, bytes, nullptr) == GRADUS_OK;
  }
  /// The loop by hand over all tensors, which lie behind one another.
  void runLoop(const Case &c, uint64_t t) const {
    floor_call call = {buffers.n, c.hyper.data(), t, 0, buffers.arrays.data()};
    c.loop(&call);
  }

private:
  const gradus_entry *entry;
  const gradus_context *context;
  size_t count;
  int64_t each;
  Buffers buffers;
  std::vector<gradus_tensor> tensors;
  std::vector<char> workspace;
  size_t bytes = 0;
};

} // namespace

SmallTensors gradus::bench::measureSmallTensors(const Case &c, int rounds, bool &ok) {
  constexpr int64_t count = 1000;
  ManyTensors tensors(c, count, 1024, nullptr);
  if (!(ok &= tensors.isValid()))
    return {};
  int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  std::vector<double> rule, loop;
  for (int round = 0; round < rounds; ++round) {
    rule.push_back(timed([&] { ok &= tensors.step(uint64_t(1000 + round)); }) / count);
    loop.push_back(timed([&] { tensors.runLoop(c, uint64_t(1000 + round)); }) / count);
  }
  omp_set_num_threads(threads);
  return {quantile(rule, 0), quantile(loop, 0)};
}

double gradus::bench::measureAgainstOne(const Case &c, int64_t count, int64_t each, const gradus_context *context, int rounds, bool &ok) {
  ManyTensors many(c, count, each, context), one(c, 1, count * each, context);
  if (!(ok &= many.isValid() && one.isValid()))
    return 0;
  std::vector<double> ratios;
  for (int round = -2; round < rounds; ++round) {
    uint64_t t = uint64_t(1000 + round);
    double manyTime = timed([&] { ok &= many.step(t); }), oneTime = timed([&] { ok &= one.step(t); });
    if (round >= 0) // before, caches, threads and clocks get warm
      ratios.push_back(manyTime / oneTime);
  }
  return median(ratios);
}
