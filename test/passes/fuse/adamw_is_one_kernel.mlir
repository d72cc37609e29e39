// RUN: gradus-opt %s --gradus-fuse | FileCheck %s
// An elementwise rule is one kernel that stores every next value; rank-0 expressions stay on the host.

!s = !gradus.array<[], f64>
!r = !gradus.array<[], f32>
!v = !gradus.array<[w.numel], f32>

// CHECK-LABEL: gradus.func rule_step @adamw.step

// CHECK: %[[B1:.*]] = gradus.cast %{{.*}} : <[], f64> to <[], f32>
// CHECK: %[[POW:.*]] = gradus.int_pow
// CHECK: %[[P:.*]]:3 = gradus.phase {
// CHECK: %[[K:.*]]:3 = gradus.kernel over [w.numel]
// CHECK-NOT: f64>
// CHECK: gradus.yield %{{[0-9]+}}, %{{[0-9]+}}, %{{[0-9]+}} : !gradus.array<[w.numel], f32>
// CHECK-NOT: gradus.kernel
// CHECK: gradus.yield %[[K]]
// CHECK-NOT: gradus.phase
// CHECK: gradus.return %[[P]]#0, %[[P]]#1, %[[P]]#2
gradus.func rule_step @adamw.step(%lr: !s {gradus.name = "lr", gradus.role = #gradus.role<hyper>},
    %beta1: !s {gradus.name = "beta1", gradus.role = #gradus.role<hyper>},
    %beta2: !s {gradus.name = "beta2", gradus.role = #gradus.role<hyper>},
    %eps: !s {gradus.name = "eps", gradus.role = #gradus.role<hyper>},
    %decay: !s {gradus.name = "decay", gradus.role = #gradus.role<hyper>},
    %t: !gradus.array<[], i64> {gradus.name = "t", gradus.role = #gradus.role<time>},
    %w: !v {gradus.name = "w", gradus.role = #gradus.role<param>},
    %g: !v {gradus.name = "g", gradus.role = #gradus.role<grad>},
    %m: !v {gradus.name = "m", gradus.role = #gradus.role<state>},
    %v: !v {gradus.name = "v", gradus.role = #gradus.role<state>})
    -> (!v {gradus.name = "w", gradus.of = 6 : i64, gradus.role = #gradus.role<next>},
        !v {gradus.name = "m", gradus.of = 8 : i64, gradus.role = #gradus.role<next>},
        !v {gradus.name = "v", gradus.of = 9 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  %one = gradus.constant dense<1.0> : tensor<f64>
  %b1 = gradus.cast %beta1 : !s to !r
  %b1v = gradus.broadcast %b1 axes [] : !r to !v
  %m0 = gradus.mul %b1v, %m : !v
  %c1 = gradus.sub %one, %beta1 : !s
  %c1r = gradus.cast %c1 : !s to !r
  %c1v = gradus.broadcast %c1r axes [] : !r to !v
  %m1 = gradus.mul %c1v, %g : !v
  %mn = gradus.add %m0, %m1 : !v
  %b2 = gradus.cast %beta2 : !s to !r
  %b2v = gradus.broadcast %b2 axes [] : !r to !v
  %v0 = gradus.mul %b2v, %v : !v
  %c2 = gradus.sub %one, %beta2 : !s
  %c2r = gradus.cast %c2 : !s to !r
  %c2v = gradus.broadcast %c2r axes [] : !r to !v
  %gg = gradus.mul %g, %g : !v
  %v1 = gradus.mul %c2v, %gg : !v
  %vn = gradus.add %v0, %v1 : !v
  %p1 = gradus.int_pow %beta1, %t : !s, !gradus.array<[], i64>
  %d1 = gradus.sub %one, %p1 : !s
  %i1 = gradus.div %one, %d1 : !s
  %i1r = gradus.cast %i1 : !s to !r
  %i1v = gradus.broadcast %i1r axes [] : !r to !v
  %mh = gradus.mul %mn, %i1v : !v
  %p2 = gradus.int_pow %beta2, %t : !s, !gradus.array<[], i64>
  %d2 = gradus.sub %one, %p2 : !s
  %i2 = gradus.div %one, %d2 : !s
  %i2r = gradus.cast %i2 : !s to !r
  %i2v = gradus.broadcast %i2r axes [] : !r to !v
  %vh = gradus.mul %vn, %i2v : !v
  %rt = gradus.sqrt %vh : !v
  %er = gradus.cast %eps : !s to !r
  %ev = gradus.broadcast %er axes [] : !r to !v
  %den = gradus.add %rt, %ev : !v
  %q = gradus.div %mh, %den : !v
  %dr = gradus.cast %decay : !s to !r
  %dv = gradus.broadcast %dr axes [] : !r to !v
  %dw = gradus.mul %dv, %w : !v
  %u = gradus.add %q, %dw : !v
  %lrr = gradus.cast %lr : !s to !r
  %lrv = gradus.broadcast %lrr axes [] : !r to !v
  %lu = gradus.mul %lrv, %u : !v
  %wn = gradus.sub %w, %lu : !v
  gradus.return %wn, %mn, %vn : !v, !v, !v
}
