//===- Code.cpp - Builds scalar and vector code ---------------------------------===//

#include "passes/lower/Code.h"

#include "passes/lower/Blocks.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace gradus {

Value CodeBuilder::number(Type like, double value) {
  Type element = getElementTypeOrSelf(like);
  auto attr = cast<TypedAttr>(isa<FloatType>(element) ? Attribute(getFloatAttr(element, value))
                                                      : Attribute(getIntegerAttr(element, static_cast<int64_t>(value))));
  if (auto vector = dyn_cast<VectorType>(like))
    attr = DenseElementsAttr::get(vector, attr);
  return arith::ConstantOp::create(*this, attr);
}

Value CodeBuilder::integer(Type like, int64_t value) {
  TypedAttr attr = getIntegerAttr(getElementTypeOrSelf(like), value);
  if (auto vector = dyn_cast<VectorType>(like))
    attr = DenseElementsAttr::get(vector, Attribute(attr));
  return arith::ConstantOp::create(*this, attr);
}

Value CodeBuilder::splat(Value value) {
  if (isa<VectorType>(value.getType()))
    return value;
  return vector::BroadcastOp::create(*this, VectorType::get({lanes}, value.getType()), value);
}

Value CodeBuilder::laneNumbers() {
  SmallVector<int64_t> numbers = llvm::to_vector(llvm::seq<int64_t>(0, lanes));
  return arith::ConstantOp::create(*this, getI64VectorAttr(numbers));
}

Value CodeBuilder::address(Value base, Type element, Value index) {
  Type type = ptrType();
  if (isa<VectorType>(index.getType()))
    type = VectorType::get({lanes}, type);
  return LLVM::GEPOp::create(*this, type, element, base, ArrayRef<LLVM::GEPArg>{index});
}

Value CodeBuilder::fromMemory(Value value, Type element) {
  if (!element.isInteger(1))
    return value;
  return arith::CmpIOp::create(*this, arith::CmpIPredicate::ne, value, integer(value.getType(), 0));
}

Value CodeBuilder::toMemory(Value value, Type element) {
  if (!element.isInteger(1))
    return value;
  Type byte = getIntegerType(8);
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    byte = VectorType::get(vector.getShape(), byte);
  return arith::ExtUIOp::create(*this, byte, value);
}

Value CodeBuilder::loadElement(Value base, Type element, Value index) {
  if (auto blocks = dyn_cast<BlocksType>(element))
    return loadFromBlock(*this, base, blocks, index);
  Value from = address(base, memType(element), index);
  return fromMemory(LLVM::LoadOp::create(*this, memType(element), from, memBytes(element)), element);
}

Value CodeBuilder::loadVector(Value base, Type element, Value index, Value mask) {
  if (auto blocks = dyn_cast<BlocksType>(element))
    return loadRowFromBlock(*this, loadForm(*this, base, blocks, index), index, mask);
  Value from = address(base, memType(element), index);
  Type type = VectorType::get({lanes}, memType(element));
  Value value;
  if (mask)
    value = LLVM::MaskedLoadOp::create(*this, type, from, mask, number(type, 0), memBytes(element));
  else
    value = LLVM::LoadOp::create(*this, type, from, memBytes(element));
  return fromMemory(value, element);
}

void CodeBuilder::prefetchVector(Value base, Type element, Value index, int64_t distance) {
  constexpr int64_t cacheLine = 64;
  constexpr int secondCache = 2;
  Value from = address(base, memType(element), index);
  for (int64_t offset = 0; offset < lanes * memBytes(element); offset += cacheLine)
    LLVM::Prefetch::create(*this, byteAddress(from, distance + offset), /*rw=*/0, secondCache, /*cache=*/1);
}

