//===- ContractionPoint.h - The operands of a contraction at some labels ----------===//

#pragma once

#include "passes/gpu/Device.h"

namespace gradus {

class ContractionPoint {
public:
  ContractionPoint(ContractOp op, Evaluator &evaluator) : op(op), evaluator(evaluator), code(evaluator.code) {}
  /// Labels that count together are at this number.
  void set(llvm::ArrayRef<int64_t> labels, mlir::Value number) {
    for (auto [label, index] : llvm::zip_equal(labels, evaluator.delinearize(number, dimsOf(labels))))
      at[label] = index;
  }
  mlir::Value load(mlir::Value operand, llvm::ArrayRef<int64_t> labels) {
    return evaluator.evaluate(operand, llvm::map_to_vector(labels, [&](int64_t label) { return Index::uniform(at.lookup(label)); }));
  }

protected:
  llvm::SmallVector<mlir::Attribute> dimsOf(llvm::ArrayRef<int64_t> labels) { return getDims(op, labels); }

  ContractOp op;
  Evaluator &evaluator;
  CodeBuilder &code;
  llvm::DenseMap<int64_t, mlir::Value> at;
};

} // namespace gradus
