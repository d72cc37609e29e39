//===- Evaluate.cpp - The value of an expression at a point of a kernel ---------===//

#include "passes/lower/Evaluate.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace gradus {

bool Index::operator<(const Index &other) const {
  auto key = [](const Index &i) {
    return std::tuple(i.scalar.getAsOpaquePointer(), i.isLane, i.vector.getAsOpaquePointer());
  };
  return key(*this) < key(other);
}

static bool isOne(Attribute dim) {
  auto size = dyn_cast<IntegerAttr>(dim);
  return size && size.getInt() == 1;
}

Evaluator::Evaluator(CodeBuilder &code, const Buffers &buffers) : code(code), buffers(buffers) { zero = code.i64(0); }

void Evaluator::startInner(Operation *loop, Value newMask) {
  inner = loop;
  mask = newMask;
  pointMemo.clear();
}

void Evaluator::endRow() {
  inner = nullptr;
  mask = {};
  pointMemo.clear();
  rowMemo.clear();
  forms.clear();
}

bool Evaluator::isKnown(Value value) const {
  if (buffers.scalars.contains(value) || buffers.arrays.contains(value))
    return true;
  Operation *op = value.getDefiningOp();
  return op && llvm::all_of(op->getOperands(), [&](Value operand) { return isKnown(operand); });
}

void Evaluator::evaluateScalars(KernelOp kernel, function_ref<bool(Value)> isSafe) {
  for (Operation &op : kernel.getBody().front())
    if (op.getNumResults() == 1 && arrayOf(op.getResult(0)).isScalar() && !isa<ReduceOp, ArgReduceOp, ContractOp>(op) &&
        isKnown(op.getResult(0)) && isSafe(op.getResult(0)))
      evaluateScalar(op.getResult(0));
}

Value Evaluator::sizeOf(Attribute dim) {
  if (auto size = dyn_cast<IntegerAttr>(dim))
    return code.i64(size.getInt());
  return buffers.symbols.lookup(dim);
}

Value Evaluator::product(ArrayRef<Attribute> dims) {
  Value result = code.i64(1);
  for (Attribute dim : dims)
    result = code.mul(result, sizeOf(dim));
  return result;
}

SmallVector<Value> Evaluator::delinearize(Value linear, ArrayRef<Attribute> dims) {
  SmallVector<Value> indices(dims.size());
  for (size_t axis = dims.size(); axis-- > 0;) {
    if (axis == 0) {
      indices[axis] = linear;
    } else {
      Value size = sizeOf(dims[axis]);
      if (isa<VectorType>(linear.getType()))
        size = code.splat(size);
      indices[axis] = code.rem(linear, size);
      linear = code.div(linear, size);
    }
  }
  return indices;
}

Value Evaluator::linearize(ArrayRef<Value> indices, ArrayRef<Attribute> dims) {
  Value linear = code.i64(0);
  for (auto [index, dim] : llvm::zip_equal(indices, dims))
    linear = code.add(code.mul(linear, sizeOf(dim)), index);
  return linear;
}

Value Evaluator::lanesOf(const Index &index) {
  if (index.vector)
    return index.vector;
  Value base = code.splat(index.scalar);
  return index.isLane ? code.add(base, code.laneNumbers()) : base;
}

Value Evaluator::evaluateScalar(Value value) {
  if (Value known = buffers.scalars.lookup(value))
    return known;
  if (Value known = scalarMemo.lookup(value))
    return known;
  Operation *op = value.getDefiningOp();
  Value result;
  if (auto constant = dyn_cast<ConstantOp>(op)) {
    result = emitConstant(constant, {});
  } else if (auto dim = dyn_cast<DimOp>(op)) {
    result = sizeOf(dim.getSymbolAttr());
  } else if (isa<BroadcastOp, ReshapeOp, TransposeOp>(op) && arrayOf(op->getOperand(0)).isScalar()) {
    result = evaluateScalar(op->getOperand(0));
  } else if (op->hasTrait<Pointwise>() || isa<IntPowOp>(op)) {
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(evaluateScalar(operand));
    result = emitPointwise(code, op, operands);
  } else if (isa<ContractOp, ReduceOp>(op) && llvm::all_of(op->getOperandTypes(), [](Type type) { return cast<ArrayType>(type).isScalar(); })) {
    // Over no axis: a product of two numbers, or the number itself.
    result = evaluateScalar(op->getOperand(0));
    if (isa<ContractOp>(op))
      result = arith::MulFOp::create(code, result, evaluateScalar(op->getOperand(1)));
    result = emitCast(code, result, arrayOf(op->getOperand(0)).getElementType(), arrayOf(value).getElementType());
  } else {
    result = emit(value, {}); // a gather or reshape of rank 0 reads an array
  }
  return scalarMemo[value] = result;
}

