/*===- matrix_real.h - Factorizations in one number type ---------------------------===*
 *
 * Textbook algorithms on row-major matrices with finite elements. matrix.c includes this once for float and once for double, with
 * REAL and NAME(x) defined; not for anybody else. All loops run along rows, and in one order whatever the threads.
 *
 *===----------------------------------------------------------------------------===*/

/* The sum of a[k] b[k]. */
static REAL NAME(dot)(int64_t n, const REAL *a, const REAL *b) {
  REAL sum = 0;
  int64_t k;
  for (k = 0; k < n; ++k)
    sum += a[k] * b[k];
  return sum;
}

/* y += c x */
static void NAME(axpy)(int64_t n, REAL c, const REAL *x, REAL *y) {
  int64_t k;
  for (k = 0; k < n; ++k)
    y[k] += c * x[k];
}

static void NAME(scale)(int64_t n, REAL c, REAL *x) {
  int64_t k;
  for (k = 0; k < n; ++k)
    x[k] *= c;
}

static void NAME(swap)(int64_t n, REAL *a, REAL *b) {
  int64_t k;
  for (k = 0; k < n; ++k) {
    REAL const kept = a[k];
    a[k] = b[k];
    b[k] = kept;
  }
}

/* A power of 2 by which the largest element is brought near 1, so that squares neither overflow nor vanish. */
static REAL NAME(unit)(int64_t count, const REAL *a) {
  REAL largest = 0;
  int exponent = 0;
  int64_t k;
  for (k = 0; k < count; ++k)
    if (a[k] > largest || -a[k] > largest)
      largest = a[k] > 0 ? a[k] : -a[k];
  if (largest == 0)
    return 1;
  (void)frexp((double)largest, &exponent);
  exponent = exponent > MOST_EXPONENT ? MOST_EXPONENT : exponent < -MOST_EXPONENT ? -MOST_EXPONENT : exponent;
  return (REAL)ldexp(1.0, -exponent);
}

/*===- Cholesky -------------------------------------------------------------------===*/

static int32_t NAME(cholesky)(int64_t n, const REAL *a, REAL *l) {
  int64_t i, j;
  for (i = 0; i < n; ++i) {
    for (j = 0; j < i; ++j)
      l[i * n + j] = (a[i * n + j] - NAME(dot)(j, l + i * n, l + j * n)) / l[j * n + j];
    l[i * n + i] = a[i * n + i] - NAME(dot)(i, l + i * n, l + i * n);
    if (!(l[i * n + i] > 0) || l[i * n + i] > LARGEST)
      return 0;
    l[i * n + i] = (REAL)sqrt((double)l[i * n + i]);
    for (j = i + 1; j < n; ++j)
      l[i * n + j] = 0;
  }
  return 1;
}

/*===- Systems --------------------------------------------------------------------===*/

/* Solves T X = B in place, or T^T X = B, for a triangle. A transposed lower one is an upper one whose element (i, j) stands at (j, i). */
static int32_t NAME(triangle)(int64_t n, int64_t columns, const REAL *t, int isLower, int isTransposed, int isUnit, REAL *x) {
  int const goesDown = isLower != isTransposed;
  int64_t step, j;
  for (step = 0; step < n; ++step) {
    int64_t const i = goesDown ? step : n - 1 - step;
    int64_t const begin = goesDown ? 0 : i + 1, end = goesDown ? i : n;
    for (j = begin; j < end; ++j)
      NAME(axpy)(columns, -(isTransposed ? t[j * n + i] : t[i * n + j]), x + j * columns, x + i * columns);
    if (isUnit)
      continue;
    if (t[i * n + i] == 0)
      return 0;
    for (j = 0; j < columns; ++j)
      x[i * columns + j] /= t[i * n + i];
  }
  return 1;
}

/* P A = L U in place, with the rows exchanged as `pivots` says: row i with row pivots[i], one after the other. Returns the sign of P, or 0. */
static int32_t NAME(factor)(int64_t n, REAL *a, int64_t *pivots) {
  int32_t sign = 1;
  int64_t i, j;
  for (j = 0; j < n; ++j) {
    int64_t best = j;
    for (i = j + 1; i < n; ++i)
      if (fabs((double)a[i * n + j]) > fabs((double)a[best * n + j]))
        best = i;
    pivots[j] = best;
    if (best != j) {
      NAME(swap)(n, a + j * n, a + best * n);
      sign = -sign;
    }
    if (a[j * n + j] == 0 || !(fabs((double)a[j * n + j]) <= LARGEST))
      return 0;
    for (i = j + 1; i < n; ++i) {
      a[i * n + j] /= a[j * n + j];
      NAME(axpy)(n - j - 1, -a[i * n + j], a + j * n + j + 1, a + i * n + j + 1);
    }
  }
  return sign;
}

