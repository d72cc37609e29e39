//===- VectorMathTest.cpp - Error bounds and special values ---------------------===//
//
// The bounds are the ones that codegen/cpu/ulp.md states: the test reads them from there.
//
//===----------------------------------------------------------------------------===//

#include "MathJit.h"

#include "codegen/reference/Special.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <random>
#include <sstream>

using namespace gradus;
using namespace gradus::test;
namespace special = gradus::reference::special;

namespace {

using Reference = long double (*)(long double, long double);

struct Case {
  const char *name;
  MathFunction function;
  Reference reference;
  double low, high; ///< where dense samples lie
  Reference scale = nullptr; ///< the least number whose last place counts: the size of what cancels, as ulp.md says
};

long double sigmoidl(long double x) { return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x)); }
long double softplusl(long double x) { return x > 0 ? x + log1pl(expl(-x)) : log1pl(expl(x)); }

/// Below 0 two terms cancel; close to the zero at 1.46 the reference itself is no better.
long double digammaScale(long double x, long double) { return x < 0 ? fmaxl(1, fabsl(special::digamma(1 - x))) : 0x1p-8L; }
long double lgammaScale(long double x, long double) { return x < 0 ? fmaxl(1, special::lgamma(1 - x)) : 0; }

const Case cases[] = {
    {"acos", MathFunction::Acos, [](long double x, long double) { return acosl(x); }, -1, 1},
    {"acosh", MathFunction::Acosh, [](long double x, long double) { return acoshl(x); }, 1, 4},
    {"asin", MathFunction::Asin, [](long double x, long double) { return asinl(x); }, -1, 1},
    {"asinh", MathFunction::Asinh, [](long double x, long double) { return asinhl(x); }, -3, 3},
    {"atan", MathFunction::Atan, [](long double x, long double) { return atanl(x); }, -4, 4},
    {"atan2", MathFunction::Atan2, [](long double x, long double y) { return atan2l(x, y); }, -4, 4},
    {"atanh", MathFunction::Atanh, [](long double x, long double) { return atanhl(x); }, -1, 1},
    {"cbrt", MathFunction::Cbrt, [](long double x, long double) { return cbrtl(x); }, -8, 8},
    {"ceil", MathFunction::Ceil, [](long double x, long double) { return ceill(x); }, -4, 4},
    {"cos", MathFunction::Cos, [](long double x, long double) { return cosl(x); }, -100, 100},
    {"cosh", MathFunction::Cosh, [](long double x, long double) { return coshl(x); }, -4, 4},
    {"digamma", MathFunction::Digamma, [](long double x, long double) { return special::digamma(x); }, -6, 12, digammaScale},
    {"erf", MathFunction::Erf, [](long double x, long double) { return erfl(x); }, -4, 4},
    {"erfc", MathFunction::Erfc, [](long double x, long double) { return erfcl(x); }, -4, 28},
    {"exp", MathFunction::Exp, [](long double x, long double) { return expl(x); }, -10, 10},
    {"exp2", MathFunction::Exp2, [](long double x, long double) { return exp2l(x); }, -10, 10},
    {"expm1", MathFunction::Expm1, [](long double x, long double) { return expm1l(x); }, -3, 3},
    {"floor", MathFunction::Floor, [](long double x, long double) { return floorl(x); }, -4, 4},
    {"hypot", MathFunction::Hypot, [](long double x, long double y) { return hypotl(x, y); }, -4, 4},
    {"lambert_w", MathFunction::LambertW, [](long double x, long double) { return special::lambertW(x); }, -0.368, 8},
    {"lgamma", MathFunction::LogGamma, [](long double x, long double) { return special::lgamma(x); }, -6, 12, lgammaScale},
    {"log", MathFunction::Log, [](long double x, long double) { return logl(x); }, 0.25, 4},
    {"log10", MathFunction::Log10, [](long double x, long double) { return log10l(x); }, 0.25, 4},
    {"log1p", MathFunction::Log1p, [](long double x, long double) { return log1pl(x); }, -1, 4},
    {"log2", MathFunction::Log2, [](long double x, long double) { return log2l(x); }, 0.25, 4},
    {"normal_cdf", MathFunction::NormalCdf, [](long double x, long double) { return special::normalCdf(x); }, -39, 9},
    {"normal_quantile", MathFunction::NormalQuantile, [](long double x, long double) { return special::normalQuantile(x); }, 0, 1},
    {"pow", MathFunction::Pow, [](long double x, long double y) { return powl(x, y); }, 0, 4},
    {"round", MathFunction::Round, [](long double x, long double) { return nearbyintl(x); }, -4, 4},
    {"sigmoid", MathFunction::Sigmoid, [](long double x, long double) { return sigmoidl(x); }, -10, 10},
    {"sin", MathFunction::Sin, [](long double x, long double) { return sinl(x); }, -100, 100},
    {"sinh", MathFunction::Sinh, [](long double x, long double) { return sinhl(x); }, -4, 4},
    {"softplus", MathFunction::Softplus, [](long double x, long double) { return softplusl(x); }, -10, 10},
    {"sqrt", MathFunction::Sqrt, [](long double x, long double) { return sqrtl(x); }, 0, 4},
    {"tanh", MathFunction::Tanh, [](long double x, long double) { return tanhl(x); }, -4, 4},
    {"trigamma", MathFunction::Trigamma, [](long double x, long double) { return special::trigamma(x); }, -6, 12},
    {"trunc", MathFunction::Trunc, [](long double x, long double) { return truncl(x); }, -4, 4},
};

