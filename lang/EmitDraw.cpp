//===- EmitDraw.cpp - Draws ---------------------------------------------------===//
//
// `draw z = normal(like w)`. The numbers depend on the seed, the step, the site (the path of rules and functions and the draw's name),
// the tensor and the loop indices around, so that a draw is known by where it stands and can be made again: `draw z2 = z at t - j`,
// `draw z = mezo.z`. codegen/draws/README.md says which numbers they are.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

#include "llvm/Support/Format.h"

#include <cmath>

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;
using mlir::Attribute;
using mlir::Value;

namespace {

struct Distribution {
  llvm::StringLiteral name;
  DrawKind kind;
  /// What it takes before the shape, or nothing.
  llvm::StringLiteral parameter;
};

constexpr Distribution distributions[] = {
    {"bernoulli", DrawKind::Bernoulli, "a probability"},
    {"categorical", DrawKind::Categorical, "its weights"},
    {"exponential", DrawKind::Exponential, ""},
    {"gamma", DrawKind::Gamma, "a shape parameter"},
    {"gumbel", DrawKind::Gumbel, ""},
    {"index", DrawKind::Index, "the number of choices"},
    {"normal", DrawKind::Normal, ""},
    {"permutation", DrawKind::Permutation, "a size"},
    {"rademacher", DrawKind::Rademacher, ""},
    {"uniform", DrawKind::Uniform, ""},
};

} // namespace

bool lang::isDistribution(llvm::StringRef name) {
  return llvm::any_of(distributions, [&](const Distribution &known) { return known.name == name; });
}

/// The distribution that a call names.
static const Distribution *findDistribution(const ast::Call &call) {
  auto *name = dyn_cast<ast::Name>(call.callee.get());
  auto it = llvm::find_if(distributions, [&](const Distribution &known) { return name && known.name == name->name; });
  return it == std::end(distributions) ? nullptr : it;
}

//===----------------------------------------------------------------------===//
// What is drawn
//===----------------------------------------------------------------------===//

/// The size that an expression stands for, in each tensor.
std::optional<llvm::SmallVector<Attribute, 1>> Elaborator::readDrawSize(const ast::Expr &expr, Scope &scope) {
  auto *name = dyn_cast<ast::Name>(&expr);
  const DimBinding *dim = name && !scope.find(name->name) ? scope.findDim(name->name) : nullptr;
  if (dim)
    return dim->lanes;
  std::optional<int64_t> size = constantInt(expr, scope, "a size");
  if (!size)
    return std::nullopt;
  return llvm::SmallVector<Attribute, 1>{builder.getI64IntegerAttr(*size)};
}

/// `like w`, `[n, 3]`, `[n] like w`, or nothing for a number. The result says for whom it is drawn; its lanes are not made yet.
std::optional<Elaborator::DrawShape> Elaborator::readDrawShape(const ast::Expr *expr, Scope &scope) {
  DrawShape shape;
  shape.lanes.resize(1);
  if (!expr)
    return shape;
  if (auto *like = dyn_cast<ast::Like>(expr)) {
    Array model = asArray(evalName(like->name.name, like->name.loc, scope), like->name.loc);
    if (model.isPoison())
      return std::nullopt;
    shape.isEach = model.isEach;
    shape.isJoint = model.isJoint;
    shape.axes = model.axes; // in index notation each value of the index has numbers of its own
    shape.lanes.clear();
    for (Value lane : model.lanes)
      shape.lanes.push_back(Shape(typeOf(lane).getShape()));
    return shape;
  }
  auto *list = dyn_cast<ast::List>(expr);
  if (!list) {
    error(Code::DrawArguments, expr->loc, "expected the shape of a draw").suggest("write 'like w' or a list of sizes, as in normal([n, 3])");
    return std::nullopt;
  }
  for (const ast::ExprPtr &element : list->elements) {
    auto sizes = readDrawSize(*element, scope);
    if (!sizes)
      return std::nullopt;
    // A size that differs from tensor to tensor makes the draw one for each.
    shape.isEach |= currentRun && differsByTensor(*sizes);
    if (shape.lanes.size() < sizes->size())
      shape.lanes.resize(sizes->size(), shape.lanes.front());
    for (auto [k, lane] : llvm::enumerate(shape.lanes))
      lane.push_back((*sizes)[sizes->size() == 1 ? 0 : k]);
  }
  if (list->like && !stackShape(*list->like, shape, scope))
    return std::nullopt;
  if (llvm::any_of(shape.lanes, [&](const Shape &lane) { return !checkSize(lane, expr->loc); }))
    return std::nullopt;
  return shape;
}