static int32_t NAME(solve)(int32_t kind, int transposed, int64_t n, int64_t columns, const REAL *a, const REAL *b, REAL *x, void *workspace) {
  REAL *const w = (REAL *)workspace;
  int64_t *const pivots = (int64_t *)(void *)((char *)workspace + roundUp(n * n * (int64_t)sizeof(REAL)));
  int64_t i;
  memcpy(x, b, (size_t)(n * columns) * sizeof(REAL));
  if (kind == GRADUS_LOWER || kind == GRADUS_UPPER)
    return NAME(triangle)(n, columns, a, kind == GRADUS_LOWER, transposed, 0, x);
  if (kind == GRADUS_POSITIVE)
    return NAME(cholesky)(n, a, w) && NAME(triangle)(n, columns, w, 1, 0, 0, x) && NAME(triangle)(n, columns, w, 1, 1, 0, x);
  memcpy(w, a, (size_t)(n * n) * sizeof(REAL));
  if (NAME(factor)(n, w, pivots) == 0)
    return 0;
  if (!transposed) {
    for (i = 0; i < n; ++i)
      if (pivots[i] != i)
        NAME(swap)(columns, x + i * columns, x + pivots[i] * columns);
    return NAME(triangle)(n, columns, w, 1, 0, 1, x) && NAME(triangle)(n, columns, w, 0, 0, 0, x);
  }
  NAME(triangle)(n, columns, w, 0, 1, 0, x);
  NAME(triangle)(n, columns, w, 1, 1, 1, x);
  for (i = n; i-- > 0;)
    if (pivots[i] != i)
      NAME(swap)(columns, x + i * columns, x + pivots[i] * columns);
  return 1;
}

static int32_t NAME(logdet)(int64_t n, const REAL *a, double *value, double *sign, void *workspace) {
  REAL *const w = (REAL *)workspace;
  int64_t *const pivots = (int64_t *)(void *)((char *)workspace + roundUp(n * n * (int64_t)sizeof(REAL)));
  int64_t i;
  memcpy(w, a, (size_t)(n * n) * sizeof(REAL));
  *sign = NAME(factor)(n, w, pivots);
  *value = 0;
  if (*sign == 0)
    return 0;
  for (i = 0; i < n; ++i) {
    *value += log(fabs((double)w[i * n + i]));
    *sign = w[i * n + i] < 0 ? -*sign : *sign;
  }
  return 1;
}

/*===- QR -------------------------------------------------------------------------===*/

/* Householder: H = I - beta v v^T, v[j] = 1, the rest of v below the diagonal of w. `row` holds v^T A. */
static void NAME(reflect)(int64_t rows, int64_t j, const REAL *w, int64_t stride, REAL beta, REAL *target, int64_t width, int64_t first, REAL *row) {
  int64_t i;
  memcpy(row + first, target + j * width + first, (size_t)(width - first) * sizeof(REAL));
  for (i = j + 1; i < rows; ++i)
    NAME(axpy)(width - first, w[i * stride + j], target + i * width + first, row + first);
  NAME(axpy)(width - first, -beta, row + first, target + j * width + first);
  for (i = j + 1; i < rows; ++i)
    NAME(axpy)(width - first, -beta * w[i * stride + j], row + first, target + i * width + first);
}

/* Makes the reflection that clears column j of w below the diagonal; returns its beta, 0 where nothing is to be cleared. */
static REAL NAME(house)(int64_t rows, int64_t j, REAL *w, int64_t stride) {
  REAL largest = 0, below = 0, head = w[j * stride + j], norm, v0;
  int64_t i;
  for (i = j; i < rows; ++i)
    if (fabs((double)w[i * stride + j]) > largest)
      largest = (REAL)fabs((double)w[i * stride + j]);
  for (i = j + 1; i < rows; ++i)
    below += (w[i * stride + j] / largest) * (w[i * stride + j] / largest);
  if (!(below > 0))
    return 0;
  head /= largest;
  norm = (REAL)sqrt((double)(head * head + below));
  v0 = head > 0 ? head + norm : head - norm;
  for (i = j + 1; i < rows; ++i)
    w[i * stride + j] = w[i * stride + j] / largest / v0;
  w[j * stride + j] = (head > 0 ? -norm : norm) * largest;
  return 2 * v0 * v0 / (v0 * v0 + below);
}

