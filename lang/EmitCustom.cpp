//===- EmitCustom.cpp - Functions with a derivative of their own -------------===//
//
// `derivative(dy) = ..` gives the vector-Jacobian product of a fn, one expression for each real argument in order. A call becomes a
// gradus.custom with the body in one region and these expressions in the other. An expression may be narrower than its argument, as 0 is,
// and is repeated then; where the argument is one for all indices of index notation, its derivatives are added up. An expression
// `surrogate(e)` is e, and says that this is not meant to be the derivative of the body.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::SmallVector;
using mlir::Operation;
using mlir::Value;

//===----------------------------------------------------------------------===//
// Linearity
//===----------------------------------------------------------------------===//

namespace {
/// How a value hangs on the cotangents. Undecided: by an op of which this says nothing.
enum class Form { Constant, Linear, Nonlinear, Undecided };

/// Finds out where a derivative is plainly not linear.
class Linearity {
public:
  explicit Linearity(llvm::ArrayRef<mlir::BlockArgument> cotangents) : cotangents(cotangents) {}

  Form of(Value value) {
    if (llvm::is_contained(cotangents, value))
      return Form::Linear;
    Operation *op = value.getDefiningOp();
    if (!op)
      return Form::Constant;
    auto [it, isNew] = known.try_emplace(op, Form::Undecided);
    if (!isNew)
      return it->second;
    Form form = of(op);
    return known[op] = form;
  }

  static bool isZero(Value value) {
    while (Operation *op = value.getDefiningOp()) {
      mlir::DenseElementsAttr elements;
      if (matchPattern(op, mlir::m_Constant(&elements)))
        return elements.isSplat() && (llvm::isa<mlir::FloatType>(elements.getElementType()) ? elements.getSplatValue<llvm::APFloat>().isZero()
                                                                                           : elements.getSplatValue<llvm::APInt>().isZero());
      if (!llvm::isa<BroadcastOp, CastOp, ReshapeOp, StopOp>(op))
        return false;
      value = op->getOperand(0);
    }
    return false;
  }

private:
  Form of(Operation *op) {
    llvm::SetVector<Value> captured;
    for (mlir::Region &region : op->getRegions())
      getUsedValuesDefinedAbove(region, captured);
    if (llvm::any_of(captured, [&](Value value) { return of(value) != Form::Constant; }))
      return Form::Undecided;
    SmallVector<Form> forms;
    for (Value operand : op->getOperands())
      forms.push_back(of(operand));
    if (llvm::all_of(forms, [](Form form) { return form == Form::Constant; }))
      return Form::Constant;
    for (Form worst : {Form::Nonlinear, Form::Undecided})
      if (llvm::is_contained(forms, worst))
        return worst;
    auto isSumPart = [&](unsigned k) { return forms[k] == Form::Linear || isZero(op->getOperand(k)); };
    if (llvm::isa<BroadcastOp, CastOp, NegOp, ReshapeOp, StopOp, TransposeOp>(op))
      return Form::Linear;
    if (llvm::isa<AddOp, SubOp>(op))
      return isSumPart(0) && isSumPart(1) ? Form::Linear : Form::Nonlinear;
    if (llvm::isa<ContractOp, MulOp>(op))
      return forms[0] != forms[1] ? Form::Linear : Form::Nonlinear;
    if (llvm::isa<DivOp>(op))
      return forms[1] == Form::Constant ? Form::Linear : Form::Nonlinear;
    if (llvm::isa<SelectOp>(op))
      return forms[0] != Form::Constant ? Form::Undecided : isSumPart(1) && isSumPart(2) ? Form::Linear : Form::Nonlinear;
    if (auto reduce = llvm::dyn_cast<ReduceOp>(op))
      return reduce.getKind() == ReductionKind::Sum ? Form::Linear : Form::Nonlinear;
    bool isCurved = llvm::isa<IntPowOp, LogSumExpOp, NormOp>(op) || (op->hasTrait<Pointwise>() && !llvm::isa<CompareOp>(op));
    return isCurved ? Form::Nonlinear : Form::Undecided;
  }

  llvm::ArrayRef<mlir::BlockArgument> cotangents;
  llvm::DenseMap<Operation *, Form> known;
};
} // namespace

//===----------------------------------------------------------------------===//
// The call
//===----------------------------------------------------------------------===//

/// A call on its way to a gradus.custom.
struct Elaborator::CustomCall {
  /// The real arguments, and their values outside.
  std::vector<std::pair<const ast::Param *, Array>> arguments;
  /// What the body gives.
  std::vector<Array> results;
  /// Whether the derivative is marked as none of the body.
  bool isSurrogate = false;

