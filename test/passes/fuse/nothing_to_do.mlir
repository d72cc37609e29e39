// RUN: gradus-opt %s --gradus-fuse | FileCheck %s
// RUN: gradus-opt %s --gradus-fuse --gradus-fuse | FileCheck %s
// A schedule has only rank-0 operations, a test is left alone, and an argument that a step does not change stays where it is.

!s = !gradus.array<[], f64>

// CHECK-LABEL: gradus.func schedule @half
// CHECK-NOT: gradus.phase
// CHECK: gradus.return
gradus.func schedule @half(%t: !gradus.array<[], i64> {gradus.name = "t", gradus.role = #gradus.role<time>})
    -> (!s {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %x = gradus.cast %t : !gradus.array<[], i64> to !s
  %h = gradus.constant dense<0.5> : tensor<f64>
  %y = gradus.mul %x, %h : !s
  gradus.return %y : !s
}

// CHECK-LABEL: gradus.func test @"one is one"
// CHECK-NOT: gradus.kernel
// CHECK: gradus.expect
gradus.func test @"one is one"() {
  %a = gradus.constant dense<[1.0, 1.0]> : tensor<2xf64>
  %c = gradus.compare eq %a, %a : !gradus.array<[2], f64> -> !gradus.array<[2], i1>
  gradus.expect %c "a == a" : !gradus.array<[2], i1>
  gradus.return
}

// CHECK-LABEL: gradus.func rule_step @still.step
// CHECK-SAME: (%[[W:.*]]: !gradus.array<[w.numel], f32> {gradus.name = "w"
// CHECK-NEXT: gradus.return %[[W]]
gradus.func rule_step @still.step(%w: !gradus.array<[w.numel], f32> {gradus.name = "w", gradus.role = #gradus.role<param>})
    -> (!gradus.array<[w.numel], f32> {gradus.name = "w", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  gradus.return %w : !gradus.array<[w.numel], f32>
}
