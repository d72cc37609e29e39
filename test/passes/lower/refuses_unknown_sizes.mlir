// RUN: not gradus-opt %s --gradus-fuse-phase --gradus-lower 2>&1 | FileCheck %s
// Every size comes from a tensor of the call; the front end asks for it first.
// CHECK: refuses_unknown_sizes.mlir:[[# @LINE + 4]]:{{[0-9]+}}: error: G0854: needs the size of 'm', which no tensor of the call has
!s = !gradus.array<[], i64>
gradus.func fn @f(%x: !gradus.array<[], f64> {gradus.name = "x", gradus.role = #gradus.role<input>})
    -> (!s {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %y = gradus.dim "m"
  gradus.return %y : !s
}
