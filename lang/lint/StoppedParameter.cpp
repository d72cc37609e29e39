//===- StoppedParameter.cpp - A gradient that 'stop' makes 0 -----------------===//
//
// What a train unit minimises over must reach its loss by a way that a derivative takes. (Where steps like 'round' are in its way the compiler says so
// itself: G0518.)
//
//     loss f(w: [d], x: [d]) = sum((stop(w) - x)^2)
//     train t = minimize f over w with sgd()           warned of at the argument w
//
//===----------------------------------------------------------------------===//

#include "lang/lint/Finding.h"

#include "dialect/Gradus.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Casting.h"

using namespace gradus;
using namespace gradus::lint;
using llvm::dyn_cast;
using llvm::isa;
using mlir::Operation;
using mlir::Value;

/// Whether the value of a function depends on an argument; `passesStop` says whether a way through 'stop' counts. Regions are taken to depend on all that goes in.
static bool reachesResult(FuncOp func, Value argument, bool passesStop) {
  llvm::DenseSet<Value> seen{argument};
  llvm::SmallVector<Value> open{argument};
  auto add = [&](mlir::ValueRange values) {
    for (Value value : values)
      if (seen.insert(value).second)
        open.push_back(value);
  };
  while (!open.empty())
    for (Operation *user : open.pop_back_val().getUsers()) {
      if (auto end = dyn_cast<ReturnOp>(user)) {
        if (seen.contains(end.getOperand(0))) // the others are next values of states
          return true;
        continue;
      }
      if (isa<YieldOp>(user)) {
        Operation *parent = user->getParentOp();
        add(parent->getResults());
        for (mlir::Region &region : parent->getRegions())
          add(region.getArguments());
        continue;
      }
      if (isa<StopOp>(user) && !passesStop)
        continue;
      add(user->getResults());
      for (mlir::Region &region : user->getRegions())
        add(region.getArguments());
    }
  return false;
}

/// The argument of a loss, if it is declared in the main file.
static std::optional<Location> placeOf(const CheckedSpec &spec, llvm::StringRef loss, llvm::StringRef argument) {
  for (const ast::UnitPtr &unit : spec.sheet.units)
    if (auto *function = dyn_cast<ast::Function>(unit.get()); function && function->name.name == loss)
      for (const ast::Param &param : function->params)
        if (param.name.name == argument)
          return param.name.loc;
  return std::nullopt;
}

void lint::findStoppedParameter(Subject &subject, Findings &findings) {
  auto module = mlir::ModuleOp(subject.spec.module);
  for (const ast::UnitPtr &unit : subject.spec.sheet.units) {
    auto *train = dyn_cast<ast::Train>(unit.get());
    for (const ast::Objective &objective : train ? llvm::ArrayRef(train->objectives) : llvm::ArrayRef<ast::Objective>()) {
      const ast::Expr *expr = objective.function.get();
      if (auto *call = llvm::dyn_cast_or_null<ast::Call>(expr))
        expr = call->callee.get();
      auto *name = llvm::dyn_cast_or_null<ast::Name>(expr);
      auto func = name ? module.lookupSymbol<FuncOp>(name->name) : FuncOp();
      for (unsigned index = 0; func && index < func.getNumArguments(); ++index) {
        llvm::StringRef argument = func.getArgName(index);
        bool isOver = llvm::any_of(objective.over, [&](const ast::Ident &one) { return one.name == argument; });
        std::optional<Location> at = placeOf(subject.spec, name->name, argument);
        Value value = func.getBody().getArgument(index);
        if (!isOver || !at || reachesResult(func, value, false) || !reachesResult(func, value, true))
          continue;
        findings.push_back({*at, "the gradient in '" + argument.str() + "' is 0: it reaches the loss '" + name->name + "' through 'stop' alone", "leave out the 'stop', or do not minimize over '" + argument.str() + "'",
                            {{train->name.loc, "this unit minimizes over it"}}});
      }
    }
  }
}
