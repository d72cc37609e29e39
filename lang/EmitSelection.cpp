//===- EmitSelection.cpp - On which data an objective is asked ----------------===//
//
// `f(w)` is asked on the batch of this step, `f[next]` on a further one, `f[all]` on the whole data, `f[i]` and `f[I]` on rows of the batch,
// `f[each]` on each row by itself. Sampled are the arguments that have the sample axis: the leading axis of the first argument that is
// no point. A sample by itself is an index of index notation, so that one elaboration serves all of them.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"
#include "lang/Walk.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;
using llvm::SmallVector;
using mlir::Value;

/// Marks the arguments with the sample axis: by its name where the function declares shapes, else by its size.
void Elaborator::findSamples(Objective &objective) {
  std::string name;
  mlir::Attribute size;
  for (ObjectiveArgument &argument : objective.arguments) {
    if (argument.point || argument.isParam || !argument.value.isArray() || argument.value.isPoison() || ownRank(argument.value.array()) == 0)
      continue;
    auto param = llvm::find_if(*objective.target->params, [&](const ast::Param &p) { return p.name.name == argument.name.name; });
    std::string leading = leadingName(param->type);
    mlir::Attribute rows = ownShape(argument.value.array()).front();
    if (!size) {
      name = leading;
      size = rows;
    }
    argument.isSampled = rows == size && leading == name;
  }
}

/// The objective on the data that the subscript chooses; null after an error.
const Closure *Elaborator::selectData(const Closure &closure, llvm::ArrayRef<ast::Subscript> selection, Scope &scope, Location at) {
  if (!closure.objective) {
    error(Code::SelectionOfFunction, at, "a subscript chooses the data of an objective, but '" + closure.name + "' is a function").note(closure.loc, "it is declared here")
        .suggest("give it the rows as an argument");
    return nullptr;
  }
  const ast::Subscript *slot = selection.size() == 1 && selection[0].kind == ast::SubKind::Value ? &selection[0] : nullptr;
  auto *name = slot ? dyn_cast<ast::Name>(slot->value.get()) : nullptr;
  // Where a unit is called like a word of this slot, the word is meant: a unit is no number of a row.
  const Binding *binding = name && !name->primed ? scope.find(name->name) : nullptr;
  bool isUnit = binding && !binding->entity.isArray() && !binding->entity.index() && !binding->entity.get<Constant>();
  bool isWord = slot && (isBinder(*slot, scope) || (isUnit && llvm::is_contained({"all", "each", "next"}, name->name)));
  std::optional<DataChoice> choice = isWord ? llvm::StringSwitch<std::optional<DataChoice>>(name->name)
                                                  .Case("all", DataChoice::All)
                                                  .Case("each", DataChoice::Each)
                                                  .Case("next", DataChoice::Next)
                                                  .Default(std::nullopt)
                                            : std::optional(DataChoice::Rows);
  if (!slot || !choice) {
    std::string hint = isWord ? didYouMean(name->name, std::vector<std::string>{"all", "each", "next"}) : "";
    error(Code::UnknownSelection, slot ? slot->loc : at, isWord ? "'" + name->name + "' chooses no data" : "one choice of data stands in the subscript of an objective")
        .suggest(hint.empty() ? closure.name + "[next], " + closure.name + "[all], " + closure.name + "[each], or row numbers: " + closure.name + "[i]" : hint);
    return nullptr;
  }
  Objective &objective = arena.objectives.emplace_back(*closure.objective);
  objective.choice = *choice;
  if (*choice == DataChoice::Rows) {
    objective.rows = evalArray(*slot->value, scope);
    if (objective.rows.isPoison())
      return nullptr;
    if (kindOf(objective.rows) != Kind::Int || ownRank(objective.rows) > 1 || objective.rows.lanes.size() != 1) {
      error(Code::UnknownSelection, slot->loc, "rows are chosen by an integer or a vector of integers").suggest("draw i = index(n)");
      return nullptr;
    }
  }
  auto sampled = llvm::find_if(objective.arguments, [](const ObjectiveArgument &argument) { return argument.isSampled; });
  bool isByRow = *choice == DataChoice::Rows || *choice == DataChoice::Each;
  if (isByRow && objective.target && sampled == objective.arguments.end()) {
    error(Code::ObjectiveWithoutData, at, "'" + objective.target->name + "' has no samples to choose from").note(objective.target->loc, "'" + objective.target->name + "' is declared here")
        .suggest("samples stand along the leading axis of the first argument that is no point");
    return nullptr;
  }
  if (*choice == DataChoice::Each && objective.target)
    objective.sample = &arena.indices.emplace_back(IndexVar{"sample", at, ownShape(sampled->value.array()).front(), at, ++indexCount});
  Closure &chosen = arena.closures.emplace_back();
  chosen.name = closure.name;
  chosen.loc = closure.loc;
  chosen.decl = closure.decl;
  chosen.params = closure.params;
  chosen.objective = &objective;
  return &chosen;
}

