//===- Bench.cpp - gradus bench --------------------------------------------------===//
//
// Times the entries of a spec beside scale in place over as many bytes as the entry reads and writes at least: in turn, on the same threads, so that a
// machine that changes its speed changes both sides. Ratios are medians of ratios within a round.
//
//===----------------------------------------------------------------------------===//

#include "codegen/driver/BenchArrays.h"
#include "codegen/driver/Commands.h"
#include "codegen/driver/Report.h"
#include "codegen/driver/Session.h"
#include "codegen/emit/Explain.h"
#include "dialect/DimExpr.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Parallel.h"
#include "llvm/Support/Threading.h"

#include <chrono>
#include <cmath>
#include <limits>

using namespace mlir;

namespace gradus::driver {

namespace {
/// One line of the report.
struct BenchLine {
  std::string entry;
  int64_t elements = 0;
  double leastBytes = 0;           ///< for each element
  std::optional<double> planBytes; ///< for each element: what the loops load and store
  double nanoseconds = 0;          ///< for each element
  double gigabytes = 0;            ///< of the least bytes, in a second
  double overFloor = 0, spread = 0;
  int64_t rounds = 0;
};

/// An entry is measured for about as many nanoseconds at most, in at least three rounds.
constexpr double longest = 1e10;
constexpr int64_t leastRounds = 3;
} // namespace

//===----------------------------------------------------------------------===//
// Threads and memory
//===----------------------------------------------------------------------===//

/// A hook of the context: the same threads as those of `scale`.
static void runInParallel(void *, int64_t count, gradus_body body, void *closure) {
  const auto pieces = std::min<int64_t>(count, static_cast<int64_t>(llvm::parallel::getThreadCount()));
  if (pieces <= 1)
    return count > 0 ? body(closure, 0, count) : void();
  llvm::parallelFor(0, static_cast<size_t>(pieces), [&](size_t piece) {
    const auto k = static_cast<int64_t>(piece);
    body(closure, count / pieces * k + std::min(k, count % pieces), count / pieces * (k + 1) + std::min(k + 1, count % pieces));
  });
}

using CacheLine = float __attribute__((vector_size(64)));

/// Multiplies all numbers by `factor`: the least traffic that reads and writes in place.
static void scale(std::vector<CacheLine> &lines, float factor) {
  struct Closure {
    CacheLine *lines;
    float factor;
  } closure{lines.data(), factor};
  gradus_body body = [](void *of, int64_t begin, int64_t end) {
    auto [data, by] = *static_cast<Closure *>(of);
    for (int64_t i = begin; i < end; ++i) {
      __builtin_prefetch(data + i + 128);
      data[i] *= by;
    }
  };
  // As an entry does: fewer elements are not worth a thread.
  constexpr int64_t leastElements = 32768;
  const auto count = static_cast<int64_t>(lines.size());
  if (count * static_cast<int64_t>(sizeof(CacheLine) / sizeof(float)) < leastElements)
    return body(&closure, 0, count);
  runInParallel(nullptr, count, body, &closure);
}

template <typename Body>
static double timeOf(Body &&body) {
  auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
}

static double quantileOf(std::vector<double> values, double q) {
  llvm::sort(values);
  return values[static_cast<size_t>(q * static_cast<double>(values.size() - 1) + 0.5)];
}

//===----------------------------------------------------------------------===//
// Entries
//===----------------------------------------------------------------------===//

/// The default, or some number of the interval.
static std::vector<double> chooseHypers(const EntryLayout &layout) {
  std::vector<double> values;
  for (const EntryHyper &hyper : layout.hypers) {
    std::optional<double> value = hyper.initial ? toNumber(hyper.initial) : std::nullopt;
    if (!value && hyper.interval) {
      double low = hyper.interval.getLowValue(), high = hyper.interval.getHighValue();
      bool isBounded = std::isfinite(low) && std::isfinite(high);
      value = isBounded ? (low + high) / 2 : std::isfinite(low) ? low + 1 : std::isfinite(high) ? high - 1 : 1;
      if (hyper.isInteger) { // of [0, 1) it is 0, of (0, 1] it is 1
        double below = std::floor(*value);
        value = below > low || (below == low && hyper.interval.getLowClosed()) ? below : std::ceil(*value);
      }
    }
    values.push_back(value.value_or(1));
  }
  return values;
}

/// The bytes that the kernels of an entry load and store, each once; none where they were not counted or a kernel may run at other times.
static std::optional<double> countPlanBytes(const ExplainedEntry &entry, const llvm::StringMap<int64_t> &sizes, MLIRContext *context) {
  double bytes = 0;
  for (const ExplainedKernel &kernel : entry.kernels) {
    if (!kernel.traffic || !kernel.under.empty() || !kernel.summed.empty())
      return std::nullopt;
    double elements = 1;
    for (const std::string &dim : kernel.domain) {
      std::optional<int64_t> size = sizeOfDim(DimExpr::parse(dim).toAttr(context), sizes);
      if (!size)
        return std::nullopt;
      elements *= static_cast<double>(*size);
    }
    bytes += elements * (kernel.traffic->read + kernel.traffic->written);
  }
  return bytes;
}

/// Rounds of scale and the entry. False, with `error` set, where a call is refused.
static bool timeRounds(JitEntry &entry, ArrayRef<gradus_tensor> slot, int64_t rounds, BenchLine &line, std::string &error) {
  std::vector<CacheLine> lines(static_cast<size_t>(line.leastBytes * static_cast<double>(line.elements) / (2 * sizeof(CacheLine))) + 1);
  const std::vector<double> hypers = chooseHypers(entry.getLayout());
  gradus_context threads{};
  threads.parallel_for = runInParallel;
  volatile float one = 1; // what the compiler knows it does not multiply by
  std::vector<double> times, ratios;
  line.rounds = rounds;
  for (int64_t round = -2; round < line.rounds; ++round) {
    bool isDone = false;
    double floor = timeOf([&] { scale(lines, one); });
    double time = timeOf([&] {
      isDone = entry.call(hypers.data(), static_cast<uint64_t>(round + 3), 0, slot, nullptr, error, &threads) == GRADUS_OK;
    });
    if (!isDone)
      return false;
    if (round < 0) { // warms caches, threads and clocks
      line.rounds = std::min(rounds, std::max(leastRounds, static_cast<int64_t>(longest / (time + floor))));
      continue;
    }
    times.push_back(time);
    ratios.push_back(time / floor);
  }
  double median = quantileOf(times, 0.5);
  line.nanoseconds = median / static_cast<double>(line.elements);
  line.gigabytes = line.leastBytes / line.nanoseconds;
  line.overFloor = quantileOf(ratios, 0.5);
  line.spread = (quantileOf(times, 0.9) - quantileOf(times, 0.1)) / median;
  return true;
}

static bool measureEntry(const EntryLayout &layout, const EntryLayout *init, const ExplainedEntry *plan, Jit &jit, llvm::StringMap<int64_t> sizes,
                         int64_t rounds, BenchLine &line, std::string &error) {
  BenchArrays arrays;
  if (!arrays.make(layout, sizes, error))
    return false;
  JitEntry entry(layout, jit);
  if (!entry.isThere()) {
    error = "internal: the compiled spec lacks the entry";
    return false;
  }
  if (std::vector<gradus_tensor> first = init ? arrays.getSlot(*init) : std::vector<gradus_tensor>(); !first.empty()) {
    JitEntry states(*init, jit);
    if (states.call(chooseHypers(*init).data(), 0, 0, first, nullptr, error) != GRADUS_OK)
      return false;
  }
  line.entry = layout.name;
  line.elements = arrays.countElements();
  line.leastBytes = arrays.countLeastBytes() / static_cast<double>(std::max<int64_t>(line.elements, 1));
  if (std::optional<double> bytes = plan ? countPlanBytes(*plan, sizes, layout.tensors.front().type.getContext()) : std::nullopt) // isMeasured: it has an array
    line.planBytes = *bytes / static_cast<double>(line.elements);
  return timeRounds(entry, arrays.getSlot(layout), rounds, line, error);
}

//===----------------------------------------------------------------------===//
// The command
//===----------------------------------------------------------------------===//

/// `--dim n=1000`. False, with a message, where no entry has such a dimension or it is no size.
static bool readDims(const Invocation &invocation, ArrayRef<EntryLayout> layouts, llvm::StringMap<int64_t> &sizes) {
  for (const std::string &setting : invocation.getAll("--dim")) {
    auto [name, text] = StringRef(setting).split('=');
    int64_t size = 0;
    bool isKnown = false;
    for (const EntryLayout &layout : layouts)
      for (StringAttr symbol : layout.symbols) {
        auto symbols = DimExpr::of(symbol).getSymbols();
        for (const std::string &key : {name.str(), name.str() + ".numel"}) // the elements of a parameter of any shape
          if (symbols.count(key)) {
            isKnown = !text.getAsInteger(10, size) && size >= 1 && size < std::numeric_limits<int32_t>::max();
            sizes[key] = size;
          }
      }
    if (!isKnown) {
      llvm::errs() << "gradus: error: '--dim " << setting << "': expected NAME=N, a dimension or a parameter of an entry and a size from 1 to "
                   << std::numeric_limits<int32_t>::max() - 1 << '\n';
      return false;
    }
  }
  return true;
}

static void printLines(ArrayRef<BenchLine> lines) {
  llvm::outs() << llvm::format("%-28s %11s %10s %7s %7s %8s %8s %7s %6s\n", "entry", "elements", "ns/element", "bytes", "by plan", "GB/s", "x floor", "spread",
                               "rounds");
  for (const BenchLine &line : lines) {
    llvm::outs() << llvm::format("%-28s %11lld %10.4f %7.2f ", line.entry.c_str(), static_cast<long long>(line.elements), line.nanoseconds, line.leastBytes);
    if (line.planBytes)
      llvm::outs() << llvm::format("%7.2f", *line.planBytes);
    else
      llvm::outs() << llvm::format("%7s", "-");
    llvm::outs() << llvm::format(" %8.2f %8.3f %7.3f %6lld\n", line.gigabytes, line.overFloor, line.spread, static_cast<long long>(line.rounds));
  }
  llvm::outs() << "medians on " << llvm::parallel::getThreadCount()
               << " threads; floor: scale in place over as many bytes as the arrays of the entry are read and written, each once\n";
}

static llvm::json::Array toJson(ArrayRef<BenchLine> lines, StringRef dtype) {
  llvm::json::Array array;
  for (const BenchLine &line : lines) {
    llvm::json::Object object{{"case", line.entry},
                              {"n", line.elements},
                              {"dtype", dtype},
                              {"threads", static_cast<int64_t>(llvm::parallel::getThreadCount())},
                              {"bytes_per_param", numberToJson(line.leastBytes)},
                              {"ns_per_param", numberToJson(line.nanoseconds)},
                              {"rounds", line.rounds},
                              {"gb_per_s", numberToJson(line.gigabytes)},
                              {"x_floor", numberToJson(line.overFloor)},
                              {"spread", numberToJson(line.spread)}};
    if (line.planBytes)
      object["plan_bytes_per_param"] = numberToJson(*line.planBytes);
    array.push_back(std::move(object));
  }
  return array;
}

/// Compiles all entries of the module for this machine.
static std::unique_ptr<Jit> compile(Session &session, const Invocation &invocation, Report &report) {
  if (!session.runPhases(Phase::Lower, getPhaseOptions(invocation)) || failed(convertToLLVMDialect(session.getModule()))) {
    session.report();
    return nullptr;
  }
  std::string error;
  std::unique_ptr<Jit> jit = Jit::create(session.getModule(), CpuTarget{invocation.get("--target")}, error);
  if (!jit)
    report.error(error);
  return jit;
}

/// Whether there is something to time: states are filled once, and what has no array is no work of the memory.
static bool isMeasured(const EntryLayout &layout, StringRef filter) {
  bool hasArray = llvm::any_of(layout.tensors, [](const EntryTensor &tensor) { return tensor.rank != 0; });
  return hasArray && !StringRef(layout.name).ends_with(".init") && StringRef(layout.name).contains(filter);
}

/// Threads of rounds and entries; false, with a message, where an option is none.
static bool readCounts(const Invocation &invocation, int64_t &rounds) {
  std::optional<uint64_t> asked = invocation.getCount("--rounds", 1);
  std::optional<uint64_t> threads = invocation.getCountOr("--threads", llvm::hardware_concurrency().compute_thread_count(), 1);
  if (!asked || !threads)
    return false;
  rounds = static_cast<int64_t>(*asked);
  llvm::parallel::strategy = llvm::hardware_concurrency(static_cast<unsigned>(*threads));
  llvm::parallel::strategy.Limit = false;
  return true;
}

/// Measures all entries that are asked for; false where one could not be.
static bool measureAll(const Invocation &invocation, ArrayRef<EntryLayout> layouts, const Explanation &explanation, Jit &jit,
                       const llvm::StringMap<int64_t> &sizes, int64_t rounds, std::vector<BenchLine> &lines, Report &report) {
  bool isWhole = true;
  for (const EntryLayout &layout : layouts) {
    if (!isMeasured(layout, invocation.get("--entry")))
      continue;
    std::string initName = StringRef(layout.name).rsplit('.').first.str() + ".init", error;
    const auto *init = llvm::find_if(layouts, [&](const EntryLayout &other) { return other.name == initName; });
    auto plan = llvm::find_if(explanation, [&](const ExplainedEntry &entry) { return entry.name == layout.name; });
    BenchLine line;
    bool isDone = measureEntry(layout, init == layouts.end() ? nullptr : init, plan == explanation.end() ? nullptr : &*plan, jit, sizes, rounds, line, error);
    if (isDone)
      lines.push_back(line);
    else
      report.error("'" + layout.name + "' cannot be measured: " + error);
    isWhole &= isDone;
  }
  return isWhole;
}

static int bench(const Invocation &invocation, Report &report) {
  int64_t rounds = 0;
  if (!readCounts(invocation, rounds))
    return ExitUsage;
  const std::string dtype = invocation.get("--dtype");
  report.document["entries"] = llvm::json::Array();
  Session session(&report);
  ModuleOp module = session.load(invocation.inputs[0], dtype, invocation);
  if (!module)
    return ExitFailed;
  session.keepEntries();
  if (!session.addGradients() || !session.completeSteps(invocation))
    return ExitFailed;
  std::vector<EntryLayout> layouts;
  for (FuncOp func : module.getOps<FuncOp>())
    layouts.push_back(computeEntryLayout(func));
  llvm::StringMap<int64_t> sizes;
  if (!readDims(invocation, layouts, sizes))
    return ExitUsage;
  FailureOr<Explanation> explanation = explain(module, getPhaseOptions(invocation));
  if (session.report() || failed(explanation))
    return ExitFailed;
  std::unique_ptr<Jit> jit = compile(session, invocation, report);
  if (!jit)
    return ExitFailed;

  std::vector<BenchLine> lines;
  bool isWhole = measureAll(invocation, layouts, *explanation, *jit, sizes, rounds, lines, report);
  if (lines.empty() && isWhole) {
    report.error("'" + invocation.inputs[0] + "' has nothing to measure: expected an entry with arrays" +
                 (invocation.has("--entry") ? " and '" + invocation.get("--entry") + "' in its name" : ""));
    return ExitFailed;
  }
  if (report.isJson())
    report.document["entries"] = toJson(lines, dtype);
  else if (!lines.empty())
    printLines(lines);
  return isWhole ? ExitOk : ExitFailed;
}

int runBench(const Invocation &invocation) {
  if (invocation.inputs.size() != 1)
    return usageError("'gradus bench' expects one spec");
  Report report(invocation, "bench");
  return report.finish(bench(invocation, report));
}

} // namespace gradus::driver
