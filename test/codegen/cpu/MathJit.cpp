//===- MathJit.cpp - Runs one vector math function ------------------------------===//

#include "MathJit.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"

#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;
using namespace gradus::test;
using gradus::MathFunction;

struct CompiledMath::Engine {
  std::unique_ptr<llvm::orc::LLJIT> jit;
};

CompiledMath::~CompiledMath() = default;

bool gradus::test::machineHas(const std::string &cpu) {
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  return cpu == "x86-64-v4" ? features.lookup("avx512f") && features.lookup("avx512vl") && features.lookup("avx512dq")
                            : features.lookup("avx2") && features.lookup("fma");
}

/// void f(ptr x, ptr y, ptr out, i64 n): one vector.
static OwningOpRef<ModuleOp> buildModule(MLIRContext &context, const MathVariant &variant) {
  OpBuilder builder(&context);
  Location loc = builder.getUnknownLoc();
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  builder.setInsertionPointToEnd(module->getBody());
  Type pointer = LLVM::LLVMPointerType::get(&context);
  Type i64 = builder.getI64Type();
  auto function =
      func::FuncOp::create(builder, loc, "f", builder.getFunctionType({pointer, pointer, pointer, i64}, {}));
  Block *block = function.addEntryBlock();
  builder.setInsertionPointToEnd(block);

  Type type = variant.width == 32 ? Type(builder.getF32Type()) : Type(builder.getF64Type());
  if (variant.lanes > 1)
    type = VectorType::get({variant.lanes}, type);
  unsigned alignment = variant.width / 8;
  SmallVector<Value> operands = {LLVM::LoadOp::create(builder, loc, type, block->getArgument(0), alignment)};
  if (variant.function == MathFunction::Pow)
    operands.push_back(LLVM::LoadOp::create(builder, loc, type, block->getArgument(1), alignment));
  if (variant.function == MathFunction::IntPow) {
    Value constant = arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(variant.power));
    operands.push_back(variant.constantPower ? constant : Value(block->getArgument(3)));
  }
  Value result = emitMath(builder, loc, variant.function, operands);
  LLVM::StoreOp::create(builder, loc, result, block->getArgument(2), alignment);
  func::ReturnOp::create(builder, loc);
  return module;
}

static LogicalResult lowerToLLVM(ModuleOp module) {
  PassManager passes(module.getContext());
  passes.addPass(createSCFToControlFlowPass());
  passes.addPass(createConvertVectorToLLVMPass());
  passes.addPass(createConvertMathToLLVMPass());
  passes.addPass(createArithToLLVMConversionPass());
  passes.addPass(createConvertControlFlowToLLVMPass());
  passes.addPass(createConvertFuncToLLVMPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
  return passes.run(module);
}

static void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder passes(&machine);
  passes.registerModuleAnalyses(modules);
  passes.registerCGSCCAnalyses(components);
  passes.registerFunctionAnalyses(functions);
  passes.registerLoopAnalyses(loops);
  passes.crossRegisterProxies(loops, functions, components, modules);
  passes.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(module, modules);
}

std::unique_ptr<CompiledMath> CompiledMath::compile(const MathVariant &variant) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  DialectRegistry registry;
  registry.insert<arith::ArithDialect, func::FuncDialect, LLVM::LLVMDialect, math::MathDialect, scf::SCFDialect,
                  vector::VectorDialect>();
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  OwningOpRef<ModuleOp> module = buildModule(context, variant);
  if (failed(verify(*module)) || failed(lowerToLLVM(*module)))
    return nullptr;

  auto llvmContext = std::make_unique<llvm::LLVMContext>();
  std::unique_ptr<llvm::Module> translated = translateModuleToLLVMIR(*module, *llvmContext);
  if (!translated)
    return nullptr;
  llvm::orc::JITTargetMachineBuilder target((llvm::Triple(llvm::sys::getProcessTriple())));
  target.setCPU(variant.cpu);
  llvm::Expected<std::unique_ptr<llvm::TargetMachine>> machine = target.createTargetMachine();
  llvm::Expected<std::unique_ptr<llvm::orc::LLJIT>> jit =
      llvm::orc::LLJITBuilder().setJITTargetMachineBuilder(target).create();
  if (!machine || !jit) {
    llvm::consumeError(machine.takeError());
    llvm::consumeError(jit.takeError());
    return nullptr;
  }
  translated->setDataLayout((*machine)->createDataLayout());
  translated->setTargetTriple((*machine)->getTargetTriple());
  optimize(*translated, **machine);
  llvm::Error added = (*jit)->addIRModule({std::move(translated), std::move(llvmContext)});
  llvm::Expected<llvm::orc::ExecutorAddr> symbol = (*jit)->lookup("f");
  if (added || !symbol) {
    llvm::consumeError(std::move(added));
    llvm::consumeError(symbol.takeError());
    return nullptr;
  }
  std::unique_ptr<CompiledMath> compiled(new CompiledMath());
  compiled->call = symbol->toPtr<void (*)(const void *, const void *, void *, int64_t)>();
  compiled->lanes = variant.lanes;
  compiled->power = variant.power;
  compiled->engine = std::make_unique<Engine>(Engine{std::move(*jit)});
  return compiled;
}
