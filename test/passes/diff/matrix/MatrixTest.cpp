//===- MatrixTest.cpp - Every op, in every mode, with every kind of seed --------===//
//
// The programs of Programs.h, which the table OpDerivatives.def asks for: vjp, jvp, hvp and vjp of vjp with dense seeds, unit vectors and zeros, at points
// inside of the domain and on kinks, against differences, complex steps, dual numbers and one another.
//
//===----------------------------------------------------------------------===//

#include "Check.h"

#include "gtest/gtest.h"

#include <set>

using namespace mlir;
using namespace gradus;
using namespace gradus::matrix;

namespace {

class Matrix : public testing::TestWithParam<Program> {};

TEST_P(Matrix, AllModesAgree) {
  MLIRContext context;
  context.loadDialect<GradusDialect>();
  Findings findings;
  Check(context, GetParam()).checkAll(findings);
  for (const std::string &finding : findings)
    ADD_FAILURE() << finding;
}

INSTANTIATE_TEST_SUITE_P(All, Matrix, testing::ValuesIn(getPrograms()), [](const auto &info) { return info.param.name; });

struct Table : testing::Test {
  Table() { context.loadDialect<GradusDialect>(); }
  std::vector<RegisteredOperationName> allOps() {
    auto names = context.getRegisteredOperationsByDialect("gradus");
    return {names.begin(), names.end()};
  }
  /// The names of the ops of a program.
  std::set<std::string> opsOf(const Program &program) {
    std::set<std::string> names;
    Function function(context, mapOf(program));
    function.getModule()->walk([&](Operation *op) { names.insert(op->getName().getStringRef().str()); });
    return names;
  }
  MLIRContext context;
};

bool isActiveKind(DerivativeKind kind) {
  return kind == DerivativeKind::Row || kind == DerivativeKind::Linear || kind == DerivativeKind::Rule || kind == DerivativeKind::Region;
}

TEST_F(Table, HasAProgramForEveryOp) {
  std::set<std::string> tested, active, refused;
  for (const Program &program : getPrograms()) {
    bool isActive = Check(context, program).isActive();
    for (const std::string &name : opsOf(program)) {
      tested.insert(name);
      if (isActive)
        active.insert(name);
    }
  }
  for (const auto &[op, program] : getRefused())
    refused.insert(op);
  for (RegisteredOperationName op : allOps()) {
    std::string name = op.getStringRef().str();
    DerivativeKind kind = getDerivativeKind(op);
    if (isActiveKind(kind))
      EXPECT_TRUE(active.count(name)) << name << " has no program with a derivative that is not 0";
    if (kind == DerivativeKind::Inactive)
      EXPECT_TRUE(tested.count(name)) << name << " has no program";
    if (kind == DerivativeKind::None)
      EXPECT_TRUE(refused.count(name)) << name << " has no program that is refused";
  }
}

TEST_F(Table, SaysWhatIsConstant) {
  std::vector<Program> constants;
  addConstants(constants);
  std::set<std::string> names;
  for (const Program &program : constants) {
    names.insert("gradus." + program.name);
    EXPECT_FALSE(Check(context, program).isActive()) << program.name;
  }
  for (RegisteredOperationName op : allOps())
    if (getDerivativeKind(op) == DerivativeKind::Inactive)
      EXPECT_TRUE(names.count(op.getStringRef().str())) << op.getStringRef().str() << " has no program of its own that is constant";
}

TEST_F(Table, SaysWhatIsLinear) {
  std::set<std::string> seen;
  for (const Program &program : getPrograms()) {
    bool isLinear = Check(context, program).isActive();
    Function function(context, mapOf(program));
    function.getModule()->walk([&](Operation *op) {
      DerivativeKind kind = getDerivativeKind(op);
      isLinear &= isa<ModuleOp>(op) || kind == DerivativeKind::Linear || kind == DerivativeKind::Structure || isa<ConstantOp>(op);
    });
    if (!isLinear)
      continue;
    for (const std::string &name : opsOf(program))
      seen.insert(name);
    Doubles x = makePoint(program, 1), u = makePoint(program, 2), both = x;
    for (auto [sum, a, b] : llvm::zip_equal(both, x, u))
      for (auto [s, p, q] : llvm::zip_equal(sum.reals, a.reals, b.reals))
        s = 2 * p - q;
    Doubles y = function(both), yx = function(x), yu = function(u);
    for (auto [sum, a, b] : llvm::zip_equal(y, yx, yu))
      for (auto [s, p, q] : llvm::zip_equal(sum.reals, a.reals, b.reals))
        EXPECT_NEAR(s, 2 * p - q, 1e-12) << program.name;
  }
  for (RegisteredOperationName op : allOps())
    if (getDerivativeKind(op) == DerivativeKind::Linear)
      EXPECT_TRUE(seen.count(op.getStringRef().str())) << op.getStringRef().str();
}

TEST_F(Table, HasRowsOnlyWhereItSaysSo) {
  DerivativeTable table(&context);
  for (const Program &program : getPrograms()) {
    Function function(context, mapOf(program));
    function.getModule()->walk([&](Operation *op) {
      if (getDerivativeKind(op) == DerivativeKind::Row || op->getNumResults() == 0)
        return;
      auto type = cast<ArrayType>(op->getResult(0).getType());
      if (!type.isFloat() || type.isBlocks())
        return;
      OpBuilder builder(op->getBlock()->getTerminator());
      for (unsigned operand = 0; operand < op->getNumOperands(); ++operand)
        EXPECT_FALSE(table.apply(builder, op->getResult(0), op->getResult(0), operand)) << op->getName().getStringRef().str();
    });
  }
}

} // namespace
