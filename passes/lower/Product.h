//===- Product.h - Products of matrices -----------------------------------------===//
//
// A product of matrices (passes/fuse/MatrixProduct.h) is cut into units of its result, which may be done in any order. Everything else that is a contraction
// is left to Contract.cpp.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "passes/fuse/MatrixProduct.h"
#include "passes/lower/Kernel.h"

namespace gradus {

/// The elements that are summed before their sum is added to the result: the bits depend on it.
constexpr int64_t productBlock = 128;
/// One call of the function below has at most so many rows, a multiple of those of a tile, and so many vectors of columns.
constexpr int64_t unitRows = 384, unitVectors = 8;
/// Where a unit goes through an epilogue it has room for so many rows of `unitVectors` vectors, on the stack: 72 KB, in which B is not packed much more often.
constexpr int64_t roomRows = 144;
/// The rows of a tile: what fits the registers of AVX2 with a vector of 64 bytes, and those of AVX-512 with two.
constexpr int64_t tileRows = 6, tileVectors = 2;

/// The elements in the 64 bytes of a vector.
inline int64_t productWidth(mlir::Type element) { return 64 / (element.getIntOrFloatBitWidth() / 8); }

/// `void product(rows, columns, inner, a, aRow, aInner, b, bInner, bColumn, y, yRow)`, which all products of a module share: at most `unitRows` rows and
/// `unitVectors` vectors of columns of Y. Strides count elements.
mlir::LLVM::LLVMFuncOp getProductUnit(CodeBuilder &code, mlir::Type element);

/// At most so many rows are sums of rows of both operands, where these lie so that there are some: the bits depend on it.
constexpr int64_t dotRows = 2;
/// `void dots(rows, columns, inner, a, aRow, b, bColumn, y, yRow)`: the same function for them.
mlir::LLVM::LLVMFuncOp getProductDots(CodeBuilder &code, mlir::Type element);

/// The number of a unit, its rows and columns in its matrix, its operands, the element of the result that the matrix begins with, and which of the matrices it is.
struct ProductUnit {
  mlir::Value index, row, column, rows, columns, a, b, first;
  llvm::SmallVector<mlir::Value> around;
};

/// The sizes and strides of a product, and where its units are.
class ProductEmitter {
public:
  /// With `hasRoom` units are small enough for the room that they have on the stack.
  ProductEmitter(const MatrixProduct &product, Evaluator &evaluator, bool hasRoom = false);
  /// The units [begin, end), written to the result.
  void emit(mlir::Value output, mlir::Value begin, mlir::Value end);
  void forUnits(mlir::Value begin, mlir::Value end, llvm::function_ref<void(const ProductUnit &unit)> emitUnit);
  /// Computes a unit into rows at `y`, or into its place in the result.
  void emitUnit(const ProductUnit &unit, mlir::Value y, mlir::Value yRow);
  void emitUnitOf(mlir::Value output, const ProductUnit &unit);
  /// i1: whether the function has computed all; of a unit, whether it has computed that.
  mlir::Value emitHook(mlir::Value function, mlir::Value output);
  mlir::Value emitHook(mlir::Value function, const ProductUnit &unit, mlir::Value y, mlir::Value yRow);

  mlir::Value rows, columns, inner, outer; ///< sizes
  mlir::Value yRow;                        ///< from one row of the result to the next
  mlir::Value count, work;
  int64_t unitColumns;
  mlir::Type element;

private:
  llvm::SmallVector<mlir::Attribute> dimsOf(llvm::ArrayRef<int64_t> labels) const;
  mlir::Value strideOf(int64_t label, llvm::ArrayRef<int64_t> labels, llvm::ArrayRef<mlir::Attribute> shape);
  mlir::Value firstOf(mlir::Value array, llvm::ArrayRef<int64_t> labels, mlir::ValueRange outerIndices);
  mlir::Value from(mlir::Value base, mlir::Value array, llvm::ArrayRef<int64_t> labels, mlir::ValueRange outerIndices);

  const MatrixProduct &product;
  Evaluator &evaluator;
  CodeBuilder &code;
  mlir::Value aRow, aInner, bInner, bColumn;
  mlir::Value unitsOfRows, unitsOfColumns, height; ///< rows of a unit
};

/// ptr: the function for products of a context, or null.
mlir::Value emitFindHook(CodeBuilder &code, mlir::Value context);
/// What the host gives a kernel, under the names that the kernel has for it.
Buffers takeOperands(KernelOp kernel, const Buffers &buffers);

} // namespace gradus
