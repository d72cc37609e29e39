// RUN: gradus-opt %s --gradus-scatter-to-select --gradus-fuse-phase --remarks-filter-analyse=gradus-fuse --remark-format=emitRemark 2>&1 | FileCheck %s
// A training step of softmax regression: everything that can be refused or that reads a parameter runs before the first store into one.

!s = !gradus.array<[], f64>
!r = !gradus.array<[], f32>
!w = !gradus.array<[d, c], f32>
!b = !gradus.array<[c], f32>
!x = !gradus.array<[n, d], f32>
!z = !gradus.array<[n, c], f32>
!n = !gradus.array<[n], f32>
!l = !gradus.array<[n], i64>

// CHECK-DAG: kernel 6, value 0: in 'W.m'
// CHECK-DAG: kernel 6, value 1: in 'W'
// CHECK-DAG: kernel 7, value 0: in 'b'
// CHECK-LABEL: gradus.func train_step
// CHECK: gradus.contract
// CHECK: gradus.reduce max
// CHECK: gradus.reduce sum
// CHECK: gradus.gather
// The derivative of the logits, its sum over the rows, and the choice by label: one kernel, no array of zeros.
// Its exponentials are those of the sum.
// CHECK: gradus.kernel over [n, c]
// CHECK: gradus.compare eq
// CHECK-NOT: gradus.exp
// CHECK: gradus.reduce sum
// CHECK: gradus.contract %{{.*}} [1, 0],
// CHECK: gradus.kernel over [d, c]
// CHECK: gradus.kernel over [c]
// CHECK-NOT: gradus.kernel
gradus.func train_step @softmax.step(%lr: !s {gradus.name = "lr", gradus.role = #gradus.role<hyper>},
    %t: !gradus.array<[], i64> {gradus.name = "t", gradus.role = #gradus.role<time>},
    %w: !w {gradus.name = "W", gradus.role = #gradus.role<param>}, %b: !b {gradus.name = "b", gradus.role = #gradus.role<param>},
    %wm: !w {gradus.name = "W.m", gradus.role = #gradus.role<state>},
    %x: !x {gradus.name = "X", gradus.role = #gradus.role<data>}, %label: !l {gradus.name = "label", gradus.role = #gradus.role<data>})
    -> (!w {gradus.name = "W", gradus.of = 2 : i64, gradus.role = #gradus.role<next>},
        !b {gradus.name = "b", gradus.of = 3 : i64, gradus.role = #gradus.role<next>},
        !w {gradus.name = "W.m", gradus.of = 4 : i64, gradus.role = #gradus.role<next>},
        !s {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %xw = gradus.contract %x [0, 1], %w [1, 2] -> [0, 2] : !x, !w -> !z
  %bz = gradus.broadcast %b axes [1] : !b to !z
  %z = gradus.add %xw, %bz : !z
  %lse = gradus.logsumexp %z axes [1] : !z to !n
  %i = gradus.iota 0 : !l
  %zl = gradus.gather %z[%i, %label] : !z, (!l, !l) -> !n
  %li = gradus.sub %lse, %zl : !n
  %total = gradus.reduce sum %li axes [0] : !n to !s
  %k = gradus.dim "n"
  %kf = gradus.cast %k : !gradus.array<[], i64> to !s
  %value = gradus.div %total, %kf : !s
  %one = gradus.constant dense<1.0> : tensor<f64>
  %inv = gradus.div %one, %kf : !s
  %ir = gradus.cast %inv : !s to !r
  %iv = gradus.broadcast %ir axes [] : !r to !n
  %neg = gradus.neg %iv : !n
  %zero = gradus.constant dense<0.0> : tensor<f32>
  %zeros = gradus.broadcast %zero axes [] : !r to !z
  %hot = gradus.scatter_add %zeros[%i, %label], %neg : !z, (!l, !l), !n
  %lsez = gradus.broadcast %lse axes [0] : !n to !z
  %d = gradus.sub %z, %lsez : !z
  %p = gradus.exp %d : !z
  %ivz = gradus.broadcast %iv axes [0] : !n to !z
  %pi = gradus.mul %p, %ivz : !z
  %dz = gradus.add %pi, %hot : !z
  %xt = gradus.transpose %x permutation [1, 0] : !x to !gradus.array<[d, n], f32>
  %dw = gradus.contract %xt [0, 1], %dz [1, 2] -> [0, 2] : !gradus.array<[d, n], f32>, !z -> !w
  %db = gradus.reduce sum %dz axes [0] : !z to !b
  %lrr = gradus.cast %lr : !s to !r
  %lrw = gradus.broadcast %lrr axes [] : !r to !w
  %lrb = gradus.broadcast %lrr axes [] : !r to !b
  %mn = gradus.add %wm, %dw : !w
  %sw = gradus.mul %lrw, %mn : !w
  %wn = gradus.sub %w, %sw : !w
  %sb = gradus.mul %lrb, %db : !b
  %bn = gradus.sub %b, %sb : !b
  gradus.return %wn, %bn, %mn, %value : !w, !b, !w, !s
}
