//===- Input.h - Messages as they arrive ----------------------------*- C++ -*-===//

#ifndef GRADUS_LANG_SERVER_INPUT_H
#define GRADUS_LANG_SERVER_INPUT_H

#include "llvm/Support/LSP/Transport.h"

#include <functional>
#include <string>

namespace gradus::server {

/// Reads messages from a descriptor, and tells when the client has nothing more to say: what can wait is done then, so that many changes in a row
/// are one.
class Input : public llvm::lsp::JSONTransportInput {
public:
  Input(int descriptor, std::function<void()> onQuiet) : descriptor(descriptor), onQuiet(std::move(onQuiet)) {}

  bool hasError() const final { return isBroken; }
  bool isEndOfInput() const final { return isAtEnd; }
  llvm::LogicalResult readStandardMessage(std::string &json) final;
  llvm::LogicalResult readDelimitedMessage(std::string &) final { return llvm::failure(); } // no client of ours speaks so

private:
  /// Waits for more; false at the end.
  bool fill();
  /// A line without its end.
  bool readLine(std::string &line);

  int descriptor;
  std::function<void()> onQuiet;
  /// What has arrived and is not taken yet.
  std::string buffer;
  bool isBroken = false, isAtEnd = false;
};

} // namespace gradus::server

#endif // GRADUS_LANG_SERVER_INPUT_H
