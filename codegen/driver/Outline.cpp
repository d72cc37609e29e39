//===- Outline.cpp - Parts of a function as functions of their own -------------===//

#include "codegen/driver/Outline.h"

#include "dialect/Jvp.h"
#include "passes/Build.h"
#include "passes/Phases.h"
#include "passes/diff/BuildGradient.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace gradus::driver {

static bool isReal(Type type) {
  auto array = dyn_cast<ArrayType>(type);
  return array && array.isFloat() && !array.isBlocks();
}

static DictionaryAttr describe(Builder &builder, StringRef name, Role role) {
  return builder.getDictionaryAttr({builder.getNamedAttr("gradus.name", builder.getStringAttr(name)),
                                    builder.getNamedAttr("gradus.role", RoleAttr::get(builder.getContext(), role))});
}

static SmallVector<Value> capturedBy(Operation *op) {
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(op->getRegions(), captured);
  return captured.takeVector();
}

//===----------------------------------------------------------------------===//
// Losses
//===----------------------------------------------------------------------===//

/// sin(0.5 + k + 0.7 i + 1.1 j + ..) in each element [i, j, ..] of result k: cotangents that no symmetry hides.
static Value buildWeights(OpBuilder &builder, Location loc, ArrayType shape, unsigned number) {
  ArrayType type = shape.withElement(builder.getF64Type());
  Value angle = buildFill(builder, loc, type, 0.5 + number);
  for (int64_t axis = 0; axis < type.getRank(); ++axis) {
    Value index = IotaOp::create(builder, loc, type.withElement(builder.getI64Type()), axis);
    Value scaled = MulOp::create(builder, loc, buildCast(builder, loc, index, builder.getF64Type()), buildFill(builder, loc, type, 0.7 + 0.4 * axis));
    angle = AddOp::create(builder, loc, angle, scaled);
  }
  return SinOp::create(builder, loc, angle);
}

/// The sum of the real `ys` with weights, and these, in the types of ys; null for what is not real. From `most` on they are 0.
static Value sumWeighted(OpBuilder &builder, Location loc, ValueRange ys, SmallVectorImpl<Value> &weights, size_t most = SIZE_MAX) {
  Value total = ConstantOp::create(builder, loc, 0.0, builder.getF64Type());
  for (auto [k, y] : llvm::enumerate(ys)) {
    weights.push_back(nullptr);
    if (!isReal(y.getType()))
      continue;
    if (k >= most) {
      weights.back() = buildFill(builder, loc, arrayType(y), 0.0);
      continue;
    }
    Value wide = buildCast(builder, loc, y, builder.getF64Type()), weight = buildWeights(builder, loc, arrayType(y), k);
    weights.back() = buildCast(builder, loc, weight, arrayType(y).getElementType());
    Value product = MulOp::create(builder, loc, wide, weight);
    Value sum = buildReduce(builder, loc, ReductionKind::Sum, product, complementAxes(arrayType(product).getRank(), {}));
    total = AddOp::create(builder, loc, total, sum);
  }
  return total;
}

/// A function of kind loss with arguments for `reads`, of which the first `moved` real ones are parameters.
static FuncOp beginLoss(OpBuilder &builder, Location loc, StringRef name, ArrayRef<Value> reads, ArrayRef<std::string> names, size_t moved, TypeRange results,
                        ArrayRef<Attribute> resultAttrs, IRMapping &mapping) {
  SmallVector<Type> types;
  SmallVector<Attribute> attrs;
  for (auto [i, read] : llvm::enumerate(reads)) {
    types.push_back(read.getType());
    attrs.push_back(describe(builder, names[i], i < moved && isReal(read.getType()) ? Role::Param : Role::Data));
  }
  auto func = FuncOp::create(builder, loc, FuncKind::Loss, name, builder.getFunctionType(types, results), builder.getArrayAttr(attrs),
                             builder.getArrayAttr(resultAttrs));
  Block *entry = builder.createBlock(&func.getBody());
  for (Value read : reads)
    mapping.map(read, entry->addArgument(read.getType(), read.getLoc()));
  return func;
}

