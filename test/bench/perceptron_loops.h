/*===- perceptron_loops.h - The train step of a perceptron by hand ----------------===*/

#ifndef GRADUS_TEST_BENCH_PERCEPTRON_LOOPS_H
#define GRADUS_TEST_BENCH_PERCEPTRON_LOOPS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Y [rows, columns] = A B in f32, A and B in rows, or A or B transposed as BLAS has it ("N", "T"), Y in rows. */
typedef void (*product_loop)(const char *how_a, const char *how_b, int rows, int columns, int inner, const float *a, const float *b, float *y);

/** n rows of d features, h hidden units, c classes. */
typedef struct perceptron_sizes {
  int n, d, h, c;
} perceptron_sizes;

/** The products as loops that the compiler makes vectors of, in blocks that fit the caches. */
void product_by_hand(const char *how_a, const char *how_b, int rows, int columns, int inner, const float *a, const float *b, float *y);
/** The floats of scratch that a step takes. */
int64_t perceptron_scratch(perceptron_sizes size);
/** One step of gradient descent on mean softmax cross-entropy of tanh(X U + a) V + b; the loss before it. */
double perceptron_by_hand(perceptron_sizes size, float lr, float *u, float *a, float *v, float *b, const float *x, const int64_t *label, float *scratch,
                          product_loop product);

#ifdef __cplusplus
}
#endif

#endif /* GRADUS_TEST_BENCH_PERCEPTRON_LOOPS_H */
