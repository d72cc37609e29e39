//===- DeviceTest.cpp - Entries of devices in an artifact ---------------------------===//
//
// The host programs are written by hand in LLVM's language, and the images are made up: what is asked is how they come out of the object again.
//
//===----------------------------------------------------------------------===//

#include "runtime/gradus_device.h"
#include "test/codegen/emit/Sample.h"

#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/SourceMgr.h"

#include <gtest/gtest.h>

using namespace emit_test;

static constexpr char kernels[] = R"llvm(
@gradus_device_table = external constant i8
define i32 @walk_init__kernel(ptr %c, ptr %h, i64 %t, i64 %s, ptr %x, i64 %n, ptr %w, ptr %r) { ret i32 0 }
define i64 @walk_init__workspace(ptr %x, i64 %n) { ret i64 0 }
define i32 @walk_step__kernel(ptr %c, ptr %h, i64 %t, i64 %s, ptr %x, i64 %n, ptr %w, ptr %r) { ret i32 0 }
define i64 @walk_step__workspace(ptr %x, i64 %n) { ret i64 0 }
define i32 @half__kernel(ptr %c, ptr %h, i64 %t, i64 %s, ptr %x, i64 %n, ptr %w, ptr %r) { ret i32 0 }
define i64 @half__workspace(ptr %x, i64 %n) { ret i64 0 }

define void @launch(ptr %device, i64 %frame) {
  %user = load ptr, ptr %device
  %at = getelementptr i8, ptr %device, i64 24
  %hook = load ptr, ptr %at
  %status = call i32 %hook(ptr %user, ptr @gradus_device_table, i32 1, i64 7, i64 %frame, i64 0)
  ret void
}
define i32 @walk_step__device_kernel(ptr %c, ptr %h, i64 %t, i64 %s, ptr %x, i64 %n, ptr %w, ptr %r) {
  %at = getelementptr i8, ptr %c, i64 64
  %device = load ptr, ptr %at
  %frame = ptrtoint ptr %w to i64
  call void @launch(ptr %device, i64 %frame)
  ret i32 0
}
define i64 @walk_step__device_workspace(ptr %x, i64 %n) { ret i64 128 }
)llvm";

static gradus::ArtifactOptions makeOptions() {
  return {"walk", "", "dtype=f32", {"x86-64-v3", "vulkan", "nvptx:sm_80"}, {GRADUS_CUDA, GRADUS_VULKAN}, {"walk.init", "half"}};
}

static gradus::DeviceCode makeCode() {
  return {{{GRADUS_IMAGE_SPIRV, 0, std::string("\x03\x02\x23\x07", 4)}, {GRADUS_IMAGE_PTX, 80, ".version 7.0"}, {GRADUS_IMAGE_CUBIN, 90, std::string("\x7f" "ELF\0x", 6)}},
          {"first", "second"}};
}

static std::unique_ptr<llvm::Module> parse(llvm::LLVMContext &context, const std::string &text) {
  llvm::SMDiagnostic diagnostic;
  return llvm::parseAssemblyString(text, diagnostic, context);
}

TEST(Device, namesEntriesOfDevices) {
  Sample sample;
  auto artifact = sample.describe(makeOptions());
  ASSERT_TRUE(succeeded(artifact));
  EXPECT_TRUE(artifact->entries[0].devices.empty());
  ASSERT_EQ(artifact->entries[1].devices.size(), 2u);
  EXPECT_EQ(artifact->entries[1].getSymbol(GRADUS_CUDA), "walk_step_cuda");
  std::vector<std::string> const exports = artifact->getExports();
  for (const char *name : {"walk_step", "walk_step_cuda", "walk_step_cuda_entry", "walk_step_cuda_workspace", "walk_step_vulkan"})
    EXPECT_TRUE(llvm::is_contained(exports, name)) << name;
  EXPECT_FALSE(llvm::is_contained(exports, "half_cuda"));
}

TEST(Device, declaresEntriesOfDevices) {
  Sample sample;
  auto artifact = sample.describe(makeOptions());
  ASSERT_TRUE(succeeded(artifact));
  artifact->device = makeCode();
  std::string const header = gradus::renderHeader(*artifact), cpp = gradus::renderCppHeader(*artifact);
  EXPECT_NE(header.find("#include \"gradus_device.h\""), std::string::npos);
  EXPECT_NE(header.find("gradus_status walk_step_cuda(const gradus_context *context, const walk_step_hyper *hyper"), std::string::npos);
  EXPECT_NE(header.find("size_t walk_step_vulkan_workspace(const walk_step_slot *slots, size_t n_slots);"), std::string::npos);
  EXPECT_EQ(header.find("half_cuda"), std::string::npos);
  EXPECT_NE(cpp.find("class walk_step_cuda : public DeviceKernel<::walk_step_hyper, ::walk_step_slot>"), std::string::npos);
  Sample other;
  auto plain = other.describe();
  EXPECT_EQ(gradus::renderHeader(*plain).find("gradus_device.h"), std::string::npos);
}

