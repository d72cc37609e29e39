//===- DlpackTest.cpp - Tensors to and from DLTensor -------------------------------===//

#include "runtime/gradus_dlpack.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>

// The layout of DLTensor on 64-bit machines, as dlpack.h declares it.
static_assert(sizeof(gradus_dltensor) == 48);
static_assert(offsetof(gradus_dltensor, device) == 8);
static_assert(offsetof(gradus_dltensor, ndim) == 16);
static_assert(offsetof(gradus_dltensor, dtype) == 20);
static_assert(offsetof(gradus_dltensor, shape) == 24);
static_assert(offsetof(gradus_dltensor, strides) == 32);
static_assert(offsetof(gradus_dltensor, byte_offset) == 40);

TEST(Dlpack, goesThereAndBack) {
  std::array<float, 6> data{};
  std::array<int64_t, 2> dims{2, 3}, strides{3, 1};
  for (int32_t dtype : {GRADUS_F16, GRADUS_BF16, GRADUS_F32, GRADUS_F64, GRADUS_I32, GRADUS_I64, GRADUS_BOOL}) {
    gradus_tensor const from{data.data(), dims.data(), strides.data(), 2, dtype, GRADUS_CPU, 3};
    gradus_dltensor between{};
    gradus_tensor to{};
    ASSERT_EQ(gradus_to_dlpack(&from, &between), GRADUS_OK);
    EXPECT_EQ(between.dtype.bits, 8 * gradus_dtype_size(dtype));
    EXPECT_EQ(between.dtype.lanes, 1);
    EXPECT_EQ(between.byte_offset, 0u);
    ASSERT_EQ(gradus_from_dlpack(&between, &to), GRADUS_OK);
    EXPECT_EQ(to.data, from.data);
    EXPECT_EQ(to.dims, from.dims);
    EXPECT_EQ(to.strides, from.strides);
    EXPECT_EQ(to.rank, 2);
    EXPECT_EQ(to.dtype, dtype);
    EXPECT_EQ(to.device_type, GRADUS_CPU);
    EXPECT_EQ(to.device_id, 3);
  }
}

TEST(Dlpack, addsTheByteOffset) {
  std::array<float, 6> data{};
  std::array<int64_t, 1> dims{2};
  gradus_dltensor const from{data.data(), {GRADUS_CPU, 0}, 1, {2, 32, 1}, dims.data(), nullptr, 8};
  gradus_tensor to{};
  ASSERT_EQ(gradus_from_dlpack(&from, &to), GRADUS_OK);
  EXPECT_EQ(to.data, data.data() + 2);
}

TEST(Dlpack, refusesWhatGradusHasNot) {
  std::array<int64_t, 1> dims{2};
  gradus_tensor to{};
  gradus_dltensor complex{nullptr, {GRADUS_CPU, 0}, 1, {5, 64, 1}, dims.data(), nullptr, 0};
  EXPECT_EQ(gradus_from_dlpack(&complex, &to), GRADUS_ERROR_DTYPE);
  gradus_dltensor lanes{nullptr, {GRADUS_CPU, 0}, 1, {2, 32, 4}, dims.data(), nullptr, 0};
  EXPECT_EQ(gradus_from_dlpack(&lanes, &to), GRADUS_ERROR_DTYPE);
  gradus_dltensor deep{nullptr, {GRADUS_CPU, 0}, 9, {2, 32, 1}, dims.data(), nullptr, 0};
  EXPECT_EQ(gradus_from_dlpack(&deep, &to), GRADUS_ERROR_RANK);
  gradus_dltensor shapeless{nullptr, {GRADUS_CPU, 0}, 1, {2, 32, 1}, nullptr, nullptr, 0};
  EXPECT_EQ(gradus_from_dlpack(&shapeless, &to), GRADUS_ERROR_NULL);
  EXPECT_EQ(gradus_from_dlpack(nullptr, &to), GRADUS_ERROR_NULL);
  EXPECT_EQ(to.dtype, 0);
}
