/*===- matrix.c - Factorizations of matrices -----------------------------------------===*
 *
 * The runtime's own gradus_linear_algebra, and what compiled code calls: it sends one matrix to the functions of the context or to these,
 * and makes sure of what the language promises whoever computes it: signs, NaN where there is no result.
 *
 *===----------------------------------------------------------------------------===*/

#include "runtime/gradus.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* The sweeps of a Jacobi iteration; about 10 are needed. */
#define MOST_SWEEPS 60

static int64_t roundUp(int64_t bytes) { return (bytes + 63) / 64 * 64; }

#define REAL float
#define NAME(word) word##F32
#define EPSILON ((double)FLT_EPSILON)
#define SMALLEST ((double)FLT_MIN)
#define LARGEST FLT_MAX
#define MOST_EXPONENT 120
#include "runtime/matrix_real.h"
#undef REAL
#undef NAME
#undef EPSILON
#undef SMALLEST
#undef LARGEST
#undef MOST_EXPONENT

#define REAL double
#define NAME(word) word##F64
#define EPSILON DBL_EPSILON
#define SMALLEST DBL_MIN
#define LARGEST DBL_MAX
#define MOST_EXPONENT 1000
#include "runtime/matrix_real.h"

/*===- The runtime's own functions --------------------------------------------------===*/

static int32_t ownCholesky(int32_t dtype, int64_t n, const void *a, void *l, void *workspace) {
  (void)workspace;
  return dtype == GRADUS_F32 ? choleskyF32(n, (const float *)a, (float *)l) : choleskyF64(n, (const double *)a, (double *)l);
}

static int32_t ownSolve(int32_t dtype, int32_t kind, int32_t transposed, int64_t n, int64_t columns, const void *a, const void *b, void *x,
                        void *workspace) {
  return dtype == GRADUS_F32 ? solveF32(kind, transposed, n, columns, (const float *)a, (const float *)b, (float *)x, workspace)
                             : solveF64(kind, transposed, n, columns, (const double *)a, (const double *)b, (double *)x, workspace);
}

static int32_t ownLogdet(int32_t dtype, int64_t n, const void *a, double *value, double *sign, void *workspace) {
  return dtype == GRADUS_F32 ? logdetF32(n, (const float *)a, value, sign, workspace) : logdetF64(n, (const double *)a, value, sign, workspace);
}

static int32_t ownQr(int32_t dtype, int64_t rows, int64_t columns, const void *a, void *q, void *r, void *workspace) {
  return dtype == GRADUS_F32 ? qrF32(rows, columns, (const float *)a, (float *)q, (float *)r, (float *)workspace)
                             : qrF64(rows, columns, (const double *)a, (double *)q, (double *)r, (double *)workspace);
}

static int32_t ownEigh(int32_t dtype, int64_t n, const void *a, void *values, void *vectors, void *workspace) {
  return dtype == GRADUS_F32 ? eighF32(n, (const float *)a, (float *)values, (float *)vectors, (float *)workspace)
                             : eighF64(n, (const double *)a, (double *)values, (double *)vectors, (double *)workspace);
}

static int32_t ownSvd(int32_t dtype, int64_t rows, int64_t columns, const void *a, void *u, void *s, void *v, void *workspace) {
  return dtype == GRADUS_F32 ? svdF32(rows, columns, (const float *)a, (float *)u, (float *)s, (float *)v, (float *)workspace)
                             : svdF64(rows, columns, (const double *)a, (double *)u, (double *)s, (double *)v, (double *)workspace);
}

static const gradus_linear_algebra own = {ownCholesky, ownSolve, ownLogdet, ownQr, ownEigh, ownSvd, NULL};
/* A function of `with`, or else the own one. */
#define CHOSEN(function) (with != NULL && with->function != NULL ? with->function : own.function)

/* Room for these functions and for LAPACK's, with blocks of 32. */
int64_t gradus_matrix_workspace(int32_t function, int32_t dtype, int64_t rows, int64_t columns) {
  int64_t const size = (int64_t)gradus_dtype_size(dtype), k = rows < columns ? rows : columns;
  int64_t const matrix = roundUp(rows * columns * size);
  if (k == 0)
    return 0;
  switch (function) {
  case GRADUS_SOLVE:
  case GRADUS_LOGDET:
    return matrix + roundUp(rows * 8);
  case GRADUS_QR:
    return matrix + roundUp(33 * (rows + columns) * size);
  case GRADUS_EIGH:
    return 2 * matrix + roundUp(34 * rows * size);
  case GRADUS_SVD:
    return 3 * matrix + roundUp(66 * (rows + columns) * size);
  default:
    return 0;
  }
}

/*===- Elements of either type --------------------------------------------------------===*/

static double at(int32_t dtype, const void *x, int64_t index) {
  return dtype == GRADUS_F32 ? (double)((const float *)x)[index] : ((const double *)x)[index];
}

static void put(int32_t dtype, void *x, int64_t index, double value) {
  if (dtype == GRADUS_F32)
    ((float *)x)[index] = (float)value;
  else
    ((double *)x)[index] = value;
}

static void fillNan(int32_t dtype, int64_t count, void *x) {
  int64_t k;
  for (k = 0; k < count; ++k)
    put(dtype, x, k, (double)NAN);
}

static int areFinite(int32_t dtype, int64_t count, const void *x) {
  int64_t k;
  for (k = 0; k < count; ++k)
    if (!isfinite(at(dtype, x, k)))
      return 0;
  return 1;
}

