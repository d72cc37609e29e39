//===- Algebra.cpp - Elementwise arithmetic on arrays in the making --------===//

#include "lang/Algebra.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::ArrayRef;
using llvm::SmallVector;
using mlir::Attribute;
using mlir::IntegerAttr;
using mlir::StringAttr;
using mlir::Value;

Algebra::Algebra(mlir::MLIRContext &context, Diagnostics &diagnostics, mlir::Type real)
    : builder(&context), diagnostics(diagnostics), real(real), wide(real.isF64() ? real : builder.getF32Type()) {}

std::string lang::describe(Attribute dim) {
  if (auto symbol = llvm::dyn_cast_or_null<StringAttr>(dim))
    return symbol.getValue().str();
  return dim ? std::to_string(llvm::cast<IntegerAttr>(dim).getInt()) : "?";
}

std::string lang::describe(ArrayRef<Attribute> shape) {
  std::string text = "[";
  for (Attribute dim : shape)
    text += (text.size() > 1 ? ", " : "") + describe(dim);
  return text + "]";
}

Diagnostic &Algebra::error(Code code, Location at, std::string text) {
  Diagnostic &diagnostic = diagnostics.error(code, at, std::move(text));
  // Innermost first; a long chain says nothing more.
  for (size_t i = frames.size(), shown = 0; i > 0 && shown < 3; --i, ++shown)
    if (!frames[i - 1].at.isWholeFile())
      diagnostic.note(frames[i - 1].at, "in " + frames[i - 1].what + ", called here");
  return diagnostic;
}

mlir::Location Algebra::place(Location at) const {
  const SourceManager &sources = diagnostics.getSources();
  if (at.file >= sources.size())
    return mlir::UnknownLoc::get(builder.getContext());
  return mlir::FileLineColLoc::get(builder.getContext(), sources.get(at.file).getName(), at.line, at.col);
}

//===----------------------------------------------------------------------===//
// Types and numbers
//===----------------------------------------------------------------------===//

Kind Algebra::kindOf(Value v) {
  ArrayType type = typeOf(v);
  return type.isBool() ? Kind::Bool : type.isInt() ? Kind::Int : Kind::Float;
}

ArrayRef<Attribute> Algebra::ownShape(const Array &x, size_t lane) { return typeOf(x.lane(lane)).getShape().drop_front(x.axes.size()); }

mlir::Type Algebra::elementOf(Kind kind, size_t rank) const {
  mlir::MLIRContext *context = builder.getContext();
  switch (kind) {
  case Kind::Bool:
    return mlir::IntegerType::get(context, 1);
  case Kind::Int:
    return mlir::IntegerType::get(context, 64);
  case Kind::Float:
    break;
  }
  return rank == 0 ? mlir::Type(mlir::Float64Type::get(context)) : wide;
}

Array Algebra::number(double value, Location at) { return {{ConstantOp::create(builder, place(at), value, builder.getF64Type())}}; }
Array Algebra::integer(int64_t value, Location at) { return {{ConstantOp::create(builder, place(at), value)}}; }
Array Algebra::boolean(bool value, Location at) { return {{ConstantOp::create(builder, place(at), value)}}; }

static mlir::DenseElementsAttr scalarConstant(const Array &x) {
  if (x.lanes.empty())
    return {};
  auto constant = x.lanes.front().getDefiningOp<ConstantOp>();
  if (!constant || !Algebra::typeOf(x.lanes.front()).isScalar())
    return {};
  return llvm::dyn_cast<mlir::DenseElementsAttr>(constant.getValue());
}

std::optional<int64_t> Algebra::constantIntOf(const Array &x) {
  mlir::DenseElementsAttr value = scalarConstant(x);
  if (!value || !llvm::isa<mlir::IntegerType>(value.getElementType()))
    return std::nullopt;
  llvm::APInt bits = *value.getValues<llvm::APInt>().begin();
  return bits.getBitWidth() == 1 ? int64_t(bits.getBoolValue()) : bits.getSExtValue();
}

