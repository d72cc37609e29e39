// RUN: gradus-opt %s --gradus-fuse | FileCheck %s
// A factorization stands alone, over the elements of its matrices, and yields the results that are read.

// CHECK-LABEL: gradus.func fn @factored
// CHECK: [[G:%.*]] = gradus.kernel over [b, n, n]
// CHECK: gradus.exp
// CHECK: [[L:%.*]]:2 = gradus.kernel over [b, n, n]([[G]])
// CHECK: [[A:%.*]], [[B:%.*]] = gradus.cholesky
// CHECK-NEXT: gradus.yield [[A]], [[B]]
// CHECK: gradus.kernel over [b, n, n]([[L]]#0)
// CHECK: [[V:%.*]], {{%.*}} = gradus.logdet
// CHECK-NEXT: gradus.yield [[V]]
gradus.func fn @factored(%x: !gradus.array<[b, n, n], f32> {gradus.name = "x", gradus.role = #gradus.role<input>})
    -> (!gradus.array<[b], i1> {gradus.name = "ok", gradus.role = #gradus.role<report>}, !gradus.array<[b], f32> {gradus.name = "v", gradus.role = #gradus.role<report>}) {
  %e = gradus.exp %x : !gradus.array<[b, n, n], f32>
  %l, %ok = gradus.cholesky %e : !gradus.array<[b, n, n], f32>, !gradus.array<[b], i1>
  %v, %s = gradus.logdet %l : !gradus.array<[b, n, n], f32>, !gradus.array<[b], f32>
  gradus.return %ok, %v : !gradus.array<[b], i1>, !gradus.array<[b], f32>
}
