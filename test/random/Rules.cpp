//===- Rules.cpp - Rules of tensors of any shape ----------------------------------===//
//
// dims "w" is the tensor's shape, "" a number of each tensor, "*" one number for the collection.
//
//===----------------------------------------------------------------------===//

#include "Generator.h"

using namespace gradus::random_specs;

namespace {

class RuleGenerator : Generator {
public:
  RuleGenerator(Choices choices, const RuleForm &form) : Generator(std::move(choices)), form(form) {}
  Unit run(const std::string &name);

private:
  NodePtr value(const Dims &dims, int depth);
  NodePtr reduction(const Dims &dims, int depth);
  std::string condition() { return word({"t % 2 == 0", "norm(g) > 2", "s > 0.3", "k > 1", "t < 3 and h > 0"}); }
  void declare(Unit &unit);
  void addLoop(Unit &unit, size_t id);
  void addNext(Unit &unit, const std::string &state, const Dims &dims);

  std::multimap<Dims, std::string> names = {{"w", "w"}, {"w", "g"}, {"w", "m"}, {"w", "v"}, {"", "s"}, {"*", "h"}, {"*", "(1 / t)"}};
  std::vector<std::pair<std::string, Dims>> states = {{"m", "w"}, {"v", "w"}, {"s", ""}};
  bool isInside = false; ///< of a block
  RuleForm form;
  /// Where nothing may ask other tensors, and no index may fail.
  bool isAlone() const { return isInside || form.isInBlock; }
};

} // namespace

NodePtr RuleGenerator::reduction(const Dims &dims, int depth) {
  bool isJoint = dims == "*" || (!isAlone() && oneOf(2));
  if (isJoint && isAlone())
    return make("h", dims);
  return make(word({"norm", "sum", "max", "min", "norm"}) + (isJoint ? "[all]" : "") + "($0)", dims, value("w", depth));
}

NodePtr RuleGenerator::value(const Dims &dims, int depth) {
  if (depth <= 0 || oneOf(6)) {
    if (dims != "w" && oneOf(3))
      return make(number()->print(), dims);
    Dims from = dims.empty() && oneOf(3) ? "*" : dims;
    auto [first, last] = names.equal_range(from);
    std::string name = std::next(first, below(std::distance(first, last)))->second;
    if (isAlone() && name.find('%') != std::string::npos && name.find('[') != std::string::npos) // no index may fail here
      name = "h";
    return make(name, dims);
  }
  if (form.asks && !isInside && oneOf(10) && !dims.empty())
    return make(dims == "w" ? "grad f(w + 0.1 * tanh($0))" : "f(w + 0.1 * tanh($0))", dims, value("w", depth - 1));
  Dims narrow = dims == "w" && oneOf(2) ? (oneOf(2) ? "*" : "") : dims;
  switch (below(7)) {
  case 0:
    return make(unary(), dims, value(dims, depth - 1));
  case 1:
    return make(extremum(), dims, value(dims, depth - 1), value(dims, depth - 1));
  case 2:
    if (dims == "w")
      return make("(if g > 0.1 then $0 else $1)", dims, value(dims, depth - 1), value(narrow, depth - 1));
    return reduction(dims, depth - 1);
  case 3:
    if (dims == "w" && !form.isTrained && oneOf(2))
      return make("cumsum($0)", dims, value(dims, depth - 1)); // all elements, in their order
    [[fallthrough]];
  default:
    return make(binary(), dims, value(dims, depth - 1), value(narrow, depth - 1));
  }
}

