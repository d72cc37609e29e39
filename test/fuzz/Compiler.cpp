//===- Compiler.cpp - Well-formed specs through all phases ------------------------------===//
//
// The bytes are choices of the generator of random specs: the first three say which unit and how it is compiled, the others what is in
// it. A spec that the generator makes is never refused, and no phase fails on it; MLIR's verifier runs after each pass, LLVM's at the end. Nothing is computed:
// values are compared by random-specs, which spends its time on machine code.
//
//===----------------------------------------------------------------------===//

#include "codegen/cpu/Compile.h"
#include "dialect/Gradus.h"
#include "lang/Frontend.h"
#include "passes/Phases.h"
#include "passes/diff/BuildGradient.h"
#include "test/fuzz/Limit.h"
#include "test/random/Spec.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdio>
#include <cstdlib>

using namespace gradus;
using namespace gradus::random_specs;

[[noreturn]] static void fail(const char *what, const std::string &spec, const std::string &why) {
  std::fprintf(stderr, "%s:\n%s\n%s\n", what, spec.c_str(), why.c_str());
  std::abort();
}

static Unit makeUnit(uint8_t kind, llvm::ArrayRef<uint8_t> bytes) {
  switch (kind % 6) {
  case 0:
    return makeRule(Choices(bytes));
  case 1:
    return makeFunction(Choices(bytes));
  case 2:
    return makeMatrixRule(Choices(bytes));
  case 3: { // each part has bytes of its own
    size_t third = bytes.size() / 3;
    return makeTrain(kind / 6, Choices(bytes.take_front(third)), Choices(bytes.slice(third, third)), Choices(bytes.drop_front(2 * third)));
  }
  default:
    return makeLoss(Choices(bytes));
  }
}

namespace {
class Compilation {
public:
  explicit Compilation(std::string spec) : spec(std::move(spec)), context(mlir::MLIRContext::Threading::DISABLED) {}
  void run(bool isSingle, const PhaseOptions &phases, llvm::TargetMachine &machine);

private:
  mlir::OwningOpRef<mlir::ModuleOp> emit(bool isSingle);
  std::string spec;
  mlir::MLIRContext context;
};
} // namespace

mlir::OwningOpRef<mlir::ModuleOp> Compilation::emit(bool isSingle) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  EmitOptions options;
  options.dtype = isSingle ? "f32" : "f64";
  auto module = emitModule(context, sources, sources.add("random.grad", spec), diagnostics, options);
  if (!module)
    fail("a well-formed spec is refused", spec, diagnostics.render());
  return module;
}

void Compilation::run(bool isSingle, const PhaseOptions &phases, llvm::TargetMachine &machine) {
  std::string said;
  mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) {
    said += diagnostic.str() + "\n";
    return mlir::success();
  });
  auto module = emit(isSingle);
  auto loss = module->lookupSymbol<FuncOp>("f");
  if (loss && loss.getKind() == FuncKind::Loss && failed(buildGradientFunction(*module, loss)))
    fail("no gradient of a well-formed loss", spec, said);
  mlir::PassManager passes(&context);
  buildPhasesUpTo(passes, Phase::Lower, phases);
  if (failed(passes.run(*module)))
    fail("a phase fails", spec, said);
  if (failed(convertToLLVMDialect(*module)))
    fail("the loops have no form in the LLVM dialect", spec, said);
  llvm::LLVMContext llvmContext;
  std::unique_ptr<llvm::Module> code = translateToLLVM(*module, llvmContext, machine);
  if (!code)
    fail("the module cannot be translated to LLVM", spec, said);
  std::string broken;
  llvm::raw_string_ostream stream(broken);
  if (llvm::verifyModule(*code, &stream))
    fail("LLVM refuses the module", spec, broken);
}

extern "C" const char *__asan_default_options() { return GRADUS_ASAN_OPTIONS; }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static std::string error;
  static const std::unique_ptr<llvm::TargetMachine> machine = CpuTarget{}.createMachine(error);
  if (!machine)
    fail("no machine", "x86-64-v3", error);
  if (size < 3)
    return -1; // no part of the corpus
  limitProcessorTime();
  PhaseOptions phases;
  phases.noFuse = data[1] % 4 == 0;
  phases.exactDiv = data[1] / 4 % 2;
  Compilation(makeUnit(data[0], {data + 3, size - 3}).print()).run(data[2] % 4 == 0, phases, *machine);
  return 0;
}
