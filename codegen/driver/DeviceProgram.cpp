//===- DeviceProgram.cpp - Entries for devices, from the plan to images ---------===//

#include "codegen/driver/DeviceProgram.h"

#include "codegen/cpu/Compile.h"
#include "codegen/gpu/Ptx.h"
#include "codegen/gpu/Spirv.h"
#include "passes/Passes.h"
#include "passes/gpu/Gpu.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace gradus::driver {

static std::string nameOf(int32_t architecture) { return "sm_" + std::to_string(architecture); }

/// The kernels as SPIR-V. False where they have no such form, which is then a diagnostic.
static bool addSpirv(gpu::GPUModuleOp kernels, DeviceCode &code) {
  auto words = emitSpirv(kernels);
  if (failed(words))
    return false;
  code.images.push_back({GRADUS_IMAGE_SPIRV, 0, std::string(reinterpret_cast<const char *>(words->data()), words->size() * sizeof(uint32_t))});
  return true;
}

/// The cubin for one architecture, behind the others. An assembler that is older or newer than the device does not know it: there PTX alone serves.
static bool addCubin(const DeviceImage &ptx, const DeviceForms &forms, std::vector<DeviceImage> &cubins, DeviceProgram &program, std::string &error) {
  std::string const name = nameOf(ptx.architecture);
  FailureOr<Cubin> cubin = emitCubin(ptx.bytes, name, forms.ptxas, error);
  if (failed(cubin) && StringRef(error).contains("is not defined for option 'gpu-name'")) {
    error.clear();
    program.notes.push_back(name + ": PTX alone, which " + forms.ptxas + " does not assemble for it");
    return true;
  }
  if (failed(cubin))
    return false;
  cubins.push_back({GRADUS_IMAGE_CUBIN, ptx.architecture, std::string(cubin->bytes.data(), cubin->bytes.size())});
  std::string spills;
  for (const KernelUse &use : cubin->kernels)
    if (use.spillStores + use.spillLoads > 0)
      spills += (spills.empty() ? ", spilled registers in " : ", ") + use.name;
  program.notes.push_back(name + ": PTX and cubin by " + forms.ptxas + spills);
  return true;
}

/// The kernels as PTX for each architecture, and behind all of it the cubins.
static bool addPtx(gpu::GPUModuleOp kernels, const DeviceForms &forms, DeviceProgram &program, std::string &error) {
  std::vector<DeviceImage> cubins;
  for (int32_t architecture : forms.ptx) {
    FailureOr<std::string> ptx = emitPtx(kernels, nameOf(architecture), error);
    if (failed(ptx))
      return false;
    program.code.images.push_back({GRADUS_IMAGE_PTX, architecture, *ptx});
    if (forms.ptxas.empty())
      program.notes.push_back(nameOf(architecture) + ": PTX alone, for no ptxas is here");
    else if (!addCubin(DeviceImage(program.code.images.back()), forms, cubins, program, error))
      return false;
  }
  llvm::append_range(program.code.images, cubins);
  return true;
}

/// The host functions and the gpu.module of the entries.
static OwningOpRef<ModuleOp> lower(Session &session, ModuleOp fused, ArrayRef<std::string> hostOnly) {
  OwningOpRef<ModuleOp> module(cast<ModuleOp>(fused->clone()));
  for (FuncOp func : llvm::make_early_inc_range(module->getOps<FuncOp>()))
    if (llvm::is_contained(hostOnly, func.getSymName()))
      func.erase();
  PassManager pm(&session.getContext());
  pm.addPass(createLowerGpu());
  bool const isDone = succeeded(pm.run(*module));
  return !session.report() && isDone ? std::move(module) : OwningOpRef<ModuleOp>();
}

std::optional<DeviceProgram> compileForDevices(Session &session, ModuleOp fused, ArrayRef<std::string> hostOnly, const DeviceForms &forms,
                                               std::string &error) {
  DeviceProgram program;
  program.host = lower(session, fused, hostOnly);
  if (!program.host)
    return std::nullopt;
  auto kernels = program.host->lookupSymbol<gpu::GPUModuleOp>(deviceModuleName);
  if (!kernels) {
    error = "internal: no kernels for devices";
    return std::nullopt;
  }
  for (gpu::GPUFuncOp function : kernels.getOps<gpu::GPUFuncOp>())
    if (function.isKernel())
      program.code.kernels.push_back(function.getName().str());
  bool isDone = (!forms.spirv || addSpirv(kernels, program.code)) && addPtx(kernels, forms, program, error);
  isDone &= !session.report();
  kernels.erase();
  if (!isDone || failed(convertToLLVMDialect(*program.host))) {
    if (error.empty() && isDone)
      error = "internal: the host program of the entries on devices cannot be compiled";
    return std::nullopt;
  }
  return program;
}

} // namespace gradus::driver
