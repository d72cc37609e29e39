//===- Ptx.cpp - From a gpu.module to PTX ------------------------------------------===//
//
// gpu, arith, scf -> NVVM and LLVM dialects -> llvm::Module -> PTX. No instruction may be contracted: no fast-math flag, and strict fusion in the target.
//
//===----------------------------------------------------------------------===//

#include "codegen/gpu/Ptx.h"

#include "codegen/cpu/Compile.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/DiagnosticHandler.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;

extern "C" {
void LLVMInitializeNVPTXAsmPrinter();
void LLVMInitializeNVPTXTarget();
void LLVMInitializeNVPTXTargetInfo();
void LLVMInitializeNVPTXTargetMC();
}

namespace gradus {

static constexpr int32_t defaultGroupSize = 256;
static constexpr char triple[] = "nvptx64-nvidia-cuda";
static constexpr unsigned globalSpace = 1;

//===----------------------------------------------------------------------===//
// The target
//===----------------------------------------------------------------------===//

/// Null, with `error` set, where LLVM has no such chip. A chip or feature that it does not know would end the process later.
static std::unique_ptr<llvm::TargetMachine> createMachine(StringRef chip, std::string &error) {
  LLVMInitializeNVPTXTargetInfo();
  LLVMInitializeNVPTXTarget();
  LLVMInitializeNVPTXTargetMC();
  LLVMInitializeNVPTXAsmPrinter();
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(llvm::Triple(triple), error);
  if (!target)
    return nullptr;
  std::unique_ptr<llvm::MCSubtargetInfo> chips(target->createMCSubtargetInfo(llvm::Triple(triple), "", ""));
  unsigned number = 0;
  StringRef digits = chip;
  constexpr unsigned oldest = 80; // what the generated code needs: maxima that keep NaN
  if (!digits.consume_front("sm_") || digits.consumeInteger(10, number) || number < oldest || !chips->isCPUStringValid(chip)) {
    error = "found chip '" + chip.str() + "', expected one of at least sm_80 that this LLVM knows, such as sm_80 or sm_90";
    return nullptr;
  }
  // The PTX of CUDA 12.0; newer chips need that of the release that brought them.
  StringRef features = number <= 90 ? "+ptx80" : number < 103 ? "+ptx86" : number == 120 ? "+ptx87" : "+ptx88"; // the first that knows the chip
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(llvm::Triple(triple), chip, features, options, llvm::Reloc::PIC_, std::nullopt,
                                                                          llvm::CodeGenOptLevel::Aggressive));
}

//===----------------------------------------------------------------------===//
// MLIR
//===----------------------------------------------------------------------===//

/// What would become a call of a function that is not there.
static bool hasForm(Operation *op) {
  if (isa<math::MathDialect>(op->getDialect()))
    return isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::CopySignOp, math::CountLeadingZerosOp, math::CountTrailingZerosOp, math::CtPopOp, math::FloorOp,
               math::FmaOp, math::RoundEvenOp, math::SqrtOp, math::TruncOp>(op);
  if (op->getName().getStringRef().starts_with("llvm.intr."))
    return isa<LLVM::FMAOp, LLVM::Prefetch>(op);
  return !isa<arith::RemFOp, LLVM::CallIntrinsicOp, LLVM::InlineAsmOp>(op);
}

static LogicalResult prepare(gpu::GPUModuleOp module) {
  WalkResult result = module.walk([](Operation *op) {
    if (!hasForm(op)) {
      op->emitError("'") << op->getName().getStringRef() << "' has no form in PTX";
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  SmallVector<Operation *> hints;
  module.walk([&](LLVM::Prefetch hint) { hints.push_back(hint); });
  for (Operation *hint : hints)
    hint->erase();
  for (auto kernel : module.getOps<gpu::GPUFuncOp>())
    if (kernel.isKernel() && !kernel.getKnownBlockSizeAttr())
      kernel.setKnownBlockSizeAttr(DenseI32ArrayAttr::get(module.getContext(), {defaultGroupSize, 1, 1}));
  return success();
}

namespace {
struct ConvertToNVVM : PassWrapper<ConvertToNVVM, OperationPass<gpu::GPUModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ConvertToNVVM)
  StringRef getName() const override { return "ConvertToNVVM"; }
  void getDependentDialects(DialectRegistry &registry) const override { registry.insert<LLVM::LLVMDialect, NVVM::NVVMDialect>(); }
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    LLVMTypeConverter converter(context);
    configureGpuToNVVMTypeConverter(converter);
    if (failed(convertMath(converter)))
      return signalPassFailure();
    RewritePatternSet patterns(context);
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    populateFuncToLLVMConversionPatterns(converter, patterns);
    populateGpuToNVVMConversionPatterns(converter, patterns);
    populateFinalizeMemRefToLLVMConversionPatterns(converter, patterns);
    populateVectorToLLVMConversionPatterns(converter, patterns);
    ub::populateUBToLLVMConversionPatterns(converter, patterns);
    LLVMConversionTarget target(*context);
    target.addLegalDialect<NVVM::NVVMDialect>();
    target.addLegalOp<gpu::GPUModuleOp>();
    if (failed(applyFullConversion(getOperation(), target, std::move(patterns))))
      signalPassFailure();
  }
  /// To intrinsics, first: what comes with the GPU's patterns are calls of libdevice.
  LogicalResult convertMath(LLVMTypeConverter &converter) {
    RewritePatternSet patterns(&getContext());
    populateMathToLLVMConversionPatterns(converter, patterns);
    ConversionTarget target(getContext());
    target.addIllegalDialect<math::MathDialect>();
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    return applyPartialConversion(getOperation(), target, std::move(patterns));
  }
};
} // namespace

