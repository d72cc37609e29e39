//===- CWriter.h - Writes one function as C99 ------------------------------------===//
//
// An element of a value is an expression; sums and the like on the way to it are loops that stand before the statement. What is used more
// than once, or would be computed again along an axis, is stored: a number in a variable, an array in the workspace.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/emit/CHelpers.h"
#include "codegen/emit/SourceExpression.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"

#include <set>

namespace gradus {

class CWriter {
public:
  CWriter(FuncOp func, std::function<std::string(mlir::Location)> quote) : func(func), quote(std::move(quote)) {}
  llvm::FailureOr<std::string> run();

private:
  /// How tightly operators of C bind, weakest first.
  enum Binding { BindChoice, BindOr, BindAnd, BindCompare, BindSum, BindProduct, BindUnary, BindPrimary };
  struct Text {
    std::string text;
    int binding = BindPrimary;
  };
  using Result = llvm::FailureOr<Text>;
  using Indices = llvm::ArrayRef<std::string>;

  // The function: CSource.cpp.
  void nameArguments();
  std::string describeArgument(unsigned index);
  std::string writeSizes();
  llvm::LogicalResult writeResults();
  std::string countOf(ArrayType type);
  std::string wrapHelpers(const std::string &text);
  std::string writeHead(const std::string &name, llvm::ArrayRef<std::string> arguments);
  std::string writeSummary();
  std::string writeWorkspace(const std::string &name);

  // Text: CSource.cpp.
  void write(const std::string &line) { body += indent + line + "\n"; }
  void open(const std::string &head) {
    write(head + " {");
    indent += "  ";
  }
  void close(const std::string &tail = "}") {
    indent.resize(indent.size() - 2);
    write(tail);
  }
  void comment(mlir::Location loc);
  std::string helper(llvm::StringRef name) {
    helpers.insert(name.str());
    return name.str();
  }
  static llvm::StringRef typeOf(ArrayType type) { return type.isFloat() ? "double" : type.isInt() ? "int64_t" : "int"; }
  /// A size, which binds as a product at least.
  std::string sizeOf(mlir::Attribute dim);
  /// Opens a loop for each index; `close` as often.
  void openLoops(Indices indices, llvm::ArrayRef<mlir::Attribute> shape);
  void closeLoops(size_t count);
  /// Where the element at `indices` of an array of `shape` is.
  std::string flatten(Indices indices, llvm::ArrayRef<mlir::Attribute> shape);
  std::string at(const std::string &name, Indices indices, llvm::ArrayRef<mlir::Attribute> shape) {
    return shape.empty() ? name : name + "[" + flatten(indices, shape) + "]";
  }

  /// `text` reads an element of the array `name`, which may be kept in 16 bits.
  Text read(const std::string &name, const std::string &text);

  // Elements: CExpression.cpp.
  Result element(mlir::Value value, Indices indices, bool isRoot = false);
  Result writeOp(mlir::Operation *op, Indices indices);
  static std::string writeNumber(mlir::Attribute value);
  Result writeConstant(ConstantOp op);
  Result writeCast(CastOp op, Indices indices);
  Result writeGather(GatherOp op, Indices indices);
  Result writeContract(ContractOp op, Indices indices);
  Result writeReduction(mlir::Operation *op, llvm::ArrayRef<int64_t> axes, Indices indices);
  Result writeArithmetic(mlir::Operation *op, Indices indices);
  /// The factor g of a product x of derivatives in `where(g == 0 and x != x, 0, x)`, which is `masked(g, x)`; null for other choices.
  static mlir::Value findFactor(SelectOp op);
  /// Whether an op is the condition of such a choice, or a part of it, and nothing else.
  static bool isPartOfMask(mlir::Operation *op);
  Result writeSelect(SelectOp op, Indices indices);
  Result writeCall(const std::string &name, mlir::ValueRange operands, Indices indices);
  Result writeInfix(llvm::StringRef sign, int binding, mlir::Value a, mlir::Value b, Indices indices);
  Result writePower(mlir::Operation *op, Indices indices);
  /// The places of a gather or scatter, checked unless they are known to be inside.
  llvm::FailureOr<llvm::SmallVector<std::string>> writePlaces(mlir::ValueRange places, llvm::ArrayRef<mlir::Attribute> shape, bool isInside, Indices indices,
                                                             llvm::ArrayRef<mlir::Attribute> range);
  static std::string wrap(const Text &text, int least) { return text.binding >= least ? text.text : "(" + text.text + ")"; }

