//===- EmitArrays.cpp - Words that make, join, cut and move arrays ----------===//
//
// A word works on the axes that are not indices, for every tensor of a collection. What moves elements is a gather whose places are inside
// by construction, or a broadcast and a reshape, so that its derivative is one, too.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;
using llvm::SmallVector;
using mlir::Attribute;
using mlir::Value;

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

/// `[axis = 1]`, or `otherwise` where nothing stands.
std::optional<size_t> Elaborator::readAxisSlot(const CallSite &site, size_t rank, std::optional<size_t> otherwise) {
  std::string word = site.builtin->name.str();
  if (site.slots.empty()) {
    if (otherwise && *otherwise < rank)
      return otherwise;
    if (rank == 0)
      error(Code::RankMismatch, site.at, "'" + word + "' works along an axis, but this is a single number");
    else
      error(Code::AxisOutOfRange, site.at, "'" + word + "' works along one axis, and here are " + counted(rank, "axis", "axes"))
          .suggest("say which: " + word + "[axis = 0](..)");
    return std::nullopt;
  }
  const ast::Subscript &slot = site.slots[0];
  if (site.slots.size() > 1 || slot.kind != ast::SubKind::Named || slot.name->name != "axis") {
    error(Code::UnknownSlot, slot.loc, "'" + word + "' takes no other subscript than an axis").suggest(word + "[axis = 0](..)");
    return std::nullopt;
  }
  std::optional<int64_t> axis = constantInt(*slot.value, *site.scope, "an axis");
  if (!axis || (*axis >= 0 && *axis < static_cast<int64_t>(rank)))
    return axis;
  error(Code::AxisOutOfRange, slot.value->loc, "axis " + std::to_string(*axis) + " is not there: the operand has " + counted(rank, "axis", "axes"))
      .suggest("axes count from 0");
  return std::nullopt;
}

/// The array that a call has at a position; nothing after an error.
std::optional<Array> Elaborator::arrayArgument(const CallSite &site, size_t position) {
  Array x = evalArray(*site.call->arguments[position].value, *site.scope);
  return x.isPoison() ? std::nullopt : std::optional(x);
}

/// The sizes that a call has as arguments, from `first` on.
std::optional<Shape> Elaborator::sizeArguments(const CallSite &site, size_t first) {
  Shape shape;
  for (const ast::Argument &argument : llvm::ArrayRef(site.call->arguments).drop_front(first)) {
    Attribute dim = dimOf(*argument.value, *site.scope);
    if (!dim)
      return std::nullopt;
    shape.push_back(dim);
  }
  return checkSize(shape, site.at) ? std::optional(shape) : std::nullopt;
}

/// Tensor by tensor: each may have sizes of its own.
Array Elaborator::eachTensor(const Array &x, llvm::function_ref<Array(const Array &, size_t)> emit) {
  Array all = x;
  all.lanes.clear();
  for (size_t k = 0; k < x.lanes.size(); ++k) {
    Array one = x;
    one.lanes = {x.lanes[k]};
    Array result = emit(one, k);
    if (result.isPoison())
      return {};
    all.lanes.push_back(result.lanes.front());
    all.axes = result.axes;
  }
  return all;
}

//===----------------------------------------------------------------------===//
// Pieces
//===----------------------------------------------------------------------===//

/// 0, 1, 2, .. along one axis of a shape.
Array Elaborator::counts(llvm::ArrayRef<Attribute> shape, size_t axis, Location at) {
  auto type = ArrayType::get(builder.getContext(), shape, builder.getI64Type());
  return {{IotaOp::create(builder, place(at), type, builder.getI64IntegerAttr(axis))}};
}

Array Elaborator::reshaped(const Array &x, llvm::ArrayRef<Attribute> shape, Location at) {
  return perLane({x}, x.axes, [&](llvm::ArrayRef<Value> v) -> Value {
    ArrayType type = typeOf(v[0]).withShape(fullShape(x.axes, shape));
    Value moved = castTo(v[0], elementOf(kindOf(v[0]), std::max<size_t>(type.getRank(), 1)), at); // one element type on both sides
    moved = builder.createOrFold<ReshapeOp>(place(at), typeOf(moved).withShape(type.getShape()), moved);
    return castTo(moved, elementOf(kindOf(v[0]), type.getRank()), at);
  });
}

