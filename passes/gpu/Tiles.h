//===- Tiles.h - Products of matrices by groups -----------------------------------===//

#pragma once

#include "passes/fuse/MatrixProduct.h"
#include "passes/gpu/Device.h"

namespace gradus {

/// i1: whether a product is large enough for tiles, by the sizes of the call.
mlir::Value emitIsTiled(const MatrixProduct &product, Evaluator &evaluator);
/// The groups that tiles take.
mlir::Value countTiles(const MatrixProduct &product, Evaluator &evaluator);
/// The tile of a group in one pass over at most `mostSteps` of what is summed; passes but the first add to what the output has.
void emitTile(const MatrixProduct &product, Evaluator &evaluator, Scope &scope, mlir::Value output);

} // namespace gradus
