//===- Builtins.cpp - The words of the language --------------------------------===//
//
// One entry a line. A word is found after the author's own names, so that it can be hidden by a local one.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;
using llvm::SmallVector;
using mlir::Attribute;
using mlir::Value;

bool Elaborator::expectArguments(const CallSite &site, size_t least, size_t most) {
  size_t count = site.call->arguments.size();
  for (const ast::Argument &argument : site.call->arguments)
    if (argument.name || argument.isElse) {
      error(Code::UnknownArgument, argument.loc, "'" + site.builtin->name.str() + "' has no named arguments")
          .suggest(argument.name && argument.name->name == "axis" ? "the axis stands in brackets: sum[axis = 1](x)" : "");
      return false;
    }
  if (count >= least && count <= most)
    return true;
  std::string expected = most == least ? counted(least, "argument") : std::to_string(least) + (most > 8 ? " or more" : " to " + std::to_string(most)) + " arguments";
  error(count < least ? Code::MissingArgument : Code::TooManyArguments, site.at,
        "'" + site.builtin->name.str() + "' takes " + expected + ", but not " + std::to_string(count));
  return false;
}

std::optional<SmallVector<Array>> Elaborator::arrayArguments(const CallSite &site, size_t least, size_t most) {
  if (!expectArguments(site, least, most))
    return std::nullopt;
  // Words of matrices take a linear operator as its matrix.
  static constexpr llvm::StringLiteral ofMatrices[] = {"dense", "diag", "trace"};
  bool isOfMatrices = llvm::is_contained(ofMatrices, site.builtin->name);
  SmallVector<Array> arrays;
  for (const ast::Argument &argument : site.call->arguments)
    arrays.push_back(isOfMatrices ? evalMatrix(*argument.value, *site.scope) : evalArray(*argument.value, *site.scope));
  if (llvm::any_of(arrays, [](const Array &x) { return x.isPoison(); }))
    return std::nullopt;
  if (!site.slots.empty() && least != 0) {
    error(Code::UnknownSlot, site.slots[0].loc, "'" + site.builtin->name.str() + "' works by elements and takes no subscript");
    return std::nullopt;
  }
  return arrays;
}

template <typename Op>
Entity Elaborator::callUnary(const CallSite &site) {
  auto x = arrayArguments(site, 1, 1);
  constexpr bool isFloatOnly = !std::is_same_v<Op, SignOp>;
  return x ? unary<Op>((*x)[0], site.at, isFloatOnly) : Entity();
}

/// Of two real numbers.
template <typename Op>
Entity Elaborator::callBinary(const CallSite &site) {
  auto x = arrayArguments(site, 2, 2);
  return x ? binary<Op>((*x)[0], (*x)[1], site.at, Kind::Float) : Entity();
}

Entity Elaborator::callClip(const CallSite &site) {
  // The derivative on a bound is 1: a tie goes to x, the first argument.
  auto x = arrayArguments(site, 3, 3);
  return x ? binary<MinOp>(binary<MaxOp>((*x)[0], (*x)[1], site.at), (*x)[2], site.at) : Entity();
}

Entity Elaborator::callRelu(const CallSite &site) {
  // A tie goes to the first argument, so 0 stands first: the derivative at 0 is 0.
  auto x = arrayArguments(site, 1, 1);
  return x ? binary<MaxOp>(integer(0, site.at), (*x)[0], site.at) : Entity();
}

Entity Elaborator::callSquare(const CallSite &site) {
  auto x = arrayArguments(site, 1, 1);
  return x ? mul((*x)[0], (*x)[0], site.at) : Entity();
}

Entity Elaborator::callDiv(const CallSite &site) {
  auto x = arrayArguments(site, 2, 2);
  if (!x)
    return {};
  if (kindOf((*x)[0]) == Kind::Float || kindOf((*x)[1]) == Kind::Float) {
    error(Code::KindMismatch, site.at, "'div' divides integers").suggest("write floor(a / b)");
    return {};
  }
  return binary<IntDivOp>((*x)[0], (*x)[1], site.at);
}

