//===- AlgebraTest.cpp - Each identity changes no bit ----------------------------===//

#include "passes/simplify/Patterns.h"
#include "test/passes/simplify/Forms.h"

using namespace gradus;
using namespace gradus::reference;
using namespace gradus::test;

namespace {

class Algebra : public testing::TestWithParam<Form> {};

/// Every pair of special numbers, the sign of each zero included; a NaN may be another one.
TEST_P(Algebra, ChangesNoBit) {
  const Form &form = GetParam();
  Program naive(writeValue(form.body)), simple(writeValue(form.body));
  mlir::RewritePatternSet set(&simple.context);
  populateAlgebra(set);
  llvm::SmallVector<std::string> others;
  for (const auto &pattern : set.getNativePatterns())
    if (pattern->getDebugName().rsplit(':').second != form.pattern)
      others.push_back(pattern->getDebugName().str());
  bool isChanged = false;
  mlir::FrozenRewritePatternSet patterns(std::move(set), others);
  ASSERT_TRUE(succeeded(mlir::applyPatternsGreedily(simple.func(), patterns, mlir::GreedyRewriteConfig(), &isChanged)));
  EXPECT_TRUE(isChanged);
  unsigned muls = 0, ops = 0;
  for (mlir::Operation &op : simple.func().getBody().front()) {
    ++ops;
    muls += mlir::isa<MulOp>(op);
  }
  EXPECT_LE(ops, 5u + muls) << "the pattern does not match its form";
  const double special[] = {0.0, -0.0, 1, -1, 2.5, -2.5, 1e308, -1e308, 5e-324, inf, -inf, qnan};
  for (double x : special)
    for (double y : special) {
      double was = naive.run({vec({x}), vec({y})})[0].reals[0], is = simple.run({vec({x}), vec({y})})[0].reals[0];
      EXPECT_TRUE((std::isnan(was) && std::isnan(is)) || (was == is && std::signbit(was) == std::signbit(is)))
          << x << ", " << y << ": " << is << ", before " << was;
    }
}

INSTANTIATE_TEST_SUITE_P(All, Algebra, testing::ValuesIn(algebraForms), [](const auto &info) { return std::string(info.param.pattern); });

TEST(AlgebraTable, HasARowForEachPattern) {
  mlir::MLIRContext context;
  context.loadDialect<GradusDialect>();
  mlir::RewritePatternSet set(&context);
  populateAlgebra(set);
  std::set<std::string> rows;
  for (const Form &form : algebraForms)
    rows.insert(form.pattern);
  EXPECT_EQ(rows, namesOf(set));
}

} // namespace