std::vector<Elaborator::Slot> Elaborator::wholeSlots(llvm::ArrayRef<Attribute> shape) {
  std::vector<Slot> slots;
  for (Attribute dim : shape) {
    Slot slot;
    slot.size = dim;
    slot.isWhole = slot.isInside = true;
    slots.push_back(slot);
  }
  return slots;
}

/// y[.., i, ..] = x[.., from(i), ..] for i below `size`. The places are inside the axis.
Array Elaborator::moveAlong(const Array &x, size_t axis, Attribute size, Location at, llvm::function_ref<Array(Array)> from) {
  std::vector<Slot> slots = wholeSlots(ownShape(x));
  slots[axis].value = from(counts(size, 0, at));
  return slots[axis].value->isPoison() ? Array() : gatherSlots(x, slots, x.axes, at);
}

/// The elements [start, start + size) of an axis.
Array Elaborator::sliceAlong(const Array &x, size_t axis, const Array &start, Attribute size, Location at) {
  std::vector<Slot> slots = wholeSlots(ownShape(x));
  slots[axis].start = start;
  slots[axis].size = size;
  return gatherSlots(x, slots, x.axes, at);
}

/// Repeats along a new axis of size `count` at position `at_axis` of the result.
Array Elaborator::repeatedAlong(const Array &x, size_t newAxis, Attribute count, Location at) {
  return perLane({x}, x.axes, [&](llvm::ArrayRef<Value> v) -> Value {
    Shape shape(typeOf(v[0]).getShape());
    SmallVector<int64_t> axes;
    for (size_t axis = 0; axis < shape.size(); ++axis)
      axes.push_back(axis + (axis >= newAxis + x.axes.size()));
    shape.insert(shape.begin() + newAxis + x.axes.size(), count);
    return broadcastTo(v[0], axes, shape, at);
  });
}

Array Elaborator::concatAll(llvm::ArrayRef<Array> parts, size_t axis, Location at) {
  SmallVector<IndexVar *, 2> axes = commonAxes(parts);
  Kind kind = Kind::Bool;
  for (const Array &part : parts)
    kind = std::max(kind, kindOf(part));
  size_t lane = 0;
  return perLane(parts, axes, [&](llvm::ArrayRef<Value>) -> Value {
    Shape shape(ownShape(parts.front(), lane));
    DimExpr sum = DimExpr::number(0);
    SmallVector<Value> values;
    for (const Array &part : parts) {
      llvm::ArrayRef<Attribute> own = ownShape(part, lane);
      sum = sum + DimExpr::of(own[axis]);
      Shape rest(own);
      rest[axis] = shape[axis];
      if (rest != shape) {
        error(Code::PartsDiffer, at, "the shapes " + describe(shape) + " and " + describe(own) + " cannot be joined along axis " + std::to_string(axis))
            .suggest("parts differ in their size along the axis alone");
        return {};
      }
      values.push_back(fit(part, lane, axes, own, kind, at));
    }
    shape[axis] = sum.toAttr(builder.getContext());
    if (!checkSize(shape, at))
      return {};
    ++lane;
    Shape full = fullShape(axes, shape);
    if (values.size() == 1)
      return values.front();
    return ConcatOp::create(builder, place(at), typeOf(values.front()).withShape(full), values, axis + axes.size());
  });
}

//===----------------------------------------------------------------------===//
// Making arrays
//===----------------------------------------------------------------------===//

