/*===- cuda_blas.c - Products of matrices by cuBLAS ----------------------------------===*
 *
 * cuBLAS takes matrices by their columns: a matrix that lies in rows is its transpose to it. So it is asked for Y^T = B^T A^T. The context is current in all of
 * these functions.
 *
 *===----------------------------------------------------------------------------===*/

#define _DEFAULT_SOURCE /* RTLD_NODELETE, RTLD_NOLOAD */

#include "runtime/cuda_blas.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Its code stays in the process when a queue gives it up: it is large, and another queue would read all of it again. */
enum { textBytes = 240, openWay = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE };

static gradus_status fail(const cuda_blas *blas, const gradus_context *context, const char *what, cuda_blas_status status) {
  char text[textBytes];
  (void)snprintf(text, sizeof(text), "%s: %s (%d)", what, blas->status_name != NULL ? blas->status_name(status) : "cuBLAS gives status", status);
  return gradus_cuda_fail(context, GRADUS_ERROR_DEVICE, text);
}

/*===- The library ----------------------------------------------------------------===*/

/* POSIX promises that the pointer to an object which dlsym gives is that of the function; C has no cast for it. */
static int find(const cuda_blas *blas, const char *name, void *pointer, size_t size) {
  void *const found = dlsym(blas->library, name);
  memcpy(pointer, &found, size);
  return found != NULL;
}

static gradus_status findFunctions(cuda_blas *blas, const gradus_context *context, const char *library) {
  char text[textBytes];
#define GRADUS_CUDA_BLAS_FIND(member, name, arguments)                                                  \
  if (!find(blas, name, &blas->member, sizeof(blas->member))) {                                         \
    (void)snprintf(text, sizeof(text), "cuBLAS '%s' has no function %s: it is too old", library, name); \
    return gradus_cuda_fail(context, GRADUS_ERROR_DEVICE, text);                                        \
  }
  GRADUS_CUDA_BLAS_FUNCTIONS(GRADUS_CUDA_BLAS_FIND)
#undef GRADUS_CUDA_BLAS_FIND
  (void)find(blas, "cublasGetStatusName", &blas->status_name, sizeof(blas->status_name));
  return GRADUS_OK;
}

/* The one that the process has already, of the application or of what it uses; else the newest that is here. */
static void *openAny(void) {
  static const char *const names[] = {"libcublas.so.13", "libcublas.so.12", "libcublas.so.11"};
  static const int ways[] = {openWay | RTLD_NOLOAD, openWay};
  size_t way, k;
  for (way = 0; way < 2; ++way)
    for (k = 0; k < sizeof(names) / sizeof(names[0]); ++k) {
      void *const library = dlopen(names[k], ways[way]);
      if (library != NULL)
        return library;
    }
  return NULL;
}

static gradus_status openLibrary(cuda_blas *blas, const gradus_context *context, const char *library) {
  char text[textBytes];
  const char *reason;
  blas->library = library != NULL ? dlopen(library, openWay) : openAny();
  if (blas->library != NULL)
    return findFunctions(blas, context, library != NULL ? library : "libcublas.so");
  reason = library != NULL ? dlerror() : "libcublas.so.13, libcublas.so.12 or libcublas.so.11, which the CUDA toolkit has";
  (void)snprintf(text, sizeof(text), "there is no cuBLAS here: %s", reason != NULL ? reason : library);
  return gradus_cuda_fail(context, GRADUS_ERROR_DEVICE, text);
}

/* A new stream takes the workspace from the handle. */
static gradus_status useStream(cuda_blas *blas, const gradus_context *context, cuda_stream stream) {
  cuda_blas_status status;
  if (blas->hasStream && blas->stream == stream)
    return GRADUS_OK;
  blas->hasStream = 0;
  status = blas->set_stream(blas->handle, stream);
  if (status == 0)
    status = blas->set_workspace(blas->handle, gradus_to_pointer(blas->workspace), blas->workspaceBytes);
  if (status != 0)
    return fail(blas, context, "cuBLAS does not take the stream and the workspace", status);
  blas->stream = stream;
  blas->hasStream = 1;
  return GRADUS_OK;
}

