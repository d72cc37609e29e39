//===- Engines.cpp - Compiled code and the reference behind one interface ------===//

#include "codegen/cpu/Jit.h"
#include "codegen/driver/Session.h"
#include "codegen/driver/Training.h"
#include "codegen/reference/Evaluator.h"

using namespace mlir;

namespace gradus::driver {

namespace {

//===----------------------------------------------------------------------===//
// Compiled
//===----------------------------------------------------------------------===//

/// The entry table of a compiled function, as an artifact would hold it.
class JitEntry {
public:
  JitEntry(const EntryLayout &layout, Jit &jit) : layout(layout) {
    for (const EntryTensor &tensor : layout.tensors) {
      gradus_argument argument{tensor.name.c_str(), tensor.role, tensor.dtype, static_cast<int32_t>(tensor.rank), tensor.written, {}};
      for (auto [axis, dim] : llvm::enumerate(tensor.dims)) {
        auto symbol = dyn_cast<StringAttr>(dim);
        argument.dims[axis] = static_cast<int32_t>(symbol ? layout.findSymbol(symbol) : -1 - cast<IntegerAttr>(dim).getInt());
      }
      arguments.push_back(argument);
    }
    for (StringAttr symbol : layout.symbols)
      symbols.push_back(symbol.getValue().data());
    entry.abi_version = GRADUS_ABI_VERSION;
    entry.n_arguments = static_cast<int32_t>(arguments.size());
    entry.n_hypers = 0; // checked when the command line was read
    entry.n_symbols = static_cast<int32_t>(symbols.size());
    entry.takes_time = layout.takesTime;
    entry.name = layout.cName.c_str();
    entry.arguments = arguments.data();
    entry.symbols = symbols.data();
    entry.kernel = jit.lookupAs<int32_t(const gradus_context *, const double *, uint64_t, uint64_t, const gradus_tensor *, size_t, char *,
                                        gradus_report *)>(layout.getKernelName());
    entry.workspace_size = jit.lookupAs<size_t(const gradus_tensor *, size_t)>(layout.getWorkspaceName());
  }
  bool isThere() const { return entry.kernel && entry.workspace_size; }

  /// Calls the entry on the variables that bear the names of its tensors.
  bool call(Training &training, uint64_t t, gradus_report *report, std::string &error) {
    std::vector<gradus_tensor> slot;
    for (const EntryTensor &tensor : layout.tensors)
      slot.push_back(training.find(tensor.name)->view());
    gradus_context context{};
    context.user = &error;
    context.error = [](void *user, const gradus_error *problem) { *static_cast<std::string *>(user) = problem->message; };
    size_t bytes = gradus_workspace(&entry, slot.data(), 1);
    workspace.resize(bytes == SIZE_MAX ? 0 : bytes + 64);
    char *aligned = workspace.data() + (64 - reinterpret_cast<uintptr_t>(workspace.data()) % 64) % 64;
    return gradus_call(&entry, &context, training.hypers.data(), t, training.seed, slot.data(), 1, workspace.empty() ? nullptr : aligned,
                       workspace.empty() ? 0 : bytes, report) == GRADUS_OK;
  }

private:
  EntryLayout layout;
  std::vector<gradus_argument> arguments;
  std::vector<const char *> symbols;
  std::vector<char> workspace;
  gradus_entry entry{};
};

class JitEngine : public Engine {
public:
  JitEngine(std::unique_ptr<Jit> code, const EntryLayout &init, const EntryLayout &step)
      : jit(std::move(code)), initEntry(init, *jit), stepEntry(step, *jit) {}
  bool isThere() const { return initEntry.isThere() && stepEntry.isThere(); }

  bool init(Training &training, std::string &error) override { return initEntry.call(training, 0, nullptr, error); }
  bool step(Training &training, double &loss, std::string &error) override {
    gradus_report report{};
    if (!stepEntry.call(training, training.t + 1, &report, error))
      return false;
    training.t = report.t;
    loss = report.value;
    return true;
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
    return run(initFunc, training.init, training, value, error);
  }
  bool step(Training &training, double &loss, std::string &error) override {
    if (!run(stepFunc, training.step, training, loss, error))
      return false;
    ++training.t;
    return true;
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
  bool run(FuncOp func, const EntryLayout &layout, Training &training, double &value, std::string &error) {
    reference::Arrays<double> arguments;
    for (unsigned i = 0; i < func.getNumArguments(); ++i) {
      auto type = cast<ArrayType>(func.getArgumentTypes()[i]);
      if (func.getArgRole(i) == Role::Time) {
        arguments.push_back(reference::Array<double>::scalarInt(static_cast<int64_t>(training.t) + 1));
      } else if (func.getArgRole(i) == Role::Hyper) {
        auto at = llvm::find_if(training.step.hypers, [&](const EntryHyper &hyper) { return hyper.name == func.getArgName(i); });
        double x = at == training.step.hypers.end() ? 0 : training.hypers[at - training.step.hypers.begin()];
        arguments.push_back(type.isFloat()  ? reference::Array<double>::scalar(x)
                            : type.isBool() ? reference::Array<double>::scalarBool(x != 0)
                                            : reference::Array<double>::scalarInt(static_cast<int64_t>(x)));
      } else {
        arguments.push_back(toArray(*training.find(func.getArgName(i))));
      }
    }
    auto results = reference::evaluate<double>(func, arguments, error);
    if (failed(results))
      return false;
    if (layout.valueResult >= 0)
      value = (*results)[layout.valueResult].reals[0];
    for (const EntryTensor &tensor : layout.tensors) {
      if (tensor.result < 0)
        continue;
      const reference::Array<double> &array = (*results)[tensor.result];
      Variable &variable = *training.find(tensor.name);
      for (int64_t i = 0, n = variable.size(); i < n; ++i)
        variable.set(i, array.kind == reference::Kind::Real ? array.reals[i] : static_cast<double>(array.ints[i]));
    }
    return true;
  }

  FuncOp initFunc, stepFunc;
};

} // namespace

std::unique_ptr<Engine> createReferenceEngine(FuncOp init, FuncOp step) { return std::make_unique<ReferenceEngine>(init, step); }

std::unique_ptr<Engine> createJitEngine(Session &session, StringRef unit, std::string &error) {
  ModuleOp module = session.getModule();
  SmallVector<FuncOp> others;
  for (FuncOp func : module.getOps<FuncOp>())
    if (func.getSymName() != (unit + ".init").str() && func.getSymName() != (unit + ".step").str())
      others.push_back(func);
  for (FuncOp func : others)
    func.erase();
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
