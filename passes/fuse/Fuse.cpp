//===- Fuse.cpp - From expressions to phases and kernels ------------------------===//
//
// Rewrites a function into the form that dialect/Plan.td states. What shares a kernel is decided by Grouping.cpp; this
// file puts rank-0 ops on the host, cuts phases at collection-wide reductions, and builds the ops.
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"
#include "passes/fuse/Control.h"
#include "passes/fuse/Cost.h"
#include "passes/fuse/Epilogue.h"
#include "passes/fuse/Grouping.h"
#include "passes/fuse/MatrixProduct.h"
#include "passes/fuse/Plan.h"
#include "passes/fuse/RowNest.h"
#include "passes/step/Guard.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/Support/FormatVariadic.h"

namespace gradus {
#define GEN_PASS_DEF_FUSE
#include "passes/Passes.h.inc"
} // namespace gradus

using namespace mlir;
using namespace gradus;

//===----------------------------------------------------------------------===//
// Preparation
//===----------------------------------------------------------------------===//

/// A ranked constant of one repeated element becomes a rank-0 constant and a broadcast.
static void repeatSplat(ConstantOp op) {
  auto splat = dyn_cast<SplatElementsAttr>(op.getValue());
  auto type = cast<ArrayType>(op.getType());
  if (!splat || type.isScalar())
    return;
  OpBuilder builder(op);
  auto element = DenseElementsAttr::get(RankedTensorType::get({}, type.getElementType()), splat.getSplatValue<Attribute>());
  Value scalar = ConstantOp::create(builder, op.getLoc(), element);
  op.replaceAllUsesWith(BroadcastOp::create(builder, op.getLoc(), type, scalar, ArrayRef<int64_t>{}).getResult());
  op.erase();
}

/// contract(transpose(x)) -> contract(x) with the labels permuted: a matrix is never copied to be transposed.
static void foldTranspose(OpOperand &operand, DenseI64ArrayAttr labels, function_ref<void(ArrayRef<int64_t>)> setLabels) {
  auto transpose = operand.get().getDefiningOp<TransposeOp>();
  if (!transpose)
    return;
  SmallVector<int64_t> permuted(labels.size());
  for (auto [k, axis] : llvm::enumerate(transpose.getPermutation()))
    permuted[axis] = labels[k];
  operand.set(transpose.getX());
  setLabels(permuted);
}

/// transpose(contract(a, b)) -> contract(a, b) with the labels of its result permuted, where it is read so alone: a product is written as its reader wants it, whose
/// kernel can be its epilogue then. Contractions that read it take the labels themselves. Not where the contraction is one of vectors, or one product of matrices and
/// not several smaller ones, in the first order alone.
static void foldIntoResult(TransposeOp op) {
  auto contract = op.getX().getDefiningOp<ContractOp>();
  if (!contract || !contract->hasOneUse() || llvm::all_of(op->getUsers(), llvm::IsaPred<ContractOp>))
    return;
  SmallVector<int64_t> permuted = llvm::map_to_vector(op.getPermutation(), [&](int64_t axis) { return contract.getOut()[axis]; });
  OpBuilder builder(contract);
  auto turned = ContractOp::create(builder, contract.getLoc(), op.getType(), contract.getA(), contract.getB(), contract.getLhs(), contract.getRhs(), permuted);
  std::optional<MatrixProduct> was = findMatrixProduct(contract), is = findMatrixProduct(turned);
  bool isAsGood = was ? is && is->outer.size() <= was->outer.size() : is || !isVectorContract(contract) || isVectorContract(turned);
  if (!isAsGood) {
    turned.erase();
    return;
  }
  op.replaceAllUsesWith(turned.getResult());
  op.erase();
  contract.erase();
}

/// A scatter of one number becomes one of a vector of one: its kernel reads arrays.
static void widenScatter(ScatterAddOp op) {
  if (!isRankZero(op.getUpdates()))
    return;
  OpBuilder builder(op);
  for (OpOperand &operand : op->getOpOperands().drop_front()) {
    auto type = cast<ArrayType>(operand.get().getType()).withShape({builder.getI64IntegerAttr(1)});
    operand.set(BroadcastOp::create(builder, op.getLoc(), type, operand.get(), ArrayRef<int64_t>{}));
  }
}

