//===- EmitAdjoint.cpp - The linear systems of implicit derivatives -------------===//
//
// lambda with J^T lambda = dx, J = dR/dx at the solution, in one of two ways.
//   by the matrix:  J^T is made by one product with the unit matrix and factored; where its condition number is beyond what the arithmetic
//                   resolves, lambda is NaN.
//   by products:    a solver of the language is handed z -> J^T z - dx / |dx|, and lambda = |dx| z is NaN where the residual, computed anew, is
//                   above ten times the solver's bound. Nothing of the size of J is stored.
// The second is a gradus.custom S(b, side, theta) of its own, with J^T lambda = b on one side and J lambda = b on the other (the Hessian of an
// optimum has one side). Its derivative needs the other side at the same point, which is the same op again:
//   mu = S(dlambda, other side),   db = mu,   dtheta = -d<mu, M(theta) lambda> / dtheta,   M = J^T or J
// So it is right at every order, and an order costs its solves and no more.
//
//===----------------------------------------------------------------------===//

#include "lang/Along.h"
#include "lang/InnerProblem.h"

#include "mlir/Transforms/RegionUtils.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::SmallVector;
using mlir::Attribute;
using mlir::Value;

/// lambda like the residual.
Array Elaborator::adjointOf(const InnerProblem &problem, const Array &x, const Array &dx) {
  const Location at = problem.loc;
  Shape own;
  if (Shape(ownShape(x)).empty()) {
    Array j = pullResidual(problem, x, number(1, at), own), zero = number(0, at), nan = number(std::numeric_limits<double>::quiet_NaN(), at);
    return j.isPoison() ? Array() : reshaped(select(compare(ComparePredicate::Ne, j, zero, at), div(dx, j, at), nan, at), own, at);
  }
  Array vector = reshaped(dx, {countOfShape(ownShape(x)).toAttr(builder.getContext())}, at);
  Array solution = problem.system ? adjointByProducts(problem, x, vector, own) : adjointByMatrix(problem, x, vector, own);
  return solution.isPoison() ? Array() : reshaped(solution, own, at);
}

/// J^T v, for v as one vector or, where x is a number, as a number; `own` becomes the shape of the residual.
Array Elaborator::pullResidual(const InnerProblem &problem, const Array &x, const Array &v, Shape &own) {
  const Location at = problem.loc;
  const Attribute count = countOfShape(ownShape(x)).toAttr(builder.getContext());
  Array point = x;
  if (SmallVector<IndexVar *, 2> axes = commonAxes({point, v}); axes != point.axes)
    point = spreadOver(point, axes, at);
  auto found = differentiate(point.lanes, at, [&](llvm::ArrayRef<Value> inside) -> Array {
    Array r = residualOf(problem, replaceLanes(point, inside), at);
    if (r.isPoison())
      return {};
    own = Shape(ownShape(r));
    if (Attribute equations = countOfShape(own).toAttr(builder.getContext()); equations != count) {
      error(Code::ProblemForm, at, describe(equations) + " equations for " + describe(count) + " unknowns");
      return {};
    }
    return innerProduct(reshaped(r, ownShape(v), at), v, at);
  });
  return found ? reshaped(replaceLanes(point, found->gradients), ownShape(v), at) : Array();
}

//===----------------------------------------------------------------------===//
// By the matrix
//===----------------------------------------------------------------------===//

Array Elaborator::adjointByMatrix(const InnerProblem &problem, const Array &x, const Array &vector, Shape &own) {
  const Location at = problem.loc;
  const Attribute count = ownShape(vector).front();
  auto pullBack = [&](const Array &v, Location) { return pullResidual(problem, x, v, own); };
  Array transposed = denseOf({problem.text, at, pullBack, pullBack, vector, vector}, at);
  if (transposed.isPoison())
    return {};
  // A second right side, of no particular direction, shows how large the inverse is.
  Array generic = unary<CosOp>(add(counts({count}, 0, at), integer(1, at), at), at);
  const Shape column{count, builder.getI64IntegerAttr(1)};
  Array sides = concatAll({reshaped(vector, column, at), reshaped(toKind(generic, Kind::Float, at), column, at)}, 1, at);
  Array solution = emitSolve(MatrixKind::General, false, transposed, sides, at)[0];
  auto columnOf = [&](int64_t k) { return reshaped(sliceAlong(solution, 1, integer(k, at), builder.getI64IntegerAttr(1), at), {count}, at); };
  const double epsilon = typeOf(x.lanes.front()).getElementType().isF64() ? 0x1p-52 : 0x1p-23;
  Array condition = div(mul(norm(transposed, allOwn, at), norm(columnOf(1), allOwn, at), at), norm(generic, allOwn, at), at);
  Array isRegular = compare(ComparePredicate::Le, condition, number(0.01 / epsilon, at), at);
  return select(isRegular, columnOf(0), number(std::numeric_limits<double>::quiet_NaN(), at), at);
}

