//===- SourceShelfTest.cpp - The gradients of the whole shelf as Gradus source ---===//
//
// Every loss of lang/std and of the thirty specs, and losses with loops, conditions and recurrences: the gradient is printed, the text
// is read by the front end, and both functions are evaluated at one point: the same bits.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/SourcePrinter.h"
#include "test/codegen/emit/Shelf.h"

#include <cmath>

using namespace gradus;
using namespace gradus::reference;

namespace {

/// `number` as a type of 16 bits keeps it; the text cannot say in what its results are kept.
double keep(double number, mlir::Type type) {
  if (!type.isF16() && !type.isBF16())
    return number;
  llvm::APFloat rounded(number);
  bool isLossy;
  rounded.convert(llvm::cast<mlir::FloatType>(type).getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &isLossy);
  rounded.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &isLossy);
  return rounded.convertToDouble();
}

class SourceShelf : public testing::TestWithParam<ShelfLoss> {};

TEST_P(SourceShelf, MeansTheSame) {
  ShelfGradient shelf(GetParam());
  FuncOp gradient = shelf.gradient;
  ASSERT_TRUE(gradient) << shelf.said;
  auto text = printAsSource(gradient);
  ASSERT_TRUE(succeeded(text)) << shelf.said;

  SourceManager sources;
  Diagnostics diagnostics(sources);
  auto again = emitModule(shelf.context, sources, sources.add("printed.grad", *text), diagnostics, shelfOptions());
  ASSERT_TRUE(again) << diagnostics.render() << *text;
  auto func = again->lookupSymbol<FuncOp>(GetParam().name + "_grad");
  ASSERT_TRUE(func) << *text;
  mlir::PassManager passes(&shelf.context);
  PhaseOptions options;
  options.exactDiv = true;
  buildPhasesUpTo(passes, Phase::Simplify, options);
  ASSERT_TRUE(succeeded(passes.run(*again))) << shelf.said << *text;

  // The step is no argument of the text; whoever draws has it.
  Arrays<double> point = makeRandomPoint(gradient, {}), own;
  std::vector<unsigned> untimed;
  Array<double> time = Array<double>::scalarInt(1);
  for (unsigned i = 0; i < gradient.getNumArguments(); ++i)
    if (gradient.getArgRole(i) == Role::Time && !gradient.getArgument(i).use_empty())
      time = point[i];
    else
      untimed.push_back(i);
  unsigned next = 0;
  for (unsigned i = 0; i < func.getNumArguments(); ++i) {
    bool isTime = func.getArgRole(i) == Role::Time;
    ASSERT_TRUE(isTime || next < untimed.size()) << *text;
    own.push_back(isTime ? time : point[untimed[next++]]);
  }
  std::string error;
  auto expected = evaluate<double>(gradient, point, error), got = evaluate<double>(func, own, error);
  ASSERT_TRUE(succeeded(expected)) << error;
  ASSERT_TRUE(succeeded(got)) << error << "\n" << *text;
  ASSERT_EQ(got->size(), expected->size());
  for (size_t k = 0; k < got->size(); ++k) {
    ASSERT_EQ((*got)[k].reals.size(), (*expected)[k].reals.size());
    for (size_t i = 0; i < (*got)[k].reals.size(); ++i) {
      double a = keep((*got)[k].reals[i], llvm::cast<ArrayType>(gradient.getResultTypes()[k]).getElementType()), b = (*expected)[k].reals[i];
      if (std::isnan(a) && std::isnan(b))
        continue;
      EXPECT_EQ(a, b) << "result " << k << ", element " << i << "\n" << *text;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Library, SourceShelf, testing::ValuesIn(findLosses({std::string(GRADUS_TEST_FOLDER) + "/codegen/emit/Inputs/control.grad"})),
                         [](const auto &info) { return std::to_string(info.index) + "_" + info.param.name; });

} // namespace
