//===- Check.cpp - One spec in both engines -----------------------------------------===//

#include "Check.h"

#include "Comparison.h"
#include "Laws.h"

#include "codegen/emit/Entry.h"
#include "passes/diff/BuildGradient.h"
#include "test/numeric/Compiled.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"

#include <cmath>
#include <csignal>
#include <cstdio>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace gradus;
using namespace gradus::random_specs;
using reference::Arrays;

namespace {

class Check {
public:
  explicit Check(uint64_t seed) : seed(seed), isSingle(seed % 10 == 7) {}
  Verdict run(const Unit &unit);

private:
  template <typename S>
  llvm::FailureOr<Results<S>> ask(FuncOp func, const Slots &slots, std::string &error);
  Verdict compareEntry(FuncOp func, Compiled &compiled, const Place &place);
  Verdict compareAll(mlir::ModuleOp module, Compiled &compiled);
  Verdict checkLaws(mlir::ModuleOp module, const Unit &unit);
  bool isLeftOut(FuncOp func) const;
  uint64_t seed;
  FuncOp loss;         ///< of `f.grad`
  bool isSingle;          ///< arithmetic in f32
  bool hasGradient = false;
  bool hasSingle = false; ///< something is stored in f32, which the reference does not round
  uint64_t shakes = 0; ///< how often the reference is asked again near a point
};

} // namespace

static bool isGradient(FuncOp func) { return func.getSymName() == "f.grad"; }

/// The arguments in which a gradient is taken.
static std::vector<unsigned> wrtOf(FuncOp gradient, FuncOp loss) {
  std::vector<unsigned> wrt;
  for (unsigned result = 1; result < gradient.getNumResults(); ++result)
    for (unsigned i = 0; i < loss.getNumArguments(); ++i)
      if (("grad_" + loss.getArgName(i)).str() == gradient.getResultName(result))
        wrt.push_back(i);
  return wrt;
}

/// The reference: a gradient by dual numbers, from the loss alone.
template <typename S>
llvm::FailureOr<Results<S>> Check::ask(FuncOp func, const Slots &slots, std::string &error) {
  std::vector<Arrays<S>> args;
  for (const Arrays<double> &slot : slots)
    args.push_back(widen<S>(slot));
  if (!isGradient(func))
    return reference::evaluateOpen<S>(func, args, error);
  auto found = reference::evaluateGradients<S>(loss, args[0], wrtOf(func, loss), error);
  if (failed(found))
    return mlir::failure();
  return toResults(std::move(*found));
}

/// What no result needs refuses nothing, and algebra may find out that none does: `if c then a else a` needs no c.
static bool isAnsweredWhenSimple(FuncOp func, const Slots &slots) {
  mlir::OwningOpRef<mlir::ModuleOp> copy(func->getParentOfType<mlir::ModuleOp>().clone());
  mlir::PassManager passes(func.getContext());
  buildPhasesUpTo(passes, Phase::Simplify);
  std::string error;
  return succeeded(passes.run(*copy)) && succeeded(reference::evaluateOpen<double>(copy->lookupSymbol<FuncOp>(func.getSymName()), slots, error));
}

Verdict Check::compareEntry(FuncOp func, Compiled &compiled, const Place &place) {
  std::string name = func.getSymName().str(), error, why;
  Slots slots = makePoint(func, place, seed);
  auto expected = ask<double>(func, slots, error);
  auto wide = ask<long double>(func, slots, why);
  auto got = compiled.call(name, slots, why);
  bool isNoSize = error.find("is no size here") != std::string::npos; // the C entry refuses it before the kernel that is called here
  if (failed(expected) && place.isEdge && (failed(got) || isNoSize || isAnsweredWhenSimple(func, slots)))
    return {};
  if (failed(expected) || failed(wide) || failed(got))
    return {Verdict::Different, "status", name + " with " + std::to_string(place.n) + " rows: " + (failed(expected) ? error : "the reference has a result; " + why)};
  std::vector<Results<double>> nearby;
  for (uint64_t k = 0; k < shakes; ++k)
    if (auto near = ask<double>(func, shake(func, slots, isSingle || hasSingle ? 1e-6 : 1e-12, k), error); succeeded(near))
      nearby.push_back(std::move(*near));
  std::vector<std::string> names;
  for (unsigned result = 0; result < func.getNumResults(); ++result)
    names.push_back("result " + std::to_string(result) + " " + func.getResultName(result).str());
  Comparison comparison;
  // Dual numbers meet other infinities on their way than the reverse mode, and a NaN has no derivative.
  bool hasAll = !isGradient(func) || (place.numbers != Place::Extreme && !std::isnan((*expected)[0][0].reals[0]));
  comparison.compare({name, names, *got, *expected, *wide, nearby, isSingle || hasSingle ? 1e-4 : 1e-9, hasAll});
  return comparison.verdict();
}

