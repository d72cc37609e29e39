//===- FrontEnd.cpp - Any bytes as a spec --------------------------------------------===//
//
// Whatever the bytes are, the front end answers with a module or with located messages, without undefined behaviour. What
// parses is laid out as well: the layout parses, and is one already.
//
//===----------------------------------------------------------------------===//

#include "lang/Format.h"
#include "lang/Frontend.h"
#include "lang/Parser.h"
#include "test/fuzz/Limit.h"

#include "mlir/IR/MLIRContext.h"

#include <cstdio>
#include <cstdlib>

using namespace gradus;

/// A finding that is no crash by itself.
[[noreturn]] static void fail(const char *what, const std::string &text) {
  std::fprintf(stderr, "%s:\n%s\n", what, text.c_str());
  std::abort();
}

/// The place of each message is one, and none tells of a bug.
static void checkMessages(const Diagnostics &diagnostics) {
  const SourceManager &sources = diagnostics.getSources();
  auto isPlace = [&](const Location &at) { return at.file < sources.size() && at.line <= sources.get(at.file).getLineCount(); };
  for (const Diagnostic &diagnostic : diagnostics.getAll())
    if (diagnostic.code == Code::Internal || diagnostic.text.empty() || !isPlace(diagnostic.loc))
      fail("a message that is none", diagnostics.render(diagnostic));
  diagnostics.render();
}

static void checkLayout(const std::string &text) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  const Source &source = sources.add("input.grad", text);
  auto sheet = parse(source, diagnostics);
  checkMessages(diagnostics);
  if (!sheet)
    return;
  std::string once = format(*sheet, source);
  const Source &formatted = sources.add("formatted.grad", once);
  auto again = parse(formatted, diagnostics);
  if (!again)
    fail("the layout does not parse", once + "\n" + diagnostics.render());
  if (std::string twice = format(*again, formatted); twice != once)
    fail("the layout changes when laid out again", once + "\nbecomes\n" + twice);
}

static void checkMeaning(const std::string &text, bool isForChecks) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  Sightings sightings;
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  EmitOptions options;
  options.standardLibrary = GRADUS_STD;
  options.checks = isForChecks;
  options.keepsUnbound = isForChecks;
  options.sightings = isForChecks ? &sightings : nullptr;
  auto module = emitModule(context, sources, sources.add("input.grad", text), diagnostics, options);
  checkMessages(diagnostics);
  if (!module != diagnostics.hasErrors())
    fail("no module and no error, or both", diagnostics.render());
}

extern "C" const char *__asan_default_options() { return GRADUS_ASAN_OPTIONS; }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string text(reinterpret_cast<const char *>(data), size);
  limitProcessorTime();
  checkLayout(text);
  checkMeaning(text, size % 2);
  return 0;
}
