//===- MatrixProduct.h - Contractions that are products of matrices ---------------===//
//
// Y[i, j] = sum over k of A[i, k] B[k, j], with any stride of i, k and j in A and B; j is the last axis of Y. A contraction is one where an axis
// of its result belongs to one operand alone, the last axis to the other alone, and what is summed are axes of both that lie alike in them.
// Axes that lie together count as one, other axes of the result are loops around.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "dialect/Gradus.h"

#include "llvm/ADT/SmallVector.h"

namespace gradus {

/// Which labels of a contraction are which axis of the product; each group lies together wherever it is.
struct MatrixProduct {
  ContractOp op;
  mlir::Value a, b; ///< with the rows, and with the columns of the result
  llvm::ArrayRef<int64_t> aLabels, bLabels;
  llvm::SmallVector<int64_t> rows, columns, inner, outer;
  /// Whether what is summed comes last in both operands: elements are sums over a row of each.
  bool sumsRows() const { return aLabels.back() == inner.back() && bLabels.back() == inner.back(); }
};
/// The product of matrices that a contraction is, or a kernel of one, if it is one.
std::optional<MatrixProduct> findMatrixProduct(ContractOp op);
std::optional<MatrixProduct> findMatrixProduct(KernelOp kernel);
/// Whether the last axis of the result goes along the lanes of vectors: it is the last one of an operand too.
bool isVectorContract(ContractOp op);

} // namespace gradus
