//===- Report.cpp - What a command says, to a person or to a program --------------===//

#include "codegen/driver/Report.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <tuple>

using namespace llvm;

namespace gradus::driver {

json::Value numberToJson(double x) {
  if (std::isfinite(x))
    return x;
  return std::isnan(x) ? "nan" : x > 0 ? "inf" : "-inf";
}

json::Value textToJson(StringRef text) { return json::isUTF8(text) ? text.str() : json::fixUTF8(text); }

Report::Report(const Invocation &invocation, StringRef command) : document{{"schema", 1}, {"command", command}}, isDocument(invocation.has("--json")) {}

/// Adds file, line and column; what is not known is null.
static json::Object placeToJson(const SourceManager &sources, const Location &place) {
  json::Object object{{"file", nullptr}, {"line", nullptr}, {"column", nullptr}};
  if (place.file < sources.size())
    object["file"] = textToJson(sources.get(place.file).getName());
  if (place.file < sources.size() && !place.isWholeFile()) {
    object["line"] = place.line;
    object["column"] = place.col;
  }
  return object;
}

static json::Object messageToJson(const SourceManager &sources, const Diagnostic &message) {
  json::Object object = placeToJson(sources, message.loc);
  if (message.loc.file < sources.size() && !message.loc.isWholeFile()) {
    object["end_line"] = message.loc.endLine;
    object["end_column"] = message.loc.endCol;
  }
  object["severity"] = message.severity == Severity::Error ? "error" : "warning";
  if (!message.lint.empty())
    object["lint"] = std::string(message.lint);
  object["code"] = codeName(message.code);
  object["message"] = textToJson(message.text);
  json::Array notes;
  for (const Diagnostic::Note &note : message.notes) {
    json::Object one = placeToJson(sources, note.loc);
    one["message"] = textToJson(note.text);
    notes.push_back(std::move(one));
  }
  object["notes"] = std::move(notes);
  if (!message.help.empty())
    object["help"] = textToJson(message.help);
  return object;
}

void Report::error(const std::string &text) {
  if (!isDocument) {
    outs().flush();
    usageError(text);
    return;
  }
  messages.push_back(json::Object{{"file", nullptr}, {"line", nullptr}, {"column", nullptr}, {"severity", "error"}, {"code", nullptr},
                                  {"message", textToJson(text)}, {"notes", json::Array()}});
}

void Report::addMessages(const Diagnostics &diagnostics, size_t first) {
  std::vector<const Diagnostic *> added;
  for (size_t k = first; k < diagnostics.getAll().size(); ++k)
    added.push_back(&diagnostics.getAll()[k]);
  if (first == 0)
    llvm::stable_sort(added, [](const Diagnostic *a, const Diagnostic *b) {
      return std::tuple(a->loc.file, a->loc.line, a->loc.col) < std::tuple(b->loc.file, b->loc.line, b->loc.col);
    });
  size_t errors = 0;
  for (const Diagnostic *message : added) {
    if (message->severity == Severity::Error && errors++ == Diagnostics::maxShown)
      return error("too many errors: the first " + std::to_string(Diagnostics::maxShown) + " are shown");
    messages.push_back(messageToJson(diagnostics.getSources(), *message));
  }
}

int Report::finish(int exit) {
  if (!isDocument || exit == ExitUsage)
    return exit;
  document["diagnostics"] = std::move(messages);
  outs() << formatv("{0:2}", json::Value(std::move(document))) << '\n';
  return exit;
}

} // namespace gradus::driver
