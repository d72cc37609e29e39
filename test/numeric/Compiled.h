//===- Compiled.h - Calls compiled functions with the evaluator's arrays --------===//
//
// So that a test can give the same numbers to the machine code and to the reference evaluator.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/cpu/Jit.h"
#include "codegen/emit/Entry.h"
#include "codegen/reference/Evaluator.h"
#include "passes/Phases.h"

#include <cstdlib>
#include <map>
#include <memory>

namespace gradus {

/// One tensor of a call: the caller's memory and its descriptor. Reals are rounded to the storage type.
class Buffer {
public:
  Buffer(gradus_dtype dtype, reference::Shape shape);
  void store(const reference::Array<double> &array);
  void load(reference::Array<double> &array) const;
  gradus_tensor describe() const;
  llvm::MutableArrayRef<char> bytes() const { return {data.get(), size}; }

  reference::Shape shape;

private:
  gradus_dtype dtype;
  size_t size;
  std::unique_ptr<char, decltype(&std::free)> data;
};

class Compiled {
public:
  using Arrays = reference::Arrays<double>;

  /// Compiles every entry of `module`, which stays as it is. Null, with `error` set, on failure.
  static std::unique_ptr<Compiled> create(mlir::ModuleOp module, std::string &error, const PhaseOptions &options = {},
                                          llvm::CodeGenOptLevel level = llvm::CodeGenOptLevel::Aggressive);

  /// The results of a function for each slot, in the order of the function; numbers are rounded to the storage types at entry.
  mlir::FailureOr<std::vector<Arrays>> call(llvm::StringRef name, llvm::ArrayRef<Arrays> slots, std::string &error);

  /// Of every call.
  uint64_t seed = 0;
  const gradus_context *context = nullptr;

  const EntryLayout &getLayout(llvm::StringRef name) const { return layouts.find(name.str())->second; }
  /// The tensors of a call, slot after slot; outputs are zero.
  std::vector<Buffer> makeBuffers(llvm::StringRef name, llvm::ArrayRef<Arrays> slots) const;
  /// Calls the kernel; the status is that of the C ABI. Hyper-parameters and time are those of the first slot.
  int32_t run(llvm::StringRef name, llvm::ArrayRef<Arrays> slots, llvm::ArrayRef<Buffer> buffers, gradus_report &report,
              const gradus_context *context = nullptr) const;

private:
  std::map<std::string, EntryLayout, std::less<>> layouts;
  std::map<std::string, FuncOp, std::less<>> functions;
  std::unique_ptr<Jit> jit;
};

} // namespace gradus