/// Numbers that folding has moved out of a scan come back: what a kernel reads are its operands.
static bool isNumber(Operation *op) { return op->hasTrait<Pointwise>() || isa<BroadcastOp, ConstantOp, IntPowOp>(op); }

/// What costs nothing to compute in each pass of a loop: constants, counts, repeated numbers.
static bool isLiteral(Operation *op) {
  auto repeated = dyn_cast<BroadcastOp>(op);
  return isa<ConstantOp, IotaOp>(op) || (repeated && (isRankZero(repeated.getX()) || repeated.getX().getDefiningOp<IotaOp>()));
}

static void prepare(FuncOp func) {
  for (Operation &op : llvm::make_early_inc_range(func.getBody().front())) {
    if (isControl(&op) && op.use_empty()) {
      op.erase();
      continue;
    }
    if (auto scan = dyn_cast<ScanOp>(op))
      sinkInto(scan.getBody(), isNumber);
    if (auto constant = dyn_cast<ConstantOp>(op))
      repeatSplat(constant);
    if (auto scatter = dyn_cast<ScatterAddOp>(op))
      widenScatter(scatter);
    if (auto transpose = dyn_cast<TransposeOp>(op)) {
      foldIntoResult(transpose);
      continue;
    }
    if (auto contract = dyn_cast<ContractOp>(op)) {
      foldTranspose(contract.getAMutable(), contract.getLhsAttr(), [&](ArrayRef<int64_t> labels) { contract.setLhs(labels); });
      foldTranspose(contract.getBMutable(), contract.getRhsAttr(), [&](ArrayRef<int64_t> labels) { contract.setRhs(labels); });
    }
  }
}

//===----------------------------------------------------------------------===//
// Remarks
//===----------------------------------------------------------------------===//

static remark::RemarkOpts remarkNamed(StringRef name, FuncOp func) {
  return remark::RemarkOpts::name(name).category("gradus-fuse").function(func.getSymName());
}

static std::string printDomain(ArrayRef<Attribute> domain) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << '[';
  llvm::interleaveComma(domain, os, [&](Attribute dim) {
    if (auto symbol = dyn_cast<StringAttr>(dim))
      os << symbol.getValue();
    else
      os << cast<IntegerAttr>(dim).getInt();
  });
  os << ']';
  return text;
}

static std::string countOf(size_t n, StringRef noun) { return llvm::formatv("{0} {1}{2}", n, noun, n == 1 ? "" : "s"); }

/// Says for each kernel what it holds and, for each kernel that it waits for, why the two are not one.
static void remarkOnPhase(FuncOp func, unsigned level, const PhasePlan &plan) {
  for (unsigned index = 0; index < plan.kernels.size(); ++index) {
    const PlannedKernel &kernel = plan.kernels[index];
    if (kernel.control)
      continue;
    Operation *root = kernel.targets.front().value.getDefiningOp();
    Location loc = root ? root->getLoc() : func.getLoc();
    size_t ops = llvm::count_if(kernel.body, [](Operation *op) { return getFlopWeight(op) > 0; });
    remark::passed(loc, remarkNamed("fused", func))
        << llvm::formatv("phase {0}, kernel {1} over {2}: {3}, {4} stored", level, index, printDomain(kernel.domain),
                         countOf(ops, "operation"), countOf(kernel.targets.size(), "value"))
               .str();
    for (Value leaf : kernel.leaves) {
      auto home = plan.homes.find(leaf);
      if (home == plan.homes.end())
        continue;
      auto [from, slot] = home->second;
      remark::missed(leaf.getLoc(), remarkNamed("not-fused", func))
          << llvm::formatv("phase {0}, kernel {1} is not fused into kernel {2}: {3}", level, from, index,
                           plan.kernels[from].targets[slot].reason)
                 .str();
    }
  }
  for (auto [op, count] : plan.recomputed)
    remark::analysis(op->getLoc(), remarkNamed("recomputed", func))
        << llvm::formatv("phase {0}: '{1}' is computed in {2} kernels, which moves fewer bytes than storing it", level,
                         op->getName().stripDialect(), count)
               .str();
}

