//===- Vulkan.h - An open device and its kernels, for the tests ------------------===//
//
// A machine without a device of Vulkan fails these tests: ./setup installs one that computes on the CPU.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "runtime/gradus_vulkan.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace vulkan_test {

/// The assembled words of NAME.spvasm.
inline std::vector<uint32_t> readWords(const std::string &name) {
  std::ifstream file(std::string(GRADUS_TEST_SPIRV) + "/" + name + ".spv", std::ios::binary);
  std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::vector<uint32_t> words(bytes.size() / sizeof(uint32_t));
  std::copy_n(bytes.data(), words.size() * sizeof(uint32_t), reinterpret_cast<char *>(words.data()));
  return words;
}

/// A module as an artifact has it.
struct Module {
  std::vector<uint32_t> words;
  std::vector<const char *> names;
  gradus_device_image image;
  gradus_device_module module;

  Module(uint64_t content, std::vector<uint32_t> code, std::vector<const char *> kernels) : words(std::move(code)), names(std::move(kernels)) {
    image = {GRADUS_IMAGE_SPIRV, 0, words.data(), words.size() * sizeof(uint32_t)};
    module = {content, 1, static_cast<int32_t>(names.size()), &image, names.data()};
  }
  Module(const Module &) = delete;
};

enum Kernel { accumulate, number, fused };

/// The last error that a context was told.
struct Sink {
  std::string message;
  int errors = 0;
  int lines = 0; ///< of information

  gradus_context context() {
    gradus_context context{};
    context.user = this;
    context.log = [](void *user, const char *) { ++static_cast<Sink *>(user)->lines; };
    context.error = [](void *user, const gradus_error *error) {
      static_cast<Sink *>(user)->message = error->message;
      ++static_cast<Sink *>(user)->errors;
    };
    return context;
  }
};

/// A device of our own, the best of this machine.
struct Vulkan : testing::Test {
  Sink sink;
  gradus_vulkan *vulkan = nullptr;
  gradus_vulkan_recorder *recorder = nullptr;
  gradus_device device{};
  Module kernels{1, readWords("kernels"), {"accumulate", "number", "fused"}};

  void SetUp() override {
    gradus_context context = sink.context();
    ASSERT_EQ(gradus_vulkan_open(&context, nullptr, &vulkan), GRADUS_OK) << sink.message << "\n./setup installs a device: mesa-vulkan-drivers";
    ASSERT_EQ(gradus_vulkan_recorder_open(vulkan, &recorder), GRADUS_OK) << sink.message;
  }
  void TearDown() override {
    gradus_vulkan_recorder_close(recorder);
    gradus_vulkan_close(vulkan);
  }

  /// Memory of `count` words, all `value`.
  gradus_address allocate(size_t count, uint32_t value = 0) {
    gradus_address address = 0;
    EXPECT_EQ(gradus_vulkan_allocate(vulkan, 4 * count, &address), GRADUS_OK) << sink.message;
    std::vector<uint32_t> words(count, value);
    EXPECT_EQ(gradus_vulkan_write(vulkan, address, words.data(), 4 * count), GRADUS_OK) << sink.message;
    return address;
  }
  std::vector<uint32_t> read(gradus_address address, size_t count) {
    std::vector<uint32_t> words(count);
    EXPECT_EQ(gradus_vulkan_read(vulkan, words.data(), address, 4 * count), GRADUS_OK) << sink.message;
    return words;
  }
  void begin() { ASSERT_EQ(gradus_vulkan_begin(recorder, nullptr, &device), GRADUS_OK) << sink.message; }
  void run() {
    ASSERT_EQ(gradus_vulkan_submit(recorder, nullptr), GRADUS_OK) << sink.message;
    ASSERT_EQ(gradus_vulkan_wait(recorder), GRADUS_OK) << sink.message;
  }
  int32_t update(gradus_address to, const std::vector<uint32_t> &words) { return device.update(device.user, to, words.data(), 4 * words.size()); }
  int32_t dispatch(Kernel kernel, uint64_t groups, gradus_address frame, uint64_t argument) {
    return device.dispatch(device.user, &kernels.module, kernel, groups, frame, argument);
  }
};

} // namespace vulkan_test
