// Ops that make arrays, move elements or change shapes.

#ifndef GRADUS_SHAPE_TD
#define GRADUS_SHAPE_TD

include "dialect/Base.td"

def Gradus_ConstantOp : Gradus_PureOp<"constant", [ConstantLike, DeclareOpInterfaceMethods<InferTypeOpInterface>]> {
  let summary = "A constant array with static dimensions";
  let description = [{
    ```mlir
    %y = gradus.constant dense<[1.0, 2.0]> : tensor<2xf64>   // !gradus.array<[2], f64>
    ```
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs AnyArray:$y);
  let assemblyFormat = "$value attr-dict";
  let builders = [
    OpBuilder<(ins "double":$value, "::mlir::Type":$element)>,
    OpBuilder<(ins "int64_t":$value)>,
    OpBuilder<(ins "bool":$value)>];
  let hasFolder = 1;
}

def Gradus_DimOp : Gradus_PureOp<"dim", [DeclareOpInterfaceMethods<InferTypeOpInterface>]> {
  let summary = "The size that the caller's arguments give to a dimension symbol";
  let description = [{
    ```mlir
    %n = gradus.dim "n"   // !gradus.array<[], i64>
    ```
  }];
  let arguments = (ins StrAttr:$symbol);
  let results = (outs IntScalar:$y);
  let assemblyFormat = "$symbol attr-dict";
}

def Gradus_IotaOp : Gradus_PureOp<"iota"> {
  let summary = "y[.., i, ..] = i, the index along one axis";
  let description = [{
    (iota_c1) `axis` is an axis of the result.

    ```mlir
    %i = gradus.iota 1 : !gradus.array<[n, c], i64>
    ```
  }];
  let arguments = (ins I64Attr:$axis);
  let results = (outs IntArray:$y);
  let assemblyFormat = "$axis attr-dict `:` type($y)";
  let hasVerifier = 1;
}

def Gradus_BroadcastOp : Gradus_PureOp<"broadcast"> {
  let summary = "Repeats an array along new axes";
  let description = [{
    Axis k of `x` becomes axis `axes[k]` of the result; along every other axis the values repeat.
    (broadcast_c1) one entry of `axes` for each axis of `x`, ascending, each an axis of the result.
    (broadcast_c2) the sizes are equal, or that of `x` is 1.
    (broadcast_c3) the element types are equal.

    ```mlir
    %y = gradus.broadcast %x axes [1] : !gradus.array<[c], f32> to !gradus.array<[n, c], f32>
    ```
  }];
  let arguments = (ins AnyArray:$x, DenseI64ArrayAttr:$axes);
  let results = (outs AnyArray:$y);
  let assemblyFormat = "$x `axes` $axes attr-dict `:` type($x) `to` type($y)";
  let hasFolder = 1;
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
}

def Gradus_ReshapeOp : Gradus_PureOp<"reshape"> {
  let summary = "The same elements in row-major order, in another shape";
  let description = [{
    (reshape_c1) the element types are equal. (reshape_c2) where all dimensions are static, the numbers of elements are equal.

    ```mlir
    %y = gradus.reshape %x : !gradus.array<[n, 1], f32> to !gradus.array<[n], f32>
    ```
  }];
  let arguments = (ins AnyArray:$x);
  let results = (outs AnyArray:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `to` type($y)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Gradus_TransposeOp : Gradus_PureOp<"transpose"> {
  let summary = "Axis k of the result is axis permutation[k] of the operand";
  let description = [{
    (transpose_c1) `permutation` is one of the axes of `x`. (transpose_c2) the result has the permuted type.

    ```mlir
    %y = gradus.transpose %x permutation [1, 0] : !gradus.array<[n, d], f32> to !gradus.array<[d, n], f32>
    ```
  }];
  let arguments = (ins AnyArray:$x, DenseI64ArrayAttr:$permutation);
  let results = (outs AnyArray:$y);
  let assemblyFormat = "$x `permutation` $permutation attr-dict `:` type($x) `to` type($y)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Gradus_GatherOp : Gradus_PureOp<"gather"> {
  let summary = "y[p] = x[indices[0][p], indices[1][p], ..]";
  let description = [{
    One index array for each axis of `x`; all have the shape of the result. An index outside its axis is an error
    of the call, found before anything is written.
    `in_bounds` says that no index can be outside, whatever the arguments: nothing is checked.
    (gather_c1) as many indices as `x` has axes. (gather_c2) each has the shape of the result.
    (gather_c3) the element types of `x` and the result are equal.

    ```mlir
    %y = gradus.gather %x[%i, %j] : !gradus.array<[n, c], f32>, (!gradus.array<[n], i64>, !gradus.array<[n], i64>) -> !gradus.array<[n], f32>
    ```
  }];
  let arguments = (ins AnyArray:$x, Variadic<IntArray>:$indices, UnitAttr:$in_bounds);
  let results = (outs AnyArray:$y);
  let assemblyFormat = "$x `[` $indices `]` (`in_bounds` $in_bounds^)? attr-dict `:` type($x) `,` `(` type($indices) `)` `->` type($y)";
  let builders = [OpBuilder<(ins "::mlir::Type":$type, "::mlir::Value":$x, "::mlir::ValueRange":$indices), [{
    build($_builder, $_state, type, x, indices, /*in_bounds=*/false);
  }]>];
  let hasVerifier = 1;
}

def Gradus_ConcatOp : Gradus_PureOp<"concat"> {
  let summary = "Arrays one after the other along an axis";
  let description = [{
    The size of the result along `axis` is the sum of those of the operands.
    (concat_c1) at least one operand; `axis` is an axis of the result. (concat_c2) operands and result differ in their size
    along `axis` alone; where all of these are numbers, they add up.

    ```mlir
    %y = gradus.concat %a, %b axis 0 : (!gradus.array<[n], f32>, !gradus.array<[1], f32>) -> !gradus.array<["n + 1"], f32>
    ```
  }];
  let arguments = (ins Variadic<AnyArray>:$parts, I64Attr:$axis);
  let results = (outs AnyArray:$y);
  let assemblyFormat = "$parts `axis` $axis attr-dict `:` functional-type($parts, $y)";
  let hasVerifier = 1;
}

def Gradus_ScatterOp : Gradus_PureOp<"scatter", [AllTypesMatch<["x", "y"]>]> {
  let summary = "y = x, then y[indices[0][p], ..] = updates[p] for every p in row-major order";
  let description = [{
    The last of duplicates stays. Constraints, errors and `in_bounds` as for `gradus.scatter_add`.

    ```mlir
    %y = gradus.scatter %x[%i], %u : !gradus.array<[n], f32>, (!gradus.array<[k], i64>), !gradus.array<[k], f32>
    ```
  }];
  let arguments = (ins AnyArray:$x, Variadic<IntArray>:$indices, AnyArray:$updates, UnitAttr:$in_bounds);
  let results = (outs AnyArray:$y);
  let assemblyFormat = "$x `[` $indices `]` `,` $updates (`in_bounds` $in_bounds^)? attr-dict `:` type($x) `,` `(` type($indices) `)` `,` type($updates)";
  let hasVerifier = 1;
}

def Gradus_ScatterAddOp : Gradus_PureOp<"scatter_add", [AllTypesMatch<["x", "y"]>]> {
  let summary = "y = x, then y[indices[0][p], ..] += updates[p] for every p in row-major order";
  let description = [{
    The transpose of `gradus.gather`. Duplicates are added in row-major order of p. `in_bounds` as there.
    (scatter_c1) as many indices as `x` has axes. (scatter_c2) each has the shape of `updates`.
    (scatter_c3) the element types of `x` and `updates` are equal.

    ```mlir
    %y = gradus.scatter_add %x[%i, %j], %u : !gradus.array<[n, c], f32>, (!gradus.array<[n], i64>, !gradus.array<[n], i64>), !gradus.array<[n], f32>
    ```
  }];
  let arguments = (ins NumericArray:$x, Variadic<IntArray>:$indices, NumericArray:$updates, UnitAttr:$in_bounds);
  let results = (outs NumericArray:$y);
  let assemblyFormat = "$x `[` $indices `]` `,` $updates (`in_bounds` $in_bounds^)? attr-dict `:` type($x) `,` `(` type($indices) `)` `,` type($updates)";
  let hasVerifier = 1;
}

#endif // GRADUS_SHAPE_TD
