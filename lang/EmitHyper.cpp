//===- EmitHyper.cpp - Where hyper-parameters get their values ---------------===//
//
// A rule that stands alone takes them as arguments, a train unit too, with the constants bound in the spec as defaults,
// so that no value of a hyper-parameter is ever compiled in. A test evaluates what it binds.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;
using mlir::Attribute;

IntervalAttr Elaborator::intervalOf(const ast::Param &param, Scope &scope) {
  if (!param.interval)
    return {};
  std::optional<double> low = constantBehind(evalArray(*param.interval->low, scope)), high = constantBehind(evalArray(*param.interval->high, scope));
  if (!low || !high || !(*low <= *high)) {
    error(Code::BadInterval, param.interval->loc, "the bounds of an interval are two ascending numbers");
    return {};
  }
  return IntervalAttr::get(builder.getContext(), llvm::APFloat(*low), !param.interval->lowOpen, llvm::APFloat(*high), !param.interval->highOpen);
}

bool Elaborator::checkInterval(const ast::Param &param, const Array &value, Scope &scope, Location at) {
  IntervalAttr interval = intervalOf(param, scope);
  std::optional<double> known = value.isPoison() ? std::nullopt : constantBehind(value);
  if (!interval || !known || interval.contains(*known))
    return true;
  std::string text;
  llvm::raw_string_ostream out(text);
  out << "'" << param.name.name << "' is " << llvm::format("%g", *known) << ", outside " << (interval.getLowClosed() ? "[" : "(")
      << llvm::format("%g", interval.getLowValue()) << ", " << llvm::format("%g", interval.getHighValue()) << (interval.getHighClosed() ? "]" : ")");
  error(Code::HyperOutOfInterval, at, text).note(param.interval->loc, "its interval is declared here");
  return false;
}

Attribute Elaborator::defaultOf(const Array &value) {
  if (value.isPoison() || !constantBehind(value))
    return {};
  switch (kindOf(value)) {
  case Kind::Bool:
    return builder.getBoolAttr(*constantIntOf(value) != 0);
  case Kind::Int:
    return builder.getI64IntegerAttr(*constantIntOf(value));
  case Kind::Float:
    return builder.getF64FloatAttr(*constantBehind(value));
  }
  return {};
}

/// What a call binds, else the command line, else the default; else the tensors of the call tell it. `path` is its name in the unit. Where the unit
/// has sizes of others too, `owner` keeps it apart from them.
bool Elaborator::bindSize(const ast::Param &param, const Delayed *bound, const std::string &path, Scope &inner, Location at, const std::string &owner) {
  Array size;
  const std::string symbolName = owner.empty() ? path : param.name.name + " of " + owner;
  if (bound) {
    size = evalArray(*bound->expr, *bound->scope);
  } else if (auto it = givenSizes.find(path); it != givenSizes.end()) {
    takenSizes.insert(path);
    size = integer(it->second, at);
  } else if (param.defaultValue) {
    size = evalArray(*param.defaultValue, inner);
  } else if (auto told = toldSizes.find(symbolName); told != toldSizes.end()) {
    size = {{sizeOf(told->second, at)}};
  } else if (isTest) {
    return true; // what is given may tell it
  } else {
    auto symbol = builder.getStringAttr(symbolName);
    sharedSizes.insert(symbol);
    size = {{sizeOf(symbol, at)}};
  }
  return !size.isPoison() && bindParam(param, size, bound ? bound->expr->loc : at, inner);
}

/// Whether a number is computed from sizes and constants alone.
static bool isMadeOfSizes(mlir::Value value) {
  mlir::Operation *op = value.getDefiningOp();
  return op && op->getNumRegions() == 0 && (op->getNumOperands() > 0 || llvm::isa<ConstantOp, DimOp>(op)) && llvm::all_of(op->getOperands(), isMadeOfSizes);
}

