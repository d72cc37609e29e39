//===- VulkanErrorsTest.cpp - What cannot be opened, loaded or recorded -----------===//

#include "test/runtime/vulkan/Vulkan.h"

#include <cstdlib>
#include <cstring>
#include <optional>

using namespace vulkan_test;

namespace {

/// The message of an opening that fails for want of a device.
std::string refuseToOpen(const gradus_vulkan_options &options, gradus_status expected = GRADUS_ERROR_DEVICE) {
  Sink sink;
  gradus_context context = sink.context();
  auto *vulkan = reinterpret_cast<gradus_vulkan *>(&sink);
  gradus_status const status = gradus_vulkan_open(&context, &options, &vulkan);
  if (status != expected || vulkan != nullptr || sink.errors != 1)
    return std::string("status ") + gradus_status_name(status) + ": " + sink.message;
  EXPECT_EQ(gradus_vulkan_open(nullptr, &options, &vulkan), expected); // and silently
  return sink.message;
}

/// Sets a variable of the environment while it lives.
struct Environment {
  std::string name;
  std::optional<std::string> before;
  Environment(std::string variable, const char *value) : name(std::move(variable)) {
    if (const char *old = std::getenv(name.c_str()))
      before = old;
    setenv(name.c_str(), value, 1);
  }
  ~Environment() { before ? setenv(name.c_str(), before->c_str(), 1) : unsetenv(name.c_str()); }
};

} // namespace

TEST(VulkanOpen, saysThatThereIsNoLoader) {
  gradus_vulkan_options options{};
  options.loader = "/nowhere/libvulkan.so.1";
  EXPECT_EQ(refuseToOpen(options), "gradus_vulkan_open: the loader of Vulkan is not here (/nowhere/libvulkan.so.1: cannot open shared object file: "
                                   "No such file or directory); install libvulkan1 and a driver");
  options.loader = "libm.so.6";
  EXPECT_EQ(refuseToOpen(options), "gradus_vulkan_open: 'libm.so.6' is no loader of Vulkan: it has no vkGetInstanceProcAddr");
}

TEST(VulkanOpen, saysThatThereIsNoDriver) {
  Environment const none("VK_ICD_FILENAMES", "/nowhere/none.json");
  EXPECT_EQ(refuseToOpen({}), "gradus_vulkan_open: vkCreateInstance: there is no driver of Vulkan (VkResult -9)");
}

TEST(VulkanOpen, takesDevicesByNumber) {
  Sink sink;
  gradus_context context = sink.context();
  gradus_vulkan_options options{};
  gradus_vulkan *vulkan = nullptr;
  options.number = 1;
  options.id = 5;
  ASSERT_EQ(gradus_vulkan_open(&context, &options, &vulkan), GRADUS_OK) << sink.message;
  gradus_vulkan_recorder *recorder = nullptr;
  gradus_device device{};
  ASSERT_EQ(gradus_vulkan_recorder_open(vulkan, &recorder), GRADUS_OK);
  ASSERT_EQ(gradus_vulkan_begin(recorder, nullptr, &device), GRADUS_OK);
  EXPECT_EQ(device.type, GRADUS_VULKAN);
  EXPECT_EQ(device.id, 5);
  uint64_t const longest = gradus_vulkan_longest_loop(vulkan);
  EXPECT_EQ(device.longest_loop, longest == UINT64_MAX ? 0 : longest);
  gradus_vulkan_recorder_close(recorder);
  gradus_vulkan_close(vulkan);
  options.number = 1000;
  EXPECT_EQ(refuseToOpen(options).substr(0, 55), "gradus_vulkan_open: there is no device number 1000; the");
}

TEST(VulkanOpen, takesAllOfAnApplicationOrNothing) {
  gradus_vulkan_options options{};
  options.instance = options.queue = &options;
  EXPECT_EQ(refuseToOpen(options, GRADUS_ERROR_NULL),
            "gradus_vulkan_open: 2 of instance, physical_device, device and queue are given, expected all or none");
  EXPECT_EQ(gradus_vulkan_open(nullptr, nullptr, nullptr), GRADUS_ERROR_NULL);
}

TEST(VulkanOpen, closesNothing) {
  gradus_vulkan_close(nullptr);
  gradus_vulkan_recorder_close(nullptr);
}

struct VulkanErrors : Vulkan {
  /// The message of a module that is not loaded.
  std::string refuse(const Module &module, gradus_status expected) {
    gradus_status const status = gradus_vulkan_load(vulkan, &module.module);
    return status == expected ? sink.message : std::string("status ") + gradus_status_name(status);
  }
  /// The reason of a hook that failed; empty where it did not.
  std::string reason() { return device.reason(device.user) ? device.reason(device.user) : ""; }
};

