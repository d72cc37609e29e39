// RUN: not gradus-opt %s --gradus-fuse-phase --gradus-lower 2>&1 | FileCheck %s
// f16 and bf16 are storage: lowering has no arithmetic in them and says so instead of taking the bits for integers.
// CHECK: refuses_arithmetic_in_16_bits.mlir:[[# @LINE + 4]]:8: error: G0931: not built yet: arithmetic in a type of 16 bits, which only stores; a cast to f32 must come first
!n = !gradus.array<[n], bf16>
gradus.func fn @f(%x: !n {gradus.name = "x", gradus.role = #gradus.role<input>})
    -> (!n {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %y = gradus.add %x, %x : !n
  gradus.return %y : !n
}
