/*===- openmp.c - A context whose threads are OpenMP's -------------------------------===*/

#include "runtime/gradus_openmp.h"

#include <omp.h>

void gradus_openmp_parallel_for(void *user, int64_t count, gradus_body body, void *closure) {
  int64_t pieces = omp_in_parallel() ? 1 : omp_get_max_threads();
  int64_t piece;
  (void)user;
  if (pieces > count)
    pieces = count;
  if (pieces <= 1) {
    if (count > 0)
      body(closure, 0, count);
    return;
  }
#pragma omp parallel for schedule(static, 1) num_threads((int)pieces)
  for (piece = 0; piece < pieces; ++piece) {
    /* count / pieces each, the first count % pieces one more; no product that could overflow. */
    int64_t const whole = count / pieces, rest = count % pieces;
    int64_t const begin = piece * whole + (piece < rest ? piece : rest);
    body(closure, begin, begin + whole + (piece < rest ? 1 : 0));
  }
}

gradus_context gradus_openmp_context(void) {
  gradus_context context;
  context.user = NULL;
  context.parallel_for = gradus_openmp_parallel_for;
  context.error = NULL;
  context.log = NULL;
  context.allocate = NULL;
  context.release = NULL;
  context.linear_algebra = NULL;
  context.workers = NULL;
  return context;
}
