//===- CheckCustom.cpp - Derivatives of one's own against their bodies ---------===//
//
// A derivative that a spec writes is tried wherever it is used, with what it is used on: in losses, functions and rules at random points, in tests at
// those of the test. One whose body is constant piece by piece is a surrogate, and so is one that is marked as such: it is no derivative of
// the body, which is said and is no failure. That of an inner problem is tried by longer steps, for its solver stops early.
//
//===----------------------------------------------------------------------===//

#include "codegen/driver/Checker.h"

using namespace mlir;

namespace gradus::driver {

/// A derivative of one's own, and the function that it stands in.
struct Checker::CustomUse {
  FuncOp func;
  CustomOp op;
};

/// Where the clause stands.
static mlir::Location placeOf(CustomOp op) { return op.getDerivative().front().getTerminator()->getLoc(); }

static std::string nameOf(CustomOp op) {
  if (auto names = op->getAttrOfType<ArrayAttr>("names"))
    return "derivative of " + cast<StringAttr>(names[0]).str();
  return "derivative of the inner problem at " + describePlace(op.getLoc());
}

void Checker::checkCustom(ArrayRef<CustomUse> uses) {
  CustomOp first = uses.front().op;
  bool isOfProblem = !first->hasAttr("names"), isFlat = true;
  reference::GradientCheckReport all;
  std::string why;
  all.passed = true;
  unsigned tried = 0;
  for (CustomUse use : uses.take_front(isOfProblem ? 1 : 6)) {
    Trial trial = outlineCustom(use.op);
    bool isTest = use.func.getKind() == FuncKind::Test;
    for (unsigned k = 0; k < (isTest ? 1 : 3) && !(isOfProblem && tried); ++k) {
      reference::Arrays<double> point = reference::makeRandomPoint(use.func, {(seed + k) * 8, k == 2, {}});
      auto values = readValues(use.func, use.op, trial.reads, point, why);
      if (failed(values))
        continue;
      reference::GradientCheckOptions options;
      options.seed = seed;
      options.sizes = sizesAt(use.func, point);
      options.given.push_back(std::move(*values));
      options.mostElements = isOfProblem ? 2 : 32;
      options.isIterative = isOfProblem;
      options.differenceTolerance = isOfProblem ? 1e-4 : 1e-6;
      reference::GradientCheckReport result = reference::checkGradients(trial.value, trial.withGradients, options);
      if (!result.error.empty()) {
        why = result.error;
        continue;
      }
      ++tried;
      isFlat &= result.isFlat;
      unsigned elements = all.elements + result.elements, kinks = all.kinks + result.kinks;
      if (all.passed)
        all = std::move(result);
      all.elements = elements;
      all.kinks = kinks;
    }
  }
  std::string what = nameOf(first);
  if (tried == 0)
    return note(what + ": not checked: " + why);
  if (!all.passed && !isOfProblem && (isFlat || first->hasAttr("surrogate"))) {
    say(true, what + ": a surrogate, " + (isFlat ? "for the value is constant wherever it has a derivative" : "as it says"));
    return;
  }
  report(what, all);
  if (!all.passed)
    note(describePlace(placeOf(first)) + ": it is declared here");
  if (!all.passed && isOfProblem)
    note("it is compared with solutions beside the point: where there are none, as for weights whose sums must agree, the difference says nothing");
}

void Checker::checkCustoms() {
  // Those of one clause belong together. Tests come last: they are tried where nothing else uses a derivative.
  llvm::MapVector<std::pair<mlir::Location, StringAttr>, SmallVector<CustomUse>> groups;
  for (bool isTest : {false, true})
    for (FuncOp func : original.getOps<FuncOp>())
      if ((func.getKind() == FuncKind::Test) == isTest)
        func.walk([&](CustomOp op) {
          bool isInStep = func.getKind() == FuncKind::RuleStep || func.getKind() == FuncKind::TrainStep;
          // The problem of a step need not have a solution at random points; the tests of the rule have one.
          // Nor is one inside of a derivative tried for itself: the op around is tried, with it.
          auto around = op->getParentOfType<CustomOp>();
          bool isInDerivative = around && around.getDerivative().isAncestor(op->getParentRegion());
          bool isLeftOut = isInDerivative || op->hasAttr("implicit") || op->hasAttr("exact") || (isInStep && !op->hasAttr("names"));
          if (!isLeftOut)
            groups[{placeOf(op), StringAttr::get(op.getContext(), nameOf(op))}].push_back({func, op});
        });
  for (auto &[key, uses] : groups)
    checkCustom(uses);
  // What could not be tried alone, and is used nowhere.
  auto untried = original->getAttrOfType<DictionaryAttr>("gradus.untried");
  for (NamedAttribute one : untried ? untried.getValue() : ArrayRef<NamedAttribute>())
    if (llvm::none_of(groups, [&](const auto &group) { return group.first.second.getValue() == "derivative of " + one.getName().str(); }))
      note("derivative of " + one.getName().getValue() + ": not checked, for nothing uses it, and on a vector and numbers: " + cast<StringAttr>(one.getValue()).getValue());
}

} // namespace gradus::driver
