//===- BlasTypesTest.cpp - What we declare of cuBLAS is what its header declares ----===//
//
// Compiled where a CUDA toolkit is here.
//
//===----------------------------------------------------------------------===//

#include "runtime/cuda_blas.h"

#include <cublas_v2.h>

#include <gtest/gtest.h>

#include <type_traits>

namespace {

/// One parameter: a pointer for a pointer, and of anything else the same size and kind, enumerations as the integers that they are.
template <typename Ours, typename Theirs>
constexpr bool isSameParameter() {
  if constexpr (std::is_pointer_v<Theirs>)
    return std::is_pointer_v<Ours>;
  else
    return sizeof(Ours) == sizeof(Theirs) && std::is_integral_v<Ours> &&
           (std::is_enum_v<Theirs> || (std::is_integral_v<Theirs> && std::is_signed_v<Ours> == std::is_signed_v<Theirs>));
}

template <typename Ours, typename... OurArguments, typename Theirs, typename... TheirArguments>
constexpr bool isSame(Ours (*)(OurArguments...), Theirs (*)(TheirArguments...)) {
  if constexpr (sizeof...(OurArguments) != sizeof...(TheirArguments))
    return false;
  else
    return isSameParameter<Ours, Theirs>() && (isSameParameter<OurArguments, TheirArguments>() && ...);
}

// C++ has overloads of these that take an older type of the sums.
using Gemm = cublasStatus_t (*)(cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int, const void *, const void *, cudaDataType, int, const void *,
                                cudaDataType, int, const void *, void *, cudaDataType, int, cublasComputeType_t, cublasGemmAlgo_t);
using GemmBatched = cublasStatus_t (*)(cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int, const void *, const void *, cudaDataType, int,
                                       long long, const void *, cudaDataType, int, long long, const void *, void *, cudaDataType, int, long long, int,
                                       cublasComputeType_t, cublasGemmAlgo_t);
[[maybe_unused]] Gemm gemm = cublasGemmEx;
[[maybe_unused]] GemmBatched gemmBatched = cublasGemmStridedBatchedEx;

constexpr cuda_blas ours{};
static_assert(isSame(ours.create, decltype (&cublasCreate_v2)(nullptr)));
static_assert(isSame(ours.destroy, decltype (&cublasDestroy_v2)(nullptr)));
static_assert(isSame(ours.set_math_mode, decltype (&cublasSetMathMode)(nullptr)));
static_assert(isSame(ours.set_stream, decltype (&cublasSetStream_v2)(nullptr)));
static_assert(isSame(ours.set_workspace, decltype (&cublasSetWorkspace_v2)(nullptr)));
static_assert(isSame(ours.status_name, decltype (&cublasGetStatusName)(nullptr)));
static_assert(isSame(ours.gemm, Gemm(nullptr)));
static_assert(isSame(ours.gemm_batched, GemmBatched(nullptr)));
static_assert(!isSame(ours.gemm, GemmBatched(nullptr)) && !isSame(ours.set_stream, decltype (&cublasSetMathMode)(nullptr)), "the comparison sees differences");

} // namespace

TEST(BlasTypes, areThoseOfTheToolkit) {
  EXPECT_EQ(int(cuda_blas_arch_mismatch), int(CUBLAS_STATUS_ARCH_MISMATCH));
  EXPECT_EQ(int(cuda_blas_not_supported), int(CUBLAS_STATUS_NOT_SUPPORTED));
  EXPECT_EQ(int(cuda_blas_as_it_is), int(CUBLAS_OP_N));
  EXPECT_EQ(int(cuda_blas_transposed), int(CUBLAS_OP_T));
  EXPECT_EQ(int(cuda_blas_default_math), int(CUBLAS_DEFAULT_MATH));
  EXPECT_EQ(int(cuda_blas_whole_sums), int(CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION));
  EXPECT_EQ(int(cuda_blas_default_algorithm), int(CUBLAS_GEMM_DEFAULT));
  EXPECT_EQ(int(cuda_blas_compute_f32), int(CUBLAS_COMPUTE_32F));
  EXPECT_EQ(int(cuda_blas_compute_f64), int(CUBLAS_COMPUTE_64F));
  EXPECT_EQ(int(cuda_blas_compute_tf32), int(CUBLAS_COMPUTE_32F_FAST_TF32));
  EXPECT_EQ(int(cuda_data_f32), int(CUDA_R_32F));
  EXPECT_EQ(int(cuda_data_f64), int(CUDA_R_64F));
  EXPECT_EQ(int(cuda_data_f16), int(CUDA_R_16F));
  EXPECT_EQ(int(cuda_data_bf16), int(CUDA_R_16BF));
}
