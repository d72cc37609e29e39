// RUN: gradus-opt %s --gradus-form-contractions --canonicalize | FileCheck %s
// A sum over a product of broadcasts is a contraction; a sum of squares stays a reduction, which fuses.

// CHECK-LABEL: gradus.func fn @matrix_product
// CHECK-SAME: (%[[X:[^:]*]]: {{[^%]*}}%[[W:[^:]*]]:
// CHECK-NEXT: gradus.contract %[[X]] [0, 1], %[[W]] [1, 2] -> [0, 2]
// CHECK-NEXT: gradus.return
gradus.func fn @matrix_product(%x: !gradus.array<[n, d], f32> {gradus.name = "x", gradus.role = #gradus.role<data>}, %w: !gradus.array<[d, c], f32> {gradus.name = "w", gradus.role = #gradus.role<data>}) -> (!gradus.array<[n, c], f32> {gradus.name = "r0", gradus.role = #gradus.role<value>}) {
  %a = gradus.broadcast %x axes [0, 1] : !gradus.array<[n, d], f32> to !gradus.array<[n, d, c], f32>
  %b = gradus.broadcast %w axes [1, 2] : !gradus.array<[d, c], f32> to !gradus.array<[n, d, c], f32>
  %p = gradus.mul %a, %b : !gradus.array<[n, d, c], f32>
  %r = gradus.reduce sum %p axes [1] : !gradus.array<[n, d, c], f32> to !gradus.array<[n, c], f32>
  gradus.return %r : !gradus.array<[n, c], f32>
}

// CHECK-LABEL: gradus.func fn @transposed
// CHECK-SAME: (%[[X:[^:]*]]: {{[^%]*}}%[[W:[^:]*]]:
// CHECK-NEXT: gradus.contract %[[X]] [1, 0], %[[W]] [1, 2] -> [0, 2]
gradus.func fn @transposed(%x: !gradus.array<[d, n], f32> {gradus.name = "x", gradus.role = #gradus.role<data>}, %w: !gradus.array<[d, c], f32> {gradus.name = "w", gradus.role = #gradus.role<data>}) -> (!gradus.array<[n, c], f32> {gradus.name = "r0", gradus.role = #gradus.role<value>}) {
  %a = gradus.transpose %x permutation [1, 0] : !gradus.array<[d, n], f32> to !gradus.array<[n, d], f32>
  %r = gradus.contract %a [0, 1], %w [1, 2] -> [0, 2] : !gradus.array<[n, d], f32>, !gradus.array<[d, c], f32> -> !gradus.array<[n, c], f32>
  gradus.return %r : !gradus.array<[n, c], f32>
}

// CHECK-LABEL: gradus.func fn @squares
// CHECK-NOT: gradus.contract
gradus.func fn @squares(%x: !gradus.array<[n, d], f32> {gradus.name = "x", gradus.role = #gradus.role<data>}) -> (!gradus.array<[n], f32> {gradus.name = "r0", gradus.role = #gradus.role<value>}) {
  %p = gradus.mul %x, %x : !gradus.array<[n, d], f32>
  %r = gradus.reduce sum %p axes [1] : !gradus.array<[n, d], f32> to !gradus.array<[n], f32>
  gradus.return %r : !gradus.array<[n], f32>
}

// A dot product is a sum of products again.
// CHECK-LABEL: gradus.func fn @dot
// CHECK-NEXT: gradus.mul
// CHECK-NEXT: gradus.reduce  sum
gradus.func fn @dot(%x: !gradus.array<[n], f32> {gradus.name = "x", gradus.role = #gradus.role<data>}, %y: !gradus.array<[n], f32> {gradus.name = "y", gradus.role = #gradus.role<data>}) -> (!gradus.array<[], f64> {gradus.name = "r0", gradus.role = #gradus.role<value>}) {
  %r = gradus.contract %x [0], %y [0] -> [] : !gradus.array<[n], f32>, !gradus.array<[n], f32> -> !gradus.array<[], f64>
  gradus.return %r : !gradus.array<[], f64>
}
