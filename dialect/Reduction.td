// Reductions, contractions and reductions over the collection. Every sum is one fixed tree (codegen/README.md), so
// that its bits never depend on the number of threads.

#ifndef GRADUS_REDUCTION_TD
#define GRADUS_REDUCTION_TD

include "dialect/Base.td"

def Gradus_ReduceOp : Gradus_PureOp<"reduce"> {
  let summary = "Reduces an array over some of its axes";
  let description = [{
    Over no element: sum 0, prod 1, max -inf, min +inf, any false, all true. A max or min is NaN if any element is;
    the derivative goes to its first element in row-major order that attains it. `accumulate` is the accumulation
    type, by default the element type.
    (reduce_c1) `axes` are axes of `x`, ascending. (reduce_c2) the result has the shape of `x` without them; its
    element type is that of `x`, or f64 where the result is a scalar. (reduce_c3) any and all take i1, the others numbers.

    ```mlir
    %y = gradus.reduce sum %x axes [1] : !gradus.array<[n, c], f32> to !gradus.array<[n], f32>
    ```
  }];
  let arguments = (ins Gradus_ReductionAttr:$kind, AnyArray:$x, DenseI64ArrayAttr:$axes, OptionalAttr<TypeAttr>:$accumulate);
  let results = (outs AnyArray:$y);
  let assemblyFormat = "$kind $x `axes` $axes (`accumulate` $accumulate^)? attr-dict `:` type($x) `to` type($y)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

class Gradus_AxesReduction<string mnemonic, string formula> : Gradus_PureOp<mnemonic> {
  let summary = formula;
  let arguments = (ins FloatArray:$x, DenseI64ArrayAttr:$axes);
  let results = (outs FloatArray:$y);
  let assemblyFormat = "$x `axes` $axes attr-dict `:` type($x) `to` type($y)";
  let hasVerifier = 1;
  let description = formula # [{. Constraints as for `gradus.reduce`.

    ```mlir
    %y = gradus.}] # mnemonic # [{ %x axes [1] : !gradus.array<[n, c], f32> to !gradus.array<[n], f32>
    ```
  }];
}
def Gradus_LogSumExpOp : Gradus_AxesReduction<"logsumexp", "y = ln(sum of e^x) over axes, shifted by the largest x; -inf over no element">;
def Gradus_NormOp : Gradus_AxesReduction<"norm", "y = sqrt(sum of x^2) over axes; the derivative at 0 is 0">;

def Gradus_ArgReduceOp : Gradus_PureOp<"arg_reduce"> {
  let summary = "The index of the first largest or smallest element along an axis";
  let description = [{
    A NaN counts as the largest (max) or smallest (min); over no element it is -1. (arg_reduce_c1) `kind` is max or min. (arg_reduce_c2) `axis` is an axis
    of `x`; the result has the shape of `x` without it and element type i64.

    ```mlir
    %y = gradus.arg_reduce max %x axis 1 : !gradus.array<[n, c], f32> to !gradus.array<[n], i64>
    ```
  }];
  let arguments = (ins Gradus_ReductionAttr:$kind, NumericArray:$x, I64Attr:$axis);
  let results = (outs IntArray:$y);
  let assemblyFormat = "$kind $x `axis` $axis attr-dict `:` type($x) `to` type($y)";
  let hasVerifier = 1;
}

def Gradus_ContractOp : Gradus_PureOp<"contract"> {
  let summary = "y[out] = sum over the other labels of a[lhs] * b[rhs]";
  let description = [{
    An Einstein sum of two operands: every axis has an integer label. A label absent from `out` is summed.
    (contract_c1) one label an axis, no label twice in one operand or in `out`. (contract_c2) every label of `out` is one
    of an operand. (contract_c3) equal labels have equal sizes. (contract_c4) the element types are equal, but a
    scalar result of floating operands is f64.

    ```mlir
    %y = gradus.contract %a [0, 1], %b [1, 2] -> [0, 2]
      : !gradus.array<[n, d], f32>, !gradus.array<[d, c], f32> -> !gradus.array<[n, c], f32>
    ```
  }];
  let arguments = (ins FloatArray:$a, FloatArray:$b, DenseI64ArrayAttr:$lhs, DenseI64ArrayAttr:$rhs, DenseI64ArrayAttr:$out);
  let results = (outs FloatArray:$y);
  let assemblyFormat = "$a $lhs `,` $b $rhs `->` $out attr-dict `:` type($a) `,` type($b) `->` type($y)";
  let hasVerifier = 1;
}

def Gradus_AllReduceOp : Gradus_PureOp<"all_reduce", [SameOperandsAndResultType]> {
  let summary = "Reduces a per-tensor scalar over every tensor of the collection";
  let description = [{
    Stands only in a function of kind `rule_step` that runs for an open collection (attribute `open`). It ends a
    phase: all tensors are reduced before anything that needs the result.

    ```mlir
    %s = gradus.all_reduce sum %x : !gradus.array<[], f64>
    ```
  }];
  let arguments = (ins Gradus_ReductionAttr:$kind, AnyArray:$x);
  let results = (outs AnyArray:$y);
  let assemblyFormat = "$kind $x attr-dict `:` type($x)";
  let hasVerifier = 1;
}

#endif // GRADUS_REDUCTION_TD
