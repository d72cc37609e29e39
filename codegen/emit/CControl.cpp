//===- CControl.cpp - Loops, conditions and recurrences as C ---------------------===//

#include "codegen/emit/CWriter.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace gradus {

/// A scatter to what a loop carries that nothing else reads: it writes to the array itself.
bool CWriter::isWrittenInPlace(Operation *op) {
  auto own = isa<ScatterAddOp, ScatterOp>(op) ? dyn_cast<BlockArgument>(op->getOperand(0)) : BlockArgument();
  auto loop = dyn_cast<LoopOp>(op->getParentOp());
  if (!loop || !own || own.getOwner() != op->getBlock() || own.getArgNumber() == 0 || !own.hasOneUse() || !op->hasOneUse())
    return false;
  if (!loop.getProceed().empty() && !loop.getProceed().front().getArgument(own.getArgNumber()).use_empty())
    return false;
  Operation *yield = op->getBlock()->getTerminator();
  return *op->user_begin() == yield && yield->getOperand(own.getArgNumber() - 1) == op->getResult(0);
}

/// A variable or an array that holds `init`.
FailureOr<std::string> CWriter::hold(Value held, Value init) {
  std::string name = place(held);
  if (!arrayType(init).isScalar())
    return failed(assign(name, init)) ? FailureOr<std::string>(failure()) : FailureOr<std::string>(name);
  Result text = element(init, {});
  if (failed(text))
    return failure();
  write(typeOf(arrayType(init)).str() + " " + name + " = " + text->text + ";");
  return name;
}

void CWriter::copy(const std::string &from, const std::string &to, ArrayType type) {
  SmallVector<std::string> indices = names.takeIndices(type.getRank());
  openLoops(indices, type.getShape());
  write(at(to, indices, type.getShape()) + " = " + at(from, indices, type.getShape()) + ";");
  closeLoops(indices.size());
  names.giveBack(indices);
}

LogicalResult CWriter::writeLoop(LoopOp op) {
  Block &block = op.getBody().front();
  Operation *yield = block.getTerminator();
  SmallVector<std::string> carried;
  for (auto [init, result] : llvm::zip_equal(op.getInit(), op.getResults())) {
    FailureOr<std::string> name = hold(result, init);
    if (failed(name))
      return failure();
    carried.push_back(*name);
  }
  Result count = element(op.getCount(), {});
  if (failed(count))
    return failure();
  std::string pass = names.fresh("pass");
  open("for (int64_t " + pass + " = 0; " + pass + " < " + wrap(*count, BindSum) + "; ++" + pass + ")");
  auto enter = [&](Block &region) {
    names.setExactly(region.getArgument(0), pass);
    for (auto [own, name] : llvm::zip_equal(region.getArguments().drop_front(), carried))
      names.setExactly(own, name);
  };
  if (!op.getProceed().empty()) {
    Block &asked = op.getProceed().front();
    enter(asked);
    Result condition = failed(writeBlock(asked)) ? Result(failure()) : element(asked.getTerminator()->getOperand(0), {});
    if (failed(condition))
      return failure();
    write("if (!" + wrap(*condition, BindUnary) + ")");
    write("  break;");
  }
  enter(block);
  if (failed(writeBlock(block)))
    return failure();
  SmallVector<std::pair<unsigned, std::string>> next;
  for (auto [index, value] : llvm::enumerate(yield->getOperands())) {
    if (value == block.getArgument(index + 1))
      continue;
    Operation *source = value.getDefiningOp();
    if (source && isWrittenInPlace(source)) {
      if (failed(writeScatter(source, carried[index])))
        return failure();
      continue;
    }
    ArrayType type = arrayType(value);
    bool isStored = source && !names.get(value).empty(); // not what another value of the loop is
    std::string name = isStored ? names.get(value) : type.isScalar() ? names.fresh("next") : scratch(type, "next");
    if (!isStored && type.isScalar()) {
      Result text = element(value, {});
      if (failed(text))
        return failure();
      write("const " + typeOf(type).str() + " " + name + " = " + text->text + ";");
    } else if (!isStored && failed(assign(name, value))) {
      return failure();
    }
    next.push_back({static_cast<unsigned>(index), name});
  }
  for (auto &[index, name] : next)
    copy(name, carried[index], arrayType(op.getResult(index)));
  close();
  for (auto [result, name] : llvm::zip_equal(op.getResults(), carried))
    names.setExactly(result, name);
  return success();
}

