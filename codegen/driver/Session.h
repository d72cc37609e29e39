//===- Session.h - One spec on its way through the compiler --------------------===//
//
// Owns the context, the sources and the messages of one run. What passes say through MLIR's diagnostics comes out in the same form
// as what the front end says.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/driver/CommandLine.h"
#include "codegen/driver/WrittenSpec.h"
#include "dialect/Gradus.h"
#include "lang/Messages.h"
#include "lang/Source.h"
#include "passes/Phases.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

#include <memory>

namespace gradus::driver {

class Report;

class Session {
public:
  /// What is said goes to stderr, or into the document of `output`.
  explicit Session(Report *output = nullptr);
  ~Session();

  /// Reads, checks and emits a spec. Null if it has errors, which are then on stderr.
  mlir::ModuleOp load(const std::string &path, llvm::StringRef dtype, const Invocation &invocation, bool withChecks = false);
  /// The same for a spec that the command wrote itself; imports in it are looked for from the current folder on.
  mlir::ModuleOp loadWritten(const std::string &name, const WrittenSpec &spec, llvm::StringRef dtype, const Invocation &invocation);
  /// Drops what is no entry point: tests are interpreted, never compiled.
  void keepEntries();
  /// Adds `@<loss>.grad` for every loss, or for the one named; false on an error.
  bool addGradients(llvm::StringRef loss = "", llvm::ArrayRef<llvm::StringRef> wrt = {});
  /// Lets gradients replace the arguments that `--in-place` names; false on an error.
  bool replaceInPlace(const Invocation &invocation);
  /// Adds to every step what must be finite before it writes, as `--guard` says or by the kind of the unit, and the zeros of `--zero-grads`;
  /// false on an error.
  bool completeSteps(const Invocation &invocation);
  /// Runs the phases up to `last`; false on an error, which is then on stderr.
  bool runPhases(Phase last, const PhaseOptions &options = {}) { return runPhasesOn(*module, last, options); }
  /// The same for a module that has gone through the phases up to `done`.
  bool runPhasesAfter(Phase done, Phase last, const PhaseOptions &options = {}) { return run(*module, done, last, options); }
  /// The same for a module of this context that was made of the spec's.
  bool runPhasesOn(mlir::ModuleOp part, Phase last, const PhaseOptions &options = {}) { return run(part, std::nullopt, last, options); }

  /// Whether `load` leaves rules over objectives in the module, though there is no code for them.
  bool keepsUnbound = false;

  mlir::ModuleOp getModule() { return *module; }
  mlir::MLIRContext &getContext() { return context; }
  Diagnostics &getDiagnostics() { return diagnostics; }
  SourceManager &getSources() { return sources; }
  /// Every file that was read, for the depfile.
  std::vector<std::string> getFiles() const;
  /// Prints what was said since the last time; true if there was an error.
  bool report();

private:
  void sayError(const std::string &text);
  mlir::ModuleOp loadSource(const Source *main, llvm::StringRef dtype, const Invocation &invocation, bool withChecks);
  bool run(mlir::ModuleOp part, std::optional<Phase> done, Phase last, const PhaseOptions &options);

  mlir::MLIRContext context;
  SourceManager sources;
  Diagnostics diagnostics;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  Report *output;
  /// Of what the command wrote itself.
  Origins origins;
  size_t numReported = 0;
};

/// Adds what a pass says to the messages of the front end, in their form.
void takeDiagnostic(mlir::Diagnostic &diagnostic, const SourceManager &sources, Diagnostics &diagnostics);
/// The folder that holds `std`: what GRADUS_LIBRARY says, or that of the installed tree, or that of the source tree.
std::string findLibraryFolder();
/// The options that several commands share.
PhaseOptions getPhaseOptions(const Invocation &invocation);

} // namespace gradus::driver
