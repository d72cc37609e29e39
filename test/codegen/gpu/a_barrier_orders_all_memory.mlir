// RUN: gradus-opt %s --pass-pipeline="builtin.module(gpu.module(gradus-emit-spirv{output=%t.spv}))" -o /dev/null
// RUN: spirv-val --target-env vulkan1.2 %t.spv
// RUN: spirv-dis --no-indent --no-header --raw-id %t.spv | FileCheck %s
// The memory of a group and that behind addresses (UniformMemory): acquire and release, 0x148.

// CHECK: %[[SEMANTICS:.*]] = OpConstant %{{.*}} 328
// CHECK: OpControlBarrier %[[GROUP:.*]] %[[GROUP]] %[[SEMANTICS]]
gpu.module @device {
  gpu.func @k(%frame: i64, %argument: i64, %first: i64) workgroup(%shared: memref<256xf32, #gpu.address_space<workgroup>>) kernel {
    %t = gpu.thread_id x
    %one = arith.constant 1.0 : f32
    memref.store %one, %shared[%t] : memref<256xf32, #gpu.address_space<workgroup>>
    gpu.barrier
    %x = memref.load %shared[%t] : memref<256xf32, #gpu.address_space<workgroup>>
    %at = llvm.inttoptr %frame : i64 to !llvm.ptr
    llvm.store %x, %at : f32, !llvm.ptr
    gpu.return
  }
}
