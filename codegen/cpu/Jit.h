//===- Jit.h - Compiled code in this process ------------------------------------===//

#pragma once

#include "codegen/cpu/Compile.h"

#include "llvm/ExecutionEngine/Orc/LLJIT.h"

namespace gradus {

/// The code of one module, ready to be called while this lives.
class Jit {
public:
  /// Takes a module in the LLVM dialect. Symbols that it does not define are looked up in this process. Null, with `error` set, on failure.
  /// At another level than an artifact's the numbers are the same: tests of many modules save time.
  static std::unique_ptr<Jit> create(mlir::ModuleOp module, const CpuTarget &target, std::string &error,
                                     llvm::CodeGenOptLevel level = llvm::CodeGenOptLevel::Aggressive);

  /// The address of a symbol, or null.
  void *lookup(llvm::StringRef name);
  template <typename Function>
  Function *lookupAs(llvm::StringRef name) {
    return reinterpret_cast<Function *>(lookup(name));
  }

private:
  explicit Jit(std::unique_ptr<llvm::orc::LLJIT> engine) : engine(std::move(engine)) {}
  std::unique_ptr<llvm::orc::LLJIT> engine;
};

} // namespace gradus
