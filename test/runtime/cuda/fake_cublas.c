/*===- fake_cublas.c - A libcublas that multiplies on the host -----------------------===*
 *
 * Device memory is that of the fake driver, host memory; what is launched goes into the driver's record. Where a CUDA toolkit is installed this file is compiled
 * against its header, so that each function has the very type of the library's.
 *
 *===----------------------------------------------------------------------------===*/

#include <math.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if __has_include(<cublas_v2.h>)
#include <cublas_v2.h>
#else
#define CUBLASWINAPI
#define CUBLAS_OP_N 0
#define CUBLAS_STATUS_SUCCESS 0
#define CUBLAS_STATUS_NOT_INITIALIZED 1
#define CUBLAS_STATUS_ALLOC_FAILED 3
#define CUBLAS_STATUS_INVALID_VALUE 7
#define CUBLAS_STATUS_EXECUTION_FAILED 13
#define CUBLAS_STATUS_NOT_SUPPORTED 15
#define CUBLAS_COMPUTE_32F 68
#define CUBLAS_COMPUTE_64F 70
#define CUBLAS_COMPUTE_32F_FAST_TF32 77
#define CUDA_R_32F 0
#define CUDA_R_64F 1
#define CUDA_R_16F 2
#define CUDA_R_16BF 14
#define cublasCreate cublasCreate_v2
#define cublasDestroy cublasDestroy_v2
#define cublasSetStream cublasSetStream_v2
#define cublasSetWorkspace cublasSetWorkspace_v2
typedef int cublasStatus_t, cublasOperation_t, cublasMath_t, cublasComputeType_t, cublasGemmAlgo_t, cudaDataType;
typedef struct cublasContext *cublasHandle_t;
typedef struct CUstream_st *cudaStream_t;
#endif

#define VISIBLE __attribute__((visibility("default")))

struct cublasContext {
  cudaStream_t stream;
  void *workspace;
};

static atomic_int handles;
static int failure, mathMode;
static char failing[64];
static int (*launch)(const char *line);

static cublasStatus_t ask(const char *name) { return strcmp(failing, name) == 0 ? (cublasStatus_t)failure : CUBLAS_STATUS_SUCCESS; }
#define ASK(name)                           \
  do {                                      \
    cublasStatus_t const asked = ask(name); \
    if (asked != CUBLAS_STATUS_SUCCESS)     \
      return asked;                         \
  } while (0)

/*===- For the test ---------------------------------------------------------------===*/

/* `fake_launch` of the driver. */
VISIBLE void fake_blas_attach(int (*to)(const char *line)) {
  launch = to;
  failing[0] = 0;
}
VISIBLE void fake_blas_fail(const char *name, int status) {
  snprintf(failing, sizeof(failing), "%s", name);
  failure = status;
}
VISIBLE int fake_blas_handles(void) { return handles; }
VISIBLE int fake_blas_math_mode(void) { return mathMode; }

/*===- The library ----------------------------------------------------------------===*/

VISIBLE const char *CUBLASWINAPI cublasGetStatusName(cublasStatus_t status) {
  (void)status;
  return "CUBLAS_STATUS_FAKE";
}
VISIBLE cublasStatus_t CUBLASWINAPI cublasCreate(cublasHandle_t *handle) {
  ASK("cublasCreate_v2");
  if (launch != NULL && !launch(""))
    return CUBLAS_STATUS_NOT_INITIALIZED;
  ++handles;
  *handle = (cublasHandle_t)calloc(1, sizeof(struct cublasContext));
  return CUBLAS_STATUS_SUCCESS;
}
VISIBLE cublasStatus_t CUBLASWINAPI cublasDestroy(cublasHandle_t handle) {
  --handles;
  free(handle);
  return CUBLAS_STATUS_SUCCESS;
}
VISIBLE cublasStatus_t CUBLASWINAPI cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) {
  (void)handle;
  ASK("cublasSetMathMode");
  mathMode = (int)mode;
  return CUBLAS_STATUS_SUCCESS;
}
/* As the library's: the workspace is again its own. */
VISIBLE cublasStatus_t CUBLASWINAPI cublasSetStream(cublasHandle_t handle, cudaStream_t stream) {
  ASK("cublasSetStream_v2");
  handle->stream = stream;
  handle->workspace = NULL;
  return CUBLAS_STATUS_SUCCESS;
}
VISIBLE cublasStatus_t CUBLASWINAPI cublasSetWorkspace(cublasHandle_t handle, void *workspace, size_t bytes) {
  ASK("cublasSetWorkspace_v2");
  if ((uintptr_t)workspace % 256 != 0 || bytes == 0)
    return CUBLAS_STATUS_INVALID_VALUE;
  handle->workspace = workspace;
  return CUBLAS_STATUS_SUCCESS;
}

static double fromHalf(uint16_t half) {
  int const exponent = half >> 10 & 31, mantissa = half & 1023;
  double const size = exponent == 0 ? ldexp(mantissa, -24) : ldexp(1024 + mantissa, exponent - 25);
  return (half & 0x8000) != 0 ? -size : size;
}

