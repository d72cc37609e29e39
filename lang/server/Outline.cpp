//===- Outline.cpp - The units of a text, and their headers -----------------===//

#include "lang/server/Answers.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace gradus;
using namespace gradus::server;
using llvm::dyn_cast;
using llvm::StringRef;
namespace lsp = llvm::lsp;

//===----------------------------------------------------------------------===//
// Outline
//===----------------------------------------------------------------------===//

static lsp::SymbolKind symbolOf(const ast::Unit &unit) {
  if (llvm::isa<ast::Rule>(unit))
    return lsp::SymbolKind::Class;
  if (llvm::isa<ast::Train>(unit))
    return lsp::SymbolKind::Module;
  return llvm::isa<ast::Const>(unit) ? lsp::SymbolKind::Constant : lsp::SymbolKind::Function;
}

static lsp::SymbolKind symbolOf(NameKind kind) {
  switch (kind) {
  case NameKind::Param:
  case NameKind::Grad:
  case NameKind::State:
  case NameKind::Input:
    return lsp::SymbolKind::Field;
  case NameKind::Entry:
    return lsp::SymbolKind::Method;
  case NameKind::Oracle:
    return lsp::SymbolKind::Interface;
  default:
    return lsp::SymbolKind::Variable;
  }
}

/// The extent of a member is at least its name, and lies in its unit.
static lsp::DocumentSymbol symbolOf(const Source &source, const Declaration &member) {
  lsp::DocumentSymbol symbol(member.name, symbolOf(member.kind), toRange(source, member.loc), toRange(source, member.loc));
  symbol.detail = wordOf(member.kind).str();
  return symbol;
}

std::vector<lsp::DocumentSymbol> server::symbolsOf(Analysis &analysis) {
  const Source &source = analysis.getMain();
  std::vector<lsp::DocumentSymbol> symbols;
  for (const ast::UnitPtr &unit : analysis.getSheet().units) {
    if (auto *test = dyn_cast<ast::Test>(unit.get())) {
      lsp::DocumentSymbol symbol(test->title.empty() ? "test" : test->title, lsp::SymbolKind::Event, toRange(source, test->loc), toRange(source, test->titleLoc));
      symbol.detail = test->isProperty ? "property" : "test";
      symbols.push_back(std::move(symbol));
    }
    const ast::Ident *name = nameOf(*unit);
    if (!name)
      continue;
    lsp::DocumentSymbol symbol(name->name, symbolOf(*unit), toRange(source, unit->loc), toRange(source, name->loc));
    symbol.detail = headerOf(*unit);
    for (const Declaration &one : analysis.getNames().declarations)
      if (one.isMember && one.unit == unit.get() && one.loc != name->loc)
        symbol.children.push_back(symbolOf(source, one));
    symbols.push_back(std::move(symbol));
  }
  return symbols;
}

//===----------------------------------------------------------------------===//
// Signatures
//===----------------------------------------------------------------------===//

OpenCall server::openCallAt(StringRef text, size_t offset) {
  constexpr size_t most = 4096;
  OpenCall call;
  int depth = 0;
  size_t argument = offset;
  for (size_t at = offset; at-- > 0 && offset - at < most;) {
    char c = text[at];
    depth += c == ')' || c == ']' || c == '}';
    depth -= c == '(' || c == '[' || c == '{';
    if (depth == 0 && c == ',' && call.numCommas++ == 0)
      argument = at + 1;
    if (depth >= 0)
      continue;
    if (call.numCommas == 0)
      argument = at + 1;
    size_t begin = at;
    while (begin > 0 && isLetter(text[begin - 1]))
      --begin;
    if (c == '(')
      call.callee = text.slice(begin, at).str();
    call.argument = text.slice(argument, offset);
    return call;
  }
  return {};
}

/// Where in a header its arguments stand; each begins with its name.
static std::vector<lsp::ParameterInformation> parametersIn(StringRef header) {
  std::vector<lsp::ParameterInformation> parameters;
  size_t begin = header.find('(') + 1; // npos + 1 is 0
  int depth = 0;
  for (size_t at = begin; begin > 0 && at < header.size(); ++at) {
    char c = header[at];
    if (depth == 0 && (c == ',' || c == ')')) {
      lsp::ParameterInformation one;
      one.labelString = header.slice(begin, at).trim().str();
      if (!one.labelString.empty())
        parameters.push_back(std::move(one));
      begin = at + 1;
    }
    if (depth == 0 && c == ')')
      break;
    depth += c == '(' || c == '[';
    depth -= c == ')' || c == ']';
  }
  return parameters;
}

/// Of `size m = 10` and `base: rule` m and base.
static StringRef nameOfParameter(StringRef label) {
  if (label.consume_front("size "))
    label = label.ltrim();
  return label.take_while(isLetter);
}

std::optional<lsp::SignatureHelp> server::signatureAt(Analysis &analysis, const lsp::Position &position) {
  const Source &source = analysis.getMain();
  Place place = toPlace(source, position);
  Surroundings around = surroundingsOf(source, place);
  if (around.isComment || around.quote)
    return std::nullopt;
  OpenCall call = openCallAt(source.getText(), offsetOf(source.getText(), position));
  for (const Analysis::Found &found : analysis.getUnits()) {
    const ast::Unit &unit = *found.declaration->unit;
    if (call.callee.empty() || found.declaration->name != call.callee || llvm::isa<ast::Const>(unit))
      continue;
    lsp::SignatureInformation signature;
    signature.label = headerOf(unit);
    signature.documentation = llvm::join(unit.doc, "\n");
    signature.parameters = parametersIn(signature.label);
    lsp::SignatureHelp help;
    help.activeParameter = call.numCommas;
    auto [word, rest] = call.argument.trim().split('=');
    for (auto [number, parameter] : llvm::enumerate(signature.parameters))
      if (call.argument.contains('=') && nameOfParameter(parameter.labelString) == word.trim())
        help.activeParameter = static_cast<int>(number);
    help.signatures.push_back(std::move(signature));
    return help;
  }
  return std::nullopt;
}
