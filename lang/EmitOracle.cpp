//===- EmitOracle.cpp - Rules over objectives ---------------------------------===//
//
// `rule sam(base: rule) over f`. In the rule f takes the whole collection: its value is one number, its gradient has a lane for each
// tensor. It is bound to a function whose call gets one argument for each tensor of the point; what the rule asks twice at
// one point is asked once. Where nothing is bound, the question itself is the code: a gradus.oracle.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;
using llvm::SmallVector;
using mlir::Value;

//===----------------------------------------------------------------------===//
// Binding
//===----------------------------------------------------------------------===//

static std::vector<std::string> paramNames(const ast::Rule &rule) {
  std::vector<std::string> names;
  for (const ast::StmtPtr &stmt : rule.block.statements)
    if (auto *params = dyn_cast<ast::ParamStmt>(stmt.get()))
      for (const ast::Decl &decl : params->decls)
        names.push_back(decl.name.name);
  return names;
}

/// What an objective takes: the arguments that it lists, or the params of its rule in order.
static std::vector<std::string> pointNames(const ast::Oracle &oracle, const ast::Rule &rule) {
  std::vector<std::string> names;
  for (const ast::Ident &argument : oracle.arguments)
    names.push_back(argument.name);
  return names.empty() ? paramNames(rule) : names;
}

/// An objective of a rule at work, with the shapes of its points.
Objective &Elaborator::newObjective(const ast::Oracle &oracle, const RuleRun &run) {
  Objective &objective = arena.objectives.emplace_back();
  objective.name = oracle.name.name;
  objective.oracle = &oracle;
  objective.root = &objective;
  objective.drawPath = drawPath;
  std::vector<std::string> params = paramNames(*run.call->rule);
  for (const std::string &name : pointNames(oracle, *run.call->rule)) {
    size_t position = llvm::find(params, name) - params.begin();
    objective.models.push_back(position < run.params.size() ? std::optional(run.params[position]) : std::nullopt);
  }
  return objective;
}

/// The function by which the rule asks it.
Entity Elaborator::objectiveEntity(const Objective &objective, const ast::Oracle &oracle, const RuleRun &run) {
  Closure &closure = arena.closures.emplace_back();
  closure.name = oracle.name.name;
  closure.loc = oracle.name.loc;
  closure.decl = &objective;
  closure.objective = &objective;
  for (const std::string &name : pointNames(oracle, *run.call->rule)) {
    ast::Param &param = closure.lambdaParams.emplace_back();
    param.loc = oracle.loc;
    param.name = {name, oracle.loc, false};
  }
  closure.params = &closure.lambdaParams;
  return &static_cast<const Closure &>(closure);
}

Entity Elaborator::unboundObjective(const ast::Oracle &oracle, RuleRun &run) { return objectiveEntity(newObjective(oracle, run), oracle, run); }

/// A function, or a call of one that gives it data: `f = spread(x = [0.0, 2.0])`.
std::optional<Elaborator::Target> Elaborator::readTarget(const Delayed &bound) {
  auto *call = dyn_cast<ast::Call>(bound.expr);
  const ast::Expr &named = call ? *call->callee : *bound.expr;
  Entity entity = eval(named, *bound.scope);
  Target target;
  target.closure = entity.get<Closure>();
  if (!target.closure) {
    if (!entity.isPoison())
      error(Code::ObjectiveExpected, bound.expr->loc, "expected a loss or another function, but this is " + entity.what().str())
          .suggest("f = q, or with data: f = spread(x = [0.0, 2.0])");
    return std::nullopt;
  }
  std::vector<std::string> names;
  for (const ast::Param &param : *target.closure->params)
    names.push_back(param.name.name);
  for (const ast::Argument &argument : call ? llvm::ArrayRef<ast::Argument>(call->arguments) : llvm::ArrayRef<ast::Argument>()) {
    std::string name = argument.name ? argument.name->name : "";
    if (!llvm::is_contained(names, name)) {
      error(Code::UnknownArgument, argument.loc, name.empty() ? "what an objective gets besides the point is given by name" : "'" + target.closure->name + "' has no argument '" + name + "'")
          .note(target.closure->loc, "'" + target.closure->name + "' is declared here")
          .suggest(didYouMean(name, names));
      return std::nullopt;
    }
    if (!target.bound.try_emplace(name, Delayed{argument.value.get(), bound.scope}).second) {
      error(Code::ArgumentTwice, argument.loc, "the argument '" + name + "' is given twice");
      return std::nullopt;
    }
  }
  return target;
}

