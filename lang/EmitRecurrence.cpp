//===- EmitRecurrence.cpp - Definitions that read themselves ----------------===//
//
// A[k] = delta[k] + c[k] * A[k + 1], A[T] = 0. The right side is read as any other, with a stand-in for A[k + 1]; what was computed from
// the stand-in becomes the region of a gradus.scan, which must do its work element by element, and all else its operands. The
// direction is the sign of the shift.
//
// One that reaches over p steps, A[k] = f(k, A[k - 1], .., A[k - p]), is the recurrence of p values that carries the last p elements:
//
//   (u[0], u[1], .., u[p - 1]) -> (f(k, u[0], .., u[p - 1]), u[0], .., u[p - 2]),   at first u[j] = A[-1 - j],
//
// of which the first one is kept. So its derivative is that of any other.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"
#include "lang/Walk.h"

#include "mlir/IR/IRMapping.h"

#include <map>

using namespace gradus;
using namespace gradus::lang;
using llvm::cast;
using llvm::dyn_cast;
using llvm::SmallVector;
using mlir::Attribute;
using mlir::Operation;
using mlir::Value;

/// Whether an expression of the statement reads `name`.
static bool reads(const ast::Expr &expr, llvm::StringRef name) {
  bool found = false;
  forEachExpr(expr, [&](const ast::Expr &inner) {
    auto *known = dyn_cast<ast::Name>(&inner);
    found |= known && !known->primed && known->name == name;
  });
  return found;
}

bool Elaborator::readsItself(const ast::AssignStmt &stmt, Scope &scope) const {
  const ast::Target &target = stmt.targets.front();
  return stmt.targets.size() == 1 && !target.subscripts.empty() && !target.name.primed && !scope.find(target.name.name) &&
         reads(*stmt.value, target.name.name);
}

void Elaborator::runRecurrence(const ast::AssignStmt &stmt, Scope &scope) {
  const ast::Target &target = stmt.targets.front();
  Array x;
  if (stmt.targets.size() > 1 || stmt.isAdd || target.name.primed)
    error(Code::RecurrenceForm, stmt.loc, "a recurrence defines one new name").suggest("A[k] = d[k] + c[k] * A[k + 1], A[n] = 0");
  else if (!scope.findLocal(target.name.name)) // else it is defined twice
    x = eachLane([&] { return recurOne(stmt, scope); });
  for (const ast::Target &each : stmt.targets)
    if (!each.name.primed)
      bindName(each.name, x, scope);
}

//===----------------------------------------------------------------------===//
// Reading the statement
//===----------------------------------------------------------------------===//

/// How far a subscript is from the index `name`: 0 for k, 1 for k + 1; nothing for any other.
static std::optional<int64_t> readShift(const ast::Subscript &sub, llvm::StringRef name) {
  auto isIndex = [&](const ast::Expr *expr) {
    auto *known = dyn_cast<ast::Name>(expr);
    return known && !known->primed && known->name == name;
  };
  if (sub.kind != ast::SubKind::Value)
    return std::nullopt;
  if (isIndex(sub.value.get()))
    return 0;
  auto *sum = dyn_cast<ast::Binary>(sub.value.get());
  if (!sum || (sum->op != ast::BinaryOp::Add && sum->op != ast::BinaryOp::Sub))
    return std::nullopt;
  auto *right = dyn_cast<ast::Number>(sum->rhs.get()), *left = dyn_cast<ast::Number>(sum->lhs.get());
  if (right && right->isInteger && isIndex(sum->lhs.get()))
    return sum->op == ast::BinaryOp::Add ? right->integer : -right->integer;
  if (left && left->isInteger && sum->op == ast::BinaryOp::Add && isIndex(sum->rhs.get()))
    return left->integer;
  return std::nullopt;
}

