//===- rows.cpp - Losses of rows against the memory and hand-written loops --------===//
//
// Rounds of a floor, the compiled function, and the floor again; ratios are taken within a round, and their median is
// reported. The floor of a loss of X is a sum of X; that of softmax cross-entropy is scaling an array of that size in
// place. Beside the floors stand loops that a careful person writes.
//
//===----------------------------------------------------------------------------===//

#include "Blas.h"
#include "Timing.h"
#include "row_loops.h"

#include "cross_entropy.h"
#include "curve.h"
#include "in_place/cross_entropy.h"
#include "logistic.h"

#include "runtime/gradus_openmp.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace gradus::bench;

namespace {

void printError(void *, const gradus_error *error) { std::fprintf(stderr, "rows: %s\n", error->message); }

/// Memory of whole pages, which the threads of the caller touch first.
template <typename T>
class Array {
public:
  explicit Array(int64_t size) : size(size), data(static_cast<T *>(std::aligned_alloc(4096, (size * sizeof(T) + 4095) / 4096 * 4096)), std::free) {
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < size; ++i)
      data.get()[i] = T(0);
  }
  T *get() const { return data.get(); }
  void fill(uint64_t seed, float scale) {
#pragma omp parallel for schedule(static)
    for (int64_t block = 0; block < (size + 65535) / 65536; ++block) {
      std::minstd_rand bits(uint32_t(seed + uint64_t(block) * 977 + 1));
      for (int64_t i = block * 65536; i < std::min(size, (block + 1) * 65536); ++i)
        data.get()[i] = T(scale * (float(bits() % 20001) / 10000 - 1));
    }
  }
  int64_t size;

private:
  std::unique_ptr<T, decltype(&std::free)> data;
};

gradus_tensor describe(void *data, gradus_dtype dtype, int32_t rank, const int64_t *dims) {
  return {data, dims, nullptr, rank, dtype, GRADUS_CPU, 0};
}

/// What a function needs beside its tensors.
struct Workspace {
  explicit Workspace(size_t bytes) : bytes(bytes), memory(int64_t(bytes + 64)) {}
  size_t bytes;
  Array<char> memory;
};

struct Options {
  int rounds = 21;
  int threads = 2;
  bool bars = true; ///< fail where a bar is missed, repeat where the machine is restless
  std::string only; ///< logistic or cross-entropy; empty for both
  bool smoke = false;
  bool met = true; ///< every bar so far
};

/// What ours is compared with.
struct Floor {
  const char *name;
  std::function<void()> run;
  double most = 0; ///< the bar of our time over its time; 0 for none
  bool isByHand = false;
};
using Floors = std::vector<Floor>;

constexpr double kFloorsDiffer = 0.02; ///< the most that the two timings of a floor may differ by
constexpr double kOfLoop = 1.05;       ///< the most time over that of a loop by hand
constexpr int kAttempts = 10;

/// The times of ours and of a floor in turn, which begins and ends: so each follows the other, and finds the caches as the other leaves them.
struct Series {
  std::vector<double> ours, floor;
  double ratio() const {
    std::vector<double> ratios;
    for (size_t i = 0; i < ours.size(); ++i)
      ratios.push_back(2 * ours[i] / (floor[i] + floor[i + 1]));
    return median(ratios);
  }
  /// How far the floor's times of even rounds are from those of odd ones.
  double differ() const {
    std::vector<double> halves[2];
    for (size_t i = 0; i < floor.size(); ++i)
      halves[i % 2].push_back(floor[i]);
    return std::fabs(median(halves[0]) / median(halves[1]) - 1);
  }
};

Series takeRounds(int rounds, const std::function<void()> &ours, const std::function<void()> &floor) {
  Series series;
  for (int round = -2; round < rounds; ++round) {
    double mine = timed(ours), other = timed(floor);
    if (round >= 0)
      series.ours.push_back(mine);
    if (round >= -1) // what is before that warms caches, threads and clocks
      series.floor.push_back(other);
  }
  return series;
}

