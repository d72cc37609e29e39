// RUN: gradus-opt %s --pass-pipeline="builtin.module(gpu.module(gradus-emit-spirv{output=%t.spv}))" -o /dev/null
// RUN: spirv-val --target-env vulkan1.2 %t.spv
// RUN: spirv-dis --no-indent --no-header --raw-id %t.spv | FileCheck %s
// 8 and 16 bits that are loaded, stored and converted need the storage capabilities alone: bf16 by its bits, f16 by integer arithmetic, a bool as a byte.

// CHECK-NOT: OpCapability {{(Int8|Int16|Float16|Float64)}}
// CHECK: OpCapability StorageBuffer16BitAccess
// CHECK-NOT: OpCapability {{(Int8|Int16|Float16|Float64)}}
// CHECK: OpCapability StorageBuffer8BitAccess
// CHECK-NOT: OpCapability {{(Int8|Int16|Float16|Float64)}}
// CHECK: OpMemoryModel
gpu.module @device {
  gpu.func @k(%frame: i64, %argument: i64, %first: i64) kernel {
    %at = llvm.inttoptr %frame : i64 to !llvm.ptr
    %bits = llvm.load %at : !llvm.ptr -> i16
    %wide = arith.extui %bits : i16 to i32
    %c16 = arith.constant 16 : i32
    %image = arith.shli %wide, %c16 : i32
    %x = arith.bitcast %image : i32 to f32
    %h = llvm.load %at : !llvm.ptr -> f16
    %y = arith.extf %h : f16 to f32
    %z = arith.addf %x, %y : f32
    %out = arith.truncf %z : f32 to f16
    llvm.store %out, %at : f16, !llvm.ptr
    %byte = llvm.load %at : !llvm.ptr -> i8
    %zero = arith.constant 0 : i8
    %is = arith.cmpi ne, %byte, %zero : i8
    %stored = arith.extui %is : i1 to i8
    llvm.store %stored, %at : i8, !llvm.ptr
    gpu.return
  }
}