  /// Adds block arguments for the arguments and binds them in `scope`.
  void enter(Elaborator &elaborator, mlir::Block &block, Scope &scope) const {
    for (const auto &[param, value] : arguments) {
      Array inside = value;
      for (Value &lane : inside.lanes)
        lane = block.addArgument(lane.getType(), elaborator.place(param->loc));
      scope.set(param->name.name, inside, param->name.loc);
    }
  }
};

/// Whether a derivative in an argument can be asked for.
static bool isReal(const ast::Param &param) {
  if (param.isSize || param.isFunction())
    return false;
  bool isOther = param.type && llvm::any_of(param.type->storage, [](const ast::Storage &word) {
    return !word.isLike && llvm::is_contained({"bool", "i32", "i64", "int"}, word.name.name);
  });
  return !isOther && !(param.defaultValue && llvm::isa<ast::Bool>(param.defaultValue.get()));
}

/// A derivative in the shape of its argument.
Array Elaborator::fitDerivative(const Array &given, const Array &x, const ast::Param &param, Location at) {
  if (given.isPoison())
    return {};
  Array g = toKind(given, Kind::Float, at);
  SmallVector<int64_t> extra;
  for (auto [position, index] : llvm::enumerate(g.axes))
    if (!llvm::is_contained(x.axes, index))
      extra.push_back(position);
  if (!extra.empty())
    g = reduce(ReductionKind::Sum, g, extra, at);
  for (size_t k = 1; x.lanes.size() == 1 && k < g.lanes.size(); ++k)
    g.lanes.front() = add(Array{{g.lanes.front()}}, Array{{g.lanes[k]}}, at).lanes.front();
  Array fitted = x;
  for (size_t k = 0; k < x.lanes.size(); ++k) {
    Shape shape(ownShape(x, k));
    Array one{{g.lane(x.lanes.size() == 1 ? 0 : k)}, false, false, g.axes};
    std::optional<Shape> common = commonShape({Array{{x.lanes[k]}, false, false, x.axes}, one}, 0, at);
    if (!common)
      return {};
    if (*common != shape) {
      error(Code::DerivativeShape, at, "the derivative in '" + param.name.name + "' has the shape " + describe(ownShape(one)) + ", but '" + param.name.name +
                                           "' has the shape " + describe(shape))
          .note(param.loc, "it is declared here")
          .suggest("add up what belongs to one element: sum(..)");
      return {};
    }
    fitted.lanes[k] = castTo(fit(one, 0, x.axes, shape, Kind::Float, at), typeOf(x.lanes[k]).getElementType(), at);
  }
  return fitted;
}

/// What stands in `surrogate(..)`, where that is no function of the spec; else null.
static const ast::Expr *insideSurrogate(const ast::Expr &expr, const Scope &scope) {
  auto *call = llvm::dyn_cast<ast::Call>(&expr);
  auto *callee = call ? llvm::dyn_cast<ast::Name>(call->callee.get()) : nullptr;
  bool isMark = callee && callee->name == "surrogate" && call->arguments.size() == 1 && !scope.find(callee->name);
  return isMark ? call->arguments.front().value.get() : nullptr;
}

/// Elaborates the expressions of the derivative.
bool Elaborator::fillDerivative(const Closure &closure, Scope &inner, CustomCall &call, mlir::Region &region) {
  const ast::CustomDerivative &derivative = *closure.unit->derivative;
  std::vector<const Array *> real;
  for (const Array &result : call.results)
    if (result.isPoison() || kindOf(result) == Kind::Float)
      real.push_back(&result);
  size_t expected = llvm::count_if(*closure.params, isReal);
  if (derivative.cotangents.size() != real.size() || derivative.values.size() != expected) {
    bool isResult = derivative.cotangents.size() != real.size();
    error(Code::DerivativeCount, derivative.loc, "'" + closure.name + "' has " + (isResult ? counted(real.size(), "real result") : counted(expected, "real argument")) +
                                                     ", but here are " + (isResult ? counted(derivative.cotangents.size(), "cotangent") : counted(derivative.values.size(), "derivative")))
        .suggest("derivative(dy) = the cotangent of each real argument, in order; dy is that of the result");
    return false;
  }
  mlir::OpBuilder::InsertionGuard guard(builder);
  mlir::Block &block = region.emplaceBlock();
  builder.setInsertionPointToStart(&block);
  Scope *scope = arena.scope(&inner);
  call.enter(*this, block, *scope);
  for (const Array &result : call.results)
    for (Value lane : result.lanes)
      block.addArgument(lane.getType(), place(closure.loc));
  size_t first = block.getNumArguments();
  for (auto [name, result] : llvm::zip_equal(derivative.cotangents, real)) {
    Array dy = *result;
    for (Value &lane : dy.lanes)
      lane = block.addArgument(lane.getType(), place(name.loc));
    scope->set(name.name, dy, name.loc);
  }
  Linearity linearity(block.getArguments().drop_front(first));
  SmallVector<Value> yielded;
  bool isSound = true;
  auto value = derivative.values.begin();
  for (const ast::Param &param : *closure.params) {
    if (!isReal(param))
      continue;
    const ast::Expr *surrogate = insideSurrogate(**value, *scope), &expr = surrogate ? *surrogate : **value;
    ++value;
    call.isSurrogate |= surrogate != nullptr;
    Array g = evalArray(expr, *scope);
    auto argument = llvm::find_if(call.arguments, [&](const auto &one) { return one.first == &param; });
    if (argument == call.arguments.end()) // an integer where a real number may stand
      continue;
    Array fitted = fitDerivative(g, argument->second, param, expr.loc);
    isSound &= !fitted.isPoison();
    for (Value lane : fitted.lanes) {
      Form form = linearity.of(lane);
      if (form == Form::Nonlinear || (form == Form::Constant && !Linearity::isZero(lane))) {
        error(Code::DerivativeNotLinear, expr.loc, "the derivative in '" + param.name.name + "' is not linear in '" + derivative.cotangents.front().name + "'")
            .suggest("it is the cotangent of the result times the partial derivative: dy * ..");
        isSound = false;
      }
      yielded.push_back(lane);
    }
  }
  if (isSound)
    YieldOp::create(builder, place(derivative.loc), yielded);
  return isSound;
}

