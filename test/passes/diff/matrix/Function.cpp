//===- Function.cpp - Maps, evaluated by the reference --------------------------===//

#include "Check.h"

#include "passes/Phases.h"
#include "passes/diff/ReverseSweep.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

#include <complex>

using namespace mlir;

namespace gradus::matrix {

Function::Function(MLIRContext &context, const Map &map) : module(parseSourceString<ModuleOp>(print(map), &context, "test")) {
  EXPECT_TRUE(module) << print(map);
}

static FuncOp onlyFunction(ModuleOp module) { return *module.getOps<FuncOp>().begin(); }

std::optional<Function> Function::compile(MLIRContext &context, const Map &map, const DerivativeTable *table, std::string *messages) {
  Function function(context, map);
  if (!function.module)
    return std::nullopt;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (messages)
      *messages += diagnostic.str() + "\n";
    else
      ADD_FAILURE() << diagnostic.str();
  });
  LogicalResult isDone = success();
  if (table) {
    isDone = expandGradients(onlyFunction(*function.module).getBody(), *table);
  } else {
    PassManager passes(&context);
    buildPhasesUpTo(passes, Phase::Simplify);
    isDone = passes.run(*function.module);
  }
  return succeeded(isDone) ? std::optional(std::move(function)) : std::nullopt;
}

template <typename S>
Arrays<S> Function::operator()(const Arrays<S> &args) const {
  std::string error;
  auto results = reference::evaluate<S>(onlyFunction(*module), args, error, 0, getSizes());
  EXPECT_TRUE(succeeded(results)) << error;
  return succeeded(results) ? *results : Arrays<S>{};
}

template Arrays<double> Function::operator()(const Arrays<double> &) const;
template Arrays<long double> Function::operator()(const Arrays<long double> &) const;
template Arrays<std::complex<double>> Function::operator()(const Arrays<std::complex<double>> &) const;

//===----------------------------------------------------------------------===//
// Points
//===----------------------------------------------------------------------===//

namespace {
/// A sequence without repetition, evenly spread in (0, 1).
class Weyl {
public:
  explicit Weyl(unsigned seed) : at(0.137 + 0.29 * seed) {}
  double next() {
    at += 0.6180339887498949;
    return at - std::floor(at);
  }

private:
  double at;
};
} // namespace

static double chooseNumber(Domain domain, Weyl &numbers) {
  double t = numbers.next();
  switch (domain) {
  case Domain::Positive:
    return 0.3 + 1.7 * t;
  case Domain::AboveOne:
    return 1.2 + 1.8 * t;
  case Domain::Unit:
    return 1.8 * t - 0.9;
  case Domain::Between:
    return 0.1 + 0.8 * t;
  default:
    break;
  }
  for (double x = 3.6 * t - 1.8;; x = 3.6 * numbers.next() - 1.8) // away from 0 and the steps
    if (std::fabs(2 * x - std::round(2 * x)) > 0.1)
      return x;
}

static reference::Shape shapeOf(FuncOp func, unsigned argument) {
  reference::Shape shape;
  llvm::StringMap<int64_t> sizes = getSizes();
  for (Attribute dim : cast<ArrayType>(func.getArgumentTypes()[argument]).getShape())
    shape.push_back(isa<IntegerAttr>(dim) ? cast<IntegerAttr>(dim).getInt() : sizes.lookup(cast<StringAttr>(dim).getValue()));
  return shape;
}

Doubles makePoint(const Program &program, unsigned seed) {
  MLIRContext context;
  context.loadDialect<GradusDialect>();
  Function function(context, mapOf(program));
  Weyl numbers(seed);
  Doubles point;
  for (auto [k, input] : llvm::enumerate(program.inputs)) {
    reference::Shape shape = shapeOf(onlyFunction(function.getModule()), k);
    std::vector<double> elements(reference::countElements(shape));
    bool isMatrix = input.domain == Domain::Square || input.domain == Domain::Definite;
    for (auto [i, x] : llvm::enumerate(elements)) {
      x = chooseNumber(isMatrix ? Domain::Unit : input.domain, numbers);
      if (!isMatrix)
        continue;
      int64_t column = i % shape.back(), row = i / shape.back() % shape[shape.size() - 2];
      x = 0.5 * x + (row == column ? 2 * (row + 1) : 0);
    }
    point.push_back(reference::Array<double>::real(shape, elements));
  }
  return point;
}

} // namespace gradus::matrix
