//===- Plan.cpp - What a fused function stores where -----------------------------===//

#include "passes/fuse/Plan.h"

#include "passes/fuse/Control.h"
#include "passes/step/Guard.h"

using namespace mlir;

namespace gradus {

/// The number that fills a constant, through what repeats it.
static std::optional<int64_t> findWholeFill(Value value) {
  Operation *op = value.getDefiningOp();
  while (isa_and_nonnull<BroadcastOp>(op))
    op = op->getOperand(0).getDefiningOp();
  auto constant = dyn_cast_or_null<ConstantOp>(op);
  auto elements = constant ? dyn_cast<DenseIntElementsAttr>(constant.getValue()) : DenseIntElementsAttr();
  return elements && elements.isSplat() ? std::optional(elements.getSplatValue<APInt>().getSExtValue()) : std::nullopt;
}

/// Whether `index` is max(x - c, 0) for an index that is inside: push(S, x) reads so.
static bool isInside(Value index, Attribute dim);
static bool isInsideBefore(MaxOp index, Attribute dim) {
  auto before = index.getA().getDefiningOp<SubOp>();
  return before && findWholeFill(index.getB()) == 0 && findWholeFill(before.getB()).value_or(-1) >= 0 && isInside(before.getA(), dim);
}

/// Whether `index` counts along an axis of size `dim` or is a number below it, so that it is always inside. A scatter has its indices from
/// another kernel.
static bool isInside(Value index, Attribute dim) {
  if (auto argument = dyn_cast<BlockArgument>(index)) {
    auto kernel = dyn_cast_or_null<KernelOp>(argument.getOwner()->getParentOp());
    return kernel && isInside(kernel->getOperand(argument.getArgNumber()), dim);
  }
  Operation *op = index.getDefiningOp();
  if (auto kernel = dyn_cast<KernelOp>(op))
    return isInside(kernel.getBody().front().getTerminator()->getOperand(cast<OpResult>(index).getResultNumber()), dim);
  if (auto before = dyn_cast_or_null<MaxOp>(op))
    return isInsideBefore(before, dim);
  if (auto constant = dyn_cast_or_null<ConstantOp>(op)) {
    auto elements = dyn_cast<DenseIntElementsAttr>(constant.getValue());
    auto size = dyn_cast<IntegerAttr>(dim);
    return elements && size && llvm::all_of(elements.getValues<APInt>(), [&](const APInt &i) {
             return !i.isNegative() && i.getSExtValue() < size.getInt();
           });
  }
  if (auto iota = dyn_cast_or_null<IotaOp>(op))
    return cast<ArrayType>(iota.getType()).getShape()[iota.getAxis()] == dim;
  if (isa_and_nonnull<BroadcastOp, ReshapeOp, TransposeOp>(op))
    return isInside(op->getOperand(0), dim);
  return false;
}

OperandRange getPlaces(Operation *op) {
  if (isa<GatherOp>(op))
    return op->getOperands().drop_front();
  return isScatter(op) ? op->getOperands().drop_front().drop_back() : op->getOperands().take_front(0);
}

Operation *findScatter(KernelOp kernel) {
  Operation *last = kernel.getBody().front().getTerminator()->getPrevNode();
  return last && isScatter(last) ? last : nullptr;
}

bool isCountedInScatter(OpOperand &operand) {
  if (!isScatter(operand.getOwner()) || operand.getOperandNumber() == 0 || canFail(operand.getOwner()))
    return false;
  Operation *op = operand.get().getDefiningOp();
  auto repeated = dyn_cast_or_null<BroadcastOp>(op);
  if (!repeated)
    return isa_and_nonnull<IotaOp>(op);
  // A number that is read from an array or reduced is computed by a kernel before.
  Operation *from = repeated.getX().getDefiningOp();
  return isRankZero(repeated.getX()) ? !from || llvm::all_of(from->getOperands(), isRankZero) : isa_and_nonnull<IotaOp>(from);
}

bool canFail(Operation *op) {
  if (!(isa<GatherOp>(op) || isScatter(op)) || op->getAttrOfType<UnitAttr>("in_bounds"))
    return false;
  for (auto [index, dim] : llvm::zip_equal(getPlaces(op), cast<ArrayType>(op->getOperand(0).getType()).getShape()))
    if (!isInside(index, dim))
      return true;
  return false;
}

bool isReadElsewhere(Value value, function_ref<bool(Operation *)> isInBody) {
  SmallVector<Value> pending{value};
  llvm::DenseSet<Operation *> seen;
  while (!pending.empty())
    for (Operation *user : pending.pop_back_val().getUsers()) {
      if (!isInBody(user) || !seen.insert(user).second)
        continue;
      if (isa<ArgReduceOp, EncodeOp, ReduceOp, YieldOp>(user)) // a block is read before it is encoded
        continue;
      if (!user->hasTrait<Pointwise>() && !isa<IntPowOp>(user))
        return true;
      llvm::append_range(pending, user->getResults());
    }
  return false;
}

bool isPointByPoint(KernelOp kernel) {
  ArrayRef<Attribute> domain = kernel.getDomain().getValue();
  for (Operation &op : kernel.getBody().front()) {
    if (isa<ArgReduceOp, EncodeOp, ReduceOp, YieldOp>(op) || op.getNumResults() == 0 || isRankZero(op.getResult(0)))
      continue;
    ArrayRef<Attribute> shape = cast<ArrayType>(op.getResult(0).getType()).getShape();
    auto broadcast = dyn_cast<BroadcastOp>(op);
    if (broadcast && broadcast.getX().getType().isScalar() && shape == domain)
      continue;
    bool isPlain = op.hasTrait<Pointwise>() || isa<IntPowOp, ConstantOp, DrawOp>(op) || (isa<IotaOp>(op) && domain.size() == 1);
    if (!isPlain || shape != domain)
      return false;
  }
  return true;
}

Value findLooked(Value condition) {
  auto kernel = condition.getDefiningOp<KernelOp>();
  if (!kernel)
    return Value();
  auto yielded = kernel.getBody().front().getTerminator()->getOperand(cast<OpResult>(condition).getResultNumber());
  auto all = yielded.getDefiningOp<ReduceOp>();
  auto compare = all ? all.getX().getDefiningOp<CompareOp>() : CompareOp();
  auto difference = compare ? compare.getA().getDefiningOp<SubOp>() : SubOp();
  Value x = difference ? difference.getA() : Value();
  while (auto cast = x ? x.getDefiningOp<CastOp>() : CastOp())
    x = cast.getX();
  auto argument = dyn_cast_or_null<BlockArgument>(x);
  return argument && argument.getOwner() == &kernel.getBody().front() ? kernel.getOperand(argument.getArgNumber()) : Value();
}

/// The value of a phase that stands for a kernel's result outside, or null.
static Value getYielded(KernelOp kernel, Value value) {
  auto phase = dyn_cast<PhaseOp>(kernel->getParentOp());
  if (!phase)
    return {};
  for (OpOperand &use : value.getUses())
    if (isa<YieldOp>(use.getOwner()) && use.getOwner()->getParentOp() == phase)
      return phase.getResult(use.getOperandNumber());
  return {};
}

static bool hasCheck(KernelOp kernel) {
  return kernel.getBody().walk([](Operation *op) { return canFail(op) ? WalkResult::interrupt() : WalkResult::advance(); }).wasInterrupted();
}

/// The operands of a kernel that its checked indices depend on.
static SmallVector<Value> getIndexOperands(KernelOp kernel) {
  SmallVector<Value> pending, operands;
  kernel.getBody().walk([&](Operation *op) {
    if (canFail(op))
      llvm::append_range(pending, getPlaces(op));
  });
  while (!pending.empty()) {
    Value value = pending.pop_back_val();
    if (auto inner = dyn_cast<BlockArgument>(value))
      operands.push_back(kernel.getOperand(inner.getArgNumber()));
    else
      llvm::append_range(pending, value.getDefiningOp()->getOperands());
  }
  return operands;
}

/// What stands under a condition is looked at where it runs: a branch that is not taken refuses nothing.
static Check findCheck(KernelOp kernel) {
  if (!hasCheck(kernel))
    return Check::None;
  bool isSure = isa<PhaseOp>(kernel->getParentOp());
  return isSure && llvm::all_of(getIndexOperands(kernel), llvm::IsaPred<BlockArgument>) ? Check::Early : Check::Late;
}

/// Whether control may give the array as its own result, so that a later kernel reads it under another name.
static bool isHandedOn(Value array) {
  return llvm::any_of(array.getUsers(), [](Operation *user) {
    return isControl(user) || (isa<YieldOp>(user) && isControl(user->getParentOp()));
  });
}

Plan::Plan(FuncOp func) : func(func) {
  func.walk<WalkOrder::PreOrder>([&](KernelOp kernel) {
    positions[kernel] = kernels.size();
    checks[kernel] = findCheck(kernel);
    kernels.push_back(kernel);
  });
  func.walk<WalkOrder::PreOrder>([&, count = int64_t(0)](Operation *op) mutable {
    count += isa<KernelOp>(op);
    if (isCut(op))
      numKernelsBeforeLastCut = count;
  });
  findGuards();
  if (func.isOpen())
    collectRehearsed();
  auto ret = cast<ReturnOp>(func.getBody().front().getTerminator());
  for (KernelOp kernel : kernels)
    for (Value value : kernel.getStored()) {
      Storage where;
      where.lastRead = isHandedOn(value) ? kernels.size() - 1 : getPosition(kernel);
      for (Operation *user : value.getUsers())
        if (auto reader = dyn_cast<KernelOp>(user))
          where.lastRead = std::max(where.lastRead, getPosition(reader));
      if (Value outside = getYielded(kernel, value))
        for (OpOperand &use : outside.getUses())
          if (use.getOwner() == ret && where.result < 0) {
            where.result = use.getOperandNumber();
            where.argument = func.getResultOf(where.result);
          }
      decideHome(kernel, value, where);
      storage[value] = where;
    }
}

Value getInside(Value result) {
  auto phase = result.getDefiningOp<PhaseOp>();
  return phase ? phase.getBody().front().getTerminator()->getOperand(cast<OpResult>(result).getResultNumber()) : Value();
}

/// In an open function the conditions are reductions over the collection, which are known before the last phase begins.
void Plan::findGuards() {
  Operation *ret = func.getBody().front().getTerminator();
  SmallVector<Value> pending;
  for (auto [index, value] : llvm::enumerate(ret->getOperands()))
    if (func.getResultAttr(index, guardAttribute)) {
      isGuarded = true;
      pending.push_back(getInside(value));
    }
  llvm::DenseSet<Operation *> seen;
  while (!pending.empty() && !func.isOpen()) {
    Value value = pending.pop_back_val();
    Operation *op = value ? value.getDefiningOp() : nullptr;
    if (!op || !isa<PhaseOp>(op->getParentOp()) || !seen.insert(op).second)
      continue;
    op->walk([&](KernelOp kernel) { numBeforeGuards = std::max(numBeforeGuards, getPosition(kernel) + 1); });
    if (!isa<KernelOp>(op))
      llvm::append_range(pending, getInputs(op));
  }
}

bool Plan::isForGuard(KernelOp kernel) const {
  return llvm::all_of(kernel.getStored(), [&](Value stored) { return isForGuard(stored); });
}

bool Plan::isForGuard(Value kernelResult) const {
  FuncOp of = func;
  SmallVector<Value> pending{kernelResult};
  llvm::DenseSet<Value> seen;
  while (!pending.empty()) {
    Value value = pending.pop_back_val();
    if (!seen.insert(value).second)
      continue;
    for (OpOperand &use : value.getUses()) {
      Operation *user = use.getOwner();
      if (isa<ReturnOp>(user) && !of.getResultAttr(use.getOperandNumber(), guardAttribute))
        return false;
      if (isa<YieldOp>(user) && !isa<PhaseOp>(user->getParentOp()))
        return false; // of control
      if (isa<YieldOp>(user))
        pending.push_back(user->getParentOp()->getResult(use.getOperandNumber()));
      else
        llvm::append_range(pending, user->getResults());
    }
  }
  return isGuarded;
}

void Plan::collectRehearsed() {
  PhaseOp last;
  func.walk([&](PhaseOp phase) { last = phase; });
  SmallVector<Value> pending;
  for (KernelOp kernel : kernels) {
    Operation *outer = last ? last.getBody().front().findAncestorOpInBlock(*kernel) : nullptr;
    if (!outer || getCheck(kernel) != Check::Late)
      continue;
    isRehearsing = true;
    if (outer == kernel)
      llvm::append_range(pending, getIndexOperands(kernel));
    else if (rehearsed.insert(outer).second) // control runs as a whole: which of its kernels run is known only then
      llvm::append_range(pending, getInputs(outer));
  }
  while (!pending.empty()) {
    Operation *op = pending.pop_back_val().getDefiningOp();
    if (op && op->getParentOp() == last && rehearsed.insert(op).second)
      llvm::append_range(pending, getInputs(op));
  }
}

/// Whether the buffer of a result is written under a condition: a report may be left out, and what is one for all slots still serves the
/// slots that follow.
static bool isWrittenLater(FuncOp func, unsigned result) {
  return func.getResultRole(result) == Role::Report || (func.isOpen() && func.getResultAttr(result, "gradus.shared"));
}

/// A result goes straight to its buffer unless that buffer is an argument that is still read, or a later check may
/// refuse the call.
void Plan::decideHome(KernelOp kernel, Value value, Storage &where) {
  if (cast<ArrayType>(value.getType()).isScalar()) {
    where.home = Home::Scalar;
    return;
  }
  if (where.result < 0) {
    where.home = Home::Workspace;
    return;
  }
  auto later = ArrayRef(kernels).drop_front(getPosition(kernel) + 1);
  auto mayRefuse = [&](KernelOp other) { return getCheck(other) == Check::Late; };
  auto needsOld = [&](KernelOp other) {
    if (where.argument < 0)
      return false;
    Value argument = func.getArgument(where.argument);
    for (auto [operand, inner] : llvm::zip_equal(other.getOperands(), other.getBody().getArguments()))
      if (operand == argument && (other != kernel || isReadElsewhere(inner, [](Operation *) { return true; })))
        return true;
    return false;
  };
  // What runs twice must find the arguments as they were; after the rehearsal of an open function nothing is refused.
  bool isBeforeCut = needsAgreement() || getPosition(kernel) < numKernelsBeforeLastCut;
  bool isEarly = isBeforeCut || isBeforeGuards(kernel) || (func.isOpen() ? isRehearsed(kernel) : llvm::any_of(later, mayRefuse));
  bool isHeld = where.argument >= 0 && isHandedOn(func.getArgument(where.argument));
  bool isDeferred = isWrittenLater(func, where.result) || isEarly || isHeld || needsOld(kernel) || llvm::any_of(later, needsOld);
  where.home = isDeferred ? Home::Deferred : Home::Result;
}

} // namespace gradus
