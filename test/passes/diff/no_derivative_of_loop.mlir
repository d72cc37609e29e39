// RUN: gradus-opt %s --gradus-differentiate-phase --verify-diagnostics
// A loop between loss and parameter is refused, with the path from the loss to it.

gradus.func loss @loop(%w: !gradus.array<[n], f64> {gradus.name = "w", gradus.role = #gradus.role<param>})
    -> (!gradus.array<[], f64> {gradus.name = "value", gradus.role = #gradus.role<value>}, !gradus.array<[n], f64> {gradus.name = "g", gradus.role = #gradus.role<grad>}) {
  // expected-note @+1 {{the gradient is asked for here}}
  %v, %g = gradus.grad (%w) : (!gradus.array<[n], f64>) -> (!gradus.array<[], f64>, !gradus.array<[n], f64>) {
  ^bb0(%x: !gradus.array<[n], f64>):
    %n = gradus.dim "n"
    // expected-error @+2 {{G0850: no derivative of 'gradus.loop' in reverse: not built yet}}
    // expected-note @+1 {{and needs the derivative of 'gradus.loop'; 'stop' makes it a constant}}
    %f = gradus.loop %n init(%x) : !gradus.array<[], i64>, (!gradus.array<[n], f64>) {
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
