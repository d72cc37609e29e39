// RUN: gradus-opt %s --gradus-reciprocal | FileCheck %s
// An array divided by a scalar is multiplied by its reciprocal, rounded from f64; by an array it is divided.

// CHECK-LABEL: gradus.func fn @divisions
// CHECK-SAME: (%[[X:[^:]*]]: {{[^%]*}}%[[S:[^:]*]]:
// CHECK: %[[R:.*]] = gradus.div %{{.*}}, %[[S]] : <[], f64>
// CHECK: %[[C:.*]] = gradus.cast %[[R]] : <[], f64> to <[], f32>
// CHECK: %[[B:.*]] = gradus.broadcast %[[C]] axes []
// CHECK: gradus.mul %[[X]], %[[B]]
// CHECK: gradus.div %{{.*}}, %[[X]]
gradus.func fn @divisions(%x: !gradus.array<[n], f32> {gradus.name = "x", gradus.role = #gradus.role<data>}, %s: !gradus.array<[], f64> {gradus.name = "s", gradus.role = #gradus.role<data>}) -> (!gradus.array<[n], f32> {gradus.name = "r0", gradus.role = #gradus.role<value>}) {
  %c = gradus.cast %s : !gradus.array<[], f64> to !gradus.array<[], f32>
  %b = gradus.broadcast %c axes [] : !gradus.array<[], f32> to !gradus.array<[n], f32>
  %q = gradus.div %x, %b : !gradus.array<[n], f32>
  %r = gradus.div %q, %x : !gradus.array<[n], f32>
  gradus.return %r : !gradus.array<[n], f32>
}

