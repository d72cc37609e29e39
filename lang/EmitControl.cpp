//===- EmitControl.cpp - when, every ------------------------------------------===//
//
// Each becomes an op with regions. Its results are the names that it primes: next values of a rule's params and states, or of what a
// loop carries; they have the types of the present ones. In a rule of several tensors each tensor has an op of its own, unless the rule asks
// an objective: then one op carries all tensors, where what decides is one for all of them.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FormatVariadic.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::cast;
using llvm::dyn_cast;
using llvm::SmallVector;
using mlir::Value;

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

/// The names that a block primes, on any path, with their first place. Loops in it prime names of their own.
static void collectPrimed(const ast::Block &block, llvm::MapVector<llvm::StringRef, Location> &names) {
  for (const ast::StmtPtr &stmt : block.statements) {
    if (auto *assign = dyn_cast<ast::AssignStmt>(stmt.get()))
      for (const ast::Target &target : assign->targets)
        if (target.name.primed)
          names.insert({target.name.name, target.loc});
    if (auto *every = dyn_cast<ast::EveryStmt>(stmt.get()))
      collectPrimed(every->block, names);
    if (auto *when = dyn_cast<ast::WhenStmt>(stmt.get())) {
      collectPrimed(when->block, names);
      if (when->otherwise)
        collectPrimed(*when->otherwise, names);
    }
  }
}

void Elaborator::runInside(const ast::Block &block, Scope &inner) {
  ++numConditions;
  ++numBlocks;
  for (const ast::StmtPtr &stmt : block.statements) {
    auto *assign = dyn_cast<ast::AssignStmt>(stmt.get());
    if (assign && primes && writesNextPart(*assign, inner))
      writeNextPart(*assign, inner);
    else if (assign && primes && llvm::any_of(assign->targets, [](const ast::Target &target) { return target.name.primed; }))
      primes->run ? runRuleAssign(*assign, *primes->run, inner) : runCarriedAssign(*assign, inner);
    else if (auto *claim = dyn_cast<ast::ExpectStmt>(stmt.get()); claim && frames.empty() && mayClaim())
      runExpect(*claim, inner);
    else if (auto *emitted = dyn_cast<ast::EmitStmt>(stmt.get()); emitted && primes && primes->around)
      runEmit(*emitted, *primes->around, inner);
    else if (!runCommon(*stmt, inner))
      notHere(*stmt, "a block of 'when', 'every' or 'loop'", stmt->kind == ast::StmtKind::Return ? "end the function with it, below the block" : "");
  }
  --numBlocks;
  --numConditions;
}

/// The present value of what may be primed here; null after an error.
const Binding *Elaborator::findPresent(llvm::StringRef name, Scope &scope) {
  const Binding *binding = scope.findLocal(name);
  return binding && binding->entity.isArray() && !binding->entity.isPoison() ? binding : nullptr;
}

/// The next value in so far as it is written; else the present one.
const Binding *Elaborator::findSoFar(llvm::StringRef name, Scope &scope) {
  const Binding *next = scope.findLocal((name + "'").str());
  return next ? next : scope.findLocal(name);
}

/// What a block leaves in its scope for each of `names`: the next value, or the present one where its path has none.
std::optional<SmallVector<Value>> Elaborator::readNext(llvm::ArrayRef<std::string> names, Scope &inner) {
  SmallVector<Value> values;
  for (const std::string &name : names) {
    const Binding *next = findSoFar(name, inner);
    if (!next->entity.isArray() || next->entity.isPoison())
      return std::nullopt;
    llvm::append_range(values, sliceLane(next->entity.array()).lanes);
  }
  return values;
}

/// Whether a block runs for all tensors at once: it may ask the objective of its rule, and what decides is one for the collection.
bool Elaborator::runsTogether(llvm::ArrayRef<const ast::Expr *> deciding, Scope &scope) {
  if (laneCount <= 1 || activeLane || !currentRun || currentRun->call->rule->oracles.empty())
    return false;
  return llvm::all_of(deciding, [&](const ast::Expr *expr) {
    Array x = evalArray(*expr, scope);
    return x.lanes.size() <= 1;
  });
}

