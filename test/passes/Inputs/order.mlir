// Functions whose values depend on the order of elements; the losses are differentiated too.

gradus.func loss @sorted(%x: !gradus.array<[n, c], f64> {gradus.name = "x", gradus.role = #gradus.role<param>},
                         %w: !gradus.array<[n, c], f64> {gradus.name = "w", gradus.role = #gradus.role<data>})
    -> (!gradus.array<[], f64> {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %v, %o = gradus.sort %x axis 0 : !gradus.array<[n, c], f64>, !gradus.array<[n, c], i64>
  %u, %p = gradus.sort %v axis 1 descending : !gradus.array<[n, c], f64>, !gradus.array<[n, c], i64>
  %a, %q = gradus.sort %x axis -1 descending : !gradus.array<[n, c], f64>, !gradus.array<[n, c], i64>
  %b = gradus.mul %u, %a : !gradus.array<[n, c], f64>
  %r = gradus.cast %q : !gradus.array<[n, c], i64> to !gradus.array<[n, c], f64>
  %d = gradus.mul %r, %w : !gradus.array<[n, c], f64>
  %e = gradus.mul %b, %d : !gradus.array<[n, c], f64>
  %s = gradus.reduce sum %e axes [0, 1] : !gradus.array<[n, c], f64> to !gradus.array<[], f64>
  gradus.return %s : !gradus.array<[], f64>
}

gradus.func loss @cumulated(%x: !gradus.array<[n, c], f32> {gradus.name = "x", gradus.role = #gradus.role<param>},
                            %w: !gradus.array<[n, c], f32> {gradus.name = "w", gradus.role = #gradus.role<data>})
    -> (!gradus.array<[], f64> {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %t = gradus.tanh %x : !gradus.array<[n, c], f32>
  %a = gradus.cumulate sum %t axis 0 : !gradus.array<[n, c], f32>
  %b = gradus.cumulate sum %a axis 1 reverse : !gradus.array<[n, c], f32>
  %d = gradus.mul %b, %w : !gradus.array<[n, c], f32>
  %s = gradus.reduce sum %d axes [0, 1] : !gradus.array<[n, c], f32> to !gradus.array<[], f64>
  gradus.return %s : !gradus.array<[], f64>
}

gradus.func fn @orders(%x: !gradus.array<[b, n, c], f64> {gradus.name = "x", gradus.role = #gradus.role<input>},
                       %label: !gradus.array<[n], i32> {gradus.name = "label", gradus.role = #gradus.role<input>})
    -> (!gradus.array<[b, n, c], i64> {gradus.name = "order", gradus.role = #gradus.role<report>},
        !gradus.array<[b, n, c], f64> {gradus.name = "products", gradus.role = #gradus.role<report>},
        !gradus.array<[b, n, c], f64> {gradus.name = "largest", gradus.role = #gradus.role<report>},
        !gradus.array<[n], i32> {gradus.name = "least", gradus.role = #gradus.role<report>},
        !gradus.array<[n], i32> {gradus.name = "labels", gradus.role = #gradus.role<report>},
        !gradus.array<[n], i64> {gradus.name = "places", gradus.role = #gradus.role<report>}) {
  %v, %o = gradus.sort %x axis 1 : !gradus.array<[b, n, c], f64>, !gradus.array<[b, n, c], i64>
  %p = gradus.cumulate prod %x axis 1 : !gradus.array<[b, n, c], f64>
  %m = gradus.cumulate max %x axis 2 reverse : !gradus.array<[b, n, c], f64>
  %l = gradus.cumulate min %label axis 0 : !gradus.array<[n], i32>
  %s, %q = gradus.sort %label axis 0 descending : !gradus.array<[n], i32>, !gradus.array<[n], i64>
  gradus.return %o, %p, %m, %l, %s, %q : !gradus.array<[b, n, c], i64>, !gradus.array<[b, n, c], f64>, !gradus.array<[b, n, c], f64>,
      !gradus.array<[n], i32>, !gradus.array<[n], i32>, !gradus.array<[n], i64>
}

// Two carried values of rank 0, from the end; what they start with is computed on the host.
gradus.func fn @scan_vectors(%x: !gradus.array<[t], f32> {gradus.name = "x", gradus.role = #gradus.role<input>},
                             %y: !gradus.array<[t], f64> {gradus.name = "y", gradus.role = #gradus.role<input>},
                             %h: !gradus.array<[], f64> {gradus.name = "h", gradus.role = #gradus.role<hyper>})
    -> (!gradus.array<[t], f64> {gradus.name = "a", gradus.role = #gradus.role<report>}, !gradus.array<[t], f64> {gradus.name = "b", gradus.role = #gradus.role<report>}) {
  %half = gradus.constant dense<0.5> : tensor<f64>
  %start = gradus.mul %h, %half : !gradus.array<[], f64>
  %a, %b = gradus.scan (%x, %y) init(%start, %half) reverse : (!gradus.array<[t], f32>, !gradus.array<[t], f64>), (!gradus.array<[], f64>, !gradus.array<[], f64>)
      -> !gradus.array<[t], f64>, !gradus.array<[t], f64> {
  ^bb0(%k: !gradus.array<[], i64>, %u: !gradus.array<[], f64>, %v: !gradus.array<[], f64>, %p: !gradus.array<[], f64>, %q: !gradus.array<[], f64>):
    %quarter = gradus.constant dense<0.25> : tensor<f64>
    %p1 = gradus.mul %p, %quarter : !gradus.array<[], f64>
    %p2 = gradus.add %p1, %u : !gradus.array<[], f64>
    %q1 = gradus.mul %q, %half : !gradus.array<[], f64>
    %q2 = gradus.max %q1, %v : !gradus.array<[], f64>
    %at = gradus.cast %k : !gradus.array<[], i64> to !gradus.array<[], f64>
    %q3 = gradus.sub %q2, %at : !gradus.array<[], f64>
    gradus.yield %p2, %q3 : !gradus.array<[], f64>, !gradus.array<[], f64>
  }
  gradus.return %a, %b : !gradus.array<[t], f64>, !gradus.array<[t], f64>
}

// Rows along the lanes; only a value computed from the recurrence is returned.
gradus.func fn @scan_matrices(%x: !gradus.array<[t, b, c], f32> {gradus.name = "x", gradus.role = #gradus.role<input>},
                              %h: !gradus.array<[b, c], f32> {gradus.name = "h", gradus.role = #gradus.role<input>})
    -> (!gradus.array<[t, b, c], f32> {gradus.name = "y", gradus.role = #gradus.role<report>}) {
  %e = gradus.sigmoid %x : !gradus.array<[t, b, c], f32>
  %a = gradus.scan (%x, %e) init(%h) : (!gradus.array<[t, b, c], f32>, !gradus.array<[t, b, c], f32>), (!gradus.array<[b, c], f32>) -> !gradus.array<[t, b, c], f32> {
  ^bb0(%k: !gradus.array<[], i64>, %u: !gradus.array<[b, c], f32>, %g: !gradus.array<[b, c], f32>, %p: !gradus.array<[b, c], f32>):
    %half = gradus.constant dense<0.5> : tensor<f64>
    %halfT = gradus.cast %half : !gradus.array<[], f64> to !gradus.array<[], f32>
    %halves = gradus.broadcast %halfT axes [] : !gradus.array<[], f32> to !gradus.array<[b, c], f32>
    %p1 = gradus.mul %p, %g : !gradus.array<[b, c], f32>
    %p2 = gradus.add %p1, %u : !gradus.array<[b, c], f32>
    %p3 = gradus.mul %p2, %halves : !gradus.array<[b, c], f32>
    gradus.yield %p3 : !gradus.array<[b, c], f32>
  }
  %y = gradus.sin %a : !gradus.array<[t, b, c], f32>
  gradus.return %y : !gradus.array<[t, b, c], f32>
}

// Both results of a sort replace arguments: the old ones are read until the end.
gradus.func rule_step @sort_in_place(%w: !gradus.array<[n], f32> {gradus.name = "w", gradus.role = #gradus.role<param>},
                                     %last: !gradus.array<[n], i64> {gradus.name = "last", gradus.role = #gradus.role<state>},
                                     %old: !gradus.array<[n], f32> {gradus.name = "old", gradus.role = #gradus.role<state>})
    -> (!gradus.array<[n], f32> {gradus.name = "w'", gradus.role = #gradus.role<next>, gradus.of = 0 : i64},
        !gradus.array<[n], i64> {gradus.name = "last'", gradus.role = #gradus.role<next>, gradus.of = 1 : i64},
        !gradus.array<[n], f32> {gradus.name = "old'", gradus.role = #gradus.role<next>, gradus.of = 2 : i64}) attributes {open} {
  %v, %o = gradus.sort %w axis 0 : !gradus.array<[n], f32>, !gradus.array<[n], i64>
  %c = gradus.cumulate sum %old axis 0 : !gradus.array<[n], f32>
  %d = gradus.add %c, %w : !gradus.array<[n], f32>
  gradus.return %v, %o, %d : !gradus.array<[n], f32>, !gradus.array<[n], i64>, !gradus.array<[n], f32>
}
