//===- Statements.cpp - Definitions, recurrences, loops, draws, writes ------------===//

#include "Generator.h"

#include <utility>

using namespace gradus::random_specs;

Statement Formulas::statement(size_t id) {
  std::string name = std::to_string(id);
  switch (below(15)) {
  case 0:
  case 1:
  case 2:
    return byIndex(name);
  case 3:
    return recurrence(name);
  case 4:
  case 5:
    return loop(name);
  case 6:
    return draw(name);
  case 7:
    return scatter(name);
  case 8:
    return sorted(name);
  case 9:
    return decomposed(name);
  case 10:
  case 11:
    return derived(name);
  default:
    return whole(name);
  }
}

Statement Formulas::whole(const std::string &id) {
  Dims dims = anyDims(true);
  Statement made{"z" + id + " = ", value(dims, 1 + below(3)), false};
  names.insert({dims, "z" + id});
  return made;
}

static std::string without(const std::string &text, const std::string &signs) {
  std::string out;
  for (char c : text)
    if (signs.find(c) == std::string::npos)
      out += c;
  return out;
}

Statement Formulas::byIndex(const std::string &id) {
  Dims dims = anyDims();
  std::string indices = indicesOf(dims);
  Statement made{"z" + id + "[" + indices + "] = ", covered(without(indices, ", "), 1 + below(3)), false};
  names.insert({dims, "z" + id});
  return made;
}

/// Along the first axis, from either end, over one step or two.
Statement Formulas::recurrence(const std::string &id) {
  Dims dims = anyDims();
  std::string indices = indicesOf(dims), rest = indices.substr(1), name = "z" + id;
  bool isForward = oneOf(2);
  auto before = [&](const char *steps) { return name + "[" + indices[0] + (isForward ? " - " : " + ") + steps + rest + "]"; };
  std::string step = word({"$0 + 0.5 * @", "tanh($0) * @ + $1", "max($0, 0.5 * @)", "$0 + sin(@) * tanh($1)", "$0 + 0.5 * @ - 0.25 * #", "sin(@) * tanh(#) + $0", "tanh($0) * # + $1"});
  bool isOfTwo = step.find('#') != std::string::npos;
  for (size_t at; (at = step.find_first_of("@#")) != std::string::npos;)
    step.replace(at, 1, before(step[at] == '@' ? "1" : "2"));
  std::string first = isForward ? "-1" : std::string(1, dims[0]), second = isForward ? "-2" : first + " + 1";
  step += ", " + name + "[" + first + rest + "] = " + word({"0", "0.5"});
  if (isOfTwo)
    step += ", " + name + "[" + second + rest + "] = " + word({"0", "1"});
  std::string all = without(indices, ", ");
  Statement made{name + "[" + indices + "] = ", make(step, dims, covered(all, 2), indexed(all, 2)), false};
  names.insert({dims, "z" + id});
  return made;
}

/// Runs a few times, or as often as data says; carries one value or two, with choices inside.
Statement Formulas::loop(const std::string &id) {
  Dims dims = anyDims(true), other = oneOf(2) ? "" : anyDims(true);
  std::string a = "a" + id, b = "b" + id, index = "l" + id;
  bool isCounted = oneOf(2), hasTwo = oneOf(2);
  // The derivative of a loss keeps what the passes begin with, so that a size must bound their number.
  std::string count = kind == Matrix ? word({"1", "2", "3", "n", "t", "t % 3"})
                      : kind == Loss ? word({"1", "2", "3", "n", "min(steps, 3)", "min(label[0], 3)"})
                                     : word({"1", "2", "3", "n", "steps", "label[0]"});
  std::string first = word({"0", "1", kind == Matrix ? "div(t, 2)" : kind == Loss ? "div(n, 2)" : "div(steps, 2)"});
  std::string head = "loop " + (isCounted ? index + " in " + first + ".." + count : count) + " with " + a + " = ";
  NodePtr init = value(dims, 2), init2 = value(other, 2);
  names.insert({dims, a});
  if (hasTwo)
    names.insert({other, b});
  auto indexPlace = isCounted ? integers.insert({"", index}) : integers.end();
  bool wasInside = std::exchange(isInside, true);
  std::string text = "$0";
  if (hasTwo)
    text += ", " + b + " = $1";
  if (oneOf(3))
    text += " while " + word({"norm(@) < 4", "sum(@) < 3", "max(@) > 0"});
  for (size_t at; (at = text.find('@')) != std::string::npos;)
    text.replace(at, 1, a);
  text += " {\n";
  auto made = make("", dims, std::move(init), std::move(init2));
  auto operand = [&](NodePtr node) {
    made->operands.push_back(std::move(node));
    return "$" + std::to_string(made->operands.size() - 1);
  };
  bool isLocal = !isNarrow() && oneOf(3);
  Dims localDims = anyDims();
  if (isLocal) {
    std::string indices = indicesOf(localDims);
    text += "    u" + id + "[" + indices + "] = " + operand(covered(without(indices, ", "), 2)) + "\n";
  }
  auto local = isLocal ? names.insert({localDims, "u" + id}) : names.end();
  auto next = [&](const std::string &name, const Dims &of) {
    return name + "' = " + (oneOf(2) ? "tanh(" + operand(value(of, 2)) + ")" : "0.5 * " + name + " + tanh(" + operand(value(of, 2)) + ")");
  };
  if (oneOf(3)) {
    std::string c = isCounted ? word({"@ % 2 == 0", "@ > 1"}) : "sum(" + a + ") > 0.5";
    if (size_t at = c.find('@'); at != std::string::npos)
      c.replace(at, 1, index);
    text += "    when " + c + " { " + next(a, dims) + " }" + (oneOf(2) ? " else { " + next(a, dims) + " }" : "") + "\n";
  } else {
    text += "    " + next(a, dims) + "\n";
  }
  if (hasTwo)
    text += "    " + next(b, other) + "\n";
  text += "  }";
  if (local != names.end())
    names.erase(local);
  if (isCounted)
    integers.erase(indexPlace);
  isInside = wasInside;
  made->text = text;
  return {head, std::move(made), false};
}