/// Where the definition reads itself, along which axis, and how far it reaches.
bool Elaborator::findSelfReads(const ast::AssignStmt &stmt, Recurrence &recurrence) {
  const ast::Target &target = stmt.targets.front();
  const std::string &name = target.name.name;
  llvm::SmallPtrSet<const ast::Expr *, 4> bases;
  bool isRight = true;
  auto fail = [&](const ast::Expr &at) {
    if (isRight)
      error(Code::RecurrenceForm, at.loc, "a recurrence reads itself some steps away in one direction and at the same place otherwise, but this is " + textOf(at.loc))
          .note(target.loc, "it is defined here")
          .suggest("one index with + or - a number, the others as on the left");
    isRight = false;
  };
  forEachExpr(*stmt.value, [&](const ast::Expr &inner) {
    if (auto *known = dyn_cast<ast::Name>(&inner); known && !known->primed && known->name == name && !bases.contains(known))
      return fail(inner);
    auto *access = dyn_cast<ast::Index>(&inner);
    auto *base = access ? dyn_cast<ast::Name>(access->base.get()) : nullptr;
    if (!base || base->primed || base->name != name)
      return;
    bases.insert(base);
    size_t shifted = 0;
    uint64_t steps = 0;
    bool isAligned = access->subscripts.size() == target.subscripts.size();
    for (size_t axis = 0; isAligned && axis < access->subscripts.size(); ++axis) {
      std::optional<int64_t> shift = readShift(access->subscripts[axis], recurrence.indices[axis]->name);
      isAligned = shift.has_value();
      if (!shift || *shift == 0)
        continue;
      ++shifted;
      isAligned = recurrence.order == 0 || (recurrence.axis == axis && recurrence.isReverse == (*shift > 0));
      recurrence.axis = axis;
      recurrence.isReverse = *shift > 0;
      steps = *shift > 0 ? *shift : -*shift;
    }
    if (!isAligned || shifted != 1)
      return fail(inner);
    recurrence.order = std::max(recurrence.order, steps);
    recurrence.reads.push_back({access, steps});
  });
  return isRight;
}

//===----------------------------------------------------------------------===//
// Boundaries
//===----------------------------------------------------------------------===//

/// `A[T + 1]`, `A[-2]`: the place of a boundary, 0 for the nearest one. The other axes are left out.
static std::string placeOf(const std::string &name, const IndexVar &index, bool isReverse, uint64_t step) {
  std::string text = "-" + std::to_string(step + 1);
  if (isReverse && index.dim)
    text = (DimExpr::of(index.dim) + DimExpr::number(static_cast<int64_t>(step))).print();
  else if (isReverse)
    text = step == 0 ? "n" : "n + " + std::to_string(step);
  return name + "[" + text + "]";
}

/// Along the axis of the recurrence; along the others a boundary stands as the left side does.
std::optional<DimExpr> Elaborator::readBoundaryPlace(const ast::AssignStmt &stmt, const ast::Boundary &boundary, const Recurrence &recurrence, Scope &inner) {
  const ast::Target &target = stmt.targets.front(), &place = boundary.place;
  const IndexVar &index = *recurrence.indices[recurrence.axis];
  auto fail = [&](Location at, const std::string &where) -> std::optional<DimExpr> {
    Diagnostic &diagnostic = error(Code::RecurrenceBoundary, at, "the boundary of this recurrence stands at " + where);
    if (index.dim)
      diagnostic.note(index.dimLoc, "'" + index.name + "' runs over a whole axis of size " + describe(index.dim) + " here");
    return std::nullopt;
  };
  std::string nearest = placeOf(target.name.name, index, recurrence.isReverse, 0);
  if (place.name.name != target.name.name || place.name.primed || place.subscripts.size() != target.subscripts.size())
    return fail(place.loc, nearest + " = .., with an axis for each on the left");
  std::optional<DimExpr> found;
  for (auto [axis, sub] : llvm::enumerate(place.subscripts)) {
    if (axis != recurrence.axis) {
      if (readShift(sub, recurrence.indices[axis]->name) != 0)
        return fail(sub.loc, "'" + recurrence.indices[axis]->name + "' along this axis, as on the left");
      continue;
    }
    if (sub.kind != ast::SubKind::Value)
      return fail(sub.loc, nearest);
    found = sizeOf(*sub.value, 0, inner);
    if (!found)
      return std::nullopt;
    bool isNegative = found->getNumber().value_or(0) < 0;
    if (isNegative == recurrence.isReverse && (isNegative || found->getNumber()))
      return fail(sub.loc, nearest);
  }
  return found;
}