gradus_status gradus_cuda_blas_open(const gradus_context *context, const char *library, int32_t flags, cuda_stream stream, gradus_address workspace, size_t bytes,
                                    cuda_blas **out) {
  gradus_status status;
  cuda_blas *blas;
  *out = NULL;
  if ((flags & ~GRADUS_CUDA_BLAS_TF32) != 0)
    return gradus_cuda_fail(context, GRADUS_ERROR_INTERVAL, "flags for cuBLAS that are not known");
  if (workspace % 256 != 0 || bytes < GRADUS_CUDA_BLAS_LEAST_WORKSPACE)
    return gradus_cuda_fail(context, GRADUS_ERROR_WORKSPACE, "cuBLAS needs a workspace of at least 16,384 bytes at a multiple of 256");
  blas = (cuda_blas *)calloc(1, sizeof(*blas));
  if (blas == NULL)
    return gradus_cuda_fail(context, GRADUS_ERROR_DEVICE, "there is no memory for cuBLAS");
  blas->flags = flags;
  blas->workspace = workspace;
  blas->workspaceBytes = bytes;
  status = openLibrary(blas, context, library);
  if (status == GRADUS_OK) {
    cuda_blas_status result = blas->create(&blas->handle);
    if (result == 0)
      result = blas->set_math_mode(blas->handle, cuda_blas_default_math | cuda_blas_whole_sums);
    if (result != 0)
      status = fail(blas, context, "cuBLAS does not start", result);
  }
  if (status == GRADUS_OK)
    status = useStream(blas, context, stream);
  if (status == GRADUS_OK)
    *out = blas;
  else
    gradus_cuda_blas_close(blas);
  return status;
}

void gradus_cuda_blas_close(cuda_blas *blas) {
  if (blas == NULL)
    return;
  if (blas->handle != NULL)
    (void)blas->destroy(blas->handle);
  if (blas->library != NULL)
    (void)dlclose(blas->library);
  free(blas);
}

/*===- Products -------------------------------------------------------------------===*/

/* What cuBLAS takes for the columns of a transpose: whether they are the rows of the matrix or its columns, and how far apart. 0: neither has its elements one after
   the other. */
static int describe(int64_t rows, int64_t columns, int64_t row, int64_t column, int *how, int *apart) {
  int const isInRows = column == 1 && row >= columns;
  *how = isInRows ? cuda_blas_as_it_is : cuda_blas_transposed;
  *apart = (int)(isInRows ? row : column);
  return row <= INT_MAX && column <= INT_MAX && (isInRows || (row == 1 && column >= rows));
}

/* The type of operands and what sums are made in. 0 for another. */
static int describeType(const cuda_blas *blas, int32_t dtype, int *type, int *compute) {
  *compute = cuda_blas_compute_f32;
  switch (dtype) {
  case GRADUS_F64:
    *type = cuda_data_f64;
    *compute = cuda_blas_compute_f64;
    return 1;
  case GRADUS_F32:
    *type = cuda_data_f32;
    if ((blas->flags & GRADUS_CUDA_BLAS_TF32) != 0)
      *compute = cuda_blas_compute_tf32;
    return 1;
  case GRADUS_BF16:
    *type = cuda_data_bf16;
    return 1;
  case GRADUS_F16:
    *type = cuda_data_f16;
    return 1;
  default:
    return 0;
  }
}

int32_t gradus_cuda_blas_product(cuda_blas *blas, const gradus_context *context, cuda_stream stream, const gradus_device_product *what) {
  static const float one = 1, zero = 0;
  static const double one64 = 1, zero64 = 0;
  int const isF64 = what->dtype == GRADUS_F64, result = isF64 ? cuda_data_f64 : cuda_data_f32;
  const void *const alpha = isF64 ? (const void *)&one64 : (const void *)&one, *const beta = isF64 ? (const void *)&zero64 : (const void *)&zero;
  const void *const a = gradus_to_pointer(what->a), *const b = gradus_to_pointer(what->b);
  void *const y = gradus_to_pointer(what->y);
  int howA, howB, apartA, apartB, type, compute;
  int const m = (int)what->columns, n = (int)what->rows, k = (int)what->inner, apart = (int)what->y_row;
  cuda_blas_status status;
  if (what->rows > INT_MAX || what->columns > INT_MAX || what->inner > INT_MAX || what->y_row > INT_MAX || what->count > INT_MAX ||
      what->result != (isF64 ? GRADUS_F64 : GRADUS_F32) || !describeType(blas, what->dtype, &type, &compute) ||
      !describe(what->rows, what->inner, what->a_row, what->a_column, &howA, &apartA) ||
      !describe(what->inner, what->columns, what->b_row, what->b_column, &howB, &apartB))
    return GRADUS_DECLINED;
  if (useStream(blas, context, stream) != GRADUS_OK)
    return GRADUS_ERROR_DEVICE;
  if (what->count == 1)
    status = blas->gemm(blas->handle, howB, howA, m, n, k, alpha, b, type, apartB, a, type, apartA, beta, y, result, apart, compute, cuda_blas_default_algorithm);
  else
    status = blas->gemm_batched(blas->handle, howB, howA, m, n, k, alpha, b, type, apartB, what->b_next, a, type, apartA, what->a_next, beta, y, result, apart,
                                what->y_next, (int)what->count, compute, cuda_blas_default_algorithm);
  if (status == cuda_blas_not_supported || status == cuda_blas_arch_mismatch)
    return GRADUS_DECLINED;
  return status == 0 ? GRADUS_OK : (int32_t)fail(blas, context, "cuBLAS does not multiply", status);
}
