/*===- cuda_internal.h - What the files of Gradus::cuda share ------------------------===*
 *
 * Not installed.
 *
 *===----------------------------------------------------------------------------===*/

#ifndef GRADUS_CUDA_INTERNAL_H
#define GRADUS_CUDA_INTERNAL_H

#include "runtime/cuda_driver.h"
#include "runtime/gradus_cuda.h"

#include <pthread.h>

/** The code of one gradus_device_module in the context. */
typedef struct cuda_loaded {
  uint64_t content;
  cuda_module module;
  cuda_function *functions; /**< n_kernels */
  struct cuda_loaded *next;
} cuda_loaded;

struct gradus_cuda {
  cuda_driver driver;
  gradus_context errors; /**< the sink of who has opened it */
  cuda_device device;
  cuda_context context;
  int isPrimary; /**< the context is retained by us */
  int32_t architecture;
  int version; /**< of the driver: 12040 for 12.4 */
  uint64_t maxGroups; /**< of one launch */
  char name[128];
  cuda_module updates[2];
  cuda_function update[2]; /**< for few bytes, and for many; the latter may be null */
  pthread_mutex_t mutex; /**< of `loaded`, whose elements stay where they are */
  cuda_loaded *loaded;
};

/** Tells the sink "gradus_cuda: text" and returns the status. */
gradus_status gradus_cuda_fail(const gradus_context *context, gradus_status status, const char *text);
/** The same for what a function of the driver has returned: "what: CUDA_ERROR_NAME, description". */
gradus_status gradus_cuda_fail_driver(const gradus_cuda *cuda, const gradus_context *context, const char *what, cuda_result result);

/** Makes the context of `cuda` current. 0 where that fails. */
int gradus_cuda_enter(const gradus_cuda *cuda, const gradus_context *context);
/** Makes the one current again that was so before. */
void gradus_cuda_leave(const gradus_cuda *cuda);

/** The module's code, loaded once. Null where that fails; the sink knows why. The context is current. */
const cuda_loaded *gradus_cuda_find(gradus_cuda *cuda, const gradus_context *context, const gradus_device_module *module);
/** Our own module from PTX. The context is current. */
gradus_status gradus_cuda_load_update(gradus_cuda *cuda, const gradus_context *context);
/** All modules. The context is current. */
void gradus_cuda_unload(gradus_cuda *cuda);

/** cuBLAS for a queue (cuda_blas.h). The context is current in these. */
typedef struct cuda_blas cuda_blas;
gradus_status gradus_cuda_blas_open(const gradus_context *context, const char *library, int32_t flags, cuda_stream stream, gradus_address workspace, size_t bytes,
                                    cuda_blas **blas);
/** Null does nothing. */
void gradus_cuda_blas_close(cuda_blas *blas);
/** As the hook of gradus_device. */
int32_t gradus_cuda_blas_product(cuda_blas *blas, const gradus_context *context, cuda_stream stream, const gradus_device_product *what);

#endif /* GRADUS_CUDA_INTERNAL_H */
