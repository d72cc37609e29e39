//===- Explain.cpp - gradus explain ---------------------------------------------===//

#include "codegen/emit/Explain.h"
#include "codegen/driver/Commands.h"
#include "codegen/driver/Report.h"
#include "codegen/driver/Session.h"

#include "llvm/Support/FileUtilities.h"

using namespace mlir;

namespace gradus::driver {

static int explain(const Invocation &invocation, Report &report) {
  Session session(&report);
  report.document["entries"] = llvm::json::Array();
  if (!session.load(invocation.inputs[0], invocation.get("--dtype"), invocation))
    return ExitFailed;
  session.keepEntries();
  if (!session.addGradients() || !session.replaceInPlace(invocation) || !session.completeSteps(invocation))
    return ExitFailed;
  FailureOr<Explanation> explanation = gradus::explain(session.getModule(), getPhaseOptions(invocation));
  if (session.report() || failed(explanation))
    return ExitFailed;
  if (std::string path = invocation.get("--svg"); !path.empty()) {
    std::string picture = drawExplanation(*explanation);
    llvm::Error problem = llvm::writeToOutput(path, [&](llvm::raw_ostream &os) { os << picture; return llvm::Error::success(); });
    if (problem)
      return report.error("cannot write '" + path + "': " + llvm::toString(std::move(problem))), ExitFailed;
  }
  if (report.isJson())
    report.document["entries"] = toJson(*explanation);
  else
    printExplanation(*explanation, llvm::outs());
  return ExitOk;
}

int runExplain(const Invocation &invocation) {
  if (invocation.inputs.size() != 1)
    return usageError("'gradus explain' expects one spec");
  if (invocation.has("--json") && invocation.get("--svg") == "-")
    return usageError("'--json' and '--svg -' both write to standard output: name a file for the picture");
  Report report(invocation, "explain");
  return report.finish(explain(invocation, report));
}

} // namespace gradus::driver
