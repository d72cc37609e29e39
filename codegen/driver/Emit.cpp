//===- Emit.cpp - gradus emit --------------------------------------------------===//

#include "codegen/cpu/Compile.h"
#include "codegen/driver/Commands.h"
#include "codegen/driver/Session.h"

#include "mlir/IR/AsmState.h"

using namespace mlir;

namespace gradus::driver {

/// The stages after the phases of passes/, in order.
enum class Machine { Dialect, IR, Assembly };

static int emitMachineStage(Session &session, Machine stage, const CpuTarget &target) {
  if (failed(convertToLLVMDialect(session.getModule()))) {
    session.report();
    return ExitFailed;
  }
  if (stage == Machine::Dialect) {
    session.getModule().print(llvm::outs());
    return ExitOk;
  }
  std::string error;
  std::unique_ptr<llvm::TargetMachine> machine = target.createMachine(error);
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code = machine ? translateToLLVM(session.getModule(), context, *machine) : nullptr;
  if (!code) {
    session.report();
    llvm::errs() << "gradus: error: no code for '" << target.name << "' " << error << '\n';
    return ExitFailed;
  }
  optimize(*code, *machine);
  if (stage == Machine::IR) {
    code->print(llvm::outs(), nullptr);
    return ExitOk;
  }
  FailureOr<llvm::SmallVector<char, 0>> text = emitMachineCode(*code, *machine, /*asAssembly=*/true, error);
  if (failed(text)) {
    llvm::errs() << "gradus: error: " << error << '\n';
    return ExitFailed;
  }
  llvm::outs() << StringRef(text->data(), text->size());
  return ExitOk;
}

int runEmit(const Invocation &invocation) {
  if (invocation.inputs.size() != 1)
    return usageError("'gradus emit' expects one spec");
  std::string stage = invocation.get("--stage");
  std::optional<Phase> phase = findPhase(stage);
  std::optional<Machine> machine;
  if (stage == "llvm")
    machine = Machine::Dialect;
  else if (stage == "llvm-ir")
    machine = Machine::IR;
  else if (stage == "asm")
    machine = Machine::Assembly;
  if (!phase && !machine)
    return usageError("no stage '" + stage + "'; expected emit, differentiate, simplify, fuse, lower, llvm, llvm-ir or asm");
  Session session;
  session.keepsUnbound = phase == Phase::Emit;
  if (!session.load(invocation.inputs[0], invocation.get("--dtype"), invocation))
    return ExitFailed;
  if (!phase || *phase == Phase::Lower)
    session.keepEntries();
  if (phase != Phase::Emit && (!session.addGradients() || !session.replaceInPlace(invocation) || !session.completeSteps(invocation)))
    return ExitFailed;
  if (!session.runPhases(phase.value_or(Phase::Lower), getPhaseOptions(invocation)))
    return ExitFailed;
  if (machine)
    return emitMachineStage(session, *machine, CpuTarget{invocation.get("--target")});
  session.getModule().print(llvm::outs());
  return ExitOk;
}

} // namespace gradus::driver