static int32_t NAME(qr)(int64_t rows, int64_t columns, const REAL *a, REAL *q, REAL *r, REAL *w) {
  int64_t const k = rows < columns ? rows : columns;
  REAL *const betas = w + rows * columns, *const row = betas + k;
  int64_t i, j;
  memcpy(w, a, (size_t)(rows * columns) * sizeof(REAL));
  for (j = 0; j < k; ++j) {
    betas[j] = NAME(house)(rows, j, w, columns);
    if (betas[j] != 0 && j + 1 < columns)
      NAME(reflect)(rows, j, w, columns, betas[j], w, columns, j + 1, row);
  }
  for (i = 0; i < k; ++i)
    for (j = 0; j < columns; ++j)
      r[i * columns + j] = j < i ? 0 : w[i * columns + j];
  for (i = 0; i < rows; ++i)
    for (j = 0; j < k; ++j)
      q[i * k + j] = i == j;
  for (j = k; j-- > 0;)
    if (betas[j] != 0)
      NAME(reflect)(rows, j, w, columns, betas[j], q, k, j, row);
  return 1;
}

/*===- Rotations ------------------------------------------------------------------===*/

/* (a, b) <- (c a - s b, s a + c b) */
static void NAME(rotate)(int64_t n, REAL c, REAL s, REAL *a, REAL *b) {
  int64_t k;
  for (k = 0; k < n; ++k) {
    REAL const x = a[k], y = b[k];
    a[k] = c * x - s * y;
    b[k] = s * x + c * y;
  }
}

/* The rotation that diagonalizes [[p, g], [g, q]], g not 0; its tangent is at most 1 in size. */
static void NAME(angle)(REAL p, REAL q, REAL g, REAL *c, REAL *s, REAL *t) {
  double const theta = ((double)q - (double)p) / (2 * (double)g);
  double const tangent = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
  *t = (REAL)tangent;
  *c = (REAL)(1 / sqrt(tangent * tangent + 1));
  *s = (REAL)(tangent / sqrt(tangent * tangent + 1));
}

/* Cyclic Jacobi on a symmetric w [n, n]; the rows of v become the eigenvectors. */
static int32_t NAME(jacobi)(int64_t n, REAL *w, REAL *v) {
  int64_t i, p, q;
  int sweep;
  for (sweep = 0; sweep < MOST_SWEEPS; ++sweep) {
    int isDone = 1;
    for (p = 0; p < n; ++p)
      for (q = p + 1; q < n; ++q) {
        REAL c, s, t, g = w[p * n + q];
        /* Below half a last place of both diagonal elements nothing changes any more. */
        if (fabs((double)g) <= 0.25 * EPSILON * fabs((double)w[p * n + p]) && fabs((double)g) <= 0.25 * EPSILON * fabs((double)w[q * n + q])) {
          w[p * n + q] = w[q * n + p] = 0;
          continue;
        }
        if (g == 0 || fabs((double)g) < SMALLEST)
          continue;
        isDone = 0;
        NAME(angle)(w[p * n + p], w[q * n + q], g, &c, &s, &t);
        {
          REAL const atP = w[p * n + p] - t * g, atQ = w[q * n + q] + t * g;
          NAME(rotate)(n, c, s, w + p * n, w + q * n);
          for (i = 0; i < n; ++i) {
            w[i * n + p] = w[p * n + i];
            w[i * n + q] = w[q * n + i];
          }
          w[p * n + p] = atP;
          w[q * n + q] = atQ;
          w[p * n + q] = w[q * n + p] = 0;
        }
        NAME(rotate)(n, c, s, v + p * n, v + q * n);
      }
    if (isDone)
      return 1;
  }
  return 0;
}

static int32_t NAME(eigh)(int64_t n, const REAL *a, REAL *values, REAL *vectors, REAL *w) {
  REAL *const v = w + n * n;
  REAL unit;
  int64_t i, j;
  for (i = 0; i < n; ++i)
    for (j = 0; j < n; ++j) {
      w[i * n + j] = j < i ? a[i * n + j] : a[j * n + i];
      v[i * n + j] = i == j;
    }
  unit = NAME(unit)(n * n, w);
  NAME(scale)(n * n, unit, w);
  if (!NAME(jacobi)(n, w, v))
    return 0;
  for (i = 0; i < n; ++i)
    values[i] = w[i * n + i] / unit;
  for (i = 0; i < n; ++i) { /* selection: the smallest of the rest comes next */
    int64_t least = i;
    for (j = i + 1; j < n; ++j)
      if (values[j] < values[least])
        least = j;
    if (least != i) {
      NAME(swap)(1, values + i, values + least);
      NAME(swap)(n, v + i * n, v + least * n);
    }
    for (j = 0; j < n; ++j)
      vectors[j * n + i] = v[i * n + j];
  }
  return 1;
}

