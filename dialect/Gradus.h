//===- Gradus.h - The gradus dialect ------------------------------------------===//
//
// Types, attributes and operations of the dialect, generated from ODS. Include this header for any of them.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialect/GradusDialect.h.inc"
#include "dialect/GradusEnums.h.inc"

namespace gradus {

/// Element i of each result depends on element i of each operand alone, and all have one shape.
template <typename ConcreteType>
class Pointwise : public mlir::OpTrait::TraitBase<ConcreteType, Pointwise> {};

/// `[n, 64]`, as in a type.
mlir::ParseResult parseShape(mlir::AsmParser &parser, mlir::ArrayAttr &shape);
void printShape(mlir::AsmPrinter &printer, mlir::Operation *op, mlir::ArrayAttr shape);

} // namespace gradus

#define GET_ATTRDEF_CLASSES
#include "dialect/GradusAttrs.h.inc"
#define GET_TYPEDEF_CLASSES
#include "dialect/GradusTypes.h.inc"
#define GET_OP_CLASSES
#include "dialect/GradusOps.h.inc"
