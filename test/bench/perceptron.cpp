//===- perceptron.cpp - The train step of a perceptron, and products alone --------===//
//
// Each round times, in turn: the compiled step; the same with a BLAS behind the context's `product`; the step by hand with that BLAS; the step by hand
// with loops. A BLAS is what GRADUS_BLAS names, or else OpenBLAS where the machine has it; without one two columns are missing. All of them take one step from
// the same numbers first and must agree. Then products alone, in GFLOP/s.
//
//===----------------------------------------------------------------------------===//

#include "Blas.h"
#include "Timing.h"
#include "perceptron.h"
#include "perceptron_loops.h"
#include "products.h"

#include "runtime/gradus_openmp.h"

#include <dlfcn.h>
#include <omp.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>

using namespace gradus::bench;

namespace {

Blas blas;

/// Row-major Y = A B is column-major Y^T = B^T A^T. Behind each matrix: how far its rows are apart, as it lies in memory.
void multiplyByBlas(const char *howA, const char *howB, int rows, int columns, int inner, const float *a, int apartA, const float *b, int apartB, float *y, int apartY) {
  float one = 1, zero = 0;
  blas.gemm(howB, howA, &columns, &rows, &inner, &one, b, &apartB, a, &apartA, &zero, y, &apartY);
}

void productByBlas(const char *howA, const char *howB, int rows, int columns, int inner, const float *a, const float *b, float *y) {
  multiplyByBlas(howA, howB, rows, columns, inner, a, *howA == 'N' ? inner : rows, b, *howB == 'N' ? columns : inner, y, columns);
}

int32_t productOfContext(int32_t dtype, int64_t rows, int64_t columns, int64_t inner, const void *a, int64_t aRow, int64_t aColumn, const void *b, int64_t bRow,
                         int64_t bColumn, void *y, int64_t yRow) {
  if (dtype != GRADUS_F32 || (aColumn != 1 && aRow != 1) || (bColumn != 1 && bRow != 1))
    return 0;
  multiplyByBlas(aColumn == 1 ? "N" : "T", bColumn == 1 ? "N" : "T", int(rows), int(columns), int(inner), static_cast<const float *>(a),
                 int(aColumn == 1 ? aRow : aColumn), static_cast<const float *>(b), int(bColumn == 1 ? bRow : bColumn), static_cast<float *>(y), int(yRow));
  return 1;
}

struct Free {
  void operator()(void *memory) const { std::free(memory); }
};
template <typename T>
using Array = std::unique_ptr<T[], Free>;

template <typename T>
Array<T> makeArray(int64_t count) {
  return Array<T>(static_cast<T *>(std::aligned_alloc(64, (count * int64_t(sizeof(T)) + 127) / 64 * 64)));
}

Array<float> makeNumbers(int64_t count, float scale, uint32_t seed) {
  Array<float> x = makeArray<float>(count);
  for (int64_t i = 0; i < count; ++i) {
    seed = seed * 1664525u + 1013904223u;
    x[i] = scale * (float(seed >> 8) / float(1 << 23) - 1);
  }
  return x;
}

gradus_tensor tensorOf(void *data, const int64_t *dims, int32_t rank, int32_t dtype) { return {data, dims, nullptr, rank, dtype, GRADUS_CPU, 0}; }

/// The parameters and the data.
class Perceptron {
public:
  explicit Perceptron(perceptron_sizes s)
      : size(s), u(makeNumbers(int64_t(s.d) * s.h, 0.05f, 1)), a(makeNumbers(s.h, 0.1f, 2)), v(makeNumbers(int64_t(s.h) * s.c, 0.05f, 3)),
        b(makeNumbers(s.c, 0.1f, 4)), x(makeNumbers(int64_t(s.n) * s.d, 1, 5)), label(makeArray<int64_t>(s.n)),
        scratch(makeArray<float>(perceptron_scratch(s))), dims{s.d, s.h, s.h, s.h, s.c, s.c, s.n, s.d, s.n} {
    for (int i = 0; i < s.n; ++i)
      label[i] = i * 7 % s.c;
    slot = {tensorOf(u.get(), dims, 2, GRADUS_F32),     tensorOf(a.get(), dims + 2, 1, GRADUS_F32), tensorOf(v.get(), dims + 3, 2, GRADUS_F32),
            tensorOf(b.get(), dims + 5, 1, GRADUS_F32), tensorOf(x.get(), dims + 6, 2, GRADUS_F32), tensorOf(label.get(), dims + 8, 1, GRADUS_I64)};
    bytes = perceptron_step_step_workspace(&slot, 1);
    workspace = makeArray<char>(int64_t(bytes));
  }

