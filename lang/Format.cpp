//===- Format.cpp - the canonical layout ----------------------------------===//
//
// Units and statements in order, with the comments between them: a comment on its own line stays above what follows it,
// a comment behind code stays behind it, and one inside a broken formula moves above its statement.
//
//===----------------------------------------------------------------------===//

#include "lang/Format.h"
#include "lang/FormatDocs.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace gradus;
using namespace gradus::ast;

static constexpr size_t lineWidth = 120;

namespace {
class Formatter {
public:
  Formatter(const Sheet &sheet, const Source &source) : sheet(sheet), source(source) {}

  std::string run();

private:
  void write(const Unit &unit);
  void writeFunction(const Function &unit);
  void writeTrain(const Train &unit);
  void writeStatements(const Block &block);
  size_t writeLine(const Block &block, size_t i);
  void writePiece(const FormatPiece &piece);
  void writeBlock(const Block &block);
  void writeDoc(const Doc &doc, size_t width = lineWidth);
  void write(const std::string &text);
  void newline();

  /// The statement or block on one line, if the author has it on one and it fits.
  std::optional<std::string> onOneLine(const Stmt &stmt) const;
  std::optional<std::string> onOneLine(const Block &block) const;

  void begin(uint32_t line);
  void commentsBefore(uint32_t line);
  void commentBehind(uint32_t line);
  bool hasCommentBefore(uint32_t line) const {
    return next < sheet.comments.size() && sheet.comments[next].loc.line < line;
  }

  const Sheet &sheet;
  const Source &source;
  std::string out;
  size_t column = 0;
  size_t indent = 0;
  /// The next comment to write, and the source line that the text written so far reaches.
  size_t next = 0;
  uint32_t reached = 0;
  bool atBlockStart = true;
  bool lineHasComment = false;
};
} // namespace

//===----------------------------------------------------------------------===//
// Text and comments
//===----------------------------------------------------------------------===//

void Formatter::write(const std::string &text) {
  if (column == 0 && !text.empty()) {
    out += std::string(indent, ' ');
    column = indent;
  }
  out += text;
  column += displayWidth(text);
}

void Formatter::writeDoc(const Doc &doc, size_t width) {
  size_t start = column == 0 ? indent : column;
  std::string text = render(doc, start, indent, width);
  write(text);
  size_t lastBreak = text.rfind('\n');
  if (lastBreak != std::string::npos)
    column = displayWidth(text.substr(lastBreak + 1));
}

void Formatter::newline() {
  out.erase(out.find_last_not_of(' ') + 1);
  out += "\n";
  column = 0;
  lineHasComment = false;
}

/// Starts what stands on `line` in the source: one blank line stays if there was at least one.
void Formatter::begin(uint32_t line) {
  if (!atBlockStart && line > reached + 1)
    out += "\n";
  atBlockStart = false;
}

void Formatter::commentsBefore(uint32_t line) {
  for (; hasCommentBefore(line); ++next) {
    begin(sheet.comments[next].loc.line);
    write(sheet.comments[next].text);
    newline();
    reached = std::max(reached, sheet.comments[next].loc.line);
  }
}

void Formatter::commentBehind(uint32_t line) {
  reached = std::max(reached, line);
  if (next < sheet.comments.size() && sheet.comments[next].loc.line == line && !sheet.comments[next].ownLine) {
    write("  " + sheet.comments[next++].text);
    lineHasComment = true;
  }
}

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

std::optional<std::string> Formatter::onOneLine(const Block &block) const {
  if (block.loc.line != block.loc.endLine)
    return std::nullopt;
  std::string text = "{";
  for (const StmtPtr &stmt : block.statements) {
    std::optional<std::string> line = onOneLine(*stmt);
    if (!line)
      return std::nullopt;
    text += (text.size() > 1 ? "; " : " ") + *line;
  }
  return text + (block.statements.empty() ? "}" : " }");
}

