//===- CHelpers.cpp - Small functions that generated C calls ---------------------===//
//
// What the language has and C99 has not. Each is written into the source that calls it.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/CWriter.h"

namespace gradus {

namespace {
struct Helper {
  llvm::StringLiteral name, text;
};
} // namespace

/// In an order in which those that are called stand first.
static constexpr Helper helperTable[] = {
    {"floor_div", R"(static int64_t floor_div(int64_t a, int64_t b) {
  return b == 0 ? 0 : a / b - (a % b != 0 && (a < 0) != (b < 0));
}
)"},
    {"floor_mod", R"(static int64_t floor_mod(int64_t a, int64_t b) {
  return b == 0 ? 0 : a - b * floor_div(a, b);
}
)"},
    {"larger", R"(static double larger(double a, double b) { /* NaN if either is */
  return a >= b || a != a ? a : b;
}
)"},
    {"power", R"(static double power(double x, int64_t n) { /* by repeated squaring */
  uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
  double product = 1;
  for (; left > 0; left /= 2, x *= x)
    if (left % 2 == 1)
      product *= x;
  return n < 0 ? 1 / product : product;
}
)"},
    {"real_mod", R"(static double real_mod(double a, double b) {
  return a - b * floor(a / b);
}
)"},
    {"sigmoid", R"(static double sigmoid(double x) {
  double e = exp(-fabs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}
)"},
    {"sign", R"(static double sign(double x) {
  return x > 0 ? 1 : x < 0 ? -1 : x == 0 ? 0 : x;
}
)"},
    {"size_max", R"(static int64_t size_max(int64_t a, int64_t b) {
  return a > b ? a : b;
}
)"},
    {"size_min", R"(static int64_t size_min(int64_t a, int64_t b) {
  return a < b ? a : b;
}
)"},
    {"smaller", R"(static double smaller(double a, double b) { /* NaN if either is */
  return a <= b || a != a ? a : b;
}
)"},
    {"softplus", R"(static double softplus(double x) { /* ln(1 + e^x) */
  return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
}
)"},
    {"to_whole", R"(static int64_t to_whole(double x) { /* towards 0, inside of the bounds */
  if (x != x)
    return 0;
  return x >= 9223372036854775808.0 ? INT64_MAX : x < -9223372036854775808.0 ? INT64_MIN : (int64_t)x;
}
)"},
    {"stands_before", R"(static int stands_before(double a, double b, int descending) { /* NaN is last */
  if (a != a || b != b)
    return b != b && a == a;
  return descending ? a > b : a < b;
}
)"},
    {"sort_line", R"(/* order[i * step] = where the i-th element of the line x[0], x[step], .. stands; merges, so that of equal elements the first stays first. */
static void sort_line(const double *x, int64_t size, int64_t step, int descending, int64_t *order, int64_t *scratch) {
  for (int64_t i = 0; i < size; ++i)
    order[i * step] = i;
  for (int64_t width = 1; width < size; width *= 2) {
    for (int64_t first = 0; first < size; first += 2 * width) {
      int64_t middle = first + width < size ? first + width : size, last = middle + width < size ? middle + width : size;
      for (int64_t i = first, k = middle, at = first; at < last; ++at) {
        int takes_right = i >= middle || (k < last && stands_before(x[order[k * step] * step], x[order[i * step] * step], descending));
        scratch[at] = takes_right ? order[k++ * step] : order[i++ * step];
      }
    }
    for (int64_t i = 0; i < size; ++i)
      order[i * step] = scratch[i];
  }
}
)"},
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
    {"transform", R"(/* The discrete Fourier transform of a line, by its formula; `direction` is -1, or 1 for the inverse. */
static void transform(const double *re, const double *im, int64_t size, int64_t step, int direction, double *to_re, double *to_im) {
  double times = direction > 0 ? 1 / (double)size : 1;
  for (int64_t k = 0; k < size; ++k) {
    double sum_re = 0, sum_im = 0;
    for (int64_t j = 0; j < size; ++j) {
      double angle = direction * 6.283185307179586477 * (double)((k * j) % size) / (double)size, c = cos(angle), s = sin(angle);
      sum_re += c * re[j * step] - s * im[j * step];
      sum_im += c * im[j * step] + s * re[j * step];
    }
    to_re[k * step] = times * sum_re;
    to_im[k * step] = times * sum_im;
  }
}
)"},
};

llvm::StringRef getCHelper(llvm::StringRef name) {
  for (const Helper &helper : helperTable)
    if (helper.name == name)
      return helper.text;
  return "";
}

llvm::ArrayRef<llvm::StringLiteral> getCHelperNames() {
  static const auto names = [] {
    llvm::SmallVector<llvm::StringLiteral, 32> all;
    for (const Helper &helper : helperTable)
      all.push_back(helper.name);
    return all;
  }();
  return names;
}

} // namespace gradus
