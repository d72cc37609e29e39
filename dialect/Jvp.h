//===- Jvp.h - gradus.jvp ---------------------------------------------*- C++ -*-===//
//
// The op of Jvp.td. It lives until `gradus-differentiate` has run, so that only the front end, that pass and the reference evaluator know it.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "dialect/Gradus.h"

#define GET_OP_CLASSES
#include "dialect/JvpOps.h.inc"
