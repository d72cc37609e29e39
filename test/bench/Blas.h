//===- Blas.h - A BLAS to measure beside ------------------------------------------===//

#ifndef GRADUS_TEST_BENCH_BLAS_H
#define GRADUS_TEST_BENCH_BLAS_H

#include <dlfcn.h>

#include <cstdlib>
#include <initializer_list>

namespace gradus::bench {

/// The library that GRADUS_BLAS names, or else OpenBLAS where the machine has it; null functions without one.
struct Blas {
  using Gemm = void (*)(const char *howA, const char *howB, const int *rows, const int *columns, const int *inner, const float *alpha, const float *a,
                        const int *apartA, const float *b, const int *apartB, const float *beta, float *c, const int *apartC);
  using Gemv = void (*)(const char *how, const int *rows, const int *columns, const float *alpha, const float *a, const int *apart, const float *x,
                        const int *apartX, const float *beta, float *y, const int *apartY);

  Gemm gemm = nullptr;
  Gemv gemv = nullptr;

  /// Its threads are those of the benchmark.
  void find(int threads) {
    const char *given = std::getenv("GRADUS_BLAS");
    void *library = nullptr;
    for (const char *name : {given ? given : "libopenblas.so.0", given ? given : "libopenblas.so"})
      library = library ? library : dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library)
      return;
    gemm = reinterpret_cast<Gemm>(dlsym(library, "sgemm_"));
    gemv = reinterpret_cast<Gemv>(dlsym(library, "sgemv_"));
    if (auto *setThreads = reinterpret_cast<void (*)(int)>(dlsym(library, "openblas_set_num_threads")))
      setThreads(threads);
  }
};

} // namespace gradus::bench

#endif // GRADUS_TEST_BENCH_BLAS_H
