//===- Messages.h - diagnostics with stable codes ---------------*- C++ -*-===//
//
// Everything the compiler says to the author of a spec goes through Diagnostics: a stable code from Messages.def,
// a place, what was found and why it is wrong, notes, and a way out. Rendering needs no MLIR.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_MESSAGES_H
#define GRADUS_LANG_MESSAGES_H

#include "lang/Source.h"

#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

/// One enumerator per line of Messages.def; its value is the number in the code.
enum class Code : uint16_t {
#define GRADUS_MESSAGE(NUMBER, NAME, TITLE) NAME = 1##NUMBER - 10000,
#include "lang/Messages.def"
};

/// "G0101" for a code.
std::string codeName(Code code);
/// The short title of a code, as listed by the reference.
std::string_view codeTitle(Code code);

/// All codes, ascending.
std::span<const Code> getCodes();

enum class Severity { Error, Warning };

/// One message. Messages start in lower case and have no final period.
struct Diagnostic {
  struct Note {
    Location loc;
    std::string text;
  };

  Code code;
  Severity severity;
  Location loc;
  std::string text;
  std::vector<Note> notes;
  std::string help;
  /// The lint that says it, by the name that silences it; empty for all other messages.
  std::string_view lint = {};

  /// Points at another place that explains the error.
  Diagnostic &note(Location at, std::string why) {
    notes.push_back({at, std::move(why)});
    return *this;
  }
  /// Says the way out. An empty text adds nothing, so a suggestion that was not found can be passed on.
  Diagnostic &suggest(std::string wayOut) {
    help = std::move(wayOut);
    return *this;
  }
};

/// Collects the messages of one run and renders them with their source lines.
class Diagnostics {
public:
  static constexpr size_t maxShown = 20;

  explicit Diagnostics(const SourceManager &sources) : sources(sources) {}

  /// Adds an error; the reference is valid until the next one. Two errors of one code at one place are one.
  Diagnostic &error(Code code, Location loc, std::string text);
  Diagnostic &warning(Code code, Location loc, std::string text);

  bool hasErrors() const { return numErrors != 0; }
  size_t getErrorCount() const { return numErrors; }
  /// How often an error was reported, those included that were known already.
  size_t getReportCount() const { return numReports; }
  /// True once as many errors are known as will be shown: a phase may stop early.
  bool isFull() const { return numErrors > maxShown; }
  const std::deque<Diagnostic> &getAll() const { return all; }
  const SourceManager &getSources() const { return sources; }

  /// All messages in the order of their places, at most 20 errors and then a line "too many errors".
  std::string render() const;
  /// One message with its source lines.
  std::string render(const Diagnostic &diagnostic) const;

  /// A point to which the messages can be taken back, where something was only tried.
  struct Mark {
    size_t numMessages, numErrors, numReports;
  };
  Mark mark() const { return {all.size(), numErrors, numReports}; }
  /// Takes back what was said since; the first error of it.
  std::string rollBack(const Mark &mark);

private:
  Diagnostic &add(Code code, Severity severity, Location loc, std::string text);

  const SourceManager &sources;
  std::deque<Diagnostic> all;
  Diagnostic unshown = {Code::UnexpectedWord, Severity::Error, {}, {}, {}, {}};
  size_t numErrors = 0;
  size_t numReports = 0;
};

/// "1 axis", "2 axes": a count with its noun; without a plural of its own the noun takes an s.
std::string counted(size_t count, std::string_view noun, std::string_view plural = {});

/// The candidate nearest to `word` by edit distance, or an empty string if none is near enough to be meant.
std::string nearestWord(std::string_view word, std::span<const std::string> candidates);
/// "did you mean 'x'?" or, without a near candidate, an empty string.
std::string didYouMean(std::string_view word, std::span<const std::string> candidates);

} // namespace gradus

#endif // GRADUS_LANG_MESSAGES_H
