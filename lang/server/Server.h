//===- Server.h - The language server -------------------------------*- C++ -*-===//

#ifndef GRADUS_LANG_SERVER_SERVER_H
#define GRADUS_LANG_SERVER_SERVER_H

#include "lang/server/Analysis.h"

#include "llvm/Support/raw_ostream.h"

#include <cstdio>
#include <string>
#include <vector>

namespace gradus::server {

struct ServerOptions {
  std::string version;
  /// The folder with `std` and REFERENCE.md.
  std::string library;
  std::vector<std::string> importFolders;
  /// What follows the front end where it found no error.
  LaterCheck check;
};

/// Speaks the Language Server Protocol until the client says `exit` or closes `in`. Whether it said `shutdown` before.
bool serve(std::FILE *in, llvm::raw_ostream &out, const ServerOptions &options);

} // namespace gradus::server

#endif // GRADUS_LANG_SERVER_SERVER_H
