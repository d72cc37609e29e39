//===- References.cpp - All places of a name ---------------------------------===//

#include "lang/server/References.h"

#include "lang/RuleRun.h"
#include "lang/server/Answers.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Path.h"

using namespace gradus;
using namespace gradus::server;
using llvm::StringRef;
namespace lsp = llvm::lsp;

Texts server::textsAbout(const Analysis::Target &target, const Texts &texts) {
  Texts chosen;
  for (const auto &[path, text] : texts)
    if (path == target.path || (target.isMember && StringRef(text).contains("import") && StringRef(text).contains(target.name)))
      chosen.insert({path, text});
  return chosen;
}

std::vector<lsp::Location> server::referencesOf(const Analysis::Target &target, const Texts &texts, const EmitOptions &options, bool hasDeclaration) {
  std::vector<lsp::Location> found;
  for (const auto &[path, text] : textsAbout(target, texts)) {
    Analysis run(path, text, options, {});
    for (const Location &place : run.placesOf(target))
      if (hasDeclaration || path != target.path || std::pair(place.line, place.col) != std::pair(target.loc.line, target.loc.col))
        found.emplace_back(uriOf(path), toRange(run.getMain(), place));
  }
  return found;
}

//===----------------------------------------------------------------------===//
// Renaming
//===----------------------------------------------------------------------===//

namespace {

/// A text with what the front end makes of it.
struct Reading {
  Reading(const std::string &path, const std::string &text, const EmitOptions &options)
      : run(path, text, options, [this](mlir::ModuleOp module, const SourceManager &, Diagnostics &) {
          llvm::raw_string_ostream os(program);
          module.print(os, mlir::OpPrintingFlags().useLocalScope());
        }) {}

  const gradus::Diagnostic *findError() const {
    for (const gradus::Diagnostic &one : run.getDiagnostics().getAll())
      if (one.severity == Severity::Error)
        return &one;
    return nullptr;
  }

  /// Empty where there was an error. First, for it is written while the text is read.
  std::string program;
  Analysis run;
};

} // namespace

/// Every name of the file belongs to the declaration that it belonged to.
static bool hasSameBelongings(const Names &before, const Names &after) {
  auto isSameUse = [](const NameUse &a, const NameUse &b) { return a.declaration == b.declaration; };
  return before.declarations.size() == after.declarations.size() && before.open.size() == after.open.size() && llvm::equal(before.uses, after.uses, isSameUse);
}

/// The next word of a program, or one sign that is none.
static StringRef takeWord(StringRef &text) {
  StringRef word = text.take_while([](char c) { return isLetter(c) || c == '.' || c == '\'' || c == '\\'; });
  word = word.empty() ? text.take_front(1) : word;
  text = text.drop_front(word.size());
  return word;
}

/// As the printed program has it.
static std::string escaped(StringRef name) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::printEscapedString(name, os);
  return text;
}

/// Whether two programs differ in the name alone. In each function as many words are new as were old: what one name stood for, one name stands for.
static bool isSameProgram(StringRef before, StringRef after, StringRef name, StringRef wanted) {
  std::map<StringRef, StringRef> newOf, oldOf;
  while (!before.empty() && !after.empty()) {
    StringRef old = takeWord(before), now = takeWord(after);
    if (old == "gradus.func") {
      newOf.clear();
      oldOf.clear();
    }
    if (old != now && (!old.contains(name) || !now.contains(wanted)))
      return false;
    // Words that hold the name stand for each other.
    if (old.contains(name) && (newOf.try_emplace(old, now).first->second != now || oldOf.try_emplace(now, old).first->second != old))
      return false;
  }
  return before.empty() && after.empty();
}

/// The sites of all draws: their numbers go by these names, which are those of the unit, of the draw or of what is rounded at random.
static std::vector<StringRef> sitesIn(StringRef program) {
  std::vector<StringRef> sites;
  for (size_t at = program.find("gradus.draw "); at != StringRef::npos; at = program.find("gradus.draw ", at + 1))
    sites.push_back(program.substr(at).split('"').second.split('"').first);
  return sites;
}