Value Evaluator::evaluate(Value value, ArrayRef<Index> point) {
  bool isUniform = isAllUniform(point);
  Key key(value.getAsOpaquePointer(), Point(point));
  if (arrayOf(value).isScalar())
    return evaluateScalar(value);
  if (isUniform) {
    // What does not depend on the lane is computed once, before the loop over vectors.
    std::map<Key, Value> &memo = inner ? rowMemo : pointMemo;
    auto known = memo.find(key);
    if (known != memo.end())
      return known->second;
    OpBuilder::InsertionGuard guard(code);
    if (inner)
      code.setInsertionPoint(inner);
    return memo[key] = emit(value, point);
  }
  auto known = pointMemo.find(key);
  if (known != pointMemo.end())
    return known->second;
  Value result = code.splat(emit(value, point));
  pointMemo[key] = result;
  return result;
}

Value Evaluator::emit(Value value, ArrayRef<Index> point) {
  if (Value base = buffers.arrays.lookup(value))
    return load(base, arrayOf(value), point);
  Operation *op = value.getDefiningOp();
  if (auto constant = dyn_cast<ConstantOp>(op))
    return emitConstant(constant, point);
  if (auto broadcast = dyn_cast<BroadcastOp>(op))
    return evaluate(broadcast.getX(), mapBroadcast(broadcast, point));
  if (auto reshape = dyn_cast<ReshapeOp>(op))
    return evaluate(reshape.getX(), mapReshape(reshape, point));
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    Point mapped(point.size());
    for (auto [axis, from] : llvm::enumerate(transpose.getPermutation()))
      mapped[from] = point[axis];
    return evaluate(transpose.getX(), mapped);
  }
  if (auto gather = dyn_cast<GatherOp>(op))
    return emitGather(gather, point);
  if (auto concat = dyn_cast<ConcatOp>(op))
    return emitConcat(concat, point);
  if (auto draw = dyn_cast<DrawOp>(op))
    return emitDraw(draw, point);
  if (auto iota = dyn_cast<IotaOp>(op)) {
    const Index &index = point[isFlat ? 0 : iota.getAxis()];
    Value number = index.isUniform() ? index.scalar : lanesOf(index);
    return emitCast(code, number, code.getI64Type(), iota.getType().getElementType());
  }
  if (auto compare = dyn_cast<CompareOp>(op))
    if (Value known = emitOneHot(compare, point))
      return known;
  SmallVector<Value> operands;
  bool isUniform = isAllUniform(point);
  for (auto [number, operand] : llvm::enumerate(op->getOperands())) {
    bool isExponent = isa<IntPowOp>(op) && number == 1;
    Value known = isExponent ? evaluate(operand, {}) : evaluate(operand, point);
    operands.push_back(isUniform || isExponent ? known : code.splat(known));
  }
  return emitPointwise(code, op, operands);
}

Point Evaluator::mapBroadcast(BroadcastOp op, ArrayRef<Index> point) const {
  Point mapped;
  ArrayRef<Attribute> from = op.getX().getType().getShape(), to = op.getY().getType().getShape();
  for (auto [axis, target] : llvm::enumerate(op.getAxes()))
    mapped.push_back(from[axis] != to[target] && isOne(from[axis]) ? Index::uniform(zero) : point[target]);
  return mapped;
}

/// Axes of size 1 come and go without arithmetic; else the element's number decides.
Point Evaluator::mapReshape(ReshapeOp op, ArrayRef<Index> point) {
  ArrayRef<Attribute> from = op.getX().getType().getShape(), to = op.getY().getType().getShape();
  if (from.empty())
    return {};
  SmallVector<Attribute> longFrom, longTo;
  llvm::copy_if(from, std::back_inserter(longFrom), [](Attribute dim) { return !isOne(dim); });
  llvm::copy_if(to, std::back_inserter(longTo), [](Attribute dim) { return !isOne(dim); });
  Point mapped;
  if (longFrom == longTo) {
    size_t next = 0;
    for (Attribute dim : from) {
      if (isOne(dim)) {
        mapped.push_back(Index::uniform(zero));
        continue;
      }
      while (isOne(to[next]))
        ++next;
      mapped.push_back(point[next++]);
    }
    return mapped;
  }
  bool isUniform = isAllUniform(point);
  SmallVector<Value> indices;
  for (const Index &index : point)
    indices.push_back(isUniform ? index.scalar : lanesOf(index));
  // The first size does not matter: it may be a symbol that no argument has, as the elements of a computed matrix.
  Value linear = indices.empty() ? zero : indices.front();
  for (auto [index, dim] : llvm::drop_begin(llvm::zip_equal(indices, to), indices.empty() ? 0 : 1)) {
    Value size = isUniform ? sizeOf(dim) : code.splat(sizeOf(dim));
    linear = code.add(code.mul(linear, size), index);
  }
  for (Value index : delinearize(linear, from))
    mapped.push_back(isUniform ? Index::uniform(index) : Index::lanewise(index));
  return mapped;
}

