//===- EmitProximal.cpp - What `gradus check` asks of prox, projection and derivatives of one's own ---===//
//
// A prox is a function. Beside it stand, for the check alone, the function with arrays for its arguments and what it makes least:
// step * of(z) + |z - x|^2 / 2. What has no shape becomes a vector as the first argument, else a number. A fn with a derivative of its own is
// called so as well, if it can be, and a solver whose arguments lie in sets: the check tries the derivative there, also where nothing uses it.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

using namespace gradus;
using namespace gradus::lang;
using mlir::Value;

/// An argument for a parameter of a prox or projection.
Array Elaborator::proximalArgument(UnitBuilder &unit, const ast::Param &param, const std::string &name, bool isPoint, Scope &scope) {
  std::optional<Kind> kind = kindOfType(param.type, param.defaultValue.get());
  if (!kind)
    return {};
  Shape shape;
  if (param.type && param.type->hasDims) {
    std::optional<Shape> declared = evalShape(*param.type, 0, scope, /*mayDeclare=*/true);
    if (!declared)
      return {};
    shape = *declared;
  } else if (isPoint) {
    shape.push_back(builder.getStringAttr(param.name.name + ".numel"));
  } else {
    return hyperArgument(unit, param, name, nullptr, scope);
  }
  return {{unit.addArgument(Role::Data, name, ArrayType::get(builder.getContext(), shape, elementOf(*kind, shape.size())), param.loc)}};
}

/// Elaborates `emit` in a function of the parameters, behind `z` where `hasCompetitor`. Nothing is left where it cannot be tried alone.
void Elaborator::emitProximalPart(const ast::Function &function, Scope &file, llvm::StringRef suffix, bool hasCompetitor,
                                  llvm::function_ref<Array(Scope &scope, const Array &z)> emit) {
  size_t errors = diagnostics.getErrorCount();
  UnitBuilder unit(*this, module, FuncKind::Fn, (function.name.name + suffix).str(), function.loc);
  llvm::SaveAndRestore ownUnit(currentUnit, &unit);
  laneCount = 1;
  Scope *scope = arena.scope(&file);
  Array z;
  bool isComplete = true;
  for (size_t pass = hasCompetitor ? 0 : 1; pass < 2; ++pass)
    for (auto [k, param] : llvm::enumerate(function.params)) {
      if (pass == 0 && k > 0)
        continue;
      bool isTensor = !param.type || param.type->kind == ast::TypeKind::Tensor;
      bool isOfSizes = pass == 1 && isTensor && param.defaultValue && !defaultOf(evalArray(*param.defaultValue, *scope));
      if (pass == 0) {
        z = proximalArgument(unit, param, "competitor." + param.name.name, true, *scope);
      } else if ((!isTensor || param.isSize || isOfSizes) && param.defaultValue) {
        bindParam(param, eval(*param.defaultValue, *scope), param.defaultValue->loc, *scope);
      } else {
        Array x = isTensor && !param.isSize ? proximalArgument(unit, param, param.name.name, k == 0, *scope) : Array();
        isComplete &= !x.isPoison();
        scope->set(param.name.name, x, param.name.loc);
      }
    }
  Array result = emit(*scope, z);
  bool isSound = emitsChecks && isComplete && !result.isPoison() && diagnostics.getErrorCount() == errors;
  if (isSound)
    unit.addResult(Role::Value, "value", result.lanes.front());
  if (FuncOp func = unit.finish(isSound, function.loc)) {
    func->setAttr("gradus.proximal", builder.getStringAttr(function.name.name));
    emitSets(function, func, file);
  }
}

void Elaborator::emitProximal(const ast::Function &function, Scope &file) {
  bool isProx = function.function == ast::FunctionKind::Prox;
  bool isSolver = function.function == ast::FunctionKind::Solver && hasSets(function.params);
  if ((function.derivative || isSolver) && emitsChecks) {
    const Closure &closure = *declare(function, file).get<Closure>();
    Diagnostics::Mark before = diagnostics.mark();
    emitProximalPart(function, file, ".trial", false, [&](Scope &scope, const Array &) {
      Entity called = runBody(closure, scope, function.name.loc);
      const Entity::Tuple *several = called.get<Entity::Tuple>();
      return asArray(several ? several->front() : called, function.name.loc);
    });
    if (std::string why = diagnostics.rollBack(before); !why.empty()) {
      mlir::NamedAttrList untried(module->getAttrOfType<mlir::DictionaryAttr>("gradus.untried"));
      untried.set(function.name.name, builder.getStringAttr(why));
      module->setAttr("gradus.untried", untried.getDictionary(builder.getContext()));
    }
  }
  if (!isProx && function.function != ast::FunctionKind::Projection)
    return;
  if (function.params.size() < (isProx ? 2 : 1) || (isProx && function.params[1].name.name != "step")) {
    error(Code::ProximalForm, function.name.loc, "'" + function.name.name + "' lacks " + (isProx ? "the point or the step" : "the point"))
        .suggest(isProx ? "prox name(x, step, ..) of e = .." : "projection name(x, ..) = ..");
    return;
  }
  const Closure &closure = *declare(function, file).get<Closure>();
  Location at = function.name.loc;
  if (emitsChecks)
    emitProximalPart(function, file, ".value", false, [&](Scope &scope, const Array &) { return asArray(runBody(closure, scope, at), at); });
  if (isProx)
    emitProximalPart(function, file, ".objective", true, [&](Scope &scope, const Array &z) -> Array {
      const std::string &name = function.params[0].name.name;
      Array x = scope.findHere(name)->entity.array(), step = scope.findHere("step")->entity.array();
      scope.set(name, z, at);
      Array of = evalScalar(*function.proxOf, scope, "the function of a prox");
      if (of.isPoison() || x.isPoison() || z.isPoison() || step.isPoison())
        return {};
      Array away = sub(z, x, at);
      return toKind(add(mul(step, of, at), mul(number(0.5, at), innerProduct(away, away, at), at), at), Kind::Float, at);
    });
}
