//===- IndexPlacesTest.cpp - A bad index is refused wherever it stands -----------===//
//
// Gathers that are smaller than the kernel they stand in, that follow one another, or that have rank 0: right values where all
// indices are inside, whatever sizes are larger than others, and a refusal for one bad index at each place.
//
//===----------------------------------------------------------------------===//

#include "Compiled.h"

#include "codegen/reference/RandomPoint.h"
#include "lang/Frontend.h"

#include "gtest/gtest.h"

using namespace gradus;
using reference::Array;
using reference::Arrays;

namespace {

struct Spec {
  const char *name, *text;
};
void PrintTo(const Spec &spec, std::ostream *os) { *os << spec.name; }

const Spec specs[] = {
    {"trailing", "loss f(w: [d], l: [d] int, X: [n, d]) = sum[i, k](tanh(w[l[k]] + X[i, k]))"},
    {"leading", "loss f(w: [d], l: [n] int, X: [n, d]) = sum[i, k](tanh(w[l[i]] + X[i, k]))"},
    {"fixed", "loss f(W: [d, 2], X: [n, d]) {\n  z[i, k] = softplus(X[i, k] * W[k, 0] + W[k, 1])\n  return mean(z)\n}"},
    {"diagonal", "loss f(A: [d, d], X: [n, d]) = sum[i, j, k](sin(A[k, j] + A[j, j] + X[i, j]))"},
    {"gradient", "loss f(w: [n], X: [n, d]) {\n  h(u) = (u * u)[argmax(X @ ones(d))]\n  q = grad h(w)\n  return dot(q, q) * sum(X)\n}"},
    {"nested", "loss f(w: [d], l: [m] int, q: [n] int, X: [n, d]) = sum[i, k](tanh(w[l[q[i]]] + X[i, k]))"},
    {"largest", "loss f(w: [n], X: [n, d]) = sum(tanh(X)) * w[argmax(X @ ones(d))]"},
};

class IndexPlaces : public testing::TestWithParam<Spec> {};

} // namespace

/// Sets every element of every integer argument in turn to what is outside every axis.
static void expectRefusals(Compiled &compiled, const Arrays<double> &args) {
  for (size_t which = 0; which < args.size(); ++which)
    for (size_t element = 0; element < args[which].ints.size(); ++element)
      for (int64_t bad : {int64_t(-1), int64_t(1000), int64_t(1) << 40}) {
        std::vector<Arrays<double>> slots{args};
        slots[0][which].ints[element] = bad;
        std::vector<Buffer> buffers = compiled.makeBuffers("f", slots);
        gradus_report report{};
        EXPECT_EQ(compiled.run("f", slots, buffers, report), GRADUS_ERROR_INDEX) << "argument " << which << ", element " << element;
      }
}

TEST_P(IndexPlaces, AreAllLookedAt) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  SourceManager sources;
  Diagnostics diagnostics(sources);
  EmitOptions options;
  options.dtype = "f64";
  auto module = emitModule(context, sources, sources.add("f.grad", GetParam().text), diagnostics, options);
  ASSERT_TRUE(module) << diagnostics.render();
  std::string error;
  auto compiled = Compiled::create(*module, error);
  ASSERT_TRUE(compiled) << error;
  auto loss = module->lookupSymbol<FuncOp>("f");
  for (auto [n, d] : {std::pair<int64_t, int64_t>{1, 3}, {3, 3}, {5, 3}, {3, 40}, {40, 3}}) {
    SCOPED_TRACE("n = " + std::to_string(n) + ", d = " + std::to_string(d));
    reference::PointOptions point{1, false, {}};
    point.sizes = {{"n", n}, {"d", d}, {"m", 1}};
    Arrays<double> args = reference::makeRandomPoint(loss, point);
    for (Array<double> &array : args) // inside every axis; the only element of `l` is read
      std::fill(array.ints.begin(), array.ints.end(), 0);
    auto expected = reference::evaluate<double>(loss, args, error);
    ASSERT_TRUE(succeeded(expected)) << error;
    auto got = compiled->call("f", std::vector<Arrays<double>>{args}, error);
    ASSERT_TRUE(succeeded(got)) << error;
    EXPECT_NEAR((*got)[0][0].reals[0], (*expected)[0].reals[0], 1e-12 * (1 + std::fabs((*expected)[0].reals[0])));
    expectRefusals(*compiled, args);
  }
}

INSTANTIATE_TEST_SUITE_P(All, IndexPlaces, testing::ValuesIn(specs), [](const auto &info) { return std::string(info.param.name); });

/// The report of a refusal says which argument an index leaves, and along which axis.
TEST(Refusals, NameTheArrayAndTheAxis) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  SourceManager sources;
  Diagnostics diagnostics(sources);
  EmitOptions options;
  options.dtype = "f64";
  auto module = emitModule(context, sources, sources.add("f.grad", "fn f(x: [n], W: [3, n], V: [n, 4], k: [n] int, l: [n] int) {\n"
                                                                   "  y[i] = x[i] + W[k[i], i] + V[i, l[i]]\n  return sum(y)\n}"), diagnostics, options);
  ASSERT_TRUE(module) << diagnostics.render();
  std::string error;
  auto compiled = Compiled::create(*module, error);
  ASSERT_TRUE(compiled) << error;
  reference::PointOptions point{1, false, {}};
  point.sizes = {{"n", 20}};
  Arrays<double> args = reference::makeRandomPoint(module->lookupSymbol<FuncOp>("f"), point);
  auto refuse = [&](size_t argument, int64_t bad) {
    std::vector<Arrays<double>> slots{args};
    slots[0][argument].ints[7] = bad;
    std::vector<Buffer> buffers = compiled->makeBuffers("f", slots);
    gradus_report report{};
    EXPECT_EQ(compiled->run("f", slots, buffers, report), GRADUS_ERROR_INDEX);
    return std::pair(report.reserved & 0xffff, (report.reserved >> 16) - 1);
  };
  EXPECT_EQ(refuse(3, 3), std::pair(2, 0));  // 1 + the number of W, axis 0
  EXPECT_EQ(refuse(4, -1), std::pair(3, 1)); // of V, axis 1
}
