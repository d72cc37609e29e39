/*===- lapack_real.h - Calls of LAPACK in one number type --------------------------===*
 *
 * lapack.c includes this once for float and once for double, with REAL, NAME(x) and FORTRAN(x) defined; not for anybody else.
 * LAPACK stores columns one after the other, so that it takes our A for A^T; each function asks for what that matrix has to give.
 *
 *===----------------------------------------------------------------------------===*/

void FORTRAN(potrf)(const char *uplo, const int *n, REAL *a, const int *lda, int *info, size_t);
void FORTRAN(getrf)(const int *m, const int *n, REAL *a, const int *lda, int *pivots, int *info);
void FORTRAN(gelqf)(const int *m, const int *n, REAL *a, const int *lda, REAL *tau, REAL *work, const int *lwork, int *info);
void FORTRAN(orglq)(const int *m, const int *n, const int *k, REAL *a, const int *lda, const REAL *tau, REAL *work, const int *lwork, int *info);
void FORTRAN(syev)(const char *jobz, const char *uplo, const int *n, REAL *a, const int *lda, REAL *w, REAL *work, const int *lwork, int *info,
                   size_t, size_t);
void FORTRAN(gesvd)(const char *jobu, const char *jobvt, const int *m, const int *n, REAL *a, const int *lda, REAL *s, REAL *u, const int *ldu,
                    REAL *vt, const int *ldvt, REAL *work, const int *lwork, int *info, size_t, size_t);
void FORTRAN(gemm)(const char *transa, const char *transb, const int *m, const int *n, const int *k, const REAL *alpha, const REAL *a, const int *lda,
                   const REAL *b, const int *ldb, const REAL *beta, REAL *c, const int *ldc, size_t, size_t);
void FORTRAN(trsm)(const char *side, const char *uplo, const char *transa, const char *diag, const int *m, const int *n, const REAL *alpha,
                   const REAL *a, const int *lda, REAL *b, const int *ldb, size_t, size_t, size_t, size_t);

/* X T = B, or X T^T = B, in place, for a triangle as LAPACK sees it. */
static void NAME(triangle)(const char *uplo, int isTransposed, int isUnit, int n, int columns, const REAL *t, REAL *x) {
  REAL const one = 1;
  if (columns == 0)
    return;
  FORTRAN(trsm)("R", uplo, isTransposed ? "T" : "N", isUnit ? "U" : "N", &columns, &n, &one, t, &n, x, &columns, 1, 1, 1, 1);
}

static void NAME(swap)(int64_t n, REAL *a, REAL *b) {
  int64_t k;
  for (k = 0; k < n; ++k) {
    REAL const kept = a[k];
    a[k] = b[k];
    b[k] = kept;
  }
}

/* The lower triangle of l becomes the factor; LAPACK sees an upper one. */
static int32_t NAME(cholesky)(int n, const REAL *a, REAL *l) {
  int64_t const size = n;
  int64_t i, j;
  int info = 0;
  for (i = 0; i < size; ++i)
    for (j = 0; j < size; ++j)
      l[i * size + j] = j <= i ? a[i * size + j] : 0;
  FORTRAN(potrf)("U", &n, l, &n, &info, 1);
  return info == 0;
}

static int32_t NAME(solve)(int32_t kind, int transposed, int n, int columns, const REAL *a, const REAL *b, REAL *x, void *workspace) {
  int64_t const size = n;
  REAL *const w = (REAL *)workspace;
  int *const pivots = (int *)(void *)((char *)workspace + roundUp(size * size * (int64_t)sizeof(REAL)));
  int info = 0;
  int64_t i;
  memcpy(x, b, (size_t)(size * columns) * sizeof(REAL));
  if (kind == GRADUS_LOWER || kind == GRADUS_UPPER) {
    for (i = 0; i < size; ++i)
      if (a[i * size + i] == 0)
        return 0;
    NAME(triangle)(kind == GRADUS_LOWER ? "U" : "L", transposed, 0, n, columns, a, x);
    return 1;
  }
  if (kind == GRADUS_POSITIVE) {
    if (!NAME(cholesky)(n, a, w))
      return 0;
    NAME(triangle)("U", 0, 0, n, columns, w, x);
    NAME(triangle)("U", 1, 0, n, columns, w, x);
    return 1;
  }
  memcpy(w, a, (size_t)(size * size) * sizeof(REAL));
  FORTRAN(getrf)(&n, &n, w, &n, pivots, &info); /* A^T = P L U */
  if (info != 0)
    return 0;
  if (!transposed) { /* X^T P L U = B^T */
    NAME(triangle)("U", 0, 0, n, columns, w, x);
    NAME(triangle)("L", 0, 1, n, columns, w, x);
    for (i = size; i-- > 0;)
      if (pivots[i] != i + 1)
        NAME(swap)(columns, x + i * columns, x + (int64_t)(pivots[i] - 1) * columns);
    return 1;
  }
  for (i = 0; i < size; ++i) /* X^T U^T L^T P^T = B^T */
    if (pivots[i] != i + 1)
      NAME(swap)(columns, x + i * columns, x + (int64_t)(pivots[i] - 1) * columns);
  NAME(triangle)("L", 1, 1, n, columns, w, x);
  NAME(triangle)("U", 1, 0, n, columns, w, x);
  return 1;
}