void PrintTo(const Case &c, std::ostream *out) { *out << c.name; }

template <typename T>
using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;

template <typename T>
T fromBits(Bits<T> bits) {
  T value;
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

template <typename T>
Bits<T> toBits(T value) {
  Bits<T> bits;
  std::memcpy(&bits, &value, sizeof(T));
  return bits;
}

/// |got - exact| in units of the last place of exact, or of `scale` where that is more; infinite where one is NaN and the other is not.
template <typename T>
double ulpError(T got, long double exact, long double scale) {
  using Limits = std::numeric_limits<T>;
  if (std::isnan(exact) || std::isnan(got))
    return std::isnan(exact) && std::isnan(got) ? 0 : INFINITY;
  if (std::isinf(exact))
    return got == T(exact) ? 0 : INFINITY;
  if (exact == 0)
    return got == 0 && std::signbit(got) == std::signbit(exact) ? 0 : INFINITY;
  // An infinity stands for the first number that is too large.
  long double value = std::isinf(got) ? copysignl(ldexpl(1, Limits::max_exponent), got) : (long double)got;
  if (std::isinf(got) && std::isinf(T(exact)) && std::signbit(got) == std::signbit(exact))
    return 0;
  int exponent = std::max(ilogbl(std::max(fabsl(exact), scale)), Limits::min_exponent - 1);
  return double(fabsl(value - exact) / ldexpl(1, exponent - Limits::digits + 1));
}

template <typename T>
std::vector<T> specialValues() {
  using Limits = std::numeric_limits<T>;
  std::vector<T> values;
  for (T v : {T(0), Limits::denorm_min(), Limits::min(), Limits::epsilon(), Limits::max(), Limits::infinity(),
              Limits::quiet_NaN(), T(0.5), T(1), T(2), T(3), T(1.5), T(88.72), T(103.9), T(709.78), T(745.13), T(1e22),
              T(-0.27), T(-0.36787944117144233), T(0.08), T(0.92), T(8), T(2.55634816e305), T(171.7), T(0x1p45), T(0x1p46), T(3.14159265358979), T(1.5707963267948966), T(0x1p24), T(0x1p53),
              T(0.70710678118654752)})
    for (T s : {v, -v})
      for (T neighbour : {s, std::nextafter(s, Limits::infinity()), std::nextafter(s, -Limits::infinity())})
        values.push_back(neighbour);
  return values;
}

/// Special values, all magnitudes, and densely the interval where the function bends.
template <typename T>
void sample(const Case &c, std::vector<T> &x, std::vector<T> &y) {
  std::mt19937_64 random(1);
  std::vector<T> special = specialValues<T>();
  for (T a : special)
    for (T b : isBinary(c.function) ? special : std::vector<T>{T(0)}) {
      x.push_back(a);
      y.push_back(b);
    }
  std::uniform_real_distribution<double> dense(c.low, c.high), exponent(-90, 90), wide(-750, 750);
  // GRADUS_MATH_SAMPLES=5000000 for a longer look than a test may take.
  const char *wanted = std::getenv("GRADUS_MATH_SAMPLES");
  for (int i = 0, count = wanted ? std::atoi(wanted) : 200000; i < count; ++i) {
    x.push_back(fromBits<T>(Bits<T>(random())));
    y.push_back(fromBits<T>(Bits<T>(random())));
    x.push_back(T(dense(random)));
    y.push_back(T(exponent(random)));
    x.push_back(T(wide(random)));
    y.push_back(T(std::floor(exponent(random))));
    x.push_back(T(std::exp2(wide(random) / 8)));
    y.push_back(T(exponent(random) / 8));
  }
  while (x.size() % 16) {
    x.push_back(T(1));
    y.push_back(T(1));
  }
}

/// The bound of ulp.md: rows | name | f32 | f64 | ... |.
double statedBound(const std::string &name, int width) {
  std::ifstream file(GRADUS_ULP_TABLE);
  std::string line;
  while (std::getline(file, line)) {
    std::stringstream cells(line);
    std::string bar, function, f32, f64;
    std::getline(cells, bar, '|');
    std::getline(cells, function, '|');
    std::getline(cells, f32, '|');
    std::getline(cells, f64, '|');
    if (function == " `" + name + "` ")
      return std::stod(width == 32 ? f32 : f64);
  }
  ADD_FAILURE() << "no row for " << name << " in " << GRADUS_ULP_TABLE;
  return 0;
}

class VectorMath : public testing::TestWithParam<Case> {};

template <typename T>
void checkError(const Case &c) {
  MathVariant variant{c.function, int(8 * sizeof(T))};
  auto compiled = CompiledMath::compile(variant);
  ASSERT_TRUE(compiled);
  std::vector<T> x, y;
  sample(c, x, y);
  std::vector<T> got = compiled->operator()(x, y);
  double bound = statedBound(c.name, variant.width), worst = 0;
  size_t where = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    double error = ulpError(got[i], c.reference(x[i], y[i]), c.scale ? c.scale(x[i], y[i]) : 0);
    if (error > worst) {
      worst = error;
      where = i;
    }
  }
  testing::Test::RecordProperty(sizeof(T) == 4 ? "f32" : "f64", std::to_string(worst));
  printf("%-9s f%d: %.4f ulp at %a, %a: %a\n", c.name, variant.width, worst, double(x[where]), double(y[where]),
         double(got[where]));
  EXPECT_LE(worst, bound);
}

