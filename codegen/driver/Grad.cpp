//===- Grad.cpp - gradus grad --------------------------------------------------===//

#include "codegen/driver/Commands.h"
#include "codegen/driver/Session.h"
#include "codegen/emit/SourcePrinter.h"

using namespace mlir;

namespace gradus::driver {

int runGrad(const Invocation &invocation) {
  if (invocation.inputs.size() != 1)
    return usageError("'gradus grad' expects one spec");
  Session session;
  ModuleOp module = session.load(invocation.inputs[0], "f64");
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
  if (!session.addGradients(of, wrt) || !session.runPhases(Phase::Simplify))
    return ExitFailed;
  bool isFirst = true;
  for (FuncOp func : module.getOps<FuncOp>()) {
    if (!func.getSymName().ends_with(".grad"))
      continue;
    if (!isFirst)
      llvm::outs() << '\n';
    isFirst = false;
    if (invocation.get("--emit", "spec") == "mlir") {
      func.print(llvm::outs());
      llvm::outs() << '\n';
      continue;
    }
    FailureOr<std::string> text = printAsSource(func);
    if (failed(text)) {
      session.report();
      return ExitFailed;
    }
    llvm::outs() << *text;
  }
  return ExitOk;
}

} // namespace gradus::driver
