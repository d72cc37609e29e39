//===- Server.cpp - The language server --------------------------------------===//
//
// The protocol: which documents are open, what is asked, and in which form it is answered. A document that has changed, or a file that it imports, is
// read when something is asked of it or when the client is quiet: many keys in a row are one change, and no answer is that of an older version.
//
//===----------------------------------------------------------------------===//

#include "lang/server/Server.h"

#include "lang/Parser.h"
#include "lang/server/Answers.h"
#include "lang/server/Input.h"
#include "lang/server/References.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/LSP/Transport.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <cstdio>

using namespace gradus;
using namespace gradus::server;
namespace lsp = llvm::lsp;
namespace json = llvm::json;

namespace {

/// What a request names that is about a document as a whole.
struct DocumentParams {
  lsp::TextDocumentIdentifier textDocument;
};
bool fromJSON(const json::Value &value, DocumentParams &result, json::Path path) {
  json::ObjectMapper mapper(value, path);
  return mapper && mapper.map("textDocument", result.textDocument);
}

/// What `initialize` tells of where the specs lie.
struct InitializeParams {
  std::optional<std::string> rootUri;
};
bool fromJSON(const json::Value &value, InitializeParams &result, json::Path path) {
  json::ObjectMapper mapper(value, path);
  return mapper && mapper.map("rootUri", result.rootUri);
}

struct RenameParams : lsp::TextDocumentPositionParams {
  std::string newName;
};
bool fromJSON(const json::Value &value, RenameParams &result, json::Path path) {
  json::ObjectMapper mapper(value, path);
  return fromJSON(value, static_cast<lsp::TextDocumentPositionParams &>(result), path) && mapper && mapper.map("newName", result.newName);
}

/// A text of more lines is checked behind the front end when it is opened or saved, not at each key.
constexpr size_t mostLinesCheckedAlways = 400;

/// The most specs, and the most files at all, of a folder that are looked through for a name.
constexpr size_t mostSpecs = 2000, mostFiles = 100000;

/// One open document.
struct Document {
  lsp::URIForFile uri;
  std::string text;
  int64_t version = 0;
  std::unique_ptr<Analysis> analysis;
  /// The analysis is none of this text, or of what the text imports.
  bool isStale = true;
  /// What follows the front end is wanted, however long the text is.
  bool isWhole = true;
};

class Server {
public:
  Server(lsp::MessageHandler &handler, const ServerOptions &options)
      : options(options), reference(readReference(options.library)), publish(handler.outgoingNotification<json::Value>("textDocument/publishDiagnostics")) {
    emitOptions.standardLibrary = options.library + "/std";
    emitOptions.importFolders = options.importFolders;
    handler.method("initialize", this, &Server::onInitialize);
    handler.method("shutdown", this, &Server::onShutdown);
    handler.method("textDocument/completion", this, &Server::onCompletion);
    handler.method("textDocument/definition", this, &Server::onDefinition);
    handler.method("textDocument/documentSymbol", this, &Server::onSymbols);
    handler.method("textDocument/formatting", this, &Server::onFormatting);
    handler.method("textDocument/hover", this, &Server::onHover);
    handler.method("textDocument/prepareRename", this, &Server::onPrepareRename);
    handler.method("textDocument/references", this, &Server::onReferences);
    handler.method("textDocument/rename", this, &Server::onRename);
    handler.method("textDocument/signatureHelp", this, &Server::onSignature);
    handler.notification("initialized", this, &Server::onInitialized);
    handler.notification("textDocument/didChange", this, &Server::onChange);
    handler.notification("textDocument/didClose", this, &Server::onClose);
    handler.notification("textDocument/didOpen", this, &Server::onOpen);
    handler.notification("textDocument/didSave", this, &Server::onSave);
  }

  /// Reads what has changed.
  void update() {
    for (auto &[path, document] : documents)
      update(document);
  }

  bool isShutDown = false;

private:
  static Reference readReference(const std::string &library) {
    auto page = llvm::MemoryBuffer::getFile(library + "/REFERENCE.md");
    return Reference(page ? (*page)->getBuffer() : "");
  }

  //===--- Life ---===//

  void onInitialize(const InitializeParams &params, lsp::Callback<json::Value> reply) {
    llvm::Expected<lsp::URIForFile> folder = lsp::URIForFile::fromURI(params.rootUri.value_or(""));
    if (folder)
      root = folder->file().str();
    else
      llvm::consumeError(folder.takeError()); // a client without a folder
    json::Object capabilities{
        {"completionProvider", json::Object{{"triggerCharacters", json::Array{".", "\"", "/"}}}},
        {"definitionProvider", true},
        {"documentFormattingProvider", true},
        {"documentSymbolProvider", true},
        {"hoverProvider", true},
        {"positionEncoding", "utf-16"},
        {"referencesProvider", true},
        {"renameProvider", json::Object{{"prepareProvider", true}}},
        {"signatureHelpProvider", json::Object{{"triggerCharacters", json::Array{"(", ","}}}},
        {"textDocumentSync", json::Object{{"openClose", true}, {"change", static_cast<int>(lsp::TextDocumentSyncKind::Incremental)}, {"save", true}}},
    };
    json::Object info{{"name", "gradus"}, {"version", options.version}};
    reply(json::Value(json::Object{{"capabilities", std::move(capabilities)}, {"serverInfo", std::move(info)}}));
  }
  void onInitialized(const lsp::InitializedParams &) {}
  void onShutdown(const lsp::NoParams &, lsp::Callback<json::Value> reply) {
    isShutDown = true;
    reply(json::Value(nullptr));
  }

