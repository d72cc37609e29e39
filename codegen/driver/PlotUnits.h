//===- PlotUnits.h - What `gradus plot` is asked for ---------------------------------===//

#pragma once

#include "codegen/driver/CommandLine.h"
#include "codegen/driver/WrittenSpec.h"
#include "lang/Ast.h"
#include "lang/Messages.h"

#include <memory>

namespace gradus::driver {

/// The kinds of pictures.
enum class PictureKind { Schedule, Function, Prox, Rule };

/// A call of a unit, as `--of` has it: `adam(lr = 0.1)`.
struct PlottedUnit {
  std::string text;            ///< as written, `adam` without parentheses where there are no arguments
  llvm::StringRef call;        ///< as written
  llvm::StringRef name, arguments;
  const ast::Unit *unit = nullptr;
};

/// The specs of a command line, and what is drawn of them.
class PlotUnits {
public:
  PlotUnits() : diagnostics(sources) {}

  /// Reads the specs and finds the units that `of` names, or the ones that a picture is meant of if it is empty. An exit code if that fails.
  std::optional<int> read(llvm::ArrayRef<std::string> paths, llvm::StringRef of);

  PictureKind getKind() const { return kind; }
  llvm::ArrayRef<PlottedUnit> getUnits() const { return units; }
  /// A spec that imports all specs; what is quoted in it are parts of `--of`.
  WrittenSpec beginSpec() const;
  /// Says that a unit has no such picture; the exit code.
  int refuse(Code code, const Location &at, const std::string &text, const std::string &wayOut);

private:
  std::optional<int> choose(llvm::StringRef stem);
  std::optional<int> find(llvm::StringRef call);
  std::optional<int> checkKinds();
  std::optional<int> checkArgument(const ast::Function &function);

  SourceManager sources;
  Diagnostics diagnostics;
  std::vector<std::unique_ptr<ast::Sheet>> sheets;
  std::vector<PlottedUnit> units;
  std::string imports;
  std::string given; ///< the text of `--of`
  PictureKind kind = PictureKind::Function;
};

/// Cuts "a(x, y), b" at the commas outside of brackets; nothing if the brackets do not fit.
std::optional<std::vector<llvm::StringRef>> splitCalls(llvm::StringRef text);
/// The place of a unit's name.
const ast::Ident &nameOf(const ast::Unit &unit);

} // namespace gradus::driver
