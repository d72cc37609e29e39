//===- ProductTest.cpp - Products of matrices, bit by bit -------------------------===//
//
// The contract says in which order an element is summed: blocks of 128 with fused multiply-add, the sums of the blocks one after the other. That is
// done here with loops over indices and std::fma, and every element must have the same bits, whatever the sizes, the layout, the alignment, the number of
// threads and the instruction set.
//
//===----------------------------------------------------------------------===//

#include "test/codegen/cpu/Harness.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>

using namespace gradus::test;

/// Sizes by the letter of an axis, as in "ik,kj->ij".
using Sizes = std::map<char, int64_t>;
struct Formula {
  std::string a, b, y;
};

static std::string typeOf(const std::string &axes, const char *element) {
  std::string dims;
  for (char axis : axes)
    dims += (dims.empty() ? "" : ", ") + std::string(1, axis);
  return "!gradus.array<[" + dims + "], " + element + ">";
}

static std::string labelsOf(const std::string &axes) {
  std::string labels;
  for (char axis : axes)
    labels += (labels.empty() ? "" : ", ") + std::to_string(axis - 'a');
  return "[" + labels + "]";
}

static std::string source(const Formula &f, const char *element) {
  std::string a = typeOf(f.a, element), b = typeOf(f.b, element), y = typeOf(f.y, element);
  return "gradus.func fn @product(%a: " + a + " {gradus.name = \"a\", gradus.role = #gradus.role<data>}, %b: " + b +
         " {gradus.name = \"b\", gradus.role = #gradus.role<data>}) -> (" + y + " {gradus.name = \"y\", gradus.role = #gradus.role<value>}) {\n" +
         "  %y = gradus.contract %a " + labelsOf(f.a) + ", %b " + labelsOf(f.b) + " -> " + labelsOf(f.y) + " : " + a + ", " + b + " -> " + y +
         "\n  gradus.return %y : " + y + "\n}";
}

static std::vector<int64_t> shapeOf(const std::string &axes, const Sizes &sizes) {
  std::vector<int64_t> shape;
  for (char axis : axes)
    shape.push_back(sizes.at(axis));
  return shape;
}

static int64_t countOf(const std::string &axes, const Sizes &sizes) {
  int64_t count = 1;
  for (char axis : axes)
    count *= sizes.at(axis);
  return count;
}

/// A number for each axis.
using Numbers = std::array<int64_t, 128>;

static int64_t place(const std::string &axes, const Numbers &sizes, const Numbers &at) {
  int64_t index = 0;
  for (char axis : axes)
    index = index * sizes[axis] + at[axis];
  return index;
}

/// Goes to the next index of some axes, the last one fastest; false behind the last.
static bool step(const std::string &axes, const Numbers &sizes, Numbers &at) {
  for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) {
    if (++at[*axis] < sizes[*axis])
      return true;
    at[*axis] = 0;
  }
  return false;
}

template <typename T>
static std::vector<T> numbers(int64_t n, double pace) {
  std::vector<T> x(n);
  for (int64_t i = 0; i < n; ++i)
    x[i] = static_cast<T>(std::sin(pace * static_cast<double>(i)));
  return x;
}

/// The tree of a row: 16 lanes, in blocks of 4,096, combined pairwise.
template <typename T>
static T sumRow(const std::vector<T> &products) {
  std::vector<T> blocks;
  for (size_t low = 0; low < products.size(); low += 4096) {
    std::array<T, 16> sums{};
    for (size_t e = low; e < std::min(low + 4096, products.size()); ++e)
      sums[(e - low) % 16] += products[e];
    for (size_t distance : {8, 4, 2, 1})
      for (size_t lane = 0; lane < distance; ++lane)
        sums[lane] += sums[lane + distance];
    blocks.push_back(sums[0]);
  }
  while (blocks.size() > 1) {
    std::vector<T> next;
    for (size_t k = 0; k < blocks.size(); k += 2)
      next.push_back(k + 1 < blocks.size() ? blocks[k] + blocks[k + 1] : blocks[k]);
    blocks = next;
  }
  return blocks.empty() ? T(0) : blocks[0];
}

