//===- Compile.cpp - From loops to machine code --------------------------------===//

#include "codegen/cpu/Compile.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;

namespace gradus {

static constexpr char triple[] = "x86_64-unknown-linux-gnu";

std::unique_ptr<llvm::TargetMachine> CpuTarget::createMachine(std::string &error) const {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(llvm::Triple(triple), error);
  if (!target)
    return nullptr;
  bool isNative = name == "native";
  std::string features;
  if (isNative)
    for (const auto &feature : llvm::sys::getHostCPUFeatures())
      features += (features.empty() ? "" : ",") + std::string(feature.second ? "+" : "-") + feature.first().str();
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict; // a * b + c keeps two roundings
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(llvm::Triple(triple), isNative ? llvm::sys::getHostCPUName() : name,
                                                                          features, options, llvm::Reloc::PIC_, std::nullopt,
                                                                          llvm::CodeGenOptLevel::Aggressive));
}

namespace {
/// The canonicalizer, but branches stay as they are. Where a condition is found to be constant, a loop may lose its entry; merging its
/// blocks then makes values operands of themselves, x = x + 0, which fold forever. LLVM simplifies branches anyway.
struct SimplifyStraightLines : PassWrapper<SimplifyStraightLines, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(SimplifyStraightLines)
  StringRef getName() const override { return "SimplifyStraightLines"; }
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    auto isBranches = [](StringRef dialect) { return dialect == cf::ControlFlowDialect::getDialectNamespace(); };
    for (Dialect *dialect : context->getLoadedDialects())
      if (!isBranches(dialect->getNamespace()))
        dialect->getCanonicalizationPatterns(patterns);
    for (RegisteredOperationName op : context->getRegisteredOperations())
      if (!isBranches(op.getDialectNamespace()))
        op.getCanonicalizationPatterns(patterns, context);
    // A limit of iterations is no error: what is left is slower at worst.
    (void)applyPatternsGreedily(getOperation(), std::move(patterns), GreedyRewriteConfig().setUseTopDownTraversal().setRegionSimplificationLevel(GreedySimplifyRegionLevel::Normal));
  }
};

/// The patterns of MLIR's own passes, all at once: each pass by itself would walk the module and build its tables again.
struct ConvertToLLVM : PassWrapper<ConvertToLLVM, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ConvertToLLVM)
  StringRef getName() const override { return "ConvertToLLVM"; }
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    LLVMTypeConverter converter(context);
    RewritePatternSet patterns(context);
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    populateFuncToLLVMConversionPatterns(converter, patterns);
    populateMathToLLVMConversionPatterns(converter, patterns);
    populateVectorToLLVMConversionPatterns(converter, patterns);
    ub::populateUBToLLVMConversionPatterns(converter, patterns);
    LLVMConversionTarget target(*context);
    target.addLegalOp<ModuleOp>();
    if (failed(applyFullConversion(getOperation(), target, std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

LogicalResult convertToLLVMDialect(ModuleOp module) {
  PassManager pm(module.getContext());
  pm.enableVerifier(false); // once, at the end
  pm.addPass(createSCFToControlFlowPass());
  // Not before: at each change in a loop the driver asks whether the loop is dead, which takes the time of walking it.
  pm.addPass(std::make_unique<SimplifyStraightLines>());
  pm.addPass(std::make_unique<ConvertToLLVM>());
  return success(succeeded(pm.run(module)) && succeeded(verify(module)));
}

std::unique_ptr<llvm::Module> translateToLLVM(ModuleOp module, llvm::LLVMContext &context, llvm::TargetMachine &machine) {
  registerBuiltinDialectTranslation(*module.getContext());
  registerLLVMDialectTranslation(*module.getContext());
  std::unique_ptr<llvm::Module> translated = translateModuleToLLVMIR(module, context, "gradus");
  if (!translated)
    return nullptr;
  // Without triple, layout and features on every function LLVM would not use the machine's vectors.
  translated->setTargetTriple(machine.getTargetTriple());
  translated->setDataLayout(machine.createDataLayout());
  if (llvm::GlobalVariable *isWide = translated->getGlobalVariable(wideRegistersName, /*AllowInternal=*/true))
    isWide->setInitializer(llvm::ConstantInt::get(isWide->getValueType(), machine.getMCSubtargetInfo()->checkFeatures("+avx512f")));
  for (llvm::Function &function : *translated) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", machine.getTargetCPU());
    function.addFnAttr("target-features", machine.getTargetFeatureString());
    function.addFnAttr(llvm::Attribute::NoUnwind);
  }
  return translated;
}

void runPasses(llvm::Module &module, llvm::TargetMachine &machine, llvm::function_ref<llvm::ModulePassManager(llvm::PassBuilder &)> build) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager callGraph;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(callGraph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, callGraph, modules);
  // No function of a library may be put in for a loop: what an object needs from outside is documented, and on a device there is none.
  functions.registerPass([&] {
    llvm::TargetLibraryInfoImpl library(machine.getTargetTriple());
    library.disableAllFunctions();
    return llvm::TargetLibraryAnalysis(library);
  });
  build(builder).run(module, modules);
}

void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  // Not LLVM's own list: nothing is to be inlined, vectorised or unrolled here, and the four fifths of its time that go into looking for that
  // change nothing. What is left to do is what lowering leaves: equal values, addresses to fold, and loops whose bodies hold what does not change.
  constexpr StringLiteral once = "instcombine<max-iterations=1;no-verify-fixpoint>";
  std::string passes = "function(sroa,early-cse<memssa>,simplifycfg";
  if (machine.getOptLevel() == llvm::CodeGenOptLevel::Aggressive)
    passes += ("," + once + ",loop-mssa(loop-rotate,licm),gvn," + once + ",simplifycfg").str();
  runPasses(module, machine, [&](llvm::PassBuilder &builder) {
    llvm::ModulePassManager list;
    llvm::cantFail(builder.parsePassPipeline(list, passes + "),globaldce"));
    return list;
  });
}

FailureOr<llvm::SmallVector<char, 0>> emitMachineCode(llvm::Module &module, llvm::TargetMachine &machine, bool asAssembly, std::string &error) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream os(bytes);
  llvm::legacy::PassManager pm;
  auto kind = asAssembly ? llvm::CodeGenFileType::AssemblyFile : llvm::CodeGenFileType::ObjectFile;
  if (machine.addPassesToEmitFile(pm, os, nullptr, kind)) {
    error = "this LLVM cannot write code for " + machine.getTargetTriple().str();
    return failure();
  }
  pm.run(module);
  return bytes;
}

} // namespace gradus
