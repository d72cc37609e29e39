//===- EmitPasses.cpp - Device code as a pass, for tests -----------------------------===//

#include "codegen/gpu/EmitPasses.h"

#include "codegen/gpu/Spirv.h"

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
} // namespace

void registerGpuEmission() { PassRegistration<EmitSpirv>(); }

} // namespace gradus
