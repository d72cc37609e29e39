//===- UnitSection.cpp - One unit on its page ------------------------------------===//

#include "codegen/doc/Highlight.h"
#include "codegen/doc/MathMl.h"
#include "codegen/doc/Pages.h"
#include "codegen/emit/FormulaWriter.h"
#include "lang/FormatDocs.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Casting.h"

#include <cmath>

using llvm::dyn_cast;
using llvm::StringRef;

namespace gradus::doc {

//===----------------------------------------------------------------------===//
// The comment
//===----------------------------------------------------------------------===//

std::string renderText(StringRef text) {
  std::string result;
  while (!text.empty()) {
    auto [before, rest] = text.split('`');
    auto [inside, behind] = rest.split('`');
    result += escapeXml(before);
    bool isCode = before.size() + inside.size() + 2 <= text.size() && rest.contains('`');
    result += isCode ? "<code>" + escapeXml(inside) + "</code>" : text.contains('`') ? escapeXml("`" + rest.str()) : "";
    text = isCode ? behind : StringRef();
  }
  return result;
}

std::string renderDoc(llvm::ArrayRef<std::string> doc) {
  std::string result, prose, formulas;
  auto flush = [&] {
    if (!prose.empty())
      result += "<p>" + renderText(prose) + "</p>\n";
    if (!formulas.empty())
      result += "<pre class=\"said\">" + renderText(formulas) + "</pre>\n";
    prose.clear();
    formulas.clear();
  };
  for (const std::string &line : doc) {
    bool isFormula = StringRef(line).starts_with("  "), isEmpty = StringRef(line).trim().empty();
    if (isEmpty || (isFormula ? !prose.empty() : !formulas.empty()))
      flush();
    if (isFormula)
      formulas += (formulas.empty() ? "" : "\n") + StringRef(line).drop_front(2).rtrim().str();
    else if (!isEmpty)
      prose += (prose.empty() ? "" : " ") + StringRef(line).trim().str();
  }
  flush();
  return result;
}

std::string renderSummary(llvm::ArrayRef<std::string> doc) {
  std::string prose;
  for (const std::string &line : doc) {
    if (StringRef(line).starts_with("  ") || StringRef(line).trim().empty())
      break;
    prose += (prose.empty() ? "" : " ") + StringRef(line).trim().str();
  }
  if (StringRef(prose).ends_with(":"))
    prose.back() = '.';
  else if (!prose.empty() && prose.back() != '.')
    prose += " …"; // a formula follows
  for (size_t at = prose.find(". "); at != std::string::npos; at = prose.find(". ", at + 1))
    if (at + 2 < prose.size() && (llvm::isUpper(prose[at + 2]) || prose[at + 2] == '`')) {
      prose.resize(at + 1);
      break;
    }
  return renderText(prose);
}

//===----------------------------------------------------------------------===//
// Formulas
//===----------------------------------------------------------------------===//

/// A row a line, with the line of the source that it comes from.
static std::string renderFormulas(const Spec &spec, const ast::Unit &unit, FormulaWriter &writer) {
  for (const ast::Unit *own : spec.getUnits())
    writer.functions.insert(nameOf(*own));
  writer.writeUnit(unit);
  std::string rows;
  for (const FormulaLine &line : writer.takeLines()) {
    std::string number = std::to_string(line.loc.line), column = std::to_string(line.loc.col);
    std::string start = "<tr data-line=\"" + number + "\" data-col=\"" + column + "\">";
    // Only what is outside of all blocks is aligned: what is further in would stand too far from its sign.
    bool isAligned = line.depth == 0 && !line.left.isEmpty();
    std::string depth = "<td colspan=\"2\" class=\"d" + std::to_string(std::min(line.depth, 6U)) + "\">";
    std::string cells = isAligned ? "<td class=\"left\">" + printMathMl(line.left, true) + "</td><td>" + printMathMl(line.right, true) + "</td>"
                                  : depth + printMathMl(line.left.isEmpty() ? line.right : Formula::row({line.left, line.right}), true) + "</td>";
    rows += start + cells + "<td class=\"at\"><a href=\"#L" + number + "\">" + number + "</a></td></tr>\n";
  }
  return rows.empty() ? "" : "<div class=\"wide\"><table class=\"formulas\">\n" + rows + "</table></div>\n";
}

static std::string renderSource(const Library &library, const Spec &spec, const ast::Unit &unit, std::set<uint32_t> &seen, bool isOpen) {
  return std::string("<details class=\"text\"") + (isOpen ? " open=\"open\"" : "") + "><summary>Source</summary>\n" +
         highlightLines(library, spec, unit.loc.line, unit.loc.endLine, seen) + "</details>\n";
}

//===----------------------------------------------------------------------===//
// What is made of it, and its neighbours
//===----------------------------------------------------------------------===//

static std::string formatBytes(double bytes) {
  return formatNumber(std::round(bytes * 100) / 100);
}

/// What there is to call in C, or why there is nothing.
static std::string renderEntries(const Spec &spec, const ast::Unit &unit) {
  std::string text;
  for (const BuiltEntry &entry : spec.entries) {
    if (StringRef(entry.name).split('.').first != nameOf(unit))
      continue;
    text += "<details><summary><code>" + escapeXml(entry.name) + "</code>";
    if (entry.bytes)
      text += " – " + formatBytes(*entry.bytes) + " bytes per parameter in f32" + (entry.floor ? ", at least " + formatBytes(*entry.floor) : "");
    text += "</summary>\n<pre class=\"c\">" + escapeXml(entry.declarations) + "</pre>\n</details>\n";
  }
  if (!text.empty())
    return "<h3>In C</h3>\n" + text;
  if (auto *rule = dyn_cast<ast::Rule>(&unit)) {
    bool isOpen = llvm::any_of(rule->params, [](const ast::Param &param) { return param.isFunction() && !param.defaultValue; });
    if (isOpen || !rule->oracles.empty())
      return "<p class=\"note\">Compiled as part of a train unit, which binds its " + std::string(rule->oracles.empty() ? "arguments" : "objectives") + ".</p>\n";
  }
  if (llvm::isa<ast::Const>(&unit))
    return "";
  return "<p class=\"note\">Compiled where it is called: no entry of its own.</p>\n";
}

static std::string renderLinks(const Library &library, const Spec &spec, const char *title, const std::vector<UnitPlace> &places) {
  std::string text;
  for (const UnitPlace &place : places) {
    if (llvm::isa<ast::Import>(place.unit))
      continue;
    text += (text.empty() ? "" : ", ") + std::string("<a href=\"") + library.linkTo(spec, place) + "\">" + escapeXml(nameOf(*place.unit)) + "</a>";
  }
  return text.empty() ? "" : "<p class=\"links\">" + std::string(title) + ": " + text + "</p>\n";
}

static Doc headOf(const ast::Unit &unit) {
  if (auto *function = dyn_cast<ast::Function>(&unit))
    return gradus::headOf(*function);
  if (auto *rule = dyn_cast<ast::Rule>(&unit))
    return gradus::headOf(*rule);
  return {};
}

std::string renderUnit(const Library &library, const Spec &spec, const ast::Unit &unit, std::set<uint32_t> &seen) {
  std::string text = "<section id=\"" + anchorOf(unit) + "\">\n<h2><span class=\"kind\">" + kindOf(unit).str() + "</span> " + escapeXml(nameOf(unit)) + "</h2>\n";
  text += renderDoc(unit.doc);
  std::string head = render(headOf(unit), 0, 0, 80);
  if (!head.empty())
    text += "<pre class=\"head\">" + escapeXml(head) + "</pre>\n";
  FormulaWriter writer;
  text += renderFormulas(spec, unit, writer); // first, since it tells names apart
  text += renderParams(unit, writer.spelled) + renderRoles(unit, writer.spelled) + renderEntries(spec, unit);
  std::vector<UnitPlace> users, tests;
  for (const UnitPlace &place : library.getUsers(unit))
    (llvm::isa<ast::Test>(place.unit) ? tests : users).push_back(place);
  text += renderLinks(library, spec, "Uses", library.getUses(unit)) + renderLinks(library, spec, "Used by", users) + renderLinks(library, spec, "Tested by", tests);
  return text + renderSource(library, spec, unit, seen, /*isOpen=*/true) + "</section>\n";
}

std::string renderTest(const Library &library, const Spec &spec, const ast::Test &test, std::set<uint32_t> &seen) {
  FormulaWriter writer;
  return "<section id=\"" + anchorOf(test) + "\" class=\"test\">\n<h3><span class=\"kind\">" + kindOf(test).str() + "</span> " + escapeXml(test.title) + "</h3>\n" +
         renderDoc(test.doc) + renderFormulas(spec, test, writer) + renderSource(library, spec, test, seen, /*isOpen=*/false) + "</section>\n";
}

} // namespace gradus::doc
