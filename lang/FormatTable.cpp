//===- FormatTable.cpp - lists and tables ---------------------------------===//

#include "lang/FormatDocs.h"

#include "llvm/Support/Casting.h"

#include <algorithm>

using namespace gradus;
using namespace gradus::ast;

/// Whether the list is a table: several rows of cells that are no lists themselves and stand each on one line of the
/// source.
static bool isTable(const List &list) {
  if (list.like)
    return false;
  auto isCell = [](const ExprPtr &cell) { return cell->kind != ExprKind::List && cell->loc.line == cell->loc.endLine; };
  auto isRow = [&](const ExprPtr &row) {
    auto *cells = llvm::dyn_cast<List>(row.get());
    return cells && !row->parenthesized && std::all_of(cells->elements.begin(), cells->elements.end(), isCell);
  };
  return list.elements.size() > 1 && std::all_of(list.elements.begin(), list.elements.end(), isRow);
}

using Texts = std::vector<std::string>;

/// Rows below each other, their columns flush right.
static Doc docOfRows(const std::vector<Texts> &rows) {
  std::vector<size_t> widths;
  for (const Texts &row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t j = 0; j < row.size(); ++j)
      widths[j] = std::max(widths[j], displayWidth(row[j]));
  }
  Doc doc;
  for (size_t i = 0; i < rows.size(); ++i) {
    std::string line = "[";
    for (size_t j = 0; j < rows[i].size(); ++j)
      line += (j ? ", " : "") + std::string(widths[j] - displayWidth(rows[i][j]), ' ') + rows[i][j];
    doc += line + (i + 1 < rows.size() ? "]," : "]");
    if (i + 1 < rows.size())
      doc += Doc::hardLine();
  }
  return Doc::align(std::move(doc));
}

static std::string join(const Texts &texts) {
  std::string line;
  for (const std::string &text : texts)
    line += (line.empty() ? "" : ", ") + text;
  return line;
}

/// `[a, b]`.
static Doc bracketed(std::vector<Doc> parts) {
  Doc doc;
  doc += "[";
  doc += commaSeparated(std::move(parts));
  doc += "]";
  return doc;
}

/// A table stands on one line or in rows and nothing between, so that formatting twice is formatting once. The author's
/// rows stay rows. A cell that cannot stand on one line makes it a list like any other.
static Doc docOfTable(const List &list) {
  constexpr size_t maxLine = 80;
  std::vector<std::vector<Doc>> cells;
  bool isTable = true;
  for (const ExprPtr &row : list.elements) {
    std::vector<Doc> &docs = cells.emplace_back();
    for (const ExprPtr &cell : static_cast<const List &>(*row).elements)
      docs.push_back(docOf(*cell));
    isTable &= std::all_of(docs.begin(), docs.end(), isFlat);
  }
  if (!isTable) {
    std::vector<Doc> rows;
    for (std::vector<Doc> &row : cells)
      rows.push_back(bracketed(std::move(row)));
    return commaSeparated(std::move(rows));
  }
  std::vector<Texts> rows;
  Texts lines;
  for (const std::vector<Doc> &row : cells) {
    Texts &texts = rows.emplace_back();
    for (const Doc &cell : row)
      texts.push_back(render(cell, 0, 0, std::string::npos));
    lines.push_back("[" + join(texts) + "]");
  }
  std::string line = join(lines);
  bool isInRows = list.loc.line != list.loc.endLine || displayWidth(line) > maxLine;
  return isInRows ? docOfRows(rows) : Doc::of(std::move(line));
}

Doc gradus::docOfList(const List &list) {
  if (!isTable(list)) {
    std::vector<Doc> elements;
    for (const ExprPtr &element : list.elements)
      elements.push_back(docOf(*element));
    Doc doc = bracketed(std::move(elements));
    if (list.like)
      doc += " like " + textOf(*list.like);
    return doc;
  }
  Doc doc;
  doc += "[";
  doc += docOfTable(list);
  doc += "]";
  return doc;
}
