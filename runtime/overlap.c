/*===- overlap.c - No buffer that is written may meet another ----------------------===*
 *
 * Few buffers are compared in pairs. Many are sorted by address, in the caller's workspace, and swept once: sorted so, a buffer
 * meets an earlier one exactly if it begins before the furthest end seen. The sort is by bytes of the address: thousands of small tensors
 * take a few steps each, however they lie.
 *
 *===----------------------------------------------------------------------------===*/

#include "runtime/internal.h"

size_t gradus_internal_overlap_bytes(size_t buffers) {
  if (buffers <= GRADUS_PAIRWISE_LIMIT)
    return 0;
  /* Numbers of 32 bits: the tensors of more buffers alone would have 200 GB. */
  return buffers > UINT32_MAX || buffers > SIZE_MAX / (2 * sizeof(uint32_t)) ? SIZE_MAX : buffers * 2 * sizeof(uint32_t);
}

static int isWritten(const gradus_call_site *site, size_t buffer) {
  return site->entry->arguments[buffer % (size_t)site->entry->n_arguments].flags & GRADUS_WRITTEN;
}

/* Names the written one first. */
static gradus_status failOverlap(const gradus_call_site *site, size_t one, size_t two) {
  size_t const n = (size_t)site->entry->n_arguments;
  gradus_place place;
  if (!isWritten(site, one)) {
    size_t const swap = one;
    one = two;
    two = swap;
  }
  place.slot = one / n;
  place.argument = (int32_t)(one % n);
  place.dimension = -1;
  place.element = -1;
  return gradus_internal_fail(site, GRADUS_ERROR_OVERLAP, place, 0, (double)(two / n),
                              site->entry->is_open ? "it is written and overlaps '%s' of slot {g}"
                                                   : "it is written and overlaps '%s'",
                              site->entry->arguments[two % n].name);
}

static gradus_status checkPairs(const gradus_call_site *site, const gradus_range *ranges, size_t buffers) {
  size_t one, two;
  for (one = 1; one < buffers; ++one)
    for (two = 0; two < one; ++two)
      if (gradus_internal_meet(ranges[one], ranges[two]) && (isWritten(site, one) || isWritten(site, two)))
        return failOverlap(site, two, one);
  return GRADUS_OK;
}

/* Whether the first tensor of argument `one` comes after that of `two`. */
static int isBehind(const gradus_tensor *tensors, int32_t one, int32_t two) {
  uintptr_t const a = (uintptr_t)tensors[one].data, b = (uintptr_t)tensors[two].data;
  return a != b ? a > b : one > two;
}

static unsigned byteOf(const gradus_tensor *tensor, unsigned shift) { return (unsigned)((uintptr_t)tensor->data >> shift) & 0xff; }

/* Moves the numbers of buffers in order of one byte of their addresses; equal ones stay in theirs. */
static void sortByByte(const gradus_tensor *tensors, const uint32_t *from, uint32_t *to, size_t count, unsigned shift) {
  uint32_t begins[256] = {0};
  uint32_t begin = 0;
  size_t k;
  for (k = 0; k < count; ++k)
    ++begins[byteOf(&tensors[from[k]], shift)];
  for (k = 0; k < 256; ++k) {
    uint32_t const here = begins[k];
    begins[k] = begin;
    begin += here;
  }
  for (k = 0; k < count; ++k)
    to[begins[byteOf(&tensors[from[k]], shift)]++] = from[k];
}

/* Sorts `count` numbers at `order` with room for as many at `other`; says where they are then. Bytes in which no two addresses differ cost nothing. */
static uint32_t *sortByAddress(const gradus_tensor *tensors, uint32_t *order, uint32_t *other, size_t count) {
  uintptr_t differing = 0;
  unsigned shift;
  size_t k;
  for (k = 1; k < count; ++k)
    differing |= (uintptr_t)tensors[order[k - 1]].data ^ (uintptr_t)tensors[order[k]].data;
  for (shift = 0; shift < 8 * sizeof(uintptr_t); shift += 8) {
    uint32_t *const swap = order;
    if ((differing >> shift & 0xff) == 0)
      continue;
    sortByByte(tensors, order, other, count, shift);
    order = other;
    other = swap;
  }
  return order;
}

