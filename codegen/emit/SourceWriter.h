//===- SourceWriter.h - The statements of a function as Gradus source -----------===//
//
// What SourcePrinter.cpp, SourceStatements.cpp and SourceControl.cpp share. Expressions are in SourceExpression.h.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/emit/SourceExpression.h"
#include "dialect/DimExpr.h"

#include "llvm/ADT/StringMap.h"

#include <map>

namespace gradus {

/// Writes one function.
class SourceWriter {
public:
  explicit SourceWriter(FuncOp func)
      : func(func), expressions(names, [this](llvm::ArrayRef<mlir::Attribute> shape) { return frameOf(shape); }) {}
  llvm::FailureOr<std::string> run();
  std::vector<std::string> findPartials();

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
  llvm::LogicalResult writePart(mlir::Value part);

  // Draws: SourceDraws.cpp.
  void collectDraws();
  std::string writeDrawing();
  llvm::LogicalResult checkDraw(DrawOp op);
  llvm::FailureOr<std::string> writeDrawArguments(DrawOp op);
  llvm::LogicalResult callDrawing(llvm::ArrayRef<DrawOp> wanted);
  llvm::LogicalResult writeDraw(DrawOp op);
  llvm::LogicalResult writeDrawn(DrawOp draw, llvm::ArrayRef<DimExpr> bounds, const std::string &into, llvm::SmallVectorImpl<std::string> &indices);
  llvm::LogicalResult writeDrawnBefore(mlir::Operation *region);
  llvm::LogicalResult placeDrawn(DrawOp op);

  // Regions: SourceControl.cpp.
  llvm::LogicalResult writeIf(IfOp op);
  llvm::LogicalResult writeLoop(LoopOp op);
  llvm::FailureOr<std::string> writeCondition(mlir::Block &asked);
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
  /// What the units draw, each site once.
  std::map<std::string, std::vector<DrawOp>> draws;
  /// An array of all that a draw draws in some loops, and how many passes each of them has.
  struct DrawnBefore {
    DrawOp draw;
    llvm::SmallVector<DimExpr> bounds;
  };
  std::vector<DrawnBefore> drawnForAll;
  /// Draws that are written down before the loops and conditions that they stand in, and how many of their keys say where.
  llvm::DenseMap<mlir::Operation *, unsigned> drawnBefore;
  std::string body;
  std::string indent = "  ";
};

} // namespace gradus
