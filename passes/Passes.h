//===- Passes.h - Constructors and registration of every pass -----------------===//

#pragma once

#include "dialect/Gradus.h"
#include "mlir/Pass/Pass.h"

namespace gradus {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Passes.h.inc"

} // namespace gradus
