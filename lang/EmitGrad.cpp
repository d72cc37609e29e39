//===- EmitGrad.cpp - Derivatives as regions --------------------------------===//
//
// `grad f(w)` elaborates f once more inside a gradus.grad whose block arguments stand for w. `grad[v](e)` copies into
// such a region what lies between v and e. In index notation a function of one row is differentiated for all rows
// at once: the sum over rows has, in each row, the gradient of that row. So the point must have its own value in each
// row. One point for all of them is repeated for the rows of the other arguments; where the rows come from elsewhere, the
// sum of the gradients would pass for the gradient, and that is refused.
//
//===----------------------------------------------------------------------===//

#include "dialect/Jvp.h"
#include "lang/Along.h"
#include "lang/Elaborator.h"

#include "mlir/IR/IRMapping.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::SmallVector;
using mlir::Operation;
using mlir::Value;

/// Whether `value` is computed, in or below `block`, from one of the block's arguments.
static bool dependsOn(Value value, llvm::SmallPtrSetImpl<Value> &sources, llvm::DenseMap<Operation *, bool> &known) {
  if (sources.contains(value))
    return true;
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  if (auto it = known.find(op); it != known.end())
    return it->second;
  known[op] = false;
  bool depends = llvm::any_of(op->getOperands(), [&](Value operand) { return dependsOn(operand, sources, known); });
  op->walk([&](Operation *inner) {
    if (inner != op && !depends)
      depends = llvm::any_of(inner->getOperands(), [&](Value operand) {
        return operand.getParentRegion() != inner->getParentRegion() && dependsOn(operand, sources, known);
      });
  });
  return known[op] = depends;
}

static void reportIndependent(Algebra &algebra, Location at) {
  algebra.error(Code::GradIndependent, at, "the value does not depend on what it is differentiated in")
      .suggest("a derivative that is 0 everywhere is taken for a mistake");
}

std::optional<Elaborator::Differentiated> Elaborator::differentiate(llvm::ArrayRef<Value> wrt, Location at, Body body, bool mayBeConstant) {
  auto guard = mlir::OpBuilder::InsertionGuard(builder);
  mlir::Region region;
  mlir::Block &block = region.emplaceBlock();
  for (Value value : wrt)
    block.addArgument(value.getType(), place(at));
  // The op stands before its region is filled, so that values inside see the function around them.
  SmallVector<mlir::Type> types{ArrayType::scalar(builder.getF64Type())};
  for (Value value : wrt)
    types.push_back(value.getType());
  auto op = GradOp::create(builder, place(at), types[0], llvm::ArrayRef<mlir::Type>(types).drop_front(), wrt);
  op.getBody().takeBody(region);
  builder.setInsertionPointToStart(&op.getBody().front());
  SmallVector<Value> points(op.getBody().front().getArguments());
  Array result = body(points);
  auto giveUp = [&]() -> std::optional<Differentiated> {
    op->erase();
    return std::nullopt;
  };
  if (result.isPoison())
    return giveUp();
  if (kindOf(result) != Kind::Float || ownRank(result) != 0 || result.lanes.size() != 1) {
    error(Code::LossNotScalar, at, "only a real number can be differentiated, but this " +
                                       (kindOf(result) == Kind::Float ? "has the shape " + describe(ownShape(result)) : "is no real number"));
    return giveUp();
  }
  Value value = result.lanes.front();
  if (!result.axes.empty())
    value = reduce(ReductionKind::Sum, result, llvm::to_vector(llvm::seq<int64_t>(0, result.axes.size())), at).lanes.front();
  llvm::SmallPtrSet<Value, 4> sources(points.begin(), points.end());
  llvm::DenseMap<Operation *, bool> known;
  if (!mayBeConstant && !dependsOn(value, sources, known)) {
    reportIndependent(*this, at);
    return giveUp();
  }
  YieldOp::create(builder, place(at), value);
  Differentiated found{op.getValue(), {}};
  llvm::append_range(found.gradients, op.getGradients());
  return found;
}

