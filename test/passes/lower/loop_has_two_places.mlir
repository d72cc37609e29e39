// RUN: gradus-opt %s --gradus-fuse --gradus-lower | FileCheck %s
// A pass writes the place that it does not read, and hands on its address: nothing is copied from pass to pass.

!i = !gradus.array<[], i64>
!n = !gradus.array<[n], f64>
gradus.func fn @waves(%x: !n {gradus.name = "x", gradus.role = #gradus.role<input>}, %k: !i {gradus.name = "k", gradus.role = #gradus.role<hyper>})
    -> (!n {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %y = gradus.loop %k init(%x) : !i, (!n) {
  ^bb0(%i: !i, %v: !n):
    %s = gradus.sin %v : !n
    gradus.yield %s : !n
  }
  gradus.return %y : !n
}

// CHECK-LABEL: llvm.func @waves__kernel(
// CHECK: scf.while (%{{.*}} = %{{.*}}, %[[X:.*]] = %{{.*}}) : (i64, !llvm.ptr) -> (i64, !llvm.ptr)
// CHECK: scf.condition
// CHECK: ^bb0(%{{.*}}: i64, %[[V:.*]]: !llvm.ptr):
// CHECK: %[[IS:.*]] = llvm.icmp "eq" %[[V]], %[[A:.*]] : !llvm.ptr
// CHECK: %[[TO:.*]] = arith.select %[[IS]], %{{.*}}, %[[A]] : !llvm.ptr
// CHECK-NOT: scf.for
// CHECK: scf.yield %{{.*}}, %[[TO]] : i64, !llvm.ptr