/// The boundaries from the nearest one on: A[-1], A[-2], .. or A[T], A[T + 1], ..
std::optional<SmallVector<const ast::Boundary *>> Elaborator::orderBoundaries(const ast::AssignStmt &stmt, Recurrence &recurrence, Scope &inner) {
  const std::string &name = stmt.targets.front().name.name;
  IndexVar &index = *recurrence.indices[recurrence.axis];
  SmallVector<DimExpr> places;
  for (const ast::Boundary &boundary : stmt.boundaries) {
    std::optional<DimExpr> place = readBoundaryPlace(stmt, boundary, recurrence, inner);
    if (!place)
      return std::nullopt;
    places.push_back(*place);
  }
  if (recurrence.isReverse && !index.dim) { // the nearest one tells the range
    size_t nearest = 0;
    for (size_t k = 1; k < places.size(); ++k)
      if ((places[nearest] - places[k]).isNeverNegative())
        nearest = k;
    setRange(index, places[nearest].toAttr(builder.getContext()), stmt.boundaries[nearest].place.subscripts[recurrence.axis].loc);
  }
  std::map<uint64_t, const ast::Boundary *> byStep;
  for (auto [boundary, place] : llvm::zip_equal(stmt.boundaries, places)) {
    Location at = boundary.place.subscripts[recurrence.axis].loc;
    std::optional<int64_t> step = (recurrence.isReverse ? place - DimExpr::of(index.dim) : DimExpr::number(-1) - place).getNumber();
    if (!step || *step < 0 || static_cast<uint64_t>(*step) >= recurrence.order) {
      std::string first = placeOf(name, index, recurrence.isReverse, 0), last = placeOf(name, index, recurrence.isReverse, recurrence.order - 1);
      Diagnostic &diagnostic = recurrence.order == 1 ? error(Code::RecurrenceBoundary, at, "the boundary of this recurrence stands at " + first)
                                                     : error(Code::RecurrenceBoundary, at, "the boundaries of this recurrence stand at " + first + " to " + last);
      if (index.dim)
        diagnostic.note(index.dimLoc, "'" + index.name + "' runs over a whole axis of size " + describe(index.dim) + " here");
      return std::nullopt;
    }
    auto [known, isNew] = byStep.try_emplace(*step, &boundary);
    if (!isNew) {
      error(Code::RecurrenceBoundary, boundary.place.loc, "a second boundary at " + textOf(known->second->place.loc)).note(known->second->place.loc, "the first one is here");
      return std::nullopt;
    }
  }
  SmallVector<const ast::Boundary *> ordered;
  for (uint64_t step = 0; step < recurrence.order; ++step) {
    auto known = byStep.find(step);
    if (known == byStep.end()) {
      std::string missing = placeOf(name, index, recurrence.isReverse, step);
      error(Code::RecurrenceBoundary, stmt.loc, "'" + name + "' reads itself " + std::to_string(recurrence.order) + " steps away, but nothing says what stands at " + missing)
          .suggest("add it after a comma: .., " + missing + " = 0");
      return std::nullopt;
    }
    ordered.push_back(known->second);
  }
  return ordered;
}

/// Their values, from the nearest one on; none after an error.
SmallVector<Array> Elaborator::evalBoundaries(const ast::AssignStmt &stmt, Recurrence &recurrence, Scope &inner) {
  std::optional<SmallVector<const ast::Boundary *>> ordered = orderBoundaries(stmt, recurrence, inner);
  SmallVector<Array> values;
  if (!ordered)
    return values;
  IndexVar &index = *recurrence.indices[recurrence.axis];
  for (const ast::Boundary *boundary : *ordered) {
    values.push_back(evalArray(*boundary->value, inner));
    if (values.back().isPoison())
      return {};
    if (ownRank(values.back()) == 0 && !llvm::is_contained(values.back().axes, &index))
      continue;
    error(Code::RecurrenceBoundary, boundary->value->loc, "the boundary is one number for each place of the other axes, without '" + index.name + "'");
    return {};
  }
  return values;
}

//===----------------------------------------------------------------------===//
// From the right side to a scan
//===----------------------------------------------------------------------===//

