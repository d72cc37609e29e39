//===- MathJit.cpp - Runs one vector math function ------------------------------===//

#include "MathJit.h"

#include "codegen/cpu/Jit.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"

#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;
using namespace gradus;
using namespace gradus::test;

CompiledMath::CompiledMath() = default;
CompiledMath::~CompiledMath() = default;

bool gradus::test::machineHas(const std::string &cpu) {
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  return cpu == "x86-64-v4" ? features.lookup("avx512f") && features.lookup("avx512vl") && features.lookup("avx512dq")
                            : features.lookup("avx2") && features.lookup("fma");
}

bool gradus::test::isBinary(MathFunction function) {
  return function == MathFunction::Atan2 || function == MathFunction::Hypot || function == MathFunction::Pow;
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
  if (isBinary(variant.function))
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
  std::string error;
  if (failed(verify(*module)) || failed(convertToLLVMDialect(*module)))
    return nullptr;
  std::unique_ptr<CompiledMath> compiled(new CompiledMath());
  compiled->jit = Jit::create(*module, CpuTarget{variant.cpu}, error);
  if (!compiled->jit) {
    llvm::errs() << error << '\n';
    return nullptr;
  }
  compiled->call = compiled->jit->lookupAs<void(const void *, const void *, void *, int64_t)>("f");
  compiled->lanes = variant.lanes;
  compiled->power = variant.power;
  return compiled->call ? std::move(compiled) : nullptr;
}