std::optional<double> Algebra::constantOf(const Array &x) {
  if (std::optional<int64_t> integer = constantIntOf(x))
    return static_cast<double>(*integer);
  mlir::DenseElementsAttr value = scalarConstant(x);
  if (!value)
    return std::nullopt;
  return (*value.getValues<llvm::APFloat>().begin()).convertToDouble();
}

std::optional<double> Algebra::constantBehind(const Array &x) {
  Value value = x.lanes.size() == 1 ? x.lanes.front() : Value();
  for (auto name = value ? value.getDefiningOp<CastOp>() : CastOp(); name && name.getX().getType() == value.getType(); name = value.getDefiningOp<CastOp>())
    value = name.getX(); // another name of it
  if (value)
    if (auto stop = value.getDefiningOp<StopOp>()) {
      Array inner = x;
      inner.lanes = {stop.getX()};
      return constantOf(inner);
    }
  return constantOf(x);
}

Array Algebra::named(Array x, Location at) {
  for (Value &lane : x.lanes)
    if (lane.getDefiningOp<ConstantOp>() && typeOf(lane).isScalar() && typeOf(lane).isFloat())
      lane = StopOp::create(builder, place(at), lane);
  return x;
}

static Value distinctLane(Algebra &algebra, Value lane, Location at) {
  bool isNumber = lane.getDefiningOp<ConstantOp>() && Algebra::typeOf(lane).isScalar(); // nothing but its name differs
  return isNumber || !Algebra::typeOf(lane).isFloat() ? lane : CastOp::create(algebra.builder, algebra.place(at), lane.getType(), lane);
}

Array Algebra::distinct(Array x, Location at) {
  for (Value &lane : x.lanes)
    lane = distinctLane(*this, lane, at);
  return x;
}

mlir::Operation *Algebra::lastOperation() const {
  mlir::Block::iterator next = builder.getInsertionPoint();
  return next == builder.getBlock()->begin() ? nullptr : &*std::prev(next);
}

Array Algebra::renamed(Array x, mlir::Operation *last, Location at) {
  for (Value &lane : x.lanes) {
    // Backwards over what is new; it is most often the first that is met.
    mlir::Operation *op = lane.getDefiningOp(), *next = lastOperation();
    while (next && next != last && next != op)
      next = next->getPrevNode();
    if (!next || next == last)
      lane = distinctLane(*this, lane, at);
  }
  return x;
}

Value Algebra::sizeOf(Attribute dim, Location at) {
  if (auto size = llvm::dyn_cast<IntegerAttr>(dim))
    return ConstantOp::create(builder, place(at), size.getInt());
  return DimOp::create(builder, place(at), llvm::cast<StringAttr>(dim));
}

Array Algebra::filled(double value, ArrayRef<Attribute> shape, Location at) {
  Array scalar = number(value, at);
  return {{fit(scalar, 0, {}, shape, Kind::Float, at)}};
}

//===----------------------------------------------------------------------===//
// Single values
//===----------------------------------------------------------------------===//

Value Algebra::castTo(Value x, mlir::Type element, Location at) {
  ArrayType type = typeOf(x);
  if (type.getElementType() == element)
    return x;
  // A scalar constant changes its type at once, so that what is constant stays visible.
  if (std::optional<double> known = constantOf({{x}}); known && element.isF64())
    return ConstantOp::create(builder, place(at), *known, element);
  if (std::optional<int64_t> known = constantIntOf({{x}}); known && element.isInteger(64))
    return ConstantOp::create(builder, place(at), *known);
  return CastOp::create(builder, place(at), type.withElement(element), x);
}

Value Algebra::broadcastTo(Value x, ArrayRef<int64_t> axes, ArrayRef<Attribute> shape, Location at) {
  if (typeOf(x).getShape() == shape)
    return x;
  return BroadcastOp::create(builder, place(at), typeOf(x).withShape(shape), x, axes);
}

Value Algebra::transposed(Value x, ArrayRef<int64_t> permutation, Location at) {
  if (llvm::is_sorted(permutation))
    return x;
  Shape shape;
  for (int64_t axis : permutation)
    shape.push_back(typeOf(x).getShape()[axis]);
  return TransposeOp::create(builder, place(at), typeOf(x).withShape(shape), x, permutation);
}

