/*===- cuda_blas.h - What we use of cuBLAS -------------------------------------------===*
 *
 * Not installed. The few types and numbers of its documented API, declared here so that no toolkit is needed to build, and its functions by pointer: those that
 * cuBLAS has from CUDA 11 on. test/runtime/cuda compares all of it with the toolkit's header.
 *
 *===----------------------------------------------------------------------------===*/

#ifndef GRADUS_CUDA_BLAS_H
#define GRADUS_CUDA_BLAS_H

#include "runtime/cuda_internal.h"

typedef int cuda_blas_status; /* 0 is success */
typedef struct cuda_blas_handle_object *cuda_blas_handle;

enum {
  cuda_blas_arch_mismatch = 8,
  cuda_blas_not_supported = 15,
  cuda_blas_as_it_is = 0, /* an operand by its columns */
  cuda_blas_transposed = 1,
  cuda_blas_default_math = 0,
  cuda_blas_whole_sums = 16, /* sums never in the type of the result */
  cuda_blas_default_algorithm = -1,
  cuda_blas_compute_f32 = 68,
  cuda_blas_compute_f64 = 70,
  cuda_blas_compute_tf32 = 77,
  cuda_data_f32 = 0,
  cuda_data_f64 = 1,
  cuda_data_f16 = 2,
  cuda_data_bf16 = 14
};

#define GRADUS_CUDA_BLAS_FUNCTIONS(ROW)                                                                                                 \
  ROW(create, "cublasCreate_v2", (cuda_blas_handle *))                                                                                  \
  ROW(destroy, "cublasDestroy_v2", (cuda_blas_handle))                                                                                  \
  ROW(set_math_mode, "cublasSetMathMode", (cuda_blas_handle, int))                                                                      \
  ROW(set_stream, "cublasSetStream_v2", (cuda_blas_handle, cuda_stream))                                                                \
  ROW(set_workspace, "cublasSetWorkspace_v2", (cuda_blas_handle, void *, size_t))                                                       \
  ROW(gemm, "cublasGemmEx",                                                                                                             \
      (cuda_blas_handle, int, int, int, int, int, const void *, const void *, int, int, const void *, int, int, const void *, void *,   \
       int, int, int, int))                                                                                                             \
  ROW(gemm_batched, "cublasGemmStridedBatchedEx",                                                                                       \
      (cuda_blas_handle, int, int, int, int, int, const void *, const void *, int, int, long long, const void *, int, int, long long,   \
       const void *, void *, int, int, long long, int, int, int))

/** The library with a handle, for one queue. */
struct cuda_blas {
  void *library;
  cuda_blas_handle handle;
  int32_t flags; /**< gradus_cuda_blas_flag */
  gradus_address workspace;
  size_t workspaceBytes;
  cuda_stream stream; /**< of the handle */
  int hasStream;
#define GRADUS_CUDA_BLAS_MEMBER(member, name, arguments) cuda_blas_status(*member) arguments;
  GRADUS_CUDA_BLAS_FUNCTIONS(GRADUS_CUDA_BLAS_MEMBER)
#undef GRADUS_CUDA_BLAS_MEMBER
  /** Null before CUDA 11.4. */
  const char *(*status_name)(cuda_blas_status);
};

#endif /* GRADUS_CUDA_BLAS_H */
