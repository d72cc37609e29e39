//===- CommandLine.h - Commands, their options and their help -----------------===//
//
// One table says what every command takes; parsing, `--help` and the errors of the command line read it.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
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

struct OptionSpec {
  llvm::StringRef name;     ///< "--dtype"
  llvm::StringRef argument; ///< "f32|f64"; empty for a switch. Words with '|' between them are the only ones allowed
  llvm::StringRef help;
};

/// A parsed command line.
struct Invocation {
  std::vector<std::string> inputs;
  std::map<std::string, std::string, std::less<>> options;
  std::vector<std::pair<std::string, std::string>> repeated; ///< every option in order, for those that may come often

  bool has(llvm::StringRef name) const { return options.find(name.str()) != options.end(); }
  std::string get(llvm::StringRef name, llvm::StringRef otherwise = "") const;
  /// A whole number, or nothing (with an error on stderr) if it is none or below `least`.
  std::optional<uint64_t> getCount(llvm::StringRef name, uint64_t otherwise, uint64_t least = 0) const;
};

struct CommandSpec {
  llvm::StringRef name;
  llvm::StringRef summary;
  llvm::StringRef inputs; ///< "SPEC.grad"; empty for a command that takes none
  llvm::ArrayRef<OptionSpec> options;
  llvm::StringRef example;
  int (*run)(const Invocation &);
  llvm::StringRef details = {}; ///< what `--help` says besides, in lines
};

/// All commands, sorted.
llvm::ArrayRef<CommandSpec> getCommands();
/// Runs the tool; returns its exit code.
int runTool(int argc, char **argv);
/// Versions of Gradus, LLVM, the ABI and the manifest schema.
void printVersion(llvm::raw_ostream &os);
/// One line on stderr: "gradus: error: ...".
int usageError(const std::string &text);

} // namespace gradus::driver
