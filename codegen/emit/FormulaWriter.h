//===- FormulaWriter.h - The formulas of a syntax tree ---------------------------===//
//
// Expressions and statements as formulas: `mhat` is m with a hat, `beta1` or `alpha` a Greek letter, `sum[j](x[j])` a sum with j below. A writer works on one
// unit from its head to its last line, and learns on the way which names are numbers and which are arrays: a product of two arrays is that of their elements.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/emit/Formula.h"
#include "lang/Ast.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

#include <map>
#include <set>

namespace gradus {

/// A line of a unit.
struct FormulaLine {
  Location loc; ///< of the statement
  unsigned depth = 0;
  /// What is defined, or empty where the line stands for itself.
  Formula left;
  /// With its sign before it where something is defined.
  Formula right;
};

class FormulaWriter {
public:
  /// What is known of a value: one number; by elements, whatever its shape; an array.
  enum class Extent { Number, Elements, Array };

  /// Digits at the end of a name stand above, in parentheses, as names that a compiler has made.
  bool numbersAbove = false;
  /// Arrays of zeros that only tell ranges of indices.
  llvm::StringSet<> frames;
  /// Functions of the author, which may have names of words of the language.
  llvm::StringSet<> functions;
  /// The results of a derivative, in their order: what each is the partial derivative in; nothing for the value itself, which comes first.
  std::vector<std::string> results;
  /// Which of these a name stands for, by number.
  llvm::StringMap<size_t> meanings;
  /// Names that would look like others: they are written out. `writeApart` finds them.
  llvm::StringSet<> spelled;

  Formula write(const ast::Expr &expr);
  Formula writeName(llvm::StringRef name, llvm::ArrayRef<Formula> subscripts = {}, bool isPrimed = false);

  /// Arguments of the header: what is a number, what an array.
  void learn(const ast::Function &unit);
  void learn(const ast::Rule &unit);
  /// The lines of a block; calls of it follow each other.
  void writeBlock(const ast::Block &block);
  /// The lines that `write` adds, where no two names look alike: once to see how they look, and again if some do.
  void writeApart(llvm::function_ref<void()> write);
  /// The lines of a whole unit, in place of what is known so far, with names apart.
  void writeUnit(const ast::Unit &unit);
  std::vector<FormulaLine> takeLines() { return std::move(lines); }

private:
  // Names.
  Formula writeOneName(llvm::StringRef name, llvm::ArrayRef<Formula> subscripts, bool isPrimed);
  Formula writeResult(size_t number, llvm::ArrayRef<Formula> subscripts);
  bool spellTwins();
  // Expressions.
  Formula writeSubscript(const ast::Subscript &sub);
  llvm::SmallVector<Formula> writeSubscripts(llvm::ArrayRef<ast::Subscript> subscripts);
  Formula writeTarget(const ast::Target &target);
  Formula writeBinary(const ast::Binary &binary);
  Formula writeProduct(const ast::Binary &binary, Formula a, Formula b);
  Formula writeUnary(const ast::Unary &unary);
  Formula writeCompare(const ast::Compare &compare);
  Formula writeCases(const ast::Expr &condition, const ast::Expr &yes, const ast::Expr &no);
  Formula writeIndex(const ast::Index &index);
  Formula writeMember(const ast::Member &member);
  Formula writeList(const ast::List &list);
  Formula writeRange(const ast::Range &range);
  Formula writeDerivative(const ast::Derivative &derivative);
  Formula writeTotalDerivative(const ast::TotalDerivative &derivative);
  Formula writeBy(const ast::By &by);
  Formula writeRest(const ast::Expr &expr);
  Formula writeArguments(llvm::ArrayRef<ast::Argument> arguments);
  bool isFrame(const ast::Expr &expr) const;
  Extent extentOf(const ast::Expr &expr) const;
  Extent extentOf(const ast::Call &call) const;
  // Words.
  Formula writeCall(const ast::Call &call);
  bool writeReduction(llvm::StringRef word, const Formula &over, const Formula &x, Formula &result);
  bool writeFunction(llvm::StringRef word, const Formula &x, Formula &result);
  bool writeOfSeveral(llvm::StringRef word, llvm::ArrayRef<Formula> x, Formula &result);
  // Statements.
  void line(Formula right) { lines.push_back({place, depth, {}, std::move(right)}); }
  void define(Formula left, Formula right, const char *sign = "=");
  void writeStmt(const ast::Stmt &stmt);
  void writeAssign(const ast::AssignStmt &assign);
  void writeLoop(const ast::LoopStmt &loop);
  void writeWhen(const ast::WhenStmt &when);
  void writeReturn(const ast::ReturnStmt &stmt);
  void writeFunction(const ast::FunctionStmt &stmt);
  void writeRoles(const ast::Stmt &stmt);
  void writeDecls(const char *word, llvm::ArrayRef<ast::Decl> decls, bool isFirst);
  void writeIndented(const ast::Block &block);
  void writeParts(const ast::Function &unit);
  void writeTrain(const ast::Train &unit);
  void writeLines(const ast::Unit &unit);
  Formula writeDomain(const ast::Type &type);
  Formula writeDomains(llvm::ArrayRef<ast::Param> params);
  Formula writeHead(const ast::Ident &name, llvm::ArrayRef<ast::Param> params, llvm::ArrayRef<ast::Subscript> indices);
  void learnParam(const ast::Param &param, Extent otherwise);
  void learnRank(const ast::Ident &name, const std::optional<ast::Type> &type);
  void learnDecl(const ast::Decl &decl);
  Extent extentOf(const std::optional<ast::Type> &type, Extent otherwise) const;

  /// Values of a step: their next ones are primed in the text, and have t + 1 below in the formula.
  llvm::StringSet<> steps;
  /// The first step is meant.
  bool isFirstStep = false;
  llvm::StringMap<Extent> extents;
  /// The axes of an array, as far as its declaration tells.
  llvm::StringMap<size_t> ranks;
  /// How each name has looked so far, without subscripts and primes.
  std::map<std::string, std::set<std::string>> looks;
  std::vector<FormulaLine> lines;
  Location place;
  unsigned depth = 0;
};

} // namespace gradus
