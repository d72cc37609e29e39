//===- EmitMatrix.cpp - Words for the parts of matrices, products and segments ------===//

#include "lang/Elaborator.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::SmallVector;
using mlir::Attribute;
using mlir::Value;

/// The elements x[i, i].
Array Elaborator::diagonalOf(const Array &x, Location at) {
  Attribute size = DimExpr::min(DimExpr::of(ownShape(x)[0]), DimExpr::of(ownShape(x)[1])).toAttr(builder.getContext());
  Shape shape = fullShape(x.axes, size);
  SmallVector<Value> indices;
  for (size_t axis = 0; axis < x.axes.size(); ++axis)
    indices.push_back(counts(shape, axis, at).lanes.front());
  Value along = counts(shape, x.axes.size(), at).lanes.front();
  indices.append({along, along});
  return perLane({x}, x.axes, [&](llvm::ArrayRef<Value> v) -> Value {
    return GatherOp::create(builder, place(at), typeOf(v[0]).withShape(shape), v[0], indices, /*in_bounds=*/true);
  });
}

/// diag(v): the matrix with v on its diagonal. diag(M): the diagonal of M.
Entity Elaborator::callDiag(const CallSite &site) {
  auto arguments = arrayArguments(site, 1, 1);
  if (!arguments)
    return {};
  return eachTensor((*arguments)[0], [&](const Array &x, size_t) -> Array {
    if (ownRank(x) == 2)
      return diagonalOf(x, site.at);
    if (ownRank(x) != 1) {
      error(Code::RankMismatch, site.at, "'diag' takes a vector or a matrix, but this has the shape " + describe(ownShape(x)));
      return {};
    }
    Attribute n = ownShape(x)[0];
    if (!checkSize({n, n}, site.at))
      return {};
    Array isOn = compare(ComparePredicate::Eq, counts({n, n}, 0, site.at), counts({n, n}, 1, site.at), site.at);
    return select(isOn, x, integer(0, site.at), site.at);
  });
}

Entity Elaborator::callTrace(const CallSite &site) {
  auto arguments = arrayArguments(site, 1, 1);
  if (!arguments)
    return {};
  return eachTensor((*arguments)[0], [&](const Array &x, size_t) -> Array {
    if (ownRank(x) != 2) {
      error(Code::RankMismatch, site.at, "'trace' takes a matrix, but this has the shape " + describe(ownShape(x)));
      return {};
    }
    int64_t axis = x.axes.size();
    return reduce(ReductionKind::Sum, toKind(diagonalOf(x, site.at), std::max(kindOf(x), Kind::Int), site.at), axis, site.at);
  });
}

/// triu(M), triu(M, k): what lies on and above diagonal k; tril: on and below.
template <bool isUpper>
Entity Elaborator::callTriangle(const CallSite &site) {
  auto arguments = arrayArguments(site, 1, 2);
  if (!arguments)
    return {};
  Array diagonal = arguments->size() == 2 ? (*arguments)[1] : integer(0, site.at);
  if (kindOf(diagonal) == Kind::Float || !isScalar(diagonal)) {
    error(Code::SubscriptKind, site.at, "the number of a diagonal must be an integer");
    return {};
  }
  return eachTensor((*arguments)[0], [&](const Array &x, size_t) -> Array {
    if (ownRank(x) != 2) {
      error(Code::RankMismatch, site.at, "'" + site.builtin->name.str() + "' takes a matrix, but this has the shape " + describe(ownShape(x)));
      return {};
    }
    Array above = sub(counts(ownShape(x), 1, site.at), counts(ownShape(x), 0, site.at), site.at);
    Array isKept = compare(isUpper ? ComparePredicate::Ge : ComparePredicate::Le, above, diagonal, site.at);
    return select(isKept, x, integer(0, site.at), site.at);
  });
}
template Entity Elaborator::callTriangle<false>(const CallSite &site);
template Entity Elaborator::callTriangle<true>(const CallSite &site);

/// kron(A, B)[i p + k, j q + l] = A[i, j] B[k, l]; of vectors likewise.
Entity Elaborator::callKron(const CallSite &site) {
  auto both = arrayArguments(site, 2, 2);
  if (!both)
    return {};
  const Array &a = (*both)[0], &b = (*both)[1];
  size_t rank = ownRank(a);
  if (a.lanes.size() != 1 || b.lanes.size() != 1)
    return notBuilt(Code::WordNotBuilt, site.at, "'kron' of the tensors of a collection", "write the products by indices");
  if (rank != static_cast<size_t>(ownRank(b)) || rank < 1 || rank > 2) {
    error(Code::RankMismatch, site.at, "'kron' takes two vectors or two matrices, but these have the shapes " + describe(ownShape(a)) + " and " +
                                           describe(ownShape(b)));
    return {};
  }
  SmallVector<int64_t> left, right, out;
  Shape shape;
  for (size_t axis = 0; axis < rank; ++axis) {
    left.push_back(2 * axis);
    right.push_back(2 * axis + 1);
    out.append({static_cast<int64_t>(2 * axis), static_cast<int64_t>(2 * axis + 1)});
    shape.push_back((DimExpr::of(ownShape(a)[axis]) * DimExpr::of(ownShape(b)[axis])).toAttr(builder.getContext()));
  }
  Array product = checkSize(shape, site.at) ? contract(a, left, b, right, out, {}, site.at) : Array();
  return product.isPoison() ? Entity() : reshaped(product, shape, site.at);
}

/// segment_sum(x, ids, n)[s] = the sum of the rows x[i] with ids[i] = s, in their order.
Entity Elaborator::callSegmentSum(const CallSite &site) {
  std::optional<Array> x = expectArguments(site, 3, 3) ? arrayArgument(site, 0) : std::nullopt;
  std::optional<Array> ids = x ? arrayArgument(site, 1) : std::nullopt;
  std::optional<Shape> count = ids ? sizeArguments(site, 2) : std::nullopt;
  if (!count)
    return {};
  if (kindOf(*ids) == Kind::Float || ownRank(*ids) != 1) {
    error(Code::SubscriptKind, site.call->arguments[1].loc, "the segments are a vector of integers, but this has the shape " + describe(ownShape(*ids)));
    return {};
  }
  if (ownRank(*x) < 1 || ownShape(*x)[0] != ownShape(*ids)[0]) {
    error(Code::ShapeMismatch, site.at, "each row has a segment, but the rows have the shape " + describe(ownShape(*x)) + " and the segments " +
                                            describe(ownShape(*ids)));
    return {};
  }
  SmallVector<IndexVar *, 2> axes = commonAxes({*x, *ids});
  Kind kind = std::max(kindOf(*x), Kind::Int);
  Shape target(ownShape(*x));
  target[0] = count->front();
  Shape full = fullShape(axes, ownShape(*x));
  SmallVector<Value> indices;
  for (size_t axis = 0; axis < full.size(); ++axis)
    indices.push_back(counts(full, axis, site.at).lanes.front());
  SmallVector<int64_t> places;
  for (IndexVar *index : ids->axes)
    places.push_back(llvm::find(axes, index) - axes.begin());
  places.push_back(axes.size());
  indices[axes.size()] = broadcastTo(castTo(ids->lanes.front(), builder.getI64Type(), site.at), places, full, site.at);
  Value rows = fit(*x, 0, axes, ownShape(*x), kind, site.at);
  Value zero = fit(integer(0, site.at), 0, axes, target, kind, site.at);
  return Array{{ScatterAddOp::create(builder, place(site.at), zero, indices, rows)}, x->isEach, false, axes};
}
