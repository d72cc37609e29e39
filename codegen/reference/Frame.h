//===- Frame.h - The values of one evaluation (internal to the evaluator) ------===//
//
// A session is one call: sizes, errors and the claims of a test. A frame holds the values of the call in one scalar
// type; `gradus.grad` opens a frame of dual numbers above it, which lifts what its region reads from outside.
//
// A frame runs each op for every active slot before the next op, so that the slots of a collection stay in step.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/reference/Dual.h"
#include "codegen/reference/Evaluator.h"

#include "dialect/Gradus.h"
#include "llvm/ADT/DenseMap.h"

#include <map>
#include <memory>

namespace gradus::reference {

/// What a call has besides its values, whatever their scalar type.
struct Session {
  std::string &error;
  std::vector<llvm::StringMap<int64_t>> sizes; ///< of the dimension symbols, for each slot
  TestResult *test = nullptr;
  uint64_t seed = 0; ///< of the draws
  /// Has results whose derivative is known by an implicit one alone: their tangents are NaN.
  mlir::Operation *implicit = nullptr;

  /// Reports why `op` has no value.
  llvm::LogicalResult fail(mlir::Operation *op, const llvm::Twine &reason);
  /// The shape of a type; fails for a symbol without a size.
  llvm::LogicalResult resolve(mlir::Operation *op, llvm::ArrayRef<mlir::Attribute> dims, unsigned slot, Shape &shape);
  /// The shape of a reshape of `count` elements. The one symbol that has no size yet gets the size that fits.
  llvm::LogicalResult resolveReshape(mlir::Operation *op, llvm::ArrayRef<mlir::Attribute> dims, int64_t count, unsigned slot,
                                     Shape &shape);
  /// Binds the symbols of a function's argument types to the shapes given for one slot.
  llvm::LogicalResult bind(FuncOp func, unsigned slot, llvm::ArrayRef<llvm::ArrayRef<int64_t>> shapes,
                           llvm::ArrayRef<Kind> kinds);
};

/// "file:line:col: " of an op, or nothing.
std::string describeLocation(mlir::Location location);
Kind kindOf(mlir::Type type);
inline ArrayType arrayType(mlir::Value value) { return llvm::cast<ArrayType>(value.getType()); }
/// The row-major index of element `flat`.
Shape unflatten(int64_t flat, llvm::ArrayRef<int64_t> shape);
/// The distance, in elements, between neighbours along each axis.
Shape stridesOf(llvm::ArrayRef<int64_t> shape);
/// For each element of an array of `shape`, in row-major order, the sum of its index times `strides`.
std::vector<int64_t> stridedOffsets(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> strides);
/// Whether a region holds a `gradus.all_reduce`.
bool reducesOverSlots(mlir::Region &region);

using Slots = llvm::ArrayRef<unsigned>;

/// What a `gradus.custom` made of some numbers. Each pass of a gradient has a few directions and the same numbers, so that one solve serves all of them.
template <typename S>
struct Applied {
  Arrays<S> read; ///< operands, and what the regions read around them
  Arrays<S> values;
  std::vector<Arrays<S>> rows; ///< of the Jacobian, as far as they were asked for: one for each element of the values
};

template <typename S>
class Frame {
public:
  using Below = Frame<typename reference::Below<S>::Type>;

  /// `region` is that of the derivative which the frame was opened for.
  explicit Frame(Session &session, Below *below = nullptr, mlir::Region *region = nullptr)
      : session(session), below(below), region(region), values(session.sizes.size()) {}

  /// The array of a value; one from outside the region of this frame is lifted to a constant.
  const Array<S> &get(mlir::Value value, unsigned slot);
  void set(mlir::Value value, unsigned slot, Array<S> array) {
    values[slot][value] = std::make_unique<Array<S>>(std::move(array));
  }
  /// Runs the ops of a block, but for its terminator, for the slots given.
  llvm::LogicalResult runBlock(mlir::Block &block, Slots slots);

  /// The value that `block` ends with and its derivatives in some block arguments; `primals` are values of this frame.
  /// For each slot: the value, then the gradients.
  llvm::LogicalResult differentiate(mlir::Block &block, mlir::ValueRange arguments, mlir::ValueRange primals, Slots slots,
                                    std::vector<Arrays<S>> &results);

  /// The results of a `gradus.custom` for the values `xs` of its operands: its tangents are those of its own derivative.
  llvm::LogicalResult applyCustom(CustomOp op, unsigned slot, const Arrays<S> &xs, Arrays<S> &ys);
  /// Runs a region with the given arguments; what it yields.
  llvm::LogicalResult runRegion(mlir::Region &region, unsigned slot, const Arrays<S> &arguments, Arrays<S> &yielded);
  /// The same of the derivative of a `gradus.custom`, where a cotangent of 0 contributes nothing.
  llvm::LogicalResult runDerivative(CustomOp op, unsigned slot, const Arrays<S> &arguments, Arrays<S> &yielded, bool isAgain);

