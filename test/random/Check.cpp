//===- Check.cpp - One spec in both engines -----------------------------------------===//

#include "Check.h"

#include "codegen/reference/RandomPoint.h"
#include "lang/Frontend.h"
#include "passes/diff/BuildGradient.h"
#include "test/numeric/Compiled.h"

#include "dialect/Gradus.h"

#include "mlir/IR/MLIRContext.h"

#include <cmath>
#include <csignal>
#include <cstdio>
#include <random>
#include <sys/wait.h>
#include <unistd.h>

using namespace gradus;
using namespace gradus::random_specs;
using reference::Array;
using reference::Arrays;

namespace {

/// Where two engines may differ at all: by what rounding does to the reference itself, or wherever it jumps.
struct Outcome {
  std::string what;
  const Array<double> &got, &expected;
  const Array<long double> &wide;
  llvm::ArrayRef<Array<double>> nearby; ///< the reference at arguments changed in the twelfth digit
};

class Comparison {
public:
  void compare(const Outcome &outcome) {
    const auto &[what, got, expected, wide, nearby] = outcome;
    if (got.shape != expected.shape || got.kind != expected.kind)
      return fail("shapes", what + " has another shape or kind");
    for (size_t i = 0; i < expected.ints.size(); ++i) {
      auto jumps = [&](const Array<double> &near) { return near.ints[i] != expected.ints[i]; };
      if (got.ints[i] == expected.ints[i])
        continue;
      if (llvm::any_of(nearby, jumps))
        hasJump = true;
      else
        fail("values", what + ", element " + std::to_string(i) + ": " + std::to_string(got.ints[i]) + ", by the reference " + std::to_string(expected.ints[i]));
    }
    for (size_t i = 0; i < expected.reals.size(); ++i) {
      double a = got.reals[i], b = expected.reals[i];
      if ((std::isnan(a) && std::isnan(b)) || a == b)
        continue;
      double slack = std::fabs(static_cast<double>(wide.reals[i] - static_cast<long double>(b)));
      if (std::fabs(a - b) <= 1e-9 * std::fmax(1, std::fabs(b)) + 1000 * slack)
        continue;
      auto jumps = [&](const Array<double> &near) { return !(std::fabs(near.reals[i] - b) <= 0.1 * std::fabs(a - b)); };
      char text[160];
      std::snprintf(text, sizeof text, "%s, element %zu: %.17g, by the reference %.17g", what.c_str(), i, a, b);
      if (llvm::any_of(nearby, jumps))
        hasJump = true;
      else
        fail("values", text);
    }
  }
  Verdict verdict() const { return wrong.kind == Verdict::Same && hasJump ? Verdict{Verdict::Jumps, "jump", ""} : wrong; }

private:
  void fail(std::string reason, std::string message) {
    if (wrong.kind == Verdict::Same)
      wrong = {Verdict::Different, std::move(reason), std::move(message)};
  }
  Verdict wrong;
  bool hasJump = false;
};

template <typename S>
Arrays<S> widen(const Arrays<double> &from) {
  Arrays<S> to;
  for (const Array<double> &array : from)
    to.push_back({array.kind, array.shape, std::vector<S>(array.reals.begin(), array.reals.end()), array.ints});
  return to;
}

/// Each element changed by up to 1e-12 of itself.
Arrays<double> shake(Arrays<double> from, uint64_t seed) {
  std::mt19937_64 random(seed);
  for (Array<double> &array : from)
    for (double &x : array.reals)
      x *= 1 + 1e-12 * (static_cast<double>(random() % 2001) / 1000 - 1);
  return from;
}

class Check {
public:
  explicit Check(uint64_t seed) : seed(seed) {}
  Verdict run(const Unit &unit);

private:
  Verdict compareLoss(mlir::ModuleOp module, Compiled &compiled);
  Verdict compareFunction(FuncOp func, Compiled &compiled);
  Verdict compareRule(FuncOp step, Compiled &compiled);
  reference::PointOptions optionsAt(int64_t size) const {
    reference::PointOptions options{seed * 31 + size, false, {}};
    options.sizes = {{"n", size}, {"d", size == 5 ? 3 : 17}, {"c", 4}};
    return options;
  }
  Verdict compare(mlir::ModuleOp module, Compiled &compiled);
  uint64_t seed;
  uint64_t shakes = 0; ///< how often the reference is asked again near a point
};

} // namespace

