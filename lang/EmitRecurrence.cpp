//===- EmitRecurrence.cpp - Definitions that read themselves ----------------===//
//
// A[k] = delta[k] + c[k] * A[k + 1], A[T] = 0. The right side is read as any other, with a stand-in for A[k + 1]; what was computed from
// the stand-in becomes the region of a gradus.scan, which must do its work element by element, and all else its operands. The
// direction is the sign of the shift.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"
#include "lang/Walk.h"

#include "mlir/IR/IRMapping.h"

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

/// Where the definition reads itself, and which axis is shifted how far.
bool Elaborator::findSelfReads(const ast::AssignStmt &stmt, Recurrence &recurrence) {
  const ast::Target &target = stmt.targets.front();
  const std::string &name = target.name.name;
  llvm::SmallPtrSet<const ast::Expr *, 4> bases;
  const ast::Index *farther = nullptr;
  bool isRight = true;
  auto fail = [&](const ast::Expr &at) {
    if (isRight)
      error(Code::RecurrenceForm, at.loc, "a recurrence reads itself one step away and at the same place otherwise, but this is " + textOf(at.loc))
          .note(target.loc, "it is defined here")
          .suggest("one index with + 1 or - 1, the others as on the left");
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
    recurrence.reads.push_back(access);
    size_t shifted = 0;
    bool isAligned = access->subscripts.size() == target.subscripts.size();
    for (size_t axis = 0; isAligned && axis < access->subscripts.size(); ++axis) {
      std::optional<int64_t> shift = readShift(access->subscripts[axis], recurrence.indices[axis]->name);
      isAligned = shift.has_value();
      if (!shift || *shift == 0)
        continue;
      ++shifted;
      isAligned = recurrence.shift == 0 || (recurrence.axis == axis && (recurrence.shift > 0) == (*shift > 0));
      if (!farther && (*shift < -1 || *shift > 1))
        farther = access;
      recurrence.axis = axis;
      recurrence.shift = *shift;
    }
    if (!isAligned || shifted != 1)
      fail(inner);
  });
  if (!isRight)
    return false;
  if (farther) {
    notBuilt(Code::RecurrenceNotBuilt, farther->loc, "a recurrence over more than one step", "carry both values: loop k in 0..n with a = .., b = .. { a' = ..; b' = a }");
    return false;
  }
  return true;
}

