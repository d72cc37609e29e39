//===- SampleSizes.h - Sizes that the first value of a state tells --*- C++ -*-===//

#ifndef GRADUS_LANG_SAMPLESIZES_H
#define GRADUS_LANG_SAMPLESIZES_H

#include "lang/RuleRun.h"

namespace gradus::lang {

/// In a test, where `size n` has no value: `state l: [n] = f[each](w)` gives n the size that the first value has.
void tellSizes(const RuleRun &run, const ast::Decl &decl, const Array &first);

} // namespace gradus::lang

#endif // GRADUS_LANG_SAMPLESIZES_H
