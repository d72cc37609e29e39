//===- Specs.cpp - The specs of the standard library in both engines -----------------===//

#include "Specs.h"

#include "passes/Passes.h"
#include "passes/Phases.h"
#include "passes/diff/BuildGradient.h"
#include "passes/gpu/Gpu.h"
#include "test/codegen/bits/Steep.h"

#include "mlir/Pass/PassManager.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace gradus;
using namespace mlir;

/// Where a spec stands.
static std::string pathOf(const std::string &spec) {
  constexpr llvm::StringLiteral prefix = "inputs/";
  if (llvm::StringRef(spec).starts_with("/"))
    return spec;
  return llvm::StringRef(spec).starts_with(prefix) ? GRADUS_TEST_INPUTS "/" + spec.substr(prefix.size()) : GRADUS_TEST_STD "/" + spec;
}

Engines::Engines(const std::string &spec, const std::string &guard) {
  std::string path = pathOf(spec);
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  context.loadDialect<GradusDialect>();
  Diagnostics diagnostics(sources);
  EmitOptions options;
  options.standardLibrary = GRADUS_TEST_STD;
  module = emitModule(context, sources, sources.add(path, text), diagnostics, options);
  if (!module || diagnostics.hasErrors()) {
    error = diagnostics.render();
    return;
  }
  ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) { error += diagnostic.str() + "\n"; });
  SmallVector<FuncOp> losses;
  for (FuncOp func : module->getOps<FuncOp>())
    if (func.getKind() == FuncKind::Loss)
      losses.push_back(func);
  for (FuncOp loss : losses)
    if (failed(buildGradientFunction(*module, loss)))
      return;
  PassManager passes(&context);
  passes.addNestedPass<FuncOp>(createGuard({guard}));
  buildPhasesUpTo(passes, Phase::Fuse);
  if (failed(passes.run(*module)))
    return;
  module->walk([](KernelOp kernel) { kernel->removeAttr("gradus.nest"); });
  for (FuncOp func : module->getOps<FuncOp>())
    if (isEntry(func))
      layouts.push_back(computeEntryLayout(func));
  OwningOpRef<ModuleOp> copy(module->clone());
  PassManager lower(&context);
  buildPhase(lower, Phase::Lower);
  if (failed(lower.run(*copy)) || failed(convertToLLVMDialect(*copy)))
    return;
  cpu = Jit::create(*copy, CpuTarget{}, error, llvm::CodeGenOptLevel::None);
  OwningOpRef<ModuleOp> rest(module->clone());
  for (FuncOp func : llvm::make_early_inc_range(rest->getOps<FuncOp>())) {
    if (!isEntry(func) || succeeded(checkDeviceForm(func)))
      continue;
    constexpr llvm::StringLiteral begin = "no GPU form yet: ", end = "; build";
    llvm::StringRef reason = llvm::StringRef(error).split(begin).second.split(end).first;
    refused.push_back(spec + " " + func.getSymName().str() + ": " + reason.str());
    error.clear();
    func.erase();
  }
  device = DeviceCode::create(*rest, error);
}

std::vector<std::string> gradus::findRefusals(const std::string &spec) {
  std::ifstream file(GRADUS_TEST_REFUSED);
  std::vector<std::string> found;
  for (std::string line; std::getline(file, line);)
    if (line.compare(0, spec.size() + 1, spec + " ") == 0)
      found.push_back(line);
  return found;
}

std::vector<std::vector<int64_t>> gradus::getSizes(const std::string &spec, const gradus_entry &entry) {
  auto symbols = size_t(entry.n_symbols);
  if (bits::isSteep(spec)) // thousands of launches are lowered, but take too long to simulate
    return {};
  std::vector<std::vector<int64_t>> sizes = {std::vector<int64_t>(symbols, 1), std::vector<int64_t>(symbols, 5)};
  sizes.emplace_back(symbols, 16);
  bool hasMatrix = std::any_of(entry.arguments, entry.arguments + entry.n_arguments, [](const gradus_argument &argument) { return argument.rank > 1; });
  for (size_t symbol = 0; symbol < symbols && symbol < 3; ++symbol) {
    sizes.emplace_back(symbols, 3);
    sizes.back()[symbol] = hasMatrix ? 350 : 9000;
  }
  if (spec == "inputs/products.grad") { // several tiles, none of them whole; sums over more than a block
    sizes.push_back(symbols == 4 ? std::vector<int64_t>{3, 70, 150, 131} : std::vector<int64_t>{150, 131, 70});
    sizes.emplace_back(symbols, 66);
  }
  return sizes;
}

std::string gradus::describe(const gradus_entry &entry, const std::vector<int64_t> &sizes) {
  std::string text = std::string(entry.name) + " of";
  for (size_t k = 0; k < sizes.size(); ++k)
    text += " " + std::string(entry.symbols[k]) + " = " + std::to_string(sizes[k]);
  return text;
}

std::vector<std::string> gradus::findSpecs() {
  std::vector<std::string> specs;
  for (const auto &file : std::filesystem::recursive_directory_iterator(GRADUS_TEST_STD))
    if (file.path().extension() == ".grad")
      specs.push_back(std::filesystem::relative(file.path(), GRADUS_TEST_STD).string());
  for (const char *name : {"codes", "collection", "control", "draws", "picked", "products", "recurrences", "rows", "windows"})
    specs.push_back("inputs/" + std::string(name) + ".grad");
  std::sort(specs.begin(), specs.end());
  return specs;
}

std::string gradus::toTestName(std::string spec) {
  std::string name = spec.substr(0, spec.size() - 5);
  std::replace_if(name.begin(), name.end(), [](char c) { return !isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
}
