//===- SourceStatements.cpp - Ops that are statements of Gradus source ----------===//

#include "codegen/emit/SourceWriter.h"

#include "dialect/DimExpr.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace gradus {

//===----------------------------------------------------------------------===//
// Names for values
//===----------------------------------------------------------------------===//

FailureOr<std::string> SourceWriter::nameOf(Value value) {
  if (expressions.hasPlace(value) && failed(writePart(value)))
    return failure();
  if (names.get(value).empty() && failed(writeStatement(value, names.fresh("v"))))
    return failure();
  return names.get(value);
}

/// v[i] = whole[place, i]: a part of another array gets a name.
LogicalResult SourceWriter::writePart(Value part) {
  SmallVector<std::string> indices = names.takeIndices(arrayType(part).getRank());
  FailureOr<std::string> text = expressions.write(part, indices);
  if (failed(text))
    return failure();
  std::string name = names.fresh(indices.empty() ? "s" : "v");
  write(name + (indices.empty() ? "" : "[" + llvm::join(indices, ", ") + "]") + " = " + *text);
  names.giveBack(indices);
  names.setExactly(part, name);
  expressions.clearPlace(part);
  return success();
}

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

/// name[i, k] = e, or name = e for a value of rank 0.
LogicalResult SourceWriter::writeStatement(Value value, const std::string &name) {
  int64_t rank = arrayType(value).getRank();
  if (auto constant = value.getDefiningOp<ConstantOp>(); constant && rank != 0) {
    write(name + " = " + ExpressionWriter::writeList(cast<DenseElementsAttr>(constant.getValue())));
    names.setExactly(value, name);
    return success();
  }
  if (rank != 0 && arrayType(value).isFloat() && isFill(value, 0.0)) {
    std::string sizes = ExpressionWriter::writeShape(arrayType(value).getShape());
    write(name + " = zeros(" + sizes + ")");
    frames.try_emplace(sizes, name);
    names.setExactly(value, name);
    return success();
  }
  SmallVector<std::string> indices = names.takeIndices(rank);
  expressions.clearRanges();
  FailureOr<std::string> text = expressions.writeRanged(value, indices, /*isRoot=*/true);
  if (failed(text))
    return failure();
  if (auto cast = value.getDefiningOp<CastOp>(); cast && arrayType(value).isFloat() && arrayType(cast.getX()).isInt())
    *text += " + 0.0"; // or it would stay whole
  write(name + (rank ? "[" + llvm::join(indices, ", ") + "]" : "") + " = " + *text);
  names.giveBack(indices);
  names.setExactly(value, name);
  return success();
}

/// Whether an index stands in one of the subscripts.
static bool standsIn(ArrayRef<std::string> places, StringRef index) {
  auto isLetter = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  for (StringRef place : places)
    for (size_t at = place.find(index); at != StringRef::npos; at = place.find(index, at + 1))
      if ((at == 0 || !isLetter(place[at - 1])) && (at + index.size() == place.size() || !isLetter(place[at + index.size()])))
        return true;
  return false;
}

/// name[i, k] = x[i, k], then name[i, label[i]] += u[i], or = u[i].
LogicalResult SourceWriter::writeScatter(Operation *op, const std::string &name) {
  Value x = op->getOperand(0);
  auto type = cast<ArrayType>(x.getType());
  SmallVector<std::string> indices = names.takeIndices(type.getRank());
  std::string before = names.get(x);
  if (getFill(x) == 0.0)
    write(name + " = zeros(" + ExpressionWriter::writeShape(type.getShape()) + ")");
  else if (!before.empty())
    write(name + "[" + llvm::join(indices, ", ") + "] = " + before + "[" + llvm::join(indices, ", ") + "]");
  else if (failed(writeStatement(x, name)))
    return failure();
  names.setExactly(x, before); // what is called `name` from here on is another value
  names.giveBack(indices);
  if (failed(writeUpdates(op, name)))
    return failure();
  names.setExactly(op->getResult(0), name);
  return success();
}

