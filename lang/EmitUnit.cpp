//===- EmitUnit.cpp - Losses, functions, schedules and rules as gradus.func --===//
//
// A unit whose arguments have declared shapes becomes a function of the dialect. Any other is elaborated once with
// poison for what it does not declare, for its errors alone, and is expanded where it is called.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/CName.h"
#include "lang/Elaborator.h"
#include "lang/Walk.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::cast;
using llvm::dyn_cast;
using mlir::Value;

/// A unit becomes functions of C, and a loss also its gradient: their names must be free there.
void Elaborator::claimName(FuncOp func, const ast::Ident &name) {
  std::vector<std::string> symbols{func.getSymName().str()};
  if (func.getKind() == FuncKind::Loss)
    symbols.push_back(symbols.front() + ".grad");
  for (const std::string &symbol : symbols) {
    if (std::string meaning = findMeaningInC(toCName(symbol)); !meaning.empty()) {
      error(Code::NameTakenInC, name.loc, "the unit '" + name.name + "' becomes a function of C, where that name is " + meaning)
          .suggest("choose another name, such as 'my_" + name.name + "'");
      return;
    }
    for (const std::string &claim : getClaimedNames(toIdentifier(symbol))) {
      const ast::Ident *owner = claimed.try_emplace(claim, &name).first->second;
      if (owner == &name)
        continue;
      error(Code::NameClashInC, name.loc, "the units '" + name.name + "' and '" + owner->name + "' both need the name '" + claim + "' in C")
          .note(owner->loc, "'" + owner->name + "' is declared here")
          .suggest("rename one of them");
      return;
    }
  }
}

void Elaborator::finishUnit(FuncOp func, const ast::Unit &unit, llvm::StringRef pretty) {
  if (!func)
    return;
  if (auto *function = dyn_cast<ast::Function>(&unit))
    claimName(func, function->name);
  if (auto *rule = dyn_cast<ast::Rule>(&unit))
    claimName(func, rule->name);
  if (auto *train = dyn_cast<ast::Train>(&unit))
    claimName(func, train->name);
  if (!pretty.empty() && pretty != func.getSymName())
    func->setAttr("pretty", builder.getStringAttr(pretty));
  if (unit.doc.empty())
    return;
  std::string text;
  for (const std::string &line : unit.doc)
    text += (text.empty() ? "" : "\n") + line;
  func->setAttr("gradus.doc", builder.getStringAttr(text));
}

//===----------------------------------------------------------------------===//
// Losses, functions and schedules
//===----------------------------------------------------------------------===//

/// The name of the sample axis of a loss that no train unit minimises: the leading dimension of its last argument with a shape, which
/// holds data. Empty where there is none.
static std::string sampleAxis(const ast::Function &function) {
  for (const ast::Param &param : llvm::reverse(function.params))
    if (param.type && !param.type->dims.empty())
      return leadingName(param.type);
  return "";
}

/// Whether an argument is differentiated when nobody says in what: the first one, and every other without the sample axis.
static bool isParameterByShape(const ast::Function &function, size_t position) {
  std::string samples = sampleAxis(function);
  if (position == 0)
    return true;
  if (samples.empty() || !function.params[position].type)
    return false;
  return llvm::none_of(function.params[position].type->dims, [&](const ast::Dim &dim) {
    auto *name = dim.size ? dyn_cast<ast::Name>(dim.size.get()) : nullptr;
    return name && name->name == samples;
  });
}

/// The leading dimension of the first argument that is no parameter: the axis of the samples, of which `rows` holds the numbers.
std::string Elaborator::rowAxis(const ast::Function &function) const {
  auto it = optimised.find(&function);
  for (auto [i, param] : llvm::enumerate(function.params)) {
    bool isChosen = it == optimised.end() ? isParameterByShape(function, i) : llvm::is_contained(it->second, param.name.name);
    if (!isChosen && param.type && !param.type->dims.empty())
      return leadingName(param.type);
  }
  return "";
}

