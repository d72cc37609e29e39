/*===- floor.c - Hand-written loops of rules in f32 ---------------------------------===*/

#include "floor_loop.h"

#include <math.h>
#include <omp.h>

void floor_parallel(const floor_call *call, int64_t group, floor_range range, const void *numbers) {
  int64_t const groups = call->n / group;
#pragma omp parallel
  {
    int64_t const threads = omp_get_num_threads(), thread = omp_get_thread_num();
    int64_t const begin = groups * thread / threads * group, end = groups * (thread + 1) / threads * group;
    range(call, numbers, begin, thread + 1 == threads ? call->n : end);
  }
}

static void scale_range(const floor_call *call, const void *numbers, int64_t begin, int64_t end) {
  ARRAY(float, w, 0);
  NUMBERS(float);
  RUN(ASK(w), w[k] *= h);
}

void floor_scale(const floor_call *call) {
  float const h = HYPER(0);
  floor_parallel(call, line, scale_range, &h);
}

static void sgd_range(const floor_call *call, const void *numbers, int64_t begin, int64_t end) {
  ARRAY(float, w, 0);
  ARRAY(float const, g, 1);
  NUMBERS(float);
  RUN((ASK(w), ASK(g)), w[k] = w[k] - h * g[k]);
}

void floor_sgd(const floor_call *call) {
  float const h = HYPER(0);
  floor_parallel(call, line, sgd_range, &h);
}

struct momentum {
  float lr, mu;
};

static inline void momentum_element(float *w, float g, float *m, struct momentum h) {
  *m = h.mu * *m + g;
  *w = *w - h.lr * *m;
}

static void momentum_range(const floor_call *call, const void *numbers, int64_t begin, int64_t end) {
  ARRAY(float, w, 0);
  ARRAY(float const, g, 1);
  ARRAY(float, m, 2);
  NUMBERS(struct momentum);
  RUN((ASK(w), ASK(g), ASK(m)), momentum_element(w + k, g[k], m + k, h));
}

void floor_momentum(const floor_call *call) {
  struct momentum const h = {HYPER(0), HYPER(1)};
  floor_parallel(call, line, momentum_range, &h);
}

/* The library's `sgd`: with decay l2, and the step that looks ahead where `nesterov` is true. */
struct sgd_momentum {
  float lr, mu, l2;
  int nesterov;
};

static inline void sgd_momentum_element(float *w, float g, float *m, struct sgd_momentum h) {
  float const gradient = g + h.l2 * *w, new_m = h.mu * *m + gradient, ahead_of = gradient + h.mu * new_m;
  *m = new_m;
  *w = *w - h.lr * (h.nesterov ? ahead_of : new_m);
}

static void sgd_momentum_range(const floor_call *call, const void *numbers, int64_t begin, int64_t end) {
  ARRAY(float, w, 0);
  ARRAY(float const, g, 1);
  ARRAY(float, m, 2);
  NUMBERS(struct sgd_momentum);
  RUN((ASK(w), ASK(g), ASK(m)), sgd_momentum_element(w + k, g[k], m + k, h));
}