LogicalResult SourceWriter::writeUpdates(Operation *op, const std::string &target) {
  Value written = op->getOperands().back();
  auto type = cast<ArrayType>(op->getOperand(0).getType());
  ArrayType updates = arrayType(written);
  SmallVector<std::string> indices = names.takeIndices(updates.getRank());
  SmallVector<std::string> letters(indices);
  for (auto [index, size] : llvm::zip_equal(indices, updates.getShape()))
    if (auto known = dyn_cast<IntegerAttr>(size); known && known.getInt() == 1)
      index = "0";
  expressions.clearRanges();
  FailureOr<SmallVector<std::string>> places = expressions.writePlaces(op->getOperands().drop_front().drop_back(), type, updates, indices);
  if (failed(places))
    return failure();
  FailureOr<std::string> update = expressions.writeRanged(written, indices);
  if (failed(update))
    return failure();
  // The subscripts bind only what stands in them; all else goes to the same place.
  SmallVector<std::string> summed;
  for (const std::string &index : indices)
    if (index != "0" && !standsIn(*places, index))
      summed.push_back(index);
  if (!summed.empty() && isa<ScatterOp>(op))
    return op->emitError("G0853: '") << op->getName() << "' of several values to one place cannot be written as source";
  if (!summed.empty())
    *update = "sum[" + llvm::join(summed, ", ") + "](" + *update + ")";
  write(target + "[" + llvm::join(*places, ", ") + (isa<ScatterOp>(op) ? "] = " : "] += ") + *update);
  names.giveBack(letters);
  return success();
}

/// name = concat[axis = 1](a, b). The parts have names.
LogicalResult SourceWriter::writeConcat(ConcatOp op, const std::string &name) {
  SmallVector<std::string> parts;
  for (Value part : op.getParts()) {
    FailureOr<std::string> own = nameOf(part);
    if (failed(own))
      return failure();
    parts.push_back(*own);
  }
  write(name + " = concat[axis = " + std::to_string(op.getAxis()) + "](" + llvm::join(parts, ", ") + ")");
  names.setExactly(op.getResult(), name);
  return success();
}

/// values, order = sort[axis = 1](x). All elements of an array of several axes are sorted as a vector.
LogicalResult SourceWriter::writeSort(SortOp op) {
  FailureOr<std::string> x = nameOf(op.getX());
  if (failed(x))
    return failure();
  auto axis = static_cast<int64_t>(op.getAxis());
  std::string values = freshFor(op.getValues()), order = names.fresh("order"), direction = op.getDescending() ? "descending" : "";
  ArrayRef<Attribute> shape = arrayType(op.getX()).getShape();
  if (axis >= 0 || shape.size() <= 1) {
    std::string slot = "axis = " + std::to_string(std::max<int64_t>(axis, 0)) + (direction.empty() ? "" : ", " + direction);
    write(values + ", " + order + " = sort[" + slot + "](" + *x + ")");
  } else {
    DimExpr count = DimExpr::number(1);
    for (Attribute dim : shape)
      count = count * DimExpr::of(dim);
    std::string flatValues = names.fresh("v"), flatOrder = names.fresh("order"), sizes = "[" + ExpressionWriter::writeShape(shape) + "]";
    write(flatValues + ", " + flatOrder + " = sort" + (direction.empty() ? "" : "[" + direction + "]") + "(reshape(" + *x + ", [" + count.print() + "]))");
    write(values + " = reshape(" + flatValues + ", " + sizes + ")");
    write(order + " = reshape(" + flatOrder + ", " + sizes + ")");
  }
  names.setExactly(op.getValues(), values);
  names.setExactly(op.getOrder(), order);
  return success();
}