/// Inputs, draws and states of every kind, each of them in half of the rules.
void RuleGenerator::declare(Unit &unit) {
  struct Declared {
    const char *head, *text;
    Dims dims;
    std::vector<std::string> reads;
    const char *state; ///< the name, where it is one with the shape of `dims`
  };
  const std::vector<Declared> all = {
      {"input ", "mask: like w = 1", "w", {"mask"}, nullptr},
      {"input ", "pull: [] = 0.5", "", {"pull"}, nullptr},
      {"shared input ", "beta: []", "*", {"beta"}, nullptr},
      {"state ", "S: [2] like w = 0", "w", {"S[0]", "S[1]"}, nullptr},
      {"state ", "i: [] int = 1", "", {"(0.1 * i)", "(i % 3)"}, nullptr},
      {"state ", "start = w * 0.5", "w", {"start"}, "start"},
      {"shared state ", "total = 0.5", "*", {"total"}, "total"},
      {"shared state ", "count: int = 2", "*", {"count", "(0.1 * count)"}, nullptr},
      {"shared state ", "hist: [3] = 0.25", "*", {"hist[0]", "hist[k % 3]", "sum(hist)"}, nullptr},
      {"state ", "G: [2, 3] = 0.5", "", {"G[1, 2]", "G[k % 2, t % 3]", "norm(G)"}, nullptr},
      {"draw z = ", "normal(like w)", "w", {"z"}, nullptr},
      {"draw u = ", "uniform()", "*", {"u"}, nullptr},
      {"draw o = ", "index(3)", "*", {"o", "(0.5 * o)"}, nullptr},
      {"draw r = ", "rademacher(like w)", "w", {"r"}, nullptr},
  };
  for (const Declared &each : all) {
    if (oneOf(2) || (form.isInBlock && !std::string(each.head).starts_with("state") && !std::string(each.head).starts_with("draw")))
      continue;
    unit.statements.push_back({each.head, make(each.text, ""), false});
    for (const std::string &read : each.reads)
      names.insert({each.dims, read});
    if (each.state)
      states.push_back({each.state, each.dims});
    std::string text = each.text;
    if (text.starts_with("S:"))
      unit.statements.push_back({"S' = ", make("push(S, $0)", "", value("w", 2)), false});
    if (text.starts_with("i:"))
      unit.statements.push_back({"i' = ", make(word({"i + 1", "(i * 2 + k) % 5", "i + t"}), ""), false});
    if (text.starts_with("count:"))
      unit.statements.push_back({"count' = ", make(word({"count + 1", "(count + t) % 4", "div(count + k, 2)"}), ""), false});
    if (text.starts_with("hist:"))
      unit.statements.push_back({"hist' = ", oneOf(2) ? make("push(hist, $0)", "", value("*", 2)) : make("0.5 * hist + $0", "", value("*", 2)), false});
    if (text.starts_with("G:")) {
      unit.statements.push_back({"G'[" + word({"t % 2", "k % 2", "0"}) + ", :] = ", make("[$0, $1, h]", "", value("", 2), value("", 1)), false});
      if (oneOf(2))
        unit.statements.push_back({"G'[1, " + word({"t % 3", "2"}) + "] += ", value("", 2), false});
    }
  }
}

/// Of each tensor; carries one value or two.
void RuleGenerator::addLoop(Unit &unit, size_t id) {
  std::string x = "x" + std::to_string(id), c = "c" + std::to_string(id), index = "l" + std::to_string(id);
  isInside = form.isTrained; // in a train unit each tensor runs its own loop
  NodePtr first = value("w", 2), second = value("", 1);
  names.insert({"w", x});
  names.insert({"", c});
  isInside = true;
  bool isCounted = oneOf(2);
  auto named = isCounted ? names.insert({"", index}) : names.end();
  NodePtr next = value("w", 2), nextNumber = value("", 2);
  if (isCounted)
    names.erase(named);
  isInside = false;
  std::string head = "loop " + (isCounted ? index + " in 0.." : std::string()) + word({"2", "k", "t % 4", "3"}) + " with " + x + " = ";
  std::string condition = oneOf(2) ? " while " + c + " < 3" : "";
  unit.statements.push_back({head, make("$0, " + c + " = 0.5 * $1" + condition + " {\n    " + x + "' = 0.5 * " + x + " + tanh($2)\n    " + c + "' = 0.5 + tanh($3)\n  }", "",
                                        std::move(first), std::move(second), std::move(next), std::move(nextNumber)), false});
}

