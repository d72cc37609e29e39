// RUN: gradus-opt %s --gradus-differentiate-phase --canonicalize --cse | FileCheck %s
// Twelve squarings in a chain: the derivative has a constant number of products for each, not 2^12.

// CHECK-LABEL: gradus.func loss @chain
// CHECK-COUNT-24: gradus.mul
// CHECK-NOT: gradus.mul
gradus.func loss @chain(%w: !gradus.array<[n], f64> {gradus.name = "w", gradus.role = #gradus.role<param>})
    -> (!gradus.array<[], f64> {gradus.name = "value", gradus.role = #gradus.role<value>}, !gradus.array<[n], f64> {gradus.name = "g", gradus.role = #gradus.role<grad>}) {
  %v, %g = gradus.grad (%w) : (!gradus.array<[n], f64>) -> (!gradus.array<[], f64>, !gradus.array<[n], f64>) {
  ^bb0(%x: !gradus.array<[n], f64>):
    %s0 = gradus.mul %x, %x : !gradus.array<[n], f64>
    %s1 = gradus.mul %s0, %s0 : !gradus.array<[n], f64>
    %s2 = gradus.mul %s1, %s1 : !gradus.array<[n], f64>
    %s3 = gradus.mul %s2, %s2 : !gradus.array<[n], f64>
    %s4 = gradus.mul %s3, %s3 : !gradus.array<[n], f64>
    %s5 = gradus.mul %s4, %s4 : !gradus.array<[n], f64>
    %s6 = gradus.mul %s5, %s5 : !gradus.array<[n], f64>
    %s7 = gradus.mul %s6, %s6 : !gradus.array<[n], f64>
    %s8 = gradus.mul %s7, %s7 : !gradus.array<[n], f64>
    %s9 = gradus.mul %s8, %s8 : !gradus.array<[n], f64>
    %s10 = gradus.mul %s9, %s9 : !gradus.array<[n], f64>
    %s11 = gradus.mul %s10, %s10 : !gradus.array<[n], f64>
    %r = gradus.reduce sum %s11 axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>
    gradus.yield %r : !gradus.array<[], f64>
  }
  gradus.return %v, %g : !gradus.array<[], f64>, !gradus.array<[n], f64>
}