Verdict Check::compareLoss(mlir::ModuleOp module, Compiled &compiled) {
  auto loss = module.lookupSymbol<FuncOp>("f"), gradient = module.lookupSymbol<FuncOp>("f.grad");
  Comparison comparison;
  for (int64_t size : {5, 23}) {
    Arrays<double> args = reference::makeRandomPoint(loss, optionsAt(size));
    std::vector<unsigned> wrt;
    for (unsigned result = 1; result < gradient.getNumResults(); ++result)
      for (unsigned i = 0; i < loss.getNumArguments(); ++i)
        if (("grad_" + loss.getArgName(i)).str() == gradient.getResultName(result))
          wrt.push_back(i);
    std::string error;
    auto flatten = [](auto &&result) {
      auto all = std::move(result->gradients);
      all.insert(all.begin(), std::decay_t<decltype(all[0])>::scalar(result->value));
      return all;
    };
    auto expected = reference::evaluateGradients<double>(loss, args, wrt, error);
    auto wide = reference::evaluateGradients<long double>(loss, widen<long double>(args), wrt, error);
    std::vector<Arrays<double>> slots{args}, nearby;
    auto value = compiled.call("f", slots, error), got = compiled.call("f.grad", slots, error);
    if (failed(expected) || failed(wide) || failed(value) || failed(got))
      return {Verdict::Different, "status", error};
    for (uint64_t k = 0; k < shakes; ++k)
      if (auto near = reference::evaluateGradients<double>(loss, shake(args, k), wrt, error); succeeded(near))
        nearby.push_back(flatten(near));
    auto right = flatten(expected);
    auto right2 = flatten(wide);
    for (size_t k = 0; k <= wrt.size(); ++k) {
      Arrays<double> near;
      for (Arrays<double> &each : nearby)
        near.push_back(each[k]);
      if (k == 0)
        comparison.compare(Outcome{"the value", (*value)[0][0], right[0], right2[0], near});
      comparison.compare(Outcome{k ? "the gradient in " + loss.getArgName(wrt[k - 1]).str() : "the value beside the gradient", (*got)[0][k],
                                              right[k], right2[k], near});
    }
  }
  return comparison.verdict();
}

Verdict Check::compareFunction(FuncOp func, Compiled &compiled) {
  Comparison comparison;
  for (int64_t size : {5, 23}) {
    Arrays<double> args = reference::makeRandomPoint(func, optionsAt(size));
    std::string error;
    auto expected = reference::evaluate<double>(func, args, error);
    auto wide = reference::evaluate<long double>(func, widen<long double>(args), error);
    auto got = compiled.call("f", std::vector<Arrays<double>>{args}, error);
    if (failed(expected) || failed(wide) || failed(got))
      return {Verdict::Different, "status", error};
    std::vector<Arrays<double>> nearby;
    for (uint64_t k = 0; k < shakes; ++k)
      if (auto near = reference::evaluate<double>(func, shake(args, k), error); succeeded(near))
        nearby.push_back(*near);
    for (unsigned result = 0; result < func.getNumResults(); ++result) {
      Arrays<double> near;
      for (Arrays<double> &each : nearby)
        near.push_back(each[result]);
      comparison.compare(Outcome{"result " + std::to_string(result), (*got)[0][result], (*expected)[result], (*wide)[result], near});
    }
  }
  return comparison.verdict();
}