void floor_sgd_momentum(const floor_call *call) {
  struct sgd_momentum const h = {HYPER(0), HYPER(1), HYPER(2), call->hyper[3] != 0};
  floor_parallel(call, line, sgd_momentum_range, &h);
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

static void lion_range(const floor_call *call, const void *numbers, int64_t begin, int64_t end) {
  ARRAY(float, w, 0);
  ARRAY(float const, g, 1);
  ARRAY(float, m, 2);
  NUMBERS(struct lion);
  RUN((ASK(w), ASK(g), ASK(m)), lion_element(w + k, g[k], m + k, h));
}

void floor_lion(const floor_call *call) {
  const double *hyper = call->hyper;
  struct lion const h = {(float)hyper[0],       (float)hyper[1],       (float)hyper[2],
                         (float)(1 - hyper[1]), (float)(1 - hyper[2]), (float)hyper[3]};
  floor_parallel(call, line, lion_range, &h);
}

struct adagrad {
  float rate, eps, l2;
};

static inline void adagrad_element(float *w, float g, float *s, struct adagrad h) {
  float const gradient = g + h.l2 * *w;
  *s = *s + gradient * gradient;
  *w = *w - h.rate * gradient / (sqrtf(*s) + h.eps);
}

static void adagrad_range(const floor_call *call, const void *numbers, int64_t begin, int64_t end) {
  ARRAY(float, w, 0);
  ARRAY(float const, g, 1);
  ARRAY(float, s, 2);
  NUMBERS(struct adagrad);
  RUN((ASK(w), ASK(g), ASK(s)), adagrad_element(w + k, g[k], s + k, h));
}

void floor_adagrad(const floor_call *call) {
  double const rate = call->hyper[0] / (1 + ((double)call->t - 1) * call->hyper[1]);
  struct adagrad const h = {(float)rate, HYPER(2), HYPER(3)};
  floor_parallel(call, line, adagrad_range, &h);
}

struct rmsprop {
  float lr, alpha, rest, eps;
};

static inline void rmsprop_element(float *w, float g, float *v, struct rmsprop h) {
  *v = h.alpha * *v + h.rest * (g * g);
  *w = *w - h.lr * g / (sqrtf(*v) + h.eps);
}

static void rmsprop_range(const floor_call *call, const void *numbers, int64_t begin, int64_t end) {
  ARRAY(float, w, 0);
  ARRAY(float const, g, 1);
  ARRAY(float, v, 2);
  NUMBERS(struct rmsprop);
  RUN((ASK(w), ASK(g), ASK(v)), rmsprop_element(w + k, g[k], v + k, h));
}

void floor_rmsprop(const floor_call *call) {
  struct rmsprop const h = {HYPER(0), HYPER(1), (float)(1 - call->hyper[1]), HYPER(2)};
  floor_parallel(call, line, rmsprop_range, &h);
}

struct adadelta {
  float lr, rho, rest, eps;
};

static inline void adadelta_element(float *w, float g, float *s, float *u, struct adadelta h) {
  *s = h.rho * *s + h.rest * (g * g);
  float const d = sqrtf((*u + h.eps) / (*s + h.eps)) * g;
  *u = h.rho * *u + h.rest * (d * d);
  *w = *w - h.lr * d;
}

static void adadelta_range(const floor_call *call, const void *numbers, int64_t begin, int64_t end) {
  ARRAY(float, w, 0);
  ARRAY(float const, g, 1);
  ARRAY(float, s, 2);
  ARRAY(float, u, 3);
  NUMBERS(struct adadelta);
  RUN((ASK(w), ASK(g), ASK(s), ASK(u)), adadelta_element(w + k, g[k], s + k, u + k, h));
}

void floor_adadelta(const floor_call *call) {
  struct adadelta const h = {HYPER(0), HYPER(1), (float)(1 - call->hyper[1]), HYPER(2)};
  floor_parallel(call, line, adadelta_range, &h);
}

struct floor_adam floor_prepare(const floor_call *call, int has_decay) {
  const double *hyper = call->hyper;
  struct floor_adam const h = {(float)hyper[0],
                               (float)hyper[1],
                               (float)hyper[2],
                               (float)(1 - hyper[1]),
                               (float)(1 - hyper[2]),
                               (float)(1 / (1 - pow(hyper[1], (double)call->t))),
                               (float)(1 / (1 - pow(hyper[2], (double)call->t))),
                               (float)hyper[3],
                               has_decay ? (float)hyper[4] : 0};
  return h;
}

static inline void moments(float g, float *m, float *v, struct floor_adam h) {
  *m = h.beta1 * *m + h.rest1 * g;
  *v = h.beta2 * *v + h.rest2 * (g * g);
}

#define ADAM_ARRAYS \
  ARRAY(float, w, 0); \
  ARRAY(float const, g, 1); \
  ARRAY(float, m, 2); \
  ARRAY(float, v, 3)
#define ADAM_ASKS (ASK(w), ASK(g), ASK(m), ASK(v))

static inline void adam_element(float *w, float g, float *m, float *v, struct floor_adam h) {
  moments(g, m, v, h);
  *w = *w - h.lr * (*m * h.correct1) / (sqrtf(*v * h.correct2) + h.eps);
}

static void adam_range(const floor_call *call, const void *numbers, int64_t begin, int64_t end) {
  ADAM_ARRAYS;
  NUMBERS(struct floor_adam);
  RUN(ADAM_ASKS, adam_element(w + k, g[k], m + k, v + k, h));
}

void floor_adam(const floor_call *call) {
  struct floor_adam const h = floor_prepare(call, 0);
  floor_parallel(call, line, adam_range, &h);
}

static inline void adamw_element(float *w, float g, float *m, float *v, struct floor_adam h) {
  moments(g, m, v, h);
  *w = *w - h.lr * (*m * h.correct1 / (sqrtf(*v * h.correct2) + h.eps) + h.decay * *w);
}

static void adamw_range(const floor_call *call, const void *numbers, int64_t begin, int64_t end) {
  ADAM_ARRAYS;
  NUMBERS(struct floor_adam);
  RUN(ADAM_ASKS, adamw_element(w + k, g[k], m + k, v + k, h));
}

void floor_adamw(const floor_call *call) {
  struct floor_adam const h = floor_prepare(call, 1);
  floor_parallel(call, line, adamw_range, &h);
}

struct clipped {
  struct floor_adam adam;
  float factor;
};

/* A sum in f32 lanes over 4,096 elements at a time, their sum in f64. */
static double sum_of_squares(const float *g, int64_t begin, int64_t end) {
  enum { piece = 4096, width = 32 };
  double squares = 0;
  for (int64_t from = begin; from < end; from += piece) {
    int64_t const to = from + piece < end ? from + piece : end, whole = from + (to - from) / width * width;
    float lanes[width] = {0};
    for (int64_t i = from; i < whole; i += width) {
      ASK(g), ASK(g + line);
      for (int k = 0; k < width; ++k)
        lanes[k] += g[i + k] * g[i + k];
    }
    double sum = 0;
    for (int k = 0; k < width; ++k)
      sum += (double)lanes[k];
    for (int64_t k = whole; k < to; ++k)
      sum += (double)(g[k] * g[k]);
    squares += sum;
  }
  return squares;
}

static void square_range(const floor_call *call, const void *numbers, int64_t begin, int64_t end) {
  double const squares = sum_of_squares(call->arrays[1], begin, end);
  double *const sum = *(double *const *)numbers;
#pragma omp atomic
  *sum += squares;
}

static void clipped_adamw_range(const floor_call *call, const void *numbers, int64_t begin, int64_t end) {
  ADAM_ARRAYS;
  NUMBERS(struct clipped);
  RUN(ADAM_ASKS, adamw_element(w + k, g[k] * h.factor, m + k, v + k, h.adam));
}

/* hyper: as adamw, then the bound of the norm. */
void floor_clipped_adamw(const floor_call *call) {
  double squares = 0, *const sum = &squares;
  floor_parallel(call, line, square_range, &sum);
  double const bound = call->hyper[5] / (sqrt(squares) + 1e-6);
  struct clipped const h = {floor_prepare(call, 1), (float)(bound < 1 ? bound : 1)};
  floor_parallel(call, line, clipped_adamw_range, &h);
}

struct ema {
  struct floor_adam adam;
  float keep, rest;
};

static inline void ema_adamw_element(float *w, float g, float *average, float *m, float *v, struct ema h) {
  adamw_element(w, g, m, v, h.adam);
  *average = h.keep * *average + h.rest * *w;
}

/* hyper: as adamw, then the decay of the average. */
static void ema_adamw_range(const floor_call *call, const void *numbers, int64_t begin, int64_t end) {
  ARRAY(float, w, 0);
  ARRAY(float const, g, 1);
  ARRAY(float, average, 2);
  ARRAY(float, m, 3);
  ARRAY(float, v, 4);
  NUMBERS(struct ema);
  RUN((ASK(w), ASK(g), ASK(average), ASK(m), ASK(v)), ema_adamw_element(w + k, g[k], average + k, m + k, v + k, h));
}

void floor_ema_adamw(const floor_call *call) {
  struct ema const h = {floor_prepare(call, 1), HYPER(5), (float)(1 - call->hyper[5])};
  floor_parallel(call, line, ema_adamw_range, &h);
}

struct nadam {
  struct floor_adam adam;
  float of_momentum, of_gradient;
};

static inline void nadam_element(float *w, float g, float *m, float *v, struct nadam h) {
  moments(g, m, v, h.adam);
  float const ahead_of = h.of_momentum * *m + h.of_gradient * g;
  *w = *w - h.adam.lr * ahead_of / (sqrtf(*v * h.adam.correct2) + h.adam.eps);
}

static void nadam_range(const floor_call *call, const void *numbers, int64_t begin, int64_t end) {
  ADAM_ARRAYS;
  NUMBERS(struct nadam);
  RUN(ADAM_ASKS, nadam_element(w + k, g[k], m + k, v + k, h));
}

void floor_nadam(const floor_call *call) {
  double const beta1 = call->hyper[1];
  struct nadam const h = {floor_prepare(call, 0), (float)(beta1 / (1 - pow(beta1, (double)call->t + 1))),
                          (float)((1 - beta1) / (1 - pow(beta1, (double)call->t)))};
  floor_parallel(call, line, nadam_range, &h);
}

struct radam {
  struct floor_adam adam;
  float factor;
};

static inline void radam_element(float *w, float g, float *m, float *v, struct radam h) {
  moments(g, m, v, h.adam);
  *w = *w - h.adam.lr * (h.factor * (*m * h.adam.correct1) / (sqrtf(*v * h.adam.correct2) + h.adam.eps));
}

static inline void radam_first_element(float *w, float g, float *m, float *v, struct floor_adam h) {
  moments(g, m, v, h);
  *w = *w - h.lr * (*m * h.correct1);
}

static void radam_range(const floor_call *call, const void *numbers, int64_t begin, int64_t end) {
  ADAM_ARRAYS;
  NUMBERS(struct radam);
  RUN(ADAM_ASKS, radam_element(w + k, g[k], m + k, v + k, h));
}

static void radam_first_range(const floor_call *call, const void *numbers, int64_t begin, int64_t end) {
  ADAM_ARRAYS;
  NUMBERS(struct radam);
  RUN(ADAM_ASKS, radam_first_element(w + k, g[k], m + k, v + k, h.adam));
}

/* hyper: as adam, then `least`. */
void floor_radam(const floor_call *call) {
  double const beta2 = call->hyper[2], power = pow(beta2, (double)call->t), most = 2 / (1 - beta2) - 1;
  double const rho = most - 2 * (double)call->t * power / (1 - power);
  double const factor = sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho));
  struct radam const h = {floor_prepare(call, 0), (float)factor};
  floor_parallel(call, line, rho > call->hyper[4] ? radam_range : radam_first_range, &h);
}

