//===- Jvp.h - gradus.jvp ---------------------------------------------*- C++ -*-===//
//
// The op of Jvp.td. It lives until `gradus-differentiate` has run, so that only the front end, that pass and the reference evaluator know it.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "dialect/Gradus.h"

namespace gradus {
/// The type of `type` for each direction, behind the axis `seeds` that counts them; `type` itself where `seeds` is null.
ArrayType putBehind(mlir::Attribute seeds, ArrayType type);
} // namespace gradus

#define GET_OP_CLASSES
#include "dialect/JvpOps.h.inc"
