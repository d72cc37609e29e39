// Factorizations: losses that are differentiated too, and a step in which each tensor has its own.
!s = !gradus.array<[], f64>
!m = !gradus.array<[n, c], f64>
!q = !gradus.array<[n, n], f64>
!b = !gradus.array<[], i1>

// X = (x x^T + 2 I)^-1 x by several ways, times w.
gradus.func loss @solved(%x: !m {gradus.name = "x", gradus.role = #gradus.role<param>}, %w: !m {gradus.name = "w", gradus.role = #gradus.role<data>})
    -> (!s {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %i = gradus.iota 0 : !gradus.array<[n, n], i64>
  %j = gradus.iota 1 : !gradus.array<[n, n], i64>
  %on = gradus.compare eq %i, %j : !gradus.array<[n, n], i64> -> !gradus.array<[n, n], i1>
  %two = gradus.constant dense<2.0> : tensor<f64>
  %twos = gradus.broadcast %two axes [] : !s to !q
  %none = gradus.sub %twos, %twos : !q
  %diagonal = gradus.select %on, %twos, %none : !gradus.array<[n, n], i1>, !q
  %p = gradus.contract %x [0, 1], %x [2, 1] -> [0, 2] : !m, !m -> !q
  %a = gradus.add %p, %diagonal : !q
  %l, %fine = gradus.cholesky %a : !q, !b
  %y, %ok1 = gradus.solve lower %l, %x : !q, !m, !b
  %z, %ok2 = gradus.solve lower %l, %y transposed : !q, !m, !b
  %u, %ok3 = gradus.solve general %a, %x transposed : !q, !m, !b
  %v, %ok4 = gradus.solve positive %a, %x : !q, !m, !b
  %t1 = gradus.add %z, %u : !m
  %t2 = gradus.mul %t1, %v : !m
  %t3 = gradus.mul %t2, %w : !m
  %r = gradus.reduce sum %t3 axes [0, 1] : !m to !s
  %d, %sign = gradus.logdet %a : !q, !s
  %e = gradus.mul %d, %sign : !s
  %sum = gradus.add %r, %e : !s
  %zero = gradus.sub %two, %two : !s
  %chosen = gradus.select %fine, %sum, %zero : !b, !s
  gradus.return %chosen : !s
}

// The orthogonal factor of x, by QR and by singular values; the eigenvalues of x^T x.
gradus.func loss @orthogonal(%x: !m {gradus.name = "x", gradus.role = #gradus.role<param>}, %w: !m {gradus.name = "w", gradus.role = #gradus.role<data>})
    -> (!s {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %q, %r = gradus.qr %x : !m -> !gradus.array<[n, "min(c, n)"], f64>, !gradus.array<["min(c, n)", c], f64>
  %sr = gradus.sin %r : !gradus.array<["min(c, n)", c], f64>
  %qr = gradus.contract %q [0, 1], %sr [1, 2] -> [0, 2] : !gradus.array<[n, "min(c, n)"], f64>, !gradus.array<["min(c, n)", c], f64> -> !m
  %u, %s, %v, %ok = gradus.svd %x : !m -> !gradus.array<[n, "min(c, n)"], f64>, !gradus.array<["min(c, n)"], f64>, !gradus.array<[c, "min(c, n)"], f64>, !b
  %uv = gradus.contract %u [0, 1], %v [2, 1] -> [0, 2] : !gradus.array<[n, "min(c, n)"], f64>, !gradus.array<[c, "min(c, n)"], f64> -> !m
  %t1 = gradus.add %qr, %uv : !m
  %t2 = gradus.mul %t1, %w : !m
  %a = gradus.reduce sum %t2 axes [0, 1] : !m to !s
  %g = gradus.contract %x [1, 0], %x [1, 2] -> [0, 2] : !m, !m -> !gradus.array<[c, c], f64>
  %e, %vectors, %fine = gradus.eigh %g : !gradus.array<[c, c], f64>, !gradus.array<[c], f64>, !b
  %se = gradus.sin %e : !gradus.array<[c], f64>
  %b = gradus.reduce sum %se axes [0] : !gradus.array<[c], f64> to !s
  %sum = gradus.add %a, %b : !s
  gradus.return %sum : !s
}

// A stack of matrices, in a loop and under a condition.
gradus.func fn @repeated(%x: !gradus.array<[b, n, n], f64> {gradus.name = "x", gradus.role = #gradus.role<input>})
    -> (!gradus.array<[b, n, n], f64> {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %i = gradus.iota 1 : !gradus.array<[b, n, n], i64>
  %j = gradus.iota 2 : !gradus.array<[b, n, n], i64>
  %on = gradus.compare eq %i, %j : !gradus.array<[b, n, n], i64> -> !gradus.array<[b, n, n], i1>
  %zeros = gradus.sub %x, %x : !gradus.array<[b, n, n], f64>
  %ones = gradus.exp %zeros : !gradus.array<[b, n, n], f64>
  %one = gradus.select %on, %ones, %zeros : !gradus.array<[b, n, n], i1>, !gradus.array<[b, n, n], f64>
  %three = gradus.constant dense<3> : tensor<i64>
  %y = gradus.loop %three init(%x) : !gradus.array<[], i64>, (!gradus.array<[b, n, n], f64>) {
  ^bb0(%k: !gradus.array<[], i64>, %v: !gradus.array<[b, n, n], f64>):
    %d, %sign = gradus.logdet %v : !gradus.array<[b, n, n], f64>, !gradus.array<[b], f64>
    %zero = gradus.sub %d, %d : !gradus.array<[b], f64>
    %c = gradus.compare ne %sign, %zero : !gradus.array<[b], f64> -> !gradus.array<[b], i1>
    %all = gradus.reduce all %c axes [0] : !gradus.array<[b], i1> to !b
    %next = gradus.if %all -> (!gradus.array<[b, n, n], f64>) {
      %w, %ok = gradus.solve general %v, %one transposed : !gradus.array<[b, n, n], f64>, !gradus.array<[b, n, n], f64>, !gradus.array<[b], i1>
      gradus.yield %w : !gradus.array<[b, n, n], f64>
    } else {
      gradus.yield %v : !gradus.array<[b, n, n], f64>
    }
    gradus.yield %next : !gradus.array<[b, n, n], f64>
  }
  gradus.return %y : !gradus.array<[b, n, n], f64>
}