//===----------------------------------------------------------------------===//
// Alignment
//===----------------------------------------------------------------------===//

SmallVector<IndexVar *, 2> Algebra::commonAxes(ArrayRef<Array> operands) {
  SmallVector<IndexVar *, 2> axes;
  for (const Array &operand : operands)
    for (IndexVar *index : operand.axes)
      if (!llvm::is_contained(axes, index))
        axes.push_back(index);
  llvm::sort(axes, [](IndexVar *a, IndexVar *b) { return a->id < b->id; });
  return axes;
}

Shape Algebra::fullShape(ArrayRef<IndexVar *> axes, ArrayRef<Attribute> own) const {
  Shape shape;
  for (IndexVar *index : axes)
    shape.push_back(index->dim);
  shape.append(own.begin(), own.end());
  return shape;
}

static bool isOne(Attribute dim) {
  auto size = llvm::dyn_cast<IntegerAttr>(dim);
  return size && size.getInt() == 1;
}

std::optional<Shape> Algebra::commonShape(ArrayRef<Array> operands, size_t lane, Location at) {
  Shape common;
  for (const Array &operand : operands) {
    ArrayRef<Attribute> own = ownShape(operand, lane);
    Shape before = common;
    if (own.size() > common.size())
      common.insert(common.begin(), own.begin(), own.begin() + (own.size() - common.size()));
    size_t offset = common.size() - own.size();
    size_t fresh = common.size() - before.size();
    for (size_t i = std::max(offset, fresh); i < common.size(); ++i) {
      Attribute &dim = common[i];
      Attribute mine = own[i - offset];
      if (dim == mine || isOne(mine))
        continue;
      if (isOne(dim)) {
        dim = mine;
        continue;
      }
      error(Code::ShapeMismatch, at, "the shapes " + describe(before) + " and " + describe(own) + " do not fit: an axis has the size " +
                                         describe(dim) + " on the left and " + describe(mine) + " on the right")
          .suggest("shapes are aligned at their last axes; an axis of size 1 repeats");
      return std::nullopt;
    }
  }
  return common;
}

Value Algebra::fit(const Array &x, size_t lane, ArrayRef<IndexVar *> axes, ArrayRef<Attribute> shape, Kind kind, Location at) {
  Shape target = fullShape(axes, shape);
  Value v = castTo(x.lane(lane), elementOf(kind, target.size()), at);
  SmallVector<int64_t> at_axes;
  for (IndexVar *index : x.axes)
    at_axes.push_back(llvm::find(axes, index) - axes.begin());
  size_t own = ownShape(x, lane).size();
  for (size_t i = 0; i < own; ++i)
    at_axes.push_back(axes.size() + shape.size() - own + i);
  return broadcastTo(v, at_axes, target, at);
}

Array Algebra::spreadOver(const Array &x, ArrayRef<IndexVar *> axes, Location at) {
  Array wide = x;
  wide.axes.assign(axes.begin(), axes.end());
  for (auto [k, lane] : llvm::enumerate(wide.lanes))
    lane = fit(x, k, axes, ownShape(x, k), kindOf(x), at);
  return wide;
}

Array Algebra::perLane(ArrayRef<Array> operands, ArrayRef<IndexVar *> axes, Emit emit) {
  Array result;
  size_t count = 1;
  for (const Array &operand : operands) {
    if (operand.isPoison())
      return {};
    count = std::max<size_t>(count, operand.lanes.size());
    result.isEach |= operand.isEach;
    result.isJoint |= operand.isJoint;
  }
  result.axes.assign(axes.begin(), axes.end());
  for (size_t k = 0; k < count; ++k) {
    SmallVector<Value> values;
    for (const Array &operand : operands)
      values.push_back(operand.lane(k));
    Value value = emit(values);
    if (!value)
      return {};
    result.lanes.push_back(value);
  }
  return result;
}

