// Every pass of the compiler, documented. One pass, one file, in the folder of its phase.

#ifndef GRADUS_PASSES_TD
#define GRADUS_PASSES_TD

include "mlir/Pass/PassBase.td"

def Algebra : Pass<"gradus-algebra", "gradus::FuncOp"> {
  let summary = "Rewrite by identities that change no bit of a result";
  let description = [{
    The identities of `passes/simplify/Algebra.td`; elementwise ops of broadcasts become broadcasts of smaller ops, down to
    rank 0, where they are evaluated once per call in f64.
    Example: test/passes/simplify/hoist_scalars.mlir.
  }];
  let dependentDialects = ["gradus::GradusDialect"];
}

def Decompose : Pass<"gradus-decompose", "gradus::FuncOp"> {
  let summary = "Write logsumexp and norm in terms of reductions";
  let description = [{
    Runs after every derivative has been taken. `logsumexp` is shifted by its largest argument, with care for infinities; `norm` is
    the root of the sum of squares. Example: test/passes/simplify/decompose_logsumexp.mlir.
  }];
  let dependentDialects = ["gradus::GradusDialect"];
}

def Differentiate : Pass<"gradus-differentiate", "::gradus::FuncOp"> {
  let summary = "Replace every gradus.grad by the ops of its value and gradients";
  let description = [{
    Reverse mode, innermost regions first, so that gradients nest to any order. Elementwise ops have rows in
    `passes/diff/Derivatives.td`; ops that move or add elements have rules in C++. One cotangent a value; only values that
    depend on the region's arguments get one. An op without a derivative is an error that names the path from the
    loss to the op (G0850).
  }];
  let dependentDialects = ["::gradus::GradusDialect"];
}

def ExpandCustom : Pass<"gradus-expand-custom", "::gradus::FuncOp"> {
  let summary = "Replace every gradus.custom by its body";
  let description = [{
    Runs when every derivative has been taken: until then the body must not be mixed with what is around it, for the derivative of the op is
    another one. Example: test/passes/diff/custom.mlir.
  }];
}

def FormContractions : Pass<"gradus-form-contractions", "gradus::FuncOp"> {
  let summary = "Turn a sum of products of broadcasts into a contraction";
  let description = [{
    `sum[j](X[i, j] * W[j, k])` becomes `X @ W`. Left alone are sums of products that no factor lacks an axis of: they fuse with what
    surrounds them, and a contraction of that kind (a dot product) becomes such a sum. Transposes of a contraction's operands become labels.
    Example: test/passes/simplify/form_contractions.mlir.
  }];
  let dependentDialects = ["gradus::GradusDialect"];
}

def Fuse : Pass<"gradus-fuse", "gradus::FuncOp"> {
  let summary = "Group operations into kernels and kernels into phases";
  let description = [{
    Brings a function into the form of dialect/Plan.td: rank-0 ops, phases of kernels, collection-wide reductions, the
    return. Tests and functions that are fused already are left alone. passes/fuse/README.md has the cost model.
    Example: test/passes/fuse/adamw_is_one_kernel.mlir.
  }];
  let options = [Option<"noFuse", "no-fuse", "bool", "false", "One kernel for each operation, for comparison">];
  let dependentDialects = ["gradus::GradusDialect"];
}

def Guard : Pass<"gradus-guard", "gradus::FuncOp"> {
  let summary = "Add the conditions without which a step is refused";
  let description = [{
    Each is a result of rank 0 with the attribute `gradus.guard`, true if some array or number is finite. By level: `joint`, sums over the collection, the loss, and
    gradients that a sum tells of, none of which reads an array again; `grads`, all gradients; `full`, all next values too. Without a level that of
    train units is `grads`, that of rules `joint`. The function is as the front end wrote it. passes/step/README.md says why.
    Example: test/passes/step/adds_conditions.mlir.
  }];
  let options = [Option<"level", "level", "std::string", "\"\"", "off, joint, grads or full; empty for that of the unit">];
  let dependentDialects = ["gradus::GradusDialect"];
}

