/*===- floor.h - Hand-written loops that the compiled rules are measured against ---===*
 *
 * What a careful person writes in C for one fused step: one pass over the data, scalars computed once, operands asked for
 * ahead, OpenMP threads, strict IEEE arithmetic. Compiled by the clang of the tree with -O3 for the same instruction set
 * as the rules.
 *
 *===----------------------------------------------------------------------------===*/

#ifndef GRADUS_TEST_BENCH_FLOOR_H
#define GRADUS_TEST_BENCH_FLOOR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One call: hyper-parameters in the order of the rule; states of which the rule has fewer are not looked at. */
typedef void (*floor_loop)(int64_t n, const double *hyper, uint64_t t, float *w, const float *g, float *m, float *v);

/** w *= hyper[0]: the least traffic that reads and writes in place; its bandwidth is the machine's. */
void floor_scale(int64_t n, const double *hyper, uint64_t t, float *w, const float *g, float *m, float *v);
/** hyper: lr. */
void floor_sgd(int64_t n, const double *hyper, uint64_t t, float *w, const float *g, float *m, float *v);
/** hyper: lr, mu. */
void floor_momentum(int64_t n, const double *hyper, uint64_t t, float *w, const float *g, float *m, float *v);
/** hyper: lr, beta1, beta2, decay. */
void floor_lion(int64_t n, const double *hyper, uint64_t t, float *w, const float *g, float *m, float *v);
/** hyper: lr, beta1, beta2, eps, decay. */
void floor_adamw(int64_t n, const double *hyper, uint64_t t, float *w, const float *g, float *m, float *v);

#ifdef __cplusplus
}
#endif

#endif /* GRADUS_TEST_BENCH_FLOOR_H */
