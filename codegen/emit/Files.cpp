//===- Files.cpp - The archive, the depfile, and all files at once ----------------===//

#include "codegen/emit/Writers.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace gradus {

std::string renderArchive(StringRef memberName, StringRef object, std::string &error) {
  std::vector<NewArchiveMember> members;
  members.emplace_back(MemoryBufferRef(object, memberName));
  // Deterministic: no time, owner or group. The GNU kind is what the linkers of Linux read.
  Expected<std::unique_ptr<MemoryBuffer>> buffer =
      writeArchiveToBuffer(members, SymtabWritingMode::NormalSymtab, object::Archive::K_GNU, /*Deterministic=*/true,
                           /*Thin=*/false);
  if (!buffer) {
    error = toString(buffer.takeError());
    return {};
  }
  return (*buffer)->getBuffer().str();
}

/// A path as make reads it: blanks, '#' and '$' would end or begin something.
static std::string escapePath(StringRef path) {
  std::string result;
  for (char c : path) {
    if (c == ' ' || c == '#' || c == '\\')
      result += '\\';
    if (c == '$')
      result += '$';
    result += c;
  }
  return result;
}

std::string renderDepfile(ArrayRef<std::string> outputs, ArrayRef<std::string> inputs) {
  std::string text;
  raw_string_ostream os(text);
  for (const std::string &output : outputs)
    os << (&output == outputs.begin() ? "" : " ") << escapePath(output);
  os << ':';
  for (const std::string &input : inputs)
    os << " \\\n  " << escapePath(input);
  os << '\n';
  return text;
}

/// Writes one file under a fresh name beside its own; the name, or empty with `error`.
static std::string writeTemporary(const OutputFile &file, std::string &error) {
  StringRef folder = sys::path::parent_path(file.path);
  if (std::error_code code = folder.empty() ? std::error_code() : sys::fs::create_directories(folder)) {
    error = "cannot create '" + folder.str() + "': " + code.message();
    return {};
  }
  int descriptor = -1;
  SmallString<256> name;
  // 0666 less the umask, as any compiler's output.
  if (std::error_code code = sys::fs::createUniqueFile(file.path + ".%%%%%%%%.tmp", descriptor, name, sys::fs::OF_None,
                                                       sys::fs::all_read | sys::fs::all_write)) {
    error = "cannot write '" + file.path + "': " + code.message();
    return {};
  }
  raw_fd_ostream os(descriptor, /*shouldClose=*/true);
  os << file.content;
  os.close();
  if (!os.has_error())
    return std::string(name);
  error = "cannot write '" + file.path + "': " + os.error().message();
  os.clear_error();
  sys::fs::remove(name);
  return {};
}

bool writeFiles(ArrayRef<OutputFile> files, std::string &error) {
  std::vector<std::string> temporaries;
  scope_exit removeAll([&] {
    for (const std::string &name : temporaries)
      sys::fs::remove(name);
  });
  for (const OutputFile &file : files) {
    if (sys::fs::is_directory(file.path)) {
      error = "cannot write '" + file.path + "': it is a folder";
      return false;
    }
    std::string name = writeTemporary(file, error);
    if (name.empty())
      return false;
    temporaries.push_back(name);
  }
  for (auto [index, file] : enumerate(files)) {
    if (std::error_code code = sys::fs::rename(temporaries[index], file.path)) {
      error = "cannot write '" + file.path + "': " + code.message();
      // A set that is half new is worse than none.
      for (size_t done = 0; done < index; ++done)
        sys::fs::remove(files[done].path);
      return false;
    }
  }
  removeAll.release();
  return true;
}

} // namespace gradus
