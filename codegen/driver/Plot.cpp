//===- Plot.cpp - gradus plot ---------------------------------------------------------===//
//
// What is drawn is written as a spec of its own, which imports the specs of the command line: a function of one number for a curve, a train unit on a
// test function for a path. So the arguments of a call are those of the language, and what is wrong with them is said by the front end. The values are those
// of the reference evaluator, in f64; a derivative is the compiler's own.
//
//===----------------------------------------------------------------------===//

#include "codegen/driver/Commands.h"
#include "codegen/driver/Picture.h"
#include "codegen/driver/PlotSchedule.h"
#include "codegen/driver/PlotUnits.h"
#include "codegen/driver/Session.h"
#include "codegen/driver/TestFunctions.h"
#include "codegen/driver/Training.h"
#include "codegen/reference/Evaluator.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;

namespace gradus::driver {

/// The name of the written spec in messages.
static constexpr llvm::StringLiteral written = "(plot)";
static constexpr uint64_t maxPoints = 1200;

static int fail(const std::string &text) {
  llvm::errs() << "gradus: error: " << text << '\n';
  return ExitFailed;
}

static std::string numberOf(double x) { return llvm::formatv("{0}", llvm::format("%.6g", x)).str(); }

/// "-2.5"; nothing, with a message, for anything else.
static std::optional<double> readNumber(StringRef option, StringRef text) {
  double value;
  if (!text.trim().getAsDouble(value) && std::isfinite(value))
    return value;
  usageError("'" + option.str() + "' expects a number, but got '" + text.str() + "'");
  return std::nullopt;
}

/// Writes the picture; the exit code.
static int writePicture(const Invocation &invocation, const PlotUnits &units, const std::string &picture) {
  std::string path = invocation.get("-o", units.getUnits().front().name.str() + ".svg");
  if (llvm::Error problem = llvm::writeToOutput(path, [&](llvm::raw_ostream &os) { os << picture; return llvm::Error::success(); }))
    return fail("cannot write '" + path + "': " + llvm::toString(std::move(problem)));
  if (path != "-")
    llvm::outs() << path << '\n';
  return ExitOk;
}

/// The call, or the names of several, which the legend has with their arguments.
static std::string titleOf(const PlotUnits &units) {
  if (units.getUnits().size() == 1 && units.getUnits().front().text.size() < 70)
    return units.getUnits().front().text;
  std::vector<std::string> names;
  for (const PlottedUnit &unit : units.getUnits())
    if (!llvm::is_contained(names, unit.name))
      names.push_back(unit.name.str());
  return llvm::join(names, ", ");
}

//===----------------------------------------------------------------------===//
// Curves
//===----------------------------------------------------------------------===//

/// Where a curve is taken: `count` numbers from low to high.
static std::vector<double> spread(Span span, size_t count) {
  std::vector<double> xs;
  for (size_t k = 0; k < count; ++k)
    xs.push_back(span.low + span.size() * static_cast<double>(k) / static_cast<double>(count - 1));
  return xs;
}

/// `name(first, arguments)`.
static void writeCall(WrittenSpec &spec, const PlottedUnit &unit, StringRef first = "", StringRef otherwise = "") {
  spec.quote(unit.name);
  spec << "(" << first;
  spec << (first.empty() || (unit.arguments.empty() && otherwise.empty()) ? "" : ", ");
  if (unit.arguments.empty())
    spec << otherwise;
  else
    spec.quote(unit.arguments);
  spec << ")";
}

/// The unit at x. A prox takes a step, which is 1 unless the call says otherwise.
static void writeCallAtX(WrittenSpec &spec, const PlottedUnit &unit) {
  auto *function = dyn_cast<ast::Function>(unit.unit);
  bool isProx = function && function->function == ast::FunctionKind::Prox;
  bool needsStep = isProx && function->params.size() > 1 && !function->params[1].defaultValue;
  writeCall(spec, unit, "x", needsStep ? function->params[1].name.name + " = 1" : "");
}

/// The curves of schedules: their values in whole steps. One that keeps a state runs through all of them.
static int plotSchedules(const Invocation &invocation, PlotUnits &units) {
  std::optional<uint64_t> steps = invocation.getCountOr("--steps", 1000, 2);
  if (!steps)
    return ExitUsage;
  WrittenSpec spec = units.beginSpec();
  std::vector<std::optional<KeptSchedule>> kept;
  for (auto [k, unit] : llvm::enumerate(units.getUnits())) {
    kept.push_back(KeptSchedule::make(unit, k));
    if (kept.back()) {
      kept.back()->write(spec);
      continue;
    }
    spec.writeFor(unit.call, [&, k = k, &unit = unit] {
      spec << llvm::formatv("schedule plotted_{0}() = ", k).str();
      writeCall(spec, unit);
      spec << "\n";
    });
  }
  Session session;
  ModuleOp module = session.loadWritten(written.str(), spec, "f64", invocation);
  if (!module)
    return ExitFailed;
  std::vector<double> xs;
  for (double t : spread({1, static_cast<double>(*steps)}, std::min(*steps, maxPoints)))
    xs.push_back(std::round(t));
  std::vector<Curve> curves;
  for (auto [k, unit] : llvm::enumerate(units.getUnits())) {
    std::string error;
    std::optional<std::vector<double>> values =
        kept[k] ? kept[k]->run(module, *steps, error) : evaluateAt(module.lookupSymbol<FuncOp>(llvm::formatv("plotted_{0}", k).str()), xs, error);
    if (!values)
      return units.refuse(Code::NoPicture, nameOf(*unit.unit).loc, "'" + unit.name.str() + "' has no picture: " + error, "");
    if (kept[k]) {
      std::vector<double> all = std::move(*values);
      values.emplace();
      for (double t : xs)
        values->push_back(all[static_cast<size_t>(t) - 1]);
    }
    if (llvm::none_of(*values, [](double y) { return std::isfinite(y); }))
      return units.refuse(Code::PictureEmpty, nameOf(*unit.unit).loc, "no value of '" + unit.name.str() + "' is finite up to step " + std::to_string(*steps), "--steps says how far it is drawn");
    curves.push_back({unit.text, xs, *values, false});
  }
  return writePicture(invocation, units, drawCurves(titleOf(units), "t", "value", curves));
}

/// The range of a function's argument; nothing, with a message, if it is none.
static std::optional<Span> readRange(const Invocation &invocation) {
  std::optional<double> low = readNumber("--from", invocation.get("--from")), high = readNumber("--to", invocation.get("--to"));
  if (!low || !high)
    return std::nullopt;
  if (*low < *high)
    return Span{*low, *high};
  usageError("'--from' must be below '--to', but " + numberOf(*low) + " is not below " + numberOf(*high));
  return std::nullopt;
}

/// The curves of functions with their derivatives, or of proxes beside the identity.
static int plotFunctions(const Invocation &invocation, PlotUnits &units) {
  std::optional<Span> range = readRange(invocation);
  if (!range)
    return ExitUsage;
  bool isProx = units.getKind() == PictureKind::Prox, hasSlope = !isProx && !invocation.has("--no-derivative");
  WrittenSpec spec = units.beginSpec();
  for (auto [k, unit] : llvm::enumerate(units.getUnits()))
    spec.writeFor(unit.call, [&, k = k, &unit = unit] {
      spec << llvm::formatv("fn plotted_{0}(x: []) = ", k).str();
      writeCallAtX(spec, unit);
      spec << "\n";
      if (!hasSlope)
        return;
      spec << llvm::formatv("fn slope_{0}(x: []) = grad[x](", k).str();
      writeCallAtX(spec, unit);
      spec << ")\n";
    });
  Session session;
  ModuleOp module = session.loadWritten(written.str(), spec, "f64", invocation);
  if (!module || !session.runPhases(Phase::Differentiate))
    return ExitFailed;
  std::vector<double> xs = spread(*range, maxPoints + 1);
  std::vector<Curve> curves;
  for (auto [k, unit] : llvm::enumerate(units.getUnits()))
    for (bool isSlope : {false, true}) {
      if (isSlope && !hasSlope)
        continue;
      std::string error;
      std::optional<std::vector<double>> values = evaluateAt(module.lookupSymbol<FuncOp>(llvm::formatv("{0}_{1}", isSlope ? "slope" : "plotted", k).str()), xs, error);
      if (!values)
        return fail(error);
      if (!isSlope && llvm::none_of(*values, [](double y) { return std::isfinite(y); }))
        return units.refuse(Code::PictureEmpty, nameOf(*unit.unit).loc, "no value of '" + unit.name.str() + "' is finite from " + numberOf(range->low) + " to " + numberOf(range->high),
                            "--from and --to say where it is drawn");
      curves.push_back({isSlope ? "derivative of " + unit.name.str() : unit.text, xs, *values, isSlope});
    }
  if (isProx)
    curves.push_back({"x", xs, xs, true});
  return writePicture(invocation, units, drawCurves(titleOf(units), "x", isProx ? "prox" : hasSlope ? "value, derivative" : "value", curves));
}

//===----------------------------------------------------------------------===//
// Paths
//===----------------------------------------------------------------------===//

/// "-2, 1".
static std::optional<std::pair<double, double>> readStart(const Invocation &invocation, const TestFunction &function) {
  if (!invocation.has("--start"))
    return function.start;
  std::string text = invocation.get("--start");
  auto [x, y] = StringRef(text).split(',');
  std::optional<double> first = readNumber("--start", x), second = first ? readNumber("--start", y) : std::nullopt;
  return second ? std::optional(std::pair(*first, *second)) : std::nullopt;
}

/// Whether the first param of a rule is declared as a matrix.
static bool isOfMatrices(const ast::Rule &rule) {
  for (const ast::StmtPtr &stmt : rule.block.statements)
    if (auto *param = dyn_cast<ast::ParamStmt>(stmt.get()))
      return param->decls.front().type && param->decls.front().type->dims.size() == 2;
  return false;
}

/// The spec of the paths: the function of a vector, of a matrix of one row for rules of matrices, of arrays for the contours, and a train unit for each rule.
static WrittenSpec writeTraining(const PlotUnits &units, const TestFunction &function) {
  WrittenSpec spec = units.beginSpec();
  std::string formula = function.formula.str();
  spec << "loss of_vector(w: [2]) {\n  x = w[0]\n  y = w[1]\n  return " + formula + "\n}\n";
  spec << "loss of_matrix(w: [1, 2]) {\n  x = w[0, 0]\n  y = w[0, 1]\n  return " + formula + "\n}\n";
  spec << "fn heights(x: [n], y: [n]) = " + formula + "\n";
  for (auto [k, unit] : llvm::enumerate(units.getUnits()))
    spec.writeFor(unit.call, [&, k = k, &unit = unit] {
      spec << llvm::formatv("train plotted_{0} = minimize {1} over w with ", k, isOfMatrices(*cast<ast::Rule>(unit.unit)) ? "of_matrix" : "of_vector").str();
      writeCall(spec, unit);
      spec << "\n";
    });
  return spec;
}

/// The heights of a function at points; the formula has no way to fail.
static std::vector<double> heightsAt(ModuleOp module, std::vector<double> xs, std::vector<double> ys) {
  auto count = static_cast<int64_t>(xs.size());
  std::string error;
  reference::Arrays<double> points{reference::Array<double>::real({count}, std::move(xs)), reference::Array<double>::real({count}, std::move(ys))};
  auto results = reference::evaluate<double>(module.lookupSymbol<FuncOp>("heights"), points, error);
  return failed(results) ? std::vector<double>(count, NAN) : std::move(results->front().reals);
}

static Grid gridOf(ModuleOp module, const TestFunction &function) {
  Grid grid{301, 241, {}}; // fine enough for the valley of Rosenbrock's function
  std::vector<double> xs, ys;
  for (double y : spread(function.y, grid.rows))
    for (double x : spread(function.x, grid.columns)) {
      xs.push_back(x);
      ys.push_back(y);
    }
  grid.heights = heightsAt(module, std::move(xs), std::move(ys));
  return grid;
}

/// Steps a unit and notes where it is. What the guard refuses ends the path, and `end` says so; false, with `error` set, if it cannot be stepped at all.
static bool tracePath(ModuleOp module, const std::string &unit, std::pair<double, double> start, uint64_t steps, uint64_t seed, Trace &trace, std::string &end,
                      std::string &error) {
  FuncOp init = module.lookupSymbol<FuncOp>(unit + ".init"), step = module.lookupSymbol<FuncOp>(unit + ".step");
  if (!init || !step)
    return error = "it has named entries, which an application calls", false;
  Training training;
  training.seed = seed;
  training.init = computeEntryLayout(init);
  training.step = computeEntryLayout(step);
  training.hypers = defaultHypers(training.step);
  for (auto [hyper, value] : llvm::zip_equal(training.step.hypers, training.hypers))
    if (std::isnan(value))
      return error = "'" + hyper.name + "' has no default; give it in the call, " + hyper.name + " = ..", false;
  if (!makeVariables(training, DataBinding(), error))
    return false;
  Variable &w = *training.find("w");
  w.assign({start.first, start.second});
  std::unique_ptr<Engine> engine = createReferenceEngine(init, step);
  if (!engine->init(training, error))
    return false;
  auto note = [&] {
    trace.x.push_back(w.get(0));
    trace.y.push_back(w.get(1));
  };
  note();
  while (training.t < steps) {
    double loss;
    Stepped result = engine->step(training, loss, error);
    if (result == Stepped::Failed)
      return false;
    if (result == Stepped::Refused || !std::isfinite(w.get(0)) || !std::isfinite(w.get(1))) {
      end = "not finite at step " + std::to_string(trace.x.size());
      return true;
    }
    note();
  }
  std::vector<double> height = heightsAt(module, {trace.x.back()}, {trace.y.back()});
  end = "f = " + numberOf(height.front()) + " after " + counted(steps, "step");
  return true;
}

static int plotRules(const Invocation &invocation, PlotUnits &units) {
  std::string wanted = invocation.get("--on");
  const TestFunction &function = *llvm::find_if(getTestFunctions(), [&](const TestFunction &one) { return one.name == wanted; });
  std::optional<uint64_t> steps = invocation.getCountOr("--steps", 500, 1), seed = invocation.getCount("--seed", 0);
  std::optional<std::pair<double, double>> start = readStart(invocation, function);
  if (!steps || !seed || !start)
    return ExitUsage;
  Session session;
  ModuleOp module = session.loadWritten(written.str(), writeTraining(units, function), "f64", invocation);
  if (!module || !session.completeSteps(invocation))
    return ExitFailed;
  std::vector<Trace> traces;
  for (auto [k, unit] : llvm::enumerate(units.getUnits())) {
    Trace &trace = traces.emplace_back();
    std::string end, error;
    if (!tracePath(module, llvm::formatv("plotted_{0}", k).str(), *start, *steps, *seed, trace, end, error))
      return units.refuse(Code::NoPicture, nameOf(*unit.unit).loc, "'" + unit.name.str() + "' has no path: " + error, "");
    trace.label = unit.text + ": " + end;
  }
  return writePicture(invocation, units, drawTraces(titleOf(units) + " on " + wanted, gridOf(module, function), function.x, function.y, function.minima, traces));
}

int runPlot(const Invocation &invocation) {
  PlotUnits units;
  if (std::optional<int> exit = units.read(invocation.inputs, invocation.get("--of")))
    return *exit;
  switch (units.getKind()) {
  case PictureKind::Schedule:
    return plotSchedules(invocation, units);
  case PictureKind::Function:
  case PictureKind::Prox:
    return plotFunctions(invocation, units);
  case PictureKind::Rule:
    return plotRules(invocation, units);
  }
  return ExitFailed;
}

} // namespace gradus::driver
