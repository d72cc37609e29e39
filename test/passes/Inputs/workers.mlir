// Where workers meet, through every phase; with one worker. PreservationTest.cpp and AgainstReferenceTest.cpp read this file.
!s = !gradus.array<[], f64>
!i = !gradus.array<[], i64>
!n = !gradus.array<[n], f64>
!m = !gradus.array<[p, q], f32>

gradus.func fn @meet(%x: !n {gradus.name = "x", gradus.role = #gradus.role<input>}, %w: !m {gradus.name = "w", gradus.role = #gradus.role<input>}, %t: !i {gradus.name = "t", gradus.role = #gradus.role<time>}) -> (!n {gradus.name = "a", gradus.role = #gradus.role<value>}, !m {gradus.name = "b", gradus.role = #gradus.role<value>}, !s {gradus.name = "c", gradus.role = #gradus.role<value>}, !n {gradus.name = "d", gradus.role = #gradus.role<value>}) {
  %e = gradus.exp %x : !n
  %a = gradus.workers sum mean %e : !n
  %b = gradus.workers max %w : !m
  %r = gradus.reduce sum %a axes [0] : !n to !s
  %c = gradus.workers sum %r : !s
  %zero = gradus.constant dense<0> : tensor<i64>
  %two = gradus.constant dense<2> : tensor<i64>
  %f = gradus.exchange %x with %zero : !n, !i
  %d = gradus.every %two at %t keep(%f) : !i, (!n) {
    %g = gradus.workers prod %a : !n
    %h = gradus.add %g, %f : !n
    %k = gradus.workers min neighbours %h : !n
    gradus.yield %k : !n
  }
  gradus.return %a, %b, %c, %d : !n, !m, !s, !n
}
