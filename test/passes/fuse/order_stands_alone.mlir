// RUN: gradus-opt %s --gradus-fuse | FileCheck %s
// A sort and a recurrence stand alone and read what other kernels have stored; numbers go back into the region.

// CHECK-LABEL: gradus.func fn @sorted
// CHECK: [[V:%.*]] = gradus.kernel over [n]
// CHECK: gradus.exp
// CHECK: [[S:%.*]]:2 = gradus.kernel over [n]([[V]])
// CHECK: [[A:%.*]], [[B:%.*]] = gradus.sort
// CHECK-NEXT: gradus.yield [[A]], [[B]]
gradus.func fn @sorted(%x: !gradus.array<[n], f32> {gradus.name = "x", gradus.role = #gradus.role<input>})
    -> (!gradus.array<[n], f32> {gradus.name = "v", gradus.role = #gradus.role<report>}, !gradus.array<[n], i64> {gradus.name = "o", gradus.role = #gradus.role<report>}) {
  %e = gradus.exp %x : !gradus.array<[n], f32>
  %v, %o = gradus.sort %e axis 0 : !gradus.array<[n], f32>, !gradus.array<[n], i64>
  gradus.return %v, %o : !gradus.array<[n], f32>, !gradus.array<[n], i64>
}

// CHECK-LABEL: gradus.func fn @recurrence
// CHECK: gradus.kernel over [n]
// CHECK: gradus.scan
// CHECK: ^bb0
// CHECK-NEXT: gradus.constant dense<5.000000e-01>
// CHECK-NEXT: gradus.mul
gradus.func fn @recurrence(%x: !gradus.array<[n], f64> {gradus.name = "x", gradus.role = #gradus.role<input>})
    -> (!gradus.array<[n], f64> {gradus.name = "a", gradus.role = #gradus.role<report>}) {
  %half = gradus.constant dense<0.5> : tensor<f64>
  %a = gradus.scan (%x) init(%half) : (!gradus.array<[n], f64>), (!gradus.array<[], f64>) -> !gradus.array<[n], f64> {
  ^bb0(%k: !gradus.array<[], i64>, %u: !gradus.array<[], f64>, %p: !gradus.array<[], f64>):
    %q = gradus.mul %p, %half : !gradus.array<[], f64>
    %r = gradus.add %q, %u : !gradus.array<[], f64>
    gradus.yield %r : !gradus.array<[], f64>
  }
  gradus.return %a : !gradus.array<[n], f64>
}
