//===- Specs.h - The specs of the standard library in both engines -------------------===//

#pragma once

#include "DeviceCode.h"

#include "lang/Frontend.h"
#include "test/codegen/bits/AnyCall.h"

namespace gradus {

/// A spec compiled for the CPU and for devices. Row nests, which devices do not have, are taken from the plan, so that all sums have one order.
struct Engines {
  /// A path in the standard library, behind "inputs/" one in test/numeric/Inputs, or one from the root.
  explicit Engines(const std::string &spec, const std::string &guard = "");

  mlir::MLIRContext context;
  SourceManager sources;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<EntryLayout> layouts;
  std::unique_ptr<Jit> cpu;
  std::unique_ptr<DeviceCode> device;
  std::vector<std::string> refused; ///< as in refused.txt
  std::string error;
};

/// The sizes of the symbols that are tried: all alike, and one axis after the other longer than the rest.
std::vector<std::vector<int64_t>> getSizes(const std::string &spec, const gradus_entry &entry);
std::string describe(const gradus_entry &entry, const std::vector<int64_t> &sizes);
/// The files of the standard library, as paths in it, and behind "inputs/" some of test/numeric.
std::vector<std::string> findSpecs();
/// A name of a test.
std::string toTestName(std::string spec);
/// The entries of a spec that are expected to have no GPU form, with the reasons: lines of refused.txt.
std::vector<std::string> findRefusals(const std::string &spec);

} // namespace gradus
