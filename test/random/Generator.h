//===- Generator.h - Choice, and what every formula is made of --------------------===//
//
// Functions are chosen so that values stay moderate: two engines that add in another order must agree to rounding. What jumps, as an
// order or a comparison, sees arguments alone, where both engines have the same bits, or a value plus an argument, so that no two
// elements are equal by construction. No bound is a multiple of 0.1, which ranks are multiplied by: 0.1 * 3 > 0.3 in f64, not in f32.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "Spec.h"

#include <map>

namespace gradus::random_specs {

class Generator {
public:
  explicit Generator(Choices choices) : choices(std::move(choices)) {}

protected:
  size_t below(size_t n) { return choices.below(n); }
  bool oneOf(size_t n) { return below(n) == 0; }
  template <typename T>
  const T &pick(const std::vector<T> &items) { return items[below(items.size())]; }
  std::string word(std::initializer_list<const char *> words) { return *(words.begin() + below(words.size())); }

  template <typename... Operands>
  NodePtr make(std::string text, Dims dims, Operands... operands) {
    auto node = std::make_unique<Node>(Node{std::move(text), std::move(dims), {}});
    (node->operands.push_back(std::move(operands)), ...);
    return node;
  }
  NodePtr number();
  std::string unary();
  std::string binary();
  std::string extremum() { return word({"max($0, $1)", "min($0, $1)"}); }

  Choices choices;
};

/// Values over the axes n, d and c, for losses and functions; over n and d for rules of a matrix.
class Formulas : protected Generator {
public:
  enum For { Loss, Function, Matrix };
  Formulas(Choices choices, For unit);
  Unit makeUnit();

private:
  // Whole arrays.
  NodePtr leaf(const Dims &dims);
  NodePtr value(const Dims &dims, int depth);
  NodePtr contraction(const Dims &dims, int depth);
  NodePtr reduction(const Dims &dims, int depth);
  NodePtr choice(const Dims &dims, int depth);
  NodePtr moved(const Dims &dims, int depth);
  NodePtr ordered(const Dims &dims, int depth);
  NodePtr joined(const Dims &dims, int depth);
  NodePtr factored(const Dims &dims, int depth);
  NodePtr windowed(const Dims &dims, int depth);
  const Dims &anyDims(bool alsoNumber = false);
  /// `text`, behind `stop` where it has no derivative.
  std::string constant(const std::string &text) const { return hasDerivative ? "stop(" + text + ")" : text; }

  // Index notation: indices i and p over n, j over d, k over c.
  NodePtr indexedLeaf(const std::string &indices);
  std::string integer(const std::string &indices, int depth);
  NodePtr covering(const std::string &indices);
  NodePtr indexed(const std::string &indices, int depth);
  NodePtr indexedReduction(const std::string &indices, int depth);
  NodePtr covered(const std::string &indices, int depth) { return make("($0 + $1)", "", covering(indices), indexed(indices, depth)); }

  // Statements; `id` makes their names.
  Statement statement(size_t id);
  Statement whole(const std::string &id);
  Statement byIndex(const std::string &id);
  Statement recurrence(const std::string &id);
  Statement loop(const std::string &id);
  Statement draw(const std::string &id);
  Statement scatter(const std::string &id);
  Statement sorted(const std::string &id);
  Statement decomposed(const std::string &id);
  Statement derived(const std::string &id);
  void addNext(Unit &unit, const std::string &state, const Dims &dims);
  Unit makeRule();

  For kind;
  bool hasDerivative;                           ///< what is made is differentiated
  std::vector<Dims> shapes;                     ///< of rank 1 and 2
  std::map<Dims, std::string> arguments;        ///< one real argument of each shape, no two elements equal
  std::map<char, std::string> covers;           ///< a value in which an index stands bare
  std::multimap<Dims, std::string> names;       ///< by axes: arguments, then what statements define
  std::multimap<Dims, std::string> integers;    ///< the same of integers
  bool isInside = false;                        ///< of a block
  /// In a block of a rule, where no index may fail.
  bool isNarrow() const { return kind == Matrix && isInside; }
};

/// What stands for "[i, j]" over the axes `dims`.
std::string indicesOf(const Dims &dims);

} // namespace gradus::random_specs