/// `[m] like x`: the sizes before the shape of x, in each tensor and for each index of x.
bool Elaborator::stackShape(const ast::Ident &like, DrawShape &shape, Scope &scope) {
  Array model = asArray(evalName(like.name, like.loc, scope), like.loc);
  if (model.isPoison())
    return false;
  shape.isEach |= model.isEach;
  shape.isJoint = model.isJoint;
  shape.axes = model.axes;
  if (shape.lanes.size() < model.lanes.size())
    shape.lanes.resize(model.lanes.size(), shape.lanes.front());
  for (auto [k, lane] : llvm::enumerate(shape.lanes)) {
    Shape whole(typeOf(model.lane(k)).getShape().take_front(model.axes.size()));
    llvm::append_range(whole, lane);
    llvm::append_range(whole, ownShape(model, model.lanes.size() == 1 ? 0 : k));
    lane = std::move(whole);
  }
  return true;
}

/// The numbers of an array that the spec spells out, also behind a name, a cast or a broadcast; nothing where they are not known.
static std::vector<double> numbersOf(Value x) {
  while (x && llvm::isa_and_nonnull<BroadcastOp, CastOp, StopOp>(x.getDefiningOp()))
    x = x.getDefiningOp()->getOperand(0);
  auto constant = x.getDefiningOp<ConstantOp>();
  auto dense = constant ? dyn_cast<mlir::DenseElementsAttr>(constant.getValue()) : mlir::DenseElementsAttr();
  std::vector<double> numbers;
  if (dense && llvm::isa<mlir::FloatType>(dense.getElementType()))
    for (const llvm::APFloat &number : dense.getValues<llvm::APFloat>())
      numbers.push_back(number.convertToDouble());
  else if (dense && !dense.getElementType().isInteger(1))
    for (const llvm::APInt &number : dense.getValues<llvm::APInt>())
      numbers.push_back(static_cast<double>(number.getSExtValue()));
  return numbers;
}

/// What is wrong with a parameter that is known here, and the way out; nothing if it is in its bounds. One known when the spec runs has a
/// defined result outside of them: codegen/draws/README.md.
static std::pair<std::string, std::string> findBadParameter(DrawKind kind, const std::vector<double> &numbers) {
  auto spell = [](double x) {
    std::string text;
    llvm::raw_string_ostream(text) << llvm::format("%g", x);
    return text;
  };
  if (numbers.empty())
    return {};
  double first = numbers.front();
  if (kind == DrawKind::Bernoulli && !(first >= 0 && first <= 1))
    return {"a probability lies in [0, 1], but this is " + spell(first), "bernoulli(p) is 1 with probability p, else 0"};
  if (kind == DrawKind::Index && first < 1)
    return {"'index' takes a number of choices from 1 on, but this is " + spell(first), "index(n) is one of 0, 1, .., n - 1"};
  if (kind == DrawKind::Gamma && !(first > 0 && std::isfinite(first)))
    return {"a shape parameter is a number above 0, but this is " + spell(first), "gamma(1) is exponential; a scale multiplies the draw"};
  if (kind != DrawKind::Categorical)
    return {};
  for (auto [place, weight] : llvm::enumerate(numbers))
    if (!(weight >= 0) || std::isinf(weight))
      return {"a weight is a number from 0 on, but the one at " + std::to_string(place) + " is " + spell(weight), "of logarithms: categorical(exp(l))"};
  if (llvm::all_of(numbers, [](double weight) { return weight == 0; }))
    return {"at least one weight must be above 0", "for equal weights write index(n)"};
  return {};
}

/// The parameter of a distribution, checked.
Array Elaborator::readDrawParameter(DrawKind kind, const ast::Expr &expr, Scope &scope) {
  Array x = kind == DrawKind::Categorical ? evalArray(expr, scope) : evalScalar(expr, scope, "the parameter of a draw");
  if (x.isPoison())
    return {};
  if (auto [found, wayOut] = findBadParameter(kind, numbersOf(x.lanes.front())); !found.empty()) {
    error(Code::DrawParameter, expr.loc, found).suggest(wayOut);
    return {};
  }
  if (kind == DrawKind::Index) {
    if (kindOf(x) == Kind::Int)
      return x;
    error(Code::KindMismatch, expr.loc, "'index' takes the number of choices, an integer");
    return {};
  }
  if (kind == DrawKind::Categorical && (ownRank(x) != 1 || !x.axes.empty())) {
    if (x.axes.empty())
      error(Code::RankMismatch, expr.loc, "'categorical' takes a vector of weights, but this has the shape " + describe(ownShape(x)));
    else
      error(Code::RankMismatch, expr.loc, "'categorical' takes one vector of weights, but this has one for each '" + x.axes.front()->name + "'")
          .suggest("draw e = gumbel(like w), then y[i] = argmax[k](log(w[i, k]) + e[i, k])");
    return {};
  }
  return toKind(x, Kind::Float, expr.loc);
}

