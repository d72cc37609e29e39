//===- PreservationTest.cpp - No phase changes what a function means -----------===//
//
// The reference evaluator runs every function of Inputs/*.mlir, and one for each elementwise op, before and after each phase.
// Losses are differentiated by the compiler and checked against differences and dual numbers. The ops seen are counted, so
// that a new op without a case here fails.
//
//===----------------------------------------------------------------------===//

#include "codegen/reference/GradientCheck.h"
#include "dialect/Gradus.h"
#include "passes/Phases.h"
#include "passes/diff/BuildGradient.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

#include <set>

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

namespace {

using Doubles = Arrays<double>;

struct Fixture : testing::Test {
  Fixture() { context.loadDialect<GradusDialect>(); }
  OwningOpRef<ModuleOp> parseText(const std::string &text) {
    auto module = parseSourceString<ModuleOp>(text, &context, "test");
    EXPECT_TRUE(module) << text;
    return module;
  }
  OwningOpRef<ModuleOp> parseInput(const std::string &name) {
    auto module = parseSourceFile<ModuleOp>(std::string(GRADUS_TEST_INPUTS "/") + name, &context);
    EXPECT_TRUE(module) << name;
    return module;
  }
  MLIRContext context;
};

/// A way through the phases.
struct Route {
  std::string name;
  Phase last;
  PhaseOptions options;
};
const std::vector<Route> routes{{"differentiate", Phase::Differentiate, {}},
                                {"simplify", Phase::Simplify, {}},
                                {"fuse", Phase::Fuse, {}},
                                {"fuse --no-fuse", Phase::Fuse, {.noFuse = true}}};

} // namespace

static OwningOpRef<ModuleOp> runPhases(ModuleOp module, const Route &route) {
  OwningOpRef<ModuleOp> copy(module.clone());
  PassManager passes(module.getContext());
  buildPhasesUpTo(passes, route.last, route.options);
  EXPECT_TRUE(succeeded(passes.run(*copy))) << route.name;
  return copy;
}

/// Equal, or both NaN, or within rounding of sums in another order.
static bool isSame(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b)) || std::fabs(a - b) <= 1e-12 * std::fmax(1, std::fabs(b));
}

static void compareResults(const Doubles &before, const Doubles &after) {
  ASSERT_EQ(before.size(), after.size());
  for (size_t r = 0; r < before.size(); ++r) {
    EXPECT_EQ(before[r].shape, after[r].shape);
    EXPECT_EQ(before[r].ints, after[r].ints) << "result " << r;
    ASSERT_EQ(before[r].reals.size(), after[r].reals.size());
    for (size_t i = 0; i < before[r].reals.size(); ++i)
      EXPECT_TRUE(isSame(after[r].reals[i], before[r].reals[i]))
          << "result " << r << ", element " << i << " is " << after[r].reals[i] << ", before " << before[r].reals[i];
  }
}

/// Three slots at random points for an open function, else one.
static std::vector<Doubles> run(FuncOp func, uint64_t seed) {
  std::vector<Doubles> slots;
  for (unsigned slot = 0; slot < (func.isOpen() ? 3 : 1); ++slot)
    slots.push_back(makeRandomPoint(func, {seed + 10 * slot, false, {}}));
  std::string error;
  auto results = evaluateOpen<double>(func, slots, error);
  EXPECT_TRUE(succeeded(results)) << error;
  return succeeded(results) ? *results : std::vector<Doubles>();
}

static void expectPreserved(ModuleOp module, const Route &route) {
  SCOPED_TRACE(route.name);
  OwningOpRef<ModuleOp> after = runPhases(module, route);
  for (FuncOp before : module.getOps<FuncOp>()) {
    SCOPED_TRACE(before.getSymName().str());
    auto twin = after->lookupSymbol<FuncOp>(before.getSymName());
    ASSERT_TRUE(twin);
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      std::vector<Doubles> old = run(before, seed), now = run(twin, seed);
      ASSERT_EQ(old.size(), now.size());
      for (size_t slot = 0; slot < old.size(); ++slot)
        compareResults(old[slot], now[slot]);
    }
  }
}

/// Gradients of every loss of the module, after each route.
static void expectGradients(ModuleOp module) {
  OwningOpRef<ModuleOp> withGradients(module.clone());
  for (FuncOp loss : llvm::to_vector(withGradients->getOps<FuncOp>()))
    if (loss.getKind() == FuncKind::Loss)
      EXPECT_TRUE(succeeded(buildGradientFunction(*withGradients, loss)));
  for (const Route &route : routes) {
    SCOPED_TRACE(route.name);
    OwningOpRef<ModuleOp> after = runPhases(*withGradients, route);
    for (FuncOp loss : module.getOps<FuncOp>()) {
      if (loss.getKind() != FuncKind::Loss)
        continue;
      SCOPED_TRACE(loss.getSymName().str());
      auto gradient = after->lookupSymbol<FuncOp>((loss.getSymName() + ".grad").str());
      ASSERT_TRUE(gradient);
      EXPECT_FALSE(gradient.walk([](GradOp) { return WalkResult::interrupt(); }).wasInterrupted());
      GradientCheckReport report = checkGradients(loss, gradient);
      EXPECT_TRUE(report.passed) << report.error << "differences: " << report.difference.argument << " got " << report.difference.got
                                 << " expected " << report.difference.expected << " error " << report.difference.error
                                 << "; duals: " << report.dual.argument << " got " << report.dual.got << " expected "
                                 << report.dual.expected << " error " << report.dual.error;
    }
  }
}

