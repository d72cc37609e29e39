//===- Targets.h - One artifact for several instruction sets --------------------===//
//
// An artifact may hold its kernels once for each of several instruction sets. All of them stand in one module, each function with its own
// `target-cpu`, so that everything up to the end of LLVM's optimiser is done once, and nothing but the entries is visible from outside. What runs
// before it is known which set the machine has is code for every x86-64.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/cpu/Compile.h"

#include <optional>
#include <vector>

namespace gradus {

/// The instruction sets of an artifact, the least one first.
struct CpuTargets {
  /// What `gradus build` takes where nothing is said.
  static constexpr llvm::StringLiteral initial = "x86-64-v3,x86-64-v4";
  std::vector<CpuTarget> targets;

  /// Reads "x86-64-v3,x86-64-v4", in any order, or "native". Nothing, with `error` set, where a word is another or `native` has company.
  static std::optional<CpuTargets> parse(llvm::StringRef list, std::string &error);
  std::vector<std::string> getNames() const;
  /// "x86-64-v3,x86-64-v4".
  std::string describe() const;
  /// Whether the machine is asked which of them to run. It is not for `native`: that code is for this machine alone.
  bool isChosenAtRunTime() const { return targets.front().name != "native"; }
};

/// Keeps `optimize` from deciding what differs between the copies that addDispatch will make.
void leaveToCopies(llvm::Module &module);
/// Copies what the kernels of these names need for every target but the first, for which `module` is optimised, and puts in the place of each a function
/// that runs the best copy for the machine: what it returns on a machine that has none of the sets is GRADUS_ERROR_DEVICE.
void addDispatch(llvm::Module &module, llvm::ArrayRef<std::string> kernels, const CpuTargets &targets);

} // namespace gradus
