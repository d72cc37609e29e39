//===- CommandLine.cpp - Parsing by the table of commands ------------------------===//

#include "codegen/driver/CommandLine.h"

#include "lang/Messages.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <limits>

using namespace llvm;

namespace gradus::driver {

const std::string *Invocation::find(OptionName name) const {
  for (const auto &[option, value] : reverse(given))
    if (option == name.text)
      return &value;
  return nullptr;
}

std::string Invocation::get(OptionName name, StringRef otherwise) const {
  if (const std::string *value = find(name))
    return *value;
  for (const OptionSpec &row : options)
    if (row.name == name.text && !row.initial.empty())
      return row.initial.str();
  return otherwise.str();
}

std::vector<std::string> Invocation::getAll(OptionName name) const {
  std::vector<std::string> values;
  for (const auto &[option, value] : given)
    if (option == name.text)
      values.push_back(value);
  return values;
}

std::optional<uint64_t> Invocation::getCount(OptionName name, uint64_t least) const { return readCount(name, get(name), least); }

std::optional<uint64_t> Invocation::getCountOr(OptionName name, uint64_t otherwise, uint64_t least) const {
  const std::string *value = find(name);
  return value ? readCount(name, *value, least) : otherwise;
}

std::optional<uint64_t> Invocation::readCount(OptionName name, const std::string &text, uint64_t least) const {
  int64_t value; // 2^63 and above would only wrap somewhere on the way
  if (!StringRef(text).getAsInteger(10, value) && value >= 0 && static_cast<uint64_t>(value) >= least)
    return value;
  usageError("'" + name.text.str() + "' expects a whole number from " + std::to_string(least) + " to " +
             std::to_string(std::numeric_limits<int64_t>::max()) + ", but got '" + text + "'");
  return std::nullopt;
}

int usageError(const std::string &text) {
  errs() << "gradus: error: " << text << '\n';
  return ExitUsage;
}

static std::string suggestion(StringRef word, ArrayRef<std::string> candidates) {
  std::string text = didYouMean(word.str(), std::span<const std::string>(candidates.begin(), candidates.size()));
  return text.empty() ? text : "; " + text;
}

/// Nothing where the value may stand behind `name`, or else what is wrong.
static std::string refuseValue(const std::string &name, const ArgumentSpec &argument, StringRef value) {
  std::string expects = "'" + name + "' expects " + (argument.accepts == Accepts::Word ? argument.words : argument.text).str();
  if (value.empty())
    return expects + ", but got nothing";
  SmallVector<StringRef> words;
  argument.words.split(words, '|');
  return argument.accepts != Accepts::Word || is_contained(words, value) ? "" : expects + ", but got '" + value.str() + "'";
}

static int refuseName(const CommandSpec &command, StringRef name) {
  std::vector<std::string> names{options::help.name.str()};
  for (const OptionSpec &candidate : command.options)
    names.push_back(candidate.name.str());
  return usageError("'gradus " + command.name.str() + "' has no option '" + name.str() + "'" + suggestion(name, names));
}

/// Parses "--name value", "--name=value" and inputs. Returns an exit code if the tool should end.
static std::optional<int> parseArguments(const CommandSpec &command, ArrayRef<char *> arguments, Invocation &invocation) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    StringRef word = arguments[i];
    if (word == options::help.name || word == options::help.alias) {
      printCommandHelp(outs(), command);
      return ExitOk;
    }
    if (!word.starts_with("-") || word == "-") {
      if (std::string wrong = refuseValue(("gradus " + command.name).str(), command.inputs, word); !wrong.empty() && command.inputs)
        return usageError(wrong);
      invocation.inputs.push_back(word.str());
      continue;
    }
    auto [name, value] = word.split('=');
    const auto *option = find_if(command.options, [&](const OptionSpec &candidate) { return candidate.name == name; });
    if (option == command.options.end())
      return refuseName(command, name);
    bool hasValue = word.contains('=');
    if (!option->argument && hasValue)
      return usageError("'" + name.str() + "' takes no value");
    if (option->argument && !hasValue) {
      if (++i == arguments.size())
        return usageError("'" + name.str() + "' expects " + option->argument.text.str());
      value = arguments[i];
    }
    if (std::string wrong = option->argument ? refuseValue(name.str(), option->argument, value) : ""; !wrong.empty())
      return usageError(wrong);
    invocation.add(*option, value);
  }
  if (!command.inputs && !invocation.inputs.empty())
    return usageError("'gradus " + command.name.str() + "' takes no file, but got '" + invocation.inputs.front() + "'");
  if (command.inputs && !command.inputs.text.starts_with("[") && invocation.inputs.empty())
    return usageError("'gradus " + command.name.str() + "' expects " + command.inputs.text.str());
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

const CommandSpec *findCommand(StringRef name) {
  const auto *command = find_if(getCommands(), [&](const CommandSpec &candidate) { return candidate.name == name; });
  if (command != getCommands().end())
    return command;
  std::vector<std::string> names;
  for (const CommandSpec &candidate : getCommands())
    names.push_back(candidate.name.str());
  usageError("no command '" + name.str() + "'" + suggestion(name, names) + " ('gradus --help' lists them)");
  return nullptr;
}

static int runCommand(int argc, char **argv) {
  if (argc < 2) {
    printToolHelp(errs());
    return ExitUsage;
  }
  StringRef word = argv[1];
  for (const ToolOption &tool : getToolOptions())
    if (word == tool.option.name || (!tool.option.alias.empty() && word == tool.option.alias)) {
      tool.print(outs());
      return ExitOk;
    }
  const CommandSpec *command = findCommand(word);
  if (!command)
    return ExitUsage;
  Invocation invocation(*command);
  if (std::optional<int> exit = parseArguments(*command, ArrayRef<char *>(argv + 2, argc - 2), invocation))
    return *exit;
  return command->run(invocation);
}

int runTool(int argc, char **argv) { return finishOutput(runCommand(argc, argv)); }

} // namespace gradus::driver
