//===- OpenmpTest.cpp - The parallel_for hook covers the range once -----------------===//

#include "runtime/gradus_openmp.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

TEST(Openmp, callsEveryIndexOnce) {
  gradus_context const context = gradus_openmp_context();
  for (int64_t count : {0, 1, 2, 3, 7, 64, 1001}) {
    std::vector<std::atomic<int>> seen(count);
    context.parallel_for(
        context.user, count,
        [](void *closure, int64_t begin, int64_t end) {
          for (int64_t k = begin; k < end; ++k)
            ++(*static_cast<std::vector<std::atomic<int>> *>(closure))[k];
        },
        &seen);
    for (const std::atomic<int> &times : seen)
      EXPECT_EQ(times, 1);
  }
}

TEST(Openmp, nestsSerially) {
  gradus_context const context = gradus_openmp_context();
  std::atomic<int64_t> total = 0;
  auto outer = [](void *closure, int64_t begin, int64_t end) {
    auto inner = [](void *sum, int64_t from, int64_t to) { *static_cast<std::atomic<int64_t> *>(sum) += to - from; };
    for (int64_t k = begin; k < end; ++k)
      gradus_openmp_parallel_for(nullptr, 10, inner, closure);
  };
  context.parallel_for(context.user, 10, outer, &total);
  EXPECT_EQ(total, 100);
}