/*===- Singular values ------------------------------------------------------------===*/

/* One-sided Jacobi: makes the rows of w [k, size] orthogonal; the rows of v [k, k] turn with them. */
static int32_t NAME(orthogonalize)(int64_t k, int64_t size, REAL *w, REAL *v) {
  int64_t p, q;
  int sweep;
  for (sweep = 0; sweep < MOST_SWEEPS; ++sweep) {
    REAL largest = 0;
    int isDone = 1;
    for (p = 0; p < k; ++p) {
      REAL const square = NAME(dot)(size, w + p * size, w + p * size);
      largest = square > largest ? square : largest;
    }
    for (p = 0; p < k; ++p)
      for (q = p + 1; q < k; ++q) {
        REAL const a = NAME(dot)(size, w + p * size, w + p * size), b = NAME(dot)(size, w + q * size, w + q * size);
        REAL const g = NAME(dot)(size, w + p * size, w + q * size);
        double const noise = EPSILON * EPSILON * (double)size * (double)size * (double)largest;
        REAL c, s, t;
        /* A row of rounding errors alone is orthogonal to nothing, and need not be. */
        if (g == 0 || fabs((double)g) <= 2 * EPSILON * sqrt((double)a) * sqrt((double)b) * sqrt((double)size) || (double)a <= noise || (double)b <= noise)
          continue;
        isDone = 0;
        NAME(angle)(a, b, g, &c, &s, &t);
        NAME(rotate)(size, c, s, w + p * size, w + q * size);
        NAME(rotate)(k, c, s, v + p * k, v + q * k);
      }
    if (isDone)
      return 1;
  }
  return 0;
}

/* Makes row j of w a unit vector orthogonal to those before it, whatever it is: used where the singular value is nothing but noise. */
static void NAME(complete)(int64_t j, int64_t size, REAL *w) {
  REAL *const row = w + j * size;
  int64_t attempt, i;
  int pass;
  for (attempt = -1; attempt < size; ++attempt) {
    REAL norm;
    if (attempt >= 0) {
      for (i = 0; i < size; ++i)
        row[i] = i == attempt;
    }
    for (pass = 0; pass < 2; ++pass)
      for (i = 0; i < j; ++i)
        NAME(axpy)(size, -NAME(dot)(size, row, w + i * size), w + i * size, row);
    norm = (REAL)sqrt((double)NAME(dot)(size, row, row));
    /* Of the unit vectors one at least keeps this much: the squares of what is left add up to size - j. */
    if ((double)norm * (double)norm * (double)size > 0.5) {
      NAME(scale)(size, 1 / norm, row);
      return;
    }
  }
}

static int32_t NAME(svd)(int64_t rows, int64_t columns, const REAL *a, REAL *u, REAL *s, REAL *v, REAL *w) {
  int const isTall = rows >= columns;
  int64_t const k = isTall ? columns : rows, size = isTall ? rows : columns;
  REAL const unit = NAME(unit)(rows * columns, a);
  REAL *const turned = w + k * size, *const left = isTall ? u : v, *const right = isTall ? v : u;
  int64_t i, j;
  for (i = 0; i < k; ++i)
    for (j = 0; j < size; ++j)
      w[i * size + j] = unit * (isTall ? a[j * columns + i] : a[i * columns + j]);
  for (i = 0; i < k; ++i)
    for (j = 0; j < k; ++j)
      turned[i * k + j] = i == j;
  if (!NAME(orthogonalize)(k, size, w, turned))
    return 0;
  for (i = 0; i < k; ++i)
    s[i] = (REAL)sqrt((double)NAME(dot)(size, w + i * size, w + i * size));
  for (i = 0; i < k; ++i) {
    int64_t most = i;
    for (j = i + 1; j < k; ++j)
      if (s[j] > s[most])
        most = j;
    if (most != i) {
      NAME(swap)(1, s + i, s + most);
      NAME(swap)(size, w + i * size, w + most * size);
      NAME(swap)(k, turned + i * k, turned + most * k);
    }
    if (s[i] > 0)
      NAME(scale)(size, 1 / s[i], w + i * size);
    if ((double)s[i] <= 2 * EPSILON * (double)size * (double)s[0])
      NAME(complete)(i, size, w);
  }
  for (i = 0; i < k; ++i) {
    s[i] /= unit;
    for (j = 0; j < size; ++j)
      left[j * k + i] = w[i * size + j];
    for (j = 0; j < k; ++j)
      right[j * k + i] = turned[i * k + j];
  }
  return 1;
}