Array lang::followAlong(Algebra &algebra, const Array &point, const Array &u, IndexVar *seeds, Location at,
                        llvm::function_ref<Array(llvm::ArrayRef<Value>)> body, bool mayBeConstant) {
  mlir::OpBuilder &builder = algebra.builder;
  auto guard = mlir::OpBuilder::InsertionGuard(builder);
  SmallVector<Value> directions;
  for (auto [k, lane] : llvm::enumerate(point.lanes))
    directions.push_back(algebra.castTo(u.lane(k), Algebra::typeOf(lane).getElementType(), at));
  // The types of the results are known when the region is filled; until then it is that of an op without any.
  auto begun = JvpOp::create(builder, algebra.place(at), mlir::TypeRange(), mlir::TypeRange(), point.lanes, directions);
  mlir::Block &block = begun.getBody().emplaceBlock();
  for (Value lane : point.lanes)
    block.addArgument(lane.getType(), algebra.place(at));
  builder.setInsertionPointToStart(&block);
  SmallVector<Value> inside(block.getArguments());
  Array result = body(inside);
  llvm::SmallPtrSet<Value, 4> sources(inside.begin(), inside.end());
  llvm::DenseMap<Operation *, bool> known;
  bool depends = mayBeConstant || llvm::any_of(result.lanes, [&](Value lane) { return dependsOn(lane, sources, known); });
  if (!result.isPoison() && !depends)
    reportIndependent(algebra, at);
  if (result.isPoison() || !depends) {
    begun->erase();
    return {};
  }
  YieldOp::create(builder, algebra.place(at), result.lanes);
  SmallVector<mlir::Type> values, tangents;
  for (Value lane : result.lanes) {
    ArrayType type = Algebra::typeOf(lane);
    values.push_back(type);
    tangents.push_back(putBehind(seeds ? seeds->dim : mlir::Attribute(), type));
  }
  builder.setInsertionPoint(begun);
  auto op = JvpOp::create(builder, algebra.place(at), values, tangents, point.lanes, directions);
  op.getBody().takeBody(begun.getBody());
  begun->erase();
  builder.setInsertionPointAfter(op);
  if (seeds)
    result.axes = {seeds};
  for (auto [lane, tangent] : llvm::zip_equal(result.lanes, op.getTangents()))
    lane = algebra.castTo(tangent, algebra.elementOf(Kind::Float, Algebra::typeOf(tangent).getRank()), at);
  return result;
}

/// The positions of the slots in which a function is differentiated; by default the first.
static std::optional<SmallVector<size_t>> findSlots(const std::vector<ast::Param> &params, llvm::ArrayRef<ast::Ident> slots,
                                                    llvm::function_ref<void(const ast::Ident &)> onUnknown) {
  SmallVector<size_t> positions;
  for (const ast::Ident &slot : slots) {
    auto it = llvm::find_if(params, [&](const ast::Param &param) { return param.name.name == slot.name; });
    if (it == params.end()) {
      onUnknown(slot);
      return std::nullopt;
    }
    positions.push_back(it - params.begin());
  }
  if (positions.empty() && !params.empty())
    positions.push_back(0);
  return positions;
}

/// The gradients, each with the axes and lanes of its point.
static std::vector<Entity> likePoints(llvm::ArrayRef<Array> points, llvm::ArrayRef<Value> gradients) {
  std::vector<Entity> results;
  for (const Array &point : points) {
    Array gradient = point;
    gradient.lanes.assign(gradients.begin(), gradients.begin() + point.lanes.size());
    gradients = gradients.drop_front(point.lanes.size());
    results.push_back(gradient);
  }
  return results;
}

/// What is wrong where `value` depends on an index on which a point does not; empty if nothing is.
static std::string describeSharedPoint(const Array &value, llvm::ArrayRef<Array> points) {
  for (const IndexVar *index : value.axes)
    for (const Array &point : points)
      if (!llvm::is_contained(point.axes, index))
        return "the value is one number for each '" + index->name + "', but the point is the same for all of them";
  return {};
}

static constexpr llvm::StringLiteral sharedPointWayOut = "differentiate the sum over the index, or a function that takes what has the index as an argument";

/// A call of a word of the language as a function of as many arguments as are given: `jac expm(A)`.
static void makeFunction(Elaborator &elaborator, const Builtin &builtin, const ast::Derivative &expr, Scope &scope, Closure &closure) {
  auto call = std::make_shared<ast::Call>(expr.loc);
  for (const ast::Argument &given : expr.arguments) {
    ast::Param &param = closure.lambdaParams.emplace_back();
    param.loc = given.loc;
    param.name = {"x" + std::to_string(closure.lambdaParams.size()), given.loc, false};
    auto name = std::make_unique<ast::Name>(given.loc);
    name->name = param.name.name;
    ast::Argument &argument = call->arguments.emplace_back();
    argument.loc = given.loc;
    argument.value = std::move(name);
  }
  closure.name = builtin.name.str();
  closure.loc = expr.function.loc;
  closure.decl = &closure;
  closure.params = &closure.lambdaParams;
  closure.scope = &scope;
  closure.emit = [&elaborator, &builtin, call](Scope &inner, Location at) { return (elaborator.*builtin.emit)({&builtin, call.get(), {}, &inner, at}); };
}