def Reciprocal : Pass<"gradus-reciprocal", "gradus::FuncOp"> {
  let summary = "Multiply arrays by reciprocals instead of dividing them by scalars";
  let description = [{
    The reciprocal of a rank-0 value is computed once per call in f64 and rounded once: at most 1 ulp from the quotient. Not
    run under `--fp=exact-div`. Example: test/passes/simplify/reciprocal.mlir.
  }];
  let dependentDialects = ["gradus::GradusDialect"];
}

def ScatterToSelect : Pass<"gradus-scatter-to-select", "gradus::FuncOp"> {
  let summary = "Write a scatter of at most one update a row as a choice by the index";
  let description = [{
    The derivative of `z[i, label[i]]` adds to one element of each row. As a choice where the column equals the label it fuses with what
    else is computed for each element, and no array of zeros is stored. Done only where a gather by the same index checks it.
    Example: test/passes/simplify/scatter_to_select.mlir.
  }];
  let dependentDialects = ["gradus::GradusDialect"];
}

def Stabilize : Pass<"gradus-stabilize", "gradus::FuncOp"> {
  let summary = "Replace forms that overflow or cancel by stable ones";
  let description = [{
    The table `passes/simplify/Stability.td` and the softmax `exp(x) / sum(exp(x))`. It runs before derivatives are taken.
    Example: test/passes/simplify/stability.mlir.
  }];
  let dependentDialects = ["gradus::GradusDialect"];
}

def Lower : Pass<"gradus-lower", "mlir::ModuleOp"> {
  let summary = "Turn the plan into loops over vectors behind the C ABI";
  let description = [{
    Every function that is no test becomes `<name>__kernel` and `<name>__workspace` with the signatures of runtime/gradus.h, and one
    internal function for each kernel. codegen/README.md states the order of every sum. Example: test/passes/lower/elementwise_is_one_loop.mlir.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::LLVM::LLVMDialect", "mlir::math::MathDialect", "mlir::scf::SCFDialect",
                           "mlir::vector::VectorDialect"];
}

def LowerGpu : Pass<"gradus-lower-gpu", "mlir::ModuleOp"> {
  let summary = "Turn the plan into kernels of a GPU and the host program that records them";
  let description = [{
    Every function that is no test becomes `<name>__device_kernel` and `<name>__device_workspace` with the signatures of runtime/gradus.h, and kernels in one
    `gpu.module`. What has no such form is a located error. passes/gpu/README.md states the design. Example: test/passes/gpu/elementwise.mlir.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::gpu::GPUDialect", "mlir::LLVM::LLVMDialect", "mlir::math::MathDialect",
                           "mlir::memref::MemRefDialect", "mlir::scf::SCFDialect", "mlir::vector::VectorDialect"];
}

def MergeKernels : Pass<"gradus-merge-kernels", "mlir::ModuleOp"> {
  let summary = "Keep one of the kernels that are the same code";
  let description = [{
    A kernel finds its pointers and sizes in a closure, so that two products of matrices, or a loss with and without its gradient, have the same functions.
    One stays, with the traffic of all. Example: test/passes/lower/equal_kernels_are_one.mlir.
  }];
}

def VerifyPlan : Pass<"gradus-verify-plan", "gradus::FuncOp"> {
  let summary = "Check that functions have the form of dialect/Plan.td";
  let description = [{
    `gradus-fuse` ends with the same check. Example: test/passes/fuse/verify_plan.mlir.
  }];
}

def ZeroGrads : Pass<"gradus-zero-grads", "gradus::FuncOp"> {
  let summary = "Let the step of a rule write zeros over its gradients";
  let description = [{
    For applications that add the next gradient to what is there. Each gradient of a `rule_step` becomes one of the tensors that it replaces, by 0.
    Example: test/passes/step/zero_grads.mlir.
  }];
  let dependentDialects = ["gradus::GradusDialect"];
}

#endif // GRADUS_PASSES_TD
