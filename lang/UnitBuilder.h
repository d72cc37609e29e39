//===- UnitBuilder.h - A gradus.func under construction -----------*- C++ -*-===//
//
// Arguments are added as elaboration finds them and are put into the order of the ABI at the end: hyper-parameters, time, params,
// gradients, inputs, states, data. A loss or fn keeps the order in which they were added.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_UNITBUILDER_H
#define GRADUS_LANG_UNITBUILDER_H

#include "lang/Algebra.h"

namespace gradus::lang {

class UnitBuilder {
public:
  UnitBuilder(Algebra &algebra, mlir::ModuleOp module, FuncKind kind, llvm::StringRef symbol, Location at);
  ~UnitBuilder();

  struct Extra {
    mlir::Attribute defaultValue = {};
    IntervalAttr interval = {};
    /// Arguments of one role are ordered by group, then as added.
    size_t group = 0;
    /// One for all slots of an open function.
    bool isShared = false;
  };
  mlir::Value addArgument(Role role, llvm::StringRef name, ArrayType type, Location at, Extra extra);
  mlir::Value addArgument(Role role, llvm::StringRef name, ArrayType type, Location at) { return addArgument(role, name, type, at, {}); }
  /// `of` is the argument whose buffer a result of role `next` replaces.
  void addResult(Role role, llvm::StringRef name, mlir::Value value, mlir::Value of = {}, bool isShared = false);
  /// Whether a value in an open function may differ from slot to slot.
  bool isPerSlot(mlir::Value value) const;
  /// Ends the function and removes what is not used; erases it if `keep` is false.
  FuncOp finish(bool keep, Location at);
  FuncOp getFunc() { return func; }
  bool hasArgument(llvm::StringRef name) const;
  /// Whether a value is data, as the application gives it.
  bool isData(mlir::Value value) const;
  /// Inputs and data that nothing reads are no arguments.
  bool dropsUnused;

private:
  struct Argument {
    Role role;
    std::string name;
    Extra extra;
    mlir::Value value;
  };
  struct Result {
    Role role;
    std::string name;
    mlir::Value value, of;
    bool isShared;
  };
  void sortArguments();
  void dropUnused();

  Algebra &algebra;
  FuncOp func;
  bool isSorted;
  std::vector<Argument> arguments;
  std::vector<Result> results;
  mlir::OpBuilder::InsertPoint before;
};

} // namespace gradus::lang

#endif // GRADUS_LANG_UNITBUILDER_H
