//===- Explain.h - What a spec costs, and why ------------------------------------===//
//
// For every entry: its phases and kernels, the bytes that the lowered kernels move, the flops, and what was fused or not for
// which reason. The bytes are counted in the code that lowering has built (passes/fuse/Traffic.h), the reasons are
// the remarks of `gradus-fuse`.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "passes/Phases.h"
#include "passes/fuse/Count.h"
#include "passes/fuse/Traffic.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/JSON.h"

#include <string>
#include <vector>

namespace gradus {

/// One kernel as it runs.
struct ExplainedKernel {
  unsigned phase = 0;
  unsigned position = 0;             ///< among the kernels of the entry
  std::string kind;                  ///< elementwise, reduction, contraction, scatter, cumulation, recurrence, sort
  std::string under;                 ///< when it runs, if not once: "each pass of a loop", "where a condition holds", "every period"
  std::vector<std::string> domain;   ///< sizes and symbols
  std::vector<std::string> summed;   ///< the further dimensions of a contraction
  std::string nest;                  ///< the rows that it goes through together with its neighbours: "[n]", "[n] where c <= 32", or empty
  std::optional<unsigned> product;   ///< the position of the product that it is the epilogue of
  std::string productWhere;          ///< when it is, if not in every call: "c > 32"
  std::vector<std::string> reads;    ///< arrays
  std::vector<std::string> writes;   ///< arrays and sums
  std::vector<std::string> cached;   ///< those of both that are in the cache, for another kernel of the nest has moved them or they are read there alone, or a unit of a product at a time
  unsigned operations = 0;           ///< that compute a number at each point
  int64_t flops = 0;                 ///< for each point of domain and summed dimensions, by the weights of passes/fuse
  std::optional<Traffic> traffic;    ///< none where no main loop was counted; of a sort, in each of its log2(n) passes
  bool isPerParameter = false;       ///< the domain is that of a parameter
  bool isForGuard = false;           ///< it is there for what the step refuses alone
  double readForGuard = 0;           ///< else: the bytes of an element of its domain that it reads for that alone
};

/// Why the plan is as it is.
struct ExplainedNote {
  std::string kind; ///< carried, fused, not-fused, recomputed, phase, stored
  std::string text;
  unsigned line = 0; ///< 0 if not known
};

/// What a loss, its gradient with the value, and a product with its Hessian compute, before fusion.
struct ExplainedCost {
  OpCount value, gradient;
  std::optional<OpCount> product; ///< none where a second derivative is refused

  /// Additions of `count`, where every size is 100; none where the formula grew too large or a size is no whole number.
  static std::optional<double> evaluate(const OpCount &count);
};

struct ExplainedEntry {
  std::string name;
  std::string kind;
  unsigned phases = 0;
  std::optional<ExplainedCost> cost; ///< of a loss
  std::vector<ExplainedKernel> kernels;
  std::vector<ExplainedNote> notes;
  std::optional<double> floor; ///< of a step: bytes for each parameter where every tensor is read once and written once

  /// Bytes for each parameter: the sum over kernels that run over a parameter, each of them once. None for other entries.
  std::optional<double> getBytesPerParameter() const;
  std::optional<int64_t> getFlopsPerParameter() const;
  /// Those of the bytes that the guard alone reads.
  double getGuardBytesPerParameter() const;
  /// Of a train step: the most bytes that kernels read and write for the guard alone, as a formula of the sizes. None where there is no guard.
  std::optional<DimExpr> getGuardBytes() const;
};

using Explanation = std::vector<ExplainedEntry>;

/// Plans and lowers a copy of `module`, which is as the front end wrote it. Errors are diagnostics of the context.
mlir::FailureOr<Explanation> explain(mlir::ModuleOp module, const PhaseOptions &options);

/// Counts `loss`, which is as the front end wrote it, with its gradient; none where it has no derivative. What passes say is not passed on.
std::optional<ExplainedCost> explainCost(FuncOp loss, const PhaseOptions &options);

void printExplanation(const Explanation &explanation, llvm::raw_ostream &os);
/// A picture: phases are columns, kernels boxes in the order in which they run.
std::string drawExplanation(const Explanation &explanation);
/// The entries, as docs/schema.json has them.
llvm::json::Array toJson(const Explanation &explanation);

} // namespace gradus
