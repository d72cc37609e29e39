//===- PlotSchedule.cpp - The values of schedules, step by step ---------------------===//

#include "codegen/driver/PlotSchedule.h"

#include "codegen/driver/Training.h"
#include "codegen/reference/Evaluator.h"
#include "lang/Messages.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <set>

using namespace mlir;

namespace gradus::driver {

std::optional<std::vector<double>> evaluateAt(FuncOp func, ArrayRef<double> xs, std::string &error) {
  std::vector<double> values;
  bool isTime = func.getNumArguments() == 1 && func.getArgRole(0) == Role::Time;
  for (double x : xs) {
    reference::Arrays<double> arguments;
    if (func.getNumArguments() == 1) // what reads nothing is the same everywhere
      arguments.push_back(isTime ? reference::Array<double>::scalarInt(static_cast<int64_t>(x)) : reference::Array<double>::scalar(x));
    auto results = reference::evaluate<double>(func, arguments, error);
    if (failed(results)) {
      error = llvm::formatv("'{0}' at {1}: {2}", func.getSymName(), llvm::format("%.6g", x), error).str();
      return std::nullopt;
    }
    const reference::Array<double> &value = results->front();
    values.push_back(value.kind == reference::Kind::Real ? value.reals[0] : static_cast<double>(value.ints[0]));
  }
  return values;
}

std::optional<KeptSchedule> KeptSchedule::make(const PlottedUnit &unit, size_t number) {
  auto *schedule = dyn_cast<ast::Function>(unit.unit);
  bool isKept = schedule && schedule->body.block && llvm::any_of(schedule->body.block->statements, [](const ast::StmtPtr &stmt) { return isa<ast::InputStmt, ast::StateStmt>(stmt.get()); });
  if (!isKept)
    return std::nullopt;
  KeptSchedule kept;
  kept.plotted = unit;
  kept.name = llvm::formatv("plotted_{0}", number);
  for (StringRef argument : splitCalls(unit.arguments).value_or(std::vector<StringRef>())) {
    auto [word, formula] = argument.split('=');
    word = word.trim();
    bool isName = !word.empty() && !formula.starts_with("=") && llvm::all_of(word, [](char c) { return llvm::isAlnum(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80; });
    bool isArgument = !isName || formula.empty() || llvm::any_of(schedule->params, [&](const ast::Param &param) { return param.name.name == word; });
    if (isArgument)
      kept.arguments.push_back(argument);
    else
      kept.givens.push_back({word.str(), formula.trim(), llvm::formatv("{0}_{1}", kept.name, kept.givens.size())});
  }
  return kept;
}

void KeptSchedule::write(WrittenSpec &spec) const {
  spec.writeFor(plotted.call, [&] {
    // The rule leaves its param: what matters is the state.
    spec << llvm::formatv("rule held_{0}(value = 0.0) {{\n  param w\n  shared state drawn: [] = 0\n  drawn' = value\n  w' = w\n}\n"
                          "loss nothing_{0}(w: [1]) = 0 * w[0]\n"
                          "train {0} = minimize nothing_{0} over w with held_{0}(value = ",
                          name)
                .str();
    spec.quote(plotted.name);
    spec << "(";
    for (StringRef argument : arguments) {
      spec << (argument.data() == arguments.front().data() ? "" : ", ");
      spec.quote(argument);
    }
    spec << "))\n";
    for (const Given &given : givens) {
      spec << "schedule " << given.unit << "() = ";
      spec.quote(given.formula);
      spec << "\n";
    }
  });
}

std::optional<std::vector<double>> KeptSchedule::run(ModuleOp module, size_t steps, std::string &error) const {
  FuncOp init = module.lookupSymbol<FuncOp>(name + ".init"), step = module.lookupSymbol<FuncOp>(name + ".step");
  Training training;
  training.init = computeEntryLayout(init);
  training.step = computeEntryLayout(step);
  training.hypers = defaultHypers(training.step);
  for (auto [hyper, value] : llvm::zip_equal(training.step.hypers, training.hypers))
    if (std::isnan(value)) { // of the rule around, 'value.f'
      std::string word = hyper.name.substr(hyper.name.rfind('.') + 1);
      return error = "'" + word + "' has no default; give it in the call, " + word + " = ..", std::nullopt;
    }
  if (!makeVariables(training, DataBinding(), error))
    return std::nullopt;
  std::vector<double> times(steps);
  for (auto [k, time] : llvm::enumerate(times))
    time = static_cast<double>(k + 1);
  std::unique_ptr<Engine> engine = createReferenceEngine(init, step);
  if (!engine->init(training, error))
    return std::nullopt;
  struct Follower {
    Variable *variable;
    std::vector<double> values;
  };
  Variable *drawn = training.find("held_" + name + ".drawn");
  std::vector<Follower> inputs;
  std::vector<std::string> names;
  std::set<StringRef> unused;
  for (const Given &given : givens)
    unused.insert(given.name);
  for (Variable &variable : training.variables) {
    bool isInput = variable.layout.role == GRADUS_INPUT, isState = variable.layout.role == GRADUS_STATE;
    std::string own = StringRef(variable.layout.name).rsplit('.').second.str();
    if ((!isInput && !isState) || &variable == drawn)
      continue;
    names.push_back(own);
    auto given = llvm::find_if(givens, [&](const Given &one) { return one.name == own; });
    unused.erase(own);
    if (given == givens.end() && isInput && !variable.layout.initial)
      return error = "nothing gives its input '" + own + "'; give it in the call, " + own + " = .., a number or a formula of t", std::nullopt;
    std::optional<std::vector<double>> values;
    if (given == givens.end() && isInput)
      variable.assign(std::vector<double>(variable.size(), *variable.layout.initial));
    else if (given != givens.end() && !(values = evaluateAt(module.lookupSymbol<FuncOp>(given->unit), isInput ? ArrayRef(times) : ArrayRef(times).take_front(1), error)))
      return std::nullopt;
    else if (values && isInput)
      inputs.push_back({&variable, std::move(*values)});
    else if (values)
      variable.assign(std::vector<double>(variable.size(), values->front()));
  }
  if (!unused.empty())
    return error = "it has no argument, input or state '" + unused.begin()->str() + "'; " + didYouMean(unused.begin()->str(), names), std::nullopt;
  std::vector<double> values;
  for (size_t k = 0; k < steps; ++k) {
    for (const Follower &input : inputs)
      input.variable->assign(std::vector<double>(input.variable->size(), input.values[k]));
    double loss;
    if (engine->step(training, loss, error) != Stepped::Committed)
      return std::nullopt;
    values.push_back(drawn->get(0));
  }
  return values;
}

} // namespace gradus::driver
