//===- EmitLookup.cpp - Tables ----------------------------------------------===//
//
// a, b = lookup(table, (p, q), else = (c, d)): the last columns of the first row whose leading columns equal the keys; where there is none,
// what 'else' says.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;
using llvm::SmallVector;
using mlir::IntegerAttr;

/// The expressions of a tuple, or the one that is none.
static SmallVector<const ast::Expr *> membersOf(const ast::Expr &expr) {
  SmallVector<const ast::Expr *> members;
  if (auto *several = dyn_cast<ast::Tuple>(&expr))
    for (const ast::ExprPtr &member : several->elements)
      members.push_back(member.get());
  else
    members.push_back(&expr);
  return members;
}

Entity Elaborator::callLookup(const CallSite &site) {
  const ast::Expr *table = nullptr, *keys = nullptr, *otherwise = nullptr;
  for (const ast::Argument &argument : site.call->arguments) {
    const ast::Expr *&wanted = argument.isElse ? otherwise : !table ? table : keys;
    if (argument.name || wanted) {
      error(argument.name ? Code::UnknownArgument : Code::TooManyArguments, argument.loc, "'lookup' takes a table, its keys, and 'else ='")
          .suggest("lookup(table, (p, q), else = (a, b))");
      return {};
    }
    wanted = argument.value.get();
  }
  if (!table || !keys || !otherwise) {
    error(Code::MissingArgument, site.at, std::string("'lookup' needs ") + (!table ? "a table" : !keys ? "the keys to look for" : "what to give where no row fits"))
        .suggest("lookup(table, (p, q), else = (a, b))");
    return {};
  }
  if (!site.slots.empty()) {
    error(Code::UnknownSlot, site.slots[0].loc, "'lookup' takes no subscript");
    return {};
  }
  SmallVector<const ast::Expr *> wanted = membersOf(*keys), defaults = membersOf(*otherwise);
  SmallVector<Array> found = eachLane(defaults.size(), [&]() -> SmallVector<Array> {
    SmallVector<Array> results(defaults.size()), keyValues, elseValues;
    Array rows = evalArray(*table, *site.scope);
    auto read = [&](llvm::ArrayRef<const ast::Expr *> list, SmallVector<Array> &values) {
      for (const ast::Expr *expr : list) {
        values.push_back(evalArray(*expr, *site.scope));
        if (values.back().isPoison())
          return false;
        if (ownRank(values.back()) == 0)
          continue;
        error(Code::NotAScalar, expr->loc, "keys and results of 'lookup' are numbers, but this has the shape " + describe(ownShape(values.back()))).suggest("look up each element: a[i] = lookup(table, x[i], else = 0)");
        return false;
      }
      return true;
    };
    if (rows.isPoison() || !read(wanted, keyValues) || !read(defaults, elseValues))
      return results;
    auto sizeAt = [&](size_t axis) { return dyn_cast<IntegerAttr>(ownShape(rows)[axis]); };
    if (!rows.axes.empty() || ownRank(rows) != 2 || !sizeAt(0) || !sizeAt(1) || sizeAt(0).getInt() < 1) {
      error(Code::LookupTable, table->loc, "a table has rows and columns whose numbers are known when the spec is compiled, but this has the shape " + describe(ownShape(rows)))
          .suggest("const table: [2, 3] = [[1, 2, 0.5], [3, 4, 0.7]]");
      return results;
    }
    int64_t columns = sizeAt(1).getInt(), count = wanted.size() + defaults.size();
    if (columns != count) {
      error(Code::LookupTable, site.at, "the table has " + counted(columns, "column") + ", but here are " + counted(wanted.size(), "key") + " and " + counted(defaults.size(), "result"))
          .suggest("the leading columns hold the keys, the others the results");
      return results;
    }
    return lookUpRow(rows, keyValues, elseValues, site.at);
  });
  if (found.size() == 1)
    return found.front();
  std::vector<Entity> entities(found.begin(), found.end());
  return tuple(std::move(entities));
}

/// The results of the first row that fits, by a search over all of them.
SmallVector<Array> Elaborator::lookUpRow(const Array &rows, llvm::ArrayRef<Array> keys, llvm::ArrayRef<Array> otherwise, Location at) {
  auto slotsOf = [&](size_t column) {
    std::vector<Slot> slots(2);
    slots[0].size = ownShape(rows)[0];
    slots[0].isWhole = slots[0].isInside = slots[1].isInside = true;
    slots[1].value = integer(column, at);
    return slots;
  };
  Array fits;
  for (auto [column, key] : llvm::enumerate(keys)) {
    Array same = compare(ComparePredicate::Eq, gatherSlots(rows, slotsOf(column), {}, at), key, at);
    fits = column == 0 ? same : logical(true, fits, same, at);
  }
  if (fits.isPoison())
    return SmallVector<Array>(otherwise.size());
  Array isFound = reduce(ReductionKind::Any, fits, {static_cast<int64_t>(fits.axes.size())}, at);
  Array first = perLane({toKind(fits, Kind::Int, at)}, fits.axes, [&](llvm::ArrayRef<mlir::Value> v) -> mlir::Value {
    int64_t axis = fits.axes.size();
    ArrayType type = typeOf(v[0]).dropAxes({axis}).withElement(builder.getI64Type());
    return ArgReduceOp::create(builder, place(at), type, ReductionKind::Max, v[0], static_cast<uint64_t>(axis));
  });
  SmallVector<Array> results;
  for (auto [position, value] : llvm::enumerate(otherwise)) {
    std::vector<Slot> slots = slotsOf(keys.size() + position);
    slots[0].value = first;
    results.push_back(select(isFound, gatherSlots(rows, slots, first.axes, at), value, at));
  }
  return results;
}
