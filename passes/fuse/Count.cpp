//===- Count.cpp - How much a function computes and moves ------------------------===//

#include "passes/fuse/Count.h"

#include "passes/Build.h"
#include "passes/fuse/Cost.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace gradus {

static DimExpr countElements(ArrayRef<Attribute> shape) {
  DimExpr count = DimExpr::number(1);
  for (Attribute dim : shape)
    count = count * DimExpr::of(dim);
  return count;
}

DimExpr boundPasses(Value value) {
  if (std::optional<int64_t> number = getInteger(value))
    return DimExpr::number(std::max<int64_t>(0, *number));
  Operation *op = value.getDefiningOp();
  if (!op)
    return DimExpr::symbol("passes");
  auto of = [](Value operand) { return boundPasses(operand); };
  return llvm::TypeSwitch<Operation *, DimExpr>(op)
      .Case([](DimOp dim) { return DimExpr::of(dim.getSymbolAttr()); })
      .Case<CastOp, StopOp>([&](auto same) { return of(same.getX()); })
      .Case([&](AddOp sum) { return of(sum.getA()) + of(sum.getB()); })
      .Case([&](SubOp difference) { return of(difference.getA()) - of(difference.getB()); })
      .Case([&](MulOp product) { return of(product.getA()) * of(product.getB()); })
      .Case([&](MaxOp most) { return DimExpr::max(of(most.getA()), of(most.getB())); })
      .Case([&](MinOp least) { return DimExpr::min(of(least.getA()), of(least.getB())); })
      .Case([&](LoopOp loop) { return of(loop.getCount()); }) // a counter of its passes
      .Default([](Operation *) { return DimExpr::symbol("passes"); });
}

/// The points at which an op computes: for a sum those of what is added up.
static DimExpr countPoints(Operation *op) {
  if (auto contract = dyn_cast<ContractOp>(op)) {
    SmallVector<Attribute> dims;
    llvm::SmallDenseSet<int64_t> seen;
    for (auto [operand, labels] : {std::pair(contract.getA(), contract.getLhs()), std::pair(contract.getB(), contract.getRhs())})
      for (auto [dim, label] : llvm::zip_equal(arrayType(operand).getShape(), labels))
        if (seen.insert(label).second)
          dims.push_back(dim);
    return countElements(dims);
  }
  if (isa<ArgReduceOp, LogSumExpOp, NormOp, ReduceOp>(op))
    return countElements(arrayType(op->getOperand(0)).getShape());
  if (isa<ScatterAddOp, ScatterOp>(op))
    return countElements(arrayType(op->getOperands().back()).getShape());
  return op->getNumResults() ? countElements(arrayType(op->getResult(0)).getShape()) : DimExpr::number(0);
}

/// The cube of the size for a factorization, the square and the right sides for a solve.
static DimExpr countOfMatrix(Operation *op) {
  ArrayRef<Attribute> shape = arrayType(op->getOperand(0)).getShape();
  DimExpr rows = DimExpr::of(shape[shape.size() - 2]), columns = DimExpr::of(shape.back()), batch = countElements(shape.drop_back(2));
  auto solve = dyn_cast<SolveOp>(op);
  if (!solve)
    return batch * rows * columns * (isa<QrOp, SvdOp>(op) ? DimExpr::min(rows, columns) : columns);
  DimExpr sides = batch * rows * rows * DimExpr::of(arrayType(solve.getB()).getShape().back());
  bool isFactored = solve.getKind() == MatrixKind::General || solve.getKind() == MatrixKind::Positive;
  return isFactored ? sides + batch * rows * rows * rows : sides;
}

namespace {
class Counter {
public:
  void countBlock(Block &block, const DimExpr &times);
  OpCount sum;

private:
  void count(Operation &op, const DimExpr &times);
};
} // namespace

