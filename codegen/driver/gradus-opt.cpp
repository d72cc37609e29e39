//===- gradus-opt.cpp - mlir-opt with the gradus dialect, passes and phases ----===//

#include "codegen/gpu/EmitPasses.h"
#include "dialect/Gradus.h"
#include "passes/Passes.h"
#include "passes/Phases.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<gradus::GradusDialect>();
  mlir::registerAllPasses();
  gradus::registerGradusPasses();
  gradus::registerGpuEmission();
  gradus::registerPhases();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "gradus-opt: passes over the gradus dialect\n", registry));
}
