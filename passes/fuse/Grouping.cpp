//===- Grouping.cpp - Which operations share a kernel ---------------------------===//

#include "passes/fuse/Grouping.h"

#include "passes/fuse/Control.h"
#include "passes/fuse/Cost.h"
#include "passes/fuse/Plan.h"

using namespace mlir;

namespace gradus {

static ArrayType arrayOf(Value value) { return cast<ArrayType>(value.getType()); }

namespace {

/// A stored value that another one reads. Through a rank-0 op of the phase it must be complete before the kernel starts.
struct Dependence {
  Value value;
  bool isComplete;
};

class Grouper {
public:
  Grouper(const Placement &placement, FuncOp func, ArrayRef<PhaseOutput> outputs, bool noFuse)
      : placement(placement), func(func), outputs(outputs), noFuse(noFuse) {}

  PhasePlan run() {
    findNeeded();
    if (noFuse)
      storeEachOp();
    do
      group();
    while (!noFuse && storeOneMore());
    noteRecomputed();
    return std::move(plan);
  }

private:
  void findNeeded();
  void storeEachOp();
  void group();
  void collectTargets();
  void place(unsigned target, unsigned first);
  void placeControl(unsigned target, Operation *op);
  bool storeOneMore();
  void noteRecomputed();

  Place getPlace(Operation *op) const { return placement.getPlace(op); }
  /// Computed inside the kernels that read it, unless it is stored.
  bool isPulled(Value value) const {
    Operation *op = value.getDefiningOp();
    return op && (getPlace(op) == Place::Pull || Placement::isLiteral(op));
  }
  bool isStored(Value value) const { return firstTarget.contains(value); }
  SmallVector<Dependence> getDependences(const Target &target) const;
  bool fits(const Target &target, unsigned kernel, ArrayRef<Dependence> dependences) const;
  bool isBetterApart(const Target &target, const PlannedKernel &kernel) const;
  unsigned getFirstForCommit(const Target &target);
  llvm::DenseSet<Value> findGuards() const;
  void fillBody(unsigned kernel);
  bool mayBeRefused(Value value) const;
  bool costsMoreThan(Value value, int64_t limit) const;

