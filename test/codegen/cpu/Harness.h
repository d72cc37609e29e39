//===- Harness.h - Compiles a function of the dialect and calls it --------------===//

#pragma once

#include "codegen/cpu/Jit.h"
#include "dialect/Gradus.h"
#include "passes/Phases.h"
#include "runtime/gradus.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <thread>
#include <vector>

namespace gradus::test {

/// The code of one module.
struct Compiled {
  std::unique_ptr<Jit> jit;
  std::string error;

  explicit Compiled(llvm::StringRef source, const char *target = "native") {
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    context.loadDialect<GradusDialect>();
    auto module = mlir::parseSourceString<mlir::ModuleOp>(source, &context);
    if (!module) {
      error = "does not parse";
      return;
    }
    mlir::PassManager pm(&context);
    buildPhase(pm, Phase::Fuse);
    buildPhase(pm, Phase::Lower);
    if (failed(pm.run(*module)) || failed(convertToLLVMDialect(*module)))
      error = "does not compile";
    else
      jit = Jit::create(*module, CpuTarget{target}, error);
  }
};

/// A tensor that owns nothing.
template <typename T>
struct View {
  std::vector<int64_t> dims;
  T *data;
};

inline gradus_dtype dtypeOf(const float *) { return GRADUS_F32; }
inline gradus_dtype dtypeOf(const double *) { return GRADUS_F64; }
inline gradus_dtype dtypeOf(const int64_t *) { return GRADUS_I64; }
inline gradus_dtype dtypeOf(const uint16_t *) { return GRADUS_BF16; }

/// The arguments of a call.
struct Call {
  std::vector<std::vector<int64_t>> dims;
  std::vector<gradus_tensor> tensors;
  std::vector<double> hyper;
  std::vector<char> memory;
  gradus_report report{};
  uint64_t t = 1;
  size_t slots = 1;

  template <typename T>
  void add(T *data, std::vector<int64_t> shape) {
    dims.push_back(std::move(shape));
    tensors.push_back({data, nullptr, nullptr, static_cast<int32_t>(dims.back().size()), dtypeOf(data), GRADUS_CPU, 0});
  }

  int run(Jit &jit, const std::string &name, const gradus_context *context = nullptr) {
    for (size_t i = 0; i < tensors.size(); ++i)
      tensors[i].dims = dims[i].data();
    auto *kernel = jit.lookupAs<int32_t(const gradus_context *, const double *, uint64_t, uint64_t, const gradus_tensor *, size_t, char *,
                                        gradus_report *)>(name + "__kernel");
    auto *size = jit.lookupAs<size_t(const gradus_tensor *, size_t)>(name + "__workspace");
    if (!kernel || !size)
      return -1;
    memory.assign(size(tensors.data(), slots) + 64, 0);
    auto address = reinterpret_cast<uintptr_t>(memory.data());
    char *aligned = memory.data() + (64 - address % 64) % 64;
    return kernel(context, hyper.data(), t, 0, tensors.data(), slots, aligned, &report);
  }
};

/// Three threads that take turns.
inline gradus_context threads() {
  gradus_context context{};
  context.parallel_for = [](void *, int64_t count, gradus_body body, void *closure) {
    std::vector<std::thread> workers;
    for (int64_t i = 0; i < 3; ++i)
      workers.emplace_back([=] { body(closure, count * i / 3, count * (i + 1) / 3); });
    for (std::thread &worker : workers)
      worker.join();
  };
  return context;
}

} // namespace gradus::test