/// The elements as the contract has them.
template <typename T>
static std::vector<T> multiply(const Formula &f, const Sizes &known, const T *a, const T *b) {
  std::vector<T> y(countOf(f.y, known));
  std::string summed;
  for (char axis : f.a)
    if (f.y.find(axis) == std::string::npos)
      summed += axis;
  bool hasTerms = countOf(summed, known) > 0;
  bool isOfRows = f.y.back() != f.a.back() && f.a.back() == f.b.back() && f.y.find(f.a.back()) == std::string::npos && known.at('i') <= 2;
  Numbers sizes{}, at{};
  for (auto [axis, size] : known)
    sizes[axis] = size;
  if (y.empty())
    return y;
  do {
    T total = 0, sum = 0;
    int64_t count = 0;
    bool isFirst = true;
    std::vector<T> products;
    auto close = [&] {
      total = isFirst ? sum : total + sum;
      isFirst = false;
      sum = 0;
    };
    if (hasTerms)
      do {
        if (isOfRows)
          products.push_back(a[place(f.a, sizes, at)] * b[place(f.b, sizes, at)]);
        if (count && count % 128 == 0)
          close();
        sum = std::fma(a[place(f.a, sizes, at)], b[place(f.b, sizes, at)], sum);
        ++count;
      } while (step(summed, sizes, at));
    close();
    y[place(f.y, sizes, at)] = isOfRows ? sumRow(products) : total;
  } while (step(f.y, sizes, at));
  return y;
}

/// A context with so many threads.
static gradus_context threadsOf(int64_t *count) {
  gradus_context context{};
  context.user = count;
  context.parallel_for = [](void *user, int64_t n, gradus_body body, void *closure) {
    int64_t parts = *static_cast<int64_t *>(user);
    std::vector<std::thread> workers;
    for (int64_t i = 0; i < parts; ++i)
      workers.emplace_back([=] { body(closure, n * i / parts, n * (i + 1) / parts); });
    for (std::thread &worker : workers)
      worker.join();
  };
  return context;
}

template <typename T>
static std::vector<T> call(Compiled &code, const Formula &f, const Sizes &sizes, const T *a, const T *b, const gradus_context *context, int64_t offset = 0) {
  std::vector<T> y(countOf(f.y, sizes) + offset, T(-7));
  Call call;
  call.add(const_cast<T *>(a), shapeOf(f.a, sizes));
  call.add(const_cast<T *>(b), shapeOf(f.b, sizes));
  call.add(y.data() + offset, shapeOf(f.y, sizes));
  EXPECT_EQ(call.run(*code.jit, "product", context), 0);
  return {y.begin() + offset, y.end()};
}

template <typename T>
static void expectEqual(const Formula &f, const Sizes &sizes, const std::vector<T> &y, const std::vector<T> &expected) {
  ASSERT_EQ(y.size(), expected.size());
  std::string where;
  for (auto [axis, size] : sizes)
    where += std::string(1, axis) + "=" + std::to_string(size) + " ";
  for (size_t i = 0; i < y.size(); ++i)
    ASSERT_EQ(y[i], expected[i]) << f.a << ',' << f.b << "->" << f.y << " at " << i << ' ' << where;
}

template <typename T>
static void expectSameBits(Compiled &code, const Formula &f, const Sizes &sizes) {
  std::vector<T> a = numbers<T>(countOf(f.a, sizes), 0.7), b = numbers<T>(countOf(f.b, sizes), 0.3);
  expectEqual(f, sizes, call(code, f, sizes, a.data(), b.data(), nullptr), multiply(f, sizes, a.data(), b.data()));
}

static const Formula layouts[] = {{"ik", "kj", "ij"}, {"ik", "jk", "ij"}, {"ki", "kj", "ij"}, {"ki", "jk", "ij"}};

static std::vector<const char *> targets() {
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  std::vector<const char *> known{"x86-64-v3"};
  if (features.lookup("avx512f") && features.lookup("avx512bw") && features.lookup("avx512vl") && features.lookup("avx512dq") && features.lookup("avx512cd"))
    known.push_back("x86-64-v4");
  return known;
}

template <typename T>
static void tryAllSizes(const char *element) {
  for (const char *target : targets())
    for (const Formula &f : layouts) {
      Compiled code(source(f, element), target);
      ASSERT_TRUE(code.jit) << code.error;
      // All of 1 .. 40 along each axis, beside few along the others.
      for (int64_t size = 1; size <= 40; ++size)
        for (int64_t other : {1, 3, 7, 18})
          for (Sizes sizes : {Sizes{{'i', size}, {'j', other}, {'k', 40 - size}}, Sizes{{'i', other}, {'j', size}, {'k', other}}, Sizes{{'i', size}, {'j', size}, {'k', size}}})
            expectSameBits<T>(code, f, sizes);
    }
}

TEST(Product, SmallSizesInF32) { tryAllSizes<float>("f32"); }
TEST(Product, SmallSizesInF64) { tryAllSizes<double>("f64"); }

