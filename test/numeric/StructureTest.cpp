//===- StructureTest.cpp - Joins, slices, writes and formulas of sizes ----------===//
//
// Losses and functions of the language, fused and not: the compiled code agrees with the reference evaluator, and so do the gradients, which
// are also compared with differences. Sizes include those where a part of a join has no element.
//
//===----------------------------------------------------------------------===//

#include "Compiled.h"

#include "codegen/reference/GradientCheck.h"
#include "codegen/reference/RandomPoint.h"
#include "lang/Frontend.h"
#include "lang/Source.h"
#include "passes/diff/BuildGradient.h"

#include "gtest/gtest.h"

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

namespace {

struct Case {
  const char *name;
  const char *spec;
};
void PrintTo(const Case &c, std::ostream *os) { *os << c.name; }

const Case cases[] = {
    {"Concat", "loss f(x: [n], y: [m]) = sum(concat(exp(x), y, x)^2)"},
    {"ConcatRows", "loss f(x: [n, d], y: [m, d]) = sum(sin(concat(x, 2 * y)))"},
    {"ConcatColumns", "loss f(x: [n, d], y: [n, e]) = sum(sin(concat[axis = 1](x, y, x)))"},
    {"Stack", "loss f(x: [n], y: [n]) = sum(sin(stack[axis = 1](x, y)) * 3)"},
    {"StackRow", "loss f(x: [n], y: [n]) = sum(stack(x, 2 * y)[1] * sin(x)) + sum(stack[axis = 1](x, 3 * y)[:, 1])"},
    {"JoinThenReuse", "loss f(x: [n], X: [n, n], y: [n]) = sum(sin(concat(diag(y), X)[n, :])) + dot(x, y) + sum((concat(reshape(x, [1, n]), X)[1] + x)^2)"},
    {"JoinOfMoved", "loss f(X: [n, d]) = sum(sin(concat(X, roll[axis = 0](X, 1)))) + sum(cos(concat(flip[axis = 0](X), X)))"},
    {"Split", "loss f(x: [2 * n]) {\n  a, b = split(x, 2)\n  return sum(a * sin(b))\n}"},
    {"Slices", "loss f(x: [T + 1], r: [T]) = sum((r + x[1:] - x[:-1])^2 * x[:T])"},
    {"RunTimeSlice", "loss f(x: [n + 3], k: [] int) = sum(sin(x[k:k + 2]))"},
    {"Shifted", "loss f(V: [T + 1], R: [T]) {\n  d[k] = R[k] + 0.9 * V[k + 1] - V[k + 0]\n  return sum(d^2)\n}"},
    {"Moves", "loss f(x: [n]) = sum(sin(flip(x)) * roll(x, 2)) + sum(tile(x, 2) * cos(repeat(x, 2)))"},
    {"Matrices", "loss f(M: [p, q], v: [p]) = sum(diag(v) @ sin(triu(M))) + sum(kron(v, v)^2) + sum(diag(M)^2) + trace(M)"},
    {"Reshape", "loss f(M: [p, q]) = sum(sin(reshape(M, [p * q])) * arange(p * q))"},
    {"Segments", "loss f(x: [n, d], id: [n] int) = sum(sin(segment_sum(x, id, 3)))"},
    {"OneHot", "loss f(z: [n, c], label: [n] int) = sum(sin(z) * one_hot(label, c))"},
    {"Write", "loss f(x: [n], at: [m] int, u: [m]) {\n  y = x * x\n  y[at[k]] = sin(u[k])\n  return sum(y * y)\n}"},
    {"WriteRow", "loss f(x: [n, d], u: [d]) {\n  y = 2 * x\n  y[0, :] = u * u\n  y[1, 0] = sum(u)\n  return sum(sin(y))\n}"},
};

class Structure : public testing::TestWithParam<Case> {
protected:
  void SetUp() override {
    context.loadDialect<GradusDialect>();
    SourceManager sources;
    Diagnostics diagnostics(sources);
    EmitOptions options;
    options.dtype = "f64";
    module = emitModule(context, sources, sources.add("spec.grad", GetParam().spec), diagnostics, options);
    ASSERT_TRUE(module) << diagnostics.render();
    for (FuncOp func : llvm::to_vector(module->getOps<FuncOp>()))
      ASSERT_TRUE(succeeded(buildGradientFunction(*module, func)));
  }

