/*===- workers.c - Where workers meet ------------------------------------------------===*
 *
 * What compiled code calls for mean[workers](x), sum[neighbours](x) and exchange(x, j): it asks the hooks of the context, or is the only worker. A call that one
 * worker refuses is refused by all that it meets: before the numbers they tell each other whether all goes well.
 *
 *===----------------------------------------------------------------------------===*/

#include "runtime/gradus.h"

#include <string.h>

enum { refusedByOther = -1, unreachable = -2, noSuchWorker = -3, firstKnown = -16 };

static const gradus_workers *othersOf(const gradus_context *context) {
  return context != NULL && context->workers != NULL && context->workers->count > 1 ? context->workers : NULL;
}

/* What a worker knows after it has told the others of `state` and heard whether all went well. */
static int32_t afterAgreement(int32_t state, int64_t isRefused) {
  if (state > 0)
    return firstKnown - state;
  return isRefused ? (int32_t)refusedByOther : state;
}

int32_t gradus_workers_agree(const gradus_context *context, int32_t state) {
  const gradus_workers *workers = othersOf(context);
  int64_t isRefused = state > 0;
  if (workers == NULL || state < 0)
    return state;
  if (workers->reduce == NULL || !workers->reduce(workers->user, GRADUS_MAX, GRADUS_I64, 1, &isRefused))
    return unreachable;
  return afterAgreement(state, isRefused);
}

static void divide(int32_t dtype, int64_t count, void *y, int64_t by) {
  float *single = (float *)y;
  double *wide = (double *)y;
  int64_t k;
  for (k = 0; k < count; ++k) {
    if (dtype == GRADUS_F32)
      single[k] /= (float)by;
    else
      wide[k] /= (double)by;
  }
}

int32_t gradus_workers_reduce(const gradus_context *context, int32_t state, int32_t of_neighbours, int32_t combination, int32_t is_mean, int32_t dtype,
                              int64_t count, const void *x, void *y) {
  const gradus_workers *workers = othersOf(context);
  int32_t (*reduce)(void *, int32_t, int32_t, int64_t, void *) = NULL;
  if (state != 0)
    return state;
  if (count > 0)
    memcpy(y, x, (size_t)count * gradus_dtype_size(dtype));
  if (workers == NULL || count <= 0)
    return state;
  reduce = of_neighbours ? workers->reduce_neighbours : workers->reduce;
  if (reduce == NULL || (of_neighbours && workers->neighbours < 1) || !reduce(workers->user, combination, dtype, count, y))
    return unreachable;
  if (is_mean)
    divide(dtype, count, y, of_neighbours ? workers->neighbours : workers->count);
  return state;
}

int32_t gradus_workers_exchange(const gradus_context *context, int32_t state, int32_t agrees, int64_t peer, int32_t dtype, int64_t count,
                                const void *x, void *y, gradus_report *report) {
  const gradus_workers *workers = othersOf(context);
  int64_t const mine = workers != NULL ? workers->number : 0, all = workers != NULL ? workers->count : 1;
  if (state < 0 || (state > 0 && !agrees))
    return state;
  if (peer < 0 || peer >= all) {
    if (state == 0 && report != NULL)
      report->value = (double)peer;
    return state == 0 ? (int32_t)noSuchWorker : state;
  }
  if (peer != mine && workers != NULL) {
    if (workers->exchange == NULL)
      return unreachable;
    if (agrees) {
      int64_t const isMine = state > 0;
      int64_t isRefused = 0;
      if (!workers->exchange(workers->user, peer, GRADUS_I64, 1, &isMine, &isRefused))
        return unreachable;
      state = afterAgreement(state, isRefused);
    }
    if (state == 0 && count > 0 && !workers->exchange(workers->user, peer, dtype, count, x, y))
      return unreachable;
    return state;
  }
  if (state == 0 && count > 0)
    memcpy(y, x, (size_t)count * gradus_dtype_size(dtype));
  return state;
}
