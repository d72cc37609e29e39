//===- Boundaries.h - Operations at the edge of their domain ------------*- C++ -*-===//
//
// Which divisions, logarithms and roots of the main file meet the edge of their domain at a point that can be reached. The lints about them
// share this search and tell the kinds apart.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_LINT_BOUNDARIES_H
#define GRADUS_LANG_LINT_BOUNDARIES_H

#include "lang/lint/Corner.h"
#include "lang/lint/Finding.h"

#include "llvm/ADT/DenseSet.h"

namespace gradus::lint {

enum class BoundaryKind { BiasCorrection, Division, Logarithm, Slope };

struct Boundary {
  BoundaryKind kind;
  /// The operator or word in the main file.
  Location at;
  /// The operand as the spec writes it; may be empty.
  std::string operand;
  /// Its value at the edge.
  double edge;
  /// The point, as a message says it.
  std::string where;
  /// The word or sign in the spec: "sqrt", "/".
  std::string word;
};

/// The points at which a function is looked at.
std::vector<Point> pointsOf(FuncOp func, const CheckedSpec &spec);

/// The operations of a loss that its derivative goes through, and those of what a rule differentiates itself.
llvm::DenseSet<mlir::Operation *> differentiatedIn(FuncOp func);

/// Whether a quotient that is infinite leaves no trace: min(1, c / n), which divides by 0 on purpose. Its numerator is taken to be above 0.
bool isInfinityLeftBehind(mlir::Value quotient);

/// "'norm(g)' is 0 where the gradient is 0", or "'beta' can be 0, which its declaration allows".
std::string describe(const Boundary &boundary);

std::vector<Boundary> findBoundaries(Subject &subject);

} // namespace gradus::lint

#endif // GRADUS_LANG_LINT_BOUNDARIES_H
