//===- Checker.h - What `gradus check` tries of one spec -----------------------===//
//
// Everything that has a derivative is tried against what shares no code with it; a derivative that is wrong is traced to the operation, or to
// the clause `derivative(..) = ..`, that it comes from. Each check prints one line, and what is wrong below it.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/driver/CheckPoint.h"
#include "codegen/driver/Outline.h"
#include "codegen/driver/Report.h"
#include "codegen/reference/GradientCheck.h"

#include "llvm/ADT/MapVector.h"

namespace gradus::driver {

/// Makes the gradient function of the loss of a trial; null where there is none. Tests plant faults here.
using Derive = llvm::function_ref<FuncOp(mlir::ModuleOp module, FuncOp value)>;

/// An operation whose own derivative is wrong where `func`, a loss, computes with it at `point`; the innermost one. Null if there is none: then the
/// derivatives of all are right, and what is wrong has been made of them.
mlir::Operation *findFault(FuncOp func, const reference::Arrays<double> &point, Derive derive);

/// "file:line:col", or nothing.
std::string describePlace(mlir::Location location);

/// Whether an inner problem is solved in a region: at random points its solver may run to its limit.
bool holdsProblem(mlir::Region &region);

class Checker {
public:
  /// `original` is the spec as the front end wrote it, `compiled` the same with gradient functions after the phases. With `--json` the document of
  /// `output` has an array of checks.
  Checker(mlir::ModuleOp original, mlir::ModuleOp compiled, uint64_t seed, Report &output)
      : original(original), compiled(compiled), seed(seed), output(output) {}

  /// The point that all losses are tried at besides; false after a message.
  bool setPoint(const GivenPoint &point);

  /// The gradient of a loss.
  void checkGradient(FuncOp loss, FuncOp gradient);
  /// The second derivative of a loss: <u, H v> = <v, H u>, and by forward mode over forward mode.
  void checkHessian(FuncOp loss);
  /// The derivatives of a function that gives arrays: <v, J u> by forward mode is <J' v, u> by reverse mode.
  void checkJacobian(FuncOp fn);
  /// Every derivative of one's own, wherever it is used.
  void checkCustoms();
  /// A step: finite, and the same before and after the phases; and the gradients that it takes itself.
  void checkStep(FuncOp step);

  /// The line of a check: what was tried, and what came of it.
  void say(bool passed, const llvm::Twine &what, const llvm::Twine &found);
  /// A line below that of the last check.
  void note(const llvm::Twine &what);
  /// What could not be tried, and why; every such thing is said and counted.
  void skip(const llvm::Twine &what, const llvm::Twine &why);
  /// How many checks passed, failed and were left out.
  void printSummary(llvm::StringRef file) const;
  bool isGood() const { return numFailed == 0; }

private:
  struct CustomUse;

  /// The function that takes the arguments of another one to their sets; null where they lie in none.
  FuncOp setsOf(FuncOp func);
  /// The first line of a check, and what is wrong.
  void report(llvm::StringRef what, const reference::GradientCheckReport &result, llvm::StringRef more = "");
  llvm::json::Array &getChecks() { return *output.document.getArray("checks"); }
  void addToDocument(llvm::StringRef status, const llvm::Twine &what, const llvm::Twine &found);
  void printWorst(llvm::StringRef against, const reference::WorstElement &worst);
  void printFault(FuncOp func, const reference::GradientCheckReport &result);
  void checkCustom(llvm::ArrayRef<CustomUse> uses);
  bool tryCustom(CustomUse use, uint64_t trialSeed, bool isPositive, reference::GradientCheckReport &result);
  void checkGradInside(FuncOp func, GradOp op, const reference::Arrays<double> &point);
  void checkGradsInside(FuncOp func);
  std::optional<reference::Arrays<double>> givenPointOf(FuncOp loss);

  mlir::ModuleOp original, compiled;
  uint64_t seed;
  Report &output;
  const GivenPoint *given = nullptr;
  unsigned numPassed = 0, numFailed = 0, numSkipped = 0;
};

} // namespace gradus::driver
