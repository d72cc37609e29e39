// Ops whose elements depend on those before them along an axis: sorts, cumulative reductions, scans.

#ifndef GRADUS_ORDER_TD
#define GRADUS_ORDER_TD

include "dialect/Base.td"

def Gradus_CumulateOp : Gradus_PureOp<"cumulate", [SameOperandsAndResultType]> {
  let summary = "y[k] = the reduction of x[0], .., x[k] along an axis; with `reverse`, of x[k], .., x[size - 1]";
  let description = [{
    One after the other, in the order of the axis, in the arithmetic type. NaN stays from where it appears.
    (cumulate_c1) `axis` is an axis of `x`. (cumulate_c2) the kind is sum, prod, max or min.

    ```mlir
    %y = gradus.cumulate sum %x axis 1 reverse : !gradus.array<[n, c], f32>
    ```
  }];
  let arguments = (ins Gradus_ReductionAttr:$kind, NumericArray:$x, I64Attr:$axis, UnitAttr:$reverse);
  let results = (outs NumericArray:$y);
  let assemblyFormat = "$kind $x `axis` $axis (`reverse` $reverse^)? attr-dict `:` type($x)";
  let hasVerifier = 1;
}

def Gradus_ScanOp : Gradus_PureOp<"scan", [AttrSizedOperandSegments, SingleBlock, RecursiveMemoryEffects]> {
  let summary = "A recurrence: a region along the leading axis, with carried values, whose values are kept";
  let description = [{
    For k = 0, 1, .. (with `reverse`: .., 1, 0) the block takes k (i64), the slices `xs[k]`, then the carried values, at first
    `init`; it yields the next carried values, which are also `ys[k]`. The last ones are no results: they are ys at the end.
    (scan_c1) all of `xs` and `ys` have one leading size. (scan_c2) the block takes an i64 scalar, `xs` without their leading
    axis (f64 where that is a floating scalar) and the types of `init`. (scan_c3) it yields the types of `init`, and `ys`
    are those types with the leading axis.

    ```mlir
    %a = gradus.scan (%x) init(%h) reverse : (!gradus.array<[t, c], f32>), (!gradus.array<[c], f32>) -> !gradus.array<[t, c], f32> {
    ^bb0(%k: !gradus.array<[], i64>, %v: !gradus.array<[c], f32>, %carry: !gradus.array<[c], f32>):
      %s = gradus.add %v, %carry : !gradus.array<[c], f32>
      gradus.yield %s : !gradus.array<[c], f32>
    }
    ```
  }];
  let arguments = (ins Variadic<AnyArray>:$xs, Variadic<AnyArray>:$init, UnitAttr:$reverse);
  let results = (outs Variadic<AnyArray>:$ys);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `(` $xs `)` `init` `(` $init `)` (`reverse` $reverse^)? attr-dict `:` `(` type($xs) `)` `,` `(` type($init) `)` `->` type($ys) $body
  }];
  let hasVerifier = 1;
}

def Gradus_SortOp : Gradus_PureOp<"sort", [AllTypesMatch<["x", "values"]>]> {
  let summary = "The elements in order along an axis, and where each of them stood";
  let description = [{
    values[.., i, ..] = x[.., order[.., i, ..], ..]. Stable: of equal elements the first stays first, also with
    `descending`. -0 equals 0; NaN stands at the end in both directions. Axis -1: all elements in row-major order, by number.
    (sort_c1) `axis` is an axis of `x` or -1. (sort_c2) `order` has the shape of `x` and element type i64.

    ```mlir
    %v, %o = gradus.sort %x axis 0 descending : !gradus.array<[n], f32>, !gradus.array<[n], i64>
    ```
  }];
  let arguments = (ins NumericArray:$x, I64Attr:$axis, UnitAttr:$descending);
  let results = (outs NumericArray:$values, IntArray:$order);
  let assemblyFormat = "$x `axis` $axis (`descending` $descending^)? attr-dict `:` type($x) `,` type($order)";
  let hasVerifier = 1;
}

#endif // GRADUS_ORDER_TD
