// RUN: gradus-opt %s --gradus-differentiate --split-input-file --verify-diagnostics | FileCheck %s
// A loop in reverse is two loops, whatever the number of passes: one that writes down what its passes begin with, and one that runs back.

// What a pass is linear in is not written down: of x' = sin(x) + y, y' = 2 y only x is.
// CHECK-LABEL: gradus.func loss @loop
gradus.func loss @loop(%w: !gradus.array<[n], f64> {gradus.name = "w", gradus.role = #gradus.role<param>})
    -> (!gradus.array<[], f64> {gradus.name = "value", gradus.role = #gradus.role<value>}, !gradus.array<[n], f64> {gradus.name = "g", gradus.role = #gradus.role<grad>}) {
  // CHECK: %[[N:.*]] = gradus.dim "n"
  // CHECK: %[[F:.*]]:3 = gradus.loop %[[N]] init({{.*}}) : {{.*}}, (!gradus.array<[n], f64>, !gradus.array<[n], f64>, !gradus.array<[n, n], f64>)
  // CHECK-NEXT: ^bb0(%[[K:.*]]: !gradus.array<[], i64>, %[[X:.*]]: !gradus.array<[n], f64>, {{.*}}, %[[H:.*]]: !gradus.array<[n, n], f64>):
  // CHECK: gradus.broadcast %[[K]]
  // CHECK: %[[NEXT:.*]] = gradus.scatter %[[H]][{{.*}}], %[[X]] in_bounds
  // CHECK: gradus.yield {{.*}}, {{.*}}, %[[NEXT]]
  // CHECK: gradus.loop %[[N]] init({{.*}}) : {{.*}}, (!gradus.array<[n], f64>, !gradus.array<[n], f64>)
  // CHECK: gradus.gather %[[F]]#2[{{.*}}] in_bounds
  // CHECK: gradus.cos
  // CHECK-NOT: gradus.loop
  %v, %g = gradus.grad (%w) : (!gradus.array<[n], f64>) -> (!gradus.array<[], f64>, !gradus.array<[n], f64>) {
  ^bb0(%x: !gradus.array<[n], f64>):
    %n = gradus.dim "n"
    %f, %h = gradus.loop %n init(%x, %x) : !gradus.array<[], i64>, (!gradus.array<[n], f64>, !gradus.array<[n], f64>) {
    ^bb0(%i: !gradus.array<[], i64>, %y: !gradus.array<[n], f64>, %z: !gradus.array<[n], f64>):
      %s = gradus.sin %y : !gradus.array<[n], f64>
      %e = gradus.add %s, %z : !gradus.array<[n], f64>
      %d = gradus.add %z, %z : !gradus.array<[n], f64>
      gradus.yield %e, %d : !gradus.array<[n], f64>, !gradus.array<[n], f64>
    }
    %r = gradus.reduce sum %f axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>
    gradus.yield %r : !gradus.array<[], f64>
  }
  gradus.return %v, %g : !gradus.array<[], f64>, !gradus.array<[n], f64>
}

// -----

// Rows that a pass reads get their derivative where the sum lies.
// CHECK-LABEL: gradus.func loss @rows
gradus.func loss @rows(%w: !gradus.array<[n, 2], f64> {gradus.name = "w", gradus.role = #gradus.role<param>})
    -> (!gradus.array<[], f64> {gradus.name = "value", gradus.role = #gradus.role<value>}, !gradus.array<[n, 2], f64> {gradus.name = "g", gradus.role = #gradus.role<grad>}) {
  // CHECK: gradus.loop
  // CHECK: gradus.loop
  // CHECK-NEXT: ^bb0({{.*}}, %[[SUM:.*]]: !gradus.array<[n, 2], f64>):
  // CHECK: %[[NEXT:.*]] = gradus.scatter_add %[[SUM]][
  // CHECK-NEXT: gradus.yield {{.*}}, %[[NEXT]]
  %v, %g = gradus.grad (%w) : (!gradus.array<[n, 2], f64>) -> (!gradus.array<[], f64>, !gradus.array<[n, 2], f64>) {
  ^bb0(%x: !gradus.array<[n, 2], f64>):
    %n = gradus.dim "n"
    %one = gradus.constant dense<1.0> : tensor<2xf64>
    %f = gradus.loop %n init(%one) : !gradus.array<[], i64>, (!gradus.array<[2], f64>) {
    ^bb0(%i: !gradus.array<[], i64>, %y: !gradus.array<[2], f64>):
      %b = gradus.broadcast %i axes [] : !gradus.array<[], i64> to !gradus.array<[2], i64>
      %j = gradus.iota 0 : !gradus.array<[2], i64>
      %row = gradus.gather %x[%b, %j] : !gradus.array<[n, 2], f64>, (!gradus.array<[2], i64>, !gradus.array<[2], i64>) -> !gradus.array<[2], f64>
      %m = gradus.mul %y, %row : !gradus.array<[2], f64>
      gradus.yield %m : !gradus.array<[2], f64>
    }
    %r = gradus.reduce sum %f axes [0] : !gradus.array<[2], f64> to !gradus.array<[], f64>
    gradus.yield %r : !gradus.array<[], f64>
  }
  gradus.return %v, %g : !gradus.array<[], f64>, !gradus.array<[n, 2], f64>
}

// -----

// How many passes there are must show in the sizes; the error names the path from the loss to the loop.
gradus.func loss @unbounded(%w: !gradus.array<[n], f64> {gradus.name = "w", gradus.role = #gradus.role<param>},
    // expected-note @+1 {{the number of passes is known in the call alone}}
    %k: !gradus.array<[], i64> {gradus.name = "k", gradus.role = #gradus.role<hyper>})
    -> (!gradus.array<[], f64> {gradus.name = "value", gradus.role = #gradus.role<value>}, !gradus.array<[n], f64> {gradus.name = "g", gradus.role = #gradus.role<grad>}) {
  // expected-note @+1 {{the gradient is asked for here}}
  %v, %g = gradus.grad (%w) : (!gradus.array<[n], f64>) -> (!gradus.array<[], f64>, !gradus.array<[n], f64>) {
  ^bb0(%x: !gradus.array<[n], f64>):
    // expected-error @+1 {{G0494: the derivative of a loop keeps what each pass began with, but the sizes do not tell how many passes there are}}
    %f = gradus.loop %k init(%x) : !gradus.array<[], i64>, (!gradus.array<[n], f64>) {
    ^bb0(%i: !gradus.array<[], i64>, %y: !gradus.array<[n], f64>):
      %e = gradus.exp %y : !gradus.array<[n], f64>
      gradus.yield %e : !gradus.array<[n], f64>
    }
    // expected-note @+1 {{which goes through 'gradus.mul'}}
    %m = gradus.mul %x, %f : !gradus.array<[n], f64>
    // expected-note @+1 {{which goes through 'gradus.reduce'}}
    %r = gradus.reduce sum %m axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>
    gradus.yield %r : !gradus.array<[], f64>
  }
  gradus.return %v, %g : !gradus.array<[], f64>, !gradus.array<[n], f64>
}

// -----

// What has no derivative in a loop is named with the path through it.
gradus.func loss @trigamma(%w: !gradus.array<[n], f64> {gradus.name = "w", gradus.role = #gradus.role<param>})
    -> (!gradus.array<[], f64> {gradus.name = "value", gradus.role = #gradus.role<value>}, !gradus.array<[n], f64> {gradus.name = "g", gradus.role = #gradus.role<grad>}) {
  // expected-note @+1 {{the gradient is asked for here}}
  %v, %g = gradus.grad (%w) : (!gradus.array<[n], f64>) -> (!gradus.array<[], f64>, !gradus.array<[n], f64>) {
  ^bb0(%x: !gradus.array<[n], f64>):
    %n = gradus.dim "n"
    // expected-note @+1 {{which goes through 'gradus.loop'}}
    %f = gradus.loop %n init(%x) : !gradus.array<[], i64>, (!gradus.array<[n], f64>) {
    ^bb0(%i: !gradus.array<[], i64>, %y: !gradus.array<[n], f64>):
      // expected-error @+2 {{G0850: no derivative of 'gradus.trigamma'}}
      // expected-note @+1 {{and needs the derivative of 'gradus.trigamma'; 'stop' makes it a constant}}
      %e = gradus.trigamma %y : !gradus.array<[n], f64>
      // expected-note @+1 {{which goes through 'gradus.mul'}}
      %m = gradus.mul %e, %y : !gradus.array<[n], f64>
      gradus.yield %m : !gradus.array<[n], f64>
    }
    // expected-note @+1 {{which goes through 'gradus.reduce'}}
    %r = gradus.reduce sum %f axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>
    gradus.yield %r : !gradus.array<[], f64>
  }
  gradus.return %v, %g : !gradus.array<[], f64>, !gradus.array<[n], f64>
}
