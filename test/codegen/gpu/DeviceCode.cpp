//===- DeviceCode.cpp - Small kernels, as text, and a device that runs them ---------===//

#include "test/codegen/gpu/DeviceCode.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

#include <random>

using namespace mlir;

namespace gradus::test {

unsigned widthOf(const std::string &type) { return static_cast<unsigned>(std::stoul(type.substr(1))); }

static unsigned mantissaOf(const std::string &type) { return type == "f64" ? 52 : type == "f32" ? 23 : 10; }
static uint64_t magnitudeOf(const std::string &type, uint64_t bits) { return bits & ((uint64_t(1) << (widthOf(type) - 1)) - 1); }
static uint64_t infinityOf(const std::string &type) {
  unsigned mantissa = mantissaOf(type);
  return ((uint64_t(1) << (widthOf(type) - 1 - mantissa)) - 1) << mantissa;
}

bool isNan(const std::string &type, uint64_t bits) { return type[0] == 'f' && magnitudeOf(type, bits) > infinityOf(type); }

bool isSubnormal(const std::string &type, uint64_t bits) {
  uint64_t magnitude = magnitudeOf(type, bits);
  return (type == "f32" || type == "f64") && magnitude != 0 && magnitude < uint64_t(1) << mantissaOf(type);
}

std::string writeKernels(const std::vector<Operation> &operations, int64_t elements) {
  std::string text = "gpu.module @kernels {\n";
  for (const Operation &operation : operations) {
    text += "gpu.func @" + operation.name + R"((%frame: i64, %argument: i64, %first: i64) kernel {
%group = gpu.block_id x
%thread = gpu.thread_id x
%g = arith.index_cast %group : index to i64
%t = arith.index_cast %thread : index to i64
%size = arith.constant 256 : i64
%number = arith.addi %g, %first : i64
%before = arith.muli %number, %size : i64
%i = arith.addi %before, %t : i64
%base = llvm.inttoptr %frame : i64 to !llvm.ptr
)";
    auto address = [&](const std::string &row, int64_t number) {
      text += "%o" + row + " = arith.constant " + std::to_string(number * elements) + " : i64\n%j" + row + " = arith.addi %i, %o" + row + " : i64\n%a" + row +
              " = llvm.getelementptr %base[%j" + row + "] : (!llvm.ptr, i64) -> !llvm.ptr, i64\n";
    };
    for (size_t k = 0; k < operation.operands.size(); ++k) {
      std::string row = std::to_string(k), type = operation.operands[k];
      address(row, static_cast<int64_t>(k));
      text += "%x" + row + " = llvm.load %a" + row + " : !llvm.ptr -> " + (type[0] == 's' ? "i" + type.substr(1) : type) + "\n";
    }
    address("r", 3);
    text += "%y = " + operation.body + "\nllvm.store %y, %ar : " + operation.result + ", !llvm.ptr\ngpu.return\n}\n";
  }
  return text + "}\n";
}

std::vector<std::vector<uint64_t>> chooseOperands(const Operation &operation, int64_t count) {
  std::mt19937_64 random(operation.operands.size() * 1000 + operation.name.size());
  auto mask = [](unsigned width, uint64_t bits) { return width == 64 ? bits : bits & ((uint64_t(1) << width) - 1); };
  auto choose = [&](const std::string &type) -> uint64_t {
    unsigned width = widthOf(type);
    if (type[0] == 's')
      return random() % width;
    uint64_t any = random(), sign = uint64_t(1) << (width - 1);
    switch (random() % 4) {
    case 0: {
      uint64_t one = uint64_t(1) << (type[0] == 'f' ? mantissaOf(type) : 0);
      uint64_t special[] = {0, sign, one, sign | one, sign - 1, mask(width, ~uint64_t(0)), type[0] == 'f' ? infinityOf(type) : 2, type[0] == 'f' ? sign | infinityOf(type) : 3};
      return special[any % 8];
    }
    case 1: return mask(width, any);
    case 2: return type[0] == 'f' ? mask(width, any & 7) | (infinityOf(type) >> 1 & ~(uint64_t(1) << (mantissaOf(type) - 1))) : mask(width, any) >> random() % width;
    default: break;
    }
    if (type[0] != 'f')
      return mask(width, uint64_t(0) - (mask(width, any) >> (1 + random() % (width - 1))));
    // Within 2^-20 .. 2^20, where sums and products round.
    uint64_t exponent = (infinityOf(type) >> 1 >> mantissaOf(type)) + random() % 41 - 20;
    return (any & (sign | ((uint64_t(1) << mantissaOf(type)) - 1))) | exponent << mantissaOf(type);
  };
  std::vector<std::vector<uint64_t>> rows(static_cast<size_t>(count));
  for (std::vector<uint64_t> &row : rows)
    for (const std::string &type : operation.operands)
      row.push_back(choose(type));
  return rows;
}

