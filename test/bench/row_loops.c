/*===- row_loops.c - Hand-written loops that row nests are measured against --------===*/

#include "row_loops.h"

#include <math.h>
#include <string.h>

typedef float numbers __attribute__((vector_size(64), aligned(4)));
typedef float eight __attribute__((vector_size(32)));
typedef float four __attribute__((vector_size(16)));
typedef int32_t integers __attribute__((vector_size(64), aligned(4)));

static inline numbers all(float x) { return (numbers){0} + x; }
static inline numbers load(const float *x) {
  numbers value;
  memcpy(&value, x, sizeof value);
  return value;
}
static inline void store(float *x, numbers value) { memcpy(x, &value, sizeof value); }
static inline float sum_of(numbers x) {
  eight const a = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7) + __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
  four const b = __builtin_shufflevector(a, a, 0, 1, 2, 3) + __builtin_shufflevector(a, a, 4, 5, 6, 7);
  four const c = b + __builtin_shufflevector(b, b, 2, 3, 0, 1);
  return c[0] + c[1];
}
/* The build says that no number is NaN, so that this is one instruction. */
static inline numbers larger(numbers a, numbers b) { return __builtin_elementwise_max(a, b); }
static inline numbers fma16(numbers a, numbers b, numbers c) { return __builtin_elementwise_fma(a, b, c); }

double row_loop_sum(int64_t n, const float *x) {
  double total = 0;
#pragma omp parallel for schedule(static) reduction(+ : total)
  for (int64_t block = 0; block < n / 16384; ++block) {
    numbers sums[8] = {{0}};
    for (int64_t i = block * 16384; i < (block + 1) * 16384; i += 128)
      for (int k = 0; k < 8; ++k) {
        __builtin_prefetch(x + i + 16 * k + 2048, 0, 2);
        sums[k] += load(x + i + 16 * k);
      }
    for (int k = 1; k < 8; ++k)
      sums[0] += sums[k];
    total += sum_of(sums[0]);
  }
  return total;
}

void row_loop_scale(int64_t n, float factor, float *x) {
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < n / 16; ++i) {
    __builtin_prefetch(x + 16 * i + 2048, 0, 2);
    store(x + 16 * i, load(x + 16 * i) * factor);
  }
}

/* e^x for x at most 0, within 1 ulp or so; less than -87 gives 0. */
static inline numbers exp16(numbers x) {
  numbers const shift = all(0x1.8p23f);
  x = larger(x, all(-87.3f));
  numbers const shifted = fma16(x, all(0x1.715476p0f), shift), k = shifted - shift;
  numbers const r = fma16(k, all(-1.42860677e-6f), fma16(k, all(-0.693145752f), x));
  numbers p = fma16(r, all(1.388889e-3f), all(8.333452e-3f));
  p = fma16(p, r, all(4.1666586e-2f));
  p = fma16(p, r, all(1.6666657e-1f));
  p = fma16(p, r, all(0.5f));
  p = fma16(p, r, all(1));
  p = fma16(p, r, all(1));
  return (numbers)(((integers)shifted << 23) + (integers)p);
}

/* The gradient may be where the logits are. While the exponentials are computed, the next row comes into the cache. */
static double row(int64_t c, const float *z, int64_t label, float scale, float *gradient) {
  float const chosen = z[label];
  numbers top[4], sums[4] = {{0}};
  for (int k = 0; k < 4; ++k)
    top[k] = load(z);
  int64_t const whole = c / 64 * 64;
  for (int64_t j = 0; j < whole; j += 64)
    for (int k = 0; k < 4; ++k)
      top[k] = larger(top[k], load(z + j + 16 * k));
  for (int64_t j = whole; j < c; j += 16)
    top[0] = larger(top[0], load(z + j));
  float const largest = __builtin_reduce_max(larger(larger(top[0], top[1]), larger(top[2], top[3])));
  for (int64_t j = 0; j < whole; j += 64)
    for (int k = 0; k < 4; ++k) {
      __builtin_prefetch(z + c + j + 16 * k, 0, 2);
      numbers const e = exp16(load(z + j + 16 * k) - largest);
      store(gradient + j + 16 * k, e);
      sums[k] += e;
    }
  for (int64_t j = whole; j < c; j += 16) {
    numbers const e = exp16(load(z + j) - largest);
    store(gradient + j, e);
    sums[0] += e;
  }
  float const sum = sum_of((sums[0] + sums[1]) + (sums[2] + sums[3]));
  float const factor = scale / sum;
  for (int64_t j = 0; j < c; j += 16)
    store(gradient + j, load(gradient + j) * factor);
  gradient[label] -= scale;
  return (double)(largest + logf(sum) - chosen);
}

