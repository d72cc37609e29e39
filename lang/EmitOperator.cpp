//===- EmitOperator.cpp - Hessians and Jacobians as linear operators ---------===//
//
// `hess f(w)`, `jac F(w)` and `hess[v](e)`, `jac[v](e)` are maps that exist at compile time only. What they make of an array is derivatives again:
//   hess[x, y] f @ u = the tangent of df/dx along u in y: forward over reverse,
//   jac F @ u        = the tangent of F along u: forward,
//   v @ jac F        = d/dw <F(w), v> with v constant: reverse.
// A matrix is one such product: its columns, or rows, are followed at once.
//
//===----------------------------------------------------------------------===//

#include "lang/Along.h"
#include "lang/Elaborator.h"
#include "lang/Joint.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::SmallVector;
using mlir::Attribute;
using mlir::Value;

Entity Elaborator::makeOperator(LinearOperator made) {
  return &static_cast<const LinearOperator &>(arena.operators.emplace_back(std::move(made)));
}

Array Elaborator::replaceLanes(const Array &like, llvm::ArrayRef<Value> lanes) const {
  Array x = like;
  x.lanes.assign(lanes.begin(), lanes.end());
  return x;
}

/// The sum of a * b over all elements of all tensors, one number for each index.
Array Elaborator::innerProduct(const Array &a, const Array &b, Location at) {
  if (a.isPoison() || b.isPoison())
    return {};
  Array total;
  for (size_t k = 0; k < std::max(a.lanes.size(), b.lanes.size()); ++k) {
    Array x{{a.lane(k)}, false, false, a.axes}, y{{b.lane(k)}, false, false, b.axes};
    SmallVector<int64_t> labels = llvm::to_vector(llvm::seq<int64_t>(0, ownRank(x)));
    Array one = labels.empty() ? toKind(mul(x, y, at), Kind::Float, at) : contract(x, labels, y, labels, {}, {}, at);
    total = k == 0 ? one : add(total, one, at);
  }
  return total;
}

//===----------------------------------------------------------------------===//
// The two operators
//===----------------------------------------------------------------------===//

namespace {
/// A point and the directions from it.
struct Directions {
  std::vector<Array> points;
  Array u;
  /// The index that counts the directions, where the points are the same for all of them.
  IndexVar *seeds = nullptr;
};
} // namespace

/// One index that no point has counts directions; else each value of the indices has its own point.
static Directions direct(Algebra &algebra, llvm::ArrayRef<Array> points, const Array &u, bool mayCount, Location at) {
  SmallVector<Array> all(points);
  all.push_back(u);
  SmallVector<IndexVar *, 2> axes = Algebra::commonAxes(all);
  bool isCounted = mayCount && u.axes.size() == 1 && llvm::all_of(points, [](const Array &point) { return point.axes.empty(); });
  Directions result{points.vec(), u, isCounted ? u.axes.front() : nullptr};
  if (isCounted)
    return result;
  for (Array &point : result.points)
    if (point.axes != axes)
      point = algebra.spreadOver(point, axes, at);
  if (u.axes != axes)
    result.u = algebra.spreadOver(u, axes, at);
  return result;
}

/// What `emit` makes of directions that are counted; where the function itself depends on what counts them, of a point for each.
static Array followEach(Diagnostics &diagnostics, llvm::ArrayRef<Array> points, const Array &u, Algebra &algebra, Location at,
                        llvm::function_ref<Array(const Directions &)> emit) {
  Directions counted = direct(algebra, points, u, /*mayCount=*/true, at);
  Diagnostics::Mark before = diagnostics.mark();
  Array found = emit(counted);
  if (!found.isPoison() || !counted.seeds)
    return found;
  diagnostics.rollBack(before);
  return emit(direct(algebra, points, u, /*mayCount=*/false, at));
}

