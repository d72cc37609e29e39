//===- LimitsTest.cpp - input that nobody meant ---------------------------===//
//
// Each is answered by one clear error, fast and without deep recursion.
//
//===----------------------------------------------------------------------===//

#include "Testing.h"

#include <chrono>
#include <filesystem>
#include <random>

using namespace gradus;
using gradus::testing::Parsed;

static std::string repeat(const std::string &text, size_t count) {
  std::string result;
  for (size_t i = 0; i < count; ++i)
    result += text;
  return result;
}

TEST(Limits, NestedParentheses) {
  EXPECT_EQ(Parsed("fn f(x) = " + repeat("(", 100000) + "x" + repeat(")", 100000) + "\n").onlyCode(), "G0008");
  EXPECT_TRUE(Parsed("fn f(x) = " + repeat("(", 200) + "x" + repeat(")", 200) + "\n").sheet);
}

TEST(Limits, NestedBlocks) {
  EXPECT_EQ(Parsed("fn f(x) {" + repeat("when x {", 40000) + repeat("}", 40000) + "}\n").onlyCode(), "G0008");
}

TEST(Limits, RightRecursionWithoutBrackets) {
  EXPECT_EQ(Parsed("fn f(x) = " + repeat("-", 100000) + "x\n").onlyCode(), "G0008");
  EXPECT_EQ(Parsed("fn f(x) = " + repeat("not ", 100000) + "x\n").onlyCode(), "G0008");
  EXPECT_EQ(Parsed("fn f(x) = x" + repeat("^x", 100000) + "\n").onlyCode(), "G0008");
  EXPECT_EQ(Parsed("fn f(x) = " + repeat("x -> ", 100000) + "x\n").onlyCode(), "G0008");
  EXPECT_EQ(Parsed("fn f(x) = " + repeat("if x then x else ", 40000) + "x\n").onlyCode(), "G0008");
}

TEST(Limits, LongChains) {
  EXPECT_EQ(Parsed("fn f(x) = x" + repeat(" + x", 100000) + "\n").onlyCode(), "G0008");
  EXPECT_EQ(Parsed("fn f(x) = x" + repeat(".T", 100000) + "\n").onlyCode(), "G0008");
  EXPECT_EQ(Parsed("fn f(x) = x" + repeat("[0]", 50000) + "\n").onlyCode(), "G0008");
  EXPECT_TRUE(Parsed("fn f(x) = x" + repeat(" + x", 1000) + "\n").sheet);
}

TEST(Limits, DeepestAllowedTreeIsFormatted) {
  std::string text = "fn f(x) =\n  " + repeat("(-", 120) + "x" + repeat(")", 120) + "\n";
  Parsed parsed(text);
  ASSERT_TRUE(parsed.sheet) << parsed.diagnostics.render();
  EXPECT_EQ(format(*parsed.sheet, parsed.source), text);
}

TEST(Limits, NestedTablesAreFormattedOnce) {
  // Work that doubled with each level would never end here.
  for (const char *end : {"[2]", "[\n2]"}) {
    Parsed lists("fn f(x) = " + repeat("[[1], ", 200) + end + repeat("]", 200) + "\n");
    Parsed calls("fn f(x) = " + repeat("[[1], [f(", 80) + end + repeat(")]]", 80) + "\n");
    ASSERT_TRUE(lists.sheet && calls.sheet) << lists.diagnostics.render() << calls.diagnostics.render();
    EXPECT_FALSE(format(*lists.sheet, lists.source).empty());
    EXPECT_FALSE(format(*calls.sheet, calls.source).empty());
  }
}

TEST(Limits, BytesThatAreNoText) {
  EXPECT_EQ(Parsed(std::string("fn f(x) = x\0\n", 13)).onlyCode(), "G0005");
  EXPECT_EQ(Parsed("fn f(x) = \xC3\x28\n").onlyCode(), "G0006");
  EXPECT_EQ(Parsed("fn f(x) = \xED\xA0\x80\n").onlyCode(), "G0006");
  EXPECT_EQ(Parsed("\xEF\xBB\xBF"
                   "fn f(x) = x\n")
                .onlyCode(),
            "G0007");
  EXPECT_EQ(Parsed(std::string("\xFF\xFE"
                               "f\0n\0",
                               6))
                .onlyCode(),
            "G0007");
}

TEST(Limits, NothingToParse) {
  EXPECT_EQ(Parsed("").onlyCode(), "G0004");
  EXPECT_EQ(Parsed("\n\n  \n").onlyCode(), "G0004");
  EXPECT_EQ(Parsed("// only a comment").onlyCode(), "G0004");
}

TEST(Limits, TooLarge) {
  EXPECT_EQ(Parsed(std::string(10 << 20, 'x')).onlyCode(), "G0003");
  EXPECT_EQ(Parsed(repeat("fn f(x) = x\n", 100000)).onlyCode(), "G0009");
}

TEST(Limits, NoiseIsAnsweredFast) {
  std::mt19937 random(7);
  auto start = std::chrono::steady_clock::now();
  for (int kind = 0; kind < 3; ++kind) {
    // Any bytes; printable characters; the characters of the language.
    std::string text;
    static const std::string signs = "()[]{}=+-*/^'\".,:;<>~@%\nabcxyz 0123456789#$&|!?";
    for (size_t i = 0; i < maxFileSize; ++i)
      text += kind == 0   ? static_cast<char>(random())
              : kind == 1 ? static_cast<char>(' ' + random() % 95)
                          : signs[random() % signs.size()];
    Parsed parsed(std::move(text));
    EXPECT_TRUE(parsed.diagnostics.hasErrors());
    EXPECT_LT(parsed.diagnostics.render().size(), 20000u);
  }
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_LT(seconds.count(), 15.0);
}

TEST(Limits, RandomTokensNeverCrash) {
  static const char *const words[] = {"fn", "rule", "f",    "x",     "x'",    "(",     ")",    "[",    "]",
                                      "{",  "}",    "\n",   "=",     "+",     "-",     ",",    ":",    ";",
                                      "..", "if",   "then", "else",  "1",     "grad",  "loop", "with", "when",
                                      "in", "by",   "test", "\"t\"", "param", "state", "^",    "->",   "not"};
  std::mt19937 random(11);
  for (int run = 0; run < 3000; ++run) {
    std::string text = "rule r(x) {\n";
    for (size_t i = 0, n = random() % 60; i < n; ++i)
      text += std::string(words[random() % std::size(words)]) + " ";
    Parsed parsed(text);
    EXPECT_NE(parsed.sheet == nullptr, !parsed.diagnostics.hasErrors()) << text;
  }
}

TEST(Limits, EveryPrefixOfASpecIsAnswered) {
  std::string text = gradus::testing::readFile(GRADUS_INPUTS "/comments.grad");
  for (size_t end = 0; end < text.size(); ++end) {
    Parsed parsed(text.substr(0, end));
    EXPECT_NE(parsed.sheet == nullptr, !parsed.diagnostics.hasErrors()) << text.substr(0, end);
  }
}

TEST(Limits, FilesThatAreNone) {
  SourceManager sources;
  Diagnostics directory(sources), missing(sources);
  EXPECT_FALSE(readSource(std::filesystem::temp_directory_path().string(), sources, directory));
  EXPECT_EQ(codeName(directory.getAll().front().code), "G0002");
  EXPECT_FALSE(readSource("/no/such/file.grad", sources, missing));
  EXPECT_EQ(codeName(missing.getAll().front().code), "G0001");
}
