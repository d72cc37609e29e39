//===- BlasTest.cpp - What the runtime asks of cuBLAS -------------------------------===//
//
// Driver and library are recorders that compute on the host (fake_driver.c, fake_cublas.c), so that this runs where there is no GPU.
//
//===----------------------------------------------------------------------===//

#include "test/runtime/cuda/Fake.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

using runtime_test::Fake;
using runtime_test::FakeBlas;
using runtime_test::Sink;

namespace {

/// A queue on a stream; matrices lie in host memory.
class Blas : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_TRUE(fake.isThere() && blas.isThere());
    ASSERT_EQ(gradus_cuda_open(&sink.context, Fake::path, -1, &cuda), GRADUS_OK) << sink.said;
    ASSERT_EQ(gradus_cuda_queue_open(cuda, reinterpret_cast<void *>(0x77), &queue), GRADUS_OK);
    device = gradus_cuda_queue_device(queue);
  }
  void TearDown() override {
    gradus_cuda_queue_close(queue);
    EXPECT_EQ(blas.handles(), 0);
    gradus_cuda_close(cuda);
    EXPECT_EQ(fake.depth(), 0);
  }
  gradus_status use(int32_t flags = 0, const char *library = FakeBlas::path) {
    return gradus_cuda_queue_use_blas(queue, library, flags, gradus_to_address(workspace), sizeof(workspace));
  }
  int32_t multiply(const gradus_device_product &what) { return device->product(device->user, &what); }
  std::string reason() {
    const char *text = device->reason(device->user);
    return text ? text : "";
  }

  Fake fake;
  FakeBlas blas{fake};
  Sink sink;
  gradus_cuda *cuda = nullptr;
  gradus_cuda_queue *queue = nullptr;
  gradus_device *device = nullptr;
  alignas(256) char workspace[GRADUS_CUDA_BLAS_LEAST_WORKSPACE];
};

/// Whole numbers, of which every sum here is exact in any type.
template <typename Number>
std::vector<Number> numbers(int64_t count, int seed) {
  std::vector<Number> all(static_cast<size_t>(count));
  for (int64_t k = 0; k < count; ++k)
    all[static_cast<size_t>(k)] = static_cast<Number>((k * 7 + seed) % 11 - 5);
  return all;
}

/// A product of A [rows, inner] and B [inner, columns], each in rows or in columns, `count` of them.
template <typename Number>
struct Case {
  static constexpr int32_t dtype = sizeof(Number) == 8 ? GRADUS_F64 : GRADUS_F32;
  gradus_device_product what{};
  std::vector<Number> a, b, y;

  Case(bool isTransposedA, bool isTransposedB, int64_t count = 1, int64_t rows = 5, int64_t columns = 7, int64_t inner = 3)
      : a(numbers<Number>(count * rows * inner, 1)), b(numbers<Number>(count * inner * columns, 2)), y(static_cast<size_t>(count * rows * columns), Number(-99)) {
    what.dtype = what.result = dtype;
    what.count = count;
    what.rows = rows;
    what.columns = columns;
    what.inner = inner;
    what.a = gradus_to_address(a.data());
    what.a_row = isTransposedA ? 1 : inner;
    what.a_column = isTransposedA ? rows : 1;
    what.a_next = rows * inner;
    what.b = gradus_to_address(b.data());
    what.b_row = isTransposedB ? 1 : columns;
    what.b_column = isTransposedB ? inner : 1;
    what.b_next = inner * columns;
    what.y = gradus_to_address(y.data());
    what.y_row = columns;
    what.y_next = rows * columns;
  }
  std::vector<Number> expected() const {
    std::vector<Number> all(y.size());
    for (int64_t n = 0; n < what.count; ++n)
      for (int64_t i = 0; i < what.rows; ++i)
        for (int64_t j = 0; j < what.columns; ++j) {
          Number sum = 0;
          for (int64_t k = 0; k < what.inner; ++k)
            sum += a[static_cast<size_t>(n * what.a_next + i * what.a_row + k * what.a_column)] * b[static_cast<size_t>(n * what.b_next + k * what.b_row + j * what.b_column)];
          all[static_cast<size_t>(n * what.y_next + i * what.y_row + j)] = sum;
        }
    return all;
  }
};

} // namespace

