//===- Pages.cpp - HTML pages of specs -------------------------------------------===//

#include "codegen/doc/Pages.h"

#include "codegen/doc/MathMl.h"
#include "codegen/emit/Version.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using llvm::StringRef;

namespace gradus::doc {

static std::string renderPage(const std::string &title, const std::string &root, const std::string &content) {
  return "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<meta name=\"color-scheme\" content=\"light dark\"/>\n"
         "<meta name=\"generator\" content=\"gradus " +
         std::string(gradusVersion) + "\"/>\n<title>" + escapeXml(title) + "</title>\n<link rel=\"stylesheet\" href=\"" + root + "style.css\"/>\n</head>\n<body>\n" + content +
         "</body>\n</html>\n";
}

static std::string link(const std::string &to, const std::string &text) { return "<a href=\"" + escapeXml(to) + "\">" + text + "</a>"; }

//===----------------------------------------------------------------------===//
// A spec
//===----------------------------------------------------------------------===//

/// Where the page stands, and the pages before and behind it.
static std::string renderWay(const Library &library, const Spec &spec, const std::string &root) {
  std::string way = "<nav class=\"way\"><span>" + link(root + "index.html", escapeXml(library.title));
  if (!spec.folder.empty())
    way += " / " + link(root + "index.html#folder-" + spec.folder, escapeXml(spec.folder));
  way += " / " + escapeXml(spec.name) + "</span><span>";
  size_t index = &spec - library.specs.data();
  if (index > 0)
    way += link(root + library.specs[index - 1].getPath(), "← " + escapeXml(library.specs[index - 1].name)) + " ";
  if (index + 1 < library.specs.size())
    way += link(root + library.specs[index + 1].getPath(), escapeXml(library.specs[index + 1].name) + " →");
  return way + "</span></nav>\n";
}

static std::string renderSpec(const Library &library, const Spec &spec) {
  std::string root = spec.folder.empty() ? "" : "../";
  std::string content = renderWay(library, spec, root) + "<main>\n<h1>" + escapeXml(spec.name) + "</h1>\n";
  std::vector<const ast::Unit *> units = spec.getUnits();
  std::vector<const ast::Test *> tests = spec.getTests();
  if (units.size() + !tests.empty() > 1) {
    content += "<nav class=\"here\"><ul>\n";
    for (const ast::Unit *unit : units)
      content += "<li><span class=\"kind\">" + kindOf(*unit).str() + "</span> " + link("#" + anchorOf(*unit), escapeXml(nameOf(*unit))) + "</li>\n";
    if (!tests.empty())
      content += "<li>" + link("#tests", "tests") + "</li>\n";
    content += "</ul></nav>\n";
  }
  std::set<uint32_t> seen;
  for (const ast::Unit *unit : units)
    content += renderUnit(library, spec, *unit, seen);
  if (!tests.empty()) {
    content += "<section id=\"tests\">\n<h2>Tests</h2>\n";
    for (const ast::Test *test : tests)
      content += renderTest(library, spec, *test, seen);
    content += "</section>\n";
  }
  content += "</main>\n";
  return renderPage(spec.name + " – " + library.title, root, content);
}

//===----------------------------------------------------------------------===//
// The index
//===----------------------------------------------------------------------===//

static std::string renderFolder(const Library &library, StringRef folder) {
  std::string rows;
  for (const Spec &spec : library.specs)
    if (spec.folder == folder)
      for (const ast::Unit *unit : spec.getUnits())
        rows += "<tr><th scope=\"row\">" + link(spec.getPath() + "#" + anchorOf(*unit), escapeXml(nameOf(*unit))) + "</th><td class=\"kind\">" + kindOf(*unit).str() + "</td><td>" +
                renderSummary(unit->doc) + "</td></tr>\n";
  std::string title = folder.empty() ? "" : "<h2>" + escapeXml(folder) + "</h2>\n", about;
  if (auto topic = library.topics.find(folder.str()); topic != library.topics.end())
    about = renderText(topic->second);
  if (!about.empty())
    about[0] = llvm::toUpper(about[0]);
  return "<section id=\"folder-" + folder.str() + "\">\n" + title + (about.empty() ? "" : "<p>" + about + "</p>\n") + "<table class=\"list\"><tbody>\n" + rows +
         "</tbody></table>\n</section>\n";
}

/// Every unit by its first letter.
static std::string renderNames(const Library &library) {
  std::map<char, std::vector<std::pair<std::string, std::string>>> letters;
  for (const Spec &spec : library.specs)
    for (const ast::Unit *unit : spec.getUnits())
      letters[llvm::toUpper(nameOf(*unit)[0])].emplace_back(nameOf(*unit), spec.getPath() + "#" + anchorOf(*unit));
  std::string text = "<section id=\"names\">\n<h2>All names</h2>\n<dl class=\"names\">\n";
  for (auto &[letter, names] : letters) {
    llvm::sort(names);
    text += "<dt>" + escapeXml(llvm::isAlpha(letter) ? std::string(1, letter) : "…") + "</dt><dd>";
    for (const auto &[name, path] : names)
      text += link(path, escapeXml(name)) + " ";
    text += "</dd>\n";
  }
  return text + "</dl>\n</section>\n";
}

static std::string renderIndex(const Library &library) {
  std::vector<std::string> folders;
  size_t numUnits = 0;
  for (const Spec &spec : library.specs) {
    numUnits += spec.getUnits().size();
    if (folders.empty() || folders.back() != spec.folder)
      folders.push_back(spec.folder);
  }
  std::string content = "<main>\n<h1>" + escapeXml(library.title) + "</h1>\n<p>" + std::to_string(numUnits) + (numUnits == 1 ? " unit" : " units") + " in " +
                        std::to_string(library.specs.size()) + (library.specs.size() == 1 ? " spec" : " specs") +
                        ". In formulas ⊙ multiplies element by element; the values of a step have t below, those of the next step t + 1, and a prime marks the next pass of a "
                        "loop: what has either changes together.</p>\n<nav class=\"here\"><ul>\n";
  for (const std::string &folder : folders)
    if (!folder.empty())
      content += "<li>" + link("#folder-" + folder, escapeXml(folder)) + "</li>\n";
  content += "<li>" + link("#names", "all names") + "</li>\n</ul></nav>\n";
  for (const std::string &folder : folders)
    content += renderFolder(library, folder);
  return renderPage(library.title, "", content + renderNames(library) + "</main>\n");
}

std::vector<OutputFile> renderPages(const Library &library) {
  std::vector<OutputFile> files = {{"index.html", renderIndex(library)}, {"style.css", getStyle().str()}};
  for (const Spec &spec : library.specs)
    files.push_back({spec.getPath(), renderSpec(library, spec)});
  return files;
}

} // namespace gradus::doc
