//===- Evaluate.h - The value of an expression at a point of a kernel -----------===//
//
// A kernel's body is in pull form: to know a value at a point, know its operands there. Indices say how the point moves
// from lane to lane; what is the same in every lane is computed as a scalar, before the innermost loop.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "passes/fuse/Traffic.h"
#include "passes/lower/Blocks.h"

#include "llvm/ADT/DenseMap.h"

#include <map>

namespace gradus {

/// The index along one axis in each lane: `scalar`, or `scalar + lane`, or lane by lane `vector`.
struct Index {
  mlir::Value scalar;
  bool isLane = false;
  mlir::Value vector;

  static Index uniform(mlir::Value scalar) { return {scalar, false, {}}; }
  static Index lane(mlir::Value scalar) { return {scalar, true, {}}; }
  static Index lanewise(mlir::Value vector) { return {{}, false, vector}; }
  bool isUniform() const { return scalar && !isLane; }
  bool operator<(const Index &other) const;
};
using Point = llvm::SmallVector<Index>;

inline bool isAllUniform(llvm::ArrayRef<Index> point) {
  return llvm::all_of(point, [](const Index &index) { return index.isUniform(); });
}

/// What a kernel reads: filled by the function around.
struct Buffers {
  llvm::DenseMap<mlir::Value, mlir::Value> arrays;      ///< array-typed values: pointers
  llvm::DenseMap<mlir::Value, mlir::Value> scalars;     ///< rank-0 values: registers
  llvm::DenseMap<mlir::Attribute, mlir::Value> symbols; ///< sizes
  mlir::Value seed;                                     ///< of the call, for draws
  mlir::Value slot;                                     ///< the number of the tensor at hand, for draws
};

class Evaluator {
public:
  Evaluator(CodeBuilder &code, const Buffers &buffers);

  /// The value at a point: a scalar if every index is uniform, else a vector.
  mlir::Value evaluate(mlir::Value value, llvm::ArrayRef<Index> point);
  /// The same, as a vector in any case.
  mlir::Value evaluateVector(mlir::Value value, llvm::ArrayRef<Index> point) { return code.splat(evaluate(value, point)); }
  /// Computes the rank-0 values of a body that are safe to compute at the insertion point, which must come before all its loops.
  void evaluateScalars(KernelOp kernel, llvm::function_ref<bool(mlir::Value)> isSafe);
  /// Computes the keys of the draws of a body, likewise.
  void evaluateDrawKeys(KernelOp kernel);
  /// The draws of a body, with keys that are known, whose bits are met at the points of the domain alone.
  llvm::SmallVector<DrawOp> findStoredBits(KernelOp kernel) const;
  /// Draws the bits of their elements from `first` to `end`, at most `most`: what is evaluated from here on lies there, and has a lane along the last axis.
  void drawAhead(llvm::ArrayRef<DrawOp> draws, mlir::Value first, mlir::Value end, int64_t most);
  void forgetDrawn() { drawn.clear(); }
  /// A rank-0 value of the body.
  mlir::Value evaluateScalar(mlir::Value value);

  /// Where an array that the kernel reads begins.
  mlir::Value baseOf(mlir::Value array) const { return buffers.arrays.lookup(array); }
  /// The size of a dimension.
  mlir::Value sizeOf(mlir::Attribute dim);
  /// The product of sizes.
  mlir::Value product(llvm::ArrayRef<mlir::Attribute> dims);
  /// The indices of element `linear` of an array of these sizes.
  llvm::SmallVector<mlir::Value> delinearize(mlir::Value linear, llvm::ArrayRef<mlir::Attribute> dims);
  /// The position in memory of a uniform point.
  mlir::Value linearize(llvm::ArrayRef<mlir::Value> indices, llvm::ArrayRef<mlir::Attribute> dims);

