//===- SourceExpression.h - Values as expressions of the language ----------------===//

#pragma once

#include "dialect/Gradus.h"
#include "passes/Build.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringSet.h"

#include <functional>
#include <string>

namespace gradus {

/// The names of values and indices; no name means two things.
class SourceNames {
public:
  void reserve(llvm::StringRef name) { used.insert(name); }
  void setExactly(mlir::Value value, const std::string &name) {
    used.insert(name);
    values[value] = name;
  }
  /// The name of `value`, or nothing.
  std::string get(mlir::Value value) const { return values.lookup(value); }
  /// `base`, or `base` with the least number that makes it new.
  std::string fresh(llvm::StringRef base);
  /// `count` index letters that are in no other use; give them back when their scope ends.
  llvm::SmallVector<std::string> takeIndices(size_t count);
  void giveBack(llvm::ArrayRef<std::string> indices);

private:
  llvm::StringSet<> used;
  llvm::StringSet<> indicesInUse;
  llvm::DenseMap<mlir::Value, std::string> values;
};

/// What the unit calls the result of a draw: the last part of its site.
inline llvm::StringRef nameOfSite(DrawOp op) { return op.getSite().rsplit('.').second; }

/// The indices at which the operand is read for the element of the result at `indices`.
llvm::SmallVector<std::string> indicesOfOperand(BroadcastOp op, llvm::ArrayRef<std::string> indices);
llvm::SmallVector<std::string> indicesOfOperand(TransposeOp op, llvm::ArrayRef<std::string> indices);

/// Writes the element of a value at given indices.
class ExpressionWriter {
public:
  /// `frame` gives the name of an array of zeros of a shape, whose axes give indices their ranges.
  ExpressionWriter(SourceNames &names, std::function<std::string(llvm::ArrayRef<mlir::Attribute>)> frame) : names(names), frame(std::move(frame)) {}

  /// The element of `value` at `indices`. `isRoot`: write its op even if it has a name.
  llvm::FailureOr<std::string> write(mlir::Value value, llvm::ArrayRef<std::string> indices, bool isRoot = false);

  /// Which indices have stood alone at an axis of a named array since the last clear.
  void clearRanges() { ranged.clear(); }
  /// The subscripts by which the elements of `part` are read from or written to `whole`.
  llvm::FailureOr<llvm::SmallVector<std::string>> writePlaces(mlir::ValueRange places, ArrayType whole, ArrayType part, llvm::ArrayRef<std::string> indices);
  /// As `write`, so that each index stands alone at an axis somewhere since the last clear.
  llvm::FailureOr<std::string> writeRanged(mlir::Value value, llvm::ArrayRef<std::string> indices, bool isRoot = false);

  /// `value` is a part of the array of its name: what stands at `place` along the leading axis of that, or at several places.
  void setPlace(mlir::Value value, const std::string &place) { leading[value] = place; }
  void clearPlace(mlir::Value value) { leading.erase(value); }
  bool hasPlace(mlir::Value value) const { return leading.contains(value); }
  /// Ops that only rename axes or change the element type.
  static bool isTransparent(mlir::Operation *op) { return mlir::isa<BroadcastOp, CastOp, TransposeOp>(op); }
  /// The integer 0, perhaps repeated: what a shift by nothing adds.
  static bool isWholeZero(mlir::Value value);
  static std::string writeShape(llvm::ArrayRef<mlir::Attribute> shape);
  /// A size as a whole number: '/' would make it a real one.
  static std::string writeSize(mlir::Attribute dim);
  /// Words that the writer uses, or may: no name of the source may hide them.
  static bool isWord(llvm::StringRef name);
  static std::string writeNumber(double value);
  static std::string writeAttribute(mlir::Attribute value);
  /// A constant array as nested lists.
  static std::string writeList(mlir::DenseElementsAttr value);

private:
  /// A text and how tightly its outermost operator binds.
  struct Text {
    std::string text;
    int binding;
  };
  using Result = llvm::FailureOr<Text>;
  using Indices = llvm::ArrayRef<std::string>;

  Result element(mlir::Value value, Indices indices, bool isRoot = false);
  Result subscripted(const std::string &name, Indices indices);
  Result writeOp(mlir::Operation *op, Indices indices);
  Result writeArithmetic(mlir::Operation *op, Indices indices);
  Result writeConstant(ConstantOp op);
  Result writeGather(GatherOp op, Indices indices);
  Result writeContract(ContractOp op, Indices indices);
  llvm::SmallVector<std::string> bind(size_t count);
  /// An element of `value`, so that each of `indices`, which run over `shape`, stands alone at an axis somewhere.
  std::string withRanges(const Text &text, ArrayType value, Indices indices, llvm::ArrayRef<mlir::Attribute> shape);
  /// Where the terms that a condition on an index leaves out are neutral: `k < i`, in place of the binder `k` that it names.
  llvm::FailureOr<bool> takeGuard(SelectOp terms, double neutral, llvm::MutableArrayRef<std::string> binders, Indices indices);
  /// word[j](x), with fresh binders for `axes` of `x`.
  Result writeReduction(llvm::StringRef word, mlir::Value x, llvm::ArrayRef<int64_t> axes, Indices indices);
  Result writeCall(llvm::StringRef word, mlir::ValueRange operands, Indices indices);
  Result writeInfix(llvm::StringRef sign, int binding, bool isRightTighter, mlir::Value a, mlir::Value b, Indices indices);

  SourceNames &names;
  std::function<std::string(llvm::ArrayRef<mlir::Attribute>)> frame;
  llvm::StringSet<> ranged;
  llvm::DenseMap<mlir::Value, std::string> leading;
};

} // namespace gradus
