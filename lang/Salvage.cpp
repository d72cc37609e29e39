//===- Salvage.cpp - what is left of a unit with faulty statements --------===//

#include "lang/Salvage.h"

#include <algorithm>

using namespace gradus;

namespace {
/// A statement without a block: its tokens up to its END.
struct Line {
  size_t first, end;
};

/// Writes one statement in place of a faulty one.
class Replacement {
public:
  Replacement(std::span<const Token> unit, Line line, std::vector<Token> &out) : unit(unit), line(line), out(out) {}

  /// False if not even the names are known.
  bool write();

private:
  const Token &at(size_t i) const { return unit[std::min(i, line.end)]; }
  void put(Tok kind) { out.push_back({kind, at(line.first).loc, kind == Tok::ID ? poisonName : spelling(kind)}); }
  void putEnd() { out.push_back(unit[line.end]); }
  bool define(const Token &name);
  bool declare();
  bool assign();

  std::span<const Token> unit;
  Line line;
  std::vector<Token> &out;
};
} // namespace

static bool opens(Tok kind) { return kind == Tok::LPAREN || kind == Tok::LBRACKET; }
static bool closes(Tok kind) { return kind == Tok::RPAREN || kind == Tok::RBRACKET; }

static std::vector<Line> linesOf(std::span<const Token> unit) {
  std::vector<Line> lines;
  std::optional<size_t> first;
  size_t depth = 0;
  for (size_t i = 0; i < unit.size(); ++i) {
    Tok kind = unit[i].kind;
    if (kind == Tok::END && first && *first < i)
      lines.push_back({*first, i});
    depth += kind == Tok::LBRACE;
    depth -= kind == Tok::RBRACE && depth > 0;
    if (kind == Tok::RBRACE)
      first.reset();
    else if (depth > 0 && (kind == Tok::LBRACE || kind == Tok::END))
      first = i + 1;
  }
  return lines;
}

/// A name that stands in the unit before has a value already. In a rule it may be its next one that was meant: false.
bool Replacement::define(const Token &name) {
  auto isSame = [&](const Token &other) { return other.kind == Tok::ID && other.text == name.text; };
  if (std::any_of(unit.begin(), unit.begin() + line.first, isSame))
    return unit.front().kind != Tok::RULE;
  out.push_back(name);
  put(Tok::EQUALS);
  put(Tok::ID);
  putEnd();
  return true;
}

/// state m = .., v = ..
bool Replacement::declare() {
  size_t i = line.first;
  if (at(i).kind == Tok::SHARED)
    out.push_back(at(i++));
  out.push_back(at(i));
  size_t depth = 0;
  bool isUnclosed = closes(at(line.end - 1).kind) && at(line.end - 1).isQuiet; // the bracket may have swallowed the next name
  for (bool isFirst = true; i < line.end; ++i) {
    depth += opens(at(i).kind);
    depth -= closes(at(i).kind) && depth > 0;
    bool isNext = at(i + 2).kind == Tok::EQUALS, isSwallowed = isUnclosed && isNext;
    bool lacksComma = isNext && depth == 0 && endsOperand(at(i).kind);
    if ((depth > 0 && !isSwallowed) || (!isFirst && at(i).kind != Tok::COMMA && !lacksComma))
      continue;
    if (!canBeName(at(i + 1).kind) || at(i + 1).kind == Tok::PRIMED)
      return false;
    if (!isFirst)
      put(Tok::COMMA);
    out.push_back(at(i + 1));
    put(Tok::EQUALS);
    put(Tok::ID);
    isFirst = false;
  }
  putEnd();
  return true;
}

/// a, b[i] = .., and what else the line defines by mistake: x = y z = 3.
bool Replacement::assign() {
  std::vector<std::string_view> known;
  size_t depth = 0;
  bool isHead = true; // up to the first '='
  for (size_t i = line.first; i < line.end; ++i) {
    const Token &token = at(i);
    depth += opens(token.kind);
    depth -= closes(token.kind) && depth > 0;
    if (depth > 0)
      continue;
    bool isTarget = canBeName(token.kind) && (i == line.first || at(i - 1).kind == Tok::COMMA) && isHead;
    isTarget |= canBeName(token.kind) && i > line.first && endsOperand(at(i - 1).kind) && at(i + 1).kind == Tok::EQUALS;
    if (isTarget && std::find(known.begin(), known.end(), token.text) == known.end()) {
      known.push_back(token.text);
      if (!define(token))
        return false;
    } else if (isHead && !isTarget && token.kind != Tok::COMMA && token.kind != Tok::RBRACKET) {
      bool isEqual = token.kind == Tok::EQUALS || (token.kind == Tok::EQUAL_EQUAL && i == line.first + 1);
      bool startsForeignWord = canBeName(token.kind);
      if (!isEqual && !startsForeignWord)
        return false;
      isHead = !isEqual;
    }
  }
  return !isHead && !known.empty();
}

bool Replacement::write() {
  const Token &first = at(line.first), &second = at(line.first + 1);
  // What a param is, the whole body hangs on.
  if (std::any_of(unit.begin() + line.first, unit.begin() + line.end, [](const Token &token) { return token.kind == Tok::PARAM; }))
    return false;
  if (second.kind == Tok::EQUALS)
    return assign();
  switch (first.kind) {
  case Tok::CONST:
  case Tok::INPUT:
  case Tok::SHARED:
  case Tok::STATE:
    return declare();
  case Tok::DRAW:
    if (second.kind != Tok::ID)
      return false;
    return define(second);
  case Tok::EXPECT:
    return true;
  case Tok::RETURN:
    out.push_back(first);
    put(Tok::ID);
    putEnd();
    return true;
  default:
    return assign();
  }
}

std::optional<std::vector<Token>> gradus::salvage(std::span<const Token> unit, std::span<const Location> faults) {
  std::vector<Line> lines = linesOf(unit);
  std::vector<bool> isFaulty(lines.size());
  auto place = [](const Location &loc) { return std::pair(loc.line, loc.col); };
  for (const Location &fault : faults) {
    auto holds = [&](const Line &line) { return place(unit[line.first].loc) <= place(fault) && place(fault) < place(unit[line.end + 1].loc); };
    auto line = std::find_if(lines.begin(), lines.end(), holds);
    if (line == lines.end())
      return std::nullopt;
    isFaulty[static_cast<size_t>(line - lines.begin())] = true;
  }
  std::vector<Token> out;
  size_t next = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (!isFaulty[i])
      continue;
    out.insert(out.end(), unit.begin() + next, unit.begin() + lines[i].first);
    if (!Replacement(unit, lines[i], out).write())
      return std::nullopt;
    next = lines[i].end + 1;
  }
  out.insert(out.end(), unit.begin() + next, unit.end());
  return out;
}
