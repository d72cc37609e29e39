// RUN: gradus-opt %s --gradus-fuse | FileCheck %s
// A loop over an array stands in a phase, and its body holds kernels; what it reads from outside is stored before it, constants are copied into
// it. A loop over numbers alone stays on the host. A branch that hands on what is there has no kernel.

!s = !gradus.array<[], f64>
!i = !gradus.array<[], i64>
!n = !gradus.array<[n], f64>

// CHECK-LABEL: gradus.func fn @decay
gradus.func fn @decay(%x: !n {gradus.name = "x", gradus.role = #gradus.role<input>}, %k: !i {gradus.name = "k", gradus.role = #gradus.role<hyper>})
    -> (!n {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %half = gradus.constant dense<0.5> : tensor<f64>
  %one = gradus.constant dense<1.0> : tensor<f64>
  // CHECK: %[[RATE:.*]] = gradus.loop %arg1 init(
  // CHECK: gradus.phase {
  %rate = gradus.loop %k init(%one) : !i, (!s) {
  ^bb0(%i: !i, %r: !s):
    %next = gradus.mul %r, %half : !s
    gradus.yield %next : !s
  }
  // CHECK: %[[E:.*]] = gradus.kernel over [n](%arg0)
  // CHECK: gradus.exp
  %e = gradus.exp %x : !n
  // CHECK: %[[Y:.*]] = gradus.loop %arg1 init(%arg0)
  %y = gradus.loop %k init(%x) : !i, (!n) {
  ^bb0(%i: !i, %u: !n):
    // CHECK: ^bb0(%{{.*}}: !gradus.array<[], i64>, %[[U:.*]]: !gradus.array<[n], f64>):
    // CHECK: gradus.kernel over [n](%[[U]], %[[E]], %[[RATE]])
    %wide = gradus.broadcast %rate axes [] : !s to !n
    %a = gradus.mul %u, %wide : !n
    %b = gradus.add %a, %e : !n
    gradus.yield %b : !n
  }
  // CHECK: %[[Z:.*]] = gradus.if
  // CHECK-NEXT: gradus.yield %[[Y]]
  // CHECK: } else {
  // CHECK: gradus.kernel over [n](%[[Y]])
  %isLarge = gradus.compare gt %rate, %half : !s -> !gradus.array<[], i1>
  %z = gradus.if %isLarge -> (!n) {
    gradus.yield %y : !n
  } else {
    %c = gradus.neg %y : !n
    gradus.yield %c : !n
  }
  // CHECK: gradus.yield %[[Z]]
  gradus.return %z : !n
}
