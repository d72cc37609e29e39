//===- Allowances.h - Comments that silence a lint at their line --------*- C++ -*-===//
//
// `// allow: unread-state (the application reads it)` behind code, or on a line of its own above it. It speaks for one statement, one unit without a block,
// or the head of what has one.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_LINT_ALLOWANCES_H
#define GRADUS_LANG_LINT_ALLOWANCES_H

#include "lang/Ast.h"
#include "lang/Messages.h"

#include "llvm/ADT/StringRef.h"

namespace gradus::lint {

class Allowances {
public:
  explicit Allowances(const ast::Sheet &sheet);

  /// Whether a warning of that lint at that place is allowed; the allowance counts as used.
  bool silence(llvm::StringRef lint, const Location &at);
  /// Warns of allowances of lints that there are not, and of those that silenced nothing.
  void report(Diagnostics &diagnostics) const;

private:
  struct Allowance {
    std::string lint;
    /// The name in the comment.
    Location loc;
    /// The lines for which it speaks.
    uint32_t firstLine, lastLine;
    bool isUsed = false;
  };
  std::vector<Allowance> all;
};

} // namespace gradus::lint

#endif // GRADUS_LANG_LINT_ALLOWANCES_H