/// zeros(3), zeros(n, m), zeros(like w) or zeros([m] like w).
Entity Elaborator::filledArray(const CallSite &site, double value) {
  auto &arguments = site.call->arguments;
  auto *like = arguments.size() == 1 ? dyn_cast<ast::Like>(arguments[0].value.get()) : nullptr;
  if (like) {
    Array model = asArray(evalName(like->name.name, like->name.loc, *site.scope), like->name.loc);
    return perLane({model}, model.axes, [&](llvm::ArrayRef<Value> v) {
      return filled(value, typeOf(v[0]).getShape(), site.at).lanes.front();
    });
  }
  auto *stack = arguments.size() == 1 ? dyn_cast<ast::List>(arguments[0].value.get()) : nullptr;
  if (stack && stack->like) {
    std::optional<DrawShape> shape = readDrawShape(stack, *site.scope);
    Array result;
    for (const Shape &lane : shape ? llvm::ArrayRef(shape->lanes) : llvm::ArrayRef<Shape>())
      result.lanes.push_back(filled(value, lane, site.at).lanes.front());
    if (shape)
      result.isEach = shape->isEach, result.isJoint = shape->isJoint, result.axes = shape->axes;
    return result;
  }
  std::optional<Shape> shape = expectArguments(site, 1, 8) ? sizeArguments(site, 0) : std::nullopt;
  return shape ? Entity(filled(value, *shape, site.at)) : Entity();
}

Entity Elaborator::callZeros(const CallSite &site) { return filledArray(site, 0); }
Entity Elaborator::callOnes(const CallSite &site) { return filledArray(site, 1); }

/// eye(n) and eye(like P): 1 where row and column agree.
Entity Elaborator::callEye(const CallSite &site) {
  if (!expectArguments(site, 1, 1))
    return {};
  Attribute n;
  if (auto *like = dyn_cast<ast::Like>(site.call->arguments[0].value.get())) {
    Array model = asArray(evalName(like->name.name, like->name.loc, *site.scope), like->name.loc);
    if (model.isPoison())
      return {};
    if (ownRank(model) != 2 || ownShape(model)[0] != ownShape(model)[1]) {
      error(Code::RankMismatch, site.at, "'eye' is square, but this has the shape " + describe(ownShape(model)));
      return {};
    }
    n = ownShape(model)[0];
  } else {
    n = dimOf(*site.call->arguments[0].value, *site.scope);
  }
  if (!n || !checkSize({n, n}, site.at))
    return {};
  return toKind(compare(ComparePredicate::Eq, counts({n, n}, 0, site.at), counts({n, n}, 1, site.at), site.at), Kind::Float, site.at);
}

/// arange(n): 0, 1, .., n - 1.
Entity Elaborator::callArange(const CallSite &site) {
  std::optional<Shape> shape = expectArguments(site, 1, 1) ? sizeArguments(site, 0) : std::nullopt;
  return shape ? Entity(counts(*shape, 0, site.at)) : Entity();
}

/// one_hot(label, c)[.., k] = 1 where label[..] = k, else 0.
Entity Elaborator::callOneHot(const CallSite &site) {
  std::optional<Array> label = expectArguments(site, 2, 2) ? arrayArgument(site, 0) : std::nullopt;
  std::optional<Shape> classes = label ? sizeArguments(site, 1) : std::nullopt;
  if (!classes)
    return {};
  if (kindOf(*label) == Kind::Float) {
    error(Code::SubscriptKind, site.call->arguments[0].loc, "a label must be an integer").suggest("declare the array as 'int'");
    return {};
  }
  Array tall = eachTensor(*label, [&](const Array &x, size_t) -> Array {
    Shape shape(ownShape(x));
    shape.push_back(builder.getI64IntegerAttr(1));
    return checkSize(shape, site.at) ? reshaped(toKind(x, Kind::Int, site.at), shape, site.at) : Array();
  });
  if (tall.isPoison())
    return {};
  return toKind(compare(ComparePredicate::Eq, tall, counts(*classes, 0, site.at), site.at), Kind::Float, site.at);
}

//===----------------------------------------------------------------------===//
// Joining and cutting
//===----------------------------------------------------------------------===//

