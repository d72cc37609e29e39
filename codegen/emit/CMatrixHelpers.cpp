//===- CMatrixHelpers.cpp - Factorizations that generated C calls ----------------===//
//
// Textbook algorithms on row-major matrices, with the order and the signs that dialect/LinearAlgebra.td promises.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/CHelpers.h"

namespace gradus {

static constexpr CHelper helperTable[] = {
    {"factor_cholesky", R"(/* L with L L^T = A, from the lower triangle of A; 0 if there is none. */
static int factor_cholesky(int64_t n, const double *a, double *l) {
  int ok = 1;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) {
      double sum = j <= i ? a[i * n + j] : 0;
      for (int64_t k = 0; j <= i && k < j; ++k)
        sum -= l[i * n + k] * l[j * n + k];
      if (j == i)
        ok = ok && sum > 0 && sum < INFINITY;
      l[i * n + j] = j == i ? sqrt(sum) : j < i ? sum / l[j * n + j] : 0;
    }
  for (int64_t i = 0; !ok && i < n * n; ++i)
    l[i] = NAN;
  return ok;
}
)"},
    {"solve_triangle", R"(/* X with A X = B, or A^T X = B, for a triangle of A. */
static int solve_triangle(int64_t n, int64_t m, const double *a, const double *b, double *x, int upper, int transposed) {
  int ok = 1;
  for (int64_t step = 0; step < n; ++step) {
    int64_t i = upper == transposed ? step : n - 1 - step;
    ok = ok && a[i * n + i] != 0 && fabs(a[i * n + i]) < INFINITY;
    for (int64_t c = 0; c < m; ++c) {
      double sum = b[i * m + c];
      for (int64_t done = 0; done < step; ++done) {
        int64_t k = upper == transposed ? done : n - 1 - done;
        sum -= (transposed ? a[k * n + i] : a[i * n + k]) * x[k * m + c];
      }
      x[i * m + c] = sum / a[i * n + i];
    }
  }
  for (int64_t i = 0; !ok && i < n * m; ++i)
    x[i] = NAN;
  return ok;
}
)"},
    {"solve_positive", R"(/* X with A X = B by the Cholesky factor, which goes to `l`. */
static int solve_positive(int64_t n, int64_t m, const double *a, const double *b, double *x, double *l) {
  int ok = factor_cholesky(n, a, l);
  solve_triangle(n, m, l, b, x, 0, 0);
  return solve_triangle(n, m, l, x, x, 0, 1) && ok;
}
)"},
    {"factor_lu", R"(/* P A = L U by rows with the largest pivot, both in `lu`, rows in `row`; the sign of the permutation, 0 where a pivot is 0. */
static double factor_lu(int64_t n, const double *a, double *lu, int64_t *row) {
  double sign_of_rows = 1;
  for (int64_t i = 0; i < n * n; ++i)
    lu[i] = a[i];
  for (int64_t i = 0; i < n; ++i)
    row[i] = i;
  for (int64_t j = 0; j < n; ++j) {
    int64_t best = j;
    for (int64_t i = j + 1; i < n; ++i)
      if (fabs(lu[i * n + j]) > fabs(lu[best * n + j]))
        best = i;
    for (int64_t k = 0; best != j && k < n; ++k) {
      double kept = lu[j * n + k];
      lu[j * n + k] = lu[best * n + k];
      lu[best * n + k] = kept;
    }
    if (best != j) {
      int64_t kept = row[j];
      row[j] = row[best];
      row[best] = kept;
      sign_of_rows = -sign_of_rows;
    }
    if (lu[j * n + j] == 0)
      return 0;
    for (int64_t i = j + 1; i < n; ++i) {
      lu[i * n + j] /= lu[j * n + j];
      for (int64_t k = j + 1; k < n; ++k)
        lu[i * n + k] -= lu[i * n + j] * lu[j * n + k];
    }
  }
  return sign_of_rows;
}
)"},
    {"solve_general", R"(/* X with A X = B, or A^T X = B. */
static int solve_general(int64_t n, int64_t m, const double *a, const double *b, double *x, double *lu, int64_t *row, int transposed) {
  int ok = factor_lu(n, a, lu, row) != 0;
  for (int64_t i = 0; i < n * n; ++i)
    ok = ok && fabs(a[i]) < INFINITY;
  for (int64_t c = 0; ok && c < m; ++c) {
    double *y = lu + n * n;
    for (int64_t i = 0; i < n; ++i)
      y[i] = b[(transposed ? i : row[i]) * m + c];
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t k = 0; k < i; ++k)
        y[i] -= transposed ? lu[k * n + i] * y[k] : lu[i * n + k] * y[k];
      if (transposed)
        y[i] /= lu[i * n + i];
    }
    for (int64_t i = n - 1; i >= 0; --i) {
      for (int64_t k = i + 1; k < n; ++k)
        y[i] -= transposed ? lu[k * n + i] * y[k] : lu[i * n + k] * y[k];
      if (!transposed)
        y[i] /= lu[i * n + i];
    }
    for (int64_t i = 0; i < n; ++i)
      x[(transposed ? row[i] : i) * m + c] = y[i];
  }
  for (int64_t i = 0; !ok && i < n * m; ++i)
    x[i] = NAN;
  return ok;
}
)"},
    {"log_determinant", R"(/* ln |det A|; the sign of det A goes to `sign_of_it`. */
static double log_determinant(int64_t n, const double *a, double *lu, int64_t *row, double *sign_of_it) {
  double sum = 0;
  for (int64_t i = 0; i < n * n; ++i)
    if (!(fabs(a[i]) < INFINITY))
      return *sign_of_it = NAN;
  *sign_of_it = factor_lu(n, a, lu, row);
  if (*sign_of_it == 0)
    return -INFINITY;
  for (int64_t i = 0; i < n; ++i) {
    sum += log(fabs(lu[i * n + i]));
    *sign_of_it = lu[i * n + i] < 0 ? -*sign_of_it : *sign_of_it;
  }
  return sum;
}
)"},
    {"all_finite", R"(static int all_finite(int64_t count, const double *a) {
  for (int64_t i = 0; i < count; ++i)
    if (!(fabs(a[i]) < INFINITY))
      return 0;
  return 1;
}
)"},
    {"dot_rows", R"(static double dot_rows(int64_t n, const double *a, const double *b) {
  double sum = 0;
  for (int64_t k = 0; k < n; ++k)
    sum += a[k] * b[k];
  return sum;
}
)"},
    {"rotate_rows", R"(/* (a, b) becomes (c a - s b, s a + c b). */
static void rotate_rows(int64_t n, double c, double s, double *a, double *b) {
  for (int64_t k = 0; k < n; ++k) {
    double x = a[k], y = b[k];
    a[k] = c * x - s * y;
    b[k] = s * x + c * y;
  }
}
)"},
    {"swap_rows", R"(static void swap_rows(int64_t n, double *a, double *b) {
  for (int64_t k = 0; k < n; ++k) {
    double kept = a[k];
    a[k] = b[k];
    b[k] = kept;
  }
}
)"},
    {"find_rotation", R"(/* The cosine and sine of the rotation that makes [[p, g], [g, q]] diagonal; returns its tangent, at most 1 in size. */
static double find_rotation(double p, double q, double g, double *c, double *s) {
  double theta = (q - p) / (2 * g), t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
  *c = 1 / sqrt(t * t + 1);
  *s = t * *c;
  return t;
}
)"},
    {"near_one", R"(/* A power of 2 that brings the largest element near 1. */
static double near_one(int64_t count, const double *a) {
  double largest = 0;
  int exponent = 0;
  for (int64_t i = 0; i < count; ++i)
    largest = fabs(a[i]) > largest ? fabs(a[i]) : largest;
  frexp(largest, &exponent);
  return ldexp(1, exponent < -1000 ? 1000 : -exponent);
}
)"},
    {"sign_columns", R"(/* Column by column, turns the sign of u, and of v with it, so that the entry of u of largest size, the first of equal ones, is positive. */
static void sign_columns(int64_t rows, int64_t columns, double *u, int64_t rows_of_v, double *v) {
  for (int64_t j = 0; j < columns; ++j) {
    double largest = 0;
    for (int64_t i = 0; i < rows; ++i)
      if (fabs(u[i * columns + j]) > fabs(largest))
        largest = u[i * columns + j];
    for (int64_t i = 0; largest < 0 && i < rows; ++i)
      u[i * columns + j] = -u[i * columns + j];
    for (int64_t i = 0; largest < 0 && i < rows_of_v; ++i)
      v[i * columns + j] = -v[i * columns + j];
  }
}
)"},
    {"turn_to_diagonal", R"(/* Cyclic Jacobi: rotates the symmetric w until it is diagonal, and the rows of v with it; 0 if that does not end. */
static int turn_to_diagonal(int64_t n, double *w, double *v) {
  int done = 0;
  for (int sweep = 0; !done && sweep < 60; ++sweep) {
    done = 1;
    for (int64_t p = 0; p < n; ++p)
      for (int64_t q = p + 1; q < n; ++q) {
        double c, s, g = w[p * n + q], at_p = w[p * n + p], at_q = w[q * n + q];
        if (fabs(g) <= 0x1p-54 * fabs(at_p) && fabs(g) <= 0x1p-54 * fabs(at_q)) /* nothing would change any more */
          continue;
        if (fabs(g) < 0x1p-1000)
          continue;
        done = 0;
        double t = find_rotation(at_p, at_q, g, &c, &s);
        rotate_rows(n, c, s, w + p * n, w + q * n);
        for (int64_t i = 0; i < n; ++i) {
          w[i * n + p] = w[p * n + i];
          w[i * n + q] = w[q * n + i];
        }
        w[p * n + p] = at_p - t * g;
        w[q * n + q] = at_q + t * g;
        w[p * n + q] = w[q * n + p] = 0;
        rotate_rows(n, c, s, v + p * n, v + q * n);
      }
  }
  return done;
}
)"},
    {"factor_eigh", R"(/* Eigenvalues, ascending, and eigenvectors in columns of a symmetric A, of which the lower triangle is read; `spare` has room for 2 n n. */
static int factor_eigh(int64_t n, const double *a, double *values, double *vectors, double *spare) {
  double *w = spare, *v = spare + n * n;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) {
      w[i * n + j] = j < i ? a[i * n + j] : a[j * n + i];
      v[i * n + j] = i == j;
    }
  double scale = near_one(n * n, w);
  int ok = all_finite(n * n, w);
  for (int64_t i = 0; i < n * n; ++i)
    w[i] *= scale;
  ok = ok && turn_to_diagonal(n, w, v);
  for (int64_t i = 0; i < n; ++i)
    values[i] = ok ? w[i * n + i] / scale : NAN;
  for (int64_t j = 0; j < n; ++j) {
    int64_t least = j;
    for (int64_t i = j + 1; i < n; ++i)
      least = values[i] < values[least] ? i : least;
    swap_rows(1, values + j, values + least);
    swap_rows(n, v + j * n, v + least * n);
    for (int64_t i = 0; i < n; ++i)
      vectors[i * n + j] = ok ? v[j * n + i] : NAN;
  }
  sign_columns(n, n, vectors, 0, vectors);
  return ok;
}
)"},
    {"make_orthogonal", R"(/* One-sided Jacobi: rotates the k rows of w until they are orthogonal, and those of v with them; 0 if that does not end. */
static int make_orthogonal(int64_t k, int64_t size, double *w, double *v) {
  int done = 0;
  for (int sweep = 0; !done && sweep < 60; ++sweep) {
    double largest = 0;
    for (int64_t p = 0; p < k; ++p) {
      double square = dot_rows(size, w + p * size, w + p * size);
      largest = square > largest ? square : largest;
    }
    double noise = 0x1p-104 * (double)size * (double)size * largest; /* a row of rounding errors need not be orthogonal to others */
    done = 1;
    for (int64_t p = 0; p < k; ++p)
      for (int64_t q = p + 1; q < k; ++q) {
        double *x = w + p * size, *y = w + q * size, c, s;
        double xx = dot_rows(size, x, x), yy = dot_rows(size, y, y), xy = dot_rows(size, x, y);
        if (xy == 0 || fabs(xy) <= 0x1p-51 * sqrt(xx) * sqrt(yy) * sqrt((double)size) || xx <= noise || yy <= noise)
          continue;
        done = 0;
        find_rotation(xx, yy, xy, &c, &s);
        rotate_rows(size, c, s, x, y);
        rotate_rows(k, c, s, v + p * k, v + q * k);
      }
  }
  return done;
}
)"},
    {"complete_row", R"(/* Makes row j of w a unit vector that is orthogonal to those before it: what is left of it, or of an axis. */
static void complete_row(int64_t j, int64_t size, double *w) {
  double *row = w + j * size;
  for (int64_t axis = -1; axis < size; ++axis) {
    for (int64_t i = 0; axis >= 0 && i < size; ++i)
      row[i] = i == axis;
    for (int64_t k = 0; k < 2 * j; ++k) { /* twice, for the rounding errors of the first time */
      double *other = w + k % j * size, along = dot_rows(size, row, other);
      for (int64_t i = 0; i < size; ++i)
        row[i] -= along * other[i];
    }
    double length = sqrt(dot_rows(size, row, row));
    if (length * length * (double)size <= 0.5)
      continue;
    for (int64_t i = 0; i < size; ++i)
      row[i] /= length;
    return;
  }
}
)"},
    {"factor_svd", R"(/* A = U diag(s) V^T for A of m rows and n columns, k = min(m, n) values, descending; `spare` has room for k (m + n). */
static int factor_svd(int64_t m, int64_t n, const double *a, double *u, double *s, double *v, double *spare) {
  int tall = m >= n;
  int64_t k = tall ? n : m, size = tall ? m : n;
  double *w = spare, *turned = spare + k * size, scale = near_one(m * n, a);
  int ok = all_finite(m * n, a);
  for (int64_t i = 0; i < k * size; ++i)
    w[i] = scale * (tall ? a[i % size * n + i / size] : a[i]);
  for (int64_t i = 0; i < k * k; ++i)
    turned[i] = i / k == i % k;
  ok = ok && make_orthogonal(k, size, w, turned);
  for (int64_t i = 0; i < k; ++i)
    s[i] = sqrt(dot_rows(size, w + i * size, w + i * size));
  for (int64_t i = 0; ok && i < k; ++i) {
    int64_t most = i;
    for (int64_t j = i + 1; j < k; ++j)
      most = s[j] > s[most] ? j : most;
    swap_rows(1, s + i, s + most);
    swap_rows(size, w + i * size, w + most * size);
    swap_rows(k, turned + i * k, turned + most * k);
    for (int64_t j = 0; s[i] > 0 && j < size; ++j)
      w[i * size + j] /= s[i];
    if (s[i] <= 0x1p-51 * (double)size * s[0])
      complete_row(i, size, w);
  }
  for (int64_t j = 0; j < k; ++j) {
    s[j] = ok ? s[j] / scale : NAN;
    for (int64_t i = 0; i < m; ++i)
      u[i * k + j] = !ok ? NAN : tall ? w[j * size + i] : turned[j * k + i];
    for (int64_t i = 0; i < n; ++i)
      v[i * k + j] = !ok ? NAN : tall ? turned[j * k + i] : w[j * size + i];
  }
  sign_columns(m, k, u, n, v);
  return ok;
}
)"},
    {"reflect_columns", R"(/* (I - v v^T / h) B for the columns of B from `first` on, where v = 0 above row j. */
static void reflect_columns(int64_t m, int64_t n, int64_t j, int64_t first, const double *v, double h, double *b) {
  for (int64_t c = first; h > 0 && c < n; ++c) {
    double sum = 0;
    for (int64_t i = j; i < m; ++i)
      sum += v[i] * b[i * n + c];
    for (int64_t i = j; i < m; ++i)
      b[i * n + c] -= v[i] * (sum / h);
  }
}
)"},
    {"factor_qr", R"(/* A = Q R by Householder reflections, k = min(m, n) columns of Q, no diagonal element of R negative; `spare` has room for m n + (m + 1) k. */
static int factor_qr(int64_t m, int64_t n, const double *a, double *q, double *r, double *spare) {
  int64_t k = m < n ? m : n;
  double *w = spare, *vs = w + m * n, *hs = vs + m * k, scale = near_one(m * n, a);
  int ok = all_finite(m * n, a);
  for (int64_t i = 0; i < m * n; ++i)
    w[i] = scale * a[i];
  for (int64_t j = 0; j < k; ++j) { /* v of column j with (I - v v^T / h) column = +- length e_j */
    double *v = vs + j * m, below = 0;
    for (int64_t i = 0; i < m; ++i) {
      v[i] = i < j ? 0 : w[i * n + j];
      below += i > j ? v[i] * v[i] : 0;
    }
    double length = sqrt(v[j] * v[j] + below);
    v[j] += v[j] > 0 ? length : -length;
    hs[j] = below > 0 ? (v[j] * v[j] + below) / 2 : 0;
    reflect_columns(m, n, j, j, v, hs[j], w);
  }
  for (int64_t i = 0; i < m * k; ++i)
    q[i] = i / k == i % k;
  for (int64_t j = k; j-- > 0;)
    reflect_columns(m, k, j, 0, vs + j * m, hs[j], q);
  for (int64_t j = 0; j < k; ++j) {
    double sign_of_row = w[j * n + j] < 0 ? -1 : 1;
    for (int64_t c = 0; c < n; ++c)
      r[j * n + c] = !ok ? NAN : c < j ? 0 : sign_of_row * w[j * n + c] / scale;
    for (int64_t i = 0; i < m; ++i)
      q[i * k + j] = ok ? sign_of_row * q[i * k + j] : NAN;
  }
  return ok;
}
)"},
};

llvm::ArrayRef<CHelper> getCMatrixHelpers() { return helperTable; }

} // namespace gradus
