// RUN: gradus-opt %s --gradus-fuse-phase --gradus-lower-gpu | FileCheck %s
// A step is one kernel for all elements of all slots, 4 neighbours in one access; the host records it, what takes other numbers before it, and a report if one is wanted.

!s = !gradus.array<[], f64>
!r = !gradus.array<[], f32>
!v = !gradus.array<[w.numel], f32>

// CHECK-NOT: gradus.func
// CHECK: llvm.mlir.global external constant @gradus_device_table() {{.*}}: i8
// CHECK-LABEL: llvm.func @momentum_step__device_kernel(
// CHECK-COUNT-2: llvm.call @gradus_device_update(
// CHECK: scf.if
// CHECK: llvm.call @gradus_device_dispatch(
// CHECK: llvm.call @gradus_device_dispatch(
// CHECK: scf.if
// CHECK: llvm.call @gradus_device_dispatch(
// CHECK-NOT: llvm.call
// CHECK: llvm.return
// CHECK-LABEL: llvm.func @momentum_step__device_workspace(
// CHECK: gpu.module @gradus_kernels
// CHECK: gpu.func @momentum_step__values0({{.*}}) kernel
// CHECK: gpu.func @momentum_step__kernel1({{.*}}) kernel attributes {known_block_size = array<i32: 256, 1, 1>}
// CHECK: llvm.call @gradus_find_slot_of_group(
// CHECK: arith.truncf
// CHECK: scf.for
// CHECK-COUNT-3: llvm.load {{.*}} -> vector<4xf32>
// CHECK-NOT: llvm.load
// CHECK-COUNT-2: llvm.store {{.*}} : vector<4xf32>
// CHECK: } else {
// CHECK: scf.for
// CHECK-COUNT-3: llvm.load {{.*}} -> f32
// CHECK-NOT: llvm.load
// CHECK-COUNT-2: llvm.store {{.*}} : f32
// CHECK: gpu.func @momentum_step__report2({{.*}}) kernel
gradus.func rule_step @momentum.step(%lr: !s {gradus.name = "lr", gradus.role = #gradus.role<hyper>},
    %w: !v {gradus.name = "w", gradus.role = #gradus.role<param>}, %g: !v {gradus.name = "g", gradus.role = #gradus.role<grad>},
    %m: !v {gradus.name = "m", gradus.role = #gradus.role<state>})
    -> (!v {gradus.name = "w", gradus.of = 1 : i64, gradus.role = #gradus.role<next>},
        !v {gradus.name = "m", gradus.of = 3 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  %mn = gradus.add %m, %g : !v
  %l = gradus.cast %lr : !s to !r
  %lv = gradus.broadcast %l axes [] : !r to !v
  %u = gradus.mul %mn, %lv : !v
  %wn = gradus.sub %w, %u : !v
  gradus.return %wn, %mn : !v, !v
}
