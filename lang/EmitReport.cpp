//===- EmitReport.cpp - Reports from inside of blocks --------------------------===//
//
// What a block emits is a result of the block: of 'when' that of the block that ran, of a loop that of its last pass. Where nothing ran there is no
// report: NaN, 0 of integers, false of conditions. The types are known when the block has been elaborated, so that its op is made again with more
// results. In a rule of many tensors each of them runs its own block, and has its own report.
//
//===----------------------------------------------------------------------===//

#include "lang/Reports.h"
#include "lang/Elaborator.h"
#include "lang/Walk.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::SmallVector;
using mlir::Value;

LoopOp lang::carryAlso(LoopOp loop, llvm::ArrayRef<Value> init, llvm::ArrayRef<Value> last, mlir::OpBuilder &builder) {
  SmallVector<Value> all(loop.getInit());
  all.append(init.begin(), init.end());
  mlir::OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(loop);
  auto wider = LoopOp::create(builder, loop.getLoc(), mlir::TypeRange(mlir::ValueRange(all)), loop.getCount(), all);
  wider.getBody().takeBody(loop.getBody());
  wider.getProceed().takeBody(loop.getProceed());
  for (mlir::Region *region : {&wider.getBody(), &wider.getProceed()})
    for (Value value : region->empty() ? llvm::ArrayRef<Value>() : last)
      region->front().addArgument(value.getType(), loop.getLoc());
  auto yield = wider.getBody().front().getTerminator();
  yield->insertOperands(yield->getNumOperands(), last);
  loop.erase();
  return wider;
}

//===----------------------------------------------------------------------===//
// Lists of reports
//===----------------------------------------------------------------------===//

static auto findPath(std::vector<Report> &reports, llvm::StringRef path, size_t begin = 0) {
  return std::find_if(reports.begin() + begin, reports.end(), [&](const Report &report) { return report.path == path; });
}

/// Where a report goes that is made here; null where nobody takes it.
Elaborator::Reports *Elaborator::reportsHere() { return blockReports ? blockReports : currentRun ? currentRun->reports : nullptr; }

void Elaborator::addReport(Report report) {
  Reports *reports = reportsHere();
  if (!reports || report.value.isPoison())
    return;
  if (!report.value.axes.empty()) {
    error(Code::ReportInside, report.loc, "'" + report.path + "' depends on the index '" + report.value.axes.front()->name + "', so that a step has many of it").suggest("emit an array");
    return;
  }
  if (auto same = findPath(*reports, report.path); same != reports->end()) {
    error(Code::ReportNotNew, report.loc, "'" + report.path + "' is emitted twice").note(same->loc, "it is emitted first here");
    return;
  }
  reports->push_back(std::move(report));
}

/// Whether a block may report something, which must have a value where the block does not run.
bool Elaborator::mayReport(const ast::Block &block, Scope &scope) {
  if (!primes || !primes->around)
    return false;
  bool found = emitsReport(block);
  forEachExpr(block, [&](const ast::Expr &expr) {
    auto *call = llvm::dyn_cast<ast::Call>(&expr);
    auto *callee = call ? llvm::dyn_cast<ast::Name>(call->callee.get()) : nullptr;
    const Binding *binding = callee ? scope.find(callee->name) : nullptr;
    const RuleSite *site = binding ? binding->entity.site() : nullptr;
    if (!site || !site->call)
      return;
    const ast::Rule &rule = *site->call->rule;
    auto wraps = [](const ast::Param &param) { return param.type && param.type->kind == ast::TypeKind::Rule; };
    found |= emitsReport(rule.block) || llvm::any_of(rule.params, wraps);
  });
  return found;
}

/// What stands for a report that was not made.
Array Elaborator::unreported(const Array &like, Location at) {
  Array none = like;
  for (Value &lane : none.lanes) {
    Array fill = filled(kindOf(lane) == Kind::Float ? std::numeric_limits<double>::quiet_NaN() : 0, typeOf(lane).getShape(), at);
    lane = castTo(toKind(fill, kindOf(lane), at).lanes.front(), typeOf(lane).getElementType(), at);
  }
  return none;
}

/// The reports of one tensor beside those of the tensors before it, which begin at `begin`.
void Elaborator::joinTensor(size_t begin, Reports &ofTensor) {
  for (Report &report : ofTensor) {
    Reports *reports = reportsHere();
    report.value.isEach = true;
    if (auto before = reports ? findPath(*reports, report.path, begin) : Reports::iterator(); reports && before != reports->end())
      before->value.lanes.push_back(report.value.lanes.front());
    else
      addReport(std::move(report));
  }
}

//===----------------------------------------------------------------------===//
// Blocks with more results
//===----------------------------------------------------------------------===//