  double compiled(const gradus_context &context) {
    gradus_report report{};
    perceptron_step_step_hyper hyper{lr};
    if (perceptron_step_step(&context, &hyper, ++t, 0, &slot, 1, workspace.get(), bytes, &report) != GRADUS_OK)
      std::exit(2);
    return report.value;
  }
  double byHand(product_loop product) {
    return perceptron_by_hand(size, float(lr), u.get(), a.get(), v.get(), b.get(), x.get(), label.get(), scratch.get(), product);
  }
  /// The largest difference of parameters.
  double distance(const Perceptron &other) const {
    double most = 0;
    auto look = [&](const Array<float> &p, const Array<float> &q, int64_t count) {
      for (int64_t i = 0; i < count; ++i)
        most = std::fmax(most, std::fabs(double(p[i]) - q[i]));
    };
    look(u, other.u, int64_t(size.d) * size.h);
    look(a, other.a, size.h);
    look(v, other.v, int64_t(size.h) * size.c);
    look(b, other.b, size.c);
    return most;
  }

private:
  static constexpr double lr = 0.1;
  perceptron_sizes size;
  Array<float> u, a, v, b, x;
  Array<int64_t> label;
  Array<float> scratch;
  int64_t dims[9];
  perceptron_step_step_slot slot;
  size_t bytes;
  Array<char> workspace;
  uint64_t t = 0;
};

/// A way to take a step.
struct Way {
  std::string name;
  std::function<double(Perceptron &)> step;
  std::vector<double> times;
};

bool measureSteps(std::vector<Way> &ways, perceptron_sizes size, int rounds) {
  Perceptron first(size);
  double value = ways.front().step(first);
  for (Way &way : ways) {
    Perceptron own(size);
    double loss = way.step(own);
    if (!(std::fabs(loss - value) < 1e-5 && own.distance(first) < 1e-5)) {
      std::fprintf(stderr, "perceptron: %s gives another step: loss %.9g instead of %.9g, parameters %.3g apart\n", way.name.c_str(), loss, value, own.distance(first));
      return false;
    }
  }
  Perceptron shared(size);
  for (int round = -2; round < rounds; ++round)
    for (Way &way : ways) {
      double time = timed([&] { way.step(shared); });
      if (round >= 0)
        way.times.push_back(time);
    }
  std::printf("train step %d-%d-%d, batch %d\n", size.d, size.h, size.c, size.n);
  for (Way &way : ways) {
    std::vector<double> ratios;
    for (size_t i = 0; i < way.times.size(); ++i)
      ratios.push_back(way.times[i] / ways.front().times[i]);
    std::printf("  %-24s %9.1f us  best %9.1f  %6.2f x compiled\n", way.name.c_str(), median(way.times) / 1e3, quantile(way.times, 0) / 1e3, median(ratios));
  }
  return true;
}

/// A compiled step for each line of the input: for test/bench/peers.
int serve(perceptron_sizes size, const gradus_context &context) {
  Perceptron perceptron(size);
  std::printf("ready\n");
  std::fflush(stdout);
  serveSteps([&] {
    perceptron.compiled(context);
    return true;
  });
  return 0;
}

/// One product: GFLOP/s of the compiled one, of loops, of a BLAS.
void measureProduct(const char *layout, int rows, int inner, int columns, int rounds, const gradus_context &context) {
  bool turnsA = layout[0] == 't', turnsB = layout[1] == 't';
  Array<float> a = makeNumbers(int64_t(rows) * inner, 1, 1), b = makeNumbers(int64_t(inner) * columns, 1, 2), y = makeArray<float>(int64_t(rows) * columns);
  int64_t dimsA[] = {turnsA ? inner : rows, turnsA ? rows : inner}, dimsB[] = {turnsB ? columns : inner, turnsB ? inner : columns}, dimsY[] = {rows, columns};
  nn_slot slot{tensorOf(a.get(), dimsA, 2, GRADUS_F32), tensorOf(b.get(), dimsB, 2, GRADUS_F32), tensorOf(y.get(), dimsY, 2, GRADUS_F32)};
  const gradus_entry *entry = turnsA ? (turnsB ? tt_entry() : tn_entry()) : (turnsB ? nt_entry() : nn_entry());
  double flops = 2.0 * rows * inner * columns;
  int times = int(1e6 / flops) + 1;
  std::vector<double> best(3, INFINITY);
  const char *howA = turnsA ? "T" : "N", *howB = turnsB ? "T" : "N";
  for (int round = 0; round < rounds; ++round) {
    auto keep = [&](int which, auto &&body) {
      best[which] = std::fmin(best[which], timed([&] {
                                             for (int i = 0; i < times; ++i)
                                               body();
                                           }) / times);
    };
    keep(0, [&] { gradus_call(entry, &context, nullptr, 1, 0, reinterpret_cast<const gradus_tensor *>(&slot), 1, nullptr, 0, nullptr); });
    keep(1, [&] { product_by_hand(howA, howB, rows, columns, inner, a.get(), b.get(), y.get()); });
    if (blas.gemm)
      keep(2, [&] { productByBlas(howA, howB, rows, columns, inner, a.get(), b.get(), y.get()); });
  }
  std::printf("  %s %4d x %4d x %4d   compiled %7.1f   loops %7.1f", layout, rows, inner, columns, flops / best[0], flops / best[1]);
  if (blas.gemm)
    std::printf("   blas %7.1f", flops / best[2]);
  std::printf("\n");
}

} // namespace