Value CodeBuilder::gatherVector(Value base, Type element, Value indices, Value mask, Value first) {
  // The lanes that do not count read the first element, which is there if any other is: for a mask, machines without gathers branch in each lane.
  if (mask)
    indices = select(mask, indices, first ? splat(first) : integer(indices.getType(), 0));
  if (auto blocks = dyn_cast<BlocksType>(element))
    return gatherFromBlocks(*this, base, blocks, indices);
  Value from = address(base, memType(element), indices);
  Type type = VectorType::get({lanes}, memType(element));
  Value all = integer(VectorType::get({lanes}, getI1Type()), 1);
  Value value = LLVM::masked_gather::create(*this, type, from, all, ValueRange{number(type, 0)}, memBytes(element));
  return fromMemory(value, element);
}

void CodeBuilder::storeElement(Value base, Type element, Value index, Value value) {
  LLVM::StoreOp::create(*this, toMemory(value, element), address(base, memType(element), index), memBytes(element));
}

void CodeBuilder::storeVector(Value base, Type element, Value index, Value value, Value mask) {
  Value to = address(base, memType(element), index);
  value = toMemory(splat(value), element);
  if (mask)
    LLVM::MaskedStoreOp::create(*this, value, to, mask, memBytes(element));
  else
    LLVM::StoreOp::create(*this, value, to, memBytes(element));
}

scf::ForOp CodeBuilder::loop(Value low, Value high, int64_t step, ValueRange init,
                      function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  // The loop stands in its function while its body is written: code that belongs before it finds its place.
  auto op = scf::ForOp::create(*this, low, high, i64(step), init);
  OpBuilder::InsertionGuard guard(*this);
  Block *block = op.getBody();
  if (!block->empty())
    block->back().erase();
  setInsertionPointToEnd(block);
  SmallVector<Value> next = body(op.getInductionVar(), op.getRegionIterArgs());
  scf::YieldOp::create(*this, next);
  return op;
}

void CodeBuilder::loop(Value low, Value high, function_ref<void(Value)> body) {
  loop(low, high, 1, {}, [&](Value index, ValueRange) {
    body(index);
    return SmallVector<Value>();
  });
}

