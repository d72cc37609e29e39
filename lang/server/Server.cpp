//===- Server.cpp - The language server --------------------------------------===//
//
// The protocol: which documents are open, what is asked, and in which form it is answered. A document is read once for each of its versions and
// once more after a file that it may import has changed.
//
//===----------------------------------------------------------------------===//

#include "lang/server/Server.h"

#include "lang/Parser.h"
#include "lang/server/Answers.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/LSP/Transport.h"
#include "llvm/Support/MemoryBuffer.h"

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

/// A text of more lines is checked behind the front end when it is opened or saved, not at each key.
constexpr size_t mostLinesCheckedAlways = 400;

/// One open document.
struct Document {
  lsp::URIForFile uri;
  std::string text;
  int64_t version = 0;
  std::unique_ptr<Analysis> analysis;
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
    handler.notification("initialized", this, &Server::onInitialized);
    handler.notification("textDocument/didChange", this, &Server::onChange);
    handler.notification("textDocument/didClose", this, &Server::onClose);
    handler.notification("textDocument/didOpen", this, &Server::onOpen);
    handler.notification("textDocument/didSave", this, &Server::onSave);
  }

  bool isShutDown = false;

private:
  static Reference readReference(const std::string &library) {
    auto page = llvm::MemoryBuffer::getFile(library + "/REFERENCE.md");
    return Reference(page ? (*page)->getBuffer() : "");
  }

  //===--- Life ---===//

  void onInitialize(const lsp::InitializeParams &, lsp::Callback<json::Value> reply) {
    json::Object capabilities{
        {"completionProvider", json::Object{{"triggerCharacters", json::Array{".", "\"", "/"}}}},
        {"definitionProvider", true},
        {"documentFormattingProvider", true},
        {"documentSymbolProvider", true},
        {"hoverProvider", true},
        {"positionEncoding", "utf-16"},
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
    update(document, /*isTyping=*/false);
  }

  void onSave(const DocumentParams &params) {
    auto it = documents.find(params.textDocument.uri.file().str());
    if (it != documents.end())
      update(it->second, /*isTyping=*/false);
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
    update(it->second, /*isTyping=*/true);
  }

  void onClose(const lsp::DidCloseTextDocumentParams &params) {
    auto it = documents.find(params.textDocument.uri.file().str());
    if (it == documents.end())
      return;
    publish(json::Value(json::Object{{"uri", it->second.uri}, {"diagnostics", json::Array()}}));
    documents.erase(it);
  }

  static std::string realPathOf(llvm::StringRef path) {
    llvm::SmallString<256> real;
    return llvm::sys::fs::real_path(path, real) ? path.str() : real.str().str();
  }

  /// Reads a document anew, and those that may import it.
  void update(Document &changed, bool isTyping) {
    emitOptions.texts.clear();
    for (const auto &[path, document] : documents)
      emitOptions.texts[realPathOf(path)] = document.text;
    analyse(changed, isTyping);
    for (auto &[path, document] : documents)
      if (&document != &changed && document.analysis && document.analysis->reads(realPathOf(changed.uri.file())))
        analyse(document, isTyping);
  }

  void analyse(Document &document, bool isTyping) {
    bool isLong = std::count(document.text.begin(), document.text.end(), '\n') > static_cast<ptrdiff_t>(mostLinesCheckedAlways);
    document.analysis = std::make_unique<Analysis>(document.uri.file().str(), document.text, emitOptions, isTyping && isLong ? LaterCheck() : options.check);
    publish(json::Value(json::Object{{"uri", document.uri}, {"version", document.version}, {"diagnostics", diagnosticsOf(*document.analysis)}}));
  }

  /// The analysis of an open document, or null.
  Analysis *find(const lsp::TextDocumentIdentifier &id) {
    auto it = documents.find(id.uri.file().str());
    return it == documents.end() ? nullptr : it->second.analysis.get();
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
  EmitOptions emitOptions;
  /// By path.
  std::map<std::string, Document> documents;
};

} // namespace

bool server::serve(std::FILE *in, llvm::raw_ostream &out, const ServerOptions &options) {
  lsp::JSONTransport transport(in, out);
  lsp::MessageHandler handler(transport);
  Server server(handler, options);
  llvm::Error error = transport.run(handler);
  llvm::consumeError(std::move(error)); // the client is gone
  return server.isShutDown;
}
