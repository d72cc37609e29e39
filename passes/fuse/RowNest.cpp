//===- RowNest.cpp - Which kernels share their rows ------------------------------===//

#include "passes/fuse/RowNest.h"

#include "passes/fuse/Control.h"
#include "passes/fuse/Plan.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace gradus {

static ArrayType arrayOf(Value value) { return cast<ArrayType>(value.getType()); }

/// The mark of a kernel's nest, or null.
static ArrayAttr markOf(KernelOp kernel) { return kernel->getAttrOfType<ArrayAttr>(nestAttribute); }

/// The first axes of what a kernel reads and stores.
static llvm::SetVector<Attribute> findAxes(KernelOp kernel) {
  llvm::SetVector<Attribute> found;
  auto add = [&](Value value) {
    if (!arrayOf(value).isScalar())
      found.insert(arrayOf(value).getShape().front());
  };
  llvm::for_each(kernel.getStored(), add);
  llvm::for_each(kernel.getOperands(), add);
  return found;
}

/// Whether the free labels of one side of a product are few columns: their sizes are known to be, or `narrow` decides. A null `narrow` is set.
static bool isNarrow(ArrayRef<int64_t> own, Value value, ArrayRef<int64_t> other, int64_t rowLabel, Attribute &narrow) {
  Attribute decides = narrow;
  int64_t columns = 1;
  for (auto [label, dim] : llvm::zip_equal(own, arrayOf(value).getShape())) {
    if (label == rowLabel || llvm::is_contained(other, label))
      continue;
    if (auto size = dyn_cast<IntegerAttr>(dim))
      columns *= size.getInt();
    else if (!decides && columns == 1)
      decides = dim;
    else if (decides != dim || columns > 1)
      return false;
  }
  if (columns <= widestProduct)
    narrow = decides;
  return columns <= widestProduct;
}

/// Whether a kernel is no product of matrices or one of few columns. A product of many computes for a long time on what it has loaded, and its own tiles
/// serve it better than rows.
static bool isNarrowProduct(KernelOp kernel, int64_t rowLabel, Attribute &narrow) {
  auto op = dyn_cast<ContractOp>(kernel.getBody().front().front());
  if (!op)
    return true;
  auto hasFree = [&](ArrayRef<int64_t> own, ArrayRef<int64_t> other) {
    return llvm::any_of(own, [&](int64_t label) { return label != rowLabel && !llvm::is_contained(other, label); });
  };
  ArrayRef<int64_t> lhs = op.getLhs(), rhs = op.getRhs();
  bool isRow = llvm::is_contained(op.getOut(), rowLabel), hasRowsA = llvm::is_contained(lhs, rowLabel), hasRowsB = llvm::is_contained(rhs, rowLabel);
  auto isNarrowA = [&] { return isNarrow(lhs, op.getA(), rhs, rowLabel, narrow); };
  auto isNarrowB = [&] { return isNarrow(rhs, op.getB(), lhs, rowLabel, narrow); };
  if (isRow) // Z = X W: the side without rows makes the columns
    return (hasRowsA || isNarrowA()) && (hasRowsB || isNarrowB());
  if (!hasFree(lhs, rhs) || !hasFree(rhs, lhs))
    return true;
  Attribute before = narrow;
  auto isKnown = [&](auto isNarrowSide) {
    bool isFine = isNarrowSide() && narrow == before;
    narrow = before;
    return isFine;
  };
  return isKnown(isNarrowA) || isKnown(isNarrowB);
}

bool RowNest::join(KernelOp kernel, const Plan &plan) {
  RowUse use(kernel, rows);
  Attribute decides = narrow;
  if (use.getPart() == RowPart::None || plan.getCheck(kernel) == Check::Late || !isNarrowProduct(kernel, use.getLabel(), decides))
    return false;
  for (auto [number, operand] : llvm::enumerate(kernel.getOperands())) {
    auto source = operand.getDefiningOp<KernelOp>();
    if (!source || !llvm::is_contained(kernels, source))
      continue;
    if (!RowUse(source, rows).hasRows(cast<OpResult>(operand).getResultNumber()) || use.getRead(number) != RowRead::Own)
      return false;
  }
  // The guard looks at all rows before the first one is written.
  bool writes = llvm::any_of(kernel.getStored(), [&](Value result) { return plan.getStorage(result).home == Home::Result; });
  if (writes && llvm::any_of(kernels, [&](KernelOp before) { return plan.isBeforeGuards(before); }))
    return false;
  kernels.push_back(kernel);
  narrow = decides;
  return true;
}

