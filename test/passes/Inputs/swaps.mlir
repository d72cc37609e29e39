// States that take each other's place: every next value is computed from the old ones. AgainstReferenceTest.cpp reads this file.
!s = !gradus.array<[], f64>
!f = !gradus.array<[], f32>
!w = !gradus.array<[w.numel], f32>
!m = !gradus.array<[k, k], f32>

gradus.func rule_step @swap_numbers_f64.step(%a: !s {gradus.name = "a", gradus.role = #gradus.role<state>},
    %b: !s {gradus.name = "b", gradus.role = #gradus.role<state>})
    -> (!s {gradus.name = "a", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !s {gradus.name = "b", gradus.of = 1 : i64, gradus.role = #gradus.role<next>}) {
  gradus.return %b, %a : !s, !s
}

gradus.func rule_step @swap_numbers_f32.step(%a: !f {gradus.name = "a", gradus.role = #gradus.role<state>},
    %b: !f {gradus.name = "b", gradus.role = #gradus.role<state>})
    -> (!f {gradus.name = "a", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !f {gradus.name = "b", gradus.of = 1 : i64, gradus.role = #gradus.role<next>}) {
  gradus.return %b, %a : !f, !f
}

gradus.func rule_step @number_and_sum.step(%w: !w {gradus.name = "w", gradus.role = #gradus.role<param>},
    %a: !s {gradus.name = "a", gradus.role = #gradus.role<state>},
    %b: !s {gradus.name = "b", gradus.role = #gradus.role<state>})
    -> (!w {gradus.name = "w", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !s {gradus.name = "a", gradus.of = 1 : i64, gradus.role = #gradus.role<next>}, !s {gradus.name = "b", gradus.of = 2 : i64, gradus.role = #gradus.role<next>}) {
  %sum = gradus.reduce sum %w axes [0] : !w to !s
  %next = gradus.add %sum, %a : !s
  %twice = gradus.add %w, %w : !w
  gradus.return %twice, %b, %next : !w, !s, !s
}

gradus.func rule_step @swap_vectors.step(%a: !w {gradus.name = "a", gradus.role = #gradus.role<state>},
    %b: !w {gradus.name = "b", gradus.role = #gradus.role<state>})
    -> (!w {gradus.name = "a", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !w {gradus.name = "b", gradus.of = 1 : i64, gradus.role = #gradus.role<next>}) {
  gradus.return %b, %a : !w, !w
}

gradus.func rule_step @rotate_vectors.step(%a: !w {gradus.name = "a", gradus.role = #gradus.role<state>},
    %b: !w {gradus.name = "b", gradus.role = #gradus.role<state>},
    %c: !w {gradus.name = "c", gradus.role = #gradus.role<state>})
    -> (!w {gradus.name = "a", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !w {gradus.name = "b", gradus.of = 1 : i64, gradus.role = #gradus.role<next>}, !w {gradus.name = "c", gradus.of = 2 : i64, gradus.role = #gradus.role<next>}) {
  %next = gradus.mul %a, %b : !w
  gradus.return %b, %c, %next : !w, !w, !w
}

gradus.func rule_step @swap_transposed.step(%a: !m {gradus.name = "a", gradus.role = #gradus.role<state>},
    %b: !m {gradus.name = "b", gradus.role = #gradus.role<state>})
    -> (!m {gradus.name = "a", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !m {gradus.name = "b", gradus.of = 1 : i64, gradus.role = #gradus.role<next>}) {
  %at = gradus.transpose %a permutation [1, 0] : !m to !m
  %bt = gradus.transpose %b permutation [1, 0] : !m to !m
  gradus.return %bt, %at : !m, !m
}

// b' reads a' below its assignment, and a' is the old b.
gradus.func rule_step @prime_after_assignment.step(%a: !w {gradus.name = "a", gradus.role = #gradus.role<state>},
    %b: !w {gradus.name = "b", gradus.role = #gradus.role<state>},
    %n: !f {gradus.name = "n", gradus.role = #gradus.role<state>})
    -> (!w {gradus.name = "a", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !w {gradus.name = "b", gradus.of = 1 : i64, gradus.role = #gradus.role<next>}, !f {gradus.name = "n", gradus.of = 2 : i64, gradus.role = #gradus.role<next>}) {
  %first = gradus.neg %b : !w
  %wide = gradus.broadcast %n axes [] : !f to !w
  %scaled = gradus.mul %wide, %a : !w
  %second = gradus.add %first, %scaled : !w
  %total = gradus.reduce sum %second axes [0] : !w to !s
  %number = gradus.cast %total : !s to !f
  gradus.return %first, %second, %number : !w, !w, !f
}

gradus.func rule_step @swap_numbers_f64_open.step(%a: !s {gradus.name = "a", gradus.role = #gradus.role<state>},
    %b: !s {gradus.name = "b", gradus.role = #gradus.role<state>})
    -> (!s {gradus.name = "a", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !s {gradus.name = "b", gradus.of = 1 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  gradus.return %b, %a : !s, !s
}

gradus.func rule_step @swap_numbers_f32_open.step(%a: !f {gradus.name = "a", gradus.role = #gradus.role<state>},
    %b: !f {gradus.name = "b", gradus.role = #gradus.role<state>})
    -> (!f {gradus.name = "a", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !f {gradus.name = "b", gradus.of = 1 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  gradus.return %b, %a : !f, !f
}

gradus.func rule_step @number_and_sum_open.step(%w: !w {gradus.name = "w", gradus.role = #gradus.role<param>},
    %a: !s {gradus.name = "a", gradus.role = #gradus.role<state>},
    %b: !s {gradus.name = "b", gradus.role = #gradus.role<state>})
    -> (!w {gradus.name = "w", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !s {gradus.name = "a", gradus.of = 1 : i64, gradus.role = #gradus.role<next>}, !s {gradus.name = "b", gradus.of = 2 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  %sum = gradus.reduce sum %w axes [0] : !w to !s
  %next = gradus.add %sum, %a : !s
  %twice = gradus.add %w, %w : !w
  gradus.return %twice, %b, %next : !w, !s, !s
}

gradus.func rule_step @swap_vectors_open.step(%a: !w {gradus.name = "a", gradus.role = #gradus.role<state>},
    %b: !w {gradus.name = "b", gradus.role = #gradus.role<state>})
    -> (!w {gradus.name = "a", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !w {gradus.name = "b", gradus.of = 1 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  gradus.return %b, %a : !w, !w
}

gradus.func rule_step @rotate_vectors_open.step(%a: !w {gradus.name = "a", gradus.role = #gradus.role<state>},
    %b: !w {gradus.name = "b", gradus.role = #gradus.role<state>},
    %c: !w {gradus.name = "c", gradus.role = #gradus.role<state>})
    -> (!w {gradus.name = "a", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !w {gradus.name = "b", gradus.of = 1 : i64, gradus.role = #gradus.role<next>}, !w {gradus.name = "c", gradus.of = 2 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  %next = gradus.mul %a, %b : !w
  gradus.return %b, %c, %next : !w, !w, !w
}

gradus.func rule_step @swap_transposed_open.step(%a: !m {gradus.name = "a", gradus.role = #gradus.role<state>},
    %b: !m {gradus.name = "b", gradus.role = #gradus.role<state>})
    -> (!m {gradus.name = "a", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !m {gradus.name = "b", gradus.of = 1 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  %at = gradus.transpose %a permutation [1, 0] : !m to !m
  %bt = gradus.transpose %b permutation [1, 0] : !m to !m
  gradus.return %bt, %at : !m, !m
}

// b' reads a' below its assignment, and a' is the old b.
gradus.func rule_step @prime_after_assignment_open.step(%a: !w {gradus.name = "a", gradus.role = #gradus.role<state>},
    %b: !w {gradus.name = "b", gradus.role = #gradus.role<state>},
    %n: !f {gradus.name = "n", gradus.role = #gradus.role<state>})
    -> (!w {gradus.name = "a", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !w {gradus.name = "b", gradus.of = 1 : i64, gradus.role = #gradus.role<next>}, !f {gradus.name = "n", gradus.of = 2 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  %first = gradus.neg %b : !w
  %wide = gradus.broadcast %n axes [] : !f to !w
  %scaled = gradus.mul %wide, %a : !w
  %second = gradus.add %first, %scaled : !w
  %total = gradus.reduce sum %second axes [0] : !w to !s
  %number = gradus.cast %total : !s to !f
  gradus.return %first, %second, %number : !w, !w, !f
}
