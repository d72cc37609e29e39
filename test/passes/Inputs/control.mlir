// Regions that only the evaluator runs so far: no phase after differentiate takes them. PreservationTest.cpp reads this file.
!s = !gradus.array<[], f64>
!i = !gradus.array<[], i64>
!n = !gradus.array<[n], f64>

gradus.func fn @power_iteration(%x: !n {gradus.name = "x", gradus.role = #gradus.role<input>}, %t: !i {gradus.name = "t", gradus.role = #gradus.role<time>}) -> (!n {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %k = gradus.constant dense<3> : tensor<i64>
  %y = gradus.loop %k init(%x) : !i, (!n) {
  ^bb0(%j: !i, %v: !n):
    %norm = gradus.norm %v axes [0] : !n to !s
    %b = gradus.broadcast %norm axes [] : !s to !n
    %q = gradus.div %v, %b : !n
    gradus.yield %q : !n
  }
  %z = gradus.every %k at %t keep(%y) : !i, (!n) {
    %value, %g = gradus.grad (%y) : (!n) -> (!s, !n) {
    ^bb0(%v: !n):
      %e = gradus.expm1 %v : !n
      %r = gradus.reduce sum %e axes [0] : !n to !s
      gradus.yield %r : !s
    }
    gradus.yield %g : !n
  }
  gradus.return %z : !n
}
