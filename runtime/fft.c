/*===- fft.c - Discrete Fourier transforms ----------------------------------------------===*
 *
 * What compiled code calls for gradus.fft: Stockham's algorithm with the radices 2 to 13, and Bluestein's where n has a larger prime
 * factor. The roots of unity are computed in f64 in every call, which may have many lines.
 *
 *===----------------------------------------------------------------------------===*/

#include "runtime/gradus.h"

#include <math.h>
#include <string.h>

/* The largest radix that is a sum over all pairs. */
#define MOST_RADIX 13

/* The next radix of a length, which it divides; 0 where that is more than MOST_RADIX. */
static int64_t radixOf(int64_t length) {
  int64_t radix;
  if (length % 4 == 0)
    return 4;
  for (radix = 2; radix <= MOST_RADIX; ++radix)
    if (length % radix == 0)
      return radix;
  return 0;
}

/* The size of the transforms that one of size n is made of: n, or a power of two that holds the convolution of Bluestein's algorithm. */
static int64_t transformSize(int64_t n) {
  int64_t rest = n, size = 1;
  while (rest > 1 && radixOf(rest) != 0)
    rest /= radixOf(rest);
  if (rest <= 1)
    return n;
  while (size < 2 * n - 1)
    size *= 2;
  return size;
}

/* exp(-2 pi i k / n), 0 <= k < n, from an angle of at most an eighth of the circle: exact at each quarter. */
static void unitRoot(int64_t k, int64_t n, double *re, double *im) {
  double const quarter = 1.57079632679489661923;
  int64_t const turns = 4 * k / n, rest = 4 * k - turns * n;
  int const isLow = 2 * rest <= n;
  double const angle = quarter * ((double)(isLow ? rest : n - rest) / (double)n);
  double const c = isLow ? cos(angle) : sin(angle), s = isLow ? sin(angle) : cos(angle);
  *re = turns == 0 ? c : turns == 1 ? -s : turns == 2 ? -c : s;
  *im = turns == 0 ? -s : turns == 1 ? -c : turns == 2 ? s : c;
}

#define REAL float
#define NAME(word) word##F32
#include "runtime/fft_real.h"
#undef REAL
#undef NAME

#define REAL double
#define NAME(word) word##F64
#include "runtime/fft_real.h"

int64_t gradus_fft_workspace(int32_t dtype, int64_t n) {
  int64_t const size = transformSize(n), count = size == n ? 6 * n : 8 * size + 2 * n;
  return (count * (int64_t)gradus_dtype_size(dtype) + 63) / 64 * 64;
}

void gradus_fft(int32_t dtype, int32_t inverse, int64_t n, int64_t inner, int64_t begin, int64_t end, const void *re, const void *im,
                void *yre, void *yim, void *workspace) {
  if (n == 0 || begin >= end)
    return;
  if (dtype == GRADUS_F32)
    fftF32(inverse, n, inner, begin, end, (const float *)re, (const float *)im, (float *)yre, (float *)yim, (float *)workspace);
  else
    fftF64(inverse, n, inner, begin, end, (const double *)re, (const double *)im, (double *)yre, (double *)yim, (double *)workspace);
}
