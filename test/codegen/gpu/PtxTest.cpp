//===- PtxTest.cpp - PTX of the operations, and the assembler where it is found ------===//

#include "test/codegen/gpu/DeviceCode.h"

#include <iostream>

using namespace gradus;
using namespace gradus::test;

static std::vector<Operation> allOperations() {
  std::vector<Operation> all = integerOperations(), floats = floatOperations();
  all.insert(all.end(), floats.begin(), floats.end());
  return all;
}

TEST(Ptx, assemblesForEachChip) {
  std::vector<Operation> operations = allOperations();
  Parsed parsed(writeKernels(operations, 2048));
  ASSERT_TRUE(parsed.holder);
  std::string ptxas = findPtxas();
  for (const char *chip : {"sm_80", "sm_90"}) {
    std::string error;
    mlir::FailureOr<std::string> ptx = emitPtx(parsed.module(), chip, error);
    ASSERT_TRUE(succeeded(ptx)) << error;
    EXPECT_NE(ptx->find(std::string(".target ") + chip), std::string::npos);
    size_t assembled = 0, spills = 0;
    if (!ptxas.empty()) {
      mlir::FailureOr<Cubin> cubin = emitCubin(*ptx, chip, ptxas, error);
      ASSERT_TRUE(succeeded(cubin)) << error;
      EXPECT_FALSE(cubin->bytes.empty());
      assembled = cubin->kernels.size();
      for (const KernelUse &kernel : cubin->kernels) {
        EXPECT_GT(kernel.registers, 0u) << kernel.name;
        spills += kernel.spillLoads + kernel.spillStores;
      }
      EXPECT_EQ(assembled, operations.size());
      EXPECT_EQ(spills, 0u);
    }
    std::cout << "ptxas assembled " << assembled << " of " << operations.size() << " kernels for " << chip << (ptxas.empty() ? ": it is not here" : "") << "\n";
  }
}

TEST(Ptx, refusesChipsThatItDoesNotKnow) {
  Parsed parsed(writeKernels({integerOperations().front()}, 2048));
  for (const char *chip : {"sm_1000", "sm_70", "gfx90a", "sm_", ""}) {
    std::string error;
    EXPECT_TRUE(failed(emitPtx(parsed.module(), chip, error)));
    EXPECT_EQ(error, std::string("found chip '") + chip + "', expected one of at least sm_80 that this LLVM knows, such as sm_80 or sm_90");
  }
}

TEST(Ptx, tellsWhatTheAssemblerSays) {
  if (findPtxas().empty()) {
    std::cout << "ptxas is not here\n";
    return;
  }
  std::string error;
  EXPECT_TRUE(failed(emitCubin(".version 8.0\n.target sm_80\n.address_size 64\nnonsense\n", "sm_80", findPtxas(), error)));
  EXPECT_NE(error.find("ptxas for sm_80 failed: "), std::string::npos) << error;
}