/// Copies what a block does; gives what it ends with.
static SmallVector<Value> copyBlock(OpBuilder &builder, Block &block, IRMapping &mapping) {
  for (Operation &op : block.without_terminator())
    builder.clone(op, mapping);
  return llvm::to_vector(llvm::map_range(block.getTerminator()->getOperands(), [&](Value value) { return mapping.lookupOrDefault(value); }));
}

/// Names of the operands, then of what is read besides.
static std::vector<std::string> nameReads(Operation *op, size_t operands, size_t all) {
  auto given = op->getAttrOfType<ArrayAttr>("names");
  std::vector<std::string> names;
  for (size_t i = 0; i < all; ++i)
    names.push_back(given && i + 1 < given.size() && i < operands ? cast<StringAttr>(given[i + 1]).str()
                    : i < operands                                ? "operand " + std::to_string(i)
                                                                  : "value " + std::to_string(i - operands) + " around it");
  for (size_t i = 0; i < all; ++i) // lanes of one argument share its name
    for (size_t k = 0; k < i; ++k)
      if (names[k] == names[i])
        names[i] += "'";
  return names;
}

/// Whether a number is made of constants and sizes alone. The count of a loop must stay such: a derivative asks for its bound.
static bool isOfConstants(Value value, unsigned depth = 0) {
  Operation *op = value.getDefiningOp();
  return op && depth < 8 && !isReal(value.getType()) && op->getNumRegions() == 0 && isMemoryEffectFree(op) &&
         llvm::all_of(op->getOperands(), [&](Value operand) { return isOfConstants(operand, depth + 1); });
}

static void copyConstant(OpBuilder &builder, Value value, IRMapping &mapping) {
  if (mapping.contains(value))
    return;
  for (Value operand : value.getDefiningOp()->getOperands())
    copyConstant(builder, operand, mapping);
  builder.clone(*value.getDefiningOp(), mapping);
}

using Body = llvm::function_ref<Value(OpBuilder &, IRMapping &)>;

static Trial buildTrial(Location loc, ArrayRef<Value> reads, ArrayRef<std::string> names, size_t moved, Body body) {
  Trial trial;
  trial.module = ModuleOp::create(loc);
  trial.reads.assign(reads.begin(), reads.end());
  OpBuilder builder = OpBuilder::atBlockBegin(trial.module->getBody());
  IRMapping mapping;
  auto scalar = ArrayType::scalar(builder.getF64Type());
  Attribute result = describe(builder, "value", Role::Value);
  trial.value = beginLoss(builder, loc, "part", reads, names, moved, Type(scalar), result, mapping);
  ReturnOp::create(builder, loc, body(builder, mapping));
  return trial;
}

Trial outlineOperation(Operation *op) {
  SmallVector<Value> reads(op->getOperands());
  llvm::append_range(reads, capturedBy(op));
  llvm::SetVector<Value> unique(reads.begin(), reads.end());
  SmallVector<Value> constants = llvm::filter_to_vector(unique, [](Value read) { return isOfConstants(read); });
  reads = llvm::filter_to_vector(unique, [](Value read) { return !isOfConstants(read); });
  return buildTrial(op->getLoc(), reads, nameReads(op, reads.size(), reads.size()), reads.size(), [&](OpBuilder &builder, IRMapping &mapping) {
    for (Value constant : constants)
      copyConstant(builder, constant, mapping);
    SmallVector<Value> weights;
    return sumWeighted(builder, op->getLoc(), builder.clone(*op, mapping)->getResults(), weights);
  });
}

Trial outlineFunction(FuncOp func) {
  SmallVector<Value> reads(func.getArguments());
  std::vector<std::string> names;
  for (unsigned i = 0; i < reads.size(); ++i)
    names.push_back(func.getArgName(i).str());
  return buildTrial(func.getLoc(), reads, names, reads.size(), [&](OpBuilder &builder, IRMapping &mapping) {
    SmallVector<Value> weights;
    return sumWeighted(builder, func.getLoc(), copyBlock(builder, func.getBody().front(), mapping), weights);
  });
}