/// The function behind grad, hess or jac, on the data chosen; null after an error.
const Closure *Elaborator::readDifferentiated(const ast::Derivative &expr, Scope &scope) {
  Entity callee = evalName(expr.function.name, expr.function.loc, scope);
  if (callee.isPoison())
    return nullptr;
  const Closure *closure = callee.get<Closure>();
  if (const Builtin *builtin = callee.get<Builtin>()) {
    Closure &made = arena.closures.emplace_back();
    makeFunction(*this, *builtin, expr, scope, made);
    closure = &made;
  }
  if (!closure)
    error(Code::NotAFunction, expr.function.loc, "'" + wordOf(expr.derivative) + "' differentiates a function or a loss, but this is " + callee.what().str())
        .suggest("the derivative of a value e in a variable v is written grad[v](e)");
  return closure && !expr.selection.empty() ? selectData(*closure, expr.selection, scope, expr.loc) : closure;
}

/// Reads `f(w)` behind grad, hess or jac; `slots` name the arguments in which to differentiate.
std::optional<Elaborator::PointFunction> Elaborator::readCall(const ast::Derivative &expr, const Closure *closure, llvm::ArrayRef<ast::Ident> slotNames,
                                                              Scope &scope) {
  if (!closure)
    return std::nullopt;
  std::vector<Actual> actuals = evalArguments(expr.arguments, scope);
  auto slots = findSlots(*closure->params, slotNames, [&](const ast::Ident &slot) {
    Diagnostic &message = error(Code::UnknownArgument, slot.loc, "'" + closure->name + "' has no argument '" + slot.name + "'");
    if (closure->emit) // a word of the language, which is declared nowhere
      message.suggest("write a function with names for what it takes");
    else
      message.note(closure->loc, "'" + closure->name + "' is declared here");
  });
  if (!slots)
    return std::nullopt;
  // The actual argument of each slot: by name, else by position.
  SmallVector<size_t> chosen;
  for (size_t slot : *slots) {
    const std::string &name = (*closure->params)[slot].name.name;
    auto it = llvm::find_if(actuals, [&](const Actual &a) { return a.name && a.name->name == name; });
    size_t position = it != actuals.end() ? it - actuals.begin() : slot;
    if (position >= actuals.size() || (it == actuals.end() && actuals[position].name)) {
      error(Code::MissingArgument, expr.loc, "'" + wordOf(expr.derivative) + "' needs the point: the argument '" + name + "' of '" + closure->name + "'");
      return std::nullopt;
    }
    chosen.push_back(position);
  }
  PointFunction f{closure->name, expr.loc, {}, {}, closure->objective != nullptr};
  for (size_t position : chosen) {
    Array x = asArray(actuals[position].entity, actuals[position].loc);
    if (x.isPoison())
      return std::nullopt;
    f.points.push_back(toKind(x, Kind::Float, actuals[position].loc));
  }
  SmallVector<Array> all(f.points.begin(), f.points.end());
  for (const Actual &actual : actuals)
    if (actual.entity.isArray() && !actual.entity.isPoison())
      all.push_back(actual.entity.array());
    else if (IndexVar *index = actual.entity.index())
      all.push_back(indexValue(*index, actual.loc));
  SmallVector<IndexVar *, 2> axes = commonAxes(all);
  for (Array &point : f.points)
    if (axes != point.axes)
      point = spreadOver(point, axes, f.loc);
  f.at = [this, closure, actuals, chosen, loc = f.loc](llvm::ArrayRef<Array> points) -> Array {
    std::vector<Actual> replaced = actuals;
    for (auto [position, point] : llvm::zip_equal(chosen, points))
      replaced[position].entity = point;
    Array value = asArray(callClosure(*closure, replaced, loc), loc);
    if (std::string slip = describeSharedPoint(value, points); !slip.empty()) {
      error(Code::LossNotScalar, loc, slip).suggest(sharedPointWayOut.str());
      return {};
    }
    return value;
  };
  return f;
}

/// The gradient in each of the points.
Entity Elaborator::evalGradient(const PointFunction &f) {
  SmallVector<Value> wrt;
  for (const Array &point : f.points)
    llvm::append_range(wrt, point.lanes);
  std::optional<Differentiated> found = differentiate(wrt, f.loc, [&](llvm::ArrayRef<Value> inside) {
    std::vector<Array> points;
    for (const Array &point : f.points) {
      points.push_back(replaceLanes(point, inside.take_front(point.lanes.size())));
      inside = inside.drop_front(point.lanes.size());
    }
    return f.at(points);
  });
  if (!found)
    return {};
  std::vector<Entity> results = likePoints(f.points, found->gradients);
  return results.size() == 1 ? results.front() : tuple(std::move(results));
}

