// Elementwise operators: element i of the result depends on element i of the operands alone. Shapes are equal;
// broadcasting is an op of its own (Shape.td), so that its transpose is one too.

#ifndef GRADUS_ELEMENTWISE_TD
#define GRADUS_ELEMENTWISE_TD

include "dialect/Base.td"

/// y = f(x), x floating.
class Gradus_UnaryOp<string mnemonic, string formula, Type type = FloatArray, string element = "f32"> :
    Gradus_PureOp<mnemonic, [Pointwise, SameOperandsAndResultType]> {
  let summary = formula;
  let arguments = (ins type:$x);
  let results = (outs type:$y);
  let assemblyFormat = "$x attr-dict `:` type($x)";
  let hasFolder = 1;
  let description = "Elementwise: " # formula # [{.

    ```mlir
    %y = gradus.}] # mnemonic # [{ %x : !gradus.array<[n], }] # element # [{>
    ```
  }];
}

def Gradus_AbsOp : Gradus_UnaryOp<"abs", "y = |x|; the derivative at 0 is 0", NumericArray>;
def Gradus_AcosOp : Gradus_UnaryOp<"acos", "y = arc cosine of x, in [0, pi]">;
def Gradus_AcoshOp : Gradus_UnaryOp<"acosh", "y = inverse hyperbolic cosine of x >= 1">;
def Gradus_AsinOp : Gradus_UnaryOp<"asin", "y = arc sine of x, in [-pi / 2, pi / 2]">;
def Gradus_AsinhOp : Gradus_UnaryOp<"asinh", "y = inverse hyperbolic sine of x">;
def Gradus_AtanOp : Gradus_UnaryOp<"atan", "y = arc tangent of x">;
def Gradus_AtanhOp : Gradus_UnaryOp<"atanh", "y = inverse hyperbolic tangent of |x| <= 1">;
def Gradus_CbrtOp : Gradus_UnaryOp<"cbrt", "y = the real cube root of x; the derivative at 0 is +inf">;
def Gradus_CeilOp : Gradus_UnaryOp<"ceil", "y = the least integer not below x; the derivative is 0">;
def Gradus_CosOp : Gradus_UnaryOp<"cos", "y = cos(x)">;
def Gradus_CoshOp : Gradus_UnaryOp<"cosh", "y = (e^x + e^-x) / 2">;
def Gradus_DigammaOp : Gradus_UnaryOp<"digamma", "y = d ln gamma(x) / dx; NaN at 0, -1, -2, ..">;
def Gradus_ErfOp : Gradus_UnaryOp<"erf", "y = 2 / sqrt(pi) * integral of exp(-s^2) from 0 to x">;
def Gradus_ErfcOp : Gradus_UnaryOp<"erfc", "y = 1 - erf(x), exact for large x">;
def Gradus_ExpOp : Gradus_UnaryOp<"exp", "y = e^x">;
def Gradus_Exp2Op : Gradus_UnaryOp<"exp2", "y = 2^x">;
def Gradus_Expm1Op : Gradus_UnaryOp<"expm1", "y = e^x - 1, exact near 0">;
def Gradus_FloorOp : Gradus_UnaryOp<"floor", "y = the greatest integer not above x; the derivative is 0">;
def Gradus_LambertWOp : Gradus_UnaryOp<"lambert_w", "y e^y = x on the principal branch, x >= -1 / e">;
def Gradus_LGammaOp : Gradus_UnaryOp<"lgamma", "y = ln |gamma(x)|; +inf at 0, -1, -2, ..">;
def Gradus_LogOp : Gradus_UnaryOp<"log", "y = ln(x)">;
def Gradus_Log10Op : Gradus_UnaryOp<"log10", "y = log of x to base 10">;
def Gradus_Log1pOp : Gradus_UnaryOp<"log1p", "y = ln(1 + x), exact near 0">;
def Gradus_Log2Op : Gradus_UnaryOp<"log2", "y = log of x to base 2">;
def Gradus_NegOp : Gradus_UnaryOp<"neg", "y = -x", NumericArray>;
def Gradus_NormalCdfOp : Gradus_UnaryOp<"normal_cdf", "y = probability that a standard normal number is below x">;
def Gradus_NormalQuantileOp : Gradus_UnaryOp<"normal_quantile", "y = the number below which a standard normal number is with probability x">;
def Gradus_RoundOp : Gradus_UnaryOp<"round", "y = the nearest integer, ties to even; the derivative is 0">;
def Gradus_SigmoidOp : Gradus_UnaryOp<"sigmoid", "y = 1 / (1 + e^-x)">;
def Gradus_SignOp : Gradus_UnaryOp<"sign", "y = -1, 0 or 1, sign(0) = 0, NaN for NaN; the derivative is 0", NumericArray>;
def Gradus_SinOp : Gradus_UnaryOp<"sin", "y = sin(x)">;
def Gradus_SinhOp : Gradus_UnaryOp<"sinh", "y = (e^x - e^-x) / 2">;
def Gradus_SoftplusOp : Gradus_UnaryOp<"softplus", "y = ln(1 + e^x), without overflow">;
def Gradus_SqrtOp : Gradus_UnaryOp<"sqrt", "y = sqrt(x); the derivative at 0 is +inf">;
def Gradus_TanOp : Gradus_UnaryOp<"tan", "y = tan(x)">;
def Gradus_TanhOp : Gradus_UnaryOp<"tanh", "y = tanh(x)">;
def Gradus_TrigammaOp : Gradus_UnaryOp<"trigamma", "y = d digamma(x) / dx; +inf at 0, -1, -2, ..">;
def Gradus_TruncOp : Gradus_UnaryOp<"trunc", "y = x towards 0 to an integer; the derivative is 0">;