/// The rows of x with the given numbers, as many as there are; a single one keeps its axis.
Array Elaborator::rowsOf(const Array &x, const Array &rows, Location at) {
  Shape own(ownShape(x));
  own[0] = ownRank(rows) == 0 ? mlir::Attribute(builder.getI64IntegerAttr(1)) : ownShape(rows)[0];
  Shape shape = fullShape(rows.axes, own);
  SmallVector<int64_t> places = llvm::to_vector(llvm::seq<int64_t>(0, typeOf(rows.lanes.front()).getRank()));
  SmallVector<Value> indices{broadcastTo(castTo(rows.lanes.front(), builder.getI64Type(), at), places, shape, at)};
  for (size_t axis = rows.axes.size() + 1; axis < shape.size(); ++axis)
    indices.push_back(counts(shape, axis, at).lanes.front());
  return Array{{GatherOp::create(builder, place(at), typeOf(x.lanes.front()).withShape(shape), x.lanes.front(), indices)}, false, false, rows.axes};
}

/// An argument that is no point, on the data chosen.
Entity Elaborator::chosenData(const Objective &objective, size_t position, Location at) {
  const ObjectiveArgument &argument = objective.arguments[position];
  if (objective.choice == DataChoice::Batch || !argument.isSampled)
    return argument.value;
  if (objective.choice == DataChoice::Next || objective.choice == DataChoice::All)
    return objective.further(position, objective.choice);
  return onChosen(objective, argument.value.array(), at);
}

/// What has an entry for each sample of the batch, on the rows chosen of it.
Entity Elaborator::onChosen(const Objective &objective, const Array &x, Location at) {
  switch (objective.choice) {
  case DataChoice::Rows:
    return rowsOf(x, objective.rows, at);
  case DataChoice::Each: {
    Shape shape(ownShape(x));
    SmallVector<int64_t> places{0};
    for (size_t axis = 1; axis < shape.size(); ++axis)
      places.push_back(axis + 1);
    shape.insert(shape.begin() + 1, builder.getI64IntegerAttr(1));
    return Array{{broadcastTo(x.lanes.front(), places, shape, at)}, false, false, {objective.sample}};
  }
  default:
    return x;
  }
}

/// A point with a copy for each sample, so that its gradient is one for each.
Array Elaborator::spreadPoint(const Objective &objective, const Array &point, Location at) {
  if (!objective.sample)
    return point;
  SmallVector<IndexVar *, 2> axes = point.axes;
  axes.push_back(objective.sample);
  return spreadOver(point, axes, at);
}

/// What was computed for each sample as a vector over the samples.
Array Elaborator::gatherSamples(const Objective &objective, Array result, Location at) {
  if (result.isPoison() || !objective.sample)
    return result;
  if (!llvm::is_contained(result.axes, objective.sample))
    result = spreadPoint(objective, result, at);
  result.axes.pop_back(); // the last index is the one bound last
  return result;
}
