//===- EvaluatorJvp.h - gradus.jvp by dual numbers (internal) ---------*- C++ -*-===//

#pragma once

#include "codegen/reference/Frame.h"
#include "dialect/Jvp.h"

namespace gradus::reference {

/// The values and tangents of a `gradus.jvp` of `outer`. A dual number has a tangent for each of several directions.
template <typename S>
llvm::LogicalResult runJvp(JvpOp op, Session &session, Frame<S> &outer, Slots slots);

} // namespace gradus::reference
