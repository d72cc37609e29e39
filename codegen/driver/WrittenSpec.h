//===- WrittenSpec.h - A spec that the tool writes around what it was given ----------===//
//
// The arguments of `--of 'adam(lr = 0.1)'` become part of a spec, so that the front end reads them. What it says of them is located in the option, where the
// user wrote them.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "lang/Messages.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"

namespace gradus::driver {

/// What in a text of the tool is there for what the user wrote.
class Origins {
public:
  /// `part` of the text is there for `origin`: as a copy of it where both are of one width on one line. What lies inside of another part is added first.
  void add(const Location &part, const Location &origin) { quotes.push_back({part, origin}); }
  bool isEmpty() const { return quotes.empty(); }
  /// What the user wrote for a stretch of the text; the stretch itself where nobody else wrote it.
  Location find(const Location &loc) const;
  /// The messages from number `first` on, at what the user wrote; those that are the same there are one.
  Diagnostics translate(const Diagnostics &diagnostics, size_t first) const;

private:
  struct Quote {
    Location part, origin;
  };
  /// Of one place.
  std::optional<Location> findPlace(uint32_t file, uint32_t line, uint32_t col) const;

  std::vector<Quote> quotes;
};

class WrittenSpec {
public:
  /// `given` is the text of `option`, and outlives this.
  WrittenSpec(std::string option, llvm::StringRef given) : option(std::move(option)), given(given) {}

  WrittenSpec &operator<<(llvm::StringRef words) {
    text += words;
    return *this;
  }
  /// Copies a part of the given text; words from elsewhere are the spec's own.
  void quote(llvm::StringRef part) {
    writeFor(part, [&] { *this << part; });
  }
  /// What `write` writes is there for a part of the given text.
  void writeFor(llvm::StringRef part, llvm::function_ref<void()> write);

  /// The spec as a source of that name; where its parts come from goes to `origins`.
  const Source &addTo(SourceManager &sources, std::string name, Origins &origins) const;

private:
  struct Piece {
    size_t begin, end;
    llvm::StringRef part;
  };
  std::string option, text;
  llvm::StringRef given;
  std::vector<Piece> pieces; ///< those inside of others before them
};

} // namespace gradus::driver
