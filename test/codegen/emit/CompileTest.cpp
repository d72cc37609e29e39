//===- CompileTest.cpp - Headers and objects, by the compilers that users have -------===//
//
// Kernels are stubs in LLVM's language, so that the test needs no lowering: the step adds lr to every element of w.
//
//===----------------------------------------------------------------------===//

#include "codegen/cpu/Compile.h"
#include "test/codegen/emit/Sample.h"

#include "llvm/AsmParser/Parser.h"
#include "llvm/Support/SourceMgr.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

using namespace emit_test;

static constexpr char kernels[] = R"llvm(
define i32 @walk_init__kernel(ptr %c, ptr %h, i64 %t, i64 %s, ptr %x, i64 %n, ptr %w, ptr %r) { ret i32 0 }
define i64 @walk_init__workspace(ptr %x, i64 %n) { ret i64 0 }
define i32 @walk_step__kernel(ptr %c, ptr %h, i64 %t, i64 %s, ptr %x, i64 %n, ptr %w, ptr %r) {
  %lr = load double, ptr %h
  %small = fptrunc double %lr to float
  %data = load ptr, ptr %x
  %old = load float, ptr %data
  %new = fadd float %old, %small
  store float %new, ptr %data
  ret i32 0
}
define i64 @walk_step__workspace(ptr %x, i64 %n) { ret i64 64 }
define i32 @half__kernel(ptr %c, ptr %h, i64 %t, i64 %s, ptr %x, i64 %n, ptr %w, ptr %r) {
  store double 2.5, ptr %r
  ret i32 0
}
define i64 @half__workspace(ptr %x, i64 %n) { ret i64 0 }
)llvm";

/// Runs a command; what it says, or "" for success without a word.
static std::string run(const std::string &command) {
  std::string said;
  FILE *pipe = popen((command + " 2>&1").c_str(), "r");
  if (!pipe)
    return "cannot run " + command;
  char part[512];
  while (fgets(part, sizeof(part), pipe))
    said += part;
  int const status = pclose(pipe);
  return status == 0 ? said : "exit " + std::to_string(status) + " of " + command + "\n" + said;
}

/// Compiles, hands tables to the module, writes all files into the folder.
static std::string build(const Folder &folder, const gradus::ArtifactOptions &options, std::string ir = kernels, gradus::DeviceCode code = {}) {
  Sample sample;
  auto artifact = sample.describe(options);
  if (failed(artifact))
    return "no description";
  artifact->device = std::move(code);
  llvm::LLVMContext context;
  llvm::SMDiagnostic diagnostic;
  std::string error;
  std::unique_ptr<llvm::TargetMachine> machine = gradus::CpuTarget{}.createMachine(error);
  std::unique_ptr<llvm::Module> module = llvm::parseAssemblyString(ir, diagnostic, context);
  if (!machine || !module)
    return error + diagnostic.getMessage().str();
  module->setDataLayout(machine->createDataLayout());
  module->setTargetTriple(machine->getTargetTriple());
  if (!gradus::addEntryTable(*module, *artifact, error))
    return error;
  gradus::optimize(*module, *machine);
  auto object = gradus::emitMachineCode(*module, *machine, /*asAssembly=*/false, error);
  if (failed(object))
    return error;
  std::string archive = gradus::renderArchive("walk.o", llvm::StringRef(object->data(), object->size()), error);
  std::string const stem = folder / options.name;
  gradus::writeFiles({{stem + ".h", gradus::renderHeader(*artifact)},
                      {stem + ".hpp", gradus::renderCppHeader(*artifact)},
                      {stem + ".a", archive}},
                     error);
  return error;
}

static constexpr char useC[] = R"c(
#include "walk.h"
#include <stdio.h>
int main(void) {
  float w[3] = {1, 2, 3}, g[3] = {0, 0, 0}, m[3] = {0, 0, 0};
  double x[64] = {0};
  int64_t three[1] = {3}, row[2] = {1, 64};
  char bytes[128];
  char *workspace = bytes + (64 - (uintptr_t)bytes % 64) % 64;
  walk_step_slot slot;
  walk_step_hyper hyper;
  gradus_report report;
  gradus_tensor vector = {0, 0, 0, 1, GRADUS_F32, GRADUS_CPU, 0};
  vector.dims = three;
  slot.w = vector; slot.w.data = w;
  slot.g = vector; slot.g.data = g;
  slot.base_m = vector; slot.base_m.data = m;
  slot.x.data = x; slot.x.dims = row; slot.x.strides = 0; slot.x.rank = 2; slot.x.dtype = GRADUS_F64;
  slot.x.device_type = GRADUS_CPU; slot.x.device_id = 0;
  walk_step_defaults(&hyper);
  if (walk_step(0, 0, 1, 0, &slot, 1, workspace, 64, 0) != GRADUS_ERROR_INTERVAL) return 1;
  hyper.template_ = 4;
  if (hyper.nesterov != 1 || hyper.n_ce_b2 != 0.9) return 2;
  hyper.lr = 0.5;
  if (walk_step_workspace(&slot, 1) != 64) return 3;
  if (walk_step(0, &hyper, 7, 0, &slot, 1, workspace, 64, &report) != GRADUS_OK) return 4;
  if (w[0] != 1.5f || report.t != 7 || report.committed != 1) return 5;
  if (walk_step_entry()->content != WALK_ABI) return 6;
  if (walk_step_entry()->arguments[2].dims[1] != -65) return 7;
  if (walk_step_entry()->hypers[1].high != 1.0 || walk_step_entry()->hypers[1].high_closed) return 8;
  three[0] = 4;
  row[1] = 63;
  if (walk_step(0, &hyper, 7, 0, &slot, 1, workspace, 64, 0) != GRADUS_ERROR_SHAPE) return 9;
  puts("fine");
  return 0;
}
)c";

