//===- SourceExpression.cpp - Values as expressions of the language --------------===//
//
// An expression is written from the element that is wanted back to the arrays it comes from: a transpose permutes the
// indices, a broadcast drops some, a reduction binds fresh ones.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/SourceExpression.h"

#include "dialect/DimExpr.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"

#include <charconv>
#include <cmath>

using namespace mlir;

namespace gradus {

/// How tightly operators bind, weakest first, as in lang/Gradus.g4.
enum Binding { BindOr, BindAnd, BindNot, BindCompare, BindSum, BindProduct, BindUnary, BindPower, BindPrimary };

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

/// Words that are no names.
static bool isReserved(StringRef name) {
  static constexpr StringRef words[] = {"if", "then", "else", "and", "or", "not", "loop", "return", "grad", "hess", "jac", "true", "false", "in"};
  return llvm::is_contained(words, name);
}

bool ExpressionWriter::isWord(StringRef name) {
  static constexpr StringRef words[] = {
      "abs", "acos", "acosh", "all", "any", "argmax", "argmin", "argsort", "asin", "asinh", "atan",
      "atan2", "atanh", "cbrt", "ceil", "cos", "cosh", "cummax", "cummin", "cumprod", "cumsum",
      "descending", "digamma", "div", "erf", "erfc", "exp", "exp2", "expm1", "floor", "hypot", "inf",
      "lambert_w", "lgamma", "log", "log10", "log1p", "log2", "logsumexp", "max", "min", "norm",
      "normal_cdf", "normal_quantile", "prod", "rank", "reshape", "reverse", "round", "sigmoid", "sign",
      "sin", "sinh", "softplus", "sort", "sqrt", "stop", "sum", "tan", "tanh", "trigamma", "trunc",
      "where", "xor", "zeros"};
  return isReserved(name) || llvm::is_contained(words, name);
}

std::string SourceNames::fresh(StringRef base) {
  std::string name = base.str();
  for (unsigned number = base.size() == 1 ? 1 : 2; base.size() == 1 || used.contains(name) || isReserved(name); ++number) {
    name = base.str() + std::to_string(number);
    if (!used.contains(name))
      break;
  }
  used.insert(name);
  return name;
}

SmallVector<std::string> SourceNames::takeIndices(size_t count) {
  SmallVector<std::string> taken;
  auto take = [&](std::string name) {
    if (!used.contains(name) && indicesInUse.insert(name).second)
      taken.push_back(name);
  };
  for (char letter : StringRef("ikjlpqrstuvabcdefgh"))
    if (taken.size() < count)
      take(std::string(1, letter));
  for (unsigned number = 1; taken.size() < count; ++number)
    take("i" + std::to_string(number));
  return taken;
}

void SourceNames::giveBack(ArrayRef<std::string> indices) {
  for (const std::string &index : indices)
    indicesInUse.erase(index);
}

//===----------------------------------------------------------------------===//
// Numbers, shapes, lists
//===----------------------------------------------------------------------===//

std::string ExpressionWriter::writeNumber(double value) {
  if (std::isinf(value))
    return value < 0 ? "-inf" : "inf";
  if (std::isnan(value))
    return "(inf - inf)";
  if (value == 0 && std::signbit(value))
    return "-0.0";
  if (value == std::trunc(value) && std::fabs(value) < 1e15)
    return std::to_string(static_cast<int64_t>(value));
  char buffer[64];
  auto [end, status] = std::to_chars(buffer, buffer + sizeof(buffer), value);
  std::string text(buffer, end);
  return status == std::errc() ? text : std::to_string(value);
}

std::string ExpressionWriter::writeAttribute(Attribute value) {
  if (auto truth = dyn_cast<BoolAttr>(value))
    return truth.getValue() ? "true" : "false";
  if (auto integer = dyn_cast<IntegerAttr>(value))
    return std::to_string(integer.getInt());
  if (auto number = dyn_cast<FloatAttr>(value))
    return writeNumber(number.getValueAsDouble());
  return {};
}

std::string ExpressionWriter::writeShape(ArrayRef<Attribute> shape) {
  SmallVector<std::string> dims;
  for (Attribute dim : shape)
    dims.push_back(isa<StringAttr>(dim) ? cast<StringAttr>(dim).str() : std::to_string(cast<IntegerAttr>(dim).getInt()));
  return llvm::join(dims, ", ");
}

/// The elements of `values` from `at` as nested lists of `shape`.
static std::string nest(ArrayRef<Attribute> values, ArrayRef<int64_t> shape) {
  if (shape.empty())
    return ExpressionWriter::writeAttribute(values.front());
  size_t size = shape.front() ? values.size() / shape.front() : 0;
  SmallVector<std::string> parts;
  for (int64_t i = 0; i < shape.front(); ++i)
    parts.push_back(nest(values.slice(i * size, size), shape.drop_front()));
  return "[" + llvm::join(parts, ", ") + "]";
}

std::string ExpressionWriter::writeList(DenseElementsAttr value) {
  auto elements = llvm::to_vector(value.getValues<Attribute>());
  return nest(elements, value.getType().getShape());
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

FailureOr<std::string> ExpressionWriter::write(Value value, ArrayRef<std::string> indices, bool isRoot) {
  Result text = element(value, indices, isRoot);
  if (failed(text))
    return failure();
  return text->text;
}

FailureOr<std::string> ExpressionWriter::writeRanged(Value value, ArrayRef<std::string> indices, bool isRoot) {
  Result text = element(value, indices, isRoot);
  if (failed(text))
    return failure();
  return withRanges(*text, arrayType(value), indices, arrayType(value).getShape());
}

ExpressionWriter::Result ExpressionWriter::subscripted(const std::string &name, Indices indices) {
  for (const std::string &index : indices)
    if (llvm::all_of(index, [](char c) { return llvm::isAlnum(c) || c == '_'; }))
      ranged.insert(index);
  return Text{indices.empty() ? name : name + "[" + llvm::join(indices, ", ") + "]", BindPrimary};
}

ExpressionWriter::Result ExpressionWriter::element(Value value, Indices indices, bool isRoot) {
  if (auto part = leading.find(value); part != leading.end()) {
    SmallVector<std::string> all{part->second};
    llvm::append_range(all, indices);
    return subscripted(names.get(value), all);
  }
  if (std::string name = names.get(value); !name.empty() && !isRoot)
    return subscripted(name, indices);
  if (Operation *op = value.getDefiningOp())
    return writeOp(op, indices);
  return subscripted(names.get(value), indices);
}

SmallVector<std::string> indicesOfOperand(BroadcastOp op, ArrayRef<std::string> indices) {
  SmallVector<std::string> source;
  for (auto [size, axis] : llvm::zip_equal(arrayType(op.getX()).getShape(), op.getAxes()))
    source.push_back(size == op.getType().getShape()[axis] ? indices[axis] : "0"); // a size of 1 is repeated
  return source;
}

SmallVector<std::string> indicesOfOperand(TransposeOp op, ArrayRef<std::string> indices) {
  SmallVector<std::string> source(indices.size());
  for (auto [k, axis] : llvm::enumerate(op.getPermutation()))
    source[axis] = indices[k];
  return source;
}

ExpressionWriter::Result ExpressionWriter::writeOp(Operation *op, Indices indices) {
  return TypeSwitch<Operation *, Result>(op)
      .Case<BroadcastOp, TransposeOp>([&](auto same) { return element(same.getX(), indicesOfOperand(same, indices)); })
      .Case([&](CastOp cast) -> Result {
        Result x = element(cast.getX(), indices);
        bool isCut = arrayType(cast.getX()).isFloat() && !cast.getType().isFloat();
        if (succeeded(x) && cast.getType().isBool() && !arrayType(cast.getX()).isBool())
          return Text{(x->binding > BindCompare ? x->text : "(" + x->text + ")") + " != 0", BindCompare};
        return failed(x) || !isCut ? x : Result(Text{"int(" + x->text + ")", BindPrimary});
      })
      .Case([&](ReshapeOp reshape) -> Result {
        std::string name = names.get(reshape.getX());
        if (name.empty())
          return op->emitError("G0853: a reshape of an expression cannot be written as source");
        return Text{"reshape(" + name + ", [" + writeShape(reshape.getType().getShape()) + "])[" + llvm::join(indices, ", ") + "]", BindPrimary};
      })
      .Case([&](IotaOp iota) -> Result { return Text{indices[iota.getAxis()], BindPrimary}; })
      .Case([&](DimOp dim) -> Result { return Text{writeSize(dim.getSymbolAttr()), isFormula(dim.getSymbolAttr()) ? BindSum : BindPrimary}; })
      .Case([&](ConstantOp constant) { return writeConstant(constant); })
      .Case([&](GatherOp gather) { return writeGather(gather, indices); })
      .Case([&](ContractOp contract) { return writeContract(contract, indices); })
      .Case([&](ReduceOp reduce) { return writeReduction(stringifyReductionKind(reduce.getKind()), reduce.getX(), reduce.getAxes(), indices); })
      .Case([&](LogSumExpOp reduce) { return writeReduction("logsumexp", reduce.getX(), reduce.getAxes(), indices); })
      .Case([&](CumulateOp cumulate) -> Result { // a statement of its own: its indices stand alone
        const std::string &index = indices[cumulate.getAxis()];
        ranged.erase(index); // what it runs along must be an axis of what stands inside
        Result x = element(cumulate.getX(), indices);
        if (failed(x))
          return failure();
        std::string text = withRanges(*x, arrayType(cumulate.getX()), index, cumulate.getType().getShape()[cumulate.getAxis()]);
        std::string slot = index + (cumulate.getReverse() ? ", reverse" : "");
        return Text{("cum" + stringifyReductionKind(cumulate.getKind()) + "[" + slot + "](" + text + ")").str(), BindPrimary};
      })
      .Case([&](NormOp reduce) { return writeReduction("norm", reduce.getX(), reduce.getAxes(), indices); })
      .Case([&](ArgReduceOp reduce) {
        int64_t axis = reduce.getAxis();
        return writeReduction(reduce.getKind() == ReductionKind::Max ? "argmax" : "argmin", reduce.getX(), axis, indices);
      })
      .Default([&](Operation *) { return writeArithmetic(op, indices); });
}

std::string ExpressionWriter::writeSize(Attribute dim) {
  DimExpr size = DimExpr::of(dim);
  int64_t divisor = size.getDivisor();
  return divisor == 1 ? size.print() : "div(" + (size * DimExpr::number(divisor)).print() + ", " + std::to_string(divisor) + ")";
}

ExpressionWriter::Result ExpressionWriter::writeConstant(ConstantOp op) {
  auto dense = dyn_cast<DenseElementsAttr>(op.getValue());
  if (!dense || dense.getNumElements() != 1)
    return op.emitError("G0853: a constant of this form cannot be written as source");
  std::string text = writeAttribute(*dense.getValues<Attribute>().begin());
  return Text{text, text.front() == '-' ? BindUnary : BindPrimary};
}

ExpressionWriter::Result ExpressionWriter::writeGather(GatherOp op, Indices indices) {
  llvm::StringSet<> before = ranged;
  FailureOr<SmallVector<std::string>> places = writePlaces(op.getIndices(), arrayType(op.getX()), op.getType(), indices);
  if (failed(places))
    return failure();
  // What is read says whether they stand at an axis: a number that is repeated does not, and its place, as `label[i]`, is not written.
  llvm::StringSet<> after = std::exchange(ranged, before);
  Result text = element(op.getX(), *places);
  auto isWritten = [&](const std::string &place) { return llvm::is_contained(indices, place) || StringRef(text->text).contains(place); };
  if (succeeded(text) && llvm::all_of(*places, isWritten))
    for (const auto &index : after.keys())
      if (!llvm::is_contained(*places, index))
        ranged.insert(index);
  return text;
}

FailureOr<SmallVector<std::string>> ExpressionWriter::writePlaces(ValueRange places, ArrayType whole, ArrayType part, Indices indices) {
  SmallVector<std::string> texts;
  for (auto [place, size] : llvm::zip_equal(places, whole.getShape())) {
    Result text = element(place, indices);
    if (failed(text))
      return failure();
    // An index that runs over a part of the axis must not take its range from there.
    const std::string *index = llvm::find(indices, text->text);
    bool isPart = index != indices.end() && part.getShape()[index - indices.begin()] != size;
    texts.push_back(text->text + (isPart ? " + 0" : ""));
    if (index != indices.end() && !isPart)
      ranged.insert(*index);
  }
  return texts;
}

/// Binders, of which none has a range yet.
SmallVector<std::string> ExpressionWriter::bind(size_t count) {
  SmallVector<std::string> binders = names.takeIndices(count);
  for (const std::string &binder : binders)
    ranged.erase(binder);
  return binders;
}

std::string ExpressionWriter::withRanges(const Text &text, ArrayType value, Indices indices, ArrayRef<Attribute> shape) {
  SmallVector<std::string> open;
  SmallVector<Attribute> sizes;
  for (auto [index, size] : llvm::zip_equal(indices, shape))
    if (index != "0" && ranged.insert(index).second) {
      open.push_back(index);
      sizes.push_back(size);
    }
  if (open.empty())
    return text.text;
  std::string zero = frame(sizes) + "[" + llvm::join(open, ", ") + "]";
  if (value.isFloat())
    return zero + " + " + (text.binding > BindSum ? text.text : "(" + text.text + ")");
  return "where(" + zero + " == 0, " + text.text + ", " + (value.isBool() ? "false)" : "0)");
}

static StringRef signOf(ComparePredicate predicate) {
  switch (predicate) {
  case ComparePredicate::Eq: return "==";
  case ComparePredicate::Ne: return "!=";
  case ComparePredicate::Lt: return "<";
  case ComparePredicate::Le: return "<=";
  case ComparePredicate::Gt: return ">";
  case ComparePredicate::Ge: return ">=";
  }
  return "";
}

/// What a reduction makes of nothing, as lang/EmitReduction.cpp has it.
static std::optional<double> getNeutral(StringRef word) {
  if (word == "prod")
    return 1;
  if (word == "max" || word == "logsumexp" || word == "argmax")
    return -INFINITY;
  if (word == "min" || word == "argmin")
    return INFINITY;
  return word == "sum" || word == "norm" ? std::optional<double>(0) : std::nullopt;
}

FailureOr<bool> ExpressionWriter::takeGuard(SelectOp terms, double neutral, MutableArrayRef<std::string> binders, Indices indices) {
  Operation *condition = terms.getC().getDefiningOp();
  while (condition && isTransparent(condition) && !isa<CastOp>(condition) && names.get(condition->getResult(0)).empty())
    condition = condition->getOperand(0).getDefiningOp();
  auto compare = dyn_cast_or_null<CompareOp>(condition);
  if (!compare || !names.get(terms.getC()).empty() || getFill(terms.getB()) != neutral)
    return false;
  Result text = element(terms.getC(), indices);
  if (failed(text))
    return failure();
  auto [left, right] = StringRef(text->text).split((" " + signOf(compare.getPredicate()) + " ").str());
  // In the place of the last one: what it is compared with must be bound before it.
  for (std::string &binder : llvm::reverse(binders))
    if (binder == left || binder == right) {
      binder = text->text;
      return true;
    }
  return false;
}

ExpressionWriter::Result ExpressionWriter::writeReduction(StringRef word, Value x, ArrayRef<int64_t> axes, Indices indices) {
  if (axes.empty())
    return element(x, indices);
  SmallVector<std::string> binders = bind(axes.size()), inner;
  SmallVector<Attribute> ranges;
  size_t nextBinder = 0, nextKept = 0;
  for (int64_t axis = 0, rank = arrayType(x).getRank(); axis < rank; ++axis) {
    bool isBound = llvm::is_contained(axes, axis);
    if (isBound)
      ranges.push_back(arrayType(x).getShape()[axis]);
    inner.push_back(isBound ? binders[nextBinder++] : indices[nextKept++]);
  }
  SmallVector<std::string> slots(binders);
  auto terms = names.get(x).empty() ? x.getDefiningOp<SelectOp>() : SelectOp();
  std::optional<double> neutral = getNeutral(word);
  FailureOr<bool> isGuarded = terms && neutral ? takeGuard(terms, *neutral, slots, inner) : FailureOr<bool>(false);
  Result body = failed(isGuarded) ? Result(failure()) : element(*isGuarded ? terms.getA() : x, inner);
  names.giveBack(binders);
  if (failed(body))
    return failure();
  std::string text = withRanges(*body, arrayType(x), binders, ranges);
  return Text{(word + "[" + llvm::join(slots, ", ") + "](" + text + ")").str(), BindPrimary};
}

ExpressionWriter::Result ExpressionWriter::writeContract(ContractOp op, Indices indices) {
  llvm::SmallDenseMap<int64_t, std::string> nameOf;
  for (auto [label, index] : llvm::zip_equal(op.getOut(), indices))
    nameOf[label] = index;
  SmallVector<int64_t> summed;
  for (ArrayRef<int64_t> labels : {op.getLhs(), op.getRhs()})
    for (int64_t label : labels)
      if (!nameOf.contains(label) && !llvm::is_contained(summed, label))
        summed.push_back(label);
  SmallVector<std::string> binders = bind(summed.size());
  for (auto [label, binder] : llvm::zip_equal(summed, binders))
    nameOf[label] = binder;
  SmallVector<Attribute> ranges;
  for (int64_t label : summed) {
    auto inA = llvm::find(op.getLhs(), label), inB = llvm::find(op.getRhs(), label);
    ranges.push_back(inA != op.getLhs().end() ? arrayType(op.getA()).getShape()[inA - op.getLhs().begin()]
                                              : arrayType(op.getB()).getShape()[inB - op.getRhs().begin()]);
  }
  auto factor = [&](Value x, ArrayRef<int64_t> labels, int least) -> FailureOr<std::string> {
    SmallVector<std::string> inner;
    for (int64_t label : labels)
      inner.push_back(nameOf[label]);
    Result text = element(x, inner);
    if (failed(text))
      return failure();
    return text->binding >= least ? text->text : "(" + text->text + ")";
  };
  FailureOr<std::string> a = factor(op.getA(), op.getLhs(), BindProduct), b = factor(op.getB(), op.getRhs(), BindUnary);
  names.giveBack(binders);
  if (failed(a) || failed(b))
    return failure();
  std::string product = *a + " * " + *b;
  if (binders.empty())
    return Text{product, BindProduct};
  product = withRanges({product, BindProduct}, op.getType(), binders, ranges);
  return Text{"sum[" + llvm::join(binders, ", ") + "](" + product + ")", BindPrimary};
}

//===----------------------------------------------------------------------===//
// Operators and functions
//===----------------------------------------------------------------------===//

ExpressionWriter::Result ExpressionWriter::writeCall(StringRef word, ValueRange operands, Indices indices) {
  SmallVector<std::string> arguments;
  for (Value operand : operands) {
    Result text = element(operand, indices);
    if (failed(text))
      return failure();
    arguments.push_back(text->text);
  }
  return Text{(word + "(" + llvm::join(arguments, ", ") + ")").str(), BindPrimary};
}

ExpressionWriter::Result ExpressionWriter::writeInfix(StringRef sign, int binding, bool isRightTighter, Value a, Value b, Indices indices) {
  Result left = element(a, indices), right = element(b, indices);
  if (failed(left) || failed(right))
    return failure();
  auto wrap = [](const Text &text, int least) { return text.binding >= least ? text.text : "(" + text.text + ")"; };
  // An operand of the same strength on the right would be regrouped; a sign there reads badly.
  int leastRight = binding == BindPower ? BindUnary : isRightTighter ? binding + 1 : binding;
  return Text{wrap(*left, isRightTighter ? binding : binding + 1) + " " + sign.str() + " " + wrap(*right, leastRight), binding};
}

bool ExpressionWriter::isWholeZero(Value value) {
  while (value.getDefiningOp<BroadcastOp>())
    value = value.getDefiningOp()->getOperand(0);
  auto constant = value.getDefiningOp<ConstantOp>();
  auto dense = constant && arrayType(value).isInt() ? dyn_cast<DenseElementsAttr>(constant.getValue()) : DenseElementsAttr();
  return dense && dense.isSplat() && dense.getSplatValue<APInt>().isZero();
}

ExpressionWriter::Result ExpressionWriter::writeArithmetic(Operation *op, Indices indices) {
  auto infix = [&](StringRef sign, int binding) { return writeInfix(sign, binding, true, op->getOperand(0), op->getOperand(1), indices); };
  auto prefix = [&](StringRef sign, int binding) -> Result {
    Result x = element(op->getOperand(0), indices);
    if (failed(x))
      return failure();
    return Text{sign.str() + (x->binding >= binding ? x->text : "(" + x->text + ")"), binding};
  };
  auto power = [&](bool isReal) -> Result {
    Result base = element(op->getOperand(0), indices), exponent = element(op->getOperand(1), indices);
    if (failed(base) || failed(exponent))
      return failure();
    std::string up = exponent->text;
    if (isReal && llvm::all_of(up, llvm::isDigit))
      up += ".0"; // a whole number would be a power by multiplications
    auto wrap = [](const std::string &text, bool isTight) { return isTight ? text : "(" + text + ")"; };
    return Text{wrap(base->text, base->binding == BindPrimary) + "^" + wrap(up, exponent->binding == BindPrimary), BindPower};
  };
  return TypeSwitch<Operation *, Result>(op)
      .Case([&](AddOp) { return isWholeZero(op->getOperand(1)) ? element(op->getOperand(0), indices) : infix("+", BindSum); })
      .Case([&](SubOp) { return infix("-", BindSum); })
      .Case([&](MulOp) { return infix("*", BindProduct); })
      .Case([&](DivOp) { return infix("/", BindProduct); })
      .Case([&](ModOp) { return infix("%", BindProduct); })
      .Case([&](AndOp) { return infix("and", BindAnd); })
      .Case([&](OrOp) { return infix("or", BindOr); })
      .Case([&](CompareOp compare) -> Result {
        // Comparisons chain in the language: both sides bind tighter.
        Result a = element(compare.getA(), indices), b = element(compare.getB(), indices);
        if (failed(a) || failed(b))
          return failure();
        auto wrap = [](const Text &text) { return text.binding > BindCompare ? text.text : "(" + text.text + ")"; };
        return Text{wrap(*a) + " " + signOf(compare.getPredicate()).str() + " " + wrap(*b), BindCompare};
      })
      .Case([&](NegOp) { return prefix("-", BindUnary); })
      .Case([&](NotOp) { return prefix("not ", BindNot); })
      .Case([&](PowOp) { return power(true); })
      .Case([&](IntPowOp) { return power(false); })
      .Case([&](SelectOp) { return writeCall("where", op->getOperands(), indices); })
      .Case([&](IntDivOp) { return writeCall("div", op->getOperands(), indices); })
      .Case<AbsOp, AcoshOp, AcosOp, AsinhOp, AsinOp, Atan2Op, AtanhOp, AtanOp, CbrtOp, CeilOp, CoshOp, CosOp, DigammaOp, ErfcOp, ErfOp, Exp2Op,
            Expm1Op, ExpOp, FloorOp, HypotOp, LambertWOp, LGammaOp, Log10Op, Log1pOp, Log2Op, LogOp, MaxOp, MinOp, NormalCdfOp, NormalQuantileOp,
            RoundOp, SigmoidOp, SignOp, SinhOp, SinOp, SoftplusOp, SqrtOp, StopOp, TanhOp, TanOp, TrigammaOp, TruncOp, XorOp>([&](auto) { return writeCall(op->getName().stripDialect(), op->getOperands(), indices); })
      .Default([&](Operation *) -> Result { return op->emitError("G0853: '") << op->getName() << "' cannot be written as source"; });
}

} // namespace gradus