void CodeBuilder::ifThen(Value condition, function_ref<void()> then) {
  auto branch = scf::IfOp::create(*this, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(branch.thenBlock());
  then();
}

Value CodeBuilder::choose(Type type, Value condition, function_ref<Value()> then, function_ref<Value()> otherwise) {
  auto branch = scf::IfOp::create(*this, TypeRange(type), condition, /*addThenBlock=*/true, /*addElseBlock=*/true);
  OpBuilder::InsertionGuard guard(*this);
  for (auto [block, emit] : {std::pair(branch.thenBlock(), then), std::pair(branch.elseBlock(), otherwise)}) {
    setInsertionPointToStart(block);
    scf::YieldOp::create(*this, ValueRange(emit()));
  }
  return branch.getResult(0);
}

Value CodeBuilder::stackSlot(Type type, int64_t count) {
  auto func = getInsertionBlock()->getParentOp();
  while (!isa<LLVM::LLVMFuncOp>(func))
    func = func->getParentOp();
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(&cast<LLVM::LLVMFuncOp>(func).getBody().front());
  return LLVM::AllocaOp::create(*this, ptrType(), type, i64(count), 128);
}

static double getIdentity(ReductionKind kind) {
  switch (kind) {
  case ReductionKind::Sum:
  case ReductionKind::Any:
    return 0;
  case ReductionKind::Prod:
  case ReductionKind::All:
    return 1;
  case ReductionKind::Max:
    return -std::numeric_limits<double>::infinity();
  case ReductionKind::Min:
    return std::numeric_limits<double>::infinity();
  }
  llvm_unreachable("all kinds are covered");
}

Value emitIdentity(CodeBuilder &code, ReductionKind kind, Type type) {
  Type element = getElementTypeOrSelf(type);
  if (isa<FloatType>(element))
    return code.number(type, getIdentity(kind));
  unsigned width = element.getIntOrFloatBitWidth();
  if (kind == ReductionKind::Max || kind == ReductionKind::Min) {
    APInt bound = kind == ReductionKind::Max ? APInt::getSignedMinValue(width) : APInt::getSignedMaxValue(width);
    return code.integer(type, bound.getSExtValue());
  }
  return code.integer(type, static_cast<int64_t>(getIdentity(kind)));
}

Value emitCombine(CodeBuilder &code, ReductionKind kind, Value a, Value b) {
  bool isFloat = isa<FloatType>(getElementTypeOrSelf(a.getType()));
  switch (kind) {
  case ReductionKind::Sum:
    return isFloat ? arith::AddFOp::create(code, a, b).getResult() : arith::AddIOp::create(code, a, b).getResult();
  case ReductionKind::Prod:
    return isFloat ? arith::MulFOp::create(code, a, b).getResult() : arith::MulIOp::create(code, a, b).getResult();
  case ReductionKind::Max: // NaN if either is
    return isFloat ? arith::MaximumFOp::create(code, a, b).getResult() : arith::MaxSIOp::create(code, a, b).getResult();
  case ReductionKind::Min:
    return isFloat ? arith::MinimumFOp::create(code, a, b).getResult() : arith::MinSIOp::create(code, a, b).getResult();
  case ReductionKind::Any:
    return arith::OrIOp::create(code, a, b);
  case ReductionKind::All:
    return arith::AndIOp::create(code, a, b);
  }
  llvm_unreachable("all kinds are covered");
}

Value emitCombineLanes(CodeBuilder &code, ReductionKind kind, Value vector) {
  for (int64_t half = lanes / 2; half >= 1; half /= 2) {
    SmallVector<int32_t> low, high;
    for (int64_t i = 0; i < half; ++i) {
      low.push_back(i);
      high.push_back(i + half);
    }
    Value a = LLVM::ShuffleVectorOp::create(code, vector, vector, low);
    Value b = LLVM::ShuffleVectorOp::create(code, vector, vector, high);
    vector = emitCombine(code, kind, a, b);
  }
  return LLVM::ExtractElementOp::create(code, vector, code.i64(0));
}

Value emitCombineRows(CodeBuilder &code, ReductionKind kind, ValueRange vectors) {
  // Halves of two vectors at a time stand in one, until one has all rows; then in each row what is behind the half comes to its front.
  SmallVector<Value> level(vectors);
  int64_t width = lanes;
  auto combine = [&](Value x, Value y, ArrayRef<int32_t> low, ArrayRef<int32_t> high) {
    return emitCombine(code, kind, LLVM::ShuffleVectorOp::create(code, x, y, low), LLVM::ShuffleVectorOp::create(code, x, y, high));
  };
  for (; level.size() > 1; width /= 2) {
    SmallVector<int32_t> low, high;
    for (int64_t first = 0; first < 2 * lanes; first += width)
      for (int64_t i = 0; i < width / 2; ++i) {
        low.push_back(first + i);
        high.push_back(first + i + width / 2);
      }
    SmallVector<Value> next;
    for (size_t i = 0; i < level.size(); i += 2)
      next.push_back(combine(level[i], level[i + 1], low, high));
    level = next;
  }
  Value all = level.front();
  for (int64_t half = width / 2; half >= 1; half /= 2) {
    SmallVector<int32_t> same = llvm::to_vector(llvm::seq<int32_t>(0, lanes)), behind(same);
    for (int64_t i = 0; i < lanes; ++i)
      behind[i] = i % width < half ? i + half : i;
    all = combine(all, all, same, behind);
  }
  SmallVector<int32_t> fronts;
  for (int64_t first = 0; first < lanes; first += width)
    fronts.push_back(first);
  return LLVM::ShuffleVectorOp::create(code, all, all, fronts);
}

Value emitEvery(CodeBuilder &code, Value period, Value now) {
  period = code.max(period, code.integer(period.getType(), 1)); // a period below 1 is one of 1
  Value rest = arith::RemSIOp::create(code, code.sub(now, code.integer(now.getType(), 1)), period);
  return code.compare(arith::CmpIPredicate::eq, rest, code.integer(period.getType(), 0));
}

} // namespace gradus
