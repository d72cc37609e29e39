//===- Patterns.h - Pattern sets that several passes of this folder use -------===//

#pragma once

#include "mlir/IR/PatternMatch.h"

namespace gradus {

/// f(broadcast(a), broadcast(b)) -> broadcast(f(a, b)).
void populatePullThroughBroadcast(mlir::RewritePatternSet &patterns);

} // namespace gradus
