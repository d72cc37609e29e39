// RUN: gradus-opt %s --pass-pipeline="builtin.module(gpu.module(gradus-emit-ptx{output=%t.ptx assemble}))" -o /dev/null 2>&1 | FileCheck %s --check-prefix=SAID
// RUN: FileCheck %s < %t.ptx
// Four neighbours, aligned, are one access, whether they come as a vector or one by one.

// SAID: remark: {{kernel 'k' on sm_80: [0-9]+ registers, spills of 0 bytes|no ptxas here}}
// CHECK: ld.global.v4.b32
// CHECK: ld.global.v4.b32
// CHECK: st.global.v4.b32
// CHECK-NOT: {{(ld|st)\.global\.b32}}
gpu.module @device {
  gpu.func @k(%frame: i64, %argument: i64, %first: i64) kernel {
    %thread = gpu.thread_id x
    %t = arith.index_cast %thread : index to i64
    %x = llvm.inttoptr %frame : i64 to !llvm.ptr
    %y = llvm.inttoptr %argument : i64 to !llvm.ptr
    %c4 = arith.constant 4 : i64
    %i = arith.muli %t, %c4 : i64
    %a0 = llvm.getelementptr %x[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %a1 = llvm.getelementptr %a0[1] : (!llvm.ptr) -> !llvm.ptr, f32
    %a2 = llvm.getelementptr %a0[2] : (!llvm.ptr) -> !llvm.ptr, f32
    %a3 = llvm.getelementptr %a0[3] : (!llvm.ptr) -> !llvm.ptr, f32
    %x0 = llvm.load %a0 {alignment = 16 : i64} : !llvm.ptr -> f32
    %x1 = llvm.load %a1 {alignment = 4 : i64} : !llvm.ptr -> f32
    %x2 = llvm.load %a2 {alignment = 8 : i64} : !llvm.ptr -> f32
    %x3 = llvm.load %a3 {alignment = 4 : i64} : !llvm.ptr -> f32
    %b = llvm.getelementptr %y[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %v = llvm.load %b {alignment = 16 : i64} : !llvm.ptr -> vector<4xf32>
    %u = vector.from_elements %x0, %x1, %x2, %x3 : vector<4xf32>
    %w = arith.addf %u, %v : vector<4xf32>
    llvm.store %w, %a0 {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr
    gpu.return
  }
}