/// The time of a draw that says none: the step at hand, the call's step in a function that stands alone, 1 in a test.
Array Elaborator::drawTime(Location at) {
  if (now.isPoison() && currentUnit)
    now = {{currentUnit->addArgument(Role::Time, currentUnit->hasArgument("t") ? "draw.t" : "t", ArrayType::scalar(builder.getI64Type()), at)}};
  return now.isPoison() ? integer(1, at) : now;
}

Array Elaborator::makeDraw(const DrawSource &source, const Array &time) {
  const ast::Call &call = *source.call;
  const Distribution *known = findDistribution(call);
  if (!known) {
    auto *name = dyn_cast<ast::Name>(call.callee.get());
    std::vector<std::string> names;
    for (const Distribution &each : distributions)
      names.push_back(each.name.str());
    std::string hint = name ? didYouMean(name->name, names) : "";
    error(Code::UnknownDistribution, call.callee->loc, name ? "'" + name->name + "' is no distribution" : "expected a distribution")
        .suggest(hint.empty() ? "one of bernoulli, categorical, exponential, gamma, gumbel, index, normal, permutation, rademacher, uniform" : hint);
    return {};
  }
  llvm::SmallVector<const ast::Expr *> arguments;
  for (const ast::Argument &argument : call.arguments) {
    if (argument.name || argument.isElse) {
      error(Code::UnknownArgument, argument.loc, "'" + known->name.str() + "' has no named arguments");
      return {};
    }
    arguments.push_back(argument.value.get());
  }
  size_t least = known->parameter.empty() ? 0 : 1, most = known->kind == DrawKind::Permutation ? 1 : least + 1;
  if (arguments.size() < least || arguments.size() > most) {
    std::string text = "'" + known->name.str() + "' takes " + (least ? known->parameter.str() : "a shape at most");
    error(Code::DrawArguments, call.loc, text + ", but here " + (arguments.size() == 1 ? "is " : "are ") + counted(arguments.size(), "argument"))
        .suggest(most > least ? "the shape stands last: " + known->name.str() + (least ? "(.., like w)" : "(like w)") : "");
    return {};
  }
  Array parameter;
  std::optional<DrawShape> shape;
  if (known->kind == DrawKind::Permutation) {
    auto sizes = readDrawSize(*arguments[0], *source.scope);
    if (!sizes)
      return {};
    shape.emplace();
    for (Attribute size : *sizes)
      shape->lanes.push_back({size});
    shape->isEach = currentRun && differsByTensor(*sizes);
  } else {
    if (least && (parameter = readDrawParameter(known->kind, *arguments[0], *source.scope)).isPoison())
      return {};
    shape = readDrawShape(arguments.size() > least ? arguments[least] : nullptr, *source.scope);
  }
  if (!shape)
    return {};
  return emitDraws(known->kind, source, parameter, *shape, time, call.loc);
}

/// One op a tensor. The key of a tensor is its number in the collection: known here, or where the call runs.
Array Elaborator::emitDraws(DrawKind kind, const DrawSource &source, const Array &parameter, const DrawShape &shape, const Array &time, Location at) {
  bool isInt = kind == DrawKind::Index || kind == DrawKind::Categorical || kind == DrawKind::Permutation, isBits = kind == DrawKind::Bits;
  bool isOfTensor = shape.isEach && currentRun;
  Array result;
  result.isEach = shape.isEach;
  result.isJoint = shape.isJoint;
  result.axes = shape.axes;
  for (auto [k, lane] : llvm::enumerate(shape.lanes)) {
    mlir::Type element = isBits ? builder.getI32Type() : isInt ? mlir::Type(builder.getI64Type()) : elementOf(Kind::Float, lane.size());
    llvm::SmallVector<Value> parameters, keys;
    if (!parameter.isPoison())
      parameters.push_back(parameter.lane(k));
    if (isOfTensor && !isOpen) {
      size_t ordinal = k < currentRun->tensors.size() ? currentRun->tensors[k] : k;
      keys.push_back(integer(static_cast<int64_t>(ordinal), at).lanes.front());
    }
    llvm::append_range(keys, source.indices);
    auto draw = DrawOp::create(builder, place(at), ArrayType::get(builder.getContext(), lane, element), kind, builder.getStringAttr(source.site),
                               parameters, time.lane(k), keys);
    if (isOfTensor && isOpen)
      draw->setAttr("each", builder.getUnitAttr());
    result.lanes.push_back(draw.getY());
  }
  return result;
}

