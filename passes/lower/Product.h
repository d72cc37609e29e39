//===- Product.h - Products of matrices -----------------------------------------===//
//
// Y[i, j] = sum over k of A[i, k] B[k, j], with any stride of i, k and j in A and B; j is the last axis of Y. A contraction is one where an axis
// of its result belongs to one operand alone, the last axis to the other alone, and what is summed are axes of both that lie alike in them.
// Axes that lie together count as one, other axes of the result are loops around. Everything else is left to Contract.cpp.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "passes/lower/Kernel.h"

namespace gradus {

/// The elements that are summed before their sum is added to the result: the bits depend on it.
constexpr int64_t productBlock = 128;
/// One call of the function below has at most so many rows, a multiple of those of a tile, and so many vectors of columns.
constexpr int64_t unitRows = 384, unitVectors = 8;
/// The rows of a tile: what fits the registers of AVX2 with a vector of 64 bytes, and those of AVX-512 with two.
constexpr int64_t tileRows = 6, tileVectors = 2;

/// The elements in the 64 bytes of a vector.
inline int64_t productWidth(mlir::Type element) { return 64 / (element.getIntOrFloatBitWidth() / 8); }

/// Which labels of a contraction are which axis of the product; each group lies together wherever it is.
struct MatrixProduct {
  ContractOp op;
  mlir::Value a, b; ///< with the rows, and with the columns of the result
  llvm::ArrayRef<int64_t> aLabels, bLabels;
  llvm::SmallVector<int64_t> rows, columns, inner, outer;
};
/// The product of matrices that a kernel is, if it is one.
std::optional<MatrixProduct> findMatrixProduct(KernelOp kernel);

/// `void product(rows, columns, inner, a, aRow, aInner, b, bInner, bColumn, y, yRow)`, which all products of a module share: at most `unitRows` rows and
/// `unitVectors` vectors of columns of Y. Strides count elements.
mlir::LLVM::LLVMFuncOp getProductUnit(Code &code, mlir::Type element);

} // namespace gradus