/// c = f(a, b), all of one type.
class Gradus_BinaryOp<string mnemonic, string formula, Type type = NumericArray, list<Trait> traits = [], string element = "f32"> :
    Gradus_PureOp<mnemonic, traits # [Pointwise, SameOperandsAndResultType]> {
  let summary = formula;
  let arguments = (ins type:$a, type:$b);
  let results = (outs type:$c);
  let assemblyFormat = "$a `,` $b attr-dict `:` type($c)";
  let hasFolder = 1;
  let description = "Elementwise: " # formula # [{.

    ```mlir
    %c = gradus.}] # mnemonic # [{ %a, %b : !gradus.array<[n], }] # element # [{>
    ```
  }];
}

def Gradus_AddOp : Gradus_BinaryOp<"add", "c = a + b", NumericArray, [Commutative]>;
def Gradus_SubOp : Gradus_BinaryOp<"sub", "c = a - b">;
def Gradus_MulOp : Gradus_BinaryOp<"mul", "c = a * b", NumericArray, [Commutative]>;
def Gradus_DivOp : Gradus_BinaryOp<"div", "c = a / b", FloatArray>;
def Gradus_PowOp : Gradus_BinaryOp<"pow", "c = a^b; NaN where a < 0 and b is not an integer", FloatArray>;
def Gradus_MaxOp : Gradus_BinaryOp<"max", "c = max(a, b); NaN if either is; a tie gives the derivative to a">;
def Gradus_MinOp : Gradus_BinaryOp<"min", "c = min(a, b); NaN if either is; a tie gives the derivative to a">;
def Gradus_Atan2Op : Gradus_BinaryOp<"atan2", "c = the angle of the point (b, a), in [-pi, pi]", FloatArray>;
def Gradus_HypotOp : Gradus_BinaryOp<"hypot", "c = sqrt(a^2 + b^2), without overflow; the derivative at 0 is 0", FloatArray>;
def Gradus_IntDivOp : Gradus_BinaryOp<"int_div", "c = floor(a / b), 0 where b = 0", IntArray, [], "i64">;
def Gradus_ModOp : Gradus_BinaryOp<"mod", "c = a - b * floor(a / b); for integers 0 where b = 0">;
def Gradus_AndOp : Gradus_BinaryOp<"and", "c = a and b", BoolArray, [Commutative], "i1">;
def Gradus_OrOp : Gradus_BinaryOp<"or", "c = a or b", BoolArray, [Commutative], "i1">;
def Gradus_XorOp : Gradus_BinaryOp<"xor", "c = a or b, but not both", BoolArray, [Commutative], "i1">;

