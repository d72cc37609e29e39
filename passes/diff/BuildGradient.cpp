//===- BuildGradient.cpp - The function that gives a loss and its gradients ---===//

#include "passes/diff/BuildGradient.h"

#include "passes/Build.h"
#include "passes/diff/OpDerivatives.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace gradus {

static bool isFloatArgument(FuncOp loss, unsigned index) { return cast<ArrayType>(loss.getArgumentTypes()[index]).isFloat(); }

static bool dependsOn(FuncOp loss, unsigned value, unsigned argument);

/// The arguments in which to differentiate if none is named: the parameters, if the loss depends on one of them. The upper loss of two levels may know
/// nothing of what is trained.
static SmallVector<unsigned> chooseArguments(FuncOp loss, unsigned value) {
  SmallVector<unsigned> params, others;
  for (unsigned i = 0, n = loss.getNumArguments(); i < n; ++i) {
    Role role = loss.getArgRole(i);
    if (!isFloatArgument(loss, i) || role == Role::Hyper || role == Role::Time)
      continue;
    (role == Role::Param ? params : others).push_back(i);
  }
  auto isUsed = [&](unsigned argument) { return dependsOn(loss, value, argument); };
  bool isOfOthers = params.empty() || (llvm::none_of(params, isUsed) && llvm::any_of(others, isUsed));
  return isOfOthers ? others : params;
}

static FailureOr<SmallVector<unsigned>> findArguments(FuncOp loss, ArrayRef<StringRef> wrt) {
  SmallVector<unsigned> found;
  for (StringRef name : wrt) {
    unsigned index = 0, count = loss.getNumArguments();
    while (index < count && loss.getArgName(index) != name)
      ++index;
    if (index == count || !isFloatArgument(loss, index))
      return loss.emitError("G0851: ") << "cannot differentiate '" << loss.getSymName() << "' in '" << name << "': "
                                       << (index == count ? "it has no such argument" : "it is not real");
    found.push_back(index);
  }
  return found;
}

/// The value of the loss: its result of that role.
static FailureOr<unsigned> findValue(FuncOp loss) {
  for (unsigned i = 0, n = loss.getNumResults(); i < n; ++i)
    if (loss.getResultRole(i) == Role::Value)
      return i;
  return loss.emitError("G0852: ") << "cannot differentiate '" << loss.getSymName() << "': it has no value";
}

/// Whether the value of the loss is reached from others by real numbers alone, through operations that `passes` lets them through: an index or a
/// truth value on the way has no derivative.
static bool isReached(FuncOp loss, unsigned value, SmallVector<Value> open, llvm::function_ref<bool(Operation *)> passes) {
  llvm::SmallPtrSet<Value, 16> seen(open.begin(), open.end());
  while (!open.empty()) {
    for (OpOperand &use : open.pop_back_val().getUses()) {
      Operation *user = use.getOwner();
      if (isa<DrawOp>(user) || !passes(user)) // a draw is a constant for every derivative
        continue;
      if (isa<ReturnOp>(user) && use.getOperandNumber() == value)
        return true;
      // What a region reads may reach the results of the op around it.
      for (; !isa<FuncOp>(user); user = user->getParentOp()) {
        for (Region &region : user->getRegions())
          for (Value inner : region.getArguments())
            if (seen.insert(inner).second)
              open.push_back(inner);
        for (Value result : user->getResults())
          if (cast<ArrayType>(result.getType()).isFloat() && seen.insert(result).second)
            open.push_back(result);
      }
    }
  }
  return false;
}

static bool dependsOn(FuncOp loss, unsigned value, unsigned argument) {
  return isReached(loss, value, {loss.getArgument(argument)}, [](Operation *) { return true; });
}

/// The first of the steps without which an argument does not reach the value, where it does with them; null where it reaches it so, or is stopped.
static Operation *findStep(FuncOp loss, unsigned value, unsigned argument) {
  llvm::SetVector<Operation *> steps;
  bool isActive = isReached(loss, value, {loss.getArgument(argument)}, [&](Operation *op) {
    bool isStep = getDerivativeKind(op) == DerivativeKind::Inactive;
    if (isStep && !isa<StopOp>(op) && llvm::any_of(op->getResultTypes(), [](Type type) { return cast<ArrayType>(type).isFloat(); }))
      steps.insert(op);
    return !isStep;
  });
  auto passes = [](Operation *op) { return !isa<StopOp>(op); };
  for (Operation *step : steps)
    if (!isActive && isReached(loss, value, llvm::to_vector_of<Value>(step->getResults()), passes))
      return step;
  return nullptr;
}

