//===- EmitCorrelation.cpp - Correlations and convolutions -------------------------===//
//
// correlate(x, k): y[n, o, p] = the sum over c, a of x[n, c, p s + a d] k[o, c, a], for a stride s and a dilation d, with zeros around x. It is a
// sum of products over all these indices at once: the windows of x are read where they are and never stored. So are its derivatives, which
// are correlations again:
//   in x   of dy with s - 1 zeros between its elements and d (m - 1) before them, and k backwards; the stride is 1,
//   in k   of x and dy, with the stride d and the dilation s.
// They stand in a gradus.custom, for the plain derivative of a read is a write of all windows.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::SmallVector;
using mlir::Attribute;
using mlir::Value;

/// What the slot says for each axis of the image.
struct Elaborator::Windows {
  SmallVector<int64_t> stride, pad, dilation;
};

/// How many derivatives of derivatives are correlations; those beyond add up windows one after the other.
static constexpr int mostDerivatives = 2;

/// Correlations of single values.
class Elaborator::Correlation {
public:
  /// The axes before those of the image are told by labels, as in a contraction.
  struct Form {
    SmallVector<int64_t> a, b, out;
    SmallVector<int64_t> stride, dilation;
    /// The sum runs over images, so that neighbours in memory belong to one result.
    bool sumsImages = false;
  };

  Correlation(Elaborator &elaborator, Location at) : e(elaborator), at(at) {}

  /// out[.., p] = the sum over labels that `out` lacks and w of a[.., p s + w d] b[.., w], with `sizes` for p.
  Value emit(const Form &form, Value a, Value b, llvm::ArrayRef<Attribute> sizes, int derivatives = mostDerivatives) {
    if (derivatives == 0)
      return emitSum(form, a, b, sizes);
    Shape shape;
    for (int64_t label : form.out)
      shape.push_back(sizeOfLabel(form, a, b, label));
    shape.append(sizes.begin(), sizes.end());
    ArrayType type = typeOf(a).withShape(shape);
    auto op = CustomOp::create(e.builder, e.place(at), mlir::TypeRange(type), mlir::ValueRange{a, b});
    op->setAttr("exact", e.builder.getUnitAttr()); // the derivative is that of the body
    e.fillWith(op.getBody(), {a.getType(), b.getType()}, at,
               [&](mlir::Block &block) { return emitSum(form, block.getArgument(0), block.getArgument(1), sizes); });
    e.fillWith(op.getDerivative(), {a.getType(), b.getType(), type, type}, at, [&](mlir::Block &block) {
      Value x = block.getArgument(0), k = block.getArgument(1), dy = block.getArgument(3);
      Form inX{form.out, form.b, form.a, SmallVector<int64_t>(sizes.size(), 1), form.dilation};
      Form inK{form.a, form.out, form.b, form.dilation, form.stride, !form.sumsImages};
      Value wide = spread(form, dy, imageOf(x, form.a), imageOf(k, form.b));
      return SmallVector<Value>{emit(inX, wide, backwards(k, form.b.size()), imageOf(x, form.a), derivatives - 1),
                                emit(inK, x, dy, imageOf(k, form.b), derivatives - 1)};
    });
    return op.getYs().front();
  }

  /// The elements of the axes of the image in reverse order.
  Value backwards(Value x, size_t first) {
    ArrayType type = typeOf(x);
    SmallVector<Value> places;
    for (auto [axis, size] : llvm::enumerate(type.getShape())) {
      Array place = count(type.getShape(), axis);
      if (axis >= first)
        place = e.sub(e.sub(Array{{e.sizeOf(size, at)}}, e.integer(1, at), at), place, at);
      places.push_back(place.lanes.front());
    }
    return GatherOp::create(e.builder, e.place(at), type, x, places, /*in_bounds=*/true);
  }