/// False where a bar is missed. Where the loop by hand does not reach it either, that loop is the bar, and both figures are said.
bool checkBar(const char *name, const Floor &floor, double ratio, double ratioByHand) {
  if (floor.most == 0 || ratio <= floor.most)
    return true;
  if (!floor.isByHand && ratioByHand > floor.most)
    std::printf("not reached by hand either: %s over %s: %.3f, by hand %.3f, at most %.3f\n", name, floor.name, ratio, ratioByHand, floor.most);
  double bound = floor.isByHand ? floor.most : std::max(floor.most, kOfLoop * ratioByHand);
  if (ratio > bound)
    std::printf("MISSED: %s over %s: %.3f, at most %.3f\n", name, floor.name, ratio, bound);
  return ratio <= bound;
}

/// Prints the times of what is measured and its ratio to each floor.
void report(const char *name, Options &options, const std::function<void()> &ours, const Floors &floors) {
  std::vector<Series> series;
  double overLoop = 0;
  for (const Floor &floor : floors) {
    series.push_back(takeRounds(options.rounds, ours, floor.run));
    for (int attempt = 1; options.bars && series.back().differ() > kFloorsDiffer && attempt < kAttempts; ++attempt)
      series.back() = takeRounds(options.rounds, ours, floor.run);
    if (floor.isByHand)
      overLoop = series.back().ratio();
  }
  std::printf("%-44s %9.3f ms", name, median(series.front().ours) * 1e-6);
  for (size_t k = 0; k < floors.size(); ++k)
    std::printf("   %5.2f x %s (%.3f ms)", series[k].ratio(), floors[k].name, median(series[k].floor) * 1e-6);
  std::printf("\n");
  for (size_t k = 0; options.bars && k < floors.size(); ++k) {
    options.met &= checkBar(name, floors[k], series[k].ratio(), overLoop > 0 ? series[k].ratio() / overLoop : 0);
    if (series[k].differ() <= kFloorsDiffer)
      continue;
    std::printf("MISSED: the machine is too restless: the times of %s differ by %.1f %%\n", floors[k].name, 100 * series[k].differ());
    options.met = false;
  }
  std::fflush(stdout);
}

bool isFine(gradus_status status) { return status == GRADUS_OK; }

bool agree(double a, double b) { return std::fabs(a - b) < 1e-5 * std::fabs(b); }

bool agree(const Array<float> &a, const Array<float> &b) {
  for (int64_t i = 0; i < a.size; ++i)
    if (!(std::fabs(a.get()[i] - b.get()[i]) < 1e-5F))
      return false;
  return true;
}

Blas blas;

/// Logistic regression: the arrays of one step, and the ways to take it.
struct Logistic {
  Logistic(int64_t n, int64_t d) : n(n), d(d), X(n * d), y(n), w(d), u(d), g(d), h(d), byHand(d), productByHand(d), Xw(n), Xu(n), share(n), curved(n) {
    X.fill(1, 1.0F);
    w.fill(2, 0.1F);
    u.fill(3, 0.1F);
    for (int64_t i = 0; i < n; ++i)
      y.get()[i] = i % 3 ? 1.0F : -1.0F;
  }
  double loop() const { return row_loop_logistic(n, d, X.get(), y.get(), w.get(), byHand.get()); }
  /// X v, and X' v: rows of X are columns to BLAS.
  void multiply(const char *how, const Array<float> &v, const Array<float> &result) const {
    int const rows = int(d), columns = int(n), apart = 1;
    float const one = 1, zero = 0;
    blas.gemv(how, &rows, &columns, &one, X.get(), &rows, v.get(), &apart, &zero, result.get(), &apart);
  }
  /// The products of a step by BLAS, two for the gradient and two more for the product with the Hessian, and what stands between them.
  double byProducts(bool withHessian, bool withLoop) const {
    double value = 0;
    multiply("T", w, Xw);
    if (withHessian)
      multiply("T", u, Xu);
    if (withLoop)
      value = row_loop_between(n, Xw.get(), y.get(), withHessian ? Xu.get() : nullptr, share.get(), curved.get());
    multiply("N", share, byHand);
    if (withHessian)
      multiply("N", curved, productByHand);
    return value;
  }
  int64_t n, d;
  Array<float> X, y, w, u, g, h, byHand, productByHand, Xw, Xu, share, curved;
};

