//===- EmitLinearAlgebra.cpp - Words that factor matrices ------------------------===//
//
// cholesky, solve, inverse, logdet, det, qr, eigh, svd, pinv, norm2. They work on the last two axes; indices and the axes before
// count matrices. Some have a last result that need not be taken: `L, ok = cholesky(A)`.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::SmallVector;
using mlir::Attribute;
using mlir::Value;

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// An argument that is a matrix of real numbers, or several along its leading axes, or a linear operator.
std::optional<Array> Elaborator::readMatrix(const CallSite &site, size_t position, bool isSquare) {
  Array x = evalMatrix(*site.call->arguments[position].value, *site.scope);
  if (x.isPoison())
    return std::nullopt;
  Location at = site.call->arguments[position].loc;
  std::string name = site.builtin->name.str();
  if (isCollection(x)) { // a stack of m vectors of R^d is a matrix of m rows
    if (isStack(x))
      x = joined(evalJoint(*site.call->arguments[position].value, *site.scope), 1, at);
    else
      error(Code::CollectionForm, at, "'" + name + "' takes a matrix, but of a joint param this is one vector")
          .suggest("declare the param without 'joint' for the matrix that each tensor is; a stack, state S: [m] like w, has m rows");
    if (x.isPoison() || x.isJoint)
      return std::nullopt;
  }
  for (size_t k = 0; k < x.lanes.size(); ++k) {
    llvm::ArrayRef<Attribute> shape = ownShape(x, k);
    if (shape.size() < 2) {
      error(Code::RankMismatch, at, "'" + name + "' takes a matrix, but this has the shape " + describe(shape))
          .suggest(shape.empty() ? "a number is the matrix [[x]]" : "a column is reshape(x, [n, 1])");
      return std::nullopt;
    }
    if (isSquare && shape.back() != shape.drop_back().back()) {
      error(Code::MatrixNotSquare, at, "'" + name + "' takes a square matrix, but this has the shape " + describe(shape))
          .suggest("two sizes are equal where they have one name: A: [n, n]; A.T @ A is square");
      return std::nullopt;
    }
  }
  return toKind(x, Kind::Float, at);
}

/// The only argument of a word without a slot.
std::optional<Array> Elaborator::onlyMatrix(const CallSite &site, bool isSquare) {
  if (!expectArguments(site, 1, 1))
    return std::nullopt;
  if (!site.slots.empty()) {
    error(Code::UnknownSlot, site.slots[0].loc, "'" + site.builtin->name.str() + "' works on the last two axes and takes no subscript")
        .suggest("other axes: name them by indices, L[i, :, :] = " + site.builtin->name.str() + "(A[i, :, :])");
    return std::nullopt;
  }
  return readMatrix(site, 0, isSquare);
}

/// Builds an op for each tensor and gives its results, as many arrays as `count`.
Elaborator::Parts Elaborator::eachMatrix(llvm::ArrayRef<Array> operands, llvm::ArrayRef<IndexVar *> axes, size_t count,
                                         llvm::function_ref<mlir::Operation *(llvm::ArrayRef<Value>)> make) {
  Parts parts(count);
  size_t lanes = 1;
  for (const Array &operand : operands)
    lanes = std::max<size_t>(lanes, operand.lanes.size());
  for (size_t k = 0; k < lanes; ++k) {
    SmallVector<Value> values;
    for (const Array &operand : operands)
      values.push_back(operand.lane(k));
    mlir::Operation *op = make(values);
    for (auto [part, result] : llvm::zip(parts, op->getResults()))
      part.lanes.push_back(result);
  }
  for (Array &part : parts) {
    part.axes.assign(axes.begin(), axes.end());
    part.isEach = llvm::any_of(operands, [](const Array &operand) { return operand.isEach; });
  }
  return parts;
}

/// The type of what a factorization gives for each matrix.
static ArrayType perMatrix(Value a, llvm::ArrayRef<Attribute> own, mlir::Type element) {
  auto type = llvm::cast<ArrayType>(a.getType());
  Shape shape(type.getShape().drop_back(2));
  shape.append(own.begin(), own.end());
  return ArrayType::get(a.getContext(), shape, element);
}

static Attribute smallerOf(llvm::ArrayRef<Attribute> matrix) {
  return DimExpr::min(DimExpr::of(matrix[0]), DimExpr::of(matrix[1])).toAttr(matrix[0].getContext());
}