/// As many bytes of zeros as one vector has.
Value Evaluator::nothing() {
  if (somewhere)
    return somewhere;
  auto module = code.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  constexpr StringLiteral name = "gradus_nothing";
  if (!module.lookupSymbol(name)) {
    OpBuilder::InsertionGuard guard(code);
    code.setInsertionPointToStart(module.getBody());
    constexpr int64_t bytes = lanes * 8;
    auto zeros = DenseElementsAttr::get(RankedTensorType::get({bytes}, code.getI8Type()), code.getI8IntegerAttr(0));
    LLVM::GlobalOp::create(code, LLVM::LLVMArrayType::get(code.getI8Type(), bytes), /*isConstant=*/true, LLVM::Linkage::Internal, name, zeros,
                           /*alignment=*/64);
  }
  return LLVM::AddressOfOp::create(code, code.ptrType(), name);
}

/// Row-major: the stride of an axis is the product of the sizes after it.
Value Evaluator::load(Value base, ArrayType type, ArrayRef<Index> point) {
  Type element = type.getElementType();
  if (auto known = windows.find(base); known != windows.end()) {
    const auto &[row, column, pitch] = known->second;
    Value first = code.add(code.mul(code.sub(point[0].scalar, row), code.i64(pitch)), code.sub(point[1].scalar, column));
    return code.loadVector(base, element, first, mask);
  }
  Value uniform = zero, scattered, stride = code.i64(1);
  bool isInRow = false;
  ArrayRef<Attribute> shape = type.getShape();
  size_t rank = isFlat ? point.size() : shape.size();
  for (size_t axis = rank; axis-- > 0;) {
    const Index &index = point[axis];
    bool isUnit = axis + 1 == rank;
    if (index.scalar)
      uniform = code.add(uniform, code.mul(index.scalar, stride));
    if (index.isLane && isUnit) {
      isInRow = true;
    } else if (!index.isUniform()) {
      Value number = index.isLane ? code.laneNumbers() : index.vector;
      Value part = code.mul(number, code.splat(stride));
      scattered = scattered ? code.add(scattered, part) : part;
    }
    if (axis != 0)
      stride = code.mul(stride, sizeOf(shape[axis]));
  }
  if (mayBeEmpty && llvm::any_of(shape, llvm::IsaPred<StringAttr>)) {
    // A join reads each part at some place of it, and an empty one has none: it is read elsewhere.
    Value isEmpty = code.compare(arith::CmpIPredicate::eq, product(shape), zero);
    base = arith::SelectOp::create(code, isEmpty, nothing(), base);
    uniform = code.select(isEmpty, zero, uniform);
  }
  if (!isInRow && !scattered)
    return code.loadElement(base, element, uniform);
  // A vector of a flat array is in one block of codes; that of a row may begin anywhere.
  auto blocks = dyn_cast<BlocksType>(element);
  if (!scattered && (isFlat || !blocks)) {
    BlockForm form = blocks ? formAt(base, blocks, uniform) : BlockForm();
    if (auto known = ahead.find(base); known != ahead.end()) {
      ask(known->second, base, element, uniform, stride);
    } else if (isFlat && inner && !mask) {
      code.prefetchVector(blocks ? form.codes : base, element, uniform, prefetchDistance);
    }
    return blocks ? loadRowFromBlock(code, form, uniform, mask) : code.loadVector(base, element, uniform, mask);
  }
  if (isInRow)
    scattered = scattered ? code.add(scattered, code.laneNumbers()) : code.laneNumbers();
  return code.gatherVector(base, element, code.add(code.splat(uniform), scattered), mask, firsts.lookup(base));
}

/// As far into the part that is asked for as `position` is into what is read, and one vector for each 2^shift.
void Evaluator::ask(const Ahead &what, Value base, Type element, Value position, Value width) {
  Turn own = turn.value_or(Turn());
  if (own.number % (int64_t(1) << what.shift) != 0)
    return;
  Value number = code.i64(own.number), step = own.firstRow ? width : code.i64(lanes);
  Value first = code.sub(position, code.mul(number, step)), group = own.firstRow ? code.mul(own.firstRow, width) : first;
  Value part = code.createOrFold<arith::ShRUIOp>(code.sub(group, what.begin), code.i64(what.shift));
  Value place = code.add(code.sub(first, group), code.mul(code.i64(own.number >> what.shift), step));
  code.prefetchVector(base, element, code.add(what.wanted, code.add(part, place)), 0);
}

