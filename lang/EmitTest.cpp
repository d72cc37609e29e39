//===- EmitTest.cpp - Test blocks --------------------------------------------===//
//
// A test is a function without arguments and results whose claims are ops. `step` runs a rule once and gives a record with the rule's own
// names; `run` is in EmitRun.cpp. Tests run in f64.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"
#include "lang/Utf8.h"
#include "llvm/Support/FormatVariadic.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::cast;
using llvm::dyn_cast;
using mlir::Value;

/// The source text of a place, its lines joined by `newline`.
std::string Elaborator::textOf(Location at, llvm::StringRef newline) const {
  const Source &source = diagnostics.getSources().get(at.file);
  std::string text;
  for (uint32_t line = at.line; line <= at.endLine; ++line) {
    std::string_view all = source.getLine(line);
    uint32_t col = 1;
    std::string part;
    for (size_t pos = 0; pos < all.size(); ++col) {
      size_t bytes = utf8Length(all, pos).bytes;
      bool isInside = (line > at.line || col >= at.col) && (line < at.endLine || col < at.endCol);
      if (isInside)
        part += all.substr(pos, bytes);
      pos += bytes;
    }
    text += (text.empty() ? "" : newline.str()) + llvm::StringRef(part).trim().str();
  }
  return text;
}

bool Elaborator::checkClaim(const Array &a, const Array &b, Location at) {
  if (a.isPoison() || b.isPoison() || isScalar(a) || isScalar(b) || !a.axes.empty() || !b.axes.empty() || ownShape(a) == ownShape(b))
    return true;
  error(Code::ShapeMismatch, at, "a claim compares arrays of one shape, but these have the shapes " + describe(ownShape(a)) + " and " + describe(ownShape(b)))
      .suggest("a single number is compared with every element");
  return false;
}

void Elaborator::runExpect(const ast::ExpectStmt &stmt, Scope &scope) {
  auto *claim = dyn_cast<ast::Compare>(stmt.condition.get());
  bool isNear = claim && llvm::is_contained(claim->ops, ast::CompareOp::Near);
  std::string text = textOf(stmt.condition->loc);
  if (!isNear) {
    if (stmt.within)
      error(Code::NearOutsideExpect, stmt.within->loc, "'within' belongs to '~'").suggest("write a ~ b within e");
    Array condition = claim ? evalCompare(*claim, scope, /*isClaim=*/true) : evalBool(*stmt.condition, scope);
    if (!condition.isPoison())
      ExpectOp::create(builder, place(stmt.loc), condition.lanes.front(), text);
    return;
  }
  if (claim->ops.size() != 1) {
    error(Code::NearOutsideExpect, claim->loc, "'~' compares two values").suggest("write one 'expect' for each pair");
    return;
  }
  Array a = evalArray(*claim->operands[0], scope), b = evalArray(*claim->operands[1], scope);
  if (a.isPoison() || b.isPoison())
    return;
  if (!checkClaim(a, b, claim->opLocs[0]))
    return;
  double tolerance = 1e-9;
  if (stmt.within) {
    Array within = evalArray(*stmt.within, scope);
    std::optional<double> known = within.isPoison() ? std::nullopt : constantBehind(within);
    if (known && !(*known >= 0))
      known = std::nullopt;
    if (!known && !within.isPoison())
      error(Code::NotConstant, stmt.within->loc, "the tolerance must be a number of at least 0 that is known when the spec is compiled");
    if (!known)
      return;
    tolerance = *known;
    text += " within " + textOf(stmt.within->loc);
  }
  elementwise({a, b}, Kind::Float, claim->opLocs[0], [&](llvm::ArrayRef<Value> v) -> Value {
    ExpectNearOp::create(builder, place(stmt.loc), v[0], v[1], llvm::APFloat(tolerance), text);
    return v[0];
  });
}