/// Says where each array that a kernel stores lives.
static void remarkOnStorage(FuncOp func) {
  Plan plan(func);
  llvm::DenseMap<Value, Value> hosts;
  for (KernelOp kernel : plan.getKernels())
    if (std::optional<RowNest> nest = RowNest::startingAt(kernel))
      for (auto [local, host] : nest->findHosts(plan))
        hosts[local] = host;
  for (KernelOp kernel : plan.getKernels())
    for (Value value : kernel.getStored()) {
      const Storage &where = plan.getStorage(value);
      if (where.home == Home::Scalar)
        continue;
      Value host = hosts.lookup(value);
      const Storage &last = host ? plan.getStorage(host) : where;
      StringRef target = last.argument >= 0 ? func.getArgName(last.argument) : last.result >= 0 ? func.getResultName(last.result) : StringRef();
      std::string text = host ? llvm::formatv("in '{0}', which is made of it", target).str() : "in the workspace";
      if (where.home == Home::Result)
        text = llvm::formatv("in '{0}'", target);
      if (where.home == Home::Deferred)
        text = llvm::formatv("in the workspace, copied to '{0}' at the end: the old value is read, or the call may be refused, later",
                             target);
      remark::analysis(kernel.getLoc(), remarkNamed("stored", func))
          << llvm::formatv("kernel {0}, value {1}: {2}", plan.getPosition(kernel), cast<OpResult>(value).getResultNumber(), text).str();
    }
}

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

namespace {

/// Builds the ops of one phase at the insertion point.
class PhaseBuilder {
public:
  PhaseBuilder(OpBuilder &builder, const Placement &placement, const PhasePlan &plan)
      : builder(builder), placement(placement), plan(plan) {}

  PhaseOp build(Location loc, ArrayRef<PhaseOutput> outputs);

private:
  Value getOuter(Value value);
  KernelOp buildKernel(const PlannedKernel &kernel);
  Operation *buildControl(Operation *op);

  OpBuilder &builder;
  const Placement &placement;
  const PhasePlan &plan;
  SmallVector<Operation *> kernels;
  /// Rank-0 ops of the phase, built when first needed.
  IRMapping scalars;
};

} // namespace

/// What stands, outside the kernels of the phase, for a value of the function as it was.
Value PhaseBuilder::getOuter(Value value) {
  if (auto home = plan.homes.find(value); home != plan.homes.end())
    return kernels[home->second.first]->getResult(home->second.second);
  Operation *op = value.getDefiningOp();
  if (!op || placement.isUniform(value))
    return value;
  if (scalars.contains(value))
    return scalars.lookup(value);
  for (Value input : getInputs(op))
    scalars.map(input, getOuter(input));
  builder.clone(*op, scalars);
  return scalars.lookup(value);
}

/// Its regions hold kernels already.
Operation *PhaseBuilder::buildControl(Operation *op) {
  IRMapping mapping;
  for (Value input : getInputs(op))
    mapping.map(input, getOuter(input));
  return builder.clone(*op, mapping);
}

KernelOp PhaseBuilder::buildKernel(const PlannedKernel &kernel) {
  SmallVector<Value> operands;
  for (Value leaf : kernel.leaves)
    operands.push_back(getOuter(leaf));
  SmallVector<Type> types;
  SmallVector<Location> locs;
  for (const Target &target : kernel.targets) {
    types.push_back(target.value.getType());
    locs.push_back(target.value.getLoc());
  }
  auto op = KernelOp::create(builder, builder.getFusedLoc(locs), types, builder.getArrayAttr(kernel.domain), operands);
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(&op.getBody());
  IRMapping mapping;
  for (Value leaf : kernel.leaves)
    mapping.map(leaf, block->addArgument(leaf.getType(), leaf.getLoc()));
  for (Operation *inner : kernel.body)
    builder.clone(*inner, mapping);
  SmallVector<Value> yielded;
  for (const Target &target : kernel.targets)
    yielded.push_back(mapping.lookup(target.value));
  YieldOp::create(builder, op.getLoc(), yielded);
  return op;
}