/// As many of the parts as the assignment takes; the last `optional` of them need not be taken.
Entity Elaborator::takeParts(const CallSite &site, const Parts &parts, size_t optional) {
  if (llvm::any_of(parts, [](const Array &part) { return part.isPoison(); }))
    return {};
  size_t count = std::clamp(site.wanted, parts.size() - optional, parts.size());
  if (count == 1)
    return parts.front();
  return tuple(std::vector<Entity>(parts.begin(), parts.begin() + count));
}

//===----------------------------------------------------------------------===//
// Factorizations
//===----------------------------------------------------------------------===//

/// L, ok = cholesky(A).
Entity Elaborator::callCholesky(const CallSite &site) {
  std::optional<Array> a = onlyMatrix(site, /*isSquare=*/true);
  if (!a)
    return {};
  return takeParts(site, eachMatrix({*a}, a->axes, 2, [&](llvm::ArrayRef<Value> v) -> mlir::Operation * {
    return CholeskyOp::create(builder, place(site.at), v[0].getType(), perMatrix(v[0], {}, builder.getI1Type()), v[0]);
  }), 1);
}

/// Q, R = qr(A).
Entity Elaborator::callQr(const CallSite &site) {
  std::optional<Array> a = onlyMatrix(site, /*isSquare=*/false);
  if (!a)
    return {};
  Parts parts = eachMatrix({*a}, a->axes, 2, [&](llvm::ArrayRef<Value> v) -> mlir::Operation * {
    llvm::ArrayRef<Attribute> shape = typeOf(v[0]).getShape().take_back(2);
    Attribute k = smallerOf(shape);
    mlir::Type element = typeOf(v[0]).getElementType();
    return QrOp::create(builder, place(site.at), perMatrix(v[0], {shape[0], k}, element), perMatrix(v[0], {k, shape[1]}, element), v[0]);
  });
  const ast::Expr &operand = *site.call->arguments[0].value;
  if (Array given = evalMatrix(operand, *site.scope); !given.isPoison() && isCollection(given)) // the rows of R are those of a stack
    parts[1] = apart(parts[1], evalJoint(operand, *site.scope), 1, site.at);
  return takeParts(site, parts, 0);
}

/// e, Q = eigh(A), and ok.
Entity Elaborator::callEigh(const CallSite &site) {
  std::optional<Array> a = onlyMatrix(site, /*isSquare=*/true);
  if (!a)
    return {};
  return takeParts(site, eachMatrix({*a}, a->axes, 3, [&](llvm::ArrayRef<Value> v) -> mlir::Operation * {
    ArrayType values = perMatrix(v[0], typeOf(v[0]).getShape().take_back(1), typeOf(v[0]).getElementType());
    return EighOp::create(builder, place(site.at), values, v[0].getType(), perMatrix(v[0], {}, builder.getI1Type()), v[0]);
  }), 1);
}

/// U, s, V and ok.
Elaborator::Parts Elaborator::emitSvd(const Array &a, Location at) {
  return eachMatrix({a}, a.axes, 4, [&](llvm::ArrayRef<Value> v) -> mlir::Operation * {
    llvm::ArrayRef<Attribute> shape = typeOf(v[0]).getShape().take_back(2);
    Attribute k = smallerOf(shape);
    mlir::Type element = typeOf(v[0]).getElementType();
    return SvdOp::create(builder, place(at), perMatrix(v[0], {shape[0], k}, element), perMatrix(v[0], k, element),
                         perMatrix(v[0], {shape[1], k}, element), perMatrix(v[0], {}, builder.getI1Type()), v[0]);
  });
}

Entity Elaborator::callSvd(const CallSite &site) {
  std::optional<Array> a = onlyMatrix(site, /*isSquare=*/false);
  return a ? takeParts(site, emitSvd(*a, site.at), 1) : Entity();
}

/// The largest singular value; 0 of a matrix without elements.
Entity Elaborator::callNorm2(const CallSite &site) {
  std::optional<Array> a = onlyMatrix(site, /*isSquare=*/false);
  if (!a)
    return {};
  return eachTensor(*a, [&](const Array &x, size_t) -> Array {
    Array s = emitSvd(x, site.at)[1];
    Array largest = reduce(ReductionKind::Max, s, typeOf(s.lanes.front()).getRank() - 1, site.at);
    return binary<MaxOp>(largest, number(0, site.at), site.at);
  });
}

//===----------------------------------------------------------------------===//
// Systems
//===----------------------------------------------------------------------===//

namespace {
/// What stands in the slot of `solve`.
struct SolveSlot {
  MatrixKind kind = MatrixKind::General;
  bool isTransposed = false;
};
} // namespace

