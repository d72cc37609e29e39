//===- Evaluator.h - The reference evaluator: the oracle of every test --------===//
//
// Interprets a function of the gradus dialect, before or after any phase that keeps the dialect. It shares no fold,
// lowering or derivative code with the compiler: `gradus.grad` is evaluated by dual numbers. Instances exist for double,
// long double and std::complex<double>.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/reference/Array.h"

#include "mlir/IR/Location.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/LogicalResult.h"

#include <string>

namespace gradus {
class FuncOp;
}

namespace gradus::reference {

template <typename S>
using Arrays = std::vector<Array<S>>;

/// The results of `func` for one array of each argument. The dimension symbols take the sizes of the arguments. On failure
/// `error` says where and why. `seed` is that of the draws; `sizes` are those of symbols that no argument tells.
template <typename S>
llvm::FailureOr<Arrays<S>> evaluate(FuncOp func, llvm::ArrayRef<Array<S>> args, std::string &error, uint64_t seed = 0,
                                    const llvm::StringMap<int64_t> &sizes = {});

/// The results for each slot of an open collection. The slots run in lock step: `gradus.all_reduce` sees them all.
template <typename S>
llvm::FailureOr<std::vector<Arrays<S>>> evaluateOpen(FuncOp func, llvm::ArrayRef<Arrays<S>> slots, std::string &error, uint64_t seed = 0);

template <typename S>
struct ValueAndGradients {
  S value;
  Arrays<S> gradients;
};
/// The first result of `func`, a floating scalar, and its gradients in the floating arguments `wrt`, by dual numbers.
template <typename S>
llvm::FailureOr<ValueAndGradients<S>> evaluateGradients(FuncOp func, llvm::ArrayRef<Array<S>> args,
                                                        llvm::ArrayRef<unsigned> wrt, std::string &error);

/// A claim of a test that does not hold, with its worst element.
struct ClaimFailure {
  std::string text; ///< the claim as the spec writes it
  mlir::Location location;
  Shape index;           ///< of the first false, or of the farthest element
  bool isNear = false;   ///< whether `tolerance` says something
  bool hasValues = false; ///< whether `a` and `b`, the two sides, do
  double a = 0, b = 0;
  double tolerance = 0;
};

struct TestResult {
  bool passed = true;
  unsigned claims = 0; ///< how many were tried
  std::vector<ClaimFailure> failures;
  std::string error; ///< why the test could not be run; empty if it could
};
/// Runs a function of kind `test` in double. It takes arguments where its claims are about what something else has computed, and as a property.
TestResult runTest(FuncOp test, llvm::ArrayRef<Array<double>> args = {});

} // namespace gradus::reference
