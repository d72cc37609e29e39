//===- Completion.cpp - What may stand at the cursor -------------------------===//

#include "lang/server/Answers.h"

#include "lang/RuleRun.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace gradus;
using namespace gradus::server;
using llvm::StringRef;
namespace lsp = llvm::lsp;
using Kind = lsp::CompletionItemKind;

namespace {

/// Collects items that begin with what is typed; of several of a name the first one stays.
class Items {
public:
  explicit Items(std::string prefix) : prefix(std::move(prefix)) {}

  void add(const std::string &label, Kind kind, const std::string &detail = "", const std::string &doc = "", const std::string &insert = "") {
    if (!StringRef(label).starts_with_insensitive(prefix) || !known.insert(label).second)
      return;
    // As they are added: what is near goes first.
    lsp::CompletionItem item(label, kind, llvm::utostr(100000 + items.size()));
    item.detail = detail;
    item.insertText = insert;
    if (!doc.empty())
      item.documentation = lsp::MarkupContent{lsp::MarkupKind::Markdown, doc};
    items.push_back(std::move(item));
  }
  std::vector<lsp::CompletionItem> items;

private:
  std::string prefix;
  llvm::StringSet<> known;
};

Kind kindOf(NameKind kind) {
  switch (kind) {
  case NameKind::Unit:
  case NameKind::Function:
  case NameKind::Oracle:
    return Kind::Function;
  case NameKind::Constant:
    return Kind::Constant;
  case NameKind::Dimension:
    return Kind::TypeParameter;
  case NameKind::Param:
  case NameKind::Grad:
  case NameKind::State:
  case NameKind::Input:
    return Kind::Field;
  default:
    return Kind::Variable;
  }
}

/// `.grad` files and folders at a path, each with what an import writes for it.
void addFolder(Items &items, StringRef folder, const std::string &written) {
  std::vector<std::string> folders, files;
  std::error_code failed;
  for (llvm::sys::fs::directory_iterator entry(folder.empty() ? "." : folder, failed), end; !failed && entry != end; entry.increment(failed)) {
    StringRef name = llvm::sys::path::filename(entry->path());
    if (name.starts_with("."))
      continue;
    if (llvm::sys::fs::is_directory(entry->path()))
      folders.push_back(name.str());
    else if (name.ends_with(".grad"))
      files.push_back(name.str());
  }
  llvm::sort(folders);
  llvm::sort(files);
  for (const std::string &name : files)
    items.add(written + name, Kind::File);
  for (const std::string &name : folders)
    items.add(written + name + "/", Kind::Folder);
}

/// `import "adam"`: names that stand on one shelf of the library alone.
void addModules(Items &items, const std::string &library) {
  std::map<std::string, std::vector<std::string>> shelvesOf;
  std::error_code failed;
  for (llvm::sys::fs::directory_iterator shelf(library, failed), end; !failed && shelf != end; shelf.increment(failed)) {
    std::error_code unread;
    for (llvm::sys::fs::directory_iterator entry(shelf->path(), unread), last; !unread && entry != last; entry.increment(unread))
      if (StringRef(entry->path()).ends_with(".grad"))
        shelvesOf[llvm::sys::path::stem(entry->path()).str()].push_back(llvm::sys::path::filename(shelf->path()).str());
  }
  for (const auto &[name, shelves] : shelvesOf)
    if (shelves.size() == 1)
      items.add(name, Kind::Module, "std/" + shelves.front());
}

/// What may stand in the quotes of an import, in the place of all that is typed there.
std::vector<lsp::CompletionItem> importsAt(const Analysis &analysis, const EmitOptions &options, Place place, uint32_t quote) {
  const Source &source = analysis.getMain();
  lsp::Range typedRange = toRange(source, {source.getId(), place.line, quote + 1, place.line, place.col});
  size_t begin = offsetOf(source.getText(), typedRange.start), end = offsetOf(source.getText(), typedRange.end);
  StringRef typed = StringRef(source.getText()).slice(begin, end);
  Items items(typed.str());
  auto slash = typed.rfind('/');
  StringRef folder = slash == StringRef::npos ? "" : typed.take_front(slash + 1);
  std::vector<std::string> roots{llvm::sys::path::parent_path(source.getName()).str()};
  llvm::append_range(roots, options.importFolders);
  for (const std::string &root : roots) {
    llvm::SmallString<256> path(root);
    llvm::sys::path::append(path, folder);
    addFolder(items, path, folder.str());
  }
  StringRef inLibrary = folder;
  if (inLibrary.consume_front("std/")) {
    llvm::SmallString<256> path(options.standardLibrary);
    llvm::sys::path::append(path, inLibrary);
    addFolder(items, path, folder.str());
  } else if (folder.empty()) {
    items.add("std/", Kind::Folder, "the standard library");
    addModules(items, options.standardLibrary);
  }
  for (lsp::CompletionItem &item : items.items) {
    item.textEdit = lsp::TextEdit{typedRange, item.label};
    item.filterText = item.label;
  }
  return std::move(items.items);
}

/// Whether a unit begins in a line: something stands in its first column.
bool startsUnit(const Source &source, uint32_t line) { return !source.getLine(line).empty() && llvm::isAlpha(source.getLine(line).front()); }

/// `r.`: the names of the rule behind `r = step(rule, ..)`, else what an array has. Found in the text, since a dot without a name is an error, so
/// that the unit has no tree.
void addMembers(Items &items, Analysis &analysis, Place place, uint32_t dot) {
  const Source &source = analysis.getMain();
  std::string base = surroundingsOf(source, {place.line, dot}).word;
  for (uint32_t number = place.line; number > 0; number = startsUnit(source, number) ? 0 : number - 1) {
    StringRef line = StringRef(source.getLine(number)).ltrim();
    if (!line.consume_front(base) || !(line = line.ltrim()).consume_front("="))
      continue;
    line = line.ltrim();
    if (!line.consume_front("step(") && !line.consume_front("run("))
      continue;
    std::string rule = line.ltrim().take_while(isLetter).str();
    for (const Declaration *member : analysis.membersOf(rule))
      if (member->kind != NameKind::Argument && member->kind != NameKind::Oracle && member->kind != NameKind::Grad && member->kind != NameKind::Input)
        items.add(member->name, Kind::Field, wordOf(member->kind).str() + " of " + rule);
  }
  items.add("T", Kind::Property, "the transpose");
}

/// In a unit with errors, which has no tree: every word from its first line to the cursor.
void addWordsOfBrokenUnit(Items &items, const Source &source, Place place, StringRef current) {
  uint32_t first = place.line;
  while (first > 1 && !startsUnit(source, first))
    --first;
  for (uint32_t number = first; number <= place.line; ++number) {
    StringRef line = StringRef(source.getLine(number)).split("//").first;
    while (!line.empty()) {
      StringRef word = line.take_while(isLetter);
      if (!word.empty() && !llvm::isDigit(word.front()) && word != current)
        items.add(word.str(), Kind::Text);
      line = line.drop_front(std::max<size_t>(word.size(), 1));
    }
  }
}

void addWords(Items &items, const Reference &reference) {
#define GRADUS_WORD(NAME, SPELLING, RESERVED) items.add(SPELLING, Kind::Keyword);
#define GRADUS_SIGN(NAME, SPELLING)
#define GRADUS_CLASS(NAME, DESCRIPTION)
#include "lang/Tokens.def"
  for (const lang::Builtin &builtin : lang::getBuiltins())
    items.add(builtin.name.str(), Kind::Function, "", reference.find(builtin.name));
  for (StringRef number : {"inf", "pi"})
    items.add(number.str(), Kind::Constant);
}

} // namespace