static std::optional<SolveSlot> readSolveSlot(const CallSite &site, llvm::function_ref<void(const ast::Subscript &)> refuse) {
  SolveSlot slot;
  bool hasKind = false;
  for (const ast::Subscript &sub : site.slots) {
    auto *name = sub.kind == ast::SubKind::Value ? llvm::dyn_cast<ast::Name>(sub.value.get()) : nullptr;
    std::optional<MatrixKind> kind = name && name->name != "general" ? symbolizeMatrixKind(name->name) : std::nullopt;
    bool isTransposed = name && name->name == "transposed";
    if ((!kind && !isTransposed) || (kind && hasKind) || (isTransposed && slot.isTransposed)) {
      refuse(sub);
      return std::nullopt;
    }
    hasKind |= kind.has_value();
    slot.kind = kind.value_or(slot.kind);
    slot.isTransposed |= isTransposed;
  }
  return slot;
}

/// X and ok with A X = B, for columns B.
Elaborator::Parts Elaborator::emitSolve(MatrixKind kind, bool isTransposed, const Array &a, const Array &b, Location at) {
  SmallVector<IndexVar *, 2> axes = commonAxes({a, b});
  return eachMatrix({spreadOver(a, axes, at), spreadOver(b, axes, at)}, axes, 2, [&](llvm::ArrayRef<Value> v) -> mlir::Operation * {
    return SolveOp::create(builder, place(at), v[1].getType(), perMatrix(v[0], {}, builder.getI1Type()), kind, v[0], v[1], isTransposed);
  });
}

/// x, ok = solve[lower, transposed](A, b): b is a vector, or the columns of a matrix.
Entity Elaborator::callSolve(const CallSite &site) {
  auto refuse = [&](const ast::Subscript &sub) {
    error(Code::UnknownSlot, sub.loc, "'solve' takes one of 'lower', 'upper' and 'positive' in its slot, and 'transposed'")
        .suggest("solve[lower](L, b), or solve[lower, transposed](L, b)");
  };
  if (llvm::any_of(site.call->arguments, [](const ast::Argument &argument) { return llvm::isa<ast::Compare>(argument.value.get()); }))
    return notBuilt(Code::WordNotBuilt, site.at, "'solve' of equations", "solve(A, b) solves the linear system A x = b");
  std::optional<SolveSlot> slot = expectArguments(site, 2, 2) ? readSolveSlot(site, refuse) : std::nullopt;
  std::optional<Array> a = slot ? readMatrix(site, 0, /*isSquare=*/true) : std::nullopt, b = a ? arrayArgument(site, 1) : std::nullopt;
  if (!b)
    return {};
  std::optional<Array> model; // the tensors of a joint param that b is as one vector, or as the rows of a stack
  size_t leading = 0;
  if (isCollection(*b)) {
    model = evalJoint(*site.call->arguments[1].value, *site.scope);
    leading = isStack(*model);
    b = joined(*model, leading, site.at);
    if (b->isPoison())
      return {};
    if (isOpen && leading == 0 && ownRank(*a) == 2) // how many elements the collection has is not known here
      b = reshaped(*b, ownShape(*a).take_back(1), site.at);
  }
  b = toKind(*b, Kind::Float, site.at);
  bool isVector = ownRank(*b) + 1 == ownRank(*a);
  for (size_t k = 0; k < std::max(a->lanes.size(), b->lanes.size()); ++k) {
    llvm::ArrayRef<Attribute> left = ownShape(*a, a->lanes.size() == 1 ? 0 : k), right = ownShape(*b, b->lanes.size() == 1 ? 0 : k);
    bool isSame = (right.size() + 1 == left.size()) == isVector && (isVector || right.size() == left.size());
    if (isSame && left.drop_back() == (isVector ? right : right.drop_back()))
      continue;
    error(Code::SystemMismatch, site.call->arguments[1].loc, "a system with a matrix of the shape " + describe(left) +
                                                                 " has no right side of the shape " + describe(right))
        .suggest("it has the rows of the matrix: " + describe(left.drop_back()) + ", or that and one more axis for several right sides");
    return {};
  }
  auto finish = [&](Parts parts) {
    if (model)
      parts[0] = apart(parts[0], *model, leading, site.at);
    return takeParts(site, parts, 1);
  };
  if (!isVector)
    return finish(emitSolve(slot->kind, slot->isTransposed, *a, *b, site.at));
  Array columns = eachTensor(*b, [&](const Array &x, size_t) -> Array {
    Shape shape(ownShape(x));
    shape.push_back(builder.getI64IntegerAttr(1));
    return reshaped(x, shape, site.at);
  });
  Parts parts = emitSolve(slot->kind, slot->isTransposed, *a, columns, site.at);
  parts[0] = eachTensor(parts[0], [&](const Array &x, size_t) -> Array { return reshaped(x, ownShape(x).drop_back(), site.at); });
  return finish(std::move(parts));
}