/// The argument of the unit for a parameter, in the arithmetic type; poison where the parameter has no shape.
Array Elaborator::functionArgument(UnitBuilder &unit, const ast::Function &function, size_t position, Scope &shapes) {
  const ast::Param &param = function.params[position];
  const std::string &name = param.name.name;
  bool isLoss = function.function == ast::FunctionKind::Loss;
  bool hasDims = param.type && param.type->hasDims;
  bool isFirstOfLoss = isLoss && position == 0 && !param.defaultValue;
  bool isHyper = !hasDims && (param.defaultValue || (isLoss && !isFirstOfLoss) || function.function == ast::FunctionKind::Schedule);
  if (isHyper)
    return hyperArgument(unit, param, name, nullptr, shapes);
  if (!hasDims && !isFirstOfLoss)
    return {};
  auto it = optimised.find(&function);
  bool isChosen = it == optimised.end() ? isParameterByShape(function, position) : llvm::is_contained(it->second, name);
  std::optional<Kind> kind = kindOfType(param.type, nullptr);
  Shape shape{builder.getStringAttr(name + ".numel")};
  if (hasDims) {
    std::optional<Shape> declared = evalShape(*param.type, 0, shapes, /*mayDeclare=*/true);
    if (!declared)
      return {};
    shape = *declared;
  }
  if (!kind)
    return {};
  bool isParam = isLoss && *kind == Kind::Float && isChosen;
  if (!refuseStochastic(param.type, "an argument"))
    return {};
  mlir::Type element = argumentElement(param.type, *kind, shape.size());
  UnitBuilder::Extra extra;
  if (IntervalAttr interval = intervalOf(param, shapes); emitsChecks) // where the check draws it; calls look at the interval of a number alone
    extra.interval = interval;
  Value argument = unit.addArgument(isParam ? Role::Param : Role::Data, name, ArrayType::get(builder.getContext(), shape, element), param.loc, extra);
  return {{castTo(argument, elementOf(*kind, shape.size()), param.loc)}};
}

bool Elaborator::returnEntity(UnitBuilder &unit, const ast::Function &function, const Entity &result) {
  Location at = function.name.loc;
  std::vector<Entity> entities{result};
  if (const Entity::Tuple *several = result.get<Entity::Tuple>())
    entities = *several;
  // Results are called as the names that the body returns.
  std::vector<std::string> names(entities.size(), "value");
  if (function.body.block && !function.body.block->statements.empty() && entities.size() > 1)
    if (auto *last = dyn_cast<ast::ReturnStmt>(function.body.block->statements.back().get()))
      for (auto [i, value] : llvm::enumerate(last->values)) {
        auto *name = dyn_cast<ast::Name>(value.get());
        names[i] = name ? name->name : "value" + std::to_string(i);
      }
  for (auto [entity, name] : llvm::zip_equal(entities, names)) {
    Array x = asArray(entity, at);
    if (x.isPoison())
      return false;
    if (function.function == ast::FunctionKind::Loss || function.function == ast::FunctionKind::Schedule) {
      if (entities.size() != 1) {
        error(Code::LossNotScalar, at, "'" + function.name.name + "' must give one number, but it returns " + std::to_string(entities.size()) + " values")
            .suggest("return one of them; only a fn may return several");
        return false;
      }
      if (!isScalar(x)) {
        error(Code::LossNotScalar, at, "'" + function.name.name + "' must give one number, but it has the shape " + describe(ownShape(x)))
            .suggest("reduce it: sum(..) or mean(..)");
        return false;
      }
      x = toKind(x, Kind::Float, at);
    }
    Value value = x.lanes.front();
    if (kindOf(x) == Kind::Float && ownRank(x) > 0)
      value = castTo(value, real, at);
    unit.addResult(Role::Value, name, value);
  }
  return true;
}

