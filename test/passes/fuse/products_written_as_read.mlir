// RUN: gradus-opt %s --gradus-fuse | FileCheck %s
// A product that is read transposed alone is written as it is read, where that costs nothing.

!x = !gradus.array<[n, d], f32>
!u = !gradus.array<[d, h], f32>
!z = !gradus.array<[n, h], f32>
!t = !gradus.array<[h, n], f32>

// Its reader can be its epilogue then.
// CHECK-LABEL: @is_written_as_read
// CHECK: gradus.contract %{{.*}} [0, 1], %{{.*}} [1, 2] -> [2, 0]
// CHECK-NOT: gradus.transpose
// CHECK: {gradus.epilogue = 0 : i64}
gradus.func fn @is_written_as_read(%x: !x {gradus.name = "x", gradus.role = #gradus.role<data>}, %u: !u {gradus.name = "u", gradus.role = #gradus.role<data>})
    -> (!t {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %z = gradus.contract %x [0, 1], %u [1, 2] -> [0, 2] : !x, !u -> !z
  %t = gradus.transpose %z permutation [1, 0] : !z to !t
  %y = gradus.tanh %t : !t
  gradus.return %y : !t
}

// A contraction takes the labels itself; the product stays as it is.
// CHECK-LABEL: @is_an_operand
// CHECK: gradus.contract %{{.*}} [0, 1], %{{.*}} [1, 2] -> [0, 2]
// CHECK: gradus.contract %{{.*}} [1, 0], %{{.*}} [1, 2] -> [0, 2]
gradus.func fn @is_an_operand(%x: !x {gradus.name = "x", gradus.role = #gradus.role<data>}, %u: !u {gradus.name = "u", gradus.role = #gradus.role<data>})
    -> (!gradus.array<[h, d], f32> {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %z = gradus.contract %x [0, 1], %u [1, 2] -> [0, 2] : !x, !u -> !z
  %t = gradus.transpose %z permutation [1, 0] : !z to !t
  %y = gradus.contract %t [0, 1], %x [1, 2] -> [0, 2] : !t, !x -> !gradus.array<[h, d], f32>
  gradus.return %y : !gradus.array<[h, d], f32>
}

// Others read it as it is.
// CHECK-LABEL: @is_read_both_ways
// CHECK: gradus.contract %{{.*}} [0, 1], %{{.*}} [1, 2] -> [0, 2]
// CHECK: gradus.transpose
gradus.func fn @is_read_both_ways(%x: !x {gradus.name = "x", gradus.role = #gradus.role<data>}, %u: !u {gradus.name = "u", gradus.role = #gradus.role<data>})
    -> (!t {gradus.name = "y", gradus.role = #gradus.role<value>}, !z {gradus.name = "z", gradus.role = #gradus.role<value>}) {
  %z = gradus.contract %x [0, 1], %u [1, 2] -> [0, 2] : !x, !u -> !z
  %t = gradus.transpose %z permutation [1, 0] : !z to !t
  %y = gradus.tanh %t : !t
  gradus.return %y, %z : !t, !z
}

// One product with columns [h, k] would become one for each h.
// CHECK-LABEL: @would_be_cut
// CHECK: gradus.contract %{{.*}} [0, 1], %{{.*}} [1, 2, 3] -> [0, 2, 3]
// CHECK: gradus.transpose
gradus.func fn @would_be_cut(%x: !x {gradus.name = "x", gradus.role = #gradus.role<data>}, %v: !gradus.array<[d, h, k], f32> {gradus.name = "v", gradus.role = #gradus.role<data>})
    -> (!gradus.array<[h, n, k], f32> {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %z = gradus.contract %x [0, 1], %v [1, 2, 3] -> [0, 2, 3] : !x, !gradus.array<[d, h, k], f32> -> !gradus.array<[n, h, k], f32>
  %t = gradus.transpose %z permutation [1, 0, 2] : !gradus.array<[n, h, k], f32> to !gradus.array<[h, n, k], f32>
  %y = gradus.tanh %t : !gradus.array<[h, n, k], f32>
  gradus.return %y : !gradus.array<[h, n, k], f32>
}
