// RUN: gradus-opt %s --pass-pipeline="builtin.module(gpu.module(gradus-emit-ptx{output=%t.ptx chip=sm_90}))" -o /dev/null
// RUN: FileCheck %s < %t.ptx
// Groups of 256, four at once on a multiprocessor, device memory by its own loads, each operation rounded: a product and a sum stay two, an fma is one.

// CHECK: .target sm_90
// CHECK: .visible .entry k(
// CHECK: .reqntid 256, 1, 1
// CHECK: .minnctapersm 4
// CHECK: ld.global.b32
// CHECK: mul.rn.f32
// CHECK: add.rn.f32
// CHECK: fma.rn.f32
// CHECK: div.rn.f32
// CHECK: sqrt.rn.f32
// CHECK: st.global.b32
// CHECK-NOT: {{mul.f32|add.f32|ftz|approx|\.extern|__nv}}
gpu.module @device {
  gpu.func @k(%frame: i64, %argument: i64, %first: i64) kernel {
    %at = llvm.inttoptr %frame : i64 to !llvm.ptr
    %x = llvm.load %at : !llvm.ptr -> f32
    %p = arith.mulf %x, %x : f32
    %s = arith.addf %p, %x : f32
    %f = math.fma %s, %x, %p : f32
    %d = arith.divf %f, %x : f32
    %r = math.sqrt %d : f32
    llvm.store %r, %at : f32, !llvm.ptr
    gpu.return
  }
}