/// A number that the compiler knows, which needs no array: a rank-0 constant, perhaps named, cast and repeated.
static ConstantOp findNumber(Value value) {
  Operation *op = value.getDefiningOp();
  while (llvm::isa_and_nonnull<BroadcastOp, CastOp, StopOp>(op) && op->getNumOperands() == 1)
    op = op->getOperand(0).getDefiningOp();
  auto constant = llvm::dyn_cast_or_null<ConstantOp>(op);
  return constant && Algebra::typeOf(constant).isScalar() ? constant : ConstantOp();
}

/// Builds the scan of what `value` computes from the stand-ins, of which each stands for the element one step further away; all have the
/// axes of the recurrence, of which number `axis` leads.
class Elaborator::ScanBuilder {
public:
  ScanBuilder(Elaborator &elaborator, llvm::ArrayRef<Value> standIns, llvm::ArrayRef<Value> init, size_t axis, bool isReverse, Location at)
      : e(elaborator), standIns(standIns), init(init), isReverse(isReverse), at(at), full(typeOf(standIns.front())) {
    permutation.push_back(axis);
    for (size_t k = 0; k < static_cast<size_t>(full.getRank()); ++k)
      if (k != axis)
        permutation.push_back(k);
  }

  /// Null, with an error reported, where the recurrence is no work on single elements.
  Value build(Value value) {
    if (!collect(value))
      return {};
    ArrayType carried = typeOf(init.front());
    Shape shape;
    for (int64_t k : permutation)
      shape.push_back(full.getShape()[k]);
    mlir::Location loc = e.place(at);
    SmallVector<mlir::Type> types(init.size(), ArrayType::get(shape, carried.getElementType()));
    auto scan = ScanOp::create(e.builder, loc, types, xs, init, isReverse);
    mlir::Block &block = scan.getBody().emplaceBlock();
    block.addArgument(ArrayType::scalar(e.builder.getI64Type()), loc);
    for (Value x : xs)
      mapping.map(outside[x], block.addArgument(sliceOf(typeOf(x).getElementType()), loc));
    SmallVector<Value> yielded(1); // the new element, then all but the last one of those before
    for (Value standIn : standIns) {
      yielded.push_back(block.addArgument(carried, loc));
      mapping.map(standIn, yielded.back());
    }
    yielded.pop_back();
    {
      mlir::OpBuilder::InsertionGuard guard(e.builder);
      e.builder.setInsertionPointToStart(&block);
      for (Operation *op : ops)
        clone(op);
      yielded.front() = mapping.lookup(value);
      YieldOp::create(e.builder, loc, yielded);
    }
    SmallVector<int64_t> inverse(permutation.size());
    for (auto [k, from] : llvm::enumerate(permutation))
      inverse[from] = k;
    return e.transposed(e.castTo(scan.getYs().front(), full.getElementType(), at), inverse, at);
  }

  /// The ops of the right side that now stand in the region are of no use.
  void eraseOld() {
    for (Operation *op : llvm::reverse(ops))
      if (op->use_empty())
        op->erase();
  }

private:
  /// The type in the region of an array of the full shape.
  ArrayType sliceOf(mlir::Type element) const {
    Shape rest(typeOf(init.front()).getShape());
    return ArrayType::get(element.getContext(), rest, rest.empty() && llvm::isa<mlir::FloatType>(element) ? e.builder.getF64Type() : element);
  }

  /// Finds the ops between the stand-ins and `value`, and what they read besides.
  bool collect(Value value) {
    llvm::SmallPtrSet<Value, 8> dependent(standIns.begin(), standIns.end()), needed{value};
    SmallVector<Operation *> found;
    for (Operation *op = standIns.back().getDefiningOp()->getNextNode(); op; op = op->getNextNode())
      if (op->walk([&](Operation *inner) { return readsOne(inner, dependent) ? mlir::WalkResult::interrupt() : mlir::WalkResult::advance(); }).wasInterrupted()) {
        dependent.insert(op->result_begin(), op->result_end());
        found.push_back(op);
      }
    if (!dependent.contains(value))
      return refuse(nullptr);
    for (Operation *op : llvm::reverse(found))
      if (llvm::any_of(op->getResults(), [&](Value result) { return needed.contains(result); })) {
        op->walk([&](Operation *inner) { needed.insert(inner->operand_begin(), inner->operand_end()); });
        ops.insert(ops.begin(), op);
      }
    for (Operation *op : ops)
      if (!isByElement(op, dependent))
        return refuse(op);
    return true;
  }

