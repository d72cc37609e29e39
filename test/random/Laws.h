//===- Laws.h - What must hold whatever the numbers are ----------------------------===//

#pragma once

#include "Check.h"
#include "Points.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace gradus {
class Compiled;
}

namespace gradus::random_specs {

/// A module of a text; null where the front end refuses it, with its messages.
mlir::OwningOpRef<mlir::ModuleOp> readText(mlir::MLIRContext &context, const std::string &text, bool isSingle, std::string &messages);

/// What one, two, three and seven threads give has the same bits.
Verdict checkThreads(FuncOp func, Compiled &compiled, uint64_t seed);

/// The formatted text is the same module, and is formatted already.
Verdict checkFormat(mlir::ModuleOp module, const std::string &text, bool isSingle);

/// Other names, a name for a part of a formula, another order of statements that do not read each other: the reference gives the same bits.
Verdict checkRewritten(mlir::ModuleOp module, const Unit &unit, uint64_t seed);

/// The gradient that `gradus grad` prints compiles again, and its values are those of dual numbers.
Verdict checkPrintedGradient(mlir::ModuleOp module, uint64_t seed, bool isSingle);

} // namespace gradus::random_specs
