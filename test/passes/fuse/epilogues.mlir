// RUN: gradus-opt %s --gradus-fuse --remarks-filter=gradus-fuse --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s
// RUN: gradus-opt %s --gradus-fuse | FileCheck %s --check-prefix=PLAN
// RUN: gradus-opt %s --gradus-fuse=no-fuse | FileCheck %s --check-prefix=OFF
// Which kernels take a product unit by unit while it is in the cache, and why others do not.

!n = !gradus.array<[n], f32>
!h = !gradus.array<[h], f32>
!x = !gradus.array<[n, d], f32>
!u = !gradus.array<[d, h], f32>
!z = !gradus.array<[n, h], f32>

// OFF-NOT: gradus.epilogue

// A bias is repeated along the rows; the product is read at its own point.
// CHECK: [Passed] fused | Category:gradus-fuse | Function=layer
// CHECK: kernel 1 is the epilogue of kernel 0: each unit of '#0.0' goes through it in the cache and is never written to memory, 8 bytes an element less
// PLAN-LABEL: @layer
// PLAN: %[[Z:.*]] = gradus.kernel over [n, h](
// PLAN: gradus.kernel over [n, h](%[[B:.*]], %[[Z]]) {gradus.epilogue = 1 : i64}
gradus.func fn @layer(%x: !x {gradus.name = "x", gradus.role = #gradus.role<data>}, %u: !u {gradus.name = "u", gradus.role = #gradus.role<data>},
    %b: !h {gradus.name = "b", gradus.role = #gradus.role<data>}) -> (!z {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %z = gradus.contract %x [0, 1], %u [1, 2] -> [0, 2] : !x, !u -> !z
  %bb = gradus.broadcast %b axes [1] : !h to !z
  %s = gradus.add %z, %bb : !z
  %y = gradus.tanh %s : !z
  gradus.return %y : !z
}

// CHECK: [Missed] not-fused | Category:gradus-fuse | Function=is_summed
// CHECK: kernel 1 is no epilogue of kernel 0: a reduction waits for the whole product
gradus.func fn @is_summed(%x: !x {gradus.name = "x", gradus.role = #gradus.role<data>}, %u: !u {gradus.name = "u", gradus.role = #gradus.role<data>})
    -> (!h {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %z = gradus.contract %x [0, 1], %u [1, 2] -> [0, 2] : !x, !u -> !z
  %e = gradus.exp %z : !z
  %y = gradus.reduce sum %e axes [0] : !z to !h
  gradus.return %y : !h
}

// CHECK: [Missed] not-fused | Category:gradus-fuse | Function=is_turned
// CHECK: kernel 1 is no epilogue of kernel 0: the product is read at other points than its own
gradus.func fn @is_turned(%x: !x {gradus.name = "x", gradus.role = #gradus.role<data>}, %u: !x {gradus.name = "u", gradus.role = #gradus.role<data>})
    -> (!gradus.array<[n, n], f32> {gradus.name = "y", gradus.role = #gradus.role<value>}, !gradus.array<[n, n], f32> {gradus.name = "z", gradus.role = #gradus.role<value>}) {
  %z = gradus.contract %x [0, 1], %u [2, 1] -> [0, 2] : !x, !x -> !gradus.array<[n, n], f32>
  %t = gradus.transpose %z permutation [1, 0] : !gradus.array<[n, n], f32> to !gradus.array<[n, n], f32>
  %y = gradus.exp %t : !gradus.array<[n, n], f32>
  gradus.return %y, %z : !gradus.array<[n, n], f32>, !gradus.array<[n, n], f32>
}

// A unit of the next value must not be there while another unit of the product reads the old one.
// CHECK: [Missed] not-fused | Category:gradus-fuse | Function=replaces_its_operand
// CHECK: kernel 1 is no epilogue of kernel 0: what the product reads is written over meanwhile
gradus.func rule_step @replaces_its_operand(%w: !gradus.array<[n, n], f32> {gradus.name = "w", gradus.role = #gradus.role<param>})
    -> (!gradus.array<[n, n], f32> {gradus.name = "w", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}) {
  %z = gradus.contract %w [0, 1], %w [1, 2] -> [0, 2] : !gradus.array<[n, n], f32>, !gradus.array<[n, n], f32> -> !gradus.array<[n, n], f32>
  %y = gradus.tanh %z : !gradus.array<[n, n], f32>
  gradus.return %y : !gradus.array<[n, n], f32>
}

// The same where a kernel between them does it.
// CHECK: [Missed] not-fused | Category:gradus-fuse | Function=replaced_between
// CHECK: kernel 2 is no epilogue of kernel 0: what the product reads is written over meanwhile
gradus.func rule_step @replaced_between(%w: !gradus.array<[n, n], f32> {gradus.name = "w", gradus.role = #gradus.role<param>}, %v: !z {gradus.name = "v", gradus.role = #gradus.role<state>})
    -> (!gradus.array<[n, n], f32> {gradus.name = "w", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !z {gradus.name = "v", gradus.of = 1 : i64, gradus.role = #gradus.role<next>}) {
  %z = gradus.contract %w [0, 1], %v [1, 2] -> [0, 2] : !gradus.array<[n, n], f32>, !z -> !z
  %x = gradus.tanh %w : !gradus.array<[n, n], f32>
  %y = gradus.tanh %z : !z
  gradus.return %x, %y : !gradus.array<[n, n], f32>, !z
}

// PLAN-LABEL: @sum_of_two
// PLAN: {gradus.epilogue = 0 : i64}
// PLAN-NOT: gradus.epilogue =
// Two products: the first one that the kernel reads goes through it, the other one is an array.
// CHECK: [Passed] fused | Category:gradus-fuse | Function=sum_of_two
// CHECK: kernel 2 is the epilogue of kernel 0
// CHECK: [Missed] not-fused | Category:gradus-fuse | Function=sum_of_two
// CHECK: kernel 2 is no epilogue of kernel 1: it is the epilogue of another one
gradus.func fn @sum_of_two(%x: !x {gradus.name = "x", gradus.role = #gradus.role<data>}, %u: !u {gradus.name = "u", gradus.role = #gradus.role<data>},
    %v: !u {gradus.name = "v", gradus.role = #gradus.role<data>}, %w: !x {gradus.name = "w", gradus.role = #gradus.role<data>}) -> (!z {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %a = gradus.contract %x [0, 1], %u [1, 2] -> [0, 2] : !x, !u -> !z
  %b = gradus.contract %w [0, 1], %v [1, 2] -> [0, 2] : !x, !u -> !z
  %y = gradus.add %a, %b : !z
  gradus.return %y : !z
}

// Each unit says of its points what no order changes; nobody else reads the product, and it is never an array.
// PLAN-LABEL: @is_asked
// PLAN: gradus.kernel over [n, h](%{{.*}}) {gradus.epilogue = 0 : i64}
// CHECK: [Passed] fused | Category:gradus-fuse | Function=is_asked
// CHECK: kernel 1 is the epilogue of kernel 0: each unit of '#0.0' goes through it in the cache and is never written to memory, 8 bytes an element less
gradus.func fn @is_asked(%x: !x {gradus.name = "x", gradus.role = #gradus.role<data>}, %u: !u {gradus.name = "u", gradus.role = #gradus.role<data>})
    -> (!gradus.array<[], i1> {gradus.name = "fine", gradus.role = #gradus.role<value>}, !gradus.array<[], f64> {gradus.name = "most", gradus.role = #gradus.role<value>}) {
  %z = gradus.contract %x [0, 1], %u [1, 2] -> [0, 2] : !x, !u -> !z
  %e = gradus.compare eq %z, %z : !z -> !gradus.array<[n, h], i1>
  %fine = gradus.reduce all %e axes [0, 1] : !gradus.array<[n, h], i1> to !gradus.array<[], i1>
  %most = gradus.reduce max %z axes [0, 1] : !z to !gradus.array<[], f64>
  gradus.return %fine, %most : !gradus.array<[], i1>, !gradus.array<[], f64>
}

// Values of one domain that share no array have kernels of their own, so that each goes through the units of its product.
// PLAN-LABEL: @two_layers
// PLAN-COUNT-2: {gradus.epilogue = 0 : i64}
// CHECK: [Passed] fused | Category:gradus-fuse | Function=two_layers
// CHECK: kernel 2 is the epilogue of kernel 0
// CHECK: [Passed] fused | Category:gradus-fuse | Function=two_layers
// CHECK: kernel 3 is the epilogue of kernel 1
gradus.func fn @two_layers(%x: !x {gradus.name = "x", gradus.role = #gradus.role<data>}, %u: !u {gradus.name = "u", gradus.role = #gradus.role<data>},
    %r: !x {gradus.name = "r", gradus.role = #gradus.role<data>}, %v: !u {gradus.name = "v", gradus.role = #gradus.role<data>})
    -> (!z {gradus.name = "y", gradus.role = #gradus.role<value>}, !z {gradus.name = "w", gradus.role = #gradus.role<value>}) {
  %a = gradus.contract %x [0, 1], %u [1, 2] -> [0, 2] : !x, !u -> !z
  %b = gradus.contract %r [0, 1], %v [1, 2] -> [0, 2] : !x, !u -> !z
  %y = gradus.tanh %a : !z
  %w = gradus.tanh %b : !z
  gradus.return %y, %w : !z, !z
}

// CHECK: [Missed] not-fused | Category:gradus-fuse | Function=many_products
// CHECK: kernel 1 is no epilogue of kernel 0: the product has more axes than rows and columns
gradus.func fn @many_products(%x: !gradus.array<[b, n, d], f32> {gradus.name = "x", gradus.role = #gradus.role<data>},
    %u: !gradus.array<[b, d, h], f32> {gradus.name = "u", gradus.role = #gradus.role<data>}) -> (!gradus.array<[n, b, h], f32> {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %z = gradus.contract %x [0, 1, 2], %u [0, 2, 3] -> [1, 0, 3] : !gradus.array<[b, n, d], f32>, !gradus.array<[b, d, h], f32> -> !gradus.array<[n, b, h], f32>
  %y = gradus.tanh %z : !gradus.array<[n, b, h], f32>
  gradus.return %y : !gradus.array<[n, b, h], f32>
}
