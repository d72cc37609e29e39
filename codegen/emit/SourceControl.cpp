//===- SourceControl.cpp - Loops, conditions and recurrences as Gradus source ---===//
//
// A loop is a loop. A condition gives next values to what a loop carries, so it stands in a loop of one pass. A recurrence of one
// value is a definition that reads itself; one of several values, as the derivative of a recurrence is, a loop that writes down its values.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/SourceWriter.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace gradus {

//===----------------------------------------------------------------------===//
// What is carried
//===----------------------------------------------------------------------===//

std::string SourceWriter::startOf(ArrayType type) {
  std::string zero = type.isBool() ? "false" : type.isFloat() ? "0.0" : "0";
  if (type.isScalar())
    return zero;
  if (type.isFloat())
    return "zeros(" + ExpressionWriter::writeShape(type.getShape()) + ")";
  SmallVector<std::string> indices = names.takeIndices(type.getRank());
  std::string name = names.fresh("v"), subscript = "[" + llvm::join(indices, ", ") + "]";
  write(name + subscript + " = where(" + frameOf(type.getShape()) + subscript + " == 0, " + zero + ", " + zero + ")");
  names.giveBack(indices);
  return name;
}

FailureOr<std::string> SourceWriter::startOf(Value init) {
  ArrayType type = arrayType(init);
  if (type.isFloat() && !type.isScalar() && names.get(init).empty() && isFill(init, 0.0))
    return startOf(type);
  if (!type.isScalar())
    return nameOf(init);
  FailureOr<std::string> text = expressions.write(init, {});
  if (succeeded(text) && type.isFloat() && llvm::all_of(*text, llvm::isDigit))
    *text += ".0";
  return text;
}

bool SourceWriter::isPartOfNext(Operation *op) {
  auto loop = dyn_cast<LoopOp>(op->getParentOp());
  auto own = dyn_cast<BlockArgument>(op->getOperand(0));
  if (!loop || !own || own.getOwner() != op->getBlock() || own.getArgNumber() == 0 || !op->hasOneUse())
    return false;
  Operation *yield = op->getBlock()->getTerminator();
  return op->getOperand(0) != op->getOperands().back() && yield->getOperand(own.getArgNumber() - 1) == op->getResult(0) && *op->user_begin() == yield;
}

LogicalResult SourceWriter::writeNext(Operation *yield, ArrayRef<std::string> carried, ValueRange own) {
  for (auto [index, value] : llvm::enumerate(yield->getOperands())) {
    if (index < own.size() && value == own[index])
      continue;
    Operation *source = value.getDefiningOp();
    if (isa_and_nonnull<ScatterAddOp, ScatterOp>(source) && isPartOfNext(source)) {
      if (failed(writeUpdates(source, carried[index] + "'")))
        return failure();
      continue;
    }
    SmallVector<std::string> indices;
    if (names.get(value).empty() && source && !isa<ConstantOp>(source))
      indices = names.takeIndices(arrayType(value).getRank());
    expressions.clearRanges();
    FailureOr<std::string> text = arrayType(value).getRank() == static_cast<int64_t>(indices.size()) ? expressions.writeRanged(value, indices) : nameOf(value);
    if (failed(text))
      return failure();
    write(carried[index] + "'" + (indices.empty() ? "" : "[" + llvm::join(indices, ", ") + "]") + " = " + *text);
    names.giveBack(indices);
  }
  return success();
}