/// A[T] = 0 behind the last place, or A[-1] = 0 before the first; the other axes as on the left.
Array Elaborator::readBoundary(const ast::AssignStmt &stmt, Recurrence &recurrence, Scope &inner) {
  const ast::Target &target = stmt.targets.front(), &boundary = *stmt.boundary;
  IndexVar &index = *recurrence.indices[recurrence.axis];
  auto fail = [&](Location at, const std::string &where) -> Array {
    Diagnostic &diagnostic = error(Code::RecurrenceBoundary, at, "the boundary of this recurrence stands at " + where);
    if (index.dim)
      diagnostic.note(index.dimLoc, "'" + index.name + "' runs over a whole axis of size " + describe(index.dim) + " here");
    return {};
  };
  std::string shape = target.name.name + "[" + (recurrence.shift > 0 ? index.dim ? describe(index.dim) : "n" : "-1") + "]";
  if (boundary.name.name != target.name.name || boundary.name.primed || boundary.subscripts.size() != target.subscripts.size())
    return fail(boundary.loc, shape + " = .., with an axis for each on the left");
  for (auto [axis, sub] : llvm::enumerate(boundary.subscripts)) {
    if (axis != recurrence.axis) {
      if (readShift(sub, recurrence.indices[axis]->name) != 0)
        return fail(sub.loc, "'" + recurrence.indices[axis]->name + "' along this axis, as on the left");
      continue;
    }
    if (sub.kind != ast::SubKind::Value)
      return fail(sub.loc, shape);
    auto *name = dyn_cast<ast::Name>(sub.value.get());
    const DimBinding *dim = name && !inner.find(name->name) ? inner.findDim(name->name) : nullptr;
    std::optional<int64_t> fixed;
    if (!dim && !(fixed = constantInt(*sub.value, inner, "the place of a boundary")))
      return {};
    Attribute at = dim ? dim->lane(activeLane.value_or(0)) : Attribute(builder.getI64IntegerAttr(*fixed));
    if (recurrence.shift < 0 ? fixed != -1 : fixed && *fixed < 0)
      return fail(sub.loc, shape);
    if (recurrence.shift > 0 && index.dim && index.dim != at)
      return fail(sub.loc, shape);
    if (recurrence.shift > 0)
      setRange(index, at, sub.loc);
  }
  Array value = evalArray(*stmt.boundaryValue, inner);
  if (value.isPoison())
    return {};
  if (ownRank(value) == 0 && !llvm::is_contained(value.axes, &index))
    return value;
  error(Code::RecurrenceBoundary, stmt.boundaryValue->loc, "the boundary is one number for each place of the other axes, without '" + index.name + "'");
  return {};
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

/// Builds the scan of what `value` computes from `standIn`; both have the axes of the recurrence, of which number `axis` leads.
class Elaborator::ScanBuilder {
public:
  ScanBuilder(Elaborator &elaborator, Value standIn, Value init, size_t axis, bool isReverse, Location at)
      : e(elaborator), standIn(standIn), init(init), isReverse(isReverse), at(at), full(typeOf(standIn)) {
    permutation.push_back(axis);
    for (size_t k = 0; k < static_cast<size_t>(full.getRank()); ++k)
      if (k != axis)
        permutation.push_back(k);
  }

  /// Null, with an error reported, where the recurrence is no work on single elements.
  Value build(Value value) {
    if (!collect(value))
      return {};
    ArrayType carried = typeOf(init);
    Shape shape;
    for (int64_t k : permutation)
      shape.push_back(full.getShape()[k]);
    mlir::Location loc = e.place(at);
    auto scan = ScanOp::create(e.builder, loc, mlir::TypeRange(ArrayType::get(shape, carried.getElementType())), xs, init, isReverse);
    mlir::Block &block = scan.getBody().emplaceBlock();
    block.addArgument(ArrayType::scalar(e.builder.getI64Type()), loc);
    for (Value x : xs)
      mapping.map(outside[x], block.addArgument(sliceOf(typeOf(x).getElementType()), loc));
    mapping.map(standIn, block.addArgument(carried, loc));
    {
      mlir::OpBuilder::InsertionGuard guard(e.builder);
      e.builder.setInsertionPointToStart(&block);
      for (Operation *op : ops)
        clone(op);
      YieldOp::create(e.builder, loc, mapping.lookup(value));
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
    Shape rest(typeOf(init).getShape());
    return ArrayType::get(element.getContext(), rest, rest.empty() && llvm::isa<mlir::FloatType>(element) ? e.builder.getF64Type() : element);
  }

  /// Finds the ops between the stand-in and `value`, and what they read besides.
  bool collect(Value value) {
    llvm::SmallPtrSet<Value, 8> dependent{standIn}, needed{value};
    SmallVector<Operation *> found;
    for (Operation *op = standIn.getDefiningOp()->getNextNode(); op; op = op->getNextNode())
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
    Operation *begin = standIn.getDefiningOp();
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
  Value standIn, init;
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

/// The right side with a stand-in for A[k + 1], whose kind and axes are those of the whole.
Array Elaborator::evalWithStandIn(const ast::AssignStmt &stmt, const Recurrence &recurrence, const Array &boundary, Scope &inner, Value &standIn) {
  SmallVector<Array> parts{boundary};
  for (IndexVar *index : recurrence.indices)
    parts.push_back({{}, false, false, {index}});
  SmallVector<IndexVar *, 2> axes = commonAxes(parts);
  Kind kind = std::max(kindOf(boundary), Kind::Int);
  // Once more where the right side turns out to be real, or to depend on further indices.
  for (;;) {
    Array zero{{fit(integer(0, stmt.loc), 0, axes, {}, kind, stmt.loc)}, false, false, axes};
    standIn = StopOp::create(builder, place(stmt.loc), zero.lanes.front());
    for (const ast::Index *read : recurrence.reads)
      selfReads[read] = {{standIn}, false, false, axes};
    Array x = evalArray(*stmt.value, inner);
    for (const ast::Index *read : recurrence.reads)
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
  if (!stmt.boundary) {
    bool isAfter = recurrence.shift > 0;
    error(Code::RecurrenceBoundary, stmt.loc, "'" + name + "' reads itself, but nothing says what stands " + (isAfter ? "behind its last" : "before its first") + " element")
        .suggest("add the boundary after a comma: .., " + name + (isAfter ? "[n] = 0, with the size n of the axis" : "[-1] = 0"));
    return {};
  }
  findRanges(*stmt.value, *inner);
  Array boundary = readBoundary(stmt, recurrence, *inner);
  if (boundary.isPoison())
    return {};
  for (IndexVar *index : recurrence.indices)
    if (!index->dim) {
      indexValue(*index, index->loc); // reports the unknown range
      return {};
    }
  Value standIn;
  Array x = evalWithStandIn(stmt, recurrence, boundary, *inner, standIn);
  if (x.isPoison())
    return {};
  IndexVar *scanned = recurrence.indices[recurrence.axis];
  SmallVector<IndexVar *, 2> others;
  llvm::copy_if(x.axes, std::back_inserter(others), [&](IndexVar *index) { return index != scanned; });
  Value init = fit(boundary, 0, others, {}, kindOf(x), stmt.loc);
  ScanBuilder scan(*this, standIn, init, llvm::find(x.axes, scanned) - x.axes.begin(), recurrence.shift > 0, stmt.loc);
  x.lanes = {scan.build(x.lanes.front())};
  if (!x.lanes.front())
    return {};
  scan.eraseOld();
  return arrangeLeft(x, recurrence.indices, stmt.loc);
}
