//===- Entry.h - What an entry point takes, and in which order ----------------===//
//
// The one place that turns the signature of a gradus.func into the C ABI of runtime/gradus.h. The code generator and
// the writers of headers, manifest and entry tables read the same layout.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/emit/CName.h"
#include "dialect/Gradus.h"
#include "runtime/gradus.h"

#include <optional>
#include <string>

namespace gradus {

/// One tensor of a slot.
struct EntryTensor {
  std::string name;
  gradus_role role;
  gradus_dtype dtype;
  /// Number of axes, or -1 where any tensor of the size of the symbol does.
  int64_t rank;
  /// Symbols and sizes as in the type; one symbol where the rank is -1.
  llvm::SmallVector<mlir::Attribute> dims;
  bool written;
  /// One for all slots: that of slot 0 counts.
  bool shared = false;
  /// Its data may be null: an input with a default, a report.
  bool optional = false;
  /// The default of an input.
  std::optional<double> initial = {};
  /// The argument of the function, or -1 for an output.
  int64_t argument = -1;
  /// The result that is written here, or -1.
  int64_t result = -1;
  ArrayType type;
  /// gradus_argument.flags.
  int32_t getFlags() const {
    return (written ? GRADUS_WRITTEN : 0) | (shared ? GRADUS_SHARED : 0) | (optional ? GRADUS_OPTIONAL : 0);
  }
};

/// One hyper-parameter: a double of the hyper struct.
struct EntryHyper {
  std::string name;
  unsigned argument;
  ArrayType type;
  bool isInteger = false; ///< i64
  bool isBool = false;    ///< i1, 0 or 1
  /// The default as the spec gives it, or null.
  mlir::Attribute initial;
  /// The interval it must lie in, or null.
  IntervalAttr interval;
};

/// The layout of a call of one function.
struct EntryLayout {
  std::string name;   ///< symbol of the function: "adamw.step"
  std::string cName;  ///< the same as a C identifier: "adamw_step"
  FuncKind kind = FuncKind::Fn;
  llvm::SmallVector<EntryTensor> tensors; ///< one slot, in the order of the call
  llvm::SmallVector<EntryHyper> hypers;
  llvm::SmallVector<mlir::StringAttr> symbols; ///< in order of first appearance
  bool takesTime = false;
  bool isOpen = false;
  /// The result that goes into gradus_report::value, or -1.
  int64_t valueResult = -1;

  /// Index of a symbol, -1 if it is not one of the entry's.
  int64_t findSymbol(mlir::StringAttr symbol) const;
  std::string getKernelName() const { return cName + "__kernel"; }
  std::string getWorkspaceName() const { return cName + "__workspace"; }
};

/// True for functions that become entry points: all kinds but tests.
bool isEntry(FuncOp func);
EntryLayout computeEntryLayout(FuncOp func);
/// The number that an attribute stands for: float, integer or bool.
std::optional<double> toNumber(mlir::Attribute attribute);
/// The storage type of elements in the ABI.
gradus_dtype toDType(mlir::Type element);

} // namespace gradus
