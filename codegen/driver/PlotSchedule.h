//===- PlotSchedule.h - The values of schedules, step by step ---------------------===//

#pragma once

#include "codegen/driver/PlotUnits.h"

#include "dialect/Gradus.h"

namespace gradus::driver {

/// The values of a function of one number, or of the time, at each of `xs`; nothing, with `error` set, if it cannot be evaluated.
std::optional<std::vector<double>> evaluateAt(FuncOp func, llvm::ArrayRef<double> xs, std::string &error);

/// A schedule that keeps states or takes inputs. It runs as the hyper-parameter of a rule in a train unit of its own; `plateau(factor = 0.5, seen = 1 / t)` gives
/// what is no argument of the schedule: an input, as a formula that is taken in each step, or what a state begins with.
class KeptSchedule {
public:
  /// Nothing for a schedule whose values are those of the time alone.
  static std::optional<KeptSchedule> make(const PlottedUnit &unit, size_t number);

  /// Writes the units that are drawn in its place.
  void write(WrittenSpec &spec) const;
  /// The values after each of `steps` steps; nothing, with `error` set, if it cannot run.
  std::optional<std::vector<double>> run(mlir::ModuleOp module, size_t steps, std::string &error) const;

private:
  struct Given {
    std::string name;
    llvm::StringRef formula;
    /// Its place among the texts that are written.
    std::string unit;
  };
  PlottedUnit plotted;
  std::string name;
  std::vector<llvm::StringRef> arguments;
  std::vector<Given> givens;
};

} // namespace gradus::driver
