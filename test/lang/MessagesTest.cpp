//===- MessagesTest.cpp - how messages look -------------------------------===//

#include "lang/Messages.h"

#include <gtest/gtest.h>

using namespace gradus;

namespace {

/// The diagnostics of a file "a.grad" with this text.
struct OneFile {
  explicit OneFile(std::string text) : diagnostics(sources) { sources.add("a.grad", std::move(text)); }
  SourceManager sources;
  Diagnostics diagnostics;
};

} // namespace

TEST(Messages, CodesAreSortedAndUnique) {
  std::vector<unsigned> numbers = {
#define GRADUS_MESSAGE(NUMBER, NAME, TITLE) 1##NUMBER,
#include "lang/Messages.def"
  };
  for (size_t i = 1; i < numbers.size(); ++i)
    EXPECT_LT(numbers[i - 1], numbers[i]);
}

TEST(Messages, ShowPlaceNoteAndWayOut) {
  OneFile file("fn f(x) = x\nfn f(x) = 2 * x\n");
  file.diagnostics.error(Code::UnexpectedWord, {0, 2, 4, 2, 5}, "'f' is defined twice")
      .note({0, 1, 4, 1, 5}, "first here")
      .suggest("rename one of them");
  EXPECT_EQ(file.diagnostics.render(), "a.grad:2:4: error[G0101]: 'f' is defined twice\n"
                                  "  2 | fn f(x) = 2 * x\n"
                                  "    |    ^\n"
                                  "a.grad:1:4: note: first here\n"
                                  "  1 | fn f(x) = x\n"
                                  "    |    ^\n"
                                  "  help: rename one of them\n");
}

TEST(Messages, CaretsStandUnderTabsAndWideCharacters) {
  OneFile file("\t学習 = größe\n");
  file.diagnostics.error(Code::UnexpectedWord, {0, 1, 7, 1, 12}, "m");
  EXPECT_EQ(file.diagnostics.render(), "a.grad:1:7: error[G0101]: m\n"
                                  "  1 |     学習 = größe\n"
                                  "    |            ^^^^^\n");
}

TEST(Messages, WideCharactersAreUnderlinedWhole) {
  OneFile file("学習 = 1");
  file.diagnostics.error(Code::UnexpectedWord, {0, 1, 1, 1, 3}, "m");
  EXPECT_NE(file.diagnostics.render().find("    | ^^^^\n"), std::string::npos);
}

TEST(Messages, LongLinesAreShownAroundTheCaret) {
  OneFile file(std::string(100000, 'x') + "?" + std::string(100000, 'y'));
  file.diagnostics.error(Code::UnexpectedWord, {0, 1, 100001, 1, 100002}, "m");
  std::string text = file.diagnostics.render();
  EXPECT_LT(text.size(), 400u);
  size_t lineStart = text.find("| ...") + 2, caretStart = text.rfind("| ") + 2;
  EXPECT_EQ(text.find('?') - lineStart, text.find('^') - caretStart);
}

TEST(Messages, UnprintableBytesAreReplaced) {
  OneFile file(std::string("a\x01\xFF z"));
  file.diagnostics.error(Code::UnexpectedWord, {0, 1, 5, 1, 6}, "m");
  EXPECT_EQ(file.diagnostics.render(), "a.grad:1:5: error[G0101]: m\n"
                                  "  1 | a\xEF\xBF\xBD\xEF\xBF\xBD z\n"
                                  "    |     ^\n");
}

TEST(Messages, AreSortedByPlace) {
  OneFile file("abc\ndef\n");
  file.diagnostics.error(Code::UnexpectedWord, {0, 2, 1, 2, 2}, "second");
  file.diagnostics.error(Code::UnexpectedWord, {0, 1, 1, 1, 2}, "first");
  std::string text = file.diagnostics.render();
  EXPECT_LT(text.find("first"), text.find("second"));
}

TEST(Messages, AtMostTwentyErrorsAreShown) {
  OneFile file(std::string(50, '\n'));
  for (uint32_t i = 1; i <= 20; ++i)
    file.diagnostics.error(Code::UnexpectedWord, {0, i, 1, i, 2}, "m");
  EXPECT_EQ(file.diagnostics.render().find("too many errors"), std::string::npos);
  file.diagnostics.error(Code::UnexpectedWord, {0, 21, 1, 21, 2}, "m");
  EXPECT_NE(file.diagnostics.render().find("too many errors"), std::string::npos);
  EXPECT_EQ(file.diagnostics.render().find("a.grad:21"), std::string::npos);
}

TEST(Messages, SameErrorAtOnePlaceIsOne) {
  OneFile file("x");
  file.diagnostics.error(Code::UnexpectedWord, {0, 1, 1, 1, 2}, "m");
  file.diagnostics.error(Code::UnexpectedWord, {0, 1, 1, 1, 2}, "m");
  EXPECT_EQ(file.diagnostics.getErrorCount(), 1u);
}

TEST(Messages, SuggestTheNearestWord) {
  std::vector<std::string> words = {"logistic", "hinge", "huber", "w", "W"};
  EXPECT_EQ(didYouMean("logistc", words), "did you mean 'logistic'?");
  EXPECT_EQ(didYouMean("Hinge", words), "did you mean 'hinge'?");
  EXPECT_EQ(didYouMean("x", words), "");
  EXPECT_EQ(didYouMean("momentum", words), "");
}
