// Arrays in blocks of 8-bit codes, in every form of kernel. No function computes but by moving numbers, so that all bits are determined. BlocksTest.cpp reads this file.
!s = !gradus.array<[], f64>
!x = !gradus.array<[w.numel], f32>
!xd = !gradus.array<[w.numel], f64>
!xb = !gradus.array<[w.numel], !gradus.blocks<256>>
!xs = !gradus.array<[w.numel], !gradus.blocks<16>>
!nk = !gradus.array<[n, k], f32>
!kn = !gradus.array<[k, n], f32>
!k = !gradus.array<[k], f32>
!n = !gradus.array<[n], f32>
!nkb = !gradus.array<[n, k], !gradus.blocks<32>>
!nb = !gradus.array<[n], !gradus.blocks<256>>
!ni = !gradus.array<[n], i64>
!m = !gradus.array<[m], f32>

// One kernel, two sizes of blocks.
gradus.func rule_step @flat.step(%w: !x {gradus.name = "w", gradus.role = #gradus.role<param>},
    %g: !x {gradus.name = "g", gradus.role = #gradus.role<grad>},
    %a: !xb {gradus.name = "a", gradus.role = #gradus.role<state>},
    %b: !xs {gradus.name = "b", gradus.role = #gradus.role<state>})
    -> (!x {gradus.name = "w", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !xb {gradus.name = "a", gradus.of = 2 : i64, gradus.role = #gradus.role<next>}, !xs {gradus.name = "b", gradus.of = 3 : i64, gradus.role = #gradus.role<next>})
    attributes {open} {
  %u = gradus.cast %a : !xb to !x
  %v = gradus.cast %b : !xs to !x
  %larger = gradus.max %g, %v : !x
  %a1 = gradus.encode %g : !x to !xb
  %b1 = gradus.encode %larger : !x to !xs
  gradus.return %u, %a1, %b1 : !x, !xb, !xs
}

// A reduction beside the codes, from f64.
gradus.func fn @wide(%w: !xd {gradus.name = "w", gradus.role = #gradus.role<param>}, %a: !xb {gradus.name = "a", gradus.role = #gradus.role<data>})
    -> (!xb {gradus.name = "y", gradus.role = #gradus.role<value>}, !xd {gradus.name = "z", gradus.role = #gradus.role<value>}, !s {gradus.name = "c", gradus.role = #gradus.role<value>}) {
  %u = gradus.cast %a : !xb to !xd
  %y = gradus.encode %w : !xd to !xb
  %c = gradus.reduce max %u axes [0] : !xd to !s
  gradus.return %y, %u, %c : !xb, !xd, !s
}

// The first values.
gradus.func rule_init @first.init(%w: !x {gradus.name = "w", gradus.role = #gradus.role<param>})
    -> (!xb {gradus.name = "a", gradus.role = #gradus.role<value>}) attributes {open} {
  %number = gradus.constant dense<-0.3> : tensor<f64>
  %narrow = gradus.cast %number : !s to !gradus.array<[], f32>
  %all = gradus.broadcast %narrow axes [] : !gradus.array<[], f32> to !x
  %a = gradus.encode %all : !x to !xb
  gradus.return %a : !xb
}

// Rows and columns: what is encoded waits in the workspace, and a vector of a row may lie in two blocks.
gradus.func fn @rows(%w: !nk {gradus.name = "w", gradus.role = #gradus.role<param>}, %b: !k {gradus.name = "b", gradus.role = #gradus.role<data>},
    %a: !nkb {gradus.name = "a", gradus.role = #gradus.role<state>})
    -> (!nkb {gradus.name = "a", gradus.of = 2 : i64, gradus.role = #gradus.role<next>}, !kn {gradus.name = "t", gradus.role = #gradus.role<value>}, !n {gradus.name = "s", gradus.role = #gradus.role<value>},
        !k {gradus.name = "c", gradus.role = #gradus.role<value>}) {
  %u = gradus.cast %a : !nkb to !nk
  %t = gradus.transpose %u permutation [1, 0] : !nk to !kn
  %row = gradus.broadcast %b axes [1] : !k to !nk
  %larger = gradus.max %w, %row : !nk
  %s = gradus.reduce max %u axes [1] : !nk to !n
  %both = gradus.max %larger, %u : !nk
  %c = gradus.reduce min %both axes [0] : !nk to !k
  %a1 = gradus.encode %larger : !nk to !nkb
  gradus.return %a1, %t, %s, %c : !nkb, !kn, !n, !k
}

// An index that another kernel computes may refuse the call after the codes are known.
gradus.func rule_step @late.step(%w: !n {gradus.name = "w", gradus.role = #gradus.role<param>},
    %a: !nb {gradus.name = "a", gradus.role = #gradus.role<state>},
    %x: !n {gradus.name = "x", gradus.role = #gradus.role<input>},
    %table: !m {gradus.name = "table", gradus.role = #gradus.role<input>})
    -> (!n {gradus.name = "w", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}, !nb {gradus.name = "a", gradus.of = 1 : i64, gradus.role = #gradus.role<next>}) {
  %sorted, %order = gradus.sort %x axis 0 : !n, !ni
  %k = gradus.cast %sorted : !n to !ni
  %picked = gradus.gather %table[%k] : !m, (!ni) -> !n
  %a1 = gradus.encode %w : !n to !nb
  gradus.return %picked, %a1 : !n, !nb
}
