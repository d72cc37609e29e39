// Steps, control, integers and truth values. PreservationTest.cpp reads this file.
!s = !gradus.array<[], f64>
!i = !gradus.array<[], i64>
!w = !gradus.array<[w.numel], f32>
!n = !gradus.array<[n], f64>
!ni = !gradus.array<[n], i64>
!nb = !gradus.array<[n], i1>
!nd = !gradus.array<[n, d], f64>

gradus.func rule_step @momentum.step(%lr: !s {gradus.name = "lr", gradus.role = #gradus.role<hyper>, gradus.default = 0.1 : f64}, %t: !i {gradus.name = "t", gradus.role = #gradus.role<time>},
    %w: !w {gradus.name = "w", gradus.role = #gradus.role<param>}, %g: !w {gradus.name = "g", gradus.role = #gradus.role<grad>}, %m: !w {gradus.name = "m", gradus.role = #gradus.role<state>})
    -> (!w {gradus.name = "w", gradus.of = 2 : i64, gradus.role = #gradus.role<next>}, !w {gradus.name = "m", gradus.of = 4 : i64, gradus.role = #gradus.role<next>}) {
  %one = gradus.constant dense<1.0> : tensor<f64>
  %beta = gradus.constant dense<0.9> : tensor<f64>
  %rest = gradus.sub %one, %beta : !s
  %power = gradus.int_pow %beta, %t : !s, !i
  %bias = gradus.sub %one, %power : !s
  %beta32 = gradus.cast %beta : !s to !gradus.array<[], f32>
  %b = gradus.broadcast %beta32 axes [] : !gradus.array<[], f32> to !w
  %rest32 = gradus.cast %rest : !s to !gradus.array<[], f32>
  %r = gradus.broadcast %rest32 axes [] : !gradus.array<[], f32> to !w
  %bm = gradus.mul %b, %m : !w
  %rg = gradus.mul %r, %g : !w
  %next = gradus.add %bm, %rg : !w
  %scale = gradus.div %lr, %bias : !s
  %scale32 = gradus.cast %scale : !s to !gradus.array<[], f32>
  %l = gradus.broadcast %scale32 axes [] : !gradus.array<[], f32> to !w
  %root = gradus.sqrt %next : !w
  %sign = gradus.sign %next : !w
  %update = gradus.mul %l, %sign : !w
  %d = gradus.div %update, %root : !w
  %w2 = gradus.sub %w, %d : !w
  gradus.return %w2, %next : !w, !w
}

gradus.func rule_step @clipped.step(%max: !s {gradus.name = "max", gradus.role = #gradus.role<hyper>, gradus.default = 0.5 : f64}, %w: !w {gradus.name = "w", gradus.role = #gradus.role<param>},
    %g: !w {gradus.name = "g", gradus.role = #gradus.role<grad>}) -> (!w {gradus.name = "w", gradus.of = 1 : i64, gradus.role = #gradus.role<next>}, !s {gradus.name = "norm", gradus.role = #gradus.role<report>}) attributes {open} {
  %gg = gradus.mul %g, %g : !w
  %q = gradus.reduce sum %gg axes [0] : !w to !s
  %a = gradus.all_reduce sum %q : !s
  %norm = gradus.sqrt %a : !s
  %ratio = gradus.div %max, %norm : !s
  %one = gradus.constant dense<1.0> : tensor<f64>
  %f = gradus.min %one, %ratio : !s
  %f32 = gradus.cast %f : !s to !gradus.array<[], f32>
  %b = gradus.broadcast %f32 axes [] : !gradus.array<[], f32> to !w
  %u = gradus.mul %b, %g : !w
  %next = gradus.sub %w, %u : !w
  gradus.return %next, %norm : !w, !s
}

gradus.func fn @integers(%k: !ni {gradus.name = "k", gradus.role = #gradus.role<input>}, %x: !nd {gradus.name = "x", gradus.role = #gradus.role<input>})
    -> (!ni {gradus.name = "a", gradus.role = #gradus.role<value>}, !ni {gradus.name = "b", gradus.role = #gradus.role<value>}, !i {gradus.name = "c", gradus.role = #gradus.role<value>}) {
  %two = gradus.constant dense<2> : tensor<i64>
  %t = gradus.broadcast %two axes [] : !i to !ni
  %h = gradus.int_div %k, %t : !ni
  %m = gradus.mod %k, %t : !ni
  %j = gradus.arg_reduce max %x axis 1 : !nd to !ni
  %r = gradus.iota 0 : !ni
  %p = gradus.mul %j, %r : !ni
  %q = gradus.add %p, %m : !ni
  %s = gradus.reduce sum %q axes [0] : !ni to !i
  gradus.return %h, %q, %s : !ni, !ni, !i
}

gradus.func fn @truths(%x: !n {gradus.name = "x", gradus.role = #gradus.role<input>}, %y: !n {gradus.name = "y", gradus.role = #gradus.role<input>})
    -> (!nb {gradus.name = "a", gradus.role = #gradus.role<value>}, !gradus.array<[], i1> {gradus.name = "b", gradus.role = #gradus.role<value>}, !gradus.array<[], i1> {gradus.name = "c", gradus.role = #gradus.role<value>}) {
  %l = gradus.compare lt %x, %y : !n -> !nb
  %fx = gradus.floor %x : !n
  %cy = gradus.ceil %y : !n
  %e = gradus.compare ne %fx, %cy : !n -> !nb
  %not = gradus.not %e : !nb
  %both = gradus.and %l, %not : !nb
  %one = gradus.or %both, %e : !nb
  %odd = gradus.xor %one, %not : !nb
  %any = gradus.reduce any %odd axes [0] : !nb to !gradus.array<[], i1>
  %all = gradus.reduce all %one axes [0] : !nb to !gradus.array<[], i1>
  gradus.return %one, %any, %all : !nb, !gradus.array<[], i1>, !gradus.array<[], i1>
}

gradus.func rule_step @drawn.step(%t: !i {gradus.name = "t", gradus.role = #gradus.role<time>}, %w: !w {gradus.name = "w", gradus.role = #gradus.role<param>})
    -> (!w {gradus.name = "w", gradus.of = 1 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  %z = gradus.draw normal "drawn.z" at %t {each} : !i -> !w
  %zz = gradus.mul %z, %z : !w
  %q = gradus.reduce sum %zz axes [0] : !w to !s
  %a = gradus.all_reduce sum %q : !s
  %u = gradus.draw uniform "drawn.u" at %t : !i -> !s
  %v = gradus.draw exponential "drawn.v" at %t {each} : !i -> !s
  %uv = gradus.mul %u, %v : !s
  %s = gradus.div %uv, %a : !s
  %s32 = gradus.cast %s : !s to !gradus.array<[], f32>
  %b = gradus.broadcast %s32 axes [] : !gradus.array<[], f32> to !w
  %d = gradus.mul %b, %z : !w
  %w2 = gradus.sub %w, %d : !w
  gradus.return %w2 : !w
}

// Kept in blocks of codes, and read back.
gradus.func fn @kept(%x: !n {gradus.name = "x", gradus.role = #gradus.role<data>})
    -> (!gradus.array<[n], !gradus.blocks<16>> {gradus.name = "y", gradus.role = #gradus.role<value>}, !n {gradus.name = "z", gradus.role = #gradus.role<value>}) {
  %y = gradus.encode %x : !n to !gradus.array<[n], !gradus.blocks<16>>
  %z = gradus.cast %y : !gradus.array<[n], !gradus.blocks<16>> to !n
  gradus.return %y, %z : !gradus.array<[n], !gradus.blocks<16>>, !n
}

// Rounded by random bits, and read back.
gradus.func fn @rounded(%t: !i {gradus.name = "t", gradus.role = #gradus.role<time>}, %x: !n {gradus.name = "x", gradus.role = #gradus.role<data>})
    -> (!gradus.array<[n], bf16> {gradus.name = "y", gradus.role = #gradus.role<value>}, !n {gradus.name = "z", gradus.role = #gradus.role<value>}) {
  %b = gradus.draw bits "rounded.y" at %t : !i -> !gradus.array<[n], i32>
  %y = gradus.stochastic_cast %x by %b : !n, !gradus.array<[n], i32> to !gradus.array<[n], bf16>
  %z = gradus.cast %y : !gradus.array<[n], bf16> to !n
  gradus.return %y, %z : !gradus.array<[n], bf16>, !n
}
