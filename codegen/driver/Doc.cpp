//===- Doc.cpp - gradus doc ------------------------------------------------------===//
//
// Reads and compiles each spec, so that a page says what `gradus build` makes, and writes all pages at once.
//
//===----------------------------------------------------------------------===//

#include "codegen/doc/Pages.h"
#include "codegen/driver/Commands.h"
#include "codegen/driver/Session.h"
#include "codegen/emit/Explain.h"
#include "lang/Parser.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace mlir;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

namespace gradus::driver {

/// Lies in every folder of pages, with their names: what has none is not ours.
static constexpr llvm::StringLiteral markerName = ".gradus-doc";

static int fail(const std::string &text) {
  llvm::errs() << "gradus: error: " << text << '\n';
  return ExitFailed;
}

static std::string realPath(const std::string &file) {
  llvm::SmallString<256> real;
  return fs::real_path(file, real) ? file : std::string(real);
}

/// A name that needs no escapes in a link; the index has its own already.
static std::string toPageName(StringRef name) {
  std::string result;
  for (char c : name)
    result += llvm::isAlnum(c) || c == '-' || c == '_' || c == '.' ? c : '_';
  return result == "index" ? "index_" : result;
}

//===----------------------------------------------------------------------===//
// What is documented
//===----------------------------------------------------------------------===//

/// Every spec of the library, sorted by folder and name.
static std::vector<std::string> findLibrarySpecs(const std::string &folder, std::string &error) {
  std::vector<std::string> files;
  std::error_code code;
  for (fs::recursive_directory_iterator at(folder, code), end; at != end && !code; at.increment(code))
    if (path::extension(at->path()) == ".grad")
      files.push_back(at->path());
  if (code)
    error = "cannot read '" + folder + "': " + code.message();
  llvm::sort(files);
  return files;
}

/// The rows "| rules | update rules |" of the library's README.
static std::map<std::string, std::string> readTopics(const std::string &folder) {
  std::map<std::string, std::string> topics;
  auto file = llvm::MemoryBuffer::getFile(folder + "/README.md");
  if (!file)
    return topics;
  SmallVector<StringRef> lines;
  (*file)->getBuffer().split(lines, '\n');
  for (StringRef line : lines) {
    if (!line.consume_front("| "))
      continue;
    auto [name, text] = line.split(" | ");
    topics[name.str()] = text.rtrim(" |").str();
  }
  return topics;
}

/// Pages of one folder stand beside each other; those of several are below the names of the folders.
static bool placeSpecs(llvm::ArrayRef<std::string> files, doc::Library &library) {
  std::vector<std::string> folders;
  for (const std::string &file : files)
    folders.push_back(path::parent_path(realPath(file)).str());
  bool isOne = llvm::all_of(folders, [&](const std::string &folder) { return folder == folders.front(); });
  std::map<std::string, std::string> taken;
  for (auto [file, folder] : llvm::zip(files, folders)) {
    doc::Spec spec;
    spec.name = toPageName(path::stem(file));
    spec.folder = isOne ? "" : toPageName(path::filename(folder));
    spec.file = realPath(file);
    auto [other, isNew] = taken.try_emplace(spec.getPath(), file);
    if (!isNew) {
      llvm::errs() << "gradus: error: '" << other->second << "' and '" << file << "' would have one page, '" << spec.getPath() << "'; document them apart\n";
      return false;
    }
    library.specs.push_back(std::move(spec));
  }
  return true;
}

/// What is compiled of a spec; false on an error, which is then on stderr.
static bool readEntries(const std::string &file, const Invocation &invocation, doc::Spec &spec) {
  Session session;
  ModuleOp module = session.load(file, "f32", invocation);
  if (!module)
    return false;
  for (const std::string &read : session.getFiles())
    spec.reads.insert(realPath(read));
  session.keepEntries();
  if (!session.addGradients() || !session.completeSteps(invocation))
    return false;
  FailureOr<Artifact> artifact = describeArtifact(module, {spec.name, "", ""});
  if (failed(artifact)) {
    session.report();
    return false;
  }
  bool hasStep = llvm::any_of(artifact->entries, [](const ArtifactEntry &entry) { return entry.layout.kind == FuncKind::RuleStep || entry.layout.kind == FuncKind::TrainStep; });
  FailureOr<Explanation> explanation = hasStep ? explain(module, {}) : Explanation();
  if (session.report() || failed(explanation))
    return false;
  for (ArtifactEntry &entry : artifact->entries) {
    entry.doc.clear(); // the page has it
    doc::BuiltEntry built{entry.layout.name, renderDeclarations(entry), {}, {}};
    for (const ExplainedEntry &explained : *explanation)
      if (explained.name == built.name && (built.bytes = explained.getBytesPerParameter()))
        built.floor = explained.floor;
    spec.entries.push_back(std::move(built));
  }
  return true;
}

/// Trees, names and entries of all specs; false if one has errors.
static bool readSpecs(llvm::ArrayRef<std::string> files, const Invocation &invocation, SourceManager &sources, doc::Library &library) {
  Diagnostics diagnostics(sources);
  bool isSound = true;
  for (auto [file, spec] : llvm::zip(files, library.specs)) {
    spec.source = readSource(file, sources, diagnostics);
    spec.sheet = spec.source ? parse(*spec.source, diagnostics) : nullptr;
    if (!spec.sheet) {
      isSound = false;
      continue;
    }
    spec.names = std::make_unique<server::Names>(*spec.sheet);
    isSound &= readEntries(file, invocation, spec);
  }
  llvm::errs() << diagnostics.render();
  return isSound;
}

//===----------------------------------------------------------------------===//
// The folder
//===----------------------------------------------------------------------===//

/// Whether pages may be written there: it is not there, empty, or has pages of an earlier run, which are then in `before`.
static bool claimFolder(const std::string &folder, std::vector<std::string> &before, std::string &error) {
  if (!fs::exists(folder))
    return true;
  if (!fs::is_directory(folder)) {
    error = "'" + folder + "' is a file; '-o' expects a folder";
    return false;
  }
  llvm::SmallString<256> marker(folder);
  path::append(marker, markerName);
  if (auto file = llvm::MemoryBuffer::getFile(marker)) {
    SmallVector<StringRef> lines;
    (*file)->getBuffer().split(lines, '\n', -1, /*KeepEmpty=*/false);
    for (StringRef line : lines)
      if (line.ends_with(".html") && !line.contains("..") && !path::is_absolute(line))
        before.push_back(line.str());
    return true;
  }
  std::error_code code;
  bool isEmpty = fs::directory_iterator(folder, code) == fs::directory_iterator();
  if (code)
    error = "cannot read '" + folder + "': " + code.message();
  else if (!isEmpty)
    error = "'" + folder + "' holds files that 'gradus doc' did not write; name a new folder by '-o'";
  return error.empty();
}

/// Writes all pages, then takes away those of an earlier run that are no longer there.
static bool writePages(const std::string &folder, std::vector<OutputFile> files, llvm::ArrayRef<std::string> before, std::string &error) {
  std::set<std::string> names;
  std::string list;
  for (OutputFile &file : files) {
    names.insert(file.path);
    list += file.path + "\n";
  }
  files.push_back({markerName.str(), list});
  auto pathOf = [&](StringRef name) {
    llvm::SmallString<256> full(folder);
    path::append(full, name);
    return std::string(full);
  };
  for (OutputFile &file : files)
    file.path = pathOf(file.path);
  if (!writeFiles(files, error))
    return false;
  for (const std::string &name : before)
    if (!names.count(name)) {
      fs::remove(pathOf(name));
      if (StringRef parent = path::parent_path(name); !parent.empty())
        fs::remove(pathOf(parent)); // if it is empty now
    }
  return true;
}

int runDoc(const Invocation &invocation) {
  bool isLibrary = invocation.has("--std");
  if (isLibrary != invocation.inputs.empty())
    return usageError(isLibrary ? "'--std' is the whole library: it goes without specs" : "'gradus doc' expects specs, or '--std'");
  std::string error, folder = invocation.get("-o"), shelf = findLibraryFolder() + "/std";
  std::vector<std::string> before, files = isLibrary ? findLibrarySpecs(shelf, error) : invocation.inputs;
  if (!error.empty() || !claimFolder(folder, before, error))
    return fail(error);
  if (files.empty())
    return fail("'" + shelf + "' has no spec; set GRADUS_LIBRARY to the folder that holds 'std'");
  doc::Library library;
  library.title = invocation.get("--title", isLibrary ? "The standard library of Gradus" : files.size() == 1 ? path::stem(files.front()).str() : "Specs");
  if (isLibrary)
    library.topics = readTopics(shelf);
  SourceManager sources;
  if (!placeSpecs(files, library) || !readSpecs(files, invocation, sources, library))
    return ExitFailed;
  library.connect();
  if (!writePages(folder, doc::renderPages(library), before, error))
    return fail(error);
  llvm::SmallString<256> index(folder);
  path::append(index, "index.html");
  llvm::outs() << index << '\n';
  return ExitOk;
}

} // namespace gradus::driver
