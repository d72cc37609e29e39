// RUN: gradus-opt %s --gradus-algebra --cse | FileCheck %s
// Identities that hold for every argument, signed zeros included; x + 0 is none.

// CHECK-LABEL: gradus.func fn @identities
// CHECK-SAME: (%[[X:[^:]*]]: {{[^%]*}}%[[Y:[^:]*]]:
// CHECK: %[[NEG:.*]] = gradus.sub %[[Y]], %[[X]]
// CHECK: %[[XY:.*]] = gradus.mul %[[X]], %[[Y]]
// CHECK: %[[ZERO:.*]] = gradus.add %[[X]], %{{.*}}
// CHECK: %[[TWO:.*]] = gradus.mul %{{.*}}, %[[X]]
// CHECK: gradus.return %[[X]], %[[X]], %[[NEG]], %[[XY]], %[[ZERO]], %[[TWO]]
gradus.func fn @identities(%x: !gradus.array<[n], f64> {gradus.name = "x", gradus.role = #gradus.role<data>}, %y: !gradus.array<[n], f64> {gradus.name = "y", gradus.role = #gradus.role<data>}) -> (!gradus.array<[n], f64> {gradus.name = "r0", gradus.role = #gradus.role<value>}, !gradus.array<[n], f64> {gradus.name = "r1", gradus.role = #gradus.role<value>}, !gradus.array<[n], f64> {gradus.name = "r2", gradus.role = #gradus.role<value>}, !gradus.array<[n], f64> {gradus.name = "r3", gradus.role = #gradus.role<value>}, !gradus.array<[n], f64> {gradus.name = "r4", gradus.role = #gradus.role<value>}, !gradus.array<[n], f64> {gradus.name = "r5", gradus.role = #gradus.role<value>}) {
  %k = gradus.constant dense<1.0> : tensor<f64>
  %one = gradus.broadcast %k axes [] : !gradus.array<[], f64> to !gradus.array<[n], f64>
  
  %k0 = gradus.constant dense<0.0> : tensor<f64>
  %zero = gradus.broadcast %k0 axes [] : !gradus.array<[], f64> to !gradus.array<[n], f64>
  %m = gradus.mul %one, %x : !gradus.array<[n], f64>
  %s = gradus.sub %x, %zero : !gradus.array<[n], f64>
  %nx = gradus.neg %x : !gradus.array<[n], f64>
  %ny = gradus.neg %y : !gradus.array<[n], f64>
  %n = gradus.add %nx, %y : !gradus.array<[n], f64>
  %p = gradus.mul %nx, %ny : !gradus.array<[n], f64>
  %z = gradus.add %x, %zero : !gradus.array<[n], f64>
  %t = gradus.add %x, %x : !gradus.array<[n], f64>
  gradus.return %m, %s, %n, %p, %z, %t : !gradus.array<[n], f64>, !gradus.array<[n], f64>, !gradus.array<[n], f64>, !gradus.array<[n], f64>, !gradus.array<[n], f64>, !gradus.array<[n], f64>
}

