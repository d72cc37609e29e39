//===- Cubin.cpp - PTX through the assembler of a CUDA toolkit -----------------------===//

#include "codegen/gpu/Ptx.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace gradus {

std::string findPtxas() {
  if (llvm::ErrorOr<std::string> found = llvm::sys::findProgramByName("ptxas"))
    return *found;
  std::vector<std::string> folders;
  for (const char *name : {"CUDA_ROOT", "CUDA_HOME"})
    if (const char *root = std::getenv(name); root && *root)
      folders.push_back(std::string(root) + "/bin");
  folders.push_back("/usr/local/cuda/bin");
  for (const std::string &folder : folders)
    if (llvm::ErrorOr<std::string> found = llvm::sys::findProgramByName("ptxas", {folder}))
      return *found;
  return "";
}

/// The number before `word` in a line, 0 if it is not there.
static unsigned numberBefore(StringRef line, StringRef word) {
  StringRef before = line.take_front(line.find(word)).rtrim();
  unsigned number = 0;
  if (!line.contains(word) || before.take_back(before.size() - before.find_last_not_of("0123456789") - 1).getAsInteger(10, number))
    return 0;
  return number;
}

/// "Compiling entry function 'k' for 'sm_80'", then a line of spills and one of registers.
static std::vector<KernelUse> parseUse(StringRef text) {
  std::vector<KernelUse> kernels;
  for (StringRef line : llvm::split(text, '\n')) {
    if (line.contains("Compiling entry function"))
      kernels.push_back({line.split('\'').second.split('\'').first.str()});
    if (kernels.empty())
      continue;
    KernelUse &kernel = kernels.back();
    if (line.contains("spill stores")) {
      kernel.spillStores = numberBefore(line, " bytes spill stores");
      kernel.spillLoads = numberBefore(line, " bytes spill loads");
    }
    if (line.contains(" registers"))
      kernel.registers = numberBefore(line, " registers");
  }
  return kernels;
}

static std::string readFile(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : "";
}

FailureOr<Cubin> emitCubin(StringRef ptx, StringRef chip, StringRef ptxas, std::string &error) {
  SmallString<128> source, object, messages;
  for (auto [path, suffix] : {std::pair(&source, "ptx"), std::pair(&object, "cubin"), std::pair(&messages, "txt")})
    if (std::error_code problem = llvm::sys::fs::createTemporaryFile("gradus", suffix, *path)) {
      error = "cannot make a temporary file: " + problem.message();
      return failure();
    }
  llvm::FileRemover removeSource(source), removeObject(object), removeMessages(messages);
  std::error_code problem;
  {
    llvm::raw_fd_ostream file(source, problem);
    file << ptx;
  }
  std::string name = "--gpu-name=" + chip.str();
  // Nothing may be contracted, as everywhere.
  SmallVector<StringRef> arguments = {ptxas, "--verbose", "--opt-level=3", "--fmad=false", name, "--output-file", object, source};
  std::optional<StringRef> redirects[] = {StringRef(""), StringRef(messages), StringRef(messages)};
  std::string reason;
  int status = problem ? -1 : llvm::sys::ExecuteAndWait(ptxas, arguments, std::nullopt, redirects, 0, 0, &reason);
  std::string said = readFile(messages);
  if (status != 0) {
    error = (ptxas + " for " + chip + " failed: " + (said.empty() ? reason : said)).str();
    return failure();
  }
  Cubin cubin;
  std::string bytes = readFile(object);
  cubin.bytes.assign(bytes.begin(), bytes.end());
  cubin.kernels = parseUse(said);
  return cubin;
}

} // namespace gradus