Entity Elaborator::evalHessian(Location at, llvm::ArrayRef<ast::Ident> variables, ReadPoint read) {
  if (variables.size() > 2) {
    error(Code::OperatorForm, variables[2].loc, "'hess' takes one or two arguments: hess[y, x] f is the derivative in y of the gradient in x");
    return {};
  }
  bool isMixed = variables.size() == 2 && (variables[0].name != variables[1].name || variables[0].primed != variables[1].primed);
  std::optional<PointFunction> found = read(isMixed ? variables : variables.take_front(1));
  if (!found)
    return {};
  // The tangent of df/d(row) along u in the column.
  auto product = [this, f = *found](size_t row, size_t column, const Array &u, Location at) {
    return followEach(diagnostics, f.points, u, *this, at, [&](const Directions &given) {
      return followAlong(*this, given.points[column], given.u, given.seeds, f.loc, [&](llvm::ArrayRef<Value> columns) {
        std::vector<Array> moved = given.points;
        moved[column] = replaceLanes(moved[column], columns);
        auto gradient = differentiate(moved[row].lanes, f.loc, [&](llvm::ArrayRef<Value> rows) {
          std::vector<Array> inside = moved;
          inside[row] = replaceLanes(inside[row], rows);
          return f.at(inside);
        }, f.isObjective);
        return gradient ? replaceLanes(moved[row], gradient->gradients) : Array();
      }, f.isObjective);
    });
  };
  size_t last = isMixed ? 1 : 0;
  return makeOperator({textOf(at), at, [=](const Array &u, Location at) { return product(0, last, u, at); },
                       [=](const Array &v, Location at) { return product(last, 0, v, at); }, found->points[last], found->points[0]});
}

Entity Elaborator::evalJacobian(Location at, llvm::ArrayRef<ast::Ident> variables, ReadPoint read) {
  if (variables.size() > 1) {
    error(Code::OperatorForm, variables[1].loc, "'jac' takes one argument: jac[x] F(x, y)");
    return {};
  }
  std::optional<PointFunction> found = read(variables);
  Array value = found ? found->at(found->points) : Array();
  if (value.isPoison())
    return {};
  if (kindOf(value) != Kind::Float) {
    error(Code::NotDifferentiable, at, "'" + found->name + "' gives no real numbers, so it has no derivative");
    return {};
  }
  auto pullOne = [this, f = *found](const Array &v, Location at) -> Array {
    Array point = f.points.front();
    if (SmallVector<IndexVar *, 2> axes = commonAxes({point, v}); axes != point.axes)
      point = spreadOver(point, axes, at);
    auto gradient = differentiate(point.lanes, f.loc, [&](llvm::ArrayRef<Value> inside) {
      return innerProduct(f.at(replaceLanes(point, inside)), v, at);
    });
    return gradient ? replaceLanes(point, gradient->gradients) : Array();
  };
  // It is linear in v: with one for each value of an index these are directions of v, and what does not depend on it is computed once.
  auto pullBack = [this, f = *found, value, pullOne](const Array &v, Location at) -> Array {
    bool isCounted = v.axes.size() == 1 && value.axes.empty() && f.points.front().axes.empty();
    Diagnostics::Mark before = diagnostics.mark();
    Array anywhere = value;
    for (auto [k, lane] : llvm::enumerate(anywhere.lanes))
      lane = filled(1, ownShape(value, k), at).lanes.front();
    Array pulled = isCounted ? followAlong(*this, anywhere, v, v.axes.front(), f.loc,
                                           [&](llvm::ArrayRef<Value> inside) { return pullOne(replaceLanes(anywhere, inside), at); })
                             : Array();
    if (!pulled.isPoison())
      return pulled;
    diagnostics.rollBack(before);
    return pullOne(v, at);
  };
  auto push = [this, f = *found](const Array &u, Location at) {
    return followEach(diagnostics, f.points, u, *this, at, [&](const Directions &given) {
      return followAlong(*this, given.points.front(), given.u, given.seeds, f.loc,
                         [&](llvm::ArrayRef<Value> inside) { return f.at(replaceLanes(given.points.front(), inside)); });
    });
  };
  return makeOperator({textOf(at), at, push, pullBack, found->points.front(), value});
}

