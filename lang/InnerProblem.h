//===- InnerProblem.h - An inner problem, read --------------------*- C++ -*-===//
//
// What `argmin[u](e) by R() from x0 within tol limit n` says, on its way from EmitProblem.cpp to EmitInner.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_INNERPROBLEM_H
#define GRADUS_LANG_INNERPROBLEM_H

#include "lang/Elaborator.h"

namespace gradus::lang {

/// An inner problem, read.
struct Elaborator::InnerProblem {
  enum Form { Minimum, Maximum, Equation, Fixpoint } form = Minimum;
  /// The least value is asked for, not where it is.
  bool isValue = false;
  std::string text;
  Location loc;
  std::vector<ast::Ident> unknowns;
  std::vector<const ast::Expr *> formulas;
  Scope *scope = nullptr;
  /// What the formulas are part of, which a rule that solves the problem is not.
  size_t laneCount = 1;
  bool isOpen = false, isOneOfMany = false;
  std::optional<size_t> activeLane = {};
  /// Where the search begins, one for each unknown.
  std::vector<Array> start;
  Array within, limit;
  /// The solver needs no start: an unknown of no known shape is a number.
  bool needsNoStart = false;
  Method method;
  /// What must become 0, where no formula of the spec says it.
  std::function<Array(const Array &x)> residual = {};
  /// How the linear system of the derivative is solved; without one its matrix is made.
  struct System {
    Location loc;
    Method method;
    Array within, limit;
  };
  std::optional<System> system = {};
  /// The derivative is that of the passes, which keeps all of them or, in segments, this many.
  bool isUnrolled = false;
  int64_t checkpoints = 0;

  /// The unknowns, each tensor of a collection for itself.
  size_t countArrays() const {
    size_t count = 0;
    for (const Array &unknown : start)
      count += unknown.lanes.size();
    return count;
  }
  bool isOptimum() const { return form == Minimum || form == Maximum; }
  /// The rule with the problem for its objective; null after an error.
  const RuleCall *bindTo(Elaborator &elaborator, const RuleCall &given) const;
};

/// The number of elements.
inline DimExpr countOfShape(llvm::ArrayRef<mlir::Attribute> shape) {
  DimExpr count = DimExpr::number(1);
  for (mlir::Attribute dim : shape)
    count = count * DimExpr::of(dim);
  return count;
}

/// The real numbers that a region reads around it.
llvm::SmallVector<mlir::Value> realsAround(mlir::Region &region);

} // namespace gradus::lang

#endif // GRADUS_LANG_INNERPROBLEM_H
