// RUN: gradus-opt %s --gradus-algebra | FileCheck %s
// Arithmetic of broadcast scalars is done once in f64 and rounded once.

// CHECK-LABEL: gradus.func fn @scalars
// CHECK-SAME: (%[[A:[^:]*]]: {{[^%]*}}%[[B:[^:]*]]: {{[^%]*}}%[[X:[^:]*]]:
// CHECK: %[[P:.*]] = gradus.mul %[[A]], %[[B]] : <[], f64>
// CHECK: %[[R:.*]] = gradus.cast %[[P]] : <[], f64> to <[], f32>
// CHECK: %[[W:.*]] = gradus.broadcast %[[R]] axes []
// CHECK: gradus.mul %[[W]], %[[X]]
gradus.func fn @scalars(%a: !gradus.array<[], f64> {gradus.name = "a", gradus.role = #gradus.role<data>}, %b: !gradus.array<[], f64> {gradus.name = "b", gradus.role = #gradus.role<data>}, %x: !gradus.array<[n], f32> {gradus.name = "x", gradus.role = #gradus.role<data>}) -> (!gradus.array<[n], f32> {gradus.name = "r0", gradus.role = #gradus.role<value>}) {
  %ca = gradus.cast %a : !gradus.array<[], f64> to !gradus.array<[], f32>
  %cb = gradus.cast %b : !gradus.array<[], f64> to !gradus.array<[], f32>
  %ba = gradus.broadcast %ca axes [] : !gradus.array<[], f32> to !gradus.array<[n], f32>
  %bb = gradus.broadcast %cb axes [] : !gradus.array<[], f32> to !gradus.array<[n], f32>
  %p = gradus.mul %ba, %bb : !gradus.array<[n], f32>
  %r = gradus.mul %p, %x : !gradus.array<[n], f32>
  gradus.return %r : !gradus.array<[n], f32>
}

// A vector along an axis meets a scalar before it is repeated.
// CHECK-LABEL: gradus.func fn @rows
// CHECK: %[[E:.*]] = gradus.exp %{{.*}} : <[n], f32>
// CHECK: %[[W:.*]] = gradus.broadcast %[[E]] axes [0]
// CHECK: gradus.return %[[W]]
gradus.func fn @rows(%x: !gradus.array<[n], f32> {gradus.name = "x", gradus.role = #gradus.role<data>}) -> (!gradus.array<[n, c], f32> {gradus.name = "r0", gradus.role = #gradus.role<value>}) {
  %b = gradus.broadcast %x axes [0] : !gradus.array<[n], f32> to !gradus.array<[n, c], f32>
  %r = gradus.exp %b : !gradus.array<[n, c], f32>
  gradus.return %r : !gradus.array<[n, c], f32>
}


// So are comparisons, but for those of rank-0 values alone, which are compared as rounded.
// CHECK-LABEL: gradus.func fn @compared
// CHECK: %[[C:.*]] = gradus.compare eq %{{.*}}, %{{.*}} : <[n], f32> -> <[n], i1>
// CHECK: %[[W:.*]] = gradus.broadcast %[[C]] axes [0]
// CHECK: %[[V:.*]] = gradus.compare lt %{{.*}}, %{{.*}} : <[n, c], f32> -> <[n, c], i1>
// CHECK: gradus.return %[[W]], %[[V]]
gradus.func fn @compared(%a: !gradus.array<[], f32> {gradus.name = "a", gradus.role = #gradus.role<data>}, %x: !gradus.array<[n], f32> {gradus.name = "x", gradus.role = #gradus.role<data>}) -> (!gradus.array<[n, c], i1> {gradus.name = "r0", gradus.role = #gradus.role<value>}, !gradus.array<[n, c], i1> {gradus.name = "r1", gradus.role = #gradus.role<value>}) {
  %k = gradus.constant dense<0.0> : tensor<f32>
  %zero = gradus.broadcast %k axes [] : !gradus.array<[], f32> to !gradus.array<[n, c], f32>
  %wide = gradus.broadcast %a axes [] : !gradus.array<[], f32> to !gradus.array<[n, c], f32>
  %b = gradus.broadcast %x axes [0] : !gradus.array<[n], f32> to !gradus.array<[n, c], f32>
  %r = gradus.compare eq %b, %zero : !gradus.array<[n, c], f32> -> !gradus.array<[n, c], i1>
  %s = gradus.compare lt %wide, %zero : !gradus.array<[n, c], f32> -> !gradus.array<[n, c], i1>
  gradus.return %r, %s : !gradus.array<[n, c], i1>, !gradus.array<[n, c], i1>
}
