//===- CExpression.cpp - Elements of values as expressions of C ------------------===//

#include "codegen/emit/CWriter.h"

#include "dialect/DimExpr.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;

namespace gradus {

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

CWriter::Result CWriter::element(Value value, Indices indices, bool isRoot) {
  ArrayRef<Attribute> shape = arrayType(value).getShape();
  if (auto part = leading.find(value); part != leading.end()) { // a row of the array of its name
    SmallVector<std::string> all{part->second};
    llvm::append_range(all, indices);
    SmallVector<Attribute> whole{Attribute(StringAttr::get(value.getContext(), "rows"))}; // the leading size is never multiplied
    llvm::append_range(whole, shape);
    return read(names.get(value), at(names.get(value), all, whole));
  }
  if (std::string name = names.get(value); !name.empty() && !isRoot)
    return read(name, at(name, indices, shape));
  if (Operation *op = value.getDefiningOp())
    return writeOp(op, indices);
  return func.emitError("G0555: a value of this form is not written as C");
}

CWriter::Result CWriter::writeOp(Operation *op, Indices indices) {
  return TypeSwitch<Operation *, Result>(op)
      .Case<BroadcastOp, TransposeOp>([&](auto same) { return element(same.getX(), indicesOfOperand(same, indices)); })
      .Case([&](CastOp cast) { return writeCast(cast, indices); })
      .Case([&](ReshapeOp reshape) -> Result {
        FailureOr<std::string> name = nameOf(reshape.getX());
        if (failed(name))
          return failure();
        if (arrayType(reshape.getX()).isScalar())
          return Text{*name};
        return read(*name, *name + "[" + flatten(indices, reshape.getType().getShape()) + "]");
      })
      .Case([&](IotaOp iota) -> Result {
        const std::string &index = indices[iota.getAxis()];
        return Text{index, index.find(' ') == std::string::npos ? BindPrimary : BindSum};
      })
      .Case([&](DimOp dim) -> Result { return Text{sizeOf(dim.getSymbolAttr())}; })
      .Case([&](ConstantOp constant) { return writeConstant(constant); })
      .Case([&](DrawOp draw) { return callDraw(draw, indices); })
      .Case([&](GatherOp gather) { return writeGather(gather, indices); })
      .Case([&](ContractOp contract) { return writeContract(contract, indices); })
      .Case<ReduceOp, LogSumExpOp, NormOp>([&](auto reduce) { return writeReduction(reduce, reduce.getAxes(), indices); })
      .Case([&](ArgReduceOp reduce) {
        int64_t axis = reduce.getAxis();
        return writeReduction(reduce, axis, indices);
      })
      .Default([&](Operation *) { return writeArithmetic(op, indices); });
}

static std::string writeReal(double value) {
  if (std::isinf(value))
    return value < 0 ? "-INFINITY" : "INFINITY";
  if (std::isnan(value))
    return "NAN";
  std::string text = ExpressionWriter::writeNumber(value);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

std::string CWriter::writeNumber(Attribute value) {
  if (auto truth = dyn_cast<BoolAttr>(value))
    return truth.getValue() ? "1" : "0";
  if (auto integer = dyn_cast<IntegerAttr>(value))
    return integer.getInt() == INT64_MIN ? "INT64_MIN" : std::to_string(integer.getInt());
  return writeReal(cast<FloatAttr>(value).getValueAsDouble());
}

CWriter::Result CWriter::writeConstant(ConstantOp op) {
  auto dense = dyn_cast<DenseElementsAttr>(op.getValue());
  if (!dense || !dense.isSplat())
    return op.emitError("G0555: a constant of this form is not written as C");
  std::string text = writeNumber(*dense.getValues<Attribute>().begin());
  return Text{text, text.front() == '-' ? BindUnary : BindPrimary};
}

CWriter::Result CWriter::writeCast(CastOp op, Indices indices) {
  Result x = element(op.getX(), indices);
  if (failed(x))
    return failure();
  ArrayType from = arrayType(op.getX()), to = op.getType();
  if (to.isBool() && !from.isBool())
    return Text{wrap(*x, BindSum) + " != 0", BindCompare};
  if (to.isFloat() && to.getElementType().isF32() && from.isFloat() && !from.getElementType().isF32())
    return Text{"(float)" + wrap(*x, BindUnary), BindUnary};
  if (to.isFloat() && to.getElementType().getIntOrFloatBitWidth() == 16 && from.getElementType() != to.getElementType())
    return Text{helper(to.getElementType().isF16() ? "round_to_f16" : "round_to_bf16") + "(" + x->text + ")"};
  if (to.isFloat() && !from.isFloat())
    return Text{"(double)" + wrap(*x, BindUnary), BindUnary};
  if (to.isInt() && from.isFloat())
    return Text{helper("to_whole") + "(" + x->text + ")"};
  return x;
}

FailureOr<SmallVector<std::string>> CWriter::writePlaces(ValueRange places, ArrayRef<Attribute> shape, bool isInside, Indices indices, ArrayRef<Attribute> range) {
  SmallVector<std::string> texts;
  for (auto [place, size] : llvm::zip_equal(places, shape)) {
    Result text = element(place, indices);
    if (failed(text))
      return failure();
    const std::string *index = llvm::find(indices, text->text);
    bool isOwn = index != indices.end() && range[index - indices.begin()] == size;
    if (!isInside && !isOwn && text->text != "0") {
      std::string at = text->text;
      if (at.find_first_of(" (") != std::string::npos) {
        at = names.fresh("at");
        write("const int64_t " + at + " = " + text->text + ";");
      }
      write("if (" + at + " < 0 || " + at + " >= " + sizeOf(size) + ")");
      write("  return NAN;");
      text->text = at;
    }
    texts.push_back(text->text);
  }
  return texts;
}

CWriter::Result CWriter::writeGather(GatherOp op, Indices indices) {
  auto places = writePlaces(op.getIndices(), arrayType(op.getX()).getShape(), op.getInBounds(), indices, op.getType().getShape());
  if (failed(places))
    return failure();
  return element(op.getX(), *places);
}

//===----------------------------------------------------------------------===//
// Sums and their kin: loops before the statement
//===----------------------------------------------------------------------===//

CWriter::Result CWriter::writeContract(ContractOp op, Indices indices) {
  llvm::SmallDenseMap<int64_t, std::string> nameOfLabel;
  for (auto [label, index] : llvm::zip_equal(op.getOut(), indices))
    nameOfLabel[label] = index;
  SmallVector<int64_t> summed;
  SmallVector<Attribute> sizes;
  for (auto [operand, labels] : {std::pair(op.getA(), op.getLhs()), std::pair(op.getB(), op.getRhs())})
    for (auto [axis, label] : llvm::enumerate(labels))
      if (!nameOfLabel.contains(label) && !llvm::is_contained(summed, label)) {
        summed.push_back(label);
        sizes.push_back(arrayType(operand).getShape()[axis]);
      }
  SmallVector<std::string> binders = names.takeIndices(summed.size());
  for (auto [label, binder] : llvm::zip_equal(summed, binders))
    nameOfLabel[label] = binder;
  auto factor = [&](Value x, ArrayRef<int64_t> labels) {
    SmallVector<std::string> inner;
    for (int64_t label : labels)
      inner.push_back(nameOfLabel[label]);
    return element(x, inner);
  };
  std::string sum;
  if (!summed.empty()) {
    sum = names.fresh("sum");
    write("double " + sum + " = 0;");
    openLoops(binders, sizes);
  }
  Result a = factor(op.getA(), op.getLhs()), b = succeeded(a) ? factor(op.getB(), op.getRhs()) : Result(failure());
  names.giveBack(binders);
  if (failed(b))
    return failure();
  std::string product = wrap(*a, BindProduct) + " * " + wrap(*b, BindUnary);
  if (summed.empty())
    return Text{product, BindProduct};
  write(sum + " += " + product + ";");
  closeLoops(binders.size());
  return Text{sum};
}

namespace {
/// How a reduction begins and what each term makes of it.
struct Folding {
  std::string word, start, step;
};
} // namespace

CWriter::Result CWriter::writeReduction(Operation *op, ArrayRef<int64_t> axes, Indices indices) {
  Value x = op->getOperand(0);
  ArrayType type = arrayType(x);
  SmallVector<std::string> binders = names.takeIndices(axes.size()), inner;
  SmallVector<Attribute> sizes;
  size_t nextBinder = 0, nextKept = 0;
  for (int64_t axis = 0; axis < type.getRank(); ++axis) {
    bool isBound = llvm::is_contained(axes, axis);
    if (isBound)
      sizes.push_back(type.getShape()[axis]);
    inner.push_back(isBound ? binders[nextBinder++] : indices[nextKept++]);
  }
  std::string element_ = typeOf(type).str();
  auto fold = [&](const Folding &folding, const std::string &declared, llvm::function_ref<std::string(const Text &)> term) -> FailureOr<std::string> {
    std::string name = names.fresh(folding.word);
    write(declared + " " + name + " = " + folding.start + ";");
    openLoops(binders, sizes);
    Result text = element(x, inner);
    if (failed(text))
      return failure();
    std::string own = folding.step, with = term ? term(*text) : text->text;
    for (auto [mark, by] : {std::pair("$s", name), std::pair("$x", with)})
      for (size_t place = own.find(mark); place != std::string::npos; place = own.find(mark, place + by.size()))
        own.replace(place, 2, by);
    write(own);
    closeLoops(binders.size());
    return name;
  };
  auto result = [&](FailureOr<std::string> name) -> Result { return failed(name) ? Result(failure()) : Result(Text{*name}); };
  Result folded = failure();
  if (auto reduce = dyn_cast<ReduceOp>(op)) {
    bool isReal = type.isFloat();
    std::string least = isReal ? "-INFINITY" : "INT64_MIN", most = isReal ? "INFINITY" : "INT64_MAX";
    auto tighter = [](const Text &text) { return wrap(text, BindUnary); };
    switch (reduce.getKind()) {
    case ReductionKind::Sum: folded = result(fold({"sum", "0", "$s += $x;"}, element_, nullptr)); break;
    case ReductionKind::Prod: folded = result(fold({"product", "1", "$s *= $x;"}, element_, nullptr)); break;
    case ReductionKind::Max: folded = result(fold({"most", least, "$s = " + helper(isReal ? "larger" : "size_max") + "($s, $x);"}, element_, nullptr)); break;
    case ReductionKind::Min: folded = result(fold({"least", most, "$s = " + helper(isReal ? "smaller" : "size_min") + "($s, $x);"}, element_, nullptr)); break;
    case ReductionKind::Any: folded = result(fold({"found", "0", "$s = $s || $x;"}, "int", tighter)); break;
    case ReductionKind::All: folded = result(fold({"holds", "1", "$s = $s && $x;"}, "int", tighter)); break;
    }
  } else if (isa<NormOp>(op)) {
    std::string square = names.fresh("x");
    FailureOr<std::string> sum = fold({"sum", "0", "const double " + square + " = $x; $s += " + square + " * " + square + ";"}, "double", nullptr);
    folded = failed(sum) ? Result(failure()) : Result(Text{"sqrt(" + *sum + ")"});
  } else if (isa<LogSumExpOp>(op)) {
    FailureOr<std::string> most = fold({"most", "-INFINITY", "$s = " + helper("larger") + "($s, $x);"}, "double", nullptr);
    FailureOr<std::string> sum = failed(most) ? most : fold({"sum", "0", "$s += exp($x);"}, "double", [&](const Text &text) { return wrap(text, BindSum) + " - " + *most; });
    folded = failed(sum) ? Result(failure()) : Result(Text{"isinf(" + *most + ") ? " + *most + " : " + *most + " + log(" + *sum + ")", BindChoice});
  } else {
    bool isMax = cast<ArgReduceOp>(op).getKind() == ReductionKind::Max, isReal = type.isFloat();
    std::string best = names.fresh("best"), x_ = names.fresh("x");
    write(element_ + " " + best + " = 0;");
    std::string isNew = isReal ? "(" + best + " == " + best + " && (" + x_ + (isMax ? " > " : " < ") + best + " || " + x_ + " != " + x_ + "))" : x_ + (isMax ? " > " : " < ") + best;
    folded = result(fold({"place", "-1", "const " + element_ + " " + x_ + " = $x; if ($s < 0 || " + isNew + ") { $s = " + binders.front() + "; " + best + " = " + x_ + "; }"},
                         "int64_t", nullptr));
  }
  names.giveBack(binders);
  return folded;
}

//===----------------------------------------------------------------------===//
// Operators and functions
//===----------------------------------------------------------------------===//

CWriter::Result CWriter::writeCall(const std::string &name, ValueRange operands, Indices indices) {
  SmallVector<std::string> arguments;
  for (Value operand : operands) {
    Result text = element(operand, indices);
    if (failed(text))
      return failure();
    arguments.push_back(text->text);
  }
  return Text{name + "(" + llvm::join(arguments, ", ") + ")"};
}

CWriter::Result CWriter::writeInfix(StringRef sign, int binding, Value a, Value b, Indices indices) {
  Result left = element(a, indices), right = succeeded(left) ? element(b, indices) : Result(failure());
  if (failed(right))
    return failure();
  // A sign on the right reads badly, and compilers warn where && stands in || or comparisons in a chain.
  int least = binding == BindOr || binding == BindAnd || binding == BindCompare ? BindSum : binding;
  return Text{wrap(*left, least) + " " + sign.str() + " " + wrap(*right, right->text.front() == '-' ? BindPrimary : std::max<int>(least, binding + 1)), binding};
}

CWriter::Result CWriter::writePower(Operation *op, Indices indices) {
  Result x = element(op->getOperand(0), indices), n = element(op->getOperand(1), {});
  if (failed(x) || failed(n))
    return failure();
  bool isShort = x->text.size() <= 24 && llvm::all_of(x->text, [](char c) { return llvm::isAlnum(c) || StringRef("_[] +*").contains(c); });
  if (n->text == "2" && isShort && x->binding == BindPrimary)
    return Text{x->text + " * " + x->text, BindProduct};
  if (!arrayType(op->getResult(0)).isFloat())
    return Text{helper("to_whole") + "(" + helper("power") + "((double)" + wrap(*x, BindUnary) + ", " + n->text + "))"};
  return Text{helper("power") + "(" + x->text + ", " + n->text + ")"};
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

Value CWriter::findFactor(SelectOp op) {
  auto both = op.getC().getDefiningOp<AndOp>();
  auto isZero = both ? both.getA().getDefiningOp<CompareOp>() : CompareOp(), isNan = both ? both.getB().getDefiningOp<CompareOp>() : CompareOp();
  bool isMasked = isZero && isNan && isZero.getPredicate() == ComparePredicate::Eq && isNan.getPredicate() == ComparePredicate::Ne &&
                  getFill(isZero.getB()) == 0.0 && getFill(op.getA()) == 0.0 && isNan.getA() == op.getB() && isNan.getB() == op.getB();
  return isMasked && arrayType(op.getResult()).isFloat() && arrayType(isZero.getA()).isFloat() ? isZero.getA() : Value();
}

bool CWriter::isPartOfMask(Operation *op) {
  if (!isa<AndOp, CompareOp>(op) || op->use_empty())
    return false;
  return llvm::all_of(op->getUsers(), [&](Operation *user) {
    auto select = dyn_cast<SelectOp>(user);
    return isa<CompareOp>(op) ? isa<AndOp>(user) && isPartOfMask(user) : select && select.getC() == op->getResult(0) && findFactor(select);
  });
}

CWriter::Result CWriter::writeSelect(SelectOp op, Indices indices) {
  if (Value factor = findFactor(op))
    return writeCall(helper("masked"), {factor, op.getB()}, indices);
  Result c = element(op.getC(), indices), a = element(op.getA(), indices), b = element(op.getB(), indices);
  if (failed(c) || failed(a) || failed(b))
    return failure();
  return Text{wrap(*c, BindOr) + " ? " + wrap(*a, BindOr) + " : " + wrap(*b, BindOr), BindChoice};
}

CWriter::Result CWriter::writeArithmetic(Operation *op, Indices indices) {
  bool isReal = arrayType(op->getResult(0)).isFloat();
  auto infix = [&](StringRef sign, int binding) { return writeInfix(sign, binding, op->getOperand(0), op->getOperand(1), indices); };
  auto call = [&](const std::string &name) { return writeCall(name, op->getOperands(), indices); };
  auto prefix = [&](const std::string &sign) -> Result {
    Result x = element(op->getOperand(0), indices);
    if (failed(x))
      return failure();
    return Text{sign + wrap(*x, x->text.front() == '-' ? BindPrimary + 1 : BindUnary), BindUnary};
  };
  return TypeSwitch<Operation *, Result>(op)
      .Case([&](AddOp) { return ExpressionWriter::isWholeZero(op->getOperand(1)) ? element(op->getOperand(0), indices) : infix("+", BindSum); })
      .Case([&](SubOp) { return infix("-", BindSum); })
      .Case([&](MulOp) { return infix("*", BindProduct); })
      .Case([&](DivOp) { return infix("/", BindProduct); })
      .Case([&](AndOp) { return infix("&&", BindAnd); })
      .Case([&](OrOp) { return infix("||", BindOr); })
      .Case([&](XorOp) { return infix("!=", BindCompare); })
      .Case([&](CompareOp compare) { return infix(signOf(compare.getPredicate()), BindCompare); })
      .Case([&](NegOp) { return prefix("-"); })
      .Case([&](NotOp) { return prefix("!"); })
      .Case([&](StopOp stop) { return element(stop.getX(), indices); })
      .Case([&](IntPowOp) { return writePower(op, indices); })
      .Case([&](IntDivOp) { return call(helper("floor_div")); })
      .Case([&](ModOp) { return call(helper(isReal ? "real_mod" : "floor_mod")); })
      .Case([&](MaxOp) { return call(helper(isReal ? "larger" : "size_max")); })
      .Case([&](MinOp) { return call(helper(isReal ? "smaller" : "size_min")); })
      .Case([&](SelectOp select) { return writeSelect(select, indices); })
      .Case([&](AbsOp abs) -> Result {
        if (isReal)
          return call("fabs");
        Result x = element(abs.getX(), indices);
        if (failed(x))
          return failure();
        return Text{wrap(*x, BindSum) + " < 0 ? -" + wrap(*x, BindUnary) + " : " + wrap(*x, BindSum), BindChoice};
      })
      .Case([&](NormalCdfOp normal) -> Result {
        Result x = element(normal.getX(), indices);
        if (failed(x))
          return failure();
        return Text{"0.5 * erfc(-" + wrap(*x, BindPrimary) + " / sqrt(2.0))", BindProduct};
      })
      .Case([&](SignOp sign) -> Result {
        Result x = element(sign.getX(), indices);
        if (failed(x) || isReal)
          return failed(x) ? x : Result(Text{helper("sign") + "(" + x->text + ")"});
        return Text{"(" + wrap(*x, BindSum) + " > 0) - (" + wrap(*x, BindSum) + " < 0)", BindSum};
      })
      .Case<DigammaOp, LambertWOp, NormalQuantileOp, SigmoidOp, SoftplusOp, TrigammaOp>([&](auto) { return call(helper(op->getName().stripDialect())); })
      .Case([&](RoundOp) { return call("rint"); })
      .Case<AcosOp, AcoshOp, AsinOp, AsinhOp, Atan2Op, AtanOp, AtanhOp, CbrtOp, CeilOp, CosOp, CoshOp, ErfOp, ErfcOp, Exp2Op, ExpOp, Expm1Op, FloorOp, HypotOp, LGammaOp,
            Log10Op, Log1pOp, Log2Op, LogOp, PowOp, SinOp, SinhOp, SqrtOp, TanOp, TanhOp, TruncOp>([&](auto) { return call(op->getName().stripDialect().str()); })
      .Default([&](Operation *) -> Result { return op->emitError("G0555: C99 has no word for '") << op->getName() << "'"; });
}

} // namespace gradus