static int32_t NAME(logdet)(int n, const REAL *a, double *value, double *sign, void *workspace) {
  int64_t const size = n;
  REAL *const w = (REAL *)workspace;
  int *const pivots = (int *)(void *)((char *)workspace + roundUp(size * size * (int64_t)sizeof(REAL)));
  int info = 0;
  int64_t i;
  memcpy(w, a, (size_t)(size * size) * sizeof(REAL));
  FORTRAN(getrf)(&n, &n, w, &n, pivots, &info);
  if (info != 0)
    return 0;
  *value = 0;
  *sign = 1;
  for (i = 0; i < size; ++i) {
    *value += log(fabs((double)w[i * size + i]));
    *sign = (w[i * size + i] < 0) != (pivots[i] != i + 1) ? -*sign : *sign;
  }
  return 1;
}

/* A^T = L Q^T: the columns of L are the rows of R. */
static int32_t NAME(qr)(int rows, int columns, const REAL *a, REAL *q, REAL *r, REAL *w) {
  int64_t const m = rows, n = columns, k = m < n ? m : n;
  REAL *const tau = w + m * n, *const work = tau + k;
  int const short_k = (int)k, lwork = roomFor(32 * (m + n));
  int info = 0;
  int64_t i, j;
  memcpy(w, a, (size_t)(m * n) * sizeof(REAL));
  FORTRAN(gelqf)(&columns, &rows, w, &columns, tau, work, &lwork, &info);
  if (info != 0)
    return 0;
  for (i = 0; i < k; ++i)
    for (j = 0; j < n; ++j)
      r[i * n + j] = j < i ? 0 : w[i * n + j];
  for (j = 0; j < m; ++j)
    for (i = 0; i < k; ++i)
      q[j * k + i] = w[j * n + i];
  FORTRAN(orglq)(&short_k, &rows, &short_k, q, &short_k, tau, work, &lwork, &info);
  return info == 0;
}

static int32_t NAME(eigh)(int n, const REAL *a, REAL *values, REAL *vectors, REAL *w) {
  int64_t const size = n;
  int const lwork = roomFor(34 * size);
  int info = 0;
  int64_t i, j;
  for (i = 0; i < size; ++i)
    for (j = 0; j < size; ++j)
      vectors[i * size + j] = j <= i ? a[i * size + j] : 0;
  FORTRAN(syev)("V", "U", &n, vectors, &n, values, w, &lwork, &info, 1, 1);
  for (i = 0; i < size; ++i)
    for (j = i + 1; j < size; ++j)
      NAME(swap)(1, vectors + i * size + j, vectors + j * size + i);
  return info == 0;
}

/* A^T = V S U^T. */
static int32_t NAME(svd)(int rows, int columns, const REAL *a, REAL *u, REAL *s, REAL *v, REAL *w) {
  int64_t const m = rows, n = columns, k = m < n ? m : n;
  REAL *const right = w + m * n, *const work = right + n * k;
  int const short_k = (int)k, lwork = roomFor(66 * (m + n));
  int info = 0;
  int64_t i, j;
  memcpy(w, a, (size_t)(m * n) * sizeof(REAL));
  FORTRAN(gesvd)("S", "S", &columns, &rows, w, &columns, s, right, &columns, u, &short_k, work, &lwork, &info, 1, 1);
  for (i = 0; i < n; ++i)
    for (j = 0; j < k; ++j)
      v[i * k + j] = right[j * n + i];
  return info == 0;
}

/* Y^T = B^T A^T. */
static void NAME(product)(int rows, int columns, int inner, const char *howA, const REAL *a, int apartA, const char *howB, const REAL *b, int apartB, REAL *y,
                          int apartY) {
  REAL const one = 1, zero = 0;
  FORTRAN(gemm)(howB, howA, &columns, &rows, &inner, &one, b, &apartB, a, &apartA, &zero, y, &apartY, 1, 1);
}
