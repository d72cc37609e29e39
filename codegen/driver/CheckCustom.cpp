//===- CheckCustom.cpp - Derivatives of one's own against their bodies ---------===//
//
// A derivative that a spec writes is tried wherever it is used, with what it is used on: in losses, functions and rules at random points, in tests at
// those of the test. One whose body is constant piece by piece is a surrogate, and so is one that is marked as such: it is no derivative of
// the body, which is said and is no failure. That of an inner problem is tried by longer steps, for its solver stops early, and where the arguments of the
// function around it lead, for beside that it need not have a solution.
//
//===----------------------------------------------------------------------===//

#include "codegen/driver/Checker.h"

#include "llvm/ADT/SetVector.h"

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
  if (auto solver = op->getAttrOfType<StringAttr>("solver"))
    return "derivative of " + solver.str();
  return "derivative of the inner problem at " + describePlace(op.getLoc());
}

/// Tries one use at one point. A problem has solutions where the function around it leads, and so has what is meant on sets: differences go
/// along the arguments of that function. False where it cannot be tried; then the error of the report says why.
bool Checker::tryCustom(CustomUse use, uint64_t trialSeed, bool isPositive, reference::GradientCheckReport &result) {
  bool isOfProblem = !use.op->hasAttr("names"), isConfined = use.op->hasAttr("confined"), isTest = use.func.getKind() == FuncKind::Test;
  Trial trial = outlineCustom(use.op);
  FuncOp sets = setsOf(use.func);
  reference::Arrays<double> point = reference::makeRandomPoint(use.func, {trialSeed, isPositive, {}, sets});
  OwningOpRef<FuncOp> reads = outlineReads(use.func, use.op, trial.reads, result.error);
  auto values = reads ? reference::evaluate<double>(*reads, point, result.error) : FailureOr<reference::Arrays<double>>(failure());
  if (failed(values))
    return false;
  if (isConfined && isTest) {
    result.error = "it is meant on sets, and only tests use it, which have no arguments that move along them";
    return false;
  }
  reference::GradientCheckOptions options;
  options.seed = seed;
  options.sizes = sizesAt(use.func, point);
  options.given.push_back(std::move(*values));
  options.isIterative = isOfProblem || isConfined; // beside a set forward mode may have another derivative
  options.hasLongSteps = isOfProblem || holdsProblem(use.op.getBody());
  options.mostElements = options.hasLongSteps ? 2 : 32;
  options.differenceTolerance = options.hasLongSteps ? 1e-4 : 1e-6;
  if ((isOfProblem && !isTest) || isConfined) {
    reference::Way way(use.func, point);
    way.follow = [&](const reference::Arrays<long double> &args, std::string &error) -> FailureOr<reference::Arrays<long double>> {
      auto there = sets ? reference::takeToSets<long double>(sets, use.func, args, error) : FailureOr<reference::Arrays<long double>>(args);
      return failed(there) ? there : reference::evaluate<long double>(*reads, *there, error);
    };
    options.way = std::move(way);
  }
  result = reference::checkGradients(trial.value, trial.withGradients, options);
  return result.error.empty();
}

void Checker::checkCustom(ArrayRef<CustomUse> uses) {
  // Those whose arguments move along sets come first.
  SmallVector<CustomUse> ordered(uses);
  llvm::stable_sort(ordered, [](const CustomUse &a, const CustomUse &b) { return a.func->hasAttr("gradus.sets") && !b.func->hasAttr("gradus.sets"); });
  CustomOp first = uses.front().op;
  bool isOfProblem = !first->hasAttr("names"), holdsSolver = isOfProblem || (first->hasAttr("confined") && holdsProblem(first.getBody())), isFlat = true;
  reference::GradientCheckReport all;
  std::string why;
  all.passed = true;
  unsigned tried = 0;
  for (CustomUse use : ArrayRef(ordered).take_front(6))
    for (unsigned k = 0; k < (use.func.getKind() == FuncKind::Test ? 1 : 3) && !(holdsSolver && tried); ++k) {
      reference::GradientCheckReport result;
      if (!tryCustom(use, (seed + k) * 8, k == 2, result)) {
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
  std::string what = nameOf(first);
  if (tried == 0)
    return skip(what, why);
  if (!all.passed && !isOfProblem && (isFlat || first->hasAttr("surrogate"))) {
    say(true, what, isFlat ? "a surrogate, for the value is constant wherever it has a derivative" : "a surrogate, as it says");
    return;
  }
  report(what, all);
  if (!all.passed)
    note(describePlace(placeOf(first)) + ": it is declared here");
  if (StopOp stop = reference::findStop(first.getDerivative()); stop && all.passed && !isOfProblem)
    note(describePlace(stop.getLoc()) + ": 'stop' makes its own derivative, and so a Hessian, another one than that of the body");
}

void Checker::checkCustoms() {
  // Those of one clause belong together. Tests come last: they are tried where nothing else uses a derivative.
  llvm::MapVector<std::pair<mlir::Location, StringAttr>, SmallVector<CustomUse>> groups;
  llvm::SetVector<std::pair<mlir::Location, StringAttr>> ofSteps;
  for (bool isTest : {false, true})
    for (FuncOp func : original.getOps<FuncOp>())
      if ((func.getKind() == FuncKind::Test) == isTest)
        func.walk([&](CustomOp op) {
          bool isInStep = func.getKind() == FuncKind::RuleStep || func.getKind() == FuncKind::TrainStep;
          // It has none, or that of the body; or it is a part of the derivative of the op around, and tried with it.
          auto around = op->getParentOfType<CustomOp>();
          if (op->hasAttr("implicit") || op->hasAttr("exact") || (around && around.getDerivative().isAncestor(op->getParentRegion())))
            return;
          // A solver is called in many places.
          mlir::Location place = op->hasAttr("solver") ? UnknownLoc::get(op.getContext()) : placeOf(op);
          auto key = std::pair(place, StringAttr::get(op.getContext(), nameOf(op)));
          // The problem of a step need not have a solution at random points; the tests of the rule have one.
          if (isInStep && !op->hasAttr("names"))
            ofSteps.insert(key);
          else
            groups[key].push_back({func, op});
        });
  for (auto &[key, uses] : groups)
    checkCustom(uses);
  for (const auto &key : ofSteps)
    if (!groups.contains(key))
      skip(key.second.getValue(), "it stands in a step, which need not have a solution at random points; write a test of it");
  // What could not be tried alone, and is used nowhere.
  auto untried = original->getAttrOfType<DictionaryAttr>("gradus.untried");
  for (NamedAttribute one : untried ? untried.getValue() : ArrayRef<NamedAttribute>())
    if (llvm::none_of(groups, [&](const auto &group) { return group.first.second.getValue() == "derivative of " + one.getName().str(); }))
      skip("derivative of " + one.getName().getValue(), "nothing uses it, and on a vector and numbers: " + cast<StringAttr>(one.getValue()).getValue());
}

} // namespace gradus::driver
