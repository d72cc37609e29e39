// RUN: gradus-opt %s --gradus-scatter-to-select | FileCheck %s
// One update a row becomes a choice by the index, if a gather checks the index; a scatter of rows stays.

!x = !gradus.array<[n, c], f32>
!n = !gradus.array<[n], f32>
!l = !gradus.array<[n], i64>

// CHECK-LABEL: gradus.func fn @checked
// CHECK-SAME: (%[[X:arg0]]: {{.*}}%[[U:arg1]]: {{.*}}%[[L:arg2]]: 
// CHECK: %[[K:.*]] = gradus.iota 1 : <[n, c], i64>
// CHECK: %[[LABEL:.*]] = gradus.broadcast %[[L]] axes [0]
// CHECK: %[[HERE:.*]] = gradus.compare eq %[[K]], %[[LABEL]]
// CHECK: %[[UPDATE:.*]] = gradus.broadcast %[[U]] axes [0]
// CHECK: %[[SUM:.*]] = gradus.add %[[X]], %[[UPDATE]]
// CHECK: %[[Y:.*]] = gradus.select %[[HERE]], %[[SUM]], %[[X]]
// CHECK-NOT: scatter_add
// CHECK: gradus.return %{{.*}}, %[[Y]]
gradus.func fn @checked(%x: !x {gradus.name = "x", gradus.role = #gradus.role<input>}, %u: !n {gradus.name = "u", gradus.role = #gradus.role<input>},
    %label: !l {gradus.name = "label", gradus.role = #gradus.role<data>})
    -> (!n {gradus.name = "z", gradus.role = #gradus.role<value>}, !x {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %i = gradus.iota 0 : !l
  %z = gradus.gather %x[%i, %label] : !x, (!l, !l) -> !n
  %y = gradus.scatter_add %x[%i, %label], %u : !x, (!l, !l), !n
  gradus.return %z, %y : !n, !x
}

// CHECK-LABEL: gradus.func fn @unchecked
// CHECK: gradus.scatter_add
gradus.func fn @unchecked(%x: !x {gradus.name = "x", gradus.role = #gradus.role<input>}, %u: !n {gradus.name = "u", gradus.role = #gradus.role<input>},
    %label: !l {gradus.name = "label", gradus.role = #gradus.role<data>})
    -> (!x {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %i = gradus.iota 0 : !l
  %y = gradus.scatter_add %x[%i, %label], %u : !x, (!l, !l), !n
  gradus.return %y : !x
}

// CHECK-LABEL: gradus.func fn @rows
// CHECK: gradus.scatter_add
gradus.func fn @rows(%x: !x {gradus.name = "x", gradus.role = #gradus.role<input>},
    %u: !gradus.array<[k, c], f32> {gradus.name = "u", gradus.role = #gradus.role<input>},
    %row: !gradus.array<[k, c], i64> {gradus.name = "row", gradus.role = #gradus.role<data>})
    -> (!gradus.array<[k, c], f32> {gradus.name = "z", gradus.role = #gradus.role<value>}, !x {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %j = gradus.iota 1 : !gradus.array<[k, c], i64>
  %z = gradus.gather %x[%row, %j] : !x, (!gradus.array<[k, c], i64>, !gradus.array<[k, c], i64>) -> !gradus.array<[k, c], f32>
  %y = gradus.scatter_add %x[%row, %j], %u : !x, (!gradus.array<[k, c], i64>, !gradus.array<[k, c], i64>), !gradus.array<[k, c], f32>
  gradus.return %z, %y : !gradus.array<[k, c], f32>, !x
}

// Sums of derivatives of slices: those that are beside each other are joined; what overlaps is added, and so are concats of zeros that somebody wrote.
!b = !gradus.array<[n, 2], f32>
!p = !gradus.array<[n, 2], i64>
!w = !gradus.array<[n, 6], f32>
!q = !gradus.array<[], i64>
// CHECK-LABEL: gradus.func fn @blocks
// CHECK-SAME: (%[[U:arg0]]: {{.*}}%[[V:arg1]]: 
// CHECK-NOT: padded
// CHECK: %[[APART:.*]] = gradus.concat %[[V]], %{{[^,]*}}, %[[U]] axis 1
// CHECK: %[[OVER:.*]] = gradus.add
// CHECK: %[[WRITTEN:.*]] = gradus.add
// CHECK: gradus.return %[[APART]], %[[OVER]], %[[WRITTEN]]
gradus.func fn @blocks(%u: !b {gradus.name = "u", gradus.role = #gradus.role<data>}, %v: !b {gradus.name = "v", gradus.role = #gradus.role<data>})
    -> (!w {gradus.name = "y", gradus.role = #gradus.role<value>}, !w {gradus.name = "z", gradus.role = #gradus.role<value>}, !w {gradus.name = "a", gradus.role = #gradus.role<value>}) {
  %k = gradus.constant dense<0.0> : tensor<f32>
  %zeros = gradus.broadcast %k axes [] : !gradus.array<[], f32> to !w
  %i = gradus.iota 0 : !p
  %j = gradus.iota 1 : !p
  %c3 = gradus.constant dense<3> : tensor<i64>
  %c4 = gradus.constant dense<4> : tensor<i64>
  %w3 = gradus.broadcast %c3 axes [] : !q to !p
  %w4 = gradus.broadcast %c4 axes [] : !q to !p
  %j3 = gradus.add %j, %w3 : !p
  %j4 = gradus.add %j, %w4 : !p
  %a = gradus.scatter_add %zeros[%i, %j4], %u : !w, (!p, !p), !b
  %b = gradus.scatter_add %zeros[%i, %j], %v : !w, (!p, !p), !b
  %c = gradus.scatter_add %zeros[%i, %j3], %v : !w, (!p, !p), !b
  %y = gradus.add %a, %b : !w
  %z = gradus.add %a, %c : !w
  %rest = gradus.broadcast %k axes [] : !gradus.array<[], f32> to !gradus.array<[n, 4], f32>
  %left = gradus.concat %u, %rest axis 1 : (!b, !gradus.array<[n, 4], f32>) -> !w
  %right = gradus.concat %rest, %v axis 1 : (!gradus.array<[n, 4], f32>, !b) -> !w
  %s = gradus.add %left, %right : !w
  gradus.return %y, %z, %s : !w, !w, !w
}
