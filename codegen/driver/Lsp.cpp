//===- Lsp.cpp - gradus lsp ----------------------------------------------------===//

#include "codegen/driver/Commands.h"
#include "codegen/driver/Session.h"
#include "codegen/emit/Version.h"
#include "lang/server/Server.h"
#include "passes/diff/BuildGradient.h"

#include "mlir/Pass/PassManager.h"

using namespace mlir;

namespace gradus::driver {

/// What only passes find: that something has no derivative, and why.
static void checkDerivatives(ModuleOp module, const SourceManager &sources, Diagnostics &diagnostics) {
  ScopedDiagnosticHandler handler(module.getContext(), [&](mlir::Diagnostic &diagnostic) { takeDiagnostic(diagnostic, sources, diagnostics); });
  SmallVector<FuncOp> losses = llvm::filter_to_vector(module.getOps<FuncOp>(), [](FuncOp func) { return func.getKind() == FuncKind::Loss; });
  for (FuncOp loss : losses)
    if (failed(buildGradientFunction(module, loss)))
      return;
  PassManager pm(module.getContext());
  buildPhasesUpTo(pm, Phase::Differentiate);
  (void)pm.run(module); // what fails has been said
}

int runLsp(const Invocation &invocation) {
  server::ServerOptions options;
  options.version = gradusVersion;
  options.library = findLibraryFolder();
  options.check = checkDerivatives;
  options.importFolders = invocation.getAll("-I");
  // As the protocol wants it: whoever leaves without saying 'shutdown' has failed.
  return server::serve(stdin, llvm::outs(), options) ? ExitOk : ExitFailed;
}

} // namespace gradus::driver
