//===- DeviceCode.cpp - The device code of a module, in this process ---------------===//

#include "DeviceCode.h"

#include "passes/gpu/Gpu.h"
#include "passes/lower/Code.h"
#include "passes/step/Guard.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Verifier.h"

#include <cstring>

using namespace mlir;
using namespace gradus;

/// The place of the table, which the host program takes the address of.
static void defineTable(ModuleOp module) {
  if (Operation *declared = module.lookupSymbol(deviceTableName))
    declared->erase();
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), sizeof(gradus_device_module));
  auto zeros = DenseElementsAttr::get(RankedTensorType::get({sizeof(gradus_device_module)}, builder.getI8Type()), builder.getI8IntegerAttr(0));
  LLVM::GlobalOp::create(builder, module.getLoc(), type, /*isConstant=*/false, LLVM::Linkage::External, deviceTableName, zeros, /*alignment=*/8);
}

static std::vector<const char *> findTexts(FuncOp func) {
  std::vector<const char *> texts;
  for (unsigned index = 0; index < func.getNumResults(); ++index)
    if (auto what = func.getResultAttrOfType<StringAttr>(index, guardAttribute))
      texts.push_back(what.getValue().data()); // ends with a NUL
  return texts;
}

std::unique_ptr<DeviceCode> DeviceCode::create(ModuleOp fused, std::string &error) {
  auto code = std::make_unique<DeviceCode>();
  code->module = fused.clone();
  for (FuncOp func : fused.getOps<FuncOp>())
    if (isEntry(func))
      code->guards[computeEntryLayout(func).cName] = findTexts(func);
  ScopedDiagnosticHandler handler(fused.getContext(), [&](mlir::Diagnostic &diagnostic) { error += diagnostic.str() + "\n"; });
  fused.getContext()->loadDialect<LLVM::LLVMDialect, arith::ArithDialect, gpu::GPUDialect, math::MathDialect, memref::MemRefDialect, scf::SCFDialect, vector::VectorDialect>();
  if (failed(lowerToDevice(*code->module)))
    return nullptr;
  code->holder = ModuleOp::create(fused.getLoc());
  code->kernels = code->module->lookupSymbol<gpu::GPUModuleOp>(deviceModuleName);
  code->kernels->remove();
  code->holder->push_back(code->kernels);
  if (failed(verify(*code->holder)))
    return nullptr;
  for (auto kernel : code->kernels.getOps<gpu::GPUFuncOp>()) {
    code->names.push_back(kernel.getName().str());
    code->barriers.push_back(kernel.walk([](gpu::BarrierOp) { return WalkResult::interrupt(); }).wasInterrupted());
  }
  for (const std::string &name : code->names)
    code->texts.push_back(name.c_str());
  for (auto function : code->module->getOps<LLVM::LLVMFuncOp>())
    code->entries.insert(function.getSymName().str());
  defineTable(*code->module);
  if (failed(convertToLLVMDialect(*code->module)))
    return nullptr;
  code->host = Jit::create(*code->module, CpuTarget{}, error, llvm::CodeGenOptLevel::None);
  if (!code->host)
    return nullptr;
  code->table = static_cast<gradus_device_module *>(code->host->lookup(deviceTableName));
  code->setImages({});
  return code;
}

void DeviceCode::setImages(ArrayRef<gradus_device_image> known) {
  images.assign(known.begin(), known.end());
  uint64_t content = 0xcbf29ce484222325;
  for (const gradus_device_image &image : images)
    for (size_t i = 0; i < image.size; ++i)
      content = (content ^ static_cast<const unsigned char *>(image.bytes)[i]) * 0x100000001b3;
  *table = {content, static_cast<int32_t>(images.size()), static_cast<int32_t>(texts.size()), images.data(), texts.data()};
}

bool DeviceCode::hasEntry(const EntryLayout &layout) const { return entries.count(getDeviceKernelName(layout)) > 0; }

