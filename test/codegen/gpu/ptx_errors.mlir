// RUN: gradus-opt %s --pass-pipeline="builtin.module(gpu.module(gradus-emit-ptx))" --split-input-file --verify-diagnostics
// What would become a call of a library is an error: of libdevice, and of what nothing defines.

gpu.module @device {
  gpu.func @k(%frame: i64, %argument: i64, %first: i64) kernel {
    %at = llvm.inttoptr %frame : i64 to !llvm.ptr
    %x = llvm.load %at : !llvm.ptr -> f32
    // expected-error @below {{'math.exp' has no form in PTX}}
    %y = math.exp %x : f32
    llvm.store %y, %at : f32, !llvm.ptr
    gpu.return
  }
}

// -----

// expected-error @below {{PTX would call '__nv_expf', which nothing defines}}
gpu.module @device {
  llvm.func @__nv_expf(f32) -> f32
  gpu.func @k(%frame: i64, %argument: i64, %first: i64) kernel {
    %at = llvm.inttoptr %frame : i64 to !llvm.ptr
    %x = llvm.load %at : !llvm.ptr -> f32
    %y = llvm.call @__nv_expf(%x) : (f32) -> f32
    llvm.store %y, %at : f32, !llvm.ptr
    gpu.return
  }
}
