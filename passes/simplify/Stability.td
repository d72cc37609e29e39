// Forms that overflow or cancel, and what the author meant by them. Each rewrite gives the same real number, more precisely; it
// runs before derivatives are taken, because the derivative of the naive form fails where the form does.

include "dialect/Gradus.td"
include "mlir/IR/PatternBase.td"

def One : Constraint<CPred<"::gradus::isFill($0, 1.0)">>;
def MinusOne : Constraint<CPred<"::gradus::isFill($0, -1.0)">>;
/// DRR does not compare a name that stands in two equal subpatterns, so that they get two names.
def Same : Constraint<CPred<"$0 == $1">>;
def Absent : Constraint<CPred<"!$0">>;
class Number<string value> : NativeCodeCall<"::gradus::buildFill($_builder, $_loc, $0.getType(), " # value # ")">;
/// a < b and the like, elementwise.
class Is<string predicate> : NativeCodeCall<
  "::gradus::CompareOp::create($_builder, $_loc, ::gradus::ComparePredicate::" # predicate # ", $0, $1)">;
/// Every element is one number above 0, and its root.
def Positive : Constraint<CPred<"::gradus::getFill($0).value_or(0) > 0">>;
def RootOf : NativeCodeCall<"::gradus::buildFill($_builder, $_loc, $0.getType(), std::sqrt(*::gradus::getFill($0)))">;
/// The exponent 2 of an integer power.
def IsTwo : Constraint<CPred<"::gradus::getInteger($0) == 2">>;
/// Not what LogOfOneMinusExp makes.
def Unbounded : Constraint<CPred<"!::gradus::isBounded($0)">>;
def Sum : ConstantEnumCase<Gradus_ReductionAttr, "sum">;

// log(1 + x) -> log1p(x)
def LogOnePlus : Pat<(Gradus_LogOp (Gradus_AddOp $one, $x)), (Gradus_Log1pOp $x), [(One $one)]>;
def LogPlusOne : Pat<(Gradus_LogOp (Gradus_AddOp $x, $one)), (Gradus_Log1pOp $x), [(One $one)]>;
// log(1 - x) -> log1p(-x)
def LogOneMinus : Pat<(Gradus_LogOp (Gradus_SubOp $one, $x)), (Gradus_Log1pOp (Gradus_NegOp $x)), [(One $one)]>;
// e^x - 1 -> expm1(x)
def ExpMinusOne : Pat<(Gradus_SubOp (Gradus_ExpOp $x), $one), (Gradus_Expm1Op $x), [(One $one)]>;
def ExpPlusMinusOne : Pat<(Gradus_AddOp (Gradus_ExpOp $x), $one), (Gradus_Expm1Op $x), [(MinusOne $one)]>;
// 1 - e^x -> -expm1(x)
def OneMinusExp : Pat<(Gradus_SubOp $one, (Gradus_ExpOp $x)), (Gradus_NegOp (Gradus_Expm1Op $x)), [(One $one)]>;
// log(1 - e^x) -> log(-expm1(x)) above -log 2, where 1 - e^x cancels; log1p(-e^x) below, where e^x is small (Maechler, 2012). x is bounded in
// each, so that the one that is not taken has a value and a derivative.
defvar LogOfOneMinusExpForm = (Gradus_SelectOp (Is<"Gt"> $x, (Number<"-0.6931471805599453"> $x)),
  (Gradus_LogOp (Gradus_NegOp (Gradus_Expm1Op (Gradus_MaxOp $x, (Number<"-0.6931471805599453"> $x))))),
  (Gradus_Log1pOp (Gradus_NegOp (Gradus_ExpOp (Gradus_MinOp $x, (Number<"-0.6931471805599453"> $x))))));