/* Of a square matrix, the triangle that a function reads. */
static int isTriangleFinite(int32_t dtype, int64_t n, const void *a, int isLower) {
  size_t const size = gradus_dtype_size(dtype);
  int64_t i;
  for (i = 0; i < n; ++i) {
    int64_t const begin = isLower ? 0 : i, count = isLower ? i + 1 : n - i;
    if (!areFinite(dtype, count, (const char *)a + (size_t)(i * n + begin) * size))
      return 0;
  }
  return 1;
}

/* Changes the sign of `count` elements, `stride` apart. */
static void negate(int32_t dtype, int64_t count, int64_t stride, int64_t first, void *x) {
  int64_t k;
  for (k = 0; k < count; ++k)
    put(dtype, x, first + k * stride, -at(dtype, x, first + k * stride));
}

/* Whether the largest element of column `column` of x [rows, columns], the first of equal ones, is negative. */
static int pointsDown(int32_t dtype, int64_t rows, int64_t columns, int64_t column, const void *x) {
  double largest = 0;
  int isNegative = 0;
  int64_t i;
  for (i = 0; i < rows; ++i) {
    double const value = at(dtype, x, i * columns + column);
    if (fabs(value) > largest) {
      largest = fabs(value);
      isNegative = value < 0;
    }
  }
  return isNegative;
}

/*===- What compiled code calls ---------------------------------------------------------===*/

int32_t gradus_matrix_cholesky(const gradus_linear_algebra *with, int32_t dtype, int64_t n, const void *a, void *l, void *workspace) {
  if (n == 0)
    return 1;
  if (isTriangleFinite(dtype, n, a, 1) && CHOSEN(cholesky)(dtype, n, a, l, workspace))
    return 1;
  fillNan(dtype, n * n, l);
  return 0;
}

int32_t gradus_matrix_solve(const gradus_linear_algebra *with, int32_t dtype, int32_t kind, int32_t transposed, int64_t n, int64_t columns,
                            const void *a, const void *b, void *x, void *workspace) {
  int isFine;
  if (n == 0)
    return 1;
  isFine = kind == GRADUS_GENERAL ? areFinite(dtype, n * n, a) : isTriangleFinite(dtype, n, a, kind != GRADUS_UPPER);
  if (isFine && CHOSEN(solve)(dtype, kind, transposed, n, columns, a, b, x, workspace))
    return 1;
  fillNan(dtype, n * columns, x);
  return 0;
}

int32_t gradus_matrix_logdet(const gradus_linear_algebra *with, int32_t dtype, int64_t n, const void *a, double *value, double *sign,
                             void *workspace) {
  *value = 0;
  *sign = 1;
  if (n == 0)
    return 1;
  if (!areFinite(dtype, n * n, a)) {
    *value = *sign = (double)NAN;
    return 0;
  }
  if (CHOSEN(logdet)(dtype, n, a, value, sign, workspace))
    return 1;
  *value = -(double)INFINITY;
  *sign = 0;
  return 0;
}

int32_t gradus_matrix_qr(const gradus_linear_algebra *with, int32_t dtype, int64_t rows, int64_t columns, const void *a, void *q, void *r,
                         void *workspace) {
  int64_t const k = rows < columns ? rows : columns;
  int64_t j;
  if (k == 0)
    return 1;
  if (!areFinite(dtype, rows * columns, a) || !CHOSEN(qr)(dtype, rows, columns, a, q, r, workspace)) {
    fillNan(dtype, rows * k, q);
    fillNan(dtype, k * columns, r);
    return 0;
  }
  for (j = 0; j < k; ++j)
    if (at(dtype, r, j * columns + j) < 0) {
      negate(dtype, columns - j, 1, j * columns + j, r);
      negate(dtype, rows, k, j, q);
    }
  return 1;
}

int32_t gradus_matrix_eigh(const gradus_linear_algebra *with, int32_t dtype, int64_t n, const void *a, void *values, void *vectors,
                           void *workspace) {
  int64_t j;
  if (n == 0)
    return 1;
  if (!isTriangleFinite(dtype, n, a, 1) || !CHOSEN(eigh)(dtype, n, a, values, vectors, workspace)) {
    fillNan(dtype, n, values);
    fillNan(dtype, n * n, vectors);
    return 0;
  }
  for (j = 0; j < n; ++j)
    if (pointsDown(dtype, n, n, j, vectors))
      negate(dtype, n, n, j, vectors);
  return 1;
}

int32_t gradus_matrix_svd(const gradus_linear_algebra *with, int32_t dtype, int64_t rows, int64_t columns, const void *a, void *u, void *s,
                          void *v, void *workspace) {
  int64_t const k = rows < columns ? rows : columns;
  int64_t j;
  if (k == 0)
    return 1;
  if (!areFinite(dtype, rows * columns, a) || !CHOSEN(svd)(dtype, rows, columns, a, u, s, v, workspace)) {
    fillNan(dtype, rows * k, u);
    fillNan(dtype, k, s);
    fillNan(dtype, columns * k, v);
    return 0;
  }
  for (j = 0; j < k; ++j)
    if (pointsDown(dtype, rows, k, j, u)) {
      negate(dtype, rows, k, j, u);
      negate(dtype, columns, k, j, v);
    }
  return 1;
}
