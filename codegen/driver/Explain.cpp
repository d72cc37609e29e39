//===- Explain.cpp - gradus explain ---------------------------------------------===//

#include "codegen/emit/Explain.h"
#include "codegen/driver/Commands.h"
#include "codegen/driver/Session.h"

#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace gradus::driver {

int runExplain(const Invocation &invocation) {
  if (invocation.inputs.size() != 1)
    return usageError("'gradus explain' expects one spec");
  Session session;
  if (!session.load(invocation.inputs[0], invocation.get("--dtype"), invocation))
    return ExitFailed;
  session.keepEntries();
  if (!session.addGradients() || !session.replaceInPlace(invocation) || !session.completeSteps(invocation))
    return ExitFailed;
  FailureOr<Explanation> explanation = explain(session.getModule(), getPhaseOptions(invocation));
  if (session.report() || failed(explanation))
    return ExitFailed;
  if (std::string path = invocation.get("--svg"); !path.empty()) {
    std::string picture = drawExplanation(*explanation);
    llvm::Error problem = llvm::writeToOutput(path, [&](llvm::raw_ostream &os) { os << picture; return llvm::Error::success(); });
    if (problem) {
      llvm::errs() << "gradus: error: cannot write '" << path << "': " << llvm::toString(std::move(problem)) << '\n';
      return ExitFailed;
    }
  }
  if (invocation.has("--json"))
    llvm::outs() << llvm::formatv("{0:2}", toJson(*explanation)) << '\n';
  else
    printExplanation(*explanation, llvm::outs());
  return ExitOk;
}

} // namespace gradus::driver
