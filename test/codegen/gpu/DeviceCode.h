//===- DeviceCode.h - Small kernels, as text, and a device that runs them -----------===//

#pragma once

#include "codegen/gpu/Ptx.h"
#include "codegen/gpu/Spirv.h"
#include "runtime/gradus_vulkan.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gradus::test {

/// One operation, and what it gives: numbers as their bits, in the low ones of 64. Types are i1 (results only), i8 .. i64, f16, f32 and f64; "sN" is an iN that is less
/// than N, for shifts.
struct Operation {
  std::string name;
  std::vector<std::string> operands;
  std::string result;
  std::string body; ///< of the operands %x0, %x1, ..
  /// Nothing where the language leaves the result open.
  std::function<std::optional<uint64_t>(const std::vector<uint64_t> &)> expected;
};

/// The operations that both kinds of device have.
std::vector<Operation> integerOperations();
std::vector<Operation> floatOperations();

/// A gpu.module with a kernel for each: element i of `elements` in cells of 8 bytes, a row for each of up to three operands, then one of results.
std::string writeKernels(const std::vector<Operation> &operations, int64_t elements);
/// Numbers that tell: special ones, any bits, and such as cancel.
std::vector<std::vector<uint64_t>> chooseOperands(const Operation &operation, int64_t count);

unsigned widthOf(const std::string &type);
bool isNan(const std::string &type, uint64_t bits);
/// A number that a device may take for zero.
bool isSubnormal(const std::string &type, uint64_t bits);

/// A parsed module.
struct Parsed {
  explicit Parsed(const std::string &text);
  mlir::gpu::GPUModuleOp module();

  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> holder;
};

/// The best device of Vulkan of this machine, if need be Mesa's on the CPU.
struct OnVulkan : testing::Test {
  void SetUp() override;
  void TearDown() override;
  /// Validates and loads the module.
  void load(const std::string &text, const std::vector<std::string> &kernels);
  /// Runs one kernel over memory that has these bytes before, and what is left after.
  std::vector<uint64_t> run(int32_t kernel, uint64_t groups, const std::vector<uint64_t> &memory, uint64_t argument = 0);

  gradus_vulkan *vulkan = nullptr;
  gradus_vulkan_recorder *recorder = nullptr;
  llvm::SmallVector<uint32_t, 0> words;
  std::vector<std::string> names;
  std::vector<const char *> namePointers;
  gradus_device_image image{};
  gradus_device_module module{};
};

} // namespace gradus::test
