//===- EmitWorkers.cpp - What workers tell each other ---------------------------===//
//
// mean[workers](x), sum, prod, max, min, any and all over workers, exchange(x, j). Every worker waits for the others there, so all of them have to
// come by: not under a condition that may differ between workers, and in no loop.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;
using llvm::SmallVector;
using mlir::Operation;
using mlir::Value;

/// The slot is the bare word `workers`, which is no name of the spec.
bool Elaborator::isOverWorkers(const CallSite &site) {
  if (site.slots.size() != 1 || site.slots[0].kind != ast::SubKind::Value)
    return false;
  auto *name = dyn_cast<ast::Name>(site.slots[0].value.get());
  return name && !name->primed && name->name == "workers" && !site.scope->find(name->name);
}

/// What is another number on another worker, or may be: what stands at the end of a chain of operations and is no constant, hyper-parameter,
/// step, or value that the workers have reduced. Null if there is none. Draws have the seed of the call, sizes are those of its data.
static Value findWhatDiffers(Value value, const llvm::DenseSet<Value> &ofEveryWorker) {
  SmallVector<Value> pending{value};
  llvm::DenseSet<Value> seen;
  while (!pending.empty()) {
    Value next = pending.pop_back_val();
    if (ofEveryWorker.contains(next) || !seen.insert(next).second)
      continue;
    Operation *op = next.getDefiningOp();
    if (!op) {
      auto argument = llvm::cast<mlir::BlockArgument>(next);
      Operation *around = argument.getOwner()->getParentOp();
      if (around->hasAttr("run") && argument.getArgNumber() == 0)
        continue; // how many steps the run of a test has made
      return next;
    }
    if (llvm::isa<WorkersOp>(op))
      continue;
    if (llvm::isa<DimOp, DrawOp, ExchangeOp, OracleOp>(op))
      return next;
    op->walk([&](Operation *inner) { llvm::append_range(pending, inner->getOperands()); });
  }
  return {};
}

/// Whether all workers come by the place at hand; else an error.
bool Elaborator::mayCut(const CallSite &site) {
  std::string word = site.builtin->name.str() + (isOverWorkers(site) ? "[workers]" : "");
  for (Operation *around = builder.getInsertionBlock()->getParentOp(); around && !llvm::isa<FuncOp>(around); around = around->getParentOp()) {
    if (around->hasAttr("run"))
      continue;
    if (llvm::isa<LoopOp>(around)) {
      error(Code::WorkersDiffer, site.at, "'" + word + "' waits for the other workers, and cannot stand in a loop").suggest("reduce what the loop gives, below it");
      return false;
    }
    auto differs = [&](Value value) { return static_cast<bool>(findWhatDiffers(value, ofEveryWorker)); };
    auto every = dyn_cast<EveryOp>(around);
    auto choice = dyn_cast<IfOp>(around);
    bool mayDiffer = every ? differs(every.getPeriod()) || differs(every.getTime()) : choice && differs(choice.getCondition());
    if (!mayDiffer)
      continue;
    error(Code::WorkersDiffer, site.at, "'" + word + "' waits for the other workers, but the condition around it may differ from worker to worker")
        .suggest("decide by 't', hyper-parameters, numbers, or what is reduced over workers: when max[workers](c) > 0 { .. }");
    return false;
  }
  return true;
}

/// Element by element over all workers; the result is the same on each of them.
Entity Elaborator::reduceWorkers(const CallSite &site, ReductionKind kind, bool isMean) {
  if (!expectArguments(site, 1, 1))
    return {};
  Array x = evalArray(*site.call->arguments[0].value, *site.scope);
  if (x.isPoison() || !mayCut(site))
    return {};
  bool isLogical = kind == ReductionKind::Any || kind == ReductionKind::All;
  if (isLogical && kindOf(x) != Kind::Bool) {
    error(Code::NotABool, site.at, "'" + site.builtin->name.str() + "' reduces conditions, but this is a number").suggest("compare it: 'x != 0'");
    return {};
  }
  if (isLogical) // one says yes: the largest of 0 and 1
    kind = kind == ReductionKind::Any ? ReductionKind::Max : ReductionKind::Min;
  x = toKind(x, isMean ? Kind::Float : std::max(kindOf(x), Kind::Int), site.at);
  Array y = perLane({x}, x.axes, [&](llvm::ArrayRef<Value> v) -> Value {
    return WorkersOp::create(builder, place(site.at), v[0].getType(), kind, isMean, v[0]);
  });
  return isLogical ? compare(ComparePredicate::Ne, y, integer(0, site.at), site.at) : y;
}

/// exchange(x, j): what worker j gives for x.
Entity Elaborator::callExchange(const CallSite &site) {
  if (!expectArguments(site, 2, 2))
    return {};
  if (!site.slots.empty()) {
    error(Code::UnknownSlot, site.slots[0].loc, "'exchange' takes no subscript").suggest("exchange(x, j) with the number j of a worker");
    return {};
  }
  Array x = evalArray(*site.call->arguments[0].value, *site.scope);
  Array peer = evalScalar(*site.call->arguments[1].value, *site.scope, "the number of a worker");
  if (x.isPoison() || peer.isPoison() || !mayCut(site))
    return {};
  if (kindOf(peer) != Kind::Int) {
    error(Code::KindMismatch, site.call->arguments[1].loc, "the number of a worker is an integer, but this is a real number").suggest("declare it as 'int'");
    return {};
  }
  if (peer.lanes.size() > 1)
    x.isEach = true;
  x = toKind(x, Kind::Float, site.at);
  return perLane({x, peer}, x.axes, [&](llvm::ArrayRef<Value> v) -> Value { return ExchangeOp::create(builder, place(site.at), v[0].getType(), v[0], v[1]); });
}
