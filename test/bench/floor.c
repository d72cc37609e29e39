/*===- floor.c - Hand-written loops that the compiled rules are measured against ---===*/

#include "floor.h"

#include <math.h>

/* One cache line a turn, asked for 8 KiB ahead: the machine's own prefetchers fall behind where a loop reads several
 * arrays. The last few elements are a loop of their own. */
enum { line = 16, ahead = 2048 };
#define ASK(array) __builtin_prefetch((array) + i + ahead)
#define EACH_LINE \
  int64_t const lines = n / line * line; \
  _Pragma("omp parallel for schedule(static)") \
  for (int64_t i = 0; i < lines; i += line)
#define EACH_OF_LINE \
  _Pragma("clang loop vectorize(enable) interleave(enable)") \
  for (int64_t k = i; k < i + line; ++k)
#define EACH_LEFT for (int64_t k = lines; k < n; ++k)

void floor_scale(int64_t n, const double *hyper, uint64_t t, float *restrict w, const float *restrict g,
                 float *restrict m, float *restrict v) {
  float const factor = (float)hyper[0];
  (void)t, (void)g, (void)m, (void)v;
  EACH_LINE {
    ASK(w);
    EACH_OF_LINE w[k] *= factor;
  }
  EACH_LEFT w[k] *= factor;
}

static inline void sgd_element(float *w, float g, float lr) { *w = *w - lr * g; }

void floor_sgd(int64_t n, const double *hyper, uint64_t t, float *restrict w, const float *restrict g,
               float *restrict m, float *restrict v) {
  float const lr = (float)hyper[0];
  (void)t, (void)m, (void)v;
  EACH_LINE {
    ASK(w), ASK(g);
    EACH_OF_LINE sgd_element(w + k, g[k], lr);
  }
  EACH_LEFT sgd_element(w + k, g[k], lr);
}

static inline void momentum_element(float *w, float g, float *m, float lr, float mu) {
  *m = mu * *m + g;
  *w = *w - lr * *m;
}

void floor_momentum(int64_t n, const double *hyper, uint64_t t, float *restrict w, const float *restrict g,
                    float *restrict m, float *restrict v) {
  float const lr = (float)hyper[0], mu = (float)hyper[1];
  (void)t, (void)v;
  EACH_LINE {
    ASK(w), ASK(g), ASK(m);
    EACH_OF_LINE momentum_element(w + k, g[k], m + k, lr, mu);
  }
  EACH_LEFT momentum_element(w + k, g[k], m + k, lr, mu);
}

struct lion {
  float lr, beta1, beta2, rest1, rest2, decay;
};

static inline void lion_element(float *w, float g, float *m, struct lion h) {
  float const direction = h.beta1 * *m + h.rest1 * g;
  float const sign = direction > 0 ? 1.0f : direction < 0 ? -1.0f : direction;
  *m = h.beta2 * *m + h.rest2 * g;
  *w = *w - h.lr * (sign + h.decay * *w);
}

void floor_lion(int64_t n, const double *hyper, uint64_t t, float *restrict w, const float *restrict g,
                float *restrict m, float *restrict v) {
  struct lion const h = {(float)hyper[0],       (float)hyper[1],       (float)hyper[2],
                         (float)(1 - hyper[1]), (float)(1 - hyper[2]), (float)hyper[3]};
  (void)t, (void)v;
  EACH_LINE {
    ASK(w), ASK(g), ASK(m);
    EACH_OF_LINE lion_element(w + k, g[k], m + k, h);
  }
  EACH_LEFT lion_element(w + k, g[k], m + k, h);
}

struct adamw {
  float lr, beta1, beta2, rest1, rest2, correct1, correct2, eps, decay;
};

static inline void adamw_element(float *w, float g, float *m, float *v, struct adamw h) {
  *m = h.beta1 * *m + h.rest1 * g;
  *v = h.beta2 * *v + h.rest2 * (g * g);
  *w = *w - h.lr * (*m * h.correct1 / (sqrtf(*v * h.correct2) + h.eps) + h.decay * *w);
}

void floor_adamw(int64_t n, const double *hyper, uint64_t t, float *restrict w, const float *restrict g,
                 float *restrict m, float *restrict v) {
  struct adamw const h = {(float)hyper[0],
                          (float)hyper[1],
                          (float)hyper[2],
                          (float)(1 - hyper[1]),
                          (float)(1 - hyper[2]),
                          (float)(1 / (1 - pow(hyper[1], (double)t))),
                          (float)(1 / (1 - pow(hyper[2], (double)t))),
                          (float)hyper[3],
                          (float)hyper[4]};
  EACH_LINE {
    ASK(w), ASK(g), ASK(m), ASK(v);
    EACH_OF_LINE adamw_element(w + k, g[k], m + k, v + k, h);
  }
  EACH_LEFT adamw_element(w + k, g[k], m + k, v + k, h);
}
