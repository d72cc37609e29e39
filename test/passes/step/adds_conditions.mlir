// RUN: gradus-opt %s --gradus-guard=level=joint | FileCheck %s --check-prefix=JOINT
// RUN: gradus-opt %s --gradus-guard=level=grads | FileCheck %s --check-prefix=GRADS
// RUN: gradus-opt %s --gradus-guard=level=full | FileCheck %s --check-prefix=FULL
// RUN: gradus-opt %s --gradus-guard | FileCheck %s --check-prefix=JOINT
// RUN: gradus-opt %s --gradus-guard=level=off | FileCheck %s --check-prefix=OFF
// RUN: not gradus-opt %s --gradus-guard=level=some 2>&1 | FileCheck %s --check-prefix=SOME
// A sum of squares over the collection tells of the gradient: no array is read again. Where there is none, `grads` asks for all elements of all tensors.

!s = !gradus.array<[], f64>
!v = !gradus.array<[w.numel], f32>

// OFF-NOT: gradus.guard
// SOME: internal: no level of the guard: some

// JOINT-LABEL: gradus.func rule_step @by_norm.step
// JOINT-SAME: gradus.guard = "'g' or a sum over it (adds_conditions.mlir:{{[0-9]+}})"
// JOINT: %[[SUM:.*]] = gradus.all_reduce sum
// JOINT: %[[ZERO:.*]] = gradus.sub %[[SUM]], %[[SUM]]
// JOINT: %[[FINE:.*]] = gradus.compare eq %[[ZERO]]
// JOINT-NEXT: gradus.return %{{.*}}, %[[FINE]]
// GRADS-LABEL: gradus.func rule_step @by_norm.step
// GRADS-NOT: gradus.all_reduce all
// FULL-LABEL: gradus.func rule_step @by_norm.step
// FULL-SAME: gradus.guard = "the next value of 'w'"
gradus.func rule_step @by_norm.step(
    %w: !v {gradus.name = "w", gradus.role = #gradus.role<param>},
    %g: !v {gradus.name = "g", gradus.role = #gradus.role<grad>})
    -> (!v {gradus.name = "w", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  %q = gradus.mul %g, %g : !v
  %r = gradus.reduce sum %q axes [0] : !v to !s
  %total = gradus.all_reduce sum %r : !s
  %c = gradus.cast %total : !s to !gradus.array<[], f32>
  %b = gradus.broadcast %c axes [] : !gradus.array<[], f32> to !v
  %d = gradus.div %g, %b : !v
  %wn = gradus.sub %w, %d : !v
  gradus.return %wn : !v
}

// JOINT-LABEL: gradus.func rule_step @plain.step
// JOINT-NOT: gradus.guard
// GRADS-LABEL: gradus.func rule_step @plain.step
// GRADS-SAME: gradus.guard = "'g'"
// GRADS: %[[ALL:.*]] = gradus.reduce all %{{.*}} axes [0]
// GRADS: %[[FINE:.*]] = gradus.all_reduce all %[[ALL]]
// GRADS-NEXT: gradus.return %{{.*}}, %[[FINE]]
gradus.func rule_step @plain.step(
    %w: !v {gradus.name = "w", gradus.role = #gradus.role<param>},
    %g: !v {gradus.name = "g", gradus.role = #gradus.role<grad>})
    -> (!v {gradus.name = "w", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  %wn = gradus.sub %w, %g : !v
  gradus.return %wn : !v
}

// A rule that asks itself whether g is finite is left alone.
// GRADS-LABEL: gradus.func rule_step @asks.step
// GRADS-NOT: gradus.guard
gradus.func rule_step @asks.step(
    %w: !v {gradus.name = "w", gradus.role = #gradus.role<param>},
    %g: !v {gradus.name = "g", gradus.role = #gradus.role<grad>})
    -> (!v {gradus.name = "w", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  %o = gradus.sub %g, %g : !v
  %z = gradus.constant dense<0.0> : tensor<f32>
  %b = gradus.broadcast %z axes [] : !gradus.array<[], f32> to !v
  %c = gradus.compare eq %o, %b : !v -> !gradus.array<[w.numel], i1>
  %wn = gradus.sub %w, %g : !v
  %y = gradus.select %c, %wn, %w : !gradus.array<[w.numel], i1>, !v
  gradus.return %y : !v
}
