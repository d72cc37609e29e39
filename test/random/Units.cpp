//===- Units.cpp - Losses, functions and rules of a matrix ------------------------===//

#include "Generator.h"

using namespace gradus::random_specs;

/// `state' = value`, in one of the forms that a rule has for it.
void Formulas::addNext(Unit &unit, const std::string &state, const Dims &dims) {
  std::string next = state + "'";
  switch (below(dims.size() == 2 ? 6 : 4)) {
  case 0:
    isInside = true;
    unit.statements.push_back({"every " + word({"2", "3", "k"}) + " { " + next + " = ", make("$0 }", dims, value(dims, 2)), false});
    break;
  case 1:
    isInside = true;
    unit.statements.push_back({"when " + word({"t % 2 == 0", "norm(g) > 2", "h > 0", "t > k"}) + " { " + next + " = ",
                               make(oneOf(2) ? "$0 }" : "$0 } else { " + next + " = $1 }", dims, value(dims, 2), value(dims, 2)), false});
    break;
  case 4:
    unit.statements.push_back({next + "[" + word({"t % n", "0", "k % n"}) + ", :] " + word({"=", "+="}) + " ", value("d", 2), false});
    break;
  case 5:
    unit.statements.push_back({next + "[:, " + word({"t % d", "1"}) + "] " + word({"=", "+="}) + " ", value("n", 2), false});
    break;
  default:
    unit.statements.push_back({next + " = ", value(dims, 1 + below(3)), false});
  }
  isInside = false;
  names.insert({dims, next});
}

Unit Formulas::makeRule() {
  Unit unit{"rule r(h = 0.3, k: int = 2)", {}};
  integers.insert({"", "k"});
  unit.statements.push_back({"param ", make("w: [n, d]", ""), true});
  unit.statements.push_back({"grad ", make("g", ""), true});
  std::vector<std::pair<std::string, Dims>> states = {{"m", "nd"}, {"rows", "n"}, {"columns", "d"}, {"s", ""}};
  for (auto &[name, dims] : states) {
    std::string sizes = dims == "nd" ? "n, d" : dims;
    unit.statements.push_back({"state ", make(name + ": [" + sizes + "] = " + word({"0", "0.25"}), ""), true});
    names.insert({dims, name});
  }
  for (size_t i = 0, count = below(4); i < count; ++i)
    unit.statements.push_back(statement(i));
  for (const auto &[name, dims] : states)
    if (!oneOf(3))
      addNext(unit, name, dims);
  unit.statements.push_back({"w' = ", make("($0 - 0.1 * $1)", "nd", make("w", "nd"), value("nd", 2)), true});
  return unit;
}

Unit Formulas::makeUnit() {
  if (kind == Matrix)
    return makeRule();
  std::string arguments = "f(W: [d, c], b: [c], w: [d], V: [d, 2], twin: [d] int, X: [n, d], y: [n], label: [n] int, h = 0.7, steps: int = 3)";
  Unit unit{(kind == Loss ? "loss " : "fn ") + arguments, {}};
  for (size_t i = 0, count = below(5); i < count; ++i)
    unit.statements.push_back(statement(i));
  if (kind == Function) {
    Dims dims = anyDims(true), other = anyDims(true);
    unit.statements.push_back({"return ", oneOf(2) ? value(dims, 3) : make("$0, $1", "", value(dims, 2), value(other, 2)), true});
    return unit;
  }
  // All parameters count, or the loss would have no derivative in some.
  NodePtr anchor = make("mean($0)", "", make("tanh(X @ W + b + sum(w) + sum(V))", "nc"));
  unit.statements.push_back({"return ", make("($0 + $1)", "", std::move(anchor), value("", 2 + below(2))), true});
  return unit;
}

Unit gradus::random_specs::makeLoss(Choices choices) { return Formulas(std::move(choices), Formulas::Loss).makeUnit(); }
Unit gradus::random_specs::makeFunction(Choices choices) { return Formulas(std::move(choices), Formulas::Function).makeUnit(); }
Unit gradus::random_specs::makeMatrixRule(Choices choices) { return Formulas(std::move(choices), Formulas::Matrix).makeUnit(); }
