// RUN: gradus-opt %s --gradus-fuse --gradus-lower | FileCheck %s
// What a pass only scatters into, a history, has one place, that of what it begins with: a pass writes a row and copies nothing.

!i = !gradus.array<[], i64>
!d = !gradus.array<[d], f64>
!p = !gradus.array<[d], i64>
!h = !gradus.array<[t, d], f64>
gradus.func fn @history(%x: !d {gradus.name = "x", gradus.role = #gradus.role<input>}, %like: !h {gradus.name = "like", gradus.role = #gradus.role<input>})
    -> (!h {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %n = gradus.dim "t"
  %init = gradus.exp %like : !h
  %y = gradus.loop %n init(%init) : !i, (!h) {
  ^bb0(%i: !i, %v: !h):
    %b = gradus.broadcast %i axes [] : !i to !p
    %j = gradus.iota 0 : !p
    %s = gradus.scatter %v[%b, %j], %x in_bounds : !h, (!p, !p), !d
    gradus.yield %s : !h
  }
  gradus.return %y : !h
}

// CHECK-LABEL: llvm.func @history__kernel(
// CHECK: scf.while (%{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}) : (i64, !llvm.ptr) -> (i64, !llvm.ptr)
// CHECK: scf.condition
// CHECK: ^bb0(%{{.*}}: i64, %[[V:.*]]: !llvm.ptr):
// CHECK-NOT: arith.select
// CHECK-NOT: scf.for
// CHECK: scf.yield %{{.*}}, %[[V]] : i64, !llvm.ptr
