//===- Explain.cpp - Collects what a spec costs, and why -------------------------===//

#include "codegen/emit/Explain.h"

#include "dialect/Gradus.h"
#include "passes/fuse/Control.h"
#include "passes/fuse/Cost.h"
#include "passes/fuse/Epilogue.h"
#include "passes/fuse/Plan.h"
#include "passes/fuse/RowNest.h"

#include "mlir/IR/Remarks.h"

#include <cmath>

using namespace mlir;

namespace gradus {

//===----------------------------------------------------------------------===//
// Remarks
//===----------------------------------------------------------------------===//

namespace {

struct CollectedRemark {
  std::string function;
  ExplainedNote note;
};

/// 0 where it is not known.
unsigned findLine(Location location) {
  unsigned line = 0;
  location->walk([&](Location at) {
    auto file = dyn_cast<FileLineColLoc>(at);
    if (!file)
      return WalkResult::advance();
    line = file.getLine();
    return WalkResult::interrupt();
  });
  return line;
}

/// Keeps what the passes say instead of writing it to a file.
class RemarkCollector : public remark::detail::MLIRRemarkStreamerBase {
public:
  explicit RemarkCollector(std::vector<CollectedRemark> &into) : into(into) {}

  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    CollectedRemark collected;
    collected.function = remark.getFunction().str();
    collected.note.kind = remark.getRemarkName().str();
    for (const auto &arg : remark.getArgs())
      collected.note.text += arg.val;
    collected.note.line = findLine(remark.getLocation());
    into.push_back(std::move(collected));
  }

private:
  std::vector<CollectedRemark> &into;
};

/// Listens to the remarks of fusion while it lives. One thread alone runs meanwhile, so that they come in order.
class RemarkScope {
public:
  RemarkScope(MLIRContext &context, std::vector<CollectedRemark> &into) : context(context), wasThreaded(context.isMultithreadingEnabled()) {
    context.disableMultithreading();
    remark::RemarkCategories categories;
    categories.passed = categories.missed = categories.analysis = "gradus-fuse";
    isListening = succeeded(remark::enableOptimizationRemarks(context, std::make_unique<RemarkCollector>(into),
                                                              std::make_unique<remark::RemarkEmittingPolicyAll>(), categories));
  }
  ~RemarkScope() {
    if (isListening)
      context.setRemarkEngine(nullptr);
    context.enableMultithreading(wasThreaded);
  }
  bool isOpen() const { return isListening; }

private:
  MLIRContext &context;
  bool wasThreaded;
  bool isListening = false;
};

} // namespace

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

static std::string toText(Attribute dim) {
  if (auto symbol = dyn_cast<StringAttr>(dim))
    return symbol.str();
  return std::to_string(cast<IntegerAttr>(dim).getInt());
}

static std::string kindOf(KernelOp kernel) {
  std::string kind = "elementwise";
  for (Operation &op : kernel.getBody().front()) {
    if (isa<ContractOp>(op))
      kind = "contraction";
    if (isa<ScatterAddOp, ScatterOp>(op))
      kind = "scatter";
    if (isa<ReduceOp, ArgReduceOp>(op))
      kind = "reduction";
    if (isa<CumulateOp>(op))
      kind = "cumulation";
    if (isa<FftOp>(op))
      kind = "Fourier transform";
    if (isCut(&op))
      kind = "meeting of workers";
    if (isMatrixOp(&op))
      kind = "factorization";
    if (isa<ScanOp>(op))
      kind = "recurrence";
    if (isa<SortOp>(op))
      kind = "sort";
  }
  return kind;
}

/// The dimensions that a contraction sums over.
static std::vector<std::string> findSummed(KernelOp kernel) {
  std::vector<std::string> summed;
  for (auto contract : kernel.getBody().getOps<ContractOp>()) {
    llvm::SmallDenseSet<int64_t> seen(contract.getOut().begin(), contract.getOut().end());
    auto add = [&](Value operand, ArrayRef<int64_t> labels) {
      for (auto [dim, label] : llvm::zip_equal(cast<ArrayType>(operand.getType()).getShape(), labels))
        if (seen.insert(label).second)
          summed.push_back(toText(dim));
    };
    add(contract.getA(), contract.getLhs());
    add(contract.getB(), contract.getRhs());
  }
  return summed;
}