//===----------------------------------------------------------------------===//
// Application
//===----------------------------------------------------------------------===//

static bool haveSameShapes(const Array &a, const Array &b) {
  if (a.lanes.size() != b.lanes.size())
    return false;
  for (size_t k = 0; k < a.lanes.size(); ++k)
    if (Algebra::ownShape(a, k) != Algebra::ownShape(b, k))
      return false;
  return true;
}

/// A u, or u A. A matrix is taken column by column, or row by row.
Array Elaborator::applyOperator(const LinearOperator &a, bool isTransposed, const Array &given, Location at) {
  if (given.isPoison())
    return {};
  const Array &model = isTransposed ? a.range : a.domain;
  const LinearOperator::Map &map = isTransposed ? a.applyTransposed : a.apply;
  Array u = toKind(given, Kind::Float, at);
  if (haveSameShapes(u, model))
    return map(u, at);
  bool isMatrix = u.lanes.size() == 1 && model.lanes.size() == 1 && ownRank(model) == 1 && ownRank(u) == 2 &&
                  ownShape(u)[isTransposed ? 1 : 0] == ownShape(model)[0];
  if (!isMatrix) {
    auto describeAll = [](const Array &x) {
      return x.lanes.size() == 1 ? "an array of the shape " + describe(ownShape(x)) : "a collection of " + std::to_string(x.lanes.size()) + " tensors";
    };
    error(Code::ShapeMismatch, at, "'" + a.text + "' takes " + describeAll(model) + " here, but this is " + describeAll(u))
        .note(a.loc, "the operator is written here");
    return {};
  }
  if (!isTransposed)
    u = transposeOwn(u, at);
  IndexVar &row = arena.indices.emplace_back(IndexVar{"row", at, ownShape(u)[0], at, ++indexCount});
  u.axes.push_back(&row);
  Array result = map(u, at);
  if (result.isPoison())
    return {};
  // The new index is the last of the indices: its axis lies before those of the array.
  result.axes.pop_back();
  return isTransposed ? result : transposeOwn(result, at);
}

/// The matrix of an operator of vectors, or of the collection as one: its product with the unit matrix.
Array Elaborator::denseOf(const LinearOperator &a, Location at) {
  auto isVector = [&](const Array &x) { return isCollection(x) ? !isStack(x) : x.lanes.size() == 1 && ownRank(x) == 1; };
  if (!isVector(a.domain) || !isVector(a.range)) {
    error(Code::OperatorNotDense, at, "'" + a.text + "' maps the shape " + describe(ownShape(a.domain)) + " to " + describe(ownShape(a.range)) +
                                          ", so that it is no matrix of two axes")
        .note(a.loc, "the operator is written here")
        .suggest("a matrix belongs to a function of one vector: write the function of reshape(x, ..)");
    return {};
  }
  Attribute size = countElements(a.domain, builder.getContext()), height = countElements(a.range, builder.getContext());
  if (!checkSize({size, size}, at))
    return {};
  if (!isCollection(a.domain) && !isCollection(a.range)) {
    Diagnostics::Mark before = diagnostics.mark();
    Array all = applyOperator(a, false, compare(ComparePredicate::Eq, counts({size, size}, 0, at), counts({size, size}, 1, at), at), at);
    if (!all.isPoison())
      return all;
    diagnostics.rollBack(before);
  }
  // A product after the other: of a function that is not asked at many points at once, as one around an inner problem, or of a collection.
  Array zeros = filled(0, {height, size}, at);
  auto loop = LoopOp::create(builder, place(at), zeros.lanes.front().getType(), sizeOf(size, at), zeros.lanes.front());
  mlir::Block &block = loop.getBody().emplaceBlock();
  Array column{{block.addArgument(ArrayType::scalar(builder.getI64Type()), place(at))}}, soFar{{block.addArgument(zeros.lanes.front().getType(), place(at))}};
  bool isSound = fillRegion(loop.getBody(), at, [&]() -> std::optional<SmallVector<Value>> {
    Array unit = toKind(compare(ComparePredicate::Eq, counts({size}, 0, at), column, at), Kind::Float, at);
    Array product = a.apply(isCollection(a.domain) ? apart(unit, a.domain, 0, at) : unit, at);
    if (isCollection(a.range))
      product = joined(product, 0, at);
    if (product.isPoison())
      return std::nullopt;
    Array wide = reshaped(product, {height, builder.getI64IntegerAttr(1)}, at);
    Array isHere = compare(ComparePredicate::Eq, counts(ownShape(zeros), 1, at), column, at);
    return SmallVector<Value>{select(isHere, wide, soFar, at).lanes.front()};
  });
  if (isSound)
    return Array{{loop.getCarried()[0]}};
  loop.erase();
  return {};
}

