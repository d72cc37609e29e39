//===- Generator.cpp - Well-typed random losses and rules -------------------------===//
//
// Functions are chosen so that values stay moderate: two engines that add in another order must agree to rounding. Conditions are on
// arguments alone, where both engines have the same bits.
//
//===----------------------------------------------------------------------===//

#include "Spec.h"

#include <map>
#include <random>

namespace gradus::random_specs {

namespace {

/// What both kinds of unit share: elementwise templates and choice.
class Generator {
public:
  explicit Generator(uint64_t seed) : random(seed * 0x9e3779b97f4a7c15 + 1) {}

protected:
  size_t below(size_t n) { return random() % n; }
  bool oneOf(size_t n) { return below(n) == 0; }
  template <typename T>
  const T &pick(const std::vector<T> &items) { return items[below(items.size())]; }

  NodePtr make(std::string text, Dims dims, std::vector<NodePtr> operands = {}) {
    return std::make_unique<Node>(Node{std::move(text), std::move(dims), std::move(operands)});
  }
  NodePtr make(std::string text, Dims dims, NodePtr a) {
    std::vector<NodePtr> operands;
    operands.push_back(std::move(a));
    return make(std::move(text), std::move(dims), std::move(operands));
  }
  NodePtr make(std::string text, Dims dims, NodePtr a, NodePtr b) {
    std::vector<NodePtr> operands;
    operands.push_back(std::move(a));
    operands.push_back(std::move(b));
    return make(std::move(text), std::move(dims), std::move(operands));
  }
  NodePtr number() {
    static const std::vector<std::string> numbers = {"0", "0.5", "1", "1.25", "2", "-0.75", "3e-2", "-1"};
    return make(pick(numbers), "");
  }

  const std::string &unary() {
    static const std::vector<std::string> templates = {
        "tanh($0)",        "sigmoid($0)",           "softplus($0)",      "sin($0)",         "cos($0)",     "abs($0)",
        "exp(-abs($0))",   "log(1 + $0^2)",         "sqrt(1 + $0^2)",    "log1p($0^2)",     "erf($0)",     "expm1(-abs($0))",
        "relu($0)",        "($0 / (1 + $0^2))",     "clip($0, -1, 2)",   "(-$0)",           "(0.5 * $0)",  "stop($0)",
        "square(tanh($0))", "(1 / (1 + exp(-$0)))", "(tanh($0) ^ 3)",    "sign($0)",        "(1 - $0)",    "log(2 + cos($0))"};
    return pick(templates);
  }
  const std::string &binary() {
    static const std::vector<std::string> templates = {"($0 + $1)", "($0 - $1)",      "($0 * $1)",
                                                       "($0 + $1)", "($0 / (1 + $1^2))", "($0 * sigmoid($1))"};
    return pick(templates);
  }
  const std::string &extremum() {
    static const std::vector<std::string> templates = {"max($0, $1)", "min($0, $1)"};
    return pick(templates);
  }

  std::mt19937_64 random;
};

class LossGenerator : Generator {
public:
  using Generator::Generator;
  Unit run();

private:
  NodePtr leaf(const Dims &dims);
  NodePtr value(const Dims &dims, int depth);
  NodePtr contraction(const Dims &dims, int depth);
  NodePtr reduction(const Dims &dims, int depth);
  NodePtr choice(const Dims &dims, int depth);
  NodePtr indexedLeaf(const std::string &indices);
  NodePtr covering(const std::string &indices);
  NodePtr indexed(const std::string &indices, int depth);
  Statement whole(size_t number);
  Statement byIndex(size_t number);

