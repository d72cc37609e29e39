// RUN: gradus-opt %s --gradus-fuse --remarks-filter=gradus-fuse --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s
// RUN: gradus-opt %s --gradus-fuse | FileCheck %s --check-prefix=PLAN
// Which kernels take the units of a product that is an array all the same.

!x = !gradus.array<[n, d], f32>
!u = !gradus.array<[d, h], f32>
!z = !gradus.array<[n, h], f32>
!y = !gradus.array<[n, b, h], f32>

// A result is an array all the same; the epilogue finds its units in the cache.
// PLAN-LABEL: @is_a_result
// PLAN: {gradus.epilogue = 0 : i64}
// CHECK: [Passed] fused | Category:gradus-fuse | Function=is_a_result
// CHECK: kernel 1 is the epilogue of kernel 0: it reads each unit of '#0.0' while that is in the cache, 4 bytes an element less
gradus.func fn @is_a_result(%x: !x {gradus.name = "x", gradus.role = #gradus.role<data>}, %u: !u {gradus.name = "u", gradus.role = #gradus.role<data>})
    -> (!z {gradus.name = "z", gradus.role = #gradus.role<value>}, !z {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %z = gradus.contract %x [0, 1], %u [1, 2] -> [0, 2] : !x, !u -> !z
  %y = gradus.tanh %z : !z
  gradus.return %z, %y : !z, !z
}

// A sum has an order of its own, and what comes behind it finds no unit in the cache.
// PLAN-LABEL: @is_read_before
// PLAN-NOT: gradus.epilogue =
// CHECK: [Missed] not-fused | Category:gradus-fuse | Function=is_read_before
// CHECK: kernel 1 is no epilogue of kernel 0: a reduction waits for the whole product
// CHECK: [Missed] not-fused | Category:gradus-fuse | Function=is_read_before
// CHECK: kernel 2 is no epilogue of kernel 0: the product is read before
gradus.func fn @is_read_before(%x: !x {gradus.name = "x", gradus.role = #gradus.role<data>}, %u: !u {gradus.name = "u", gradus.role = #gradus.role<data>})
    -> (!z {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %z = gradus.contract %x [0, 1], %u [1, 2] -> [0, 2] : !x, !u -> !z
  %sum = gradus.reduce sum %z axes [0, 1] : !z to !gradus.array<[], f64>
  %total = gradus.cast %sum : !gradus.array<[], f64> to !gradus.array<[], f32>
  %wide = gradus.broadcast %total axes [] : !gradus.array<[], f32> to !z
  %y = gradus.div %z, %wide : !z
  gradus.return %y : !z
}

// Of two products the one that is an array for this kernel alone.
// PLAN-LABEL: @better_of_two
// PLAN: {gradus.epilogue = 1 : i64}
// CHECK: [Missed] not-fused | Category:gradus-fuse | Function=better_of_two
// CHECK: kernel 2 is no epilogue of kernel 0: it is the epilogue of another one
// CHECK: [Passed] fused | Category:gradus-fuse | Function=better_of_two
// CHECK: kernel 2 is the epilogue of kernel 1: each unit of '#1.0' goes through it in the cache and is never written to memory, 8 bytes an element less
gradus.func fn @better_of_two(%x: !x {gradus.name = "x", gradus.role = #gradus.role<data>}, %u: !u {gradus.name = "u", gradus.role = #gradus.role<data>},
    %v: !u {gradus.name = "v", gradus.role = #gradus.role<data>}, %w: !x {gradus.name = "w", gradus.role = #gradus.role<data>})
    -> (!z {gradus.name = "y", gradus.role = #gradus.role<value>}, !z {gradus.name = "a", gradus.role = #gradus.role<value>}) {
  %a = gradus.contract %x [0, 1], %u [1, 2] -> [0, 2] : !x, !u -> !z
  %b = gradus.contract %w [0, 1], %v [1, 2] -> [0, 2] : !x, !u -> !z
  %y = gradus.add %a, %b : !z
  gradus.return %y, %a : !z, !z
}

// What the guard looks at is an array, which the update reads then; the guard itself reads nothing from memory.
// PLAN-LABEL: @guarded
// PLAN: gradus.kernel over [d, h](%[[G:.*]]) {gradus.epilogue = 0 : i64}
// PLAN: gradus.kernel over [d, h](%{{.*}}, %[[G]]) :
// CHECK: [Passed] fused | Category:gradus-fuse | Function=guarded
// CHECK: kernel 1 is the epilogue of kernel 0: it reads each unit of '#0.0' while that is in the cache, 4 bytes an element less
// CHECK: [Missed] not-fused | Category:gradus-fuse | Function=guarded
// CHECK: kernel 2 is no epilogue of kernel 0: the product is read before
gradus.func train_step @guarded(%w: !u {gradus.name = "w", gradus.role = #gradus.role<param>}, %x: !x {gradus.name = "x", gradus.role = #gradus.role<data>}, %r: !z {gradus.name = "r", gradus.role = #gradus.role<data>})
    -> (!u {gradus.name = "w", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !gradus.array<[], i1> {gradus.guard = "the gradient of 'w'", gradus.name = "guard", gradus.role = #gradus.role<report>}) {
  %g = gradus.contract %x [0, 1], %r [0, 2] -> [1, 2] : !x, !z -> !u
  %d = gradus.sub %g, %g : !u
  %zero = gradus.constant dense<0.0> : tensor<f32>
  %zeros = gradus.broadcast %zero axes [] : !gradus.array<[], f32> to !u
  %e = gradus.compare eq %d, %zeros : !u -> !gradus.array<[d, h], i1>
  %fine = gradus.reduce all %e axes [0, 1] : !gradus.array<[d, h], i1> to !gradus.array<[], i1>
  %y = gradus.sub %w, %g : !u
  gradus.return %y, %fine : !u, !gradus.array<[], i1>
}

// Of more axes in place alone, where all arrays are met point by point.
// PLAN-LABEL: @many_products_in_place
// PLAN: {gradus.epilogue = 0 : i64}
// CHECK: [Passed] fused | Category:gradus-fuse | Function=many_products_in_place
// CHECK: kernel 1 is the epilogue of kernel 0: it reads each unit of '#0.0' while that is in the cache, 4 bytes an element less
gradus.func fn @many_products_in_place(%x: !gradus.array<[b, n, d], f32> {gradus.name = "x", gradus.role = #gradus.role<data>},
    %u: !gradus.array<[b, d, h], f32> {gradus.name = "u", gradus.role = #gradus.role<data>})
    -> (!y {gradus.name = "y", gradus.role = #gradus.role<value>}, !y {gradus.name = "z", gradus.role = #gradus.role<value>}) {
  %z = gradus.contract %x [0, 1, 2], %u [0, 2, 3] -> [1, 0, 3] : !gradus.array<[b, n, d], f32>, !gradus.array<[b, d, h], f32> -> !y
  %y = gradus.tanh %z : !y
  gradus.return %y, %z : !y, !y
}
