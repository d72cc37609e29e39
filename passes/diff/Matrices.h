//===- Matrices.h - Expressions of matrices in the rules ---------------*- C++ -*-===//
//
// What the derivatives of factorizations are written in, for both modes.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "passes/diff/Rules.h"

#include <utility>

namespace gradus {

/// Expressions of matrices like `model`; the axes before its last two count them.
class Matrices {
public:
  Matrices(ArrayType model, RuleContext &context)
      : context(context), builder(context.builder), loc(context.loc), leading(model.getShape().drop_back(2)), batch(leading.size()),
        element(model.getElementType()) {}

  ArrayType typeOf(mlir::Value x) const { return arrayType(x); }
  ArrayType matrixOf(mlir::Attribute rows, mlir::Attribute columns) const {
    llvm::SmallVector<mlir::Attribute> shape(leading);
    shape.append({rows, columns});
    return ArrayType::get(builder.getContext(), shape, element);
  }
  mlir::Attribute rows(mlir::Value x) const { return arrayType(x).getShape()[batch]; }
  mlir::Attribute columns(mlir::Value x) const { return arrayType(x).getShape()[batch + 1]; }

  mlir::Value add(mlir::Value a, mlir::Value b) { return AddOp::create(builder, loc, a, b); }
  mlir::Value sub(mlir::Value a, mlir::Value b) { return SubOp::create(builder, loc, a, b); }
  mlir::Value mul(mlir::Value a, mlir::Value b) { return MulOp::create(builder, loc, a, b); }
  mlir::Value div(mlir::Value a, mlir::Value b) { return DivOp::create(builder, loc, a, b); }
  mlir::Value half(mlir::Value a) { return mul(a, buildFill(builder, loc, a.getType(), 0.5)); }
  mlir::Value negate(mlir::Value a) { return NegOp::create(builder, loc, a); }

  mlir::Value transpose(mlir::Value a) {
    llvm::SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(0, batch + 2));
    std::swap(permutation[batch], permutation[batch + 1]);
    return TransposeOp::create(builder, loc, matrixOf(columns(a), rows(a)), a, permutation);
  }
  /// A B; with flags, of the transposed ones.
  mlir::Value product(mlir::Value a, mlir::Value b, bool isLeftTransposed = false, bool isRightTransposed = false) {
    llvm::SmallVector<int64_t> lhs = llvm::to_vector(llvm::seq<int64_t>(0, batch)), rhs = lhs, out = lhs;
    int64_t row = batch, summed = batch + 1, column = batch + 2;
    lhs.append(isLeftTransposed ? std::initializer_list<int64_t>{summed, row} : std::initializer_list<int64_t>{row, summed});
    rhs.append(isRightTransposed ? std::initializer_list<int64_t>{column, summed} : std::initializer_list<int64_t>{summed, column});
    out.append({row, column});
    ArrayType type = matrixOf(isLeftTransposed ? columns(a) : rows(a), isRightTransposed ? rows(b) : columns(b));
    return ContractOp::create(builder, loc, type, a, b, lhs, rhs, out);
  }
  mlir::Value solve(MatrixKind kind, mlir::Value a, mlir::Value b, bool isTransposed = false) {
    llvm::SmallVector<mlir::Attribute> shape(arrayType(a).getShape().take_front(batch));
    ArrayType ok = ArrayType::get(builder.getContext(), shape, builder.getI1Type());
    return SolveOp::create(builder, loc, b.getType(), ok, kind, a, b, isTransposed).getX();
  }