TEST_F(Fixture, LossesKeepTheirMeaning) {
  for (const Route &route : routes)
    expectPreserved(*parseInput("losses.mlir"), route);
}

TEST_F(Fixture, GradientsOfLossesAreRight) { expectGradients(*parseInput("losses.mlir")); }

TEST_F(Fixture, StepsKeepTheirMeaning) {
  for (const Route &route : routes)
    expectPreserved(*parseInput("steps.mlir"), route);
}

TEST_F(Fixture, OrderKeepsItsMeaning) {
  for (const Route &route : routes)
    expectPreserved(*parseInput("order.mlir"), route);
}

TEST_F(Fixture, GradientsOfOrderAreRight) { expectGradients(*parseInput("order.mlir")); }

TEST_F(Fixture, MatricesKeepTheirMeaning) {
  for (const Route &route : routes)
    expectPreserved(*parseInput("matrices.mlir"), route);
}

TEST_F(Fixture, GradientsOfMatricesAreRight) { expectGradients(*parseInput("matrices.mlir")); }

TEST_F(Fixture, TransformsKeepTheirMeaning) {
  for (const Route &route : routes)
    expectPreserved(*parseInput("transforms.mlir"), route);
}

TEST_F(Fixture, GradientsOfTransformsAreRight) { expectGradients(*parseInput("transforms.mlir")); }

TEST_F(Fixture, ControlKeepsItsMeaning) {
  for (const Route &route : routes)
    expectPreserved(*parseInput("control.mlir"), route);
}

TEST_F(Fixture, WorkersKeepTheirMeaning) {
  for (const Route &route : routes)
    expectPreserved(*parseInput("workers.mlir"), route);
}

//===----------------------------------------------------------------------===//
// Elementwise ops
//===----------------------------------------------------------------------===//

static const std::vector<std::string> unaryOps{
    "abs",  "acos",  "acosh", "asin",      "asinh",  "atan", "atanh", "cbrt",  "ceil", "cos", "cosh",       "digamma",         "erf",   "erfc",
    "exp",  "exp2",  "expm1", "floor",     "lambert_w", "lgamma", "log", "log10", "log1p", "log2", "neg", "normal_cdf", "normal_quantile", "round",
    "sigmoid", "sign", "sin", "sinh",      "softplus", "sqrt", "stop", "tan",   "tanh", "trunc"};
static const std::vector<std::string> binaryOps{"add", "atan2", "div", "hypot", "max", "min", "mod", "mul", "pow", "sub"};

static std::string argument(const std::string &name, const std::string &role) {
  return "%" + name + ": !gradus.array<[n], f64> {gradus.name = \"" + name + "\", gradus.role = #gradus.role<" + role + ">}";
}

/// loss(a, b, c) = sum of c * op(a, b); c keeps the cotangents apart. acosh takes 1 + e^a: no random point is above 1.
static std::string weightedSum(const std::string &op, bool isBinary) {
  std::string type = " : !gradus.array<[n], f64>\n";
  bool isAbove = op == "acosh";
  std::string domain = isAbove ? "  %l = gradus.softplus %a" + type + "  %u = gradus.exp %l" + type : "", first = isAbove ? "%u" : "%a";
  return "gradus.func loss @" + op + "(" + argument("a", "param") + ", " + argument("b", isBinary ? "param" : "data") + ", " + argument("c", "data") +
         ") -> (!gradus.array<[], f64> {gradus.name = \"value\", gradus.role = #gradus.role<value>}) {\n" + domain + "  %y = gradus." + op + " " + first +
         (isBinary ? ", %b" : "") + type + "  %p = gradus.mul %y, %c : !gradus.array<[n], f64>\n" +
         "  %s = gradus.reduce sum %p axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>\n  gradus.return %s : !gradus.array<[], f64>\n}\n";
}

/// map(a, b) = op(a, b)
static std::string elementwise(const std::string &op, bool isBinary) {
  return "gradus.func fn @" + op + "(" + argument("a", "input") + ", " + argument("b", "input") + ") -> (!gradus.array<[n], f64> " +
         "{gradus.name = \"y\", gradus.role = #gradus.role<value>}) {\n  %y = gradus." + op + " %a" + (isBinary ? ", %b" : "") +
         " : !gradus.array<[n], f64>\n  gradus.return %y : !gradus.array<[n], f64>\n}\n";
}

