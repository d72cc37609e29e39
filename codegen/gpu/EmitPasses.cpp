//===- EmitPasses.cpp - Device code as a pass, for tests -----------------------------===//

#include "codegen/gpu/EmitPasses.h"

#include "codegen/gpu/Ptx.h"
#include "codegen/gpu/Spirv.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Pass/Pass.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace gradus {

static LogicalResult writeFile(Operation *op, StringRef path, StringRef bytes) {
  std::error_code problem;
  llvm::raw_fd_ostream file(path, problem, llvm::sys::fs::OF_None);
  if (problem)
    return op->emitError("cannot write '") << path << "': " << problem.message();
  file << bytes;
  return success();
}

namespace {
struct EmitSpirv : PassWrapper<EmitSpirv, OperationPass<gpu::GPUModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(EmitSpirv)
  EmitSpirv() = default;
  EmitSpirv(const EmitSpirv &other) : PassWrapper(other) {}
  StringRef getArgument() const override { return "gradus-emit-spirv"; }
  StringRef getDescription() const override { return "Write a gpu.module as SPIR-V for Vulkan"; }
  void runOnOperation() override {
    auto words = emitSpirv(getOperation());
    if (failed(words) ||
        failed(writeFile(getOperation(), output, StringRef(reinterpret_cast<const char *>(words->data()), words->size() * sizeof(uint32_t)))))
      signalPassFailure();
  }
  Option<std::string> output{*this, "output", llvm::cl::desc("the file"), llvm::cl::init("/dev/null")};
};

struct EmitPtx : PassWrapper<EmitPtx, OperationPass<gpu::GPUModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(EmitPtx)
  EmitPtx() = default;
  EmitPtx(const EmitPtx &other) : PassWrapper(other) {}
  void getDependentDialects(DialectRegistry &registry) const override { registry.insert<cf::ControlFlowDialect, LLVM::LLVMDialect, NVVM::NVVMDialect>(); }
  StringRef getArgument() const override { return "gradus-emit-ptx"; }
  StringRef getDescription() const override { return "Write a gpu.module as PTX; say what ptxas makes of it where it is found"; }
  void runOnOperation() override {
    std::string error;
    FailureOr<std::string> ptx = emitPtx(getOperation(), chip, error);
    if (succeeded(ptx) && assemble)
      assembleText(*ptx, error);
    if (!error.empty())
      emitError(getOperation().getLoc(), error);
    if (failed(ptx) || !error.empty() || failed(writeFile(getOperation(), output, *ptx)))
      signalPassFailure();
  }
  void assembleText(StringRef ptx, std::string &error) {
    std::string ptxas = findPtxas();
    if (ptxas.empty()) {
      emitRemark(getOperation().getLoc(), "no ptxas here");
      return;
    }
    if (FailureOr<Cubin> cubin = emitCubin(ptx, chip, ptxas, error); succeeded(cubin))
      for (const KernelUse &kernel : cubin->kernels)
        emitRemark(getOperation().getLoc(), "kernel '") << kernel.name << "' on " << chip << ": " << kernel.registers << " registers, spills of "
                                              << kernel.spillStores + kernel.spillLoads << " bytes";
  }
  Option<std::string> output{*this, "output", llvm::cl::desc("the file"), llvm::cl::init("/dev/null")};
  Option<std::string> chip{*this, "chip", llvm::cl::desc("the chip"), llvm::cl::init("sm_80")};
  Option<bool> assemble{*this, "assemble", llvm::cl::desc("run ptxas"), llvm::cl::init(false)};
};
} // namespace

void registerGpuEmission() {
  PassRegistration<EmitPtx>();
  PassRegistration<EmitSpirv>();
}

} // namespace gradus