void Elaborator::emitTest(const ast::Test &test, Scope &file) {
  isTest = true;
  // A title may equal the name of a unit.
  std::string symbol = test.title;
  while (module.lookupSymbol(symbol))
    symbol += " (test)";
  UnitBuilder unit(*this, module, FuncKind::Test, symbol, test.loc);
  size_t errors = diagnostics.getErrorCount();
  Scope *inner = arena.scope(&file);
  llvm::SaveAndRestore path(drawPath, std::string("test."));
  std::string body;
  for (const ast::StmtPtr &stmt : test.block.statements) {
    auto *inputs = test.isProperty ? dyn_cast<ast::InputStmt>(stmt.get()) : nullptr;
    body += inputs ? "" : textOf(stmt->loc, "\n") + "\n";
    if (inputs)
      addPropertyInputs(*inputs, unit, *inner);
    else if (auto *claim = dyn_cast<ast::ExpectStmt>(stmt.get()))
      runExpect(*claim, *inner);
    else if (!runCommon(*stmt, *inner))
      notHere(*stmt, "a test", "a test defines names and claims: expect a ~ b within e");
  }
  if (diagnostics.getErrorCount() == errors)
    liftClaims(unit.getFunc(), test.loc);
  FuncOp func = unit.finish(diagnostics.getErrorCount() == errors, test.loc);
  if (func && test.isProperty)
    func->setAttr("gradus.property", builder.getStringAttr(body));
  finishUnit(func, test, test.title);
  answers.clear();
}

//===----------------------------------------------------------------------===//
// step
//===----------------------------------------------------------------------===//

/// A report or state by its path.
void lang::setMember(Arena &arena, Record &record, llvm::StringRef path, Entity entity) {
  auto [head, rest] = path.split('.');
  if (rest.empty()) {
    record.members[head.str()] = std::move(entity);
    return;
  }
  const Record *inner = record.members[head.str()].get<Record>();
  if (!inner) {
    inner = &arena.records.emplace_back();
    record.members[head.str()] = inner;
  }
  // The arena owns the record; entities see it as constant.
  setMember(arena, const_cast<Record &>(*inner), rest, std::move(entity));
}

/// Reads `step(rule, w = .., g = .., t = 1)`.
bool Elaborator::readTestRule(const CallSite &site, TestRule &test) {
  const std::vector<ast::Argument> &arguments = site.call->arguments;
  if (arguments.empty() || arguments[0].name) {
    error(Code::MissingArgument, site.at, "'" + site.builtin->name.str() + "' needs a rule as its first argument").suggest("step(adam(), w = [1.0], g = [0.5])");
    return false;
  }
  test.run.call = evalRule(*arguments[0].value, *site.scope);
  bool isSound = test.run.call != nullptr;
  for (const ast::Argument &argument : llvm::drop_begin(arguments)) {
    Array value = evalArray(*argument.value, *site.scope);
    isSound &= !value.isPoison();
    if (!argument.name) {
      error(Code::UnknownArgument, argument.loc, "the arguments after the rule are given by name").suggest("w = .., g = ..");
      isSound = false;
      continue;
    }
    if (!test.given.try_emplace(argument.name->name, Actual{argument.name, value, argument.value->loc}).second) {
      error(Code::ArgumentTwice, argument.loc, "'" + argument.name->name + "' is given twice");
      isSound = false;
    }
  }
  return isSound;
}

/// What `make` gives of the rule and the arguments of a `step` or `run`; nothing after an error in them.
Entity Elaborator::tryRule(const CallSite &site, llvm::function_ref<Entity(TestRule &)> make) {
  TestRule test;
  Entity made;
  auto expand = [&] {
    bool isSound = takeTensors(site, test) && takeStates(site, test);
    if (isSound)
      made = make(test);
    return isSound;
  };
  if (readTestRule(site, test))
    expandRule(*test.run.call->rule, site.at, expand);
  return made;
}

