//===- Formulas.cpp - Values over whole arrays ------------------------------------===//

#include "Generator.h"

using namespace gradus::random_specs;

Formulas::Formulas(Choices choices, For unit) : Generator(std::move(choices)), kind(unit), hasDerivative(unit == Loss) {
  if (kind == Matrix) {
    shapes = {"n", "d", "nd"};
    arguments = {{"n", "g[:, 0]"}, {"d", "g[0, :]"}, {"nd", "g"}};
    covers = {{'i', "w[i, 0]"}, {'p', "w[p, 1]"}, {'j', "g[0, j]"}};
    names = {{"nd", "w"}, {"nd", "g"}, {"n", "g[:, 1]"}, {"d", "w[2, :]"}, {"", "h"}, {"", "(1 / t)"}};
    integers = {{"", "t"}};
    return;
  }
  shapes = {"n", "d", "c", "nd", "dc", "nc"};
  arguments = {{"dc", "W"}, {"c", "b"}, {"nd", "X"}, {"n", "y"}, {"d", "w"}, {"nc", "X @ W"}};
  covers = {{'i', "y[i]"}, {'p', "y[p]"}, {'j', "w[j]"}, {'k', "b[k]"}};
  names = {{"dc", "W"}, {"c", "b"}, {"nd", "X"}, {"n", "y"}, {"d", "w"}, {"", "h"}};
  integers = {{"n", "label"}, {"d", "twin"}, {"", "steps"}};
}

const Dims &Formulas::anyDims(bool alsoNumber) {
  static const Dims number;
  return alsoNumber && oneOf(shapes.size() + 1) ? number : pick(shapes);
}

NodePtr Formulas::leaf(const Dims &dims) {
  auto [first, last] = names.equal_range(dims);
  size_t count = std::distance(first, last);
  if (dims.empty() && oneOf(3))
    return number();
  auto [firstInt, lastInt] = integers.equal_range(dims);
  size_t ints = std::distance(firstInt, lastInt);
  if (ints && oneOf(8))
    return make("(0.25 * " + std::next(firstInt, below(ints))->second + ")", dims);
  if (count == 0) // "nc"
    return make("($0 @ $1)", dims, leaf("nd"), leaf("dc"));
  std::string name = std::next(first, below(count))->second;
  if (isNarrow() && name.find('[') != std::string::npos)
    name = dims == "n" ? "rows" : "columns";
  return make(name, dims);
}

NodePtr Formulas::contraction(const Dims &dims, int depth) {
  if (dims == "n")
    return make("($0 @ $1)", dims, value("nd", depth), value("d", depth));
  if (dims == "d" && (kind == Matrix || oneOf(2)))
    return make("($0.T @ $1)", dims, value("nd", depth), value("n", depth));
  if (dims == "d")
    return make("($0 @ $1)", dims, value("dc", depth), value("c", depth));
  if (dims == "c")
    return make("($0 @ $1)", dims, value("d", depth), value("dc", depth));
  if (dims == "nc")
    return make("($0 @ $1)", dims, value("nd", depth), value("dc", depth));
  if (dims == "dc")
    return oneOf(2) ? make("($0.T @ $1)", dims, value("nd", depth), value("nc", depth))
                    : make("outer($0, $1)", dims, value("d", depth), value("c", depth));
  if (dims == "nd")
    return make("outer($0, $1)", dims, value("n", depth), value("d", depth));
  Dims inner = shapes[below(kind == Matrix ? 2 : 3)];
  return make("dot($0, $1)", dims, value(inner, depth), value(inner, depth));
}

NodePtr Formulas::reduction(const Dims &dims, int depth) {
  std::string reducer = word({"sum", "mean", "max", "min", "norm", "logsumexp", "mean"});
  if (dims.empty()) {
    Dims from = anyDims();
    if (kind == Matrix && !isInside && oneOf(3))
      return make(word({"norm[all]($0)", "sum[all]($0)", "max[all]($0)"}), dims, value(from, depth));
    return make(reducer + "($0)", dims, value(from, depth));
  }
  std::vector<std::pair<Dims, size_t>> ways;
  for (const Dims &from : shapes)
    for (size_t axis = 0; axis < 2 && from.size() == 2; ++axis)
      if (from.substr(1 - axis, 1) == dims)
        ways.push_back({from, axis});
  if (ways.empty())
    return make("softmax[axis = 1]($0)", dims, value(dims, depth));
  auto [from, axis] = pick(ways);
  return make(reducer + "[axis = " + std::to_string(axis) + "]($0)", dims, value(from, depth));
}