  //===--- Documents ---===//

  void onOpen(const lsp::DidOpenTextDocumentParams &params) {
    Document &document = documents[params.textDocument.uri.file().str()];
    document.uri = params.textDocument.uri;
    document.text = params.textDocument.text;
    document.version = params.textDocument.version;
    document.isWhole = true;
    change(document);
  }

  void onSave(const DocumentParams &params) {
    auto it = documents.find(params.textDocument.uri.file().str());
    if (it == documents.end())
      return;
    it->second.isWhole = true;
    change(it->second);
  }

  void onChange(const lsp::DidChangeTextDocumentParams &params) {
    auto it = documents.find(params.textDocument.uri.file().str());
    if (it == documents.end())
      return;
    std::string &text = it->second.text;
    for (const lsp::TextDocumentContentChangeEvent &change : params.contentChanges) {
      if (!change.range) {
        text = change.text;
        continue;
      }
      size_t begin = offsetOf(text, change.range->start), end = std::max(begin, offsetOf(text, change.range->end));
      text.replace(begin, end - begin, change.text);
    }
    it->second.version = params.textDocument.version;
    change(it->second);
  }

  void onClose(const lsp::DidCloseTextDocumentParams &params) {
    auto it = documents.find(params.textDocument.uri.file().str());
    if (it == documents.end())
      return;
    publish(json::Value(json::Object{{"uri", it->second.uri}, {"diagnostics", json::Array()}}));
    // What imports it reads the file again.
    std::string path = realPathOf(it->first);
    documents.erase(it);
    emitOptions.texts.erase(path);
    makeImportersStale(path);
  }

  /// What is known of a document, and of those that import it, is out of date.
  void change(Document &changed) {
    std::string path = realPathOf(changed.uri.file());
    changed.isStale = true;
    emitOptions.texts[path] = changed.text;
    makeImportersStale(path);
  }
  void makeImportersStale(const std::string &path) {
    for (auto &[name, document] : documents)
      document.isStale |= document.analysis && document.analysis->reads(path);
  }

  void update(Document &document) {
    if (!document.isStale)
      return;
    bool isLong = std::count(document.text.begin(), document.text.end(), '\n') > static_cast<ptrdiff_t>(mostLinesCheckedAlways);
    document.analysis = std::make_unique<Analysis>(document.uri.file().str(), document.text, emitOptions, isLong && !document.isWhole ? LaterCheck() : options.check);
    document.isStale = document.isWhole = false;
    publish(json::Value(json::Object{{"uri", document.uri}, {"version", document.version}, {"diagnostics", diagnosticsOf(*document.analysis)}}));
  }

  /// The analysis of an open document as it is now, or null.
  Analysis *find(const lsp::TextDocumentIdentifier &id) {
    auto it = documents.find(id.uri.file().str());
    if (it == documents.end())
      return nullptr;
    update(it->second);
    return it->second.analysis.get();
  }

  /// The specs below the folder of the client, or beside a document where there is none, as the client has them.
  Texts textsAround(const lsp::TextDocumentIdentifier &id, const Analysis::Target &target) const {
    Texts texts;
    auto read = [&](const std::string &path) {
      auto file = llvm::MemoryBuffer::getFile(path);
      if (file && (*file)->getBufferSize() <= maxFileSize)
        texts[realPathOf(path)] = (*file)->getBuffer().str();
    };
    read(target.path);
    std::string folder = root.empty() ? llvm::sys::path::parent_path(id.uri.file()).str() : root;
    std::error_code failed;
    size_t seen = 0;
    for (llvm::sys::fs::recursive_directory_iterator entry(folder, failed), end; target.isMember && !failed && entry != end; entry.increment(failed)) {
      if (++seen > mostFiles || texts.size() > mostSpecs)
        break;
      bool isHidden = llvm::sys::path::filename(entry->path()).starts_with(".");
      if (isHidden || (root.empty() && entry->type() == llvm::sys::fs::file_type::directory_file))
        entry.no_push();
      if (!isHidden && llvm::StringRef(entry->path()).ends_with(".grad"))
        read(entry->path());
    }
    for (const auto &[path, text] : emitOptions.texts)
      texts[path] = text;
    return texts;
  }

  //===--- Questions ---===//

  /// Replies with the JSON of an optional answer; null where there is none.
  template <typename T>
  static void replyWith(lsp::Callback<json::Value> &reply, std::optional<T> answer) {
    reply(answer ? json::Value(*answer) : json::Value(nullptr));
  }