def LogOfOneMinusExp : Pat<(Gradus_Log1pOp (Gradus_NegOp (Gradus_ExpOp $x))), LogOfOneMinusExpForm, [(Unbounded $x)]>;
def LogOfMinusExpm1 : Pat<(Gradus_LogOp (Gradus_NegOp (Gradus_Expm1Op $x))), LogOfOneMinusExpForm, [(Unbounded $x)]>;
// log(e^a + e^b) -> a + softplus(b - a) where a is not less, b + softplus(a - b) elsewhere; at a = b each derivative is 1/2. b - a is NaN
// where both are the same infinity, which is the sum then.
def LogAddExp : Pattern<(Gradus_LogOp (Gradus_AddOp (Gradus_ExpOp $a), (Gradus_ExpOp $b))), [
  (Gradus_SubOp:$d $b, $a),
  (Gradus_SelectOp (Is<"Eq"> $d, $d),
    (Gradus_SelectOp (Is<"Ge"> $a, $b), (Gradus_AddOp $a, (Gradus_SoftplusOp $d)), (Gradus_AddOp $b, (Gradus_SoftplusOp (Gradus_NegOp $d)))),
    (Gradus_AddOp $a, $b))]>;
// log(1 + e^x) -> softplus(x)
def Log1pExp : Pat<(Gradus_Log1pOp (Gradus_ExpOp $x)), (Gradus_SoftplusOp $x)>;
// log(e^x) -> x
def LogExp : Pat<(Gradus_LogOp (Gradus_ExpOp $x)), (replaceWithValue $x)>;
// log(e^x / b) -> x - log(b)
def LogExpQuotient : Pat<(Gradus_LogOp (Gradus_DivOp (Gradus_ExpOp $x), $b)), (Gradus_SubOp $x, (Gradus_LogOp $b))>;

// 1 / (1 + e^x) -> sigmoid(-x), so also 1 / (1 + e^-x) -> sigmoid(x)
def ReciprocalOfOnePlusExp : Pat<(Gradus_DivOp $one, (Gradus_AddOp $uno, (Gradus_ExpOp $x))), (Gradus_SigmoidOp (Gradus_NegOp $x)),
  [(One $one), (One $uno)]>;
def ReciprocalOfExpPlusOne : Pat<(Gradus_DivOp $one, (Gradus_AddOp (Gradus_ExpOp $x), $uno)), (Gradus_SigmoidOp (Gradus_NegOp $x)),
  [(One $one), (One $uno)]>;
// e^x / (1 + e^x) -> sigmoid(x)
def ExpOverOnePlusExp : Pat<(Gradus_DivOp (Gradus_ExpOp $x), (Gradus_AddOp $one, (Gradus_ExpOp $z))), (Gradus_SigmoidOp $x),
  [(One $one), (Same $x, $z)]>;
def ExpOverExpPlusOne : Pat<(Gradus_DivOp (Gradus_ExpOp $x), (Gradus_AddOp (Gradus_ExpOp $z), $one)), (Gradus_SigmoidOp $x),
  [(One $one), (Same $x, $z)]>;
// 1 - sigmoid(x) -> sigmoid(-x), sigmoid(x) - 1 -> -sigmoid(-x)
def OneMinusSigmoid : Pat<(Gradus_SubOp $one, (Gradus_SigmoidOp $x)), (Gradus_SigmoidOp (Gradus_NegOp $x)), [(One $one)]>;
def SigmoidMinusOne : Pat<(Gradus_SubOp (Gradus_SigmoidOp $x), $one), (Gradus_NegOp (Gradus_SigmoidOp (Gradus_NegOp $x))), [(One $one)]>;
// 1 - tanh(x) -> 2 sigmoid(-2 x), 1 + tanh(x) -> 2 sigmoid(2 x)
def OneMinusTanh : Pat<(Gradus_SubOp $one, (Gradus_TanhOp $x)),
  (Gradus_MulOp (Number<"2.0"> $x), (Gradus_SigmoidOp (Gradus_MulOp (Number<"-2.0"> $x), $x))), [(One $one)]>;
def OnePlusTanh : Pat<(Gradus_AddOp $one, (Gradus_TanhOp $x)),
  (Gradus_MulOp (Number<"2.0"> $x), (Gradus_SigmoidOp (Gradus_MulOp (Number<"2.0"> $x), $x))), [(One $one)]>;
def TanhPlusOne : Pat<(Gradus_AddOp (Gradus_TanhOp $x), $one),
  (Gradus_MulOp (Number<"2.0"> $x), (Gradus_SigmoidOp (Gradus_MulOp (Number<"2.0"> $x), $x))), [(One $one)]>;