  // Statements: CStatements.cpp.
  unsigned countUses(mlir::Value value);
  unsigned inlineSize(mlir::Value value);
  bool isCheap(mlir::Value value);
  bool isRepeated(mlir::Value value);
  bool mustBeStored(mlir::Value value);
  llvm::LogicalResult writeBlock(mlir::Block &block);
  llvm::LogicalResult writeStatement(mlir::Operation &op);
  /// A new array of the workspace.
  std::string scratch(ArrayType type, llvm::StringRef name);
  /// Where a value is stored: a new variable, the array of a result, or one of the workspace.
  std::string place(mlir::Value value);
  llvm::LogicalResult store(mlir::Value value);
  /// target = value, element by element.
  llvm::LogicalResult assign(const std::string &target, mlir::Value value);
  /// Loops from `begin` on, with what is from `inside` to `end` in them, become a part of those just before them that run over the same
  /// indices, if neither reads what the other makes but at its own place.
  void joinLoops(size_t begin, size_t inside, size_t end, const std::string &target, const std::string &place);
  /// The name of `value`, which is stored if it is not.
  llvm::FailureOr<std::string> nameOf(mlir::Value value);
  llvm::FailureOr<std::string> nameAsDoubles(mlir::Value value);
  llvm::LogicalResult writeConcat(ConcatOp op);
  llvm::LogicalResult writeCumulate(CumulateOp op);
  llvm::LogicalResult writeFft(FftOp op);
  llvm::LogicalResult writeScatter(mlir::Operation *op, const std::string &target);
  llvm::LogicalResult writeSort(SortOp op);
  std::pair<std::string, std::string> openLines(ArrayType type, int64_t axis, size_t &depth);

  // Matrices: CMatrix.cpp.
  llvm::LogicalResult writeMatrix(mlir::Operation *op);
  std::string makeSpare(mlir::Operation *op);

  // Draws: CDraws.cpp.
  static std::string nameDrawn(mlir::Value value);
  llvm::LogicalResult writeDraw(DrawOp op);
  Result callDraw(DrawOp op, Indices indices);

  // Regions: CControl.cpp.
  bool isWrittenInPlace(mlir::Operation *op);
  llvm::FailureOr<std::string> hold(mlir::Value held, mlir::Value init);
  void copy(const std::string &from, const std::string &to, ArrayType type);
  llvm::LogicalResult writeIf(IfOp op);
  llvm::LogicalResult writeLoop(LoopOp op);
  llvm::LogicalResult writeScan(ScanOp op);

  FuncOp func;
  std::function<std::string(mlir::Location)> quote;
  SourceNames names;
  std::set<std::string> helpers;
  /// The arrays of the workspace in order.
  struct Buffer {
    std::string name;
    ArrayType type;
  };
  std::vector<Buffer> buffers;
  /// Values that stand at a place of the leading axis of the array of their name.
  llvm::DenseMap<mlir::Value, std::string> leading;
  /// The arrays of the caller that are not of doubles, and the helper that reads a number; none where C does.
  llvm::StringMap<std::string> kept;
  /// The variables that hold the keys of draws.
  llvm::DenseMap<mlir::Value, std::string> drawKeys;
  /// The pointers that results are written to.
  llvm::MapVector<mlir::Value, std::string> results;
  std::vector<std::pair<std::string, ArrayType>> outputs;
  llvm::DenseMap<mlir::Value, unsigned> uses;
  std::string body, indent = "  ", lastComment;
  /// The loops that `assign` has written last: their heads, what is in them, where they write which arrays, and where in `body` more can be
  /// put into them and where they end.
  struct Loops {
    std::string head, inner, place;
    std::vector<std::string> targets;
    size_t inside = 0, end = 0;
  } lastLoops;
};

} // namespace gradus
