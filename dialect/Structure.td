// Functions, derivatives, control, draws and oracles: what stays a region until a pass says otherwise.

#ifndef GRADUS_STRUCTURE_TD
#define GRADUS_STRUCTURE_TD

include "dialect/Base.td"

def Gradus_FuncOp : Gradus_Op<"func", [FunctionOpInterface, IsolatedFromAbove, Symbol, SingleBlock]> {
  let summary = "A unit of the language: a loss, a function, one step of a rule";
  let description = [{
    A pure function. Its arguments and results carry, as attributes, `gradus.name` (the name in the spec) and
    `gradus.role`; hyper-parameters also `gradus.default` and `gradus.interval`; a result of role `next` names in
    `gradus.of` the index of the argument whose buffer it replaces. All results commit together. The unit
    attribute `open` says that a `rule_step` runs for every tensor of a collection in lock step. `pretty` is the name
    in the spec where the symbol differs from it.

    ```mlir
    gradus.func rule_step @sgd.step(%lr: !gradus.array<[], f64> {gradus.name = "lr", gradus.role = #gradus.role<hyper>},
        %w: !gradus.array<[w.numel], f32> {gradus.name = "w", gradus.role = #gradus.role<param>},
        %g: !gradus.array<[w.numel], f32> {gradus.name = "g", gradus.role = #gradus.role<grad>})
        -> (!gradus.array<[w.numel], f32> {gradus.name = "w", gradus.of = 1 : i64, gradus.role = #gradus.role<next>})
        attributes {open} {
      %a = gradus.cast %lr : !gradus.array<[], f64> to !gradus.array<[], f32>
      %b = gradus.broadcast %a axes [] : !gradus.array<[], f32> to !gradus.array<[w.numel], f32>
      %c = gradus.mul %b, %g : !gradus.array<[w.numel], f32>
      %d = gradus.sub %w, %c : !gradus.array<[w.numel], f32>
      gradus.return %d : !gradus.array<[w.numel], f32>
    }
    ```
  }];
  let arguments = (ins Gradus_FuncKindAttr:$kind, SymbolNameAttr:$sym_name, TypeAttrOf<FunctionType>:$function_type,
                       OptionalAttr<DictArrayAttr>:$arg_attrs, OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// FunctionOpInterface.
    ::mlir::Region *getCallableRegion() { return &getBody(); }
    ::llvm::ArrayRef<::mlir::Type> getArgumentTypes() { return getFunctionType().getInputs(); }
    ::llvm::ArrayRef<::mlir::Type> getResultTypes() { return getFunctionType().getResults(); }
    bool isDeclaration() { return false; }

    bool isOpen() { return (*this)->hasAttr("open"); }
    /// The role, name and `of` of an argument or a result; the verifier has made sure that roles and names are there.
    ::gradus::Role getArgRole(unsigned index);
    ::gradus::Role getResultRole(unsigned index);
    ::llvm::StringRef getArgName(unsigned index);
    ::llvm::StringRef getResultName(unsigned index);
    /// The argument that result `index` replaces, or -1.
    int64_t getResultOf(unsigned index);
  }];
}

