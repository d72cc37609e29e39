//===- JitEntry.h - The entry table of a function compiled in this process ------===//

#pragma once

#include "codegen/cpu/Jit.h"
#include "codegen/emit/Entry.h"

#include <vector>

namespace gradus {

/// What an artifact holds as constant data, made in memory; `gradus_call` takes it. The code must outlive it.
class JitEntry {
public:
  JitEntry(const EntryLayout &layout, Jit &jit);
  JitEntry(const JitEntry &) = delete;

  /// Whether the code has the entry.
  bool isThere() const { return entry.kernel && entry.workspace_size; }
  const gradus_entry &get() const { return entry; }
  const EntryLayout &getLayout() const { return layout; }
  /// Runs one call with a workspace of its own. On failure `error` has the message.
  gradus_status call(const double *hypers, uint64_t t, uint64_t seed, llvm::ArrayRef<gradus_tensor> tensors, gradus_report *report,
                     std::string &error, const gradus_context *threads = nullptr);

private:
  EntryLayout layout;
  std::vector<gradus_argument> arguments;
  std::vector<gradus_hyper> hypers;
  std::vector<const char *> symbols;
  std::vector<char> workspace;
  gradus_entry entry{};
};

} // namespace gradus