/// Elaborates a statement with the primes of `names` once for all tensors together, or once for each of them.
void Elaborator::bindNext(llvm::ArrayRef<std::string> names, Scope &scope, Location at, bool isTogether, llvm::function_ref<std::optional<SmallVector<Array>>()> emit) {
  if (isTogether) {
    std::optional<SmallVector<Array>> together = emit();
    for (auto [i, name] : llvm::enumerate(names))
      scope.set(name, together ? Entity((*together)[i]) : Entity(), at);
    return;
  }
  std::vector<Array> all(names.size());
  bool isSound = true;
  size_t lanes = activeLane ? 1 : std::max<size_t>(laneCount, 1), numReports = reportsHere() ? reportsHere()->size() : 0;
  auto isShared = [&](llvm::StringRef name) { // what is one for the collection is made once
    const Binding *present = name.consume_back("'") && primes && primes->run ? scope.findLocal(name) : nullptr;
    return present && present->entity.isArray() && !present->entity.array().isEach;
  };
  for (size_t k = 0; k < lanes; ++k) {
    if (lanes > 1)
      activeLane = k;
    bool wasOne = std::exchange(isOneOfMany, isOneOfMany || lanes > 1);
    Reports ofTensor;
    std::optional<SmallVector<Array>> one;
    {
      llvm::SaveAndRestore reports(blockReports, lanes > 1 ? &ofTensor : blockReports);
      one = emit();
    }
    isOneOfMany = wasOne;
    if (lanes > 1) {
      activeLane.reset();
      joinTensor(numReports, ofTensor);
    }
    isSound &= one.has_value();
    for (size_t i = 0; one && i < names.size(); ++i) {
      if (k > 0 && isShared(names[i]))
        continue;
      SmallVector<Value, 1> before = std::move(all[i].lanes);
      before.push_back((*one)[i].lanes.front());
      all[i] = (*one)[i];
      all[i].isEach |= lanes > 1 && !isShared(names[i]);
      all[i].lanes = std::move(before);
    }
  }
  for (auto [name, value] : llvm::zip_equal(names, all))
    scope.set(name, isSound ? Entity(value) : Entity(), at);
}

/// Runs the code for one region: what is elaborated meanwhile stands in `region`, which yields what `emit` returns.
bool Elaborator::fillRegion(mlir::Region &region, Location at, llvm::function_ref<std::optional<SmallVector<Value>>()> emit) {
  mlir::OpBuilder::InsertionGuard guard(builder);
  if (region.empty())
    region.emplaceBlock();
  builder.setInsertionPointToStart(&region.front());
  ++numRegions;
  std::optional<SmallVector<Value>> values = emit();
  --numRegions;
  if (values)
    YieldOp::create(builder, place(at), *values);
  return values.has_value();
}

/// The names that `blocks` prime and that have a present value. `lost` are those whose present value is poison: so is the next one.
std::vector<std::string> Elaborator::findPrimed(llvm::ArrayRef<const ast::Block *> blocks, Scope &scope, std::vector<std::string> &lost) {
  llvm::MapVector<llvm::StringRef, Location> primed;
  for (const ast::Block *block : blocks)
    collectPrimed(*block, primed);
  std::vector<std::string> names;
  for (const auto &[name, at] : primed)
    if (primes && scope.findLocal(name) && !(primes->isCommitted && scope.findLocal((name + "'").str())))
      (findPresent(name, scope) ? names : lost).push_back(name.str());
  for (const ast::Block *block : blocks)
    for (const std::string &name : primedByCalls(*block, scope))
      if (!llvm::is_contained(names, name) && findPresent(name, scope))
        names.push_back(name);
  return names;
}