/// What `write` adds to the text stands one level deeper, and its frames end there.
LogicalResult SourceWriter::writeInside(llvm::function_ref<LogicalResult()> write) {
  auto known = frames;
  indent += "  ";
  LogicalResult result = write();
  indent.resize(indent.size() - 2);
  frames = std::move(known);
  return result;
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// Whether go on: an expression, or a call of a local function where that needs statements.
FailureOr<std::string> SourceWriter::writeCondition(Block &asked) {
  constexpr size_t mostInlined = 12;
  Value condition = asked.getTerminator()->getOperand(0);
  bool isExpression = asked.getOperations().size() <= mostInlined && llvm::none_of(asked.without_terminator(), [](Operation &op) {
    return op.getNumResults() != 1 || op.getNumRegions() != 0 || isa<ConcatOp, CumulateOp, DrawOp, ReshapeOp, ScatterAddOp, ScatterOp>(op);
  });
  if (isExpression) {
    expressions.clearRanges();
    return expressions.write(condition, {});
  }
  SmallVector<std::string> arguments;
  for (Value own : asked.getArguments())
    if (!own.use_empty())
      arguments.push_back(names.get(own));
  std::string call = names.fresh("goes_on") + "(" + llvm::join(arguments, ", ") + ")";
  write("fn " + call + " {");
  LogicalResult isWritten = writeInside([&]() -> LogicalResult {
    if (failed(writeBlock(asked)))
      return failure();
    FailureOr<std::string> text = expressions.write(condition, {});
    if (succeeded(text))
      write("return " + *text);
    return success(succeeded(text));
  });
  write("}");
  return failed(isWritten) ? FailureOr<std::string>(failure()) : FailureOr<std::string>(call);
}

/// loop k in 0..n with x = x0 while c { .. x' = .. }. Below it, x is the last value.
LogicalResult SourceWriter::writeLoop(LoopOp op) {
  Block &block = op.getBody().front();
  Block *asked = op.getProceed().empty() ? nullptr : &op.getProceed().front();
  if (failed(writeDrawnBefore(op)))
    return failure();
  FailureOr<std::string> count = expressions.write(op.getCount(), {});
  if (failed(count))
    return failure();
  bool isNumbered = !block.getArgument(0).use_empty() || (asked && !asked->getArgument(0).use_empty());
  std::string pass = isNumbered ? names.fresh("pass") : "";
  SmallVector<std::string> carried, starts;
  for (auto [init, result] : llvm::zip_equal(op.getInit(), op.getResults())) {
    FailureOr<std::string> start = startOf(init);
    if (failed(start))
      return failure();
    carried.push_back(freshFor(result));
    starts.push_back(carried.back() + " = " + *start);
  }
  auto enter = [&](Block &region) {
    names.setExactly(region.getArgument(0), pass);
    for (auto [own, name] : llvm::zip_equal(region.getArguments().drop_front(), carried))
      names.setExactly(own, name);
  };
  std::string head = "loop " + (isNumbered ? pass + " in 0.." : std::string()) + *count + (starts.empty() ? "" : " with ") + llvm::join(starts, ", ");
  if (asked) {
    enter(*asked);
    FailureOr<std::string> condition = writeCondition(*asked);
    if (failed(condition))
      return failure();
    head += " while " + *condition;
  }
  enter(block);
  write(head + " {");
  passes.push_back(block.getArgument(0));
  LogicalResult isWritten = writeInside([&]() -> LogicalResult {
    return failed(writeBlock(block)) ? failure() : writeNext(block.getTerminator(), carried, block.getArguments().drop_front());
  });
  passes.pop_back();
  write("}");
  for (auto [result, name] : llvm::zip_equal(op.getResults(), carried))
    names.setExactly(result, name);
  return isWritten;
}

//===----------------------------------------------------------------------===//
// Conditions
//===----------------------------------------------------------------------===//

/// loop 1 with y = 0.0 { when c { y' = a } else { y' = b } }
LogicalResult SourceWriter::writeIf(IfOp op) {
  if (failed(writeDrawnBefore(op)))
    return failure();
  FailureOr<std::string> condition = expressions.write(op.getCondition(), {});
  if (failed(condition))
    return failure();
  SmallVector<std::string> carried, starts;
  for (Value result : op.getResults()) {
    std::string start = startOf(arrayType(result));
    carried.push_back(freshFor(result));
    starts.push_back(carried.back() + " = " + start);
  }
  auto writeBranch = [&](Region &branch, const std::string &head) -> LogicalResult {
    write(head + " {");
    Block &block = branch.front();
    LogicalResult isWritten = writeInside([&] { return failed(writeBlock(block)) ? failure() : writeNext(block.getTerminator(), carried, {}); });
    write("}");
    return isWritten;
  };
  write("loop 1 with " + llvm::join(starts, ", ") + " {");
  ++numAdded;
  LogicalResult isWritten = writeInside([&] {
    return failed(writeBranch(op.getThen(), "when " + *condition)) ? failure() : writeBranch(op.getOtherwise(), "else");
  });
  --numAdded;
  write("}");
  for (auto [result, name] : llvm::zip_equal(op.getResults(), carried))
    names.setExactly(result, name);
  return isWritten;
}

//===----------------------------------------------------------------------===//
// Recurrences
//===----------------------------------------------------------------------===//

/// One value, element by element, and a boundary that can be said.
static bool isDefinition(ScanOp op) {
  Attribute size = arrayType(op.getYs().front()).getShape().front();
  return op.getInit().size() == 1 && !(op.getReverse() && isFormula(size)) && llvm::all_of(op.getBody().front().without_terminator(), [](Operation &inner) {
           return inner.hasTrait<Pointwise>() || isa<BroadcastOp, ConstantOp, IntPowOp>(inner);
         });
}

/// v[k, i] = .. v[k - 1, i] .., v[-1, i] = init[i]. False, with nothing written, where that would be too long.
FailureOr<bool> SourceWriter::writeRecurrence(ScanOp op) {
  constexpr size_t longest = 400;
  auto type = cast<ArrayType>(op->getResultTypes().front());
  Attribute size = type.getShape().front();
  std::string name = freshFor(op.getYs().front());
  SmallVector<std::string> indices = names.takeIndices(type.getRank());
  ArrayRef<std::string> rest = ArrayRef(indices).drop_front();
  Block &block = op.getBody().front();
  expressions.clearRanges();
  if (!block.getArgument(0).use_empty())
    names.setExactly(block.getArgument(0), indices[0]);
  for (auto [argument, x] : llvm::zip(block.getArguments().drop_front(), op.getXs())) {
    names.setExactly(argument, names.get(x));
    expressions.setPlace(argument, indices[0]);
  }
  names.setExactly(block.getArguments().back(), name);
  expressions.setPlace(block.getArguments().back(), indices[0] + (op.getReverse() ? " + 1" : " - 1"));
  FailureOr<std::string> text = expressions.write(block.getTerminator()->getOperand(0), rest), init = expressions.write(op.getInit().front(), rest);
  if (failed(text) || failed(init))
    return failure();
  names.giveBack(indices);
  if (text->size() > longest)
    return false;
  std::string edge = op.getReverse() ? ExpressionWriter::writeShape(size) : "-1";
  SmallVector<std::string> beyond{edge};
  llvm::append_range(beyond, rest);
  write(name + "[" + llvm::join(indices, ", ") + "] = " + *text + ", " + name + "[" + llvm::join(beyond, ", ") + "] = " + *init);
  names.setExactly(op.getYs().front(), name);
  return true;
}

/// loop k in 0..n with a = init, v = zeros(n) { v'[k] = .. a ..; a' = .. }; backwards, k = n - 1 - pass.
LogicalResult SourceWriter::writeScanAsLoop(ScanOp op) {
  if (failed(writeDrawnBefore(op)))
    return failure();
  Block &block = op.getBody().front();
  Operation *yield = block.getTerminator();
  std::string size = ExpressionWriter::writeSize(arrayType(op.getYs().front()).getShape().front());
  std::string pass = names.fresh("pass"), place = op.getReverse() ? names.fresh("place") : pass;
  ValueRange steps = block.getArguments().take_back(op.getInit().size());
  SmallVector<std::string> carried, written, starts;
  for (auto [init, y, step] : llvm::zip_equal(op.getInit(), op.getYs(), steps)) {
    carried.emplace_back();
    if (!step.use_empty()) {
      FailureOr<std::string> start = startOf(init);
      if (failed(start))
        return failure();
      carried.back() = names.fresh(arrayType(init).isScalar() ? "s" : "v");
      starts.push_back(carried.back() + " = " + *start);
    }
    std::string start = startOf(arrayType(y));
    written.push_back(freshFor(y));
    starts.push_back(written.back() + " = " + start);
  }
  names.setExactly(block.getArgument(0), place);
  for (auto [own, x] : llvm::zip(block.getArguments().drop_front(), op.getXs())) {
    names.setExactly(own, names.get(x));
    expressions.setPlace(own, place);
  }
  for (auto [own, name] : llvm::zip_equal(steps, carried)) {
    names.setExactly(own, name);
    expressions.clearPlace(own); // of an attempt at a definition
  }
  write("loop " + pass + " in 0.." + size + " with " + llvm::join(starts, ", ") + " {");
  ++numAdded;
  LogicalResult isWritten = writeInside([&]() -> LogicalResult {
    if (op.getReverse())
      write(place + " = " + size + " - 1 - " + pass);
    if (failed(writeBlock(block)))
      return failure();
    for (auto [value, next, history] : llvm::zip_equal(yield->getOperands(), carried, written)) {
      FailureOr<std::string> name = arrayType(value).isScalar() ? expressions.write(value, {}) : nameOf(value);
      if (failed(name))
        return failure();
      SmallVector<std::string> indices = names.takeIndices(arrayType(value).getRank());
      std::string subscript = llvm::join(indices, ", ");
      write(history + "'[" + place + (indices.empty() ? "" : ", ") + subscript + "] = " + *name + (indices.empty() ? "" : "[" + subscript + "]"));
      names.giveBack(indices);
      if (!next.empty())
        write(next + "' = " + *name);
    }
    return success();
  });
  --numAdded;
  write("}");
  for (auto [y, name] : llvm::zip_equal(op.getYs(), written))
    names.setExactly(y, name);
  return isWritten;
}

LogicalResult SourceWriter::writeScan(ScanOp op) {
  for (Value x : op.getXs())
    if (failed(nameOf(x)))
      return failure();
  if (isDefinition(op)) {
    FailureOr<bool> isWritten = writeRecurrence(op);
    if (failed(isWritten) || *isWritten)
      return success(succeeded(isWritten));
  }
  return writeScanAsLoop(op);
}

} // namespace gradus
