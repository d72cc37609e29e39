/*===- fft_real.h - Fourier transforms of one element type ------------------------------===*
 *
 * fft.c reads this once for each type, with REAL and NAME. An array of n complex numbers has its n real parts first, then the imaginary
 * ones, so that the loops along `stride` run over neighbours.
 *
 *===----------------------------------------------------------------------------===*/

/* exp(-2 pi i k / n) for k < n. */
static void NAME(fillRoots)(int64_t n, REAL *roots) {
  int64_t k;
  for (k = 0; k < n; ++k) {
    double re, im;
    unitRoot(k, n, &re, &im);
    roots[k] = (REAL)re;
    roots[n + k] = (REAL)im;
  }
}

/* One stage of radix 4. */
static void NAME(stage4)(int64_t n, int64_t length, int64_t stride, const REAL *roots, const REAL *x, REAL *y) {
  int64_t const m = length / 4;
  int64_t p, q;
  for (p = 0; p < m; ++p) {
    int64_t const w1 = p * stride, w2 = 2 * w1, w3 = 3 * w1;
    REAL const c1 = roots[w1], s1 = roots[n + w1], c2 = roots[w2], s2 = roots[n + w2], c3 = roots[w3], s3 = roots[n + w3];
    const REAL *const a = x + stride * p, *const b = a + stride * m, *const c = b + stride * m, *const d = c + stride * m;
    REAL *const out = y + stride * 4 * p;
    for (q = 0; q < stride; ++q) {
      REAL const sumRe = a[q] + c[q], sumIm = a[n + q] + c[n + q], differenceRe = a[q] - c[q], differenceIm = a[n + q] - c[n + q];
      REAL const otherRe = b[q] + d[q], otherIm = b[n + q] + d[n + q];
      /* -i (b - d) */
      REAL const turnedRe = b[n + q] - d[n + q], turnedIm = d[q] - b[q];
      REAL const re1 = differenceRe + turnedRe, im1 = differenceIm + turnedIm, re2 = sumRe - otherRe, im2 = sumIm - otherIm;
      REAL const re3 = differenceRe - turnedRe, im3 = differenceIm - turnedIm;
      out[q] = sumRe + otherRe;
      out[n + q] = sumIm + otherIm;
      out[stride + q] = re1 * c1 - im1 * s1;
      out[n + stride + q] = re1 * s1 + im1 * c1;
      out[2 * stride + q] = re2 * c2 - im2 * s2;
      out[n + 2 * stride + q] = re2 * s2 + im2 * c2;
      out[3 * stride + q] = re3 * c3 - im3 * s3;
      out[n + 3 * stride + q] = re3 * s3 + im3 * c3;
    }
  }
}

/* One stage of any radix r: y[r p + k] = w^(p k) times the sum over j of x[p + m j] exp(-2 pi i j k / r). */
static void NAME(stage)(int64_t n, int64_t length, int64_t stride, int64_t radix, const REAL *roots, const REAL *x, REAL *y) {
  int64_t const m = length / radix;
  int64_t p, k, j, q;
  for (p = 0; p < m; ++p)
    for (k = 0; k < radix; ++k) {
      REAL *const out = y + stride * (radix * p + k);
      REAL const c = roots[p * k * stride], s = roots[n + p * k * stride];
      const REAL *in = x + stride * p;
      memcpy(out, in, (size_t)stride * sizeof(REAL));
      memcpy(out + n, in + n, (size_t)stride * sizeof(REAL));
      for (j = 1; j < radix; ++j) {
        int64_t const w = (j * k % radix) * (n / radix);
        REAL const a = roots[w], b = roots[n + w];
        in += stride * m;
        for (q = 0; q < stride; ++q) {
          out[q] += in[q] * a - in[n + q] * b;
          out[n + q] += in[q] * b + in[n + q] * a;
        }
      }
      for (q = 0; q < stride; ++q) {
        REAL const re = out[q], im = out[n + q];
        out[q] = re * c - im * s;
        out[n + q] = re * s + im * c;
      }
    }
}

/* Stockham's transform of x, whose size has small prime factors alone. Returns where the result is, x or y. */
static REAL *NAME(transform)(int64_t n, const REAL *roots, REAL *x, REAL *y) {
  int64_t length = n, stride = 1;
  while (length > 1) {
    int64_t const radix = radixOf(length);
    REAL *const next = y;
    if (radix == 4)
      NAME(stage4)(n, length, stride, roots, x, y);
    else
      NAME(stage)(n, length, stride, radix, roots, x, y);
    y = x;
    x = next;
    length /= radix;
    stride *= radix;
  }
  return x;
}

