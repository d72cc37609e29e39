//===- Jit.cpp - Compiled code in this process ----------------------------------===//

#include "codegen/cpu/Jit.h"

#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/ThreadSafeModule.h"

using namespace mlir;

namespace gradus {

std::unique_ptr<Jit> Jit::create(ModuleOp module, const CpuTarget &target, std::string &error) {
  std::unique_ptr<llvm::TargetMachine> machine = target.createMachine(error);
  if (!machine)
    return nullptr;
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
