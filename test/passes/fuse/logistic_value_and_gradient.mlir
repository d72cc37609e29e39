// RUN: gradus-opt %s --gradus-fuse | FileCheck %s
// Loss and gradient share the margins: one contraction, one kernel that sums the loss and stores the residuals, one contraction. All of them go through
// the rows together, so that X comes from memory once.

!s = !gradus.array<[], f64>
!n = !gradus.array<[n], f32>
!d = !gradus.array<[d], f32>
!x = !gradus.array<[n, d], f32>

// CHECK-LABEL: gradus.func fn @logistic_gradient
// CHECK-SAME: (%[[W:[^:]*]]: {{[^,]*}}, f32> {gradus.name = "w"{{.*}}, %[[X:[^:]*]]: {{[^{]*}} {gradus.name = "X"
// CHECK: gradus.phase {
// CHECK-NEXT: %[[Z:.*]] = gradus.kernel over [n](%[[W]], %[[X]]) {gradus.nest = [0, "n"]}
// CHECK: gradus.contract
// CHECK: %[[R:.*]]:2 = gradus.kernel over [n](%{{.*}}, %[[Z]], %{{.*}}) {gradus.nest = [0, "n"]} : {{.*}} -> (!gradus.array<[], f64>, !gradus.array<[n], f32>)
// CHECK-COUNT-1: gradus.reduce sum
// CHECK: %[[G:.*]] = gradus.kernel over [d](%[[X]], %[[R]]#1) {gradus.nest = [0, "n"]}
// CHECK: gradus.contract
// CHECK-NOT: gradus.kernel
// CHECK: %[[V:.*]] = gradus.div %[[R]]#0
// CHECK: gradus.yield %[[V]], %[[G]]
gradus.func fn @logistic_gradient(%w: !d {gradus.name = "w", gradus.role = #gradus.role<param>},
    %x: !x {gradus.name = "X", gradus.role = #gradus.role<data>}, %y: !n {gradus.name = "y", gradus.role = #gradus.role<data>})
    -> (!s {gradus.name = "value", gradus.role = #gradus.role<value>}, !d {gradus.name = "dw", gradus.role = #gradus.role<value>}) {
  %z = gradus.contract %x [0, 1], %w [1] -> [0] : !x, !d -> !n
  %yz = gradus.mul %y, %z : !n
  %m = gradus.neg %yz : !n
  %l = gradus.softplus %m : !n
  %total = gradus.reduce sum %l axes [0] : !n to !s
  %k = gradus.dim "n"
  %kf = gradus.cast %k : !gradus.array<[], i64> to !s
  %value = gradus.div %total, %kf : !s
  %one = gradus.constant dense<1.0> : tensor<f64>
  %i = gradus.div %one, %kf : !s
  %ir = gradus.cast %i : !s to !gradus.array<[], f32>
  %iv = gradus.broadcast %ir axes [] : !gradus.array<[], f32> to !n
  %p = gradus.sigmoid %m : !n
  %q = gradus.mul %p, %iv : !n
  %yq = gradus.mul %q, %y : !n
  %r = gradus.neg %yq : !n
  %xt = gradus.transpose %x permutation [1, 0] : !x to !gradus.array<[d, n], f32>
  %dw = gradus.contract %xt [0, 1], %r [1] -> [0] : !gradus.array<[d, n], f32>, !n -> !d
  gradus.return %value, %dw : !s, !d
}