/* Sixteen lanes of e^x for x <= 0: 2^k times a polynomial of the rest, within 2 ulp. The power is added to the exponent as an integer. */
typedef float float16 __attribute__((vector_size(64)));
typedef int32_t int16 __attribute__((vector_size(64)));

static inline float16 fma16(float16 a, float16 b, float c) { return __builtin_elementwise_fma(a, b, (float16){0} + c); }

static inline float16 exp_below(float16 x) {
  float16 const turn = (float16){0} + 1.44269504f, high = (float16){0} - 0.693145752f, low = (float16){0} - 1.42860677e-6f;
  x = __builtin_elementwise_max(x, (float16){0} - 87.0f);
  float16 const shifted = fma16(x, turn, 12582912.0f), k = shifted - 12582912.0f; /* 1.5 2^23: rounds to an integer */
  float16 const r = __builtin_elementwise_fma(k, low, __builtin_elementwise_fma(k, high, x));
  float16 p = fma16(r, (float16){0} + 1.0f / 720, 1.0f / 120);
  p = fma16(p, r, 1.0f / 24);
  p = fma16(p, r, 1.0f / 6);
  p = fma16(p, r, 0.5f);
  p = fma16(p, r, 1.0f);
  p = fma16(p, r, 1.0f);
  return (float16)(((int16)shifted << 23) + (int16)p);
}

