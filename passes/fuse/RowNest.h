//===- RowNest.h - Kernels that share their rows ---------------------------------===//
//
// Neighbouring kernels of a phase whose arrays have the same leading axis run together, block of rows by block of rows: what a block of
// one kernel reads or stores is still in the cache for the next one. A kernel of a nest is in it as a row kernel, which computes each
// row from the same row of the others alone, or as an end, which sums over the rows; what an end gives is read after the nest.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "dialect/Gradus.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallVector.h"

namespace gradus {

class Plan;

/// The name of a discardable attribute of a kernel: [the number of its nest in the function, the size of the rows], and a third size if the nest is one only while
/// that is small. Kernels of a nest follow one another.
inline constexpr llvm::StringLiteral nestAttribute = "gradus.nest";

/// The name of a discardable attribute of a kernel in a nest: it reads single elements for another one. Its results do not count for how many rows a block has, so that a
/// gradient has the same bits whether it replaces what it is in or not, unless in place there can be no nest: where another row of it is read before it is written.
inline constexpr llvm::StringLiteral readsAheadAttribute = "gradus.reads_ahead";

/// A product of matrices is in a nest if it makes at most so many columns of each row. Of more its own tiles take better care.
inline constexpr int64_t widestProduct = 32;

/// How a kernel goes through an axis that arrays begin with.
enum class RowPart {
  None, ///< not row by row
  Row,  ///< its results have the rows, each computed for itself
  End,  ///< it sums over the rows; it may store values with rows too
};

/// How a kernel reads an operand while it is at a row.
enum class RowRead {
  None,  ///< not at all
  Free,  ///< the same at every row
  Own,   ///< at its own row alone: the rows are the first axis
  Other, ///< at other rows, or at places that are known only when it runs
};

class RowUse {
public:
  RowUse(KernelOp kernel, mlir::Attribute rows);

  RowPart getPart() const { return part; }
  RowRead getRead(unsigned operand) const { return reads[operand]; }
  /// Whether a result of the kernel has the rows, so that the next kernel can go on with it.
  bool hasRows(unsigned result) const;
  /// The label of the rows in a kernel that is a contraction, else -1.
  int64_t getLabel() const { return label; }

private:
  void classifyContract(ContractOp op);
  void classifyBody();
  void read(mlir::Value root, int64_t rootAxis);
  void note(mlir::Value argument, RowRead how);

  KernelOp kernel;
  mlir::Attribute rows;
  RowPart part = RowPart::None;
  int64_t label = -1;
  llvm::SmallVector<RowRead> reads;
};

/// The kernels of one nest and the axis that they share.
struct RowNest {
  mlir::Attribute rows;
  llvm::SmallVector<KernelOp> kernels;
  /// The size that must be at most `widestProduct` when the function is called, or null.
  mlir::Attribute narrow = {};

  /// Takes a kernel in behind the others, if it goes through the rows and reads what they store at its own row alone.
  bool join(KernelOp kernel, const Plan &plan);
  /// The nest that begins with a kernel, or none.
  static std::optional<RowNest> startingAt(KernelOp kernel);
  /// Whether a result of one of the kernels is read in the nest alone, so that no more of it than a block of rows is needed at a time.
  bool isLocal(mlir::Value result, const Plan &plan) const;
  /// The local results that stand in the room of a result of the function until that is made of them, point by point, and that result.
  llvm::MapVector<mlir::Value, mlir::Value> findHosts(const Plan &plan) const;
  /// The kernels that read whole rows of an array from outside of the nest: while they do, the next block may come.
  llvm::SmallVector<KernelOp> findReaders(mlir::Value array) const;
  /// Whether what a kernel reads by rows has come into the cache already: by a kernel before it, which has read or stored it.
  bool isCached(KernelOp kernel, mlir::Value array) const;
};

/// Lets kernels of their own read single elements of rows that the nest replaces, before the others: then whole rows need not wait for them. Whether there were any.
bool moveSingleReads(RowNest &nest, FuncOp func, const Plan &plan);
/// Finds the nests of a function in the form of dialect/Plan.td, and marks their kernels.
void formRowNests(FuncOp func);
/// Checks what is claimed by the marks.
mlir::LogicalResult verifyRowNests(FuncOp func);

} // namespace gradus
