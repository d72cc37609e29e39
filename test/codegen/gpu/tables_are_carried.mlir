// RUN: gradus-opt %s --pass-pipeline="builtin.module(gpu.module(gradus-emit-spirv{output=%t.spv}))" -o /dev/null
// RUN: spirv-val --target-env vulkan1.2 %t.spv
// RUN: spirv-dis --no-indent --no-header --raw-id %t.spv | FileCheck %s
// A table of constants is a string of the module, and its place an address that comes with specialization constant 1.

// CHECK: OpString "gradus.tables:0000803F00000040"
// CHECK: OpDecorate %[[TABLES:.*]] SpecId 1
// CHECK: %[[TABLES]] = OpSpecConstant %{{.*}} 0
// CHECK: OpIAdd %{{.*}} %[[TABLES]]
gpu.module @device {
  llvm.mlir.global internal constant @table(dense<[1.0, 2.0]> : tensor<2xf32>) : !llvm.array<2 x f32>
  gpu.func @k(%frame: i64, %argument: i64, %first: i64) kernel {
    %at = llvm.inttoptr %frame : i64 to !llvm.ptr
    %table = llvm.mlir.addressof @table : !llvm.ptr
    %from = llvm.getelementptr %table[%argument] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %x = llvm.load %from : !llvm.ptr -> f32
    llvm.store %x, %at : f32, !llvm.ptr
    gpu.return
  }
}
