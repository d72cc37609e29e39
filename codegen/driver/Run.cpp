//===- Run.cpp - gradus run ----------------------------------------------------===//

#include "codegen/driver/Commands.h"
#include "codegen/driver/LossCurve.h"
#include "codegen/driver/Session.h"
#include "codegen/driver/Training.h"
#include "runtime/gradus_checkpoint.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <csignal>
#include <limits>
#include <numeric>
#include <random>
#include <unistd.h>

using namespace mlir;

namespace gradus::driver {

/// The entries of compiled code take no more.
static constexpr int64_t maxDimension = std::numeric_limits<int32_t>::max() - 1;

/// Set by Ctrl-C; the run ends after the step under way. A handler can reach nothing but a global.
static volatile std::sig_atomic_t stopRequested = 0;

static int fail(const std::string &text) {
  llvm::errs() << "gradus: error: " << text << '\n';
  return ExitFailed;
}

/// The unit named, or the only one; empty, with `error` set, if there is none.
static std::string chooseUnit(ModuleOp module, StringRef wanted, std::string &error) {
  std::vector<std::string> units;
  for (FuncOp func : module.getOps<FuncOp>())
    if (StringRef name = func.getSymName(); func.getKind() == FuncKind::TrainStep && name.consume_back(".step"))
      units.push_back(name.str());
    else if (func.getKind() == FuncKind::TrainStep && name.rsplit('.').first == wanted)
      return error = "'" + wanted.str() + "' has named entries, which an application calls; 'gradus run' makes steps", "";
  if (wanted.empty() && units.size() == 1)
    return units[0];
  if (!wanted.empty() && llvm::is_contained(units, wanted))
    return wanted.str();
  error = units.empty() ? "the spec has no train unit"
          : wanted.empty() ? "the spec has several train units; choose one by --unit " + units[0]
                           : "no train unit '" + wanted.str() + "'";
  return "";
}

/// "[0, 1)".
static std::string describe(IntervalAttr interval) {
  return llvm::formatv("{0}{1}, {2}{3}", interval.getLowClosed() ? "[" : "(", llvm::format("%g", interval.getLowValue()),
                       llvm::format("%g", interval.getHighValue()), interval.getHighClosed() ? "]" : ")");
}

/// "lr=0.1"; false, with `error` set, where it is no number of that name.
static bool readSetting(StringRef option, StringRef setting, StringRef form, StringRef &name, StringRef &text, double &value, std::string &error) {
  std::tie(name, text) = setting.split('=');
  if (!text.empty() && !text.getAsDouble(value))
    return true;
  error = ("'" + option + "' expects " + form + ", but got '" + setting + "'").str();
  return false;
}

/// Reads `--dim n=64` and `--hyper lr=0.1`. False, with `error` set, on a value that does not fit.
static bool readSettings(const Invocation &invocation, Training &training, std::string &error) {
  training.hypers = defaultHypers(training.step);
  StringRef name, text;
  double value;
  for (const std::string &setting : invocation.getAll("--dim")) {
    if (!readSetting("--dim", setting, "NAME=N", name, text, value, error))
      return false;
    int64_t size;
    if (text.getAsInteger(10, size) || size < 1 || size > maxDimension ||
        !llvm::any_of(training.step.symbols, [&](StringAttr s) { return s.getValue() == name; })) {
      error = "'--dim " + setting + "': expected a dimension of the unit and a size from 1 to " + std::to_string(maxDimension);
      return false;
    }
    training.sizes[name.str()] = size;
  }
  for (const std::string &setting : invocation.getAll("--hyper")) {
    if (!readSetting("--hyper", setting, "NAME=VALUE", name, text, value, error))
      return false;
    auto at = llvm::find_if(training.step.hypers, [&](const EntryHyper &hyper) { return hyper.name == name; });
    if (at == training.step.hypers.end()) {
      std::vector<std::string> names;
      for (const EntryHyper &hyper : training.step.hypers)
        names.push_back(hyper.name);
      error = "the unit has no hyper-parameter '" + name.str() + "'; it has " + (names.empty() ? "none" : llvm::join(names, ", "));
      return false;
    }
    training.hypers[at - training.step.hypers.begin()] = value;
  }
  for (auto [hyper, value] : llvm::zip_equal(training.step.hypers, training.hypers)) {
    if (std::isnan(value))
      error = "hyper-parameter '" + hyper.name + "' has no default; give it as --hyper " + hyper.name + "=VALUE";
    else if (hyper.interval && !hyper.interval.contains(value))
      error = "hyper-parameter '" + hyper.name + "' is " + llvm::formatv("{0}", llvm::format("%g", value)).str() + ", expected a value in " + describe(hyper.interval);
    else if ((hyper.isInteger || hyper.isBool) && value != std::floor(value))
      error = "hyper-parameter '" + hyper.name + "' expects a whole number";
  }
  return error.empty();
}

/// The order of the rows in one epoch: it depends on seed and epoch alone, so that a resumed run needs no stored order.
static std::vector<size_t> orderRows(size_t rows, bool isShuffled, uint64_t seed, uint64_t epoch) {
  std::vector<size_t> order(rows);
  std::iota(order.begin(), order.end(), 0);
  if (!isShuffled)
    return order;
  std::mt19937_64 random(seed * 0x9e3779b97f4a7c15u + epoch + 1);
  for (size_t i = rows - 1; i > 0; --i)
    std::swap(order[i], order[random() % (i + 1)]);
  return order;
}

static std::vector<gradus_named_tensor> savedTensors(Training &training) {
  std::vector<gradus_named_tensor> tensors;
  for (Variable &variable : training.variables)
    if (variable.layout.role == GRADUS_PARAM || variable.layout.role == GRADUS_STATE)
      tensors.push_back({variable.layout.name.c_str(), variable.view()});
  return tensors;
}

/// Saves or loads; the error of the runtime goes into `error`.
static bool exchange(Training &training, Engine &engine, const std::string &path, bool isSave, std::string &error) {
  if (isSave && !engine.fetch(training, error))
    return false;
  gradus_context context{};
  context.user = &error;
  context.error = [](void *user, const gradus_error *problem) { *static_cast<std::string *>(user) = problem->message; };
  gradus_progress progress{training.t, training.seed, 0, 0};
  std::vector<gradus_named_tensor> tensors = savedTensors(training);
  gradus_status status = isSave ? gradus_checkpoint_save(&context, path.c_str(), &progress, tensors.data(), tensors.size())
                                : gradus_checkpoint_load(&context, path.c_str(), &progress, tensors.data(), tensors.size());
  if (status == GRADUS_OK && !isSave) {
    training.t = progress.t;
    training.seed = progress.seed;
  }
  return status == GRADUS_OK && (isSave || engine.store(training, error));
}

/// False, with `error` set, where no file can be put: asked before the training, whose result would be lost.
static bool canWrite(const std::string &path, std::string &error) {
  llvm::sys::fs::file_status status;
  bool exists = !path.empty() && !llvm::sys::fs::status(path, status) && llvm::sys::fs::exists(status);
  if (path.empty() || path == "-" || (exists && !is_regular_file(status) && !is_directory(status)))
    return true; // nothing asked for, the standard output, or a device
  int file = -1;
  llvm::SmallString<128> name;
  std::error_code code = exists && is_directory(status) ? std::make_error_code(std::errc::is_a_directory)
                                                        : llvm::sys::fs::createUniqueFile(path + ".%%%%%%", file, name);
  if (code) {
    error = "cannot write '" + path + "': " + code.message();
    return false;
  }
  close(file);
  llvm::sys::fs::remove(name);
  return true;
}

static void showProgress(uint64_t t, uint64_t steps, double loss) {
  static constexpr int width = 30;
  int filled = static_cast<int>(width * t / steps);
  llvm::outs() << "\r[" << std::string(filled, '=') << std::string(width - filled, ' ') << "] "
               << llvm::format("%llu/%llu  loss %.6g   ", static_cast<unsigned long long>(t), static_cast<unsigned long long>(steps), loss);
  llvm::outs().flush();
}

/// The rows of the batch of a step, counted from 0.
class Batches {
public:
  Batches(size_t rows, size_t batch, uint64_t seed) : rows(rows), batch(batch), seed(seed) {}
  ArrayRef<size_t> of(uint64_t step) {
    const uint64_t batches = rows / batch, epoch = step / batches;
    if (orderOf != epoch) {
      order = orderRows(rows, batch != rows, seed, epoch);
      orderOf = epoch;
    }
    return ArrayRef(order).slice(step % batches * batch, batch);
  }

private:
  size_t rows, batch;
  uint64_t seed;
  std::vector<size_t> order;
  std::optional<uint64_t> orderOf;
};

/// The data of a step: its batch, and where the unit asks an objective on it the following one.
static void fillStep(Training &training, const DataBinding &binding, const Table &table, Batches &batches) {
  fillBatch(training, binding, table, batches.of(training.t));
  if (takesData(training, binding, "next."))
    fillBatch(training, binding, table, batches.of(training.t + 1), "next.");
}

/// Steps until `steps`; collects the losses.
static bool runSteps(const Invocation &invocation, Training &training, Engine &engine, const Table &table, const DataBinding &binding,
                     uint64_t steps, size_t batch, std::vector<double> &losses, std::string &error) {
  std::string checkpoint = invocation.get("--checkpoint");
  bool isTerminal = isatty(STDOUT_FILENO);
  Batches batches(table.rows, batch, training.seed);
  while (training.t < steps && !stopRequested) {
    fillStep(training, binding, table, batches);
    double loss = 0;
    Stepped result = engine.step(training, loss, error);
    if (result == Stepped::Refused) {
      std::string reason = std::exchange(error, "");
      if (!checkpoint.empty() && !exchange(training, engine, checkpoint, true, error)) // all is as the last step left it
        return false;
      error = "step " + std::to_string(training.t + 1) + " is refused: " + reason + "; look at the data and at the learning rate";
    }
    if (result != Stepped::Committed)
      return false;
    losses.push_back(loss);
    if (!std::isfinite(loss)) {
      error = "the loss at step " + std::to_string(training.t) + " is not finite; look at the data and at the learning rate";
      return false;
    }
    bool isLast = training.t == steps;
    if (isTerminal && (training.t % 16 == 0 || isLast))
      showProgress(training.t, steps, loss);
    if (!checkpoint.empty() && (training.t % 100 == 0 || isLast || stopRequested) && !exchange(training, engine, checkpoint, true, error))
      return false;
  }
  if (isTerminal)
    llvm::outs() << '\n';
  return true;
}

/// Says what the run did and draws it; the exit code of the run.
static int reportRun(const std::string &unit, ArrayRef<double> losses, uint64_t first, const std::string &plot) {
  if (losses.empty()) {
    llvm::outs() << unit << ": no step to do after step " << first - 1 << (plot.empty() ? "\n" : ", nothing drawn\n");
    return stopRequested ? 130 : ExitOk;
  }
  llvm::outs() << unit << llvm::format(": steps %llu to %llu, loss %.6g -> %.6g\n", static_cast<unsigned long long>(first),
                                       static_cast<unsigned long long>(first + losses.size() - 1), losses.front(), losses.back());
  if (!plot.empty()) {
    std::string picture = drawLossCurve(unit, losses, first);
    if (llvm::Error problem = llvm::writeToOutput(plot, [&](llvm::raw_ostream &os) { os << picture; return llvm::Error::success(); }))
      return fail("cannot write '" + plot + "': " + llvm::toString(std::move(problem)));
  }
  return stopRequested ? 130 : ExitOk;
}

int runRun(const Invocation &invocation) {
  if (invocation.inputs.size() != 1 || !invocation.has("--data"))
    return usageError("'gradus run' expects one spec and --data FILE.csv");
  std::optional<uint64_t> steps = invocation.getCount("--steps", 1), batch = invocation.getCountOr("--batch", 0, 1),
                          seed = invocation.getCount("--seed", 0);
  if (!steps || !batch || !seed)
    return ExitUsage;
  std::string error, checkpoint = invocation.get("--checkpoint"), plot = invocation.get("--plot"), device = invocation.get("--device");
  if (device != "cpu" && invocation.get("--engine") == "reference")
    return usageError("'--engine reference' is the f64 evaluator, which is on no device: leave out '--device " + device + "'");
  if (!canWrite(checkpoint, error) || !canWrite(plot, error))
    return fail(error);
  Session session;
  ModuleOp module = session.load(invocation.inputs[0], invocation.get("--dtype"), invocation);
  if (!module || !session.completeSteps(invocation))
    return ExitFailed;
  std::string unit = chooseUnit(module, invocation.get("--unit"), error);
  if (unit.empty())
    return fail(error);
  Training training;
  training.seed = *seed;
  FuncOp init = module.lookupSymbol<FuncOp>(unit + ".init"), step = module.lookupSymbol<FuncOp>(unit + ".step");
  training.init = computeEntryLayout(init);
  training.step = computeEntryLayout(step);
  DataBinding binding;
  FailureOr<Table> table = readCsv(invocation.get("--data"), error);
  if (failed(table) || !readSettings(invocation, training, error) || !bindData(training, *table, binding, error))
    return fail(error);
  if (*batch > table->rows)
    return fail("--batch " + std::to_string(*batch) + " is more than the " + std::to_string(table->rows) + " rows of the data");
  std::unique_ptr<Engine> engine = device != "cpu"                                  ? createDeviceEngine(session, unit, device, error)
                                   : invocation.get("--engine") == "reference" ? createReferenceEngine(init, step)
                                                                                    : createJitEngine(session, unit, error);
  if (!engine)
    return fail(error);
  drawParameters(training);
  const size_t rows = *batch ? *batch : table->rows;
  if (takesData(training, binding, "all."))
    fillBatch(training, binding, *table, orderRows(table->rows, /*isShuffled=*/false, training.seed, 0), "all.");
  Batches batches(table->rows, rows, training.seed);
  fillStep(training, binding, *table, batches); // the first states may ask the objective
  if (!engine->init(training, error))
    return fail(error);
  if (!checkpoint.empty() && llvm::sys::fs::exists(checkpoint) && !exchange(training, *engine, checkpoint, false, error))
    return fail(error);
  std::signal(SIGINT, [](int) { stopRequested = 1; });
  uint64_t first = training.t + 1;
  std::vector<double> losses;
  if (!runSteps(invocation, training, *engine, *table, binding, *steps, rows, losses, error))
    return fail(error);
  if (std::string place = engine->describe(); !place.empty() && !losses.empty())
    llvm::outs() << unit << ": on " << place << '\n';
  return reportRun(unit, losses, first, plot);
}

} // namespace gradus::driver
