//===- SimulatedTest.cpp - Kernels of a device have the bits of the CPU's -----------===//
//
// Every entry of the standard library, and of the specs of test/numeric, in both engines. The device is simulated: it shares the arithmetic with the CPU and no code of passes/gpu but what is
// tested. Row nests, which a device does not have, are taken from the CPU's plan, so that all sums have one order.
//
//===----------------------------------------------------------------------------===//

#include "Simulator.h"

#include "lang/Frontend.h"
#include "passes/Phases.h"
#include "test/codegen/bits/AnyCall.h"

#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

using namespace gradus;
using namespace gradus::bits;
using namespace mlir;

namespace {

/// A spec in both engines.
struct Engines {
  explicit Engines(const std::string &path) {
    std::ifstream file(path);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    context.loadDialect<GradusDialect>();
    Diagnostics diagnostics(sources);
    module = emitModule(context, sources, sources.add(path, text), diagnostics, {});
    if (!module || diagnostics.hasErrors()) {
      error = diagnostics.render();
      return;
    }
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) { error += diagnostic.str() + "\n"; });
    PassManager passes(&context);
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
    device = DeviceCode::create(*module, error);
  }

  MLIRContext context;
  SourceManager sources;
  OwningOpRef<ModuleOp> module;
  std::vector<EntryLayout> layouts;
  std::unique_ptr<Jit> cpu;
  std::unique_ptr<DeviceCode> device;
  std::string error;
};

gradus_status runOnDevice(const gradus_entry &entry, AnyCall &call, const Simulator &simulator, uint64_t t, std::string &message) {
  gradus_context context = {};
  context.user = &message;
  context.error = [](void *user, const gradus_error *error) { *static_cast<std::string *>(user) = error->message; };
  context.device = simulator.get();
  std::vector<gradus_tensor> &tensors = call.getTensors();
  for (gradus_tensor &tensor : tensors)
    tensor.device_type = GRADUS_VULKAN;
  size_t slots = entry.is_open ? tensors.size() / std::max<size_t>(1, size_t(entry.n_arguments)) : 1, bytes = gradus_workspace(&entry, tensors.data(), slots);
  std::vector<char> workspace(bytes == SIZE_MAX ? 0 : bytes + 64, char(0x5a));
  char *scratch = workspace.data() + (64 - reinterpret_cast<uintptr_t>(workspace.data()) % 64) % 64;
  gradus_status status = gradus_call(&entry, &context, call.getHypers().data(), t, 7, tensors.data(), slots, scratch, bytes, nullptr);
  if (status != GRADUS_OK)
    return status;
  call.getReport() = {};
  return gradus_device_result(&entry, &context, &simulator.report, &call.getReport());
}

/// The sizes of the symbols that are tried: all alike, and one axis after the other longer than the rest.
std::vector<std::vector<int64_t>> getSizes(const gradus_entry &entry) {
  auto symbols = size_t(entry.n_symbols);
  std::vector<std::vector<int64_t>> sizes = {std::vector<int64_t>(symbols, 1), std::vector<int64_t>(symbols, 5), std::vector<int64_t>(symbols, 16)};
  for (size_t symbol = 0; symbol < symbols && symbol < 3; ++symbol) {
    sizes.emplace_back(symbols, 3);
    sizes.back()[symbol] = symbols > 2 ? 1100 : 9000;
  }
  return sizes;
}

class Simulated : public testing::TestWithParam<std::string> {};

TEST_P(Simulated, hasTheBitsOfTheCpu) {
  Engines engines(std::string(GRADUS_TEST_STD "/") + GetParam());
  if (engines.layouts.empty())
    GTEST_SKIP() << "nothing to compile: " << engines.error;
  ASSERT_TRUE(engines.cpu) << engines.error;
  if (!engines.device)
    FAIL() << engines.error;
  ASSERT_TRUE(engines.device->simulate(engines.error)) << engines.error;
  int done = 0;
  for (const EntryLayout &layout : engines.layouts) {
    JitEntry known(layout, *engines.cpu);
    const gradus_entry &cpu = known.get();
    gradus_entry gpu = engines.device->makeEntry(known, layout, GRADUS_VULKAN);
    for (const std::vector<int64_t> &sizes : getSizes(cpu)) {
      size_t slots = cpu.is_open ? 3 : 1;
      std::string what = layout.name + " of";
      for (size_t k = 0; k < sizes.size(); ++k)
        what += " " + std::string(cpu.symbols[k]) + " = " + std::to_string(sizes[k]);
      AnyCall plain(&cpu, sizes, slots, {}), other(&cpu, sizes, slots, {});
      gradus_status status = plain.run(3, 1);
      if (status == GRADUS_ERROR_SHAPE || status == GRADUS_ERROR_INTERVAL)
        continue;
      Simulator simulator(*engines.device);
      std::string message;
      EXPECT_EQ(runOnDevice(gpu, other, simulator, 3, message), status) << what << ": " << message << " / " << plain.getMessage();
      EXPECT_GT(simulator.getDispatches(), 0u) << what;
      if (status == GRADUS_OK)
        EXPECT_TRUE(other.getBits() == plain.getBits()) << what;
      done += status == GRADUS_OK;
    }
  }
  EXPECT_GT(done, 0);
}

std::vector<std::string> findSpecs() {
  std::vector<std::string> specs;
  for (const auto &file : std::filesystem::recursive_directory_iterator(GRADUS_TEST_STD))
    if (file.path().extension() == ".grad")
      specs.push_back(std::filesystem::relative(file.path(), GRADUS_TEST_STD).string());
  std::sort(specs.begin(), specs.end());
  return specs;
}

INSTANTIATE_TEST_SUITE_P(Std, Simulated, testing::ValuesIn(findSpecs()), [](const auto &info) {
  std::string name = info.param.substr(0, info.param.size() - 5);
  std::replace_if(name.begin(), name.end(), [](char c) { return !isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
});

} // namespace