/// A parameter that only steps lead from to the value does not move in training: what is meant is seldom that.
static void warnOfSteps(FuncOp loss, unsigned value, ArrayRef<unsigned> chosen) {
  for (unsigned index : chosen)
    if (Operation *step = findStep(loss, value, index)) {
      StringRef name = step->getName().stripDialect();
      mlir::emitWarning(step->getLoc(), "G0518: ") << "the gradient of '" << loss.getSymName() << "' in '" << loss.getArgName(index) << "' is 0 wherever it exists: it goes through '"
                                                   << name << "', which is constant piece by piece; give a fn around it a derivative(dy) of its own, or say that 0 is meant by 'stop'";
    }
}

/// A derivative that is 0 everywhere is taken for a mistake. What was named must be reached; of what was not, something must be.
static LogicalResult checkDependence(FuncOp loss, unsigned value, SmallVector<unsigned> &chosen, bool isNamed) {
  SmallVector<unsigned> reached;
  for (unsigned index : chosen)
    if (dependsOn(loss, value, index))
      reached.push_back(index);
    else if (isNamed)
      return loss.emitError("G0373: ") << "'" << loss.getSymName() << "' does not depend on '" << loss.getArgName(index)
                                       << "', or through an index or a condition alone";
  if (reached.empty() && !chosen.empty())
    return loss.emitError("G0373: ") << "'" << loss.getSymName() << "' does not depend on '" << loss.getArgName(chosen.front())
                                     << "', or through an index or a condition alone: a loss needs a derivative";
  chosen = reached;
  warnOfSteps(loss, value, chosen);
  return success();
}

/// Attributes of a result: its name and role.
static DictionaryAttr describe(Builder &builder, StringRef name, Role role) {
  return builder.getDictionaryAttr({builder.getNamedAttr("gradus.name", builder.getStringAttr(name)),
                                    builder.getNamedAttr("gradus.role", RoleAttr::get(builder.getContext(), role))});
}

/// The body: one gradus.grad around a copy of the loss.
static void buildBody(FuncOp func, FuncOp loss, ArrayRef<unsigned> wrt, unsigned value) {
  OpBuilder builder(func.getContext());
  Location loc = loss.getLoc();
  Block *entry = builder.createBlock(&func.getBody());
  for (auto [type, argument] : llvm::zip_equal(loss.getArgumentTypes(), loss.getArguments()))
    entry->addArgument(type, argument.getLoc());
  SmallVector<Value> points;
  for (unsigned index : wrt)
    points.push_back(entry->getArgument(index));
  SmallVector<Type> types = llvm::to_vector(llvm::map_range(points, [](Value point) { return point.getType(); }));
  auto grad = GradOp::create(builder, loc, loss.getResultTypes()[value], types, points);

  Block *body = builder.createBlock(&grad.getBody());
  IRMapping mapping;
  mapping.map(loss.getArguments(), entry->getArguments());
  for (unsigned index : wrt)
    mapping.map(loss.getArgument(index), body->addArgument(loss.getArgumentTypes()[index], loss.getArgument(index).getLoc()));
  for (Operation &op : loss.getBody().front().without_terminator())
    builder.clone(op, mapping);
  Operation *end = loss.getBody().front().getTerminator();
  YieldOp::create(builder, end->getLoc(), mapping.lookupOrDefault(end->getOperand(value)));

  builder.setInsertionPointToEnd(entry);
  ReturnOp::create(builder, loc, grad->getResults());
}

FailureOr<FuncOp> buildGradientFunction(ModuleOp module, FuncOp loss, ArrayRef<StringRef> wrt) {
  std::string name = (loss.getSymName() + ".grad").str();
  if (auto known = SymbolTable::lookupSymbolIn(module, name))
    return cast<FuncOp>(known);
  FailureOr<unsigned> value = findValue(loss);
  if (failed(value))
    return failure();
  FailureOr<SmallVector<unsigned>> chosen = wrt.empty() ? chooseArguments(loss, *value) : findArguments(loss, wrt);
  if (failed(chosen) || failed(checkDependence(loss, *value, *chosen, !wrt.empty())))
    return failure();

  OpBuilder builder(module.getContext());
  builder.setInsertionPointAfter(loss);
  SmallVector<Type> types{loss.getResultTypes()[*value]};
  SmallVector<Attribute> results{describe(builder, loss.getResultName(*value), Role::Value)};
  for (unsigned index : *chosen) {
    types.push_back(loss.getArgumentTypes()[index]);
    results.push_back(describe(builder, ("grad_" + loss.getArgName(index)).str(), Role::Grad));
  }
  auto func = FuncOp::create(builder, loss.getLoc(), loss.getKind(), name, builder.getFunctionType(loss.getArgumentTypes(), types),
                             loss.getArgAttrsAttr(), builder.getArrayAttr(results));
  buildBody(func, loss, *chosen, *value);
  return func;
}

