//===- CommandLine.h - Parsing a command line, and what a command is given ------===//
//
// The table of commands (CommandSpec.h) says what every command takes; parsing, help and the errors of the command line read it.
//
//===----------------------------------------------------------------------------===//

#pragma once

#include "codegen/driver/Options.h"

#include "llvm/Support/raw_ostream.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace gradus::driver {

/// Exit codes of the tool.
enum Exit : int {
  ExitOk = 0,
  ExitFailed = 1, ///< the spec has errors, a test or a check failed, a file could not be written
  ExitUsage = 2,  ///< the command line is wrong
};

/// Not there when the compiler is compiled: so a call of it is an error then.
void thereIsNoRowForThisOption();

/// The name of an option that some command has: any other one does not compile.
struct OptionName {
  template <size_t N>
  consteval OptionName(const char (&name)[N]) : text(name, N - 1) {
    if (!options::hasRow({name, N - 1}))
      thereIsNoRowForThisOption();
  }
  llvm::StringRef text;
};

/// A parsed command line.
class Invocation {
public:
  Invocation() = default; ///< of no command: nothing is given
  explicit Invocation(const CommandSpec &command) : options(command.options) {}

  std::vector<std::string> inputs;

  void add(const OptionSpec &option, llvm::StringRef value) { given.emplace_back(option.name.str(), value.str()); }
  bool has(OptionName name) const { return find(name) != nullptr; }
  /// The value that was given last; without one what the command's row has as the initial value, and else `otherwise`.
  std::string get(OptionName name, llvm::StringRef otherwise = "") const;
  /// All values in order, of an option that may come often.
  std::vector<std::string> getAll(OptionName name) const;
  /// A whole number, or nothing (with an error on stderr) if it is none or below `least`.
  std::optional<uint64_t> getCount(OptionName name, uint64_t least) const;
  /// The same for an option whose row has no initial value.
  std::optional<uint64_t> getCountOr(OptionName name, uint64_t otherwise, uint64_t least) const;

private:
  const std::string *find(OptionName name) const;
  std::optional<uint64_t> readCount(OptionName name, const std::string &value, uint64_t least) const;

  llvm::ArrayRef<OptionSpec> options;
  std::vector<std::pair<std::string, std::string>> given;
};

/// An option of the tool itself, in the place of a command.
struct ToolOption {
  OptionSpec option;
  void (*print)(llvm::raw_ostream &os);
};

/// All commands, sorted.
llvm::ArrayRef<CommandSpec> getCommands();
/// Null where there is none of that name, after an error on stderr.
const CommandSpec *findCommand(llvm::StringRef name);
llvm::ArrayRef<ToolOption> getToolOptions();
/// Runs the tool; returns its exit code.
int runTool(int argc, char **argv);
/// One line on stderr: "gradus: error: ...".
int usageError(const std::string &text);

/// What the tool is, and all commands with a line each.
void printToolHelp(llvm::raw_ostream &os);
/// The options of a command with what else there is to say.
void printCommandHelp(llvm::raw_ostream &os, const CommandSpec &command);
/// "storage of parameters (default f32)".
std::string describeHelp(const OptionSpec &option);
/// "gradus build adamw.grad --dtype f64".
std::string getExample(const CommandSpec &command, const OptionSpec &option);

} // namespace gradus::driver
