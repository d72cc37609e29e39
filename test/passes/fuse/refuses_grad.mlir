// RUN: gradus-opt %s --gradus-fuse --verify-diagnostics
// An operation that has no place in a kernel is a located error.

!s = !gradus.array<[], f64>
gradus.func fn @slope(%x: !gradus.array<[k], f32> {gradus.name = "x", gradus.role = #gradus.role<input>})
    -> (!gradus.array<[k], f32> {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  // expected-error @below {{G0930: not built yet: 'gradus.grad' in a kernel}}
  %v, %y = gradus.grad (%x) : (!gradus.array<[k], f32>) -> (!s, !gradus.array<[k], f32>) {
  ^bb0(%w: !gradus.array<[k], f32>):
    %s = gradus.reduce sum %w axes [0] : !gradus.array<[k], f32> to !s
    gradus.yield %s : !s
  }
  gradus.return %y : !gradus.array<[k], f32>
}
