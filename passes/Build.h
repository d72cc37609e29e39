//===- Build.h - Small expressions that several passes build ------------------===//
//
// How a number, a scalar or an array meets an array of another shape and element type.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "dialect/Gradus.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

namespace gradus {

inline ArrayType arrayType(mlir::Value value) { return mlir::cast<ArrayType>(value.getType()); }

/// The name of a discardable attribute of gradus.exp: no element of its operand is a number above 0. It saves operations and changes no bit.
inline constexpr llvm::StringLiteral notPositiveAttribute = "gradus.not_positive";

/// An array of `type` whose every element is `value`: a rank-0 f64 constant, rounded once and repeated.
mlir::Value buildFill(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type, double value);
/// An integer array of `type` whose every element is `value`.
mlir::Value buildIntFill(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type, int64_t value);
/// The size of a dimension.
mlir::Value buildSize(mlir::OpBuilder &builder, mlir::Location loc, mlir::Attribute dim);
/// `x` with element type `element`; `x` itself if it has it.
mlir::Value buildCast(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value x, mlir::Type element);
/// Repeats `x`, whose axes are those of `type` in `kept`, to `type`, casting its elements.
mlir::Value buildBroadcast(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value x, ArrayType type, llvm::ArrayRef<int64_t> kept);
/// Reduces `x` over `axes`; the result has the type that the verifier asks for. `x` itself if there are no axes.
mlir::Value buildReduce(mlir::OpBuilder &builder, mlir::Location loc, ReductionKind kind, mlir::Value x, llvm::ArrayRef<int64_t> axes);

/// The axes of an array of `rank` axes that are not in `axes`, ascending.
llvm::SmallVector<int64_t> complementAxes(int64_t rank, llvm::ArrayRef<int64_t> axes);
/// The number that every element of `value` is, if `value` is made by buildFill or is a rank-0 constant.
std::optional<double> getFill(mlir::Value value);
/// The integer that a rank-0 constant is; none for a value that is no such constant.
std::optional<int64_t> getInteger(mlir::Value value);
/// Every element of `value` is `number`, its sign included.
bool isFill(mlir::Value value, double number);

} // namespace gradus
