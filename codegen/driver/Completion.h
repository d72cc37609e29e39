//===- Completion.h - What makes a shell complete -------------------------------===//
//
// Each shell gets one file that is made of the table of commands; it asks nothing of the tool while one types.
//
//===----------------------------------------------------------------------------===//

#pragma once

#include "codegen/driver/CommandLine.h"

namespace gradus::driver {

void printBashCompletion(llvm::raw_ostream &os);
void printFishCompletion(llvm::raw_ostream &os);
void printZshCompletion(llvm::raw_ostream &os);

/// The words of an argument.
llvm::SmallVector<llvm::StringRef> splitWords(const ArgumentSpec &argument);
/// The same, and for a command the names of all, with `between` between.
std::string joinWords(const ArgumentSpec &argument, llvm::StringRef between);
/// The rows of a command with that of `--help`.
llvm::SmallVector<OptionSpec> getOptionsWithHelp(const CommandSpec &command);

} // namespace gradus::driver
