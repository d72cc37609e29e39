// Entries that store before they look at indices which another kernel computes. TransactionTest.cpp reads this file.
!s = !gradus.array<[], f64>
!i = !gradus.array<[], i64>
!n = !gradus.array<[n], f32>
!ni = !gradus.array<[n], i64>
!m = !gradus.array<[m], f32>
!nc = !gradus.array<[n, c], f32>

gradus.func rule_init @late.init(%w: !n {gradus.name = "w", gradus.role = #gradus.role<param>},
    %x: !nc {gradus.name = "x", gradus.role = #gradus.role<input>},
    %table: !m {gradus.name = "table", gradus.role = #gradus.role<input>})
    -> (!n {gradus.name = "a", gradus.role = #gradus.role<value>}, !n {gradus.name = "b", gradus.role = #gradus.role<value>}, !s {gradus.name = "c", gradus.role = #gradus.role<value>}) {
  %a = gradus.mul %w, %w : !n
  %sum = gradus.reduce sum %x axes [1] : !nc to !n
  %k = gradus.cast %sum : !n to !ni
  %picked = gradus.gather %table[%k] : !m, (!ni) -> !n
  %b = gradus.exp %picked : !n
  %c = gradus.reduce sum %picked axes [0] : !n to !s
  gradus.return %a, %b, %c : !n, !n, !s
}

gradus.func rule_step @late.step(%w: !n {gradus.name = "w", gradus.role = #gradus.role<param>},
    %g: !n {gradus.name = "g", gradus.role = #gradus.role<grad>},
    %v: !n {gradus.name = "v", gradus.role = #gradus.role<state>},
    %c: !s {gradus.name = "c", gradus.role = #gradus.role<state>},
    %x: !nc {gradus.name = "x", gradus.role = #gradus.role<input>},
    %table: !m {gradus.name = "table", gradus.role = #gradus.role<input>})
    -> (!n {gradus.name = "w", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !n {gradus.name = "v", gradus.of = 2 : i64, gradus.role = #gradus.role<next>}, !s {gradus.name = "c", gradus.of = 3 : i64, gradus.role = #gradus.role<next>}, !ni {gradus.name = "k", gradus.role = #gradus.role<report>}) {
  %sum = gradus.reduce sum %x axes [1] : !nc to !n
  %k = gradus.cast %sum : !n to !ni
  %picked = gradus.gather %table[%k] : !m, (!ni) -> !n
  %v2 = gradus.mul %g, %g : !n
  %w2 = gradus.sub %w, %picked : !n
  %total = gradus.reduce sum %w2 axes [0] : !n to !s
  %c2 = gradus.add %c, %total : !s
  gradus.return %w2, %v2, %c2, %k : !n, !n, !s, !ni
}

gradus.func rule_step @late_open.step(%w: !n {gradus.name = "w", gradus.role = #gradus.role<param>},
    %g: !n {gradus.name = "g", gradus.role = #gradus.role<grad>},
    %v: !n {gradus.name = "v", gradus.role = #gradus.role<state>},
    %c: !s {gradus.name = "c", gradus.role = #gradus.role<state>},
    %x: !nc {gradus.name = "x", gradus.role = #gradus.role<input>},
    %table: !m {gradus.name = "table", gradus.role = #gradus.role<input>})
    -> (!n {gradus.name = "w", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !n {gradus.name = "v", gradus.of = 2 : i64, gradus.role = #gradus.role<next>}, !s {gradus.name = "c", gradus.of = 3 : i64, gradus.role = #gradus.role<next>}, !ni {gradus.name = "k", gradus.role = #gradus.role<report>}) attributes {open} {
  %sum = gradus.reduce sum %x axes [1] : !nc to !n
  %k = gradus.cast %sum : !n to !ni
  %picked = gradus.gather %table[%k] : !m, (!ni) -> !n
  %v2 = gradus.mul %g, %g : !n
  %w2 = gradus.sub %w, %picked : !n
  %total = gradus.reduce sum %w2 axes [0] : !n to !s
  %c2 = gradus.add %c, %total : !s
  gradus.return %w2, %v2, %c2, %k : !n, !n, !s, !ni
}

// The index is one number that a phase has computed.
gradus.func rule_step @late_number_open.step(%w: !n {gradus.name = "w", gradus.role = #gradus.role<param>},
    %v: !n {gradus.name = "v", gradus.role = #gradus.role<state>},
    %c: !s {gradus.name = "c", gradus.role = #gradus.role<state>})
    -> (!n {gradus.name = "w", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !n {gradus.name = "v", gradus.of = 1 : i64, gradus.role = #gradus.role<next>}, !s {gradus.name = "c", gradus.of = 2 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  %sum = gradus.reduce sum %v axes [0] : !n to !s
  %k = gradus.cast %sum : !s to !i
  %one = gradus.gather %w[%k] : !n, (!i) -> !gradus.array<[], f32>
  %wide = gradus.broadcast %one axes [] : !gradus.array<[], f32> to !n
  %w2 = gradus.sub %w, %wide : !n
  %v2 = gradus.add %v, %w : !n
  %c2 = gradus.cast %one : !gradus.array<[], f32> to !s
  gradus.return %w2, %v2, %c2 : !n, !n, !s
}

gradus.func loss @late(%w: !n {gradus.name = "w", gradus.role = #gradus.role<param>},
    %table: !m {gradus.name = "table", gradus.role = #gradus.role<param>},
    %x: !nc {gradus.name = "x", gradus.role = #gradus.role<data>})
    -> (!s {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %sum = gradus.reduce sum %x axes [1] : !nc to !n
  %k = gradus.cast %sum : !n to !ni
  %picked = gradus.gather %table[%k] : !m, (!ni) -> !n
  %product = gradus.mul %picked, %w : !n
  %value = gradus.reduce sum %product axes [0] : !n to !s
  gradus.return %value : !s
}

// The index is looked at in the second pass of a loop, under a condition.
gradus.func rule_step @late_loop.step(%w: !n {gradus.name = "w", gradus.role = #gradus.role<param>},
    %g: !n {gradus.name = "g", gradus.role = #gradus.role<grad>},
    %v: !n {gradus.name = "v", gradus.role = #gradus.role<state>},
    %x: !nc {gradus.name = "x", gradus.role = #gradus.role<input>},
    %table: !m {gradus.name = "table", gradus.role = #gradus.role<input>})
    -> (!n {gradus.name = "w", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !n {gradus.name = "v", gradus.of = 2 : i64, gradus.role = #gradus.role<next>}) {
  %one = gradus.constant dense<1> : tensor<i64>
  %two = gradus.constant dense<2> : tensor<i64>
  %sum = gradus.reduce sum %x axes [1] : !nc to !n
  %k = gradus.cast %sum : !n to !ni
  %v2 = gradus.mul %g, %g : !n
  %w2 = gradus.loop %two init(%w) : !i, (!n) {
  ^bb0(%i: !i, %u: !n):
    %isLast = gradus.compare eq %i, %one : !i -> !gradus.array<[], i1>
    %next = gradus.if %isLast -> (!n) {
      %picked = gradus.gather %table[%k] : !m, (!ni) -> !n
      %a = gradus.add %u, %picked : !n
      gradus.yield %a : !n
    } else {
      %a = gradus.mul %u, %g : !n
      gradus.yield %a : !n
    }
    gradus.yield %next : !n
  }
  gradus.return %w2, %v2 : !n, !n
}

// The same for every tensor of a collection.
gradus.func rule_step @late_loop_open.step(%w: !n {gradus.name = "w", gradus.role = #gradus.role<param>},
    %g: !n {gradus.name = "g", gradus.role = #gradus.role<grad>},
    %v: !n {gradus.name = "v", gradus.role = #gradus.role<state>},
    %x: !nc {gradus.name = "x", gradus.role = #gradus.role<input>},
    %table: !m {gradus.name = "table", gradus.role = #gradus.role<input>})
    -> (!n {gradus.name = "w", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !n {gradus.name = "v", gradus.of = 2 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  %one = gradus.constant dense<1> : tensor<i64>
  %two = gradus.constant dense<2> : tensor<i64>
  %sum = gradus.reduce sum %x axes [1] : !nc to !n
  %k = gradus.cast %sum : !n to !ni
  %v2 = gradus.mul %g, %g : !n
  %w2 = gradus.loop %two init(%w) : !i, (!n) {
  ^bb0(%i: !i, %u: !n):
    %isLast = gradus.compare eq %i, %one : !i -> !gradus.array<[], i1>
    %next = gradus.if %isLast -> (!n) {
      %picked = gradus.gather %table[%k] : !m, (!ni) -> !n
      %a = gradus.add %u, %picked : !n
      gradus.yield %a : !n
    } else {
      %a = gradus.mul %u, %g : !n
      gradus.yield %a : !n
    }
    gradus.yield %next : !n
  }
  gradus.return %w2, %v2 : !n, !n
}

// A block gives the index, another one reads with it, and what it reads has been replaced by then.
gradus.func rule_step @late_given_open.step(%w: !n {gradus.name = "w", gradus.role = #gradus.role<param>},
    %v: !n {gradus.name = "v", gradus.role = #gradus.role<state>},
    %x: !nc {gradus.name = "x", gradus.role = #gradus.role<input>},
    %table: !m {gradus.name = "table", gradus.role = #gradus.role<input>},
    %t: !i {gradus.name = "t", gradus.role = #gradus.role<time>})
    -> (!n {gradus.name = "w", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !n {gradus.name = "v", gradus.of = 1 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  %zero = gradus.constant dense<0> : tensor<i64>
  %sum = gradus.reduce sum %x axes [1] : !nc to !n
  %k = gradus.cast %sum : !n to !ni
  %first = gradus.broadcast %zero axes [] : !i to !ni
  %isStep = gradus.compare gt %t, %zero : !i -> !gradus.array<[], i1>
  %w2 = gradus.add %w, %v : !n
  %place = gradus.every %t at %t keep(%k) : !i, (!ni) {
    %same = gradus.add %k, %first : !ni
    gradus.yield %same : !ni
  }
  %v2 = gradus.if %isStep -> (!n) {
    %picked = gradus.gather %table[%place] : !m, (!ni) -> !n
    %a = gradus.add %picked, %w : !n
    gradus.yield %a : !n
  } else {
    gradus.yield %v : !n
  }
  gradus.return %w2, %v2 : !n, !n
}