// log(sigmoid(x)) -> -softplus(-x)
def LogSigmoid : Pat<(Gradus_LogOp (Gradus_SigmoidOp $x)), (Gradus_NegOp (Gradus_SoftplusOp (Gradus_NegOp $x)))>;
// log(1 - sigmoid(x)) -> -softplus(x)
def Log1pMinusSigmoid : Pat<(Gradus_Log1pOp (Gradus_NegOp (Gradus_SigmoidOp $x))), (Gradus_NegOp (Gradus_SoftplusOp $x))>;

// log(sum(e^x)) -> logsumexp(x)
def LogSumExp : Pat<(Gradus_LogOp (Gradus_ReduceOp Sum, (Gradus_ExpOp $x), $axes, $accumulate)), (Gradus_LogSumExpOp $x, $axes),
  [(Absent $accumulate)]>;

// 1 - cos(x) -> 2 sin(x / 2)^2
def OneMinusCos : Pattern<(Gradus_SubOp $one, (Gradus_CosOp $x)), [
  (Gradus_SinOp:$s (Gradus_MulOp (Number<"0.5"> $x), $x)),
  (Gradus_MulOp (Number<"2.0"> $x), (Gradus_MulOp $s, $s))], [(One $one)]>;
// cosh(x) - 1 -> 2 sinh(x / 2)^2
def CoshMinusOne : Pattern<(Gradus_SubOp (Gradus_CoshOp $x), $one), [
  (Gradus_SinhOp:$s (Gradus_MulOp (Number<"0.5"> $x), $x)),
  (Gradus_MulOp (Number<"2.0"> $x), (Gradus_MulOp $s, $s))], [(One $one)]>;

// sqrt(x^2 + e) -> hypot(x, sqrt(e)) for a number e > 0, where x^2 overflows. The root of x^2 alone is left as it is: at 0 its derivative is another
// one than that of hypot.
def SqrtOfSquarePlus : Pat<(Gradus_SqrtOp (Gradus_AddOp (Gradus_MulOp $x, $z), $e)), (Gradus_HypotOp $x, (RootOf $e)), [(Same $x, $z), (Positive $e)]>;
def SqrtOfPlusSquare : Pat<(Gradus_SqrtOp (Gradus_AddOp $e, (Gradus_MulOp $x, $z))), (Gradus_HypotOp $x, (RootOf $e)), [(Same $x, $z), (Positive $e)]>;
def SqrtOfPowerPlus : Pat<(Gradus_SqrtOp (Gradus_AddOp (Gradus_IntPowOp $x, $n), $e)), (Gradus_HypotOp $x, (RootOf $e)), [(IsTwo $n), (Positive $e)]>;
def SqrtOfPlusPower : Pat<(Gradus_SqrtOp (Gradus_AddOp $e, (Gradus_IntPowOp $x, $n))), (Gradus_HypotOp $x, (RootOf $e)), [(IsTwo $n), (Positive $e)]>;

