//===- Along.h - Derivatives along directions, as regions --------------*- C++ -*-===//

#pragma once

#include "lang/Algebra.h"

namespace gradus::lang {

/// The tangents of what `body` makes of `point` along `u`, which has the own shapes of the point: a gradus.jvp. With `seeds`, an index of `u`
/// that the point has not, along each of its values at once; what `body` makes must not depend on it. Poison after an error.
Array followAlong(Algebra &algebra, const Array &point, const Array &u, IndexVar *seeds, Location at,
                  llvm::function_ref<Array(llvm::ArrayRef<mlir::Value>)> body, bool mayBeConstant = false);

} // namespace gradus::lang
