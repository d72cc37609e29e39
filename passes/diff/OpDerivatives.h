//===- OpDerivatives.h - What the derivative of each op is ----------------------===//
//
// The table OpDerivatives.def, asked for an op or for its class. Activity.cpp and both sweeps go by it alone.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "dialect/Gradus.h"
#include "dialect/Jvp.h"

namespace gradus {

/// OpDerivatives.def says what each of them means.
enum class DerivativeKind { Row, Linear, Rule, Region, Inactive, None, Structure };

/// Has a member `kind`. Not defined for an op that has no line in OpDerivatives.def: every op must say what its derivative is.
template <typename Op>
struct DerivativeOf;

#define GRADUS_DERIVATIVE(OP, KIND)                                                                                    \
  template <>                                                                                                          \
  struct DerivativeOf<OP> {                                                                                            \
    static constexpr DerivativeKind kind = DerivativeKind::KIND;                                                       \
  };
#include "passes/diff/OpDerivatives.def"

/// The kind of an op; of one of another dialect None.
DerivativeKind getDerivativeKind(mlir::OperationName op);
inline DerivativeKind getDerivativeKind(mlir::Operation *op) { return getDerivativeKind(op->getName()); }

} // namespace gradus