Entity Elaborator::callDot(const CallSite &site) {
  auto both = arrayArguments(site, 2, 2);
  if (both && activeLane && llvm::any_of(*both, [](const Array &x) { return x.isJoint; })) { // index notation goes from tensor to tensor
    std::optional<size_t> lane = std::exchange(activeLane, std::nullopt);
    both = arrayArguments(site, 2, 2);
    activeLane = lane;
  }
  if (!both)
    return {};
  const Array &a = (*both)[0], &b = (*both)[1];
  for (size_t k = 0; k < std::max(a.lanes.size(), b.lanes.size()); ++k)
    if (ownShape(a, k) != ownShape(b, k)) {
      error(Code::ShapeMismatch, site.at, "'dot' needs equal shapes, but got " + describe(ownShape(a, k)) + " and " + describe(ownShape(b, k)));
      return {};
    }
  // The tensors of a collection may differ in rank.
  Array product;
  product.isEach = a.isEach || b.isEach;
  for (size_t k = 0; k < std::max(a.lanes.size(), b.lanes.size()); ++k) {
    Array x = a, y = b;
    x.lanes = {a.lane(k)};
    y.lanes = {b.lane(k)};
    SmallVector<int64_t> labels = llvm::to_vector(llvm::seq<int64_t>(0, ownRank(x)));
    Array one = labels.empty() ? mul(x, y, site.at) : contract(x, labels, y, labels, {}, {}, site.at);
    if (one.isPoison())
      return {};
    product.lanes.push_back(one.lanes.front());
    product.axes = one.axes;
  }
  return a.isJoint || b.isJoint ? overAll(ReductionKind::Sum, product, site.at) : product;
}

Entity Elaborator::callOuter(const CallSite &site) {
  auto x = arrayArguments(site, 2, 2);
  if (!x)
    return {};
  SmallVector<int64_t> rows = llvm::to_vector(llvm::seq<int64_t>(0, ownRank((*x)[0])));
  SmallVector<int64_t> columns = llvm::to_vector(llvm::seq<int64_t>(rows.size(), rows.size() + ownRank((*x)[1])));
  SmallVector<int64_t> all = rows;
  all.append(columns.begin(), columns.end());
  if (rows.empty() || columns.empty())
    return mul((*x)[0], (*x)[1], site.at);
  return contract((*x)[0], rows, (*x)[1], columns, all, {}, site.at);
}

Entity Elaborator::callWhere(const CallSite &site) {
  if (!expectArguments(site, 3, 3))
    return {};
  if (!site.slots.empty()) {
    error(Code::UnknownSlot, site.slots[0].loc, "'where' works by elements and takes no subscript");
    return {};
  }
  const std::vector<ast::Argument> &arguments = site.call->arguments;
  Array c = evalArray(*arguments[0].value, *site.scope);
  if (!c.isPoison() && kindOf(c) != Kind::Bool) {
    error(Code::NotABool, site.at, "the first argument of 'where' is a condition, but this is a number").suggest("compare it: 'x != 0'");
    c = {};
  }
  auto evalBranch = [&](size_t position) {
    OnlyWhere here(*this, &c, /*isNegated=*/position == 2);
    return evalArray(*arguments[position].value, *site.scope);
  };
  Array a = evalBranch(1), b = evalBranch(2);
  return select(c, a, b, site.at);
}

/// int(x): towards 0.
Entity Elaborator::callInt(const CallSite &site) {
  auto x = arrayArguments(site, 1, 1);
  if (!x)
    return {};
  return perLane({(*x)[0]}, (*x)[0].axes, [&](llvm::ArrayRef<Value> v) { return castTo(v[0], builder.getI64Type(), site.at); });
}

Entity Elaborator::callStop(const CallSite &site) {
  auto x = arrayArguments(site, 1, 1);
  if (!x)
    return {};
  return perLane({(*x)[0]}, (*x)[0].axes, [&](llvm::ArrayRef<Value> v) -> Value { return StopOp::create(builder, place(site.at), v[0]); });
}

Entity Elaborator::callIdentity(const CallSite &site) {
  auto x = arrayArguments(site, 1, 1);
  return x ? (*x)[0] : Entity();
}

Entity Elaborator::callIsFinite(const CallSite &site) {
  // x - x is 0 for finite x alone.
  auto x = arrayArguments(site, 1, 1);
  if (!x)
    return {};
  Array zero = sub(toKind((*x)[0], Kind::Float, site.at), toKind((*x)[0], Kind::Float, site.at), site.at);
  return compare(ComparePredicate::Eq, zero, integer(0, site.at), site.at);
}

Entity Elaborator::callNotBuilt(const CallSite &site) {
  // A slot may bind indices of the argument.
  for (const ast::Argument &argument : site.call->arguments)
    if (site.slots.empty() && !llvm::isa<ast::Like>(argument.value.get()))
      eval(*argument.value, *site.scope);
  return notBuilt(Code::WordNotBuilt, site.at, "'" + site.builtin->name.str() + "'", "");
}