  /// `before` and `after` zeros along an axis.
  Value pad(Value x, size_t axis, DimExpr before, DimExpr after) {
    SmallVector<Value> parts;
    DimExpr sum = DimExpr::number(0);
    auto add = [&](const DimExpr &size, llvm::function_ref<Value(Attribute)> part) {
      if (size.getNumber() == 0)
        return;
      parts.push_back(part(size.toAttr(e.builder.getContext())));
      sum = sum + size;
    };
    add(before, [&](Attribute size) { return zeros(x, axis, size); });
    add(DimExpr::of(typeOf(x).getShape()[axis]), [&](Attribute) { return x; });
    add(after, [&](Attribute size) { return zeros(x, axis, size); });
    if (parts.size() == 1)
      return parts.front();
    Shape shape(typeOf(x).getShape());
    shape[axis] = sum.toAttr(e.builder.getContext());
    return parts.empty() ? x : ConcatOp::create(e.builder, e.place(at), typeOf(x).withShape(shape), parts, axis).getResult();
  }

private:
  static llvm::ArrayRef<Attribute> imageOf(Value x, llvm::ArrayRef<int64_t> labels) { return typeOf(x).getShape().drop_front(labels.size()); }

  static Attribute sizeOfLabel(const Form &form, Value a, Value b, int64_t label) {
    const auto *inA = llvm::find(form.a, label);
    return inA != form.a.end() ? typeOf(a).getShape()[inA - form.a.begin()] : typeOf(b).getShape()[llvm::find(form.b, label) - form.b.begin()];
  }

  /// The number of each element along an axis.
  Array count(llvm::ArrayRef<Attribute> shape, size_t axis) {
    auto type = ArrayType::get(e.builder.getContext(), shape, e.builder.getI64Type());
    return {{IotaOp::create(e.builder, e.place(at), type, e.builder.getI64IntegerAttr(static_cast<int64_t>(axis)))}};
  }

  Value zeros(Value like, size_t axis, Attribute size) {
    Shape shape(typeOf(like).getShape());
    shape[axis] = size;
    return e.castTo(e.filled(0, shape, at).lanes.front(), typeOf(like).getElementType(), at);
  }

  Value reshape(Value x, llvm::ArrayRef<Attribute> shape) { return ReshapeOp::create(e.builder, e.place(at), typeOf(x).withShape(shape), x); }

  /// dy as the derivative in a reads it: at p s + d (m - 1), with zeros elsewhere, as far as `image` with windows of `window` asks.
  Value spread(const Form &form, Value dy, llvm::ArrayRef<Attribute> image, llvm::ArrayRef<Attribute> window) {
    for (size_t k = 0; k < image.size(); ++k) {
      size_t axis = form.out.size() + k;
      Shape shape(typeOf(dy).getShape());
      DimExpr steps = DimExpr::of(shape[axis]) * DimExpr::number(form.stride[k]);
      if (form.stride[k] > 1) {
        shape.insert(shape.begin() + axis + 1, e.builder.getI64IntegerAttr(1));
        dy = pad(reshape(dy, shape), axis + 1, DimExpr::number(0), DimExpr::number(form.stride[k] - 1));
        shape.erase(shape.begin() + axis + 1);
        shape[axis] = steps.toAttr(e.builder.getContext());
        dy = reshape(dy, shape);
      }
      DimExpr reach = DimExpr::number(form.dilation[k]) * (DimExpr::of(window[k]) - DimExpr::number(1));
      dy = pad(dy, axis, reach, DimExpr::of(image[k]) - steps + DimExpr::number(form.stride[k] - 1));
    }
    return dy;
  }