LogicalResult CWriter::writeIf(IfOp op) {
  SmallVector<std::string> targets;
  for (Value result : op.getResults()) {
    targets.push_back(place(result));
    if (arrayType(result).isScalar())
      write(typeOf(arrayType(result)).str() + " " + targets.back() + ";");
  }
  Result condition = element(op.getCondition(), {});
  if (failed(condition))
    return failure();
  auto writeBranch = [&](Block &block) -> LogicalResult {
    if (failed(writeBlock(block)))
      return failure();
    for (auto [value, target] : llvm::zip_equal(block.getTerminator()->getOperands(), targets))
      if (failed(assign(target, value)))
        return failure();
    return success();
  };
  open("if (" + condition->text + ")");
  LogicalResult isWritten = writeBranch(op.getThen().front());
  close("} else {");
  indent += "  ";
  if (failed(isWritten) || failed(writeBranch(op.getOtherwise().front())))
    return failure();
  close();
  for (auto [result, name] : llvm::zip_equal(op.getResults(), targets))
    names.setExactly(result, name);
  return success();
}

LogicalResult CWriter::writeScan(ScanOp op) {
  Block &block = op.getBody().front();
  for (auto [own, x] : llvm::zip(block.getArguments().drop_front(), op.getXs())) {
    FailureOr<std::string> name = nameOf(x);
    if (failed(name))
      return failure();
    names.setExactly(own, *name);
  }
  ValueRange steps = block.getArguments().take_back(op.getInit().size());
  SmallVector<std::string> written;
  for (auto [step, init, y] : llvm::zip_equal(steps, op.getInit(), op.getYs())) {
    FailureOr<std::string> name = step.use_empty() ? FailureOr<std::string>(std::string()) : hold(step, init);
    if (failed(name))
      return failure();
    names.setExactly(step, *name);
    written.push_back(place(y));
  }
  std::string size = sizeOf(arrayType(op.getYs().front()).getShape().front()), index = names.takeIndices(1).front();
  open("for (int64_t " + index + (op.getReverse() ? " = " + size + " - 1; " + index + " >= 0; --" : " = 0; " + index + " < " + size + "; ++") + index + ")");
  names.setExactly(block.getArgument(0), index);
  for (Value own : block.getArguments().drop_front().drop_back(op.getInit().size()))
    leading[own] = index;
  if (failed(writeBlock(block)))
    return failure();
  auto row = [&](const std::string &name, Value y, ArrayRef<std::string> indices) {
    SmallVector<std::string> all{index};
    llvm::append_range(all, indices);
    return at(name, all, arrayType(y).getShape());
  };
  for (auto [value, y, target] : llvm::zip_equal(block.getTerminator()->getOperands(), op.getYs(), written)) {
    ArrayRef<Attribute> shape = arrayType(value).getShape();
    SmallVector<std::string> indices = names.takeIndices(shape.size());
    openLoops(indices, shape);
    Result text = element(value, indices);
    if (failed(text))
      return failure();
    write(row(target, y, indices) + " = " + text->text + ";");
    closeLoops(shape.size());
    names.giveBack(indices);
  }
  for (auto [step, y, target] : llvm::zip_equal(steps, op.getYs(), written)) {
    if (step.use_empty())
      continue;
    ArrayRef<Attribute> shape = arrayType(step).getShape();
    SmallVector<std::string> indices = names.takeIndices(shape.size());
    openLoops(indices, shape);
    write(at(names.get(step), indices, shape) + " = " + row(target, y, indices) + ";");
    closeLoops(shape.size());
    names.giveBack(indices);
  }
  close();
  names.giveBack(index);
  for (auto [y, name] : llvm::zip_equal(op.getYs(), written))
    names.setExactly(y, name);
  return success();
}

} // namespace gradus
