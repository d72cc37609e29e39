/* walk.h - written by gradus 0.1.0 from walk.grad; C99 and C++. */

#ifndef GRADUS_SPEC_MY_WALK_H
#define GRADUS_SPEC_MY_WALK_H

#include "gradus.h"

#if GRADUS_ABI_VERSION != 6
#error "this header and gradus.h are of different ABI versions; build the spec again"
#endif

/** Hash of program, flags and compiler; the `content` of every entry of the archive that this header belongs to. */
#define MY_WALK_ABI UINT64_C(0x<content>)

#ifdef __cplusplus
extern "C" {
#endif

/*===- my_walk_init ===*/

/** The tensors of one slot of my_walk_init. Equal symbols are equal sizes. */
typedef struct my_walk_init_slot {
  gradus_tensor w; /**< f32 any shape (w.numel elements), parameter */
  gradus_tensor base_m; /**< 'base.m', f32 any shape (w.numel elements), output, written */
} my_walk_init_slot;

/**
 * Fills the state before the first step.
 *
 * `hyper`: null, there are no hyper-parameters.
 * `t` is not looked at.
 * `n_slots` is 1.
 * `workspace`: my_walk_init_workspace(..) bytes, aligned to 64. `context` and `report` may be null.
 * Returns GRADUS_OK, or why nothing was written (gradus_status in gradus.h); context->error gets the sentence.
 */
gradus_status my_walk_init(const gradus_context *context, const void *hyper, uint64_t t, uint64_t seed,
    const my_walk_init_slot *slots, size_t n_slots, void *workspace, size_t workspace_bytes, gradus_report *report);
/** The bytes of workspace for these tensors; SIZE_MAX where they would be refused. Their data may be null. */
size_t my_walk_init_workspace(const my_walk_init_slot *slots, size_t n_slots);
/** The same as data: names, shapes, intervals. */
const gradus_entry *my_walk_init_entry(void);

/*===- my_walk_step ===*/

/** Hyper-parameters of my_walk_step; each is checked at the call. */
typedef struct my_walk_step_hyper {
  double lr; /**< default 0.001 */
  double n_ce_b2; /**< 'β', default 0.9, in [0, 1) */
  double template_; /**< 'template', whole, no default: must be set */
  double nesterov; /**< 0 or 1, default 1 */
} my_walk_step_hyper;

/** The tensors of one slot of my_walk_step. Equal symbols are equal sizes. */
typedef struct my_walk_step_slot {
  gradus_tensor w; /**< f32 any shape (w.numel elements), parameter, replaced */
  gradus_tensor g; /**< f32 any shape (w.numel elements), gradient */
  gradus_tensor x; /**< f64 [n, 64], input */
  gradus_tensor base_m; /**< 'base.m', f32 any shape (w.numel elements), state, replaced; starts at 0.5 */
} my_walk_step_slot;

/**
 * A walk. * / int evil; / * C:/new
 * over ? ?/ two lines/
 *
 * One step of a rule: parameters and state are replaced together.
 * `hyper`: null for the defaults.
 * `t` counts committed steps from 1.
 * Any number of slots: the tensors of a collection.
 * The first state is made by my_walk_init.
 * `workspace`: my_walk_step_workspace(..) bytes, aligned to 64. `context` and `report` may be null.
 * Returns GRADUS_OK, or why nothing was written (gradus_status in gradus.h); context->error gets the sentence.
 */
gradus_status my_walk_step(const gradus_context *context, const my_walk_step_hyper *hyper, uint64_t t, uint64_t seed,
    const my_walk_step_slot *slots, size_t n_slots, void *workspace, size_t workspace_bytes, gradus_report *report);
/** The bytes of workspace for these tensors; SIZE_MAX where they would be refused. Their data may be null. */
size_t my_walk_step_workspace(const my_walk_step_slot *slots, size_t n_slots);
/** Fills in the defaults; NaN where there is none. */
void my_walk_step_defaults(my_walk_step_hyper *hyper);
/** The same as data: names, shapes, intervals. */
const gradus_entry *my_walk_step_entry(void);

/*===- my_half ===*/

/** The tensors of one slot of my_half. Equal symbols are equal sizes. */
typedef struct my_half_slot {
  gradus_tensor w; /**< f64 [n], parameter */
  gradus_tensor label; /**< i64 [n], data */
} my_half_slot;

/**
 * The value of a loss, in report->value; where it is a gradient, its outputs are the derivatives.
 *
 * `hyper`: null, there are no hyper-parameters.
 * `t` is not looked at.
 * `n_slots` is 1.
 * `workspace`: my_half_workspace(..) bytes, aligned to 64. `context` and `report` may be null.
 * Returns GRADUS_OK, or why nothing was written (gradus_status in gradus.h); context->error gets the sentence.
 */
gradus_status my_half(const gradus_context *context, const void *hyper, uint64_t t, uint64_t seed,
    const my_half_slot *slots, size_t n_slots, void *workspace, size_t workspace_bytes, gradus_report *report);
/** The bytes of workspace for these tensors; SIZE_MAX where they would be refused. Their data may be null. */
size_t my_half_workspace(const my_half_slot *slots, size_t n_slots);
/** The same as data: names, shapes, intervals. */
const gradus_entry *my_half_entry(void);

#ifdef __cplusplus
}
#endif

#endif /* GRADUS_SPEC_MY_WALK_H */