/// The operands of concat and stack, all of one rank.
std::optional<SmallVector<Array>> Elaborator::readParts(const CallSite &site) {
  if (!expectArguments(site, 1, 64))
    return std::nullopt;
  SmallVector<Array> parts;
  for (size_t i = 0; i < site.call->arguments.size(); ++i) {
    std::optional<Array> part = arrayArgument(site, i);
    if (!part)
      return std::nullopt;
    parts.push_back(*part);
    if (ownRank(*part) == ownRank(parts.front()))
      continue;
    error(Code::PartsDiffer, site.call->arguments[i].loc, "a part of the shape " + describe(ownShape(*part)) + " cannot be joined to one of the shape " +
                                                              describe(ownShape(parts.front())))
        .suggest("all parts have one number of axes");
    return std::nullopt;
  }
  return parts;
}

/// concat(a, b), concat[axis = 1](a, b, c).
Entity Elaborator::callConcat(const CallSite &site) {
  std::optional<SmallVector<Array>> parts = readParts(site);
  if (!parts)
    return {};
  if (ownRank(parts->front()) == 0) {
    error(Code::RankMismatch, site.at, "'concat' joins arrays, but these are single numbers").suggest("write them as a list: [a, b]");
    return {};
  }
  std::optional<size_t> axis = readAxisSlot(site, ownRank(parts->front()), 0);
  return axis ? Entity(concatAll(*parts, *axis, site.at)) : Entity();
}

/// stack(a, b): along a new axis.
Entity Elaborator::callStack(const CallSite &site) {
  std::optional<SmallVector<Array>> parts = readParts(site);
  std::optional<size_t> axis = parts ? readAxisSlot(site, ownRank(parts->front()) + 1, 0) : std::nullopt;
  if (!axis)
    return {};
  for (Array &part : *parts) {
    part = eachTensor(part, [&](const Array &x, size_t) -> Array {
      Shape shape(ownShape(x));
      shape.insert(shape.begin() + *axis, builder.getI64IntegerAttr(1));
      return checkSize(shape, site.at) ? reshaped(x, shape, site.at) : Array();
    });
    if (part.isPoison())
      return {};
  }
  return concatAll(*parts, *axis, site.at);
}

/// a, b, c = split(z, 3): parts of one size.
Entity Elaborator::callSplit(const CallSite &site) {
  std::optional<Array> z = expectArguments(site, 2, 2) ? arrayArgument(site, 0) : std::nullopt;
  std::optional<size_t> axis = z ? readAxisSlot(site, ownRank(*z), 0) : std::nullopt;
  std::optional<int64_t> count = axis ? constantInt(*site.call->arguments[1].value, *site.scope, "the number of parts") : std::nullopt;
  if (!count)
    return {};
  if (*count < 1 || *count > 64) {
    error(Code::SizeNotWhole, site.call->arguments[1].loc, "an array is cut into 1 to 64 parts, but not into " + std::to_string(*count));
    return {};
  }
  std::vector<Entity> parts;
  for (int64_t number = 0; number < *count; ++number) {
    Array part = eachTensor(*z, [&](const Array &x, size_t) -> Array {
      DimExpr size = DimExpr::of(ownShape(x)[*axis]) / DimExpr::number(*count);
      if (!size.isValid() || (size.getSymbols().empty() && !size.getNumber())) {
        error(Code::SizeNotWhole, site.at, "an axis of size " + describe(ownShape(x)[*axis]) + " has no " + std::to_string(*count) + " equal parts");
        return {};
      }
      Attribute dim = size.toAttr(builder.getContext());
      Array start = mul(integer(number, site.at), Array{{sizeOf(dim, site.at)}}, site.at);
      return sliceAlong(x, *axis, start, dim, site.at);
    });
    if (part.isPoison())
      return {};
    parts.push_back(part);
  }
  return *count == 1 ? parts.front() : tuple(std::move(parts));
}