  void onHover(const lsp::TextDocumentPositionParams &params, lsp::Callback<json::Value> reply) {
    Analysis *analysis = find(params.textDocument);
    replyWith(reply, analysis ? hoverAt(*analysis, reference, toPlace(analysis->getMain(), params.position)) : std::nullopt);
  }

  void onDefinition(const lsp::TextDocumentPositionParams &params, lsp::Callback<json::Value> reply) {
    Analysis *analysis = find(params.textDocument);
    replyWith(reply, analysis ? definitionAt(*analysis, toPlace(analysis->getMain(), params.position)) : std::nullopt);
  }

  void onCompletion(const lsp::CompletionParams &params, lsp::Callback<json::Value> reply) {
    lsp::CompletionList list;
    if (Analysis *analysis = find(params.textDocument))
      list.items = completionsAt(*analysis, emitOptions, reference, params.position);
    reply(json::Value(list));
  }

  void onReferences(const lsp::ReferenceParams &params, lsp::Callback<json::Value> reply) {
    Analysis *analysis = find(params.textDocument);
    std::optional<Analysis::Target> target = analysis ? targetAt(*analysis, params.position) : std::nullopt;
    if (!target)
      return reply(json::Value(nullptr));
    reply(json::Value(json::Array(referencesOf(*target, textsAround(params.textDocument, *target), emitOptions, params.context.includeDeclaration))));
  }

  static llvm::Error refuse(const std::string &why) { return llvm::make_error<lsp::LSPError>(why, lsp::ErrorCode::RequestFailed); }

  void onPrepareRename(const lsp::TextDocumentPositionParams &params, lsp::Callback<json::Value> reply) {
    Analysis *analysis = find(params.textDocument);
    std::optional<Analysis::Target> target = analysis ? targetAt(*analysis, params.position) : std::nullopt;
    if (!target)
      return reply(json::Value(nullptr));
    if (std::string why = refusalOf(*target, analysis->getMain().getName(), emitOptions); !why.empty())
      return reply(refuse(why));
    Surroundings around = surroundingsOf(analysis->getMain(), toPlace(analysis->getMain(), params.position));
    uint32_t line = toPlace(analysis->getMain(), params.position).line;
    lsp::Range range = toRange(analysis->getMain(), {analysis->getMain().getId(), line, around.wordBegin, line, around.wordEnd});
    reply(json::Value(json::Object{{"range", range}, {"placeholder", target->name}}));
  }

  void onRename(const RenameParams &params, lsp::Callback<json::Value> reply) {
    Analysis *analysis = find(params.textDocument);
    std::optional<Analysis::Target> target = analysis ? targetAt(*analysis, params.position) : std::nullopt;
    if (!target)
      return reply(refuse("nothing that stands here has a name of this spec"));
    std::string why = refusalOf(*target, analysis->getMain().getName(), emitOptions);
    Renaming renaming;
    if (why.empty())
      renaming = rename(*target, params.newName, textsAround(params.textDocument, *target), emitOptions);
    why += renaming.refusal;
    if (!why.empty())
      return reply(refuse(why));
    json::Object changes;
    for (const auto &[path, edits] : renaming.edits)
      changes[uriToShow(path)] = json::Array(edits);
    reply(json::Value(json::Object{{"changes", std::move(changes)}}));
  }

  /// As the client spells it, where it has the document open.
  std::string uriToShow(const std::string &path) const {
    for (const auto &[name, document] : documents)
      if (realPathOf(name) == path)
        return document.uri.uri().str();
    return uriOf(path).uri().str();
  }

  void onSignature(const lsp::TextDocumentPositionParams &params, lsp::Callback<json::Value> reply) {
    Analysis *analysis = find(params.textDocument);
    replyWith(reply, analysis ? signatureAt(*analysis, params.position) : std::nullopt);
  }

  void onFormatting(const DocumentParams &params, lsp::Callback<json::Value> reply) {
    auto it = documents.find(params.textDocument.uri.file().str());
    reply(it == documents.end() ? json::Value(nullptr) : json::Value(json::Array(formattingOf(it->first, it->second.text))));
  }

  void onSymbols(const lsp::DocumentSymbolParams &params, lsp::Callback<json::Value> reply) {
    Analysis *analysis = find(params.textDocument);
    reply(analysis ? json::Value(json::Array(symbolsOf(*analysis))) : json::Value(nullptr));
  }

  const ServerOptions &options;
  Reference reference;
  lsp::OutgoingNotification<json::Value> publish;
  /// With what the client has of its documents.
  EmitOptions emitOptions;
  /// The folder of the client; empty where it has none.
  std::string root;
  /// By path.
  std::map<std::string, Document> documents;
};

} // namespace

bool server::serve(std::FILE *in, llvm::raw_ostream &out, const ServerOptions &options) {
  Server *server = nullptr;
  lsp::JSONTransport transport(std::make_unique<Input>(fileno(in), [&] { server->update(); }), out);
  lsp::MessageHandler handler(transport);
  Server answers(handler, options);
  server = &answers;
  llvm::Error error = transport.run(handler);
  llvm::consumeError(std::move(error)); // the client is gone
  return answers.isShutDown;
}
