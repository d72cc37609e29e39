// RUN: gradus-opt %s --gradus-fuse-phase --gradus-lower-phase | FileCheck %s
// Two products of matrices of different sizes are one function, called twice; so are the kernels of two functions, and what each of
// them moves is still known.

!k = !gradus.array<[m, k], f32>
!n = !gradus.array<[k, n], f32>
!o = !gradus.array<[n, p], f32>
!mn = !gradus.array<[m, n], f32>
!mp = !gradus.array<[m, p], f32>

// The functions that multiply and that call kernels stand once in the module, too.
// CHECK: llvm.func @products__kernel(
// CHECK: call @gradus_product_hook
// CHECK: addressof @products__kernel0
// CHECK: call @gradus_launch
// CHECK: call @gradus_product_hook
// CHECK: addressof @products__kernel0
// CHECK: call @gradus_launch
// CHECK: llvm.func internal @products__kernel0(
// CHECK: call @gradus_product_f32(
// CHECK: llvm.func internal @gradus_product_f32(
// CHECK-NOT: llvm.func internal @products__kernel1(
// CHECK-NOT: llvm.func internal @gradus_product_f32(
// So do those that combine blocks, which a sum calls where it has several.
// CHECK: llvm.func internal @sums__kernel0(
// CHECK: scf.if
// CHECK: call @gradus_keep_sum_16xf32
// CHECK: scf.if
// CHECK: call @gradus_finish_sum_16xf32
// CHECK: llvm.func internal @gradus_keep_sum_16xf32(
// CHECK-NOT: llvm.func internal @gradus_keep_sum_16xf32(
// CHECK: llvm.func internal @scale__kernel0({{.*}}entry = "scale", kernel = 0{{.*}}entry = "again", kernel = 0
// CHECK-NOT: llvm.func internal @again__kernel0(
gradus.func fn @products(%a: !k {gradus.name = "a", gradus.role = #gradus.role<data>}, %b: !n {gradus.name = "b", gradus.role = #gradus.role<data>},
    %c: !o {gradus.name = "c", gradus.role = #gradus.role<data>}) -> (!mp {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %x = gradus.contract %a [0, 1], %b [1, 2] -> [0, 2] : !k, !n -> !mn
  %y = gradus.contract %x [0, 1], %c [1, 2] -> [0, 2] : !mn, !o -> !mp
  gradus.return %y : !mp
}
gradus.func fn @sums(%a: !k {gradus.name = "a", gradus.role = #gradus.role<data>}) -> (!gradus.array<[k], f32> {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %x = gradus.reduce sum %a axes [0] : !k to !gradus.array<[k], f32>
  gradus.return %x : !gradus.array<[k], f32>
}
gradus.func fn @scale(%a: !k {gradus.name = "a", gradus.role = #gradus.role<data>}) -> (!k {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %x = gradus.mul %a, %a : !k
  gradus.return %x : !k
}
gradus.func fn @again(%a: !k {gradus.name = "a", gradus.role = #gradus.role<data>}) -> (!k {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %x = gradus.mul %a, %a : !k
  gradus.return %x : !k
}
