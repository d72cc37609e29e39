//===- InPlaceTest.cpp - Gradients that replace what they are in ------------------===//
//
// The entry of a gradient with an output of its own against the one that writes over the argument: the same bits, whether the old elements are still read
// elsewhere or not, and nothing is written where the call is refused.
//
//===----------------------------------------------------------------------===//

#include "CompiledSpec.h"
#include "Operands.h"

#include "passes/diff/BuildGradient.h"

#include "gtest/gtest.h"

#include <cstring>

using namespace gradus;
using namespace gradus::reference;

static const char spec[] = R"(
/// The rows of z go through a nest, which has read a row when it writes it.
loss entropy(z: [n, c], label: [n] int) = mean[i](logsumexp[k](z[i, k]) - z[i, label[i]])

/// Point by point.
loss flat(x: [n], y: [n]) = mean((x - y)^2)

/// All elements are read before the first is written.
loss length(x: [n]) = norm(x)

/// Each element of the gradient takes all old ones.
loss form(x: [n], A: [n, n]) = sum(x * (A @ x))

/// Old elements are read elsewhere when the gradient is stored: it waits in the workspace.
loss turned(t: [n, n]) = sum(exp(t) * t.T)

/// Each gradient is the other argument.
loss product(a: [n], b: [n]) = sum(a * b)

/// An index that a kernel computes is looked at when others have run.
loss late(z: [n], step: [n] int) {
  place = cumsum(step)
  return sum[i](exp(z[place[i]]) * z[i])
}
)";

namespace {

/// A spec whose losses have gradients with outputs of their own, or in place.
struct Gradients : CompiledSpec {
  explicit Gradients(std::initializer_list<const char *> inPlace) : CompiledSpec("in_place.grad", spec, "f32") {
    if (!compiled)
      return;
    for (FuncOp func : llvm::to_vector(module->getOps<FuncOp>()))
      if (func.getKind() == FuncKind::Loss && failed(buildGradientFunction(*module, func)))
        error += "no gradient of " + func.getSymName().str();
    for (const char *name : inPlace)
      if (replaceByGradient(*module, name) == 0)
        error += std::string("no gradient in ") + name;
    compiled = Compiled::create(*module, error);
  }
};

} // namespace

static Array<double> numbers(llvm::ArrayRef<int64_t> shape, uint64_t seed) { return makeNumbers(shape, seed, 18); }

static Array<double> whole(int64_t n, int64_t factor, int64_t below) {
  std::vector<int64_t> elements;
  for (int64_t i = 0; i < n; ++i)
    elements.push_back(i * factor % below);
  return Array<double>::integer({n}, elements);
}

static void expectEqual(Gradients &apart, Gradients &inPlace, const char *name, const Arrays<double> &arguments) {
  SCOPED_TRACE(name);
  std::string error;
  auto wanted = apart.compiled->call(name, {arguments}, error), got = inPlace.compiled->call(name, {arguments}, error);
  ASSERT_TRUE(succeeded(wanted) && succeeded(got)) << error;
  ASSERT_EQ(got->front().size(), wanted->front().size());
  for (auto [mine, other] : llvm::zip_equal(got->front(), wanted->front())) {
    ASSERT_EQ(mine.shape, other.shape);
    EXPECT_EQ(std::memcmp(mine.reals.data(), other.reals.data(), 8 * other.reals.size()), 0);
  }
}

TEST(InPlace, GivesTheSameBits) {
  Gradients apart({}), inPlace({"z", "x", "t", "a", "product.b"});
  ASSERT_TRUE(apart.compiled && inPlace.compiled) << apart.error << inPlace.error;
  EXPECT_EQ(apart.compiled->getLayout("entropy.grad").tensors.size(), 3U);
  EXPECT_EQ(inPlace.compiled->getLayout("entropy.grad").tensors.size(), 2U);
  EXPECT_TRUE(inPlace.compiled->getLayout("entropy.grad").tensors[0].written);
  for (int64_t n : {1, 15, 17, 1023}) {
    SCOPED_TRACE(n);
    for (int64_t c : {1, 10, 400, 6001})
      if (n * c < 500000)
        expectEqual(apart, inPlace, "entropy.grad", {numbers({n, c}, 1), whole(n, 7, c)});
    expectEqual(apart, inPlace, "flat.grad", {numbers({n}, 1), numbers({n}, 2)});
    expectEqual(apart, inPlace, "length.grad", {numbers({n}, 1)});
    expectEqual(apart, inPlace, "form.grad", {numbers({n}, 1), numbers({n, n}, 2)});
    expectEqual(apart, inPlace, "turned.grad", {numbers({n, n}, 1)});
    expectEqual(apart, inPlace, "product.grad", {numbers({n}, 1), numbers({n}, 2)});
    expectEqual(apart, inPlace, "late.grad", {numbers({n}, 1), whole(n, 0, 1)});
  }
}

TEST(InPlace, WritesNothingWhereTheCallIsRefused) {
  Gradients inPlace({"z"});
  ASSERT_TRUE(inPlace.compiled) << inPlace.error;
  constexpr int64_t n = 100;
  for (const auto &[name, arguments] : {std::pair<const char *, Arrays<double>>{"entropy.grad", {numbers({n, n}, 1), whole(n, 1, n + 1)}},
                                        std::pair<const char *, Arrays<double>>{"late.grad", {numbers({n}, 1), whole(n, 1, 2)}}}) {
    SCOPED_TRACE(name);
    Arrays<double> refused = arguments;
    refused[1].ints.back() = n;
    std::vector<Buffer> buffers = inPlace.compiled->makeBuffers(name, {refused}), before = inPlace.compiled->makeBuffers(name, {refused});
    gradus_report report{};
    EXPECT_EQ(inPlace.compiled->run(name, {refused}, buffers, report), GRADUS_ERROR_INDEX);
    EXPECT_EQ(std::memcmp(buffers[0].bytes().data(), before[0].bytes().data(), buffers[0].bytes().size()), 0);
  }
}

TEST(InPlace, IsForArgumentsWithAGradient) {
  Gradients apart({});
  ASSERT_TRUE(apart.compiled) << apart.error;
  EXPECT_EQ(replaceByGradient(*apart.module, "label"), 0U);
  EXPECT_EQ(replaceByGradient(*apart.module, "flat.z"), 0U);
  EXPECT_EQ(replaceByGradient(*apart.module, "flat.x"), 1U);
  EXPECT_EQ(replaceByGradient(*apart.module, "x"), 3U);
}
