// RUN: gradus-opt %s --gradus-fuse-phase --gradus-lower-gpu --split-input-file --verify-diagnostics
// What has no GPU form yet is an error at the operation, and names it.

!m = !gradus.array<[n, n], f32>
!s = !gradus.array<[], i1>
gradus.func fn @triangle(%a: !m {gradus.name = "a", gradus.role = #gradus.role<data>}) -> (!m {gradus.name = "l", gradus.role = #gradus.role<value>}) {
  // expected-error @+1 {{G0932: no GPU form yet: 'gradus.cholesky'; build this entry for the CPU}}
  %l, %ok = gradus.cholesky %a : !m, !s
  gradus.return %l : !m
}

// -----

!v = !gradus.array<[n], f32>
!k = !gradus.array<[], i64>
gradus.func fn @repeated(%x: !v {gradus.name = "x", gradus.role = #gradus.role<data>}, %k: !k {gradus.name = "k", gradus.role = #gradus.role<data>})
    -> (!v {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  // expected-error @+1 {{G0932: no GPU form yet: a loop over arrays whose passes the host cannot count; build this entry for the CPU}}
  %y = gradus.loop %k init(%x) : !k, (!v) {
  ^bb0(%i: !k, %c: !v):
    %s = gradus.mul %c, %c : !v
    gradus.yield %s : !v
  }
  gradus.return %y : !v
}

// -----

!v = !gradus.array<[n], f32>
!k = !gradus.array<[], i64>
!b = !gradus.array<[], i1>
!s = !gradus.array<[], f64>
gradus.func fn @patient(%x: !v {gradus.name = "x", gradus.role = #gradus.role<data>}) -> (!v {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %k = gradus.constant dense<10000> : tensor<i64>
  %bound = gradus.constant dense<1.0> : tensor<f64>
  // expected-error @+1 {{G0932: no GPU form yet: a loop that data ends and that may have 10000 passes, all of which would be launched; build this entry for the CPU}}
  %y = gradus.loop %k init(%x) : !k, (!v) {
  ^bb0(%i: !k, %c: !v):
    %s = gradus.mul %c, %c : !v
    gradus.yield %s : !v
  } while {
  ^bb0(%i: !k, %c: !v):
    %t = gradus.reduce sum %c axes [0] : !v to !s
    %p = gradus.compare lt %t, %bound : !s -> !b
    gradus.yield %p : !b
  }
  gradus.return %y : !v
}
