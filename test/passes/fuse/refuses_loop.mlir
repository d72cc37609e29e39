// RUN: gradus-opt %s --gradus-fuse --verify-diagnostics
// An operation that has no place in a kernel is a located error.

!s = !gradus.array<[], f64>
gradus.func fn @power(%x: !gradus.array<[k], f32> {gradus.name = "x", gradus.role = #gradus.role<input>})
    -> (!gradus.array<[k], f32> {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %n = gradus.constant dense<3> : tensor<i64>
  // expected-error @below {{G0930: not built yet: 'gradus.loop' in a kernel}}
  %y = gradus.loop %n init(%x) : !gradus.array<[], i64>, (!gradus.array<[k], f32>) {
  ^bb0(%i: !gradus.array<[], i64>, %v: !gradus.array<[k], f32>):
    %s = gradus.mul %v, %v : !gradus.array<[k], f32>
    gradus.yield %s : !gradus.array<[k], f32>
  }
  gradus.return %y : !gradus.array<[k], f32>
}