Array Algebra::elementwise(ArrayRef<Array> operands, Kind kind, Location at, Emit emit) {
  if (llvm::any_of(operands, [](const Array &x) { return x.isPoison(); }))
    return {};
  SmallVector<IndexVar *, 2> axes = commonAxes(operands);
  size_t lane = 0;
  return perLane(operands, axes, [&](ArrayRef<Value>) -> Value {
    std::optional<Shape> shape = commonShape(operands, lane, at);
    if (!shape)
      return {};
    SmallVector<Value> values;
    for (const Array &operand : operands)
      values.push_back(fit(operand, lane, axes, *shape, kind, at));
    ++lane;
    return emit(values);
  });
}

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

Array Algebra::toKind(const Array &x, Kind kind, Location at) {
  if (x.isPoison() || kindOf(x) == kind)
    return x;
  return elementwise({x}, kind, at, [](ArrayRef<Value> v) { return v[0]; });
}

Array Algebra::add(const Array &a, const Array &b, Location at) { return binary<AddOp>(a, b, at); }
Array Algebra::sub(const Array &a, const Array &b, Location at) { return binary<SubOp>(a, b, at); }
Array Algebra::mul(const Array &a, const Array &b, Location at) { return binary<MulOp>(a, b, at); }
Array Algebra::div(const Array &a, const Array &b, Location at) { return binary<DivOp>(a, b, at, Kind::Float); }
Array Algebra::negate(const Array &x, Location at) {
  if (x.isPoison())
    return {};
  return unary<NegOp>(x, at, /*isFloatOnly=*/false);
}

/// An integer exponent of rank 0 is repeated squaring; a possibly negative one makes the base floating.
Array Algebra::power(const Array &a, const Array &b, Location at) {
  if (a.isPoison() || b.isPoison())
    return {};
  if (kindOf(b) == Kind::Float || !isScalar(b))
    return binary<PowOp>(a, b, at, Kind::Float);
  Array n = toKind(b, Kind::Int, at);
  std::optional<int64_t> known = constantIntOf(n);
  bool staysInt = kindOf(a) != Kind::Float && known && *known >= 0;
  Array x = toKind(a, staysInt ? Kind::Int : Kind::Float, at);
  if (std::optional<double> base = constantOf(x); base && known && *known == 2 && !staysInt)
    return number(*base * *base, at);
  return perLane({x, n}, x.axes, [&](ArrayRef<Value> v) -> Value {
    if (known && *known == 1)
      return v[0];
    return IntPowOp::create(builder, place(at), v[0].getType(), v[0], v[1]);
  });
}

Array Algebra::compare(ComparePredicate predicate, const Array &a, const Array &b, Location at) {
  if (a.isPoison() || b.isPoison())
    return {};
  return elementwise({a, b}, std::max(kindOf(a), kindOf(b)), at, [&](ArrayRef<Value> v) -> Value {
    return builder.createOrFold<CompareOp>(place(at), predicate, v[0], v[1]);
  });
}

Array Algebra::logical(bool isAnd, const Array &a, const Array &b, Location at) {
  return elementwise({a, b}, Kind::Bool, at, [&](ArrayRef<Value> v) -> Value {
    return isAnd ? builder.createOrFold<AndOp>(place(at), v[0], v[1]) : builder.createOrFold<OrOp>(place(at), v[0], v[1]);
  });
}

Array Algebra::select(const Array &c, const Array &a, const Array &b, Location at) {
  if (c.isPoison() || a.isPoison() || b.isPoison())
    return {};
  SmallVector<IndexVar *, 2> axes = commonAxes({c, a, b});
  Kind kind = std::max(kindOf(a), kindOf(b));
  size_t lane = 0;
  return perLane({c, a, b}, axes, [&](ArrayRef<Value>) -> Value {
    std::optional<Shape> shape = commonShape({c, a, b}, lane, at);
    if (!shape)
      return {};
    Value condition = fit(c, lane, axes, *shape, Kind::Bool, at);
    Value x = fit(a, lane, axes, *shape, kind, at), y = fit(b, lane, axes, *shape, kind, at);
    ++lane;
    return SelectOp::create(builder, place(at), x.getType(), condition, x, y);
  });
}
