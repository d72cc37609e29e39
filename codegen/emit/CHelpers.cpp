//===- CHelpers.cpp - Small functions that generated C calls ---------------------===//
//
// What the language has and C99 has not. Each is written into the source that calls it.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/CHelpers.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"

namespace gradus {

size_t findWord(llvm::StringRef text, llvm::StringRef word, size_t from) {
  auto isLetter = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  for (size_t at = text.find(word, from); at != llvm::StringRef::npos; at = text.find(word, at + 1)) {
    size_t end = at + word.size();
    if ((at == 0 || !isLetter(text[at - 1])) && (end == text.size() || !isLetter(text[end])))
      return at;
  }
  return llvm::StringRef::npos;
}

static constexpr CHelper helperTable[] = {
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
    {"masked", R"(static double masked(double g, double x) { /* x, a product with g; 0 where g is 0 and x is NaN */
  return g == 0 && x != x ? 0 : x;
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

llvm::ArrayRef<CHelper> getCHelpers() {
  static const auto all = [] {
    llvm::SmallVector<CHelper, 64> table(llvm::ArrayRef<CHelper>{helperTable});
    for (llvm::ArrayRef<CHelper> more : {getCStorageHelpers(), getCMatrixHelpers(), getCSpecialHelpers(), getCDrawHelpers()})
      llvm::append_range(table, more);
    return table;
  }();
  return all;
}

} // namespace gradus
