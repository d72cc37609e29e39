//===- LowerGpu.cpp - From the plan to kernels of a GPU and their host program --------===//

#include "passes/Passes.h"
#include "passes/gpu/Device.h"
#include "passes/gpu/Gpu.h"
#include "passes/lower/Product.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace gradus {
#define GEN_PASS_DEF_LOWERGPU
#include "passes/Passes.h.inc"
} // namespace gradus

using namespace mlir;
using namespace gradus;

/// A function of three i64 becomes a kernel. What stands for memory of the group becomes an attribution.
static void moveKernel(LLVM::LLVMFuncOp function, OpBuilder &builder) {
  Type i64 = builder.getI64Type();
  auto type = builder.getFunctionType({i64, i64, i64}, {});
  auto kernel = gpu::GPUFuncOp::create(builder, function.getLoc(), function.getSymName(), type);
  kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), builder.getUnitAttr());
  kernel.setKnownBlockSizeAttr(builder.getDenseI32ArrayAttr({static_cast<int32_t>(groupSize), 1, 1}));
  Block &from = function.getBody().front(), &to = kernel.getBody().front();
  for (auto [before, after] : llvm::zip_equal(from.getArguments(), to.getArguments()))
    before.replaceAllUsesWith(after);
  to.getOperations().splice(to.end(), from.getOperations());
  Operation *end = to.getTerminator();
  OpBuilder atEnd(end);
  gpu::ReturnOp::create(atEnd, end->getLoc());
  end->erase();
  kernel.walk([&](UnrealizedConversionCastOp memory) {
    memory.getResult(0).replaceAllUsesWith(kernel.addWorkgroupAttribution(memory.getResult(0).getType(), memory.getLoc()));
    memory.erase();
  });
}

LogicalResult gradus::lowerToDevice(ModuleOp module) {
  SmallVector<FuncOp> entries;
  for (FuncOp func : module.getOps<FuncOp>())
    if (isEntry(func)) {
      if (failed(checkDeviceForm(func)))
        return failure();
      entries.push_back(func);
    }
  OpBuilder builder(module.getContext());
  OwningOpRef<ModuleOp> device = ModuleOp::create(builder, module.getLoc());
  unsigned numKernels = 0;
  for (FuncOp func : entries) {
    func.walk([](KernelOp kernel) {
      if (isa<ContractOp>(kernel.getBody().front().front()) && !findMatrixProduct(kernel) && !isVectorContract(kernel))
        rewriteContract(kernel);
    });
    storeLoopingDraws(func);
    DeviceProgram program = DeviceLowering(func, *device, numKernels).run();
    emitHostProgram(func, computeEntryLayout(func), program, module);
  }
  for (FuncOp func : llvm::make_early_inc_range(module.getOps<FuncOp>()))
    func.erase();
  builder.setInsertionPointToEnd(module.getBody());
  auto kernels = gpu::GPUModuleOp::create(builder, module.getLoc(), deviceModuleName);
  builder.setInsertionPointToStart(&kernels.getBodyRegion().front());
  for (Operation &op : llvm::make_early_inc_range(device->getBody()->getOperations())) {
    auto function = dyn_cast<LLVM::LLVMFuncOp>(op);
    if (function && function->hasAttr(gpu::GPUDialect::getKernelFuncAttrName()))
      moveKernel(function, builder);
    else
      op.moveBefore(builder.getInsertionBlock(), builder.getInsertionPoint());
  }
  return success();
}

namespace {

struct LowerGpu : gradus::impl::LowerGpuBase<LowerGpu> {
  void runOnOperation() override {
    if (failed(lowerToDevice(getOperation())))
      signalPassFailure();
  }
};

} // namespace
