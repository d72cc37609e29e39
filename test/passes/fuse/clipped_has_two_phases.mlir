// RUN: gradus-opt %s --gradus-fuse | FileCheck %s
// A norm over the collection cuts the step in two phases; only the last stores into arguments.

!s = !gradus.array<[], f64>
!r = !gradus.array<[], f32>
!v = !gradus.array<[w.numel], f32>

// CHECK-LABEL: gradus.func rule_step @clipped.step
// CHECK: %[[SUM:.*]] = gradus.phase {
// CHECK-NEXT: %[[K:.*]] = gradus.kernel over [w.numel](%[[G:.*]]) :
// CHECK: gradus.reduce sum
// CHECK: gradus.yield %[[K]] : !gradus.array<[], f64>
// CHECK-NEXT: }
// CHECK: %[[TOTAL:.*]] = gradus.all_reduce sum %[[SUM]]
// CHECK-NEXT: %[[NORM:.*]] = gradus.sqrt %[[TOTAL]]
// CHECK: gradus.cast
// CHECK: %[[NEXT:.*]] = gradus.phase {
// CHECK-NEXT: gradus.kernel over [w.numel](%{{.*}}, %[[G]], %{{.*}}, %{{.*}}) :
// CHECK-NOT: gradus.kernel
// CHECK: gradus.return %[[NEXT]]
gradus.func rule_step @clipped.step(%lr: !s {gradus.name = "lr", gradus.role = #gradus.role<hyper>},
    %w: !v {gradus.name = "w", gradus.role = #gradus.role<param>},
    %g: !v {gradus.name = "g", gradus.role = #gradus.role<grad>})
    -> (!v {gradus.name = "w", gradus.of = 1 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  %gg = gradus.mul %g, %g : !v
  %q = gradus.reduce sum %gg axes [0] : !v to !s
  %a = gradus.all_reduce sum %q : !s
  %n = gradus.sqrt %a : !s
  %one = gradus.constant dense<1.0> : tensor<f64>
  %i = gradus.div %one, %n : !s
  %f = gradus.min %one, %i : !s
  %fr = gradus.cast %f : !s to !r
  %fv = gradus.broadcast %fr axes [] : !r to !v
  %c = gradus.mul %g, %fv : !v
  %lrr = gradus.cast %lr : !s to !r
  %lrv = gradus.broadcast %lrr axes [] : !r to !v
  %lu = gradus.mul %lrv, %c : !v
  %wn = gradus.sub %w, %lu : !v
  gradus.return %wn : !v
}
