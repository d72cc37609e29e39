//===- Source.cpp - spec texts and places in them -------------------------===//

#include "lang/Source.h"
#include "lang/Utf8.h"

#include <algorithm>

using namespace gradus;

Source::Source(uint32_t id, std::string name, std::string text) : id(id), name(std::move(name)), text(std::move(text)) {
  lineStarts.push_back(0);
  for (size_t pos = this->text.find('\n'); pos != std::string::npos; pos = this->text.find('\n', pos + 1))
    lineStarts.push_back(pos + 1);
}

std::string_view Source::getLine(uint32_t line) const {
  if (line == 0 || line > lineStarts.size())
    return {};
  size_t begin = lineStarts[line - 1];
  size_t end = line < lineStarts.size() ? lineStarts[line] - 1 : text.size();
  if (end > begin && text[end - 1] == '\r')
    --end;
  return std::string_view(text).substr(begin, end - begin);
}

Location Source::locate(size_t offset) const {
  auto after = std::upper_bound(lineStarts.begin(), lineStarts.end(), offset);
  auto line = static_cast<uint32_t>(after - lineStarts.begin());
  uint32_t col = 1;
  for (size_t pos = lineStarts[line - 1]; pos < std::min(offset, text.size()); ++col)
    pos += utf8Length(text, pos).bytes;
  return {id, line, col, line, col + 1};
}

const Source &SourceManager::add(std::string name, std::string text) {
  return sources.emplace_back(static_cast<uint32_t>(sources.size()), std::move(name), std::move(text));
}

const Source *SourceManager::find(std::string_view name) const {
  auto it = std::find_if(sources.begin(), sources.end(), [&](const Source &s) { return s.getName() == name; });
  return it == sources.end() ? nullptr : &*it;
}
