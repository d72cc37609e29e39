// RUN: gradus-opt %s --pass-pipeline="builtin.module(gpu.module(gradus-emit-spirv{output=%t.spv}))" -o /dev/null
// RUN: spirv-val --target-env vulkan1.2 %t.spv
// RUN: spirv-dis --no-indent --no-header --raw-id %t.spv | FileCheck %s
// An address becomes a pointer where it is used; the module declares what it uses and no more.

// CHECK: OpCapability Shader
// CHECK-NEXT: OpCapability Int64
// CHECK-NEXT: OpCapability PhysicalStorageBufferAddresses
// CHECK-NEXT: OpMemoryModel PhysicalStorageBuffer64 GLSL450
// CHECK-NEXT: OpEntryPoint GLCompute %{{.*}} "scale"
// CHECK-NEXT: OpExecutionMode %{{.*}} LocalSize 256 1 1
// CHECK: OpConvertUToPtr
// CHECK-NEXT: OpLoad {{.*}} Aligned 4
// CHECK-NEXT: OpFMul
// CHECK-NEXT: OpConvertUToPtr
// CHECK-NEXT: OpStore {{.*}} Aligned 4
gpu.module @device {
  gpu.func @scale(%frame: i64, %argument: i64, %first: i64) kernel attributes {known_block_size = array<i32: 256, 1, 1>} {
    %group = gpu.block_id x
    %thread = gpu.thread_id x
    %g = arith.index_cast %group : index to i64
    %t = arith.index_cast %thread : index to i64
    %size = arith.constant 256 : i64
    %real = arith.addi %g, %first : i64
    %before = arith.muli %real, %size : i64
    %i = arith.addi %before, %t : i64
    %inside = arith.cmpi slt, %i, %argument : i64
    scf.if %inside {
      %base = llvm.inttoptr %frame : i64 to !llvm.ptr
      %at = llvm.getelementptr %base[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      %x = llvm.load %at {alignment = 4 : i64} : !llvm.ptr -> f32
      %two = arith.constant 2.0 : f32
      %y = arith.mulf %x, %two : f32
      llvm.store %y, %at {alignment = 4 : i64} : f32, !llvm.ptr
    }
    gpu.return
  }
}
