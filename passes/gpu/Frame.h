//===- Frame.h - What kernels find at the start of the workspace ------------------===//
//
// Cells of 8 bytes in device memory. The header is one for the call: first the cells below, then the hyper-parameters, then numbers that kernels leave for
// one another. Behind it each slot has a record of its own: addresses, sizes and first groups, which the host writes, and numbers that kernels leave. The
// host writes all of it once, from the start to the end, zeros where kernels will write; then it records the launches.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/emit/Entry.h"
#include "passes/gpu/Loops.h"
#include "passes/gpu/Products.h"

#include <functional>
#include <vector>

namespace gradus {

inline constexpr int64_t cellBytes = 8;

/// Cells of the header.
enum FrameCell : unsigned {
  statusCell,    ///< 0, or the gradus_status that refuses the call: what is launched later does nothing
  whatCell,      ///< of a refusal: the index of the text of the guard, or -1
  argumentCell,  ///< of a refusal: as gradus_report.reserved
  slotCell,      ///< of a refusal: the slot of the argument
  elementCell,   ///< of a refusal: 1 + the first element that is not finite, 0 where it is not known
  reportCell,    ///< where the gradus_device_report goes, or 0
  valuesCell,    ///< what replaces the cells from `timeCell` on (gradus_device.values), or 0
  slotCountCell, ///< how many slots there are
  timeCell,      ///< t
  seedCell,      ///< of draws
  firstHyperCell
};

/// What the host writes into a cell of a slot.
struct SlotField {
  enum Kind {
    Tensor,    ///< the address of tensor `index`
    Symbol,    ///< the size of symbol `index`
    Temporary, ///< the address of temporary `index`
    First,     ///< the first group of the slot in launch `index`
    Number,    ///< 0: kernels write here
  };
  Kind kind;
  unsigned index;
};

/// A part of the workspace that each slot has for itself.
struct Temporary {
  std::function<mlir::Value(Evaluator &)> bytes;
  llvm::SmallVector<mlir::Attribute> shape; ///< what must fit memory
};

/// How many groups a launch has.
enum class Grid {
  One,       ///< one thread for the call
  Slots,     ///< one thread a slot
  Group,     ///< one group for the call
  SlotGroup, ///< one group a slot
  Units      ///< groups of each slot, as many as its sizes say
};

/// Which calls need a launch.
enum class LaunchWhen { Always, WithValues, WithReport };

struct Launch {
  unsigned kernel; ///< its number in the module
  Grid grid;
  std::function<mlir::Value(Evaluator &)> groups; ///< of Units: those of the slot at hand
  LaunchWhen when = LaunchWhen::Always;
  StepBound steps = 0; ///< of the loops of a thread; unknown: the kernel finds out itself
  std::function<mlir::Value(Evaluator &)> passes; ///< how often it is dispatched, the number as its argument: as often as the slot that asks for most. Null: once
  bool goesOverSlots = false; ///< or as often as the number of slots asks for
};

/// A launch, launches that are repeated, or those of a product of matrices, which the device may have a library for.
struct Step {
  unsigned launch = 0;
  std::function<mlir::Value(Evaluator &)> count; ///< of a loop
  std::vector<Step> body;
  std::optional<HostProduct> product = std::nullopt;
};

/// What the host program needs to know about the frame and the launches of one entry.
struct DeviceProgram {
  unsigned numCells = firstHyperCell; ///< of the header
  std::vector<SlotField> fields;
  std::vector<Temporary> temporaries;
  std::vector<Launch> launches;
  std::vector<Step> steps;
};

/// Writes the two functions that `gradus_call` calls for an entry on a device.
void emitHostProgram(FuncOp func, const EntryLayout &layout, const DeviceProgram &program, mlir::ModuleOp module);

} // namespace gradus