Entity Elaborator::callDense(const CallSite &site) {
  auto x = arrayArguments(site, 1, 1);
  return x ? (*x)[0] : Entity();
}

/// An array, or an operator as a matrix.
Array Elaborator::evalMatrix(const ast::Expr &expr, Scope &scope) {
  Entity entity = eval(expr, scope);
  if (const LinearOperator *linear = entity.get<LinearOperator>())
    return denseOf(*linear, expr.loc);
  return asArray(entity, expr.loc);
}

//===----------------------------------------------------------------------===//
// Arithmetic of operators
//===----------------------------------------------------------------------===//

Entity Elaborator::transposedOperator(const LinearOperator &a) {
  return makeOperator({a.text + ".T", a.loc, a.applyTransposed, a.apply, a.range, a.domain});
}

Entity Elaborator::scaledOperator(const LinearOperator &a, const Array &factor, bool isQuotient, Location at) {
  if (factor.isPoison())
    return {};
  if (ownRank(factor) != 0) {
    error(Code::OperatorForm, at, "an operator is multiplied by a number, but this has the shape " + describe(ownShape(factor))).suggest("'@' applies it to an array");
    return {};
  }
  auto scale = [this, factor, isQuotient](const LinearOperator::Map &map) {
    return [=, this](const Array &u, Location at) {
      Array y = map(u, at);
      return y.isPoison() ? Array() : isQuotient ? div(y, factor, at) : mul(y, factor, at);
    };
  };
  return makeOperator({a.text, a.loc, scale(a.apply), scale(a.applyTransposed), a.domain, a.range});
}

/// What is added to an operator: another one, a matrix, or a number, which stands for so many times the identity.
const LinearOperator *Elaborator::asOperator(const Entity &entity, const LinearOperator &like, Location at) {
  if (const LinearOperator *linear = entity.get<LinearOperator>())
    return linear;
  Array x = asArray(entity, at);
  if (x.isPoison())
    return nullptr;
  LinearOperator::Map apply, applyTransposed;
  bool isNumber = ownRank(x) == 0 && haveSameShapes(like.domain, like.range);
  bool isMatrix = ownRank(x) == 2 && ownRank(like.domain) == 1 && ownRank(like.range) == 1 && ownShape(x)[0] == ownShape(like.range)[0] &&
                  ownShape(x)[1] == ownShape(like.domain)[0];
  if (isNumber) {
    apply = applyTransposed = [this, x](const Array &u, Location at) { return mul(x, u, at); };
  } else if (isMatrix) {
    apply = [this, x](const Array &u, Location at) { return matmul(x, u, at); };
    applyTransposed = [this, x](const Array &v, Location at) { return matmul(v, x, at); };
  } else {
    error(Code::OperatorForm, at, "'" + like.text + "' maps the shape " + describe(ownShape(like.domain)) + " to " + describe(ownShape(like.range)) +
                                      ", so an array of the shape " + describe(ownShape(x)) + " cannot be added to it")
        .suggest("add a number, a matrix of these sizes or another operator");
    return nullptr;
  }
  return makeOperator({like.text, at, apply, applyTransposed, like.domain, like.range}).get<LinearOperator>();
}

