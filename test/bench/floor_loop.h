/*===- floor_loop.h - The form of a hand-written loop -------------------------------===*/

#ifndef GRADUS_TEST_BENCH_FLOOR_LOOP_H
#define GRADUS_TEST_BENCH_FLOOR_LOOP_H

#include "floor.h"

/* The elements [begin, end) of one thread; `numbers` are those that all elements need. */
typedef void (*floor_range)(const floor_call *call, const void *numbers, int64_t begin, int64_t end);
/* All elements, in as many pieces of whole groups as there are threads. The region of the threads is a function of its own, since in one a
 * compiler forgets what it knew of pointers and of the numbers. */
void floor_parallel(const floor_call *call, int64_t group, floor_range range, const void *numbers);

/* 64 bytes of f32 a turn, asked for 8 KiB ahead: the machine's own prefetchers fall behind where a loop reads several
 * arrays. `k` is the element. No array overlaps another. The last few elements are a loop of their own. */
enum { line = 16, ahead = 2048 };
#define ASK(array) __builtin_prefetch((array) + i + ahead, 0, 2)
#define RUN(asks, ...) \
  int64_t i = begin; \
  for (; i + line <= end; i += line) { \
    asks; \
    _Pragma("clang loop vectorize(assume_safety) interleave(enable) unroll(disable)") \
    for (int j = 0; j < line; ++j) { \
      int64_t const k = i + j; \
      __VA_ARGS__; \
    } \
  } \
  for (int64_t k = i; k < end; ++k) \
    __VA_ARGS__

#define NUMBERS(type) type const h = *(const type *)numbers
#define ARRAY(type, name, position) type *restrict const name = call->arrays[position]
#define HYPER(position) (float)call->hyper[position]

#endif /* GRADUS_TEST_BENCH_FLOOR_LOOP_H */
