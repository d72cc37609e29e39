//===- Spec.cpp - Printing and shrinking -----------------------------------------===//

#include "Spec.h"

namespace gradus::random_specs {

std::string Node::print() const {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '$')
      out += operands[text[++i] - '0']->print();
    else
      out += text[i];
  }
  return out;
}

NodePtr Node::clone() const {
  auto copy = std::make_unique<Node>(Node{text, dims, {}});
  for (const NodePtr &operand : operands)
    copy->operands.push_back(operand->clone());
  return copy;
}

std::string Unit::print() const {
  std::string out;
  for (const Unit &unit : before)
    out += unit.print();
  out += head + " {\n";
  for (const Statement &statement : statements)
    out += "  " + statement.head + statement.value->print() + "\n";
  return out + "}\n" + behind;
}

Unit Unit::clone() const {
  Unit copy{head, {}};
  for (const Statement &statement : statements)
    copy.statements.push_back({statement.head, statement.value->clone(), statement.isNeeded});
  for (const Unit &unit : before)
    copy.before.push_back(unit.clone());
  copy.behind = behind;
  return copy;
}

/// Every place in a tree at which a value can be replaced.
static void collect(NodePtr &node, std::vector<NodePtr *> &places) {
  places.push_back(&node);
  for (NodePtr &operand : node->operands)
    collect(operand, places);
}

/// Tries each operand of the value at `place`, then a number, in its stead.
static bool shrinkAt(Unit &unit, NodePtr *place, const std::function<bool(const Unit &)> &fails) {
  NodePtr whole = std::move(*place);
  std::vector<NodePtr> candidates;
  for (const NodePtr &operand : whole->operands)
    if (operand->dims == whole->dims)
      candidates.push_back(operand->clone());
  if (whole->text != "1.5")
    candidates.push_back(std::make_unique<Node>(Node{"1.5", whole->dims, {}}));
  for (NodePtr &candidate : candidates) {
    *place = std::move(candidate);
    if (fails(unit))
      return true;
  }
  *place = std::move(whole);
  return false;
}

static bool shrinkOnce(Unit &unit, const std::function<bool(const Unit &)> &fails) {
  for (size_t i = 0; i < unit.statements.size(); ++i) {
    if (unit.statements[i].isNeeded)
      continue;
    Unit without = unit.clone();
    without.statements.erase(without.statements.begin() + i);
    if (fails(without)) {
      unit = std::move(without);
      return true;
    }
  }
  for (size_t k = 0; k < unit.before.size(); ++k) {
    Unit part = unit.before[k].clone();
    auto stillFails = [&](const Unit &candidate) {
      Unit whole = unit.clone();
      whole.before[k] = candidate.clone();
      return fails(whole);
    };
    if (shrinkOnce(part, stillFails)) {
      unit.before[k] = std::move(part);
      return true;
    }
  }
  for (Statement &statement : unit.statements) {
    if (statement.isNeeded && statement.value->operands.empty()) // a declaration
      continue;
    std::vector<NodePtr *> places;
    collect(statement.value, places);
    for (NodePtr *place : places)
      if (shrinkAt(unit, place, fails))
        return true;
  }
  return false;
}

Unit shrink(Unit unit, const std::function<bool(const Unit &)> &fails) {
  while (shrinkOnce(unit, fails))
    ;
  return unit;
}

} // namespace gradus::random_specs
