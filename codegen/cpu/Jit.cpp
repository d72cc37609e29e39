//===- Jit.cpp - Compiled code in this process ----------------------------------===//

#include "codegen/cpu/Jit.h"

#include "runtime/gradus.h"

#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/ThreadSafeModule.h"

using namespace mlir;

namespace gradus {

/// The functions of the runtime that compiled code calls: this process need not export them.
static llvm::orc::SymbolMap findRuntime(llvm::orc::LLJIT &engine) {
  llvm::orc::SymbolMap symbols;
  auto add = [&](llvm::StringRef name, auto *function) {
    symbols[engine.mangleAndIntern(name)] = {llvm::orc::ExecutorAddr::fromPtr(function),
                                             llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
  };
  add("gradus_fft", gradus_fft);
  add("gradus_fft_workspace", gradus_fft_workspace);
  add("gradus_find_nonfinite", gradus_find_nonfinite);
  add("gradus_matrix_cholesky", gradus_matrix_cholesky);
  add("gradus_matrix_eigh", gradus_matrix_eigh);
  add("gradus_matrix_logdet", gradus_matrix_logdet);
  add("gradus_matrix_qr", gradus_matrix_qr);
  add("gradus_matrix_solve", gradus_matrix_solve);
  add("gradus_matrix_svd", gradus_matrix_svd);
  add("gradus_matrix_workspace", gradus_matrix_workspace);
  add("gradus_workers_agree", gradus_workers_agree);
  add("gradus_workers_exchange", gradus_workers_exchange);
  add("gradus_workers_reduce", gradus_workers_reduce);
  return symbols;
}

std::unique_ptr<Jit> Jit::create(ModuleOp module, const CpuTarget &target, std::string &error, llvm::CodeGenOptLevel level) {
  std::unique_ptr<llvm::TargetMachine> machine = target.createMachine(error);
  if (!machine)
    return nullptr;
  machine->setOptLevel(level);
  auto context = std::make_unique<llvm::LLVMContext>();
  std::unique_ptr<llvm::Module> code = translateToLLVM(module, *context, *machine);
  if (!code) {
    error = "the module cannot be translated to LLVM";
    return nullptr;
  }
  optimize(*code, *machine);
  // The object is made by the same function as an artifact's, so that both are the same code.
  FailureOr<llvm::SmallVector<char, 0>> object = emitMachineCode(*code, *machine, /*asAssembly=*/false, error);
  if (failed(object))
    return nullptr;
  auto take = [&](llvm::Error problem) {
    bool isBad = static_cast<bool>(problem);
    error = llvm::toString(std::move(problem));
    return isBad;
  };
  auto engine = llvm::orc::LLJITBuilder().create();
  if (!engine) {
    error = llvm::toString(engine.takeError());
    return nullptr;
  }
  auto process = llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess((*engine)->getDataLayout().getGlobalPrefix());
  if (!process) {
    error = llvm::toString(process.takeError());
    return nullptr;
  }
  (*engine)->getMainJITDylib().addGenerator(std::move(*process));
  if (take((*engine)->getMainJITDylib().define(llvm::orc::absoluteSymbols(findRuntime(**engine)))))
    return nullptr;
  auto buffer = llvm::MemoryBuffer::getMemBufferCopy(llvm::StringRef(object->data(), object->size()), "gradus.o");
  if (take((*engine)->addObjectFile(std::move(buffer))))
    return nullptr;
  return std::unique_ptr<Jit>(new Jit(std::move(*engine)));
}

void *Jit::lookup(llvm::StringRef name) {
  auto address = engine->lookup(name);
  if (!address) {
    llvm::consumeError(address.takeError());
    return nullptr;
  }
  return address->toPtr<void *>();
}

} // namespace gradus
