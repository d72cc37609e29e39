// RUN: gradus-opt %s --gradus-zero-grads | FileCheck %s
// RUN: gradus-opt %s --gradus-zero-grads --gradus-fuse | FileCheck %s --check-prefix=FUSED
// The gradient is written by the kernel that reads it.

!v = !gradus.array<[w.numel], f32>

// CHECK: {gradus.name = "g", gradus.of = 1 : i64, gradus.role = #gradus.role<next>}
// CHECK: %[[ZERO:.*]] = gradus.constant dense<0.000000e+00>
// CHECK-NEXT: %[[ZEROS:.*]] = gradus.broadcast %[[ZERO]]
// CHECK-NEXT: gradus.return %{{.*}}, %[[ZEROS]]
// FUSED-COUNT-1: gradus.kernel
// FUSED-NOT: gradus.kernel
gradus.func rule_step @plain.step(
    %w: !v {gradus.name = "w", gradus.role = #gradus.role<param>},
    %g: !v {gradus.name = "g", gradus.role = #gradus.role<grad>})
    -> (!v {gradus.name = "w", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  %wn = gradus.sub %w, %g : !v
  gradus.return %wn : !v
}