/// As many unit matrices as x has matrices.
Array Elaborator::identityLike(const Array &x, Location at) {
  Attribute n = ownShape(x).back();
  Array isOn = compare(ComparePredicate::Eq, counts({n, n}, 0, at), counts({n, n}, 1, at), at);
  return {{fit(isOn, 0, x.axes, ownShape(x), Kind::Float, at)}, x.isEach, false, x.axes};
}

/// inverse(A), and ok.
Entity Elaborator::callInverse(const CallSite &site) {
  std::optional<Array> a = onlyMatrix(site, /*isSquare=*/true);
  if (!a)
    return {};
  Array one = eachTensor(*a, [&](const Array &x, size_t) { return identityLike(x, site.at); });
  return takeParts(site, emitSolve(MatrixKind::General, false, *a, one, site.at), 1);
}

/// ln |det A|, and the sign of det A.
Elaborator::Parts Elaborator::emitLogDet(const Array &a, Location at) {
  return eachMatrix({a}, a.axes, 2, [&](llvm::ArrayRef<Value> v) -> mlir::Operation * {
    size_t rank = typeOf(v[0]).getRank() - 2;
    ArrayType type = perMatrix(v[0], {}, elementOf(Kind::Float, rank));
    return LogDetOp::create(builder, place(at), type, type, v[0]);
  });
}

Entity Elaborator::callLogDet(const CallSite &site) {
  std::optional<Array> a = onlyMatrix(site, /*isSquare=*/true);
  return a ? takeParts(site, emitLogDet(*a, site.at), 1) : Entity();
}

Entity Elaborator::callDet(const CallSite &site) {
  std::optional<Array> a = onlyMatrix(site, /*isSquare=*/true);
  if (!a)
    return {};
  Parts parts = emitLogDet(*a, site.at);
  return mul(parts[1], unary<ExpOp>(parts[0], site.at), site.at);
}

//===----------------------------------------------------------------------===//
// Functions of matrices
//===----------------------------------------------------------------------===//

/// A B, or A B^T, of the last two axes.
Array Elaborator::multiply(const Array &a, const Array &b, bool isTransposed, Location at) {
  int64_t rank = ownRank(a);
  SmallVector<int64_t> lhs = llvm::to_vector(llvm::seq<int64_t>(0, rank)), rhs = lhs, out = lhs;
  rhs[rank - 2] = isTransposed ? rank : rank - 1;
  rhs[rank - 1] = isTransposed ? rank - 1 : rank;
  out[rank - 1] = rank;
  return contract(a, lhs, b, rhs, out, {}, at);
}

/// V diag(1 / s) U^T over the singular values that are more than rounding errors.
Entity Elaborator::callPinv(const CallSite &site) {
  std::optional<Array> a = onlyMatrix(site, /*isSquare=*/false);
  if (!a)
    return {};
  return eachTensor(*a, [&](const Array &x, size_t) -> Array {
    Location at = site.at;
    Parts parts = emitSvd(x, at);
    const Array &s = parts[1];
    llvm::ArrayRef<Attribute> sides = ownShape(x).take_back(2);
    Attribute longer = DimExpr::max(DimExpr::of(sides[0]), DimExpr::of(sides[1])).toAttr(builder.getContext());
    double epsilon = wide.isF64() ? 0x1p-52 : 0x1p-23;
    int64_t last = typeOf(s.lanes.front()).getRank() - 1;
    Array largest = reduce(ReductionKind::Max, s, last, at);
    Array cut = mul(mul(number(epsilon, at), toKind({{sizeOf(longer, at)}}, Kind::Float, at), at), largest, at);
    auto withOne = [&](const Array &value, size_t axis) {
      Shape shape(ownShape(value));
      shape.insert(shape.begin() + axis, builder.getI64IntegerAttr(1));
      return reshaped(value, shape, at);
    };
    Array isKept = compare(ComparePredicate::Gt, s, withOne(cut, ownRank(x) - 2), at);
    Array weight = select(isKept, div(number(1, at), s, at), number(0, at), at);
    return multiply(mul(parts[2], withOne(weight, ownRank(x) - 2), at), parts[0], /*isTransposed=*/true, at);
  });
}