bool measureLogistic(int64_t n, int64_t d, const gradus_context &context, Options &options) {
  Logistic data(n, d);
  int64_t matrix[] = {n, d}, column[] = {n}, row[] = {d};
  logistic_grad_slot slot{describe(data.w.get(), GRADUS_F32, 1, row), describe(data.X.get(), GRADUS_F32, 2, matrix),
                          describe(data.y.get(), GRADUS_F32, 1, column), describe(data.g.get(), GRADUS_F32, 1, row)};
  double value = 0;
  curve_slot curve{};
  curve.w = slot.w;
  curve.X = slot.X;
  curve.y = slot.y;
  curve.u = describe(data.u.get(), GRADUS_F32, 1, row);
  curve.value0 = describe(&value, GRADUS_F64, 0, row);
  curve.value1 = slot.grad_w;
  curve.value2 = describe(data.h.get(), GRADUS_F32, 1, row);
  Workspace small(logistic_grad_workspace(&slot, 1)), large(curve_workspace(&curve, 1));
  bool ok = true;
  gradus_report told;
  auto gradient = [&] { ok &= isFine(logistic_grad(&context, nullptr, 0, 0, &slot, 1, small.memory.get(), small.bytes, &told)); };
  auto product = [&] { ok &= isFine(::curve(&context, nullptr, 0, 0, &curve, 1, large.memory.get(), large.bytes, nullptr)); };
  gradient();
  product();
  ok &= agree(told.value, value) && agree(data.loop(), value) && agree(data.byHand, data.g);
  if (blas.gemv)
    ok &= agree(data.byProducts(true, true), value) && agree(data.byHand, data.g) && agree(data.productByHand, data.h);
  if (!ok)
    return false;
  volatile double sink = 0;
  bool isOfMemory = n >= 1 << 16; // smaller data are in a cache, and the bars are of the memory
  auto sum = [&] { sink = sink + row_loop_sum(n * d, data.X.get()); };
  Floors floors{{"sum of X", sum, isOfMemory ? 1.15 : 0}}, floorsOfProduct{{"sum of X", sum}};
  floors.push_back({"hand-written loop", [&] { sink = sink + data.loop(); }, isOfMemory ? kOfLoop : 0, true});
  if (blas.gemv)
    for (bool withLoop : {true, false}) {
      const char *name = withLoop ? "BLAS and a loop" : "BLAS alone";
      double most = isOfMemory && withLoop ? 1 / 1.7 : 0, mostOfProduct = isOfMemory && withLoop ? 1 / 2.5 : 0;
      floors.push_back({name, [&, withLoop] { sink = sink + data.byProducts(false, withLoop); }, most});
      floorsOfProduct.push_back({name, [&, withLoop] { sink = sink + data.byProducts(true, withLoop); }, mostOfProduct});
    }
  char name[80];
  std::snprintf(name, sizeof name, "logistic, %lld x %lld, value and gradient", (long long)n, (long long)d);
  report(name, options, gradient, floors);
  std::snprintf(name, sizeof name, "logistic, %lld x %lld, and hvp", (long long)n, (long long)d);
  report(name, options, product, floorsOfProduct);
  return ok;
}

