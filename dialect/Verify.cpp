//===- Verify.cpp - Verifiers; each check quotes its label in the op's description ===//

#include "dialect/Gradus.h"

#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;
using namespace gradus;

static ArrayType arrayOf(Value v) { return cast<ArrayType>(v.getType()); }
static ArrayRef<Attribute> shapeOf(Value v) { return arrayOf(v).getShape(); }

/// Ascending axes of an array of `rank` axes.
static bool areAscendingAxes(ArrayRef<int64_t> axes, int64_t rank) {
  int64_t last = -1;
  for (int64_t axis : axes) {
    if (axis <= last || axis >= rank)
      return false;
    last = axis;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

void CompareOp::build(OpBuilder &builder, OperationState &state, ComparePredicate predicate, Value a, Value b) {
  build(builder, state, arrayOf(a).withElement(builder.getI1Type()), predicate, a, b);
}

LogicalResult CompareOp::verify() {
  if (shapeOf(getA()) != shapeOf(getC()))
    return emitOpError("expects a result with the shape of its operands");
  return success();
}

LogicalResult SelectOp::verify() {
  if (shapeOf(getC()) != shapeOf(getY()))
    return emitOpError("expects a condition with the shape of its result");
  return success();
}

LogicalResult CastOp::verify() {
  if (shapeOf(getX()) != shapeOf(getY())) // cast_c1
    return emitOpError("expects a result with the shape of its operand");
  if (arrayOf(getY()).isBlocks()) // cast_c2
    return emitOpError("cannot make blocks of codes; gradus.encode does");
  return success();
}

LogicalResult EncodeOp::verify() {
  if (shapeOf(getX()) != shapeOf(getY()) || arrayOf(getX()).isScalar()) // encode_c1
    return emitOpError("expects a result with the shape of its operand, and at least one axis");
  return success();
}

LogicalResult StochasticCastOp::verify() {
  if (shapeOf(getX()) != shapeOf(getY()) || shapeOf(getBits()) != shapeOf(getY())) // stochastic_cast_c1
    return emitOpError("expects operands with the shape of its result");
  if (Type element = arrayOf(getY()).getElementType(); !element.isBF16() && !element.isF16()) // stochastic_cast_c2
    return emitOpError("expects a result of bf16 or f16, but got ") << getY().getType();
  if (!arrayOf(getBits()).getElementType().isInteger(32)) // stochastic_cast_c3
    return emitOpError("expects bits in i32, but got ") << getBits().getType();
  return success();
}

//===----------------------------------------------------------------------===//
// Shape
//===----------------------------------------------------------------------===//

LogicalResult IotaOp::verify() {
  if (static_cast<int64_t>(getAxis()) < 0 || static_cast<int64_t>(getAxis()) >= arrayOf(getY()).getRank()) // iota_c1
    return emitOpError("expects an axis of its result, but got ") << static_cast<int64_t>(getAxis());
  return success();
}

LogicalResult BroadcastOp::verify() {
  ArrayType from = arrayOf(getX()), to = arrayOf(getY());
  if (static_cast<int64_t>(getAxes().size()) != from.getRank() || !areAscendingAxes(getAxes(), to.getRank())) // broadcast_c1
    return emitOpError("expects one ascending axis of the result for each of the ") << from.getRank() << " axes of its operand";
  for (auto [dim, axis] : llvm::zip_equal(from.getShape(), getAxes())) { // broadcast_c2
    auto size = dyn_cast<IntegerAttr>(dim);
    if (dim != to.getShape()[axis] && !(size && size.getInt() == 1))
      return emitOpError("cannot repeat ") << dim << " to " << to.getShape()[axis] << " along axis " << axis;
  }
  if (from.getElementType() != to.getElementType()) // broadcast_c3
    return emitOpError("expects one element type, but got ") << from.getElementType() << " and " << to.getElementType();
  return success();
}

/// The number of elements, if no dimension is a symbol.
static std::optional<int64_t> staticSize(ArrayType type) {
  int64_t size = 1;
  for (Attribute dim : type.getShape()) {
    auto fixed = dyn_cast<IntegerAttr>(dim);
    if (!fixed || __builtin_mul_overflow(size, fixed.getInt(), &size))
      return std::nullopt;
  }
  return size;
}

LogicalResult ReshapeOp::verify() {
  ArrayType from = arrayOf(getX()), to = arrayOf(getY());
  if (from.getElementType() != to.getElementType()) // reshape_c1
    return emitOpError("expects one element type, but got ") << from.getElementType() << " and " << to.getElementType();
  std::optional<int64_t> before = staticSize(from), after = staticSize(to);
  if (before && after && *before != *after) // reshape_c2
    return emitOpError("cannot make ") << *after << " elements of " << *before;
  return success();
}

LogicalResult TransposeOp::verify() {
  ArrayType from = arrayOf(getX());
  ArrayRef<int64_t> permutation = getPermutation();
  llvm::SmallBitVector seen(from.getRank());
  SmallVector<Attribute> shape;
  for (int64_t axis : permutation) {
    if (axis < 0 || axis >= from.getRank() || seen.test(axis))
      break;
    seen.set(axis);
    shape.push_back(from.getShape()[axis]);
  }
  if (static_cast<int64_t>(shape.size()) != from.getRank() || permutation.size() != shape.size()) // transpose_c1
    return emitOpError("expects a permutation of the ") << from.getRank() << " axes of its operand";
  if (from.withShape(shape) != getY().getType()) // transpose_c2
    return emitOpError("expects the result ") << from.withShape(shape) << ", but got " << getY().getType();
  return success();
}

static LogicalResult verifyIndices(Operation *op, Value x, ValueRange indices, Value points) {
  if (static_cast<int64_t>(indices.size()) != arrayOf(x).getRank()) // gather_c1, scatter_c1
    return op->emitOpError("expects ") << arrayOf(x).getRank() << " indices, one for each axis, but got " << indices.size();
  for (Value index : indices) // gather_c2, scatter_c2
    if (shapeOf(index) != shapeOf(points))
      return op->emitOpError("expects an index of the shape of ") << points.getType() << ", but got " << index.getType();
  if (arrayOf(x).getElementType() != arrayOf(points).getElementType()) // gather_c3, scatter_c3
    return op->emitOpError("expects one element type, but got ") << x.getType() << " and " << points.getType();
  return success();
}

LogicalResult GatherOp::verify() { return verifyIndices(*this, getX(), getIndices(), getY()); }
LogicalResult ScatterOp::verify() { return verifyIndices(*this, getX(), getIndices(), getUpdates()); }
LogicalResult ScatterAddOp::verify() { return verifyIndices(*this, getX(), getIndices(), getUpdates()); }

LogicalResult ConcatOp::verify() {
  ArrayType result = arrayOf(getY());
  int64_t axis = getAxis(), sum = 0;
  if (getParts().empty() || axis < 0 || axis >= result.getRank()) // concat_c1
    return emitOpError("expects operands, and an axis of its result, but got ") << axis;
  bool isStatic = true;
  for (Value part : getParts()) {
    SmallVector<Attribute> shape(shapeOf(part));
    if (shape.size() != result.getShape().size() || arrayOf(part).getElementType() != result.getElementType()) // concat_c2
      return emitOpError("cannot join ") << part.getType() << " to " << result;
    auto size = dyn_cast<IntegerAttr>(shape[axis]);
    isStatic &= static_cast<bool>(size);
    sum += size ? size.getInt() : 0;
    shape[axis] = result.getShape()[axis];
    if (ArrayRef<Attribute>(shape) != result.getShape()) // concat_c2
      return emitOpError("cannot join ") << part.getType() << " to " << result;
  }
  if (auto size = dyn_cast<IntegerAttr>(result.getShape()[axis]); size && isStatic && size.getInt() != sum) // concat_c2
    return emitOpError("expects a result of size ") << sum << " along axis " << axis << ", but got " << result;
  return success();
}

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

static bool isAxis(int64_t axis, Value x) { return axis >= 0 && axis < arrayOf(x).getRank(); }

LogicalResult CumulateOp::verify() {
  if (!isAxis(getAxis(), getX())) // cumulate_c1
    return emitOpError("expects an axis of its operand, but got ") << static_cast<int64_t>(getAxis());
  if (getKind() == ReductionKind::Any || getKind() == ReductionKind::All) // cumulate_c2
    return emitOpError("of kind '") << stringifyReductionKind(getKind()) << "' cannot take numbers";
  return success();
}

LogicalResult SortOp::verify() {
  auto axis = static_cast<int64_t>(getAxis());
  if (axis < -1 || (axis >= 0 && !isAxis(axis, getX())) || arrayOf(getX()).isScalar()) // sort_c1
    return emitOpError("expects an axis of its operand, or -1 for all elements, but got ") << axis;
  if (arrayOf(getX()).withElement(IntegerType::get(getContext(), 64)) != getOrder().getType()) // sort_c2
    return emitOpError("expects an order of the shape of its operand and element type i64, but got ") << getOrder().getType();
  return success();
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

/// Shared by all reductions over axes: c1 and c2.
static LogicalResult verifyReduction(Operation *op, ArrayType from, ArrayType to, ArrayRef<int64_t> axes) {
  if (!areAscendingAxes(axes, from.getRank())) // reduce_c1
    return op->emitOpError("expects ascending axes of its operand of rank ") << from.getRank();
  ArrayType expected = from.dropAxes(axes);
  if (expected.isScalar() && expected.isFloat())
    expected = expected.withElement(Float64Type::get(op->getContext()));
  if (expected != to) // reduce_c2
    return op->emitOpError("expects the result ") << expected << ", but got " << to;
  return success();
}

LogicalResult ReduceOp::verify() {
  bool isLogical = getKind() == ReductionKind::Any || getKind() == ReductionKind::All;
  if (isLogical != arrayOf(getX()).isBool()) // reduce_c3
    return emitOpError("of kind '") << stringifyReductionKind(getKind()) << "' cannot take " << getX().getType();
  return verifyReduction(*this, arrayOf(getX()), arrayOf(getY()), getAxes());
}
LogicalResult LogSumExpOp::verify() { return verifyReduction(*this, arrayOf(getX()), arrayOf(getY()), getAxes()); }
LogicalResult NormOp::verify() { return verifyReduction(*this, arrayOf(getX()), arrayOf(getY()), getAxes()); }

LogicalResult ArgReduceOp::verify() {
  if (getKind() != ReductionKind::Max && getKind() != ReductionKind::Min) // arg_reduce_c1
    return emitOpError("expects the kind max or min, but got ") << stringifyReductionKind(getKind());
  ArrayType from = arrayOf(getX());
  int64_t axis = getAxis();
  if (axis < 0 || axis >= from.getRank() || // arg_reduce_c2
      from.dropAxes(axis).withElement(IntegerType::get(getContext(), 64)) != getY().getType())
    return emitOpError("expects an axis of its operand, and the shape without it with element type i64, but got ") << getY().getType();
  return success();
}

LogicalResult ContractOp::verify() {
  llvm::SmallDenseMap<int64_t, Attribute> sizes;
  auto readLabels = [&](ArrayType type, ArrayRef<int64_t> labels) -> LogicalResult {
    llvm::SmallDenseSet<int64_t> seen;
    if (static_cast<int64_t>(labels.size()) != type.getRank()) // contract_c1
      return emitOpError("expects one label for each axis of ") << type;
    for (auto [label, dim] : llvm::zip_equal(labels, type.getShape())) {
      if (!seen.insert(label).second) // contract_c1
        return emitOpError("has the label ") << label << " twice for " << type;
      auto [at, isNew] = sizes.try_emplace(label, dim);
      if (!isNew && at->second != dim) // contract_c3
        return emitOpError("gives label ") << label << " the sizes " << at->second << " and " << dim;
    }
    return success();
  };
  ArrayType result = arrayOf(getY());
  if (failed(readLabels(arrayOf(getA()), getLhs())) || failed(readLabels(arrayOf(getB()), getRhs())))
    return failure();
  size_t bound = sizes.size();
  if (failed(readLabels(result, getOut())))
    return failure();
  if (sizes.size() != bound) // contract_c2
    return emitOpError("has a label in its result that no operand has");
  Type element = arrayOf(getA()).getElementType();
  Type expected = result.isScalar() ? Type(Float64Type::get(getContext())) : element;
  if (element != arrayOf(getB()).getElementType() || result.getElementType() != expected) // contract_c4
    return emitOpError("expects one element type, f64 for a scalar result, but got ")
           << getA().getType() << ", " << getB().getType() << " and " << result;
  return success();
}

LogicalResult AllReduceOp::verify() {
  auto func = (*this)->getParentOfType<FuncOp>();
  if (func && !func.isOpen())
    return emitOpError("expects to stand in a function with the attribute 'open'");
  return success();
}

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

LogicalResult FuncOp::verify() {
  for (unsigned i = 0, n = getNumArguments(); i < n; ++i) {
    if (!isa<ArrayType>(getArgumentTypes()[i]))
      return emitOpError("expects arguments of type !gradus.array, but argument ") << i << " is " << getArgumentTypes()[i];
    if (!getArgAttrOfType<RoleAttr>(i, "gradus.role") || !getArgAttrOfType<StringAttr>(i, "gradus.name"))
      return emitOpError("expects 'gradus.name' and 'gradus.role' on argument ") << i;
  }
  for (unsigned i = 0, n = getNumResults(); i < n; ++i) {
    if (!getResultAttrOfType<RoleAttr>(i, "gradus.role") || !getResultAttrOfType<StringAttr>(i, "gradus.name"))
      return emitOpError("expects 'gradus.name' and 'gradus.role' on result ") << i;
    int64_t of = getResultOf(i);
    if (of >= static_cast<int64_t>(getNumArguments()) || (of >= 0 && getArgumentTypes()[of] != getResultTypes()[i]))
      return emitOpError("expects 'gradus.of' of result ") << i << " to be an argument of its type";
    if (getResultRole(i) == Role::Next && of < 0)
      return emitOpError("expects 'gradus.of' on result ") << i << ", the next value of an argument";
  }
  return success();
}

LogicalResult ReturnOp::verify() {
  auto func = cast<FuncOp>((*this)->getParentOp());
  if (TypeRange(getValues()) != TypeRange(func.getResultTypes()))
    return emitOpError("expects the types of the function's results");
  return success();
}

/// The block of `region` takes `arguments` and yields `results`.
static LogicalResult verifyRegion(Operation *op, Region &region, TypeRange arguments, TypeRange results) {
  Block &block = region.front();
  if (TypeRange(block.getArgumentTypes()) != arguments) // grad_c1, loop_c1, every_c1, scan_c2
    return op->emitOpError("expects a block that takes (") << arguments << "), but it takes (" << block.getArgumentTypes() << ")";
  auto yield = dyn_cast_or_null<YieldOp>(block.empty() ? nullptr : &block.back());
  if (!yield || TypeRange(yield.getValues()) != results) // grad_c2, loop_c2, every_c1, if_c1, scan_c3
    return op->emitOpError("expects a region that yields (") << results << ")";
  return success();
}

LogicalResult GradOp::verify() {
  if (TypeRange(getGradients()) != TypeRange(getWrt())) // grad_c3
    return emitOpError("expects a gradient of the type of each value that it differentiates in");
  return verifyRegion(*this, getBody(), TypeRange(getWrt()), TypeRange(getValue()));
}

LogicalResult IfOp::verify() { // if_c1
  if (failed(verifyRegion(*this, getThen(), {}, TypeRange(getValues()))))
    return failure();
  return verifyRegion(*this, getOtherwise(), {}, TypeRange(getValues()));
}

LogicalResult LoopOp::verify() {
  SmallVector<Type> arguments{ArrayType::scalar(IntegerType::get(getContext(), 64))};
  llvm::append_range(arguments, getInit().getTypes());
  if (failed(verifyRegion(*this, getBody(), arguments, TypeRange(getInit()))))
    return failure();
  if (getProceed().empty()) // loop_c3
    return success();
  return verifyRegion(*this, getProceed(), arguments, ArrayType::scalar(IntegerType::get(getContext(), 1)));
}

LogicalResult ScanOp::verify() {
  Attribute size;
  SmallVector<Type> arguments{ArrayType::scalar(IntegerType::get(getContext(), 64))};
  auto sliceOf = [&](Value x) -> ArrayType {
    ArrayType type = arrayOf(x);
    if (type.isScalar() || (size && size != type.getShape().front()))
      return {};
    size = type.getShape().front();
    ArrayType slice = type.dropAxes(0);
    return slice.isScalar() && slice.isFloat() ? slice.withElement(Float64Type::get(getContext())) : slice;
  };
  for (Value x : getXs()) { // scan_c1, scan_c2
    arguments.push_back(sliceOf(x));
    if (!arguments.back())
      return emitOpError("expects arrays of one leading size, but got ") << x.getType();
  }
  llvm::append_range(arguments, getInit().getTypes());
  if (getYs().size() != getInit().size()) // scan_c3
    return emitOpError("expects a result for each carried value");
  for (auto [y, carried] : llvm::zip_equal(getYs(), getInit()))
    if (sliceOf(y) != carried.getType() || arrayOf(y).getElementType() != arrayOf(carried).getElementType()) // scan_c1, scan_c3
      return emitOpError("expects a result of ") << carried.getType() << " with the leading size, but got " << y.getType();
  return verifyRegion(*this, getBody(), arguments, TypeRange(getInit()));
}

LogicalResult DrawOp::verify() {
  using enum DrawKind;
  DrawKind kind = getDistribution();
  bool hasOne = kind == Bernoulli || kind == Categorical || kind == Gamma || kind == Index;
  if (getParameters().size() != size_t(hasOne)) // draw_c1
    return emitOpError("of kind '") << stringifyDrawKind(kind) << "' expects " << int(hasOne) << " parameters";
  if (hasOne && arrayOf(getParameters()[0]).getRank() != (kind == Categorical ? 1 : 0)) // draw_c1
    return emitOpError("of kind '") << stringifyDrawKind(kind) << "' cannot take " << getParameters()[0].getType();
  ArrayType type = arrayOf(getY());
  if (kind == Bits && !type.getElementType().isInteger(32)) // draw_c3
    return emitOpError("expects bits in i32, but got ") << type;
  bool isInt = kind == Bits || kind == Index || kind == Categorical || kind == Permutation;
  if (isInt ? !type.isInt() : !type.isFloat()) // draw_c2
    return emitOpError("of kind '") << stringifyDrawKind(kind) << "' cannot give " << type;
  if (kind == Permutation && type.getRank() != 1) // draw_c2
    return emitOpError("expects a permutation of rank 1, but got ") << type;
  return success();
}

LogicalResult EveryOp::verify() { return verifyRegion(*this, getBody(), {}, TypeRange(getKept())); }

/// The types among `types` that are floating.
static SmallVector<Type> floatingOf(TypeRange types) {
  return llvm::to_vector(llvm::make_filter_range(types, [](Type type) { return cast<ArrayType>(type).isFloat(); }));
}

LogicalResult CustomOp::verify() {
  if ((*this)->hasAttr("again")) { // custom_c3
    auto around = dyn_cast_or_null<CustomOp>((*this)->getParentOp());
    if (!around || (*this)->getParentRegion() != &around.getDerivative() || TypeRange(getXs()) != TypeRange(around.getXs()) || getResultTypes() != around->getResultTypes())
      return emitOpError("that is 'again' stands in the derivative of the op that it repeats, with the types of that");
  }
  if (failed(verifyRegion(*this, getBody(), getXs().getTypes(), getYs().getTypes()))) // custom_c1
    return failure();
  SmallVector<Type> arguments(getXs().getTypes());
  llvm::append_range(arguments, getYs().getTypes());
  llvm::append_range(arguments, floatingOf(getYs().getTypes()));
  return verifyRegion(*this, getDerivative(), arguments, floatingOf(getXs().getTypes())); // custom_c2
}

LogicalResult WorkersOp::verify() {
  if (getMean() && getKind() != ReductionKind::Sum) // workers_c1
    return emitOpError("expects 'sum' with 'mean'");
  return success();
}

LogicalResult OracleOp::verify() {
  bool isValue = getQuery() == OracleQuery::Value, isEach = getData() == "each";
  SmallVector<Type> asked;
  for (int64_t position : getWrt()) {
    if (position < 0 || position >= static_cast<int64_t>(getPoint().size())) // oracle_c3
      return emitOpError("expects positions of its point in 'wrt', but got ") << position;
    asked.push_back(getPoint()[position].getType());
  }
  bool hasDirection = getQuery() == OracleQuery::HessianProduct;
  if (hasDirection ? TypeRange(getDirection()) != TypeRange(asked) : !getDirection().empty()) // oracle_c2
    return emitOpError(hasDirection ? "expects a direction of the types of its point at 'wrt'" : "expects no direction");
  if (isValue) { // oracle_c1
    if (getAnswer().size() != 1 || arrayOf(getAnswer()[0]).getRank() != isEach)
      return emitOpError("expects one floating array of rank ") << int(isEach) << " as answer";
    return success();
  }
  SmallVector<Type> answers;
  for (Value answer : getAnswer())
    answers.push_back(isEach && !arrayOf(answer).isScalar() ? Type(arrayOf(answer).dropAxes(0)) : answer.getType());
  if (answers != asked)
    return emitOpError("expects an answer of the types of its point at 'wrt'");
  return success();
}

//===----------------------------------------------------------------------===//
// Plan
//===----------------------------------------------------------------------===//

LogicalResult PhaseOp::verify() { return verifyRegion(*this, getBody(), {}, TypeRange(getValues())); }

LogicalResult KernelOp::verify() { // kernel_c1, kernel_c2
  return verifyRegion(*this, getBody(), TypeRange(getOperands()), TypeRange(getStored()));
}