static double load(const void *base, cudaDataType type, long long index, cublasComputeType_t compute) {
  float single;
  uint32_t word;
  if (type == CUDA_R_64F)
    return ((const double *)base)[index];
  if (type == CUDA_R_16F)
    return fromHalf(((const uint16_t *)base)[index]);
  if (type == CUDA_R_16BF)
    word = (uint32_t)((const uint16_t *)base)[index] << 16;
  else
    memcpy(&word, (const float *)base + index, sizeof(word));
  if (compute == CUBLAS_COMPUTE_32F_FAST_TF32)
    word &= 0xffffe000u;
  memcpy(&single, &word, sizeof(single));
  return single;
}

static void multiply(int isTransposedA, int isTransposedB, int m, int n, int k, const char *a, cudaDataType type, int lda, const char *b, int ldb, char *c,
                     cudaDataType result, int ldc, cublasComputeType_t compute) {
  for (int column = 0; column < n; ++column)
    for (int row = 0; row < m; ++row) {
      double sum = 0;
      for (int step = 0; step < k; ++step) {
        long long const inA = isTransposedA ? step + (long long)row * lda : row + (long long)step * lda;
        long long const inB = isTransposedB ? column + (long long)step * ldb : step + (long long)column * ldb;
        sum += load(a, type, inA, compute) * load(b, type, inB, compute);
      }
      long long const at = row + (long long)column * ldc;
      if (result == CUDA_R_64F)
        ((double *)c)[at] = sum;
      else
        ((float *)c)[at] = (float)sum;
    }
}

static int bytesOf(cudaDataType type) { return type == CUDA_R_64F ? 8 : type == CUDA_R_32F ? 4 : 2; }
static const char *nameOf(cudaDataType type) {
  return type == CUDA_R_64F ? "f64" : type == CUDA_R_32F ? "f32" : type == CUDA_R_16F ? "f16" : type == CUDA_R_16BF ? "bf16" : "?";
}

VISIBLE cublasStatus_t CUBLASWINAPI cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m, int n, int k,
                                                               const void *alpha, const void *A, cudaDataType Atype, int lda, long long int strideA, const void *B,
                                                               cudaDataType Btype, int ldb, long long int strideB, const void *beta, void *C, cudaDataType Ctype,
                                                               int ldc, long long int strideC, int batchCount, cublasComputeType_t computeType,
                                                               cublasGemmAlgo_t algo) {
  int const isF64 = computeType == CUBLAS_COMPUTE_64F, isA = transa != CUBLAS_OP_N, isB = transb != CUBLAS_OP_N;
  double const one = isF64 ? *(const double *)alpha : *(const float *)alpha, zero = isF64 ? *(const double *)beta : *(const float *)beta;
  char line[256];
  ASK("cublasGemmStridedBatchedEx");
  if (handle->workspace == NULL) /* the library would allocate one */
    return CUBLAS_STATUS_ALLOC_FAILED;
  if (one != 1 || zero != 0 || m < 1 || n < 1 || k < 1 || lda < (isA ? k : m) || ldb < (isB ? n : k) || ldc < m || (int)algo != -1 || batchCount < 1)
    return CUBLAS_STATUS_INVALID_VALUE;
  if (Atype != Btype || Ctype != (isF64 ? CUDA_R_64F : CUDA_R_32F) || (Atype == CUDA_R_64F) != isF64 ||
      (computeType == CUBLAS_COMPUTE_32F_FAST_TF32 && Atype != CUDA_R_32F))
    return CUBLAS_STATUS_NOT_SUPPORTED;
  snprintf(line, sizeof(line), "gemm %c%c %d x %d x %d of %s by %d", isA ? 'T' : 'N', isB ? 'T' : 'N', m, n, k, nameOf(Atype), (int)computeType);
  if (batchCount > 1)
    snprintf(line + strlen(line), sizeof(line) - strlen(line), ", %d times (%lld, %lld, %lld)", batchCount, strideA, strideB, strideC);
  snprintf(line + strlen(line), sizeof(line) - strlen(line), " on %lx", (unsigned long)(uintptr_t)handle->stream);
  if (launch != NULL && !launch(line))
    return CUBLAS_STATUS_EXECUTION_FAILED;
  for (int item = 0; item < batchCount; ++item)
    multiply(isA, isB, m, n, k, (const char *)A + item * strideA * bytesOf(Atype), Atype, lda, (const char *)B + item * strideB * bytesOf(Btype), ldb,
             (char *)C + item * strideC * bytesOf(Ctype), Ctype, ldc, computeType);
  return CUBLAS_STATUS_SUCCESS;
}

VISIBLE cublasStatus_t CUBLASWINAPI cublasGemmEx(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m, int n, int k, const void *alpha,
                                                 const void *A, cudaDataType Atype, int lda, const void *B, cudaDataType Btype, int ldb, const void *beta, void *C,
                                                 cudaDataType Ctype, int ldc, cublasComputeType_t computeType, cublasGemmAlgo_t algo) {
  ASK("cublasGemmEx");
  return cublasGemmStridedBatchedEx(handle, transa, transb, m, n, k, alpha, A, Atype, lda, 0, B, Btype, ldb, 0, beta, C, Ctype, ldc, 0, 1, computeType, algo);
}
