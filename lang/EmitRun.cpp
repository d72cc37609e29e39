//===- EmitRun.cpp - Several steps in a test ---------------------------------===//
//
// r = run(rule(..), .., steps = n) is one loop, whose carried values are the params, the states and the reports of the last step. r[k], the
// record after step k, is the same loop with k passes: draws depend on the time alone, so it makes the same steps.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"
#include "lang/Reports.h"

#include "llvm/Support/FormatVariadic.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::cast;
using llvm::dyn_cast;
using mlir::Value;

/// The number of steps, which is then used up.
std::optional<Array> Elaborator::takeSteps(const CallSite &site, TestRule &test) {
  auto steps = test.given.find("steps");
  if (steps == test.given.end()) {
    error(Code::MissingArgument, site.at, "'run' needs the number of steps").suggest("steps = 10");
    return std::nullopt;
  }
  Array count = steps->second.entity.array();
  if (!isScalar(count) || kindOf(count) != Kind::Int) {
    error(Code::KindMismatch, steps->second.loc, "'steps' is an integer");
    return std::nullopt;
  }
  if (std::optional<double> known = constantBehind(count); known && *known < 0) {
    error(Code::HyperOutOfInterval, steps->second.loc, "'steps' is " + llvm::formatv("{0:f0}", *known).str() + ", expected 0 or more");
    return std::nullopt;
  }
  test.given.erase(steps);
  for (const auto &[name, actual] : test.given) {
    error(Code::UnknownArgument, actual.name->loc, "the rule has no param, gradient, state or input '" + name + "'").suggest("'run' takes 'steps' besides them");
    return std::nullopt;
  }
  return count;
}

Entity Elaborator::callRun(const CallSite &site) {
  return tryRule(site, [&](TestRule &test) {
    std::optional<Array> count = takeSteps(site, test);
    return count ? runSteps(test, *count, site) : Entity();
  });
}

using KeptReads = std::map<std::string, llvm::SmallVector<SelectOp>>;

/// Where a pass reads the states of losses: `first value ? it : it`, the latter to be that of the pass before.
static KeptReads takeKeptReads(mlir::Block &block) {
  KeptReads reads;
  block.walk([&](SelectOp read) {
    if (auto path = llvm::dyn_cast_or_null<mlir::StringAttr>(read->removeAttr("kept")))
      reads[path.str()].push_back(read);
  });
  return reads;
}