Trial outlineGrad(GradOp op) {
  SmallVector<Value> around = capturedBy(op), reads(op.getBody().getArguments());
  size_t moved = reads.size();
  llvm::append_range(reads, around);
  Trial trial = buildTrial(op.getLoc(), reads, nameReads(op, moved, reads.size()), moved, [&](OpBuilder &builder, IRMapping &mapping) {
    return buildCast(builder, op.getLoc(), copyBlock(builder, op.getBody().front(), mapping).front(), builder.getF64Type());
  });
  trial.reads.assign(op.getWrt().begin(), op.getWrt().end());
  llvm::append_range(trial.reads, around);
  return trial;
}

Trial outlineCustom(CustomOp op) {
  Location loc = op.getLoc();
  SmallVector<Value> around = capturedBy(op), reads(op.getBody().getArguments());
  size_t moved = reads.size();
  llvm::append_range(reads, around);
  std::vector<std::string> names = nameReads(op, moved, reads.size());
  auto unknowns = op->getAttrOfType<IntegerAttr>("unknowns");
  size_t most = unknowns ? static_cast<size_t>(unknowns.getInt()) : SIZE_MAX;
  Trial trial = buildTrial(loc, reads, names, moved, [&](OpBuilder &builder, IRMapping &mapping) {
    SmallVector<Value> weights;
    return sumWeighted(builder, loc, copyBlock(builder, op.getBody().front(), mapping), weights, most);
  });
  OpBuilder builder(trial.module->getContext());
  builder.setInsertionPointAfter(trial.value);
  SmallVector<Type> types(trial.value.getResultTypes());
  SmallVector<Attribute> results{describe(builder, "value", Role::Value)};
  for (size_t i = 0; i < moved; ++i)
    if (isReal(reads[i].getType())) {
      types.push_back(reads[i].getType());
      results.push_back(describe(builder, "grad_" + names[i], Role::Grad));
    }
  IRMapping mapping;
  trial.withGradients = beginLoss(builder, loc, "part.grad", reads, names, moved, types, results, mapping);
  SmallVector<Value> ys = copyBlock(builder, op.getBody().front(), mapping), weights, returned;
  returned.push_back(sumWeighted(builder, loc, ys, weights, most));
  // The derivative takes xs, ys, and the cotangents of the real ys.
  Block &derivative = op.getDerivative().front();
  SmallVector<Value> given;
  for (Value x : op.getBody().getArguments())
    given.push_back(mapping.lookup(x));
  llvm::append_range(given, ys);
  llvm::copy_if(weights, std::back_inserter(given), [](Value weight) { return weight != nullptr; });
  mapping.map(derivative.getArguments(), given);
  llvm::append_range(returned, copyBlock(builder, derivative, mapping));
  ReturnOp::create(builder, loc, returned);
  trial.reads.assign(op.getXs().begin(), op.getXs().end());
  llvm::append_range(trial.reads, around);
  return trial;
}

//===----------------------------------------------------------------------===//
// Values at a point
//===----------------------------------------------------------------------===//

/// Gives the arguments of the block that `inner` stands in what they are when it is entered first; false where that is not known.
static bool openRegion(OpBuilder &builder, Operation *op, Operation *inner, IRMapping &mapping) {
  Region *region = inner->getParentRegion();
  auto now = [&](Value value) { return mapping.lookupOrDefault(value); };
  SmallVector<Value> given;
  if (auto grad = dyn_cast<GradOp>(op))
    llvm::append_range(given, grad.getWrt());
  else if (auto jvp = dyn_cast<JvpOp>(op))
    llvm::append_range(given, jvp.getPoints());
  else if (auto custom = dyn_cast<CustomOp>(op); custom && region == &custom.getBody())
    llvm::append_range(given, custom.getXs());
  else if (auto loop = dyn_cast<LoopOp>(op)) {
    mapping.map(region->getArgument(0), ConstantOp::create(builder, op->getLoc(), int64_t(0)).getResult());
    for (auto [argument, value] : llvm::zip_equal(region->getArguments().drop_front(), loop.getInit()))
      mapping.map(argument, now(value));
    return true;
  } else if (region->getNumArguments() > 0)
    return false;
  for (auto [argument, value] : llvm::zip_equal(region->getArguments(), given))
    mapping.map(argument, now(value));
  return true;
}

