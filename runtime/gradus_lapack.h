/*===- gradus_lapack.h - Factorizations by LAPACK, products by BLAS ---------------===*
 *
 * The archive Gradus::lapack, on LAPACK and BLAS with Fortran's names: the reference ones, OpenBLAS, MKL. The runtime does without; this is
 * for large matrices.
 *
 *   gradus_context context = {0};
 *   context.linear_algebra = gradus_lapack();
 *
 * The bits of a result are those of the library: where it shares the work among threads, ask it for the same number each time.
 *
 *===----------------------------------------------------------------------------===*/

#ifndef GRADUS_LAPACK_H
#define GRADUS_LAPACK_H

#include "gradus.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Constant; for gradus_context.linear_algebra. A matrix with a side above 2^31 - 1 has no result. */
const gradus_linear_algebra *gradus_lapack(void);
/** The same, and products of matrices by BLAS's gemm: for a BLAS that is made for the machine. The reference one is slower than compiled code. */
const gradus_linear_algebra *gradus_blas(void);

#ifdef __cplusplus
}
#endif

#endif /* GRADUS_LAPACK_H */