static SmallVector<Value> lanesOf(llvm::ArrayRef<Report> reports) {
  SmallVector<Value> lanes;
  for (const Report &report : reports)
    llvm::append_range(lanes, report.value.lanes);
  return lanes;
}

/// The reports with the last results of an op as their values.
static std::vector<Report> resultsOf(mlir::Operation *op, std::vector<Report> reports) {
  mlir::ResultRange rest = op->getResults().take_back(lanesOf(reports).size());
  for (Report &report : reports)
    for (Value &lane : report.value.lanes) {
      lane = rest.front();
      rest = rest.drop_front();
    }
  return reports;
}

/// The types of an op's results, then those of further values.
static SmallVector<mlir::Type> typesOf(mlir::Operation *op, llvm::ArrayRef<Value> further) {
  SmallVector<mlir::Type> types(op->getResultTypes());
  for (Value value : further)
    types.push_back(value.getType());
  return types;
}

static void yieldAlso(mlir::Region &region, llvm::ArrayRef<Value> further) {
  mlir::Operation *yield = region.front().getTerminator();
  yield->insertOperands(yield->getNumOperands(), further);
}

void Elaborator::leaveBlock(IfOp &op, Reports &then, Reports &otherwise) {
  mlir::OpBuilder::InsertionGuard guard(builder);
  auto complete = [&](Reports &mine, Reports &other, mlir::Region &region) {
    builder.setInsertionPoint(region.front().getTerminator());
    for (const Report &report : other)
      if (findPath(mine, report.path) == mine.end())
        mine.push_back({report.path, unreported(report.value, report.loc), report.loc});
  };
  complete(then, otherwise, op.getThen());
  complete(otherwise, then, op.getOtherwise());
  Reports inOrder; // of the other block, as the first one has them
  for (Report &report : then) {
    Report &other = *findPath(otherwise, report.path);
    Kind kind = std::max(kindOf(report.value), kindOf(other.value));
    builder.setInsertionPoint(op.getThen().front().getTerminator());
    report.value = toKind(report.value, kind, report.loc);
    builder.setInsertionPoint(op.getOtherwise().front().getTerminator());
    other.value = toKind(other.value, kind, other.loc);
    const size_t lanes = std::max(report.value.lanes.size(), other.value.lanes.size());
    for (Array *value : {&report.value, &other.value})
      value->lanes.resize(lanes, value->lanes.front());
    for (auto [mine, theirs] : llvm::zip_equal(report.value.lanes, other.value.lanes))
      if (mine.getType() != theirs.getType()) {
        error(Code::ReportInside, other.loc, "'" + other.path + "' has the shape " + describe(typeOf(theirs).getShape()) + ", but in the other block the shape " + describe(typeOf(mine).getShape()))
            .note(report.loc, "its other value is here")
            .suggest("emit it under two names");
        return;
      }
    report.value.isEach |= other.value.isEach;
    report.value.isJoint |= other.value.isJoint;
    inOrder.push_back(other);
  }
  if (then.empty())
    return;
  const SmallVector<Value> further = lanesOf(then);
  builder.setInsertionPoint(op);
  auto wider = IfOp::create(builder, op.getLoc(), typesOf(op, further), op.getCondition());
  wider.getThen().takeBody(op.getThen());
  wider.getOtherwise().takeBody(op.getOtherwise());
  yieldAlso(wider.getThen(), further);
  yieldAlso(wider.getOtherwise(), lanesOf(inOrder));
  op.erase();
  op = wider;
  for (Report &report : resultsOf(op, then))
    addReport(std::move(report));
}

void Elaborator::leaveBlock(EveryOp &op, Reports &body) {
  if (body.empty())
    return;
  mlir::OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(op);
  const SmallVector<Value> further = lanesOf(body);
  SmallVector<Value> kept(op.getKept());
  for (const Report &report : body)
    llvm::append_range(kept, unreported(report.value, report.loc).lanes);
  auto wider = EveryOp::create(builder, op.getLoc(), typesOf(op, further), op.getPeriod(), op.getTime(), kept);
  wider.getBody().takeBody(op.getBody());
  yieldAlso(wider.getBody(), further);
  op.erase();
  op = wider;
  for (Report &report : resultsOf(op, body))
    addReport(std::move(report));
}

void Elaborator::leaveBlock(LoopOp &op, Reports &body) {
  if (body.empty())
    return;
  SmallVector<Value> before;
  {
    mlir::OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(op);
    for (const Report &report : body)
      llvm::append_range(before, unreported(report.value, report.loc).lanes);
  }
  op = carryAlso(op, before, lanesOf(body), builder);
  for (Report &report : resultsOf(op, body))
    addReport(std::move(report));
}
