// RUN: gradus-opt %s --pass-pipeline="builtin.module(gpu.module(gradus-emit-spirv))" --split-input-file --verify-diagnostics
// What has no form in SPIR-V is an error at its place.

gpu.module @device {
  gpu.func @k(%frame: i64, %argument: i64, %first: i64) kernel {
    %at = llvm.inttoptr %frame : i64 to !llvm.ptr
    %x = llvm.load %at : !llvm.ptr -> f32
    // expected-error @below {{'math.exp' has no form in SPIR-V for Vulkan}}
    %y = math.exp %x : f32
    llvm.store %y, %at : f32, !llvm.ptr
    gpu.return
  }
}

// -----

gpu.module @device {
  gpu.func @k(%frame: i64, %argument: i64, %first: i64) kernel {
    %at = llvm.inttoptr %frame : i64 to !llvm.ptr
    // expected-error @below {{'llvm.load' has no form in SPIR-V for Vulkan: type 'vector<16xf32>'}}
    %x = llvm.load %at : !llvm.ptr -> vector<16xf32>
    llvm.store %x, %at : vector<16xf32>, !llvm.ptr
    gpu.return
  }
}

// -----

gpu.module @device {
  gpu.func @k(%frame: i64, %argument: i64, %first: i64) kernel {
    %c2 = arith.constant 2 : i64
    %a = llvm.alloca %c2 x f32 : (i64) -> !llvm.ptr
    %at = llvm.inttoptr %frame : i64 to !llvm.ptr
    // expected-error @below {{'llvm.store' has no form in SPIR-V for Vulkan: a pointer to memory without addresses (a private array or that of a group) is stored}}
    llvm.store %a, %at : !llvm.ptr, !llvm.ptr
    gpu.return
  }
}

// -----

gpu.module @device {
  gpu.func @k(%frame: i64, %argument: i64, %first: i64) kernel {
    // expected-error @below {{'llvm.alloca' has no form in SPIR-V for Vulkan: a private array of a size that is not constant}}
    %a = llvm.alloca %argument x f32 : (i64) -> !llvm.ptr
    %x = llvm.load %a : !llvm.ptr -> f32
    llvm.store %x, %a : f32, !llvm.ptr
    gpu.return
  }
}

// -----

gpu.module @device {
  llvm.func @loop(%x: i64) -> i64 {
    // expected-error @below {{'llvm.call' has no form in SPIR-V for Vulkan: the function calls itself}}
    %y = llvm.call @loop(%x) : (i64) -> i64
    llvm.return %y : i64
  }
  gpu.func @k(%frame: i64, %argument: i64, %first: i64) kernel {
    %y = llvm.call @loop(%argument) : (i64) -> i64
    %at = llvm.inttoptr %frame : i64 to !llvm.ptr
    llvm.store %y, %at : i64, !llvm.ptr
    gpu.return
  }
}

// -----

// expected-error @below {{module 'device' has no kernels}}
gpu.module @device {
  llvm.func @f() {
    llvm.return
  }
}

// -----

gpu.module @device {
  // expected-error @below {{kernel 'k' has arguments of another form than frame, argument and first group, three of i64}}
  gpu.func @k(%frame: i64) kernel {
    gpu.return
  }
}