TEST_F(VulkanErrors, modulesAreLookedAt) {
  std::vector<uint32_t> const words = kernels.words;
  {
    Module module(2, {1, 2, 3, 4, 5, 6}, {"accumulate"});
    EXPECT_EQ(refuse(module, GRADUS_ERROR_FORMAT), "gradus_vulkan_load: the image is no SPIR-V of this machine's byte order");
  }
  {
    Module module(3, words, {"accumulate", "multiply"});
    EXPECT_EQ(refuse(module, GRADUS_ERROR_FORMAT), "gradus_vulkan_load: the image has 1 of the 2 kernels of its module");
  }
  {
    Module module(4, words, {"accumulate"});
    module.words[1] = 0x00020000;
    EXPECT_EQ(refuse(module, GRADUS_ERROR_DEVICE).substr(0, 60), "gradus_vulkan_load: the kernels are SPIR-V 2.0, this device ");
  }
  {
    Module module(5, words, {"accumulate"});
    module.image.size -= 2;
    EXPECT_EQ(refuse(module, GRADUS_ERROR_FORMAT), "gradus_vulkan_load: the image is not made of words of 32 bits");
  }
  {
    Module module(6, {words.begin(), words.begin() + 6}, {"accumulate"});
    EXPECT_EQ(refuse(module, GRADUS_ERROR_FORMAT), "gradus_vulkan_load: the image is damaged: an instruction runs past its end");
  }
  {
    Module module(7, words, {"accumulate"});
    module.image.kind = GRADUS_IMAGE_PTX;
    EXPECT_EQ(refuse(module, GRADUS_ERROR_DEVICE), "gradus_vulkan_load: this artifact has no SPIR-V; build it for the target 'vulkan'");
  }
  {
    Module module(8, words, {"accumulate"}); // the first capability becomes Kernel's, that of OpenCL
    module.words[6] = 6;
    EXPECT_EQ(refuse(module, GRADUS_ERROR_DEVICE), "gradus_vulkan_load: the kernels need the capability 6 of SPIR-V, which this runtime does not know");
  }
  {
    // Execution mode 4459, DenormPreserve, for floats of 8 bits, which no device has.
    Module module(9, {0x07230203, 0x00010500, 0, 9, 0, 4u << 16 | 16, 1, 4459, 8}, {"accumulate"});
    EXPECT_EQ(refuse(module, GRADUS_ERROR_DEVICE), "gradus_vulkan_load: the kernels need DenormPreserve for floats of 8 bits, which this device does not have");
  }
  for (const char *digits : {"0x", "ABC", "ab"}) {
    char text[20] = "gradus.tables:";
    std::strcat(text, digits);
    std::vector<uint32_t> damaged = words;
    damaged.push_back(7u << 16 | 7); // OpString, its number, five words of text
    damaged.push_back(words[3]);
    damaged.resize(damaged.size() + 5);
    std::memcpy(&damaged[damaged.size() - 5], text, sizeof(text));
    Module module(10, damaged, {"accumulate"});
    EXPECT_EQ(refuse(module, GRADUS_ERROR_FORMAT), "gradus_vulkan_load: the tables of the image are not hexadecimal numbers") << digits;
  }
  EXPECT_EQ(gradus_vulkan_load(vulkan, nullptr), GRADUS_ERROR_NULL);
  // None of them is remembered.
  Module module(2, words, {"accumulate", "number", "fused"});
  EXPECT_EQ(gradus_vulkan_load(vulkan, &module.module), GRADUS_OK) << sink.message;
}

