// The table of derivatives: one row for each elementwise op.
//
// A row says what the op's partial derivative makes of $t. The Jacobian of an elementwise op is diagonal and so its own
// transpose: the row serves reverse mode ($t a cotangent) and forward mode ($t a tangent). Where a partial is 0 by a
// choice, $t is dropped by `Where` and never multiplied by 0, because 0 * inf is NaN. At a kink the choice stands
// beside the row. OpDerivatives.def says which ops have rows: those that move, repeat or add elements have rules in Rules*.cpp, and steps have no derivative.

include "dialect/Gradus.td"
include "mlir/IR/PatternBase.td"

//===----------------------------------------------------------------------===//
// Notation
//===----------------------------------------------------------------------===//

class Wrt<int operand> : ConstantAttr<I64Attr, !cast<string>(operand)>;
/// The value itself.
def Id : NativeCodeCall<"$0">;
/// A number in the shape of the argument.
class Number<string value> : NativeCodeCall<"::gradus::buildFill($_builder, $_loc, $0.getType(), " # value # ")">;
def Zero : Number<"0.0">;
/// a < b and the like, elementwise.
class Is<string predicate> : NativeCodeCall<
  "::gradus::CompareOp::create($_builder, $_loc, ::gradus::ComparePredicate::" # predicate # ", $0, $1)">;
defvar Where = Gradus_SelectOp;
defvar Add = Gradus_AddOp;
defvar Sub = Gradus_SubOp;
defvar Mul = Gradus_MulOp;
defvar Div = Gradus_DivOp;
defvar Neg = Gradus_NegOp;

multiclass Unary<dag primal, dag row> {
  def Row : Pat<(Gradus_PartialOp primal, $t, Wrt<0>), row>;
}
multiclass Binary<dag primal, dag rowA, dag rowB> {
  def RowA : Pat<(Gradus_PartialOp primal, $t, Wrt<0>), rowA>;
  def RowB : Pat<(Gradus_PartialOp primal, $t, Wrt<1>), rowB>;
}

//===----------------------------------------------------------------------===//
// Smooth functions of one argument
//===----------------------------------------------------------------------===//

// -1 / sqrt((1 - x) (1 + x)): near 1, 1 - x^2 would cancel.
defm Acos : Unary<(Gradus_AcosOp $x), (Neg (Div $t, (Gradus_SqrtOp (Mul (Sub (Number<"1.0"> $t), $x), (Add $x, (Number<"1.0"> $t))))))>;
// Two roots, because the product is positive below -1 as well.
defm Acosh : Unary<(Gradus_AcoshOp $x),
  (Div $t, (Mul (Gradus_SqrtOp (Sub $x, (Number<"1.0"> $t))), (Gradus_SqrtOp (Add $x, (Number<"1.0"> $t)))))>;
defm Asin : Unary<(Gradus_AsinOp $x), (Div $t, (Gradus_SqrtOp (Mul (Sub (Number<"1.0"> $t), $x), (Add $x, (Number<"1.0"> $t)))))>;
defm Asinh : Unary<(Gradus_AsinhOp $x), (Div $t, (Gradus_HypotOp $x, (Number<"1.0"> $t)))>;
defm Atan : Unary<(Gradus_AtanOp $x), (Div $t, (Add (Mul $x, $x), (Number<"1.0"> $t)))>;
defm Atanh : Unary<(Gradus_AtanhOp $x), (Div $t, (Mul (Sub (Number<"1.0"> $t), $x), (Add $x, (Number<"1.0"> $t))))>;
// At 0: +inf for t > 0.
defm Cbrt : Unary<(Gradus_CbrtOp:$y $x), (Div $t, (Mul (Number<"3.0"> $t), (Mul $y, $y)))>;
defm Cos : Unary<(Gradus_CosOp $x), (Neg (Mul (Gradus_SinOp $x), $t))>;
defm Cosh : Unary<(Gradus_CoshOp $x), (Mul (Gradus_SinhOp $x), $t)>;
// trigamma itself has no row: the polygamma functions of higher order are not in the language.
defm Digamma : Unary<(Gradus_DigammaOp $x), (Mul (Gradus_TrigammaOp $x), $t)>;
// 2 / sqrt(pi) * e^(-x^2)
defm Erf : Unary<(Gradus_ErfOp $x), (Mul (Mul (Number<"1.1283791670955126"> $t), (Gradus_ExpOp (Neg (Mul $x, $x)))), $t)>;
defm Erfc : Unary<(Gradus_ErfcOp $x), (Mul (Mul (Number<"-1.1283791670955126"> $t), (Gradus_ExpOp (Neg (Mul $x, $x)))), $t)>;
defm Exp : Unary<(Gradus_ExpOp:$y $x), (Mul $y, $t)>;
defm Exp2 : Unary<(Gradus_Exp2Op:$y $x), (Mul (Mul (Number<"0.6931471805599453"> $t), $y), $t)>;
defm Expm1 : Unary<(Gradus_Expm1Op:$y $x), (Mul (Add $y, (Number<"1.0"> $t)), $t)>;
// 1 / (e^w (1 + w)): +inf at the branch point -1 / e.
defm LambertW : Unary<(Gradus_LambertWOp:$y $x), (Div (Mul (Gradus_ExpOp (Neg $y)), $t), (Add $y, (Number<"1.0"> $t)))>;
defm LGamma : Unary<(Gradus_LGammaOp $x), (Mul (Gradus_DigammaOp $x), $t)>;
defm Log : Unary<(Gradus_LogOp $x), (Div $t, $x)>;
defm Log10 : Unary<(Gradus_Log10Op $x), (Div $t, (Mul (Number<"2.302585092994046"> $t), $x))>;
defm Log1p : Unary<(Gradus_Log1pOp $x), (Div $t, (Add $x, (Number<"1.0"> $t)))>;
defm Log2 : Unary<(Gradus_Log2Op $x), (Div $t, (Mul (Number<"0.6931471805599453"> $t), $x))>;
defm Negation : Unary<(Gradus_NegOp $x), (Neg $t)>;
// e^(-x^2 / 2) / sqrt(2 pi)
defm NormalCdf : Unary<(Gradus_NormalCdfOp $x),
  (Mul (Mul (Number<"0.3989422804014327"> $t), (Gradus_ExpOp (Mul (Mul (Number<"-0.5"> $t), $x), $x))), $t)>;