Entity Elaborator::evalDerivative(const ast::Derivative &expr, Scope &scope) {
  auto read = [&](llvm::ArrayRef<ast::Ident> slots) { return readCall(expr, readDifferentiated(expr, scope), slots, scope); };
  if (expr.derivative == ast::DerivativeKind::Hess)
    return evalHessian(expr.loc, expr.slots, read);
  if (expr.derivative == ast::DerivativeKind::Jac)
    return evalJacobian(expr.loc, expr.slots, read);
  const Closure *closure = readDifferentiated(expr, scope);
  if (closure && closure->objective)
    return withAllTensors(expr.loc, [&] { return gradOfObjective(expr, *closure, scope); });
  std::optional<PointFunction> f = readCall(expr, closure, expr.slots, scope);
  return f ? evalGradient(*f) : Entity();
}

/// Copies what lies between `sources` and `value` to the builder's place.
static Value copySlice(Value value, llvm::SmallPtrSetImpl<Value> &sources, llvm::DenseMap<Operation *, bool> &known,
                       mlir::IRMapping &mapping, mlir::OpBuilder &builder) {
  if (mapping.contains(value))
    return mapping.lookup(value);
  Operation *op = value.getDefiningOp();
  if (!op || !dependsOn(value, sources, known))
    return value;
  auto copyOperand = [&](Value operand) {
    Value copied = copySlice(operand, sources, known, mapping, builder);
    if (copied != operand)
      mapping.map(operand, copied);
  };
  for (Value operand : op->getOperands())
    copyOperand(operand);
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (inner != op && !op->isAncestor(operand.getParentRegion()->getParentOp()))
        copyOperand(operand);
  });
  builder.clone(*op, mapping);
  return mapping.lookup(value);
}

/// Reads `[v](e)` behind grad, hess or jac: at another point e is what lies between v and e, copied.
std::optional<Elaborator::PointFunction> Elaborator::readValue(const ast::TotalDerivative &expr, llvm::ArrayRef<ast::Ident> variables, Scope &scope) {
  PointFunction f{textOf(expr.value->loc), expr.loc, {}, {}};
  for (const ast::Ident &variable : variables) {
    if (!variable.primed && findConstant(variable.name, scope)) {
      error(Code::GradIndependent, variable.loc, "'" + variable.name + "' is a constant of the file, so there is no derivative in it").suggest("make it an argument");
      return std::nullopt;
    }
    Array x = asArray(evalName(variable.name, variable.loc, scope, variable.primed), variable.loc);
    if (x.isPoison())
      return std::nullopt;
    if (kindOf(x) != Kind::Float) {
      error(Code::NotDifferentiable, variable.loc, "'" + variable.name + "' is no real number, so there is no derivative in it")
          .suggest("write its literals with a point: 1.0");
      return std::nullopt;
    }
    f.points.push_back(x);
  }
  Array value = evalArray(*expr.value, scope);
  if (value.isPoison())
    return std::nullopt;
  if (std::string slip = describeSharedPoint(value, f.points); !slip.empty()) {
    error(Code::LossNotScalar, expr.loc, slip).suggest(sharedPointWayOut.str());
    return std::nullopt;
  }
  f.at = [this, value, known = f.points, loc = f.loc](llvm::ArrayRef<Array> points) -> Array {
    llvm::SmallPtrSet<Value, 4> sources;
    mlir::IRMapping mapping;
    for (auto [before, now] : llvm::zip_equal(known, points)) {
      if (before.axes != now.axes) {
        error(Code::LossNotScalar, loc, "there is one direction for each index, but the point is the same for all of them").suggest(sharedPointWayOut.str());
        return {};
      }
      for (auto [lane, moved] : llvm::zip_equal(before.lanes, now.lanes)) {
        sources.insert(lane);
        mapping.map(lane, moved);
      }
    }
    llvm::DenseMap<Operation *, bool> depends;
    Array copied = value;
    for (Value &lane : copied.lanes)
      lane = copySlice(lane, sources, depends, mapping, builder);
    return copied;
  };
  return f;
}

Entity Elaborator::evalTotalDerivative(const ast::TotalDerivative &expr, Scope &scope) {
  auto read = [&](llvm::ArrayRef<ast::Ident> variables) { return readValue(expr, variables, scope); };
  if (expr.derivative == ast::DerivativeKind::Hess)
    return evalHessian(expr.loc, expr.variables, read);
  if (expr.derivative == ast::DerivativeKind::Jac)
    return evalJacobian(expr.loc, expr.variables, read);
  std::optional<PointFunction> f = read(expr.variables);
  return f ? evalGradient(*f) : Entity();
}
