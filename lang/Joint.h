//===- Joint.h - Products of the collection as one vector ------------*- C++ -*-===//

#ifndef GRADUS_LANG_JOINT_H
#define GRADUS_LANG_JOINT_H

#include "lang/RuleRun.h"

namespace gradus::lang {

/// `u @ v`, `S @ v` and `s @ S` of a `joint param` of several tensors or of other rank than 1: u and v are vectors of R^d, S a stack of them,
/// `[m] like w`. For any param `s @ S`. Nothing where the operands are no such things; poison after an error.
std::optional<Array> jointProduct(Algebra &algebra, const RuleRun &run, const Array &a, const Array &b, Location at);

/// The size of the axis on which the elements of all tensors of `x` lie side by side.
mlir::Attribute countElements(const Array &x, mlir::MLIRContext *context);

} // namespace gradus::lang

#endif // GRADUS_LANG_JOINT_H
