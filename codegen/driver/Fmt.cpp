//===- Fmt.cpp - gradus fmt ----------------------------------------------------===//

#include "codegen/driver/Commands.h"
#include "codegen/driver/Session.h"
#include "codegen/emit/Writers.h"
#include "lang/Format.h"
#include "lang/Parser.h"

namespace gradus::driver {

int runFmt(const Invocation &invocation) {
  int exit = ExitOk;
  for (const std::string &path : invocation.inputs) {
    SourceManager sources;
    Diagnostics diagnostics(sources);
    const Source *source = readSource(path, sources, diagnostics);
    std::unique_ptr<ast::Sheet> sheet = source ? parse(*source, diagnostics) : nullptr;
    if (!sheet) {
      llvm::errs() << diagnostics.render();
      exit = ExitFailed;
      continue;
    }
    std::string text = format(*sheet, *source);
    if (text == source->getText())
      continue;
    if (invocation.has("--check")) {
      llvm::outs() << path << ": not formatted\n";
      exit = ExitFailed;
      continue;
    }
    // To a temporary name, then renamed: a spec is never half written.
    std::string error;
    if (!writeFiles({{path, text}}, error)) {
      llvm::errs() << "gradus: error: " << error << '\n';
      exit = ExitFailed;
    }
  }
  return exit;
}

} // namespace gradus::driver
