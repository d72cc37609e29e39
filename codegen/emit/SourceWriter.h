//===- SourceWriter.h - The statements of a function as Gradus source -----------===//
//
// What SourcePrinter.cpp, SourceStatements.cpp and SourceControl.cpp share. Expressions are in SourceExpression.h.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/emit/SourceExpression.h"

#include "llvm/ADT/StringMap.h"

#include <map>

namespace gradus {

/// Writes one function.
class SourceWriter {
public:
  explicit SourceWriter(FuncOp func)
      : func(func), expressions(names, [this](llvm::ArrayRef<mlir::Attribute> shape) { return frameOf(shape); }) {}
  llvm::FailureOr<std::string> run();

private:
  // Which values get a name, and the header: SourcePrinter.cpp.
  void nameArguments();
  void nameResults();
  std::string frameOf(llvm::ArrayRef<mlir::Attribute> shape);
  unsigned countUses(mlir::Value value);
  bool isReadInside(mlir::Value value);
  bool isOfIndices(mlir::Value value);
  bool needsStatement(mlir::Value value, const std::string &inlined);
  std::string freshFor(mlir::Value value);
  std::string describeArgument(unsigned index);
  mlir::Type realElement();

  // Statements: SourceStatements.cpp.
  void write(const std::string &line) { body += indent + line + "\n"; }
  llvm::LogicalResult writeBlock(mlir::Block &block);
  llvm::LogicalResult writeOp(mlir::Operation &op);
  /// name[i, k] = e, or name = e for a value of rank 0.
  llvm::LogicalResult writeStatement(mlir::Value value, const std::string &name);
  /// The name of `value`, which gets a statement if it has none.
  llvm::FailureOr<std::string> nameOf(mlir::Value value);
  llvm::LogicalResult writeConcat(ConcatOp op, const std::string &name);
  llvm::LogicalResult writeFft(FftOp op);
  llvm::LogicalResult writeFactorization(mlir::Operation *op);
  llvm::LogicalResult writeSort(SortOp op);
  llvm::LogicalResult writeScatter(mlir::Operation *op, const std::string &name);
  /// target[i, label[i]] += u[i], or = u[i], for the updates of a scatter.
  llvm::LogicalResult writeUpdates(mlir::Operation *op, const std::string &target);
  llvm::FailureOr<std::string> callDrawing(DrawOp op);
  llvm::LogicalResult writeDraw(DrawOp op);

  // Regions: SourceControl.cpp.
  llvm::LogicalResult writeIf(IfOp op);
  llvm::LogicalResult writeLoop(LoopOp op);
  llvm::FailureOr<std::string> writeCondition(mlir::Block &asked);
  llvm::LogicalResult writeDrawn(LoopOp op, const std::string &count);
  llvm::LogicalResult writeScan(ScanOp op);
  llvm::FailureOr<bool> writeRecurrence(ScanOp op);
  llvm::LogicalResult writeScanAsLoop(ScanOp op);
  llvm::FailureOr<std::string> startOf(mlir::Value init);
  std::string startOf(ArrayType type);
  /// Whether a scatter writes to what a loop carries, to no other end than to be the next value.
  static bool isPartOfNext(mlir::Operation *op);
  /// The operands of a yield as the next values of `carried`, whose present ones are `own`.
  llvm::LogicalResult writeNext(mlir::Operation *yield, llvm::ArrayRef<std::string> carried, mlir::ValueRange own);
  llvm::LogicalResult writeInside(llvm::function_ref<llvm::LogicalResult()> write);

  FuncOp func;
  SourceNames names;
  ExpressionWriter expressions;
  llvm::DenseMap<mlir::Value, unsigned> uses;
  llvm::DenseMap<mlir::Value, bool> ofIndices;
  /// Arrays of zeros that give ranges, by shape, as far as they can be read here.
  std::map<std::string, std::string> frames;
  /// The names that results ask for.
  llvm::DenseMap<mlir::Value, std::string> wanted;
  /// The indices of the loops around, which are the keys of what is drawn in them.
  llvm::SmallVector<mlir::Value> passes;
  /// How many loops stand around in the text that are none in the function.
  unsigned numAdded = 0;
  /// Functions that draw, by their names.
  std::map<std::string, std::string> draws;
  std::string body;
  std::string indent = "  ";
};

} // namespace gradus
