//===- Body.h - The loops of one function of a kernel ----------------------------===//
//
// Kernel.cpp has the loops over a whole domain, Nested.cpp those over some of its rows, Extremes.cpp one for the largest and smallest numbers of a row.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "passes/lower/Kernel.h"

namespace gradus {

inline llvm::SmallVector<int64_t> keptAxes(const KernelInfo &info) {
  llvm::SmallVector<int64_t> axes;
  for (int64_t axis = 0, rank = info.domain.size(); axis < rank; ++axis)
    if (!llvm::is_contained(info.reducedAxes, axis))
      axes.push_back(axis);
  return axes;
}

inline llvm::SmallVector<mlir::Attribute> pick(llvm::ArrayRef<mlir::Attribute> dims, llvm::ArrayRef<int64_t> axes) {
  llvm::SmallVector<mlir::Attribute> result;
  for (int64_t axis : axes)
    result.push_back(dims[axis]);
  return result;
}

/// Some axes of a domain as rows of vectors, and their cut into blocks: as many rows as have 4,096 elements together,
/// or 4,096 elements of one row. Where there are no axes for rows, it is one.
struct Space {
  llvm::SmallVector<int64_t> rowAxes;
  int64_t innerAxis = -1;
  mlir::Value rows, inner, chunks, rowsPerBlock, blocks;
  /// Where it begins: a row, or where it is one row an element of it. `rows` and `inner` count from 0 all the same.
  mlir::Value first;
};

/// Emits the code of one function.
class BodyEmitter {
public:
  BodyEmitter(const KernelInfo &info, Evaluator &evaluator, mlir::ValueRange outputs)
      : info(info), evaluator(evaluator), code(evaluator.code), outputs(outputs) {
    indices.resize(info.domain.size());
  }

  Space makeSpace(llvm::ArrayRef<int64_t> axes);
  void emitBlocks(mlir::Value begin, mlir::Value end);
  void emitRows(mlir::Value begin, mlir::Value end);
  void emitColumns(mlir::Value begin, mlir::Value end);
  /// Of the parts before this one the outputs have the results.
  void emitArguments(mlir::Value begin, mlir::Value end, const AxisPart *part = nullptr);
  void emitNested(mlir::Value begin, mlir::Value end);
  void emitWindow(const KernelWindow &window);

private:
  Space makeRowSpace(mlir::Value begin, mlir::Value end);
  void emitNestedColumns(mlir::Value begin, mlir::Value end);
  bool canGroupRows() const;
  void emitRowGroups(mlir::Value begin, mlir::Value end);
  void emitRowGroup(const Space &space, llvm::ArrayRef<mlir::Value> points);
  llvm::SmallVector<mlir::Value> emitBlock(const Space &space, mlir::Value block);
  llvm::SmallVector<mlir::Value> emitRow(const Space &space, mlir::Value low, mlir::Value high, mlir::ValueRange carried);
  bool hasQuickExtremes() const;
  std::pair<mlir::Value, llvm::SmallVector<mlir::Value>> emitExtremes(mlir::Value low, mlir::Value high, mlir::ValueRange carried, llvm::function_ref<Point(mlir::Value)> pointAt);
  llvm::SmallVector<mlir::Value> emitVectors(const Space &space, mlir::Value low, mlir::Value high, mlir::ValueRange carried);
  llvm::SmallVector<mlir::Value> emitStep(const Point &point, mlir::Value mask, mlir::ValueRange carried);
  void emitColumnStrip(mlir::Value first, mlir::Value mask);
  llvm::SmallVector<mlir::Value> emitColumnSums(mlir::Value first, mlir::Value mask, mlir::Value low, mlir::Value high, mlir::ValueRange init);
  void forEachStrip(mlir::Value begin, mlir::Value end, llvm::function_ref<void(mlir::Value first, mlir::Value mask)> emitStrip);
  void setIndices(llvm::ArrayRef<int64_t> axes, mlir::Value linear);
  mlir::Value positionOf(llvm::ArrayRef<int64_t> axes);
  mlir::Value emitOutside(const Point &point, mlir::Value mask);
  llvm::SmallVector<mlir::Value> identities(bool isVector);
  mlir::Type accumulatorType(unsigned index, bool isVector);
  unsigned countAccumulators() const { return info.isCheck() ? 1 : info.reductions.size(); }
  ReductionKind kindOf(unsigned index) const { return info.isCheck() ? ReductionKind::Any : info.reductions[index].kind; }
  llvm::SmallVector<mlir::Value> emitTree(mlir::Value blocks, bool isVector, llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value block)> emitBlock);
  void storeReductions(mlir::ValueRange values, mlir::Value position, mlir::Value mask);

  const KernelInfo &info;
  Evaluator &evaluator;
  CodeBuilder &code;
  mlir::ValueRange outputs;
  /// The scalar index of each axis, where it is known.
  llvm::SmallVector<mlir::Value> indices;
  /// What is to be encoded, from element `firstNumber` on.
  llvm::SmallVector<mlir::Value> numbers;
  mlir::Value firstNumber;
};

} // namespace gradus
