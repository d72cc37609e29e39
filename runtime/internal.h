/*===- internal.h - What the runtime's files share ---------------------------------===*
 *
 * Not installed. Every check works on a `gradus_call_site`, which says whose call it is and where errors go.
 *
 *===----------------------------------------------------------------------------===*/

#ifndef GRADUS_INTERNAL_H
#define GRADUS_INTERNAL_H

#include "runtime/gradus_device.h"

/** Up to this many buffers overlap is sought pairwise; above, by sorting numbers of buffers in the workspace. */
#define GRADUS_PAIRWISE_LIMIT 16
/** Symbols bound in a table on the stack; those beyond are looked up in the arguments before. */
#define GRADUS_SYMBOL_TABLE 64

/** One call: the entry, its tensors and the sink of its errors. */
typedef struct gradus_call_site {
  const gradus_entry *entry;
  const gradus_context *context; /**< null: nobody listens */
  const gradus_tensor *tensors;
  size_t n_slots;
} gradus_call_site;

/** Where an error is: an argument of a slot, an axis and an element, each perhaps unknown. */
typedef struct gradus_place {
  size_t slot;
  int32_t argument;  /**< -1: none */
  int32_t dimension; /**< -1: none */
  int64_t element;   /**< -1: none */
} gradus_place;

/** Of an error that is about no argument. */
static inline gradus_place gradus_internal_nowhere(void) {
  gradus_place place;
  place.slot = 0;
  place.argument = -1;
  place.dimension = -1;
  place.element = -1;
  return place;
}

/** The memory of a buffer as half-open range of addresses. */
typedef struct gradus_range {
  uintptr_t begin;
  uintptr_t end;
} gradus_range;

/**
 * Reports an error to the sink, if there is one, and returns `status`. `format` is the reason, the part of the message after
 * entry and argument, with at most one %s (`text`) {e} and {g} for the numbers expected and got, {G} for the element type got.
 */
gradus_status gradus_internal_fail(const gradus_call_site *site, gradus_status status, gradus_place place, double expected,
                                   double got, const char *format, const char *text);
/** The same for who has no call: the fields of `error` but its message are filled in; context->error is not null. */
gradus_status gradus_internal_report(const gradus_context *context, gradus_error *error, int show_slot, const char *format,
                                     const char *text);
/** Writes a number as people write it: whole numbers without exponent, a point in every locale. */
void gradus_internal_number(double value, char *buffer, size_t size);

/** Counts elements and bytes; 0 if a size is negative or the product does not fit. */
int gradus_internal_extent(const gradus_tensor *tensor, int64_t *elements, size_t *bytes);

/** The numbers in a block of codes; 0 for a type without blocks. */
int64_t gradus_internal_block_size(int32_t dtype);

/*
 * What every check of every tensor asks stands here, so that compilers put it in place: with thousands of small tensors the checks are a good part
 * of a call.
 */

/** gradus_numel. */
static inline int64_t gradus_internal_numel(const gradus_tensor *tensor) {
  int64_t elements = 1;
  int32_t axis;
  for (axis = 0; axis < tensor->rank; ++axis)
    elements *= tensor->dims[axis];
  return elements;
}

/** The bytes of an element of a type without blocks, else 0. */
static inline size_t gradus_internal_plain_size(int32_t dtype) {
  static const unsigned char sizes[] = {0, 2, 2, 4, 8, 4, 8, 1};
  return (uint32_t)dtype < sizeof(sizes) ? sizes[dtype] : 0;
}

/** gradus_bytes. */
static inline size_t gradus_internal_bytes(int32_t dtype, int64_t count) {
  size_t const size = gradus_internal_plain_size(dtype);
  return size != 0 ? size * (size_t)count : gradus_bytes(dtype, count);
}

