//===- Kernel.h - The loops of a kernel -----------------------------------------===//
//
// A kernel becomes one function over a half-open range of independent indices. What an index is, depends on the form:
//
//   Blocks   a block of the domain, at most 4,096 elements (or rows of less): elementwise stores, full reductions
//   Rows     one point of the axes that are kept; the tree runs over the axes that are reduced, the last among them
//   Columns  16 neighbours along the last axis, which is kept; in each lane the reduced points follow one another
//   Argument one point of the axes that are kept, element by element: arg_reduce
//
// The range may be cut anywhere: no index shares a sum with another.
//
// A result in blocks of 8-bit codes needs the largest number of a block before the first code. A flat kernel computes as many points as the largest block has
// into an array on the stack, which stays in the cache, and encodes them: one pass over memory. Blocks divide 4,096, so that no two threads meet in one. Any other
// kernel leaves its numbers in the workspace, and a function of its own encodes them.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "passes/lower/Evaluate.h"

namespace gradus {

enum class KernelForm { Blocks, Rows, Columns, Argument };

/// One reduction of a kernel.
struct Reduction {
  unsigned result; ///< of the kernel
  ReduceOp op;
  ReductionKind kind;
  mlir::Type element;    ///< of the operand
  mlir::Type accumulate; ///< of the tree
};

/// What one function of a kernel computes. A kernel with arg_reduces and other results has two.
struct KernelInfo {
  KernelOp kernel;
  KernelForm form = KernelForm::Blocks;
  llvm::SmallVector<mlir::Attribute> domain;
  llvm::SmallVector<int64_t> reducedAxes;
  llvm::SmallVector<std::pair<unsigned, mlir::Value>> stores;
  llvm::SmallVector<Reduction> reductions;
  llvm::SmallVector<std::pair<unsigned, ArgReduceOp>> argReductions;
  /// Results in blocks of codes. Where the kernel is not flat, their outputs are arrays of f32.
  llvm::SmallVector<std::pair<unsigned, EncodeOp>> encodes;
  /// Not for results: the gathers and scatters of which an index outside its axis sets a flag. The domain is the shape of their indices.
  llvm::SmallVector<mlir::Operation *> checked;
  /// How many checks must have passed before this one may follow indices that they have looked at.
  unsigned checkLevel = 0;
  bool isCheck() const { return !checked.empty(); }
  bool isFlat = false;
  bool isFullReduction() const { return form == KernelForm::Blocks && !reductions.empty(); }
};

/// The functions that a kernel of reductions and elementwise stores needs.
llvm::SmallVector<KernelInfo, 1> analyzeKernel(KernelOp kernel);
/// How many indices that can be outside follow from one another on the way to a value.
class ChecksBelow {
public:
  unsigned count(mlir::Value value);

private:
  llvm::DenseMap<mlir::Operation *, unsigned> known;
};
/// The functions that check the indices of a kernel's gathers or scatter, in an order in which each follows only indices that those before
/// it have checked.
llvm::SmallVector<KernelInfo, 1> analyzeChecks(KernelOp kernel);

/// On a kernel whose blocks are pieces of rows though its elements could follow one another: the order of its sums is that of the kernel that it was made of.
inline constexpr llvm::StringLiteral keepsRowsAttribute = "gradus.keeps_rows";

/// The code that encodes the blocks of 4,096 elements [begin, end) of an array of this shape from f32 at `numbers`.
void emitEncodeBody(EncodeOp op, Evaluator &evaluator, mlir::Value numbers, mlir::Value output, mlir::Value begin, mlir::Value end);
/// The bytes that encoding writes, for each element.
double getEncodedBytes(EncodeOp op);

/// The number of indices of the function, and the work in all of them.
mlir::Value emitCount(const KernelInfo &info, Evaluator &evaluator);
mlir::Value emitWork(const KernelInfo &info, Evaluator &evaluator);
/// The function's code for [begin, end). `outputs[k]` is where result k of the kernel goes: its array, or the partial
/// results of a full reduction, one for each block. A check takes the flag instead. In a row nest [begin, end) are rows: then full reductions store one
/// partial result for all of them, and reductions that keep other axes than the rows go on with what stands in their outputs.
void emitKernelBody(const KernelInfo &info, Evaluator &evaluator, mlir::ValueRange outputs, mlir::Value begin, mlir::Value end, bool isNested = false);

/// Rows [top, bottom) and columns [left, right) of a matrix whose elements a kernel meets point by point, and their number among others: where the partial
/// results of its reductions go.
struct KernelWindow {
  mlir::Value top, bottom, left, right, number;
  /// Where the matrix begins in the arrays of a kernel that takes these as one long row, and from one of its rows to the next; null where rows and columns are
  /// the axes of the domain.
  mlir::Value first = {}, pitch = {};
};
void emitKernelWindow(const KernelInfo &info, Evaluator &evaluator, mlir::ValueRange outputs, const KernelWindow &window);

/// The rows [begin, end) of a contraction in a row nest: those of its result, or those that it sums, which are added to the output.
void emitRowContractBody(KernelOp kernel, int64_t rowLabel, Evaluator &evaluator, mlir::Value output, mlir::Value begin, mlir::Value end);

/// Writes a contraction as the sum of a product, so that the tree of reductions does it.
void rewriteContract(KernelOp kernel);
/// The labels that are summed: those of a, then the others of b; a last axis of both comes last.
llvm::SmallVector<int64_t> getSummed(ContractOp op);
/// The sizes of labels.
mlir::Attribute getDim(ContractOp op, int64_t label);
llvm::SmallVector<mlir::Attribute> getDims(ContractOp op, llvm::ArrayRef<int64_t> labels);
mlir::Value emitContractCount(KernelOp kernel, Evaluator &evaluator);
mlir::Value emitContractWork(KernelOp kernel, Evaluator &evaluator);
void emitContractBody(KernelOp kernel, Evaluator &evaluator, mlir::Value output, mlir::Value begin, mlir::Value end);
/// The cumulate, scan or sort of a kernel, which stands alone but for numbers, or null.
mlir::Operation *findOrderOp(KernelOp kernel);
/// What one launch of many does of the way along an axis: the steps from `low` to `high`, or to the end if that comes first.
struct AxisPart {
  mlir::Value low, high;
  mlir::Value isFirst;
  mlir::Value carried = {}; ///< of cumulations and recurrences: where 8 bytes for each value that goes from one step to the next wait for the next launch
};
/// Whether b stands before a: NaN is last.
mlir::Value emitIsBefore(CodeBuilder &code, SortOp op, mlir::Value b, mlir::Value a);
/// The arrays in which a sort keeps what it has merged; one for each is handed over behind the outputs.
llvm::SmallVector<ArrayType> getOrderScratch(KernelOp kernel);
mlir::Value emitOrderCount(KernelOp kernel, Evaluator &evaluator);
mlir::Value emitOrderWork(KernelOp kernel, Evaluator &evaluator);
/// Returns the bytes of the main loop.
Traffic emitOrderBody(KernelOp kernel, Evaluator &evaluator, mlir::ValueRange outputs, mlir::Value begin, mlir::Value end, const AxisPart *part = nullptr);
/// The Fourier transform of a kernel, which stands alone, or null.
FftOp findFftOp(KernelOp kernel);
/// The factorization of a kernel, which stands alone, or null.
mlir::Operation *findMatrixOp(KernelOp kernel);

/// The op at which workers meet that a kernel stands for, or null.
mlir::Operation *findCut(KernelOp kernel);
/// The write of a scatter at one point of the updates.
void emitScatterPoint(KernelOp kernel, Evaluator &evaluator, mlir::Value output, llvm::ArrayRef<Index> point);
/// The writes of a scatter, one after the other; the output holds a copy of the operand already.
void emitScatterBody(KernelOp kernel, Evaluator &evaluator, mlir::Value output);

} // namespace gradus