def Gradus_ReturnOp : Gradus_PureOp<"return", [HasParent<"FuncOp">, Terminator]> {
  let summary = "Ends a function; all results commit together";
  let arguments = (ins Variadic<AnyArray>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
  let hasVerifier = 1;
}

def Gradus_YieldOp : Gradus_PureOp<"yield", [Terminator]> {
  let summary = "Ends a region";
  let arguments = (ins Variadic<AnyArray>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

def Gradus_GradOp : Gradus_PureOp<"grad", [SingleBlock, RecursiveMemoryEffects]> {
  let summary = "The value of a region and its gradient in each of the region's arguments";
  let description = [{
    The region is a function of its block arguments, which take the values `wrt`; what it reads from outside is
    constant for the derivative. The first result is the value, the others are the gradients in order.
    (grad_c1) the block arguments have the types of `wrt`, which are floating. (grad_c2) the region yields one
    floating scalar. (grad_c3) results: the type of the yield, then the types of `wrt`.
    Regions nest: the derivative of a gradient is a `gradus.grad` around another.

    ```mlir
    %value, %dw = gradus.grad (%w) : (!gradus.array<[n], f64>) -> (!gradus.array<[], f64>, !gradus.array<[n], f64>) {
    ^bb0(%v: !gradus.array<[n], f64>):
      %s = gradus.mul %v, %v : !gradus.array<[n], f64>
      %r = gradus.reduce sum %s axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>
      gradus.yield %r : !gradus.array<[], f64>
    }
    ```
  }];
  let arguments = (ins Variadic<FloatArray>:$wrt);
  let results = (outs FloatScalar:$value, Variadic<FloatArray>:$gradients);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "`(` $wrt `)` attr-dict `:` functional-type($wrt, results) $body";
  let hasVerifier = 1;
}

def Gradus_IfOp : Gradus_PureOp<"if", [RecursiveMemoryEffects, NoRegionArguments]> {
  let summary = "The values of one of two regions; the other one is not evaluated";
  let description = [{
    (if_c1) each region is one block without arguments that yields the types of the results.

    ```mlir
    %c = gradus.compare gt %p, %q : !gradus.array<[], f64> -> !gradus.array<[], i1>
    %y = gradus.if %c -> (!gradus.array<[n], f64>) {
      %s = gradus.exp %x : !gradus.array<[n], f64>
      gradus.yield %s : !gradus.array<[n], f64>
    } else {
      gradus.yield %x : !gradus.array<[n], f64>
    }
    ```
  }];
  let arguments = (ins BoolScalar:$condition);
  let results = (outs Variadic<AnyArray>:$values);
  let regions = (region SizedRegion<1>:$then, SizedRegion<1>:$otherwise);
  let assemblyFormat = "$condition attr-dict-with-keyword (`->` `(` type($values)^ `)`)? $then `else` $otherwise";
  let hasVerifier = 1;
}

def Gradus_LoopOp : Gradus_PureOp<"loop", [RecursiveMemoryEffects, AllTypesMatch<["init", "carried"]>]> {
  let summary = "Repeats a region with loop-carried values";
  let description = [{
    The block takes the index (i64, from 0), then the carried values; it yields the next ones. `count` is a bound; below 1 the
    block never runs. The region behind `while` takes the same values and is asked before each pass: at the first
    `false` the loop ends.
    (loop_c1) the block takes an i64 scalar and the types of `init`. (loop_c2) it yields the types of `init`.
    (loop_c3) the region behind `while` is empty, or a block that takes the same and yields an i1 scalar.

    ```mlir
    %y = gradus.loop %n init(%x) : !gradus.array<[], i64>, (!gradus.array<[k], f64>) {
    ^bb0(%i: !gradus.array<[], i64>, %v: !gradus.array<[k], f64>):
      %s = gradus.mul %v, %v : !gradus.array<[k], f64>
      gradus.yield %s : !gradus.array<[k], f64>
    }
    %z = gradus.loop %n init(%h) : !gradus.array<[], i64>, (!gradus.array<[], f64>) {
    ^bb0(%i: !gradus.array<[], i64>, %v: !gradus.array<[], f64>):
      %s = gradus.mul %v, %v : !gradus.array<[], f64>
      gradus.yield %s : !gradus.array<[], f64>
    } while {
    ^bb0(%i: !gradus.array<[], i64>, %v: !gradus.array<[], f64>):
      %c = gradus.compare lt %v, %bound : !gradus.array<[], f64> -> !gradus.array<[], i1>
      gradus.yield %c : !gradus.array<[], i1>
    }
    ```
  }];
  let arguments = (ins IntScalar:$count, Variadic<AnyArray>:$init);
  let results = (outs Variadic<AnyArray>:$carried);
  let regions = (region SizedRegion<1>:$body, MaxSizedRegion<1>:$proceed);
  let assemblyFormat = "$count `init` `(` $init `)` attr-dict `:` type($count) `,` `(` type($init) `)` $body (`while` $proceed^)?";
  let hasVerifier = 1;
}

def Gradus_EveryOp : Gradus_PureOp<"every", [SingleBlock, RecursiveMemoryEffects, AllTypesMatch<["kept", "next"]>, AllTypesMatch<["period", "time"]>]> {
  let summary = "Runs a region at t = 1, k + 1, 2 k + 1, ..; else keeps the values given";
  let description = [{
    (every_c1) the block takes no argument and yields the types of `kept`.

    ```mlir
    %y = gradus.every %k at %t keep(%x) : !gradus.array<[], i64>, (!gradus.array<[n], f64>) {
      %s = gradus.mul %x, %x : !gradus.array<[n], f64>
      gradus.yield %s : !gradus.array<[n], f64>
    }
    ```
  }];
  let arguments = (ins IntScalar:$period, IntScalar:$time, Variadic<AnyArray>:$kept);
  let results = (outs Variadic<AnyArray>:$next);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$period `at` $time `keep` `(` $kept `)` attr-dict `:` type($period) `,` `(` type($kept) `)` $body";
  let hasVerifier = 1;
}

def Gradus_DrawOp : Gradus_PureOp<"draw", [AttrSizedOperandSegments]> {
  let summary = "A counter-based random array";
  let description = [{
    The numbers depend on the call's seed, the time, the site, the keys (the tensor of a collection, the indices of loops around)
    and the element alone (Philox 4x32-10), so that a draw can be made again.
    (draw_c1) `parameters`, each of rank 0, are: of bernoulli the probability of 1, of index the bound, of gamma the shape; of
    categorical the weights, of rank 1; else none. (draw_c2) index, categorical and permutation give integers, the others floats;
    a permutation has rank 1. (draw_c3) bits, 16 of them an element, give i32 from 0 to 65,535: what `gradus.stochastic_cast` takes.

    ```mlir
    %u = gradus.draw normal "sophia.u" at %t : !gradus.array<[], i64> -> !gradus.array<[n], f32>
    %i = gradus.draw index "prospect.i" (%k) at %t keys(%j) : (!gradus.array<[], i64>), !gradus.array<[], i64>, (!gradus.array<[], i64>) -> !gradus.array<[], i64>
    ```
  }];
  let arguments = (ins Gradus_DrawAttr:$distribution, StrAttr:$site, Variadic<AnyArray>:$parameters, IntScalar:$time, Variadic<IntScalar>:$keys);
  let results = (outs AnyArray:$y);
  let assemblyFormat = [{
    $distribution $site (`(` $parameters^ `)`)? `at` $time (`keys` `(` $keys^ `)`)? attr-dict `:`
    (`(` type($parameters)^ `)` `,`)? type($time) (`,` `(` type($keys)^ `)`)? `->` type($y)
  }];
  let hasVerifier = 1;
}

def Gradus_CustomOp : Gradus_PureOp<"custom", [RecursiveMemoryEffects]> {
  let summary = "The values of a region, whose derivative is another region";
  let description = [{
    A pure function of `xs` with a vector-Jacobian product of one's own: `derivative` takes xs, the results, then a cotangent of each floating
    result, and yields one of each floating operand. What the regions read around them is constant for the derivative. A second derivative
    differentiates that region, in which a result moves with xs as this op says. `implicit` marks one without derivative: of what, and why.
    `exact` marks one whose derivative is that of its body, written another way. For messages and checks alone: `names` has what the function
    and its operands are called where a derivative is written by hand; one without these marks is the solution of an inner problem, where
    `solver` names the solver and `unknowns` says how many of the results are solved for; `surrogate` marks a derivative that is not meant to
    be that of the body, and `confined` one that is meant on sets.
    (custom_c1) the block of `body` takes the types of `xs` and yields the types of `ys`. (custom_c2) the block of `derivative` takes the
    types of `xs`, of `ys` and of the floating `ys`, and yields the types of the floating `xs`. (custom_c3) one that is marked `again` stands in the
    derivative of another one, of the same types: it is that op on other operands, and its own regions say nothing. So the solution of a
    linear system has a derivative of every order, for it needs such a solution only.

    ```mlir
    %y = gradus.custom (%x) : (!gradus.array<[n], f64>) -> (!gradus.array<[n], f64>) {
    ^bb0(%a: !gradus.array<[n], f64>):
      %s = gradus.sign %a : !gradus.array<[n], f64>
      gradus.yield %s : !gradus.array<[n], f64>
    } derivative {
    ^bb0(%a: !gradus.array<[n], f64>, %b: !gradus.array<[n], f64>, %dy: !gradus.array<[n], f64>):
      gradus.yield %dy : !gradus.array<[n], f64>
    }
    ```
  }];
  let arguments = (ins Variadic<AnyArray>:$xs);
  let results = (outs Variadic<AnyArray>:$ys);
  let regions = (region SizedRegion<1>:$body, SizedRegion<1>:$derivative);
  let assemblyFormat = "`(` $xs `)` attr-dict `:` functional-type($xs, $ys) $body `derivative` $derivative";
  let hasVerifier = 1;
}

def Gradus_ExchangeOp : Gradus_PureOp<"exchange", [AllTypesMatch<["x", "y"]>]> {
  let summary = "Gives x to another worker and takes what it gives";
  let description = [{
    Ends a phase: `x` is complete before it is given away. It stands outside of conditions and loops.

    ```mlir
    %y = gradus.exchange %x with %k : !gradus.array<[n], f64>, !gradus.array<[], i64>
    ```
  }];
  let arguments = (ins FloatArray:$x, IntScalar:$peer);
  let results = (outs FloatArray:$y);
  let assemblyFormat = "$x `with` $peer attr-dict `:` type($x) `,` type($peer)";
}

def Gradus_WorkersOp : Gradus_PureOp<"workers", [SameOperandsAndResultType]> {
  let summary = "Reduces an array element by element over all workers";
  let description = [{
    `mean` divides a sum by the number of workers. Added in the order of the workers, so that all of them get the same bits; with
    `neighbours` each worker combines what it and its neighbours have, which is another number on each. Ends a
    phase; it stands outside of conditions and loops. (workers_c1) `mean` goes with sum.

    ```mlir
    %m = gradus.workers sum mean %x : !gradus.array<[n], f64>
    %s = gradus.workers sum neighbours %x : !gradus.array<[n], f64>
    ```
  }];
  let arguments = (ins Gradus_ReductionAttr:$kind, UnitAttr:$mean, UnitAttr:$neighbours, NumericArray:$x);
  let results = (outs NumericArray:$y);
  let assemblyFormat = "$kind (`mean` $mean^)? (`neighbours` $neighbours^)? $x attr-dict `:` type($x)";
  let hasVerifier = 1;
}

def Gradus_OracleOp : Gradus_PureOp<"oracle", [AttrSizedOperandSegments]> {
  let summary = "Asks the objective of a rule for its value, gradient or a product with its Hessian at a point";
  let description = [{
    Stands for an objective that is not bound; a binding puts the loss in its place. `data` says on which data, if not on this
    step's batch: "all", "next", "each", "rows"; the latter takes the rows. The gradients are in the operands of the point that `wrt`
    names by position.
    (oracle_c1) `value` gives one floating array of rank 0 (rank 1 of "each"), the others the types of the point at `wrt`, behind one more
    axis of "each". (oracle_c2) only `hessian_product` has a direction, of the types of the point at `wrt`. (oracle_c3) `wrt` holds
    positions of the point.

    ```mlir
    %g = gradus.oracle gradient "f" (%w) wrt [0] : (!gradus.array<[n], f64>) -> (!gradus.array<[n], f64>)
    %v = gradus.oracle value "f" "next" (%w) wrt [] : (!gradus.array<[n], f64>) -> (!gradus.array<[], f64>)
    %h = gradus.oracle hessian_product "f" (%w) along(%u) wrt [0] : (!gradus.array<[n], f64>), (!gradus.array<[n], f64>) -> (!gradus.array<[n], f64>)
    ```
  }];
  let arguments = (ins Gradus_QueryAttr:$query, StrAttr:$name, OptionalAttr<StrAttr>:$data, Variadic<FloatArray>:$point,
                       Variadic<FloatArray>:$direction, Optional<IntArray>:$rows, DenseI64ArrayAttr:$wrt);
  let results = (outs Variadic<FloatArray>:$answer);
  let assemblyFormat = [{
    $query $name ($data^)? `(` $point `)` (`along` `(` $direction^ `)`)? (`rows` `(` $rows^ `)`)? `wrt` $wrt attr-dict `:`
    `(` type($point) `)` (`,` `(` type($direction)^ `)`)? (`,` `rows` type($rows)^)? `->` `(` type($answer) `)`
  }];
  let hasVerifier = 1;
}

def Gradus_ExpectOp : Gradus_Op<"expect", [ParentOneOf<["FuncOp", "LoopOp"]>]> {
  let summary = "A test's claim: every element of the condition is true";
  let description = [{
    `text` is the claim as the spec writes it.

    ```mlir
    gradus.expect %c "r.w == [0.0, 3.0]" : !gradus.array<[2], i1>
    ```
  }];
  let arguments = (ins BoolArray:$condition, StrAttr:$text);
  let assemblyFormat = "$condition $text attr-dict `:` type($condition)";
}

def Gradus_ExpectNearOp : Gradus_Op<"expect_near", [ParentOneOf<["FuncOp", "LoopOp"]>, SameTypeOperands]> {
  let summary = "A test's claim: |a - b| <= tolerance * max(1, |b|) in every element";
  let description = [{
    NaN is near nothing; an infinity is near itself alone. `text` is the claim as the spec writes it.

    ```mlir
    gradus.expect_near %a, %b within 1.0e-6 "a ~ b within 1e-6" : !gradus.array<[2], f64>
    ```
  }];
  let arguments = (ins FloatArray:$a, FloatArray:$b, F64Attr:$tolerance, StrAttr:$text);
  let assemblyFormat = "$a `,` $b `within` $tolerance $text attr-dict `:` type($a)";
}

#endif // GRADUS_STRUCTURE_TD
