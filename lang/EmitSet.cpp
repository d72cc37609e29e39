//===- EmitSet.cpp - Sets that arguments lie in -------------------------------===//
//
// `a: [n] in simplex` says where a function is meant: on the set whose nearest points the projection `simplex` gives. It is what the caller
// promises, as a paper's "for a in the simplex" is. `gradus check` asks for points of the set, and moves along it: for both it gets, beside
// the function, one that takes its arguments to the nearest points of their sets.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"
#include "lang/Walk.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::cast;
using llvm::dyn_cast;
using mlir::Value;

bool Elaborator::hasSets(llvm::ArrayRef<ast::Param> params) {
  return llvm::any_of(params, [](const ast::Param &param) { return param.set != nullptr; });
}

/// The projection that names the set of an argument; null after a message.
const Closure *Elaborator::projectionOf(const ast::Param &param, Scope &scope) {
  auto *call = dyn_cast<ast::Call>(param.set.get());
  const auto &name = cast<ast::Name>(call ? *call->callee : *param.set);
  Entity found = evalName(name.name, name.loc, scope);
  const Closure *closure = found.get<Closure>();
  if (found.isPoison() || (closure && closure->unit && closure->unit->function == ast::FunctionKind::Projection))
    return closure;
  error(Code::SetForm, name.loc, "'" + name.name + "' is " + found.what().str() + ", but a set is named by its projection")
      .suggest("projection " + name.name + "(x) = .., the nearest point of the set");
  return nullptr;
}

void Elaborator::refuseSets(llvm::ArrayRef<ast::Param> params) {
  for (const ast::Param &param : params)
    if (param.set)
      error(Code::SetForm, param.set->loc, "'" + param.name.name + "' lies in no set: it is no real array with a shape that a loss, fn or solver of the file takes")
          .suggest("an interval says where a number is: in [0, 1)");
}

/// The point of the set that is nearest to `x`.
Array Elaborator::nearestInSet(const ast::Param &param, const Closure &projection, const Array &x, Scope &scope) {
  const Location at = param.set->loc;
  std::vector<Actual> actuals{{std::nullopt, x, param.name.loc}};
  if (auto *call = dyn_cast<ast::Call>(param.set.get()))
    for (Actual &actual : evalArguments(call->arguments, scope))
      actuals.push_back(std::move(actual));
  Array nearest = asArray(callClosure(projection, std::move(actuals), at), at);
  if (nearest.isPoison() || ownShape(nearest) == ownShape(x))
    return nearest;
  error(Code::SetForm, at, "'" + param.name.name + "' has the shape " + describe(ownShape(x)) + ", but its projection gives " + describe(ownShape(nearest)))
      .note(projection.loc, "the projection is declared here");
  return {};
}

/// Beside `func`, which may be null, the function that gives the arguments with sets at their nearest points.
void Elaborator::emitSets(const ast::Function &function, FuncOp func, Scope &file) {
  if (!hasSets(function.params))
    return;
  bool mayHave = llvm::is_contained({ast::FunctionKind::Loss, ast::FunctionKind::Fn, ast::FunctionKind::Solver}, function.function);
  auto isArray = [&](const ast::Param &param) { return !param.isSize && param.type && param.type->hasDims && kindOfType(param.type, nullptr) == Kind::Float; };
  for (const ast::Param &param : function.params)
    if (param.set && !(mayHave && isArray(param)))
      return refuseSets(param);
  bool isSound = true;
  for (const ast::Param &param : function.params)
    isSound &= !param.set || projectionOf(param, file);
  if (!func || !isSound)
    return;
  UnitBuilder unit(*this, module, FuncKind::Fn, (func.getSymName() + ".sets").str(), function.loc);
  llvm::SaveAndRestore ownUnit(currentUnit, &unit);
  laneCount = 1;
  Scope *scope = arena.scope(&file);
  for (size_t i : bindingOrder(function.params, [&](size_t i) { return givenSizes.contains(function.params[i].name.name); })) {
    const ast::Param &param = function.params[i];
    scope->set(param.name.name, Entity(), param.name.loc);
    if (param.isSize && (param.defaultValue || givenSizes.contains(param.name.name)))
      bindSize(param, nullptr, param.name.name, *scope, param.loc);
    if (param.type && param.type->hasDims)
      evalShape(*param.type, 0, *scope, /*mayDeclare=*/true);
    for (unsigned k = 0; k < func.getNumArguments(); ++k) {
      if (func.getArgName(k) != param.name.name)
        continue;
      auto type = cast<ArrayType>(func.getArgumentTypes()[k]);
      Value argument = unit.addArgument(func.getArgRole(k), param.name.name, type, param.loc);
      scope->set(param.name.name, Array{{castTo(argument, elementOf(kindOf(argument), type.getRank()), param.loc)}}, param.name.loc);
    }
  }
  for (const ast::Param &param : function.params) {
    const Binding *bound = scope->findHere(param.name.name);
    if (!param.set || bound->entity.isPoison())
      continue;
    Array nearest = nearestInSet(param, *projectionOf(param, file), bound->entity.array(), *scope);
    isSound &= !nearest.isPoison();
    if (!nearest.isPoison())
      unit.addResult(Role::Value, param.name.name, nearest.lanes.front());
  }
  FuncOp sets = unit.finish(isSound && emitsChecks, function.loc);
  if (!sets)
    return;
  sets->setAttr("gradus.proximal", builder.getStringAttr(function.name.name));
  func->setAttr("gradus.sets", builder.getStringAttr(sets.getSymName()));
}
