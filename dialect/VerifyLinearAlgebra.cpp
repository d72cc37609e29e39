//===- VerifyLinearAlgebra.cpp - Verifiers of matrix ops and transforms ---------===//
//
// Each check quotes its label in the op's description.
//
//===----------------------------------------------------------------------===//

#include "dialect/DimExpr.h"
#include "dialect/Gradus.h"

using namespace mlir;
using namespace gradus;

static ArrayType arrayOf(Value v) { return cast<ArrayType>(v.getType()); }
static ArrayRef<Attribute> shapeOf(Value v) { return arrayOf(v).getShape(); }

/// The axes that count matrices.
static ArrayRef<Attribute> batchOf(Value a) { return shapeOf(a).drop_back(2); }

static LogicalResult verifyMatrix(Operation *op, Value a, bool isSquare) {
  ArrayRef<Attribute> shape = shapeOf(a);
  if (shape.size() < 2 || (isSquare && shape.back() != shape.drop_back().back()))
    return op->emitOpError(isSquare ? "expects a square matrix, but got " : "expects a matrix, but got ") << a.getType();
  return success();
}

static LogicalResult verifyShape(Operation *op, Value result, ArrayRef<Attribute> batch, ArrayRef<Attribute> own, Type element) {
  SmallVector<Attribute> shape(batch);
  llvm::append_range(shape, own);
  ArrayType expected = ArrayType::get(op->getContext(), shape, element);
  if (result.getType() != expected)
    return op->emitOpError("expects a result of type ") << expected << ", but got " << result.getType();
  return success();
}

static LogicalResult verifyOk(Operation *op, Value ok, ArrayRef<Attribute> batch) {
  return verifyShape(op, ok, batch, {}, IntegerType::get(op->getContext(), 1));
}

/// min(rows, columns).
static Attribute rankOf(Value a) {
  DimExpr rows = DimExpr::of(shapeOf(a).drop_back().back()), columns = DimExpr::of(shapeOf(a).back());
  return DimExpr::min(rows, columns).toAttr(a.getContext());
}

LogicalResult CholeskyOp::verify() {
  if (failed(verifyMatrix(*this, getA(), true))) // cholesky_c1
    return failure();
  return verifyOk(*this, getOk(), batchOf(getA())); // cholesky_c2
}

LogicalResult SolveOp::verify() {
  if (failed(verifyMatrix(*this, getA(), true))) // solve_c1
    return failure();
  if (shapeOf(getB()).size() != shapeOf(getA()).size() || shapeOf(getB()).drop_back() != shapeOf(getA()).drop_back()) // solve_c2
    return emitOpError("expects right sides as columns of the matrix's rows, but got ") << getB().getType() << " with " << getA().getType();
  if (arrayOf(getA()).getElementType() != arrayOf(getB()).getElementType()) // solve_c4
    return emitOpError("expects one element type");
  return verifyOk(*this, getOk(), batchOf(getA())); // solve_c3
}

LogicalResult LogDetOp::verify() {
  if (failed(verifyMatrix(*this, getA(), true))) // logdet_c1
    return failure();
  Type element = batchOf(getA()).empty() ? Type(Float64Type::get(getContext())) : arrayOf(getA()).getElementType();
  return verifyShape(*this, getValue(), batchOf(getA()), {}, element); // logdet_c2
}

LogicalResult QrOp::verify() { // qr_c1
  if (failed(verifyMatrix(*this, getA(), false)))
    return failure();
  ArrayRef<Attribute> shape = shapeOf(getA()).take_back(2);
  Attribute rank = rankOf(getA());
  Type element = arrayOf(getA()).getElementType();
  if (failed(verifyShape(*this, getQ(), batchOf(getA()), {shape[0], rank}, element)))
    return failure();
  return verifyShape(*this, getR(), batchOf(getA()), {rank, shape[1]}, element);
}

LogicalResult EighOp::verify() {
  if (failed(verifyMatrix(*this, getA(), true))) // eigh_c1
    return failure();
  if (failed(verifyShape(*this, getValues(), batchOf(getA()), {shapeOf(getA()).back()}, arrayOf(getA()).getElementType()))) // eigh_c2
    return failure();
  return verifyOk(*this, getOk(), batchOf(getA())); // eigh_c3
}

LogicalResult SvdOp::verify() { // svd_c1
  if (failed(verifyMatrix(*this, getA(), false)))
    return failure();
  ArrayRef<Attribute> shape = shapeOf(getA()).take_back(2);
  Attribute rank = rankOf(getA());
  Type element = arrayOf(getA()).getElementType();
  if (failed(verifyShape(*this, getU(), batchOf(getA()), {shape[0], rank}, element)) ||
      failed(verifyShape(*this, getS(), batchOf(getA()), {rank}, element)) ||
      failed(verifyShape(*this, getV(), batchOf(getA()), {shape[1], rank}, element)))
    return failure();
  return verifyOk(*this, getOk(), batchOf(getA())); // svd_c2
}

LogicalResult FftOp::verify() {
  if (static_cast<int64_t>(getAxis()) < 0 || static_cast<int64_t>(getAxis()) >= arrayOf(getRe()).getRank()) // fft_c1
    return emitOpError("expects an axis of its operands, but got ") << static_cast<int64_t>(getAxis());
  return success();
}
