/*===- overlap.c - No buffer that is written may meet another ----------------------===*
 *
 * Few buffers are compared in pairs. Many are sorted by address, in place in the caller's workspace, and swept once: sorted
 * so, a buffer meets an earlier one exactly if it begins before the furthest end seen.
 *
 *===----------------------------------------------------------------------------===*/

#include "runtime/internal.h"

size_t gradus_internal_overlap_bytes(size_t buffers) {
  if (buffers <= GRADUS_PAIRWISE_LIMIT)
    return 0;
  return buffers > SIZE_MAX / sizeof(size_t) ? SIZE_MAX : buffers * sizeof(size_t);
}

static int isIgnored(const gradus_call_site *site, size_t buffer) {
  size_t const n = (size_t)site->entry->n_arguments;
  return gradus_internal_is_ignored(site, buffer / n, (int32_t)(buffer % n));
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

static gradus_status checkPairs(const gradus_call_site *site, size_t buffers) {
  gradus_range ranges[GRADUS_PAIRWISE_LIMIT];
  size_t one, two;
  for (one = 0; one < buffers; ++one) {
    if (isIgnored(site, one)) {
      ranges[one].begin = ranges[one].end = 0;
      continue;
    }
    ranges[one] = gradus_internal_range(&site->tensors[one]);
    for (two = 0; two < one; ++two) {
      if (ranges[one].begin < ranges[two].end && ranges[two].begin < ranges[one].end &&
          ranges[one].begin != ranges[one].end && ranges[two].begin != ranges[two].end &&
          (isWritten(site, one) || isWritten(site, two)))
        return failOverlap(site, two, one);
    }
  }
  return GRADUS_OK;
}

/* By address; the index decides between equals, so that messages do not depend on the sort. */
static int isBefore(const gradus_tensor *tensors, size_t one, size_t two) {
  uintptr_t const a = (uintptr_t)tensors[one].data, b = (uintptr_t)tensors[two].data;
  return a != b ? a < b : one < two;
}

/* Restores the heap below `root` in order[0, count). */
static void siftDown(const gradus_tensor *tensors, size_t *order, size_t root, size_t count) {
  size_t const value = order[root];
  size_t child = 2 * root + 1;
  while (child < count) {
    if (child + 1 < count && isBefore(tensors, order[child], order[child + 1]))
      ++child;
    if (!isBefore(tensors, value, order[child]))
      break;
    order[root] = order[child];
    root = child;
    child = 2 * root + 1;
  }
  order[root] = value;
}

static void sortByAddress(const gradus_tensor *tensors, size_t *order, size_t count) {
  size_t k;
  for (k = count / 2; k-- > 0;)
    siftDown(tensors, order, k, count);
  for (k = count; k-- > 1;) {
    size_t const largest = order[0];
    order[0] = order[k];
    order[k] = largest;
    siftDown(tensors, order, 0, k);
  }
}

static gradus_status checkSorted(const gradus_call_site *site, size_t buffers, size_t *order) {
  uintptr_t endOfAll = 0, endOfWritten = 0;
  size_t lastOfAll = 0, lastOfWritten = 0;
  size_t count = 0, k;
  /* Consecutive slots are often in order already; a heap does not mind. Empty tensors meet nobody. */
  for (k = 0; k < buffers; ++k)
    if (!isIgnored(site, k) && gradus_numel(&site->tensors[k]) > 0)
      order[count++] = k;
  sortByAddress(site->tensors, order, count);
  for (k = 0; k < count; ++k) {
    gradus_range const range = gradus_internal_range(&site->tensors[order[k]]);
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

gradus_status gradus_internal_check_overlap(const gradus_call_site *site, void *scratch) {
  size_t const buffers = site->n_slots * (size_t)site->entry->n_arguments;
  if (buffers <= GRADUS_PAIRWISE_LIMIT)
    return checkPairs(site, buffers);
  return checkSorted(site, buffers, (size_t *)scratch);
}
