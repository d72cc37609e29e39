// RUN: gradus-opt %s --gradus-differentiate-phase --canonicalize --cse | FileCheck %s
// The derivative of sum(f(x)) is that of the second region, its value that of the first. What the region reads around it is a constant.

// CHECK-LABEL: gradus.func loss @own
// CHECK-NOT: gradus.custom
// CHECK: %[[Y:.*]] = gradus.exp
// CHECK: %[[V:.*]] = gradus.reduce  sum %[[Y]]
// CHECK: gradus.return %[[V]], %{{.*}}
gradus.func loss @own(%w: !gradus.array<[n], f64> {gradus.name = "w", gradus.role = #gradus.role<param>})
    -> (!gradus.array<[], f64> {gradus.name = "value", gradus.role = #gradus.role<value>}, !gradus.array<[n], f64> {gradus.name = "g", gradus.role = #gradus.role<grad>}) {
  %v, %g = gradus.grad (%w) : (!gradus.array<[n], f64>) -> (!gradus.array<[], f64>, !gradus.array<[n], f64>) {
  ^bb0(%x: !gradus.array<[n], f64>):
    %f = gradus.custom (%x) : (!gradus.array<[n], f64>) -> (!gradus.array<[n], f64>) {
    ^bb0(%a: !gradus.array<[n], f64>):
      %e = gradus.exp %a : !gradus.array<[n], f64>
      gradus.yield %e : !gradus.array<[n], f64>
    } derivative {
    ^bb0(%a: !gradus.array<[n], f64>, %b: !gradus.array<[n], f64>, %dy: !gradus.array<[n], f64>):
      %m = gradus.mul %a, %dy : !gradus.array<[n], f64>
      gradus.yield %m : !gradus.array<[n], f64>
    }
    %r = gradus.reduce sum %f axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>
    gradus.yield %r : !gradus.array<[], f64>
  }
  gradus.return %v, %g : !gradus.array<[], f64>, !gradus.array<[n], f64>
}

// The result in the derivative is that of the op: at second order it moves too, by the derivative. With y = sqrt(x) and dx = dy / (2 y), the gradient
// of the sum of the gradients divides by y once more.
// CHECK-LABEL: gradus.func loss @result
// CHECK: %[[Y:.*]] = gradus.sqrt
// CHECK-NOT: gradus.sqrt
// CHECK: %[[A:.*]] = gradus.add %[[Y]], %[[Y]]
// CHECK: gradus.div %{{.*}}, %[[A]]
// CHECK: gradus.div %{{.*}}, %[[A]]
// CHECK: gradus.div %{{.*}}, %[[A]]
gradus.func loss @result(%w: !gradus.array<[n], f64> {gradus.name = "w", gradus.role = #gradus.role<param>})
    -> (!gradus.array<[], f64> {gradus.name = "value", gradus.role = #gradus.role<value>}, !gradus.array<[n], f64> {gradus.name = "g", gradus.role = #gradus.role<grad>}) {
  %u, %h = gradus.grad (%w) : (!gradus.array<[n], f64>) -> (!gradus.array<[], f64>, !gradus.array<[n], f64>) {
  ^bb0(%p: !gradus.array<[n], f64>):
    %v, %g = gradus.grad (%p) : (!gradus.array<[n], f64>) -> (!gradus.array<[], f64>, !gradus.array<[n], f64>) {
    ^bb0(%x: !gradus.array<[n], f64>):
      %f = gradus.custom (%x) : (!gradus.array<[n], f64>) -> (!gradus.array<[n], f64>) {
      ^bb0(%a: !gradus.array<[n], f64>):
        %e = gradus.sqrt %a : !gradus.array<[n], f64>
        gradus.yield %e : !gradus.array<[n], f64>
      } derivative {
      ^bb0(%a: !gradus.array<[n], f64>, %b: !gradus.array<[n], f64>, %dy: !gradus.array<[n], f64>):
        %c = gradus.add %b, %b : !gradus.array<[n], f64>
        %m = gradus.div %dy, %c : !gradus.array<[n], f64>
        gradus.yield %m : !gradus.array<[n], f64>
      }
      %r = gradus.reduce sum %f axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>
      gradus.yield %r : !gradus.array<[], f64>
    }
    %s = gradus.reduce sum %g axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>
    gradus.yield %s : !gradus.array<[], f64>
  }
  gradus.return %u, %h : !gradus.array<[], f64>, !gradus.array<[n], f64>
}