OwningOpRef<FuncOp> outlineReads(FuncOp func, Operation *op, ArrayRef<Value> values, std::string &error) {
  SmallVector<Operation *> path;
  for (Operation *at = op; at != func; at = at->getParentOp())
    path.push_back(at);
  SmallVector<Type> types = llvm::to_vector(llvm::map_range(values, [](Value value) { return value.getType(); }));
  OpBuilder builder(func.getContext());
  SmallVector<Attribute> results(values.size(), describe(builder, "value", Role::Value));
  OwningOpRef<FuncOp> probe(FuncOp::create(builder, op->getLoc(), FuncKind::Fn, "probe", builder.getFunctionType(func.getArgumentTypes(), types),
                                           func.getArgAttrsAttr(), builder.getArrayAttr(results)));
  Block *entry = builder.createBlock(&probe->getBody());
  IRMapping mapping;
  for (Value argument : func.getArguments())
    mapping.map(argument, entry->addArgument(argument.getType(), argument.getLoc()));
  while (!path.empty()) {
    Operation *end = path.pop_back_val();
    for (Operation &before : *end->getBlock()) {
      if (&before == end)
        break;
      if (!isa<ExpectNearOp, ExpectOp>(before))
        builder.clone(before, mapping);
    }
    if (!path.empty() && !openRegion(builder, end, path.back(), mapping)) {
      error = "what it computes with there is not known";
      return nullptr;
    }
  }
  SmallVector<Value> returned = llvm::to_vector(llvm::map_range(values, [&](Value value) { return mapping.lookupOrDefault(value); }));
  ReturnOp::create(builder, op->getLoc(), returned);
  for (Operation *each = entry->getTerminator()->getPrevNode(), *before; each; each = before) {
    before = each->getPrevNode();
    if (isOpTriviallyDead(each))
      each->erase();
  }
  return probe;
}

FailureOr<reference::Arrays<double>> readValues(FuncOp func, Operation *op, ArrayRef<Value> values, const reference::Arrays<double> &point,
                                                std::string &error) {
  OwningOpRef<FuncOp> probe = outlineReads(func, op, values, error);
  return probe ? reference::evaluate<double>(*probe, point, error) : FailureOr<reference::Arrays<double>>(failure());
}

llvm::StringMap<int64_t> sizesAt(FuncOp func, const reference::Arrays<double> &point) {
  llvm::StringMap<int64_t> sizes;
  for (auto [type, array] : llvm::zip_equal(func.getArgumentTypes(), point))
    for (auto [dim, size] : llvm::zip_equal(cast<ArrayType>(type).getShape(), array.shape))
      if (auto symbol = dyn_cast<StringAttr>(dim))
        sizes[symbol.getValue()] = size;
  return sizes;
}

FuncOp deriveTrial(ModuleOp module, FuncOp value, std::string &error, ArrayRef<StringRef> wrt) {
  // What cannot be differentiated is a note of the check, no error of the spec.
  ScopedDiagnosticHandler handler(module.getContext(), [&](mlir::Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error && error.empty())
      error = diagnostic.str();
    return success();
  });
  FailureOr<FuncOp> made = buildGradientFunction(module, value, wrt);
  if (failed(made))
    return nullptr;
  std::string name = made->getSymName().str();
  OwningOpRef<ModuleOp> alone(ModuleOp::create(value.getLoc()));
  OpBuilder builder = OpBuilder::atBlockBegin(alone->getBody());
  Operation *copy = builder.clone(**made);
  PassManager passes(module.getContext());
  buildPhasesUpTo(passes, Phase::Simplify);
  if (failed(passes.run(*alone))) {
    made->erase();
    return nullptr;
  }
  copy = alone->lookupSymbol(name);
  made->erase();
  builder.setInsertionPointAfter(value);
  copy->remove();
  builder.insert(copy);
  return cast<FuncOp>(copy);
}

} // namespace gradus::driver