static constexpr char useCpp[] = R"cpp(
#include "walk.hpp"
#include <cstdio>
#include <type_traits>
#include <vector>
// A view keeps the address: of a vector that is gone with the statement there is none.
static_assert(!std::is_constructible_v<gradus::Span<float>, std::vector<float>>, "of a temporary");
static_assert(!std::is_constructible_v<gradus::View, std::vector<float>>, "of a temporary");
static_assert(std::is_constructible_v<gradus::Span<float>, std::vector<float> &> && std::is_constructible_v<gradus::Span<float>, gradus::Span<float>>, "of others");
static_assert(std::is_constructible_v<gradus::Span<const float>, std::vector<float>>, "for a call");
int main() {
  std::vector<float> w{1, 2, 3}, g(3), m(3);
  std::vector<double> x(64);
  gradus::View vw{gradus::Span<float>(w)}, vg{gradus::Span<float>(g)}, vm{gradus::Span<float>(m)}, vx(x.data(), {1, 64});
  gradus::walk_spec::walk_step step;
  walk_step_slot const slot{vw, vg, vx, vm};
  gradus::Outcome const refused = step(slot);
  if (refused || refused.message != "walk_step: hyper-parameter 'template' is not a number") return 1;
  step.hyper.template_ = 4;
  step.hyper.lr = 0.5;
  if (!step(slot, 7) || w[0] != 1.5f) return 2;
  std::vector<walk_step_slot> const slots(1, slot);
  if (!step(slots, 8) || w[0] != 2.0f) return 3;
  std::vector<double> v(2);
  std::vector<std::int64_t> label(2);
  gradus::walk_spec::half half;
  gradus::Outcome const value = half(half_slot{gradus::View(gradus::Span<double>(v)), gradus::View(gradus::Span<std::int64_t>(label))});
  if (!value || value.report.value != 2.5) return 4;
#if defined(__cpp_exceptions)
  try {
    half(half_slot{vw, vw}).orThrow();
    return 5;
  } catch (const gradus::Error &error) {
    if (error.status != GRADUS_ERROR_DTYPE) return 6;
  }
#endif
  std::puts("fine");
}
)cpp";

static const char strict[] = " -Wall -Wextra -Wpedantic -Werror -I" GRADUS_RUNTIME_FOLDER " ";

/// The host program of walk.step on devices, which launches kernel 1 on 7 groups.
static constexpr char deviceKernels[] = R"llvm(
@gradus_device_table = external constant i8
define i32 @walk_step__device_kernel(ptr %c, ptr %h, i64 %t, i64 %s, ptr %x, i64 %n, ptr %w, ptr %r) {
  %slot = getelementptr i8, ptr %c, i64 64
  %device = load ptr, ptr %slot
  %user = load ptr, ptr %device
  %at = getelementptr i8, ptr %device, i64 24
  %hook = load ptr, ptr %at
  %frame = ptrtoint ptr %w to i64
  %status = call i32 %hook(ptr %user, ptr @gradus_device_table, i32 1, i64 7, i64 %frame, i64 5)
  ret i32 %status
}
define i64 @walk_step__device_workspace(ptr %x, i64 %n) { ret i64 128 }
)llvm";