TEST_F(Blas, isOffUntilItIsAskedFor) {
  EXPECT_EQ(device->product, nullptr);
  EXPECT_EQ(gradus_cuda_queue_products(queue), 0u);
  EXPECT_EQ(blas.handles(), 0);
}

TEST_F(Blas, multipliesInEveryLayout) {
  ASSERT_EQ(use(), GRADUS_OK) << sink.said;
  EXPECT_GT(device->least_product, 0);
  EXPECT_EQ(blas.mathMode(), 16); // the default one, with sums in the type of sums
  const char *const lines[] = {"gemm NN 7 x 5 x 3", "gemm TN 7 x 5 x 3", "gemm NT 7 x 5 x 3", "gemm TT 7 x 5 x 3"};
  for (int layout = 0; layout < 4; ++layout) {
    Case<float> single(layout >= 2, layout % 2 == 1);
    EXPECT_EQ(multiply(single.what), GRADUS_OK) << reason();
    EXPECT_EQ(single.y, single.expected()) << layout;
    EXPECT_EQ(fake.takeRecord(), std::string(lines[layout]) + " of f32 by 68 on 77\n"); // the transpose of the result: B comes first
    Case<double> wide(layout >= 2, layout % 2 == 1);
    EXPECT_EQ(multiply(wide.what), GRADUS_OK) << reason();
    EXPECT_EQ(wide.y, wide.expected()) << layout;
    EXPECT_EQ(fake.takeRecord(), std::string(lines[layout]) + " of f64 by 70 on 77\n");
  }
  EXPECT_EQ(gradus_cuda_queue_products(queue), 8u);
}

TEST_F(Blas, multipliesStacks) {
  ASSERT_EQ(use(), GRADUS_OK) << sink.said;
  Case<float> stack(false, true, 4);
  EXPECT_EQ(multiply(stack.what), GRADUS_OK) << reason();
  EXPECT_EQ(stack.y, stack.expected());
  EXPECT_EQ(fake.takeRecord(), "gemm TN 7 x 5 x 3 of f32 by 68, 4 times (21, 15, 35) on 77\n");
  Case<float> shared(false, false, 4);
  shared.what.b_next = 0; // all have the same B
  EXPECT_EQ(multiply(shared.what), GRADUS_OK) << reason();
  EXPECT_EQ(shared.y, shared.expected());
}

TEST_F(Blas, takesRowsWithGaps) {
  ASSERT_EQ(use(), GRADUS_OK) << sink.said;
  Case<double> part(false, true, 1, 2, 3, 4);
  part.a = numbers<double>(2 * 6, 3);
  part.what.a = gradus_to_address(part.a.data());
  part.what.a_row = 6;
  part.b = numbers<double>(3 * 5, 4);
  part.what.b = gradus_to_address(part.b.data());
  part.what.b_column = 5;
  part.y.assign(2 * 4, -99);
  part.what.y = gradus_to_address(part.y.data());
  part.what.y_row = 4;
  std::vector<double> expected = part.expected();
  expected[3] = expected[7] = -99;
  EXPECT_EQ(multiply(part.what), GRADUS_OK) << reason();
  EXPECT_EQ(part.y, expected);
}

