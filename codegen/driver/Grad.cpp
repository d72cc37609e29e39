//===- Grad.cpp - gradus grad --------------------------------------------------===//

#include "codegen/driver/Commands.h"
#include "codegen/driver/Session.h"
#include "codegen/emit/CSource.h"
#include "codegen/emit/Latex.h"
#include "codegen/emit/SourcePrinter.h"
#include "lang/Parser.h"
#include "passes/fuse/Count.h"

using namespace mlir;

namespace gradus::driver {

static bool isFloatArgument(FuncOp func, StringRef name) {
  for (unsigned i = 0; i < func.getNumArguments(); ++i)
    if (func.getArgName(i) == name)
      return cast<ArrayType>(func.getArgumentTypes()[i]).isFloat();
  return false;
}

/// "line 3: mean(softplus(-y * (X @ w)))": the place in the spec that an operation comes from.
static std::string quoteLine(const SourceManager &sources, mlir::Location place) {
  std::string text;
  place->walk([&](mlir::Location at) {
    auto file = dyn_cast<FileLineColLoc>(at);
    const Source *source = file ? sources.find(file.getFilename().str()) : nullptr;
    if (!source)
      return WalkResult::advance();
    text = "line " + std::to_string(file.getLine()) + ": " + StringRef(source->getLine(file.getLine())).trim().str();
    return WalkResult::interrupt();
  });
  return text;
}

/// The source of a gradient as LaTeX. It has been read before it is set, so that it has no errors.
static FailureOr<std::string> toLatex(FuncOp func, const FailureOr<std::string> &text) {
  if (failed(text))
    return failure();
  SourceManager sources;
  Diagnostics diagnostics(sources);
  std::unique_ptr<ast::Sheet> sheet = parse(sources.add("gradient", *text), diagnostics);
  if (!sheet || sheet->units.empty()) {
    llvm::errs() << diagnostics.render();
    return failure();
  }
  return printAsLatex(*llvm::cast<ast::Function>(sheet->units.back().get()), findPartials(func));
}

/// A gradient in the form that is asked for, and behind it what it computes and moves.
static FailureOr<std::string> print(FuncOp func, StringRef form, const SourceManager &sources) {
  std::string count = "flops: " + printCount(countOps(func));
  if (form == "mlir") {
    std::string text;
    llvm::raw_string_ostream os(text);
    func.print(os);
    return text + "\n";
  }
  if (form == "c") {
    FailureOr<std::string> text = printAsC(func, [&](mlir::Location at) { return quoteLine(sources, at); });
    return failed(text) ? text : FailureOr<std::string>(*text + "/* " + count + " */\n");
  }
  FailureOr<std::string> text = printAsSource(func);
  bool isLatex = form == "latex";
  if (isLatex)
    text = toLatex(func, text);
  return failed(text) ? text : FailureOr<std::string>(*text + (isLatex ? "% " : "// ") + count + "\n");
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
  unsigned numLosses = 0;
  for (FuncOp func : module.getOps<FuncOp>())
    if (func.getKind() == FuncKind::Loss && (of.empty() || func.getSymName() == of))
      ++numLosses;
    else
      others.push_back(func);
  std::string form = invocation.get("--emit");
  if (form == "c" && numLosses > 1)
    return usageError("'--emit c' writes one loss: name it by '--of'");
  if (numLosses == 0)
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
    FailureOr<std::string> text = print(func, form, session.getSources());
    if (failed(text)) {
      hasAll = false;
      continue;
    }
    llvm::outs() << (isFirst ? "" : "\n") << *text;
    isFirst = false;
  }
  if (hasAll)
    return ExitOk;
  session.report();
  llvm::errs() << "gradus: '--emit mlir' prints the gradients that cannot be written as " << (form == "c" ? "C" : "source") << '\n';
  return ExitFailed;
}

} // namespace gradus::driver
