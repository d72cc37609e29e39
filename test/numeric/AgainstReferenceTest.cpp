//===- AgainstReferenceTest.cpp - Machine code says what the evaluator says -----===//
//
// Every function of test/passes/Inputs and the gradients of its losses, and of Inputs/*.grad and of rules of the library: compiled and
// called, and interpreted, at random points of several sizes, fused and not.
//
//===----------------------------------------------------------------------===//

#include "Compiled.h"

#include "codegen/reference/RandomPoint.h"
#include "dialect/DimExpr.h"
#include "lang/Frontend.h"
#include "passes/diff/BuildGradient.h"
#include "passes/fuse/Plan.h"

#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

/// Results of sums in another order and of other elementary functions; f32 rounds.
static double toleranceOf(FuncOp func) {
  auto isNarrow = [](Type type) {
    auto real = dyn_cast<FloatType>(llvm::cast<ArrayType>(type).getElementType());
    return real && !real.isF64();
  };
  auto isHalf = [](Type type) { return llvm::cast<ArrayType>(type).getElementType().isF16() || llvm::cast<ArrayType>(type).getElementType().isBF16(); };
  if (llvm::any_of(func.getResultTypes(), isHalf))
    return 0x1p-7; // a last place of bf16, where the arithmetic of one engine is at the other side of a middle
  return llvm::any_of(func.getArgumentTypes(), isNarrow) ? 2e-5 : 1e-11;
}

static void compareArrays(const Array<double> &got, const Array<double> &expected, double tolerance) {
  EXPECT_EQ(got.shape, expected.shape);
  EXPECT_EQ(got.ints, expected.ints);
  ASSERT_EQ(got.reals.size(), expected.reals.size());
  for (size_t i = 0; i < got.reals.size(); ++i) {
    double a = got.reals[i], b = expected.reals[i];
    EXPECT_TRUE((std::isnan(a) && std::isnan(b)) || a == b || std::fabs(a - b) <= tolerance * std::fmax(1, std::fabs(b)))
        << "element " << i << " is " << a << ", by the evaluator " << b;
  }
}

/// Whether a size in it is a quotient, as q / 4.
static bool dividesSizes(FuncOp func) {
  auto isQuotient = [](Type type) {
    auto array = dyn_cast<ArrayType>(type);
    return array && llvm::any_of(array.getShape(), [](Attribute dim) { return DimExpr::of(dim).getDivisor() != 1; });
  };
  WalkResult result = func.walk([&](Operation *op) { return llvm::any_of(op->getResultTypes(), isQuotient) ? WalkResult::interrupt() : WalkResult::advance(); });
  return result.wasInterrupted();
}

/// Whether it holds the gradient of a factorization: for dual numbers the time grows with the fifth power of the size.
static bool differentiatesMatrices(FuncOp func) {
  WalkResult result = func.walk([](Operation *op) { return isMatrixOp(op) && op->getParentOfType<GradOp>() ? WalkResult::interrupt() : WalkResult::advance(); });
  return result.wasInterrupted();
}

/// Sizes below a vector, across its edge, and of several vectors. Those that are divided are multiples of 8.
static std::vector<PointOptions> pointsOf(FuncOp func) {
  std::vector<PointOptions> points{{1, false, {}}, {2, true, {}}};
  const bool isDivided = dividesSizes(func);
  const std::vector<int64_t> sizes = isDivided                      ? std::vector<int64_t>{16, 24, 48}
                                     : differentiatesMatrices(func) ? std::vector<int64_t>{8, 17}
                                                                    : std::vector<int64_t>{16, 17, 45};
  for (int64_t size : sizes) {
    PointOptions point{static_cast<uint64_t>(size), false, {}};
    for (Type type : func.getArgumentTypes())
      for (Attribute dim : llvm::cast<ArrayType>(type).getShape())
        for (const std::string &symbol : DimExpr::of(dim).getSymbols())
          point.sizes.try_emplace(symbol, size + static_cast<int64_t>(point.sizes.size()) * (isDivided ? 8 : 1));
    points.push_back(point);
  }
  return points;
}

/// Whether the arguments tell the sizes of all results: where the caller's outputs do, the integration tests call it.
static bool hasToldSizes(FuncOp func) {
  std::set<std::string> told;
  auto symbols = [](Type type) {
    std::set<std::string> found;
    for (Attribute dim : llvm::cast<ArrayType>(type).getShape())
      if (auto symbol = dyn_cast<StringAttr>(dim))
        found.insert(symbol.str());
    return found;
  };
  for (Type type : func.getArgumentTypes())
    told.merge(symbols(type));
  return llvm::all_of(func.getResultTypes(), [&](Type type) { return llvm::all_of(symbols(type), [&](const std::string &symbol) { return told.contains(symbol); }); });
}

/// A module in the dialect's own text, or a spec without its tests.
static OwningOpRef<ModuleOp> read(MLIRContext &context, const std::string &path) {
  if (!StringRef(path).ends_with(".grad"))
    return parseSourceFile<ModuleOp>(path, &context);
  SourceManager sources;
  Diagnostics diagnostics(sources);
  EmitOptions options;
  options.standardLibrary = GRADUS_TEST_STD;
  auto module = emitFile(context, sources, path, diagnostics, options);
  EXPECT_TRUE(module) << diagnostics.render();
  if (module)
    for (FuncOp func : llvm::make_early_inc_range(module->getOps<FuncOp>()))
      if (func.getKind() == FuncKind::Test)
        func.erase();
  return module;
}