/// In a test: what is given by name is the data, and the points fill the other arguments in order.
Entity Elaborator::testObjective(const ast::Oracle &oracle, const Delayed *bound, RuleRun &run) {
  const ast::Rule &rule = *run.call->rule;
  if (!bound) {
    error(Code::ObjectiveMissing, run.call->loc, "'" + rule.name.name + "' needs the objective '" + oracle.name.name + "'")
        .note(oracle.loc, "it is declared here")
        .suggest("give it a function: " + rule.name.name + "(.., " + oracle.name.name + " = q)");
    return {};
  }
  std::optional<Target> target = readTarget(*bound);
  if (!target)
    return {};
  if (target->closure->objective)
    return target->closure; // that of a rule around
  Objective &objective = newObjective(oracle, run);
  objective.target = target->closure;
  objective.drawPath = "test.";
  size_t next = 0;
  for (const ast::Param &param : *target->closure->params) {
    ObjectiveArgument argument{param.name, std::nullopt, {}, false, false};
    if (const Delayed *given = findBound(target->bound, param.name.name)) {
      argument.value = eval(*given->expr, *given->scope);
      if (argument.value.isPoison())
        return {};
    } else if (next < objective.models.size()) {
      const std::optional<Array> &model = objective.models[next];
      argument.value = model && !model->isPoison() ? Array{{model->lane(0)}} : Array();
      argument.point = {next++, 0};
    } else if (param.defaultValue) {
      continue;
    } else {
      error(Code::ObjectiveArguments, bound->expr->loc, "'" + target->closure->name + "' needs the argument '" + param.name.name + "' besides the " + counted(next, "point") + " at which '" + rule.name.name + "' asks")
          .note(param.name.loc, "it is declared here")
          .suggest("bind it by name: " + oracle.name.name + " = " + target->closure->name + "(" + param.name.name + " = ..)");
      return {};
    }
    objective.arguments.push_back(std::move(argument));
  }
  if (next < objective.models.size()) {
    error(Code::ObjectiveArguments, bound->expr->loc, "'" + rule.name.name + "' asks '" + oracle.name.name + "' at " + counted(objective.models.size(), "point") + ", but '" + target->closure->name + "' takes " + std::to_string(next))
        .note(oracle.loc, "it is declared here");
    return {};
  }
  findSamples(objective);
  objective.further = [&objective](size_t argument, DataChoice) { return objective.arguments[argument].value.array(); };
  // The body of the outermost rule, which has the time of the step, has not begun.
  llvm::SaveAndRestore atStep(now, now.isPoison() ? run.time : now);
  if (keepsState(*objective.target) && !evaluateOwn(objective, run, bound->expr->loc))
    return {};
  return objectiveEntity(objective, oracle, run);
}

/// `base(w, f = h)`, then `sam(.., f = q)`, then the objective of the rule around, then what the unit trains.
Entity Elaborator::bindOracle(const ast::Oracle &oracle, size_t position, RuleRun &run) {
  if (auto it = run.replaced.find(oracle.name.name); it != run.replaced.end())
    return it->second;
  const Delayed *bound = findBound(run.call->bound, oracle.name.name);
  if (!bound) {
    // What the rule around has left unbound, for it needs it not, the source binds.
    auto isBound = [&](const Entity &entity) {
      const Closure *closure = entity.get<Closure>();
      return !run.source || !closure || !closure->objective || closure->objective->target;
    };
    for (const auto &[name, entity] : run.offered)
      if (name == oracle.name.name && isBound(entity))
        return entity;
    if (position < run.offered.size() && isBound(run.offered[position].second))
      return run.offered[position].second;
  }
  if (run.source)
    return (*run.source)(oracle, bound, run);
  return bound ? testObjective(oracle, bound, run) : unboundObjective(oracle, run);
}