// The reciprocal at the result; +inf at 0 and 1.
defm NormalQuantile : Unary<(Gradus_NormalQuantileOp:$y $x),
  (Mul (Mul (Number<"2.5066282746310002"> $t), (Gradus_ExpOp (Mul (Mul (Number<"0.5"> $t), $y), $y))), $t)>;
defm Sigmoid : Unary<(Gradus_SigmoidOp:$y $x), (Mul (Mul $y, (Gradus_SigmoidOp (Neg $x))), $t)>;
defm Sin : Unary<(Gradus_SinOp $x), (Mul (Gradus_CosOp $x), $t)>;
defm Sinh : Unary<(Gradus_SinhOp $x), (Mul (Gradus_CoshOp $x), $t)>;
defm Softplus : Unary<(Gradus_SoftplusOp $x), (Mul (Gradus_SigmoidOp $x), $t)>;
// At 0: +inf for t > 0, as IEEE divides.
defm Sqrt : Unary<(Gradus_SqrtOp:$y $x), (Div $t, (Mul (Number<"2.0"> $t), $y))>;
defm Tan : Unary<(Gradus_TanOp:$y $x), (Mul (Add (Mul $y, $y), (Number<"1.0"> $t)), $t)>;
defm Tanh : Unary<(Gradus_TanhOp:$y $x), (Mul (Sub (Number<"1.0"> $t), (Mul $y, $y)), $t)>;

//===----------------------------------------------------------------------===//
// Kinks of one argument
//===----------------------------------------------------------------------===//

// At 0: 0.
defm Abs : Unary<(Gradus_AbsOp $x), (Where (Is<"Eq"> $x, (Zero $t)), (Zero $t), (Mul (Gradus_SignOp $x), $t))>;

//===----------------------------------------------------------------------===//
// Two arguments
//===----------------------------------------------------------------------===//

defm Addition : Binary<(Gradus_AddOp $a, $b), (Id $t), (Id $t)>;
defm Subtraction : Binary<(Gradus_SubOp $a, $b), (Id $t), (Neg $t)>;
defm Product : Binary<(Gradus_MulOp $a, $b), (Mul $b, $t), (Mul $a, $t)>;
defm Quotient : Binary<(Gradus_DivOp:$c $a, $b), (Div $t, $b), (Neg (Div (Mul $c, $t), $b))>;
// In a: b a^(b - 1), 0 where b = 0 and a is 0 or NaN; at other a it stays a function of b, for the second derivative. In b: a^b ln(a), 0 where a = 0.
defm Power : Binary<(Gradus_PowOp:$c $a, $b),
  (Where (Gradus_AndOp (Is<"Eq"> $b, (Zero $t)), (Gradus_NotOp (Is<"Gt"> (Gradus_AbsOp $a), (Zero $t)))), (Zero $t), (Mul (Mul $b, (Gradus_PowOp $a, (Sub $b, (Number<"1.0"> $t)))), $t)),
  (Where (Is<"Eq"> $a, (Zero $t)), (Zero $t), (Mul (Mul $c, (Gradus_LogOp $a)), $t))>;
// b / r^2 and -a / r^2 with r^2 = a^2 + b^2; at the origin, where there is none: 0.
defm Angle : Binary<(Gradus_Atan2Op $a, $b),
  (Where (Is<"Eq"> (Gradus_HypotOp:$r $a, $b), (Zero $t)), (Zero $t), (Div (Mul (Div $b, $r), $t), $r)),
  (Where (Is<"Eq"> (Gradus_HypotOp:$r $a, $b), (Zero $t)), (Zero $t), (Neg (Div (Mul (Div $a, $r), $t), $r)))>;
// a / r and b / r; at the origin: 0.
defm Hypotenuse : Binary<(Gradus_HypotOp:$r $a, $b),
  (Where (Is<"Eq"> $r, (Zero $t)), (Zero $t), (Mul (Div $a, $r), $t)),
  (Where (Is<"Eq"> $r, (Zero $t)), (Zero $t), (Mul (Div $b, $r), $t))>;
// a - b floor(a / b): the steps of floor count as flat.
defm Remainder : Binary<(Gradus_ModOp $a, $b), (Id $t), (Neg (Mul (Gradus_FloorOp (Div $a, $b)), $t))>;
// A tie gives everything to a.
defm Maximum : Binary<(Gradus_MaxOp $a, $b), (Where (Is<"Ge"> $a, $b), $t, (Zero $t)), (Where (Is<"Ge"> $a, $b), (Zero $t), $t)>;
defm Minimum : Binary<(Gradus_MinOp $a, $b), (Where (Is<"Le"> $a, $b), $t, (Zero $t)), (Where (Is<"Le"> $a, $b), (Zero $t), $t)>;

// What is not chosen has the derivative 0.
def ChoiceA : Pat<(Gradus_PartialOp (Gradus_SelectOp $c, $a, $b), $t, Wrt<1>), (Where $c, $t, (Zero $t))>;
def ChoiceB : Pat<(Gradus_PartialOp (Gradus_SelectOp $c, $a, $b), $t, Wrt<2>), (Where $c, (Zero $t), $t)>;
