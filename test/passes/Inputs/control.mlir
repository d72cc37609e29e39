// Conditions and loops through every phase. PreservationTest.cpp and AgainstReferenceTest.cpp read this file.
!s = !gradus.array<[], f64>
!i = !gradus.array<[], i64>
!b = !gradus.array<[], i1>
!n = !gradus.array<[n], f64>
!m = !gradus.array<[p, q], f32>

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

// Two carried arrays change places; a third keeps what one of them was.
gradus.func fn @swap(%x: !n {gradus.name = "x", gradus.role = #gradus.role<input>}, %y: !n {gradus.name = "y", gradus.role = #gradus.role<input>}, %k: !i {gradus.name = "k", gradus.role = #gradus.role<hyper>}) -> (!n {gradus.name = "a", gradus.role = #gradus.role<value>}, !n {gradus.name = "b", gradus.role = #gradus.role<value>}, !n {gradus.name = "c", gradus.role = #gradus.role<value>}) {
  %a, %b, %c = gradus.loop %k init(%x, %y, %x) : !i, (!n, !n, !n) {
  ^bb0(%j: !i, %u: !n, %v: !n, %w: !n):
    %sum = gradus.add %u, %w : !n
    gradus.yield %v, %u, %sum : !n, !n, !n
  }
  gradus.return %a, %b, %c : !n, !n, !n
}

// A loop in a loop, and one that stops by its condition.
gradus.func fn @nested(%x: !n {gradus.name = "x", gradus.role = #gradus.role<input>}) -> (!n {gradus.name = "y", gradus.role = #gradus.role<value>}, !s {gradus.name = "f", gradus.role = #gradus.role<value>}) {
  %two = gradus.constant dense<2> : tensor<i64>
  %many = gradus.constant dense<40> : tensor<i64>
  %half = gradus.constant dense<0.5> : tensor<f64>
  %y, %f = gradus.loop %two init(%x, %half) : !i, (!n, !s) {
  ^bb0(%i: !i, %u: !n, %g: !s):
    %v = gradus.loop %i init(%u) : !i, (!n) {
    ^bb0(%j: !i, %w: !n):
      %sin = gradus.sin %w : !n
      gradus.yield %sin : !n
    }
    %step = gradus.loop %many init(%g) : !i, (!s) {
    ^bb0(%j: !i, %h: !s):
      %less = gradus.mul %h, %half : !s
      gradus.yield %less : !s
    } while {
    ^bb0(%j: !i, %h: !s):
      %wide = gradus.broadcast %h axes [] : !s to !n
      %at = gradus.mul %v, %wide : !n
      %size = gradus.norm %at axes [0] : !n to !s
      %isLarge = gradus.compare gt %size, %half : !s -> !b
      gradus.yield %isLarge : !b
    }
    %all = gradus.broadcast %step axes [] : !s to !n
    %next = gradus.mul %v, %all : !n
    gradus.yield %next, %step : !n, !s
  }
  gradus.return %y, %f : !n, !s
}

// Each tensor of a collection has its own condition and its own loop; the branch that keeps the state writes nothing.
gradus.func rule_step @orthogonal(%w: !m {gradus.name = "w", gradus.role = #gradus.role<param>}, %g: !m {gradus.name = "g", gradus.role = #gradus.role<grad>}, %s: !m {gradus.name = "s", gradus.role = #gradus.role<state>}, %t: !i {gradus.name = "t", gradus.role = #gradus.role<time>}) -> (!m {gradus.name = "w", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !m {gradus.name = "s", gradus.of = 2 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  %p = gradus.dim "p"
  %q = gradus.dim "q"
  %isFlat = gradus.compare le %p, %q : !i -> !b
  %two = gradus.constant dense<2> : tensor<i64>
  %small = gradus.constant dense<0.001> : tensor<f32>
  %c = gradus.broadcast %small axes [] : !gradus.array<[], f32> to !m
  %x = gradus.loop %two init(%g) : !i, (!m) {
  ^bb0(%i: !i, %v: !m):
    %next = gradus.if %isFlat -> (!m) {
      %gram = gradus.contract %v [0, 1], %v [2, 1] -> [0, 2] : !m, !m -> !gradus.array<[p, p], f32>
      %y = gradus.contract %gram [0, 1], %v [1, 2] -> [0, 2] : !gradus.array<[p, p], f32>, !m -> !m
      %cy = gradus.mul %c, %y : !m
      %d = gradus.sub %v, %cy : !m
      gradus.yield %d : !m
    } else {
      %gram = gradus.contract %v [1, 0], %v [1, 2] -> [0, 2] : !m, !m -> !gradus.array<[q, q], f32>
      %y = gradus.contract %v [0, 1], %gram [1, 2] -> [0, 2] : !m, !gradus.array<[q, q], f32> -> !m
      %cy = gradus.mul %c, %y : !m
      %d = gradus.sub %v, %cy : !m
      gradus.yield %d : !m
    }
    gradus.yield %next : !m
  }
  %kept = gradus.every %two at %t keep(%s) : !i, (!m) {
    %sum = gradus.add %s, %x : !m
    gradus.yield %sum : !m
  }
  %new = gradus.sub %w, %kept : !m
  gradus.return %new, %kept : !m, !m
}

// The next values are the old ones of each other, or not.
gradus.func rule_step @exchange(%w: !n {gradus.name = "w", gradus.role = #gradus.role<param>}, %s: !n {gradus.name = "s", gradus.role = #gradus.role<state>}, %t: !i {gradus.name = "t", gradus.role = #gradus.role<time>}) -> (!n {gradus.name = "w", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !n {gradus.name = "s", gradus.of = 1 : i64, gradus.role = #gradus.role<next>}) {
  %two = gradus.constant dense<2> : tensor<i64>
  %zero = gradus.constant dense<0> : tensor<i64>
  %rest = gradus.mod %t, %two : !i
  %isEven = gradus.compare eq %rest, %zero : !i -> !b
  %a, %b = gradus.if %isEven -> (!n, !n) {
    gradus.yield %s, %w : !n, !n
  } else {
    %sum = gradus.add %w, %s : !n
    gradus.yield %sum, %s : !n, !n
  }
  gradus.return %a, %b : !n, !n
}

// What is not evaluated refuses nothing: the index is outside of the table.
gradus.func fn @lazy(%x: !n {gradus.name = "x", gradus.role = #gradus.role<input>}) -> (!n {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %size = gradus.dim "n"
  %none = gradus.constant dense<0> : tensor<i64>
  %isEmpty = gradus.compare lt %size, %none : !i -> !b
  %far = gradus.broadcast %size axes [] : !i to !gradus.array<[n], i64>
  %y = gradus.if %isEmpty -> (!n) {
    %picked = gradus.gather %x[%far] : !n, (!gradus.array<[n], i64>) -> !n
    gradus.yield %picked : !n
  } else {
    %twice = gradus.add %x, %x : !n
    gradus.yield %twice : !n
  }
  gradus.return %y : !n
}

// One next value may be the old elements of the argument that the other one replaces.
gradus.func rule_step @aliased(%a: !n {gradus.name = "a", gradus.role = #gradus.role<param>}, %b: !n {gradus.name = "b", gradus.role = #gradus.role<state>}, %t: !i {gradus.name = "t", gradus.role = #gradus.role<time>}) -> (!n {gradus.name = "a", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !n {gradus.name = "b", gradus.of = 1 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  %two = gradus.constant dense<2> : tensor<i64>
  %a2 = gradus.mul %a, %a : !n
  %b2 = gradus.every %two at %t keep(%a) : !i, (!n) {
    %sum = gradus.add %a, %b : !n
    gradus.yield %sum : !n
  }
  gradus.return %a2, %b2 : !n, !n
}

// A pass may leave a carried array as it is; two carried arrays may get the same elements.
gradus.func fn @sometimes(%x: !n {gradus.name = "x", gradus.role = #gradus.role<input>}, %k: !i {gradus.name = "k", gradus.role = #gradus.role<hyper>}) -> (!n {gradus.name = "a", gradus.role = #gradus.role<value>}, !n {gradus.name = "b", gradus.role = #gradus.role<value>}, !n {gradus.name = "c", gradus.role = #gradus.role<value>}) {
  %two = gradus.constant dense<2> : tensor<i64>
  %zero = gradus.constant dense<0> : tensor<i64>
  %a, %b, %c = gradus.loop %k init(%x, %x, %x) : !i, (!n, !n, !n) {
  ^bb0(%i: !i, %u: !n, %v: !n, %w: !n):
    %rest = gradus.mod %i, %two : !i
    %isEven = gradus.compare eq %rest, %zero : !i -> !b
    %u2 = gradus.if %isEven -> (!n) {
      %s = gradus.sin %u : !n
      gradus.yield %s : !n
    } else {
      gradus.yield %u : !n
    }
    %s = gradus.add %u, %v : !n
    %r = gradus.sub %s, %w : !n
    gradus.yield %u2, %r, %r : !n, !n, !n
  }
  gradus.return %a, %b, %c : !n, !n, !n
}