/** The addresses of a checked tensor. */
static inline gradus_range gradus_internal_range(const gradus_tensor *tensor) {
  gradus_range range;
  range.begin = (uintptr_t)tensor->data;
  range.end = range.begin + gradus_internal_bytes(tensor->dtype, gradus_internal_numel(tensor));
  return range;
}

/** The addresses of what has none: no range meets it. */
static inline gradus_range gradus_internal_no_range(void) {
  gradus_range range;
  range.begin = UINTPTR_MAX;
  range.end = 0;
  return range;
}

/** Whether two ranges have an address in common; each has at least one, or is gradus_internal_no_range. */
static inline int gradus_internal_meet(gradus_range one, gradus_range two) { return one.begin < two.end && two.begin < one.end; }

/** Gives the size of the symbol of `length` bytes at `name`; 0 if it has none. `is_in_call`: it stands inside div, min or max. */
typedef int (*gradus_size_of)(void *user, const char *name, size_t length, int is_in_call, int64_t *size);
/** Whether a symbol is a formula of other symbols. */
int gradus_internal_is_formula(const char *text);
/** The size that a formula stands for, as a quotient; 0 where it has none. */
int gradus_internal_read_formula(const char *text, gradus_size_of size_of, void *user, int64_t *dividend, int64_t *divisor);

/** The tensor that stands for argument `k` of a slot: of a shared one the tensor of slot 0. */
static inline const gradus_tensor *gradus_internal_tensor(const gradus_call_site *site, size_t slot, int32_t k) {
  size_t const from = site->entry->arguments[k].flags & GRADUS_SHARED ? 0 : slot;
  return &site->tensors[from * (size_t)site->entry->n_arguments + (size_t)k];
}

/** Whether an optional argument is left out. */
static inline int gradus_internal_is_absent(const gradus_call_site *site, size_t slot, int32_t k) {
  return (site->entry->arguments[k].flags & GRADUS_OPTIONAL) && gradus_internal_tensor(site, slot, k)->data == NULL;
}

/** Whether nothing of argument `k` of a slot is looked at: it is left out, or an earlier slot has it. */
static inline int gradus_internal_is_ignored(const gradus_call_site *site, size_t slot, int32_t k) {
  return gradus_internal_is_absent(site, slot, k) || (slot > 0 && (site->entry->arguments[k].flags & GRADUS_SHARED));
}

/** Says what the guard of a step has found, to the sink and in `report`, which may be null; `own` is what the kernel has left. */
gradus_status gradus_internal_fail_guard(const gradus_call_site *site, const gradus_report *own, gradus_report *report);
/** Says why a kernel refused for another reason. */
gradus_status gradus_internal_fail_kernel(const gradus_call_site *site, gradus_status status, const gradus_report *report);
/** Ends what a call has recorded on the device of the context; `status` is what its hooks returned so far. Says why it could not record. */
gradus_status gradus_internal_finish_device(const gradus_call_site *site, gradus_status status, const gradus_report *report);
/** For an entry of a device: the context has one of its type. */
gradus_status gradus_internal_check_device(const gradus_call_site *site);

/** Types, ranks, shapes and strides of all slots. */
gradus_status gradus_internal_check_shapes(const gradus_call_site *site);
/** Pointers, alignment and device of all slots. `ranges`, unless it is null, gets the addresses of each buffer that is looked at; `all` those from the first to the last of them. */
gradus_status gradus_internal_check_buffers(const gradus_call_site *site, gradus_range *ranges, gradus_range *all);
/** No buffer that is written overlaps another one. Up to GRADUS_PAIRWISE_LIMIT buffers `ranges` are known; more are sorted in `scratch`, host memory of gradus_internal_overlap_bytes. */
gradus_status gradus_internal_check_overlap(const gradus_call_site *site, const gradus_range *ranges, void *scratch);
/** The bytes of scratch that check_overlap needs for this many buffers; SIZE_MAX where they do not fit. */
size_t gradus_internal_overlap_bytes(size_t buffers);

#endif /* GRADUS_INTERNAL_H */
