// RUN: gradus-opt %s --gradus-differentiate-phase --canonicalize --cse | FileCheck %s
// A gradient of a gradient: the Hessian of sum x^3 times u, with u captured from outside both regions.

// CHECK-LABEL: gradus.func loss @hessian
// CHECK-NOT: gradus.grad
// CHECK: gradus.return %{{.*}}, %{{.*}} : !gradus.array<[], f64>, !gradus.array<[n], f64>
gradus.func loss @hessian(%w: !gradus.array<[n], f64> {gradus.name = "w", gradus.role = #gradus.role<param>})
    -> (!gradus.array<[], f64> {gradus.name = "value", gradus.role = #gradus.role<value>}, !gradus.array<[n], f64> {gradus.name = "g", gradus.role = #gradus.role<grad>}) {
  %v, %g = gradus.grad (%w) : (!gradus.array<[n], f64>) -> (!gradus.array<[], f64>, !gradus.array<[n], f64>) {
  ^bb0(%x: !gradus.array<[n], f64>):
    %iv, %ig = gradus.grad (%x) : (!gradus.array<[n], f64>) -> (!gradus.array<[], f64>, !gradus.array<[n], f64>) {
    ^bb0(%y: !gradus.array<[n], f64>):
      %k = gradus.constant dense<3> : tensor<i64>
      %c = gradus.int_pow %y, %k : !gradus.array<[n], f64>, !gradus.array<[], i64>
      %r = gradus.reduce sum %c axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>
      gradus.yield %r : !gradus.array<[], f64>
    }
    %p = gradus.contract %ig [0], %w [0] -> [] : !gradus.array<[n], f64>, !gradus.array<[n], f64> -> !gradus.array<[], f64>
    gradus.yield %p : !gradus.array<[], f64>
  }
  gradus.return %v, %g : !gradus.array<[], f64>, !gradus.array<[n], f64>
}
