//===- Subject.cpp - What several lints want to know of a spec --------------===//

#include "lang/Utf8.h"
#include "lang/lint/Boundaries.h"
#include "lang/lint/Tree.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Casting.h"

using namespace gradus;
using namespace gradus::lint;
using llvm::dyn_cast;

Subject::Subject(const CheckedSpec &spec, const Source &main, const SourceManager &sources) : spec(spec), main(main), sources(sources) {}

Subject::~Subject() = default;

const server::Names &Subject::names() {
  if (!knownNames)
    knownNames = std::make_unique<server::Names>(spec.sheet);
  return *knownNames;
}

const std::vector<Boundary> &Subject::boundaries() {
  if (!knownBoundaries)
    knownBoundaries = std::make_unique<std::vector<Boundary>>(findBoundaries(*this));
  return *knownBoundaries;
}

void Subject::readTree() {
  if (hasTree)
    return;
  hasTree = true;
  auto formula = [&](const ast::Expr &expr) {
    if (auto *member = dyn_cast<ast::Member>(&expr))
      members.insert(member->member.name);
    if (auto *binary = dyn_cast<ast::Binary>(&expr))
      operands[{binary->opLoc.line, binary->opLoc.col}] = {binary->lhs->loc, binary->rhs->loc};
    auto *call = dyn_cast<ast::Call>(&expr);
    if (!call)
      return;
    std::vector<Location> &places = operands[{call->callee->loc.line, call->callee->loc.col}];
    places.clear();
    for (const ast::Argument &argument : call->arguments)
      places.push_back(argument.value->loc);
  };
  auto statement = [&](const ast::Stmt &stmt) {
    if (auto *assign = dyn_cast<ast::AssignStmt>(&stmt)) {
      for (const ast::Target &target : assign->targets)
        targets.insert({target.name.loc.line, target.name.loc.col});
      for (const ast::Boundary &boundary : assign->boundaries)
        targets.insert({boundary.place.name.loc.line, boundary.place.name.loc.col});
    }
  };
  for (const ast::UnitPtr &unit : spec.sheet.units)
    walk(*unit, {formula, statement});
}

bool Subject::isRead(const server::NameUse &use) {
  readTree();
  const Location &home = names().declarations[use.declaration].unit->loc;
  return server::contains(home, use.loc.line, use.loc.col) && !targets.contains({use.loc.line, use.loc.col});
}

bool Subject::isMember(llvm::StringRef name) {
  readTree();
  return members.contains(name);
}

static bool isWordByte(char c) { return llvm::isAlnum(c) || c == '_'; }

/// Where a column begins, which counts code points from 1.
static size_t byteOf(std::string_view line, uint32_t col) {
  size_t pos = 0;
  for (uint32_t known = 1; known < col && pos < line.size(); ++known)
    pos += utf8Length(line, pos).bytes;
  return pos;
}

std::optional<Location> Subject::placeOf(mlir::Operation *op) const {
  auto loc = dyn_cast<mlir::FileLineColLoc>(op->getLoc());
  if (!loc || loc.getFilename() != main.getName() || loc.getLine() == 0)
    return std::nullopt;
  std::string_view line = main.getLine(loc.getLine());
  size_t begin = byteOf(line, loc.getColumn()), end = begin;
  while (end < line.size() && isWordByte(line[end]))
    ++end;
  uint32_t width = std::max<size_t>(1, end - begin);
  return Location{main.getId(), loc.getLine(), loc.getColumn(), loc.getLine(), loc.getColumn() + width};
}

std::string Subject::textOf(const Location &at) const {
  if (at.line != at.endLine)
    return "";
  std::string_view line = main.getLine(at.line);
  size_t begin = byteOf(line, at.col);
  return std::string(line.substr(begin, byteOf(line, at.endCol) - begin));
}

std::string Subject::operandText(const Location &at, unsigned operand) {
  readTree();
  constexpr size_t longest = 40;
  auto known = operands.find({at.line, at.col});
  if (known == operands.end() || known->second.empty())
    return "";
  std::string text = textOf(known->second[std::min<size_t>(operand, known->second.size() - 1)]);
  // `(t - 1)` without its parentheses, but not `(a) * (b)`
  int depth = 0;
  bool isOne = text.size() > 2 && text.front() == '(' && text.back() == ')';
  for (size_t i = 0; isOne && i + 1 < text.size(); ++i) {
    depth += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
    isOne = depth > 0;
  }
  if (isOne)
    text = text.substr(1, text.size() - 2);
  return text.size() > longest ? "" : text;
}
