//===- Help.cpp - `--help` of the tool and of its commands -----------------------===//

#include "codegen/driver/CommandLine.h"

#include "llvm/Support/Format.h"

using namespace llvm;

namespace gradus::driver {

void printToolHelp(raw_ostream &os) {
  os << "gradus: compiles losses and update rules to kernels with a C ABI\n\n"
        "usage: gradus COMMAND [OPTIONS] SPEC.grad\n\ncommands:\n";
  for (const CommandSpec &command : getCommands())
    os << "  " << left_justify(command.name, 12) << command.summary << '\n';
  os << "\n'gradus COMMAND --help' lists the options of a command with an example.\n";
  for (const ToolOption &tool : getToolOptions())
    os << "'gradus " << tool.option.name << "' prints " << tool.option.help << ".\n";
  os << "exit codes: 0 success, 1 the spec or a check failed, 2 a wrong command line, 130 a run ended by Ctrl-C.\n";
}

std::string describeHelp(const OptionSpec &option) {
  std::string text = option.help.str();
  if (!option.initial.empty())
    text += " (default " + option.initial.str() + ")";
  if (!option.otherwise.empty())
    text += " (default: " + option.otherwise.str() + ")";
  return text + (option.isOften ? "; may come often" : "");
}

std::string getExample(const CommandSpec &command, const OptionSpec &option) {
  bool hasSpec = option.example.contains(".grad ") || command.start.empty();
  return ("gradus " + command.name + " " + (hasSpec ? "" : command.start + " ") + option.example).str();
}

void printCommandHelp(raw_ostream &os, const CommandSpec &command) {
  os << "gradus " << command.name << ": " << command.summary << "\n\nusage: gradus " << command.name << (command.options.empty() ? "" : " [OPTIONS]")
     << (command.inputs ? " " : "") << command.inputs.text << "\n";
  if (!command.options.empty())
    os << "\noptions:\n";
  auto describe = [](const OptionSpec &option) { return option.name.str() + (option.argument ? " " + option.argument.text.str() : ""); };
  size_t width = 0;
  for (const OptionSpec &option : command.options)
    width = std::max(width, describe(option).size());
  for (const OptionSpec &option : command.options)
    os << "  " << left_justify(describe(option), width + 2) << describeHelp(option) << '\n';
  if (!command.details.empty())
    os << '\n' << command.details;
  os << "\nexample:\n  gradus " << command.example << '\n';
}

} // namespace gradus::driver
