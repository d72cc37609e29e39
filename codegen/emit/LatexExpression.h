//===- LatexExpression.h - Formulas of Gradus as LaTeX ---------------------------===//

#pragma once

#include "lang/Ast.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

#include <string>

namespace gradus {

/// Writes formulas. What a name is called is decided by its parts: `mhat` is \hat{m}, `v1` is v^{(1)}, `alpha` is \alpha.
class LatexWriter {
public:
  /// How tightly operators bind, weakest first.
  enum Binding { BindCases, BindOr, BindAnd, BindCompare, BindSum, BindProduct, BindUnary, BindPower, BindPrimary };
  struct Text {
    std::string text;
    int binding = BindPrimary;
  };

  /// Arrays of zeros that only tell ranges of indices.
  llvm::StringSet<> frames;
  /// Names that are written otherwise, as `value`.
  llvm::StringMap<std::string> symbols;

  Text write(const ast::Expr &expr);
  std::string writeName(llvm::StringRef name, llvm::ArrayRef<std::string> subscripts = {}, bool isPrimed = false);
  std::string writeTarget(const ast::Target &target);
  std::string writeSubscript(const ast::Subscript &sub);

private:
  Text writeBinary(const ast::Binary &binary);
  Text writeCall(const ast::Call &call);
  Text writeWord(llvm::StringRef word, llvm::ArrayRef<std::string> slots, const ast::Call &call);
  Text writeCases(const ast::Expr &condition, const ast::Expr &yes, const ast::Expr &no);
  llvm::SmallVector<std::string> subscriptsOf(llvm::ArrayRef<ast::Subscript> subscripts);
  bool isFrame(const ast::Expr &expr) const;
  static std::string wrap(const Text &text, int least);
};

} // namespace gradus
