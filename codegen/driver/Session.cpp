//===- Session.cpp - One spec on its way through the compiler ------------------===//

#include "codegen/driver/Session.h"

#include "codegen/driver/Report.h"
#include "codegen/emit/Entry.h"
#include "lang/Frontend.h"
#include "lang/Parser.h"
#include "lang/lint/Lint.h"
#include "passes/Passes.h"
#include "passes/diff/BuildGradient.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"

#include <limits>

using namespace mlir;

namespace gradus::driver {

Session::Session(Report *output) : context(MLIRContext::Threading::DISABLED), diagnostics(sources), output(output) {
  context.loadDialect<GradusDialect>();
  context.printOpOnDiagnostic(false); // users did not write IR
  context.getDiagEngine().registerHandler([this](mlir::Diagnostic &diagnostic) { takeDiagnostic(diagnostic, sources, diagnostics); });
}

Session::~Session() = default;

static Location toLocation(mlir::Location location, const SourceManager &sources) {
  Location result;
  location->walk([&](mlir::Location part) {
    auto place = dyn_cast<FileLineColLoc>(part);
    const Source *source = place ? sources.find(place.getFilename().getValue()) : nullptr;
    if (!source || place.getLine() == 0)
      return WalkResult::advance();
    result = {source->getId(), place.getLine(), place.getColumn(), place.getLine(), place.getColumn() + 1};
    return WalkResult::interrupt();
  });
  return result;
}

/// A pass starts its message with a code, "G0850: no derivative of ..". Anything without one is a fault of the compiler.
void takeDiagnostic(mlir::Diagnostic &diagnostic, const SourceManager &sources, Diagnostics &diagnostics) {
  std::string text = diagnostic.str();
  auto number = static_cast<unsigned>(Code::Internal);
  if (text.size() > 6 && text[0] == 'G' && !StringRef(text).substr(1, 4).getAsInteger(10, number) && text[5] == ':')
    text = text.substr(text.find_first_not_of(' ', 6));
  else if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
    text = "internal: " + text;
  bool isWarning = diagnostic.getSeverity() == DiagnosticSeverity::Warning;
  if (diagnostic.getSeverity() != DiagnosticSeverity::Error && !isWarning)
    return; // remarks are asked for by `explain`
  Location place = toLocation(diagnostic.getLocation(), sources);
  gradus::Diagnostic &message = isWarning ? diagnostics.warning(static_cast<Code>(number), place, text) : diagnostics.error(static_cast<Code>(number), place, text);
  for (mlir::Diagnostic &note : diagnostic.getNotes())
    message.note(toLocation(note.getLocation(), sources), note.str());
}

bool Session::report() {
  bool hasErrors = diagnostics.hasErrors();
  if (output && output->isJson())
    output->addMessages(diagnostics, numReported);
  else if (!origins.isEmpty())
    llvm::errs() << origins.translate(diagnostics, numReported).render();
  else if (numReported == 0) // in the order of the text
    llvm::errs() << diagnostics.render();
  else
    for (size_t k = numReported; k < diagnostics.getAll().size(); ++k)
      llvm::errs() << diagnostics.render(diagnostics.getAll()[k]);
  numReported = diagnostics.getAll().size();
  return hasErrors;
}

void Session::sayError(const std::string &text) {
  if (output)
    return output->error(text);
  usageError(text);
}

/// "m=20"; false where it is something else.
static bool readSize(StringRef setting, EmitOptions &options) {
  auto [name, text] = setting.split('=');
  int64_t size;
  if (!name.empty() && !text.getAsInteger(10, size) && size >= 0 && size < std::numeric_limits<int32_t>::max()) {
    options.sizes[name.str()] = size;
    return true;
  }
  return false;
}

ModuleOp Session::load(const std::string &path, StringRef dtype, const Invocation &invocation, bool withChecks) {
  return loadSource(readSource(path, sources, diagnostics), dtype, invocation, withChecks);
}

ModuleOp Session::loadWritten(const std::string &name, const WrittenSpec &spec, StringRef dtype, const Invocation &invocation) {
  return loadSource(&spec.addTo(sources, name, origins), dtype, invocation, /*withChecks=*/false);
}

ModuleOp Session::loadSource(const Source *main, StringRef dtype, const Invocation &invocation, bool withChecks) {
  EmitOptions options;
  options.dtype = dtype.str();
  options.standardLibrary = findLibraryFolder() + "/std";
  options.checks = withChecks;
  options.importFolders = invocation.getAll("-I");
  for (const std::string &setting : invocation.getAll("--size"))
    if (!readSize(setting, options))
      return sayError("'--size' expects NAME=N, but got '" + setting + "'"), nullptr;
  options.keepsUnbound = keepsUnbound;
  if (main && invocation.has("--pedantic"))
    options.inspect = [&](const CheckedSpec &spec) { runLints(spec, *main, diagnostics); };
  if (main)
    module = emitModule(context, sources, *main, diagnostics, options);
  return report() || !module ? nullptr : *module;
}

void Session::keepEntries() {
  for (FuncOp func : llvm::make_early_inc_range(module->getOps<FuncOp>()))
    if (!isEntry(func))
      func.erase();
}

bool Session::addGradients(StringRef loss, llvm::ArrayRef<StringRef> wrt) {
  SmallVector<FuncOp> losses;
  for (FuncOp func : module->getOps<FuncOp>())
    if (func.getKind() == FuncKind::Loss && (loss.empty() || func.getSymName() == loss))
      losses.push_back(func);
  for (FuncOp func : losses)
    if (failed(buildGradientFunction(*module, func, wrt)))
      break;
  return !report();
}

bool Session::replaceInPlace(const Invocation &invocation) {
  for (const std::string &name : invocation.getAll("--in-place")) {
    if (replaceByGradient(*module, name) > 0)
      continue;
    std::vector<std::string> known = getGradientArguments(*module);
    if (known.empty()) {
      sayError("'--in-place " + name + "' expects a gradient, but the spec has no loss");
      return false;
    }
    std::string close = didYouMean(name, known);
    sayError("'--in-place' expects an argument that a loss has a gradient in, " + llvm::join(known, " or ") + ", or LOSS.ARGUMENT, but got '" + name + "'" +
             (close.empty() ? "" : "; " + close));
    return false;
  }
  return true;
}

bool Session::completeSteps(const Invocation &invocation) {
  PassManager pm(&context);
  pm.addNestedPass<FuncOp>(createGuard({invocation.get("--guard")}));
  if (invocation.has("--zero-grads"))
    pm.addNestedPass<FuncOp>(createZeroGrads());
  bool isDone = succeeded(pm.run(*module));
  return !report() && isDone;
}

bool Session::run(ModuleOp part, std::optional<Phase> done, Phase last, const PhaseOptions &options) {
  PassManager pm(&context);
  pm.enableVerifier(true);
  for (const PhaseInfo &info : getPhases())
    if (info.phase <= last && (!done || info.phase > *done))
      buildPhase(pm, info.phase, options);
  size_t errors = diagnostics.getErrorCount(); // those of another part are no fault of this one
  bool isDone = succeeded(pm.run(part));
  report();
  return isDone && diagnostics.getErrorCount() == errors;
}

std::vector<std::string> Session::getFiles() const {
  std::vector<std::string> files;
  for (uint32_t i = 0; i < sources.size(); ++i)
    files.push_back(sources.get(i).getName());
  return files;
}

std::string findLibraryFolder() {
  if (std::optional<std::string> given = llvm::sys::Process::GetEnv("GRADUS_LIBRARY"))
    return *given;
  static int anchor;
  std::string tool = llvm::sys::fs::getMainExecutable(nullptr, &anchor);
  llvm::SmallString<256> installed(llvm::sys::path::parent_path(llvm::sys::path::parent_path(tool)));
  llvm::sys::path::append(installed, "share", "gradus");
  return llvm::sys::fs::is_directory(installed) ? std::string(installed) : GRADUS_SOURCE_LIBRARY;
}

PhaseOptions getPhaseOptions(const Invocation &invocation) {
  PhaseOptions options;
  options.noFuse = invocation.has("--no-fuse");
  options.exactDiv = invocation.get("--fp") == "exact-div";
  return options;
}

} // namespace gradus::driver