//===----------------------------------------------------------------------===//
// By products
//===----------------------------------------------------------------------===//

/// The system in the making. Its side is true for J, false for the transpose.
struct Elaborator::AdjointSystem {
  Elaborator &e;
  const InnerProblem &problem;
  const Array &x;
  Attribute count;
  Location at;
  Shape &own;

  bool hasSides() const { return !problem.isOptimum(); }
  Array push(const Array &v) const;
  Array product(const Array &v, const Array &side) const;
  Array solve(const Array &b, const Array &side) const;
  Array form(const Array &lambda, const Array &mu, const Array &side) const;
  bool fillBody(CustomOp made) const;
  bool fillDerivative(CustomOp made, llvm::ArrayRef<Value> reals) const;
};

/// J v for a vector v.
Array Elaborator::AdjointSystem::push(const Array &v) const {
  Array u = e.reshaped(v, ownShape(x), at);
  Array r = followAlong(e, x, u, nullptr, at, [&](llvm::ArrayRef<Value> inside) { return e.residualOf(problem, e.replaceLanes(x, inside), at); });
  if (r.isPoison())
    return {};
  own = Shape(ownShape(r));
  return e.reshaped(r, {count}, at);
}

/// The Hessian times v, or J or its transpose.
Array Elaborator::AdjointSystem::product(const Array &v, const Array &side) const {
  if (!hasSides())
    return push(v);
  auto op = IfOp::create(e.builder, e.place(at), mlir::TypeRange(v.lanes.front().getType()), side.lanes.front());
  bool isSound = true;
  auto fill = [&](mlir::Region &region, llvm::function_ref<Array()> emit) {
    e.fillWith(region, {}, at, [&](mlir::Block &) -> Value {
      llvm::SaveAndRestore inside(e.numRegions, e.numRegions + 1);
      Array r = emit();
      isSound &= !r.isPoison();
      return r.isPoison() ? v.lanes.front() : e.castTo(r.lanes.front(), typeOf(v.lanes.front()).getElementType(), at);
    });
  };
  fill(op.getThen(), [&] { return push(v); });
  fill(op.getOtherwise(), [&] { return e.pullResidual(problem, x, v, own); });
  return isSound ? Array{{op->getResult(0)}} : Array();
}

Array Elaborator::AdjointSystem::solve(const Array &b, const Array &side) const {
  // The solver sees a right side of length 1, so that what it gives is linear in b whatever its bound.
  Array length = e.norm(b, allOwn, at), zero = e.number(0, at);
  length = e.select(e.compare(ComparePredicate::Gt, length, zero, at), length, e.number(1, at), at);
  Array unit = e.div(b, length, at);
  InnerProblem system;
  system.form = InnerProblem::Equation;
  system.text = problem.text;
  system.loc = problem.system->loc;
  system.start = {e.filled(0, {count}, at)};
  system.within = problem.system->within;
  system.limit = problem.system->limit;
  system.residual = [&](const Array &z) {
    Array product = this->product(z, side);
    return product.isPoison() ? Array() : e.sub(product, unit, at);
  };
  Array z = e.solveBy(system, problem.system->method);
  Array rest = z.isPoison() ? Array() : system.residual(z);
  if (rest.isPoison())
    return {};
  Array isSolved = e.compare(ComparePredicate::Le, e.norm(rest, allOwn, at), e.mul(e.number(10, at), system.within, at), at);
  return e.select(isSolved, e.mul(z, length, at), e.number(std::numeric_limits<double>::quiet_NaN(), at), at);
}

/// -<mu, M lambda>.
Array Elaborator::AdjointSystem::form(const Array &lambda, const Array &mu, const Array &side) const {
  const bool isTwo = hasSides();
  Array moved = push(isTwo ? e.select(side, lambda, mu, at) : lambda);
  return moved.isPoison() ? Array() : e.negate(e.innerProduct(moved, isTwo ? e.select(side, mu, lambda, at) : mu, at), at);
}

