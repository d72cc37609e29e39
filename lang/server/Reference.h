//===- Reference.h - What the language reference says of a word ----*- C++ -*-===//
//
// Reads lang/REFERENCE.md, so that an editor shows what the page says and nothing is written twice.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_SERVER_REFERENCE_H
#define GRADUS_LANG_SERVER_REFERENCE_H

#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace gradus::server {

class Reference {
public:
  explicit Reference(llvm::StringRef markdown);

  /// As Markdown: the rows of tables that are about the word, else the first sentences that show it in use. Empty if the page does not know it.
  std::string find(llvm::StringRef word) const;

private:
  struct Piece {
    /// What is searched, and what is shown.
    std::string code, text;
    bool isRow;
  };
  void addRow(llvm::StringRef line);
  void addParagraph(llvm::StringRef text);

  std::vector<Piece> pieces;
};

} // namespace gradus::server

#endif // GRADUS_LANG_SERVER_REFERENCE_H
