//===- Laws.cpp - What must hold whatever the numbers are --------------------------===//

#include "Laws.h"

#include "Comparison.h"

#include "codegen/emit/Entry.h"
#include "codegen/emit/SourcePrinter.h"
#include "lang/Format.h"
#include "lang/Frontend.h"
#include "lang/Parser.h"
#include "passes/diff/BuildGradient.h"
#include "test/numeric/Compiled.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"

#include <cstring>
#include <sstream>
#include <thread>

using namespace gradus;
using namespace gradus::random_specs;
using reference::Array;
using reference::Arrays;

mlir::OwningOpRef<mlir::ModuleOp> random_specs::readText(mlir::MLIRContext &context, const std::string &text, bool isSingle, std::string &messages) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  EmitOptions options;
  options.dtype = isSingle ? "f32" : "f64";
  auto module = emitModule(context, sources, sources.add("random.grad", text), diagnostics, options);
  if (!module)
    messages = diagnostics.render();
  return module;
}

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

/// `user` points to the number of threads.
static void runInThreads(void *user, int64_t count, gradus_body body, void *closure) {
  int64_t pieces = *static_cast<int64_t *>(user);
  std::vector<std::thread> threads;
  for (int64_t k = pieces; k-- > 0;)
    threads.emplace_back(body, closure, count * k / pieces, count * (k + 1) / pieces);
  for (std::thread &thread : threads)
    thread.join();
}

static bool hasSameBits(const Array<double> &a, const Array<double> &b) {
  return a.shape == b.shape && a.ints == b.ints && a.reals.size() == b.reals.size() &&
         (a.reals.empty() || std::memcmp(a.reals.data(), b.reals.data(), a.reals.size() * sizeof(double)) == 0);
}

Verdict random_specs::checkThreads(FuncOp func, Compiled &compiled, uint64_t seed) {
  Slots slots = makePoint(func, {Place::Plain, 1100, 31, {40000, 3, 70001}, true}, seed);
  std::string name = func.getSymName().str(), error;
  auto serial = compiled.call(name, slots, error);
  for (int64_t threads : {1, 2, 3, 7}) {
    gradus_context context{};
    context.user = &threads;
    context.parallel_for = runInThreads;
    compiled.context = &context;
    auto parallel = compiled.call(name, slots, error);
    compiled.context = nullptr;
    if (failed(serial) != failed(parallel))
      return {Verdict::Different, "threads", name + " is refused with or without threads alone"};
    for (size_t slot = 0; succeeded(serial) && slot < slots.size(); ++slot)
      for (size_t result = 0; result < (*serial)[slot].size(); ++result)
        if (!hasSameBits((*serial)[slot][result], (*parallel)[slot][result]))
          return {Verdict::Different, "threads", name + ": other bits in result " + std::to_string(result) + " by " + std::to_string(threads) + " threads"};
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

static std::string print(mlir::Operation *op) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  op->print(stream);
  return text;
}

/// The formatted text, or nothing and why.
static std::string formatText(const std::string &text, std::string &messages) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  const Source &source = sources.add("random.grad", text);
  std::unique_ptr<ast::Sheet> sheet = parse(source, diagnostics);
  messages = diagnostics.render();
  return sheet ? format(*sheet, source) : "";
}

Verdict random_specs::checkFormat(mlir::ModuleOp module, const std::string &text, bool isSingle) {
  std::string messages, once = formatText(text, messages), twice = formatText(once, messages);
  if (once != twice)
    return {Verdict::Different, "format", "formatted twice it is another text:\n" + once + twice + messages};
  auto other = readText(*module.getContext(), once, isSingle, messages);
  if (!other)
    return {Verdict::Different, "format", "formatted it is refused:\n" + once + messages};
  std::istringstream ours(print(module)), theirs(print(*other));
  for (std::string a, b; std::getline(ours, a), std::getline(theirs, b), ours || theirs;)
    if (a != b && a.find("#loc") != 0) // a place in the text
      return {Verdict::Different, "format", "formatted it is another module:\n" + once + a + "\n" + b};
  return {};
}