void Counter::count(Operation &op, const DimExpr &times) {
  if (auto loop = dyn_cast<LoopOp>(op)) {
    DimExpr passes = times * boundPasses(loop.getCount());
    countBlock(loop.getBody().front(), passes);
    if (!loop.getProceed().empty())
      countBlock(loop.getProceed().front(), passes);
    return;
  }
  if (auto scan = dyn_cast<ScanOp>(op))
    return countBlock(scan.getBody().front(), times * DimExpr::of(arrayType(scan.getYs().front()).getShape().front()));
  if (op.getNumRegions() != 0) {
    for (Region &region : op.getRegions())
      for (Block &block : region)
        countBlock(block, times);
    return;
  }
  // Whole numbers and conditions of indices are no arithmetic of the formulas.
  bool isOfNumbers = op.getNumResults() != 0 && (arrayType(op.getResult(0)).isFloat() || llvm::any_of(op.getOperandTypes(), [](Type type) {
                       return cast<ArrayType>(type).isFloat();
                     }));
  int64_t weight = getFlopWeight(&op);
  if (!isOfNumbers || weight == 0 || isa<CastOp, ConcatOp, ScatterOp>(op))
    return;
  if (isa<CholeskyOp, EighOp, LogDetOp, QrOp, SolveOp, SvdOp>(op)) {
    DimExpr cost = times * countOfMatrix(&op);
    sum.matrices = sum.matrices + cost;
    sum.flops = sum.flops + cost * DimExpr::number(2);
    return;
  }
  DimExpr points = times * countPoints(&op);
  auto add = [&](DimExpr &kind, int64_t each = 1) { kind = kind + points * DimExpr::number(each); };
  if (isa<FftOp, SortOp>(op)) {
    add(sum.matrices);
  } else if (isa<ContractOp>(op)) {
    add(sum.products);
    add(sum.additions);
  } else if (isa<LogSumExpOp>(op)) {
    add(sum.functions), add(sum.additions, 2), add(sum.comparisons);
    weight = 19;
  } else if (isa<NormOp>(op)) {
    add(sum.products), add(sum.additions);
    weight = 2;
  } else if (auto power = dyn_cast<IntPowOp>(op)) {
    bool isSquare = getInteger(power.getN()) == 2;
    add(sum.products, isSquare ? 1 : 4);
    weight = isSquare ? 1 : 4;
  } else if (isa<AddOp, NegOp, ScatterAddOp, SubOp>(op)) {
    add(sum.additions);
  } else if (auto reduce = dyn_cast<ReduceOp>(op)) {
    add(reduce.getKind() == ReductionKind::Sum ? sum.additions : reduce.getKind() == ReductionKind::Prod ? sum.products : sum.comparisons);
  } else if (auto cumulate = dyn_cast<CumulateOp>(op)) {
    add(cumulate.getKind() == ReductionKind::Sum ? sum.additions : cumulate.getKind() == ReductionKind::Prod ? sum.products : sum.comparisons);
  } else if (isa<MulOp>(op)) {
    add(sum.products);
  } else if (isa<DivOp, ModOp, SqrtOp>(op)) {
    add(sum.divisions);
  } else {
    add(weight >= 16 ? sum.functions : sum.comparisons);
  }
  sum.flops = sum.flops + points * DimExpr::number(weight);
}

void Counter::countBlock(Block &block, const DimExpr &times) {
  for (Operation &op : block)
    count(op, times);
}

static DimExpr countBytes(ArrayType type) { return countElements(type.getShape()) * DimExpr::number(getElementBytes(type)); }

OpCount countOps(FuncOp func) {
  Counter counter;
  counter.countBlock(func.getBody().front(), DimExpr::number(1));
  for (Value argument : func.getArguments())
    if (!argument.use_empty())
      counter.sum.read = counter.sum.read + countBytes(arrayType(argument));
  for (Type type : func.getResultTypes())
    counter.sum.written = counter.sum.written + countBytes(cast<ArrayType>(type));
  return counter.sum;
}

std::string printCount(const OpCount &count) {
  SmallVector<std::string> parts;
  for (auto [formula, noun] : {std::pair(&count.additions, "additions"), std::pair(&count.products, "products"), std::pair(&count.divisions, "divisions and roots"),
                               std::pair(&count.functions, "functions"), std::pair(&count.comparisons, "comparisons and choices"),
                               std::pair(&count.matrices, "steps of matrices, sorts and transforms")})
    if (!formula->isValid() || formula->getNumber() != 0)
      parts.push_back((formula->isValid() ? formula->print() : "many") + std::string(" ") + noun);
  auto bytes = [](const DimExpr &formula) { return formula.isValid() ? formula.print() : "many"; };
  return (parts.empty() ? "no arithmetic" : llvm::join(parts, ", ")) + "; reads " + bytes(count.read) + " bytes, writes " + bytes(count.written);
}

} // namespace gradus