std::optional<std::string> Formatter::onOneLine(const Stmt &stmt) const {
  if (stmt.loc.line != stmt.loc.endLine)
    return std::nullopt;
  FormatPiece piece = pieceOf(stmt);
  if (!isFlat(piece.head))
    return std::nullopt;
  std::string text = render(piece.head, 0, 0, std::string::npos);
  for (const Block *block : {piece.block, piece.otherwise}) {
    if (!block)
      continue;
    std::optional<std::string> inner = onOneLine(*block);
    if (!inner)
      return std::nullopt;
    text += (block == piece.otherwise ? " else " : " ") + *inner;
  }
  return text;
}

/// The comment behind the block is left to the caller, who knows whether more code follows on the line.
void Formatter::writeBlock(const Block &block) {
  std::optional<std::string> line = onOneLine(block);
  if (line && column + displayWidth(*line) <= lineWidth)
    return write(*line);
  write("{");
  if (block.loc.line != block.loc.endLine)
    commentBehind(block.loc.line);
  newline();
  indent += 2;
  writeStatements(block);
  indent -= 2;
  write("}");
}

void Formatter::writePiece(const FormatPiece &piece) {
  writeDoc(piece.head, piece.block ? lineWidth - 2 : lineWidth); // room for " {"
  if (!piece.block)
    return;
  write(" ");
  size_t lineBefore = out.rfind('\n');
  writeBlock(*piece.block);
  if (!piece.otherwise)
    return;
  bool isBlockOnOneLine = out.rfind('\n') == lineBefore;
  bool hadBreak = piece.otherwise->loc.line > piece.block->loc.endLine;
  if (hadBreak)
    commentBehind(piece.block->loc.endLine);
  if (hasCommentBefore(piece.otherwise->loc.line) || lineHasComment || (isBlockOnOneLine && hadBreak)) {
    newline();
    atBlockStart = true;
    commentsBefore(piece.otherwise->loc.line);
    write("else ");
  } else {
    write(" else ");
  }
  writeBlock(*piece.otherwise);
}

/// Writes statements from `i` on that share a line in the source, while they fit; returns the last one written.
size_t Formatter::writeLine(const Block &block, size_t i) {
  writePiece(pieceOf(*block.statements[i]));
  for (; i + 1 < block.statements.size(); ++i) {
    const Stmt &follower = *block.statements[i + 1];
    bool shares = follower.loc.line == block.statements[i]->loc.endLine;
    std::optional<std::string> line = onOneLine(follower);
    if (!shares || !line || lineHasComment || !onOneLine(*block.statements[i]) ||
        column + 2 + displayWidth(*line) > lineWidth)
      break;
    write("; " + *line);
  }
  return i;
}

void Formatter::writeStatements(const Block &block) {
  atBlockStart = true;
  for (size_t i = 0; i < block.statements.size(); ++i) {
    const Stmt &stmt = *block.statements[i];
    commentsBefore(stmt.loc.line);
    begin(stmt.loc.line);
    // Comments within a formula move above it; those of a block stay there.
    const Block *inner = pieceOf(stmt).block;
    atBlockStart = true;
    commentsBefore(inner ? inner->loc.line : stmt.loc.endLine);
    atBlockStart = false;
    i = writeLine(block, i);
    uint32_t line = block.statements[i]->loc.endLine;
    bool isFollowed = i + 1 < block.statements.size() && block.statements[i + 1]->loc.line == line;
    if (!isFollowed)
      commentBehind(line);
    reached = std::max(reached, line);
    newline();
  }
  commentsBefore(block.loc.endLine);
}

//===----------------------------------------------------------------------===//
// Units
//===----------------------------------------------------------------------===//

void Formatter::writeFunction(const Function &unit) {
  Doc head = headOf(unit);
  if (unit.body.block) {
    writeDoc(head);
    write(" ");
    writeBlock(*unit.body.block);
    commentBehind(unit.body.block->loc.endLine);
  } else {
    const Expr &value = *unit.body.value;
    // A value that the author has set below its header stays there.
    Doc tail;
    tail += value.loc.line > headEnd(unit) ? Doc::hardLine() : Doc::line();
    tail += docOf(value);
    head += " =";
    head += Doc::group(Doc::nest(std::move(tail)));
    writeDoc(head);
    commentBehind(value.loc.endLine);
  }
  if (!unit.derivative)
    return;
  newline();
  indent += 2;
  atBlockStart = true;
  commentsBefore(unit.derivative->loc.endLine);
  atBlockStart = false;
  writeDoc(docOf(*unit.derivative));
  commentBehind(unit.derivative->loc.endLine);
  indent -= 2;
}