/// A hyper-parameter as an argument of the unit, with the default that was bound or declared.
Array Elaborator::hyperArgument(UnitBuilder &unit, const ast::Param &param, const std::string &path, const Delayed *bound, Scope &scope) {
  std::optional<Kind> kind = kindOfType(param.type, param.defaultValue.get());
  if (!kind)
    return {};
  const ast::Expr *source = bound ? bound->expr : param.defaultValue.get();
  UnitBuilder::Extra extra;
  if (source) {
    Array value = evalScalar(*source, bound ? *bound->scope : scope, "the value of '" + param.name.name + "'");
    if (value.isPoison() || !convertHyper(param, *kind, value, scope, source->loc))
      return {};
    extra.defaultValue = defaultOf(value);
    // What sizes alone tell is the default of calls in the language; the hyper struct, which is filled before any size is known, has none.
    if (!extra.defaultValue && !isMadeOfSizes(value.lanes.front())) {
      error(Code::NotConstant, source->loc, "the default of '" + param.name.name + "' must be a number that is known when the spec is compiled");
      return {};
    }
  }
  extra.interval = intervalOf(param, scope);
  return {{unit.addArgument(Role::Hyper, path, ArrayType::scalar(elementOf(*kind, 0)), param.loc, extra)}};
}

/// Brings a bound value to the declared kind and checks its interval.
bool Elaborator::convertHyper(const ast::Param &param, Kind kind, Array &value, Scope &scope, Location at) {
  if (kindOf(value) > kind) {
    error(Code::KindMismatch, at, "'" + param.name.name + "' expects " + (kind == Kind::Int ? "an integer" : "true or false") + ", but this is a number")
        .note(param.name.loc, "'" + param.name.name + "' is declared here");
    return false;
  }
  value = toKind(value, kind, at);
  return checkInterval(param, value, scope, at);
}

/// In a train unit every constant stays a run-time value: the arguments of a schedule too, under `lr.peak`.
Array Elaborator::trainHyper(UnitBuilder &unit, const ast::Param &param, const std::string &path, const Delayed *bound, Scope &scope, Array time) {
  if (!bound)
    return hyperArgument(unit, param, path, nullptr, scope);
  Scope *timed = arena.scope(bound->scope);
  timed->set("t", time, param.loc);
  auto *call = dyn_cast<ast::Call>(bound->expr);
  const Closure *schedule = nullptr;
  if (auto *name = call ? dyn_cast<ast::Name>(call->callee.get()) : nullptr)
    if (const Binding *binding = bound->scope->find(name->name))
      schedule = binding->entity.get<Closure>();
  if (!schedule || !schedule->isSchedule()) {
    size_t errors = diagnostics.getErrorCount();
    Array value = evalScalar(*bound->expr, *timed, "the value of '" + param.name.name + "'");
    std::optional<Kind> kind = kindOfType(param.type, param.defaultValue.get());
    if (value.isPoison() || !kind || diagnostics.getErrorCount() != errors)
      return {};
    if (constantBehind(value))
      return hyperArgument(unit, param, path, bound, scope);
    return convertHyper(param, *kind, value, scope, bound->expr->loc) ? value : Array();
  }
  std::vector<Actual> actuals;
  size_t next = 0;
  std::map<std::string, Delayed> given;
  for (const ast::Argument &argument : call->arguments) {
    std::string name = argument.name ? argument.name->name : next < schedule->params->size() ? (*schedule->params)[next++].name.name : "";
    if (name.empty() || argument.isElse || llvm::none_of(*schedule->params, [&](const ast::Param &p) { return p.name.name == name; }) || given.count(name))
      return evalArray(*call, *timed); // reports the argument
    given[name] = {argument.value.get(), timed};
  }
  for (const ast::Param &inner : *schedule->params) {
    auto it = given.find(inner.name.name);
    StateKeeper nested{keeper ? keeper->run : nullptr, keeper ? keeper->path + inner.name.name + "." : ""};
    llvm::SaveAndRestore keeps(keeper, keeper ? &nested : nullptr);
    Array value = trainHyper(unit, inner, path + "." + inner.name.name, it == given.end() ? nullptr : &it->second, *schedule->scope, time);
    actuals.push_back({inner.name, value, call->loc});
  }
  return asArray(callClosure(*schedule, std::move(actuals), call->loc, time), call->loc);
}

Array Elaborator::testHyper(const ast::Param &param, const Delayed *bound, Scope &scope, Array time, Location at) {
  const ast::Expr *source = bound ? bound->expr : param.defaultValue.get();
  if (!source) {
    error(Code::MissingArgument, at, "the rule needs a value for '" + param.name.name + "'").note(param.name.loc, "it is declared here");
    return {};
  }
  Scope *timed = arena.scope(bound ? bound->scope : &scope);
  timed->set("t", time, param.loc);
  Array value = evalScalar(*source, *timed, "the value of '" + param.name.name + "'");
  std::optional<Kind> kind = kindOfType(param.type, param.defaultValue.get());
  return !value.isPoison() && kind && convertHyper(param, *kind, value, scope, source->loc) ? value : Array();
}
