//===- FormulaTest.cpp - Sizes that are formulas of others -------------------------===//

#include "test/runtime/Entry.h"

#include <gtest/gtest.h>

#include <cstring>

namespace {

/// Two vectors of the sizes that the formulas `first` and `second` stand for, and a symbol of its own.
struct Pair {
  const char *symbols[3];
  gradus_argument arguments[2] = {{"V", GRADUS_DATA, GRADUS_F64, 1, 0, {0}}, {"R", GRADUS_DATA, GRADUS_F64, 1, 0, {1}}};
  gradus_entry entry = runtime_test::entry;
  double memory[16] = {};
  std::string message;

  Pair(const char *first, const char *second, const char *other) : symbols{first, second, other} {
    entry.name = "f";
    entry.n_arguments = 2;
    entry.n_hypers = 0;
    entry.n_symbols = 3;
    entry.is_open = 0;
    entry.takes_time = 0;
    entry.arguments = arguments;
    entry.symbols = symbols;
    entry.workspace_size = nullptr;
    entry.kernel = [](const gradus_context *, const double *, uint64_t, uint64_t, const gradus_tensor *, size_t, char *,
                      gradus_report *) { return static_cast<int32_t>(GRADUS_OK); };
  }

  std::string call(int64_t v, int64_t r) {
    gradus_tensor tensors[2] = {{memory, &v, nullptr, 1, GRADUS_F64, GRADUS_CPU, 0}, {memory, &r, nullptr, 1, GRADUS_F64, GRADUS_CPU, 0}};
    gradus_context context{};
    context.user = this;
    context.error = [](void *user, const gradus_error *error) { static_cast<Pair *>(user)->message = error->message; };
    message.clear();
    gradus_status status = gradus_call(&entry, &context, nullptr, 1, 0, tensors, 1, nullptr, 0, nullptr);
    return status == GRADUS_OK ? "fine" : message;
  }
};

} // namespace

TEST(Formula, isComparedWithTheSize) {
  Pair pair("T + 1", "T", "unused");
  EXPECT_EQ(pair.call(3, 2), "fine");
  EXPECT_EQ(pair.call(4, 2), "f: argument 'V': dimension 0 is 4, expected T + 1 = 3");
}

TEST(Formula, tellsItsOnlySymbol) {
  Pair pair("2 * n", "n + 3", "n");
  EXPECT_EQ(pair.call(4, 5), "fine");
  EXPECT_EQ(pair.call(4, 6), "f: argument 'R': dimension 0 is 6, expected n + 3 = 5");
}

TEST(Formula, mustBeWhole) {
  Pair pair("q", "q / 4", "unused");
  EXPECT_EQ(pair.call(8, 2), "fine");
  EXPECT_NE(pair.call(6, 1), "fine");
  Pair odd("2 * n", "m", "n");
  EXPECT_NE(odd.call(5, 1), "fine");
}

TEST(Formula, mustNotBeNegative) {
  Pair pair("T", "m", "T - 2");
  EXPECT_EQ(pair.call(2, 1), "fine");
  EXPECT_NE(pair.call(1, 1), "fine");
}

TEST(Formula, knowsDivMinAndMax) {
  Pair pair("p", "max(div(p - 1, 2), 1) * min(p, 3)", "unused");
  EXPECT_EQ(pair.call(5, 6), "fine");
  EXPECT_EQ(pair.call(2, 2), "fine");
  EXPECT_NE(pair.call(5, 5), "fine");
}