/// reshape(x, [n, 4]).
Entity Elaborator::callReshape(const CallSite &site) {
  if (!expectArguments(site, 2, 2))
    return {};
  Array x = evalArray(*site.call->arguments[0].value, *site.scope);
  auto *sizes = dyn_cast<ast::List>(site.call->arguments[1].value.get());
  if (!sizes) {
    error(Code::RankMismatch, site.call->arguments[1].loc, "'reshape' takes the new shape as a list").suggest("reshape(x, [n, 4])");
    return {};
  }
  Shape shape;
  DimExpr after = DimExpr::number(1);
  for (const ast::ExprPtr &size : sizes->elements) {
    Attribute dim = dimOf(*size, *site.scope);
    if (!dim)
      return {};
    shape.push_back(dim);
    after = after * DimExpr::of(dim);
  }
  if (x.isPoison() || !checkSize(shape, site.at))
    return {};
  return eachTensor(x, [&](const Array &one, size_t) -> Array {
    DimExpr before = DimExpr::number(1);
    for (Attribute dim : ownShape(one))
      before = before * DimExpr::of(dim);
    if (before.isValid() && after.isValid() && before.getTerms() == after.getTerms() && before.getDivisor() == after.getDivisor())
      return reshaped(one, shape, site.at);
    std::optional<int64_t> count = after.getNumber();
    error(Code::ShapeMismatch, site.at, "cannot make " + (count ? counted(*count, "element") : after.print() + " elements") + " of " + before.print())
        .suggest(before.getNumber() && count ? "" : "the two numbers of elements must be the same formula of the dimensions");
    return {};
  });
}

//===----------------------------------------------------------------------===//
// Moving elements
//===----------------------------------------------------------------------===//

/// The operand of a word that works along one axis, the only one if no axis is given, and that axis.
std::optional<std::pair<Array, size_t>> Elaborator::readAlong(const CallSite &site, size_t arguments) {
  std::optional<Array> x = expectArguments(site, arguments, arguments) ? arrayArgument(site, 0) : std::nullopt;
  std::optional<size_t> axis = x ? readAxisSlot(site, ownRank(*x), ownRank(*x) == 1 ? std::optional<size_t>(0) : std::nullopt) : std::nullopt;
  return axis ? std::optional(std::pair(*x, *axis)) : std::nullopt;
}

/// flip(x): the last element first.
Entity Elaborator::callFlip(const CallSite &site) {
  auto along = readAlong(site, 1);
  if (!along)
    return {};
  return eachTensor(along->first, [&](const Array &x, size_t) {
    Attribute size = ownShape(x)[along->second];
    Array last = sub(Array{{sizeOf(size, site.at)}}, integer(1, site.at), site.at);
    return moveAlong(x, along->second, size, site.at, [&](Array i) { return sub(last, i, site.at); });
  });
}

/// roll(x, k)[i] = x[(i - k) % n].
Entity Elaborator::callRoll(const CallSite &site) {
  auto along = readAlong(site, 2);
  if (!along)
    return {};
  Array shift = evalScalar(*site.call->arguments[1].value, *site.scope, "the distance");
  if (shift.isPoison())
    return {};
  if (kindOf(shift) == Kind::Float) {
    error(Code::SubscriptKind, site.call->arguments[1].loc, "the distance must be an integer");
    return {};
  }
  return eachTensor(along->first, [&](const Array &x, size_t k) {
    Attribute size = ownShape(x)[along->second];
    return moveAlong(x, along->second, size, site.at, [&](Array i) {
      return binary<ModOp>(sub(i, Array{{shift.lane(k)}}, site.at), Array{{sizeOf(size, site.at)}}, site.at);
    });
  });
}

/// Each element, or the whole, `n` times along an axis.
Entity Elaborator::repeatAxis(const CallSite &site, bool isEachElement) {
  auto along = readAlong(site, 2);
  std::optional<Shape> count = along ? sizeArguments(site, 1) : std::nullopt;
  if (!count)
    return {};
  size_t axis = along->second;
  return eachTensor(along->first, [&](const Array &x, size_t) -> Array {
    Shape shape(ownShape(x));
    shape[axis] = (DimExpr::of(shape[axis]) * DimExpr::of(count->front())).toAttr(builder.getContext());
    if (!checkSize(shape, site.at))
      return {};
    return reshaped(repeatedAlong(x, axis + isEachElement, count->front(), site.at), shape, site.at);
  });
}

Entity Elaborator::callRepeat(const CallSite &site) { return repeatAxis(site, /*isEachElement=*/true); }
Entity Elaborator::callTile(const CallSite &site) { return repeatAxis(site, /*isEachElement=*/false); }
