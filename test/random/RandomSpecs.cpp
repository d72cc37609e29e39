//===- RandomSpecs.cpp - Machine code against the reference on random specs --------===//
//
//   random-specs [--count N] [--seed S] [--print]
//
// Unit k has the seed S + k: a loss with its gradients, or a rule for three tensors; fused or not. A difference is beyond rounding
// if it is larger than 1e-9 and larger than what long double arithmetic changes. Units that differ are shrunk and printed.
//
//===----------------------------------------------------------------------===//

#include "Spec.h"

#include "codegen/reference/RandomPoint.h"
#include "lang/Frontend.h"
#include "passes/diff/BuildGradient.h"
#include "test/numeric/Compiled.h"

#include "dialect/Gradus.h"

#include "mlir/IR/MLIRContext.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace gradus;
using namespace gradus::random_specs;
using reference::Array;
using reference::Arrays;

namespace {

struct Verdict {
  enum Kind { Same, Different, Refused } kind = Same;
  std::string message;
};

/// Where two engines may differ at all: by what rounding does to the reference itself.
class Comparison {
public:
  template <typename Wide>
  void compare(const std::string &what, const Array<double> &got, const Array<double> &expected, const Array<Wide> &wide) {
    if (got.shape != expected.shape || got.ints != expected.ints)
      return fail(what + " has another shape or other integers");
    for (size_t i = 0; i < expected.reals.size(); ++i) {
      double a = got.reals[i], b = expected.reals[i];
      if ((std::isnan(a) && std::isnan(b)) || a == b)
        continue;
      double slack = std::fabs(static_cast<double>(wide.reals[i] - static_cast<Wide>(b)));
      if (!(std::fabs(a - b) <= 1e-9 * std::fmax(1, std::fabs(b)) + 1000 * slack)) {
        char text[160];
        std::snprintf(text, sizeof text, "%s, element %zu: %.17g, by the reference %.17g", what.c_str(), i, a, b);
        return fail(text);
      }
    }
  }
  Verdict verdict;

private:
  void fail(std::string message) {
    if (verdict.kind == Verdict::Same)
      verdict = {Verdict::Different, std::move(message)};
  }
};

template <typename S>
Arrays<S> widen(const Arrays<double> &from) {
  Arrays<S> to;
  for (const Array<double> &array : from)
    to.push_back({array.kind, array.shape, std::vector<S>(array.reals.begin(), array.reals.end()), array.ints});
  return to;
}

class Check {
public:
  explicit Check(uint64_t seed) : seed(seed) {}
  Verdict run(const Unit &unit);

private:
  Verdict compareLoss(mlir::ModuleOp module, Compiled &compiled);
  Verdict compareRule(mlir::ModuleOp module, Compiled &compiled);
  uint64_t seed;
};

} // namespace

Verdict Check::compareLoss(mlir::ModuleOp module, Compiled &compiled) {
  auto loss = module.lookupSymbol<FuncOp>("f"), gradient = module.lookupSymbol<FuncOp>("f.grad");
  Comparison comparison;
  for (int64_t size : {5, 23}) {
    reference::PointOptions options{seed * 31 + size, false, {}};
    options.sizes = {{"n", size}, {"d", size == 5 ? 3 : 17}, {"c", 4}};
    Arrays<double> args = reference::makeRandomPoint(loss, options);
    std::vector<unsigned> wrt;
    for (unsigned result = 1; result < gradient.getNumResults(); ++result)
      for (unsigned i = 0; i < loss.getNumArguments(); ++i)
        if (("grad_" + loss.getArgName(i)).str() == gradient.getResultName(result))
          wrt.push_back(i);
    std::string error;
    auto expected = reference::evaluateGradients<double>(loss, args, wrt, error);
    auto wide = reference::evaluateGradients<long double>(loss, widen<long double>(args), wrt, error);
    std::vector<Arrays<double>> slots{args};
    auto value = compiled.call("f", slots, error), got = compiled.call("f.grad", slots, error);
    if (failed(expected) || failed(wide) || failed(value) || failed(got))
      return {Verdict::Different, error};
    auto asArray = [](auto x) { return Array<decltype(x)>::scalar(x); };
    comparison.compare("the value", (*value)[0][0], asArray(expected->value), asArray(wide->value));
    comparison.compare("the value beside the gradient", (*got)[0][0], asArray(expected->value), asArray(wide->value));
    for (size_t k = 0; k < wrt.size(); ++k)
      comparison.compare("the gradient in " + loss.getArgName(wrt[k]).str(), (*got)[0][k + 1], expected->gradients[k], wide->gradients[k]);
  }
  return comparison.verdict;
}