static constexpr char useDevice[] = R"c(
#include "walk.h"
#include <stdio.h>
#include <string.h>
static int32_t update(void *user, gradus_address to, const void *from, size_t bytes) { (void)user; (void)to; (void)from; (void)bytes; return 0; }
static void *scratch(void *user, size_t bytes) { (void)user; (void)bytes; return 0; }
static int32_t dispatch(void *user, const gradus_device_module *module, int32_t kernel, uint64_t groups, gradus_address frame, uint64_t argument) {
  const gradus_device_image *images = module->images;
  printf("%s %d of %d, %d images, frame %d, argument %d;", module->kernels[kernel], (int)groups, (int)module->n_kernels, (int)module->n_images,
         (int)frame, (int)argument);
  printf(" spirv %d %08x %d;", (int)images[0].size, (unsigned)*(const uint32_t *)images[0].bytes, (int)((uintptr_t)images[0].bytes % 64));
  printf(" ptx %d %d '%s' cubin %d %d\n", (int)images[1].architecture, (int)images[1].size, (const char *)images[1].bytes, (int)images[2].architecture,
         (int)images[2].size);
  *(int *)user += 1;
  return 0;
}
int main(void) {
  int64_t three[1] = {3}, row[2] = {1, 64};
  int launches = 0;
  walk_step_slot slot;
  walk_step_hyper hyper;
  gradus_context context;
  gradus_device device;
  gradus_report report;
  gradus_tensor vector = {0, 0, 0, 1, GRADUS_F32, GRADUS_CUDA, 3};
  memset(&context, 0, sizeof(context));
  memset(&device, 0, sizeof(device));
  context.device = &device;
  device.user = &launches; device.type = GRADUS_CUDA; device.id = 3;
  device.update = update; device.dispatch = dispatch; device.scratch = scratch;
  vector.dims = three;
  slot.w = vector; slot.w.data = gradus_to_pointer(0x1000);
  slot.g = vector; slot.g.data = gradus_to_pointer(0x2000);
  slot.base_m = vector; slot.base_m.data = gradus_to_pointer(0x3000);
  slot.x = vector; slot.x.data = gradus_to_pointer(0x4000); slot.x.dims = row; slot.x.rank = 2; slot.x.dtype = GRADUS_F64;
  walk_step_defaults(&hyper);
  hyper.template_ = 4;
  if (walk_step_cuda_workspace(&slot, 1) != 128) return 1;
  if (walk_step_cuda(&context, &hyper, 7, 0, &slot, 1, gradus_to_pointer(0x8000), 128, &report) != GRADUS_OK || launches != 1) return 2;
  if (report.committed != -1 || report.t != 7) return 3;
  if (walk_step(&context, &hyper, 7, 0, &slot, 1, gradus_to_pointer(0x8000), 128, 0) != GRADUS_ERROR_DEVICE) return 4;
  if (walk_step_vulkan(&context, &hyper, 7, 0, &slot, 1, gradus_to_pointer(0x8000), 128, 0) != GRADUS_ERROR_DEVICE) return 5;
  if (strcmp(walk_step_cuda_entry()->name, "walk_step_cuda") || walk_step_cuda_entry()->module != walk_step_vulkan_entry()->module) return 6;
  if (walk_step_entry()->module || walk_step_cuda_entry()->device_type != GRADUS_CUDA || walk_step_vulkan_entry()->device_type != GRADUS_VULKAN) return 7;
  return 0;
}
)c";

TEST(Compile, embedsImagesForDevices) {
  Folder folder("device");
  gradus::ArtifactOptions const options = {"walk", "", "dtype=f32", {}, {GRADUS_CUDA, GRADUS_VULKAN}, {"walk.init", "half"}};
  gradus::DeviceCode const code = {{{GRADUS_IMAGE_SPIRV, 0, std::string("\x03\x02\x23\x07\x00\x00\x01\x00", 8)},
                                    {GRADUS_IMAGE_PTX, 80, ".version 7.0"},
                                    {GRADUS_IMAGE_CUBIN, 90, std::string("\x7f" "ELF\0x", 6)}},
                                   {"first", "second"}};
  ASSERT_EQ(build(folder, options, std::string(kernels) + deviceKernels, code), "");
  std::ofstream(folder / "use.c") << useDevice;
  ASSERT_EQ(run(std::string(GRADUS_GCC " -std=c99 -Wall -Wextra -Werror -I" GRADUS_RUNTIME_FOLDER " ") + (folder / "use.c") + " " + (folder / "walk.a") +
                " " GRADUS_RUNTIME_LIBRARY " -lm -o " + (folder / "use")),
            "");
  EXPECT_EQ(run(folder / "use"), "second 7 of 2, 3 images, frame 32768, argument 5; spirv 8 07230203 0; ptx 80 13 '.version 7.0' cubin 90 6\n");
}

TEST(Compile, cHeaderInEveryStandard) {
  Folder folder("c");
  ASSERT_EQ(build(folder, {"walk", "", ""}), "");
  std::string error;
  ASSERT_TRUE(gradus::writeFiles({{folder / "use.c", useC}}, error)) << error;
  for (std::string compiler : {GRADUS_GCC, GRADUS_CLANG})
    for (std::string standard : {"c99", "c11"}) {
      std::string const program = folder / "use";
      EXPECT_EQ(run(compiler + " -std=" + standard + strict + (folder / "use.c") + " " + (folder / "walk.a") + " " +
                    GRADUS_RUNTIME_LIBRARY " -o " + program),
                "");
      EXPECT_EQ(run(program), "fine\n");
    }
}

