//===- Salvage.h - what is left of a unit with faulty statements -*- C++ -*-===//
//
// A slip in one statement of a body says nothing about the others. Here it is replaced by one that the parser takes and that
// gives its names no value, so that the meaning of the rest can be checked in the same run.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_SALVAGE_H
#define GRADUS_LANG_SALVAGE_H

#include "lang/Tokens.h"

#include <optional>
#include <span>
#include <vector>

namespace gradus {

/// The name that stands for a value which is not known because of an error; no text can spell it.
inline constexpr std::string_view poisonName = "";

/// The tokens of a unit with every statement in which a fault lies replaced: `x = poison`, `state m = poison`, `return poison`; a claim
/// is left out. Nothing if a fault lies in a head or in a declaration that says more than names.
std::optional<std::vector<Token>> salvage(std::span<const Token> unit, std::span<const Location> faults);

} // namespace gradus

#endif // GRADUS_LANG_SALVAGE_H
