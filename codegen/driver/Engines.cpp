//===- Engines.cpp - Compiled code and the reference behind one interface ------===//

#include "codegen/cpu/JitEntry.h"
#include "codegen/driver/Session.h"
#include "codegen/driver/Training.h"
#include "codegen/reference/Evaluator.h"
#include "passes/step/Guard.h"

using namespace mlir;

namespace gradus::driver {

namespace {

//===----------------------------------------------------------------------===//
// Compiled
//===----------------------------------------------------------------------===//

/// Calls an entry on the variables that bear the names of its tensors.
gradus_status callOn(Training &training, JitEntry &entry, uint64_t t, gradus_report *report, std::string &error) {
  std::vector<gradus_tensor> slot;
  for (const EntryTensor &tensor : entry.getLayout().tensors)
    slot.push_back(training.find(tensor.name)->view());
  std::vector<double> hypers;
  for (const EntryHyper &hyper : entry.getLayout().hypers)
    hypers.push_back(training.getHyper(hyper.name));
  return entry.call(hypers.data(), t, training.seed, slot, report, error);
}

class JitEngine : public Engine {
public:
  JitEngine(std::unique_ptr<Jit> code, const EntryLayout &init, const EntryLayout &step)
      : jit(std::move(code)), initEntry(init, *jit), stepEntry(step, *jit) {}
  bool isThere() const { return initEntry.isThere() && stepEntry.isThere(); }

  bool init(Training &training, std::string &error) override { return callOn(training, initEntry, 0, nullptr, error) == GRADUS_OK; }
  Stepped step(Training &training, double &loss, std::string &error) override {
    gradus_report report{};
    gradus_status status = callOn(training, stepEntry, training.t + 1, &report, error);
    if (status != GRADUS_OK)
      return status == GRADUS_ERROR_NONFINITE ? Stepped::Refused : Stepped::Failed;
    training.t = report.t;
    loss = report.value;
    return Stepped::Committed;
  }

private:
  std::unique_ptr<Jit> jit;
  JitEntry initEntry, stepEntry;
};

//===----------------------------------------------------------------------===//
// Reference
//===----------------------------------------------------------------------===//

class ReferenceEngine : public Engine {
public:
  ReferenceEngine(FuncOp init, FuncOp step) : initFunc(init), stepFunc(step) {}

  bool init(Training &training, std::string &error) override {
    double value = 0;
    return run(initFunc, training.init, training, value, error) == Stepped::Committed;
  }
  Stepped step(Training &training, double &loss, std::string &error) override {
    Stepped result = run(stepFunc, training.step, training, loss, error);
    training.t += result == Stepped::Committed;
    return result;
  }

private:
  static reference::Array<double> toArray(const Variable &variable) {
    auto kind = variable.layout.type.isFloat()  ? reference::Kind::Real
                : variable.layout.type.isBool() ? reference::Kind::Bool
                                                : reference::Kind::Integer;
    auto array = reference::Array<double>::zeros(kind, variable.dims);
    for (int64_t i = 0, n = variable.size(); i < n; ++i)
      if (kind == reference::Kind::Real)
        array.reals[i] = variable.get(i);
      else
        array.ints[i] = static_cast<int64_t>(variable.get(i));
    return array;
  }

  /// Hyper-parameters stand in the order of the layout; tensors are found by name.
  Stepped run(FuncOp func, const EntryLayout &layout, Training &training, double &value, std::string &error) {
    reference::Arrays<double> arguments;
    for (unsigned i = 0; i < func.getNumArguments(); ++i) {
      auto type = cast<ArrayType>(func.getArgumentTypes()[i]);
      if (func.getArgRole(i) == Role::Time) {
        arguments.push_back(reference::Array<double>::scalarInt(static_cast<int64_t>(training.t) + 1));
      } else if (func.getArgRole(i) == Role::Hyper) {
        double x = training.getHyper(func.getArgName(i));
        arguments.push_back(type.isFloat()  ? reference::Array<double>::scalar(x)
                            : type.isBool() ? reference::Array<double>::scalarBool(x != 0)
                                            : reference::Array<double>::scalarInt(static_cast<int64_t>(x)));
      } else {
        arguments.push_back(toArray(*training.find(func.getArgName(i))));
      }
    }
    llvm::StringMap<int64_t> sizes;
    for (const auto &[name, size] : training.sizes)
      sizes[name] = size;
    auto results = reference::evaluate<double>(func, arguments, error, training.seed, sizes);
    if (failed(results))
      return Stepped::Failed;
    for (unsigned index = 0; index < func.getNumResults(); ++index)
      if (auto what = func.getResultAttrOfType<StringAttr>(index, guardAttribute); what && !(*results)[index].ints[0]) {
        error = what.getValue().str() + " is not finite; nothing has moved";
        return Stepped::Refused;
      }
    if (layout.valueResult >= 0)
      value = (*results)[layout.valueResult].reals[0];
    for (const EntryTensor &tensor : layout.tensors) {
      if (tensor.result < 0)
        continue;
      const reference::Array<double> &array = (*results)[tensor.result];
      Variable &variable = *training.find(tensor.name);
      if (array.kind == reference::Kind::Real)
        variable.assign(array.reals);
      for (auto [i, number] : llvm::enumerate(array.ints))
        variable.set(static_cast<int64_t>(i), static_cast<double>(number));
    }
    return Stepped::Committed;
  }

  FuncOp initFunc, stepFunc;
};

} // namespace

std::unique_ptr<Engine> createReferenceEngine(FuncOp init, FuncOp step) { return std::make_unique<ReferenceEngine>(init, step); }

void keepUnit(ModuleOp module, StringRef unit) {
  for (FuncOp func : llvm::make_early_inc_range(module.getOps<FuncOp>()))
    if (func.getSymName() != (unit + ".init").str() && func.getSymName() != (unit + ".step").str())
      func.erase();
}

std::unique_ptr<Engine> createJitEngine(Session &session, StringRef unit, std::string &error) {
  ModuleOp module = session.getModule();
  keepUnit(module, unit);
  EntryLayout init = computeEntryLayout(module.lookupSymbol<FuncOp>((unit + ".init").str()));
  EntryLayout step = computeEntryLayout(module.lookupSymbol<FuncOp>((unit + ".step").str()));
  if (!session.runPhases(Phase::Lower) || failed(convertToLLVMDialect(module))) {
    error = "the unit cannot be compiled";
    return nullptr;
  }
  std::unique_ptr<Jit> jit = Jit::create(module, CpuTarget{"native"}, error);
  if (!jit)
    return nullptr;
  auto engine = std::make_unique<JitEngine>(std::move(jit), init, step);
  if (!engine->isThere()) {
    error = "internal: the compiled unit lacks an entry";
    return nullptr;
  }
  return engine;
}

} // namespace gradus::driver
