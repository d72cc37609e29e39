//===- EmitWorkers.cpp - What workers tell each other ---------------------------===//
//
// mean[workers](x), sum, prod, max, min, any and all over workers, or over the neighbours of each, exchange(x, j). Every worker waits for the
// others there, so all of them have to come by: not under a condition that may differ between workers, and in no loop.
// compressed(x, by = c) says what the others get of x.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;
using llvm::SmallVector;
using mlir::Operation;
using mlir::Value;

/// The bare word `workers` or `neighbours` in the slot, where it is no name of the spec; else empty.
static llvm::StringRef wordOfWorkers(const CallSite &site) {
  if (site.slots.size() != 1 || site.slots[0].kind != ast::SubKind::Value)
    return "";
  auto *name = dyn_cast<ast::Name>(site.slots[0].value.get());
  bool isWord = name && !name->primed && (name->name == "workers" || name->name == "neighbours") && !site.scope->findLocal(name->name);
  return isWord ? llvm::StringRef(name->name) : "";
}

bool Elaborator::isOverWorkers(const CallSite &site) { return !wordOfWorkers(site).empty(); }

/// What is another number on another worker, or may be: what stands at the end of a chain of operations and is no constant, hyper-parameter,
/// step, or value that all workers have reduced. Null if there is none. Draws have the seed of the call, sizes are those of its data.
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
    auto reduced = dyn_cast<WorkersOp>(op);
    if (reduced && !reduced.getNeighbours())
      continue;
    if (reduced || llvm::isa<DimOp, DrawOp, ExchangeOp, OracleOp>(op))
      return next;
    op->walk([&](Operation *inner) { llvm::append_range(pending, inner->getOperands()); });
  }
  return {};
}

/// Whether all workers come by the place at hand; else an error.
bool Elaborator::mayCut(const CallSite &site) {
  llvm::StringRef slot = wordOfWorkers(site);
  std::string word = site.builtin->name.str() + (slot.empty() ? "" : "[" + slot.str() + "]");
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

/// Element by element over all workers, when the result is the same on each of them, or over the neighbours of each, itself among them.
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
  const bool isOfNeighbours = wordOfWorkers(site) == "neighbours";
  Array y = perLane({x}, x.axes, [&](llvm::ArrayRef<Value> v) -> Value {
    return WorkersOp::create(builder, place(site.at), v[0].getType(), kind, isMean, isOfNeighbours, v[0]);
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

/// compressed(x, by = topk(3)) is topk(x, 3): of the shape of x, so that it can be added up.
Entity Elaborator::callCompressed(const CallSite &site) {
  const std::vector<ast::Argument> &arguments = site.call->arguments;
  const bool isForm = arguments.size() == 2 && !arguments[0].name && arguments[1].name && arguments[1].name->name == "by" && site.slots.empty();
  if (!isForm) {
    error(Code::CompressedForm, site.at, "'compressed' takes a message and what compresses it").suggest("compressed(x, by = topk(10)), with import \"std/compressors/topk.grad\"");
    return {};
  }
  const ast::Expr &by = *arguments[1].value;
  auto *call = dyn_cast<ast::Call>(&by);
  Array x = evalArray(*arguments[0].value, *site.scope);
  Entity compressor = eval(call ? *call->callee : by, *site.scope);
  if (x.isPoison() || compressor.isPoison())
    return {};
  if (!compressor.get<Closure>() && !compressor.get<Builtin>()) {
    error(Code::CompressedForm, by.loc, "behind 'by' stands a function that compresses, but this is " + compressor.what().str())
        .suggest("a function of the message and its own arguments: fn topk(x, k: int) = .., then by = topk(10)");
    return {};
  }
  // The same call with the message as its first argument.
  Scope *inner = arena.scope(site.scope);
  ast::Call made(by.loc);
  auto pass = [&](std::string name, Entity entity, Location at, std::optional<ast::Ident> keyword) {
    inner->set(name, std::move(entity), at);
    auto named = std::make_unique<ast::Name>(at);
    named->name = std::move(name);
    ast::Argument &argument = made.arguments.emplace_back();
    argument.loc = at;
    argument.name = std::move(keyword);
    argument.value = std::move(named);
  };
  pass("the message", toKind(x, Kind::Float, site.at), arguments[0].loc, std::nullopt);
  for (Actual &actual : evalArguments(call ? llvm::ArrayRef<ast::Argument>(call->arguments) : llvm::ArrayRef<ast::Argument>(), *site.scope))
    pass("argument " + std::to_string(made.arguments.size()), actual.entity, actual.loc, actual.name);
  auto callee = std::make_unique<ast::Name>(by.loc);
  callee->name = "the compressor";
  inner->set(callee->name, compressor, by.loc);
  made.callee = std::move(callee);
  Array sent = asArray(evalCall(made, *inner), by.loc);
  if (sent.isPoison())
    return {};
  for (size_t k = 0; k < x.lanes.size(); ++k)
    if (sent.lanes.size() != x.lanes.size() || ownShape(sent, k) != ownShape(x, k)) {
      error(Code::CompressedForm, by.loc, "a compressed message has the shape of the message, " + describe(ownShape(x, k)) + ", but this has the shape " + describe(ownShape(sent, sent.lanes.size() == 1 ? 0 : k)));
      return {};
    }
  return toKind(sent, Kind::Float, by.loc);
}