Entity Elaborator::callCustom(const Closure &closure, Scope &inner, Location at) {
  CustomCall call;
  for (const ast::Param &param : *closure.params) {
    const Binding *binding = isReal(param) ? inner.findHere(param.name.name) : nullptr;
    if (binding && binding->entity.isArray() && !binding->entity.isPoison() && kindOf(binding->entity.array()) == Kind::Float)
      call.arguments.push_back({&param, binding->entity.array()});
  }
  SmallVector<Value> xs, ys;
  for (const auto &[param, value] : call.arguments)
    llvm::append_range(xs, value.lanes);
  // The types of the results are known when the body is: until then the regions stand in an op without any.
  auto made = CustomOp::create(builder, place(at), mlir::TypeRange(), mlir::ValueRange());
  Entity result;
  {
    mlir::OpBuilder::InsertionGuard guard(builder);
    mlir::Block &block = made.getBody().emplaceBlock();
    builder.setInsertionPointToStart(&block);
    Scope *scope = arena.scope(&inner);
    call.enter(*this, block, *scope);
    result = evalBody(closure, *scope, at);
    const Entity::Tuple *several = result.get<Entity::Tuple>();
    for (const Entity &one : several ? *several : Entity::Tuple{result})
      call.results.push_back(asArray(one, closure.loc));
    // A result that is written as an integer, as the signs of a quantizer are, has a derivative where no other has.
    bool isWhole = llvm::none_of(call.results, [](const Array &one) { return one.isPoison() || kindOf(one) == Kind::Float; });
    for (Array &one : call.results) {
      if (isWhole && kindOf(one) == Kind::Int)
        one = toKind(one, Kind::Float, closure.loc);
      llvm::append_range(ys, one.lanes);
    }
    YieldOp::create(builder, place(at), ys);
  }
  bool isSound = fillDerivative(closure, inner, call, made.getDerivative());
  isSound &= llvm::none_of(call.results, [](const Array &one) { return one.isPoison(); });
  if (!isSound) {
    made.erase();
    return {};
  }
  auto op = CustomOp::create(builder, place(at), mlir::TypeRange(mlir::ValueRange(ys)), xs);
  // What the function and its operands are called, for messages of `gradus check`.
  SmallVector<llvm::StringRef> names{closure.name};
  for (const auto &[param, value] : call.arguments)
    names.append(value.lanes.size(), param->name.name);
  op->setAttr("names", builder.getStrArrayAttr(names));
  if (hasSets(*closure.params))
    op->setAttr("confined", builder.getUnitAttr());
  if (call.isSurrogate)
    op->setAttr("surrogate", builder.getUnitAttr());
  op.getBody().takeBody(made.getBody());
  op.getDerivative().takeBody(made.getDerivative());
  made.erase();
  mlir::ValueRange values = op.getYs();
  std::vector<Entity> results;
  for (const Array &one : call.results) {
    results.push_back(replaceLanes(one, SmallVector<Value>(values.take_front(one.lanes.size()))));
    values = values.drop_front(one.lanes.size());
  }
  return results.size() == 1 ? results.front() : tuple(std::move(results));
}
