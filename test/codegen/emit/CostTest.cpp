//===- CostTest.cpp - What gradients and products with Hessians cost -------------===//
//
// On every loss of the library, in counted flops: value and gradient at most 4 times the value, a product with the Hessian at most 3 times value
// and gradient. What exceeds it stands here by name, with how much it does and why.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/Explain.h"
#include "test/codegen/emit/Shelf.h"

using namespace gradus;

namespace {

/// A bound of its own: gradient over value, product over gradient. In products with Hessians it is the guards of cotangents that a choice may have
/// made 0: four comparisons and choices for each product of the gradient.
const std::map<std::string, std::pair<double, double>> exceeding = {
    {"entropic_softmax", {5.2, 3.2}},  // the norm of an input gradient over the loss, whose guards are those of a second derivative
    {"one_sided_weights", {4, 3.8}},
    {"proximal_matching", {4, 4.9}},   // a gradient inside of a loop, whose passes each derivative computes again
    {"semi_structured", {4.34, 3.43}}, // four parts of an axis: their cotangents are added as wholes with zeros
    {"ternary_weights", {4, 3.63}},
};

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
  auto own = exceeding.find(GetParam().name);
  double mostOfGradient = own != exceeding.end() ? own->second.first : 4, mostOfProduct = own != exceeding.end() ? own->second.second : 3;
  EXPECT_LE(*gradient / *value, mostOfGradient) << "value: " << printCount(cost->value) << "\ngradient: " << printCount(cost->gradient);
  if (product)
    EXPECT_LE(*product / *gradient, mostOfProduct) << "gradient: " << printCount(cost->gradient) << "\nproduct: " << printCount(*cost->product);
}

std::vector<ShelfLoss> findLibraryLosses() {
  std::vector<ShelfLoss> losses = findLosses();
  std::erase_if(losses, [](const ShelfLoss &loss) { return !llvm::StringRef(loss.file).starts_with(GRADUS_SOURCE_LIBRARY); });
  return losses;
}

INSTANTIATE_TEST_SUITE_P(Library, Cost, testing::ValuesIn(findLibraryLosses()), [](const auto &info) { return std::to_string(info.index) + "_" + info.param.name; });

} // namespace
