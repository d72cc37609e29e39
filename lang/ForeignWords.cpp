//===- ForeignWords.cpp - words of other languages ------------------------===//

#include "lang/ForeignWords.h"

#include <span>

using namespace gradus;

namespace {
struct ForeignRow {
  std::string_view word;
  const char *wayOut;
};
} // namespace

static std::string find(std::string_view word, std::span<const ForeignRow> table) {
  for (const ForeignRow &row : table)
    if (row.word == word)
      return row.wayOut;
  return {};
}

std::string gradus::foreignWord(std::string_view word) {
  static constexpr ForeignRow table[] = {
      {"class", "an update rule is written rule name(...) { ... }"},
      {"def", "a function is written fn name(x) = formula"},
      {"for", "a loop is written loop i in 0..n with x = start { x' = ... }"},
      {"func", "a function is written fn name(x) = formula"},
      {"function", "a function is written fn name(x) = formula"},
      {"let", "a definition is written name = formula, without let"},
      {"optimizer", "an update rule is written rule name(...) { ... }"},
      {"var", "a definition is written name = formula, without var"},
  };
  return find(word, table);
}

std::string gradus::foreignName(std::string_view name) {
  static constexpr ForeignRow table[] = {
      {"cat", "arrays are joined by concat(a, b)"},
      {"clamp", "write clip(x, low, high)"},
      {"concatenate", "arrays are joined by concat(a, b)"},
      {"einsum", "a sum over an index is written sum[j](A[i, j] * x[j])"},
      {"inv", "the inverse is inverse(A); a system is solved by solve(A, b)"},
      {"len", "a dimension has a name, which stands for its size: x: [n] has n elements"},
      {"ln", "write log(x)"},
      {"matmul", "a product of matrices is written A @ B"},
      {"mm", "a product of matrices is written A @ B"},
      {"mod", "a remainder is written x % y"},
      {"pow", "a power is written x^y"},
      {"power", "a power is written x^y"},
      {"sgn", "write sign(x)"},
      {"shape", "a dimension has a name, which stands for its size: x: [n] has n elements"},
      {"std", "write sqrt(mean((x - mean(x))^2))"},
      {"transpose", "the transpose of a matrix is written A.T"},
      {"variance", "write mean((x - mean(x))^2)"},
  };
  return find(name, table);
}
