// Fusion changes no result: the reference evaluator gets the same numbers from a function before and after it.

#include "RandomProgram.h"

#include "codegen/reference/RandomPoint.h"
#include "passes/Phases.h"
#include "passes/fuse/Plan.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace gradus;
using gradus::reference::Arrays;

/// The results for two slots, or for one where the function is closed, one slot after the other.
static Arrays<double> evaluateAll(FuncOp func, std::string &error) {
  std::vector<Arrays<double>> slots;
  for (uint64_t seed = 1; seed <= (func.isOpen() ? 2u : 1u); ++seed) {
    reference::PointOptions options;
    options.seed = seed;
    slots.push_back(makeRandomPoint(func, options));
    // One call has one set of hyper-parameters and one time.
    for (unsigned i = 0; i < func.getNumArguments(); ++i)
      if (func.getArgRole(i) == Role::Hyper || func.getArgRole(i) == Role::Time)
        slots.back()[i] = slots.front()[i];
  }
  Arrays<double> all;
  if (!func.isOpen()) {
    auto results = reference::evaluate<double>(func, slots.front(), error);
    return succeeded(results) ? *results : all;
  }
  auto results = reference::evaluateOpen<double>(func, slots, error);
  if (succeeded(results))
    for (const Arrays<double> &slot : *results)
      all.insert(all.end(), slot.begin(), slot.end());
  return all;
}

static void expectEqual(const Arrays<double> &got, const Arrays<double> &expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i].shape, expected[i].shape) << "result " << i;
    EXPECT_EQ(got[i].ints, expected[i].ints) << "result " << i;
    for (size_t k = 0; k < got[i].reals.size(); ++k) {
      double a = got[i].reals[k], b = expected[i].reals[k];
      bool isSame = a == b || (std::isnan(a) && std::isnan(b)) || std::fabs(a - b) <= 1e-12 * std::fmax(1.0, std::fabs(b));
      EXPECT_TRUE(isSame) << "result " << i << ", element " << k << ": " << a << ", not " << b;
    }
  }
}

/// Fuses a copy of the module and compares every function.
static void expectPreserved(mlir::ModuleOp module, bool noFuse) {
  mlir::OwningOpRef<mlir::ModuleOp> fused(module.clone());
  mlir::PassManager pm(module.getContext());
  PhaseOptions options;
  options.noFuse = noFuse;
  buildPhase(pm, Phase::Fuse, options);
  ASSERT_TRUE(succeeded(pm.run(*fused)));
  for (FuncOp func : module.getOps<FuncOp>()) {
    if (func.getKind() == FuncKind::Test)
      continue;
    auto after = fused->lookupSymbol<FuncOp>(func.getSymName());
    ASSERT_TRUE(after);
    std::string error;
    Arrays<double> expected = evaluateAll(func, error);
    ASSERT_EQ(error, "");
    Arrays<double> got = evaluateAll(after, error);
    ASSERT_EQ(error, "");
    expectEqual(got, expected);
  }
}

/// No array is written in place while a kernel after it, or another point of its own kernel, still needs the old one.
static void expectSafeStores(FuncOp func) {
  Plan plan(func);
  for (KernelOp kernel : plan.getKernels())
    for (mlir::Value value : kernel.getStored()) {
      const Storage &where = plan.getStorage(value);
      if (where.home != Home::Result || where.argument < 0)
        continue;
      for (KernelOp later : plan.getKernels().drop_front(plan.getPosition(kernel) + 1))
        EXPECT_FALSE(llvm::is_contained(later.getOperands(), func.getArgument(where.argument)));
    }
}

/// What the plans of many random programs hold.
struct Census {
  unsigned phases = 0, kernels = 0, contractions = 0, scatters = 0, reductions = 0, inPlace = 0, deferred = 0, temporary = 0;

  void add(FuncOp func) {
    phases += std::distance(func.getBody().getOps<PhaseOp>().begin(), func.getBody().getOps<PhaseOp>().end()) > 1;
    func.walk([&](mlir::Operation *op) {
      contractions += mlir::isa<ContractOp>(op);
      scatters += mlir::isa<ScatterAddOp>(op);
      reductions += mlir::isa<ReduceOp>(op);
    });
    Plan plan(func);
    kernels += plan.getKernels().size();
    for (KernelOp kernel : plan.getKernels())
      for (mlir::Value value : kernel.getStored()) {
        inPlace += plan.getStorage(value).home == Home::Result;
        deferred += plan.getStorage(value).home == Home::Deferred;
        temporary += plan.getStorage(value).home == Home::Workspace;
      }
  }
};

class Written : public testing::TestWithParam<const char *> {};
class Random : public testing::TestWithParam<unsigned> {};

TEST_P(Written, KeepsItsResults) {
  mlir::MLIRContext context;
  context.loadDialect<GradusDialect>();
  std::string path = std::string(GRADUS_FUSE_TESTS) + "/" + GetParam() + ".mlir";
  auto module = mlir::parseSourceFile<mlir::ModuleOp>(path, &context);
  ASSERT_TRUE(module) << path;
  expectPreserved(*module, /*noFuse=*/false);
  expectPreserved(*module, /*noFuse=*/true);
}
INSTANTIATE_TEST_SUITE_P(Fuse, Written,
                         testing::Values("adamw_is_one_kernel", "clipped_has_two_phases", "control_in_a_phase", "defers_a_store",
                                         "logistic_value_and_gradient", "no_fuse", "nothing_to_do", "softmax_train_step"),
                         [](const auto &info) { return std::string(info.param); });

TEST(RandomPrograms, ReachEveryKindOfPlan) {
  Census census;
  for (unsigned seed = 0; seed < 100; ++seed) {
    mlir::MLIRContext context;
    context.loadDialect<GradusDialect>();
    mlir::OwningOpRef<mlir::ModuleOp> module = makeRandomProgram(context, seed, 20, /*isOpen=*/seed % 2);
    mlir::PassManager pm(&context);
    buildPhase(pm, Phase::Fuse);
    ASSERT_TRUE(succeeded(pm.run(*module)));
    census.add(*module->getOps<FuncOp>().begin());
  }
  EXPECT_GT(census.phases, 5u);
  EXPECT_GT(census.kernels, 300u);
  EXPECT_GT(census.contractions, 20u);
  EXPECT_GT(census.scatters, 5u);
  EXPECT_GT(census.reductions, 50u);
  EXPECT_GT(census.inPlace, 100u);
  EXPECT_GT(census.deferred, 5u);
  EXPECT_GT(census.temporary, 50u);
}

TEST_P(Random, KeepsItsResults) {
  for (unsigned k = 0; k < 25; ++k) {
    unsigned seed = GetParam() * 1000 + k;
    SCOPED_TRACE("seed " + std::to_string(seed));
    mlir::MLIRContext context;
    context.loadDialect<GradusDialect>();
    mlir::OwningOpRef<mlir::ModuleOp> module = makeRandomProgram(context, seed, 4 + 4 * k, /*isOpen=*/seed % 2);
    ASSERT_TRUE(succeeded(mlir::verify(*module)));
    expectPreserved(*module, /*noFuse=*/false);
    expectPreserved(*module, /*noFuse=*/true);
    mlir::PassManager pm(&context);
    buildPhase(pm, Phase::Fuse);
    ASSERT_TRUE(succeeded(pm.run(*module)));
    expectSafeStores(*module->getOps<FuncOp>().begin());
    if (HasFailure()) {
      llvm::errs() << *module;
      return;
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Fuse, Random, testing::Range(0u, 8u));
