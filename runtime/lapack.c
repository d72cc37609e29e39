/*===- lapack.c - Factorizations by LAPACK, products by BLAS -----------------------===*/

#include "runtime/gradus_lapack.h"

#include <limits.h>
#include <math.h>
#include <string.h>

static int64_t roundUp(int64_t bytes) { return (bytes + 63) / 64 * 64; }

/* The elements of workspace, of which LAPACK need not know all. */
static int roomFor(int64_t count) { return count > INT_MAX ? INT_MAX : (int)count; }

#define REAL float
#define NAME(word) word##F32
#define FORTRAN(word) s##word##_
#include "runtime/lapack_real.h"
#undef REAL
#undef NAME
#undef FORTRAN

#define REAL double
#define NAME(word) word##F64
#define FORTRAN(word) d##word##_
#include "runtime/lapack_real.h"

static int fits(int64_t size) { return size <= INT_MAX; }

static int32_t cholesky(int32_t dtype, int64_t n, const void *a, void *l, void *workspace) {
  (void)workspace;
  if (!fits(n))
    return 0;
  return dtype == GRADUS_F32 ? choleskyF32((int)n, (const float *)a, (float *)l) : choleskyF64((int)n, (const double *)a, (double *)l);
}

static int32_t solve(int32_t dtype, int32_t kind, int32_t transposed, int64_t n, int64_t columns, const void *a, const void *b, void *x,
                     void *workspace) {
  if (!fits(n) || !fits(columns))
    return 0;
  return dtype == GRADUS_F32
             ? solveF32(kind, transposed, (int)n, (int)columns, (const float *)a, (const float *)b, (float *)x, workspace)
             : solveF64(kind, transposed, (int)n, (int)columns, (const double *)a, (const double *)b, (double *)x, workspace);
}

static int32_t logdet(int32_t dtype, int64_t n, const void *a, double *value, double *sign, void *workspace) {
  if (!fits(n))
    return 0;
  return dtype == GRADUS_F32 ? logdetF32((int)n, (const float *)a, value, sign, workspace)
                             : logdetF64((int)n, (const double *)a, value, sign, workspace);
}

static int32_t qr(int32_t dtype, int64_t rows, int64_t columns, const void *a, void *q, void *r, void *workspace) {
  if (!fits(rows) || !fits(columns))
    return 0;
  return dtype == GRADUS_F32 ? qrF32((int)rows, (int)columns, (const float *)a, (float *)q, (float *)r, (float *)workspace)
                             : qrF64((int)rows, (int)columns, (const double *)a, (double *)q, (double *)r, (double *)workspace);
}

static int32_t eigh(int32_t dtype, int64_t n, const void *a, void *values, void *vectors, void *workspace) {
  if (!fits(n))
    return 0;
  return dtype == GRADUS_F32 ? eighF32((int)n, (const float *)a, (float *)values, (float *)vectors, (float *)workspace)
                             : eighF64((int)n, (const double *)a, (double *)values, (double *)vectors, (double *)workspace);
}

static int32_t svd(int32_t dtype, int64_t rows, int64_t columns, const void *a, void *u, void *s, void *v, void *workspace) {
  if (!fits(rows) || !fits(columns))
    return 0;
  return dtype == GRADUS_F32
             ? svdF32((int)rows, (int)columns, (const float *)a, (float *)u, (float *)s, (float *)v, (float *)workspace)
             : svdF64((int)rows, (int)columns, (const double *)a, (double *)u, (double *)s, (double *)v, (double *)workspace);
}

/* What BLAS takes for its columns: whether they are the rows of a matrix or its columns, and how far apart. 0: neither has its elements one after the other. */
static int describe(int64_t rows, int64_t columns, int64_t row, int64_t column, const char **how, int *apart) {
  int const isInRows = column == 1 && row >= columns;
  *how = isInRows ? "N" : "T";
  *apart = (int)(isInRows ? row : column);
  return fits(row) && fits(column) && (isInRows || (row == 1 && column >= rows));
}

static int32_t product(int32_t dtype, int64_t rows, int64_t columns, int64_t inner, const void *a, int64_t a_row, int64_t a_column, const void *b,
                       int64_t b_row, int64_t b_column, void *y, int64_t y_row) {
  const char *howA, *howB;
  int apartA, apartB;
  if (!fits(rows) || !fits(columns) || !fits(inner) || !fits(y_row) || !describe(rows, inner, a_row, a_column, &howA, &apartA) ||
      !describe(inner, columns, b_row, b_column, &howB, &apartB))
    return 0;
  if (dtype == GRADUS_F32)
    productF32((int)rows, (int)columns, (int)inner, howA, (const float *)a, apartA, howB, (const float *)b, apartB, (float *)y, (int)y_row);
  else
    productF64((int)rows, (int)columns, (int)inner, howA, (const double *)a, apartA, howB, (const double *)b, apartB, (double *)y, (int)y_row);
  return 1;
}

const gradus_linear_algebra *gradus_lapack(void) {
  static const gradus_linear_algebra table = {cholesky, solve, logdet, qr, eigh, svd, NULL};
  return &table;
}

const gradus_linear_algebra *gradus_blas(void) {
  static const gradus_linear_algebra table = {cholesky, solve, logdet, qr, eigh, svd, product};
  return &table;
}