Verdict Check::compareRule(mlir::ModuleOp module, Compiled &compiled) {
  auto step = module.lookupSymbol<FuncOp>("r.step");
  std::vector<Arrays<double>> slots;
  std::vector<Arrays<long double>> wideSlots;
  for (int64_t size : {7, 16, 41}) {
    reference::PointOptions options{seed * 31 + size, false, {}};
    options.sizes["w.numel"] = size;
    slots.push_back(reference::makeRandomPoint(step, options));
    for (unsigned i = 0; i < step.getNumArguments(); ++i) // one for the collection
      if (step.getArgRole(i) == Role::Hyper || step.getArgRole(i) == Role::Time)
        slots.back()[i] = slots[0][i];
    wideSlots.push_back(widen<long double>(slots.back()));
  }
  std::string error;
  auto expected = reference::evaluateOpen<double>(step, slots, error);
  auto wide = reference::evaluateOpen<long double>(step, wideSlots, error);
  auto got = compiled.call("r.step", slots, error);
  if (failed(expected) || failed(wide) || failed(got))
    return {Verdict::Different, error};
  Comparison comparison;
  for (size_t slot = 0; slot < slots.size(); ++slot)
    for (unsigned result = 0; result < step.getNumResults(); ++result)
      comparison.compare(step.getResultName(result).str() + "' of tensor " + std::to_string(slot), (*got)[slot][result],
                         (*expected)[slot][result], (*wide)[slot][result]);
  return comparison.verdict;
}

Verdict Check::run(const Unit &unit) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  SourceManager sources;
  Diagnostics diagnostics(sources);
  EmitOptions options;
  options.dtype = "f64";
  auto module = emitModule(context, sources, sources.add("random.grad", unit.print()), diagnostics, options);
  if (!module)
    return {Verdict::Refused, diagnostics.render()};
  std::string error;
  auto loss = module->lookupSymbol<FuncOp>("f");
  if (loss && failed(buildGradientFunction(*module, loss)))
    return {Verdict::Refused, "no gradient"};
  PhaseOptions phases;
  phases.noFuse = seed % 4 == 0;
  phases.exactDiv = true;
  auto compiled = Compiled::create(*module, error, phases);
  if (!compiled)
    return {Verdict::Different, error};
  return loss ? compareLoss(*module, *compiled) : compareRule(*module, *compiled);
}

static Unit makeUnit(uint64_t seed) { return seed % 3 == 2 ? makeRule(seed) : makeLoss(seed); }

/// Tells what is wrong with one unit; true if nothing is.
static bool checkUnit(uint64_t seed, bool print) {
  Unit unit = makeUnit(seed);
  if (print)
    std::printf("// seed %llu\n%s\n", (unsigned long long)seed, unit.print().c_str()), std::fflush(stdout);
  Check check(seed);
  Verdict verdict = check.run(unit);
  if (verdict.kind == Verdict::Same)
    return true;
  Verdict::Kind kind = verdict.kind;
  Unit small = shrink(std::move(unit), [&](const Unit &candidate) { return check.run(candidate).kind == kind; });
  std::printf("// seed %llu: %s\n%s\n", (unsigned long long)seed, kind == Verdict::Refused ? "refused" : "differs", small.print().c_str());
  std::printf("%s\n", check.run(small).message.c_str());
  return false;
}

int main(int argc, char **argv) {
  uint64_t count = 500, seed = 1;
  bool print = false;
  for (int i = 1; i < argc; ++i) {
    if (!std::strcmp(argv[i], "--count") && i + 1 < argc)
      count = std::strtoull(argv[++i], nullptr, 10);
    else if (!std::strcmp(argv[i], "--seed") && i + 1 < argc)
      seed = std::strtoull(argv[++i], nullptr, 10);
    else if (!std::strcmp(argv[i], "--print"))
      print = true;
    else
      return std::fprintf(stderr, "usage: random-specs [--count N] [--seed S] [--print]\n"), 2;
  }
  constexpr int enough = 5;
  int wrong = 0;
  uint64_t tried = 0;
  for (; tried < count && wrong < enough; ++tried)
    wrong += !checkUnit(seed + tried, print);
  std::printf("%llu random specs from seed %llu: %d wrong\n", (unsigned long long)tried, (unsigned long long)seed, wrong);
  return wrong != 0;
}