/* What is known of the buffers so far: where the last one begins and the last that is not empty ends, whether each begins behind the begin, and the end, of those before. */
typedef struct trail {
  uintptr_t begin;
  uintptr_t end;
  int is_sorted;
  int are_apart;
} trail;

/* The numbers of the buffers of argument `k`. */
static size_t addBuffers(const gradus_call_site *site, int32_t k, uint32_t *order, trail *so_far) {
  size_t const n = (size_t)site->entry->n_arguments;
  size_t count = 0, slot;
  for (slot = 0; slot < site->n_slots; ++slot) {
    size_t const buffer = slot * n + (size_t)k;
    gradus_range range;
    if (gradus_internal_is_ignored(site, slot, k))
      continue;
    range = gradus_internal_range(&site->tensors[buffer]);
    so_far->is_sorted &= so_far->begin <= range.begin;
    so_far->are_apart &= so_far->end <= range.begin || range.begin == range.end; /* empty tensors meet nobody */
    so_far->begin = range.begin;
    so_far->end = range.begin == range.end ? so_far->end : range.end;
    order[count++] = (uint32_t)buffer;
  }
  return count;
}

/*
 * Numbers all buffers. Where an application has one piece of memory for each argument, tensor behind tensor, they are in order when
 * the arguments come in that of their first tensors.
 */
static size_t addAllBuffers(const gradus_call_site *site, uint32_t *order, trail *so_far) {
  int32_t const n = site->entry->n_arguments;
  size_t count = 0;
  int32_t before = -1, done, k;
  so_far->begin = so_far->end = 0;
  so_far->is_sorted = so_far->are_apart = 1;
  for (done = 0; done < n; ++done) {
    int32_t next = -1;
    for (k = 0; k < n; ++k) /* the first one behind `before`; of equal ones in their order */
      if ((before < 0 || isBehind(site->tensors, k, before)) && (next < 0 || isBehind(site->tensors, next, k)))
        next = k;
    count += addBuffers(site, next, order + count, so_far);
    before = next;
  }
  return count;
}

static gradus_status checkSorted(const gradus_call_site *site, size_t buffers, uint32_t *order) {
  uintptr_t endOfAll = 0, endOfWritten = 0;
  size_t lastOfAll = 0, lastOfWritten = 0;
  size_t count, k;
  trail all;
  count = addAllBuffers(site, order, &all);
  if (all.are_apart) /* nobody need know which are written */
    return GRADUS_OK;
  if (!all.is_sorted)
    order = sortByAddress(site->tensors, order, order + buffers, count);
  for (k = 0; k < count; ++k) {
    gradus_range const range = gradus_internal_range(&site->tensors[order[k]]);
    if (range.begin == range.end) /* empty tensors meet nobody */
      continue;
    if (isWritten(site, order[k]) && range.begin < endOfAll)
      return failOverlap(site, order[k], lastOfAll);
    if (range.begin < endOfWritten)
      return failOverlap(site, lastOfWritten, order[k]);
    if (range.end > endOfAll) {
      endOfAll = range.end;
      lastOfAll = order[k];
    }
    if (isWritten(site, order[k]) && range.end > endOfWritten) {
      endOfWritten = range.end;
      lastOfWritten = order[k];
    }
  }
  return GRADUS_OK;
}

gradus_status gradus_internal_check_overlap(const gradus_call_site *site, const gradus_range *ranges, void *scratch) {
  size_t const buffers = site->n_slots * (size_t)site->entry->n_arguments;
  if (buffers <= GRADUS_PAIRWISE_LIMIT)
    return checkPairs(site, ranges, buffers);
  return checkSorted(site, buffers, (uint32_t *)scratch);
}