bool Elaborator::AdjointSystem::fillBody(CustomOp made) const {
  mlir::Block &block = made.getBody().emplaceBlock();
  ArrayType type = ArrayType::get(e.builder.getContext(), {count}, typeOf(x.lanes.front()).getElementType());
  Array b{{block.addArgument(type, made.getLoc())}}, side;
  if (hasSides())
    side = Array{{block.addArgument(ArrayType::scalar(e.builder.getI1Type()), made.getLoc())}};
  e.builder.setInsertionPointToStart(&block);
  Array lambda = solve(b, side);
  if (lambda.isPoison())
    return false;
  YieldOp::create(e.builder, made.getLoc(), e.castTo(lambda.lanes.front(), type.getElementType(), at));
  return true;
}

/// The op in its own derivative: what stands in its regions is that of the op around.
static CustomOp buildAgain(mlir::OpBuilder &builder, mlir::Location loc, llvm::ArrayRef<Value> xs) {
  auto op = CustomOp::create(builder, loc, mlir::TypeRange(xs.front().getType()), xs);
  op->setAttr("again", builder.getUnitAttr());
  mlir::OpBuilder::InsertionGuard guard(builder);
  mlir::Block &body = op.getBody().emplaceBlock(), &derivative = op.getDerivative().emplaceBlock();
  SmallVector<Value> floats;
  for (Value x : xs) {
    body.addArgument(x.getType(), loc);
    Value argument = derivative.addArgument(x.getType(), loc);
    if (Algebra::typeOf(x).isFloat())
      floats.push_back(argument);
  }
  for (int k = 0; k < 2; ++k) // the result and its cotangent
    derivative.addArgument(xs.front().getType(), loc);
  builder.setInsertionPointToStart(&body);
  YieldOp::create(builder, loc, body.getArgument(0));
  builder.setInsertionPointToStart(&derivative);
  YieldOp::create(builder, loc, floats);
  return op;
}

bool Elaborator::AdjointSystem::fillDerivative(CustomOp made, llvm::ArrayRef<Value> reals) const {
  mlir::Block &block = made.getDerivative().emplaceBlock();
  mlir::Type vector = made.getBody().getArgument(0).getType();
  auto addArgument = [&](mlir::Type type) -> Value { return block.addArgument(type, made.getLoc()); };
  addArgument(vector);
  Array side = hasSides() ? Array{{addArgument(ArrayType::scalar(e.builder.getI1Type()))}} : Array();
  SmallVector<Value> inside;
  for (Value real : reals)
    inside.push_back(addArgument(real.getType()));
  Array lambda{{addArgument(vector)}};
  SmallVector<Value> again{addArgument(vector)};
  e.builder.setInsertionPointToStart(&block);
  if (hasSides())
    again.push_back(e.compare(ComparePredicate::Eq, side, e.boolean(false, at), at).lanes.front());
  llvm::append_range(again, inside);
  Array mu{{buildAgain(e.builder, made.getLoc(), again).getYs().front()}};
  auto found = e.differentiate(inside, at, [&](llvm::ArrayRef<Value> moved) {
    Array product = form(lambda, mu, side);
    for (auto [real, value] : llvm::zip_equal(reals, moved))
      replaceAllUsesInRegionWith(real, value, *e.builder.getInsertionBlock()->getParent());
    return product;
  }, /*mayBeConstant=*/true);
  if (!found)
    return false;
  for (auto [real, value] : llvm::zip_equal(reals, inside))
    replaceAllUsesInRegionWith(real, value, made.getDerivative());
  SmallVector<Value> cotangents{mu.lanes.front()};
  llvm::append_range(cotangents, found->gradients);
  YieldOp::create(e.builder, made.getLoc(), cotangents);
  return true;
}

Array Elaborator::adjointByProducts(const InnerProblem &problem, const Array &x, const Array &vector, Shape &own) {
  const Location at = problem.system->loc;
  AdjointSystem system{*this, problem, x, ownShape(vector).front(), at, own};
  auto made = CustomOp::create(builder, place(at), mlir::TypeRange(), mlir::ValueRange());
  mlir::OpBuilder::InsertionGuard guard(builder);
  bool isSound;
  SmallVector<Value> reals;
  {
    mlir::OpBuilder::InsertionGuard inner(builder);
    llvm::SaveAndRestore inside(numRegions, numRegions + 1);
    isSound = system.fillBody(made);
    if (isSound) {
      reals = realsAround(made.getBody());
      isSound = system.fillDerivative(made, reals);
    }
  }
  if (!isSound) {
    made->erase();
    return {};
  }
  SmallVector<Value> given{castTo(vector.lanes.front(), typeOf(x.lanes.front()).getElementType(), at)};
  if (system.hasSides())
    given.push_back(boolean(false, at).lanes.front()); // J^T
  return Array{{closeCustom(made, given, reals).getYs().front()}};
}