static std::unique_ptr<llvm::Module> translate(gpu::GPUModuleOp module, llvm::LLVMContext &context) {
  MLIRContext *mlirContext = module.getContext();
  registerBuiltinDialectTranslation(*mlirContext);
  registerGPUDialectTranslation(*mlirContext);
  registerLLVMDialectTranslation(*mlirContext);
  registerNVVMDialectTranslation(*mlirContext);
  PassManager pm(mlirContext, gpu::GPUModuleOp::getOperationName());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(std::make_unique<ConvertToNVVM>());
  return succeeded(pm.run(module)) ? translateModuleToLLVMIR(module, context, module.getName()) : nullptr;
}

//===----------------------------------------------------------------------===//
// LLVM
//===----------------------------------------------------------------------===//

/// Whatever comes as a number or out of memory is an address of the device's memory, not of private or a group's: LLVM then loads from there directly.
static void markGlobalAddresses(llvm::Module &module) {
  auto *generic = llvm::PointerType::get(module.getContext(), 0), *global = llvm::PointerType::get(module.getContext(), globalSpace);
  for (llvm::Function &function : module)
    for (llvm::Instruction &instruction : llvm::make_early_inc_range(llvm::instructions(function))) {
      if (instruction.getType() != generic || !isa<llvm::IntToPtrInst, llvm::LoadInst>(instruction))
        continue;
      llvm::IRBuilder<> builder(instruction.getParent(), std::next(instruction.getIterator()));
      llvm::Value *there = isa<llvm::IntToPtrInst>(instruction) ? builder.CreateIntToPtr(instruction.getOperand(0), global) : builder.CreateAddrSpaceCast(&instruction, global);
      llvm::Value *again = builder.CreateAddrSpaceCast(there, generic);
      instruction.replaceUsesWithIf(again, [&](llvm::Use &use) { return use.getUser() != there; });
    }
}

/// Four groups of 256 are half of the threads of a multiprocessor, with 64 registers each. Asked for nothing, ptxas keeps more of them there and spills registers for it.
static constexpr StringLiteral groupsAtOnce = "4";

/// Only kernels are seen from outside. MLIR says that a group has at most as many threads as it has.
static void hideFunctions(llvm::Module &module) {
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    if (function.getCallingConv() == llvm::CallingConv::PTX_Kernel) {
      function.addFnAttr("nvvm.reqntid", function.getFnAttribute("nvvm.maxntid").getValueAsString());
      function.removeFnAttr("nvvm.maxntid");
      function.addFnAttr("nvvm.minctasm", groupsAtOnce);
      continue;
    }
    function.setLinkage(llvm::GlobalValue::InternalLinkage);
    function.removeFnAttr(llvm::Attribute::NoInline);
  }
}

/// LLVM's own handler would end the process.
static void takeDiagnostics(llvm::LLVMContext &context, std::string &error) {
  auto take = [](const llvm::DiagnosticInfo *info, void *to) {
    if (info->getSeverity() != llvm::DS_Error)
      return;
    llvm::raw_string_ostream os(*static_cast<std::string *>(to));
    llvm::DiagnosticPrinterRawOStream printer(os);
    info->print(printer);
  };
  context.setDiagnosticHandlerCallBack(take, &error);
}

static FailureOr<std::string> emitText(llvm::Module &module, llvm::TargetMachine &machine, std::string &error) {
  for (llvm::Function &function : module)
    if (function.isDeclaration() && !function.isIntrinsic() && !function.use_empty()) {
      error = "PTX would call '" + function.getName().str() + "', which nothing defines";
      return failure();
    }
  auto text = emitMachineCode(module, machine, /*asAssembly=*/true, error);
  if (failed(text))
    return failure();
  std::string ptx(text->begin(), text->end());
  if (error.empty() && StringRef(ptx).contains(".extern .func"))
    error = "PTX calls a function that nothing defines";
  if (!error.empty())
    return failure();
  return ptx;
}

FailureOr<std::string> emitPtx(gpu::GPUModuleOp module, StringRef chip, std::string &error) {
  std::unique_ptr<llvm::TargetMachine> machine = createMachine(chip, error);
  if (!machine)
    return failure();
  OwningOpRef<ModuleOp> holder = ModuleOp::create(module.getLoc());
  auto copy = cast<gpu::GPUModuleOp>(module->clone());
  holder->getBody()->push_back(copy);
  if (failed(prepare(copy)))
    return failure();
  llvm::LLVMContext context;
  takeDiagnostics(context, error);
  std::unique_ptr<llvm::Module> translated = translate(copy, context);
  if (!translated)
    return failure();
  translated->setTargetTriple(machine->getTargetTriple());
  translated->setDataLayout(machine->createDataLayout());
  markGlobalAddresses(*translated);
  hideFunctions(*translated);
  runPasses(*translated, *machine, [](llvm::PassBuilder &builder) { return builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3); });
  return emitText(*translated, *machine, error);
}

} // namespace gradus
