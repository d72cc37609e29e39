//===- Tables.cpp - Arguments and roles of a unit --------------------------------===//

#include "codegen/doc/MathMl.h"
#include "codegen/doc/Pages.h"
#include "codegen/emit/FormulaWriter.h"
#include "lang/Format.h"
#include "lang/FormatDocs.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Casting.h"

using llvm::dyn_cast;
using llvm::StringRef;

namespace gradus::doc {

static std::string code(StringRef text) { return text.empty() ? "" : "<code>" + escapeXml(text) + "</code>"; }
static std::string textOf(const ast::Expr *expr) { return expr ? format(*expr) : ""; }
static std::string textOf(const ast::Type &type) { return render(docOf(type), 0, 0, 120); }

/// As the formulas of the unit have it, but without its time.
static std::string nameCell(const std::string &name, const llvm::StringSet<> &spelled) {
  FormulaWriter writer;
  writer.spelled = spelled;
  return "<th scope=\"row\">" + code(name) + " " + printMathMl(writer.writeName(name), false) + "</th>";
}

namespace {
/// A table with a row a name; columns in which nothing stands are left out.
class Table {
public:
  Table(std::vector<const char *> heads, const llvm::StringSet<> &spelled) : heads(std::move(heads)), spelled(spelled) {}
  void add(const std::string &name, std::vector<std::string> cells) { rows.emplace_back(name, std::move(cells)); }
  std::string print(const char *title) const;

private:
  std::vector<const char *> heads;
  const llvm::StringSet<> &spelled;
  std::vector<std::pair<std::string, std::vector<std::string>>> rows;
};
} // namespace

std::string Table::print(const char *title) const {
  if (rows.empty())
    return "";
  std::string head = "<th scope=\"col\">name</th>", body;
  auto isUsed = [&](size_t column) { return llvm::any_of(rows, [&](const auto &row) { return !row.second[column].empty(); }); };
  for (size_t column = 0; column < heads.size(); ++column)
    if (isUsed(column))
      head += "<th scope=\"col\">" + std::string(heads[column]) + "</th>";
  for (const auto &[name, cells] : rows) {
    body += "<tr>" + nameCell(name, spelled);
    for (size_t column = 0; column < heads.size(); ++column)
      if (isUsed(column))
        body += "<td data-label=\"" + std::string(heads[column]) + (cells[column].empty() ? "\" class=\"none\">–" : "\">" + cells[column]) + "</td>";
    body += "</tr>\n";
  }
  return "<h3>" + std::string(title) + "</h3>\n<table class=\"about\">\n<thead><tr>" + head + "</tr></thead>\n<tbody>\n" + body + "</tbody>\n</table>\n";
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

static std::string rangeOf(const ast::Param &param) {
  if (param.set)
    return "∈ " + code(format(*param.set));
  if (!param.interval)
    return "";
  const ast::Interval &interval = *param.interval;
  return code((interval.lowOpen ? "(" : "[") + format(*interval.low) + ", " + format(*interval.high) + (interval.highOpen ? ")" : "]"));
}

/// What an argument is, by its type and the kind of the unit.
static std::string kindOf(const ast::Param &param, const ast::Unit &unit) {
  if (param.isSize)
    return "size";
  if (param.isFunction())
    return param.type->kind == ast::TypeKind::Rule ? "rule" : param.type->kind == ast::TypeKind::Fn ? "function" : "projection";
  auto *function = dyn_cast<ast::Function>(&unit);
  bool hasHypers = !function || function->function == ast::FunctionKind::Loss || function->function == ast::FunctionKind::Schedule;
  bool isOfAnyShape = !param.type || !param.type->hasDims;
  bool isLike = param.type && llvm::any_of(param.type->storage, [](const ast::Storage &storage) { return storage.isLike; });
  return isOfAnyShape && !isLike && (hasHypers || param.defaultValue || param.interval) ? "hyper-parameter" : "argument";
}

/// What a line of the comment like "W: weights; x0, x1: samples" says of a name.
static std::string describedAs(StringRef name, llvm::ArrayRef<std::string> doc) {
  std::string lists;
  for (const std::string &line : doc)
    lists += StringRef(line).starts_with("  ") ? line + " " : "; ";
  llvm::SmallVector<StringRef> entries;
  StringRef(lists).split(entries, ';');
  for (StringRef entry : entries) {
    auto [names, meaning] = entry.split(": ");
    llvm::SmallVector<StringRef> all;
    names.split(all, ',');
    if (!meaning.empty() && llvm::any_of(all, [&](StringRef each) { return each.trim() == name; }))
      return renderText(meaning.trim(" ."));
  }
  return "";
}

/// What the comment says of a name in a list of names, else the first sentence in which the name stands as code, or else as a word of its own.
static std::string meaningOf(StringRef name, llvm::ArrayRef<std::string> doc) {
  if (std::string described = describedAs(name, doc); !described.empty())
    return described;
  std::string prose;
  for (const std::string &line : doc)
    prose += StringRef(line).starts_with("  ") ? ". " : line + " "; // a formula ends what stands before it
  llvm::SmallVector<StringRef> sentences;
  for (StringRef rest = prose; !rest.empty();) {
    size_t end = rest.find(". ");
    sentences.push_back(rest.take_front(end == StringRef::npos ? rest.size() : end + 1).trim(" :,."));
    rest = end == StringRef::npos ? "" : rest.drop_front(end + 2);
  }
  auto isWordIn = [&](StringRef sentence) {
    auto isPartOfName = [](StringRef around) { return !around.empty() && (llvm::isAlnum(around[0]) || around[0] == '_'); };
    for (size_t at = sentence.find(name); at != StringRef::npos; at = sentence.find(name, at + 1))
      if ((at == 0 || !isPartOfName(sentence.substr(at - 1, 1))) && !isPartOfName(sentence.substr(at + name.size(), 1)))
        return true;
    return false;
  };
  for (StringRef sentence : sentences)
    if (sentence.contains(("`" + name + "`").str()))
      return renderText(sentence) + ".";
  if (name.size() > 1)
    for (StringRef sentence : sentences)
      if (isWordIn(sentence))
        return renderText(sentence) + ".";
  return "";
}

std::string renderParams(const ast::Unit &unit, const llvm::StringSet<> &spelled) {
  auto *function = dyn_cast<ast::Function>(&unit);
  auto *rule = dyn_cast<ast::Rule>(&unit);
  Table table({"is", "default", "range", "meaning"}, spelled);
  if (function || rule)
    for (const ast::Param &param : function ? function->params : rule->params) {
      std::string type = param.type && param.type->kind == ast::TypeKind::Tensor ? " " + code(textOf(*param.type)) : "";
      table.add(param.name.name, {kindOf(param, unit) + type, code(textOf(param.defaultValue.get())), rangeOf(param), meaningOf(param.name.name, unit.doc)});
    }
  if (rule)
    for (const ast::Oracle &oracle : rule->oracles) {
      std::string of;
      for (const ast::Ident &argument : oracle.arguments)
        of += (of.empty() ? " of " : ", ") + code(argument.name);
      table.add(oracle.name.name, {"objective" + of, "", "", meaningOf(oracle.name.name, unit.doc)});
    }
  return table.print("Arguments");
}

//===----------------------------------------------------------------------===//
// Roles
//===----------------------------------------------------------------------===//

static std::string storageOf(const std::optional<ast::Type> &type, const char *otherwise) { return type ? code(textOf(*type)) : otherwise; }

static void addRows(const ast::Stmt &stmt, Table &table) {
  auto addAll = [&](llvm::ArrayRef<ast::Decl> decls, const char *role, const char *otherwise) {
    for (const ast::Decl &decl : decls)
      table.add(decl.name.name, {role, storageOf(decl.type, otherwise), code(textOf(decl.value.get()))});
  };
  if (auto *param = dyn_cast<ast::ParamStmt>(&stmt))
    addAll(param->decls, param->isJoint ? "joint parameter" : "parameter", "any shape");
  if (auto *state = dyn_cast<ast::StateStmt>(&stmt))
    addAll(state->decls, state->isShared ? "state, one for all tensors" : "state", "as the parameter");
  if (auto *input = dyn_cast<ast::InputStmt>(&stmt))
    addAll(input->decls, input->isShared ? "input, one for all tensors" : "input", "as the parameter");
  if (auto *grad = dyn_cast<ast::GradStmt>(&stmt))
    for (const ast::GradStmt::Entry &entry : grad->entries)
      table.add(entry.name.name, {entry.of ? "gradient in " + code(entry.of->name) : "gradient", "as the parameter", ""});
  if (auto *emit = dyn_cast<ast::EmitStmt>(&stmt))
    for (const ast::Ident &name : emit->names)
      table.add(name.name, {"report", "", ""});
}

std::string renderRoles(const ast::Unit &unit, const llvm::StringSet<> &spelled) {
  auto *function = dyn_cast<ast::Function>(&unit);
  auto *rule = dyn_cast<ast::Rule>(&unit);
  const ast::Block *block = rule ? &rule->block : function ? function->body.block.get() : nullptr;
  Table table({"is", "shape and storage", "starts at"}, spelled);
  if (block)
    for (const ast::StmtPtr &stmt : block->statements)
      addRows(*stmt, table);
  return table.print("Values of a step");
}

} // namespace gradus::doc