  /// The sum itself. Neighbours along the last axis of its space are computed side by side: those of the result or those of the sum.
  Value emitSum(const Form &form, Value a, Value b, llvm::ArrayRef<Attribute> sizes) {
    size_t rank = sizes.size();
    Shape space;
    llvm::SmallDenseMap<int64_t, size_t> axisOf;
    SmallVector<size_t> results, windows;
    SmallVector<int64_t> summed;
    auto addLabel = [&](int64_t label) {
      axisOf[label] = space.size();
      space.push_back(sizeOfLabel(form, a, b, label));
    };
    auto addResult = [&](size_t k) {
      results.push_back(space.size());
      space.push_back(sizes[k]);
    };
    llvm::for_each(form.out, addLabel);
    for (size_t k = 0; k + (form.sumsImages ? 0 : 1) < rank; ++k)
      addResult(k);
    size_t first = space.size();
    for (int64_t label : form.a)
      if (!axisOf.contains(label))
        addLabel(label);
    for (Attribute size : imageOf(b, form.b)) {
      windows.push_back(space.size());
      space.push_back(size);
    }
    for (size_t axis = first; axis < space.size(); ++axis)
      summed.push_back(axis);
    if (!form.sumsImages)
      addResult(rank - 1);
    if (!e.checkSize(space, at))
      return {};

    SmallVector<Value> places;
    for (int64_t label : form.a)
      places.push_back(count(space, axisOf[label]).lanes.front());
    auto times = [&](Array x, int64_t factor) { return factor == 1 ? x : e.mul(x, e.integer(factor, at), at); };
    for (size_t k = 0; k < rank; ++k)
      places.push_back(e.add(times(count(space, results[k]), form.stride[k]), times(count(space, windows[k]), form.dilation[k]), at).lanes.front());
    Value read = GatherOp::create(e.builder, e.place(at), typeOf(a).withShape(space), a, places, /*in_bounds=*/true);

    // The axes of b in the order of the space.
    SmallVector<int64_t> target, order = llvm::to_vector(llvm::seq<int64_t>(0, typeOf(b).getRank()));
    for (int64_t label : form.b)
      target.push_back(axisOf[label]);
    target.append(windows.begin(), windows.end());
    llvm::sort(order, [&](int64_t i, int64_t j) { return target[i] < target[j]; });
    llvm::sort(target);
    Value weight = e.broadcastTo(e.transposed(b, order, at), target, space, at);
    Value product = MulOp::create(e.builder, e.place(at), read, weight);
    return e.reduce(ReductionKind::Sum, Array{{product}}, summed, at).lanes.front();
  }

  Elaborator &e;
  Location at;
};

//===----------------------------------------------------------------------===//
// The words
//===----------------------------------------------------------------------===//

/// stride = 2, pad = (1, 0), dilation = 1: a number for all axes of the image, or one for each. What is not given is left empty.
std::optional<Elaborator::Windows> Elaborator::readWindows(const CallSite &site) {
  Windows windows;
  for (const ast::Subscript &slot : site.slots) {
    llvm::StringRef word = slot.kind == ast::SubKind::Named ? llvm::StringRef(slot.name->name) : "";
    SmallVector<int64_t> *numbers = word == "stride" ? &windows.stride : word == "pad" ? &windows.pad : word == "dilation" ? &windows.dilation : nullptr;
    if (!numbers || !numbers->empty()) {
      error(Code::CorrelationSlot, slot.loc, "'" + site.builtin->name.str() + "' takes 'stride', 'pad' and 'dilation' in its slot, each once")
          .suggest(site.builtin->name.str() + "[stride = 2, pad = 1](x, k), or pad = (1, 0) for two axes");
      return std::nullopt;
    }
    std::vector<const ast::Expr *> values;
    if (auto *several = llvm::dyn_cast<ast::Tuple>(slot.value.get()))
      for (const ast::ExprPtr &value : several->elements)
        values.push_back(value.get());
    else
      values.push_back(slot.value.get());
    for (const ast::Expr *value : values) {
      std::optional<int64_t> number = constantInt(*value, *site.scope, "'" + word.str() + "'");
      if (!number)
        return std::nullopt;
      if (*number < (word == "pad" ? 0 : 1) || *number > 1 << 30) {
        error(Code::CorrelationSlot, value->loc, "'" + word.str() + "' is " + std::to_string(*number) + ", but at least " + (word == "pad" ? "0" : "1"));
        return std::nullopt;
      }
      numbers->push_back(*number);
    }
  }
  return windows;
}