/// Several units, strips, panels and blocks, and a rest of each, by some threads, and one element behind a boundary.
template <typename T>
static void tryLargeSizes(const char *element) {
  for (const Formula &f : layouts) {
    std::vector<std::unique_ptr<Compiled>> codes;
    for (const char *target : targets())
      codes.push_back(std::make_unique<Compiled>(source(f, element), target));
    for (auto [i, k, j] : {std::tuple<int64_t, int64_t, int64_t>{395, 33, 131}, {195, 130, 70}, {67, 257, 150}, {13, 1000, 65}, {1, 9001, 30}, {2, 400, 300}, {6, 129, 128}}) {
      Sizes sizes{{'i', i}, {'j', j}, {'k', k}};
      std::vector<T> a = numbers<T>(i * k + 1, 0.7), b = numbers<T>(k * j + 1, 0.3);
      std::vector<T> expected[2] = {multiply(f, sizes, a.data(), b.data()), multiply(f, sizes, a.data() + 1, b.data() + 1)};
      for (std::unique_ptr<Compiled> &code : codes) {
        ASSERT_TRUE(code->jit) << code->error;
        for (int64_t count : {1, 2, 3, 7}) {
          gradus_context context = threadsOf(&count);
          int64_t offset = count == 2;
          expectEqual(f, sizes, call(*code, f, sizes, a.data() + offset, b.data() + offset, &context, offset), expected[offset]);
        }
      }
    }
  }
}

TEST(Product, LargeSizesInF32) { tryLargeSizes<float>("f32"); }
TEST(Product, LargeSizesInF64) { tryLargeSizes<double>("f64"); }

TEST(Product, WithoutElements) {
  Compiled code(source(layouts[0], "f32"));
  ASSERT_TRUE(code.jit) << code.error;
  for (Sizes sizes : {Sizes{{'i', 0}, {'j', 3}, {'k', 2}}, Sizes{{'i', 3}, {'j', 0}, {'k', 2}}, Sizes{{'i', 3}, {'j', 20}, {'k', 0}}})
    expectSameBits<float>(code, layouts[0], sizes);
}

/// Axes that count as one, stacks of matrices wherever their axis is, operands in either order, columns that are nowhere together.
TEST(Product, OfMoreAxes) {
  for (const Formula &f : {Formula{"bik", "bkj", "bij"}, {"bik", "bjk", "bij"}, {"ibk", "jbk", "bij"}, {"btk", "kj", "btj"}, {"btk", "btj", "kj"}, {"bhik", "bhjk", "bhij"},
                           {"kj", "ik", "ij"}, {"jk", "ki", "ij"}, {"kib", "kjb", "bij"}, {"ikb", "kjb", "ibj"}, {"ik", "kjl", "ijl"}, {"ik", "jkl", "ijl"}}) {
    Compiled code(source(f, "f32"));
    ASSERT_TRUE(code.jit) << code.error;
    for (Sizes sizes : {Sizes{{'b', 3}, {'h', 2}, {'i', 7}, {'j', 21}, {'k', 5}, {'l', 3}, {'t', 4}}, {{'b', 2}, {'h', 1}, {'i', 14}, {'j', 35}, {'k', 140}, {'l', 2}, {'t', 70}}})
      expectSameBits<float>(code, f, sizes);
  }
}

/// What is summed lies differently in the operands: no product of matrices, but the same numbers.
TEST(Product, WhatIsNone) {
  for (const Formula &f : {Formula{"iak", "kaj", "ij"}, {"abk", "akbj", "bj"}, {"ij", "kj", "ikj"}, {"i", "j", "ij"}}) {
    Sizes sizes{{'a', 3}, {'b', 4}, {'i', 5}, {'j', 19}, {'k', 6}};
    Compiled code(source(f, "f64"));
    ASSERT_TRUE(code.jit) << code.error;
    std::vector<double> a = numbers<double>(countOf(f.a, sizes), 0.7), b = numbers<double>(countOf(f.b, sizes), 0.3);
    std::vector<double> y = call(code, f, sizes, a.data(), b.data(), nullptr), expected = multiply(f, sizes, a.data(), b.data());
    for (size_t i = 0; i < y.size(); ++i)
      EXPECT_NEAR(y[i], expected[i], 1e-13) << f.a << ',' << f.b << "->" << f.y;
  }
}

TEST(Product, OfNumbersThatAreNone) {
  Compiled code(source(layouts[1], "f32"));
  ASSERT_TRUE(code.jit) << code.error;
  // Columns and rows that only fill a vector or a tile must not reach others.
  Sizes sizes{{'i', 7}, {'j', 17}, {'k', 9}};
  std::vector<float> a = numbers<float>(63, 0.7), b = numbers<float>(153, 0.3);
  a[6 * 9 + 2] = NAN;
  b[16 * 9 + 3] = INFINITY;
  std::vector<float> y = call(code, layouts[1], sizes, a.data(), b.data(), nullptr);
  for (int64_t i = 0; i < 7; ++i)
    for (int64_t j = 0; j < 17; ++j)
      EXPECT_EQ(std::isfinite(y[i * 17 + j]), i != 6 && j != 16) << i << ' ' << j;
}

