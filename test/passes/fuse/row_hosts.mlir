// RUN: gradus-opt %s --gradus-fuse --remarks-filter=gradus-fuse --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s
// RUN: gradus-opt %s --gradus-fuse | FileCheck %s --check-prefix=IR
// What waits in a nest where a result will stand.

!s = !gradus.array<[], f64>
!n = !gradus.array<[n], f32>
!i = !gradus.array<[n], i64>
!x = !gradus.array<[n, d], f32>

// The exponentials stand where the quotient will.
// CHECK: Function=softmax{{.*}}kernel 1, value 0: in 'y', which is made of it
gradus.func fn @softmax(%x: !x {gradus.name = "x", gradus.role = #gradus.role<param>}) -> (!x {gradus.name = "y", gradus.role = #gradus.role<value>}) {
  %m = gradus.reduce max %x axes [1] : !x to !n
  %mb = gradus.broadcast %m axes [0] : !n to !x
  %c = gradus.sub %x, %mb : !x
  %e = gradus.exp %c : !x
  %s = gradus.reduce sum %e axes [1] : !x to !n
  %sb = gradus.broadcast %s axes [0] : !n to !x
  %y = gradus.div %e, %sb : !x
  gradus.return %y : !x
}

// So they do where that replaces x, of which one element in each row is read before.
// CHECK: Function=in_place{{.*}}kernel 2, value 0: in 'x', which is made of it
// IR-LABEL: @in_place
// IR: gradus.kernel over [n](%{{.*}}, %{{.*}}) {gradus.nest = [0, "n"], gradus.reads_ahead}
// IR: gradus.gather
// IR-NOT: gradus.gather
gradus.func fn @in_place(%x: !x {gradus.name = "x", gradus.role = #gradus.role<param>}, %l: !i {gradus.name = "l", gradus.role = #gradus.role<data>})
    -> (!n {gradus.name = "t", gradus.role = #gradus.role<value>}, !x {gradus.name = "y", gradus.role = #gradus.role<grad>, gradus.of = 0 : i64}) {
  %m = gradus.reduce max %x axes [1] : !x to !n
  %mb = gradus.broadcast %m axes [0] : !n to !x
  %c = gradus.sub %x, %mb : !x
  %e = gradus.exp %c : !x
  %s = gradus.reduce sum %e axes [1] : !x to !n
  %k = gradus.iota 0 : <[n], i64>
  %z = gradus.gather %x[%k, %l] : !x, (!i, !i) -> !n
  %t = gradus.div %z, %s : !n
  %sb = gradus.broadcast %s axes [0] : !n to !x
  %y = gradus.div %e, %sb : !x
  gradus.return %t, %y : !n, !x
}

// Not where x is still read.
// CHECK: Function=read_later{{.*}}kernel 1, value 0: in the workspace
gradus.func fn @read_later(%x: !x {gradus.name = "x", gradus.role = #gradus.role<param>}) -> (!x {gradus.name = "y", gradus.role = #gradus.role<grad>, gradus.of = 0 : i64}) {
  %m = gradus.reduce max %x axes [1] : !x to !n
  %mb = gradus.broadcast %m axes [0] : !n to !x
  %c = gradus.sub %x, %mb : !x
  %e = gradus.exp %c : !x
  %s = gradus.reduce sum %e axes [1] : !x to !n
  %sb = gradus.broadcast %s axes [0] : !n to !x
  %q = gradus.div %e, %sb : !x
  %y = gradus.mul %q, %x : !x
  gradus.return %y : !x
}