TEST(Compile, cppHeaderInEveryStandard) {
  Folder folder("cpp");
  ASSERT_EQ(build(folder, {"walk", "", ""}), "");
  std::string error;
  ASSERT_TRUE(gradus::writeFiles({{folder / "use.cpp", useCpp}}, error)) << error;
  for (std::string compiler : {GRADUS_GXX, GRADUS_CLANGXX})
    for (std::string standard : {"c++17", "c++20", "c++20 -fno-exceptions"}) {
      std::string const program = folder / "use";
      EXPECT_EQ(run(compiler + " -std=" + standard + strict + (folder / "use.cpp") + " " + (folder / "walk.a") + " " +
                    GRADUS_RUNTIME_LIBRARY " -o " + program),
                "");
      EXPECT_EQ(run(program), "fine\n");
    }
}

TEST(Compile, objectHasDocumentedSymbolsOnly) {
  Folder folder("nm");
  ASSERT_EQ(build(folder, {"walk", "my_", ""}), "");
  EXPECT_EQ(run(GRADUS_NM " --undefined-only --just-symbol-name " + (folder / "walk.a")),
            "\nwalk.o:\ngradus_call\ngradus_hyper_defaults\ngradus_workspace\n");
  EXPECT_EQ(run(GRADUS_NM " --defined-only --extern-only --just-symbol-name " + (folder / "walk.a")),
            "\nwalk.o:\nmy_half\nmy_half_entry\nmy_half_workspace\nmy_walk_init\nmy_walk_init_entry\nmy_walk_init_workspace\n"
            "my_walk_step\nmy_walk_step_defaults\nmy_walk_step_entry\nmy_walk_step_workspace\n");
}

TEST(Compile, twoPrefixesLinkTogether) {
  Folder folder("prefixes");
  Folder other("prefixes-too");
  ASSERT_EQ(build(folder, {"walk", "a_", ""}), "");
  ASSERT_EQ(build(other, {"walk", "b_", ""}), "");
  std::string error;
  std::string const use = "#include \"" + (folder / "walk.h") + "\"\n#include \"" + (other / "walk.h") +
                          "\"\nint main(void) { return a_half_entry() == b_half_entry(); }\n";
  ASSERT_TRUE(gradus::writeFiles({{folder / "use.c", use}}, error)) << error;
  EXPECT_EQ(run(GRADUS_CLANG " -std=c99" + std::string(strict) + (folder / "use.c") + " " + (folder / "walk.a") + " " +
                (other / "walk.a") + " " GRADUS_RUNTIME_LIBRARY " -o " + (folder / "use")),
            "");
  EXPECT_EQ(run(folder / "use"), "");
}

TEST(Compile, sameInTwoFolders) {
  Folder one("same-one"), two("same-two");
  ASSERT_EQ(build(one, {"walk", "", ""}), "");
  ASSERT_EQ(build(two, {"walk", "", ""}), "");
  for (std::string file : {"walk.h", "walk.hpp", "walk.a"})
    EXPECT_EQ(run("cmp " + (one / file) + " " + (two / file)), "");
}

TEST(Compile, missingKernelIsAnError) {
  Folder folder("missing");
  EXPECT_EQ(build(folder, {"walk", "", ""}, "define i64 @half__workspace(ptr %x, i64 %n) { ret i64 0 }"),
            "the lowered module does not define 'walk_init__kernel'");
}

TEST(Compile, runtimeForAarch64) {
  std::string const compiler = GRADUS_AARCH64;
  if (compiler.find("NOTFOUND") != std::string::npos)
    GTEST_FAIL() << "no aarch64-linux-gnu-gcc (package gcc-aarch64-linux-gnu, which ./setup installs)";
  Folder folder("aarch64");
  for (std::string file : {"call", "check", "checkpoint", "dlpack", "error", "file", "overlap", "types"})
    EXPECT_EQ(run(compiler + " -std=c99 -O2 -I" GRADUS_RUNTIME_FOLDER "/.." + strict + " -c " GRADUS_RUNTIME_FOLDER "/" + file +
                  ".c -o " + (folder / "out.o")),
              "");
}

TEST(Compile, runtimeByBothCompilersAsC99) {
  Folder folder("runtime");
  for (std::string compiler : {GRADUS_GCC, GRADUS_CLANG})
    for (std::string file : {"call", "check", "checkpoint", "dlpack", "error", "file", "overlap", "types"})
      EXPECT_EQ(run(compiler + " -std=c99 -O2 -I" GRADUS_RUNTIME_FOLDER "/.." + strict + " -c " GRADUS_RUNTIME_FOLDER "/" + file +
                    ".c -o " + (folder / "out.o")),
                "");
}
