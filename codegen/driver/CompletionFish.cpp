//===- CompletionFish.cpp - Completion of Fish ----------------------------------===//

#include "codegen/driver/Completion.h"

using namespace llvm;

namespace gradus::driver {

static constexpr StringRef head = R"(# Completion of gradus for Fish, written by `gradus completion fish`.

# The words of a list that are not yet in it, behind what stands there.
function __gradus_list
    set -l current (string replace -r -- '^--[^=]*=' '' (commandline -ct))
    set -l before (string match -r -- '.*,' $current)
    for word in $argv
        contains -- $word (string split -- , "$before"); or echo $before$word
    end
end

# Folders, and files with an ending. An empty command takes any path.
function __gradus_files
    set -l current (string replace -r -- '^--[^=]*=' '' (commandline -ct))
    complete -C "'' $current" | string match -r -- '.*/$|.*\.'$argv[1]'$'
end

complete -c gradus -f
)";

/// In single quotes, within which only these two mean something.
static std::string quote(StringRef text) {
  std::string quoted = "'";
  for (char c : text)
    quoted += (c == '\'' || c == '\\' ? "\\" : "") + std::string(1, c);
  return quoted + "'";
}

/// What makes an option take an argument, and what is offered there.
static std::string argumentsFor(const ArgumentSpec &argument) {
  switch (argument.accepts) {
  case Accepts::Nothing:
    return "";
  case Accepts::Text:
    return " -x";
  case Accepts::Word:
  case Accepts::Command:
    return " -x -a " + quote(joinWords(argument, " "));
  case Accepts::Words:
    return " -x -a " + quote("(__gradus_list " + joinWords(argument, " ") + ")");
  case Accepts::File:
    return argument.words.empty() ? " -r -F" : (" -x -a '(__gradus_files " + argument.words + ")'").str();
  case Accepts::Folder:
    return " -x -a '(__fish_complete_directories)'";
  }
  llvm_unreachable("all cases return");
}

static std::string nameFor(const OptionSpec &option) {
  StringRef name = option.name;
  std::string text = name.consume_front("--") ? " -l " + name.str() : " -s " + name.drop_front().str();
  return text + (option.alias.empty() ? "" : " -s " + option.alias.drop_front().str());
}

void printFishCompletion(raw_ostream &os) {
  os << head;
  constexpr StringRef first = "complete -c gradus -n __fish_use_subcommand";
  for (const ToolOption &tool : getToolOptions())
    os << first << nameFor(tool.option) << " -d " << quote(tool.option.help) << '\n';
  for (const CommandSpec &command : getCommands())
    os << first << " -a " << command.name << " -d " << quote(command.summary) << '\n';
  for (const CommandSpec &command : getCommands()) {
    std::string behind = ("complete -c gradus -n '__fish_seen_subcommand_from " + command.name + "'").str();
    os << '\n';
    for (const OptionSpec &option : getOptionsWithHelp(command))
      os << behind << nameFor(option) << argumentsFor(option.argument) << " -d " << quote(describeHelp(option)) << '\n';
    if (command.inputs) // without an option: what the command reads
      os << behind << StringRef(argumentsFor(command.inputs)).substr(3) << '\n';
  }
}

} // namespace gradus::driver