/// One number, which decides for all of it, or one for each value of indices.
Array Elaborator::evalCondition(const ast::Expr &expr, Scope &scope, bool mayDiffer) {
  Array c = evalBool(expr, scope);
  if (c.isPoison() || isScalar(c) || (mayDiffer && ownRank(c) == 0))
    return c;
  error(Code::NotAScalar, expr.loc, "the condition must be one for all elements, but it has the shape " + describe(mayDiffer ? ownShape(c) : typeOf(c.lanes.front()).getShape()))
      .suggest("reduce it by any(..) or all(..), choose each element by where(c, a, b), or map a function that holds it: y[i] = f(x[i])");
  return {};
}

//===----------------------------------------------------------------------===//
// when
//===----------------------------------------------------------------------===//

static std::vector<std::string> withPrimes(std::vector<std::string> names) {
  for (std::string &name : names)
    name += "'";
  return names;
}

/// The results of an op as the next values of `names`.
SmallVector<Array> Elaborator::likePresent(llvm::ArrayRef<std::string> names, mlir::ValueRange values, Scope &scope) {
  SmallVector<Array> results;
  for (const std::string &name : names) {
    Array next = sliceLane(findPresent(name, scope)->entity.array());
    size_t count = next.lanes.size();
    next.lanes.assign(values.begin(), values.begin() + count);
    values = values.drop_front(count);
    results.push_back(std::move(next));
  }
  return results;
}

/// The present values of `names`, a value for each tensor.
SmallVector<Value> Elaborator::presentValues(llvm::ArrayRef<std::string> names, Scope &scope) {
  SmallVector<Value> values;
  for (const std::string &name : names)
    llvm::append_range(values, sliceLane(findPresent(name, scope)->entity.array()).lanes);
  return values;
}

/// What decides for each tensor by itself gives no next value to what is one for the collection.
bool Elaborator::mayDecide(const ast::Expr &deciding, llvm::ArrayRef<std::string> names, Scope &scope) {
  if (laneCount <= 1 || !primes)
    return true;
  // A number that a loop carries may become one of each tensor; a state of a rule, or of one that it wraps, may not.
  auto shared = llvm::find_if(names, [&](const std::string &name) {
    bool isState = primes->run || llvm::StringRef(name).contains('.');
    return isState && !findPresent(name, scope)->entity.array().isEach;
  });
  return shared == names.end() || !evalArray(deciding, scope).isEach || !perTensor(*shared + "'", deciding.loc).isPoison();
}