/// The arrays with rows that several kernels of a nest meet, each with how many times it is not moved because of that. What has no axis but the rows
/// is small.
static llvm::MapVector<Value, unsigned> findShared(const RowNest &nest) {
  llvm::MapVector<Value, unsigned> met;
  for (KernelOp kernel : nest.kernels) {
    RowUse use(kernel, nest.rows);
    llvm::SmallDenseSet<Value> seen;
    for (auto [number, operand] : llvm::enumerate(kernel.getOperands()))
      if (use.getRead(number) == RowRead::Own && arrayOf(operand).getRank() > 1 && seen.insert(operand).second)
        ++met[operand];
    for (auto [number, result] : llvm::enumerate(kernel.getStored()))
      if (use.hasRows(number) && arrayOf(result).getRank() > 1)
        ++met[result];
  }
  met.remove_if([](auto &known) { return --known.second == 0; });
  return met;
}

static unsigned countSaved(const RowNest &nest) {
  unsigned sum = 0;
  // Two codes, with and without the nest, pay for data alone, and not for what the kernels hand on to one another.
  auto isReadTwice = [&](const auto &shared) { return isa<BlockArgument>(shared.first) && nest.findReaders(shared.first).size() > 1; };
  if (nest.narrow && llvm::none_of(findShared(nest), isReadTwice))
    return 0;
  for (auto [array, times] : findShared(nest))
    sum += times;
  return sum;
}

/// The kernels from one on that join a nest over `rows`. Numbers between them do not end it: they go before it or behind it.
static RowNest extend(KernelOp first, Attribute rows, const Plan &plan) {
  RowNest nest{rows, {}};
  llvm::SmallPtrSet<Operation *, 8> behind;
  for (Operation *op = first; op && !op->hasTrait<OpTrait::IsTerminator>(); op = op->getNextNode()) {
    auto readsLate = [&](Value operand) {
      Operation *source = operand.getDefiningOp();
      return source && (behind.contains(source) || llvm::is_contained(nest.kernels, dyn_cast<KernelOp>(source)));
    };
    auto kernel = dyn_cast<KernelOp>(op);
    if (!kernel) {
      if (isControl(op) || isCut(op))
        break;
      if (llvm::any_of(op->getOperands(), readsLate))
        behind.insert(op);
      continue;
    }
    bool waits = llvm::any_of(kernel.getOperands(), [&](Value operand) { return operand.getDefiningOp() && behind.contains(operand.getDefiningOp()); });
    if (waits || markOf(kernel) || !nest.join(kernel, plan))
      break;
  }
  return nest;
}

/// Leaves out kernels at both ends that the others share nothing with.
static void trim(RowNest &nest) {
  unsigned saved = countSaved(nest);
  auto without = [&](size_t first, size_t count) { return RowNest{nest.rows, SmallVector<KernelOp>(ArrayRef(nest.kernels).slice(first, count)), nest.narrow}; };
  while (nest.kernels.size() > 2 && countSaved(without(1, nest.kernels.size() - 1)) == saved)
    nest = without(1, nest.kernels.size() - 1);
  while (nest.kernels.size() > 2 && countSaved(without(0, nest.kernels.size() - 1)) == saved)
    nest = without(0, nest.kernels.size() - 1);
}