Statement Formulas::draw(const std::string &id) {
  std::string head = "draw e" + id + " = ", name = "e" + id;
  Dims dims = anyDims(true);
  std::string sizes;
  for (char axis : dims)
    sizes += std::string(sizes.empty() ? "" : ", ") + axis;
  std::string shape = dims.empty() ? "" : "[" + sizes + "]";
  switch (below(6)) {
  case 0: {
    Dims one = shapes[below(2)];
    integers.insert({one, name});
    return {head, make("permutation(" + one + ")", one), false};
  }
  case 1:
    if (dims.size() > 1)
      dims = shape = "";
    integers.insert({dims, name});
    return {head, make("index(" + word({"3", kind == Matrix ? "t" : "steps"}) + (shape.empty() ? "" : ", " + shape) + ")", dims), false};
  case 2:
    if (dims.size() > 1)
      dims = shape = "";
    integers.insert({dims, name});
    return {head, make("categorical(exp(" + arguments.at(shapes[1]) + ")" + (shape.empty() ? "" : ", " + shape) + ")", dims), false};
  case 3:
    names.insert({dims, name});
    return {head, make("bernoulli(0.4" + (shape.empty() ? "" : ", " + shape) + ")", dims), false};
  default:
    names.insert({dims, name});
    auto made = make(word({"normal(", "uniform(", "exponential(", "gumbel(", "rademacher(", "gamma(0.5", "gamma(3"}), dims);
    if (!shape.empty())
      made->text += (made->text.back() == '(' ? "" : ", ") + shape;
    made->text += ")";
    return {head, std::move(made), false};
  }
}

/// Writes at computed places: sums, or the last of several.
Statement Formulas::scatter(const std::string &id) {
  Dims dims = anyDims();
  std::string name = "z" + id, sizes, places;
  Dims from = anyDims();
  std::string indices = without(indicesOf(from), ", ");
  for (char axis : dims) {
    std::string place = integer(indices, 1);
    if (places.empty()) // each index stands on the left
      for (char index : indices)
        place += std::string(" + ") + index;
    sizes += std::string(sizes.empty() ? "" : ", ") + axis;
    places += (places.empty() ? "(" : ", (") + place + ") % " + axis;
  }
  std::string begin = oneOf(2) ? "zeros(" + sizes + ")" : leaf(dims)->print();
  Statement made{name + " = " + begin + "\n  " + name + "[" + places + "] " + word({"+=", "="}) + " ", covered(indices, 2), false};
  names.insert({dims, name});
  return made;
}

Statement Formulas::sorted(const std::string &id) {
  Dims dims = anyDims();
  std::string slot = dims.size() == 2 ? word({"[axis = 0]", "[axis = 1]", "[descending, axis = 1]"}) : word({"", "[descending]"});
  Statement made{"z" + id + ", o" + id + " = ", make("sort" + slot + "($0 + 0.01 * " + arguments.at(dims) + ")", dims, value(dims, 2)), false};
  names.insert({dims, "z" + id});
  if (dims.size() == 1)
    integers.insert({dims, "o" + id});
  return made;
}
