//===- CommandSpec.h - The columns of the table of commands ----------------------===//
//
// Options.h has the rows of options, Commands.cpp those of commands. Parsing, `--help`, the shells' completions, the manual page, `--commands` and the
// options of the reference pages (docs/) are made of them.
//
//===----------------------------------------------------------------------------===//

#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace gradus::driver {

class Invocation;

/// What may stand where an argument is expected, and so what a shell offers there.
enum class Accepts {
  Nothing, ///< there is no argument
  Text,    ///< nothing that could be listed: a number, a name of the spec
  Word,    ///< one of `words`, and nothing else
  Words,   ///< some of `words`, with commas between; what a command reads may go beyond
  File,    ///< a file whose name ends in one of `words`; with none, any
  Folder,
  Command, ///< the name of a command
};

struct ArgumentSpec {
  llvm::StringRef text = {}; ///< as help writes it: "f32|f64", "FILE.csv"
  Accepts accepts = Accepts::Nothing;
  llvm::StringRef words = {}; ///< with '|' between

  constexpr explicit operator bool() const { return accepts != Accepts::Nothing; }
};

struct OptionSpec {
  llvm::StringRef name; ///< "--dtype"
  ArgumentSpec argument;
  llvm::StringRef help;
  llvm::StringRef initial = {};   ///< the value that the command takes where none is given
  llvm::StringRef otherwise = {}; ///< in words what is done then, where that is no value
  llvm::StringRef example = {};   ///< what stands behind `start` of the command; or, where it names a spec, behind the command
  bool isOften = false;           ///< may come often; of any other option the last one counts
  llvm::StringRef alias = {};     ///< "-h"

  constexpr OptionSpec withInitial(llvm::StringRef value) const { return with(&OptionSpec::initial, value); }
  constexpr OptionSpec withOtherwise(llvm::StringRef words) const { return with(&OptionSpec::otherwise, words); }
  constexpr OptionSpec withExample(llvm::StringRef line) const { return with(&OptionSpec::example, line); }
  constexpr OptionSpec withAlias(llvm::StringRef name) const { return with(&OptionSpec::alias, name); }
  constexpr OptionSpec often() const {
    OptionSpec copy = *this;
    copy.isOften = true;
    return copy;
  }

private:
  constexpr OptionSpec with(llvm::StringRef OptionSpec::*field, llvm::StringRef value) const {
    OptionSpec copy = *this;
    copy.*field = value;
    return copy;
  }
};

struct CommandSpec {
  llvm::StringRef name;
  llvm::StringRef summary;
  ArgumentSpec inputs; ///< "SPEC.grad", of which "SPEC.grad ..." takes several and "[COMMAND]" none or one; nothing for a command that takes none
  llvm::ArrayRef<OptionSpec> options;
  llvm::StringRef start;   ///< inputs, and options that it cannot do without, of the examples of its options
  llvm::StringRef example; ///< behind "gradus "
  int (*run)(const Invocation &);
  llvm::StringRef details = {}; ///< what `--help` says besides, in lines
};

} // namespace gradus::driver