/// The argument of that name, which is then used up.
static std::optional<Actual> take(std::map<std::string, Actual> &given, const std::string &name) {
  auto it = given.find(name);
  if (it == given.end())
    return std::nullopt;
  Actual actual = it->second;
  given.erase(it);
  return actual;
}

bool Elaborator::takeTensors(const CallSite &site, TestRule &test) {
  auto tensor = [&](const ast::Ident &name, llvm::StringRef what) -> std::optional<Array> {
    std::optional<Actual> actual = take(test.given, name.name);
    if (!actual) {
      error(Code::MissingArgument, site.at, "the " + what.str() + " '" + name.name + "' is not given").note(name.loc, "it is declared here");
      return std::nullopt;
    }
    Array x = toKind(actual->entity.array(), Kind::Float, actual->loc);
    x.isEach = true;
    return x;
  };
  std::vector<std::string> &names = test.names;
  const std::vector<size_t> targets = paramsOfGrads(*test.run.call->rule);
  for (const ast::StmtPtr &stmt : test.run.call->rule->block.statements) {
    if (auto *params = dyn_cast<ast::ParamStmt>(stmt.get()))
      for (const ast::Decl &decl : params->decls) {
        names.push_back(decl.name.name);
        std::optional<Array> x = tensor(decl.name, "param");
        if (!x)
          return false;
        test.run.params.push_back(stored(*x, {paramStorage(*test.run.call, test.run.params.size()).element}, test.run, decl.loc));
      }
    if (auto *grads = dyn_cast<ast::GradStmt>(stmt.get()))
      for (const ast::GradStmt::Entry &entry : grads->entries) {
        names.push_back(entry.name.name);
        std::optional<Array> x = tensor(entry.name, "gradient");
        if (!x)
          return false;
        if (test.run.params.empty())
          break;
        const Array &model = test.run.params[std::min(targets[test.run.grads.size()], test.run.params.size() - 1)];
        if (ownShape(model) != ownShape(*x)) {
          error(Code::ShapeMismatch, site.at, "the gradient '" + entry.name.name + "' has the shape " + describe(ownShape(*x)) +
                                                  ", but its param has the shape " + describe(ownShape(model)));
          return false;
        }
        test.run.grads.push_back(*x);
      }
    if (auto *states = dyn_cast<ast::StateStmt>(stmt.get()))
      for (const ast::Decl &decl : states->decls)
        names.push_back(decl.name.name);
  }
  return true;
}

/// An input from the call of the test, or its default.
Array Elaborator::testInput(const CallSite &site, TestRule &test, const ast::Decl &decl, bool isShared, RuleRun &run) {
  std::optional<Actual> actual = take(test.given, decl.name.name);
  std::optional<Kind> kind = kindOfType(decl.type, nullptr);
  test.names.push_back(decl.name.name);
  if (!actual && !decl.value)
    error(Code::MissingArgument, site.at, "the input '" + decl.name.name + "' is not given").note(decl.name.loc, "it is declared here");
  if ((!actual && !decl.value) || !kind || (!actual && !inputDefault(decl, *kind, run)))
    return {};
  Location at = actual ? actual->loc : decl.value->loc;
  Array x = actual ? actual->entity.array() : evalArray(*decl.value, *run.scope);
  if (x.isPoison())
    return {};
  if (kindOf(x) > *kind) {
    error(Code::KindMismatch, at, "'" + decl.name.name + "' holds " + (*kind == Kind::Int ? "integers" : "conditions") + ", but this is a number of another kind").note(decl.loc, "it is declared here");
    return {};
  }
  x.isEach = !isShared;
  bool isLike = !isShared && !(decl.type && decl.type->hasDims);
  for (const ast::Storage &word : decl.type ? llvm::ArrayRef<ast::Storage>(decl.type->storage) : llvm::ArrayRef<ast::Storage>())
    isLike |= word.isLike;
  // The sizes of a shape that is written out come from what is given; takeInput compares.
  if (actual && !isLike && decl.type && decl.type->hasDims)
    return bindShape(*decl.type, x, decl.name.name, at, *run.scope) ? toKind(x, *kind, at) : Array();
  std::optional<Shape> shape = roleShape(decl, isShared, 0, run, /*mayDeclare=*/false);
  if (!shape)
    return {};
  std::optional<Shape> common = commonShape({filled(0, *shape, at), x}, 0, at);
  if (common && *common == *shape) {
    x.lanes = {fit(x, 0, {}, *shape, *kind, at)};
    return x;
  }
  if (common)
    error(Code::ShapeMismatch, at, "'" + decl.name.name + "' has the shape " + describe(*shape) + ", but this has the shape " + describe(ownShape(x)));
  return {};
}