  /// Names by axes: arguments, then what statements define.
  std::multimap<Dims, std::string> names = {{"dc", "W"}, {"c", "b"}, {"nd", "X"}, {"n", "y"}, {"d", "w"}, {"", "h"}};
};

} // namespace

NodePtr LossGenerator::leaf(const Dims &dims) {
  auto [first, last] = names.equal_range(dims);
  size_t count = std::distance(first, last);
  if (dims.empty() && oneOf(3))
    return number();
  if (count == 0) // "nc"
    return make("($0 @ $1)", dims, leaf("nd"), leaf("dc"));
  return make(std::next(first, below(count))->second, dims);
}

NodePtr LossGenerator::contraction(const Dims &dims, int depth) {
  if (dims == "n")
    return make("($0 @ $1)", dims, value("nd", depth), value("d", depth));
  if (dims == "d")
    return oneOf(2) ? make("($0.T @ $1)", dims, value("nd", depth), value("n", depth))
                    : make("($0 @ $1)", dims, value("dc", depth), value("c", depth));
  if (dims == "c")
    return make("($0 @ $1)", dims, value("d", depth), value("dc", depth));
  if (dims == "nc")
    return make("($0 @ $1)", dims, value("nd", depth), value("dc", depth));
  if (dims == "dc")
    return oneOf(2) ? make("($0.T @ $1)", dims, value("nd", depth), value("nc", depth))
                    : make("outer($0, $1)", dims, value("d", depth), value("c", depth));
  if (dims == "nd")
    return make("outer($0, $1)", dims, value("n", depth), value("d", depth));
  Dims inner = pick(std::vector<Dims>{"n", "d", "c"});
  return make("dot($0, $1)", dims, value(inner, depth), value(inner, depth));
}

NodePtr LossGenerator::reduction(const Dims &dims, int depth) {
  static const std::vector<std::string> words = {"sum", "mean", "max", "min", "norm", "logsumexp", "mean"};
  if (dims.empty())
    return make(pick(words) + "($0)", dims, value(pick(std::vector<Dims>{"n", "d", "c", "nd", "dc", "nc"}), depth));
  static const std::vector<Dims> wider = {"nd", "dc", "nc"};
  std::vector<std::pair<Dims, size_t>> ways;
  for (const Dims &from : wider)
    for (size_t axis = 0; axis < 2; ++axis)
      if (from.substr(1 - axis, 1) == dims)
        ways.push_back({from, axis});
  if (ways.empty())
    return make("softmax[axis = 1]($0)", dims, value(dims, depth));
  auto [from, axis] = pick(ways);
  return make(pick(words) + "[axis = " + std::to_string(axis) + "]($0)", dims, value(from, depth));
}

/// By a condition on an argument.
NodePtr LossGenerator::choice(const Dims &dims, int depth) {
  static const std::map<Dims, std::string> arguments = {{"dc", "W"}, {"c", "b"}, {"nd", "X"}, {"n", "y"}, {"d", "w"}, {"", "h"}};
  auto argument = arguments.find(dims);
  if (argument == arguments.end())
    return value(dims, depth);
  return make("(if " + argument->second + pick(std::vector<std::string>{" > 0.3", " <= 0", " < -0.2"}) + " then $0 else $1)", dims, value(dims, depth),
              value(oneOf(2) ? dims : "", depth));
}

NodePtr LossGenerator::value(const Dims &dims, int depth) {
  if (depth <= 0 || oneOf(6))
    return leaf(dims);
  switch (below(8)) {
  case 0:
  case 1:
    return make(unary(), dims, value(dims, depth - 1));
  case 2:
  case 3: // the second operand may have the last axes alone
    return make(binary(), dims, value(dims, depth - 1), value(dims.substr(below(dims.size() + 1)), depth - 1));
  case 4:
    return contraction(dims, depth - 1);
  case 5:
    return reduction(dims, depth - 1);
  case 6:
    return choice(dims, depth - 1);
  default:
    return make(extremum(), dims, value(dims, depth - 1), value(dims, depth - 1));
  }
}

//===----------------------------------------------------------------------===//
// Index notation: indices i and p over n, j over d, k over c.
//===----------------------------------------------------------------------===//

static bool has(const std::string &indices, char index) { return indices.find(index) != std::string::npos; }

/// A named value at indices that are bound; a number if there is none.
NodePtr LossGenerator::indexedLeaf(const std::string &indices) {
  static const std::map<char, std::string> indicesOf = {{'n', "ip"}, {'d', "j"}, {'c', "k"}};
  std::vector<std::string> found = {"h"};
  for (const auto &[dims, name] : names) {
    std::vector<std::string> texts = {name};
    for (size_t axis = 0; axis < dims.size(); ++axis) {
      std::vector<std::string> next;
      for (char index : indicesOf.at(dims[axis]))
        if (has(indices, index))
          for (const std::string &text : texts)
            next.push_back(text + (axis ? ", " : "[") + index);
      texts = next;
    }
    if (!dims.empty())
      for (const std::string &text : texts)
        found.push_back(text + "]");
  }
  if (has(indices, 'i'))
    found.push_back("b[label[i]]");
  if (has(indices, 'i') && has(indices, 'j'))
    found.push_back("W[j, label[i]]");
  if (has(indices, 'j'))
    for (const char *text : {"w[twin[j]]", "V[j, 0]", "V[twin[j], 1]", "W[twin[j], 2]"})
      found.push_back(text);
  return make(pick(found), "");
}

/// A product in which every index stands bare at an axis, so that its range is known.
NodePtr LossGenerator::covering(const std::string &indices) {
  static const std::map<char, std::string> leaves = {{'i', "y[i]"}, {'p', "y[p]"}, {'j', "w[j]"}, {'k', "b[k]"}};
  NodePtr product;
  for (char index : indices) {
    NodePtr factor = make(leaves.at(index), "");
    product = product ? make("($0 + $1)", "", std::move(product), std::move(factor)) : std::move(factor);
  }
  return product;
}

NodePtr LossGenerator::indexed(const std::string &indices, int depth) {
  if (depth <= 0 || oneOf(5))
    return indexedLeaf(indices);
  switch (below(5)) {
  case 0:
    return make(unary(), "", indexed(indices, depth - 1));
  case 1:
    return make(extremum(), "", indexed(indices, depth - 1), indexed(indices, depth - 1));
  case 2: {
    std::string free;
    for (char index : std::string("ijk"))
      if (!has(indices, index))
        free += index;
    if (has(indices, 'i') && !has(indices, 'p'))
      free += 'p';
    if (free.empty())
      return indexedLeaf(indices);
    char bound = free[below(free.size())];
    std::string binder(1, bound);
    if (bound == 'p' && oneOf(2))
      binder = oneOf(2) ? "p < i" : "p != i";
    static const std::vector<std::string> words = {"sum", "sum", "sum", "mean", "max", "logsumexp"};
    std::string word = binder.size() > 1 ? "sum" : pick(words);
    NodePtr cover = covering(std::string(1, bound)), body = indexed(indices + bound, depth - 1);
    return make(word + "[" + binder + "]($0)", "", make("($0 * $1)", "", std::move(cover), std::move(body)));
  }
  default:
    return make(binary(), "", indexed(indices, depth - 1), indexed(indices, depth - 1));
  }
}

Statement LossGenerator::whole(size_t number) {
  Dims dims = pick(std::vector<Dims>{"n", "d", "c", "nd", "dc", "nc", ""});
  std::string name = "z" + std::to_string(number);
  Statement statement{name + " = ", value(dims, 3), false};
  names.insert({dims, name});
  return statement;
}

Statement LossGenerator::byIndex(size_t number) {
  static const std::map<Dims, std::string> indicesOf = {{"n", "i"}, {"d", "j"}, {"c", "k"}, {"nd", "ij"}, {"dc", "jk"}, {"nc", "ik"}};
  auto target = std::next(indicesOf.begin(), below(indicesOf.size()));
  std::string name = "z" + std::to_string(number), head = name + "[" + target->second[0];
  if (target->second.size() > 1)
    head += std::string(", ") + target->second[1];
  NodePtr cover = covering(target->second), body = indexed(target->second, 3);
  Statement statement{head + "] = ", make("($0 + $1)", "", std::move(cover), std::move(body)), false};
  names.insert({target->first, name});
  return statement;
}

Unit LossGenerator::run() {
  Unit unit{"loss f(W: [d, c], b: [c], w: [d], V: [d, 2], X: [n, d], y: [n], label: [n] int, twin: [d] int, h = 0.7)", {}};
  size_t count = below(5);
  for (size_t i = 0; i < count; ++i)
    unit.statements.push_back(oneOf(3) ? byIndex(i) : whole(i));
  // All parameters count, or the loss would have no derivative in some.
  NodePtr anchor = make("mean($0)", "", make("tanh(X @ W + b + sum(w))", "nc"));
  unit.statements.push_back({"return ", make("($0 + $1)", "", std::move(anchor), value("", 4)), true});
  return unit;
}

Unit makeLoss(uint64_t seed) { return LossGenerator(seed).run(); }

//===----------------------------------------------------------------------===//
// Rules
//===----------------------------------------------------------------------===//

namespace {

/// dims "w" is the tensor's shape, "" a number.
class RuleGenerator : Generator {
public:
  using Generator::Generator;
  Unit run();

private:
  NodePtr value(const Dims &dims, int depth);
  std::vector<std::string> tensors = {"w", "g", "m", "v"}, numbers = {"h", "s", "(1 / t)"};
};

} // namespace

NodePtr RuleGenerator::value(const Dims &dims, int depth) {
  if (depth <= 0 || oneOf(6)) {
    if (dims.empty() && oneOf(3))
      return number();
    return make(pick(dims.empty() ? numbers : tensors), dims);
  }
  switch (below(6)) {
  case 0:
    return make(unary(), dims, value(dims, depth - 1));
  case 1:
    return make(extremum(), dims, value(dims, depth - 1), value(dims, depth - 1));
  case 2:
    if (dims.empty())
      return make(pick(std::vector<std::string>{"norm[all]($0)", "norm($0)", "sum[all]($0)", "mean($0)", "max($0)"}), "", value("w", depth - 1));
    return make("(if g > 0.1 then $0 else $1)", dims, value(dims, depth - 1), value(oneOf(2) ? dims : "", depth - 1));
  default:
    return make(binary(), dims, value(dims, depth - 1), value(oneOf(2) ? dims : "", depth - 1));
  }
}

Unit RuleGenerator::run() {
  Unit unit{"rule r(h = 0.3)", {}};
  unit.statements.push_back({"param ", make("w", ""), true});
  unit.statements.push_back({"grad ", make("g", ""), true});
  unit.statements.push_back({"state ", make("m = 0, v = 0.5", ""), true});
  unit.statements.push_back({"state ", make("s: [] = 0.25", ""), true});
  size_t count = below(4);
  for (size_t i = 0; i < count; ++i) {
    Dims dims = oneOf(3) ? "" : "w";
    std::string name = "z" + std::to_string(i);
    unit.statements.push_back({name + " = ", value(dims, 3), false});
    (dims.empty() ? numbers : tensors).push_back(name);
  }
  for (const char *state : {"m", "v", "s"}) {
    if (oneOf(4))
      continue;
    bool isNumber = state[0] == 's';
    std::string name = std::string(state) + "'";
    unit.statements.push_back({name + " = ", value(isNumber ? "" : "w", 3), false});
    (isNumber ? numbers : tensors).push_back(name);
  }
  unit.statements.push_back({"w' = ", make("($0 - 0.1 * $1)", "w", make("w", "w"), value("w", 3)), true});
  return unit;
}

Unit makeRule(uint64_t seed) { return RuleGenerator(seed).run(); }

} // namespace gradus::random_specs