static inline float16 load16(const float *from) {
  float16 x;
  __builtin_memcpy(&x, from, sizeof x);
  return x;
}

static inline void store16(float *to, float16 x) { __builtin_memcpy(to, &x, sizeof x); }

struct diffgrad {
  struct floor_adam adam;
  float l2;
};

/* The friction 1 / (1 + e^-|last - h|), by one division with that of the step. */
static inline void diffgrad_lanes(float *w, const float *g, float *m, float *v, float *last, struct diffgrad h) {
  float16 const old = load16(w), gradient = load16(g) + h.l2 * old, change = load16(last) - gradient;
  float16 const new_m = h.adam.beta1 * load16(m) + h.adam.rest1 * gradient, new_v = h.adam.beta2 * load16(v) + h.adam.rest2 * (gradient * gradient);
  float16 const slowness = 1.0f + exp_below(-__builtin_elementwise_abs(change)), root = __builtin_elementwise_sqrt(new_v * h.adam.correct2) + h.adam.eps;
  store16(m, new_m), store16(v, new_v), store16(last, gradient);
  store16(w, old - h.adam.lr * (new_m * h.adam.correct1) / (slowness * root));
}

/* The last few elements go through a buffer. */
static void diffgrad_range(const floor_call *call, const void *numbers, int64_t begin, int64_t end) {
  ADAM_ARRAYS;
  ARRAY(float, last, 4);
  NUMBERS(struct diffgrad);
  int64_t i = begin;
  for (; i + line <= end; i += line) {
    ASK(w), ASK(g), ASK(m), ASK(v), ASK(last);
    diffgrad_lanes(w + i, g + i, m + i, v + i, last + i, h);
  }
  float buffer[5][line] = {{0}};
  for (int64_t k = i; k < end; ++k) {
    buffer[0][0] = w[k], buffer[1][0] = g[k], buffer[2][0] = m[k], buffer[3][0] = v[k], buffer[4][0] = last[k];
    diffgrad_lanes(buffer[0], buffer[1], buffer[2], buffer[3], buffer[4], h);
    w[k] = buffer[0][0], m[k] = buffer[2][0], v[k] = buffer[3][0], last[k] = buffer[4][0];
  }
}

