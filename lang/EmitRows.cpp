//===- EmitRows.cpp - Conditions that differ from row to row --------------------===//
//
// A function that is mapped, y[i] = root(a[i]), runs for all values of its indices at once. A loop in it goes on until it has ended for each of
// them: what it carries stays as it is where it has ended. Of a `when` both blocks are evaluated, and each row takes its own. What is not
// chosen contributes nothing and fails by no index.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::SmallVector;
using mlir::Value;

/// A place, or 0 where a condition around leaves it out: what is not chosen cannot fail. Of a condition that depends on further indices it
/// counts whether it holds for any of them; one on which the place does not depend is no matter of it.
Array Elaborator::whereChosen(const Array &place, Location at) {
  Array safe = place;
  for (const Chosen &each : chosen) {
    Array c = each.condition.isPoison() ? Array() : sliceLane(each.condition);
    if (c.lanes.size() != 1 || ownRank(c) != 0)
      continue;
    SmallVector<int64_t> further;
    for (auto [position, index] : llvm::enumerate(c.axes))
      if (!llvm::is_contained(place.axes, index))
        further.push_back(position);
    if (!c.axes.empty() && further.size() == c.axes.size())
      continue;
    if (each.isNegated)
      c = elementwise({c}, Kind::Bool, at, [&](llvm::ArrayRef<Value> v) { return builder.createOrFold<NotOp>(this->place(at), v[0]); });
    safe = select(further.empty() ? c : reduce(ReductionKind::Any, c, further, at), safe, integer(0, at), at);
  }
  return safe;
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// One number, or one for each value of indices.
Array Elaborator::evalForEach(const ast::Expr &expr, Scope &scope, llvm::StringRef what) {
  Array x = evalArray(expr, scope);
  if (x.isPoison() || ownRank(x) == 0)
    return x;
  error(Code::NotAScalar, expr.loc, what.str() + " must be one number, but it has the shape " + describe(ownShape(x)));
  return {};
}

/// How often each row runs; the loop runs as often as the longest. At most 2^63 - 1, so that no difference overflows.
Elaborator::Passes Elaborator::passesOfRows(const Array &first, const Array &end, Location at) {
  Array count = sub(binary<MaxOp>(end, first, at), first, at);
  count = select(compare(ComparePredicate::Lt, count, integer(0, at), at), integer(std::numeric_limits<int64_t>::max(), at), count, at);
  SmallVector<int64_t> all = llvm::to_vector(llvm::seq<int64_t>(0, count.axes.size()));
  return {reduce(ReductionKind::Max, count, all, at).lanes.front(), first, count};
}

Array Elaborator::anyRow(const Array &mask, Location at) {
  return reduce(ReductionKind::Any, mask, llvm::to_vector(llvm::seq<int64_t>(0, mask.axes.size())), at);
}

/// The rows that run in pass number `pass`: those that ran until now, have passes left, and of which the condition holds. Poison after an
/// error, and where the condition depends on further indices than was known: these are noted.
Array Elaborator::rowsAtWork(const ast::LoopStmt &stmt, const Passes &passes, const Array &pass, const Array &alive, Primes &mine, Scope &inner) {
  Array mask = alive;
  if (!passes.rows.isPoison()) {
    Array isLeft = compare(ComparePredicate::Lt, pass, passes.rows, stmt.loc);
    mask = mask.isPoison() ? isLeft : logical(true, mask, isLeft, stmt.loc);
  }
  if (mine.rows.empty())
    return mask;
  OnlyWhere here(*this, &mask);
  Array c = sliceLane(evalCondition(*stmt.condition, inner, /*mayDiffer=*/true));
  if (c.isPoison())
    return {};
  mask = logical(true, mask, c, stmt.condition->loc);
  if (mask.axes == mine.rows)
    return mask;
  mine.rows = mask.axes;
  return {};
}

/// What a loop carries stays where it has ended.
bool Elaborator::keepStopped(llvm::ArrayRef<std::string> names, const Array &mask, Scope &inner, Location at) {
  for (const std::string &name : names) {
    const Binding *next = inner.findLocal(name + "'"), *present = findPresent(name, inner);
    if (!next)
      continue;
    if (!present || !next->entity.isArray() || next->entity.isPoison())
      return false;
    Array chosen = select(mask, next->entity.array(), sliceLane(present->entity.array()), at);
    Array fitted = nextCarried({name, at}, chosen, inner, at);
    if (fitted.isPoison())
      return false;
    inner.set(name + "'", fitted, next->loc);
  }
  return true;
}

//===----------------------------------------------------------------------===//
// when
//===----------------------------------------------------------------------===//

std::optional<SmallVector<Array>> Elaborator::whenByRow(const ast::WhenStmt &stmt, const Array &c, llvm::ArrayRef<std::string> names, Scope &scope) {
  auto run = [&](const ast::Block *block, bool isElse) {
    Scope *inner = arena.scope(&scope);
    OnlyWhere here(*this, &c, isElse);
    if (block)
      runInside(*block, *inner);
    return inner;
  };
  Scope *taken = run(&stmt.block, false), *otherwise = run(stmt.otherwise ? &*stmt.otherwise : nullptr, true);
  SmallVector<Array> results;
  for (const std::string &name : names) {
    const Binding *a = findSoFar(name, *taken), *b = findSoFar(name, *otherwise);
    if (!a->entity.isArray() || a->entity.isPoison() || !b->entity.isArray() || b->entity.isPoison())
      return std::nullopt;
    Array x = select(c, sliceLane(a->entity.array()), sliceLane(b->entity.array()), stmt.loc);
    results.push_back(nextCarried({name, stmt.loc}, x, scope, stmt.loc));
    if (results.back().isPoison())
      return std::nullopt;
  }
  return results;
}
