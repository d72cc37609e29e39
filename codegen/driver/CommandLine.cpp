//===- CommandLine.cpp - Parsing and help from the table of commands ----------===//

#include "codegen/driver/CommandLine.h"

#include "lang/Messages.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <limits>

using namespace llvm;

namespace gradus::driver {

std::string Invocation::get(StringRef name, StringRef otherwise) const {
  auto at = options.find(name.str());
  return at == options.end() ? otherwise.str() : at->second;
}

std::optional<uint64_t> Invocation::getCount(StringRef name, uint64_t otherwise, uint64_t least) const {
  auto at = options.find(name.str());
  if (at == options.end())
    return otherwise;
  int64_t value; // 2^63 and above would only wrap somewhere on the way
  if (!StringRef(at->second).getAsInteger(10, value) && value >= 0 && static_cast<uint64_t>(value) >= least)
    return value;
  usageError("'" + name.str() + "' expects a whole number from " + std::to_string(least) + " to " +
             std::to_string(std::numeric_limits<int64_t>::max()) + ", but got '" + at->second + "'");
  return std::nullopt;
}

int usageError(const std::string &text) {
  errs() << "gradus: error: " << text << '\n';
  return ExitUsage;
}

static void printToolHelp(raw_ostream &os) {
  os << "gradus: compiles losses and update rules to kernels with a C ABI\n\n"
        "usage: gradus COMMAND [OPTIONS] SPEC.grad\n\ncommands:\n";
  for (const CommandSpec &command : getCommands())
    os << "  " << left_justify(command.name, 10) << command.summary << '\n';
  os << "\n'gradus COMMAND --help' lists the options of a command with an example.\n"
        "'gradus --codes' lists the codes of messages.\n"
        "'gradus --version' prints the versions of the tool, LLVM, the ABI and the manifest schema.\n"
        "exit codes: 0 success, 1 the spec or a check failed, 2 a wrong command line, 130 a run ended by Ctrl-C.\n";
}

static void printCommandHelp(raw_ostream &os, const CommandSpec &command) {
  os << "gradus " << command.name << ": " << command.summary << "\n\nusage: gradus " << command.name << " [OPTIONS]"
     << (command.inputs.empty() ? "" : " ") << command.inputs << "\n";
  if (!command.options.empty())
    os << "\noptions:\n";
  auto describe = [](const OptionSpec &option) { return option.name.str() + (option.argument.empty() ? "" : " " + option.argument.str()); };
  size_t width = 0;
  for (const OptionSpec &option : command.options)
    width = std::max(width, describe(option).size());
  for (const OptionSpec &option : command.options)
    os << "  " << left_justify(describe(option), width + 2) << option.help << '\n';
  if (!command.details.empty())
    os << '\n' << command.details;
  os << "\nexample:\n  " << command.example << '\n';
}

static void printCodes(raw_ostream &os) {
  for (Code code : getCodes())
    os << codeName(code) << "  " << codeTitle(code) << '\n';
}

static std::string suggestion(StringRef word, ArrayRef<std::string> candidates) {
  std::string text = didYouMean(word.str(), std::span<const std::string>(candidates.begin(), candidates.size()));
  return text.empty() ? text : "; " + text;
}

/// Where an option's argument lists words with '|', its value must be one of them.
static bool isAllowed(const OptionSpec &option, StringRef value) {
  if (!option.argument.contains('|'))
    return true;
  SmallVector<StringRef> words;
  option.argument.split(words, '|');
  return is_contained(words, value);
}

/// Parses "--name value", "--name=value" and inputs. Returns an exit code if the tool should end.
static std::optional<int> parseArguments(const CommandSpec &command, ArrayRef<char *> arguments, Invocation &invocation) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    StringRef word = arguments[i];
    if (word == "--help" || word == "-h") {
      printCommandHelp(outs(), command);
      return ExitOk;
    }
    if (!word.starts_with("-") || word == "-") {
      invocation.inputs.push_back(word.str());
      continue;
    }
    auto [name, value] = word.split('=');
    const OptionSpec *option = find_if(command.options, [&](const OptionSpec &candidate) { return candidate.name == name; });
    if (option == command.options.end()) {
      std::vector<std::string> names;
      for (const OptionSpec &candidate : command.options)
        names.push_back(candidate.name.str());
      return usageError("'gradus " + command.name.str() + "' has no option '" + name.str() + "'" + suggestion(name, names));
    }
    bool hasValue = word.contains('=');
    if (option->argument.empty() && hasValue)
      return usageError("'" + name.str() + "' takes no value");
    if (!option->argument.empty() && !hasValue) {
      if (++i == arguments.size())
        return usageError("'" + name.str() + "' expects " + option->argument.str());
      value = arguments[i];
    }
    if (!option->argument.empty() && value.empty())
      return usageError("'" + name.str() + "' expects " + option->argument.str() + ", but got nothing");
    if (!isAllowed(*option, value))
      return usageError("'" + name.str() + "' expects " + option->argument.str() + ", but got '" + value.str() + "'");
    invocation.options[name.str()] = value.str();
    invocation.repeated.emplace_back(name.str(), value.str());
  }
  if (command.inputs.empty() && !invocation.inputs.empty())
    return usageError("'gradus " + command.name.str() + "' takes no file, but got '" + invocation.inputs.front() + "'");
  if (!command.inputs.empty() && invocation.inputs.empty())
    return usageError("'gradus " + command.name.str() + "' expects " + command.inputs.str());
  return std::nullopt;
}

/// What the tool prints has arrived, or the exit code and a message say that it has not. LLVM would end the process with a
/// crash report instead.
static int finishOutput(int exit) {
  outs().flush();
  if (!outs().has_error())
    return exit;
  errs() << "gradus: error: cannot write the output: " << outs().error().message() << '\n';
  outs().clear_error();
  return exit == ExitOk ? int(ExitFailed) : exit;
}

static int runCommand(int argc, char **argv) {
  if (argc < 2) {
    printToolHelp(errs());
    return ExitUsage;
  }
  StringRef word = argv[1];
  if (word == "--help" || word == "-h" || word == "help") {
    printToolHelp(outs());
    return ExitOk;
  }
  if (word == "--codes") {
    printCodes(outs());
    return ExitOk;
  }
  if (word == "--version") {
    printVersion(outs());
    return ExitOk;
  }
  const CommandSpec *command = find_if(getCommands(), [&](const CommandSpec &candidate) { return candidate.name == word; });
  if (command == getCommands().end()) {
    std::vector<std::string> names;
    for (const CommandSpec &candidate : getCommands())
      names.push_back(candidate.name.str());
    return usageError("no command '" + word.str() + "'" + suggestion(word, names) + " ('gradus --help' lists them)");
  }
  Invocation invocation;
  if (std::optional<int> exit = parseArguments(*command, ArrayRef<char *>(argv + 2, argc - 2), invocation))
    return *exit;
  return command->run(invocation);
}

int runTool(int argc, char **argv) { return finishOutput(runCommand(argc, argv)); }

} // namespace gradus::driver