double row_loop_cross_entropy(int64_t n, int64_t c, const float *z, const int64_t *label, float *gradient) {
  double total = 0;
#pragma omp parallel for schedule(static) reduction(+ : total)
  for (int64_t i = 0; i < n; ++i)
    total += row(c, z + i * c, label[i], 1 / (float)n, gradient + i * c);
  return total / (double)n;
}

/* ln(1 + e) = 2 artanh(e / (2 + e)) for e in [0, 1], within 2 ulp or so. */
static inline numbers log1p16(numbers e) {
  numbers const t = e / (all(2) + e), s = t * t;
  numbers p = fma16(s, all(2.0f / 13), all(2.0f / 11));
  p = fma16(p, s, all(2.0f / 9));
  p = fma16(p, s, all(2.0f / 7));
  p = fma16(p, s, all(2.0f / 5));
  p = fma16(p, s, all(2.0f / 3));
  p = fma16(p, s, all(2));
  return p * t;
}

/* The products of sixteen rows with w. Eight rows later ones come into the cache meanwhile. */
static numbers products(int64_t d, const float *X, const float *w) {
  numbers result;
  for (int r = 0; r < 16; r += 4) {
    numbers sums[4] = {{0}};
    for (int64_t j = 0; j < d; j += 16) {
      numbers const factor = load(w + j);
      for (int k = 0; k < 4; ++k) {
        __builtin_prefetch(X + (r + k + 8) * d + j, 0, 2);
        sums[k] = fma16(load(X + (r + k) * d + j), factor, sums[k]);
      }
    }
    for (int k = 0; k < 4; ++k)
      result[r + k] = sum_of(sums[k]);
  }
  return result;
}

/* Adds sixteen rows, which are in the first cache, each by its share. */
static void add_rows(int64_t d, const float *X, numbers share, float *gradient) {
  for (int r = 0; r < 16; r += 8) {
    numbers shares[8];
    for (int k = 0; k < 8; ++k)
      shares[k] = all(share[r + k]);
    for (int64_t j = 0; j < d; j += 16) {
      numbers sum = load(gradient + j);
      for (int k = 0; k < 8; ++k)
        sum = fma16(load(X + (r + k) * d + j), shares[k], sum);
      store(gradient + j, sum);
    }
  }
}

/* The loss of a margin m = -y x'w, and its derivative by x'w. */
static inline numbers softplus16(numbers m, numbers label, numbers *share) {
  numbers const e = exp16(-__builtin_elementwise_abs(m));
  integers const isPositive = m > 0;
  numbers const part = (numbers)((isPositive & (integers)all(1)) | (~isPositive & (integers)e));
  *share = part / (all(1) + e) * -label;
  return larger(m, all(0)) + log1p16(e);
}

double row_loop_logistic(int64_t n, int64_t d, const float *X, const float *y, const float *w, float *gradient) {
  double total = 0;
  memset(gradient, 0, (size_t)d * sizeof *gradient);
#pragma omp parallel reduction(+ : total)
  {
    float own[4096] = {0};
#pragma omp for schedule(static)
    for (int64_t i = 0; i < n; i += 16) {
      numbers const label = load(y + i);
      numbers share;
      total += sum_of(softplus16(-label * products(d, X + i * d, w), label, &share));
      add_rows(d, X + i * d, share / (float)n, own);
    }
#pragma omp critical
    for (int64_t j = 0; j < d; ++j)
      gradient[j] += own[j];
  }
  return total / (double)n;
}

double row_loop_between(int64_t n, const float *Xw, const float *y, const float *Xu, float *share, float *curved) {
  double total = 0;
#pragma omp parallel for schedule(static) reduction(+ : total)
  for (int64_t i = 0; i < n; i += 16) {
    numbers const label = load(y + i);
    numbers part;
    total += sum_of(softplus16(-label * load(Xw + i), label, &part));
    store(share + i, part / (float)n);
    if (Xu != NULL)
      store(curved + i, larger(part, -part) * (all(1) - larger(part, -part)) * load(Xu + i) / (float)n);
  }
  return total / (double)n;
}