/// The time, and the states: those given, the others by their initial values.
bool Elaborator::takeStates(const CallSite &site, TestRule &test) {
  std::optional<Actual> time = take(test.given, "t");
  test.run.time = time ? time->entity.array() : integer(1, site.at);
  if (kindOf(test.run.time) == Kind::Float) {
    error(Code::KindMismatch, time->loc, "'t' counts steps: it is an integer");
    return false;
  }
  if (std::optional<double> known = constantBehind(test.run.time); known && *known < 1) {
    error(Code::HyperOutOfInterval, time->loc, "'t' is " + llvm::formatv("{0:f0}", *known).str() + ", but steps are counted from 1")
        .suggest("leave it out for the first step");
    return false;
  }
  for (const ast::Param &param : test.run.call->entry ? llvm::ArrayRef<ast::Param>(test.run.call->entry->params) : llvm::ArrayRef<ast::Param>())
    if (llvm::any_of(test.run.call->entry->inputs, [&](const ast::Decl &input) { return input.name.name == param.name.name; }))
      continue; // an array is an input
    else if (std::optional<Actual> given = take(test.given, param.name.name))
      test.entryArguments[param.name.name] = *given;
  test.hypers = [this, &test, at = test.run.call->loc](const ast::Param &param, const std::string &, const Delayed *bound, Scope &scope, Array now) -> Array {
    const ast::OnStmt *entry = test.run.call->entry;
    bool isOfEntry = entry && llvm::any_of(entry->params, [&](const ast::Param &own) { return &own == &param; });
    auto given = test.entryArguments.find(param.name.name);
    if (!isOfEntry || given == test.entryArguments.end())
      return testHyper(param, bound, scope, now, at);
    Array value = given->second.entity.array();
    std::optional<Kind> kind = kindOfType(param.type, param.defaultValue.get());
    if (!isScalar(value)) {
      error(Code::NotAScalar, given->second.loc, "'" + param.name.name + "' is a number, but this has the shape " + describe(ownShape(value)));
      return {};
    }
    return kind && convertHyper(param, *kind, value, scope, given->second.loc) ? value : Array();
  };
  test.source = [this, &site, &test](const ast::Decl &decl, bool isShared, RuleRun &run) { return testInput(site, test, decl, isShared, run); };
  test.objectives = [this](const ast::Oracle &oracle, const Delayed *bound, RuleRun &run) { return testObjective(oracle, bound, run); };
  test.run.source = &test.objectives;
  test.run.inputs = &test.source;
  test.run.given = &test.inputs;
  test.run.reports = &test.reports;
  RuleRun init = test.run;
  if (!initStates(init, test.hypers, test.slots))
    return false;
  for (const ast::Decl &input : init.call->entry ? llvm::ArrayRef<ast::Decl>(init.call->entry->inputs) : llvm::ArrayRef<ast::Decl>())
    if (takeInput(input, /*isShared=*/false, init).isPoison())
      return false;
  for (StateSlot &slot : test.slots) {
    if (std::optional<Actual> given = take(test.given, slot.path)) {
      ast::Target target;
      target.name.name = slot.path;
      slot.initial = nextValue(target, given->entity, slot.initial, given->loc);
      if (slot.initial.isPoison())
        return false;
    }
    slot.initial = stored(slot.initial, {slot.storage.element}, test.run, slot.decl->loc);
    test.states[slot.path] = slot.initial;
  }
  if (site.builtin->name == "run")
    return true;
  for (const auto &[name, actual] : test.given) {
    error(Code::UnknownArgument, actual.name->loc, "the rule has no param, gradient, state or input '" + name + "'").suggest(didYouMean(name, test.names));
    return false;
  }
  return true;
}

