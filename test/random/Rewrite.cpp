//===- Rewrite.cpp - The same unit in other words -----------------------------------===//

#include "Spec.h"

#include <algorithm>
#include <random>
#include <regex>
#include <set>
#include <sstream>

namespace gradus::random_specs {

static std::set<std::string> wordsOf(const std::string &text) {
  static const std::regex word("[A-Za-z_]\\w*'?");
  return {std::sregex_token_iterator(text.begin(), text.end(), word), std::sregex_token_iterator()};
}

/// What a plain definition or a draw defines; empty for any other statement.
static std::set<std::string> definedBy(const Statement &statement) {
  static const std::regex plain("^(draw )?[a-z]+\\d+(\\[.*\\])?(, [a-z]+\\d+)* = $");
  if (!std::regex_match(statement.head, plain))
    return {};
  std::set<std::string> found;
  std::stringstream lines(statement.head + statement.value->print());
  for (std::string line; std::getline(lines, line);)
    for (const std::string &word : wordsOf(line.substr(0, line.find(" = "))))
      if (std::any_of(word.begin(), word.end(), [](char c) { return std::isdigit(static_cast<unsigned char>(c)); }))
        found.insert(word);
  return found;
}

static bool reads(const Statement &statement, const std::set<std::string> &names) {
  std::set<std::string> words = wordsOf(statement.head + statement.value->print());
  return std::any_of(names.begin(), names.end(), [&](const std::string &name) { return words.count(name) != 0; });
}

static void swapNeighbours(Unit &unit, std::mt19937_64 &random) {
  for (size_t i = 0; i + 1 < unit.statements.size(); ++i) {
    Statement &first = unit.statements[i], &second = unit.statements[i + 1];
    std::set<std::string> a = definedBy(first), b = definedBy(second);
    if (!a.empty() && !b.empty() && !reads(first, b) && !reads(second, a) && random() % 2)
      std::swap(first, second);
  }
}

static void collect(NodePtr &node, std::vector<NodePtr *> &places) {
  for (NodePtr &operand : node->operands) {
    places.push_back(&operand);
    collect(operand, places);
  }
}

/// A part of a formula over whole arrays gets a name of its own.
static void splitFormula(Unit &unit, std::mt19937_64 &random) {
  static const std::regex whole("^(z\\d+ = |return |w' = )$");
  size_t i = random() % unit.statements.size();
  Statement &statement = unit.statements[i];
  std::vector<NodePtr *> places;
  if (std::regex_match(statement.head, whole))
    collect(statement.value, places);
  if (places.empty())
    return;
  NodePtr &place = *places[random() % places.size()];
  auto name = std::make_unique<Node>(Node{"part" + std::to_string(unit.statements.size()), place->dims, {}});
  Statement made{name->text + " = ", std::move(place), false};
  place = std::move(name);
  unit.statements.insert(unit.statements.begin() + i, std::move(made));
}

static void renameIn(std::string &text) {
  static const std::regex own("\\b([abcloquxz]|s[ab])(\\d+)\\b");
  text = std::regex_replace(text, own, "$1renamed$2");
}
static void renameAll(Node &node) {
  renameIn(node.text);
  for (NodePtr &operand : node.operands)
    renameAll(*operand);
}

Unit rewrite(const Unit &unit, uint64_t seed) {
  std::mt19937_64 random(seed);
  Unit changed = unit.clone();
  swapNeighbours(changed, random);
  for (int i = 0; i < 3; ++i)
    splitFormula(changed, random);
  for (Statement &statement : changed.statements) {
    renameIn(statement.head);
    renameAll(*statement.value);
  }
  return changed;
}

} // namespace gradus::random_specs