/// correlate(x, k), and convolve(x, k), whose window is read backwards.
template <bool isFlipped>
Entity Elaborator::callCorrelation(const CallSite &site) {
  std::optional<Windows> windows = expectArguments(site, 2, 2) ? readWindows(site) : std::nullopt;
  std::optional<Array> x = windows ? arrayArgument(site, 0) : std::nullopt, k = x ? arrayArgument(site, 1) : std::nullopt;
  if (!k)
    return {};
  std::string name = site.builtin->name.str();
  std::optional<Array> model; // the tensors that x is as one signal
  for (auto [position, operand] : {std::pair(0, &*x), std::pair(1, &*k)})
    if (isCollection(*operand)) {
      Array whole = evalJoint(*site.call->arguments[position].value, *site.scope);
      *operand = joined(whole, 0, site.at);
      if (operand->isPoison())
        return {};
      if (position == 0)
        model = whole;
    }
  size_t rank = ownRank(*x), numLeading = rank > 2 ? 2 : 0;
  for (size_t lane = 0; lane < std::max(x->lanes.size(), k->lanes.size()); ++lane) {
    llvm::ArrayRef<Attribute> image = ownShape(*x, x->lanes.size() == 1 ? 0 : lane), window = ownShape(*k, k->lanes.size() == 1 ? 0 : lane);
    if (image.size() == rank && window.size() == rank && rank >= 1 && rank <= 4 && (numLeading == 0 || image[1] == window[1]))
      continue;
    error(Code::CorrelationShape, site.at, "'" + name + "' has no meaning for the shapes " + describe(image) + " and " + describe(window))
        .suggest("[n] with [m], [h, w] with [a, b]; with samples n, channels c and outputs o: [n, c, l] with [o, c, m], [n, c, h, w] with [o, c, a, b]");
    return {};
  }
  size_t numAxes = rank - numLeading;
  for (auto [numbers, word, otherwise] : {std::tuple(&windows->stride, "stride", 1), std::tuple(&windows->pad, "pad", 0), std::tuple(&windows->dilation, "dilation", 1)}) {
    if (numbers->size() > 1 && numbers->size() != numAxes) {
      error(Code::CorrelationSlot, site.at, "'" + std::string(word) + "' has " + counted(numbers->size(), "number") + " for " + counted(numAxes, "axis", "axes"));
      return {};
    }
    numbers->resize(numAxes, numbers->empty() ? otherwise : numbers->front());
  }
  SmallVector<IndexVar *, 2> axes = commonAxes({*x, *k});
  auto spreadAll = [&](const Array &given) {
    Array wide = toKind(given, Kind::Float, site.at);
    for (size_t lane = 0; lane < wide.lanes.size(); ++lane)
      wide.lanes[lane] = fit(Array{{wide.lanes[lane]}, false, false, given.axes}, 0, axes, ownShape(given, lane), Kind::Float, site.at);
    wide.axes = axes;
    return wide;
  };
  Array y = perLane({spreadAll(*x), spreadAll(*k)}, axes, [&](llvm::ArrayRef<Value> v) -> Value {
    Correlation correlation(*this, site.at);
    Correlation::Form form;
    form.a = form.b = form.out = llvm::to_vector(llvm::seq<int64_t>(0, axes.size()));
    int64_t n = axes.size(), o = n + 1, c = n + 2;
    if (numLeading) {
      form.a.append({n, c});
      form.b.append({o, c});
      form.out.append({n, o});
    }
    form.stride = windows->stride;
    form.dilation = windows->dilation;
    Value image = v[0], window = isFlipped ? correlation.backwards(v[1], form.b.size()) : v[1];
    Shape sizes;
    for (size_t axis = 0; axis < numAxes; ++axis) {
      DimExpr margin = DimExpr::number(windows->pad[axis]);
      image = correlation.pad(image, form.a.size() + axis, margin, margin);
      DimExpr whole = DimExpr::of(typeOf(image).getShape()[form.a.size() + axis]), own = DimExpr::of(typeOf(window).getShape()[form.b.size() + axis]);
      DimExpr room = whole - (own - DimExpr::number(1)) * DimExpr::number(form.dilation[axis]) - DimExpr::number(1);
      if (own.getNumber() == 0 || (room.getNumber() && *room.getNumber() < 0)) {
        error(Code::CorrelationShape, site.at, "a window of the shape " + describe(ownShape(*k)) + " has no place in " + describe(ownShape(*x)))
            .suggest("zeros around: " + name + "[pad = 1](x, k)");
        return {};
      }
      DimExpr size = form.stride[axis] == 1 ? room : DimExpr::floorDiv(room, DimExpr::number(form.stride[axis]));
      sizes.push_back((size + DimExpr::number(1)).toAttr(builder.getContext()));
    }
    return correlation.emit(form, image, window, sizes);
  });
  // A value for each element of the collection is one of its tensors again; else it is a signal of another length.
  bool isOfEach = model && !y.isPoison() && ownShape(y) == ownShape(*x);
  return isOfEach ? apart(y, *model, 0, site.at) : y;
}
template Entity Elaborator::callCorrelation<false>(const CallSite &site);
template Entity Elaborator::callCorrelation<true>(const CallSite &site);
