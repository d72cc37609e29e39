//===- Source.h - spec texts and places in them -----------------*- C++ -*-===//
//
// A SourceManager owns the text of every file of one run; a Location is a small value that names a place in one
// of them. Columns count code points from 1, as an editor does; a tab is one column.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_SOURCE_H
#define GRADUS_LANG_SOURCE_H

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

/// A stretch of a file: from (line, col) up to, not including, (endLine, endCol). Line 0 means the file as a whole.
struct Location {
  uint32_t file = 0;
  uint32_t line = 0;
  uint32_t col = 0;
  uint32_t endLine = 0;
  uint32_t endCol = 0;

  bool isWholeFile() const { return line == 0; }
  bool operator==(const Location &) const = default;
};

/// The stretch from the start of `first` to the end of `last`, which are in one file.
inline Location spanning(const Location &first, const Location &last) {
  return {first.file, first.line, first.col, last.endLine, last.endCol};
}

/// One text with its name as the user wrote it.
class Source {
public:
  Source(uint32_t id, std::string name, std::string text);

  uint32_t getId() const { return id; }
  const std::string &getName() const { return name; }
  std::string_view getText() const { return text; }
  size_t getLineCount() const { return lineStarts.size(); }
  /// The text of a line (counted from 1) without its line end; empty beyond the last line.
  std::string_view getLine(uint32_t line) const;
  Location wholeFile() const { return {id, 0, 0, 0, 0}; }
  /// The place of one byte, given by its offset.
  Location locate(size_t offset) const;

private:
  uint32_t id;
  std::string name;
  std::string text;
  std::vector<size_t> lineStarts;
};

/// Owns all sources of one run; references stay valid while it lives.
class SourceManager {
public:
  const Source &add(std::string name, std::string text);
  const Source &get(uint32_t id) const { return sources[id]; }
  /// The source of that name, or null.
  const Source *find(std::string_view name) const;
  size_t size() const { return sources.size(); }

private:
  std::deque<Source> sources;
};

} // namespace gradus

#endif // GRADUS_LANG_SOURCE_H