static std::string forEachOp(std::string (*make)(const std::string &, bool)) {
  std::string text;
  for (const std::string &op : unaryOps)
    text += make(op, false);
  for (const std::string &op : binaryOps)
    text += make(op, true);
  return text;
}

TEST_F(Fixture, GradientsOfElementwiseOpsAreRight) { expectGradients(*parseText(forEachOp(weightedSum))); }

/// Every pair of special numbers, bit for bit but for the kind of a NaN.
TEST_F(Fixture, SpecialNumbersPassThroughEveryPhase) {
  auto module = parseText(forEachOp(elementwise) + elementwise("trigamma", false)); // which has no derivative
  const double inf = std::numeric_limits<double>::infinity(), special[] = {0.0, -0.0, 1, -1, 2.5, -2.5, 1e308, -1e308, 5e-324, inf, -inf, std::nan("")};
  Array<double> a{Kind::Real, {std::size(special) * std::size(special)}, {}, {}}, b = a;
  for (double x : special)
    for (double y : special) {
      a.reals.push_back(x);
      b.reals.push_back(y);
    }
  for (const Route &route : routes) {
    auto after = runPhases(*module, route);
    for (FuncOp before : module->getOps<FuncOp>()) {
      SCOPED_TRACE(route.name + " " + before.getSymName().str());
      std::string error;
      auto old = evaluate<double>(before, {a, b}, error), now = evaluate<double>(after->lookupSymbol<FuncOp>(before.getSymName()), {a, b}, error);
      ASSERT_TRUE(succeeded(old) && succeeded(now)) << error;
      for (size_t i = 0; i < a.reals.size(); ++i) {
        double was = (*old)[0].reals[i], is = (*now)[0].reals[i];
        EXPECT_TRUE((std::isnan(was) && std::isnan(is)) || (was == is && std::signbit(was) == std::signbit(is)))
            << a.reals[i] << ", " << b.reals[i] << ": " << is << ", before " << was;
      }
    }
  }
}

/// Derivatives by the compiler and by duals agree at kinks and at the border of a domain, not only at smooth points.
TEST_F(Fixture, SlopesAtSpecialNumbersAgree) {
  auto module = parseText(forEachOp(weightedSum));
  OwningOpRef<ModuleOp> withGradients(module->clone());
  for (FuncOp loss : llvm::to_vector(withGradients->getOps<FuncOp>()))
    ASSERT_TRUE(succeeded(buildGradientFunction(*withGradients, loss)));
  auto after = runPhases(*withGradients, routes[0]);
  const double special[] = {0.0, -0.0, 1, -1, 2.5, -2.5};
  for (FuncOp loss : module->getOps<FuncOp>())
    for (double x : special)
      for (double y : special) {
        SCOPED_TRACE(loss.getSymName().str() + " at " + std::to_string(x) + ", " + std::to_string(y));
        Doubles args{Array<double>::real({1}, {x}), Array<double>::real({1}, {y}), Array<double>::real({1}, {0.75})};
        std::string error;
        auto gradient = after->lookupSymbol<FuncOp>((loss.getSymName() + ".grad").str());
        SmallVector<unsigned> wrt{0};
        if (gradient.getNumResults() == 3)
          wrt.push_back(1);
        auto duals = evaluateGradients<double>(loss, args, wrt, error);
        auto results = evaluate<double>(gradient, args, error);
        ASSERT_TRUE(succeeded(duals) && succeeded(results)) << error;
        for (unsigned k = 0; k < wrt.size(); ++k)
          EXPECT_TRUE(isSame((*results)[k + 1].reals[0], duals->gradients[k].reals[0]))
              << "in argument " << k << ": " << (*results)[k + 1].reals[0] << ", by duals " << duals->gradients[k].reals[0];
      }
}

TEST_F(Fixture, EveryOpHasACase) {
  std::set<std::string> seen{"gradus.phase", "gradus.kernel"}; // what fusion makes of the inputs
  for (const char *name : {"losses.mlir", "matrices.mlir", "order.mlir", "steps.mlir", "control.mlir", "transforms.mlir", "workers.mlir"})
    parseInput(name)->walk([&](Operation *op) { seen.insert(op->getName().getStringRef().str()); });
  for (const std::string &text : {forEachOp(weightedSum), elementwise("trigamma", false)})
    parseText(text)->walk([&](Operation *op) { seen.insert(op->getName().getStringRef().str()); });
  // What has no value in the evaluator, or stands in a test alone, or inside one pass.
  const std::set<std::string> excused{"gradus.expect", "gradus.expect_near", "gradus.oracle", "gradus.partial"};
  // Not built yet.
  const std::set<std::string> planned{"gradus.custom"};
  for (RegisteredOperationName op : context.getRegisteredOperationsByDialect("gradus"))
    EXPECT_NE(seen.contains(op.getStringRef().str()), excused.contains(op.getStringRef().str()) || planned.contains(op.getStringRef().str())) << op.getStringRef().str();
}
