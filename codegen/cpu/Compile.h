//===- Compile.h - From loops to machine code ----------------------------------===//
//
// The last arrows of a spec's path: module of phase Lower -> LLVM dialect -> llvm::Module -> optimised -> object or assembly.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PassManager.h"
#include "llvm/Target/TargetMachine.h"

#include <memory>
#include <string>

namespace llvm {
class PassBuilder;
} // namespace llvm

namespace gradus {

/// The instruction set of the code.
struct CpuTarget {
  std::string name = "x86-64-v3"; ///< x86-64-v3, x86-64-v4 or native

  /// A machine for it. Null, with `error` set, if this LLVM has none.
  std::unique_ptr<llvm::TargetMachine> createMachine(std::string &error) const;
};

/// A constant i8 of a module of phase Lower. `translateToLLVM` sets it to 1 where a machine has 32 registers of 64 bytes: code that differs between machines for its
/// speed, never for its bits, asks it.
inline constexpr llvm::StringLiteral wideRegistersName = "gradus_has_wide_registers";

/// Rewrites scf, arith, vector and func into the LLVM dialect.
mlir::LogicalResult convertToLLVMDialect(mlir::ModuleOp module);
/// Translates a module of the LLVM dialect for `machine`; not yet optimised. Null if it cannot be translated.
std::unique_ptr<llvm::Module> translateToLLVM(mlir::ModuleOp module, llvm::LLVMContext &context, llvm::TargetMachine &machine);
/// Runs the passes that `build` gives, which put in no function of a library.
void runPasses(llvm::Module &module, llvm::TargetMachine &machine, llvm::function_ref<llvm::ModulePassManager(llvm::PassBuilder &)> build);
/// Runs what our loops need of LLVM's passes. Nothing is contracted or reassociated: the IR carries no fast-math flag.
void optimize(llvm::Module &module, llvm::TargetMachine &machine);

/// Machine code as an object file or as assembly text.
mlir::FailureOr<llvm::SmallVector<char, 0>> emitMachineCode(llvm::Module &module, llvm::TargetMachine &machine, bool asAssembly,
                                                            std::string &error);

} // namespace gradus