  const Placement &placement;
  FuncOp func;
  ArrayRef<PhaseOutput> outputs;
  bool noFuse;
  /// The ops of the phase in order.
  SmallVector<Operation *> needed;
  bool hasContractions = false;
  /// Pulled values that are stored all the same, with the reason.
  llvm::MapVector<Value, StringRef> extra;
  SmallVector<Target> targets;
  DenseMap<Value, unsigned> firstTarget;
  /// The kernel of each target, -1 while it has none.
  SmallVector<int64_t> kernelOf;
  PhasePlan plan;
};

} // namespace

/// The ops that the outputs depend on and that the host does not compute.
void Grouper::findNeeded() {
  llvm::SetVector<Operation *> found;
  SmallVector<Value> pending;
  for (const PhaseOutput &output : outputs)
    pending.push_back(output.value);
  while (!pending.empty()) {
    Value value = pending.pop_back_val();
    Operation *op = value.getDefiningOp();
    if (op && !placement.isUniform(value) && found.insert(op))
      llvm::append_range(pending, getInputs(op));
  }
  needed = found.takeVector();
  hasContractions = llvm::any_of(needed, llvm::IsaPred<ContractOp>);
  llvm::sort(needed, [&](Operation *a, Operation *b) { return placement.getOrder(a) < placement.getOrder(b); });
}

/// Without fusion every op that computes a number stores it; loads stay with their readers.
void Grouper::storeEachOp() {
  for (Operation *op : needed)
    if (getPlace(op) == Place::Pull && getFlopWeight(op) > 0)
      extra.insert({op->getResult(0), "fusion is off"});
}

//===----------------------------------------------------------------------===//
// What is stored
//===----------------------------------------------------------------------===//

/// Whether computing a value looks at indices that may be outside.
bool Grouper::mayBeRefused(Value value) const {
  llvm::DenseSet<Operation *> seen;
  SmallVector<Value> pending{value};
  while (!pending.empty()) {
    Operation *op = pending.pop_back_val().getDefiningOp();
    if (!op || getPlace(op) != Place::Pull || !seen.insert(op).second)
      continue;
    if (canFail(op))
      return true;
    llvm::append_range(pending, op->getOperands());
  }
  return false;
}

void Grouper::collectTargets() {
  targets.clear();
  firstTarget.clear();
  auto add = [&](Target target) {
    firstTarget.try_emplace(target.value, targets.size());
    targets.push_back(target);
  };
  DenseMap<Value, StringRef> reasons(extra.begin(), extra.end());
  for (Operation *op : needed) {
    // A check runs over the kernel's own points, and a part has others.
    if (isa<ConcatOp>(op))
      for (Value part : op->getOperands())
        if (part.getDefiningOp() && mayBeRefused(part))
          reasons.try_emplace(part, "its indices are checked over its own points");
    if (getPlace(op) == Place::Reduction)
      reasons.try_emplace(op->getResult(0), isa<EncodeOp>(op) ? "blocks of codes are kept" : "a reduction ends a kernel");
    if (getPlace(op) == Place::Control)
      for (Value input : getInputs(op))
        if (input.getDefiningOp())
          reasons.try_emplace(input, isa<LoopOp>(op) ? "a loop reads it" : "a condition stands before what reads it");
    if (getPlace(op) != Place::Alone)
      continue;
    auto [standsAlone, readsIt] = getReasonsAlone(op);
    for (Value result : op->getResults())
      if (!result.use_empty())
        reasons.try_emplace(result, standsAlone);
    for (OpOperand &operand : op->getOpOperands())
      if (operand.get().getDefiningOp() && !isCountedInScatter(operand))
        reasons.try_emplace(operand.get(), readsIt);
  }
  // A rank-0 op reads what a kernel has stored.
  for (Operation *op : needed)
    for (Value operand : getInputs(op))
      if (getPlace(op) == Place::Slot && operand.getDefiningOp() && getPlace(operand.getDefiningOp()) == Place::Pull)
        reasons.try_emplace(operand, "a rank-0 operation reads it");
  SmallVector<int64_t> outputOf;
  auto addOutputs = [&](Value value) {
    bool any = false;
    for (auto [index, output] : llvm::enumerate(outputs))
      if (output.value == value) {
        add({value, static_cast<int64_t>(index), output.replaces, noFuse ? "fusion is off" : "it is a result that is stored anyway"});
        any = true;
      }
    return any;
  };
  for (BlockArgument arg : func.getArguments())
    if (!arrayOf(arg).isScalar())
      addOutputs(arg);
  for (Operation *op : needed) {
    if (getPlace(op) == Place::Slot)
      continue;
    if (getPlace(op) == Place::Control) {
      for (Value result : op->getResults())
        add({result, -1, -1, isa<LoopOp>(op) ? "a loop gives it" : "a condition decides on it"});
      continue;
    }
    for (Value value : op->getResults())
      if (!addOutputs(value) && reasons.contains(value))
        add({value, -1, -1, reasons.lookup(value)});
  }
  // An argument is read where it is; its copy is never read.
  for (BlockArgument arg : func.getArguments())
    firstTarget.erase(arg);
}

SmallVector<Dependence> Grouper::getDependences(const Target &target) const {
  SmallVector<Dependence> found;
  llvm::DenseSet<std::pair<Operation *, unsigned>> seen;
  SmallVector<std::pair<Operation *, unsigned>> pending;
  if (Operation *op = target.value.getDefiningOp())
    pending.push_back({op, 0});
  while (!pending.empty()) {
    auto [op, isComplete] = pending.pop_back_val();
    for (Value operand : getInputs(op)) {
      Operation *source = operand.getDefiningOp();
      if (!source || placement.isUniform(operand))
        continue;
      unsigned complete = isComplete || getPlace(source) == Place::Slot;
      if (isStored(operand))
        found.push_back({operand, complete != 0});
      else if (seen.insert({source, complete}).second)
        pending.push_back({source, complete});
    }
  }
  return found;
}

//===----------------------------------------------------------------------===//
// Which kernel stores it
//===----------------------------------------------------------------------===//

/// The domain of the kernel that stores a target, and the axes it reduces.
static std::pair<ArrayRef<Attribute>, std::optional<SmallVector<int64_t>>> getDomain(const Target &target) {
  Operation *op = target.value.getDefiningOp();
  if (auto reduce = dyn_cast_or_null<ReduceOp>(op))
    return {arrayOf(reduce.getX()).getShape(), SmallVector<int64_t>(reduce.getAxes())};
  if (auto reduce = dyn_cast_or_null<ArgReduceOp>(op))
    return {arrayOf(reduce.getX()).getShape(), SmallVector<int64_t>{static_cast<int64_t>(reduce.getAxis())}};
  if (op && isScatter(op))
    return {arrayOf(op->getOperands().back()).getShape(), std::nullopt};
  if (isMatrixOp(op))
    return {arrayOf(op->getOperand(0)).getShape(), std::nullopt};
  return {arrayOf(target.value).getShape(), std::nullopt};
}

/// Whether a value would only lose by sharing a kernel: nothing that it reads or computes at a point is there already, so that no byte is saved, and one of the two
/// reads a product, whose units can go through a kernel of its own while they are in the cache (Epilogue.h).
bool Grouper::isBetterApart(const Target &target, const PlannedKernel &kernel) const {
  auto isFull = [&](Value value) { return arrayOf(value).getShape() == ArrayRef<Attribute>(kernel.domain); };
  auto isProduct = [&](Value value) { return isFull(value) && value.getDefiningOp<ContractOp>(); };
  bool readsProduct = llvm::any_of(kernel.leaves, isProduct), isShared = false;
  llvm::DenseSet<Value> seen;
  SmallVector<Value> pending;
  if (Operation *op = target.value.getDefiningOp())
    llvm::append_range(pending, op->getOperands());
  while (!pending.empty()) {
    Value value = pending.pop_back_val();
    if (!seen.insert(value).second)
      continue;
    Operation *op = value.getDefiningOp();
    bool isLeaf = !isPulled(value) || isStored(value);
    readsProduct |= isLeaf && isProduct(value);
    bool isThere = kernel.leaves.contains(value) || (op && getFlopWeight(op) > 0 && llvm::is_contained(kernel.body, op));
    isShared |= isThere && isFull(value);
    if (!isLeaf)
      llvm::append_range(pending, op->getOperands());
  }
  return readsProduct && !isShared;
}

bool Grouper::fits(const Target &target, unsigned kernel, ArrayRef<Dependence> dependences) const {
  const PlannedKernel &into = plan.kernels[kernel];
  auto [domain, axes] = getDomain(target);
  Operation *op = target.value.getDefiningOp();
  bool isAlone = op && getPlace(op) == Place::Alone;
  // The other result of an op that stands alone.
  auto isOther = [&](const Target &known) { return known.value != target.value && known.value.getDefiningOp() == op; };
  if (isAlone && into.isAlone && llvm::all_of(into.targets, isOther))
    return true;
  if (noFuse || isAlone || into.isAlone || ArrayRef<Attribute>(into.domain) != domain || (axes && into.axes && *axes != *into.axes))
    return false;
  for (const Dependence &dependence : dependences) {
    unsigned at = plan.homes.lookup(dependence.value).first;
    bool isInside = at == kernel && !dependence.isComplete && isPulled(dependence.value);
    if (at >= kernel && !isInside)
      return false;
  }
  return !hasContractions || !isBetterApart(target, into);
}

/// Puts a target into the first kernel, from `first` on, that it fits into.
void Grouper::place(unsigned index, unsigned first) {
  const Target &target = targets[index];
  if (Operation *op = target.value.getDefiningOp(); op && getPlace(op) == Place::Control)
    return placeControl(index, op);
  SmallVector<Dependence> dependences = getDependences(target);
  unsigned kernel = first;
  while (kernel < plan.kernels.size() && !fits(target, kernel, dependences))
    ++kernel;
  auto [domain, axes] = getDomain(target);
  if (kernel >= plan.kernels.size()) {
    kernel = plan.kernels.size();
    Operation *op = target.value.getDefiningOp();
    plan.kernels.emplace_back();
    plan.kernels.back().domain = SmallVector<Attribute>(domain);
    plan.kernels.back().isAlone = op && getPlace(op) == Place::Alone;
  }
  PlannedKernel &into = plan.kernels[kernel];
  if (axes)
    into.axes = axes;
  if (target.value.getDefiningOp())
    plan.homes.try_emplace(target.value, kernel, into.targets.size());
  into.targets.push_back(target);
  kernelOf[index] = kernel;
  fillBody(kernel);
}

/// The results of control follow one another; the first one opens what stands for the op.
void Grouper::placeControl(unsigned index, Operation *op) {
  if (cast<OpResult>(targets[index].value).getResultNumber() == 0) {
    PlannedKernel &into = plan.kernels.emplace_back();
    into.isAlone = true;
    into.control = op;
    into.body = {op};
    into.leaves.insert_range(getInputs(op));
  }
  kernelOf[index] = plan.kernels.size() - 1;
  PlannedKernel &into = plan.kernels.back();
  plan.homes.try_emplace(targets[index].value, kernelOf[index], into.targets.size());
  into.targets.push_back(targets[index]);
}

/// Collects the ops that a kernel computes and the values that it reads: arguments in their order, then what other kernels
/// stored, then rank-0 values.
void Grouper::fillBody(unsigned kernel) {
  PlannedKernel &into = plan.kernels[kernel];
  llvm::SetVector<Operation *> body;
  into.leaves.clear();
  SmallVector<Value> pending;
  auto visit = [&](Value value) {
    bool isElsewhere = isStored(value) && plan.homes.lookup(value).first != kernel;
    if (!isPulled(value) || isElsewhere)
      into.leaves.insert(value);
    else if (body.insert(value.getDefiningOp()))
      pending.push_back(value);
  };
  for (const Target &target : into.targets) {
    Operation *op = target.value.getDefiningOp();
    if (!op)
      into.leaves.insert(target.value);
    else if (body.insert(op))
      pending.push_back(target.value);
    while (!pending.empty())
      for (Value operand : pending.pop_back_val().getDefiningOp()->getOperands())
        visit(operand);
  }
  SmallVector<Value> leaves = into.leaves.takeVector();
  for (BlockArgument arg : func.getArguments())
    if (!arrayOf(arg).isScalar() && llvm::is_contained(leaves, arg))
      into.leaves.insert(arg);
  into.leaves.insert_range(llvm::make_filter_range(leaves, [](Value leaf) { return !arrayOf(leaf).isScalar(); }));
  into.leaves.insert_range(leaves);
  into.body.assign(body.begin(), body.end());
  llvm::sort(into.body, [&](Operation *a, Operation *b) { return placement.getOrder(a) < placement.getOrder(b); });
}

static bool mayFail(Operation *op) {
  return op->walk([](Operation *inner) { return canFail(inner) || isCut(inner) ? WalkResult::interrupt() : WalkResult::advance(); }).wasInterrupted();
}

/// The first kernel in which the next value of an argument may be stored: not before a kernel that reads the old
/// one, and after every kernel whose indices may turn out to be wrong.
unsigned Grouper::getFirstForCommit(const Target &target) {
  unsigned first = 0;
  Value argument = func.getArgument(target.replaces);
  for (unsigned index = 0; index < plan.kernels.size(); ++index) {
    const PlannedKernel &kernel = plan.kernels[index];
    auto isInBody = [&](Operation *op) { return llvm::is_contained(kernel.body, op); };
    if (kernel.leaves.contains(argument))
      first = std::max<unsigned>(first, index + (kernel.control || isReadElsewhere(argument, isInBody)));
    if (llvm::any_of(kernel.body, mayFail))
      first = std::max<unsigned>(first, index + 1);
  }
  return first;
}

/// What is stored for the guards, with all that this is made of.
llvm::DenseSet<Value> Grouper::findGuards() const {
  llvm::DenseSet<Value> found, seen;
  SmallVector<Value> pending;
  for (const PhaseOutput &output : outputs)
    if (output.isGuard)
      pending.push_back(output.value);
  while (!pending.empty()) {
    Value value = pending.pop_back_val();
    if (!seen.insert(value).second)
      continue;
    if (isStored(value))
      found.insert(value);
    Target target;
    target.value = value;
    for (const Dependence &dependence : getDependences(target))
      llvm::append_range(pending, dependence.value.getDefiningOp()->getResults()); // they stay together
  }
  return found;
}

void Grouper::group() {
  plan = PhasePlan();
  collectTargets();
  kernelOf.assign(targets.size(), -1);
  // Next values that no other kernel needs are stored last, so that a refused call has written nothing.
  llvm::DenseSet<Value> neededEarly;
  for (const Target &target : llvm::reverse(targets)) {
    bool isLast = target.replaces >= 0 && !neededEarly.contains(target.value);
    if (!isLast)
      for (const Dependence &dependence : getDependences(target))
        neededEarly.insert(dependence.value);
  }
  // Results of one op stay together.
  auto isOneOf = [](const Target &target) { return target.value.getDefiningOp() && target.value.getDefiningOp()->getNumResults() > 1; };
  auto isLast = [&](const Target &target) { return target.replaces >= 0 && !neededEarly.contains(target.value) && !isOneOf(target); };
  llvm::DenseSet<Value> guards = findGuards();
  auto isForGuard = [&](const Target &target) { return guards.contains(target.value); };
  for (unsigned i = 0; i < targets.size(); ++i)
    if (isForGuard(targets[i]))
      place(i, 0);
  plan.numBeforeGuards = plan.kernels.size();
  // A value that is wanted outside goes to its buffer at once only where the guards are known.
  auto isWritten = [](const Target &target) { return target.output >= 0 && arrayOf(target.value).getRank() > 0; };
  for (unsigned i = 0; i < targets.size(); ++i)
    if (!isForGuard(targets[i]) && !isLast(targets[i]))
      place(i, isWritten(targets[i]) ? plan.numBeforeGuards : 0);
  for (unsigned i = 0; i < targets.size(); ++i)
    if (!isForGuard(targets[i]) && isLast(targets[i]))
      place(i, std::max(plan.numBeforeGuards, getFirstForCommit(targets[i])));
}

//===----------------------------------------------------------------------===//
// What is worth storing
//===----------------------------------------------------------------------===//

/// Whether the flops of computing `value` from what is stored, over flopsPerByte, plus the bytes of reading it, for each element, exceed
/// `limit`. The walk ends where they do, so that a long chain of operations is not walked for each of its links.
bool Grouper::costsMoreThan(Value value, int64_t limit) const {
  int64_t cost = 0;
  llvm::DenseSet<Value> seen{value};
  SmallVector<Value> pending{value};
  while (!pending.empty() && cost <= limit) {
    Value at = pending.pop_back_val();
    bool isFull = arrayOf(at).getRank() >= arrayOf(value).getRank() && arrayOf(at).getRank() > 0;
    if (!isPulled(at) || (at != value && isStored(at))) {
      cost += isFull ? getElementBytes(arrayOf(at)) * flopsPerByte : 0;
      continue;
    }
    if (isFull)
      cost += getFlopWeight(at.getDefiningOp());
    for (Value operand : at.getDefiningOp()->getOperands())
      if (seen.insert(operand).second)
        pending.push_back(operand);
  }
  return cost > limit;
}

/// Finds a value that is dearer to compute again than to store and load; the one nearest to its readers first.
bool Grouper::storeOneMore() {
  DenseMap<Operation *, unsigned> copies;
  for (const PlannedKernel &kernel : plan.kernels)
    for (Operation *op : kernel.body)
      ++copies[op];
  for (Operation *op : llvm::reverse(needed)) {
    if (getPlace(op) != Place::Pull || isStored(op->getResult(0)) || getFlopWeight(op) == 0)
      continue;
    Value value = op->getResult(0);
    int64_t rank = arrayOf(value).getRank();
    // A mask is small, but what is chosen by it is the better value to store.
    int64_t storing = 2 * std::max<int64_t>(getElementBytes(arrayOf(value)), 4) * flopsPerByte;
    if (copies.lookup(op) > 1 && rank > 0 && costsMoreThan(value, storing)) {
      extra.insert({value, "computing it twice costs more than storing it"});
      return true;
    }
    // Repeated along an axis: one division, root or transcendental a row instead of one an element.
    bool isRepeated = rank > 0 && llvm::any_of(value.getUsers(), [&](Operation *user) {
                        return isa<BroadcastOp>(user) && copies.contains(user) &&
                               arrayOf(user->getResult(0)).getRank() > rank;
                      });
    if (isRepeated && getFlopWeight(op) >= 4) {
      extra.insert({value, "computing it once a row is cheaper than once an element"});
      return true;
    }
  }
  return false;
}

void Grouper::noteRecomputed() {
  llvm::MapVector<Operation *, unsigned> copies;
  for (const PlannedKernel &kernel : plan.kernels)
    for (Operation *op : kernel.body)
      if (getFlopWeight(op) > 0)
        ++copies[op];
  for (auto [op, count] : copies)
    if (count > 1)
      plan.recomputed.push_back({op, count});
}

PhasePlan planPhase(const Placement &placement, FuncOp func, ArrayRef<PhaseOutput> outputs, bool noFuse) {
  return Grouper(placement, func, outputs, noFuse).run();
}

} // namespace gradus
