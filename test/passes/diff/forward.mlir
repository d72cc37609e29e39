// RUN: gradus-opt %s --gradus-differentiate-phase --canonicalize --cse --split-input-file --verify-diagnostics | FileCheck %s
// A loop carries its tangents beside its values and writes nothing down; what has no derivative is named with the path to it.

// CHECK-LABEL: gradus.func fn @unbounded
// CHECK-SAME: %[[K:.*]]: !gradus.array<[], i64>
// CHECK: %[[LOOP:.*]]:2 = gradus.loop %[[K]] init(%{{.*}}, %{{.*}}) : <[], i64>, (!gradus.array<[n], f64>, !gradus.array<[n], f64>)
// CHECK-NOT: gradus.scatter
// CHECK: gradus.return %[[LOOP]]#1
gradus.func fn @unbounded(%k: !gradus.array<[], i64> {gradus.name = "k", gradus.role = #gradus.role<input>},
    %w: !gradus.array<[n], f64> {gradus.name = "w", gradus.role = #gradus.role<input>},
    %u: !gradus.array<[n], f64> {gradus.name = "u", gradus.role = #gradus.role<input>})
    -> (!gradus.array<[n], f64> {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %v, %t = gradus.jvp (%w) along (%u) : (!gradus.array<[n], f64>), (!gradus.array<[n], f64>) -> (!gradus.array<[n], f64>), (!gradus.array<[n], f64>) {
  ^bb0(%x: !gradus.array<[n], f64>):
    %f = gradus.loop %k init(%x) : !gradus.array<[], i64>, (!gradus.array<[n], f64>) {
    ^bb0(%i: !gradus.array<[], i64>, %y: !gradus.array<[n], f64>):
      %e = gradus.sin %y : !gradus.array<[n], f64>
      gradus.yield %e : !gradus.array<[n], f64>
    }
    gradus.yield %f : !gradus.array<[n], f64>
  }
  gradus.return %t : !gradus.array<[n], f64>
}

// -----

// Two choices of one row are one choice.
// CHECK-LABEL: gradus.func fn @choice
// CHECK: gradus.compare ge
// CHECK-NEXT: %[[T:.*]] = gradus.select
// CHECK-NEXT: gradus.return %[[T]]
gradus.func fn @choice(%w: !gradus.array<[n], f64> {gradus.name = "w", gradus.role = #gradus.role<input>},
    %z: !gradus.array<[n], f64> {gradus.name = "z", gradus.role = #gradus.role<input>},
    %u: !gradus.array<[n], f64> {gradus.name = "u", gradus.role = #gradus.role<input>},
    %s: !gradus.array<[n], f64> {gradus.name = "s", gradus.role = #gradus.role<input>})
    -> (!gradus.array<[n], f64> {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %v, %t = gradus.jvp (%w, %z) along (%u, %s) : (!gradus.array<[n], f64>, !gradus.array<[n], f64>), (!gradus.array<[n], f64>, !gradus.array<[n], f64>)
      -> (!gradus.array<[n], f64>), (!gradus.array<[n], f64>) {
  ^bb0(%x: !gradus.array<[n], f64>, %y: !gradus.array<[n], f64>):
    %m = gradus.max %x, %y : !gradus.array<[n], f64>
    gradus.yield %m : !gradus.array<[n], f64>
  }
  gradus.return %t : !gradus.array<[n], f64>
}

// -----

gradus.func fn @trigamma(%w: !gradus.array<[n], f64> {gradus.name = "w", gradus.role = #gradus.role<input>},
    %u: !gradus.array<[n], f64> {gradus.name = "u", gradus.role = #gradus.role<input>})
    -> (!gradus.array<[n], f64> {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  // expected-note @+1 {{the derivative is asked for here}}
  %v, %t = gradus.jvp (%w) along (%u) : (!gradus.array<[n], f64>), (!gradus.array<[n], f64>) -> (!gradus.array<[n], f64>), (!gradus.array<[n], f64>) {
  ^bb0(%x: !gradus.array<[n], f64>):
    // expected-note @+1 {{which goes through 'gradus.mul'}}
    %m = gradus.mul %x, %x : !gradus.array<[n], f64>
    // expected-error @+2 {{G0850: no derivative of 'gradus.trigamma'}}
    // expected-note @+1 {{and needs the derivative of 'gradus.trigamma'; 'stop' makes it a constant}}
    %f = gradus.trigamma %m : !gradus.array<[n], f64>
    gradus.yield %f : !gradus.array<[n], f64>
  }
  gradus.return %t : !gradus.array<[n], f64>
}

// -----

gradus.func fn @direction(%w: !gradus.array<[n], f64> {gradus.name = "w", gradus.role = #gradus.role<input>},
    %u: !gradus.array<[k, m], f64> {gradus.name = "u", gradus.role = #gradus.role<input>})
    -> (!gradus.array<[n], f64> {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  // expected-error @+1 {{'gradus.jvp' op expects a direction of '!gradus.array<[k, n], f64>', but got '!gradus.array<[k, m], f64>'}}
  %v, %t = gradus.jvp (%w) along (%u) : (!gradus.array<[n], f64>), (!gradus.array<[k, m], f64>) -> (!gradus.array<[n], f64>), (!gradus.array<[k, n], f64>) {
  ^bb0(%x: !gradus.array<[n], f64>):
    gradus.yield %x : !gradus.array<[n], f64>
  }
  gradus.return %v : !gradus.array<[n], f64>
}
