//===- CompiledSpec.h - A spec in both engines --------------------------*- C++ -*-===//
//
// The module of a spec for the evaluator, and its machine code.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "Compiled.h"

#include "lang/Frontend.h"

namespace gradus::reference {

/// Compiles a text in one element type; `compiled` is null and `error` says why if that fails.
struct CompiledSpec {
  CompiledSpec(const char *name, const char *text, const char *dtype) {
    context.loadDialect<GradusDialect>();
    Diagnostics diagnostics(sources);
    EmitOptions options;
    options.dtype = dtype;
    module = emitModule(context, sources, sources.add(name, text), diagnostics, options);
    if (module)
      compiled = Compiled::create(*module, error);
    error += diagnostics.render();
  }

  mlir::MLIRContext context;
  SourceManager sources;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::unique_ptr<Compiled> compiled;
  std::string error;
};

} // namespace gradus::reference
