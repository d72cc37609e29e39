/*===- floor.h - Hand-written loops that the compiled rules are measured against ---===*
 *
 * What a careful person writes in C for one fused step: one pass over the data, scalars computed once, operands asked for
 * ahead, OpenMP threads, strict IEEE arithmetic. Compiled by the clang of the tree with -O3 for the same instruction set
 * as the rules.
 *
 *===----------------------------------------------------------------------------===*/

#ifndef GRADUS_TEST_BENCH_FLOOR_H
#define GRADUS_TEST_BENCH_FLOOR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One step: hyper-parameters in the order of the rule, arrays in that of the entry's arguments. */
typedef struct floor_call {
  int64_t n;
  const double *hyper;
  uint64_t t, seed;
  void *const *arrays;
} floor_call;
typedef void (*floor_loop)(const floor_call *call);

/** arrays[0] *= hyper[0]: the least traffic that reads and writes in place; its bandwidth is the machine's. */
void floor_scale(const floor_call *call);

/* floor.c: rules in f32. */
void floor_adadelta(const floor_call *call);
void floor_adagrad(const floor_call *call);
void floor_adam(const floor_call *call);
void floor_adamw(const floor_call *call);
void floor_clipped_adamw(const floor_call *call);
void floor_diffgrad(const floor_call *call);
void floor_ema_adamw(const floor_call *call);
void floor_lion(const floor_call *call);
void floor_momentum(const floor_call *call);
void floor_nadam(const floor_call *call);
void floor_radam(const floor_call *call);
void floor_rmsprop(const floor_call *call);
void floor_sgd(const floor_call *call);
void floor_sgd_momentum(const floor_call *call);
void floor_sophia_plain(const floor_call *call);

/* floor_small.c: AdamW with small state, by vector instructions. */
void floor_adamw_bf16(const floor_call *call);
void floor_adamw_bf16_state(const floor_call *call);
void floor_adamw_blocks(const floor_call *call);
void floor_adamw_stochastic(const floor_call *call);

/** What every element of a step of AdamW needs. */
struct floor_adam {
  float lr, beta1, beta2, rest1, rest2, correct1, correct2, eps, decay;
};
/** hyper: lr, beta1, beta2, eps, and decay where there is one. */
struct floor_adam floor_prepare(const floor_call *call, int has_decay);

#ifdef __cplusplus
}
#endif

#endif /* GRADUS_TEST_BENCH_FLOOR_H */