bool Elaborator::openOracles(RuleRun &run) {
  bool isSound = true;
  for (auto [position, oracle] : llvm::enumerate(run.call->rule->oracles)) {
    Entity entity = bindOracle(oracle, position, run);
    isSound &= !entity.isPoison();
    run.objectives.push_back({oracle.name.name, entity});
    run.scope->set(oracle.name.name, entity, oracle.loc);
  }
  return isSound;
}

/// `base(w, f = h)`.
bool Elaborator::replaceOracle(const RuleSite &site, const Actual &actual, std::map<std::string, Entity> &replaced) {
  const ast::Rule &rule = *site.call->rule;
  std::vector<std::string> names;
  for (const ast::Oracle &oracle : rule.oracles)
    names.push_back(oracle.name.name);
  if (!llvm::is_contained(names, actual.name->name)) {
    error(Code::UnknownArgument, actual.name->loc, "'" + rule.name.name + "' has no objective '" + actual.name->name + "'")
        .note(rule.name.loc, "'" + rule.name.name + "' is declared here")
        .suggest(didYouMean(actual.name->name, names));
    return false;
  }
  if (!actual.entity.get<Closure>()) {
    error(Code::ObjectiveExpected, actual.loc, "expected a function, but this is " + actual.entity.what().str()).suggest("h(v) = .. above, then f = h");
    return false;
  }
  if (replaced.try_emplace(actual.name->name, actual.entity).second)
    return true;
  error(Code::ArgumentTwice, actual.name->loc, "the objective '" + actual.name->name + "' is given twice");
  return false;
}

//===----------------------------------------------------------------------===//
// Points
//===----------------------------------------------------------------------===//

/// An objective is asked for all tensors at once, also where the text is elaborated for one after the other.
Entity Elaborator::withAllTensors(Location at, llvm::function_ref<Entity()> emit) {
  if (!activeLane)
    return emit();
  if (isOneOfMany) {
    error(Code::ObjectiveOfOneTensor, at, "an objective is asked at all tensors at once, but the block around runs for each tensor by itself")
        .suggest("decide by a value that is one for the collection, or ask before the block");
    return {};
  }
  std::optional<size_t> lane = std::exchange(activeLane, std::nullopt);
  Entity all = emit();
  activeLane = lane;
  if (all.isArray())
    return sliceLane(all.array());
  const Entity::Tuple *several = all.get<Entity::Tuple>();
  if (!several)
    return all;
  std::vector<Entity> slices;
  for (const Entity &entity : *several)
    slices.push_back(entity.isArray() ? Entity(sliceLane(entity.array())) : entity);
  return tuple(std::move(slices));
}

std::optional<std::vector<Array>> Elaborator::readPoints(const Closure &closure, const std::vector<Actual> &actuals, Location at) {
  std::vector<Actual> given = actuals;
  Scope *inner = arena.scope(nullptr);
  if (!bindActuals(closure, given, *inner, at))
    return std::nullopt;
  std::vector<Array> points;
  for (auto [param, model] : llvm::zip_equal(*closure.params, closure.objective->models)) {
    const Binding &binding = *inner->findHere(param.name.name);
    Array x = asArray(binding.entity, binding.loc);
    if (x.isPoison())
      return std::nullopt;
    x = toKind(x, Kind::Float, binding.loc);
    if (!model) {
      points.push_back(x);
      continue;
    }
    if (x.lanes.size() != 1 && x.lanes.size() != model->lanes.size())
      return std::nullopt;
    Array point = *model;
    point.axes = x.axes;
    for (size_t k = 0; k < model->lanes.size(); ++k) {
      Shape shape(ownShape(*model, k));
      std::optional<Shape> common = commonShape({*model, x}, k, binding.loc);
      if (!common)
        return std::nullopt;
      if (*common != shape) {
        error(Code::ShapeMismatch, binding.loc, "'" + closure.name + "' takes a point of the shape " + describe(shape) + ", but this has the shape " + describe(ownShape(x, x.lanes.size() == 1 ? 0 : k)));
        return std::nullopt;
      }
      point.lanes[k] = fit(x, k, x.axes, shape, Kind::Float, binding.loc);
    }
    points.push_back(std::move(point));
  }
  return points;
}

