//===- Elements.cpp - Threads that store elements -------------------------------------===//
//
// A thread takes 4 neighbours at a time: where all arrays are met point by point and lie at multiples of 16 bytes, their elements are loaded and stored
// together. Else, and at the end of an array, one element follows another.
//
//===----------------------------------------------------------------------===//

#include "passes/fuse/Cost.h"
#include "passes/gpu/Device.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace gradus {

/// Neighbours that a thread takes at a time, and the most bytes of one access.
static constexpr int64_t neighbours = 4, accessBytes = 16;
/// Operations of which there may be four copies.
static constexpr int64_t mostCopied = 400;

/// How many elements go into one access; 0 for what is not loaded so.
static int64_t widthOf(CodeBuilder &code, Type element) {
  if (isa<BlocksType>(element) || element.isInteger(1))
    return 0;
  return std::min(neighbours, accessBytes / code.memBytes(element));
}

/// The arrays of a flat kernel that are read point by point.
static SmallVector<BlockArgument> findRead(const KernelInfo &info) {
  KernelOp kernel = info.kernel;
  SmallVector<BlockArgument> read;
  for (BlockArgument argument : kernel.getBody().getArguments())
    if (!argument.use_empty() && arrayOf(argument).getShape() == ArrayRef(info.domain))
      read.push_back(argument);
  return read;
}

bool ThreadEmitter::canJoin() {
  KernelOp kernel = info.kernel;
  int64_t weight = 0;
  for (Operation &op : kernel.getBody().front())
    weight += getFlopWeight(&op);
  return info.isFlat && info.encodes.empty() && weight * neighbours <= mostCopied;
}

/// Whether every access of neighbours lies as the device wants it.
Value ThreadEmitter::emitIsAligned() {
  Value low = code.i64(0);
  auto add = [&](Value base, Type element) {
    if (int64_t width = widthOf(code, element)) {
      Value address = LLVM::PtrToIntOp::create(code, code.getI64Type(), base);
      low = arith::OrIOp::create(code, low, arith::AndIOp::create(code, address, code.i64(width * code.memBytes(element) - 1)));
    }
  };
  for (BlockArgument argument : findRead(info))
    add(evaluator.baseOf(argument), arrayOf(argument).getElementType());
  for (const auto &[index, value] : info.stores)
    add(outputs[index], arrayOf(value).getElementType());
  return code.compare(arith::CmpIPredicate::eq, low, code.i64(0));
}

/// The elements [begin, begin + 4).
void ThreadEmitter::emitNeighbours(Value begin) {
  SmallVector<Value> numbers;
  for (int64_t k = 0; k < neighbours; ++k)
    numbers.push_back(code.add(begin, code.i64(k)));
  evaluator.startInner(nullptr, {});
  for (BlockArgument argument : findRead(info)) {
    Type element = arrayOf(argument).getElementType();
    int64_t width = widthOf(code, element), bytes = code.memBytes(element);
    for (int64_t first = 0; width && first < neighbours; first += width) {
      Value from = code.address(evaluator.baseOf(argument), code.memType(element), numbers[first]);
      Value together = LLVM::LoadOp::create(code, VectorType::get({width}, code.memType(element)), from, width * bytes);
      for (int64_t k = 0; k < width; ++k)
        evaluator.remember(argument, {Index::uniform(numbers[first + k])}, vector::ExtractOp::create(code, together, k));
    }
  }
  SmallVector<SmallVector<Value>> values;
  for (const auto &[index, value] : info.stores) {
    values.emplace_back();
    for (Value number : numbers)
      values.back().push_back(evaluator.evaluate(value, {Index::uniform(number)}));
  }
  // All loads come before the stores: a result may replace an operand.
  for (auto [store, own] : llvm::zip_equal(info.stores, values)) {
    Type element = arrayOf(store.second).getElementType();
    int64_t width = widthOf(code, element), bytes = code.memBytes(element);
    for (int64_t first = 0; first < neighbours; first += std::max<int64_t>(width, 1)) {
      if (!width) {
        code.storeElement(outputs[store.first], element, numbers[first], own[first]);
        continue;
      }
      Value together = vector::FromElementsOp::create(code, VectorType::get({width}, code.memType(element)), ValueRange(own).slice(first, width));
      LLVM::StoreOp::create(code, together, code.address(outputs[store.first], code.memType(element), numbers[first]), width * bytes);
    }
  }
  evaluator.startInner(nullptr, {});
}

/// A thread for each element: where an element takes a loop of its own, 16 of them might take too many steps.
void ThreadEmitter::emitSingleElements() {
  forThread(scope, evaluator.product(info.domain), [&](Value number) {
    Point point = info.isFlat ? Point{Index::uniform(number)} : Point(llvm::map_to_vector(evaluator.delinearize(number, info.domain), Index::uniform));
    emitStep({point}, {});
  });
}

void ThreadEmitter::emitElements() {
  if (takesSteps(info))
    return emitSingleElements();
  Value count = evaluator.product(info.domain), low = code.mul(scope.group, code.i64(blockSize)), high = code.min(code.add(low, code.i64(blockSize)), count);
  auto pointAt = [&](Value number) -> Point {
    if (info.isFlat)
      return {Index::uniform(number)};
    return llvm::map_to_vector(evaluator.delinearize(number, info.domain), Index::uniform);
  };
  bool joins = canJoin();
  Value isAligned = joins ? emitIsAligned() : Value();
  Value first = code.add(low, code.mul(scope.thread, code.i64(neighbours)));
  code.loop(first, high, groupSize * neighbours, {}, [&](Value begin, ValueRange) {
    Value end = code.add(begin, code.i64(neighbours));
    auto oneByOne = [&] { code.loop(begin, code.min(end, high), [&](Value number) { emitStep({pointAt(number)}, {}); }); };
    if (!joins) {
      oneByOne();
      return SmallVector<Value>();
    }
    Value isWhole = arith::AndIOp::create(code, isAligned, code.compare(arith::CmpIPredicate::sle, end, high));
    auto branch = scf::IfOp::create(code, isWhole, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(code);
    code.setInsertionPointToStart(branch.thenBlock());
    emitNeighbours(begin);
    code.setInsertionPointToStart(branch.elseBlock());
    oneByOne();
    return SmallVector<Value>();
  });
}

} // namespace gradus