void Elaborator::runWhen(const ast::WhenStmt &stmt, Scope &scope) {
  SmallVector<const ast::Block *> blocks{&stmt.block};
  if (stmt.otherwise)
    blocks.push_back(&*stmt.otherwise);
  std::vector<std::string> lost, names = findPrimed(blocks, scope, lost);
  auto runBranch = [&](const ast::Block *block) {
    Scope *inner = arena.scope(&scope);
    if (block)
      runInside(*block, *inner);
    return readNext(names, *inner);
  };
  const bool reports = llvm::any_of(blocks, [&](const ast::Block *block) { return mayReport(*block, scope); });
  if (!mayDecide(*stmt.condition, names, scope)) {
    lost.insert(lost.end(), names.begin(), names.end());
    names.clear();
  }
  const ast::Block *otherwise = stmt.otherwise ? &*stmt.otherwise : nullptr;
  bindNext(withPrimes(names), scope, stmt.loc, runsTogether({stmt.condition.get()}, scope), [&]() -> std::optional<SmallVector<Array>> {
    Array c = evalCondition(*stmt.condition, scope, /*mayDiffer=*/!primes || !primes->run);
    if (c.isPoison())
      return std::nullopt;
    if (!c.axes.empty())
      return whenByRow(stmt, sliceLane(c), names, scope);
    if (std::optional<int64_t> known = constantIntOf(c); known && !reports) {
      std::optional<SmallVector<Value>> next = runBranch(*known ? &stmt.block : otherwise);
      return next ? std::optional(likePresent(names, *next, scope)) : std::nullopt;
    }
    SmallVector<Value> present = presentValues(names, scope);
    auto op = IfOp::create(builder, place(stmt.loc), mlir::TypeRange(mlir::ValueRange(present)), sliceLane(c).lanes.front());
    // One of the blocks runs, so that each of them may call a wrapped rule.
    std::vector<RuleSite *> sites = sitesHere();
    std::vector<std::vector<Location>> before, after;
    for (RuleSite *site : sites)
      before.push_back(site->usedAt);
    Reports then, other;
    bool isSound = fillRegion(op.getThen(), stmt.loc, [&] {
      llvm::SaveAndRestore mine(blockReports, &then);
      return runBranch(&stmt.block);
    });
    for (auto [site, used] : llvm::zip_equal(sites, before))
      after.push_back(std::exchange(site->usedAt, used));
    isSound &= fillRegion(op.getOtherwise(), stmt.loc, [&] {
      llvm::SaveAndRestore mine(blockReports, &other);
      return runBranch(otherwise);
    });
    for (auto [site, used] : llvm::zip_equal(sites, after))
      llvm::copy_if(used, std::back_inserter(site->usedAt), [site = site](Location at) { return !llvm::is_contained(site->usedAt, at); });
    if (isSound) {
      leaveBlock(op, then, other);
      return likePresent(names, op.getValues(), scope);
    }
    op.erase();
    return std::nullopt;
  });
  for (const std::string &name : withPrimes(lost))
    scope.set(name, Entity(), stmt.loc);
}

//===----------------------------------------------------------------------===//
// every
//===----------------------------------------------------------------------===//

void Elaborator::runEvery(const ast::EveryStmt &stmt, Scope &scope) {
  if (!primes || !primes->run)
    return notHere(stmt, primes ? "a loop" : "a function", "it belongs to the step of a rule: every 10 { m' = .. }");
  std::vector<std::string> lost, names = findPrimed({&stmt.block}, scope, lost);
  if (!mayDecide(*stmt.period, names, scope)) {
    lost.insert(lost.end(), names.begin(), names.end());
    names.clear();
  }
  bindNext(withPrimes(names), scope, stmt.loc, runsTogether({stmt.period.get()}, scope), [&]() -> std::optional<SmallVector<Array>> {
    Array period = evalScalar(*stmt.period, scope, "a period");
    Array time = sliceLane(primes->run->time);
    if (period.isPoison() || time.isPoison())
      return std::nullopt;
    if (kindOf(period) != Kind::Int) {
      error(Code::KindMismatch, stmt.period->loc, "a period counts steps: it is an integer").suggest("declare it as 'int'");
      return std::nullopt;
    }
    if (std::optional<double> known = constantBehind(period); known && *known < 1) {
      error(Code::HyperOutOfInterval, stmt.period->loc, "the period is " + llvm::formatv("{0:f0}", *known).str() + ", expected 1 or more");
      return std::nullopt;
    }
    std::optional<SmallVector<Value>> kept = readNext(names, scope);
    if (!kept)
      return std::nullopt;
    auto op = EveryOp::create(builder, place(stmt.loc), mlir::TypeRange(mlir::ValueRange(*kept)), sliceLane(period).lanes.front(), time.lanes.front(), *kept);
    Reports reports;
    bool isSound = fillRegion(op.getBody(), stmt.loc, [&] {
      llvm::SaveAndRestore mine(blockReports, &reports);
      Scope *inner = arena.scope(&scope);
      runInside(stmt.block, *inner);
      return readNext(names, *inner);
    });
    if (isSound) {
      leaveBlock(op, reports);
      return likePresent(names, op.getNext(), scope);
    }
    op.erase();
    return std::nullopt;
  });
  for (const std::string &name : withPrimes(lost))
    scope.set(name, Entity(), stmt.loc);
}
