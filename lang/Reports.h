//===- Reports.h - Loops that carry more than their text says ------*- C++ -*-===//

#ifndef GRADUS_LANG_REPORTS_H
#define GRADUS_LANG_REPORTS_H

#include "lang/Algebra.h"

namespace gradus::lang {

/// The loop with further carried values: `last` are their values in a pass. Nothing in the body reads them.
LoopOp carryAlso(LoopOp loop, llvm::ArrayRef<mlir::Value> init, llvm::ArrayRef<mlir::Value> last, mlir::OpBuilder &builder);

} // namespace gradus::lang

#endif // GRADUS_LANG_REPORTS_H