/* What Bluestein's algorithm for n has besides the roots of `size`: exp(-pi i k^2 / n), and the transform of its conjugate, over `size`. */
static void NAME(fillChirp)(int64_t n, int64_t size, const REAL *roots, REAL *chirp, REAL *filter, REAL *x, REAL *y) {
  int64_t k, square = 0;
  const REAL *result;
  memset(x, 0, (size_t)(2 * size) * sizeof(REAL));
  for (k = 0; k < n; ++k) {
    double re, im;
    unitRoot(square, 2 * n, &re, &im);
    chirp[k] = (REAL)re;
    chirp[n + k] = (REAL)im;
    x[k] = x[(size - k) % size] = (REAL)(re / (double)size);
    x[size + k] = x[size + (size - k) % size] = (REAL)(-im / (double)size);
    square = (square + 2 * k + 1) % (2 * n);
  }
  result = NAME(transform)(size, roots, x, y);
  memcpy(filter, result, (size_t)(2 * size) * sizeof(REAL));
}

/* The transform of the n numbers in x as a convolution with the chirp; returns where the result is, imaginary parts behind `size`. */
static REAL *NAME(convolve)(int64_t n, int64_t size, const REAL *roots, const REAL *chirp, const REAL *filter, REAL *x, REAL *y) {
  REAL *result;
  int64_t k;
  for (k = 0; k < n; ++k) {
    REAL const re = x[k], im = x[size + k];
    x[k] = re * chirp[k] - im * chirp[n + k];
    x[size + k] = re * chirp[n + k] + im * chirp[k];
  }
  for (k = n; k < size; ++k)
    x[k] = x[size + k] = 0;
  result = NAME(transform)(size, roots, x, y);
  /* The inverse is the transform with the parts exchanged, here and below. */
  for (k = 0; k < size; ++k) {
    REAL const re = result[k], im = result[size + k];
    result[k] = re * filter[size + k] + im * filter[k];
    result[size + k] = re * filter[k] - im * filter[size + k];
  }
  result = NAME(transform)(size, roots, result, result == x ? y : x);
  for (k = 0; k < n; ++k) {
    REAL const re = result[size + k], im = result[k];
    result[k] = re * chirp[k] - im * chirp[n + k];
    result[size + k] = re * chirp[n + k] + im * chirp[k];
  }
  return result;
}

/* Where the results are taken as they are; y may be x. */
static void NAME(fft)(int32_t inverse, int64_t n, int64_t inner, int64_t begin, int64_t end, const REAL *re, const REAL *im, REAL *yre,
                      REAL *yim, REAL *room) {
  int64_t const size = transformSize(n);
  REAL *const roots = room, *const x = roots + 2 * size, *const y = x + 2 * size, *const filter = y + 2 * size, *const chirp = filter + 2 * size;
  REAL const scale = inverse ? (REAL)1 / (REAL)n : (REAL)1;
  /* The inverse is the transform of im + i re, read the same way. */
  const REAL *const first = inverse ? im : re, *const second = inverse ? re : im;
  REAL *const yFirst = inverse ? yim : yre, *const ySecond = inverse ? yre : yim;
  int64_t line, k;
  NAME(fillRoots)(size, roots);
  if (size != n)
    NAME(fillChirp)(n, size, roots, chirp, filter, x, y);
  for (line = begin; line < end; ++line) {
    int64_t const start = line / inner * n * inner + line % inner;
    const REAL *result;
    REAL spoilt = 0;
    for (k = 0; k < n; ++k) {
      x[k] = first[start + k * inner];
      x[size + k] = second[start + k * inner];
      spoilt += (x[k] - x[k]) + (x[size + k] - x[size + k]); /* 0, or NaN */
    }
    result = size == n ? NAME(transform)(n, roots, x, y) : NAME(convolve)(n, size, roots, chirp, filter, x, y);
    for (k = 0; k < n; ++k) {
      if (yFirst)
        yFirst[start + k * inner] = result[k] * scale + spoilt;
      if (ySecond)
        ySecond[start + k * inner] = result[size + k] * scale + spoilt;
    }
  }
}
