//===- Files.cpp - reading specs ------------------------------------------===//
//
// What cannot be a spec is refused before a lexer sees it, so that no later phase meets a NUL or broken UTF-8.
//
//===----------------------------------------------------------------------===//

#include "lang/Parser.h"
#include "lang/Utf8.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace gradus;

static Diagnostic &tooLarge(const Source &source, Diagnostics &diagnostics) {
  return diagnostics
      .error(Code::FileTooLarge, source.wholeFile(),
             "the file is larger than the " + std::to_string(maxFileSize >> 20) + " MiB that a spec may have")
      .suggest("split it into files and import them; tables of data belong into arguments");
}

const Source *gradus::readSource(const std::string &path, SourceManager &sources, Diagnostics &diagnostics) {
  llvm::sys::fs::file_status status;
  std::error_code failed = llvm::sys::fs::status(path, status);
  bool isDirectory = !failed && llvm::sys::fs::is_directory(status);
  bool isTooLarge = !failed && llvm::sys::fs::is_regular_file(status) && status.getSize() > maxFileSize;
  if (failed || isDirectory || isTooLarge) {
    const Source &source = sources.add(path, {});
    if (isDirectory)
      diagnostics.error(Code::FileIsDirectory, source.wholeFile(), "this is a directory, not a spec")
          .suggest("name a .grad file in it");
    else if (isTooLarge)
      tooLarge(source, diagnostics);
    else
      diagnostics.error(Code::FileUnreadable, source.wholeFile(), "cannot read the file: " + failed.message())
          .suggest("check the path and its permissions");
    return nullptr;
  }
  // Pipes have no size of their own; read at most one byte beyond the limit of any file.
  auto file = llvm::sys::fs::openNativeFileForRead(path);
  llvm::SmallString<0> text;
  llvm::Error error = file ? llvm::Error::success() : file.takeError();
  for (bool atEnd = false; !error && !atEnd && text.size() <= maxFileSize;) {
    size_t before = text.size();
    text.resize_for_overwrite(before + (size_t(1) << 16));
    auto got = llvm::sys::fs::readNativeFile(*file, llvm::MutableArrayRef<char>(text.data() + before, size_t(1) << 16));
    text.truncate(before + (got ? *got : 0));
    atEnd = got && *got == 0;
    if (!got)
      error = got.takeError();
  }
  if (file)
    llvm::sys::fs::closeFile(*file);
  if (error) {
    diagnostics
        .error(Code::FileUnreadable, sources.add(path, {}).wholeFile(),
               "cannot read the file: " + llvm::toString(std::move(error)))
        .suggest("check the path and its permissions");
    return nullptr;
  }
  return &sources.add(path, text.str().str());
}

bool gradus::checkText(const Source &source, Diagnostics &diagnostics) {
  std::string_view text = source.getText();
  if (text.size() > maxFileSize) {
    tooLarge(source, diagnostics);
    return false;
  }
  bool isWide = text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
  if (isWide || text.starts_with("\xEF\xBB\xBF")) {
    diagnostics
        .error(Code::FileHasBom, source.locate(0),
               isWide ? "the file is UTF-16, not UTF-8" : "the file begins with a byte order mark")
        .suggest("save the file as UTF-8 without byte order mark");
    return false;
  }
  if (size_t at = text.find('\0'); at != std::string_view::npos) {
    diagnostics.error(Code::FileHasNul, source.locate(at), "a spec holds no NUL byte")
        .suggest("this looks like a binary file; a spec is text in UTF-8");
    return false;
  }
  for (size_t pos = 0; pos < text.size();) {
    Utf8Length length = utf8Length(text, pos);
    if (!length.isValid) {
      diagnostics.error(Code::FileNotUtf8, source.locate(pos), "this byte is not valid UTF-8")
          .suggest("save the file as UTF-8");
      return false;
    }
    pos += length.bytes;
  }
  return true;
}
