//===- Corner.h - A function at a point that is partly known ---------*- C++ -*-===//
//
// What a unit computes where some of its arguments are known, a gradient that is 0, the first step, the end of an interval, and nothing is
// known of the others. It is a proof that a point can be reached, not a guess: 0 times anything is 0, 0 plus something unknown is unknown.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_LINT_CORNER_H
#define GRADUS_LANG_LINT_CORNER_H

#include "dialect/Gradus.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"

#include <map>
#include <string>

namespace gradus::lint {

/// What is known of the elements of a value. Conditions are the numbers 0 and 1.
struct Known {
  enum Extent : uint8_t { Nothing, Some, All };
  Extent extent = Nothing;
  /// No element is below 0, wherever the point is.
  bool isNonNegative = false;
  /// That of all elements, or of some of them.
  double value = 0;

  /// A number of the spec.
  static Known all(double value) { return {All, value >= 0, value}; }
  /// What is at least as large is far out: a sum of it is, too, however many there are.
  static constexpr double far = 1e18;
  bool isFar() const { return extent == All && (value >= far || value <= -far); }
  static Known some(double value) { return {Some, false, value}; }
  bool is(double number) const { return extent != Nothing && value == number; }
  bool isAll(double number) const { return extent == All && value == number; }
  bool operator==(const Known &) const = default;
};

/// What holds in both cases.
Known join(const Known &a, const Known &b);
/// `condition ? a : b`.
Known choose(const Known &condition, const Known &a, const Known &b);

/// Arguments by their index, and what to call the point in a message.
struct Point {
  /// "where 'p' is 0", "in the first step".
  std::string where;
  std::map<unsigned, Known> arguments;
  /// What is asked of objectives has the gradient 0.
  bool hasZeroGradients = false;
  /// The spec itself says that the point is reached: an interval, a default, the first step. At others, an argument that is 0, only what is never
  /// negative is taken to be meant to come near to 0.
  bool isTold = true;
  /// Far out, where what is cut off or levels off is at its end; other edges are not met there, but numbers that have left their range.
  bool isFar = false;
};

class Corner {
public:
  Corner(FuncOp func, const Point &point);

  Known at(mlir::Value value) const { return known.lookup(value); }
  /// Whether an operation is evaluated and its result is used. What stands under a condition that is not known counts if the condition reads nothing
  /// of the point that the operand reads.
  bool isAsked(mlir::Operation *op, mlir::Value operand) const;

private:
  using Knowns = llvm::SmallVector<Known, 4>;
  /// Which arguments of the point a value depends on.
  using Support = uint64_t;
  using Demand = llvm::SmallVector<Support, 2>;

  void evaluate(mlir::Block &block);
  void evaluate(mlir::Operation &op);
  void evaluateRegions(mlir::Operation &op);
  void evaluateLoop(mlir::Operation &op, mlir::Block &body, mlir::OperandRange inits, unsigned firstCarried);
  void set(mlir::Value value, Known what, Support support);
  Support supportOf(mlir::ValueRange values) const;

  void demand(mlir::Block &block);
  void demandInside(mlir::Operation &op, const Demand &demand);
  void add(mlir::Value value, const Demand &demand, Support condition = 0);
  Support conditionOf(LoopOp loop) const;

  const Point &point;
  /// How many loops stand around the one that is evaluated.
  unsigned loopDepth = 0;
  llvm::DenseMap<mlir::Value, Known> known;
  llvm::DenseMap<mlir::Value, Support> supports;
  llvm::DenseMap<mlir::Value, Demand> demands;
};

/// One operation without regions.
Known evaluateOne(mlir::Operation &op, llvm::ArrayRef<Known> operands);

} // namespace gradus::lint

#endif // GRADUS_LANG_LINT_CORNER_H
