/*===- perceptron_loops.c - The train step of a perceptron by hand ----------------===*/

#include "perceptron_loops.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 128 };

/* Rows of Y with a block of B in the cache; B is taken as it stands, a transposed one turned first. */
void product_by_hand(const char *how_a, const char *how_b, int rows, int columns, int inner, const float *a, const float *b, float *y) {
  int const turns_a = *how_a == 'T', turns_b = *how_b == 'T';
#pragma omp parallel for schedule(static)
  for (int top = 0; top < rows; top += BLOCK / 4) {
    float part[BLOCK][BLOCK];
    int const bottom = top + BLOCK / 4 < rows ? top + BLOCK / 4 : rows;
    memset(y + (int64_t)top * columns, 0, (size_t)(bottom - top) * (size_t)columns * sizeof(float));
    for (int k0 = 0; k0 < inner; k0 += BLOCK)
      for (int j0 = 0; j0 < columns; j0 += BLOCK) {
        int const k1 = k0 + BLOCK < inner ? k0 + BLOCK : inner, wide = (j0 + BLOCK < columns ? j0 + BLOCK : columns) - j0;
        for (int k = k0; k < k1; ++k)
          for (int j = 0; j < wide; ++j)
            part[k - k0][j] = turns_b ? b[(int64_t)(j0 + j) * inner + k] : b[(int64_t)k * columns + j0 + j];
        for (int i = top; i < bottom; ++i) {
          float *const row = y + (int64_t)i * columns + j0;
          for (int k = k0; k < k1; ++k) {
            float const factor = turns_a ? a[(int64_t)k * rows + i] : a[(int64_t)i * inner + k];
            for (int j = 0; j < wide; ++j)
              row[j] += factor * part[k - k0][j];
          }
        }
      }
  }
}

/* e^x for x <= 0, to about 1e-6: 2^n times the series of the rest. */
static inline float exponential(float x) {
  float const clipped = x < -80.0f ? -80.0f : x, n = floorf(clipped * 1.44269504f + 0.5f), r = clipped - n * 0.693147181f;
  float const series = 1 + r * (1 + r * (0.5f + r * (0.166666667f + r * (0.0416666667f + r * (0.00833333333f + r * 0.00138888889f)))));
  int32_t const bits = ((int32_t)n + 127) << 23;
  float power;
  memcpy(&power, &bits, sizeof power);
  return series * power;
}

static inline float hyperbolic_tangent(float x) {
  float const e = exponential(-2 * fabsf(x));
  return copysignf((1 - e) / (1 + e), x);
}

int64_t perceptron_scratch(perceptron_sizes s) {
  return 2 * (int64_t)s.n * s.h + (int64_t)s.n * s.c + (int64_t)s.d * s.h + (int64_t)s.h * s.c;
}

/* The scores become the loss's derivative in them. */
static double softmax(perceptron_sizes s, const float *b, const int64_t *label, float *z) {
  double loss = 0;
  for (int i = 0; i < s.n; ++i) {
    float *const row = z + (int64_t)i * s.c;
    float most = -INFINITY, sum = 0, own;
    for (int k = 0; k < s.c; ++k) {
      row[k] += b[k];
      most = row[k] > most ? row[k] : most;
    }
    own = row[label[i]] - most;
    for (int k = 0; k < s.c; ++k) {
      row[k] = exponential(row[k] - most);
      sum += row[k];
    }
    loss += logf(sum) - own;
    for (int k = 0; k < s.c; ++k)
      row[k] = (row[k] / sum - (k == label[i] ? 1.0f : 0.0f)) / (float)s.n;
  }
  return loss / s.n;
}

double perceptron_by_hand(perceptron_sizes s, float lr, float *u, float *a, float *v, float *b, const float *x, const int64_t *label, float *scratch,
                          product_loop product) {
  int64_t const hidden = (int64_t)s.n * s.h;
  float *const y = scratch, *const dy = y + hidden, *const z = dy + hidden, *const du = z + (int64_t)s.n * s.c, *const dv = du + (int64_t)s.d * s.h;
  double loss;
  product("N", "N", s.n, s.h, s.d, x, u, y);
#pragma omp parallel for schedule(static)
  for (int i = 0; i < s.n; ++i)
    for (int j = 0; j < s.h; ++j)
      y[(int64_t)i * s.h + j] = hyperbolic_tangent(y[(int64_t)i * s.h + j] + a[j]);
  product("N", "N", s.n, s.c, s.h, y, v, z);
  loss = softmax(s, b, label, z);
  product("N", "T", s.n, s.h, s.c, z, v, dy);
  product("T", "N", s.h, s.c, s.n, y, z, dv);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < hidden; ++i)
    dy[i] *= 1 - y[i] * y[i];
  product("T", "N", s.d, s.h, s.n, x, dy, du);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < (int64_t)s.d * s.h; ++i)
    u[i] -= lr * du[i];
  for (int i = 0; i < s.n; ++i) {
    for (int j = 0; j < s.h; ++j)
      a[j] -= lr * dy[(int64_t)i * s.h + j];
    for (int k = 0; k < s.c; ++k)
      b[k] -= lr * z[(int64_t)i * s.c + k];
  }
  for (int64_t i = 0; i < (int64_t)s.h * s.c; ++i)
    v[i] -= lr * dv[i];
  return loss;
}