Verdict Check::compareRule(FuncOp step, Compiled &compiled) {
  std::vector<Arrays<double>> slots;
  std::vector<Arrays<long double>> wideSlots;
  for (int64_t size : {7, 16, 41}) {
    reference::PointOptions options{seed * 31 + size, false, {}};
    options.sizes["w.numel"] = size;
    slots.push_back(reference::makeRandomPoint(step, options));
    for (unsigned i = 0; i < step.getNumArguments(); ++i) // one for the collection
      if (step.getArgRole(i) == Role::Hyper || step.getArgRole(i) == Role::Time || step.getArgAttr(i, "gradus.shared"))
        slots.back()[i] = slots[0][i];
    wideSlots.push_back(widen<long double>(slots.back()));
  }
  std::string error;
  auto expected = reference::evaluateOpen<double>(step, slots, error);
  auto wide = reference::evaluateOpen<long double>(step, wideSlots, error);
  auto got = compiled.call("r.step", slots, error);
  if (failed(expected) || failed(wide) || failed(got))
    return {Verdict::Different, "status", error};
  std::vector<std::vector<Arrays<double>>> nearby;
  for (uint64_t k = 0; k < shakes; ++k) {
    std::vector<Arrays<double>> shaken;
    for (const Arrays<double> &slot : slots)
      shaken.push_back(shake(slot, k));
    for (unsigned i = 0; i < step.getNumArguments(); ++i)
      if (step.getArgRole(i) == Role::Hyper || step.getArgAttr(i, "gradus.shared"))
        for (Arrays<double> &slot : shaken)
          slot[i] = shaken[0][i];
    if (auto near = reference::evaluateOpen<double>(step, shaken, error); succeeded(near))
      nearby.push_back(*near);
  }
  Comparison comparison;
  for (size_t slot = 0; slot < slots.size(); ++slot)
    for (unsigned result = 0; result < step.getNumResults(); ++result) {
      Arrays<double> near;
      for (auto &each : nearby)
        near.push_back(each[slot][result]);
      comparison.compare(Outcome{step.getResultName(result).str() + "' of tensor " + std::to_string(slot), (*got)[slot][result],
                                              (*expected)[slot][result], (*wide)[slot][result], near});
    }
  return comparison.verdict();
}

Verdict Check::compare(mlir::ModuleOp module, Compiled &compiled) {
  auto func = module.lookupSymbol<FuncOp>("f");
  if (!func)
    return compareRule(module.lookupSymbol<FuncOp>("r.step"), compiled);
  return func.getKind() == FuncKind::Loss ? compareLoss(module, compiled) : compareFunction(func, compiled);
}

Verdict Check::run(const Unit &unit) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  SourceManager sources;
  Diagnostics diagnostics(sources);
  EmitOptions options;
  options.dtype = "f64";
  auto module = emitModule(context, sources, sources.add("random.grad", unit.print()), diagnostics, options);
  if (!module) {
    std::string text = diagnostics.render();
    size_t code = text.find("[G");
    return {Verdict::Refused, code == std::string::npos ? "" : text.substr(code, 7), text};
  }
  std::string error;
  auto func = module->lookupSymbol<FuncOp>("f");
  if (func && func.getKind() == FuncKind::Loss && failed(buildGradientFunction(*module, func)))
    return {Verdict::Refused, "gradient", "no gradient"};
  PhaseOptions phases;
  phases.noFuse = seed % 4 == 0;
  phases.exactDiv = true;
  // LLVM takes most of the time: one unit in eight goes through all of it.
  auto level = seed % 8 == 3 ? llvm::CodeGenOptLevel::Aggressive : llvm::CodeGenOptLevel::None;
  auto compiled = Compiled::create(*module, error, phases, level);
  if (!compiled)
    return {Verdict::Different, "phases", error};
  Verdict verdict = compare(*module, *compiled);
  if (verdict.reason != "values")
    return verdict;
  shakes = 6;
  return compare(*module, *compiled);
}

//===----------------------------------------------------------------------===//
// A process of its own
//===----------------------------------------------------------------------===//

static constexpr unsigned limitSeconds = 100;

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
    alarm(limitSeconds);
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
    return {Verdict::Different, signal, WTERMSIG(status) == SIGALRM ? "no end within " + std::to_string(limitSeconds) + " s" : "a crash: " + signal};
  }
  size_t middle = text.find('\0');
  if (text.empty() || middle == std::string::npos)
    return {Verdict::Different, "exit", "the check ended without a verdict"};
  return {static_cast<Verdict::Kind>(text[0] - '0'), text.substr(1, middle - 1), text.substr(middle + 1)};
}