static void expectAgreement(const std::string &path, const PhaseOptions &options) {
  MLIRContext context;
  context.loadDialect<GradusDialect>();
  auto module = read(context, path);
  ASSERT_TRUE(module);
  for (FuncOp func : llvm::to_vector(module->getOps<FuncOp>()))
    if (func.getKind() == FuncKind::Loss)
      ASSERT_TRUE(succeeded(buildGradientFunction(*module, func)));
  std::string error;
  auto compiled = Compiled::create(*module, error, options);
  ASSERT_TRUE(compiled) << error;
  for (FuncOp func : module->getOps<FuncOp>())
    for (const PointOptions &point : hasToldSizes(func) ? pointsOf(func) : std::vector<PointOptions>()) {
      SCOPED_TRACE(func.getSymName().str() + " at point " + std::to_string(point.seed));
      std::vector<Arrays<double>> slots;
      for (unsigned slot = 0; slot < (func.isOpen() ? 3 : 1); ++slot) {
        PointOptions next = point;
        next.seed += 100 * slot;
        slots.push_back(makeRandomPoint(func, next));
        for (unsigned i = 0; i < func.getNumArguments(); ++i) // one call has one set of hyper-parameters and one time
          if (func.getArgRole(i) == Role::Hyper || func.getArgRole(i) == Role::Time || func.getArgAttr(i, "gradus.shared"))
            slots.back()[i] = slots.front()[i];
        for (auto [array, type] : llvm::zip(slots.back(), func.getArgumentTypes())) // what the caller can store
          if (auto real = dyn_cast<FloatType>(llvm::cast<ArrayType>(type).getElementType()))
            for (double &x : array.reals) {
              llvm::APFloat stored(x);
              bool isRounded;
              stored.convert(real.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &isRounded);
              stored.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &isRounded);
              x = stored.convertToDouble();
            }
      }
      auto expected = evaluateOpen<double>(func, slots, error);
      ASSERT_TRUE(succeeded(expected)) << error;
      auto got = compiled->call(func.getSymName(), slots, error);
      ASSERT_TRUE(succeeded(got)) << error;
      for (size_t slot = 0; slot < slots.size(); ++slot)
        for (auto [a, b] : llvm::zip((*got)[slot], (*expected)[slot]))
          compareArrays(a, b, toleranceOf(func));
    }
}

static void expectBoth(const std::string &path) {
  expectAgreement(path, {});
  expectAgreement(path, {.noFuse = true});
}

TEST(AgainstReference, CallsInBlocks) { expectBoth(GRADUS_TEST_INPUTS "/calls_in_blocks.grad"); }
TEST(AgainstReference, Collection) { expectBoth(GRADUS_TEST_INPUTS "/collection.grad"); }
TEST(AgainstReference, Control) { expectBoth(GRADUS_TEST_PASSES "/control.mlir"); }
TEST(AgainstReference, ControlInSpecs) { expectBoth(GRADUS_TEST_INPUTS "/control.grad"); }
TEST(AgainstReference, Expressions) { expectBoth(GRADUS_TEST_INPUTS "/expressions.grad"); }
TEST(AgainstReference, KeptState) { expectBoth(GRADUS_TEST_INPUTS "/kept_state.grad"); }
TEST(AgainstReference, LateSizes) { expectBoth(GRADUS_TEST_INPUTS "/late_sizes.grad"); }
TEST(AgainstReference, Workers) { expectBoth(GRADUS_TEST_PASSES "/workers.mlir"); }
TEST(AgainstReference, LossState) { expectBoth(GRADUS_TEST_INPUTS "/loss_state.grad"); }
TEST(AgainstReference, Losses) { expectBoth(GRADUS_TEST_PASSES "/losses.mlir"); }
TEST(AgainstReference, Operators) { expectBoth(GRADUS_TEST_INPUTS "/operators.grad"); }
TEST(AgainstReference, Matrices) { expectBoth(GRADUS_TEST_PASSES "/matrices.mlir"); }
TEST(AgainstReference, Muon) { expectBoth(GRADUS_TEST_STD "/rules/muon.grad"); }
TEST(AgainstReference, NamedEntries) { expectBoth(GRADUS_TEST_INPUTS "/named_entries.grad"); }
TEST(AgainstReference, Order) { expectBoth(GRADUS_TEST_PASSES "/order.mlir"); }
TEST(AgainstReference, PartsOfSharedStates) { expectBoth(GRADUS_TEST_INPUTS "/parts.grad"); }
TEST(AgainstReference, Recurrences) { expectBoth(GRADUS_TEST_INPUTS "/recurrences.grad"); }
TEST(AgainstReference, Steps) { expectBoth(GRADUS_TEST_PASSES "/steps.mlir"); }
TEST(AgainstReference, Storage) { expectBoth(GRADUS_TEST_INPUTS "/storage.grad"); }
TEST(AgainstReference, Swaps) { expectBoth(GRADUS_TEST_PASSES "/swaps.mlir"); }