int main(int argc, char **argv) {
  bool isSmoke = false, isServer = false;
  int threads = 1;
  for (int i = 1; i < argc; ++i) {
    if (!std::strcmp(argv[i], "--smoke")) {
      isSmoke = true;
    } else if (!std::strcmp(argv[i], "--serve")) {
      isServer = true;
    } else if (!std::strcmp(argv[i], "--threads") && i + 1 < argc) {
      threads = std::atoi(argv[++i]);
    } else {
      std::fprintf(stderr, "usage: perceptron [--smoke | --serve] [--threads N]\n");
      return 1;
    }
  }
  omp_set_num_threads(threads);
  gradus_context context = gradus_openmp_context(), withBlas = context;
  perceptron_sizes size = isSmoke ? perceptron_sizes{32, 49, 24, 10} : perceptron_sizes{256, 784, 512, 10};
  if (isServer)
    return serve(size, context);
  blas.find(threads);
  gradus_linear_algebra functions{};
  functions.product = productOfContext;
  withBlas.linear_algebra = &functions;
  std::vector<Way> ways{{"compiled", [&](Perceptron &p) { return p.compiled(context); }, {}}};
  if (blas.gemm) {
    ways.push_back({"compiled, BLAS's product", [&](Perceptron &p) { return p.compiled(withBlas); }, {}});
    ways.push_back({"by hand, BLAS's product", [](Perceptron &p) { return p.byHand(productByBlas); }, {}});
  }
  ways.push_back({"by hand, loops", [](Perceptron &p) { return p.byHand(product_by_hand); }, {}});
  if (!measureSteps(ways, size, isSmoke ? 1 : 31))
    return 1;
  std::printf("products, GFLOP/s\n");
  for (const char *layout : {"nn", "nt", "tn", "tt"}) {
    measureProduct(layout, 10, 10, 10, isSmoke ? 1 : 15, context);
    if (isSmoke)
      continue;
    measureProduct(layout, 256, 784, 512, 9, context);
    measureProduct(layout, 512, 512, 512, 9, context);
  }
  return 0;
}
