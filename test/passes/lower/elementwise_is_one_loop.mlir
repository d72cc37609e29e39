// RUN: gradus-opt %s --gradus-fuse-phase --gradus-lower-phase | FileCheck %s
// An elementwise step is one loop over vectors of 16 in one function; it counts 12 bytes read and 8 written for each parameter.

!s = !gradus.array<[], f64>
!r = !gradus.array<[], f32>
!v = !gradus.array<[w.numel], f32>

// CHECK-NOT: gradus.func
// CHECK: llvm.func @momentum_step__kernel(
// CHECK: llvm.func internal @momentum_step__kernel0({{.*}}read = 1.200000e+01{{.*}}written = 8.000000e+00
// CHECK: llvm.intr.prefetch
// CHECK-COUNT-3: llvm.load {{.*}} vector<16xf32>
// CHECK-NOT: vector<16xf32> {{.*}}llvm.load
// CHECK: llvm.store {{.*}} vector<16xf32>
// CHECK: llvm.store {{.*}} vector<16xf32>
// CHECK-COUNT-3: llvm.intr.masked.load
// CHECK-COUNT-2: llvm.intr.masked.store
// CHECK-NOT: gradus.kernel
// CHECK: llvm.func @momentum_step__workspace(
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