/// Calls `visit` for each gradient that buildGradientFunction has made: the name of the loss, its function, the number of the result and of the argument.
static void forEachGradient(ModuleOp module, llvm::function_ref<void(StringRef, FuncOp, unsigned, unsigned)> visit) {
  for (FuncOp func : module.getOps<FuncOp>()) {
    StringRef loss = func.getSymName();
    if (func.getKind() != FuncKind::Loss || !loss.consume_back(".grad"))
      continue;
    for (unsigned result = 0; result < func.getNumResults(); ++result)
      for (unsigned argument = 0; argument < func.getNumArguments(); ++argument)
        if (func.getResultRole(result) == Role::Grad && func.getResultName(result) == ("grad_" + func.getArgName(argument)).str())
          visit(loss, func, result, argument);
  }
}

unsigned replaceByGradient(ModuleOp module, StringRef name) {
  unsigned count = 0;
  forEachGradient(module, [&](StringRef loss, FuncOp func, unsigned result, unsigned argument) {
    if (name != func.getArgName(argument) && name != (loss + "." + func.getArgName(argument)).str())
      return;
    func.setResultAttr(result, "gradus.of", Builder(module.getContext()).getI64IntegerAttr(argument));
    ++count;
  });
  return count;
}

std::vector<std::string> getGradientArguments(ModuleOp module) {
  llvm::SetVector<StringRef> names;
  forEachGradient(module, [&](StringRef, FuncOp func, unsigned, unsigned argument) { names.insert(func.getArgName(argument)); });
  return std::vector<std::string>(names.begin(), names.end());
}

FailureOr<FuncOp> buildHessianProduct(ModuleOp module, FuncOp loss) {
  FailureOr<FuncOp> gradient = buildGradientFunction(module, loss);
  if (failed(gradient))
    return failure();
  Location loc = loss.getLoc();
  OpBuilder builder(module.getContext());
  builder.setInsertionPointAfter(*gradient);
  SmallVector<Type> types(loss.getArgumentTypes());
  SmallVector<Attribute> arguments(loss.getArgAttrsAttr().begin(), loss.getArgAttrsAttr().end()), results;
  SmallVector<unsigned> moving; // the arguments in which the gradients are
  ArrayRef<Type> gradients = gradient->getResultTypes().drop_front();
  for (unsigned i = 0; i < gradients.size(); ++i) {
    StringRef name = gradient->getResultName(i + 1).drop_front(StringRef("grad_").size());
    for (unsigned argument = 0; argument < loss.getNumArguments(); ++argument)
      if (loss.getArgName(argument) == name)
        moving.push_back(argument);
    types.push_back(gradients[i]);
    arguments.push_back(describe(builder, ("along_" + name).str(), Role::Input));
    results.push_back(describe(builder, ("product_" + name).str(), Role::Grad));
  }
  auto product = FuncOp::create(builder, loc, loss.getKind(), (loss.getSymName() + ".product").str(), builder.getFunctionType(types, gradients),
                                builder.getArrayAttr(arguments), builder.getArrayAttr(results));
  Block *entry = builder.createBlock(&product.getBody());
  for (Type type : types)
    entry->addArgument(type, loc);
  auto points = llvm::map_to_vector(moving, [&](unsigned argument) -> Value { return entry->getArgument(argument); });
  auto jvp = JvpOp::create(builder, loc, gradients, gradients, points, entry->getArguments().take_back(moving.size()));
  Block &from = gradient->getBody().front(), *body = builder.createBlock(&jvp.getBody());
  IRMapping mapping;
  mapping.map(from.getArguments(), entry->getArguments().take_front(from.getNumArguments()));
  for (unsigned argument : moving)
    mapping.map(from.getArgument(argument), body->addArgument(from.getArgument(argument).getType(), loc));
  for (Operation &op : from.without_terminator())
    builder.clone(op, mapping);
  YieldOp::create(builder, loc, llvm::map_to_vector(from.getTerminator()->getOperands().drop_front(), [&](Value g) { return mapping.lookupOrDefault(g); }));
  builder.setInsertionPointToEnd(entry);
  ReturnOp::create(builder, loc, jvp.getTangents());
  return product;
}

} // namespace gradus