TEST_F(Blas, sumsSixteenBitsInF32) {
  ASSERT_EQ(use(GRADUS_CUDA_BLAS_TF32), GRADUS_OK) << sink.said;
  for (int32_t dtype : {GRADUS_BF16, GRADUS_F16}) {
    Case<float> all(false, true);
    std::vector<uint16_t> a(all.a.size()), b(all.b.size());
    auto toBits = [&](float number) {
      uint32_t word = 0;
      std::memcpy(&word, &number, sizeof(word));
      if (dtype == GRADUS_BF16 || word << 1 == 0)
        return static_cast<uint16_t>(word >> 16);
      return static_cast<uint16_t>((word >> 16 & 0x8000) | (((word >> 13) - (112u << 10)) & 0x7fff)); // of small whole numbers
    };
    std::transform(all.a.begin(), all.a.end(), a.begin(), toBits);
    std::transform(all.b.begin(), all.b.end(), b.begin(), toBits);
    all.what.dtype = dtype;
    all.what.a = gradus_to_address(a.data());
    all.what.b = gradus_to_address(b.data());
    EXPECT_EQ(multiply(all.what), GRADUS_OK) << reason();
    EXPECT_EQ(all.y, all.expected());
    EXPECT_EQ(fake.takeRecord(), std::string("gemm TN 7 x 5 x 3 of ") + (dtype == GRADUS_BF16 ? "bf16" : "f16") + " by 68 on 77\n");
  }
}

TEST_F(Blas, roundsElementsOnlyWhereItMay) {
  for (int32_t flags : {0, int32_t(GRADUS_CUDA_BLAS_TF32)}) {
    ASSERT_EQ(use(flags), GRADUS_OK) << sink.said;
    EXPECT_EQ(blas.handles(), 1); // the former one is gone
    Case<float> fine(false, false, 1, 1, 1, 2);
    fine.a = {1 + 0x1p-20f, 0};
    fine.b = {1, 0};
    fine.what.a = gradus_to_address(fine.a.data());
    fine.what.b = gradus_to_address(fine.b.data());
    EXPECT_EQ(multiply(fine.what), GRADUS_OK) << reason();
    EXPECT_EQ(fine.y[0], flags ? 1.0f : 1 + 0x1p-20f);
    Case<double> wide(false, false); // f64 is never rounded
    EXPECT_EQ(multiply(wide.what), GRADUS_OK) << reason();
    EXPECT_NE(fake.takeRecord().find("of f64 by 70"), std::string::npos);
  }
}

TEST_F(Blas, declinesWhatItCannotTake) {
  ASSERT_EQ(use(), GRADUS_OK) << sink.said;
  Case<float> good(false, false);
  auto decline = [&](auto change) {
    gradus_device_product what = good.what;
    change(what);
    EXPECT_EQ(multiply(what), GRADUS_DECLINED);
  };
  int64_t const large = int64_t(1) << 31;
  decline([&](gradus_device_product &what) { what.rows = large; });
  decline([&](gradus_device_product &what) { what.columns = what.b_row = large; });
  decline([&](gradus_device_product &what) { what.inner = what.a_row = large; });
  decline([&](gradus_device_product &what) { what.count = large; });
  decline([&](gradus_device_product &what) { what.y_row = large; });
  decline([&](gradus_device_product &what) { what.a_column = 2; });
  decline([&](gradus_device_product &what) { what.b_column = 2; });
  decline([&](gradus_device_product &what) { what.dtype = GRADUS_I32; });
  decline([&](gradus_device_product &what) { what.result = GRADUS_F64; });
  for (int status : {8, 15}) { // what this device or version has no code for
    blas.fail("cublasGemmEx", status);
    EXPECT_EQ(multiply(good.what), GRADUS_DECLINED);
  }
  EXPECT_EQ(fake.takeRecord(), "");
  EXPECT_EQ(gradus_cuda_queue_products(queue), 0u);
}

