//===- Completion.cpp - gradus completion ---------------------------------------===//

#include "codegen/driver/Completion.h"

#include "codegen/driver/Commands.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace gradus::driver {

SmallVector<StringRef> splitWords(const ArgumentSpec &argument) {
  SmallVector<StringRef> words;
  if (argument.accepts == Accepts::Command)
    for (const CommandSpec &command : getCommands())
      words.push_back(command.name);
  else
    argument.words.split(words, '|', -1, /*KeepEmpty=*/false);
  return words;
}

std::string joinWords(const ArgumentSpec &argument, StringRef between) { return join(splitWords(argument), between); }

SmallVector<OptionSpec> getOptionsWithHelp(const CommandSpec &command) {
  SmallVector<OptionSpec> rows(command.options);
  rows.push_back(options::help);
  return rows;
}

int runCompletion(const Invocation &invocation) {
  if (invocation.inputs.size() != 1)
    return usageError("'gradus completion' expects one shell");
  const std::string &shell = invocation.inputs.front();
  (shell == "bash" ? printBashCompletion : shell == "fish" ? printFishCompletion : printZshCompletion)(outs());
  return ExitOk;
}

} // namespace gradus::driver