/// Whether a block of a kernel may be written over what another one reads at other rows.
static bool overwrites(const RowNest &nest, FuncOp func, const Plan &plan) {
  for (KernelOp writer : nest.kernels)
    for (Value result : writer.getStored()) {
      const Storage &where = plan.getStorage(result);
      if (where.home != Home::Result || where.argument < 0)
        continue;
      for (KernelOp reader : nest.kernels) {
        RowUse use(reader, nest.rows);
        for (auto [number, operand] : llvm::enumerate(reader.getOperands()))
          if (operand == func.getArgument(where.argument) && use.getRead(number) != RowRead::Own)
            return true;
      }
    }
  return false;
}

/// Numbers that stand between kernels of a nest: what they do not depend on comes after them.
static void closeRanks(const RowNest &nest) {
  Operation *first = nest.kernels.front(), *last = nest.kernels.back();
  llvm::SmallPtrSet<Operation *, 8> known(nest.kernels.begin(), nest.kernels.end());
  Operation *after = last;
  for (Operation *op = first->getNextNode(); op != last;) {
    Operation *next = op->getNextNode();
    if (!isa<KernelOp>(op)) {
      bool isBehind = llvm::any_of(op->getOperands(), [&](Value operand) { return known.contains(operand.getDefiningOp()); });
      if (isBehind) {
        known.insert(op);
        op->moveAfter(after);
        after = op;
      } else {
        op->moveBefore(first);
      }
    }
    op = next;
  }
}

static std::string nameOf(FuncOp func, const Plan &plan, Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return isa<FuncOp>(argument.getOwner()->getParentOp()) ? func.getArgName(argument.getArgNumber()).str() : "an array of a loop";
  auto result = cast<OpResult>(value);
  auto kernel = dyn_cast<KernelOp>(result.getOwner());
  return kernel ? llvm::formatv("#{0}.{1}", plan.getPosition(kernel), result.getResultNumber()).str() : "an array of control";
}

static void remarkOn(const RowNest &nest, FuncOp func, const Plan &plan) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "kernels ";
  llvm::interleaveComma(nest.kernels, os, [&](KernelOp kernel) { os << plan.getPosition(kernel); });
  os << " go through the rows [";
  if (auto symbol = dyn_cast<StringAttr>(nest.rows))
    os << symbol.getValue();
  else
    os << cast<IntegerAttr>(nest.rows).getInt();
  os << "] together, block by block";
  if (nest.narrow)
    os << ", where " << cast<StringAttr>(nest.narrow).getValue() << " <= " << widestProduct;
  os << ": ";
  llvm::interleaveComma(findShared(nest), os, [&](const auto &shared) {
    os << "'" << nameOf(func, plan, shared.first) << "' is moved " << shared.second << (shared.second == 1 ? " time" : " times") << " less";
  });
  remark::passed(nest.kernels.front()->getLoc(), remark::RemarkOpts::name("nested").category("gradus-fuse").function(func.getSymName())) << text;
}

/// The best nest that begins with a kernel, if one saves anything.
static std::optional<RowNest> findNest(KernelOp first, FuncOp func, const Plan &plan) {
  std::optional<RowNest> best;
  unsigned most = 0;
  for (Attribute rows : findAxes(first)) {
    RowNest nest = extend(first, rows, plan);
    if (nest.kernels.size() < 2)
      continue;
    trim(nest);
    unsigned saved = countSaved(nest);
    if (saved <= most || overwrites(nest, func, plan))
      continue;
    most = saved;
    best = nest;
  }
  return best;
}

void formRowNests(FuncOp func) {
  Plan plan(func);
  if (plan.hasRehearsal()) // some of the kernels run twice
    return;
  int64_t count = 0;
  Builder builder(func.getContext());
  for (PhaseOp phase : func.getBody().getOps<PhaseOp>()) {
    for (KernelOp kernel : llvm::to_vector(phase.getBody().getOps<KernelOp>())) {
      if (markOf(kernel))
        continue;
      std::optional<RowNest> nest = findNest(kernel, func, plan);
      if (!nest)
        continue;
      closeRanks(*nest);
      if (moveSingleReads(*nest, func, plan))
        plan = Plan(func);
      SmallVector<Attribute> mark{builder.getI64IntegerAttr(count), nest->rows};
      if (nest->narrow)
        mark.push_back(nest->narrow);
      for (KernelOp member : nest->kernels)
        member->setAttr(nestAttribute, builder.getArrayAttr(mark));
      remarkOn(*nest, func, plan);
      ++count;
    }
  }
}