static SmallVector<Value> lanesOf(llvm::ArrayRef<Array> points) {
  SmallVector<Value> lanes;
  for (const Array &point : points)
    llvm::append_range(lanes, point.lanes);
  return lanes;
}

//===----------------------------------------------------------------------===//
// Answers
//===----------------------------------------------------------------------===//

/// The function whose body is emitted, if what is emitted now is reached by everything below; else null.
static mlir::Operation *enclosingUnit(mlir::OpBuilder &builder) {
  mlir::Operation *parent = builder.getInsertionBlock()->getParentOp();
  return llvm::isa<FuncOp>(parent) ? parent : nullptr;
}

/// What tells one point from another: the tensors of the point, and the parameters that are none of it.
static SmallVector<Value> keyOf(const Objective &objective, llvm::ArrayRef<Array> points) {
  if (!objective.target)
    return lanesOf(points);
  SmallVector<Value> key;
  for (const ObjectiveArgument &argument : objective.arguments)
    if (argument.point)
      key.push_back(points[argument.point->first].lane(argument.point->second));
    else if (argument.isParam)
      key.push_back(argument.value.array().lanes.front());
  return key;
}

/// The arguments in which the points `wrt` are differentiated, lane by lane.
static SmallVector<size_t> slotsOf(const Objective &objective, llvm::ArrayRef<Array> points, llvm::ArrayRef<size_t> wrt) {
  SmallVector<size_t> slots;
  for (size_t position : wrt)
    for (size_t k = 0; k < points[position].lanes.size(); ++k) {
      auto it = llvm::find_if(objective.arguments, [&](const ObjectiveArgument &argument) { return argument.point == std::pair(position, k); });
      slots.push_back(objective.target ? it - objective.arguments.begin() : position * 65536 + k);
    }
  return slots;
}

/// An earlier answer: one with the value if `wrt` is null, else one that has those gradients, perhaps among others.
const Elaborator::Answer *Elaborator::findAnswer(const Objective &objective, llvm::ArrayRef<Value> point, const SmallVector<size_t> *wrt) const {
  for (const Answer &answer : answers) {
    bool isHere = answer.root == objective.root && answer.choice == objective.choice && answer.point == point;
    if (isHere && (wrt ? llvm::all_of(*wrt, [&](size_t slot) { return llvm::is_contained(answer.wrt, slot); }) : static_cast<bool>(answer.value)))
      return &answer;
  }
  return nullptr;
}

/// Only what stands in no region is kept: it reaches all that follows, and is never taken back.
void Elaborator::keepAnswer(const Objective &objective, llvm::ArrayRef<Value> point, llvm::ArrayRef<size_t> wrt, Value value, llvm::ArrayRef<Value> gradients) {
  if (objective.choice > DataChoice::All || !enclosingUnit(builder))
    return;
  answers.push_back({objective.root, objective.choice, SmallVector<Value>(point), SmallVector<size_t>(wrt), value, SmallVector<Value>(gradients)});
}