TEST_F(Blas, saysWhatFails) {
  ASSERT_EQ(use(), GRADUS_OK) << sink.said;
  Case<float> one(false, false), stack(false, false, 3);
  blas.fail("cublasGemmEx", 13);
  EXPECT_EQ(multiply(one.what), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(reason(), "cuBLAS does not multiply: CUBLAS_STATUS_FAKE (13)");
  blas.fail("cublasGemmStridedBatchedEx", 14);
  EXPECT_EQ(multiply(stack.what), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(reason(), "cuBLAS does not multiply: CUBLAS_STATUS_FAKE (14)");
  blas.fail("", 0);
  EXPECT_EQ(multiply(one.what), GRADUS_OK);
  fake.fail("cuCtxPushCurrent", 201);
  EXPECT_EQ(multiply(one.what), GRADUS_ERROR_DEVICE);
  fake.fail("", 0);
}

TEST_F(Blas, goesToTheStreamInUse) {
  ASSERT_EQ(use(), GRADUS_OK) << sink.said;
  Case<float> one(false, false);
  ASSERT_EQ(gradus_cuda_queue_use(queue, reinterpret_cast<void *>(0x99)), GRADUS_OK);
  EXPECT_EQ(multiply(one.what), GRADUS_OK) << reason(); // in the same workspace, which a new stream takes from the handle
  EXPECT_EQ(fake.takeRecord(), "gemm NN 7 x 5 x 3 of f32 by 68 on 99\n");
  ASSERT_EQ(gradus_cuda_queue_use(queue, reinterpret_cast<void *>(0x77)), GRADUS_OK);
  blas.fail("cublasSetWorkspace_v2", 7);
  EXPECT_EQ(multiply(one.what), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(reason(), "cuBLAS does not take the stream and the workspace: CUBLAS_STATUS_FAKE (7)");
  blas.fail("", 0);
  EXPECT_EQ(multiply(one.what), GRADUS_OK) << reason();
  EXPECT_EQ(fake.takeRecord(), "gemm NN 7 x 5 x 3 of f32 by 68 on 77\n");
}

TEST_F(Blas, hasAHandleForEachQueue) {
  constexpr size_t count = 4, rounds = 20;
  struct alignas(256) Workspace {
    char bytes[GRADUS_CUDA_BLAS_LEAST_WORKSPACE];
  };
  auto workspaces = std::make_unique<Workspace[]>(count);
  std::vector<std::thread> threads;
  std::vector<size_t> right(count);
  std::vector<int> ready(count);
  for (size_t k = 0; k < count; ++k)
    threads.emplace_back([&, k] {
      gradus_cuda_queue *own = nullptr;
      if (gradus_cuda_queue_open(cuda, reinterpret_cast<void *>(0x100 + k), &own) != GRADUS_OK)
        return;
      gradus_device *to = gradus_cuda_queue_device(own);
      ready[k] = gradus_cuda_queue_use_blas(own, FakeBlas::path, 0, gradus_to_address(&workspaces[k]), sizeof(Workspace)) == GRADUS_OK;
      for (size_t round = 0; ready[k] && round < rounds; ++round) {
        Case<double> one(k % 2 == 1, round % 2 == 1, 1, static_cast<int64_t>(k) + 2);
        right[k] += to->product(to->user, &one.what) == GRADUS_OK && one.y == one.expected();
      }
      gradus_cuda_queue_close(own);
    });
  for (std::thread &thread : threads)
    thread.join();
  std::string const record = fake.takeRecord();
  for (size_t k = 0; k < count; ++k) {
    EXPECT_EQ(right[k], rounds);
    std::string const end = " on 10" + std::to_string(k) + "\n";
    size_t lines = 0;
    for (size_t at = record.find(end); at != std::string::npos; at = record.find(end, at + 1))
      ++lines;
    EXPECT_EQ(lines, rounds) << record;
  }
}

TEST_F(Blas, takesTheOneThatTheProcessHas) {
  if (void *newer = dlopen("libcublas.so.13", RTLD_NOW | RTLD_NOLOAD)) { // of a toolkit, by a test before
    dlclose(newer);
    GTEST_SKIP() << "this process has another cuBLAS";
  }
  ASSERT_EQ(use(0, nullptr), GRADUS_OK) << sink.said; // the fake one calls itself libcublas.so.12
  EXPECT_EQ(blas.handles(), 1);
  Case<float> one(false, false);
  EXPECT_EQ(multiply(one.what), GRADUS_OK) << reason();
  EXPECT_EQ(one.y, one.expected());
}

TEST_F(Blas, comesBehindWhatIsHeldBack) {
  ASSERT_EQ(use(), GRADUS_OK) << sink.said;
  Case<float> one(false, false);
  std::vector<float> const before = one.expected();
  std::vector<float> later(one.a.size(), 1);
  EXPECT_EQ(device->update(device->user, one.what.a, later.data(), later.size() * sizeof(float)), GRADUS_OK);
  EXPECT_EQ(multiply(one.what), GRADUS_OK) << reason();
  EXPECT_EQ(fake.takeRecord(), "update 60 on 77\ngemm NN 7 x 5 x 3 of f32 by 68 on 77\n");
  EXPECT_NE(one.y, before);
  EXPECT_EQ(one.y, one.expected());
}

TEST_F(Blas, isRecordedInAGraph) {
  ASSERT_EQ(use(), GRADUS_OK) << sink.said;
  Case<float> one(false, false);
  fake.push(fake.primaryContext(0));
  fake.beginCapture();
  EXPECT_EQ(multiply(one.what), GRADUS_OK) << reason();
  EXPECT_EQ(fake.endCapture(), 1u);
  fake.pop();
}

TEST_F(Blas, endsWhereItIsGivenUp) {
  ASSERT_EQ(use(), GRADUS_OK) << sink.said;
  EXPECT_EQ(blas.handles(), 1);
  EXPECT_EQ(gradus_cuda_queue_use_blas(queue, nullptr, 0, 0, 0), GRADUS_OK);
  EXPECT_EQ(device->product, nullptr);
  EXPECT_EQ(blas.handles(), 0);
}

TEST_F(Blas, saysWhyItDoesNotStart) {
  EXPECT_EQ(use(0, "libgradus_none.so"), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(sink.said.find("gradus_cuda: there is no cuBLAS here: libgradus_none.so: "), 0u) << sink.said;
  EXPECT_EQ(device->product, nullptr);
  sink.said.clear();
  EXPECT_EQ(use(0, "libm.so.6"), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(sink.said, "gradus_cuda: cuBLAS 'libm.so.6' has no function cublasCreate_v2: it is too old");
  for (const char *function : {"cublasCreate_v2", "cublasSetMathMode"}) {
    blas.fail(function, 1);
    sink.said.clear();
    EXPECT_EQ(use(), GRADUS_ERROR_DEVICE);
    EXPECT_EQ(sink.said, "gradus_cuda: cuBLAS does not start: CUBLAS_STATUS_FAKE (1)");
    EXPECT_EQ(device->product, nullptr);
    EXPECT_EQ(blas.handles(), 0);
  }
  blas.fail("", 0);
  for (auto [address, bytes] : {std::pair<gradus_address, size_t>(gradus_to_address(workspace) + 64, sizeof(workspace)), {gradus_to_address(workspace), 4096}}) {
    sink.said.clear();
    EXPECT_EQ(gradus_cuda_queue_use_blas(queue, FakeBlas::path, 0, address, bytes), GRADUS_ERROR_WORKSPACE);
    EXPECT_EQ(sink.said, "gradus_cuda: cuBLAS needs a workspace of at least 16,384 bytes at a multiple of 256");
  }
  EXPECT_EQ(use(2), GRADUS_ERROR_INTERVAL);
}

#ifdef GRADUS_CUBLAS
TEST_F(Blas, opensThatOfAToolkit) {
  // It has every function, and starts where a driver is: the fake one is none to it.
  gradus_status const status = use(0, GRADUS_CUBLAS);
  if (status != GRADUS_OK)
    EXPECT_EQ(sink.said.find("gradus_cuda: cuBLAS does not start: CUBLAS_STATUS_"), 0u) << sink.said;
}
#endif
