//===- Layout.h - text that knows where it may break ------------*- C++ -*-===//
//
// A small document algebra after Wadler ("A prettier printer"): a group is set on one line if it fits, otherwise its
// lines break. The formatter builds documents, render() sets them.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_LAYOUT_H
#define GRADUS_LANG_LAYOUT_H

#include <string>
#include <vector>

namespace gradus {

struct Doc {
  enum class Kind {
    Text,
    Line,     ///< a blank or a break
    HardLine, ///< always a break; so all groups around it break
    Group,
    Align, ///< breaks inside return to the column where it begins
    Nest,  ///< breaks inside are two columns further in
    Concat,
  };

  Kind kind = Kind::Concat;
  std::string text;
  std::vector<Doc> parts;

  static Doc of(std::string text) { return {Kind::Text, std::move(text), {}}; }
  static Doc line() { return {Kind::Line, {}, {}}; }
  static Doc hardLine() { return {Kind::HardLine, {}, {}}; }
  static Doc group(Doc part) { return wrap(Kind::Group, std::move(part)); }
  static Doc align(Doc part) { return wrap(Kind::Align, std::move(part)); }
  static Doc nest(Doc part) { return wrap(Kind::Nest, std::move(part)); }

  Doc &operator+=(Doc part) {
    parts.push_back(std::move(part));
    return *this;
  }
  Doc &operator+=(std::string part) { return *this += of(std::move(part)); }

private:
  static Doc wrap(Kind kind, Doc part) {
    Doc doc{kind, {}, {}};
    doc.parts.push_back(std::move(part));
    return doc;
  }
};

/// The number of columns of a text in a terminal.
size_t displayWidth(const std::string &text);

/// Whether the document can stand on one line at all.
bool isFlat(const Doc &doc);

/// Sets the document; its first line begins at `column`, broken lines return to `indent`.
std::string render(const Doc &doc, size_t column, size_t indent, size_t width);

} // namespace gradus

#endif // GRADUS_LANG_LAYOUT_H
