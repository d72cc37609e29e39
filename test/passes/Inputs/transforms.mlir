// Fourier transforms: a loss that is differentiated too, and one whose other part nobody reads.
!s = !gradus.array<[], f64>
!m = !gradus.array<[n, c], f64>

gradus.func loss @filtered(%x: !m {gradus.name = "x", gradus.role = #gradus.role<param>}, %w: !m {gradus.name = "w", gradus.role = #gradus.role<data>})
    -> (!s {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %a, %b = gradus.fft %x, %w axis 0 : !m
  %c = gradus.sin %a : !m
  %d = gradus.mul %b, %x : !m
  %e, %f = gradus.fft %c, %d axis 1 inverse : !m
  %p = gradus.mul %e, %w : !m
  %q = gradus.add %p, %f : !m
  %r = gradus.reduce sum %q axes [0, 1] : !m to !s
  gradus.return %r : !s
}

gradus.func fn @real_part(%x: !gradus.array<[b, n, c], f64> {gradus.name = "x", gradus.role = #gradus.role<input>})
    -> (!gradus.array<[b, n, c], f64> {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %zero = gradus.sub %x, %x : !gradus.array<[b, n, c], f64>
  %a, %b = gradus.fft %x, %zero axis 1 : !gradus.array<[b, n, c], f64>
  %c, %d = gradus.fft %a, %x axis 2 : !gradus.array<[b, n, c], f64>
  gradus.return %d : !gradus.array<[b, n, c], f64>
}
