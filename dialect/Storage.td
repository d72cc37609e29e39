// How the application keeps numbers, where that is more than a cast.

#ifndef GRADUS_STORAGE_TD
#define GRADUS_STORAGE_TD

include "dialect/Base.td"

def Gradus_EncodeOp : Gradus_PureOp<"encode"> {
  let summary = "Numbers in blocks of 8-bit codes, each block with the scale of its largest one";
  let description = [{
    The numbers are rounded to f32; s is the largest magnitude of the block, but at least 2^-126 where it is not 0. A block has codes with a sign exactly if it has a number below -2^-19 s, the smallest that does not round to 0. For
    y = max(2 (|x| (0.5 / s)), 8^-9) = 8^d Y with 1 <= Y < 8, the inverse of the polygon v of `!gradus.blocks` is u = 2^(d + 7) (Y + 6) / 7, and the code is round(u - 1), or round(2 u - 1) where
    there is no sign; 1 / 7 and each result are rounded to f32, a tie goes to the even code. It is at least 1 where |x| > 2^-19 s, and without signs where x > 0: what a rule
    divides by does not become 0. A block with an infinity or NaN becomes NaN as a whole. There is no derivative: no step reads what it stores.

    (encode_c1) the result has the shape of the operand and at least one axis.

    ```mlir
    %y = gradus.encode %x : !gradus.array<[n], f32> to !gradus.array<[n], !gradus.blocks<256>>
    ```
  }];
  let arguments = (ins FloatArray:$x);
  let results = (outs BlocksArray:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `to` type($y)";
  let hasVerifier = 1;
}

def Gradus_StochasticCastOp : Gradus_PureOp<"stochastic_cast", [Pointwise]> {
  let summary = "Numbers in a type of 16 bits, rounded up or down by random bits, so that their mean is the number";
  let description = [{
    The number is rounded to f32, x. |x| = (k + f) q, where q is the distance of the numbers of the result's type about |x|, k is whole and 0 <= f < 1: the result has the
    magnitude (k + 1) q where the bits, from 0 to 65,535, and 2^16 f, rounded down, make 2^16 or more, and else k q; and the sign of x. That is (k + 1) q with the probability f,
    but for less than 2^-16 where x is a subnormal number of f16. What comes to lie above the largest number is infinite; NaN stays NaN. There is no derivative: no step reads what it stores.

    (stochastic_cast_c1) operands and result have one shape. (stochastic_cast_c2) the result is bf16 or f16. (stochastic_cast_c3) the bits are i32.

    ```mlir
    %y = gradus.stochastic_cast %x by %b : !gradus.array<[n], f32>, !gradus.array<[n], i32> to !gradus.array<[n], bf16>
    ```
  }];
  let arguments = (ins FloatArray:$x, IntArray:$bits);
  let results = (outs FloatArray:$y);
  let assemblyFormat = "$x `by` $bits attr-dict `:` type($x) `,` type($bits) `to` type($y)";
  let hasVerifier = 1;
}

#endif // GRADUS_STORAGE_TD