void Elaborator::emitFunction(const ast::Function &function, Scope &file) {
  size_t errors = diagnostics.getErrorCount();
  const Location at = function.name.loc;
  laneCount = 1;
  const Closure &closure = *declare(function, file).get<Closure>();
  KeptUnit kept;
  if (keepsState(closure))
    emitKeptInit(function, closure, kept.slots);
  if (diagnostics.getErrorCount() != errors) {
    arena.broken.insert(&function);
    return;
  }
  FuncKind kind = function.function == ast::FunctionKind::Loss ? FuncKind::Loss
                  : function.function == ast::FunctionKind::Schedule ? FuncKind::Schedule : FuncKind::Fn;
  UnitBuilder unit(*this, module, kind, function.name.name, function.loc);
  llvm::SaveAndRestore ownUnit(currentUnit, &unit);
  llvm::SaveAndRestore ownRows(rowsUnit, kind == FuncKind::Loss ? &unit : nullptr);
  rowsArguments.clear();
  llvm::SaveAndRestore ownTime(now, Array());
  Scope *inner = arena.scope(&file);
  bool isEntry = true;
  for (size_t i : bindingOrder(function.params, [&](size_t i) { return givenSizes.contains(function.params[i].name.name); })) {
    const ast::Param &param = function.params[i];
    bool isTensor = !param.type || param.type->kind == ast::TypeKind::Tensor;
    Array argument;
    if (!isTensor && param.defaultValue) {
      bindParam(param, eval(*param.defaultValue, *inner), param.defaultValue->loc, *inner);
      continue;
    }
    if (param.isSize) {
      bool isKnown = param.defaultValue || givenSizes.contains(param.name.name) || keepsState(closure);
      if (isKnown)
        bindSize(param, nullptr, param.name.name, *inner, param.loc);
      else
        inner->set(param.name.name, Entity(), param.name.loc); // known where it is called
      isEntry &= isKnown;
      continue;
    }
    if (isTensor)
      argument = functionArgument(unit, function, i, *inner);
    isEntry &= !argument.isPoison();
    inner->set(param.name.name, argument, param.name.loc);
  }
  Array time;
  if (kind == FuncKind::Schedule) {
    time.lanes.push_back(unit.addArgument(Role::Time, "t", ArrayType::scalar(builder.getI64Type()), at));
    inner->set("t", time, at);
    now = time;
  }
  StateKeeper mine{&kept.run, ""};
  if (keepsState(closure))
    openKeptUnit(unit, kept, time);
  llvm::SaveAndRestore keeps(keeper, keepsState(closure) ? &mine : nullptr);
  frames.push_back({"'" + function.name.name + "'", diagnostics.getSources().get(at.file).wholeFile(), &function});
  Entity result = runBody(closure, *inner, at);
  frames.pop_back();
  // Poison without an error comes from another broken function.
  bool isPoisoned = isEntry && result.isPoison();
  if (diagnostics.getErrorCount() != errors || isPoisoned)
    arena.broken.insert(&function);
  bool isSound = isEntry && diagnostics.getErrorCount() == errors && returnEntity(unit, function, result);
  if (isSound)
    returnKept(unit, kept, kind == FuncKind::Schedule);
  FuncOp func = unit.finish(isSound, at);
  finishUnit(func, function, "");
  if (diagnostics.getErrorCount() != errors)
    return;
  emitSets(function, func, file);
  emitProximal(function, file);
}

//===----------------------------------------------------------------------===//
// Rules
//===----------------------------------------------------------------------===//

