// RUN: gradus-opt %s --verify-roundtrip | FileCheck %s
// A phase of one kernel prints and parses back.

// CHECK-LABEL: gradus.func rule_step @sum_of_squares
gradus.func rule_step @sum_of_squares(%g: !gradus.array<[w.numel], f32> {gradus.name = "g", gradus.role = #gradus.role<grad>})
    -> (!gradus.array<[], f64> {gradus.name = "s", gradus.role = #gradus.role<report>}) attributes {open} {
  // CHECK: gradus.phase {
  // CHECK: gradus.kernel over [w.numel](%{{.*}}) : (!gradus.array<[w.numel], f32>) -> !gradus.array<[], f64>
  %s = gradus.phase {
    %q = gradus.kernel over [w.numel] (%g) : (!gradus.array<[w.numel], f32>) -> (!gradus.array<[], f64>) {
    ^bb0(%x: !gradus.array<[w.numel], f32>):
      %xx = gradus.mul %x, %x : !gradus.array<[w.numel], f32>
      %r = gradus.reduce sum %xx axes [0] : !gradus.array<[w.numel], f32> to !gradus.array<[], f64>
      gradus.yield %r : !gradus.array<[], f64>
    }
    gradus.yield %q : !gradus.array<[], f64>
  } -> (!gradus.array<[], f64>)
  // CHECK: gradus.all_reduce sum
  %t = gradus.all_reduce sum %s : !gradus.array<[], f64>
  gradus.return %t : !gradus.array<[], f64>
}
