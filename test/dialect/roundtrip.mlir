// RUN: gradus-opt %s --verify-roundtrip | FileCheck %s
// Functions, regions and types print and parse back.

// CHECK-LABEL: gradus.func loss @half_square
// CHECK-SAME: %[[W:.*]]: !gradus.array<[n, 64], f32> {gradus.name = "w", gradus.role = #gradus.role<param>}
gradus.func loss @half_square(%w: !gradus.array<[n, 64], f32> {gradus.name = "w", gradus.role = #gradus.role<param>})
    -> (!gradus.array<[], f64> {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  // CHECK: gradus.mul %[[W]], %[[W]] : <[n, 64], f32>
  %s = gradus.mul %w, %w : !gradus.array<[n, 64], f32>
  %r = gradus.reduce sum %s axes [0, 1] : !gradus.array<[n, 64], f32> to !gradus.array<[], f64>
  // CHECK: gradus.constant dense<5.000000e-01> : tensor<f64>
  %h = gradus.constant dense<0.5> : tensor<f64>
  // CHECK: gradus.loop
  %n = gradus.dim "n"
  %l = gradus.loop %n init(%h) : !gradus.array<[], i64>, (!gradus.array<[], f64>) {
  ^bb0(%i: !gradus.array<[], i64>, %v: !gradus.array<[], f64>):
    %q = gradus.mul %v, %r : !gradus.array<[], f64>
    gradus.yield %q : !gradus.array<[], f64>
  }
  // CHECK: gradus.grad(%{{.*}}) : (!gradus.array<[], f64>) -> (!gradus.array<[], f64>, !gradus.array<[], f64>)
  %value, %d = gradus.grad (%h) : (!gradus.array<[], f64>) -> (!gradus.array<[], f64>, !gradus.array<[], f64>) {
  ^bb0(%v: !gradus.array<[], f64>):
    %q = gradus.mul %v, %l : !gradus.array<[], f64>
    gradus.yield %q : !gradus.array<[], f64>
  }
  // CHECK: gradus.jvp(%{{.*}}) along(%{{.*}}) : (!gradus.array<[], f64>), (!gradus.array<[], f64>) -> (!gradus.array<[], f64>), (!gradus.array<[], f64>)
  %y, %t = gradus.jvp (%h) along (%d) : (!gradus.array<[], f64>), (!gradus.array<[], f64>) -> (!gradus.array<[], f64>), (!gradus.array<[], f64>) {
  ^bb0(%v: !gradus.array<[], f64>):
    %q = gradus.mul %v, %v : !gradus.array<[], f64>
    gradus.yield %q : !gradus.array<[], f64>
  }
  gradus.return %t : !gradus.array<[], f64>
}

// CHECK-LABEL: gradus.func fn @blocks
// CHECK-SAME: !gradus.array<[n], !gradus.blocks<256>>
gradus.func fn @blocks(%x: !gradus.array<[n], !gradus.blocks<256>> {gradus.name = "x", gradus.role = #gradus.role<data>})
    -> (!gradus.array<[n], !gradus.blocks<16>> {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  // CHECK: gradus.cast %{{.*}} : <[n], !gradus.blocks<256>> to <[n], f32>
  %u = gradus.cast %x : !gradus.array<[n], !gradus.blocks<256>> to !gradus.array<[n], f32>
  // CHECK: gradus.encode %{{.*}} : <[n], f32> to <[n], !gradus.blocks<16>>
  %y = gradus.encode %u : !gradus.array<[n], f32> to !gradus.array<[n], !gradus.blocks<16>>
  gradus.return %y : !gradus.array<[n], !gradus.blocks<16>>
}

// CHECK-LABEL: gradus.func fn @stochastic
gradus.func fn @stochastic(%t: !gradus.array<[], i64> {gradus.name = "t", gradus.role = #gradus.role<time>},
                           %x: !gradus.array<[n], f32> {gradus.name = "x", gradus.role = #gradus.role<data>})
    -> (!gradus.array<[n], bf16> {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  // CHECK: gradus.draw bits "stochastic.y" at %{{.*}} : <[], i64> -> <[n], i32>
  %b = gradus.draw bits "stochastic.y" at %t : !gradus.array<[], i64> -> !gradus.array<[n], i32>
  // CHECK: gradus.stochastic_cast %{{.*}} by %{{.*}} : <[n], f32>, <[n], i32> to <[n], bf16>
  %y = gradus.stochastic_cast %x by %b : !gradus.array<[n], f32>, !gradus.array<[n], i32> to !gradus.array<[n], bf16>
  gradus.return %y : !gradus.array<[n], bf16>
}
