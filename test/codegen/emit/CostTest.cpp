//===- CostTest.cpp - What gradients and products with Hessians cost -------------===//
//
// On every loss of the library, in counted flops: value and gradient at most 4 times the value, a product with the Hessian at most 3 times value
// and gradient.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/Explain.h"
#include "test/codegen/emit/Shelf.h"

using namespace gradus;

namespace {

class Cost : public testing::TestWithParam<ShelfLoss> {};

TEST_P(Cost, IsAFewTimesThatOfTheValue) {
  mlir::MLIRContext context;
  context.loadDialect<GradusDialect>();
  SourceManager sources;
  Diagnostics diagnostics(sources);
  auto module = emitFile(context, sources, GetParam().file, diagnostics, shelfOptions());
  ASSERT_TRUE(module) << diagnostics.render();
  auto cost = explainCost(module->lookupSymbol<FuncOp>(GetParam().name), {});
  ASSERT_TRUE(cost);
  auto value = ExplainedCost::evaluate(cost->value), gradient = ExplainedCost::evaluate(cost->gradient);
  ASSERT_TRUE(value && gradient) << printCount(cost->gradient);
  auto product = cost->product ? ExplainedCost::evaluate(*cost->product) : std::nullopt;
  RecordProperty("gradient", std::to_string(*gradient / *value));
  EXPECT_LE(*gradient / *value, 4) << "value: " << printCount(cost->value) << "\ngradient: " << printCount(cost->gradient);
  if (product)
    EXPECT_LE(*product / *gradient, 3) << "gradient: " << printCount(cost->gradient) << "\nproduct: " << printCount(*cost->product);
}

std::vector<ShelfLoss> findLibraryLosses() {
  std::vector<ShelfLoss> losses = findLosses();
  std::erase_if(losses, [](const ShelfLoss &loss) { return !llvm::StringRef(loss.file).starts_with(GRADUS_SOURCE_LIBRARY); });
  return losses;
}

INSTANTIATE_TEST_SUITE_P(Library, Cost, testing::ValuesIn(findLibraryLosses()), [](const auto &info) { return std::to_string(info.index) + "_" + info.param.name; });

} // namespace