TEST_P(VectorMath, StaysWithinTheBoundsOfTheTable) {
  checkError<float>(GetParam());
  checkError<double>(GetParam());
}

template <typename T>
void checkBits(const Case &c, int lanes, const std::string &cpu) {
  auto one = CompiledMath::compile({c.function, int(8 * sizeof(T))});
  auto other = CompiledMath::compile({c.function, int(8 * sizeof(T)), lanes, cpu});
  ASSERT_TRUE(one && other);
  std::vector<T> x, y;
  sample(c, x, y);
  std::vector<T> a = (*one)(x, y), b = (*other)(x, y);
  for (size_t i = 0; i < x.size(); ++i) // a NaN is a NaN: its sign and payload are free
    if (toBits(a[i]) != toBits(b[i]) && !(std::isnan(a[i]) && std::isnan(b[i])))
      FAIL() << c.name << " of " << x[i] << ", " << y[i] << ": " << a[i] << " and " << b[i];
}

TEST_P(VectorMath, GivesOneLaneTheBitsOfAVector) {
  checkBits<float>(GetParam(), 1, "x86-64-v3");
  checkBits<double>(GetParam(), 1, "x86-64-v3");
  checkBits<float>(GetParam(), 4, "x86-64-v3");
}

TEST_P(VectorMath, GivesEveryInstructionSetTheSameBits) {
  // Without AVX-512 the other width of AVX2 stands in.
  bool wide = machineHas("x86-64-v4");
  checkBits<float>(GetParam(), wide ? 16 : 8, wide ? "x86-64-v4" : "x86-64-v3");
  checkBits<double>(GetParam(), wide ? 16 : 8, wide ? "x86-64-v4" : "x86-64-v3");
}

