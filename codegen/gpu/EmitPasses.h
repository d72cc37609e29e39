//===- EmitPasses.h - Device code as a pass, for tests -------------------------------===//

#pragma once

namespace gradus {

/// `gradus-emit-spirv{output=FILE}` and `gradus-emit-ptx{output=FILE chip=sm_80 assemble}` on a gpu.module, which stays as it is.
void registerGpuEmission();

} // namespace gradus