/* hyper: as adam, then l2. */
void floor_diffgrad(const floor_call *call) {
  struct diffgrad const h = {floor_prepare(call, 0), HYPER(4)};
  floor_parallel(call, line, diffgrad_range, &h);
}

struct sophia {
  float lr, beta1, rest1, gamma, eps, lr_decay;
};

static inline void sophia_element(float *w, float g, float curvature, float *m, struct sophia h) {
  *m = h.beta1 * *m + h.rest1 * g;
  float const bound = h.gamma * curvature, safe = h.eps > bound ? h.eps : bound, step = *m / safe; /* NaN stays */
  float const above = -1 > step ? -1 : step, clipped = 1 < above ? 1 : above;
  *w = *w - h.lr_decay * *w - h.lr * clipped;
}

static void sophia_plain_range(const floor_call *call, const void *numbers, int64_t begin, int64_t end) {
  ARRAY(float, w, 0);
  ARRAY(float const, g, 1);
  ARRAY(float const, curvature, 2);
  ARRAY(float, m, 3);
  NUMBERS(struct sophia);
  RUN((ASK(w), ASK(g), ASK(curvature), ASK(m)), sophia_element(w + k, g[k], curvature[k], m + k, h));
}

void floor_sophia_plain(const floor_call *call) {
  struct sophia const h = {HYPER(0), HYPER(1), (float)(1 - call->hyper[1]), HYPER(2), HYPER(3), (float)(call->hyper[0] * call->hyper[4])};
  floor_parallel(call, line, sophia_plain_range, &h);
}
