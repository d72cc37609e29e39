// RUN: gradus-opt %s --gradus-fuse --remarks-filter-analyse=gradus-fuse --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s
// A next value is deferred where a later kernel reads the old one or may be refused; else it is stored in place.

!w = !gradus.array<[p, p], f32>

// CHECK: defers_a_store.mlir{{.*}}deferred.step{{.*}}kernel 0, value 0: in the workspace, copied to 'W' at the end
// CHECK: deferred.step{{.*}}kernel 1, value 0: in 'S'

// W' is an operand of a contraction that also reads W.
gradus.func rule_step @deferred.step(%w: !w {gradus.name = "W", gradus.role = #gradus.role<param>},
    %s: !w {gradus.name = "S", gradus.role = #gradus.role<state>})
    -> (!w {gradus.name = "W", gradus.of = 0 : i64, gradus.role = #gradus.role<next>},
        !w {gradus.name = "S", gradus.of = 1 : i64, gradus.role = #gradus.role<next>}) {
  %n = gradus.mul %w, %w : !w
  %c = gradus.contract %n [0, 1], %w [1, 2] -> [0, 2] : !w, !w -> !w
  gradus.return %n, %c : !w, !w
}