def Gradus_NotOp : Gradus_UnaryOp<"not", "y = not x", BoolArray, "i1">;

def Gradus_IntPowOp : Gradus_PureOp<"int_pow", [AllTypesMatch<["x", "y"]>]> {
  let summary = "y = x^n for one integer n, by repeated squaring";
  let description = [{
    `x` has any shape, `n` has rank 0. x^0 = 1 for every x, also for NaN; a negative n gives 1 / x^-n, rounded down for integers.

    ```mlir
    %y = gradus.int_pow %x, %n : !gradus.array<[k], f32>, !gradus.array<[], i64>
    ```
  }];
  let arguments = (ins NumericArray:$x, IntScalar:$n);
  let results = (outs NumericArray:$y);
  let assemblyFormat = "$x `,` $n attr-dict `:` type($x) `,` type($n)";
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def Gradus_CompareOp : Gradus_PureOp<"compare", [Pointwise, SameTypeOperands]> {
  let summary = "c = a eq|ne|lt|le|gt|ge b, elementwise";
  let description = [{
    Any comparison with a NaN is false, but for `ne`.

    ```mlir
    %c = gradus.compare lt %a, %b : !gradus.array<[n], f32> -> !gradus.array<[n], i1>
    ```
  }];
  let arguments = (ins Gradus_CompareAttr:$predicate, AnyArray:$a, AnyArray:$b);
  let results = (outs BoolArray:$c);
  let assemblyFormat = "$predicate $a `,` $b attr-dict `:` type($a) `->` type($c)";
  let builders = [OpBuilder<(ins "::gradus::ComparePredicate":$predicate, "::mlir::Value":$a, "::mlir::Value":$b)>];
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Gradus_SelectOp : Gradus_PureOp<"select", [Pointwise, AllTypesMatch<["a", "b", "y"]>]> {
  let summary = "y = a where c, else b; what is not chosen is never seen, be it NaN or infinite";
  let description = [{
    ```mlir
    %y = gradus.select %c, %a, %b : !gradus.array<[n], i1>, !gradus.array<[n], f32>
    ```
  }];
  let arguments = (ins BoolArray:$c, AnyArray:$a, AnyArray:$b);
  let results = (outs AnyArray:$y);
  let assemblyFormat = "$c `,` $a `,` $b attr-dict `:` type($c) `,` type($a)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Gradus_CastOp : Gradus_PureOp<"cast", [Pointwise]> {
  let summary = "The same numbers in another element type";
  let description = [{
    Between storage, arithmetic and accumulation types. To a narrower floating type: to nearest, ties to even.
    From i1: 0 or 1. To i1: x != 0. Floating to integer: towards 0; NaN gives 0 and what is out of range the nearest bound. A number kept in blocks is the value of
    its code times the scale of its block, rounded to f32. (cast_c1) the result has the shape of the operand. (cast_c2) the result is not kept in blocks: see `gradus.encode`.

    ```mlir
    %y = gradus.cast %x : !gradus.array<[n], bf16> to !gradus.array<[n], f32>
    ```
  }];
  let arguments = (ins AnyArray:$x);
  let results = (outs AnyArray:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `to` type($y)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Gradus_StopOp : Gradus_PureOp<"stop", [Pointwise, SameOperandsAndResultType]> {
  let summary = "y = x, a constant for every derivative";
  let description = [{
    ```mlir
    %y = gradus.stop %x : !gradus.array<[n], f32>
    ```
  }];
  let arguments = (ins AnyArray:$x);
  let results = (outs AnyArray:$y);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

#endif // GRADUS_ELEMENTWISE_TD