#define GRADUS_LATER(NAME) {NAME, &Elaborator::callNotBuilt}

struct gradus::lang::BuiltinTable {
  static constexpr Builtin entries[] = {
      {"abs", &Elaborator::callAbs},
      {"acos", &Elaborator::callUnary<AcosOp>},
      {"acosh", &Elaborator::callUnary<AcoshOp>},
      {"all", &Elaborator::callReduction<ReductionKind::All>},
      {"angle", &Elaborator::callAngle},
      {"any", &Elaborator::callReduction<ReductionKind::Any>},
      {"arange", &Elaborator::callArange},
      {"argmax", &Elaborator::callArgReduction<ReductionKind::Max>},
      {"argmin", &Elaborator::callArgReduction<ReductionKind::Min>},
      {"argsort", &Elaborator::callArgsort, "descending"},
      {"asin", &Elaborator::callUnary<AsinOp>},
      {"asinh", &Elaborator::callUnary<AsinhOp>},
      {"atan", &Elaborator::callUnary<AtanOp>},
      {"atan2", &Elaborator::callBinary<Atan2Op>},
      {"atanh", &Elaborator::callUnary<AtanhOp>},
      {"cbrt", &Elaborator::callUnary<CbrtOp>},
      {"ceil", &Elaborator::callUnary<CeilOp>},
      {"cholesky", &Elaborator::callCholesky},
      {"clip", &Elaborator::callClip},
      {"complex", &Elaborator::callComplex},
      {"compressed", &Elaborator::callCompressed},
      {"concat", &Elaborator::callConcat},
      {"conj", &Elaborator::callConj},
      {"convolve", &Elaborator::callCorrelation<true>},
      {"correlate", &Elaborator::callCorrelation<false>},
      {"cos", &Elaborator::callUnary<CosOp>},
      {"cosh", &Elaborator::callUnary<CoshOp>},
      {"cumlogsumexp", &Elaborator::callCumLogSumExp, "reverse"},
      {"cummax", &Elaborator::callCumulate<ReductionKind::Max>, "reverse"},
      {"cummin", &Elaborator::callCumulate<ReductionKind::Min>, "reverse"},
      {"cumprod", &Elaborator::callCumulate<ReductionKind::Prod>, "reverse"},
      {"cumsum", &Elaborator::callCumulate<ReductionKind::Sum>, "reverse"},
      {"dense", &Elaborator::callDense},
      {"det", &Elaborator::callDet},
      {"diag", &Elaborator::callDiag},
      {"digamma", &Elaborator::callUnary<DigammaOp>},
      {"div", &Elaborator::callDiv},
      {"dot", &Elaborator::callDot},
      {"eigh", &Elaborator::callEigh},
      {"elu", &Elaborator::callElu},
      {"erf", &Elaborator::callUnary<ErfOp>},
      {"erfc", &Elaborator::callUnary<ErfcOp>},
      {"exchange", &Elaborator::callExchange},
      {"exp", &Elaborator::callExp},
      {"exp2", &Elaborator::callUnary<Exp2Op>},
      {"expm", &Elaborator::callExpm},
      {"expm1", &Elaborator::callUnary<Expm1Op>},
      {"eye", &Elaborator::callEye},
      {"fft", &Elaborator::callFft<false>, "", /*hasSeveralResults=*/true},
      GRADUS_LATER("fixpoint"),
      {"flip", &Elaborator::callFlip},
      {"floor", &Elaborator::callUnary<FloorOp>},
      {"gelu", &Elaborator::callGelu},
      {"hypot", &Elaborator::callBinary<HypotOp>},
      {"identity", &Elaborator::callIdentity},
      {"ifft", &Elaborator::callFft<true>, "", /*hasSeveralResults=*/true},
      {"imag", &Elaborator::callImag},
      {"int", &Elaborator::callInt},
      {"inverse", &Elaborator::callInverse},
      {"isfinite", &Elaborator::callIsFinite},
      {"isinf", &Elaborator::callIsInf},
      {"isnan", &Elaborator::callIsNan},
      {"kron", &Elaborator::callKron},
      {"lambert_w", &Elaborator::callUnary<LambertWOp>},
      {"leaky_relu", &Elaborator::callLeakyRelu},
      {"lgamma", &Elaborator::callUnary<LGammaOp>},
      {"log", &Elaborator::callUnary<LogOp>},
      {"log10", &Elaborator::callUnary<Log10Op>},
      {"log1p", &Elaborator::callUnary<Log1pOp>},
      {"log2", &Elaborator::callUnary<Log2Op>},
      {"log_sigmoid", &Elaborator::callLogSigmoid},
      {"logdet", &Elaborator::callLogDet},
      {"logit", &Elaborator::callLogit},
      {"logsoftmax", &Elaborator::callLogSoftmax},
      {"logsumexp", &Elaborator::callLogSumExp},
      {"lookup", &Elaborator::callLookup, "", /*hasSeveralResults=*/true},
      {"max", &Elaborator::callExtremum<MaxOp>},
      {"mean", &Elaborator::callMean},
      {"median", &Elaborator::callMedian},
      {"min", &Elaborator::callExtremum<MinOp>},
      {"norm", &Elaborator::callNorm},
      {"norm1", &Elaborator::callNorm1},
      {"norm2", &Elaborator::callNorm2},
      {"normal_cdf", &Elaborator::callUnary<NormalCdfOp>},
      {"normal_quantile", &Elaborator::callUnary<NormalQuantileOp>},
      {"one_hot", &Elaborator::callOneHot},
      {"ones", &Elaborator::callOnes},
      {"outer", &Elaborator::callOuter},
      {"pinv", &Elaborator::callPinv},
      {"prod", &Elaborator::callReduction<ReductionKind::Prod>},
      {"push", &Elaborator::callPush},
      {"qr", &Elaborator::callQr},
      {"quantile", &Elaborator::callQuantile},
      {"rank", &Elaborator::callRank, "descending"},
      {"real", &Elaborator::callReal},
      {"reciprocal", &Elaborator::callReciprocal},
      {"relu", &Elaborator::callRelu},
      {"relu6", &Elaborator::callRelu6},
      {"repeat", &Elaborator::callRepeat},
      {"reshape", &Elaborator::callReshape},
      {"roll", &Elaborator::callRoll},
      {"round", &Elaborator::callUnary<RoundOp>},
      {"rsqrt", &Elaborator::callRsqrt},
      {"run", &Elaborator::callRun},
      {"segment_sum", &Elaborator::callSegmentSum},
      {"sigmoid", &Elaborator::callUnary<SigmoidOp>},
      {"sign", &Elaborator::callUnary<SignOp>},
      {"silu", &Elaborator::callSilu},
      {"sin", &Elaborator::callUnary<SinOp>},
      {"sinh", &Elaborator::callUnary<SinhOp>},
      {"softmax", &Elaborator::callSoftmax},
      {"softplus", &Elaborator::callUnary<SoftplusOp>},
      {"solve", &Elaborator::callSolve, "", /*hasSeveralResults=*/true},
      {"sort", &Elaborator::callSort, "descending", /*hasSeveralResults=*/true},
      {"split", &Elaborator::callSplit},
      {"sqrt", &Elaborator::callUnary<SqrtOp>},
      {"square", &Elaborator::callSquare},
      {"stack", &Elaborator::callStack},
      {"step", &Elaborator::callStep},
      {"stop", &Elaborator::callStop},
      {"sum", &Elaborator::callReduction<ReductionKind::Sum>},
      {"svd", &Elaborator::callSvd},
      {"swish", &Elaborator::callSilu},
      {"tan", &Elaborator::callUnary<TanOp>},
      {"tanh", &Elaborator::callUnary<TanhOp>},
      {"tile", &Elaborator::callTile},
      {"top", &Elaborator::callTop},
      {"trace", &Elaborator::callTrace},
      {"trigamma", &Elaborator::callUnary<TrigammaOp>},
      {"tril", &Elaborator::callTriangle<false>},
      {"triu", &Elaborator::callTriangle<true>},
      {"trunc", &Elaborator::callUnary<TruncOp>},
      {"where", &Elaborator::callWhere},
      {"xor", &Elaborator::callXor},
      {"zeros", &Elaborator::callZeros},
  };
};
#undef GRADUS_LATER

llvm::ArrayRef<Builtin> lang::getBuiltins() { return BuiltinTable::entries; }

const Builtin *lang::findBuiltin(llvm::StringRef name) {
  for (const Builtin &builtin : getBuiltins())
    if (builtin.name == name)
      return &builtin;
  return nullptr;
}
