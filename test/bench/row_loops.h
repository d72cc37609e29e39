/*===- row_loops.h - Hand-written loops that row nests are measured against --------===*
 *
 * What a careful person writes in C for losses of rows, with OpenMP threads, compiled for the same instruction set.
 *
 *===----------------------------------------------------------------------------===*/

#ifndef GRADUS_TEST_BENCH_ROW_LOOPS_H
#define GRADUS_TEST_BENCH_ROW_LOOPS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The sum of n numbers, n a multiple of 128: the least that reads an array. */
double row_loop_sum(int64_t n, const float *x);
/** x *= factor. */
void row_loop_scale(int64_t n, float factor, float *x);
/** The mean of ln sum exp z - z_label over n rows of c logits, c a multiple of 16, and its derivative in z: a row stays in the second cache while its largest
 * element is sought, its exponentials are summed and stored, and what is stored is scaled. The gradient may be the logits. */
double row_loop_cross_entropy(int64_t n, int64_t c, const float *z, const int64_t *label, float *gradient);
/** The mean of ln(1 + exp(-y x'w)) over n rows of d features, and its derivative in w; both multiples of 16, d at most 4096. Each thread reads X once. */
double row_loop_logistic(int64_t n, int64_t d, const float *X, const float *y, const float *w, float *gradient);
/** What stands between the two products of that loss: from Xw its value and its derivative by Xw, share; from Xu, where it is not null, the Hessian by Xw times Xu,
 * curved. All of n, a multiple of 16. */
double row_loop_between(int64_t n, const float *Xw, const float *y, const float *Xu, float *share, float *curved);

#ifdef __cplusplus
}
#endif

#endif /* GRADUS_TEST_BENCH_ROW_LOOPS_H */
