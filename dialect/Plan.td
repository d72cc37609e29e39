// The fused plan: phases and kernels. CPU code, `gradus explain` and the GPU read the same operations.

#ifndef GRADUS_PLAN_TD
#define GRADUS_PLAN_TD

include "dialect/Base.td"

def Gradus_PhaseOp : Gradus_Op<"phase", [SingleBlock, RecursiveMemoryEffects, HasParent<"FuncOp">]> {
  let summary = "What runs for one tensor after another without waiting for the whole collection";
  let description = [{
    In an open function the region runs once for every slot of the call, else once; all slots are done before
    anything that follows. Its ops are kernels, rank-0 ops, and control: `gradus.if`, `gradus.loop` and `gradus.every`, whose
    regions hold such ops again. It yields the values that are used outside: per-slot scalars that a `gradus.all_reduce` after the
    phase combines, and the results of the function. Control whose values and operands are all of rank 0 counts as a rank-0 op.
    An array that control yields may be any that lies in memory: an argument of the function or of a loop, the result of a kernel or
    of control. It is handed on, not copied; only an array that a loop carries has places of its own.
    After fusion a function holds rank-0 ops, phases, all_reduces of phase results and the return, nothing else.

    ```mlir
    %s = gradus.phase {
      %q = gradus.kernel over [w.numel] (%g) : (!gradus.array<[w.numel], f32>) -> (!gradus.array<[], f64>) {
      ^bb0(%x: !gradus.array<[w.numel], f32>):
        %xx = gradus.mul %x, %x : !gradus.array<[w.numel], f32>
        %r = gradus.reduce sum %xx axes [0] : !gradus.array<[w.numel], f32> to !gradus.array<[], f64>
        gradus.yield %r : !gradus.array<[], f64>
      }
      gradus.yield %q : !gradus.array<[], f64>
    } -> (!gradus.array<[], f64>)
    %total = gradus.all_reduce sum %s : !gradus.array<[], f64>
    ```
  }];
  let results = (outs Variadic<AnyArray>:$values);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "attr-dict-with-keyword $body (`->` `(` type($values)^ `)`)?";
  let hasVerifier = 1;
}

// A kernel may have the attribute `gradus.nest = [0, "n"]`: the number of its row nest and the size of the rows, an axis that the arrays of the nest begin
// with. Kernels of a nest follow one another in a phase. Each computes its rows from the same rows of the others alone, or sums over the rows, which none of
// them reads; none writes over rows that another one reads. A third size in the mark decides at the call whether the kernels are a nest: while it is at most
// `widestProduct` of passes/fuse/RowNest.h.
//
// A kernel may have the attribute `gradus.epilogue = 1`: the number of an operand that is a product of matrices, a kernel of the same block whose result nobody
// reads before. The product runs where this kernel stands, unit by unit, and each unit goes through this kernel, which reads it at its own point alone, and
// reduces, if it does, everything to what no order of the points changes. Where nobody else reads the product it is no array.
def Gradus_KernelOp : Gradus_PureOp<"kernel", [SingleBlock, IsolatedFromAbove]> {
  let summary = "Operations that become one loop nest over a domain";
  let description = [{
    The body says, for each point of the domain, what to compute ("pull" form): pointwise ops, casts, `constant`, `iota`, and the
    loads `broadcast`, `transpose`, `reshape` and `gather` of block arguments or of other values of the body. A value of rank 0 is
    the same at every point. Each yielded value is either of the shape of the domain and stored at each point, or
    the result of a `gradus.reduce` or `gradus.arg_reduce` of a value of the domain's shape (all reductions of a
    kernel over the same axes). A kernel whose body is one `gradus.contract`, `cumulate`, `scan` (numbers it starts with aside) or `sort`
    (operands: block arguments; the domain is its result) or one `scatter_add` (the domain is that of the updates) stands alone.
    (kernel_c1) the block takes the types of the operands. (kernel_c2) it yields the types of the results.
    Every operand of an array type is an argument of the function or of a loop, or the result of another kernel or of control.

    ```mlir
    %y = gradus.kernel over [n, c] (%x, %b) : (!gradus.array<[n, c], f32>, !gradus.array<[c], f32>) -> (!gradus.array<[n, c], f32>) {
    ^bb0(%u: !gradus.array<[n, c], f32>, %v: !gradus.array<[c], f32>):
      %w = gradus.broadcast %v axes [1] : !gradus.array<[c], f32> to !gradus.array<[n, c], f32>
      %z = gradus.add %u, %w : !gradus.array<[n, c], f32>
      gradus.yield %z : !gradus.array<[n, c], f32>
    }
    ```
  }];
  let arguments = (ins ArrayAttr:$domain, Variadic<AnyArray>:$operands);
  let results = (outs Variadic<AnyArray>:$stored);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "`over` custom<Shape>($domain) `(` $operands `)` attr-dict `:` functional-type($operands, $stored) $body";
  let hasVerifier = 1;
}

#endif // GRADUS_PLAN_TD
