//===- Finding.h - What the lints see and say --------------------------*- C++ -*-===//

#ifndef GRADUS_LANG_LINT_FINDING_H
#define GRADUS_LANG_LINT_FINDING_H

#include "lang/lint/Lint.h"
#include "lang/server/Names.h"

#include "llvm/ADT/StringSet.h"

#include <memory>
#include <set>

namespace gradus::lint {

/// A warning that is not yet looked up among the allowances.
struct Finding {
  Location at;
  std::string text;
  std::string help = {};
  std::vector<Diagnostic::Note> notes = {};
};

struct Boundary;

/// The spec, and what several lints want to know of it, each made when it is first asked for.
class Subject {
public:
  Subject(const CheckedSpec &spec, const Source &main, const SourceManager &sources);
  ~Subject();

  const CheckedSpec &spec;
  const Source &main;
  const SourceManager &sources;

  const server::Names &names();
  const std::vector<Boundary> &boundaries();
  /// Whether a use reads the name where it is declared: not on the left of '=', and not as `f(name = ..)` in another unit.
  bool isRead(const server::NameUse &use);
  /// Whether some formula asks for `.name`.
  bool isMember(llvm::StringRef name);

  /// The token of the main file at which an operation stands; nothing if it comes from another file.
  std::optional<Location> placeOf(mlir::Operation *op) const;
  /// The formula of an operand of the operator or word there, as the spec writes it; empty where it is long or not found.
  std::string operandText(const Location &at, unsigned operand);
  std::string textOf(const Location &at) const;

private:
  void readTree();

  std::unique_ptr<server::Names> knownNames;
  std::unique_ptr<std::vector<Boundary>> knownBoundaries;
  bool hasTree = false;
  /// By line and column.
  std::set<std::pair<uint32_t, uint32_t>> targets;
  llvm::StringSet<> members;
  /// By line and column of the operator or word.
  std::map<std::pair<uint32_t, uint32_t>, std::vector<Location>> operands;
};

using Findings = std::vector<Finding>;

#define GRADUS_LINT(NAME, FUNCTION, SUMMARY) void find##FUNCTION(Subject &subject, Findings &findings);
#include "lang/lint/Lints.def"

} // namespace gradus::lint

#endif // GRADUS_LANG_LINT_FINDING_H
