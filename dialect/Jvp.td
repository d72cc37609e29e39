// Derivatives along directions. It has a header of its own (Jvp.h): few files ask for it.

#ifndef GRADUS_JVP_TD
#define GRADUS_JVP_TD

include "dialect/Base.td"

def Gradus_JvpOp : Gradus_Op<"jvp", [Pure, SingleBlock, RecursiveMemoryEffects, SameVariadicOperandSize, SameVariadicResultSize]> {
  let summary = "The values of a region and their derivatives along a direction";
  let description = [{
    The region is a function F of its block arguments, which take the values `points`; what it reads from outside is constant for the
    derivative. The results are F(points) and the tangents d/ds F(points + s directions) at s = 0. Regions nest with those of
    `gradus.grad`: a product with a Hessian is the tangent of a gradient.

    Several directions are followed at once where each of them is behind one more axis, the same of all; then so is each tangent.
    (jvp_c1) the block arguments have the types of `points`, of which there is at least one. (jvp_c2) each direction has the type of its
    point, or all have it behind one more leading size. (jvp_c3) the region yields floating arrays: the types of `values`, and, behind that size,
    of `tangents`.

    ```mlir
    %y, %dy = gradus.jvp (%w) along (%u) : (!gradus.array<[n], f64>), (!gradus.array<[n], f64>) -> (!gradus.array<[n], f64>), (!gradus.array<[n], f64>) {
    ^bb0(%v: !gradus.array<[n], f64>):
      %s = gradus.mul %v, %v : !gradus.array<[n], f64>
      gradus.yield %s : !gradus.array<[n], f64>
    }
    ```
  }];
  let arguments = (ins Variadic<FloatArray>:$points, Variadic<FloatArray>:$directions);
  let results = (outs Variadic<FloatArray>:$values, Variadic<FloatArray>:$tangents);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `(` $points `)` `along` `(` $directions `)` attr-dict `:` `(` type($points) `)` `,` `(` type($directions) `)` `->`
    `(` type($values) `)` `,` `(` type($tangents) `)` $body
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The size of the axis that counts the directions; null where there is one direction, without such an axis.
    ::mlir::Attribute getSeeds();
  }];
}

#endif // GRADUS_JVP_TD