/// How a value that a kernel reads or stores is called; what control hands on may be one of several.
static std::string nameOf(FuncOp func, const Plan &plan, Value value) {
  auto arg = dyn_cast<BlockArgument>(value);
  if (arg && arg.getOwner()->getParentOp() == func)
    return func.getArgName(arg.getArgNumber()).str();
  if (arg || isControl(value.getDefiningOp())) {
    std::string names;
    for (Value origin : getOrigins(value))
      names += (names.empty() ? "" : " or ") + nameOf(func, plan, origin);
    return names;
  }
  const Storage &where = plan.getStorage(value);
  if (where.argument >= 0)
    return func.getArgName(where.argument).str();
  if (where.result >= 0)
    return func.getResultName(where.result).str();
  std::string suffix = "." + std::to_string(cast<OpResult>(value).getResultNumber());
  return "#" + std::to_string(plan.getPosition(cast<KernelOp>(value.getDefiningOp()))) + suffix;
}

/// When a kernel runs: what stands around it, from inside out.
static std::string describeControl(KernelOp kernel) {
  std::string text;
  for (Operation *op = kernel->getParentOp(); isControl(op); op = op->getParentOp())
    text += std::string(text.empty() ? "" : ", ") +
            (isa<LoopOp>(op) ? "each pass of a loop" : isa<EveryOp>(op) ? "every period" : "where a condition holds");
  return text;
}

/// What a kernel shares with the others of its nest.
static void describeNest(FuncOp func, const Plan &plan, KernelOp kernel, const RowNest &nest, ExplainedKernel &result) {
  result.nest = "[" + toText(nest.rows) + "]";
  if (nest.narrow)
    result.nest += " where " + toText(nest.narrow) + " <= " + std::to_string(widestProduct);
  for (Value operand : kernel.getOperands())
    if (nest.isCached(kernel, operand))
      result.cached.push_back(nameOf(func, plan, operand));
  for (Value stored : kernel.getStored())
    if (nest.isLocal(stored, plan))
      result.cached.push_back(nameOf(func, plan, stored));
}

/// What a product and its epilogue hand on unit by unit.
static void describeEpilogue(FuncOp func, const Plan &plan, KernelOp kernel, ExplainedKernel &result) {
  KernelOp product = getProductOf(kernel), epilogue = getEpilogueOf(kernel);
  if (epilogue && !isArrayToo(kernel, epilogue, plan))
    result.cached.push_back(nameOf(func, plan, kernel.getResult(0)));
  if (!product)
    return;
  result.product = plan.getPosition(product);
  if (auto mark = product->getAttrOfType<ArrayAttr>(nestAttribute)) // in the other calls its nest has written it
    result.productWhere = toText(mark[2]) + " > " + std::to_string(widestProduct);
  else
    result.cached.push_back(nameOf(func, plan, product.getResult(0)));
}

/// Whether the kernel runs over the elements of an argument of role param.
static bool runsOverParameter(FuncOp func, KernelOp kernel) {
  SmallVector<Attribute> domain = llvm::to_vector(kernel.getDomain());
  for (auto [index, type] : llvm::enumerate(func.getArgumentTypes()))
    if (func.getArgRole(index) == Role::Param && cast<ArrayType>(type).getShape() == ArrayRef<Attribute>(domain))
      return true;
  return false;
}

/// The bytes of an element in memory, its share of a block's scale included.
static double bytesOfElement(ArrayType type) {
  if (auto blocks = dyn_cast<BlocksType>(type.getElementType()))
    return 1 + static_cast<double>(BlocksType::scaleBytes) / static_cast<double>(blocks.getSize());
  return static_cast<double>((type.getElementType().getIntOrFloatBitWidth() + 7) / 8);
}

