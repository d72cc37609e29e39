//===- Check.h - The derivatives of a program against each other ----------------===//
//
// What the compiler makes of a program's derivatives, evaluated by the reference, is compared with central differences, with a complex step, with dual
// numbers, and with each other. What is found wrong is a list of sentences, so that a test can ask that there be some.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "Maps.h"

#include "codegen/reference/Evaluator.h"
#include "passes/diff/Rules.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"

namespace gradus::matrix {

using reference::Arrays;
using Doubles = Arrays<double>;

/// A map as the reference evaluates it.
class Function {
public:
  /// As it is written: `gradus.grad` is evaluated by dual numbers.
  Function(mlir::MLIRContext &context, const Map &map);
  /// As the compiler differentiates it: with `table`, or if null by all phases up to simplification. What it says where it cannot is in `messages`.
  static std::optional<Function> compile(mlir::MLIRContext &context, const Map &map, const DerivativeTable *table, std::string *messages = nullptr);

  template <typename S = double>
  Arrays<S> operator()(const Arrays<S> &args) const;
  mlir::ModuleOp getModule() const { return *module; }

private:
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

/// Arrays of the inputs of a program, numbers as their domains ask.
Doubles makePoint(const Program &program, unsigned seed);

using Findings = std::vector<std::string>;

/// Everything about a program.
class Check {
public:
  Check(mlir::MLIRContext &context, const Program &program);

  /// All modes, with all seeds, at two points, of what all phases make.
  void checkAll(Findings &findings);
  /// The first derivatives by one way at one point, as `table` has them: the transposed derivative, or by a mode.
  void checkTransposed(const DerivativeTable &table, Findings &findings);
  void checkForward(const ForwardMode &mode, const DerivativeTable &table, Findings &findings);
  /// Whether a derivative at the first point is not 0.
  bool isActive();

private:
  /// The derivatives at a point by something that no rule is part of: columns are inputs, rows are results.
  struct Jacobian {
    std::vector<std::vector<double>> byDifferences, byComplexStep;
  };

  void findPoint();
  void findJacobian(const Doubles &x);
  void checkFirst(const Doubles &x, Findings &findings);
  void checkSecond(const Doubles &x, const Doubles &v, const Doubles &u, Findings &findings);
  void checkBoundary(const Doubles &x, Findings &findings);
  void checkInfinite(const Doubles &x, Findings &findings);
  void compareTransposed(const Function &derivative, const Doubles &x, const Doubles &v, Findings &findings);
  void compareForward(const Function &derivative, const Doubles &x, const Doubles &u, Findings &findings);
  void compare(const std::string &what, const Doubles &got, const std::vector<double> &expected, double tolerance, Findings &findings);

  mlir::MLIRContext &context;
  Program program;
  Map map;
  Function value;
  std::optional<Function> transposed, transposedTwice; ///< what all phases make
  std::vector<Function> forward, second;               ///< for each mode
  Function transposedByDuals, twiceByDuals;
  std::optional<Doubles> point;                        ///< the first one
  Jacobian jacobian;                                   ///< at the point that was asked for last
  Doubles results;                                     ///< models of what the program gives
};

} // namespace gradus::matrix
