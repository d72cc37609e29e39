// RUN: gradus-opt %s --gradus-decompose | FileCheck %s
// logsumexp is shifted by its largest argument, or where that is infinite by the number next to it, so that no exponential is of more than 0 but that of +inf, whose row is +inf; norm is the root of a sum
// of squares.

!x = !gradus.array<[n, c], f32>
!n = !gradus.array<[n], f32>
!s = !gradus.array<[], f64>

// CHECK-LABEL: gradus.func fn @f
// CHECK-SAME: (%[[X:[^:]*]]:
// CHECK: %[[M:.*]] = gradus.reduce max %[[X]] axes [1]
// CHECK: %[[BELOW:.*]] = gradus.min %[[M]]
// CHECK: %[[S:.*]] = gradus.max %[[BELOW]]
// CHECK: %[[REPEATED:.*]] = gradus.broadcast %[[S]] axes [0]
// CHECK: %[[D:.*]] = gradus.sub %[[X]], %[[REPEATED]]
// CHECK: %[[E:.*]] = gradus.exp %[[D]] {gradus.not_positive}
// CHECK: %[[SUM:.*]] = gradus.reduce sum %[[E]] axes [1]
// CHECK: %[[INFINITE:.*]] = gradus.compare gt %[[M]], %[[S]]
// CHECK: %[[LOG:.*]] = gradus.log %[[SUM]]
// CHECK: %[[FINITE:.*]] = gradus.add %[[S]], %[[LOG]]
// CHECK: %[[Y:.*]] = gradus.select %[[INFINITE]], %[[M]], %[[FINITE]]
// CHECK: %[[Q:.*]] = gradus.mul %[[X]], %[[X]]
// CHECK: %[[T:.*]] = gradus.reduce sum %[[Q]] axes [0, 1] : <[n, c], f32> to <[], f64>
// CHECK: %[[R:.*]] = gradus.sqrt %[[T]]
// CHECK: gradus.return %[[Y]], %[[R]]
gradus.func fn @f(%x: !x {gradus.name = "x", gradus.role = #gradus.role<input>})
    -> (!n {gradus.name = "y", gradus.role = #gradus.role<value>}, !s {gradus.name = "r", gradus.role = #gradus.role<value>}) {
  %y = gradus.logsumexp %x axes [1] : !x to !n
  %r = gradus.norm %x axes [0, 1] : !x to !s
  gradus.return %y, %r : !n, !s
}

// Shares of a sum that are scaled by what is the same in a row: one product for each.
// CHECK-LABEL: gradus.func fn @g
// CHECK: %[[E:.*]] = gradus.exp %{{.*}} {gradus.not_positive}
// CHECK: %[[SUM:.*]] = gradus.reduce sum %[[E]] axes [1]
// CHECK: %[[INVERSE:.*]] = gradus.div %{{.*}}, %[[SUM]]
// CHECK: %[[EACH:.*]] = gradus.select %{{.*}}, %{{.*}}, %[[INVERSE]]
// CHECK: %[[SCALE:.*]] = gradus.mul %[[EACH]], %{{.*}} : <[n], f32>
// CHECK: %[[REPEATED:.*]] = gradus.broadcast %[[SCALE]] axes [0]
// CHECK: %[[PRODUCT:.*]] = gradus.mul %[[E]], %[[REPEATED]]
// CHECK-NOT: gradus.mul
// CHECK: gradus.return %[[PRODUCT]]
gradus.func fn @g(%x: !x {gradus.name = "x", gradus.role = #gradus.role<input>}, %s: !n {gradus.name = "s", gradus.role = #gradus.role<input>})
    -> (!x {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %l = gradus.logsumexp %x axes [1] : !x to !n
  %lb = gradus.broadcast %l axes [0] : !n to !x
  %d = gradus.sub %x, %lb : !x
  %e = gradus.exp %d : !x
  %sb = gradus.broadcast %s axes [0] : !n to !x
  %y = gradus.mul %e, %sb : !x
  gradus.return %y : !x
}
