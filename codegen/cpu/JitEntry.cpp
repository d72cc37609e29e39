//===- JitEntry.cpp - The entry table of a function compiled in this process ----===//

#include "codegen/cpu/JitEntry.h"

#include <cmath>

using namespace mlir;

namespace gradus {

static gradus_hyper describe(const EntryHyper &hyper) {
  IntervalAttr interval = hyper.interval;
  return {hyper.name.c_str(),
          NAN,
          interval ? interval.getLowValue() : -INFINITY,
          interval ? interval.getHighValue() : INFINITY,
          interval && interval.getLowClosed(),
          interval && interval.getHighClosed(),
          hyper.isInteger || hyper.isBool,
          0};
}

JitEntry::JitEntry(const EntryLayout &description, Jit &jit) : layout(description) {
  for (const EntryTensor &tensor : layout.tensors) {
    gradus_argument argument{tensor.name.c_str(), tensor.role, tensor.dtype, static_cast<int32_t>(tensor.rank), tensor.getFlags(), {}};
    for (auto [axis, dim] : llvm::enumerate(tensor.dims)) {
      auto symbol = dyn_cast<StringAttr>(dim);
      argument.dims[axis] = static_cast<int32_t>(symbol ? layout.findSymbol(symbol) : -1 - cast<IntegerAttr>(dim).getInt());
    }
    arguments.push_back(argument);
  }
  for (const EntryHyper &hyper : layout.hypers)
    hypers.push_back(describe(hyper));
  for (StringAttr symbol : layout.symbols)
    symbols.push_back(symbol.getValue().data());
  entry.abi_version = GRADUS_ABI_VERSION;
  entry.n_arguments = static_cast<int32_t>(arguments.size());
  entry.n_hypers = static_cast<int32_t>(hypers.size());
  entry.n_symbols = static_cast<int32_t>(symbols.size());
  entry.takes_time = layout.takesTime;
  entry.is_open = layout.isOpen;
  entry.name = layout.cName.c_str();
  entry.arguments = arguments.data();
  entry.hypers = hypers.data();
  entry.symbols = symbols.data();
  entry.device_type = GRADUS_CPU;
  entry.kernel = reinterpret_cast<gradus_kernel>(jit.lookup(layout.getKernelName()));
  entry.workspace_size = reinterpret_cast<gradus_workspace_size>(jit.lookup(layout.getWorkspaceName()));
}

gradus_status JitEntry::call(const double *hyper, uint64_t t, uint64_t seed, ArrayRef<gradus_tensor> tensors, gradus_report *report,
                             std::string &error, const gradus_context *threads) {
  gradus_context context = threads ? *threads : gradus_context{};
  context.user = &error;
  context.error = [](void *user, const gradus_error *problem) { *static_cast<std::string *>(user) = problem->message; };
  size_t slots = layout.tensors.empty() ? 1 : tensors.size() / layout.tensors.size();
  size_t bytes = gradus_workspace(&entry, tensors.data(), slots);
  workspace.resize(bytes == SIZE_MAX ? 0 : bytes + 64);
  char *aligned = workspace.data() + (64 - reinterpret_cast<uintptr_t>(workspace.data()) % 64) % 64;
  return gradus_call(&entry, &context, hyper, t, seed, tensors.data(), slots, workspace.empty() ? nullptr : aligned,
                     workspace.empty() ? 0 : bytes, report);
}

} // namespace gradus