TEST(Device, describesCodeInTheManifest) {
  Sample sample;
  auto artifact = sample.describe(makeOptions());
  ASSERT_TRUE(succeeded(artifact));
  artifact->device = makeCode();
  auto manifest = llvm::json::parse(gradus::renderManifest(*artifact));
  ASSERT_TRUE(!!manifest);
  const llvm::json::Object *code = manifest->getAsObject()->getObject("device_code");
  ASSERT_NE(code, nullptr);
  EXPECT_EQ(code->getInteger("kernels"), 2);
  const llvm::json::Array *images = code->getArray("images");
  ASSERT_EQ(images->size(), 3u);
  EXPECT_EQ((*images)[2].getAsObject()->getString("kind"), "cubin");
  EXPECT_EQ((*images)[2].getAsObject()->getString("architecture"), "sm_90");
  const llvm::json::Object *step = (*manifest->getAsObject()->getArray("entries"))[1].getAsObject();
  const llvm::json::Object *cuda = (*step->getArray("devices"))[0].getAsObject();
  EXPECT_EQ(cuda->getString("symbol"), "walk_step_cuda");
  EXPECT_EQ(cuda->getBoolean("graph_capturable"), true);
  EXPECT_EQ((*manifest->getAsObject()->getArray("entries"))[2].getAsObject()->getArray("devices"), nullptr);
}

TEST(Device, refusesTwoEntriesOfOneSymbol) {
  Sample sample(R"mlir(
    gradus.func loss @a(%w: !gradus.array<[], f64> {gradus.name = "w", gradus.role = #gradus.role<param>})
        -> (!gradus.array<[], f64> {gradus.name = "v", gradus.role = #gradus.role<value>}) {
      gradus.return %w : !gradus.array<[], f64>
    }
    gradus.func loss @a_cuda(%w: !gradus.array<[], f64> {gradus.name = "w", gradus.role = #gradus.role<param>})
        -> (!gradus.array<[], f64> {gradus.name = "v", gradus.role = #gradus.role<value>}) {
      gradus.return %w : !gradus.array<[], f64>
    })mlir");
  ASSERT_TRUE(sample.module);
  std::string said;
  mlir::ScopedDiagnosticHandler handler(&sample.context, [&](mlir::Diagnostic &diagnostic) { said += diagnostic.str(); });
  EXPECT_TRUE(succeeded(sample.describe({"a", "", "", {}, {GRADUS_VULKAN}})));
  EXPECT_TRUE(failed(sample.describe({"a", "", "", {}, {GRADUS_CUDA}})));
  EXPECT_EQ(said, "G0857: 'a_cuda' has the C name 'a_cuda', which another entry has already");
}

//===----------------------------------------------------------------------===//
// What a graph can record
//===----------------------------------------------------------------------===//

static std::string prove(const std::string &host) {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module = parse(context, host);
  std::string error;
  if (!module)
    return "does not parse";
  return gradus::proveCapturable(*module, {"walk_step__device_kernel"}, error) ? "" : error;
}

static std::string replace(std::string text, const std::string &from, const std::string &to) {
  size_t const at = text.find(from);
  EXPECT_NE(at, std::string::npos);
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

TEST(Device, provesThatAHostProgramCanBeRecorded) {
  EXPECT_EQ(prove(kernels), "");
  EXPECT_EQ(prove(replace(kernels, "%status = call", "%more = call ptr @malloc(i64 8)\n  %status = call") + "declare ptr @malloc(i64)"),
            "internal: 'launch' calls 'malloc'");
  EXPECT_EQ(prove(replace(kernels, "%user = load", "%host = inttoptr i64 %frame to ptr\n  %read = load i64, ptr %host\n  %user = load")),
            "internal: 'launch' follows an address of the device");
  EXPECT_EQ(prove(replace(kernels, "ptr %device, i64 24", "ptr %device, i64 32")), "internal: 'launch' calls what is no hook of the device");
  EXPECT_EQ(prove(replace(kernels, "walk_step__device_kernel", "other")), "internal: the host program does not define 'walk_step__device_kernel'");
}