/// One loop over `count` steps.
Entity Elaborator::runSteps(TestRule &test, const Array &count, const CallSite &site) {
  std::vector<Array *> carried;
  for (Array &param : test.run.params)
    carried.push_back(&param);
  for (StateSlot &slot : test.slots)
    carried.push_back(&test.states[slot.path]);
  llvm::SmallVector<Value> init;
  for (Array *array : carried) {
    if (array->isPoison())
      return {};
    init.push_back(array->lanes.front());
  }
  auto loop = LoopOp::create(builder, place(site.at), mlir::TypeRange(mlir::ValueRange(init)), count.lanes.front(), init);
  loop->setAttr("run", builder.getUnitAttr()); // the steps of a run are calls, not a loop of the spec
  mlir::OpBuilder::InsertionGuard guard(builder);
  mlir::Block &block = loop.getBody().emplaceBlock();
  Value index = block.addArgument(ArrayType::scalar(builder.getI64Type()), place(site.at));
  for (auto [array, value] : llvm::zip_equal(carried, init))
    array->lanes = {block.addArgument(value.getType(), place(site.at))};
  builder.setInsertionPointToStart(&block);
  test.run.time = add(test.run.time, {{index}}, site.at);
  std::map<std::string, Array> next;
  bool isSound = stepOnce(test, site, next);
  auto isLost = [](const Array &array) { return array.isPoison(); };
  if (!isSound || llvm::any_of(test.run.nextParams, isLost) || llvm::any_of(next, [&](const auto &state) { return isLost(state.second); }) ||
      llvm::any_of(test.reports, [&](const Report &report) { return isLost(report.value); }))
    return {};
  llvm::SmallVector<Value> results, reports, before;
  for (const Array &param : test.run.nextParams)
    results.push_back(param.lanes.front());
  for (StateSlot &slot : test.slots) {
    auto it = next.find(slot.path);
    results.push_back(it == next.end() || it->second.isPoison() ? test.states[slot.path].lanes.front() : it->second.lanes.front());
  }
  YieldOp::create(builder, place(site.at), results);
  // Without a step there is no report: NaN, or 0 of integers.
  builder.setInsertionPoint(loop);
  for (const Report &report : test.reports) {
    Value value = report.value.lanes.front();
    reports.push_back(value);
    before.push_back(unreported({{value}}, site.at).lanes.front());
  }
  // The states of a loss are no states of the rule: they begin with values that the first pass makes.
  KeptReads reads = takeKeptReads(block);
  for (auto &[key, places] : reads) {
    auto [number, path] = llvm::StringRef(key).split(':');
    const Array &last = ownEvaluations[std::stoul(number.str())].next[path.str()];
    ArrayType type = typeOf(places.front().getY());
    if (isLost(last) || typeOf(last.lanes.front()) != type)
      return {};
    reports.push_back(last.lanes.front());
    before.push_back(castTo(toKind(filled(0, type.getShape(), site.at), kindOf(last), site.at).lanes.front(), type.getElementType(), site.at));
  }
  loop = carryAlso(loop, before, reports, builder);
  size_t argument = block.getNumArguments() - reads.size();
  for (auto &[key, places] : reads) {
    for (SelectOp place : places)
      place->setOperand(2, block.getArgument(argument));
    ++argument;
  }
  Record &record = arena.records.emplace_back();
  record.run = site.call;
  record.scope = site.scope;
  size_t position = 0;
  for (const ast::StmtPtr &stmt : test.run.call->rule->block.statements)
    if (auto *params = dyn_cast<ast::ParamStmt>(stmt.get()))
      for (const ast::Decl &decl : params->decls)
        record.members[decl.name.name] = Array{{loop.getCarried()[position++]}};
  for (StateSlot &slot : test.slots)
    setMember(arena, record, slot.path, Array{{loop.getCarried()[position++]}});
  for (const Report &report : test.reports)
    setMember(arena, record, report.path, Array{{loop.getCarried()[position++]}});
  return &static_cast<const Record &>(record);
}

/// r[k]: the record after step k of a run.
Entity Elaborator::readTrace(const Record &record, const ast::Index &expr, Scope &scope) {
  if (!record.run) {
    error(Code::TraceStep, expr.loc, "a record after one step has no steps to choose from").suggest("r = run(.., steps = n) has: r[k] is the record after step k");
    return {};
  }
  const ast::Subscript &sub = expr.subscripts.front();
  if (expr.subscripts.size() != 1 || sub.kind != ast::SubKind::Value) {
    error(Code::TraceStep, sub.loc, "the subscript of a run is the number of a step: r[1] is the record after the first one");
    return {};
  }
  Array step = evalScalar(*sub.value, scope, "the number of a step");
  if (step.isPoison())
    return {};
  CallSite site{findBuiltin("run"), record.run, {}, record.scope, record.run->loc};
  return tryRule(site, [&](TestRule &test) {
    std::optional<Array> count = takeSteps(site, test);
    return count ? traceSteps(test, *count, step, site, sub.loc) : Entity();
  });
}

/// The first `step` of `count` steps.
Entity Elaborator::traceSteps(TestRule &test, const Array &count, const Array &step, const CallSite &site, Location at) {
  std::optional<double> number = constantBehind(step), most = constantBehind(count);
  bool isOutside = number && (*number < 0 || (most && *number > *most));
  if (kindOf(step) != Kind::Int || isOutside) {
    error(Code::TraceStep, at, kindOf(step) != Kind::Int ? std::string("the number of a step is an integer")
                               : llvm::formatv("the run has made {0:f0} steps, but this is the record after step {1:f0}", most.value_or(0), *number).str())
        .note(site.at, "it runs here")
        .suggest("r[0] is what it begins with, r[1] the record after the first step");
    return {};
  }
  return runSteps(test, binary<MinOp>(step, count, at), site);
}
