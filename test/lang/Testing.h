//===- Testing.h - shared by the tests of the front end ---------*- C++ -*-===//

#ifndef GRADUS_TEST_LANG_TESTING_H
#define GRADUS_TEST_LANG_TESTING_H

#include "lang/AstDump.h"
#include "lang/Format.h"
#include "lang/Parser.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace gradus::testing {

/// A text, what the parser makes of it and what it says about it.
struct Parsed {
  explicit Parsed(std::string text) : source(sources.add("test.grad", std::move(text))), diagnostics(sources) {
    sheet = parse(source, diagnostics);
  }

  SourceManager sources;
  const Source &source;
  Diagnostics diagnostics;
  std::unique_ptr<ast::Sheet> sheet;

  /// The code of the only error, or all that was said.
  std::string onlyCode() const {
    if (diagnostics.getAll().size() != 1)
      return diagnostics.render();
    return codeName(diagnostics.getAll().front().code);
  }
};

inline std::string readFile(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

} // namespace gradus::testing

#endif // GRADUS_TEST_LANG_TESTING_H