bool measureCrossEntropy(int64_t n, int64_t c, const gradus_context &context, Options &options) {
  Array<float> z(n * c), g(n * c), reference(n * c);
  Array<int64_t> label(n);
  z.fill(1, 8.0F);
  for (int64_t i = 0; i < n; ++i)
    label.get()[i] = i * 7919 % c;
  int64_t matrix[] = {n, c}, column[] = {n};
  cross_entropy_grad_slot slot{describe(z.get(), GRADUS_F32, 2, matrix), describe(label.get(), GRADUS_I64, 1, column), describe(g.get(), GRADUS_F32, 2, matrix)};
  Workspace workspace(cross_entropy_grad_workspace(&slot, 1));
  bool ok = true;
  gradus_report told;
  auto ours = [&] { ok &= isFine(cross_entropy_grad(&context, nullptr, 0, 0, &slot, 1, workspace.memory.get(), workspace.bytes, &told)); };
  double value = 0;
  auto loop = [&] { value = row_loop_cross_entropy(n, c, z.get(), label.get(), reference.get()); };
  auto scale = [&] { row_loop_scale(n * c, 1.0F, z.get()); };
  ours();
  loop();
  ok &= std::fabs(told.value - value) < 1e-5 * std::fabs(value);
  for (int64_t i = 0; i < n * c; ++i)
    ok &= std::fabs(g.get()[i] - reference.get()[i]) <= 1e-5F / float(n);
  if (!ok)
    return false;
  char name[80];
  std::snprintf(name, sizeof name, "cross-entropy, %lld x %lld", (long long)n, (long long)c);
  bool isOfMemory = n >= 8192;
  double mostOfLoop = isOfMemory ? kOfLoop : 0;
  report(name, options, ours, {{"scale in place", scale}, {"hand-written loop", loop, mostOfLoop, true}});
  // The gradient over the logits: the same bits. What is timed are gradients of gradients, which are numbers like others.
  in_place_cross_entropy_grad_slot over{slot.z, slot.label};
  Workspace nextWorkspace(in_place_cross_entropy_grad_workspace(&over, 1));
  auto inPlace = [&] { ok &= isFine(in_place_cross_entropy_grad(&context, nullptr, 0, 0, &over, 1, nextWorkspace.memory.get(), nextWorkspace.bytes, &told)); };
  auto loopInPlace = [&] { value = row_loop_cross_entropy(n, c, z.get(), label.get(), z.get()); };
  inPlace();
  if (!ok || std::memcmp(z.get(), g.get(), sizeof(float) * size_t(n * c)) != 0)
    return false;
  std::snprintf(name, sizeof name, "cross-entropy, %lld x %lld, in place", (long long)n, (long long)c);
  report(name, options, inPlace, {{"scale in place", scale, isOfMemory ? 1.9 : 0}, {"hand-written loop in place", loopInPlace, mostOfLoop, true}});
  return ok;
}

} // namespace

int main(int argc, char **argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    if (!std::strcmp(argv[i], "--no-bars"))
      options.bars = false;
    else if (!std::strcmp(argv[i], "--smoke"))
      options.smoke = true;
    else if (!std::strcmp(argv[i], "--only") && i + 1 < argc)
      options.only = argv[++i];
    else if (!std::strcmp(argv[i], "--rounds") && i + 1 < argc)
      options.rounds = std::atoi(argv[++i]);
    else if (!std::strcmp(argv[i], "--threads") && i + 1 < argc)
      options.threads = std::atoi(argv[++i]);
    else {
      std::fprintf(stderr, "usage: rows [--no-bars] [--only logistic|cross-entropy] [--rounds N] [--smoke] [--threads N]\n");
      return 2;
    }
  }
  omp_set_num_threads(options.threads);
  blas.find(options.threads);
  gradus_context context = gradus_openmp_context();
  context.error = printError;
  bool ok = true;
  if (options.smoke) {
    options.rounds = 1;
    options.bars = false;
    ok &= measureLogistic(1024, 128, context, options);
    ok &= measureCrossEntropy(37, 1600, context, options);
  } else {
    for (int64_t n : {int64_t(1) << 12, int64_t(1) << 16, int64_t(1) << 20})
      ok &= options.only == "cross-entropy" || measureLogistic(n, 256, context, options);
    for (int64_t n : {64, 8192})
      ok &= options.only == "logistic" || measureCrossEntropy(n, 32000, context, options);
  }
  if (!ok)
    std::fprintf(stderr, "rows: a call was refused, or the two sides do not agree\n");
  return ok && options.met ? 0 : 1;
}
