//===- CompletionZsh.cpp - Completion of Zsh ------------------------------------===//
//
// A specification of `_arguments` for each command. `--name=[..]` takes its value behind '=' and as the next word.
//
//===----------------------------------------------------------------------------===//

#include "codegen/driver/Completion.h"

using namespace llvm;

namespace gradus::driver {

/// `text` with a backslash before each of `special`, for a place within single quotes.
static std::string escape(StringRef text, StringRef special) {
  std::string escaped;
  for (char c : text)
    if (c == '\'')
      escaped += "'\\''";
    else
      escaped += (special.contains(c) ? "\\" : "") + std::string(1, c);
  return escaped;
}

/// ":FILE.csv:_files -g '*.csv'", or nothing.
static std::string actionFor(const ArgumentSpec &argument) {
  if (!argument)
    return "";
  std::string message = ":" + escape(argument.text, ":\\") + ":";
  switch (argument.accepts) {
  case Accepts::Nothing:
  case Accepts::Text:
    return message + " ";
  case Accepts::Word:
  case Accepts::Command:
    return message + "(" + escape(joinWords(argument, " "), ":\\()") + ")";
  case Accepts::Words:
    return message + "_sequence compadd - " + escape(joinWords(argument, " "), ":\\");
  case Accepts::File:
    return message + (argument.words.empty() ? "_files" : "_files -g \"*." + argument.words.str() + "\"");
  case Accepts::Folder:
    return message + "_files -/";
  }
  llvm_unreachable("all cases return");
}

static std::string specificationOf(const OptionSpec &option) {
  std::string names = option.name.str() + (option.argument && option.name.starts_with("--") ? "=" : "");
  std::string rest = "[" + escape(describeHelp(option), "[]\\:") + "]" + actionFor(option.argument);
  std::string star = option.isOften ? "*" : "";
  if (option.alias.empty())
    return "'" + star + names + rest + "'";
  return "'(- *)'{" + names + "," + option.alias.str() + "}'" + rest + "'";
}

void printZshCompletion(raw_ostream &os) {
  os << "#compdef gradus\n# Completion of gradus for Zsh, written by `gradus completion zsh`.\n\n_gradus() {\n"
        "  local curcontext=$curcontext state line\n  typeset -A opt_args\n  _arguments -C \\\n";
  for (const ToolOption &tool : getToolOptions())
    os << "    '(- *)" << tool.option.name << "[" << escape(tool.option.help, "[]\\:") << "]' \\\n";
  os << "    '1:command:->command' \\\n    '*::argument:->argument' && return\n  case $state in\n    command)\n      local -a commands=(\n";
  for (const CommandSpec &command : getCommands())
    os << "        '" << command.name << ':' << escape(command.summary, "\\:") << "'\n";
  os << "      )\n      _describe -t commands 'gradus command' commands\n      ;;\n    argument)\n      case $words[1] in\n";
  for (const CommandSpec &command : getCommands()) {
    os << "        " << command.name << ")\n          _arguments";
    for (const OptionSpec &option : getOptionsWithHelp(command))
      os << " \\\n            " << specificationOf(option);
    bool isMany = command.inputs.text.ends_with("...");
    if (command.inputs)
      os << " \\\n            '" << (isMany ? "*" : "1") << actionFor(command.inputs) << "'";
    os << "\n          ;;\n";
  }
  os << "      esac\n      ;;\n  esac\n}\n\n_gradus \"$@\"\n";
}

} // namespace gradus::driver
