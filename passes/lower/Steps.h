//===- Steps.h - How often while loops go round ----------------------------------===//
//
// Some devices end loops that are long (passes/gpu/Loops.h), and of a while loop its text does not say how long it is.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace gradus {

/// On a while loop: how often it goes round at most; of one in a helper that a loop calls, on average over the calls.
inline constexpr llvm::StringLiteral mostStepsAttribute = "gradus.most_steps";
/// Enough for what halves or shifts a number of 64 bits.
inline constexpr int64_t stepsOfHalving = 64;

inline void setMostSteps(mlir::scf::WhileOp loop, int64_t steps) {
  loop->setAttr(mostStepsAttribute, mlir::IntegerAttr::get(mlir::IntegerType::get(loop.getContext(), 64), steps));
}

} // namespace gradus