INSTANTIATE_TEST_SUITE_P(, VectorMath, testing::ValuesIn(cases),
                         [](const auto &info) { return std::string(info.param.name); });

template <typename T>
void checkNotPositive(const std::string &cpu, int lanes) {
  auto whole = CompiledMath::compile({MathFunction::Exp, int(8 * sizeof(T))});
  auto part = CompiledMath::compile({MathFunction::ExpNotPositive, int(8 * sizeof(T)), lanes, cpu});
  ASSERT_TRUE(whole && part);
  std::vector<T> all, x, y;
  sample({"exp", MathFunction::Exp, nullptr, sizeof(T) == 4 ? -110.0 : -760.0, 0}, all, y);
  for (T v : all)
    x.push_back(v > 0 && !std::isinf(v) ? -v : v);
  std::vector<T> a = (*whole)(x, x), b = (*part)(x, x);
  for (size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(x[i])) // may give anything
      continue;
    if (std::isinf(x[i]) && x[i] > 0 ? !std::isnan(b[i]) : toBits(a[i]) != toBits(b[i]))
      FAIL() << "exp of " << x[i] << ": " << a[i] << " and " << b[i];
  }
}

TEST(ExpNotPositive, HasTheBitsOfExp) {
  for (int lanes : {1, 16}) {
    checkNotPositive<float>("x86-64-v3", lanes);
    checkNotPositive<double>("x86-64-v3", lanes);
  }
  if (machineHas("x86-64-v4")) {
    checkNotPositive<float>("x86-64-v4", 16);
    checkNotPositive<double>("x86-64-v4", 16);
  }
}

template <typename T>
T repeatedSquaring(T x, int64_t n) {
  T result = 1;
  for (uint64_t k = n < 0 ? 0 - uint64_t(n) : uint64_t(n); k != 0; k >>= 1) {
    if (k & 1)
      result *= x;
    x *= x;
  }
  return n < 0 ? 1 / result : result;
}

template <typename T>
void checkIntPow(int64_t n, bool constant, int lanes) {
  MathVariant variant{MathFunction::IntPow, int(8 * sizeof(T)), lanes};
  variant.constantPower = constant;
  variant.power = n;
  auto compiled = CompiledMath::compile(variant);
  ASSERT_TRUE(compiled);
  std::vector<T> x = {T(0), T(-0.0), T(1), T(-1), T(1.1), T(-1.1), T(0.9), T(-0.9), T(2), T(-3), T(1e-3), T(1e10),
                      std::numeric_limits<T>::infinity(), -std::numeric_limits<T>::infinity(), T(0.999), T(7)};
  std::vector<T> got = (*compiled)(x);
  for (size_t i = 0; i < x.size(); ++i)
    EXPECT_EQ(toBits(got[i]), toBits(repeatedSquaring(x[i], n))) << x[i] << "^" << n;
}

TEST(IntPow, MultipliesByRepeatedSquaring) {
  for (int64_t n : {int64_t(0), int64_t(1), int64_t(2), int64_t(3), int64_t(10), int64_t(1000), int64_t(-1),
                    int64_t(-3), std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()})
    for (bool constant : {false, true}) {
      checkIntPow<float>(n, constant, 16);
      checkIntPow<double>(n, constant, 1);
    }
}

} // namespace