/// Arguments for the params and, in a step, the gradients of a rule that stands alone; `run` gets the arithmetic values.
bool Elaborator::addTensors(UnitBuilder &unit, RuleRun &run, bool hasGrads, std::vector<Value> &arguments) {
  Scope *shapes = arena.scope(run.call->home);
  std::vector<std::pair<std::string, ArrayType>> types; // of the gradients
  auto add = [&](Role role, const std::string &name, ArrayType type, Location at) {
    Value argument = unit.addArgument(role, name, type, at);
    Array value{{castTo(argument, elementOf(Kind::Float, type.getRank()), at)}};
    value.isEach = true;
    (role == Role::Param ? run.params : run.grads).push_back(value);
    if (role == Role::Param)
      arguments.push_back(argument);
  };
  for (const ast::StmtPtr &stmt : run.call->rule->block.statements) {
    auto *params = dyn_cast<ast::ParamStmt>(stmt.get());
    for (const ast::Decl &decl : params ? llvm::ArrayRef<ast::Decl>(params->decls) : llvm::ArrayRef<ast::Decl>()) {
      Shape shape{builder.getStringAttr(decl.name.name + ".numel")};
      if (decl.type && !kindOfType(decl.type, nullptr, /*isKept=*/true))
        return false;
      if (decl.type && decl.type->hasDims) {
        std::optional<Shape> declared = evalShape(*decl.type, 0, *shapes, /*mayDeclare=*/true);
        if (!declared)
          return false;
        shape = *declared;
        if (isOverOneVector(*run.call->rule))
          sharedSizes.insert(shape.begin(), shape.end());
      }
      auto type = ArrayType::get(builder.getContext(), shape, shape.empty() ? mlir::Type(builder.getF64Type()) : real);
      add(Role::Param, decl.name.name, storedType(type, paramStorage(*run.call, types.size())), decl.loc);
      types.push_back({decl.name.name, type});
    }
  }
  if (types.empty() && countTensors(*run.call->rule).second > 0) {
    error(Code::RuleWithoutParam, run.call->rule->loc, "the rule '" + run.call->rule->name.name + "' has no param").suggest("declare it: param w");
    return false;
  }
  size_t next = 0;
  for (const ast::StmtPtr &stmt : run.call->rule->block.statements) {
    auto *grads = dyn_cast<ast::GradStmt>(stmt.get());
    for (const ast::GradStmt::Entry &entry : grads ? llvm::ArrayRef<ast::GradStmt::Entry>(grads->entries) : llvm::ArrayRef<ast::GradStmt::Entry>()) {
      size_t of = std::min(next++, types.size() - 1);
      if (entry.of) {
        auto it = llvm::find_if(types, [&](const auto &type) { return type.first == entry.of->name; });
        if (it == types.end()) {
          error(Code::UnknownName, entry.of->loc, "no param is called '" + entry.of->name + "'");
          return false;
        }
        of = it - types.begin();
      }
      if (hasGrads)
        add(Role::Grad, entry.name.name, types[of].second, entry.name.loc);
    }
  }
  return true;
}

bool Elaborator::emitRuleInit(const ast::Rule &rule, const RuleCall &call, bool keep, std::vector<StateSlot> &slots) {
  UnitBuilder unit(*this, module, FuncKind::RuleInit, rule.name.name + ".init", rule.loc);
  RuleRun run;
  run.call = &call;
  run.isCheck = !keep;
  run.time = integer(1, rule.loc);
  std::vector<Value> arguments;
  bool isSound = addTensors(unit, run, /*hasGrads=*/false, arguments);
  std::map<std::string, GivenInput> given;
  InputSource inputs = [&](const ast::Decl &decl, bool isShared, RuleRun &rule) { return inputArgument(unit, decl, isShared, rule); };
  run.given = &given;
  run.inputs = &inputs;
  HyperSource hypers = [&](const ast::Param &param, const std::string &path, const Delayed *bound, Scope &scope, Array time) {
    return trainHyper(unit, param, path, bound, scope, time);
  };
  isSound = isSound && initStates(run, hypers, slots);
  for (const StateSlot &slot : slots)
    if (!slot.initial.isPoison()) {
      isSound &= checkShared(unit, slot, slot.initial.lanes.front());
      unit.addResult(Role::State, slot.path, roundTo(slot.initial.lanes.front(), slot.types.front().getElementType(), {}, slot.decl->loc), {}, slot.isShared);
    }
  FuncOp func = unit.finish(isSound && keep, rule.loc);
  if (func && isOpen)
    func->setAttr("open", builder.getUnitAttr());
  finishUnit(func, rule, rule.name.name);
  return isSound;
}

