// RUN: gradus-opt %s --pass-pipeline="builtin.module(gpu.module(gradus-emit-spirv{output=%t.spv}))" -o /dev/null
// RUN: spirv-val --target-env vulkan1.2 %t.spv
// RUN: spirv-dis --no-indent --no-header --raw-id %t.spv | FileCheck %s
// Every result of arithmetic and comparison of floats is NoContraction; what is done with bits is not.

// CHECK: OpDecorate %[[PRODUCT:.*]] NoContraction
// CHECK: OpDecorate %[[SUM:.*]] NoContraction
// CHECK: OpDecorate %[[LESS:.*]] NoContraction
// CHECK-NOT: NoContraction
// CHECK: %[[PRODUCT]] = OpFMul
// CHECK: %[[SUM]] = OpFAdd
// CHECK: %[[LESS]] = OpFOrdLessThan
gpu.module @device {
  gpu.func @k(%frame: i64, %argument: i64, %first: i64) kernel {
    %at = llvm.inttoptr %frame : i64 to !llvm.ptr
    %x = llvm.load %at : !llvm.ptr -> f32
    %p = arith.mulf %x, %x : f32
    %s = arith.addf %p, %x : f32
    %isLess = arith.cmpf olt, %s, %p : f32
    %y = arith.select %isLess, %s, %p : f32
    llvm.store %y, %at : f32, !llvm.ptr
    gpu.return
  }
}