//===----------------------------------------------------------------------===//
// The statement
//===----------------------------------------------------------------------===//

/// `mezo.z`: the draw z of the rule mezo, whose params are those of the rule at hand.
const DrawSource *Elaborator::findDrawOfRule(const ast::Member &member, const ast::Rule &rule) {
  const ast::DrawStmt *found = nullptr;
  std::vector<std::string> names;
  for (const ast::StmtPtr &stmt : rule.block.statements)
    if (auto *draw = dyn_cast<ast::DrawStmt>(stmt.get())) {
      names.push_back(draw->name.name);
      if (draw->name.name == member.member.name)
        found = draw;
    }
  auto *call = found ? dyn_cast<ast::Call>(found->value.get()) : nullptr;
  if (!call || !currentRun) {
    error(Code::NotADraw, member.loc, !currentRun ? "the draws of a rule can be made again in a rule alone"
                                      : found     ? "'" + found->name.name + "' is itself made from another draw"
                                                  : "the rule '" + rule.name.name + "' has no draw '" + member.member.name + "'")
        .note(rule.name.loc, "'" + rule.name.name + "' is declared here")
        .suggest(found ? "" : didYouMean(member.member.name, names));
    return nullptr;
  }
  Scope *inner = arena.scope(arena.homes.lookup(&rule));
  size_t next = 0;
  for (const ast::StmtPtr &stmt : rule.block.statements)
    if (auto *params = dyn_cast<ast::ParamStmt>(stmt.get()))
      for (const ast::Decl &decl : params->decls) {
        if (next == currentRun->params.size())
          break;
        const Array known = currentRun->params[next++];
        const Array param = decl.type ? foldTrailing(*decl.type, known, member.loc) : known;
        if (decl.type && decl.type->hasDims && !bindShape(*decl.type, param, decl.name.name, member.loc, *inner))
          return nullptr;
        inner->set(decl.name.name, param, decl.loc);
      }
  // A hyper-parameter that the draw reads has the value of the one of the same name here.
  for (const ast::Param &param : rule.params)
    if (const Binding *own = currentRun->scope->findHere(param.name.name))
      inner->set(param.name.name, own->entity, own->loc);
  return &arena.draws.emplace_back(DrawSource{call, inner, rule.name.name + "." + found->name.name, loopIndices});
}

/// What the right side of a draw stands for: a distribution, a draw of this body, or one of another rule.
const DrawSource *Elaborator::findDrawSource(const ast::DrawStmt &stmt, Scope &scope) {
  const ast::Expr &value = *stmt.value;
  if (auto *call = dyn_cast<ast::Call>(&value))
    return &arena.draws.emplace_back(DrawSource{call, &scope, drawChoice + drawPath + stmt.name.name, loopIndices});
  if (auto *name = dyn_cast<ast::Name>(&value)) {
    if (const DrawSource *source = scope.findDraw(name->name))
      return source;
    const Binding *binding = scope.find(name->name);
    if (binding && binding->entity.isPoison())
      return nullptr;
    if (binding)
      error(Code::NotADraw, value.loc, "'" + name->name + "' is no draw").note(binding->loc, "it is defined here");
    else
      unknownName(name->name, value.loc, scope);
    return nullptr;
  }
  if (auto *member = dyn_cast<ast::Member>(&value)) {
    Entity base = eval(*member->base, scope);
    if (const ast::Rule *rule = base.get<ast::Rule>())
      return findDrawOfRule(*member, *rule);
    if (base.isPoison())
      return nullptr;
  }
  error(Code::NotADraw, value.loc, "expected a distribution, or a draw to make again").suggest("draw z = normal(like w)");
  return nullptr;
}

void Elaborator::runDraw(const ast::DrawStmt &stmt, Scope &scope) {
  Array time;
  bool isSound = true;
  if (stmt.at) {
    time = evalScalar(*stmt.at, scope, "the step of a draw");
    isSound = !time.isPoison();
    if (isSound && kindOf(time) != Kind::Int) {
      error(Code::KindMismatch, stmt.at->loc, "'at' takes a step, an integer, but this is a number").suggest("draw z2 = z at t - 1");
      isSound = false;
    }
  }
  const DrawSource *source = findDrawSource(stmt, scope);
  Array drawn;
  if (source && isSound) {
    if (!stmt.at)
      time = drawTime(stmt.loc);
    drawn = makeDraw(*source, time);
  }
  if (bindName(stmt.name, drawn, scope) && source)
    scope.setDraw(stmt.name.name, source);
}