PhaseOp PhaseBuilder::build(Location loc, ArrayRef<PhaseOutput> outputs) {
  SmallVector<Type> types;
  for (const PhaseOutput &output : outputs)
    types.push_back(output.value.getType());
  auto phase = PhaseOp::create(builder, loc, types);
  OpBuilder::InsertionGuard guard(builder);
  builder.createBlock(&phase.getBody());
  SmallVector<Value> yielded(outputs.size());
  auto addGuards = [&] { // right behind what they are made of
    for (auto [index, output] : llvm::enumerate(outputs))
      if (output.isGuard)
        yielded[index] = getOuter(output.value);
  };
  for (auto [index, kernel] : llvm::enumerate(plan.kernels)) {
    if (index == plan.numBeforeGuards)
      addGuards();
    kernels.push_back(kernel.control ? buildControl(kernel.control) : buildKernel(kernel));
    for (auto [k, target] : llvm::enumerate(kernel.targets))
      if (target.output >= 0)
        yielded[target.output] = kernels.back()->getResult(k);
  }
  for (auto [index, output] : llvm::enumerate(outputs))
    if (!yielded[index])
      yielded[index] = getOuter(output.value);
  YieldOp::create(builder, loc, yielded);
  return phase;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {

/// Rebuilds the body of one function, phase by phase, before its return.
class FunctionFuser {
public:
  FunctionFuser(FuncOp func, const Placement &placement, bool noFuse, bool isRegion)
      : func(func), placement(placement), noFuse(noFuse), isRegion(isRegion), body(func.getBody().front()), builder(body.getTerminator()) {
    for (Operation &op : body.without_terminator())
      old.push_back(&op);
  }

  void run();

private:
  void moveUniform(unsigned level);
  void buildPhase(unsigned level);
  void buildLastPhase();
  SmallVector<Value> buildOutputs(unsigned level, ArrayRef<PhaseOutput> outputs);
  void eraseOld();

  FuncOp func;
  const Placement &placement;
  bool noFuse;
  /// Of an op of control: it may yield what it reads from outside, which is not copied.
  bool isRegion;
  Block &body;
  OpBuilder builder;
  SmallVector<Operation *> old;
};

} // namespace

/// The host's ops of one level stay in the function, in their order.
void FunctionFuser::moveUniform(unsigned level) {
  for (Operation *op : old)
    if (placement.getPlace(op) == Place::Uniform && placement.getLevel(op->getResult(0)) == level)
      op->moveBefore(body.getTerminator());
}

SmallVector<Value> FunctionFuser::buildOutputs(unsigned level, ArrayRef<PhaseOutput> outputs) {
  if (outputs.empty())
    return {};
  PhasePlan plan = planPhase(placement, func, outputs, noFuse);
  remarkOnPhase(func, level, plan);
  return PhaseBuilder(builder, placement, plan).build(outputs.front().value.getLoc(), outputs).getValues();
}

/// Computes what the collection-wide reductions of this level take, then the reductions.
void FunctionFuser::buildPhase(unsigned level) {
  SmallVector<PhaseOutput> outputs;
  SmallVector<AllReduceOp> reductions;
  for (Operation *op : old)
    if (auto reduction = dyn_cast<AllReduceOp>(op); reduction && placement.getLevel(reduction.getX()) == level) {
      outputs.push_back({reduction.getX()});
      reductions.push_back(reduction);
    }
  SmallVector<Value> values = buildOutputs(level, outputs);
  for (auto [reduction, value] : llvm::zip_equal(reductions, values)) {
    remark::missed(reduction.getLoc(), remarkNamed("phase", func))
        << llvm::formatv("phase {0} waits for phase {1}: a reduction over the collection needs every tensor", level + 1, level).str();
    reduction->moveBefore(body.getTerminator());
    reduction.getXMutable().set(value);
  }
}

/// Computes the results of the function that the host does not have and that are no unchanged arguments.
void FunctionFuser::buildLastPhase() {
  SmallVector<PhaseOutput> outputs;
  SmallVector<OpOperand *> uses;
  for (OpOperand &operand : body.getTerminator()->getOpOperands()) {
    Value value = operand.get();
    int64_t replaces = func.getResultOf(operand.getOperandNumber());
    bool isUnchanged = isRegion ? isa<BlockArgument>(value) : replaces >= 0 && value == func.getArgument(replaces);
    if (placement.isUniform(value) || isUnchanged)
      continue;
    bool isGuard = !isRegion && func.getResultAttr(operand.getOperandNumber(), guardAttribute);
    outputs.push_back({value, isRankZero(value) ? -1 : replaces, isGuard});
    uses.push_back(&operand);
  }
  for (auto [use, value] : llvm::zip_equal(uses, buildOutputs(placement.getLastLevel(), outputs)))
    use->set(value);
}

void FunctionFuser::eraseOld() {
  for (Operation *op : llvm::reverse(old)) {
    Place place = placement.getPlace(op);
    if (op->use_empty() || (place != Place::Uniform && place != Place::AllReduce))
      op->erase();
  }
}

void FunctionFuser::run() {
  for (unsigned level = 0; level < placement.getLastLevel(); ++level) {
    moveUniform(level);
    buildPhase(level);
  }
  moveUniform(placement.getLastLevel());
  buildLastPhase();
  eraseOld();
}

static LogicalResult fuseFunction(FuncOp func, bool noFuse, bool isRegion = false);

/// Each region as if it were a function of what it reads.
static LogicalResult fuseRegions(Operation *op, FuncOp func, bool noFuse) {
  for (Region &region : op->getRegions()) {
    if (region.empty())
      continue;
    sinkInto(region, isLiteral);
    llvm::SetVector<Value> outside;
    getUsedValuesDefinedAbove(region, outside);
    FuncOp inner = takeRegion(region, outside.getArrayRef(), func.getSymName());
    LogicalResult result = fuseFunction(inner, noFuse, /*isRegion=*/true);
    putRegionBack(region, inner, outside.getArrayRef());
    if (failed(result))
      return failure();
  }
  return success();
}

static LogicalResult fuseFunction(FuncOp func, bool noFuse, bool isRegion) {
  prepare(func);
  for (Operation &op : func.getBody().front())
    if (isControl(&op) && !isScalarControl(&op) && failed(fuseRegions(&op, func, noFuse)))
      return failure();
  FailureOr<Placement> placement = Placement::compute(func);
  if (failed(placement))
    return failure();
  FunctionFuser(func, *placement, noFuse, isRegion).run();
  return success();
}

/// What waits for the whole collection cannot wait inside a slot's own loop.
static LogicalResult checkReductions(FuncOp func) {
  WalkResult result = func.walk([&](AllReduceOp op) -> WalkResult {
    if (op->getParentOp() == func)
      return WalkResult::advance();
    return op.emitError("G0385: not built yet: a reduction over the collection inside a loop or a condition");
  });
  return failure(result.wasInterrupted());
}

namespace {

struct Fuse : gradus::impl::FuseBase<Fuse> {
  using Base::Base;

  void runOnOperation() override {
    FuncOp func = getOperation();
    bool isFused = !func.getBody().getOps<PhaseOp>().empty();
    if (func.getKind() == FuncKind::Test || isFused)
      return markAllAnalysesPreserved();
    if (failed(checkReductions(func)) || failed(fuseFunction(func, noFuse)))
      return signalPassFailure();
    if (!noFuse) {
      formRowNests(func);
      formEpilogues(func);
    }
    if (failed(verifyPlan(func)))
      return signalPassFailure();
    remarkOnStorage(func);
  }
};

} // namespace
