//===- CMatrix.cpp - Factorizations and solves as C ------------------------------===//
//
// One call of a helper for each matrix. `spare` is the array that the helper works in, `rows` where it notes exchanges of rows.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/CWriter.h"

#include "dialect/DimExpr.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace gradus {

/// Whether a solve goes by LU factors.
static bool exchangesRows(Operation *op) {
  auto solve = dyn_cast<SolveOp>(op);
  return isa<LogDetOp>(op) || (solve && solve.getKind() == MatrixKind::General);
}

/// A new array to work in, as large as the helper wants; nothing where it wants none.
std::string CWriter::makeSpare(Operation *op) {
  MLIRContext *context = op->getContext();
  ArrayType a = arrayType(op->getOperand(0));
  ArrayRef<Attribute> sizes = a.getShape().take_back(2);
  DimExpr m = DimExpr::of(sizes[0]), n = DimExpr::of(sizes[1]), k = DimExpr::min(m, n), one = DimExpr::number(1);
  auto solve = dyn_cast<SolveOp>(op);
  auto make = [&](const DimExpr &rows, const DimExpr &columns) {
    SmallVector<Attribute> shape{rows.toAttr(context), columns.toAttr(context)};
    return scratch(a.withShape(shape), "spare");
  };
  if (exchangesRows(op) || (solve && solve.getKind() == MatrixKind::Positive))
    return make(n + one, n);
  if (isa<EighOp>(op))
    return make(DimExpr::number(2) * n, n);
  if (isa<SvdOp>(op))
    return make(k, m + n);
  return isa<QrOp>(op) ? make(m + one, n + k) : "";
}

LogicalResult CWriter::writeMatrix(Operation *op) {
  SmallVector<std::string> operands, places;
  for (Value operand : op->getOperands()) {
    FailureOr<std::string> name = nameAsDoubles(operand);
    if (failed(name))
      return failure();
    operands.push_back(*name);
  }
  ArrayType a = arrayType(op->getOperand(0));
  ArrayRef<Attribute> batch = a.getShape().drop_back(2);
  std::string m = sizeOf(a.getShape().drop_back().back()), n = sizeOf(a.getShape().back()), spare = makeSpare(op), rows;
  if (exchangesRows(op))
    rows = scratch(ArrayType::get(op->getContext(), a.getShape().back(), IntegerType::get(op->getContext(), 64)), "rows");
  for (Value result : op->getResults()) {
    places.push_back(place(result));
    if (arrayType(result).isScalar())
      write(typeOf(arrayType(result)).str() + " " + places.back() + ";");
    names.setExactly(result, places.back());
  }
  SmallVector<std::string> indices = names.takeIndices(batch.size());
  openLoops(indices, batch);
  auto part = [&](const std::string &name, ArrayType type) { // the matrix of the batch at hand
    if (batch.empty())
      return name;
    SmallVector<std::string> inner(indices);
    inner.resize(type.getRank(), "0");
    return name + " + " + flatten(inner, type.getShape());
  };
  auto operand = [&](unsigned k) { return part(operands[k], arrayType(op->getOperand(k))); };
  auto result = [&](unsigned k) { return part(places[k], arrayType(op->getResult(k))); };
  auto number = [&](unsigned k) { return at(places[k], indices, batch); };
  auto call = [&](StringRef word, ArrayRef<std::string> arguments) { return helper(word) + "(" + llvm::join(arguments, ", ") + ");"; };
  if (isa<CholeskyOp>(op)) {
    write(number(1) + " = " + call("factor_cholesky", {n, operand(0), result(0)}));
  } else if (isa<LogDetOp>(op)) {
    write(number(0) + " = " + call("log_determinant", {n, operand(0), spare, rows, "&" + number(1)}));
  } else if (isa<EighOp>(op)) {
    write(number(2) + " = " + call("factor_eigh", {n, operand(0), result(0), result(1), spare}));
  } else if (isa<SvdOp>(op)) {
    write(number(3) + " = " + call("factor_svd", {m, n, operand(0), result(0), result(1), result(2), spare}));
  } else if (isa<QrOp>(op)) {
    write(call("factor_qr", {m, n, operand(0), result(0), result(1), spare}));
  } else {
    auto solve = cast<SolveOp>(op);
    SmallVector<std::string> arguments{n, sizeOf(arrayType(op->getOperand(1)).getShape().back()), operand(0), operand(1), result(0)};
    std::string transposed = solve.getTransposed() ? "1" : "0";
    bool isTriangle = spare.empty();
    if (isTriangle)
      arguments.append({solve.getKind() == MatrixKind::Upper ? "1" : "0", transposed});
    else if (solve.getKind() == MatrixKind::General)
      arguments.append({spare, rows, transposed});
    else
      arguments.push_back(spare);
    write(number(1) + " = " + call(isTriangle ? "solve_triangle" : rows.empty() ? "solve_positive" : "solve_general", arguments));
  }
  closeLoops(batch.size());
  names.giveBack(indices);
  for (auto [k, value] : llvm::enumerate(op->getResults()))
    if (value.use_empty() && arrayType(value).isScalar())
      write("(void)" + places[k] + ";");
  return success();
}

} // namespace gradus
