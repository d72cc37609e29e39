//===- EmitImplicit.cpp - Derivatives by the implicit function theorem --------===//
//
// What a problem with the residual R(x, theta) = 0 defines has the derivative of its equations, not that of the passes of its solver. For a
// cotangent dx of x:
//   J^T lambda = dx with J = dR/dx,   dtheta = - d<R(x, theta), lambda> / dtheta
// It stands in the derivative of a gradus.custom over theta, all real numbers that the equations read around them. There x is the op's own
// result, which moves with theta as the op says: so the derivative is right at every order. EmitAdjoint.cpp solves the system.
//
// A value, min or max, needs no system at first order (the envelope theorem): dtheta = de(x, theta) / dtheta with x as a constant. In that
// expression x is again a root that moves, for the orders above.
//
//===----------------------------------------------------------------------===//

#include "lang/InnerProblem.h"

#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::SmallVector;
using mlir::Attribute;
using mlir::Value;

/// Elaborates what a solver finds into the body of a gradus.custom in the making; null where that fails.
CustomOp Elaborator::beginImplicit(Location at, llvm::function_ref<std::optional<SmallVector<Value>>()> emit) {
  auto made = CustomOp::create(builder, place(at), mlir::TypeRange(), mlir::ValueRange());
  mlir::OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&made.getBody().emplaceBlock());
  llvm::SaveAndRestore inside(numRegions, numRegions + 1);
  std::optional<SmallVector<Value>> values = emit();
  if (!values) {
    made.erase();
    return nullptr;
  }
  YieldOp::create(builder, place(at), *values);
  return made;
}

/// Gives what was begun its derivative, or, where it has none, a mark that says of what and why. The unknowns of `problem` are its first
/// results, and its value the next one if that is asked for; without a problem `why` says what is missing.
SmallVector<Value> Elaborator::finishImplicit(CustomOp made, const InnerProblem *problem, llvm::StringRef what, std::string why) {
  SmallVector<Value> thetas;
  Diagnostics::Mark before = diagnostics.mark();
  size_t evaluated = numEvaluated;
  // What is derived here may never be asked for: it must neither refuse the spec nor use up what calls may expand to. A clause that says how asks for it.
  bool isSound = problem && deriveImplicitly(made, *problem, what, thetas) && diagnostics.getReportCount() == before.numReports;
  numEvaluated = evaluated;
  if (!isSound) {
    std::string said = problem && problem->system ? "" : diagnostics.rollBack(before);
    why = said.empty() ? why : "its Jacobian cannot be formed: " + said;
    made.getDerivative().dropAllReferences();
    made.getDerivative().getBlocks().clear();
    addImplicitArguments(made);
    thetas.clear();
    mlir::OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&made.getDerivative().front());
    YieldOp::create(builder, made.getLoc(), mlir::ValueRange());
  }
  CustomOp op = closeCustom(made, {}, thetas);
  if (!isSound)
    op->setAttr("implicit", builder.getStringAttr(what + ": " + (why.empty() ? "its equations cannot be differentiated" : why)));
  return SmallVector<Value>(op.getYs());
}

/// The op that `made` becomes, of what is `given` to its body and of what that reads around it, which the body then takes behind it.
CustomOp Elaborator::closeCustom(CustomOp made, llvm::ArrayRef<Value> given, llvm::ArrayRef<Value> captured) {
  for (Value value : captured)
    replaceAllUsesInRegionWith(value, made.getBody().addArgument(value.getType(), value.getLoc()), made.getBody());
  SmallVector<Value> xs(given);
  llvm::append_range(xs, captured);
  auto op = CustomOp::create(builder, made.getLoc(), made.getBody().front().getTerminator()->getOperandTypes(), xs);
  op.getBody().takeBody(made.getBody());
  op.getDerivative().takeBody(made.getDerivative());
  made.erase();
  return op;
}

/// Adds the block of the derivative with arguments for the results and their cotangents; gives both.
std::pair<SmallVector<Value>, SmallVector<Value>> Elaborator::addImplicitArguments(CustomOp made) {
  mlir::Block &block = made.getDerivative().emplaceBlock();
  SmallVector<Value> ys, dys;
  mlir::ValueRange yielded = made.getBody().front().getTerminator()->getOperands();
  for (Value y : yielded)
    ys.push_back(block.addArgument(y.getType(), made.getLoc()));
  for (Value y : yielded)
    dys.push_back(kindOf(y) == Kind::Float ? Value(block.addArgument(y.getType(), made.getLoc())) : Value());
  return {ys, dys};
}

SmallVector<Value> lang::realsAround(mlir::Region &region) {
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(region, captured);
  return llvm::filter_to_vector(captured, [](Value value) { return Algebra::kindOf(value) == Kind::Float; });
}

static std::vector<Array> arraysOf(llvm::ArrayRef<Value> values) {
  std::vector<Array> arrays;
  for (Value value : values)
    arrays.push_back(Array{{value}});
  return arrays;
}

/// Fills the derivative; false after a message.
bool Elaborator::deriveImplicitly(CustomOp made, const InnerProblem &problem, llvm::StringRef what, SmallVector<Value> &thetas) {
  const Location at = problem.loc;
  const size_t count = problem.countArrays();
  auto [ys, dys] = addImplicitArguments(made);
  mlir::Region &region = made.getDerivative();
  mlir::OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&region.front());
  llvm::ArrayRef<Value> unknowns = llvm::ArrayRef(ys).take_front(count);
  Array x, factor;
  if (problem.isValue) {
    valuesAt(problem, packed(arraysOf(unknowns), at), at); // says what is read, though the root may say nothing
    InnerProblem root = problem;
    root.isValue = false;
    CustomOp moving = beginImplicit(at, [&, unknowns = SmallVector<Value>(unknowns)] { return std::optional(unknowns); });
    x = packed(arraysOf(finishImplicit(moving, &root, what)), at);
    factor = Array{{dys[count]}};
  } else {
    x = packed(arraysOf(unknowns), at);
    Array dx = packed(arraysOf(llvm::ArrayRef(dys).take_front(count)), at);
    factor = x.isPoison() || dx.isPoison() ? Array() : negate(adjointOf(problem, x, dx), at);
  }
  if (x.isPoison() || factor.isPoison())
    return false;
  thetas = realsAround(region);
  SmallVector<Value> inside, gradients;
  for (auto [k, theta] : llvm::enumerate(thetas))
    inside.push_back(region.front().insertArgument(static_cast<unsigned>(k), theta.getType(), theta.getLoc()));
  if (!thetas.empty()) {
    auto found = differentiate(inside, at, [&](llvm::ArrayRef<Value> moved) -> Array {
      Array r = problem.isValue ? valuesAt(problem, x, at).front() : residualOf(problem, x, at);
      Array product = r.isPoison() ? Array() : innerProduct(r, factor, at);
      for (auto [theta, value] : llvm::zip_equal(thetas, moved))
        replaceAllUsesInRegionWith(theta, value, *builder.getInsertionBlock()->getParent());
      return product;
    });
    if (!found)
      return false;
    gradients = found->gradients;
  }
  for (auto [theta, value] : llvm::zip_equal(thetas, inside))
    replaceAllUsesInRegionWith(theta, value, region);
  YieldOp::create(builder, made.getLoc(), gradients);
  return realsAround(region).empty(); // else it would be a constant for the derivatives above
}