void Formatter::writeTrain(const Train &unit) {
  writeDoc(headOf(unit));
  if (!unit.hasBraces) {
    writeDoc(docOf(*unit.groups.front().rule));
    return commentBehind(unit.loc.endLine);
  }
  if (!unit.groups.empty() && unit.groups.front().loc.line == unit.loc.endLine) {
    std::string line = "{ ";
    for (const Group &group : unit.groups)
      line += (line.size() > 2 ? "; " : "") + render(docOf(group), 0, 0, std::string::npos);
    if (column + displayWidth(line) + 2 <= lineWidth) {
      write(line + " }");
      return commentBehind(unit.loc.endLine);
    }
  }
  write("{");
  commentBehind(unit.groups.empty() ? unit.loc.endLine : unit.objectives.back().loc.endLine);
  newline();
  indent += 2;
  atBlockStart = true;
  for (const Group &group : unit.groups) {
    commentsBefore(group.loc.endLine);
    begin(group.loc.line);
    writeDoc(docOf(group));
    commentBehind(group.loc.endLine);
    newline();
  }
  commentsBefore(unit.loc.endLine);
  indent -= 2;
  write("}");
  commentBehind(unit.loc.endLine);
}

static const Block *blockOf(const Unit &unit) {
  if (auto *function = llvm::dyn_cast<Function>(&unit))
    return function->body.block.get();
  if (auto *rule = llvm::dyn_cast<Rule>(&unit))
    return &rule->block;
  auto *test = llvm::dyn_cast<Test>(&unit);
  return test ? &test->block : nullptr;
}

void Formatter::write(const Unit &unit) {
  auto docLines = static_cast<uint32_t>(unit.doc.size());
  commentsBefore(unit.loc.line - docLines);
  begin(unit.loc.line - docLines);
  // Comments inside the header or a formula move above the unit, over its documentation.
  const Block *block = blockOf(unit);
  auto *train = llvm::dyn_cast<Train>(&unit);
  auto *function = llvm::dyn_cast<Function>(&unit);
  uint32_t headEnds = unit.loc.endLine;
  if (block)
    headEnds = block->loc.line;
  else if (train && !train->groups.empty() && train->hasBraces)
    headEnds = train->objectives.back().loc.endLine;
  else if (function && function->body.value)
    headEnds = function->body.value->loc.endLine;
  atBlockStart = true;
  commentsBefore(headEnds);
  atBlockStart = false;
  for (const std::string &line : unit.doc) {
    write(line.empty() ? "///" : "/// " + line);
    newline();
  }
  llvm::TypeSwitch<const Unit *>(&unit)
      .Case([&](const Function *u) { writeFunction(*u); })
      .Case([&](const Train *u) { writeTrain(*u); })
      .Case([&](const Rule *u) {
        writePiece({headOf(*u), &u->block});
      })
      .Case([&](const Test *u) {
        Doc head;
        head += (u->isProperty ? "property \"" : "test \"") + u->title + "\"";
        writePiece({std::move(head), &u->block});
      })
      .Case([&](const Import *u) { write("import \"" + u->path + "\""); })
      .Case([&](const Const *u) {
        Doc head;
        head += "const ";
        head += docOf(u->decl);
        writePiece({std::move(head)});
      });
  commentBehind(unit.loc.endLine);
  newline();
}

std::string Formatter::run() {
  for (const UnitPtr &unit : sheet.units)
    write(*unit);
  commentsBefore(static_cast<uint32_t>(source.getLineCount()) + 1);
  return out;
}

std::string gradus::format(const Sheet &sheet, const Source &source) { return Formatter(sheet, source).run(); }

std::string gradus::format(const Expr &expr) { return render(docOf(expr), 0, 0, lineWidth); }
