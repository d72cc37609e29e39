// What the table of derivatives is written in (passes/diff/Derivatives.td).

#ifndef GRADUS_DERIVATIVE_TD
#define GRADUS_DERIVATIVE_TD

include "dialect/Base.td"

def Gradus_PartialOp : Gradus_PureOp<"partial", [SameOperandsAndResultType]> {
  let summary = "The partial derivative of an elementwise op, applied to t";
  let description = [{
    `dx[i] = dy[i] / d operand[i] * t[i]` for the op that defines `y`. The Jacobian of an elementwise op is diagonal and so
    its own transpose: with t a cotangent this is reverse mode, with t a tangent forward mode. It exists only while
    `gradus-differentiate` runs, which replaces it by a row of the table.

    ```mlir
    %y = gradus.exp %x : !gradus.array<[n], f32>
    %dx = gradus.partial %y, %t wrt 0 : !gradus.array<[n], f32>
    ```
  }];
  let arguments = (ins FloatArray:$y, FloatArray:$t, I64Attr:$operand);
  let results = (outs FloatArray:$dx);
  let assemblyFormat = "$y `,` $t `wrt` $operand attr-dict `:` type($y)";
}

#endif // GRADUS_DERIVATIVE_TD