  /// The number of the row, or column, at each element.
  mlir::Value count(ArrayType type, bool isRow) {
    return IotaOp::create(builder, loc, type.withElement(builder.getI64Type()), builder.getI64IntegerAttr(batch + (isRow ? 0 : 1)));
  }
  /// Where `row <predicate> column`.
  mlir::Value where(ArrayType type, ComparePredicate predicate) {
    return CompareOp::create(builder, loc, predicate, count(type, true), count(type, false));
  }
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value b) { return SelectOp::create(builder, loc, condition, a, b); }
  mlir::Value keep(mlir::Value x, ComparePredicate predicate) {
    return select(where(arrayType(x), predicate), x, buildFill(builder, loc, x.getType(), 0.0));
  }
  mlir::Value identity(ArrayType type) {
    return select(where(type, ComparePredicate::Eq), buildFill(builder, loc, type, 1.0), buildFill(builder, loc, type, 0.0));
  }
  /// One number for each matrix, row or column, at each element.
  mlir::Value spread(mlir::Value x, ArrayType type) { return buildBroadcast(builder, loc, x, type, llvm::to_vector(llvm::seq<int64_t>(0, batch))); }
  mlir::Value alongRows(mlir::Value x, ArrayType type) { return alongAxis(x, type, batch); }
  mlir::Value alongColumns(mlir::Value x, ArrayType type) { return alongAxis(x, type, batch + 1); }
  mlir::Value onDiagonal(mlir::Value x, ArrayType type) {
    return select(where(type, ComparePredicate::Eq), alongRows(x, type), buildFill(builder, loc, type, 0.0));
  }
  /// 1 / x, and 0 on the diagonal.
  mlir::Value reciprocalBeside(mlir::Value x) {
    mlir::Value isOn = where(arrayType(x), ComparePredicate::Eq), one = buildFill(builder, loc, x.getType(), 1.0);
    mlir::Value quotient = DivOp::create(builder, loc, one, select(isOn, one, x));
    return select(isOn, buildFill(builder, loc, x.getType(), 0.0), quotient);
  }
  /// What the lower triangle gets where S is what the whole symmetric matrix gets.
  mlir::Value fold(mlir::Value s) {
    mlir::Value both = keep(add(s, transpose(s)), ComparePredicate::Ge);
    return select(where(arrayType(s), ComparePredicate::Eq), s, both);
  }
  /// The first k columns of x.
  mlir::Value firstColumns(mlir::Value x, mlir::Attribute k) { return gather(x, matrixOf(rows(x), k), count(matrixOf(rows(x), k), false)); }
  /// The columns of `first`, then those of `rest` that stand behind them.
  mlir::Value behind(mlir::Value first, mlir::Value rest) {
    ArrayType type = arrayType(rest);
    mlir::Value column = count(type, false), isFirst = CompareOp::create(builder, loc, ComparePredicate::Lt, column, size(columns(first), type));
    mlir::Value place = select(isFirst, column, buildIntFill(builder, loc, column.getType(), 0));
    return select(isFirst, gather(first, type, place), rest);
  }
  /// x with zeros in its first k columns.
  mlir::Value keepBehind(mlir::Value x, mlir::Attribute k) {
    mlir::Value isFirst = CompareOp::create(builder, loc, ComparePredicate::Lt, count(arrayType(x), false), size(k, arrayType(x)));
    return select(isFirst, buildFill(builder, loc, x.getType(), 0.0), x);
  }

  /// `contribution`, but where all that is `given` of a matrix is 0, so is it, be the matrix as it may.
  mlir::Value guard(llvm::ArrayRef<mlir::Value> given, mlir::Value contribution) {
    mlir::Value size;
    for (mlir::Value t : given) {
      if (!t || !context.guardBy)
        continue;
      llvm::SmallVector<int64_t> own = llvm::to_vector(llvm::seq<int64_t>(batch, arrayType(t).getRank()));
      mlir::Value largest = spread(buildReduce(builder, loc, ReductionKind::Max, AbsOp::create(builder, loc, t), own), arrayType(contribution));
      size = size ? add(size, largest) : largest;
    }
    return size ? context.guard(size, contribution) : contribution;
  }

protected:
  RuleContext &context;
  mlir::OpBuilder &builder;
  mlir::Location loc;
  llvm::SmallVector<mlir::Attribute> leading;
  int64_t batch;
  mlir::Type element;

private:
  mlir::Value alongAxis(mlir::Value x, ArrayType type, int64_t axis) {
    llvm::SmallVector<int64_t> kept = llvm::to_vector(llvm::seq<int64_t>(0, batch));
    kept.push_back(axis);
    return buildBroadcast(builder, loc, x, type, kept);
  }
  mlir::Value gather(mlir::Value x, ArrayType type, mlir::Value column) {
    llvm::SmallVector<mlir::Value> places;
    for (int64_t axis = 0; axis <= batch; ++axis)
      places.push_back(IotaOp::create(builder, loc, type.withElement(builder.getI64Type()), builder.getI64IntegerAttr(axis)));
    places.push_back(column);
    return GatherOp::create(builder, loc, type, x, places, /*in_bounds=*/true);
  }
  mlir::Value size(mlir::Attribute dim, ArrayType type) {
    return buildBroadcast(builder, loc, buildSize(builder, loc, dim), type.withElement(builder.getI64Type()), {});
  }
};

} // namespace gradus
