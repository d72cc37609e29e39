//===- Artifact.h - What `gradus build` writes about a compiled spec -----------===//
//
// The description is taken from the gradus module before it is lowered; header, manifest and entry table are written from it
// alone, so that they cannot disagree. Nothing in it depends on the date, the folder or the locale.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/emit/Device.h"
#include "codegen/emit/Entry.h"
#include "passes/gpu/Gpu.h"

#include "mlir/IR/BuiltinOps.h"

#include <optional>
#include <string>
#include <vector>

namespace gradus {

struct ArtifactOptions {
  /// The stem of the spec's file: "adamw".
  std::string name;
  /// Starts every exported symbol: "my_".
  std::string prefix;
  /// The flags that decide the code, in a fixed order: "dtype=f32 target=x86-64-v3,x86-64-v4".
  std::string flags;
  /// What it has code for: instruction sets, the least one first, then devices, as `--target` names them.
  std::vector<std::string> targets = {};
  /// The devices among them.
  std::vector<gradus_device_type> devices = {};
  /// The functions without an entry on devices, by their names in the spec: "adamw.init".
  std::vector<std::string> hostOnly = {};
};

/// One entry point and the names it has in C.
struct ArtifactEntry {
  EntryLayout layout;
  /// Of the function that runs it; `_workspace`, `_defaults` and `_entry` follow it, `_slot` and `_hyper` are its structs.
  std::string symbol;
  std::string doc;
  std::vector<std::string> tensorMembers; ///< of the slot struct
  std::vector<std::string> hyperMembers;  ///< of the hyper struct
  /// The first value of each tensor that is a state and starts with one number everywhere.
  std::vector<std::optional<double>> initial;
  /// The entry that makes the first states, or empty.
  std::string initSymbol;
  /// Where it can run besides the CPU.
  std::vector<gradus_device_type> devices;
  /// What the guard of the step looks at, in the order of gradus_device_report.what.
  std::vector<std::string> guards;

  /// Of the function that runs it on a device, or with GRADUS_CPU `symbol` itself; `_workspace` and `_entry` follow it.
  std::string getSymbol(gradus_device_type type) const { return symbol + getDeviceSuffix(type).str(); }
  /// Of the compiled functions (gradus_entry.kernel and .workspace_size); all devices share one host program.
  std::string getKernelName(gradus_device_type type) const { return type == GRADUS_CPU ? layout.getKernelName() : getDeviceKernelName(layout); }
  std::string getWorkspaceName(gradus_device_type type) const { return type == GRADUS_CPU ? layout.getWorkspaceName() : getDeviceWorkspaceName(layout); }
};

struct Artifact {
  ArtifactOptions options;
  std::vector<ArtifactEntry> entries;
  /// Hash of program, flags and compiler.
  uint64_t content = 0;
  /// The kernels of the entries that have devices; empty until they are compiled.
  DeviceCode device;

  /// The macro of the content hash: "MY_ADAMW_ABI".
  std::string getAbiMacro() const;
  /// Every symbol that the object exports, sorted.
  std::vector<std::string> getExports() const;
};

/// Describes the entries of a module after the phase `emit` (or before `fuse`). Fails with a located error where two
/// entries have one symbol, or a size does not fit the ABI.
mlir::FailureOr<Artifact> describeArtifact(mlir::ModuleOp module, const ArtifactOptions &options);

/// What the guard of a step looks at, in the order of gradus_device_report.what: its results that are conditions.
std::vector<std::string> findGuards(FuncOp func);

/// The shortest text that reads back as the same number; "inf", "-inf" and "nan" for those.
std::string formatNumber(double value);
/// The interval as the language writes it: "[0, 1)"; empty for all numbers.
std::string formatInterval(const EntryHyper &hyper);
/// The ends of a hyper-parameter's interval as the run-time check takes them.
struct HyperInterval {
  double low, high;
  bool lowClosed, highClosed;
};
HyperInterval getInterval(const EntryHyper &hyper);
/// "param", "grad", ..
llvm::StringRef getRoleName(gradus_role role);
/// The shape as the language writes it: "[n, 64]"; "any shape" for rank -1.
std::string formatShape(const EntryTensor &tensor);

} // namespace gradus
