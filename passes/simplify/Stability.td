// Forms that overflow or cancel, and what the author meant by them. Each rewrite gives the same real number, more precisely; it
// runs before derivatives are taken, because the derivative of the naive form fails where the form does.

include "dialect/Gradus.td"
include "mlir/IR/PatternBase.td"

def One : Constraint<CPred<"::gradus::isFill($0, 1.0)">>;
def MinusOne : Constraint<CPred<"::gradus::isFill($0, -1.0)">>;
/// DRR does not compare a name that stands in two equal subpatterns, so that they get two names.
def Same : Constraint<CPred<"$0 == $1">>;
def Absent : Constraint<CPred<"!$0">>;
def Sum : ConstantEnumCase<Gradus_ReductionAttr, "sum">;

// log(1 + x) -> log1p(x)
def LogOnePlus : Pat<(Gradus_LogOp (Gradus_AddOp $one, $x)), (Gradus_Log1pOp $x), [(One $one)]>;
def LogPlusOne : Pat<(Gradus_LogOp (Gradus_AddOp $x, $one)), (Gradus_Log1pOp $x), [(One $one)]>;
// log(1 - x) -> log1p(-x)
def LogOneMinus : Pat<(Gradus_LogOp (Gradus_SubOp $one, $x)), (Gradus_Log1pOp (Gradus_NegOp $x)), [(One $one)]>;
// e^x - 1 -> expm1(x)
def ExpMinusOne : Pat<(Gradus_SubOp (Gradus_ExpOp $x), $one), (Gradus_Expm1Op $x), [(One $one)]>;
def ExpPlusMinusOne : Pat<(Gradus_AddOp (Gradus_ExpOp $x), $one), (Gradus_Expm1Op $x), [(MinusOne $one)]>;
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
// log(sigmoid(x)) -> -softplus(-x)
def LogSigmoid : Pat<(Gradus_LogOp (Gradus_SigmoidOp $x)), (Gradus_NegOp (Gradus_SoftplusOp (Gradus_NegOp $x)))>;
// log(1 - sigmoid(x)) -> -softplus(x)
def Log1pMinusSigmoid : Pat<(Gradus_Log1pOp (Gradus_NegOp (Gradus_SigmoidOp $x))), (Gradus_NegOp (Gradus_SoftplusOp $x))>;

// log(sum(e^x)) -> logsumexp(x)
def LogSumExp : Pat<(Gradus_LogOp (Gradus_ReduceOp Sum, (Gradus_ExpOp $x), $axes, $accumulate)), (Gradus_LogSumExpOp $x, $axes),
  [(Absent $accumulate)]>;