Entity Elaborator::sumOfOperators(const LinearOperator &a, const LinearOperator &b, bool isDifference, Location at) {
  if (!haveSameShapes(a.domain, b.domain) || !haveSameShapes(a.range, b.range)) {
    error(Code::OperatorForm, at, "'" + a.text + "' maps the shape " + describe(ownShape(a.domain)) + " to " + describe(ownShape(a.range)) + ", but '" + b.text +
                                      "' maps " + describe(ownShape(b.domain)) + " to " + describe(ownShape(b.range)));
    return {};
  }
  auto combine = [this, isDifference](const LinearOperator::Map &first, const LinearOperator::Map &second) {
    return [=, this](const Array &u, Location at) {
      Array x = first(u, at), y = x.isPoison() ? Array() : second(u, at);
      return y.isPoison() ? Array() : isDifference ? sub(x, y, at) : add(x, y, at);
    };
  };
  return makeOperator({a.text, a.loc, combine(a.apply, b.apply), combine(a.applyTransposed, b.applyTransposed), a.domain, a.range});
}

Entity Elaborator::productOfOperators(const LinearOperator &a, const LinearOperator &b, Location at) {
  if (!haveSameShapes(a.domain, b.range)) {
    error(Code::OperatorForm, at, "'" + a.text + "' takes the shape " + describe(ownShape(a.domain)) + ", but '" + b.text + "' gives " + describe(ownShape(b.range)));
    return {};
  }
  auto chain = [](const LinearOperator::Map &first, const LinearOperator::Map &second) {
    return [=](const Array &u, Location at) {
      Array x = first(u, at);
      return x.isPoison() ? Array() : second(x, at);
    };
  };
  return makeOperator({a.text, a.loc, chain(b.apply, a.apply), chain(a.applyTransposed, b.applyTransposed), b.domain, a.range});
}

/// Arithmetic of which at least one side is an operator.
Entity Elaborator::evalOperatorBinary(const ast::Binary &expr, const Entity &a, const Entity &b) {
  if (a.isPoison() || b.isPoison())
    return {};
  const LinearOperator *p = a.get<LinearOperator>(), *q = b.get<LinearOperator>();
  Location at = expr.opLoc;
  switch (expr.op) {
  case ast::BinaryOp::MatMul:
    if (p && q)
      return productOfOperators(*p, *q, at);
    return p ? applyOperator(*p, false, asArray(b, expr.rhs->loc), at) : applyOperator(*q, true, asArray(a, expr.lhs->loc), at);
  case ast::BinaryOp::Add:
  case ast::BinaryOp::Sub: {
    const LinearOperator *left = asOperator(a, p ? *p : *q, expr.lhs->loc), *right = left ? asOperator(b, p ? *p : *q, expr.rhs->loc) : nullptr;
    return right ? sumOfOperators(*left, *right, expr.op == ast::BinaryOp::Sub, at) : Entity();
  }
  case ast::BinaryOp::Mul:
    if (!p || !q)
      return scaledOperator(p ? *p : *q, asArray(p ? b : a, p ? expr.rhs->loc : expr.lhs->loc), false, at);
    break;
  case ast::BinaryOp::Div:
    if (p && !q)
      return scaledOperator(*p, asArray(b, expr.rhs->loc), true, at);
    break;
  default:
    break;
  }
  error(Code::OperatorForm, at, "this is no arithmetic of linear operators").suggest("they know '@', '+', '-', a number times one, and '.T'; dense(..) makes a matrix");
  return {};
}