namespace {
/// One call of the hook.
struct Asked {
  int32_t dtype;
  std::vector<int64_t> sizes, strides;
  const void *a, *b, *y;
};
std::vector<Asked> asked;
int32_t answer = 1;

int32_t fakeProduct(int32_t dtype, int64_t rows, int64_t columns, int64_t inner, const void *a, int64_t aRow, int64_t aColumn, const void *b, int64_t bRow,
                    int64_t bColumn, void *y, int64_t yRow) {
  asked.push_back({dtype, {rows, columns, inner}, {aRow, aColumn, bRow, bColumn, yRow}, a, b, y});
  if (dtype == GRADUS_F32)
    static_cast<float *>(y)[0] = 42;
  else
    static_cast<double *>(y)[0] = 42;
  return asked.size() < 2 ? 1 : answer;
}
} // namespace

TEST(Product, TheHookIsAskedFirst) {
  gradus_linear_algebra functions{};
  functions.product = fakeProduct;
  gradus_context context{};
  context.linear_algebra = &functions;
  std::vector<std::vector<int64_t>> strides{{5, 1, 4, 1, 4}, {5, 1, 1, 5, 4}, {1, 3, 4, 1, 4}, {1, 3, 1, 5, 4}};
  Sizes sizes{{'i', 3}, {'j', 4}, {'k', 5}};
  std::vector<double> a = numbers<double>(15, 0.7), b = numbers<double>(20, 0.3);
  for (size_t layout = 0; layout < 4; ++layout) {
    Compiled code(source(layouts[layout], "f64"));
    ASSERT_TRUE(code.jit) << code.error;
    asked.clear();
    std::vector<double> y = call(code, layouts[layout], sizes, a.data(), b.data(), &context);
    ASSERT_EQ(asked.size(), 1u);
    EXPECT_EQ(asked[0].dtype, GRADUS_F64);
    EXPECT_EQ(asked[0].sizes, (std::vector<int64_t>{3, 4, 5}));
    EXPECT_EQ(asked[0].strides, strides[layout]);
    EXPECT_EQ(asked[0].a, a.data());
    EXPECT_EQ(asked[0].b, b.data());
    EXPECT_EQ(y[0], 42);
    EXPECT_EQ(y[1], -7); // nobody else has written
  }
}

TEST(Product, TheHookMayDecline) {
  gradus_linear_algebra functions{};
  functions.product = fakeProduct;
  gradus_context context{};
  context.linear_algebra = &functions;
  Formula f{"bik", "bkj", "bij"};
  Sizes sizes{{'b', 3}, {'i', 2}, {'j', 4}, {'k', 5}};
  Compiled code(source(f, "f32"));
  ASSERT_TRUE(code.jit) << code.error;
  std::vector<float> a = numbers<float>(30, 0.7), b = numbers<float>(60, 0.3);
  for (int32_t given : {1, 0}) {
    asked.clear();
    answer = given;
    std::vector<float> y = call(code, f, sizes, a.data(), b.data(), &context);
    EXPECT_EQ(asked.size(), given ? 3u : 2u); // after the first that is declined nobody is asked
    EXPECT_EQ(static_cast<const char *>(asked[1].a) - static_cast<const char *>(asked[0].a), 10 * 4);
    EXPECT_EQ(static_cast<const char *>(asked[1].b) - static_cast<const char *>(asked[0].b), 20 * 4);
    EXPECT_EQ(static_cast<const char *>(asked[1].y) - static_cast<const char *>(asked[0].y), 8 * 4);
    if (given)
      EXPECT_EQ(y[8], 42);
    else
      EXPECT_EQ(y, multiply(f, sizes, a.data(), b.data()));
  }
  answer = 1;
  asked.clear();
  functions.product = nullptr; // a table without it
  EXPECT_EQ(call(code, f, sizes, a.data(), b.data(), &context), multiply(f, sizes, a.data(), b.data()));
  EXPECT_TRUE(asked.empty());
  functions.product = fakeProduct; // nor is it asked where there is nothing to multiply
  for (char empty : {'b', 'i', 'j', 'k'}) {
    Sizes none = sizes;
    none[empty] = 0;
    call(code, f, none, a.data(), b.data(), &context);
    EXPECT_TRUE(asked.empty());
  }
}