BlockForm Evaluator::formAt(Value base, BlocksType type, Value index) {
  if (!blockStart || !inner || type.getSize() < blockPoints)
    return loadForm(code, base, type, index);
  auto [known, isNew] = forms.try_emplace(base);
  if (isNew) {
    OpBuilder::InsertionGuard guard(code);
    code.setInsertionPoint(inner);
    known->second = loadForm(code, base, type, blockStart);
    scaleTraffic += static_cast<double>(BlocksType::scaleBytes) / static_cast<double>(type.getSize());
  }
  return known->second;
}

/// The value of an index at a point. An iota along a lane stays a lane, shifted or not, so that what it selects is read in rows, and what
/// is one for all lanes stays one. `depth` bounds the operations that are looked through.
Index Evaluator::mapIndex(Value index, ArrayRef<Index> point, int depth) {
  Operation *op = index.getDefiningOp();
  if (auto iota = dyn_cast_or_null<IotaOp>(op); iota && !isFlat)
    return point[iota.getAxis()];
  Type i64 = code.getI64Type();
  if (depth > 0 && isa_and_nonnull<AddOp, MulOp, SubOp>(op) && arrayOf(index).getElementType() == i64) {
    Index a = mapIndex(op->getOperand(0), point, depth - 1), b = mapIndex(op->getOperand(1), point, depth - 1);
    bool isShift = (isa<AddOp>(op) && (a.isLane || b.isLane)) || (isa<SubOp>(op) && a.isLane);
    bool isUniform = a.isUniform() && b.isUniform();
    if (isUniform || (isShift && a.scalar && b.scalar && a.isLane != b.isLane)) {
      OpBuilder::InsertionGuard guard(code);
      if (isUniform && inner) // as in `evaluate`
        code.setInsertionPoint(inner);
      return {emitPointwise(code, op, {a.scalar, b.scalar}), !isUniform, {}};
    }
  }
  if (auto broadcast = dyn_cast_or_null<BroadcastOp>(op); broadcast && isa_and_nonnull<ConstantOp, DimOp>(broadcast.getX().getDefiningOp()) &&
                                                          arrayOf(broadcast.getX()).isScalar() && arrayOf(index).getElementType() == i64) {
    OpBuilder::InsertionGuard guard(code);
    if (inner)
      code.setInsertionPoint(inner);
    return Index::uniform(evaluateScalar(broadcast.getX()));
  }
  Value at = emitCast(code, evaluate(index, point), arrayOf(index).getElementType(), i64);
  return isa<VectorType>(at.getType()) ? Index::lanewise(at) : Index::uniform(at);
}

Value Evaluator::emitGather(GatherOp gather, ArrayRef<Index> point) {
  Point mapped;
  for (Value index : gather.getIndices())
    mapped.push_back(mapIndex(index, point, /*depth=*/6));
  return evaluate(gather.getX(), mapped);
}

/// One value, or a table in the module.
Value Evaluator::emitConstant(ConstantOp constant, ArrayRef<Index> point) {
  auto elements = cast<DenseElementsAttr>(constant.getValue());
  ArrayType type = constant.getType();
  Type element = type.getElementType();
  auto bitsOf = [&](Attribute attr) {
    return isa<FloatType>(element) ? cast<FloatAttr>(attr).getValue().bitcastToAPInt() : cast<IntegerAttr>(attr).getValue();
  };
  if (elements.isSplat()) {
    Attribute value = elements.getSplatValue<Attribute>();
    if (element.isBF16())
      value = code.getIntegerAttr(code.getIntegerType(16), bitsOf(value));
    return arith::ConstantOp::create(code, cast<TypedAttr>(value));
  }
  auto module = code.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  std::string name = "gradus_constant";
  for (unsigned i = 0; module.lookupSymbol(name); ++i)
    name = "gradus_constant_" + std::to_string(i);
  Type stored = code.memType(element);
  SmallVector<Attribute> values;
  for (Attribute value : elements.getValues<Attribute>())
    values.push_back(element.isInteger(1) || element.isBF16() ? code.getIntegerAttr(stored, bitsOf(value).zextOrTrunc(stored.getIntOrFloatBitWidth())) : value);
  Value base;
  {
    OpBuilder::InsertionGuard guard(code);
    code.setInsertionPointToStart(module.getBody());
    auto count = static_cast<int64_t>(values.size());
    auto table = DenseElementsAttr::get(RankedTensorType::get({count}, stored), values);
    LLVM::GlobalOp::create(code, LLVM::LLVMArrayType::get(stored, count), /*isConstant=*/true, LLVM::Linkage::Internal, name, table);
  }
  base = LLVM::AddressOfOp::create(code, code.ptrType(), name);
  return load(base, type, point);
}

} // namespace gradus
