// Algebra that changes no bit of a result: each line is an identity of IEEE arithmetic for every argument, the signs of zero
// included (x + 0 is none of them: it turns -0 into 0). The bits of a NaN alone may differ.

include "dialect/Gradus.td"
include "mlir/IR/PatternBase.td"

/// Every element is this number.
class Is<string number> : Constraint<CPred<"::gradus::isFill($0, " # number # ")">>;
/// The number 2 in the shape of the argument.
def Two : NativeCodeCall<"::gradus::buildFill($_builder, $_loc, $0.getType(), 2.0)">;
def IsReal : Constraint<CPred<"::gradus::arrayType($0).isFloat()">>;

// x * 1 -> x, 1 * x -> x
def MulOne : Pat<(Gradus_MulOp $x, $one), (replaceWithValue $x), [(Is<"1.0"> $one)]>;
def OneMul : Pat<(Gradus_MulOp $one, $x), (replaceWithValue $x), [(Is<"1.0"> $one)]>;
// x / 1 -> x
def DivOne : Pat<(Gradus_DivOp $x, $one), (replaceWithValue $x), [(Is<"1.0"> $one)]>;
// x * -1 -> -x, -1 * x -> -x, x / -1 -> -x
def MulMinusOne : Pat<(Gradus_MulOp $x, $one), (Gradus_NegOp $x), [(Is<"-1.0"> $one)]>;
def MinusOneMul : Pat<(Gradus_MulOp $one, $x), (Gradus_NegOp $x), [(Is<"-1.0"> $one)]>;
def DivMinusOne : Pat<(Gradus_DivOp $x, $one), (Gradus_NegOp $x), [(Is<"-1.0"> $one)]>;
// x - 0 -> x
def SubZero : Pat<(Gradus_SubOp $x, $zero), (replaceWithValue $x), [(Is<"0.0"> $zero)]>;
// x + -0 -> x, -0 + x -> x
def AddMinusZero : Pat<(Gradus_AddOp $x, $zero), (replaceWithValue $x), [(Is<"-0.0"> $zero)]>;
def MinusZeroAdd : Pat<(Gradus_AddOp $zero, $x), (replaceWithValue $x), [(Is<"-0.0"> $zero)]>;

// a + -b -> a - b, -a + b -> b - a, a - -b -> a + b
def AddNeg : Pat<(Gradus_AddOp $a, (Gradus_NegOp $b)), (Gradus_SubOp $a, $b)>;
def NegAdd : Pat<(Gradus_AddOp (Gradus_NegOp $a), $b), (Gradus_SubOp $b, $a)>;
def SubNeg : Pat<(Gradus_SubOp $a, (Gradus_NegOp $b)), (Gradus_AddOp $a, $b)>;
// -a * b -> -(a * b), a * -b -> -(a * b), -a / b -> -(a / b), a / -b -> -(a / b): signs move out and meet
def NegMul : Pat<(Gradus_MulOp (Gradus_NegOp $a), $b), (Gradus_NegOp (Gradus_MulOp $a, $b))>;
def MulNeg : Pat<(Gradus_MulOp $a, (Gradus_NegOp $b)), (Gradus_NegOp (Gradus_MulOp $a, $b))>;
def NegDiv : Pat<(Gradus_DivOp (Gradus_NegOp $a), $b), (Gradus_NegOp (Gradus_DivOp $a, $b))>;
def DivNeg : Pat<(Gradus_DivOp $a, (Gradus_NegOp $b)), (Gradus_NegOp (Gradus_DivOp $a, $b))>;
// x + x -> 2 * x
def AddSelf : Pat<(Gradus_AddOp $x, $x), (Gradus_MulOp (Two $x), $x), [(IsReal $x)]>;