TEST_F(VulkanErrors, hooksSayWhatIsWrong) {
  gradus_address const x = allocate(16);
  begin();
  EXPECT_EQ(reason(), "");
  EXPECT_EQ(dispatch(static_cast<Kernel>(3), 1, x, x), GRADUS_ERROR_NULL);
  EXPECT_EQ(reason(), "the module has no kernel number 3");
  EXPECT_EQ(device.dispatch(device.user, nullptr, 0, 1, x, x), GRADUS_ERROR_NULL);
  uint32_t const words[2] = {};
  EXPECT_EQ(device.update(device.user, x + 2, words, 4), GRADUS_ERROR_ALIGNMENT);
  EXPECT_EQ(device.update(device.user, x, words, 5), GRADUS_ERROR_ALIGNMENT);
  EXPECT_EQ(reason(), "an update has an address or a number of bytes that is no multiple of 4");
  EXPECT_EQ(device.update(device.user, x, words, 4), GRADUS_OK);
  EXPECT_EQ(reason(), "");
  // Gathered bytes are recorded by the next command.
  EXPECT_EQ(device.update(device.user, 0x1000, words, 4), GRADUS_OK);
  EXPECT_EQ(dispatch(accumulate, 1, x, x), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(reason(), "no memory is known at the address 0x1000: neither allocated here nor registered");
  EXPECT_EQ(device.update(device.user, x + 60, words, 8), GRADUS_OK);
  EXPECT_EQ(gradus_vulkan_submit(recorder, nullptr), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(sink.message.substr(0, 43), "gradus_vulkan_submit: no memory is known at");
  EXPECT_EQ(device.update(device.user, x, words, 4), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(reason(), "the recorder does not record: gradus_vulkan_begin comes first");
  EXPECT_EQ(dispatch(accumulate, 1, x, x), GRADUS_ERROR_DEVICE);
  begin(); // and it goes on
  ASSERT_EQ(update(x, {8}), GRADUS_OK);
  run();
  EXPECT_EQ(read(x, 1)[0], 8u);
}

TEST_F(VulkanErrors, recordersHaveAnOrder) {
  EXPECT_EQ(gradus_vulkan_end(recorder), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(sink.message, "gradus_vulkan_end: nothing is being recorded: gradus_vulkan_begin comes first");
  EXPECT_EQ(gradus_vulkan_submit(recorder, nullptr), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(sink.message, "gradus_vulkan_submit: there is nothing to submit: the recorder has recorded nothing of its own");
  EXPECT_EQ(gradus_vulkan_wait(recorder), GRADUS_OK); // nothing is under way
  begin();
  EXPECT_EQ(gradus_vulkan_begin(recorder, nullptr, &device), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(sink.message, "gradus_vulkan_begin: the recorder records already: gradus_vulkan_end or gradus_vulkan_submit comes first");
  EXPECT_EQ(gradus_vulkan_end(recorder), GRADUS_OK);
  EXPECT_EQ(gradus_vulkan_begin(recorder, nullptr, nullptr), GRADUS_ERROR_NULL);
}

TEST_F(VulkanErrors, memoryIsKnownByItsAddress) {
  gradus_address const x = allocate(16);
  gradus_address none = 1;
  uint32_t word = 0;
  EXPECT_EQ(gradus_vulkan_allocate(vulkan, 0, &none), GRADUS_OK);
  EXPECT_EQ(none, 0u);
  EXPECT_EQ(gradus_vulkan_release(vulkan, 0), GRADUS_OK);
  EXPECT_EQ(gradus_vulkan_read(vulkan, &word, 4096, 4), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(sink.message, "gradus_vulkan_read: no memory is known at the address 0x1000: neither allocated here nor registered");
  EXPECT_EQ(gradus_vulkan_read(vulkan, nullptr, x, 4), GRADUS_ERROR_NULL);
  EXPECT_EQ(gradus_vulkan_write(vulkan, x, &word, UINT64_MAX), GRADUS_ERROR_OVERFLOW);
  EXPECT_EQ(gradus_vulkan_write(vulkan, 0, nullptr, 0), GRADUS_OK);
  EXPECT_EQ(gradus_vulkan_release(vulkan, x + 4), GRADUS_ERROR_NULL);
  EXPECT_EQ(gradus_vulkan_unregister(vulkan, x), GRADUS_ERROR_NULL);
  EXPECT_EQ(gradus_vulkan_register(vulkan, &word, x + 16, 64), GRADUS_ERROR_OVERLAP);
  EXPECT_EQ(gradus_vulkan_register(vulkan, nullptr, 4096, 64), GRADUS_ERROR_NULL);
  EXPECT_EQ(gradus_vulkan_register(vulkan, &word, 4096, UINT64_MAX), GRADUS_ERROR_OVERFLOW);
  EXPECT_EQ(gradus_vulkan_release(vulkan, x), GRADUS_OK);
  EXPECT_EQ(gradus_vulkan_release(vulkan, x), GRADUS_ERROR_NULL);
}

TEST_F(VulkanErrors, memoryRunsOut) {
  gradus_address x = 1;
  EXPECT_EQ(gradus_vulkan_allocate(vulkan, uint64_t(1) << 46, &x), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(x, 0u);
  EXPECT_EQ(gradus_vulkan_allocate(vulkan, UINT64_MAX, &x), GRADUS_ERROR_OVERFLOW);
}
