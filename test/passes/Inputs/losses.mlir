// Losses whose gradients go through every op that moves, adds or chooses elements. PreservationTest.cpp reads this file.
!s = !gradus.array<[], f64>
!i = !gradus.array<[], i64>
!n = !gradus.array<[n], f64>
!ni = !gradus.array<[n], i64>
!d = !gradus.array<[d], f64>
!c = !gradus.array<[c], f64>
!nd = !gradus.array<[n, d], f64>
!dn = !gradus.array<[d, n], f64>
!nc = !gradus.array<[n, c], f64>
!dc = !gradus.array<[d, c], f64>

gradus.func loss @softmax_regression(%w: !dc {gradus.name = "w", gradus.role = #gradus.role<param>}, %b: !c {gradus.name = "b", gradus.role = #gradus.role<param>},
    %x: !nd {gradus.name = "x", gradus.role = #gradus.role<data>}, %label: !ni {gradus.name = "label", gradus.role = #gradus.role<data>})
    -> (!s {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %xw = gradus.contract %x [0, 1], %w [1, 2] -> [0, 2] : !nd, !dc -> !nc
  %bb = gradus.broadcast %b axes [1] : !c to !nc
  %z = gradus.add %xw, %bb : !nc
  %l = gradus.logsumexp %z axes [1] : !nc to !n
  %row = gradus.iota 0 : !ni
  %p = gradus.gather %z[%row, %label] : !nc, (!ni, !ni) -> !n
  %e = gradus.sub %l, %p : !n
  %sum = gradus.reduce sum %e axes [0] : !n to !s
  %size = gradus.dim "n"
  %count = gradus.cast %size : !i to !s
  %mean = gradus.div %sum, %count : !s
  gradus.return %mean : !s
}

gradus.func loss @two_layers(%w: !dc {gradus.name = "w", gradus.role = #gradus.role<param>}, %v: !c {gradus.name = "v", gradus.role = #gradus.role<param>},
    %x: !nd {gradus.name = "x", gradus.role = #gradus.role<data>}, %y: !n {gradus.name = "y", gradus.role = #gradus.role<data>})
    -> (!s {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %zero = gradus.constant dense<0.0> : tensor<f64>
  %zeros = gradus.broadcast %zero axes [] : !s to !nc
  %h = gradus.contract %x [0, 1], %w [1, 2] -> [0, 2] : !nd, !dc -> !nc
  %t = gradus.tanh %h : !nc
  %r = gradus.max %zeros, %t : !nc
  %o = gradus.contract %r [0, 1], %v [1] -> [0] : !nc, !c -> !n
  %e = gradus.sub %o, %y : !n
  %two = gradus.constant dense<2> : tensor<i64>
  %q = gradus.int_pow %e, %two : !n, !i
  %sum = gradus.reduce sum %q axes [0] : !n to !s
  gradus.return %sum : !s
}

gradus.func loss @huber(%w: !n {gradus.name = "w", gradus.role = #gradus.role<param>}, %delta: !s {gradus.name = "delta", gradus.role = #gradus.role<hyper>, gradus.default = 1.0 : f64})
    -> (!s {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %d = gradus.broadcast %delta axes [] : !s to !n
  %a = gradus.abs %w : !n
  %c = gradus.compare le %a, %d : !n -> !gradus.array<[n], i1>
  %q = gradus.mul %w, %w : !n
  %root = gradus.sqrt %a : !n
  %y = gradus.select %c, %q, %root : !gradus.array<[n], i1>, !n
  %sum = gradus.reduce sum %y axes [0] : !n to !s
  gradus.return %sum : !s
}

gradus.func loss @extremes(%w: !nd {gradus.name = "w", gradus.role = #gradus.role<param>}) -> (!s {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %a = gradus.reduce max %w axes [0] : !nd to !d
  %b = gradus.reduce min %w axes [0] : !nd to !d
  %p = gradus.mul %a, %b : !d
  %m = gradus.reduce prod %p axes [0] : !d to !s
  %l = gradus.reduce min %w axes [0, 1] : !nd to !s
  %h = gradus.reduce max %w axes [0, 1] : !nd to !s
  %lh = gradus.mul %l, %h : !s
  %y = gradus.add %m, %lh : !s
  gradus.return %y : !s
}

gradus.func loss @norms(%w: !nd {gradus.name = "w", gradus.role = #gradus.role<param>}) -> (!s {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %a = gradus.norm %w axes [1] : !nd to !n
  %p = gradus.reduce prod %a axes [0] : !n to !s
  %b = gradus.norm %w axes [0, 1] : !nd to !s
  %l = gradus.logsumexp %w axes [0, 1] : !nd to !s
  %pb = gradus.div %p, %b : !s
  %y = gradus.mul %pb, %l : !s
  gradus.return %y : !s
}

gradus.func loss @moves(%w: !nd {gradus.name = "w", gradus.role = #gradus.role<param>}, %v: !gradus.array<[1, d], f64> {gradus.name = "v", gradus.role = #gradus.role<param>},
    %k: !ni {gradus.name = "k", gradus.role = #gradus.role<data>}) -> (!s {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %t = gradus.transpose %w permutation [1, 0] : !nd to !dn
  %sq = gradus.mul %t, %t : !dn
  %vb = gradus.broadcast %v axes [0, 1] : !gradus.array<[1, d], f64> to !nd
  %vt = gradus.transpose %vb permutation [1, 0] : !nd to !dn
  %z = gradus.mul %sq, %vt : !dn
  %flat = gradus.reshape %z : !dn to !gradus.array<[d, 1, n], f64>
  %e = gradus.sin %flat : !gradus.array<[d, 1, n], f64>
  %back = gradus.reshape %e : !gradus.array<[d, 1, n], f64> to !dn
  %rows = gradus.reduce sum %back axes [1] : !dn to !d
  %base = gradus.cos %rows : !d
  %updates = gradus.reduce sum %w axes [1] : !nd to !n
  %kd = gradus.reduce sum %w axes [0] : !nd to !d
  %y = gradus.scatter_add %base[%k], %updates : !d, (!ni), !n
  %r = gradus.mul %y, %kd : !d
  %s = gradus.reduce sum %r axes [0] : !d to !s
  gradus.return %s : !s
}

gradus.func loss @joined(%w: !n {gradus.name = "w", gradus.role = #gradus.role<param>}, %v: !n {gradus.name = "v", gradus.role = #gradus.role<param>},
    %k: !ni {gradus.name = "k", gradus.role = #gradus.role<data>}) -> (!s {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %j = gradus.concat %w, %v, %w axis 0 : (!n, !n, !n) -> !gradus.array<["3 * n"], f64>
  %e = gradus.sin %j : !gradus.array<["3 * n"], f64>
  %a = gradus.reduce sum %e axes [0] : !gradus.array<["3 * n"], f64> to !s
  %y = gradus.scatter %w[%k], %v : !n, (!ni), !n
  %q = gradus.mul %y, %y : !n
  %b = gradus.reduce sum %q axes [0] : !n to !s
  %s = gradus.add %a, %b : !s
  gradus.return %s : !s
}

gradus.func loss @stopped(%w: !n {gradus.name = "w", gradus.role = #gradus.role<param>}) -> (!s {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %f = gradus.stop %w : !n
  %b = gradus.sigmoid %w : !n
  %y = gradus.contract %f [0], %b [0] -> [] : !n, !n -> !s
  gradus.return %y : !s
}

gradus.func loss @narrow(%w: !gradus.array<[n], f32> {gradus.name = "w", gradus.role = #gradus.role<param>}, %lr: !s {gradus.name = "lr", gradus.role = #gradus.role<hyper>, gradus.default = 0.3 : f64})
    -> (!s {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %l = gradus.cast %lr : !s to !gradus.array<[], f32>
  %b = gradus.broadcast %l axes [] : !gradus.array<[], f32> to !gradus.array<[n], f32>
  %q = gradus.div %w, %b : !gradus.array<[n], f32>
  %e = gradus.softplus %q : !gradus.array<[n], f32>
  %s = gradus.reduce sum %e axes [0] : !gradus.array<[n], f32> to !s
  gradus.return %s : !s
}

// The gradient norm as a loss: a second derivative.
gradus.func loss @gradient_norm(%w: !n {gradus.name = "w", gradus.role = #gradus.role<param>}) -> (!s {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %value, %g = gradus.grad (%w) : (!n) -> (!s, !n) {
  ^bb0(%x: !n):
    %e = gradus.sin %x : !n
    %q = gradus.mul %e, %x : !n
    %t = gradus.mul %q, %w : !n
    %r = gradus.logsumexp %t axes [0] : !n to !s
    gradus.yield %r : !s
  }
  %y = gradus.norm %g axes [0] : !n to !s
  %z = gradus.mul %y, %value : !s
  gradus.return %z : !s
}

// What a function does along its own point: the derivative of a tangent.
gradus.func loss @slope_along(%w: !n {gradus.name = "w", gradus.role = #gradus.role<param>}) -> (!s {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %value, %t = gradus.jvp (%w) along (%w) : (!n), (!n) -> (!n), (!n) {
  ^bb0(%x: !n):
    %e = gradus.sin %x : !n
    %q = gradus.mul %e, %x : !n
    gradus.yield %q : !n
  }
  %p = gradus.mul %t, %value : !n
  %y = gradus.reduce sum %p axes [0] : !n to !s
  gradus.return %y : !s
}

// The value and, for the gradient, the place of the largest element: one pass finds both.
gradus.func loss @largest(%w: !n {gradus.name = "w", gradus.role = #gradus.role<param>}) -> (!s {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %d = gradus.add %w, %w : !n
  %y = gradus.reduce max %d axes [0] : !n to !s
  gradus.return %y : !s
}