  static bool readsOne(Operation *op, const llvm::SmallPtrSetImpl<Value> &values) {
    return llvm::any_of(op->getOperands(), [&](Value operand) { return values.contains(operand); });
  }

  /// A number of the right side, which may stand in the region. One that has come from elsewhere may have a name in which somebody
  /// differentiates: that is read as an array.
  bool isOwnNumber(Value operand) const {
    ConstantOp number = findNumber(operand);
    if (!number || !typeOf(number).isFloat())
      return static_cast<bool>(number);
    Operation *begin = standIns.front().getDefiningOp();
    return number->getBlock() == begin->getBlock() && begin->isBeforeInBlock(number);
  }

  bool isByElement(Operation *op, const llvm::SmallPtrSetImpl<Value> &dependent) {
    auto power = dyn_cast<IntPowOp>(op);
    if ((!op->hasTrait<Pointwise>() && !power) || typeOf(op->getResult(0)).getShape() != full.getShape())
      return false;
    for (Value operand : op->getOperands()) {
      if (dependent.contains(operand) || isOwnNumber(operand))
        continue;
      if (typeOf(operand).getShape() != full.getShape())
        return false;
      if (!seen.insert(operand).second)
        continue;
      xs.push_back(e.transposed(operand, permutation, at));
      outside[xs.back()] = operand;
    }
    return true;
  }

  bool refuse(Operation *op) {
    e.error(Code::RecurrenceForm, at, "a recurrence computes each element from those at the same place of the other axes, one by one")
        .suggest(op && llvm::isa<IntPowOp>(op) ? "its exponents are numbers" : "reductions and subscripts of what it defines have no place in it");
    return false;
  }

  Value operandOf(Value operand) {
    if (Value known = mapping.lookupOrNull(operand))
      return known;
    ConstantOp number = findNumber(operand);
    Value inside = ConstantOp::create(e.builder, number.getLoc(), number.getType(), number.getValue());
    if (typeOf(operand).isScalar())
      return e.castTo(inside, typeOf(operand).getElementType(), at);
    ArrayType type = sliceOf(typeOf(operand).getElementType());
    return e.broadcastTo(e.castTo(inside, type.getElementType(), at), {}, type.getShape(), at);
  }

  void clone(Operation *op) {
    ArrayType type = sliceOf(typeOf(op->getResult(0)).getElementType());
    mlir::IRMapping operands;
    for (Value operand : op->getOperands())
      operands.map(operand, operandOf(operand));
    if (llvm::isa<CastOp>(op) && operands.lookup(op->getOperand(0)).getType() == type)
      return mapping.map(op->getResult(0), operands.lookup(op->getOperand(0)));
    Operation *copy = e.builder.clone(*op, operands);
    copy->getResult(0).setType(type);
    mapping.map(op->getResult(0), copy->getResult(0));
  }

  Elaborator &e;
  llvm::ArrayRef<Value> standIns, init;
  bool isReverse;
  Location at;
  ArrayType full;
  SmallVector<int64_t> permutation;
  SmallVector<Operation *> ops;
  SmallVector<Value> xs;
  llvm::SmallPtrSet<Value, 8> seen;
  llvm::DenseMap<Value, Value> outside; ///< operand of the scan -> value of the right side
  mlir::IRMapping mapping;
};

