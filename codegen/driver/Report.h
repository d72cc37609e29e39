//===- Report.h - What a command says, to a person or to a program ----------------===//
//
// A person reads lines as they come: findings on standard output, messages on standard error. With `--json` a program reads one document, on standard
// output, where nothing else stands; messages are in it. docs/schema.json describes it. A wrong command line is said on standard error in both.
//
//===----------------------------------------------------------------------------===//

#pragma once

#include "codegen/driver/CommandLine.h"
#include "lang/Messages.h"

#include "llvm/Support/JSON.h"

namespace gradus::driver {

class Report {
public:
  /// The document begins with its schema and the name of the command.
  Report(const Invocation &invocation, llvm::StringRef command);

  bool isJson() const { return isDocument; }
  /// What the command adds to its document.
  llvm::json::Object document;

  /// An error without a place.
  void error(const std::string &text);
  /// Adds the messages from number `first` on to the document. The first ones come in the order of the text, at most as many errors as are shown to a person.
  void addMessages(const Diagnostics &diagnostics, size_t first);
  /// Prints the document, unless the command line was wrong; returns the exit code.
  int finish(int exit);

private:
  bool isDocument;
  llvm::json::Array messages;
};

/// A number; "nan", "inf" or "-inf", which JSON cannot say otherwise.
llvm::json::Value numberToJson(double x);
/// Text of a user, which may be no UTF-8.
llvm::json::Value textToJson(llvm::StringRef text);

} // namespace gradus::driver
