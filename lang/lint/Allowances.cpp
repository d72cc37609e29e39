//===- Allowances.cpp - Comments that silence a lint at their line ----------===//

#include "lang/lint/Allowances.h"
#include "lang/lint/Lint.h"
#include "lang/lint/Tree.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Casting.h"

using namespace gradus;
using namespace gradus::lint;
using llvm::dyn_cast;
using llvm::StringRef;

namespace {

/// From the first to the last line of what an allowance can speak for.
struct Lines {
  uint32_t first, last;
};

/// The statements and the heads of a sheet.
class LineFinder {
public:
  explicit LineFinder(const ast::Sheet &sheet) {
    auto statement = [&](const ast::Stmt &stmt) { add(stmt.loc, blockOf(stmt)); };
    auto formula = [](const ast::Expr &) {};
    for (const ast::UnitPtr &unit : sheet.units) {
      add(unit->loc, blockOf(*unit));
      walk(*unit, {formula, statement});
    }
  }

  /// What begins, goes on or ends on that line: the innermost, which is the shortest.
  Lines around(uint32_t line) const {
    Lines best{line, line};
    bool isFound = false;
    for (const Lines &one : all)
      if (one.first <= line && line <= one.last && (!isFound || one.last - one.first < best.last - best.first)) {
        best = one;
        isFound = true;
      }
    return best;
  }

private:
  static const Location *blockOf(const ast::Body &body) { return body.block ? &body.block->loc : nullptr; }
  static const Location *blockOf(const ast::Unit &unit) {
    if (auto *function = dyn_cast<ast::Function>(&unit))
      return blockOf(function->body);
    if (auto *rule = dyn_cast<ast::Rule>(&unit))
      return &rule->block.loc;
    auto *test = dyn_cast<ast::Test>(&unit);
    return test ? &test->block.loc : nullptr;
  }
  static const Location *blockOf(const ast::Stmt &stmt) {
    if (auto *function = dyn_cast<ast::FunctionStmt>(&stmt))
      return blockOf(function->body);
    if (auto *every = dyn_cast<ast::EveryStmt>(&stmt))
      return &every->block.loc;
    if (auto *when = dyn_cast<ast::WhenStmt>(&stmt))
      return &when->block.loc;
    if (auto *on = dyn_cast<ast::OnStmt>(&stmt))
      return &on->block.loc;
    auto *loop = dyn_cast<ast::LoopStmt>(&stmt);
    return loop ? &loop->block.loc : nullptr;
  }
  void add(const Location &whole, const Location *block) { all.push_back({whole.line, block ? block->line : whole.endLine}); }

  std::vector<Lines> all;
};

} // namespace

/// The line on which the code goes on below a comment: behind other comments and blank lines.
static uint32_t lineBelow(const ast::Sheet &sheet, const ast::Comment &comment) {
  uint32_t line = comment.loc.line + 1;
  for (const ast::Comment &other : sheet.comments)
    if (other.ownLine && other.loc.line == line)
      ++line;
  // A doc comment belongs to its unit and is no comment of the sheet.
  for (const ast::UnitPtr &unit : sheet.units)
    if (unit->loc.line > line && unit->loc.line - unit->doc.size() == line)
      return unit->loc.line;
  return line;
}

Allowances::Allowances(const ast::Sheet &sheet) {
  std::optional<LineFinder> lines;
  for (const ast::Comment &comment : sheet.comments) {
    StringRef text = comment.text;
    if (!text.consume_front("//") || !text.ltrim().consume_front("allow:"))
      continue;
    if (!lines)
      lines.emplace(sheet);
    Lines here = lines->around(comment.ownLine ? lineBelow(sheet, comment) : comment.loc.line);
    StringRef whole = comment.text, rest = whole.substr(whole.find("allow:") + 6).split('(').first;
    llvm::SmallVector<StringRef> names;
    rest.split(names, ',');
    for (StringRef name : names) {
      name = name.trim();
      uint32_t col = comment.loc.col + (name.empty() ? 0 : name.data() - whole.data());
      Location loc{comment.loc.file, comment.loc.line, col, comment.loc.line, static_cast<uint32_t>(col + std::max<size_t>(1, name.size()))};
      all.push_back({name.str(), loc, here.first, here.last});
    }
  }
}

bool Allowances::silence(StringRef lint, const Location &at) {
  bool isSilenced = false;
  for (Allowance &one : all)
    if (one.lint == lint && one.firstLine <= at.line && at.line <= one.lastLine)
      isSilenced = one.isUsed = true;
  return isSilenced;
}

void Allowances::report(Diagnostics &diagnostics) const {
  std::vector<std::string> known;
  for (const LintInfo &lint : getLints())
    known.push_back(lint.name.str());
  for (const Allowance &one : all) {
    if (!llvm::is_contained(known, one.lint)) {
      std::string near = didYouMean(one.lint, known);
      diagnostics.warning(Code::LintUnknown, one.loc, one.lint.empty() ? "'allow:' expects the name of a lint" : "there is no lint '" + one.lint + "'")
          .suggest(near.empty() ? "'gradus check --help' lists the lints; a reason stands in parentheses behind the names" : near);
    } else if (!one.isUsed) {
      std::string where = one.firstLine == one.lastLine ? "line " + std::to_string(one.firstLine) : "lines " + std::to_string(one.firstLine) + " to " + std::to_string(one.lastLine);
      diagnostics.warning(Code::LintUnused, one.loc, "no warning of '" + one.lint + "' is silenced here: it speaks for " + where)
          .suggest("leave it out, or move it to the line that is meant");
    }
  }
}