  /// From here on values may be remembered for the code at the insertion point; what is uniform goes before `inner`.
  void startInner(mlir::Operation *inner, mlir::Value mask);
  /// What a value is at a point, until the next `startInner`.
  void remember(mlir::Value value, llvm::ArrayRef<Index> point, mlir::Value known) { pointMemo[Key(value.getAsOpaquePointer(), Point(point))] = known; }
  /// The comparisons of a body that ask which lane at a point, if any, is the one of its row (OneHot.cpp).
  llvm::SmallVector<CompareOp> findOneHots(KernelOp kernel, llvm::ArrayRef<mlir::Attribute> domain, llvm::ArrayRef<Index> point) const;
  /// Remembers them at a point of a loop that began at `low` and has come `steps` lanes from there, an i32 in every lane.
  void rememberOneHots(llvm::ArrayRef<CompareOp> compares, llvm::ArrayRef<Index> point, mlir::Value low, mlir::Value steps);
  /// Leaves the inner loop and forgets what was remembered for the row.
  void endRow();
  /// From here on rows lie within `points` elements from `first` on, which blocks of that size or larger hold as a whole: what such a block means is then read before its row.
  void startBlock(mlir::Value first, int64_t points) { blockStart = first, blockPoints = points; }
  /// Rows that are independent are taken one at a time, not 16 in the lanes of a vector.
  bool isScalar = false;
  /// Arrays are read as vectors of all their elements: points have one axis.
  bool isFlat = false;
  /// What a kernel asks for while it reads the elements of an array from `begin` on: those from `wanted` on, one of them for each 2^shift that are read.
  struct Ahead {
    mlir::Value begin, wanted;
    int64_t shift;
  };
  void askAhead(mlir::Value base, Ahead what) { ahead[base] = what; }
  /// Of vectors that a step reads together, which comes next: vectors of one row side by side, or of rows one below the other from `firstRow` on.
  struct Turn {
    int64_t number = 0;
    mlir::Value firstRow;
  };
  std::optional<Turn> turn;
  /// Where elements of a matrix stand alone: those from a row and a column on, `pitch` of them apart from row to row.
  struct Window {
    mlir::Value row, column;
    int64_t pitch;
  };
  void windowAt(mlir::Value base, Window what) { windows[base] = what; }
  /// Of the array at `base` there are elements from `first` on alone.
  void beginAt(mlir::Value base, mlir::Value first) { firsts[base] = first; }
  /// An address where 64 bytes can be read, for what reads nothing. Null: a constant of the module.
  mlir::Value somewhere;
  /// The bytes that the innermost loop moves, for each element; unset where there is no such loop.
  std::optional<Traffic> traffic;
  /// The bytes of scales that are read before the row, for each element.
  double scaleTraffic = 0;

  CodeBuilder &code;

private:
  /// Whether everything that a value depends on has been given.
  bool isKnown(mlir::Value value) const;
  using Key = std::pair<void *, Point>;

  mlir::Value emit(mlir::Value value, llvm::ArrayRef<Index> point);
  mlir::Value load(mlir::Value base, ArrayType type, llvm::ArrayRef<Index> point);
  void ask(const Ahead &what, mlir::Value base, mlir::Type element, mlir::Value position, mlir::Value width);
  BlockForm formAt(mlir::Value base, BlocksType type, mlir::Value index);
  mlir::Value emitConstant(ConstantOp constant, llvm::ArrayRef<Index> point);
  mlir::Value nothing();
  mlir::Value emitConcat(ConcatOp concat, llvm::ArrayRef<Index> point);
  mlir::Value emitPart(mlir::Value part, llvm::ArrayRef<Index> point, int64_t axis, mlir::Value begin, mlir::Value &isInside);
  Index mapIndex(mlir::Value index, llvm::ArrayRef<Index> point, int depth);
  std::pair<mlir::Value, Point> findOneHot(CompareOp compare, llvm::ArrayRef<Index> point) const;
  mlir::Value emitOneHot(CompareOp compare, llvm::ArrayRef<Index> point);
  mlir::Value emitGather(GatherOp gather, llvm::ArrayRef<Index> point);
  // Draws (Draw.cpp, DrawBits.cpp).
  mlir::Value emitBits(DrawOp draw, llvm::ArrayRef<Index> point);
  mlir::Value emitDraw(DrawOp draw, llvm::ArrayRef<Index> point);
  mlir::Value emitCategorical(DrawOp draw, mlir::Value uniform);
  mlir::Value elementNumber(ArrayType type, llvm::ArrayRef<Index> point);
  mlir::Value drawKey(DrawOp draw);
  Point mapBroadcast(BroadcastOp op, llvm::ArrayRef<Index> point) const;
  Point mapReshape(ReshapeOp op, llvm::ArrayRef<Index> point);
  /// An index in each lane, as a vector of i64.
  mlir::Value lanesOf(const Index &index);

  const Buffers &buffers;
  mlir::Value zero;
  mlir::Value mask;
  mlir::Operation *inner = nullptr;
  llvm::DenseMap<mlir::Value, Ahead> ahead;
  llvm::DenseMap<mlir::Value, mlir::Value> firsts;
  llvm::DenseMap<mlir::Value, Window> windows;
  mlir::Value blockStart;
  int64_t blockPoints = 0;
  /// What the blocks of the row mean, by the place of their array.
  llvm::DenseMap<mlir::Value, BlockForm> forms;
  /// A part of a join is at hand: it may have no element at all, though there are points.
  bool mayBeEmpty = false;
  std::map<Key, mlir::Value> pointMemo;
  std::map<Key, mlir::Value> rowMemo;
  llvm::DenseMap<mlir::Value, mlir::Value> scalarMemo;
  llvm::DenseMap<mlir::Operation *, mlir::Value> drawKeys;
  /// Bits that were drawn ahead: where they lie, and the element that they begin with.
  struct Drawn {
    mlir::Value words, begin;
  };
  llvm::DenseMap<mlir::Operation *, Drawn> drawn;
};

} // namespace gradus
