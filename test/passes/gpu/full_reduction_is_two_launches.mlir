// RUN: gradus-opt %s --gradus-fuse-phase --gradus-lower-gpu | FileCheck %s
// A sum over all elements: 16 threads a block leave a partial result, a group combines them, and the value stays in the frame until the report.

!v = !gradus.array<[n], f32>
!s = !gradus.array<[], f64>

// CHECK: gpu.func @total__kernel1({{.*}}) workgroup(%{{.*}} : memref<256xf32, #gpu.address_space<workgroup>>) kernel
// CHECK-NOT: gradus_keep
// CHECK: scf.for
// CHECK: arith.addf
// CHECK: gpu.barrier
// CHECK-COUNT-15: arith.addf
// CHECK: gpu.barrier
// CHECK: llvm.store {{.*}} : f32
// CHECK: gpu.func @total__combine2({{.*}}) workgroup(%{{.*}} : memref<256xf32, #gpu.address_space<workgroup>>) kernel
// CHECK: llvm.call @gradus_finish_sum_f32
// CHECK-COUNT-9: gpu.barrier
// CHECK: arith.extf
// CHECK: llvm.store {{.*}} : f64
// CHECK: gpu.func @total__report3
gradus.func loss @total(%x: !v {gradus.name = "x", gradus.role = #gradus.role<data>}) -> (!s {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %y = gradus.reduce sum %x axes [0] : !v to !s
  gradus.return %y : !s
}