/// A question to an objective that is not bound.
static OracleOp ask(Algebra &algebra, OracleQuery query, const Objective &objective, mlir::Attribute samples, llvm::ArrayRef<Array> points,
                    llvm::ArrayRef<size_t> wrt, Location at) {
  static constexpr llvm::StringLiteral words[] = {"", "next", "all", "rows", "each"};
  mlir::OpBuilder &builder = algebra.builder;
  llvm::StringRef word = words[static_cast<int>(objective.choice)];
  bool isEach = objective.choice == DataChoice::Each;
  SmallVector<int64_t> positions;
  SmallVector<mlir::Type> types;
  size_t position = 0;
  for (auto [i, point] : llvm::enumerate(points))
    for (Value lane : point.lanes) {
      if (llvm::is_contained(wrt, i)) {
        positions.push_back(position);
        Shape shape(Algebra::typeOf(lane).getShape());
        if (isEach)
          shape.insert(shape.begin(), samples);
        types.push_back(Algebra::typeOf(lane).withShape(shape));
      }
      ++position;
    }
  if (query == OracleQuery::Value)
    types.push_back(isEach ? ArrayType::get(builder.getContext(), {samples}, algebra.wide) : ArrayType::scalar(builder.getF64Type()));
  return OracleOp::create(builder, algebra.place(at), types, query, builder.getStringAttr(objective.name), word.empty() ? mlir::StringAttr() : builder.getStringAttr(word),
                          lanesOf(points), mlir::ValueRange(), objective.rows.isPoison() ? Value() : objective.rows.lanes.front(), positions);
}

/// The value at the points: one number, or one for each index and sample.
Array Elaborator::askValue(const Objective &objective, llvm::ArrayRef<Array> points, Location at) {
  Array value = askUnsigned(objective, points, at);
  return objective.isNegated && !value.isPoison() ? negate(value, at) : value;
}

Array Elaborator::askUnsigned(const Objective &objective, llvm::ArrayRef<Array> points, Location at) {
  SmallVector<Value> lanes = keyOf(objective, points);
  if (const Answer *known = findAnswer(objective, lanes, nullptr))
    return {{known->value}};
  if (!objective.target) {
    Value value = ask(*this, OracleQuery::Value, objective, samplesOf(objective), points, {}, at).getAnswer().front();
    keepAnswer(objective, lanes, {}, value, {});
    return {{value}};
  }
  std::vector<Actual> actuals;
  for (auto [i, argument] : llvm::enumerate(objective.arguments)) {
    Entity entity = argument.point ? Entity() : chosenData(objective, i, at);
    if (argument.point) {
      const Array &point = points[argument.point->first];
      entity = Array{{point.lane(argument.point->second)}, false, false, point.axes};
    } else if (entity.isPoison()) {
      return {};
    }
    actuals.push_back({argument.name, std::move(entity), at});
  }
  StateKeeper kept{objective.kept, ""};
  llvm::SaveAndRestore keeps(keeper, objective.kept ? &kept : nullptr);
  llvm::SaveAndRestore reads(readsCommitted, objective.kept && objective.kept->committed && !isOwnPoint(objective, points));
  llvm::SaveAndRestore data(asked, &objective);
  // The function knows nothing of the rule and its collection; its draws are those of the data, whoever asks.
  llvm::SaveAndRestore run(currentRun, static_cast<const RuleRun *>(nullptr));
  llvm::SaveAndRestore count(laneCount, size_t(1));
  llvm::SaveAndRestore many(isOneOfMany, false);
  llvm::SaveAndRestore indices(loopIndices, SmallVector<Value, 1>());
  llvm::SaveAndRestore path(drawPath, objective.drawPath);
  llvm::SaveAndRestore choice(drawChoice, std::string(objective.choice == DataChoice::Next ? "next." : objective.choice == DataChoice::All ? "all." : ""));
  Array value = asArray(callClosure(*objective.target, std::move(actuals), at), at);
  if (value.isPoison())
    return {};
  if (kindOf(value) == Kind::Bool || ownRank(value) != 0 || value.lanes.size() != 1) {
    error(Code::LossNotScalar, at, "an objective must give one number, but '" + objective.target->name + "' has the shape " + describe(ownShape(value)))
        .note(objective.target->loc, "'" + objective.target->name + "' is declared here")
        .suggest("reduce it: sum(..) or mean(..)");
    return {};
  }
  value = toKind(value, Kind::Float, at);
  value.isEach = value.isJoint = false;
  if (value.axes.empty())
    keepAnswer(objective, lanes, {}, value.lanes.front(), {});
  return value;
}