gradus_entry DeviceCode::makeEntry(const JitEntry &cpu, const EntryLayout &layout, gradus_device_type type) {
  gradus_entry entry = cpu.get();
  entry.kernel = reinterpret_cast<gradus_kernel>(host->lookup(getDeviceKernelName(layout)));
  entry.workspace_size = reinterpret_cast<gradus_workspace_size>(host->lookup(getDeviceWorkspaceName(layout)));
  entry.device_type = type;
  entry.module = table;
  const std::vector<const char *> &texts = guards[layout.cName];
  entry.n_guards = static_cast<int32_t>(texts.size());
  entry.guards = texts.data();
  return entry;
}

/// A function of one thread for a kernel: what a device gives it are arguments.
static void simulateKernel(gpu::GPUFuncOp kernel, ModuleOp module) {
  CodeBuilder code(kernel.getLoc(), kernel.getContext());
  code.setInsertionPointToEnd(module.getBody());
  Type i64 = code.getI64Type(), ptr = code.ptrType(), none = LLVM::LLVMVoidType::get(code.getContext());
  auto function = LLVM::LLVMFuncOp::create(code, kernel.getName(), LLVM::LLVMFunctionType::get(none, {i64, i64, i64, i64, i64, ptr, ptr}));
  Block *to = function.addEntryBlock(code);
  code.setInsertionPointToStart(to);
  Value thread = arith::IndexCastOp::create(code, code.getIndexType(), to->getArgument(3)), group = arith::IndexCastOp::create(code, code.getIndexType(), to->getArgument(4));
  Block &from = kernel.getBody().front();
  DenseMap<Value, Value> memory;
  int64_t offset = 0;
  for (BlockArgument shared : kernel.getWorkgroupAttributions()) {
    memory[shared] = code.byteAddress(to->getArgument(5), offset);
    offset += cast<MemRefType>(shared.getType()).getNumElements() * 8;
  }
  for (unsigned k = 0; k < 3; ++k)
    from.getArgument(k).replaceAllUsesWith(to->getArgument(k));
  to->getOperations().splice(to->end(), from.getOperations());
  function.walk([&](Operation *op) {
    CodeBuilder at(op->getLoc(), op->getContext());
    at.setInsertionPoint(op);
    auto place = [&](Value shared, ValueRange indices, Type element) {
      return at.address(memory.lookup(shared), element, arith::IndexCastOp::create(at, i64, indices.front()));
    };
    if (isa<gpu::ThreadIdOp, gpu::BlockIdOp>(op))
      op->getResult(0).replaceAllUsesWith(isa<gpu::ThreadIdOp>(op) ? thread : group);
    else if (isa<gpu::BarrierOp>(op))
      LLVM::CallOp::create(at, LLVM::LLVMFunctionType::get(none, {}), ValueRange{to->getArgument(6)});
    else if (isa<gpu::ReturnOp>(op))
      LLVM::ReturnOp::create(at, ValueRange());
    else if (auto load = dyn_cast<memref::LoadOp>(op))
      op->getResult(0).replaceAllUsesWith(at.loadRaw(load.getType(), place(load.getMemRef(), load.getIndices(), load.getType())));
    else if (auto store = dyn_cast<memref::StoreOp>(op))
      LLVM::StoreOp::create(at, store.getValue(), place(store.getMemRef(), store.getIndices(), store.getValue().getType()));
    else
      return;
    op->erase();
  });
}

bool DeviceCode::simulate(std::string &error) {
  OwningOpRef<ModuleOp> copy = ModuleOp::create(module->getLoc());
  OwningOpRef<Operation *> cloned = kernels->clone();
  for (Operation &op : llvm::make_early_inc_range(cast<gpu::GPUModuleOp>(*cloned).getBodyRegion().front())) {
    if (auto kernel = dyn_cast<gpu::GPUFuncOp>(op))
      simulateKernel(kernel, *copy);
    else if (!op.hasTrait<OpTrait::IsTerminator>())
      op.moveBefore(copy->getBody(), copy->getBody()->end());
  }
  if (failed(convertToLLVMDialect(*copy))) {
    error = "the kernels cannot be simulated";
    return false;
  }
  simulated = Jit::create(*copy, CpuTarget{}, error, llvm::CodeGenOptLevel::None);
  return simulated != nullptr;
}

SimulatedKernel *DeviceCode::getSimulated(size_t kernel) { return simulated->lookupAs<SimulatedKernel>(names[kernel]); }