Verdict Check::compareAll(mlir::ModuleOp module, Compiled &compiled) {
  Verdict jump;
  for (FuncOp func : module.getOps<FuncOp>())
    if (isEntry(func))
      for (const Place &place : placesOf(seed, hasGradient)) {
        if (place.numbers == Place::Extreme && hasSingle) // 1e200 is none of f32
          continue;
        Verdict verdict = compareEntry(func, compiled, place);
        if (verdict.kind == Verdict::Different)
          return verdict;
        if (verdict.kind == Verdict::Jumps)
          jump = verdict;
      }
  return jump;
}

/// One of them for each unit, or none.
Verdict Check::checkLaws(mlir::ModuleOp module, const Unit &unit) {
  switch (seed / 2 % 5) {
  case 0:
    return checkFormat(module, unit.print(), isSingle);
  case 1:
  case 2:
    return checkRewritten(module, unit, seed);
  case 3:
    return checkPrintedGradient(module, seed, isSingle);
  default:
    return {};
  }
}

/// What is not compiled, as LLVM takes most of the time: what a train unit holds, most first values, and a loss whose gradient has the value as well.
bool Check::isLeftOut(FuncOp func) const {
  auto module = func->getParentOfType<mlir::ModuleOp>();
  if (func.getSymName().ends_with(".init") && seed % 4 != 0)
    return true;
  if (module.lookupSymbol("T.step"))
    return !func.getSymName().starts_with("T.");
  return func.getSymName() == "f" && module.lookupSymbol("f.grad") && seed % 5 != 0;
}

Verdict Check::run(const Unit &unit) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  std::string text = unit.print(), messages, error, said;
  mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) {
    said += diagnostic.str() + "\n";
    return mlir::success();
  });
  isSingle &= text.find("16") == std::string::npos; // where rounding to 16 bits would tell every difference of f32
  hasGradient = text.find("grad f") != std::string::npos || text.find("(jac ") != std::string::npos || text.find("(hess ") != std::string::npos;
  hasSingle = text.find("f32") != std::string::npos;
  auto module = readText(context, text, isSingle, messages);
  if (!module) {
    size_t code = messages.find("[G");
    return {Verdict::Refused, code == std::string::npos ? "" : messages.substr(code, 7), messages};
  }
  if (Verdict verdict = checkLaws(*module, unit); verdict.kind != Verdict::Same)
    return verdict;
  auto func = module->lookupSymbol<FuncOp>("f");
  if (func && func.getKind() == FuncKind::Loss && failed(buildGradientFunction(*module, func)))
    return {Verdict::Refused, "gradient", said};
  loss = func;
  mlir::OwningOpRef<mlir::ModuleOp> entries(module->clone());
  for (FuncOp each : llvm::make_early_inc_range(entries->getOps<FuncOp>()))
    if (isLeftOut(each))
      each.erase();
  PhaseOptions phases;
  phases.noFuse = seed % 4 == 0;
  phases.exactDiv = true;
  // LLVM takes most of the time: one unit in sixteen goes through all of it.
  auto level = seed % 16 == 3 ? llvm::CodeGenOptLevel::Aggressive : llvm::CodeGenOptLevel::None;
  auto compiled = Compiled::create(*entries, error, phases, level);
  if (!compiled)
    return {Verdict::Different, "phases", error + "\n" + said};
  Verdict verdict = compareAll(*entries, *compiled);
  if (verdict.reason == "values") {
    shakes = 6;
    verdict = compareAll(*entries, *compiled);
  }
  if (verdict.kind != Verdict::Same || seed % 5 != 1)
    return verdict;
  for (FuncOp entry : entries->getOps<FuncOp>())
    if (isEntry(entry))
      if (Verdict threads = checkThreads(entry, *compiled, seed); threads.kind != Verdict::Same)
        return threads;
  return verdict;
}

//===----------------------------------------------------------------------===//
// A process of its own
//===----------------------------------------------------------------------===//

/// Of processor time, so that a busy machine finds no difference.
static constexpr rlim_t limitSeconds = 100;

/// The verdict as text: its kind, then reason and message, each behind a NUL.
static void send(int pipe, const Verdict &verdict) {
  std::string text = std::to_string(verdict.kind) + verdict.reason + '\0' + verdict.message;
  for (size_t at = 0; at < text.size();) {
    ssize_t count = write(pipe, text.data() + at, text.size() - at);
    if (count <= 0)
      _exit(1);
    at += count;
  }
}

Verdict random_specs::check(const Unit &unit, uint64_t seed) {
  int ends[2];
  if (pipe(ends) != 0)
    return {Verdict::Different, "pipe", "no pipe can be made"};
  std::fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    rlimit limit{limitSeconds, limitSeconds + 1};
    setrlimit(RLIMIT_CPU, &limit);
    send(ends[1], Check(seed).run(unit));
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t count; (count = read(ends[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, count);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    std::string signal = "signal " + std::to_string(WTERMSIG(status));
    return {Verdict::Different, signal, WTERMSIG(status) == SIGXCPU ? "no end within " + std::to_string(limitSeconds) + " s of processor time" : "a crash: " + signal};
  }
  size_t middle = text.find('\0');
  if (text.empty() || middle == std::string::npos)
    return {Verdict::Different, "exit", "the check ended without a verdict"};
  return {static_cast<Verdict::Kind>(text[0] - '0'), text.substr(1, middle - 1), text.substr(middle + 1)};
}