bool Elaborator::emitRuleStep(const ast::Rule &rule, const RuleCall &call, bool keep, llvm::ArrayRef<StateSlot> slots) {
  UnitBuilder unit(*this, module, FuncKind::RuleStep, rule.name.name + "." + (call.entry ? call.entry->name.name : "step"), rule.loc);
  RuleRun run;
  run.call = &call;
  run.isCheck = !keep;
  std::vector<Value> params;
  if (!addTensors(unit, run, /*hasGrads=*/true, params)) {
    unit.finish(false, rule.loc);
    return false;
  }
  run.time.lanes.push_back(unit.addArgument(Role::Time, "t", ArrayType::scalar(builder.getI64Type()), rule.loc));
  std::map<std::string, Array> states, next;
  std::map<std::string, Value> buffers;
  for (const StateSlot &slot : slots) {
    if (slot.initial.isPoison())
      continue;
    // The initial value lives in the function before this one, but its type says all: erased values keep no types, so
    // they were recorded.
    Value argument = unit.addArgument(Role::State, slot.path, slot.types.front(), slot.decl->loc, {{}, {}, 0, slot.isShared});
    Array state{{castTo(argument, elementOf(kindOf(argument), slot.types.front().getRank()), slot.decl->loc)}};
    state.isEach = slot.initial.isEach;
    state.isJoint = slot.initial.isJoint;
    states[slot.path] = state;
    buffers[slot.path] = argument;
  }
  run.states = &states;
  run.nextStates = &next;
  std::map<std::string, GivenInput> given;
  std::vector<Report> reports;
  InputSource inputs = [&](const ast::Decl &decl, bool isShared, RuleRun &rule) { return inputArgument(unit, decl, isShared, rule); };
  run.given = &given;
  run.inputs = &inputs;
  run.reports = &reports;
  HyperSource hypers = [&](const ast::Param &param, const std::string &path, const Delayed *bound, Scope &scope, Array time) {
    return trainHyper(unit, param, path, bound, scope, time);
  };
  bool isSound = stepRule(run, hypers);
  if (isSound && keep) {
    auto [paramCount, gradCount] = countTensors(rule);
    size_t index = 0;
    for (const ast::StmtPtr &stmt : rule.block.statements)
      if (auto *list = dyn_cast<ast::ParamStmt>(stmt.get()))
        for (const ast::Decl &decl : list->decls) {
          Array value = run.nextParams[index];
          if (value.isPoison())
            break;
          value = store(value, paramStorage(call, index), decl.name.name, run, decl.loc);
          Value stored = castTo(value.lanes.front(), Algebra::typeOf(params[index]).getElementType(), decl.loc);
          unit.addResult(Role::Next, decl.name.name, stored, params[index++]);
        }
    isSound = index == paramCount;
    for (const StateSlot &slot : slots) {
      auto it = next.find(slot.path);
      // A wrapped rule that was not called keeps its state.
      bool isMoved = it != next.end() && !it->second.isPoison();
      Value value = isMoved ? store(it->second, slot.storage, slot.path, run, slot.decl->loc).lanes.front() : buffers[slot.path];
      isSound &= checkShared(unit, slot, value);
      unit.addResult(Role::Next, slot.path, value, buffers[slot.path], slot.isShared);
    }
    isSound = isSound && addReports(unit, run);
  }
  FuncOp func = unit.finish(isSound && keep, rule.loc);
  if (func && isOpen)
    func->setAttr("open", builder.getUnitAttr());
  finishUnit(func, rule, rule.name.name);
  return isSound;
}

void Elaborator::emitRule(const ast::Rule &rule, Scope &file) {
  size_t errors = diagnostics.getErrorCount();
  // A rule that needs another one has no code of its own: it is checked here and expanded where it is used.
  bool stands = llvm::none_of(rule.params, [](const ast::Param &param) { return param.isFunction() && !param.defaultValue; });
  refuseSets(rule.params);
  const RuleCall *call = bindRule(rule, {}, file, rule.name.loc);
  isOpen = countTensors(rule).first > 0 && !isOverOneVector(rule); // one vector is one slot
  isUnbound = !rule.oracles.empty();
  sharedSizes.clear();
  toldSamples.clear();
  std::vector<StateSlot> slots;
  bool isSound = call && checkEntries(rule) && emitRuleInit(rule, *call, stands, slots);
  for (const ast::OnStmt *entry : entriesOf(rule)) {
    if (!call)
      break;
    RuleCall chosen = *call;
    chosen.entry = entry;
    // After an error the body is read for its own errors.
    bool keeps = stands && isSound && diagnostics.getErrorCount() == errors;
    isSound &= emitRuleStep(rule, chosen, keeps, slots);
  }
  // What has no step of its own has no first states.
  if (FuncOp init = module.lookupSymbol<FuncOp>(rule.name.name + ".init"); init && !isSound && diagnostics.getErrorCount() == errors)
    init.erase();
  isOpen = isUnbound = false;
  answers.clear();
}