/// The gradients in the points `wrt`, each like its point.
std::vector<Array> Elaborator::askGradients(const Objective &objective, llvm::ArrayRef<Array> points, llvm::ArrayRef<size_t> wrt, Location at) {
  SmallVector<Value> lanes = keyOf(objective, points), found;
  SmallVector<size_t> slots = slotsOf(objective, points, wrt);
  std::vector<Array> at_points;
  for (size_t position : wrt)
    at_points.push_back(points[position]);
  if (const Answer *known = findAnswer(objective, lanes, &slots)) {
    for (size_t slot : slots)
      found.push_back(known->gradients[llvm::find(known->wrt, slot) - known->wrt.begin()]);
  } else if (!objective.target) {
    OracleOp op = ask(*this, OracleQuery::Gradient, objective, samplesOf(objective), points, wrt, at);
    found.assign(op.getAnswer().begin(), op.getAnswer().end());
    keepAnswer(objective, lanes, slots, {}, found);
  } else {
    std::optional<Differentiated> both = differentiate(lanesOf(at_points), at, [&](llvm::ArrayRef<Value> inside) {
      std::vector<Array> replaced(points);
      for (size_t position : wrt) {
        Array &point = replaced[position];
        point.lanes.assign(inside.begin(), inside.begin() + point.lanes.size());
        inside = inside.drop_front(point.lanes.size());
      }
      return askUnsigned(objective, replaced, at);
    }, /*mayBeConstant=*/true);
    if (!both)
      return {};
    found = both->gradients;
    if (llvm::all_of(at_points, [](const Array &point) { return point.axes.empty(); }))
      keepAnswer(objective, lanes, slots, both->value, found);
  }
  llvm::ArrayRef<Value> rest = found;
  for (Array &point : at_points) {
    point.lanes.assign(rest.begin(), rest.begin() + point.lanes.size());
    rest = rest.drop_front(point.lanes.size());
    if (objective.isNegated)
      point = negate(point, at);
  }
  return at_points;
}

Entity Elaborator::callObjective(const Closure &closure, const std::vector<Actual> &actuals, Location at) {
  std::optional<std::vector<Array>> points = readPoints(closure, actuals, at);
  if (!points)
    return {};
  return gatherSamples(*closure.objective, askValue(*closure.objective, *points, at), at);
}

/// `grad f(w)`, `grad[y] f[next](x, y)`.
Entity Elaborator::gradOfObjective(const ast::Derivative &expr, const Closure &closure, Scope &scope) {
  std::optional<std::vector<Array>> points = readPoints(closure, evalArguments(expr.arguments, scope), expr.loc);
  SmallVector<size_t> wrt;
  for (const ast::Ident &slot : expr.slots) {
    auto it = llvm::find_if(*closure.params, [&](const ast::Param &param) { return param.name.name == slot.name; });
    if (it == closure.params->end()) {
      error(Code::UnknownArgument, slot.loc, "'" + closure.name + "' has no argument '" + slot.name + "'").note(closure.loc, "'" + closure.name + "' is declared here");
      return {};
    }
    wrt.push_back(it - closure.params->begin());
  }
  if (!points)
    return {};
  if (wrt.empty())
    wrt.push_back(0);
  const Objective &objective = *closure.objective;
  for (size_t position : wrt)
    (*points)[position] = spreadPoint(objective, (*points)[position], expr.loc);
  std::vector<Entity> results;
  for (const Array &gradient : askGradients(objective, *points, wrt, expr.loc))
    results.push_back(gatherSamples(objective, gradient, expr.loc));
  return results.empty() ? Entity() : results.size() == 1 ? results.front() : tuple(std::move(results));
}