std::vector<lsp::CompletionItem> server::completionsAt(Analysis &analysis, const EmitOptions &options, const Reference &reference, const lsp::Position &position) {
  const Source &source = analysis.getMain();
  Place place = toPlace(source, position);
  Surroundings around = surroundingsOf(source, place);
  StringRef line(source.getLine(place.line));
  if (around.isComment)
    return {};
  if (around.quote)
    return line.ltrim().starts_with("import") ? importsAt(analysis, options, place, *around.quote) : std::vector<lsp::CompletionItem>();
  // The part of the word before the cursor.
  size_t end = offsetOf(source.getText(), position);
  StringRef text(source.getText());
  uint32_t typedCol = std::min(around.wordBegin, place.col);
  size_t begin = offsetOf(text, toRange(source, {source.getId(), place.line, typedCol, place.line, typedCol}).start);
  Items items(text.slice(begin, end).str());
  if (begin > 0 && text[begin - 1] == '.' && !(begin > 1 && text[begin - 2] == '.')) {
    addMembers(items, analysis, place, typedCol - 1);
    return std::move(items.items);
  }
  if (std::string callee = openCallAt(text, begin).callee; !callee.empty())
    for (const Declaration *member : analysis.membersOf(callee))
      if (member->kind == NameKind::Argument || member->kind == NameKind::Oracle)
        items.add(member->name + " =", Kind::Property, "argument of " + callee, "", member->name + " = ");
  std::vector<const Declaration *> visible = analysis.visibleAt(place);
  for (const Declaration *one : llvm::reverse(visible))
    if (one->kind != NameKind::Unit)
      items.add(one->name, kindOf(one->kind), wordOf(one->kind).str(), analysis.typeAt(one->loc));
  if (!analysis.isInUnit(place))
    addWordsOfBrokenUnit(items, source, place, around.word);
  for (const Analysis::Found &unit : analysis.getUnits())
    items.add(unit.declaration->name, kindOf(unit.declaration->kind), headerOf(*unit.declaration->unit), llvm::join(unit.declaration->unit->doc, "  \n"));
  addWords(items, reference);
  return std::move(items.items);
}
