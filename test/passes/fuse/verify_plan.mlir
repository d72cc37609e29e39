// RUN: gradus-opt %s --gradus-verify-plan --split-input-file --verify-diagnostics
// Every claim of the plan is checked.

gradus.func fn @outside(%x: !gradus.array<[k], f32> {gradus.name = "x", gradus.role = #gradus.role<input>}) {
  // expected-error @below {{expects only rank-0 operations outside of phases}}
  %y = gradus.mul %x, %x : !gradus.array<[k], f32>
  gradus.return
}

// -----

gradus.func fn @in_phase(%x: !gradus.array<[k], f32> {gradus.name = "x", gradus.role = #gradus.role<input>}) {
  gradus.phase {
    // expected-error @below {{expects only kernels, rank-0 operations and control in a phase}}
    %y = gradus.mul %x, %x : !gradus.array<[k], f32>
    gradus.yield
  }
  gradus.return
}

// -----

gradus.func fn @shape(%x: !gradus.array<[k], f32> {gradus.name = "x", gradus.role = #gradus.role<input>}) {
  gradus.phase {
    %y = gradus.kernel over [n](%x) : (!gradus.array<[k], f32>) -> (!gradus.array<[k], f32>) {
    ^bb0(%u: !gradus.array<[k], f32>):
      %z = gradus.mul %u, %u : !gradus.array<[k], f32>
      // expected-error @below {{expects a value of the shape of the kernel's domain, but got '!gradus.array<[k], f32>'}}
      gradus.yield %z : !gradus.array<[k], f32>
    }
    gradus.yield
  }
  gradus.return
}

// -----

gradus.func fn @axes(%x: !gradus.array<[k, n], f32> {gradus.name = "x", gradus.role = #gradus.role<input>}) {
  gradus.phase {
    %y:2 = gradus.kernel over [k, n](%x) : (!gradus.array<[k, n], f32>) -> (!gradus.array<[k], f32>, !gradus.array<[n], f32>) {
    ^bb0(%u: !gradus.array<[k, n], f32>):
      %a = gradus.reduce sum %u axes [1] : !gradus.array<[k, n], f32> to !gradus.array<[k], f32>
      // expected-error @below {{expects the axes of the other reductions of its kernel}}
      %b = gradus.reduce sum %u axes [0] : !gradus.array<[k, n], f32> to !gradus.array<[n], f32>
      gradus.yield %a, %b : !gradus.array<[k], f32>, !gradus.array<[n], f32>
    }
    gradus.yield
  }
  gradus.return
}

// -----

gradus.func fn @early(%x: !gradus.array<[k], f64> {gradus.name = "x", gradus.role = #gradus.role<input>}) {
  gradus.phase {
    %y = gradus.kernel over [k](%x) : (!gradus.array<[k], f64>) -> (!gradus.array<[k], f64>) {
    ^bb0(%u: !gradus.array<[k], f64>):
      // expected-error @below {{is read in its own kernel, before it is complete}}
      %a = gradus.reduce sum %u axes [0] : !gradus.array<[k], f64> to !gradus.array<[], f64>
      %b = gradus.broadcast %a axes [] : !gradus.array<[], f64> to !gradus.array<[k], f64>
      gradus.yield %b : !gradus.array<[k], f64>
    }
    gradus.yield
  }
  gradus.return
}

// -----

gradus.func fn @alone(%x: !gradus.array<[k], f32> {gradus.name = "x", gradus.role = #gradus.role<input>}) {
  gradus.phase {
    %y = gradus.kernel over [](%x) : (!gradus.array<[k], f32>) -> (!gradus.array<[], f64>) {
    ^bb0(%u: !gradus.array<[k], f32>):
      %v = gradus.mul %u, %u : !gradus.array<[k], f32>
      // expected-error @below {{expects to stand alone in its kernel}}
      %a = gradus.contract %v [0], %u [0] -> [] : !gradus.array<[k], f32>, !gradus.array<[k], f32> -> !gradus.array<[], f64>
      gradus.yield %a : !gradus.array<[], f64>
    }
    gradus.yield
  }
  gradus.return
}

// -----

gradus.func fn @sort_reads_an_expression(%x: !gradus.array<[n], f32> {gradus.name = "x", gradus.role = #gradus.role<input>}) {
  gradus.phase {
    %y = gradus.kernel over [n](%x) : (!gradus.array<[n], f32>) -> (!gradus.array<[n], f32>) {
    ^bb0(%u: !gradus.array<[n], f32>):
      %e = gradus.neg %u : !gradus.array<[n], f32>
      // expected-error @below {{expects to stand alone in its kernel and to read the kernel's operands}}
      %v, %o = gradus.sort %e axis 0 : !gradus.array<[n], f32>, !gradus.array<[n], i64>
      gradus.yield %v : !gradus.array<[n], f32>
    }
    gradus.yield
  }
  gradus.return
}

// -----

gradus.func fn @reads_another_row(%x: !gradus.array<[n, k], f32> {gradus.name = "x", gradus.role = #gradus.role<input>}, %i: !gradus.array<[n], f32> {gradus.name = "i", gradus.role = #gradus.role<input>}) {
  gradus.phase {
    %m = gradus.kernel over [n, k](%x) {gradus.nest = [0, "n"]} : (!gradus.array<[n, k], f32>) -> (!gradus.array<[n], f32>) {
    ^bb0(%u: !gradus.array<[n, k], f32>):
      %r = gradus.reduce max %u axes [1] : !gradus.array<[n, k], f32> to !gradus.array<[n], f32>
      gradus.yield %r : !gradus.array<[n], f32>
    }
    // expected-error @below {{expects to go through the rows of its nest one by one, and to read what the nest stores at its own row alone}}
    %y = gradus.kernel over [n, n](%m) {gradus.nest = [0, "n"]} : (!gradus.array<[n], f32>) -> (!gradus.array<[n, n], f32>) {
    ^bb0(%u: !gradus.array<[n], f32>):
      %v = gradus.broadcast %u axes [1] : !gradus.array<[n], f32> to !gradus.array<[n, n], f32>
      gradus.yield %v : !gradus.array<[n, n], f32>
    }
    gradus.yield
  }
  gradus.return
}

// -----

gradus.func fn @reads_a_sum_over_rows(%x: !gradus.array<[n, k], f32> {gradus.name = "x", gradus.role = #gradus.role<input>}) {
  gradus.phase {
    %s = gradus.kernel over [n, k](%x) {gradus.nest = [0, "n"]} : (!gradus.array<[n, k], f32>) -> (!gradus.array<[k], f32>) {
    ^bb0(%u: !gradus.array<[n, k], f32>):
      %r = gradus.reduce sum %u axes [0] : !gradus.array<[n, k], f32> to !gradus.array<[k], f32>
      gradus.yield %r : !gradus.array<[k], f32>
    }
    // expected-error @below {{expects to go through the rows of its nest one by one, and to read what the nest stores at its own row alone}}
    %y = gradus.kernel over [n, k](%x, %s) {gradus.nest = [0, "n"]} : (!gradus.array<[n, k], f32>, !gradus.array<[k], f32>) -> (!gradus.array<[n, k], f32>) {
    ^bb0(%u: !gradus.array<[n, k], f32>, %v: !gradus.array<[k], f32>):
      %w = gradus.broadcast %v axes [1] : !gradus.array<[k], f32> to !gradus.array<[n, k], f32>
      %d = gradus.sub %u, %w : !gradus.array<[n, k], f32>
      gradus.yield %d : !gradus.array<[n, k], f32>
    }
    gradus.yield
  }
  gradus.return
}

// -----

gradus.func fn @apart(%x: !gradus.array<[n, k], f32> {gradus.name = "x", gradus.role = #gradus.role<input>}) {
  gradus.phase {
    %m = gradus.kernel over [n, k](%x) {gradus.nest = [0, "n"]} : (!gradus.array<[n, k], f32>) -> (!gradus.array<[n], f32>) {
    ^bb0(%u: !gradus.array<[n, k], f32>):
      %r = gradus.reduce max %u axes [1] : !gradus.array<[n, k], f32> to !gradus.array<[n], f32>
      gradus.yield %r : !gradus.array<[n], f32>
    }
    %z = gradus.kernel over [n, k](%x) : (!gradus.array<[n, k], f32>) -> (!gradus.array<[n, k], f32>) {
    ^bb0(%u: !gradus.array<[n, k], f32>):
      %d = gradus.neg %u : !gradus.array<[n, k], f32>
      gradus.yield %d : !gradus.array<[n, k], f32>
    }
    // expected-error @below {{expects the kernels of its nest to follow one another in a phase}}
    %y = gradus.kernel over [n, k](%x) {gradus.nest = [0, "n"]} : (!gradus.array<[n, k], f32>) -> (!gradus.array<[n], f32>) {
    ^bb0(%u: !gradus.array<[n, k], f32>):
      %r = gradus.reduce max %u axes [1] : !gradus.array<[n, k], f32> to !gradus.array<[n], f32>
      gradus.yield %r : !gradus.array<[n], f32>
    }
    gradus.yield
  }
  gradus.return
}

// -----

gradus.func fn @unnamed_size(%x: !gradus.array<[n, d], f32> {gradus.name = "x", gradus.role = #gradus.role<input>}, %w: !gradus.array<[d, c], f32> {gradus.name = "w", gradus.role = #gradus.role<input>}) {
  gradus.phase {
    // expected-error @below {{expects to name the size that decides whether its nest is one}}
    %y = gradus.kernel over [n, c](%x, %w) {gradus.nest = [0, "n"]} : (!gradus.array<[n, d], f32>, !gradus.array<[d, c], f32>) -> (!gradus.array<[n, c], f32>) {
    ^bb0(%u: !gradus.array<[n, d], f32>, %v: !gradus.array<[d, c], f32>):
      %z = gradus.contract %u [0, 1], %v [1, 2] -> [0, 2] : !gradus.array<[n, d], f32>, !gradus.array<[d, c], f32> -> !gradus.array<[n, c], f32>
      gradus.yield %z : !gradus.array<[n, c], f32>
    }
    gradus.yield
  }
  gradus.return
}

// -----

gradus.func fn @no_product(%x: !gradus.array<[n, k], f32> {gradus.name = "x", gradus.role = #gradus.role<input>}) {
  gradus.phase {
    // expected-error @below {{expects its epilogue mark to name an operand that is a product of matrices beside it}}
    %y = gradus.kernel over [n, k](%x) {gradus.epilogue = 0} : (!gradus.array<[n, k], f32>) -> (!gradus.array<[n, k], f32>) {
    ^bb0(%u: !gradus.array<[n, k], f32>):
      %v = gradus.exp %u : !gradus.array<[n, k], f32>
      gradus.yield %v : !gradus.array<[n, k], f32>
    }
    gradus.yield
  }
  gradus.return
}

// -----

gradus.func fn @read_before(%x: !gradus.array<[n, n], f32> {gradus.name = "x", gradus.role = #gradus.role<input>}) {
  gradus.phase {
    %z = gradus.kernel over [n, n](%x) : (!gradus.array<[n, n], f32>) -> (!gradus.array<[n, n], f32>) {
    ^bb0(%u: !gradus.array<[n, n], f32>):
      %p = gradus.contract %u [0, 1], %u [1, 2] -> [0, 2] : !gradus.array<[n, n], f32>, !gradus.array<[n, n], f32> -> !gradus.array<[n, n], f32>
      gradus.yield %p : !gradus.array<[n, n], f32>
    }
    %w = gradus.kernel over [n, n](%z) : (!gradus.array<[n, n], f32>) -> (!gradus.array<[n, n], f32>) {
    ^bb0(%u: !gradus.array<[n, n], f32>):
      %v = gradus.tanh %u : !gradus.array<[n, n], f32>
      gradus.yield %v : !gradus.array<[n, n], f32>
    }
    // expected-error @below {{is marked as an epilogue, but the product is read before}}
    %y = gradus.kernel over [n, n](%z) {gradus.epilogue = 0} : (!gradus.array<[n, n], f32>) -> (!gradus.array<[n, n], f32>) {
    ^bb0(%u: !gradus.array<[n, n], f32>):
      %v = gradus.exp %u : !gradus.array<[n, n], f32>
      gradus.yield %v : !gradus.array<[n, n], f32>
    }
    gradus.yield
  }
  gradus.return
}

// -----

gradus.func fn @sums_units(%x: !gradus.array<[n, n], f32> {gradus.name = "x", gradus.role = #gradus.role<input>}) {
  gradus.phase {
    %z = gradus.kernel over [n, n](%x) : (!gradus.array<[n, n], f32>) -> (!gradus.array<[n, n], f32>) {
    ^bb0(%u: !gradus.array<[n, n], f32>):
      %p = gradus.contract %u [0, 1], %u [1, 2] -> [0, 2] : !gradus.array<[n, n], f32>, !gradus.array<[n, n], f32> -> !gradus.array<[n, n], f32>
      gradus.yield %p : !gradus.array<[n, n], f32>
    }
    // expected-error @below {{is marked as an epilogue, but a reduction waits for the whole product}}
    %y = gradus.kernel over [n, n](%z) {gradus.epilogue = 0} : (!gradus.array<[n, n], f32>) -> (!gradus.array<[], f64>) {
    ^bb0(%u: !gradus.array<[n, n], f32>):
      %v = gradus.reduce sum %u axes [0, 1] : !gradus.array<[n, n], f32> to !gradus.array<[], f64>
      gradus.yield %v : !gradus.array<[], f64>
    }
    gradus.yield
  }
  gradus.return
}
