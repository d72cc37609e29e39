//===- EmitPasses.h - Device code as a pass, for tests -------------------------------===//

#pragma once

namespace gradus {

/// `--gradus-emit-spirv=output=FILE`: the words of the only gpu.module of the input. The module stays as it is.
void registerGpuEmission();

} // namespace gradus