/// What a kernel that does other work too reads for the guard alone, for each element of its domain.
static double countReadForGuard(const Plan &plan, KernelOp kernel) {
  llvm::DenseSet<Value> needed;
  SmallVector<Value> pending;
  for (auto [stored, value] : llvm::zip_equal(kernel.getStored(), kernel.getBody().front().getTerminator()->getOperands()))
    if (!plan.isForGuard(stored))
      pending.push_back(value);
  while (!pending.empty()) {
    Value value = pending.pop_back_val();
    if (Operation *op = value.getDefiningOp(); needed.insert(value).second && op)
      llvm::append_range(pending, op->getOperands());
  }
  double sum = 0;
  KernelOp product = getProductOf(kernel);
  for (auto [operand, argument] : llvm::zip_equal(kernel.getOperands(), kernel.getBody().getArguments())) {
    auto type = cast<ArrayType>(argument.getType());
    bool isInCache = product && operand.getDefiningOp() == product && !product->hasAttr(nestAttribute);
    if (type.getShape() == kernel.getDomain().getValue() && !needed.contains(argument) && !isInCache)
      sum += bytesOfElement(type);
  }
  return sum;
}

static ExplainedKernel describe(FuncOp func, const Plan &plan, KernelOp kernel, unsigned phase) {
  ExplainedKernel result;
  result.phase = phase;
  result.position = plan.getPosition(kernel);
  result.kind = kindOf(kernel);
  result.under = describeControl(kernel);
  for (Attribute dim : kernel.getDomain())
    result.domain.push_back(toText(dim));
  result.summed = findSummed(kernel);
  for (Value operand : kernel.getOperands())
    if (!cast<ArrayType>(operand.getType()).isScalar())
      result.reads.push_back(nameOf(func, plan, operand));
  for (Value stored : kernel.getStored())
    result.writes.push_back(nameOf(func, plan, stored));
  bool isStandingAlone = result.kind != "elementwise" && result.kind != "reduction";
  for (Operation &op : kernel.getBody().front()) {
    // What is of lower rank is computed once a row. A draw has operands of rank 0 alone.
    Value model = isa<DrawOp>(op) ? op.getResult(0) : op.getNumOperands() ? op.getOperand(0) : Value();
    int64_t rank = model ? cast<ArrayType>(model.getType()).getRank() : 0;
    if (getFlopWeight(&op) == 0 || (!isStandingAlone && rank < static_cast<int64_t>(kernel.getDomain().size())))
      continue;
    ++result.operations;
    result.flops += getFlopWeight(&op);
  }
  result.isPerParameter = runsOverParameter(func, kernel);
  result.isForGuard = plan.isForGuard(kernel);
  result.readForGuard = result.isForGuard ? 0 : countReadForGuard(plan, kernel);
  return result;
}

/// The arrays that each loop carries from pass to pass, among them what it keeps for its derivative.
static void describeLoops(FuncOp func, std::vector<ExplainedNote> &notes) {
  func.walk<WalkOrder::PreOrder>([&](LoopOp loop) {
    std::string text;
    llvm::raw_string_ostream os(text);
    for (Type type : loop.getInit().getTypes()) {
      auto array = cast<ArrayType>(type);
      if (array.isScalar())
        continue;
      os << (text.empty() ? "" : ", ") << '[';
      llvm::interleaveComma(array.getShape(), os, [&](Attribute dim) { os << toText(dim); });
      os << "] " << array.getElementType();
    }
    if (!text.empty())
      notes.push_back({"carried", text, findLine(loop.getLoc())});
  });
}

/// Each tensor of the shape of a parameter once: read if the step needs it, written if the step changes it.
static std::optional<double> findFloor(FuncOp func, const Plan &plan) {
  double sum = 0;
  llvm::DenseSet<Value> read;
  bool hasAny = false;
  for (KernelOp kernel : plan.getKernels()) {
    if (!runsOverParameter(func, kernel))
      continue;
    hasAny = true;
    auto isOfFunc = [&](Value value) { return isa<BlockArgument>(value) && value.getParentBlock() == &func.getBody().front(); };
    for (Value operand : kernel.getOperands())
      if (auto type = cast<ArrayType>(operand.getType()); isOfFunc(operand) && type.getShape() == kernel.getDomain().getValue() && read.insert(operand).second)
        sum += bytesOfElement(type);
    for (Value stored : kernel.getStored())
      if (plan.getStorage(stored).result >= 0 && !isRankZero(stored))
        sum += bytesOfElement(cast<ArrayType>(stored.getType()));
  }
  return hasAny && func.getKind() == FuncKind::RuleStep ? std::optional(sum) : std::nullopt;
}

