//===- Objective.h - What a rule over an objective asks -----------*- C++ -*-===//
//
// `rule sam(..) over f`: in the rule f is a function of the whole collection. A binding says which function that is, which of its arguments are
// the tensors of the collection, and what the others are. Not bound, it stands for a gradus.oracle.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_OBJECTIVE_H
#define GRADUS_LANG_OBJECTIVE_H

#include "lang/Value.h"

#include <functional>

namespace gradus::lang {

struct RuleRun;

/// `f(w)`, `f[next](w)`, `f[all](w)`, `f[i](w)` or `f[I](w)`, `f[each](w)`.
enum class DataChoice { Batch, Next, All, Rows, Each };

/// One argument of the function that an objective is bound to.
struct ObjectiveArgument {
  ast::Ident name;
  /// One tensor of a point of the objective: the number of the point, and that of the tensor.
  std::optional<std::pair<size_t, size_t>> point;
  /// Else its value, on the data of this step's batch; of a point that is a param, the param before the step.
  Entity value;
  /// It has one entry for each sample, so that another choice of data gives it other entries.
  bool isSampled = false;
  /// A parameter that some other group of the train unit moves.
  bool isParam = false;
};

/// See the file comment.
struct Objective {
  std::string name;
  const ast::Oracle *oracle = nullptr;
  /// Null where it is not bound.
  const Closure *target = nullptr;
  std::vector<ObjectiveArgument> arguments;
  /// The tensors whose shapes a point has; of a point that the rule makes itself none.
  std::vector<std::optional<Array>> models;
  /// The path that begins the sites of the draws of a local function.
  std::string drawPath;
  /// The value of a sampled argument for `next` and `all`.
  std::function<Array(size_t argument, DataChoice choice)> further;

  DataChoice choice = DataChoice::Batch;
  /// Of Rows: a number or a vector of them. Of Each: the index over samples.
  Array rows;
  IndexVar *sample = nullptr;

  /// Of a loss with state: who keeps it, with the next values of the evaluation at the step's own point, which all others read. The arguments
  /// of the points hold that point. Null where nobody keeps it.
  RuleRun *kept = nullptr;

  /// The objective without the choice of data.
  const Objective *root = nullptr;
  /// The rule makes it small, but the train unit maximizes it: the rule gets its negative. Answers are kept without the sign.
  bool isNegated = false;
};

} // namespace gradus::lang

#endif // GRADUS_LANG_OBJECTIVE_H
