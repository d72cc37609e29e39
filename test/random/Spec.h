//===- Spec.h - A random spec as a tree that can be printed and shrunk -----------===//
//
// A node prints a template whose `$0`, `$1` are its operands. In index notation leaves carry subscripts, so that the same
// templates serve both notations.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "Choices.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace gradus::random_specs {

/// The axes of a value: 'n' samples, 'd' features, 'c' classes.
using Dims = std::string;

struct Node {
  std::string text; ///< a template
  Dims dims;
  std::vector<std::unique_ptr<Node>> operands;

  std::string print() const;
  std::unique_ptr<Node> clone() const;
};
using NodePtr = std::unique_ptr<Node>;

/// `head` is what stands before the value: "z0 = ", "z1[i, k] = ", "m' = ", "return ".
struct Statement {
  std::string head;
  NodePtr value;
  bool isNeeded = false; ///< the unit has no meaning without it
};

struct Unit {
  std::string head; ///< up to the brace
  std::vector<Statement> statements;
  std::vector<Unit> before = {}; ///< units that this one calls
  std::string behind = "";      ///< one line that uses it: a train unit, or a composed rule

  std::string print() const;
  Unit clone() const;
};

struct RuleForm {
  std::string name = "r";
  bool wraps = false, callsInBlock = false; ///< a rule `base`, under `when`
  bool asks = false;                        ///< an objective f
  bool isTrained = false;                   ///< by a train unit, where tensors have any number of axes
  bool isInBlock = false;                   ///< is wrapped by a rule that calls it there
};

/// A loss or function over n, d and c, a rule for tensors of any shape, or for matrices, a train unit, decided by a seed or by bytes.
Unit makeFunction(Choices choices);
Unit makeLoss(Choices choices);
Unit makeMatrixRule(Choices choices);
Unit makeRule(Choices choices, const RuleForm &form = {});
/// `form`: one of 8 ways to compose the rules.
Unit makeTrain(size_t form, Choices outerChoices, Choices lossChoices, Choices innerChoices);

/// The smallest unit found for which `fails` still holds: without some statements, with operands in place of values. What does
/// not compile any more must not fail.
Unit shrink(Unit unit, const std::function<bool(const Unit &)> &fails);

/// The same values by other names, with names for parts of formulas, and statements that do not read each other exchanged.
Unit rewrite(const Unit &unit, uint64_t seed);

} // namespace gradus::random_specs
