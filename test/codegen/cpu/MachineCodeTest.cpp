//===- MachineCodeTest.cpp - What stands in the object --------------------------===//

#include "test/codegen/cpu/Harness.h"

#include "llvm/Object/ObjectFile.h"

#include <gtest/gtest.h>

using namespace gradus;

static constexpr char source[] = R"(
!v = !gradus.array<[w.numel], f32>
gradus.func rule_step @rule.step(%w: !v {gradus.name = "w", gradus.role = #gradus.role<param>},
    %g: !v {gradus.name = "g", gradus.role = #gradus.role<grad>})
    -> (!v {gradus.name = "w", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  %e = gradus.exp %g : !v
  %t = gradus.tanh %e : !v
  %p = gradus.pow %t, %g : !v
  %r = gradus.sqrt %p : !v
  %d = gradus.div %r, %w : !v
  %f = gradus.floor %d : !v
  %m = gradus.max %f, %g : !v
  gradus.return %m : !v
})";

static std::string emit(const char *isa, bool asAssembly, const std::string &source = ::source) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<GradusDialect>();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(source, &context);
  mlir::PassManager pm(&context);
  buildPhase(pm, Phase::Fuse);
  buildPhase(pm, Phase::Lower);
  if (failed(pm.run(*module)) || failed(convertToLLVMDialect(*module)))
    return "";
  std::string error;
  llvm::LLVMContext llvmContext;
  std::unique_ptr<llvm::TargetMachine> machine = CpuTarget{isa}.createMachine(error);
  std::unique_ptr<llvm::Module> code = translateToLLVM(*module, llvmContext, *machine);
  optimize(*code, *machine);
  auto bytes = emitMachineCode(*code, *machine, asAssembly, error);
  return failed(bytes) ? "" : std::string(bytes->begin(), bytes->end());
}

TEST(MachineCode, HasPackedRootsAndDivisions) {
  for (const char *isa : {"x86-64-v3", "x86-64-v4"}) {
    std::string assembly = emit(isa, true);
    EXPECT_NE(assembly.find("vsqrtps"), std::string::npos) << isa;
    EXPECT_NE(assembly.find("vdivps"), std::string::npos) << isa;
    EXPECT_EQ(assembly.find("vsqrtss"), std::string::npos) << isa;
    EXPECT_EQ(assembly.find("vdivss"), std::string::npos) << isa;
  }
}

/// The number of symbols that the object defines; none may be missing.
static unsigned countSymbols(const std::string &bytes) {
  auto object = llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(bytes, "rule.o"));
  EXPECT_TRUE(static_cast<bool>(object));
  unsigned defined = 0;
  for (const llvm::object::SymbolRef &symbol : (*object)->symbols()) {
    uint32_t flags = llvm::cantFail(symbol.getFlags());
    std::string name = llvm::cantFail(symbol.getName()).str();
    bool isUndefined = (flags & llvm::object::SymbolRef::SF_Undefined) && !name.empty();
    EXPECT_FALSE(isUndefined) << name;
    defined += (flags & llvm::object::SymbolRef::SF_Global) && !isUndefined;
  }
  return defined;
}

TEST(MachineCode, HasNoUndefinedSymbol) { EXPECT_EQ(countSymbols(emit("x86-64-v3", false)), 2u); }

/// The library's functions would be found when a test links, and give other bits.
TEST(MachineCode, CallsNoLibraryForFunctionsOfElements) {
  for (const char *op : {"acos", "acosh", "asin", "asinh", "atan", "atanh", "cbrt", "cosh", "digamma", "erfc", "exp2", "lambert_w", "lgamma",
                         "log10", "log2", "normal_cdf", "normal_quantile", "round", "sinh", "trigamma", "trunc"}) {
    SCOPED_TRACE(op);
    std::string text = source;
    EXPECT_EQ(countSymbols(emit("x86-64-v3", false, text.replace(text.find("gradus.exp"), 10, std::string("gradus.") + op))), 2u);
  }
}