/// The right side with stand-ins for A[k + 1], A[k + 2], .., whose kind and axes are those of the whole.
Array Elaborator::evalWithStandIns(const ast::AssignStmt &stmt, const Recurrence &recurrence, llvm::ArrayRef<Array> boundaries, Scope &inner,
                                   SmallVector<Value> &standIns) {
  SmallVector<Array> parts(boundaries);
  Kind kind = Kind::Int;
  for (const Array &boundary : boundaries)
    kind = std::max(kind, kindOf(boundary));
  for (IndexVar *index : recurrence.indices)
    parts.push_back({{}, false, false, {index}});
  SmallVector<IndexVar *, 2> axes = commonAxes(parts);
  // Once more where the right side turns out to be real, or to depend on further indices.
  for (;;) {
    Array zero{{fit(integer(0, stmt.loc), 0, axes, {}, kind, stmt.loc)}, false, false, axes};
    standIns.clear();
    for (size_t k = 0; k < boundaries.size(); ++k)
      standIns.push_back(StopOp::create(builder, place(stmt.loc), zero.lanes.front()));
    for (auto [read, steps] : recurrence.reads)
      selfReads[read] = {{standIns[steps - 1]}, false, false, axes};
    Array x = evalArray(*stmt.value, inner);
    for (auto [read, steps] : recurrence.reads)
      selfReads.erase(read);
    if (x.isPoison() || ownRank(x) != 0) {
      if (!x.isPoison())
        error(Code::RankMismatch, stmt.value->loc, "the left side of a recurrence leaves no axis open, but the right side has the shape " + describe(ownShape(x)))
            .suggest("name every axis: A[k, i] = ..");
      return {};
    }
    SmallVector<IndexVar *, 2> all = commonAxes({zero, x});
    Kind found = std::max(kind, kindOf(x));
    if (found == kind && all == axes)
      return spreadOver(toKind(x, kind, stmt.loc), axes, stmt.loc);
    kind = found;
    axes = all;
  }
}

Array Elaborator::recurOne(const ast::AssignStmt &stmt, Scope &scope) {
  const ast::Target &target = stmt.targets.front();
  Scope *inner = arena.scope(&scope);
  Recurrence recurrence;
  for (const ast::Subscript &sub : target.subscripts) {
    if (!isBinder(sub, *inner)) {
      error(Code::RecurrenceForm, sub.loc, "the left side of a recurrence names a fresh index for each axis").suggest("A[k, i] = d[k, i] + A[k + 1, i], A[n, i] = 0");
      return {};
    }
    recurrence.indices.push_back(bindIndex(cast<ast::Name>(sub.value.get())->name, sub.loc, *inner));
  }
  if (!findSelfReads(stmt, recurrence))
    return {};
  std::string name = target.name.name;
  if (recurrence.reads.empty()) {
    error(Code::RecurrenceForm, stmt.loc, "'" + name + "' has a boundary, but its definition does not read itself").suggest("leave out what follows the comma");
    return {};
  }
  if (stmt.boundaries.empty()) {
    bool isAfter = recurrence.isReverse;
    error(Code::RecurrenceBoundary, stmt.loc, "'" + name + "' reads itself, but nothing says what stands " + (isAfter ? "behind its last" : "before its first") + " element")
        .suggest("add the boundary after a comma: .., " + name + (isAfter ? "[n] = 0, with the size n of the axis" : "[-1] = 0"));
    return {};
  }
  findRanges(*stmt.value, *inner);
  SmallVector<Array> boundaries = evalBoundaries(stmt, recurrence, *inner);
  if (boundaries.empty())
    return {};
  for (IndexVar *index : recurrence.indices)
    if (!index->dim) {
      indexValue(*index, index->loc); // reports the unknown range
      return {};
    }
  SmallVector<Value> standIns, init;
  Array x = evalWithStandIns(stmt, recurrence, boundaries, *inner, standIns);
  if (x.isPoison())
    return {};
  IndexVar *scanned = recurrence.indices[recurrence.axis];
  SmallVector<IndexVar *, 2> others;
  llvm::copy_if(x.axes, std::back_inserter(others), [&](IndexVar *index) { return index != scanned; });
  for (const Array &boundary : boundaries)
    init.push_back(fit(boundary, 0, others, {}, kindOf(x), stmt.loc));
  ScanBuilder scan(*this, standIns, init, llvm::find(x.axes, scanned) - x.axes.begin(), recurrence.isReverse, stmt.loc);
  x.lanes = {scan.build(x.lanes.front())};
  if (!x.lanes.front())
    return {};
  scan.eraseOld();
  return arrangeLeft(x, recurrence.indices, stmt.loc);
}
