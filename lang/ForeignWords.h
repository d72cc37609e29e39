//===- ForeignWords.h - words of other languages ----------------*- C++ -*-===//
//
// What people bring from other languages, and what stands for it here: the way out that a message gives.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_FOREIGNWORDS_H
#define GRADUS_LANG_FOREIGNWORDS_H

#include <string>
#include <string_view>

namespace gradus {

/// For a word that begins a unit or a statement elsewhere; empty if it is not known.
std::string foreignWord(std::string_view word);

/// For a function, a value or a member of an array; empty if it is not known.
std::string foreignName(std::string_view name);

} // namespace gradus

#endif // GRADUS_LANG_FOREIGNWORDS_H
