// RUN: gradus-opt %s --gradus-fuse --verify-diagnostics
// Each slot runs its own loop, so that a loop cannot wait for all of them.

!s = !gradus.array<[], f64>
!i = !gradus.array<[], i64>
gradus.func rule_step @sums(%w: !s {gradus.name = "w", gradus.role = #gradus.role<param>})
    -> (!s {gradus.name = "w", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  %n = gradus.constant dense<3> : tensor<i64>
  %y = gradus.loop %n init(%w) : !i, (!s) {
  ^bb0(%i: !i, %v: !s):
    // expected-error @below {{G0385: not built yet: a reduction over the collection inside a loop or a condition}}
    %sum = gradus.all_reduce sum %v : !s
    gradus.yield %sum : !s
  }
  gradus.return %y : !s
}
