//===- SourceExpression.h - Values as expressions of the language ----------------===//

#pragma once

#include "dialect/Gradus.h"
#include "passes/Build.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringSet.h"

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

/// Writes the element of a value at given indices.
class ExpressionWriter {
public:
  explicit ExpressionWriter(SourceNames &names) : names(names) {}

  /// The element of `value` at `indices`. `isRoot`: write its op even if it has a name.
  llvm::FailureOr<std::string> write(mlir::Value value, llvm::ArrayRef<std::string> indices, bool isRoot = false);

  /// Which indices have stood alone at an axis of a named array since the last clear.
  void clearRanges() { ranged.clear(); }
  bool hasRange(llvm::StringRef index) const { return ranged.contains(index); }

  /// Ops that only rename axes or change the element type.
  static bool isTransparent(mlir::Operation *op) { return mlir::isa<BroadcastOp, CastOp, TransposeOp>(op); }
  static std::string writeShape(ArrayType type);
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
  /// word[j](x), with fresh binders for `axes` of `x`.
  Result writeReduction(llvm::StringRef word, mlir::Value x, llvm::ArrayRef<int64_t> axes, Indices indices);
  Result writeCall(llvm::StringRef word, mlir::ValueRange operands, Indices indices);
  Result writeInfix(llvm::StringRef sign, int binding, bool isRightTighter, mlir::Value a, mlir::Value b, Indices indices);

  SourceNames &names;
  llvm::StringSet<> ranged;
};

} // namespace gradus
