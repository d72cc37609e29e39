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