/// By a condition on an argument.
NodePtr Formulas::choice(const Dims &dims, int depth) {
  if (dims == "n" && kind != Matrix && oneOf(2))
    return make(word({"where(label > 0, $0, $1)", "where(label % 2 == 1, $0, $1)", "where(div(label, 2) == 0, $0, $1)"}), dims, value(dims, depth), value(dims, depth));
  auto argument = arguments.find(dims);
  if (argument == arguments.end() || dims == "nc" || isNarrow())
    return value(dims, depth);
  return make("(if " + argument->second + word({" > 0.35", " <= 0", " < -0.25"}) + " then $0 else $1)", dims, value(dims, depth),
              value(oneOf(2) ? dims : "", depth));
}

/// The same elements elsewhere.
NodePtr Formulas::moved(const Dims &dims, int depth) {
  if (dims.empty()) {
    Dims from = shapes[below(2)];
    return make(word({"($0)[1]", "($0)[2]", "sum(($0)[1:])", "sum(($0)[:-1])", "sum(($0)[1:3])", "trace(outer($0, $0))"}), "", value(from, depth));
  }
  if (dims.size() == 1) {
    return make(word({"flip($0)", "roll($0, 1)", "roll($0, -2)", "diag(outer($0, $0))", "concat(($0)[1:], ($0)[:1])"}), dims, value(dims, depth));
  }
  std::string rows(1, dims[0]), columns(1, dims[1]);
  switch (below(4)) {
  case 0:
    return make("reshape($0, [" + columns + ", " + rows + "]).T", dims, value(dims, depth));
  case 1:
    return make(word({"triu($0)", "tril($0)", "triu($0, 1)"}), dims, value(dims, depth));
  case 2:
    return make("concat[axis = 1](($0)[:, 1:], ($0)[:, :1])", dims, value(dims, depth));
  default:
    return make(word({"flip[axis = 1]($0)", "roll[axis = 0]($0, 1)"}), dims, value(dims, depth));
  }
}

/// Sums along an axis, orders, ranks.
NodePtr Formulas::ordered(const Dims &dims, int depth) {
  if (dims.empty()) {
    Dims from = anyDims();
    std::string x = "$0 + 0.01 * " + arguments.at(from);
    if (from.size() > 1)
      return make(oneOf(2) ? "median(" + x + ")" : "quantile(" + x + ", 0.3)", "", value(from, depth));
    auto [before, behind] = pick(std::vector<std::pair<std::string, std::string>>{{"quantile(", ", 0.75)"}, {"median(", ")"}, {"sum(top(", ", 2))"}, {"min(top(", ", 3))"}});
    return make(before + x + behind, "", value(from, depth));
  }
  std::string slot = dims.size() == 2 ? word({"[axis = 0]", "[axis = 1]", "[axis = 1, reverse]"}) : word({"", "[reverse]"});
  std::string plain = dims.size() == 2 ? word({"[axis = 0]", "[axis = 1]"}) : "";
  std::string x = "($0 + 0.01 * " + arguments.at(dims) + ")";
  switch (below(6)) {
  case 0:
  case 1:
    return make("cumsum" + slot + "($0)", dims, value(dims, depth));
  case 2:
    return make("cumprod" + slot + "(tanh($0))", dims, value(dims, depth));
  case 3:
    return make(word({"cummax", "cummin"}) + slot + x, dims, value(dims, depth));
  case 4:
    return make("(0.1 * argsort" + plain + x + ")", dims, value(dims, depth));
  default:
    return make("(0.1 * rank" + plain + x + ")", dims, value(dims, depth));
  }
}

/// Parts that become one array, and parts of one.
NodePtr Formulas::joined(const Dims &dims, int depth) {
  if (dims.empty())
    return make("sum(concat($0, $1))", "", value(shapes[0], depth), value(shapes[1], depth));
  std::string size(1, dims[0]);
  std::vector<std::string> ways = {"stack($0, $1)[1]", "sum[axis = 0](stack($0, $1))", "concat($0, $1)[:" + size + "]", "concat($0, $1)[" + size + ":]"};
  if (dims.size() == 1)
    ways.insert(ways.end(), {"repeat($0 + $1, 2)[:" + size + "]", "tile($0 + $1, 2)[" + size + ":]"});
  if (dims == "c")
    return make("segment_sum($0, label, c)", dims, value("n", depth));
  if (dims == "dc" && kind != Matrix && oneOf(3))
    return make("segment_sum($0, label, c).T", dims, value("nd", depth));
  return make(pick(ways), dims, value(dims, depth), value(dims, depth));
}

NodePtr Formulas::value(const Dims &dims, int depth) {
  if (depth <= 0 || oneOf(6))
    return leaf(dims);
  switch (below(isNarrow() ? 7 : 13)) {
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
  case 7:
    return moved(dims, depth - 1);
  case 8:
    return ordered(dims, depth - 1);
  case 9:
    return joined(dims, depth - 1);
  case 10:
    return factored(dims, depth - 1);
  case 11:
    return windowed(dims, depth - 1);
  default:
    return make(extremum(), dims, value(dims, depth - 1), value(dims, depth - 1));
  }
}
