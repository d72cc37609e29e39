/*===- gradus_openmp.h - A context whose threads are OpenMP's ----------------------===*
 *
 * In an archive of its own (libgradus_openmp.a, CMake target Gradus::openmp), so that who brings other threads links none.
 *
 *===----------------------------------------------------------------------------===*/

#ifndef GRADUS_OPENMP_H
#define GRADUS_OPENMP_H

#include "gradus.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The hook: cuts [0, count) into one run of neighbours for each thread, the same for the same number of threads. Results of
 * Gradus never depend on that number. Inside a parallel region of the caller it runs serially. `user` is not looked at.
 */
void gradus_openmp_parallel_for(void *user, int64_t count, gradus_body body, void *closure);

/** A context with this hook and nothing else; set its other members as you like. OMP_NUM_THREADS says how many threads. */
gradus_context gradus_openmp_context(void);

#ifdef __cplusplus
}
#endif

#endif /* GRADUS_OPENMP_H */