void RuleGenerator::addNext(Unit &unit, const std::string &state, const Dims &dims) {
  std::string next = state + "'";
  bool isBlock = dims != "*" && oneOf(2);
  isInside = isBlock;
  if (isBlock && oneOf(2))
    unit.statements.push_back({"every " + word({"2", "3", "k"}) + " { " + next + " = ", make("$0 }", dims, value(dims, 2)), false});
  else if (isBlock)
    unit.statements.push_back({"when " + condition() + " { " + next + " = ",
                               make(oneOf(2) ? "$0 }" : "$0 } else { " + next + " = $1 }", dims, value(dims, 2), value(dims, 2)), false});
  else
    unit.statements.push_back({next + " = ", value(dims, 1 + below(3)), false});
  isInside = false;
  names.insert({dims, next});
}

Unit RuleGenerator::run(const std::string &name) {
  Unit unit{"rule " + name + (form.wraps ? "(base: rule, " : "(") + "h = 0.3, k: int = 2)" + (form.asks ? " over f" : ""), {}};
  unit.statements.push_back({"param ", make(word({"w", "w", "w", "w: bf16", "w: f16 stochastic", "w: f32"}), ""), true});
  unit.statements.push_back(form.asks ? Statement{"g = ", make("grad f(w)", "w"), true} : Statement{"grad ", make("g", ""), true});
  unit.statements.push_back({"state ", make(word({"m = 0, v = 0.5", "m = 0, v = 0.5", "m: f16 = 0, v: bf16 stochastic = 0.5"}), ""), true});
  unit.statements.push_back({"state ", make("s: [] = 1", ""), true});
  declare(unit);
  std::vector<std::string> reports;
  for (size_t i = 0, count = below(4); i < count; ++i) {
    if (oneOf(4)) {
      addLoop(unit, i);
      continue;
    }
    Dims dims = word({"w", "w", "", "*"});
    std::string name = "z" + std::to_string(i);
    unit.statements.push_back({name + " = ", value(dims, 1 + below(3)), false});
    names.insert({dims, name});
    reports.push_back(name);
  }
  for (const auto &[state, dims] : std::vector(states))
    if (!oneOf(4))
      addNext(unit, state, dims);
  for (const std::string &name : reports)
    if (!form.isInBlock && oneOf(3))
      unit.statements.push_back({"emit ", make(name, ""), false});
  isInside = form.callsInBlock;
  if (form.callsInBlock)
    unit.statements.push_back({"when " + word({"t % 2 == 1", "norm(g) > 2", "s > 0.3"}) + " { w' = base(w, ", make("$0) } else { w' = w - 0.1 * $1 }", "w", value("w", 2), value("w", 1)), true});
  else if (form.wraps)
    unit.statements.push_back({"w' = ", make("base(w, $0)", "w", value("w", 2)), true});
  else
    unit.statements.push_back({"w' = ", make("($0 - 0.1 * $1)", "w", make("w", "w"), value("w", 2)), true});
  return unit;
}

Unit gradus::random_specs::makeRule(Choices choices, const RuleForm &form) { return RuleGenerator(std::move(choices), form).run(form.name); }

/// A loss with a rule, with a rule around another, or with one for a tensor and another for the rest.
Unit gradus::random_specs::makeTrain(size_t form, Choices outerChoices, Choices lossChoices, Choices innerChoices) {
  static constexpr const char *compositions[] = {"r(h = 0.2)", "r(inner(h = 0.2), k = 3)", "{ W: r(k = 3); else: inner(h = 0.2) }", "r(inner())"};
  size_t way = form % 4;
  RuleForm outer{"r", way % 2 == 1, way % 2 == 1 && form / 4 % 2, way == 0 || way == 3, true, false};
  RuleForm inner{"inner", false, false, false, true, outer.callsInBlock};
  Unit unit = makeRule(std::move(outerChoices), outer);
  unit.before.push_back(makeLoss(std::move(lossChoices)));
  if (way)
    unit.before.push_back(makeRule(std::move(innerChoices), inner));
  unit.behind = std::string("train T = minimize f over W, b, w, V with ") + compositions[way] + "\n";
  return unit;
}