  /// What is known of an op that reads these numbers; keep it again.
  Applied<S> take(CustomOp op, unsigned slot, Arrays<S> read);
  void keep(CustomOp op, unsigned slot, Applied<S> known) { applied[{op, slot}] = std::move(known); }

private:
  llvm::LogicalResult runCustom(CustomOp op, Slots slots);
  llvm::LogicalResult runOp(mlir::Operation *op, Slots slots);

  // Ops that are evaluated slot by slot. Each stands in the file of its family.
  llvm::LogicalResult evaluate(mlir::Operation *op, unsigned slot, Array<S> &y);
  bool evaluateUnary(mlir::Operation *op, unsigned slot, Array<S> &y);
  bool evaluateBinary(mlir::Operation *op, unsigned slot, Array<S> &y);
  bool evaluatePointwise(mlir::Operation *op, unsigned slot, Array<S> &y);
  void cast(CastOp op, unsigned slot, Array<S> &y);
  void encode(EncodeOp op, unsigned slot, Array<S> &y);
  void castStochastically(StochasticCastOp op, unsigned slot, Array<S> &y);
  llvm::LogicalResult evaluateShape(mlir::Operation *op, unsigned slot, Array<S> &y);
  void readConstant(ConstantOp op, Array<S> &y);
  llvm::LogicalResult findTargets(mlir::Operation *op, mlir::ValueRange indices, mlir::Value of, unsigned slot,
                                  std::vector<int64_t> &targets);
  llvm::LogicalResult join(ConcatOp op, unsigned slot, Array<S> &y);
  llvm::LogicalResult writePlaces(ScatterOp op, unsigned slot, Array<S> &y);
  llvm::LogicalResult evaluateReduction(mlir::Operation *op, unsigned slot, Array<S> &y);
  llvm::LogicalResult argReduce(ArgReduceOp op, unsigned slot, Array<S> &y);
  void contract(ContractOp op, unsigned slot, const Shape &shape, Array<S> &y);
  llvm::LogicalResult draw(DrawOp op, unsigned slot, Array<S> &y);

  // Ops whose elements depend on those before them along an axis.
  llvm::LogicalResult runOrder(mlir::Operation *op, Slots slots);
  void cumulate(CumulateOp op, unsigned slot);
  void sort(SortOp op, unsigned slot);
  llvm::LogicalResult runScan(ScanOp op, unsigned slot);

  // Factorizations and transforms.
  llvm::LogicalResult runFft(FftOp op, Slots slots);
  llvm::LogicalResult runMatrix(mlir::Operation *op, Slots slots);

  // Ops with regions, and those that see all slots or leave a mark.
  llvm::LogicalResult runAllReduce(AllReduceOp op, Slots slots);
  llvm::LogicalResult runGrad(GradOp op, Slots slots);
  llvm::LogicalResult runBody(mlir::Operation *op, Slots slots);
  llvm::LogicalResult runKernel(KernelOp op, Slots slots);
  llvm::LogicalResult runIf(IfOp op, Slots slots);
  llvm::LogicalResult runLoop(LoopOp op, Slots slots);
  llvm::LogicalResult askLoop(LoopOp op, int64_t pass, std::vector<Arrays<S>> &next, llvm::SmallVector<unsigned> &running);
  llvm::LogicalResult runEvery(EveryOp op, Slots slots);
  void runExpect(ExpectOp op, unsigned slot);
  void runExpectNear(ExpectNearOp op, unsigned slot);

  Session &session;
  Below *below;
  mlir::Region *region;
  std::vector<llvm::DenseMap<mlir::Value, std::unique_ptr<Array<S>>>> values; ///< for each slot
  std::map<std::pair<mlir::Operation *, unsigned>, Applied<S>> applied;         ///< the last of each op, for the frames above
};

/// Reduces the elements of each group, in order. `groups[i]` is the group of element i.
template <typename S>
Array<S> reduceGroups(ReductionKind kind, const Array<S> &x, llvm::ArrayRef<int64_t> groups, llvm::ArrayRef<int64_t> shape);

} // namespace gradus::reference

/// One explicit instantiation for each scalar type of the evaluator.
#define GRADUS_FOR_EACH_SCALAR(INSTANTIATE)                                                                            \
  INSTANTIATE(double)                                                                                                  \
  INSTANTIATE(Dual<double>)                                                                                            \
  INSTANTIATE(Dual<Dual<double>>)                                                                                      \
  INSTANTIATE(Dual<Dual<Dual<double>>>)                                                                                \
  INSTANTIATE(long double)                                                                                             \
  INSTANTIATE(Dual<long double>)                                                                                       \
  INSTANTIATE(Dual<Dual<long double>>)                                                                                 \
  INSTANTIATE(std::complex<double>)                                                                                    \
  INSTANTIATE(Dual<std::complex<double>>)
