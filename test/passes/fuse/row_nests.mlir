// RUN: gradus-opt %s --gradus-fuse --remarks-filter=gradus-fuse --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s
// Which kernels go through their rows together, and why.

!s = !gradus.array<[], f64>
!n = !gradus.array<[n], f32>
!d = !gradus.array<[d], f32>
!x = !gradus.array<[n, d], f32>

// A row and its exponentials are met twice, and the row comes from memory once.
// CHECK: [Passed] nested | Category:gradus-fuse | Function=softmax
// CHECK-SAME: kernels 0, 1, 2 go through the rows [n] together, block by block: 'x' is moved 1 time less, '#1.0' is moved 1 time less
gradus.func fn @softmax(%x: !x {gradus.name = "x", gradus.role = #gradus.role<param>}) -> (!x {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %m = gradus.reduce max %x axes [1] : !x to !n
  %mb = gradus.broadcast %m axes [0] : !n to !x
  %c = gradus.sub %x, %mb : !x
  %e = gradus.exp %c : !x
  %s = gradus.reduce sum %e axes [1] : !x to !n
  %sb = gradus.broadcast %s axes [0] : !n to !x
  %y = gradus.div %e, %sb : !x
  gradus.return %y : !x
}

// The mean over all rows must be known before a row is taken from it: two passes over the data, whatever the order.
// CHECK-NOT: nested {{.*}}Function=centre
gradus.func fn @centre(%x: !x {gradus.name = "x", gradus.role = #gradus.role<param>}) -> (!x {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %m = gradus.reduce sum %x axes [0] : !x to !d
  %mb = gradus.broadcast %m axes [1] : !d to !x
  %y = gradus.sub %x, %mb : !x
  gradus.return %y : !x
}

// Rows that are read at other places than their own.
// CHECK-NOT: nested {{.*}}Function=reversed
gradus.func fn @reversed(%x: !x {gradus.name = "x", gradus.role = #gradus.role<param>}, %p: !gradus.array<[n], i64> {gradus.name = "p", gradus.role = #gradus.role<data>})
    -> (!x {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %m = gradus.reduce max %x axes [1] : !x to !n
  %i = gradus.gather %m[%p] : !n, (!gradus.array<[n], i64>) -> !n
  %ib = gradus.broadcast %i axes [0] : !n to !x
  %y = gradus.sub %x, %ib : !x
  gradus.return %y : !x
}