/// What the application would have after it kept a value: the same number, or the one that its storage has for it.
Array Elaborator::stored(const Array &x, const Storage &storage, const RuleRun &run, Location at, const std::string &name) {
  return storage.element && !x.isPoison() ? load(store(x, storage, name, run, at), at) : x;
}

/// Elaborates one step of the rule under test.
bool Elaborator::stepOnce(TestRule &test, const CallSite &site, std::map<std::string, Array> &next) {
  test.run.states = &test.states;
  test.run.nextStates = &next;
  frames.push_back({"'" + test.run.call->rule->name.name + "'", site.at, test.run.call->rule});
  test.run.nextParams.clear();
  const size_t numOwn = ownEvaluations.size();
  llvm::SaveAndRestore ofTest(blockReports, static_cast<Reports *>(nullptr)); // blocks of the test are none of the rule
  bool isSound = stepRule(test.run, test.hypers);
  frames.pop_back();
  if (!isSound)
    return false;
  // What the losses of its objectives keep: r.f.T.
  for (const OwnEvaluation &own : llvm::drop_begin(ownEvaluations, numOwn))
    for (const auto &[name, value] : own.next)
      test.reports.push_back({own.path + name, value, site.at});
  size_t position = 0;
  for (const ast::StmtPtr &stmt : test.run.call->rule->block.statements)
    if (auto *params = dyn_cast<ast::ParamStmt>(stmt.get()))
      for (const ast::Decl &decl : params->decls) {
        Array &param = test.run.nextParams[position];
        param = stored(param, paramStorage(*test.run.call, position++), test.run, decl.loc, decl.name.name);
      }
  for (const StateSlot &slot : test.slots)
    if (auto it = next.find(slot.path); it != next.end())
      it->second = stored(it->second, slot.storage, test.run, slot.decl->loc, slot.path);
  return true;
}

Entity Elaborator::callStep(const CallSite &site) {
  return tryRule(site, [&](TestRule &test) { return stepRecord(site, test); });
}

/// What one step makes of each name.
Entity Elaborator::stepRecord(const CallSite &site, TestRule &test) {
  std::map<std::string, Array> next;
  bool isSound = stepOnce(test, site, next);
  if (!isSound)
    return {};
  // A test has one tensor for each param: outside of the rule its values are ordinary arrays, also those of a joint param.
  auto outside = [](Array value) {
    value.isJoint = false;
    return value;
  };
  Record &record = arena.records.emplace_back();
  // The rule's local names, then what has moved.
  for (const auto &entry : test.run.scope->here())
    if (entry.second.entity.isArray() && !entry.first().ends_with("'"))
      record.members[entry.first().str()] = outside(entry.second.entity.array());
  for (StateSlot &slot : test.slots) {
    auto it = next.find(slot.path);
    Array value = it == next.end() || it->second.isPoison() ? slot.initial : it->second;
    setMember(arena, record, slot.path, outside(value));
  }
  for (const Report &report : test.reports)
    setMember(arena, record, report.path, outside(report.value));
  size_t index = 0;
  for (const ast::StmtPtr &stmt : test.run.call->rule->block.statements)
    if (auto *params = dyn_cast<ast::ParamStmt>(stmt.get()))
      for (const ast::Decl &decl : params->decls)
        record.members[decl.name.name] = outside(test.run.nextParams[index++]);
  return &static_cast<const Record &>(record);
}