Verdict random_specs::checkRewritten(mlir::ModuleOp module, const Unit &unit, uint64_t seed) {
  std::string messages, text = rewrite(unit, seed).print(), error, why;
  auto other = readText(*module.getContext(), text, false, messages);
  if (!other)
    return {Verdict::Different, "rewritten", "in other words it is refused:\n" + text + messages};
  for (FuncOp func : module.getOps<FuncOp>()) {
    if (!isEntry(func))
      continue;
    auto same = other->lookupSymbol<FuncOp>(func.getSymName());
    Slots slots = makePoint(func, {}, seed);
    auto a = reference::evaluateOpen<double>(func, slots, error), b = reference::evaluateOpen<double>(same, slots, why);
    if (failed(a) != failed(b))
      return {Verdict::Different, "rewritten", "in other words another call is refused:\n" + text + error + why};
    for (size_t slot = 0; succeeded(a) && slot < slots.size(); ++slot)
      for (size_t result = 0; result < (*a)[slot].size(); ++result)
        if (!hasSameBits((*a)[slot][result], (*b)[slot][result]))
          return {Verdict::Different, "rewritten", "in other words result " + std::to_string(result) + " is another:\n" + text};
  }
  return {};
}

//===----------------------------------------------------------------------===//
// The printed gradient
//===----------------------------------------------------------------------===//

/// The gradient as text; empty, with the messages, where there is none.
static std::string printGradient(mlir::ModuleOp module, std::string &messages) {
  mlir::OwningOpRef<mlir::ModuleOp> copy(module.clone());
  mlir::ScopedDiagnosticHandler handler(module.getContext(), [&](mlir::Diagnostic &diagnostic) {
    messages += diagnostic.str() + "\n";
    return mlir::success();
  });
  auto gradient = buildGradientFunction(*copy, copy->lookupSymbol<FuncOp>("f"));
  mlir::PassManager passes(module.getContext());
  buildPhasesUpTo(passes, Phase::Simplify);
  if (failed(gradient) || failed(passes.run(*copy)))
    return "";
  auto text = printAsSource(copy->lookupSymbol<FuncOp>("f.grad"));
  return failed(text) ? "" : *text;
}

Verdict random_specs::checkPrintedGradient(mlir::ModuleOp module, uint64_t seed, bool isSingle) {
  auto loss = module.lookupSymbol<FuncOp>("f");
  if (!loss || loss.getKind() != FuncKind::Loss)
    return {};
  std::string messages, error, text = printGradient(module, messages);
  // What source cannot say, and a loss that its parameters do not reach.
  if (text.empty() && (messages.find("G0853") == 0 || messages.find("G0373") == 0))
    return {};
  if (text.empty())
    return {Verdict::Different, "printed gradient", messages};
  auto other = readText(*module.getContext(), text, isSingle, messages);
  auto gradient = other ? other->lookupSymbol<FuncOp>("f_grad") : nullptr;
  if (!gradient)
    return {Verdict::Different, "printed gradient", "the gradient is refused:\n" + text + messages};
  Slots slots = makePoint(loss, {}, seed);
  auto got = reference::evaluateOpen<double>(gradient, slots, error);
  // What the loss does not depend on has no gradient in the text.
  std::vector<unsigned> wrt;
  for (unsigned i = 0; i < loss.getNumArguments(); ++i)
    for (unsigned k = 1; k < gradient.getNumResults(); ++k)
      if (llvm::is_contained({"W", "b", "w", "V"}, loss.getArgName(i)) && gradient.getResultName(k) == "grad_" + loss.getArgName(i).str())
        wrt.push_back(i);
  if (wrt.empty()) // where no parameter is reached it is that of something else
    return {};
  auto expected = reference::evaluateGradients<double>(loss, slots[0], wrt, error);
  auto wide = reference::evaluateGradients<long double>(loss, widen<long double>(slots[0]), wrt, error);
  if (failed(got) || failed(expected) || failed(wide))
    return {Verdict::Different, "printed gradient", error + text};
  std::vector<Results<double>> nearby;
  for (uint64_t k = 0; k < 6; ++k)
    if (auto near = reference::evaluateGradients<double>(loss, shake(loss, slots, 1e-12, k)[0], wrt, error); succeeded(near))
      nearby.push_back(toResults(std::move(*near)));
  if ((*got)[0].size() != wrt.size() + 1)
    return {Verdict::Different, "printed gradient", "the gradient has other results:\n" + text};
  std::vector<std::string> names(wrt.size() + 1, "a result");
  Results<double> right = toResults(std::move(*expected));
  Results<long double> right2 = toResults(std::move(*wide));
  Comparison comparison;
  comparison.compare({"the printed gradient", names, *got, right, right2, nearby, 1e-9});
  Verdict verdict = comparison.verdict();
  if (verdict.kind == Verdict::Different)
    verdict = {Verdict::Different, "printed gradient", verdict.message + "\n" + text};
  return verdict;
}