  void expectAgreement(const PhaseOptions &options) {
    std::string error;
    auto compiled = Compiled::create(*module, error, options);
    ASSERT_TRUE(compiled) << error;
    for (FuncOp func : module->getOps<FuncOp>())
      for (uint64_t seed = 1; seed <= 6; ++seed) {
        PointOptions point{seed, false, {}};
        if (seed > 3) // across the edge of a vector
          for (const char *symbol : {"n", "m", "d", "T"})
            point.sizes[symbol] = static_cast<int64_t>(seed == 6 ? 35 : 15 + seed) + (*symbol == 'd');
        std::vector<Arrays<double>> slots{makeRandomPoint(func, point)};
        auto expected = evaluateOpen<double>(func, slots, error);
        ASSERT_TRUE(succeeded(expected)) << error;
        auto got = compiled->call(func.getSymName(), slots, error);
        ASSERT_TRUE(succeeded(got)) << func.getSymName().str() << ": " << error;
        for (auto [a, b] : llvm::zip(got->front(), expected->front())) {
          ASSERT_EQ(a.shape, b.shape);
          for (auto [x, y] : llvm::zip(a.reals, b.reals))
            EXPECT_NEAR(x, y, 1e-11 * std::fmax(1, std::fabs(y))) << func.getSymName().str() << " at point " << seed;
        }
      }
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

} // namespace

TEST_P(Structure, AgreesFused) { expectAgreement({}); }
TEST_P(Structure, AgreesNotFused) { expectAgreement({.noFuse = true}); }

TEST_P(Structure, HasTheGradientOfDifferences) {
  auto func = *module->getOps<FuncOp>().begin();
  auto gradient = module->lookupSymbol<FuncOp>((func.getSymName() + ".grad").str());
  ASSERT_TRUE(gradient);
  GradientCheckReport report = checkGradients(func, gradient, {});
  EXPECT_TRUE(report.passed) << report.error << " difference " << report.difference.error << " in " << report.difference.argument;
}

INSTANTIATE_TEST_SUITE_P(All, Structure, testing::ValuesIn(cases), [](const auto &info) { return std::string(info.param.name); });

/// One part has no element, so that it is read nowhere.
TEST(Concat, TakesEmptyParts) {
  MLIRContext context;
  context.loadDialect<GradusDialect>();
  SourceManager sources;
  Diagnostics diagnostics(sources);
  EmitOptions options;
  options.dtype = "f64";
  auto module = emitModule(context, sources, sources.add("spec.grad", "fn f(x: [n, d], y: [m, d]) = concat(x, y, x)"), diagnostics, options);
  ASSERT_TRUE(module) << diagnostics.render();
  std::string error;
  auto compiled = Compiled::create(*module, error);
  ASSERT_TRUE(compiled) << error;
  auto func = *module->getOps<FuncOp>().begin();
  for (auto [n, m] : {std::pair<int64_t, int64_t>(0, 3), {3, 0}, {0, 0}}) {
    PointOptions point{1, false, {}};
    point.sizes["n"] = n;
    point.sizes["m"] = m;
    point.sizes["d"] = 5;
    Arrays<double> args = makeRandomPoint(func, point);
    auto expected = evaluate<double>(func, args, error);
    ASSERT_TRUE(succeeded(expected)) << error;
    auto got = compiled->call(func.getSymName(), args, error);
    ASSERT_TRUE(succeeded(got)) << error;
    EXPECT_EQ(got->front().front().reals, expected->front().reals);
    EXPECT_EQ(got->front().front().shape, (Shape{2 * n + m, 5}));
  }
}
