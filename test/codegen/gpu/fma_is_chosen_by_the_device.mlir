// RUN: gradus-opt %s --pass-pipeline="builtin.module(gpu.module(gradus-emit-spirv{output=%t.spv}))" -o /dev/null
// RUN: spirv-val --target-env vulkan1.2 %t.spv
// RUN: spirv-dis --no-indent --no-header --raw-id %t.spv | FileCheck %s
// One function for each type, called from all places: Fma where specialization constant 0 says that it rounds once, else sums without error.

// CHECK: OpDecorate %[[HAS:.*]] SpecId 0
// CHECK-DAG: %[[HAS]] = OpSpecConstantFalse
// CHECK: %[[FMA:.*]] = OpFunction %{{.*}} None
// CHECK: OpBranchConditional %[[HAS]]
// CHECK: OpExtInst {{.*}} Fma
// CHECK: OpFConvert
// CHECK: OpFunctionEnd
// CHECK: OpFunctionCall {{.*}} %[[FMA]]
// CHECK: OpFunctionCall {{.*}} %[[FMA]]
// CHECK-NOT: Fma
gpu.module @device {
  gpu.func @twice(%frame: i64, %argument: i64, %first: i64) kernel {
    %at = llvm.inttoptr %frame : i64 to !llvm.ptr
    %x = llvm.load %at : !llvm.ptr -> f32
    %y = math.fma %x, %x, %x : f32
    %z = math.fma %y, %x, %y : f32
    llvm.store %z, %at : f32, !llvm.ptr
    gpu.return
  }
}
