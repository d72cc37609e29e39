// RUN: gradus-opt %s --gradus-fuse=no-fuse | FileCheck %s
// Without fusion each operation that computes a number is a kernel; broadcasts stay with their readers.

!r = !gradus.array<[], f32>
!v = !gradus.array<[w.numel], f32>

// CHECK-LABEL: gradus.func rule_step @momentum.step
// CHECK: gradus.phase {
// CHECK: gradus.kernel
// CHECK: gradus.mul
// CHECK-NEXT: gradus.yield
// CHECK: gradus.kernel
// CHECK: gradus.add
// CHECK-NEXT: gradus.yield
// CHECK: gradus.kernel
// CHECK: gradus.mul
// CHECK-NEXT: gradus.yield
// CHECK: gradus.kernel
// CHECK: gradus.sub
// CHECK-NEXT: gradus.yield
// CHECK-NOT: gradus.kernel
gradus.func rule_step @momentum.step(%lr: !gradus.array<[], f64> {gradus.name = "lr", gradus.role = #gradus.role<hyper>},
    %w: !v {gradus.name = "w", gradus.role = #gradus.role<param>},
    %g: !v {gradus.name = "g", gradus.role = #gradus.role<grad>},
    %m: !v {gradus.name = "m", gradus.role = #gradus.role<state>})
    -> (!v {gradus.name = "w", gradus.of = 1 : i64, gradus.role = #gradus.role<next>},
        !v {gradus.name = "m", gradus.of = 3 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  %a = gradus.cast %lr : !gradus.array<[], f64> to !r
  %b = gradus.broadcast %a axes [] : !r to !v
  %d = gradus.mul %b, %m : !v
  %mn = gradus.add %d, %g : !v
  %e = gradus.mul %b, %mn : !v
  %wn = gradus.sub %w, %e : !v
  gradus.return %wn, %mn : !v, !v
}