static ExplainedEntry describe(FuncOp func, ArrayRef<CollectedRemark> remarks) {
  ExplainedEntry entry;
  entry.name = func.getSymName().str();
  entry.kind = stringifyFuncKind(func.getKind()).str();
  Plan plan(func);
  for (PhaseOp phase : func.getBody().getOps<PhaseOp>()) {
    std::optional<RowNest> nest;
    phase.walk<WalkOrder::PreOrder>([&](KernelOp kernel) {
      entry.kernels.push_back(describe(func, plan, kernel, entry.phases));
      describeEpilogue(func, plan, kernel, entry.kernels.back());
      if (std::optional<RowNest> next = RowNest::startingAt(kernel))
        nest = next;
      if (nest && llvm::is_contained(nest->kernels, kernel))
        describeNest(func, plan, kernel, *nest, entry.kernels.back());
    });
    ++entry.phases;
  }
  for (const CollectedRemark &remark : remarks)
    if (remark.function == entry.name)
      entry.notes.push_back(remark.note);
  describeLoops(func, entry.notes);
  entry.floor = findFloor(func, plan);
  return entry;
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

std::optional<double> ExplainedEntry::getBytesPerParameter() const {
  std::optional<double> sum;
  for (const ExplainedKernel &kernel : kernels)
    if (kernel.isPerParameter && kernel.traffic)
      sum = sum.value_or(0.0) + kernel.traffic->read + kernel.traffic->written;
  return kind == "rule_step" ? sum : std::nullopt;
}

double ExplainedEntry::getGuardBytesPerParameter() const {
  double sum = 0;
  for (const ExplainedKernel &kernel : kernels)
    if (kind == "rule_step" && kernel.isPerParameter && kernel.traffic)
      sum += kernel.isForGuard ? kernel.traffic->read + kernel.traffic->written : kernel.readForGuard;
  return sum;
}

std::optional<DimExpr> ExplainedEntry::getGuardBytes() const {
  std::optional<DimExpr> sum;
  for (const ExplainedKernel &kernel : kernels) {
    double moved = kernel.isForGuard && kernel.traffic ? kernel.traffic->read + kernel.traffic->written : kernel.readForGuard;
    if (kind != "train_step" || !(kernel.isForGuard || moved > 0))
      continue;
    DimExpr bytes = DimExpr::number(static_cast<int64_t>(std::ceil(moved)));
    for (const std::string &dim : kernel.domain)
      bytes = bytes * DimExpr::parse(dim);
    sum = sum.value_or(DimExpr::number(0)) + bytes;
  }
  return sum && sum->isValid() ? sum : std::nullopt;
}

std::optional<int64_t> ExplainedEntry::getFlopsPerParameter() const {
  std::optional<int64_t> sum;
  for (const ExplainedKernel &kernel : kernels)
    if (kernel.isPerParameter)
      sum = sum.value_or(0) + kernel.flops;
  return kind == "rule_step" ? sum : std::nullopt;
}

FailureOr<Explanation> explain(ModuleOp module, const PhaseOptions &options) {
  MLIRContext &context = *module.getContext();
  OwningOpRef<ModuleOp> copy(module.clone());
  std::vector<CollectedRemark> remarks;
  RemarkScope scope(context, remarks);
  if (!scope.isOpen())
    return module.emitError("the remarks of fusion cannot be collected");
  PassManager planning(&context);
  buildPhasesUpTo(planning, Phase::Fuse, options);
  if (failed(planning.run(*copy)))
    return failure();
  Explanation explanation;
  for (FuncOp func : copy->getOps<FuncOp>())
    if (func.getKind() != FuncKind::Test)
      explanation.push_back(describe(func, remarks));
  for (FuncOp func : module.getOps<FuncOp>())
    for (ExplainedEntry &entry : explanation)
      if (func.getKind() == FuncKind::Loss && entry.name == func.getSymName() && !func.getSymName().ends_with(".grad"))
        entry.cost = explainCost(func, options);
  PassManager lowering(&context);
  buildPhase(lowering, Phase::Lower, options);
  if (failed(lowering.run(*copy)))
    return failure();
  for (ExplainedEntry &entry : explanation)
    for (ExplainedKernel &kernel : entry.kernels)
      kernel.traffic = findTraffic(*copy, entry.name, kernel.position);
  return explanation;
}

} // namespace gradus
