//===- Utf8.h - one step through UTF-8 text ---------------------*- C++ -*-===//
//
// Shared by the locator, the validator and the renderer, so that they agree about columns: a byte that belongs to no
// valid sequence is one code point of its own.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_UTF8_H
#define GRADUS_LANG_UTF8_H

#include "llvm/Support/ConvertUTF.h"

#include <string_view>

namespace gradus {

struct Utf8Length {
  size_t bytes;
  bool isValid;
};

/// The length of the code point at `pos`, which lies within `text`.
inline Utf8Length utf8Length(std::string_view text, size_t pos) {
  auto *begin = reinterpret_cast<const llvm::UTF8 *>(text.data()) + pos;
  if (*begin < 0x80)
    return {1, true};
  size_t bytes = llvm::getNumBytesForUTF8(*begin);
  if (bytes > text.size() - pos || !llvm::isLegalUTF8Sequence(begin, begin + bytes))
    return {1, false};
  return {bytes, true};
}

} // namespace gradus

#endif // GRADUS_LANG_UTF8_H
