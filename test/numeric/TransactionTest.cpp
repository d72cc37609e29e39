//===- TransactionTest.cpp - A refused call has written nothing -----------------===//
//
// The entries of Inputs/late_indices.mlir: every byte of every tensor before and after a call that an index ends, in each slot
// in turn, fused and not; and that the same entries are right where no index is wrong.
//
//===----------------------------------------------------------------------===//

#include "Compiled.h"

#include "codegen/reference/RandomPoint.h"
#include "passes/diff/BuildGradient.h"

#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

namespace {

/// Whether one kernel is made for each operation.
class Transaction : public testing::TestWithParam<bool> {
protected:
  void SetUp() override {
    context.loadDialect<GradusDialect>();
    module = parseSourceFile<ModuleOp>(std::string(GRADUS_TEST_INPUTS "/late_indices.mlir"), &context);
    ASSERT_TRUE(module);
    for (FuncOp func : llvm::to_vector(module->getOps<FuncOp>()))
      if (func.getKind() == FuncKind::Loss)
        ASSERT_TRUE(succeeded(buildGradientFunction(*module, func)));
    compiled = Compiled::create(*module, error, {.noFuse = GetParam()});
    ASSERT_TRUE(compiled) << error;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::unique_ptr<Compiled> compiled;
  std::string error;
};

} // namespace

/// What an index is computed from: sums that truncate to 0, the first element of every axis.
static Arrays<double> goodArguments(FuncOp func, uint64_t seed) {
  PointOptions options{seed, false, {}};
  options.sizes["n"] = 37;
  options.sizes["m"] = 5;
  options.sizes["c"] = 3;
  Arrays<double> args = makeRandomPoint(func, options);
  for (unsigned i = 0; i < func.getNumArguments(); ++i) {
    for (double &x : args[i].reals)
      x = static_cast<float>(x);
    if (func.getArgName(i) == "x" || (func.getSymName().contains("number") && func.getArgName(i) == "v"))
      std::fill(args[i].reals.begin(), args[i].reals.end(), 0.01);
  }
  return args;
}

static void spoil(FuncOp func, Arrays<double> &args, double by) {
  for (unsigned i = 0; i < func.getNumArguments(); ++i)
    if (func.getArgName(i) == "x" || (func.getSymName().contains("number") && func.getArgName(i) == "v"))
      args[i].reals.back() = by;
}

TEST_P(Transaction, LeavesEveryByteOnRefusal) {
  for (FuncOp func : module->getOps<FuncOp>()) {
    unsigned count = func.isOpen() ? 3 : 1;
    for (unsigned bad = 0; bad < count; ++bad)
      for (double by : {-100.0, 1000.0, 1e30}) {
        SCOPED_TRACE(func.getSymName().str() + " with a bad index in slot " + std::to_string(bad));
        std::vector<Arrays<double>> slots;
        for (unsigned slot = 0; slot < count; ++slot)
          slots.push_back(goodArguments(func, slot + 1));
        spoil(func, slots[bad], by);
        std::vector<Buffer> buffers = compiled->makeBuffers(func.getSymName(), slots);
        const EntryLayout &layout = compiled->getLayout(func.getSymName());
        std::vector<std::vector<char>> before;
        for (auto [number, buffer] : llvm::enumerate(buffers)) {
          if (layout.tensors[number % layout.tensors.size()].argument < 0)
            std::fill(buffer.bytes().begin(), buffer.bytes().end(), '\xA5');
          before.emplace_back(buffer.bytes().begin(), buffer.bytes().end());
        }
        gradus_report report{-1, 0, 0, 0, 0, -1, nullptr};
        EXPECT_EQ(compiled->run(func.getSymName(), slots, buffers, report), GRADUS_ERROR_INDEX);
        EXPECT_EQ(report.value, -1);
        for (auto [number, buffer] : llvm::enumerate(buffers))
          EXPECT_TRUE(std::equal(before[number].begin(), before[number].end(), buffer.bytes().begin()))
              << "slot " << number / layout.tensors.size() << ", '" << layout.tensors[number % layout.tensors.size()].name << "'";
      }
  }
}

TEST_P(Transaction, IsRightWhereNothingIsRefused) {
  for (FuncOp func : module->getOps<FuncOp>()) {
    SCOPED_TRACE(func.getSymName().str());
    std::vector<Arrays<double>> slots;
    for (unsigned slot = 0; slot < (func.isOpen() ? 3 : 1); ++slot)
      slots.push_back(goodArguments(func, slot + 1));
    auto expected = evaluateOpen<double>(func, slots, error);
    ASSERT_TRUE(succeeded(expected)) << error;
    auto got = compiled->call(func.getSymName(), slots, error);
    ASSERT_TRUE(succeeded(got)) << error;
    for (size_t slot = 0; slot < slots.size(); ++slot)
      for (auto [a, b] : llvm::zip_equal((*got)[slot], (*expected)[slot])) {
        EXPECT_EQ(a.ints, b.ints);
        for (auto [x, y] : llvm::zip_equal(a.reals, b.reals))
          EXPECT_NEAR(x, y, 1e-5 * std::fmax(1, std::fabs(y)));
      }
  }
}

INSTANTIATE_TEST_SUITE_P(Late, Transaction, testing::Bool(), [](const auto &info) { return info.param ? "NotFused" : "Fused"; });
