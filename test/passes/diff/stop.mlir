// RUN: gradus-opt %s --gradus-differentiate-phase --canonicalize --cse | FileCheck %s
// A stopped factor is a constant: x * stop(f(x)) has the derivative stop(f(x)), though f has no row.

// CHECK-LABEL: gradus.func loss @stop
// CHECK: %[[S:.*]] = gradus.stop
// CHECK: %[[V:.*]] = gradus.reduce  sum
// CHECK: %[[G:.*]] = gradus.mul %[[S]], %{{.*}}
// CHECK-NEXT: gradus.return %[[V]], %[[G]]
gradus.func loss @stop(%w: !gradus.array<[n], f64> {gradus.name = "w", gradus.role = #gradus.role<param>})
    -> (!gradus.array<[], f64> {gradus.name = "value", gradus.role = #gradus.role<value>}, !gradus.array<[n], f64> {gradus.name = "g", gradus.role = #gradus.role<grad>}) {
  %v, %g = gradus.grad (%w) : (!gradus.array<[n], f64>) -> (!gradus.array<[], f64>, !gradus.array<[n], f64>) {
  ^bb0(%x: !gradus.array<[n], f64>):
    %n = gradus.dim "n"
    %f = gradus.loop %n init(%x) : !gradus.array<[], i64>, (!gradus.array<[n], f64>) {
    ^bb0(%i: !gradus.array<[], i64>, %y: !gradus.array<[n], f64>):
      %e = gradus.exp %y : !gradus.array<[n], f64>
      gradus.yield %e : !gradus.array<[n], f64>
    }
    %s = gradus.stop %f : !gradus.array<[n], f64>
    %m = gradus.mul %x, %s : !gradus.array<[n], f64>
    %r = gradus.reduce sum %m axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>
    gradus.yield %r : !gradus.array<[], f64>
  }
  gradus.return %v, %g : !gradus.array<[], f64>, !gradus.array<[n], f64>
}
