//===- Threads.cpp - What one thread of a kernel does ---------------------------------===//
//
// Units are those of the CPU, with the same order of every sum (codegen/README.md): its 16 lanes are 16 threads.
//
//   elementwise    a group has 4,096 elements, 4 neighbours at a time in each thread; results in blocks of codes: Codes.cpp
//   full reduction a group has 16 blocks of 4,096 elements, 16 threads each
//   rows           a group has 16 rows, or one part of each, 16 threads each
//   columns        a thread has a point of the axes that are kept, and a block of 4,096 elements of the others
//   arguments      a thread has a point of the axes that are kept
//
// Barriers stand where all threads of a group come by: those without a block or row go along, over no element.
//
//===----------------------------------------------------------------------===//

#include "passes/fuse/Plan.h"
#include "passes/gpu/Device.h"
#include "passes/lower/Body.h"

using namespace mlir;

namespace gradus {

/// Blocks, or rows, of a group.
static constexpr int64_t teams = groupSize / lanes;

static SmallVector<int64_t> allAxes(const KernelInfo &info) { return llvm::to_vector(llvm::seq<int64_t>(0, info.domain.size())); }

bool ThreadEmitter::takesSteps(const KernelInfo &info) {
  KernelOp kernel = info.kernel;
  return llvm::any_of(kernel.getBody().getOps<DrawOp>(), [](DrawOp draw) { return draw.getDistribution() == DrawKind::Categorical; });
}

Value ThreadEmitter::countGroups(const KernelInfo &info, Evaluator &evaluator) {
  CodeBuilder &code = evaluator.code;
  if (info.isFullReduction())
    return code.ceilDiv(emitCount(info, evaluator), teams);
  if (info.form == KernelForm::Blocks)
    return code.ceilDiv(evaluator.product(info.domain), takesSteps(info) ? groupSize : blockSize);
  Value points = evaluator.product(pick(info.domain, keptAxes(info)));
  SmallVector<Attribute> reduced = pick(info.domain, info.reducedAxes);
  if (info.form == KernelForm::Columns && !hasOneBlock(reduced))
    points = code.mul(points, code.ceilDiv(evaluator.product(reduced), blockSize));
  Value groups = code.ceilDiv(points, info.form == KernelForm::Rows ? teams : groupSize);
  return hasLongRows(info) ? code.mul(groups, countParts(info, evaluator)) : groups;
}

/// The blocks of a part of a row. Short rows together make a block, with a loop over the rows.
static int64_t blocksOfPart(const KernelInfo &info) { return info.isFlat || info.reducedAxes.size() == 1 ? 64 : 4; }

bool ThreadEmitter::hasLongRows(const KernelInfo &info) { return info.form == KernelForm::Rows && !hasOneBlock(pick(info.domain, info.reducedAxes)); }

Value ThreadEmitter::countParts(const KernelInfo &info, Evaluator &evaluator) {
  CodeBuilder &code = evaluator.code;
  Value blocks = BodyEmitter(info, evaluator, {}).makeSpace(info.reducedAxes).blocks;
  return code.max(code.ceilDiv(blocks, blocksOfPart(info)), code.i64(1));
}

void ThreadEmitter::emit() {
  evaluator.isFlat = info.isFlat;
  evaluator.evaluateScalars(info.kernel, [](Value) { return true; });
  evaluator.evaluateDrawKeys(info.kernel);
  if (info.isFullReduction())
    return emitPartials();
  if (encodesAtOnce(info))
    return emitEncoded();
  switch (info.form) {
  case KernelForm::Blocks:
    return emitElements();
  case KernelForm::Rows:
    return emitRows();
  case KernelForm::Columns:
    return emitColumns();
  case KernelForm::Argument:
    return emitArguments();
  }
}

SmallVector<Value> ThreadEmitter::identities() {
  return llvm::map_to_vector(info.reductions, [&](const Reduction &reduction) { return emitIdentity(code, reduction.kind, code.regType(reduction.accumulate)); });
}

/// The stores of some points, and what their values add to the sums, in their order.
SmallVector<Value> ThreadEmitter::emitStep(ArrayRef<Point> points, ValueRange sums) {
  SmallVector<Value> next(sums), values;
  evaluator.startInner(nullptr, {});
  for (const Point &point : points) {
    for (const auto &[index, value] : info.stores)
      values.push_back(evaluator.evaluate(value, point));
    for (auto [index, op] : info.encodes)
      values.push_back(emitCast(code, evaluator.evaluate(op.getX(), point), arrayOf(op.getX()).getElementType(), code.getF32Type()));
    for (auto [reduction, sum] : llvm::zip_equal(info.reductions, next)) {
      Value value = emitCast(code, evaluator.evaluate(reduction.op->getOperand(0), point), reduction.element, reduction.accumulate);
      sum = emitCombine(code, reduction.kind, sum, value);
    }
  }
  // All loads come before the stores: a result may replace an operand.
  size_t at = 0;
  for (const Point &point : points) {
    SmallVector<Value> indices = llvm::map_to_vector(point, [](const Index &index) { return index.scalar; });
    Value position = info.isFlat || values.empty() ? indices.front() : evaluator.linearize(indices, info.domain);
    for (const auto &[index, value] : info.stores)
      code.storeElement(outputs[index], arrayOf(value).getElementType(), position, values[at++]);
    for (auto [number, encode] : llvm::enumerate(info.encodes)) {
      if (firstNumber)
        storeGroup(code, numbers[number], code.sub(position, firstNumber), values[at++]);
      else
        code.storeElement(outputs[encode.first], code.getF32Type(), position, values[at++]);
    }
  }
  evaluator.startInner(nullptr, {});
  return next;
}

/// The elements from `low` on that are this thread's, of a row that ends at `high`.
SmallVector<Value> ThreadEmitter::emitLane(Value low, Value high, ValueRange sums, function_ref<Point(Value)> pointAt) {
  Value lane = code.rem(scope.thread, code.i64(lanes));
  scf::ForOp loop = code.loop(code.add(low, lane), high, lanes, sums, [&](Value number, ValueRange carried) { return emitStep({pointAt(number)}, carried); });
  return llvm::to_vector(ValueRange(loop.getResults()));
}

/// The sums of the 16 threads of a team, in all of them: l meets l + 8, then + 4, + 2, + 1.
SmallVector<Value> ThreadEmitter::combineLanes(ValueRange sums) {
  SmallVector<Value> memory, results;
  for (auto [reduction, sum] : llvm::zip_equal(info.reductions, sums)) {
    memory.push_back(emitGroupMemory(code, code.memType(reduction.accumulate), groupSize));
    storeGroup(code, memory.back(), scope.thread, sum);
  }
  emitBarrier(code);
  Value first = code.sub(scope.thread, code.rem(scope.thread, code.i64(lanes)));
  for (auto [reduction, shared] : llvm::zip_equal(info.reductions, memory)) {
    SmallVector<Value> values;
    for (int64_t lane = 0; lane < lanes; ++lane)
      values.push_back(loadGroup(code, shared, code.add(first, code.i64(lane)), reduction.accumulate));
    for (int64_t half = lanes / 2; half >= 1; half /= 2)
      for (int64_t lane = 0; lane < half; ++lane)
        values[lane] = emitCombine(code, reduction.kind, values[lane], values[lane + half]);
    results.push_back(values.front());
  }
  emitBarrier(code);
  return results;
}

/// A block of a space for this team, over no element where `isThere` is false.
static std::pair<Value, Value> chunkOf(CodeBuilder &code, const Space &space, Value block, Value isThere) {
  Value chunk = space.rowAxes.empty() ? block : code.rem(block, code.max(space.chunks, code.i64(1)));
  Value low = code.mul(chunk, code.i64(blockSize)), high = code.min(code.add(low, code.i64(blockSize)), space.inner);
  return {low, code.select(isThere, high, low)};
}

void ThreadEmitter::emitPartials() {
  Space space = BodyEmitter(info, evaluator, {}).makeSpace(allAxes(info));
  Value team = code.div(scope.thread, code.i64(lanes)), block = code.add(code.mul(scope.group, code.i64(teams)), team);
  Value isThere = code.compare(arith::CmpIPredicate::slt, block, space.blocks);
  auto [low, high] = chunkOf(code, space, block, isThere);
  SmallVector<Value> sums = identities();
  if (space.rowAxes.empty()) {
    sums = emitLane(low, high, sums, [](Value number) -> Point { return {Index::uniform(number)}; });
  } else {
    Value firstRow = code.mul(code.div(block, code.max(space.chunks, code.i64(1))), space.rowsPerBlock);
    Value lastRow = code.min(code.add(firstRow, space.rowsPerBlock), space.rows);
    scf::ForOp rows = code.loop(firstRow, code.select(isThere, lastRow, firstRow), 1, sums, [&, low = low, high = high](Value row, ValueRange carried) {
      SmallVector<Value> outer = evaluator.delinearize(row, pick(info.domain, space.rowAxes));
      return emitLane(low, high, carried, [&](Value number) {
        Point point = llvm::map_to_vector(outer, Index::uniform);
        point.push_back(Index::uniform(number));
        return point;
      });
    });
    sums = llvm::to_vector(ValueRange(rows.getResults()));
  }
  SmallVector<Value> results = combineLanes(sums);
  Value isFirst = code.compare(arith::CmpIPredicate::eq, code.rem(scope.thread, code.i64(lanes)), code.i64(0));
  code.ifThen(arith::AndIOp::create(code, isThere, isFirst), [&] {
    for (auto [reduction, value] : llvm::zip_equal(info.reductions, results))
      code.storeElement(outputs[reduction.result], reduction.accumulate, block, value);
  });
}

void ThreadEmitter::storeResults(ValueRange values, Value position) {
  for (auto [reduction, value] : llvm::zip_equal(info.reductions, values)) {
    Type element = arrayOf(reduction.op->getResult(0)).getElementType();
    code.storeElement(outputs[reduction.result], element, position, emitCast(code, value, reduction.accumulate, element));
  }
}

static void kindsOf(const KernelInfo &info, CodeBuilder &code, SmallVector<ReductionKind> &kinds, SmallVector<Type> &types) {
  for (const Reduction &reduction : info.reductions) {
    kinds.push_back(reduction.kind);
    types.push_back(code.regType(reduction.accumulate));
  }
}

void ThreadEmitter::emitRows() {
  SmallVector<int64_t> kept = keptAxes(info);
  Space space = BodyEmitter(info, evaluator, {}).makeSpace(info.reducedAxes);
  Value points = evaluator.product(pick(info.domain, kept)), team = code.div(scope.thread, code.i64(lanes));
  bool isLong = hasLongRows(info);
  Value blocks = space.blocks, firstBlock = code.i64(0), group = scope.group, part, parts;
  if (isLong) { // all rows of a group have the same part: they meet at the same barriers
    parts = countParts(info, evaluator);
    group = code.div(scope.group, parts), part = code.rem(scope.group, parts);
    firstBlock = code.mul(part, code.i64(blocksOfPart(info)));
    blocks = code.sub(code.min(code.add(firstBlock, code.i64(blocksOfPart(info))), space.blocks), firstBlock);
  }
  Value number = code.add(code.mul(group, code.i64(teams)), team), isThere = code.compare(arith::CmpIPredicate::slt, number, points);
  SmallVector<Value> indices(info.domain.size());
  auto set = [&](ArrayRef<int64_t> axes, Value linear) {
    for (auto [axis, index] : llvm::zip_equal(axes, evaluator.delinearize(linear, pick(info.domain, axes))))
      indices[axis] = index;
  };
  set(kept, code.min(number, code.sub(points, code.i64(1))));
  auto pointAt = [&](Value inner) {
    indices[space.innerAxis] = inner;
    return llvm::map_to_vector(indices, Index::uniform);
  };
  SmallVector<ReductionKind> kinds;
  SmallVector<Type> types;
  kindsOf(info, code, kinds, types);
  SmallVector<Value> results = emitPairwise(code, kinds, types, blocks, [&](Value numberOfBlock) {
    Value block = code.add(firstBlock, numberOfBlock);
    auto [low, high] = chunkOf(code, space, block, isThere);
    SmallVector<Value> sums = identities();
    if (space.rowAxes.empty()) {
      sums = emitLane(low, high, sums, pointAt);
    } else {
      Value firstRow = code.mul(code.div(block, code.max(space.chunks, code.i64(1))), space.rowsPerBlock);
      Value lastRow = code.min(code.add(firstRow, space.rowsPerBlock), space.rows);
      scf::ForOp rows = code.loop(firstRow, lastRow, 1, sums, [&, low = low, high = high](Value row, ValueRange carried) {
        set(space.rowAxes, row);
        return emitLane(low, high, carried, pointAt);
      });
      sums = llvm::to_vector(ValueRange(rows.getResults()));
    }
    return combineLanes(sums);
  });
  Value isFirst = code.compare(arith::CmpIPredicate::eq, code.rem(scope.thread, code.i64(lanes)), code.i64(0));
  code.ifThen(arith::AndIOp::create(code, isThere, isFirst), [&] {
    if (!isLong)
      return storeResults(results, number);
    auto branch = scf::IfOp::create(code, code.compare(arith::CmpIPredicate::eq, parts, code.i64(1)), /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(code);
    code.setInsertionPointToStart(branch.thenBlock());
    storeResults(results, number);
    code.setInsertionPointToStart(branch.elseBlock());
    for (auto [reduction, value] : llvm::zip_equal(info.reductions, results))
      code.storeElement(partials[reduction.result], reduction.accumulate, code.add(code.mul(part, points), number), value);
  });
}

bool hasOneBlock(ArrayRef<Attribute> dims) {
  int64_t count = 1;
  for (Attribute dim : dims) {
    auto size = dyn_cast<IntegerAttr>(dim);
    if (!size || size.getInt() > blockSize)
      return false;
    count *= std::max<int64_t>(size.getInt(), 1);
    if (count > blockSize)
      return false;
  }
  return true;
}

/// The sum of a block at a point of the axes that are kept; neighbouring threads have neighbouring points.
void ThreadEmitter::emitColumns() {
  SmallVector<int64_t> kept = keptAxes(info);
  SmallVector<Attribute> reduced = pick(info.domain, info.reducedAxes);
  bool isWhole = hasOneBlock(reduced);
  Value number = emitThreadNumber(scope), points = evaluator.product(pick(info.domain, kept)), count = evaluator.product(reduced);
  Value units = isWhole ? points : code.mul(points, code.ceilDiv(count, blockSize));
  code.ifThen(code.compare(arith::CmpIPredicate::slt, number, units), [&] {
    SmallVector<Value> indices(info.domain.size());
    auto set = [&](ArrayRef<int64_t> axes, Value linear) {
      for (auto [axis, index] : llvm::zip_equal(axes, evaluator.delinearize(linear, pick(info.domain, axes))))
        indices[axis] = index;
    };
    Value low = code.i64(0), high = count;
    if (!isWhole) {
      low = code.mul(code.div(number, points), code.i64(blockSize));
      high = code.min(code.add(low, code.i64(blockSize)), count);
    }
    set(kept, isWhole ? number : code.rem(number, points));
    scf::ForOp loop = code.loop(low, high, 1, identities(), [&](Value element, ValueRange carried) {
      set(info.reducedAxes, element);
      return emitStep({llvm::map_to_vector(indices, Index::uniform)}, carried);
    });
    if (isWhole)
      return storeResults(loop.getResults(), number);
    for (auto [reduction, value] : llvm::zip_equal(info.reductions, loop.getResults()))
      code.storeElement(outputs[reduction.result], reduction.accumulate, number, value);
  });
}

void ThreadEmitter::emitArguments() {
  Value number = emitThreadNumber(scope), points = evaluator.product(pick(info.domain, keptAxes(info)));
  AxisPart part = partOf(code, scope.pass, stepsOfArguments(info));
  Value isOfAxis = code.compare(arith::CmpIPredicate::slt, part.low, evaluator.sizeOf(info.domain[info.reducedAxes.front()]));
  Value isWanted = arith::AndIOp::create(code, code.compare(arith::CmpIPredicate::slt, number, points), arith::OrIOp::create(code, part.isFirst, isOfAxis));
  code.ifThen(isWanted, [&] { BodyEmitter(info, evaluator, outputs).emitArguments(number, code.add(number, code.i64(1)), &part); });
}

} // namespace gradus
