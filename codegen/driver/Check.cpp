//===- Check.cpp - gradus check --------------------------------------------------===//
//
// Types and shapes by the front end; then all that has a derivative, evaluated by the reference: proxes, derivatives of one's own, losses,
// functions, rules.
//
//===----------------------------------------------------------------------===//

#include "codegen/driver/Checker.h"
#include "codegen/driver/Commands.h"
#include "codegen/driver/Session.h"
#include "codegen/reference/ProximalCheck.h"

using namespace mlir;

namespace gradus::driver {

/// The losses as they stand, under names of their own: the phases may change the functions, not what they are checked against.
static SmallVector<std::pair<FuncOp, FuncOp>> pairLosses(ModuleOp original, ModuleOp compiled) {
  SmallVector<std::pair<FuncOp, FuncOp>> pairs;
  for (FuncOp loss : original.getOps<FuncOp>())
    if (loss.getKind() == FuncKind::Loss && !loss.getSymName().ends_with(".grad"))
      pairs.emplace_back(loss, compiled.lookupSymbol<FuncOp>((loss.getSymName() + ".grad").str()));
  return pairs;
}

/// Checks every prox and projection, and removes what stands for the check alone from the module that becomes code.
static void checkProximals(Checker &checker, ModuleOp module, uint64_t seed) {
  for (FuncOp value : module.getOps<FuncOp>()) {
    auto name = value->getAttrOfType<StringAttr>("gradus.proximal");
    if (!name || !value.getSymName().ends_with(".value"))
      continue;
    auto objective = module.lookupSymbol<FuncOp>((name.getValue() + ".objective").str());
    reference::ProximalCheckReport result = reference::checkProximal(value, objective, {seed + 1});
    checker.say(result.passed, (objective ? "prox " : "projection ") + name.getValue(), Twine(result.competitors) + " competitors");
    if (!result.error.empty())
      checker.note(result.error);
  }
  for (FuncOp func : llvm::make_early_inc_range(module.getOps<FuncOp>()))
    if (func->hasAttr("gradus.proximal"))
      func.erase();
}

/// What the front end made no function of.
static void nameLeftOut(Checker &checker, ModuleOp module) {
  auto leftOut = module->getAttrOfType<DictionaryAttr>("gradus.left_out");
  for (NamedAttribute one : leftOut ? leftOut.getValue() : ArrayRef<NamedAttribute>())
    checker.skip(one.getName().getValue(), cast<StringAttr>(one.getValue()).getValue());
}

/// What has a derivative, in the order of the spec. False where a loss has none.
static bool checkDerivatives(Checker &checker, ModuleOp original, ModuleOp compiled) {
  for (auto [loss, gradient] : pairLosses(original, compiled)) {
    if (gradient.getNumResults() == 1) {
      loss.emitError("G0372: '") << loss.getSymName() << "' has no real argument, so that it has no gradient to check; '--no-gradients' checks types alone";
      return false;
    }
    checker.checkGradient(loss, gradient);
    checker.checkHessian(loss);
  }
  checker.checkCustoms();
  for (FuncOp func : original.getOps<FuncOp>()) {
    if (func->hasAttr("gradus.proximal"))
      continue;
    if (func.getKind() == FuncKind::Fn)
      checker.checkJacobian(func);
    if (func.getKind() == FuncKind::RuleStep || func.getKind() == FuncKind::TrainStep)
      checker.checkStep(func);
  }
  return true;
}

static int check(const Invocation &invocation, Report &report) {
  report.document["file"] = textToJson(invocation.inputs[0]);
  report.document["checks"] = llvm::json::Array();
  for (StringRef count : {"passed", "failed", "skipped"})
    report.document[count] = 0;
  std::optional<uint64_t> seed = invocation.getCount("--seed", 0);
  std::optional<GivenPoint> point = readPoint(invocation);
  if (!seed || !point)
    return ExitUsage;
  Session session(&report);
  ModuleOp module = session.load(invocation.inputs[0], "f64", invocation, /*withChecks=*/true);
  if (!module)
    return ExitFailed;
  OwningOpRef<ModuleOp> original(cast<ModuleOp>(module->clone()));
  Checker checker(*original, module, *seed, report);
  checkProximals(checker, module, *seed);
  if (!checker.setPoint(*point))
    return session.report(), ExitFailed;
  if (!session.addGradients() || !session.runPhases(Phase::Fuse))
    return ExitFailed;
  if (!invocation.has("--no-gradients")) {
    if (!checkDerivatives(checker, *original, module))
      return session.report(), ExitFailed;
    nameLeftOut(checker, *original);
  }
  checker.printSummary(invocation.inputs[0]);
  bool isRefused = invocation.has("--werror") && llvm::any_of(session.getDiagnostics().getAll(), [](const gradus::Diagnostic &one) { return one.severity == Severity::Warning; });
  return checker.isGood() && !isRefused ? ExitOk : ExitFailed;
}

int runCheck(const Invocation &invocation) {
  if (invocation.inputs.size() != 1)
    return usageError("'gradus check' expects one spec");
  Report report(invocation, "check");
  return report.finish(check(invocation, report));
}

} // namespace gradus::driver