std::optional<RowNest> RowNest::startingAt(KernelOp kernel) {
  ArrayAttr mark = markOf(kernel);
  auto before = dyn_cast_or_null<KernelOp>(kernel->getPrevNode());
  if (!mark || mark.size() < 2 || mark.size() > 3 || (before && markOf(before) == mark))
    return std::nullopt;
  RowNest nest{mark[1], {}, mark.size() == 3 ? mark[2] : Attribute()};
  for (KernelOp at = kernel; at && markOf(at) == mark; at = dyn_cast_or_null<KernelOp>(at->getNextNode()))
    nest.kernels.push_back(at);
  return nest;
}

bool RowNest::isLocal(Value result, const Plan &plan) const {
  auto kernel = result.getDefiningOp<KernelOp>();
  if (!kernel || !llvm::is_contained(kernels, kernel) || plan.getStorage(result).home != Home::Workspace)
    return false;
  return RowUse(kernel, rows).hasRows(cast<OpResult>(result).getResultNumber()) &&
         llvm::all_of(result.getUsers(), [&](Operation *user) { return llvm::is_contained(kernels, dyn_cast<KernelOp>(user)); });
}

/// One element of each row is not the row.
static bool readsWholeRow(KernelOp kernel, unsigned operand, const RowUse &use) {
  Value inner = kernel.getBody().front().getArgument(operand);
  auto isSingle = [&](Operation *user) { return isa<GatherOp>(user) && user->getOperand(0) == inner; };
  return use.getRead(operand) == RowRead::Own && llvm::none_of(inner.getUsers(), isSingle);
}

SmallVector<KernelOp> RowNest::findReaders(Value array) const {
  SmallVector<KernelOp> readers;
  auto source = array.getDefiningOp<KernelOp>();
  if (arrayOf(array).getRank() < 2 || (source && llvm::is_contained(kernels, source)))
    return readers;
  for (KernelOp kernel : kernels) {
    RowUse use(kernel, rows);
    for (auto [number, operand] : llvm::enumerate(kernel.getOperands()))
      if (operand == array && readsWholeRow(kernel, number, use))
        readers.push_back(kernel);
  }
  return readers;
}

bool RowNest::isCached(KernelOp kernel, Value array) const {
  for (KernelOp before : kernels) {
    if (before == kernel)
      return false;
    RowUse use(before, rows);
    for (auto [number, result] : llvm::enumerate(before.getStored()))
      if (result == array && use.hasRows(number))
        return true;
    for (auto [number, operand] : llvm::enumerate(before.getOperands()))
      if (operand == array && readsWholeRow(before, number, use))
        return true;
  }
  return false;
}

LogicalResult verifyRowNests(FuncOp func) {
  Plan plan(func);
  llvm::DenseSet<Attribute> seen;
  WalkResult result = func.walk([&](KernelOp kernel) -> WalkResult {
    ArrayAttr mark = markOf(kernel);
    auto before = dyn_cast_or_null<KernelOp>(kernel->getPrevNode());
    if (!mark || (before && markOf(before) == mark))
      return WalkResult::advance();
    std::optional<RowNest> nest = RowNest::startingAt(kernel);
    if (!nest || !isa<PhaseOp>(kernel->getParentOp()) || !seen.insert(mark[0]).second)
      return kernel.emitError("expects the kernels of its nest to follow one another in a phase");
    RowNest known{nest->rows, {}};
    for (KernelOp at : nest->kernels)
      if (!known.join(at, plan))
        return at.emitError("expects to go through the rows of its nest one by one, and to read what the nest stores at its own row alone");
    if (known.narrow && known.narrow != nest->narrow)
      return kernel.emitError("expects to name the size that decides whether its nest is one");
    if (overwrites(*nest, func, plan))
      return kernel.emitError("expects no kernel of its nest to write over rows that another one reads");
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

} // namespace gradus
