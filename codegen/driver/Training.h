//===- Training.h - The buffers and engines of `gradus run` --------------------===//

#pragma once

#include "codegen/driver/Csv.h"
#include "codegen/emit/Entry.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace gradus::driver {

/// A tensor of a train unit in host memory, in its storage type.
struct Variable {
  EntryTensor layout;
  std::vector<int64_t> dims;
  std::vector<char> bytes;

  int64_t size() const;
  double get(int64_t index) const;
  /// One element; not of blocks of codes, which depend on each other.
  void set(int64_t index, double value);
  /// All elements.
  void assign(llvm::ArrayRef<double> values);
  gradus_tensor view();
};

/// The state of one run: everything that an engine reads and writes.
struct Training {
  EntryLayout step, init;
  std::map<std::string, int64_t> sizes; ///< of the dimension symbols
  std::vector<Variable> variables;      ///< the tensors of `step`, in the order of its slot
  std::vector<double> hypers;           ///< the values for `step`, in order
  uint64_t seed = 0;
  uint64_t t = 0; ///< the last committed step

  Variable *find(llvm::StringRef name);
  /// The value of a hyper-parameter of `step`; the unit's other function takes some of the same.
  double getHyper(llvm::StringRef name) const;
};

/// How a step ended.
enum class Stepped {
  Committed,
  Refused, ///< by the guard: everything is as it was
  Failed,
};

/// Runs the two functions of a train unit.
class Engine {
public:
  virtual ~Engine() = default;
  /// Fills the states. On failure `error` says why.
  virtual bool init(Training &training, std::string &error) = 0;
  /// One step; `loss` is the value before it. Unless it is committed `error` says why.
  virtual Stepped step(Training &training, double &loss, std::string &error) = 0;
  /// Brings the variables to where the steps are made, after `init`, and back. Engines that work on them where they are do nothing.
  virtual bool store(Training &, std::string &) { return true; }
  virtual bool fetch(Training &, std::string &) { return true; }
  /// Where the steps are made, and what shows that they were; empty for this processor.
  virtual std::string describe() { return ""; }
};

std::unique_ptr<Engine> createReferenceEngine(FuncOp init, FuncOp step);
/// Compiles the module, which is in phase Emit and is changed.
std::unique_ptr<Engine> createJitEngine(class Session &session, llvm::StringRef unit, std::string &error);
/// The same on a device, "vulkan" or "cuda".
std::unique_ptr<Engine> createDeviceEngine(class Session &session, llvm::StringRef unit, llvm::StringRef device, std::string &error);
/// Drops every function but the two of a unit.
void keepUnit(mlir::ModuleOp module, llvm::StringRef unit);

/// Which data argument takes the features and which the target.
struct DataBinding {
  size_t features = 0, target = 0; ///< indices into Training::variables
  std::string rowSymbol;
  std::optional<size_t> rows; ///< the argument that takes the numbers of the samples
};

/// Finds the data arguments, gives every symbol its size and makes the variables. `sizes` of the training holds what the command
/// line said. On failure `error` says what is missing and how to give it.
bool bindData(Training &training, const Table &table, DataBinding &binding, std::string &error);
/// Gives every dimension its size and makes room. What does not fit into memory is an error here, not the end of the process later.
bool makeVariables(Training &training, const DataBinding &binding, std::string &error);
/// The default of each hyper-parameter; NaN where it has none.
std::vector<double> defaultHypers(const EntryLayout &layout);
/// Copies rows of the table into the data variables, which take the number of rows: those of the batch, or with a prefix those of
/// the further data that an objective is asked on, `next.X` and `all.X`.
void fillBatch(Training &training, const DataBinding &binding, const Table &table, llvm::ArrayRef<size_t> rows, llvm::StringRef prefix = "");
/// Whether the unit takes such data.
bool takesData(Training &training, const DataBinding &binding, llvm::StringRef prefix);
/// Matrices: normal with variance 1 / (size of the first axis); everything else 0.
void drawParameters(Training &training);

} // namespace gradus::driver
