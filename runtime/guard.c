/*===- guard.c - What the guard of a step has found --------------------------------===*
 *
 * Compiled code only says that something is not finite. Where it is, is looked for when the step is refused already.
 *
 *===----------------------------------------------------------------------------===*/

#include "runtime/internal.h"

#include <string.h>

/* Whether all bits of the exponent are set in an element of `size` bytes. */
static int isNonFinite(const char *element, size_t size, uint64_t exponent) {
  uint64_t wide;
  uint32_t single;
  uint16_t half;
  if (size == 8) {
    memcpy(&wide, element, sizeof(wide));
  } else if (size == 4) {
    memcpy(&single, element, sizeof(single));
    wide = single;
  } else {
    memcpy(&half, element, sizeof(half));
    wide = half;
  }
  return (wide & exponent) == exponent;
}

int64_t gradus_find_nonfinite(int32_t dtype, int64_t count, const void *data) {
  const char *bytes = (const char *)data;
  int64_t const block = gradus_internal_block_size(dtype);
  size_t const size = block > 0 ? sizeof(float) : gradus_dtype_size(dtype);
  uint64_t const exponent = dtype == GRADUS_F16    ? 0x7c00u
                            : dtype == GRADUS_BF16 ? 0x7f80u
                            : dtype == GRADUS_F64  ? (uint64_t)0x7ff << 52
                                                   : 0x7f800000u;
  int64_t k;
  if (block > 0) { /* a scale, and then a byte for each number */
    for (k = 0; k < count; k += block)
      if (isNonFinite(bytes + gradus_bytes(dtype, k), size, exponent))
        return k;
    return -1;
  }
  if (dtype != GRADUS_F16 && dtype != GRADUS_BF16 && dtype != GRADUS_F32 && dtype != GRADUS_F64)
    return -1;
  for (k = 0; k < count; ++k)
    if (isNonFinite(bytes + (size_t)k * size, size, exponent))
      return k;
  return -1;
}

/* Fills in the first gradient argument that is not finite, slot after slot; 0 where all are. */
static int findGradient(const gradus_call_site *site, gradus_place *place) {
  const gradus_entry *entry = site->entry;
  for (place->slot = 0; place->slot < site->n_slots; ++place->slot) {
    for (place->argument = 0; place->argument < entry->n_arguments; ++place->argument) {
      const gradus_tensor *tensor;
      if (entry->arguments[place->argument].role != GRADUS_GRAD || gradus_internal_is_ignored(site, place->slot, place->argument))
        continue;
      tensor = gradus_internal_tensor(site, place->slot, place->argument);
      place->element = gradus_find_nonfinite(tensor->dtype, gradus_numel(tensor), tensor->data);
      if (place->element >= 0)
        return 1;
    }
  }
  place->slot = 0;
  place->argument = -1;
  place->element = -1;
  return 0;
}

gradus_status gradus_internal_fail_guard(const gradus_call_site *site, const gradus_report *own, gradus_report *report) {
  gradus_place place;
  int found;
  place.slot = 0;
  place.dimension = -1;
  place.argument = -1;
  place.element = -1;
  if (site->entry->device_type == GRADUS_CPU) {
    found = findGradient(site, &place);
  } else { /* the memory of a device is not read here: its kernels have looked */
    place.argument = own->reserved > 0 && own->reserved <= site->entry->n_arguments ? own->reserved - 1 : -1;
    place.slot = own->slot;
    place.element = place.argument >= 0 ? own->element : -1;
    found = place.argument >= 0;
  }
  if (report != NULL) {
    *report = *own;
    report->committed = 0;
    report->reserved = place.argument + 1;
    report->slot = place.slot;
    report->element = found ? place.element : own->element;
  }
  if (found)
    return gradus_internal_fail(site, GRADUS_ERROR_NONFINITE, place, 0, 0, "is not finite; nothing has moved", NULL);
  if (own->element >= 0)
    return gradus_internal_fail(site, GRADUS_ERROR_NONFINITE, place, 0, (double)own->element,
                                "%s is not finite in element {g}; nothing has moved", own->what);
  return gradus_internal_fail(site, GRADUS_ERROR_NONFINITE, place, 0, 0, "%s is not finite; nothing has moved",
                              own->what != NULL ? own->what : "a number");
}
