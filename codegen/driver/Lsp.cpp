//===- Lsp.cpp - gradus lsp ----------------------------------------------------===//

#include "codegen/driver/Commands.h"
#include "codegen/driver/Session.h"
#include "codegen/emit/Version.h"
#include "lang/server/Server.h"

namespace gradus::driver {

int runLsp(const Invocation &invocation) {
  server::ServerOptions options;
  options.version = gradusVersion;
  options.library = findLibraryFolder();
  for (const auto &[name, value] : invocation.repeated)
    options.importFolders.push_back(value);
  // As the protocol wants it: whoever leaves without saying 'shutdown' has failed.
  return server::serve(stdin, llvm::outs(), options) ? ExitOk : ExitFailed;
}

} // namespace gradus::driver