// Near 0 the next forms lose what they are; elsewhere they stay what they were, which is not met again. The stable form is made of x where it is taken and
// of 0 elsewhere, so that what is not taken has a value and derivatives of every order at any x.
def Unguarded : Constraint<CPred<"!::gradus::isGuarded($0)">>;
class Near<string radius> : NativeCodeCall<"::gradus::buildIsNear($_builder, $_loc, $0, " # radius # ")">;
// sqrt(1 + x) - 1 -> x / (sqrt(1 + x) + 1)
def RootQuotient : NativeCodeCall<"::gradus::buildRootQuotient($_builder, $_loc, $0)">;
defvar RootLess = (Gradus_SelectOp (Near<"1.0"> $x), (RootQuotient $x), (Gradus_SubOp $s, (Number<"1.0"> $x)));
def SqrtOnePlusMinusOne : Pat<(Gradus_SubOp:$r (Gradus_SqrtOp:$s (Gradus_AddOp $one, $x)), $uno), RootLess, [(One $one), (One $uno), (Unguarded $r)]>;
def SqrtPlusOneMinusOne : Pat<(Gradus_SubOp:$r (Gradus_SqrtOp:$s (Gradus_AddOp $x, $one)), $uno), RootLess, [(One $one), (One $uno), (Unguarded $r)]>;
def OneMinusSqrtOnePlus : Pat<(Gradus_SubOp $uno, (Gradus_SqrtOp:$s (Gradus_AddOp $one, $x))), (Gradus_NegOp RootLess), [(One $one), (One $uno)]>;
def OneMinusSqrtPlusOne : Pat<(Gradus_SubOp $uno, (Gradus_SqrtOp:$s (Gradus_AddOp $x, $one))), (Gradus_NegOp RootLess), [(One $one), (One $uno)]>;
// 1 - sqrt(1 - x), of which it is the negative at -x
defvar LessRoot = (Gradus_SelectOp (Near<"1.0"> $x), (RootQuotient (Gradus_NegOp $x)), (Gradus_SubOp $s, (Number<"1.0"> $x)));
def OneMinusSqrtOneMinus : Pat<(Gradus_SubOp $uno, (Gradus_SqrtOp:$s (Gradus_SubOp $one, $x))), (Gradus_NegOp LessRoot), [(One $one), (One $uno)]>;
def SqrtOneMinusMinusOne : Pat<(Gradus_SubOp:$r (Gradus_SqrtOp:$s (Gradus_SubOp $one, $x)), $uno), LessRoot, [(One $one), (One $uno), (Unguarded $r)]>;
// hypot(x, 1) - 1 -> x (x / (hypot(x, 1) + 1))
def HypotQuotient : NativeCodeCall<"::gradus::buildHypotQuotient($_builder, $_loc, $0)">;
def HypotMinusOne : Pat<(Gradus_SubOp:$r (Gradus_HypotOp:$h $x, $one), $uno),
  (Gradus_SelectOp (Near<"1.0"> $x), (HypotQuotient $x), (Gradus_SubOp $h, (Number<"1.0"> $x))), [(One $one), (One $uno), (Unguarded $r)]>;

// Of these no function is in the dialect. Near 0 they are their series, with so many terms that the derivatives up to the eighth are right to the last places as well.
// x - sin(x) = x^3 / 6 - x^5 / 120 + ..
def SineSeries : NativeCodeCall<"::gradus::buildSineSeries($_builder, $_loc, $0)">;
def LessSin : Pat<(Gradus_SubOp:$r $x, (Gradus_SinOp:$s $z)), (Gradus_SelectOp (Near<"1.0"> $x), (SineSeries $x), (Gradus_SubOp $x, $s)),
  [(Same $x, $z), (Unguarded $r)]>;
def SinLess : Pat<(Gradus_SubOp:$r (Gradus_SinOp:$s $x), $z), (Gradus_NegOp (Gradus_SelectOp (Near<"1.0"> $x), (SineSeries $x), (Gradus_SubOp $x, $s))),
  [(Same $x, $z), (Unguarded $r)]>;
// e^x - 1 - x = x^2 / 2 + x^3 / 6 + ..
def ExpSeries : NativeCodeCall<"::gradus::buildExpSeries($_builder, $_loc, $0)">;
defvar ExpLess = (Gradus_SelectOp (Near<"0.25"> $x), (ExpSeries $x), (Gradus_SubOp (Gradus_Expm1Op $x), $x));
def Expm1Less : Pat<(Gradus_SubOp:$r (Gradus_Expm1Op $x), $z), ExpLess, [(Same $x, $z), (Unguarded $r)]>;
def ExpLessMinusOne : Pat<(Gradus_SubOp (Gradus_SubOp (Gradus_ExpOp $x), $z), $one), ExpLess, [(Same $x, $z), (One $one)]>;
def ExpMinusOnePlus : Pat<(Gradus_SubOp (Gradus_ExpOp $x), (Gradus_AddOp $one, $z)), ExpLess, [(Same $x, $z), (One $one)]>;
def ExpMinusPlusOne : Pat<(Gradus_SubOp (Gradus_ExpOp $x), (Gradus_AddOp $z, $one)), ExpLess, [(Same $x, $z), (One $one)]>;
