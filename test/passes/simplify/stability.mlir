// RUN: gradus-opt %s --gradus-stabilize | FileCheck %s
// Each form that overflows or cancels becomes the one that does not.

// log(1 + x)
// CHECK-LABEL: gradus.func fn @log_one_plus
// CHECK: gradus.log1p %arg0
// CHECK-NEXT: gradus.return
gradus.func fn @log_one_plus(%x: !gradus.array<[n], f64> {gradus.name = "x", gradus.role = #gradus.role<data>}) -> (!gradus.array<[n], f64> {gradus.name = "r0", gradus.role = #gradus.role<value>}) {
  %k = gradus.constant dense<1.0> : tensor<f64>
  %one = gradus.broadcast %k axes [] : !gradus.array<[], f64> to !gradus.array<[n], f64>
  %a = gradus.add %one, %x : !gradus.array<[n], f64>
  %r = gradus.log %a : !gradus.array<[n], f64>
  gradus.return %r : !gradus.array<[n], f64>
}

// e^x - 1
// CHECK-LABEL: gradus.func fn @exp_minus_one
// CHECK: gradus.expm1 %arg0
// CHECK-NEXT: gradus.return
gradus.func fn @exp_minus_one(%x: !gradus.array<[n], f64> {gradus.name = "x", gradus.role = #gradus.role<data>}) -> (!gradus.array<[n], f64> {gradus.name = "r0", gradus.role = #gradus.role<value>}) {
  %k = gradus.constant dense<1.0> : tensor<f64>
  %one = gradus.broadcast %k axes [] : !gradus.array<[], f64> to !gradus.array<[n], f64>
  %a = gradus.exp %x : !gradus.array<[n], f64>
  %r = gradus.sub %a, %one : !gradus.array<[n], f64>
  gradus.return %r : !gradus.array<[n], f64>
}

// log(e^x + 1)
// CHECK-LABEL: gradus.func fn @softplus
// CHECK: gradus.softplus %arg0
// CHECK-NEXT: gradus.return
gradus.func fn @softplus(%x: !gradus.array<[n], f64> {gradus.name = "x", gradus.role = #gradus.role<data>}) -> (!gradus.array<[n], f64> {gradus.name = "r0", gradus.role = #gradus.role<value>}) {
  %k = gradus.constant dense<1.0> : tensor<f64>
  %one = gradus.broadcast %k axes [] : !gradus.array<[], f64> to !gradus.array<[n], f64>
  %e = gradus.exp %x : !gradus.array<[n], f64>
  %a = gradus.add %e, %one : !gradus.array<[n], f64>
  %r = gradus.log %a : !gradus.array<[n], f64>
  gradus.return %r : !gradus.array<[n], f64>
}

// 1 / (1 + e^-x)
// CHECK-LABEL: gradus.func fn @sigmoid
// CHECK: gradus.sigmoid %arg0
// CHECK-NEXT: gradus.return
gradus.func fn @sigmoid(%x: !gradus.array<[n], f64> {gradus.name = "x", gradus.role = #gradus.role<data>}) -> (!gradus.array<[n], f64> {gradus.name = "r0", gradus.role = #gradus.role<value>}) {
  %k = gradus.constant dense<1.0> : tensor<f64>
  %one = gradus.broadcast %k axes [] : !gradus.array<[], f64> to !gradus.array<[n], f64>
  %n = gradus.neg %x : !gradus.array<[n], f64>
  %e = gradus.exp %n : !gradus.array<[n], f64>
  %a = gradus.add %one, %e : !gradus.array<[n], f64>
  %r = gradus.div %one, %a : !gradus.array<[n], f64>
  gradus.return %r : !gradus.array<[n], f64>
}

// log(sigmoid(x))
// CHECK-LABEL: gradus.func fn @log_sigmoid
// CHECK: %[[N:.*]] = gradus.neg %arg0
// CHECK-NEXT: %[[P:.*]] = gradus.softplus %[[N]]
// CHECK-NEXT: gradus.neg %[[P]]
gradus.func fn @log_sigmoid(%x: !gradus.array<[n], f64> {gradus.name = "x", gradus.role = #gradus.role<data>}) -> (!gradus.array<[n], f64> {gradus.name = "r0", gradus.role = #gradus.role<value>}) {
  %e = gradus.sigmoid %x : !gradus.array<[n], f64>
  %r = gradus.log %e : !gradus.array<[n], f64>
  gradus.return %r : !gradus.array<[n], f64>
}

// log(1 - sigmoid(x))
// CHECK-LABEL: gradus.func fn @log_one_minus_sigmoid
// CHECK: %[[P:.*]] = gradus.softplus %arg0
// CHECK-NEXT: gradus.neg %[[P]]
gradus.func fn @log_one_minus_sigmoid(%x: !gradus.array<[n], f64> {gradus.name = "x", gradus.role = #gradus.role<data>}) -> (!gradus.array<[n], f64> {gradus.name = "r0", gradus.role = #gradus.role<value>}) {
  %k = gradus.constant dense<1.0> : tensor<f64>
  %one = gradus.broadcast %k axes [] : !gradus.array<[], f64> to !gradus.array<[n], f64>
  %e = gradus.sigmoid %x : !gradus.array<[n], f64>
  %a = gradus.sub %one, %e : !gradus.array<[n], f64>
  %r = gradus.log %a : !gradus.array<[n], f64>
  gradus.return %r : !gradus.array<[n], f64>
}

// log(sum(e^x))
// CHECK-LABEL: gradus.func fn @logsumexp
// CHECK: gradus.logsumexp %arg0 axes [0]
// CHECK-NEXT: gradus.return
gradus.func fn @logsumexp(%x: !gradus.array<[n], f64> {gradus.name = "x", gradus.role = #gradus.role<data>}) -> (!gradus.array<[], f64> {gradus.name = "r0", gradus.role = #gradus.role<value>}) {
  %e = gradus.exp %x : !gradus.array<[n], f64>
  %s = gradus.reduce sum %e axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>
  %r = gradus.log %s : !gradus.array<[], f64>
  gradus.return %r : !gradus.array<[], f64>
}

// e^x / sum(e^x)
// CHECK-LABEL: gradus.func fn @softmax
// CHECK: %[[L:.*]] = gradus.logsumexp %arg0 axes [0]
// CHECK-NEXT: %[[B:.*]] = gradus.broadcast %[[L]]
// CHECK-NEXT: %[[S:.*]] = gradus.sub %arg0, %[[B]]
// CHECK-NEXT: gradus.exp %[[S]]
gradus.func fn @softmax(%x: !gradus.array<[n], f64> {gradus.name = "x", gradus.role = #gradus.role<data>}) -> (!gradus.array<[n], f64> {gradus.name = "r0", gradus.role = #gradus.role<value>}) {
  %e = gradus.exp %x : !gradus.array<[n], f64>
  %s = gradus.reduce sum %e axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>
  %b = gradus.broadcast %s axes [] : !gradus.array<[], f64> to !gradus.array<[n], f64>
  %r = gradus.div %e, %b : !gradus.array<[n], f64>
  gradus.return %r : !gradus.array<[n], f64>
}

// log(e^x / sum(e^x))
// CHECK-LABEL: gradus.func fn @log_softmax
// CHECK: %[[L:.*]] = gradus.logsumexp %arg0 axes [0]
// CHECK-NEXT: %[[B:.*]] = gradus.broadcast %[[L]]
// CHECK-NEXT: gradus.sub %arg0, %[[B]]
// CHECK-NEXT: gradus.return
gradus.func fn @log_softmax(%x: !gradus.array<[n], f64> {gradus.name = "x", gradus.role = #gradus.role<data>}) -> (!gradus.array<[n], f64> {gradus.name = "r0", gradus.role = #gradus.role<value>}) {
  %e = gradus.exp %x : !gradus.array<[n], f64>
  %s = gradus.reduce sum %e axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>
  %b = gradus.broadcast %s axes [] : !gradus.array<[], f64> to !gradus.array<[n], f64>
  %q = gradus.div %e, %b : !gradus.array<[n], f64>
  %r = gradus.log %q : !gradus.array<[n], f64>
  gradus.return %r : !gradus.array<[n], f64>
}

