//===- FftTest.cpp - Fourier transforms of the runtime ----------------------------===//
//
// What no spec can see: f32 at every size, lines apart, results over operands or left out, and that nothing but these is written.
//
//===----------------------------------------------------------------------===//

#include "gradus.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <memory>
#include <numbers>
#include <vector>

namespace {

constexpr int64_t outer = 2, inner = 3, lines = outer * inner;

template <typename T>
struct Lines {
  static constexpr int32_t dtype = sizeof(T) == 4 ? GRADUS_F32 : GRADUS_F64;

  explicit Lines(int64_t n) : n(n), re(n * lines), im(n * lines) {
    for (int64_t i = 0; i < n * lines; ++i) {
      re[i] = static_cast<T>(std::cos(static_cast<double>(i * i) + 0.5));
      im[i] = static_cast<T>(std::sin(static_cast<double>(3 * i)));
    }
  }
  /// In two calls, each with the workspace that one needs.
  void transform(bool isInverse, const std::vector<T> &a, const std::vector<T> &b, T *yre, T *yim) {
    int64_t const bytes = gradus_fft_workspace(dtype, n);
    std::unique_ptr<char, decltype(&std::free)> room(static_cast<char *>(std::aligned_alloc(64, bytes + 64)), &std::free);
    std::fill_n(room.get() + bytes, 64, 'x');
    gradus_fft(dtype, isInverse, n, inner, 0, 2, a.data(), b.data(), yre, yim, room.get());
    gradus_fft(dtype, isInverse, n, inner, 2, lines, a.data(), b.data(), yre, yim, room.get());
    EXPECT_TRUE(std::all_of(room.get() + bytes, room.get() + bytes + 64, [](char c) { return c == 'x'; })) << n;
  }
  /// The largest distance from the sum that defines the transform, over the largest part of a result: sin(3 i) has a peak.
  double distance(bool isInverse, const std::vector<T> &yre, const std::vector<T> &yim) const {
    double worst = 0, largest = 0;
    for (int64_t line = 0; line < lines; ++line)
      for (int64_t k = 0; k < n; ++k) {
        int64_t const first = line / inner * n * inner + line % inner;
        double a = 0, b = 0;
        for (int64_t j = 0; j < n; ++j) {
          double const angle = (isInverse ? 2 : -2) * std::numbers::pi * static_cast<double>(j * k % n) / static_cast<double>(n);
          a += re[first + j * inner] * std::cos(angle) - im[first + j * inner] * std::sin(angle);
          b += re[first + j * inner] * std::sin(angle) + im[first + j * inner] * std::cos(angle);
        }
        largest = std::max({largest, std::fabs(a), std::fabs(b)});
        double const scale = isInverse ? static_cast<double>(n) : 1;
        worst = std::max({worst, std::fabs(yre[first + k * inner] * scale - a), std::fabs(yim[first + k * inner] * scale - b)});
      }
    return worst / largest;
  }

  int64_t n;
  std::vector<T> re, im;
};

constexpr int64_t sizes[] = {1, 2, 3, 4, 5, 7, 8, 12, 13, 16, 17, 34, 64, 97, 130, 289, 1000, 1009};

} // namespace

template <typename T>
static void expectSums(double tolerance) {
  for (int64_t n : sizes)
    for (bool isInverse : {false, true}) {
      Lines<T> x(n);
      std::vector<T> yre = x.re, yim = x.im;
      x.transform(isInverse, yre, yim, yre.data(), yim.data());
      EXPECT_LT(x.distance(isInverse, yre, yim), tolerance) << n;
      std::vector<T> only(n * lines);
      x.transform(isInverse, x.re, x.im, nullptr, only.data());
      EXPECT_EQ(only, yim) << n;
    }
}

TEST(Fft, isTheSumInF32) { expectSums<float>(2e-6); }
TEST(Fft, isTheSumInF64) { expectSums<double>(1e-13); }

TEST(Fft, doesNothingToNothing) {
  EXPECT_EQ(gradus_fft_workspace(GRADUS_F64, 0), 0);
  gradus_fft(GRADUS_F64, 0, 0, 1, 0, 5, nullptr, nullptr, nullptr, nullptr, nullptr);
}

TEST(Fft, spoilsTheLineOfAnInfinity) {
  Lines<double> x(17);
  x.re[2] = std::numeric_limits<double>::infinity();
  std::vector<double> yre(x.re.size()), yim(x.im.size());
  x.transform(false, x.re, x.im, yre.data(), yim.data());
  for (int64_t i = 0; i < 17 * lines; ++i)
    EXPECT_EQ(std::isnan(yre[i]) && std::isnan(yim[i]), i % inner == 2 && i < 17 * inner) << i;
}
