// RUN: gradus-opt %s --gradus-differentiate-phase --canonicalize --cse | FileCheck %s
// Loss and gradient of a softmax regression share the logits and the log-sum-exp; the gather becomes a scatter.

// CHECK-LABEL: gradus.func loss @softmax
// CHECK-SAME: %[[W:.*]]: !gradus.array<[d, c], f32> {gradus.name = "W"
// CHECK-SAME: %[[X:[^:]*]]: !gradus.array<[n, d], f32>
// CHECK-SAME: %[[LABEL:[^:]*]]: !gradus.array<[n], i64>
// CHECK-NOT: gradus.grad
// CHECK: gradus.contract %[[X]] [0, 2], %[[W]] [2, 1]
// CHECK: %[[Z:.*]] = gradus.add
// CHECK: gradus.logsumexp %[[Z]]
// CHECK-NOT: gradus.logsumexp
// CHECK: gradus.scatter_add %{{.*}}[%{{.*}}, %[[LABEL]]]
// CHECK: gradus.exp
// CHECK: %[[DB:.*]] = gradus.reduce sum %[[DZ:.*]] axes [0]
// CHECK: %[[DW:.*]] = gradus.contract %[[DZ]] [0, 1], %[[X]] [0, 2] -> [2, 1]
// CHECK: gradus.return %{{.*}}, %[[DW]], %[[DB]]
gradus.func loss @softmax(%w: !gradus.array<[d, c], f32> {gradus.name = "W", gradus.role = #gradus.role<param>},
    %b: !gradus.array<[c], f32> {gradus.name = "b", gradus.role = #gradus.role<param>},
    %x: !gradus.array<[n, d], f32> {gradus.name = "X", gradus.role = #gradus.role<data>},
    %l: !gradus.array<[n], i64> {gradus.name = "label", gradus.role = #gradus.role<data>})
   -> (!gradus.array<[], f64> {gradus.name = "value", gradus.role = #gradus.role<value>}, !gradus.array<[d, c], f32> {gradus.name = "dw", gradus.role = #gradus.role<grad>}, !gradus.array<[c], f32> {gradus.name = "db", gradus.role = #gradus.role<grad>}) {
  %v, %dw, %db = gradus.grad (%w, %b) : (!gradus.array<[d, c], f32>, !gradus.array<[c], f32>) -> (!gradus.array<[], f64>, !gradus.array<[d, c], f32>, !gradus.array<[c], f32>) {
  ^bb0(%W: !gradus.array<[d, c], f32>, %B: !gradus.array<[c], f32>):
    %z0 = gradus.contract %x [0, 2], %W [2, 1] -> [0, 1] : !gradus.array<[n, d], f32>, !gradus.array<[d, c], f32> -> !gradus.array<[n, c], f32>
    %bb = gradus.broadcast %B axes [1] : !gradus.array<[c], f32> to !gradus.array<[n, c], f32>
    %z = gradus.add %z0, %bb : !gradus.array<[n, c], f32>
    %lse = gradus.logsumexp %z axes [1] : !gradus.array<[n, c], f32> to !gradus.array<[n], f32>
    %i = gradus.iota 0 : !gradus.array<[n], i64>
    %g = gradus.gather %z[%i, %l] : !gradus.array<[n, c], f32>, (!gradus.array<[n], i64>, !gradus.array<[n], i64>) -> !gradus.array<[n], f32>
    %e = gradus.sub %lse, %g : !gradus.array<[n], f32>
    %s = gradus.reduce sum %e axes [0] : !gradus.array<[n], f32> to !gradus.array<[], f64>
    %n = gradus.dim "n"
    %nf = gradus.cast %n : !gradus.array<[], i64> to !gradus.array<[], f64>
    %m = gradus.div %s, %nf : !gradus.array<[], f64>
    gradus.yield %m : !gradus.array<[], f64>
  }
  gradus.return %v, %dw, %db : !gradus.array<[], f64>, !gradus.array<[d, c], f32>, !gradus.array<[c], f32>
}