/// y = fft[axis = 1](complex(a, b)), and its two parts.
LogicalResult SourceWriter::writeFft(FftOp op) {
  SmallVector<std::string> parts;
  for (Value operand : op->getOperands()) {
    FailureOr<std::string> name = nameOf(operand);
    if (failed(name))
      return failure();
    parts.push_back(*name);
  }
  std::string whole = names.fresh("z");
  write(whole + " = " + (op.getInverse() ? "ifft" : "fft") + "[axis = " + std::to_string(op.getAxis()) + "](complex(" + parts[0] + ", " + parts[1] + "))");
  for (auto [result, word] : {std::pair(op.getYre(), "real"), std::pair(op.getYim(), "imag")}) {
    if (result.use_empty())
      continue;
    std::string name = freshFor(result);
    write(name + " = " + word + "(" + whole + ")");
    names.setExactly(result, name);
  }
  return success();
}

/// L, ok = cholesky(A), of operands that have names.
LogicalResult SourceWriter::writeFactorization(Operation *op) {
  std::string word = op->getName().stripDialect().str();
  if (auto solve = dyn_cast<SolveOp>(op)) {
    SmallVector<std::string> slot;
    if (solve.getKind() != MatrixKind::General)
      slot.push_back(stringifyMatrixKind(solve.getKind()).str());
    if (solve.getTransposed())
      slot.push_back("transposed");
    if (!slot.empty())
      word += "[" + llvm::join(slot, ", ") + "]";
  }
  SmallVector<std::string> operands, results;
  for (Value operand : op->getOperands()) {
    FailureOr<std::string> name = nameOf(operand);
    if (failed(name))
      return failure();
    operands.push_back(*name);
  }
  for (Value result : op->getResults())
    results.push_back(arrayType(result).isBool() ? names.fresh("ok") : freshFor(result));
  write(llvm::join(results, ", ") + " = " + word + "(" + llvm::join(operands, ", ") + ")");
  for (auto [result, name] : llvm::zip_equal(op->getResults(), results))
    names.setExactly(result, name);
  return success();
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

LogicalResult SourceWriter::writeOp(Operation &op) {
  if (auto loop = dyn_cast<LoopOp>(op))
    return writeLoop(loop);
  if (auto choice = dyn_cast<IfOp>(op))
    return writeIf(choice);
  if (auto sort = dyn_cast<SortOp>(op))
    return writeSort(sort);
  if (auto scan = dyn_cast<ScanOp>(op))
    return writeScan(scan);
  if (auto fft = dyn_cast<FftOp>(op))
    return writeFft(fft);
  if (auto draw = dyn_cast<DrawOp>(op))
    return writeDraw(draw);
  if (isa<CholeskyOp, EighOp, LogDetOp, QrOp, SolveOp, SvdOp>(op))
    return writeFactorization(&op);
  if (op.getNumResults() != 1 || op.getNumRegions() != 0)
    return op.emitError("G0853: '") << op.getName() << "' cannot be written as source";
  if (auto reshape = dyn_cast<ReshapeOp>(op); reshape && expressions.hasPlace(reshape.getX()) && failed(writePart(reshape.getX())))
    return failure();
  Value value = op.getResult(0);
  std::string inlined;
  if (!isa<ConcatOp, ConstantOp, ScatterAddOp, ScatterOp>(op)) {
    SmallVector<std::string> indices = names.takeIndices(arrayType(value).getRank());
    FailureOr<std::string> text = expressions.write(value, indices, /*isRoot=*/true);
    names.giveBack(indices);
    if (failed(text))
      return failure();
    inlined = *text;
  }
  if (!needsStatement(value, inlined))
    return success();
  std::string name = freshFor(value);
  if (auto concat = dyn_cast<ConcatOp>(op))
    return writeConcat(concat, name);
  return isa<ScatterAddOp, ScatterOp>(op) ? writeScatter(&op, name) : writeStatement(value, name);
}

LogicalResult SourceWriter::writeBlock(Block &block) {
  for (Operation &op : block.without_terminator()) {
    bool isWrittenInPlace = isa<ScatterAddOp, ScatterOp>(op) && isPartOfNext(&op);
    if (!op.use_empty() && !isWrittenInPlace && failed(writeOp(op)))
      return failure();
  }
  return success();
}

} // namespace gradus
