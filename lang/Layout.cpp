//===- Layout.cpp - text that knows where it may break --------------------===//

#include "lang/Layout.h"

#include "llvm/Support/Unicode.h"

#include <algorithm>

using namespace gradus;

namespace {
struct Task {
  const Doc *doc;
  size_t indent;
  bool isFlat;
};
} // namespace

size_t gradus::displayWidth(const std::string &text) {
  int width = llvm::sys::unicode::columnWidthUTF8(text);
  return width < 0 ? text.size() : static_cast<size_t>(width);
}

bool gradus::isFlat(const Doc &doc) {
  return doc.kind != Doc::Kind::HardLine && std::all_of(doc.parts.begin(), doc.parts.end(), isFlat);
}

/// Whether `first`, set flat, and what follows it up to the next break fits into `room` columns.
static bool fits(const Task &first, const std::vector<Task> &rest, size_t room) {
  std::vector<Task> tasks = {first};
  size_t used = 0, restLeft = rest.size();
  while (true) {
    if (tasks.empty()) {
      if (restLeft == 0)
        return true;
      tasks.push_back(rest[--restLeft]);
    }
    Task task = tasks.back();
    tasks.pop_back();
    switch (task.doc->kind) {
    case Doc::Kind::Text:
      used += displayWidth(task.doc->text);
      break;
    case Doc::Kind::Line:
      if (!task.isFlat)
        return true;
      ++used;
      break;
    case Doc::Kind::HardLine:
      return !task.isFlat;
    default:
      for (auto it = task.doc->parts.rbegin(); it != task.doc->parts.rend(); ++it)
        tasks.push_back({&*it, task.indent, task.isFlat});
    }
    if (used > room)
      return false;
  }
}

std::string gradus::render(const Doc &doc, size_t column, size_t indent, size_t width) {
  std::string out;
  std::vector<Task> tasks = {{&doc, indent, false}};
  while (!tasks.empty()) {
    Task task = tasks.back();
    tasks.pop_back();
    bool breaks = task.doc->kind == Doc::Kind::HardLine || (task.doc->kind == Doc::Kind::Line && !task.isFlat);
    if (breaks) {
      out.erase(out.find_last_not_of(' ') + 1);
      out += "\n" + std::string(task.indent, ' ');
      column = task.indent;
      continue;
    }
    bool isFlat = task.isFlat;
    switch (task.doc->kind) {
    case Doc::Kind::Text:
      out += task.doc->text;
      column += displayWidth(task.doc->text);
      continue;
    case Doc::Kind::Line:
      out += " ";
      ++column;
      continue;
    case Doc::Kind::Group:
      isFlat = fits({task.doc, task.indent, true}, tasks, width > column ? width - column : 0);
      break;
    case Doc::Kind::Align:
      task.indent = column;
      break;
    case Doc::Kind::Nest:
      task.indent += 2;
      break;
    default:
      break;
    }
    for (auto it = task.doc->parts.rbegin(); it != task.doc->parts.rend(); ++it)
      tasks.push_back({&*it, task.indent, isFlat});
  }
  return out;
}
