//===- Writers.h - The files of an artifact -------------------------------------===//
//
// Each writer turns the description into the text or the bytes of one file; `writeFiles` puts them on the disk together.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/emit/Artifact.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace llvm {
class Module;
} // namespace llvm

namespace gradus {

/// Adds the constant entry tables and the exported functions to the lowered module, and gives all other definitions internal
/// linkage. The kernels `<cName>__kernel` and `<cName>__workspace` must be there; false, with `error`, where one is not.
bool addEntryTable(llvm::Module &module, const Artifact &artifact, std::string &error);

/// The structs and functions of one entry, as spec.h has them.
std::string renderDeclarations(const ArtifactEntry &entry);
/// spec.h: C99 and C++.
std::string renderHeader(const Artifact &artifact);
/// spec.hpp: C++17 and later, over spec.h and gradus.hpp.
std::string renderCppHeader(const Artifact &artifact);
/// spec.json.
std::string renderManifest(const Artifact &artifact);
/// spec.d: every output depends on every input. Paths as they are to stand in it.
std::string renderDepfile(llvm::ArrayRef<std::string> outputs, llvm::ArrayRef<std::string> inputs);
/// spec.a: one object, without date or owner. Empty with `error` on failure.
std::string renderArchive(llvm::StringRef memberName, llvm::StringRef object, std::string &error);

struct OutputFile {
  std::string path;
  std::string content;
};
/// Creates missing folders, writes all files under temporary names and renames them when all are written; false, with `error`
/// and nothing left behind, on failure.
bool writeFiles(llvm::ArrayRef<OutputFile> files, std::string &error);

} // namespace gradus