Parsed::Parsed(const std::string &text) : context(std::make_unique<MLIRContext>()) {
  context->loadDialect<arith::ArithDialect, gpu::GPUDialect, LLVM::LLVMDialect, math::MathDialect, memref::MemRefDialect, scf::SCFDialect, vector::VectorDialect>();
  holder = parseSourceString<ModuleOp>(text, context.get());
}

gpu::GPUModuleOp Parsed::module() { return *holder->getOps<gpu::GPUModuleOp>().begin(); }

void OnVulkan::SetUp() {
  gradus_context context{};
  context.error = [](void *, const gradus_error *error) { ADD_FAILURE() << error->message; };
  ASSERT_EQ(gradus_vulkan_open(&context, nullptr, &vulkan), GRADUS_OK) << "./setup installs a device: mesa-vulkan-drivers";
  ASSERT_EQ(gradus_vulkan_recorder_open(vulkan, &recorder), GRADUS_OK);
}

void OnVulkan::TearDown() {
  gradus_vulkan_recorder_close(recorder);
  gradus_vulkan_close(vulkan);
}

/// By the tool of the package spirv-tools.
static void validate(ArrayRef<uint32_t> words) {
  SmallString<128> path;
  int descriptor = -1;
  ASSERT_FALSE(llvm::sys::fs::createTemporaryFile("gradus", "spv", descriptor, path));
  llvm::FileRemover remover(path);
  llvm::raw_fd_ostream(descriptor, /*shouldClose=*/true) << StringRef(reinterpret_cast<const char *>(words.data()), words.size() * sizeof(uint32_t));
  EXPECT_EQ(llvm::sys::ExecuteAndWait(GRADUS_TEST_SPIRV_VAL, {GRADUS_TEST_SPIRV_VAL, "--target-env", "vulkan1.2", path}), 0);
}

void OnVulkan::load(const std::string &text, const std::vector<std::string> &kernels) {
  Parsed parsed(text);
  ASSERT_TRUE(parsed.holder);
  FailureOr<llvm::SmallVector<uint32_t, 0>> emitted = emitSpirv(parsed.module());
  ASSERT_TRUE(succeeded(emitted));
  words = std::move(*emitted);
  validate(words);
  names = kernels;
  for (const std::string &name : names)
    namePointers.push_back(name.c_str());
  image = {GRADUS_IMAGE_SPIRV, 0, words.data(), words.size() * sizeof(uint32_t)};
  module = {std::hash<std::string>()(text), 1, static_cast<int32_t>(names.size()), &image, namePointers.data()};
}

std::vector<uint64_t> OnVulkan::run(int32_t kernel, uint64_t groups, const std::vector<uint64_t> &memory, uint64_t argument) {
  std::vector<uint64_t> after(memory.size());
  gradus_address address = 0;
  gradus_device device{};
  EXPECT_EQ(gradus_vulkan_allocate(vulkan, 8 * memory.size(), &address), GRADUS_OK);
  EXPECT_EQ(gradus_vulkan_write(vulkan, address, memory.data(), 8 * memory.size()), GRADUS_OK);
  EXPECT_EQ(gradus_vulkan_begin(recorder, nullptr, &device), GRADUS_OK);
  EXPECT_EQ(device.dispatch(device.user, &module, kernel, groups, address, argument), GRADUS_OK);
  EXPECT_EQ(gradus_vulkan_submit(recorder, nullptr), GRADUS_OK);
  EXPECT_EQ(gradus_vulkan_wait(recorder), GRADUS_OK);
  EXPECT_EQ(gradus_vulkan_read(vulkan, after.data(), address, 8 * memory.size()), GRADUS_OK);
  EXPECT_EQ(gradus_vulkan_release(vulkan, address), GRADUS_OK);
  return after;
}

} // namespace gradus::test
