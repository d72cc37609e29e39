//===- Check.cpp - gradus check --------------------------------------------------===//
//
// Types and shapes by the front end; then the gradient that the compiler derives for each loss, evaluated by the reference,
// against central differences and dual numbers.
//
//===----------------------------------------------------------------------===//

#include "codegen/driver/Commands.h"
#include "codegen/driver/Session.h"
#include "codegen/reference/GradientCheck.h"
#include "codegen/reference/ProximalCheck.h"

#include "llvm/Support/Format.h"

using namespace mlir;

namespace gradus::driver {

static std::string describeElement(const reference::WorstElement &worst) {
  std::string text = worst.argument;
  for (auto [axis, i] : llvm::enumerate(worst.index))
    text += (axis ? ", " : "[") + std::to_string(i);
  return text + (worst.index.empty() ? "" : "]");
}

static void printWorst(StringRef against, const reference::WorstElement &worst) {
  if (worst.argument.empty())
    return;
  llvm::outs() << "  against " << against << ": worst " << describeElement(worst) << ": "
               << llvm::format("%.17g, expected %.17g, error %.2g\n", worst.got, worst.expected, worst.error);
}

/// The losses as they stand, under names of their own: the phases may change the functions, not what they are checked against.
static SmallVector<std::pair<FuncOp, FuncOp>> pairLosses(ModuleOp original, ModuleOp compiled) {
  SmallVector<std::pair<FuncOp, FuncOp>> pairs;
  for (FuncOp loss : original.getOps<FuncOp>())
    if (loss.getKind() == FuncKind::Loss && !loss.getSymName().ends_with(".grad"))
      pairs.emplace_back(loss, compiled.lookupSymbol<FuncOp>((loss.getSymName() + ".grad").str()));
  return pairs;
}

/// Checks every prox and projection, and removes the functions that stand for it.
static bool checkProximals(ModuleOp module, uint64_t seed) {
  bool isGood = true;
  for (FuncOp value : llvm::make_early_inc_range(module.getOps<FuncOp>())) {
    auto name = value->getAttrOfType<StringAttr>("gradus.proximal");
    if (!name || !value.getSymName().ends_with(".value"))
      continue;
    auto objective = module.lookupSymbol<FuncOp>((name.getValue() + ".objective").str());
    reference::ProximalCheckReport result = reference::checkProximal(value, objective, {seed + 1});
    llvm::outs() << (result.passed ? "pass  " : "FAIL  ") << (objective ? "prox " : "projection ") << name.getValue() << ": " << result.competitors
                 << " competitors\n";
    if (!result.error.empty())
      llvm::outs() << "  " << result.error << '\n';
    isGood &= result.passed;
  }
  for (FuncOp func : llvm::make_early_inc_range(module.getOps<FuncOp>()))
    if (func->hasAttr("gradus.proximal"))
      func.erase();
  return isGood;
}

int runCheck(const Invocation &invocation) {
  if (invocation.inputs.size() != 1)
    return usageError("'gradus check' expects one spec");
  std::optional<uint64_t> seed = invocation.getCount("--seed", 0);
  if (!seed)
    return ExitUsage;
  Session session;
  ModuleOp module = session.load(invocation.inputs[0], "f64", invocation, /*withChecks=*/true);
  if (!module)
    return ExitFailed;
  bool isGood = checkProximals(module, *seed);
  OwningOpRef<ModuleOp> original(cast<ModuleOp>(module->clone()));
  if (!session.addGradients() || !session.runPhases(Phase::Fuse))
    return ExitFailed;
  if (!invocation.has("--no-gradients"))
    for (auto [loss, gradient] : pairLosses(*original, module)) {
      if (gradient.getNumResults() == 1) {
        loss.emitError("G0372: '") << loss.getSymName() << "' has no real argument, so that it has no gradient to check; '--no-gradients' checks types alone";
        return session.report(), ExitFailed;
      }
      reference::GradientCheckOptions options;
      options.seed = *seed;
      reference::GradientCheckReport result = reference::checkGradients(loss, gradient, options);
      llvm::outs() << (result.passed ? "pass  " : "FAIL  ") << "gradient of " << loss.getSymName() << ": " << result.elements << " derivatives";
      if (result.kinks)
        llvm::outs() << ", " << result.kinks << " at kinks, where each lies between the one-sided differences";
      llvm::outs() << '\n';
      if (!result.error.empty())
        llvm::outs() << "  could not be checked: " << result.error << '\n';
      printWorst("central differences", result.difference);
      printWorst("dual numbers", result.dual);
      isGood &= result.passed;
    }
  if (isGood)
    llvm::outs() << invocation.inputs[0] << ": no errors\n";
  return isGood ? ExitOk : ExitFailed;
}

} // namespace gradus::driver