std::string server::refusalOf(const Analysis::Target &target, const std::string &document, const EmitOptions &options) {
  if (target.path == realPathOf(document))
    return "";
  std::string library = realPathOf(options.standardLibrary);
  if (StringRef(target.path).starts_with(library))
    return "'" + target.name + "' is declared in the standard library, in '" + target.path.substr(library.size() + 1) + "'";
  return "'" + target.name + "' is declared in '" + llvm::sys::path::filename(target.path).str() + "'; rename it there";
}

/// Why a word cannot be a name at all.
static std::string refusalOfWord(StringRef word) {
  if (word.empty() || llvm::isDigit(word.front()) || !llvm::all_of(word, isLetter))
    return "'" + word.str() + "' is no name: letters, digits and '_', and no digit first";
  if (isKeyword(word) || word == "pi" || word == "inf" || word == "t" || lang::findBuiltin(word) || lang::isDistribution(word))
    return "'" + word.str() + "' is a word of the language";
  return "";
}

Renaming server::rename(const Analysis::Target &target, const std::string &name, const Texts &texts, const EmitOptions &options) {
  Renaming renaming;
  renaming.refusal = refusalOfWord(name);
  if (!renaming.refusal.empty() || name == target.name)
    return renaming;
  auto refuse = [&](const std::string &why) { return Renaming{why, {}}; };
  Texts about = textsAbout(target, texts), changed;
  std::map<std::string, std::unique_ptr<Reading>> before;
  EmitOptions then = options;
  for (const auto &[path, text] : about) {
    auto reading = std::make_unique<Reading>(path, text, options);
    std::vector<Location> places = reading->run.placesOf(target);
    if (places.empty() && path != target.path)
      continue;
    std::string file = llvm::sys::path::filename(path).str();
    if (const gradus::Diagnostic *error = reading->findError())
      return refuse("'" + file + "' has an error, so that not all places are known: " + error->text);
    if (StringRef(path).starts_with(realPathOf(options.standardLibrary) + "/") && path != target.path)
      return refuse("'" + target.name + "' is named in '" + file + "' of the standard library");
    std::string &now = changed[path] = text;
    for (const Location &place : llvm::reverse(places)) {
      lsp::Range range = toRange(reading->run.getMain(), place);
      size_t begin = offsetOf(text, range.start);
      if (!StringRef(text).substr(begin).starts_with(target.name))
        return refuse("'" + target.name + "' is spelled otherwise in line " + std::to_string(place.line) + " of '" + file + "'");
      lsp::TextEdit edit;
      edit.range = {range.start, positionOf(text, begin + target.name.size())};
      edit.newText = name;
      renaming.edits[path].push_back(edit);
      now.replace(begin, target.name.size(), name);
    }
    then.texts[path] = now;
    before[path] = std::move(reading);
  }
  for (const auto &[path, text] : changed) {
    Reading after(path, text, then);
    std::string file = llvm::sys::path::filename(path).str();
    if (const gradus::Diagnostic *error = after.findError())
      return refuse("as '" + name + "' it is an error in '" + file + "': " + error->text);
    if (!hasSameBelongings(before[path]->run.getNames(), after.run.getNames()))
      return refuse("'" + name + "' is a name already where '" + target.name + "' stands in '" + file + "'");
    if (sitesIn(before[path]->program) != sitesIn(after.program))
      return refuse("as '" + name + "' draws of '" + file + "' would have other numbers: these go by the names of a draw and its unit");
    if (!isSameProgram(before[path]->program, after.program, escaped(target.name), escaped(name)))
      return refuse("'" + file + "' would mean something else with '" + name + "': names that are alike belong together there");
  }
  return renaming;
}
