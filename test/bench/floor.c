/*===- floor.c - Hand-written loops that the compiled rules are measured against ---===*/

#include "floor.h"

#include <math.h>

#define EACH_ELEMENT _Pragma("omp parallel for simd schedule(static)")

void floor_scale(int64_t n, const double *hyper, uint64_t t, float *restrict w, const float *restrict g,
                 float *restrict m, float *restrict v) {
  float const factor = (float)hyper[0];
  (void)t, (void)g, (void)m, (void)v;
  EACH_ELEMENT
  for (int64_t i = 0; i < n; ++i)
    w[i] *= factor;
}

void floor_sgd(int64_t n, const double *hyper, uint64_t t, float *restrict w, const float *restrict g,
               float *restrict m, float *restrict v) {
  float const lr = (float)hyper[0];
  (void)t, (void)m, (void)v;
  EACH_ELEMENT
  for (int64_t i = 0; i < n; ++i)
    w[i] = w[i] - lr * g[i];
}

void floor_momentum(int64_t n, const double *hyper, uint64_t t, float *restrict w, const float *restrict g,
                    float *restrict m, float *restrict v) {
  float const lr = (float)hyper[0], mu = (float)hyper[1];
  (void)t, (void)v;
  EACH_ELEMENT
  for (int64_t i = 0; i < n; ++i) {
    float const next = mu * m[i] + g[i];
    m[i] = next;
    w[i] = w[i] - lr * next;
  }
}

void floor_lion(int64_t n, const double *hyper, uint64_t t, float *restrict w, const float *restrict g,
                float *restrict m, float *restrict v) {
  float const lr = (float)hyper[0], beta1 = (float)hyper[1], beta2 = (float)hyper[2], decay = (float)hyper[3];
  float const rest1 = (float)(1 - hyper[1]), rest2 = (float)(1 - hyper[2]);
  (void)t, (void)v;
  EACH_ELEMENT
  for (int64_t i = 0; i < n; ++i) {
    float const direction = beta1 * m[i] + rest1 * g[i];
    float const sign = direction > 0 ? 1.0f : direction < 0 ? -1.0f : direction;
    m[i] = beta2 * m[i] + rest2 * g[i];
    w[i] = w[i] - lr * (sign + decay * w[i]);
  }
}

void floor_adamw(int64_t n, const double *hyper, uint64_t t, float *restrict w, const float *restrict g,
                 float *restrict m, float *restrict v) {
  float const lr = (float)hyper[0], beta1 = (float)hyper[1], beta2 = (float)hyper[2];
  float const eps = (float)hyper[3], decay = (float)hyper[4];
  float const rest1 = (float)(1 - hyper[1]), rest2 = (float)(1 - hyper[2]);
  float const correct1 = (float)(1 / (1 - pow(hyper[1], (double)t)));
  float const correct2 = (float)(1 / (1 - pow(hyper[2], (double)t)));
  EACH_ELEMENT
  for (int64_t i = 0; i < n; ++i) {
    float const first = beta1 * m[i] + rest1 * g[i];
    float const second = beta2 * v[i] + rest2 * (g[i] * g[i]);
    m[i] = first;
    v[i] = second;
    w[i] = w[i] - lr * (first * correct1 / (sqrtf(second * correct2) + eps) + decay * w[i]);
  }
}
