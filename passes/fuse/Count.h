//===- Count.h - How much a function computes and moves --------------------------===//
//
// Counted in the function as it is before fusion, so that it says what the formulas cost, not what a plan computes twice or not at
// all; `gradus grad` prints it behind a gradient and `gradus explain` for a loss, its gradient and a product with its Hessian.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "dialect/DimExpr.h"
#include "dialect/Gradus.h"

namespace gradus {

/// Formulas of the sizes. A loop counts as often as its sizes let it run, a condition with both its sides. Invalid where a formula would be too large.
struct OpCount {
  DimExpr additions = DimExpr::number(0);   ///< sums, differences, signs
  DimExpr products = DimExpr::number(0);
  DimExpr divisions = DimExpr::number(0);   ///< quotients, roots, remainders
  DimExpr functions = DimExpr::number(0);   ///< exp, log and their kin
  DimExpr comparisons = DimExpr::number(0); ///< and what is chosen by them: max, min, where
  DimExpr matrices = DimExpr::number(0);    ///< of factorizations, solves, transforms and sorts: the power of the size that they grow with
  DimExpr read = DimExpr::number(0);        ///< bytes of the arguments that are used, each once
  DimExpr written = DimExpr::number(0);     ///< bytes of the results

  /// All of them in additions, by the weights of passes/fuse/Cost.h.
  DimExpr flops = DimExpr::number(0);
};

OpCount countOps(FuncOp func);

/// A formula that a number of passes does not exceed; where it is known in the call alone, the symbol `passes`.
DimExpr boundPasses(mlir::Value count);

/// "2 * d * n + n additions, d * n products; reads 8 * d * n bytes, writes 8 * d": what is there at all.
std::string printCount(const OpCount &count);

} // namespace gradus
