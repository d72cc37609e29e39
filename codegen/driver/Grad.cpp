//===- Grad.cpp - gradus grad --------------------------------------------------===//

#include "codegen/driver/Commands.h"
#include "codegen/driver/Session.h"
#include "codegen/emit/SourcePrinter.h"

using namespace mlir;

namespace gradus::driver {

static bool isFloatArgument(FuncOp func, StringRef name) {
  for (unsigned i = 0; i < func.getNumArguments(); ++i)
    if (func.getArgName(i) == name)
      return cast<ArrayType>(func.getArgumentTypes()[i]).isFloat();
  return false;
}

int runGrad(const Invocation &invocation) {
  if (invocation.inputs.size() != 1)
    return usageError("'gradus grad' expects one spec");
  Session session;
  ModuleOp module = session.load(invocation.inputs[0], "f64", invocation);
  if (!module)
    return ExitFailed;
  std::string of = invocation.get("--of");
  SmallVector<FuncOp> others;
  bool isThere = false;
  for (FuncOp func : module.getOps<FuncOp>())
    if (func.getKind() == FuncKind::Loss && (of.empty() || func.getSymName() == of))
      isThere = true;
    else
      others.push_back(func);
  if (!isThere)
    return usageError(of.empty() ? "'" + invocation.inputs[0] + "' has no loss" : "no loss '" + of + "' in '" + invocation.inputs[0] + "'");
  for (FuncOp func : others)
    func.erase();
  std::string names = invocation.get("--wrt");
  SmallVector<StringRef> wrt;
  if (!names.empty())
    StringRef(names).split(wrt, ',');
  llvm::SmallDenseSet<StringRef> seen;
  llvm::erase_if(wrt, [&](StringRef name) { return !seen.insert(name).second; });
  for (FuncOp func : module.getOps<FuncOp>())
    for (StringRef name : wrt)
      if (!isFloatArgument(func, name))
        return usageError("'--wrt " + name.str() + "': '" + func.getSymName().str() + "' has no floating argument of that name");
  if (!session.addGradients(of, wrt) || !session.runPhases(Phase::Simplify))
    return ExitFailed;
  bool isFirst = true, hasAll = true;
  for (FuncOp func : module.getOps<FuncOp>()) {
    if (!func.getSymName().ends_with(".grad"))
      continue;
    bool asDialect = invocation.get("--emit", "spec") == "mlir";
    FailureOr<std::string> text = asDialect ? std::string() : printAsSource(func);
    if (failed(text)) {
      hasAll = false;
      continue;
    }
    if (!isFirst)
      llvm::outs() << '\n';
    isFirst = false;
    if (asDialect) {
      func.print(llvm::outs());
      llvm::outs() << '\n';
    }
    llvm::outs() << *text;
  }
  if (hasAll)
    return ExitOk;
  session.report();
  llvm::errs() << "gradus: '--emit mlir' prints the gradients that cannot be written as source\n";
  return ExitFailed;
}

} // namespace gradus::driver
