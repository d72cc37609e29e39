//===- VulkanAdoptTest.cpp - The application's own device, queue and commands -----===//

#include "test/runtime/vulkan/Vulkan.h"

#include <vulkan/vulkan_core.h>

#include <cstring>

using namespace vulkan_test;

namespace {

/// What an application of Vulkan has: a device with nothing more than addresses and integers of 64 bits, a queue, a command buffer.
struct Application {
  VkInstance instance = VK_NULL_HANDLE;
  VkPhysicalDevice physical = VK_NULL_HANDLE;
  VkPhysicalDeviceBufferDeviceAddressFeatures addresses{};
  VkPhysicalDeviceFeatures2 features{};
  VkDevice device = VK_NULL_HANDLE;
  uint32_t family = 0;
  VkQueue queue = VK_NULL_HANDLE;
  VkCommandPool pool = VK_NULL_HANDLE;
  VkCommandBuffer commands = VK_NULL_HANDLE;

  void open() {
    VkApplicationInfo application{};
    application.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
    application.apiVersion = VK_API_VERSION_1_2;
    VkInstanceCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
    info.pApplicationInfo = &application;
    ASSERT_EQ(vkCreateInstance(&info, nullptr, &instance), VK_SUCCESS);
    uint32_t count = 1;
    ASSERT_GE(vkEnumeratePhysicalDevices(instance, &count, &physical), 0);
    ASSERT_EQ(count, 1u);
    VkQueueFamilyProperties families[16];
    count = 16;
    vkGetPhysicalDeviceQueueFamilyProperties(physical, &count, families);
    while (!(families[family].queueFlags & VK_QUEUE_COMPUTE_BIT))
      ASSERT_LT(++family, count);
    addresses.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_BUFFER_DEVICE_ADDRESS_FEATURES;
    addresses.bufferDeviceAddress = VK_TRUE;
    features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
    features.pNext = &addresses;
    features.features.shaderInt64 = VK_TRUE;
    float const priority = 1;
    VkDeviceQueueCreateInfo queues{};
    queues.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
    queues.queueFamilyIndex = family;
    queues.queueCount = 1;
    queues.pQueuePriorities = &priority;
    VkDeviceCreateInfo create{};
    create.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
    create.pNext = &features;
    create.queueCreateInfoCount = 1;
    create.pQueueCreateInfos = &queues;
    ASSERT_EQ(vkCreateDevice(physical, &create, nullptr, &device), VK_SUCCESS);
    vkGetDeviceQueue(device, family, 0, &queue);
    VkCommandPoolCreateInfo pools{};
    pools.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
    pools.queueFamilyIndex = family;
    ASSERT_EQ(vkCreateCommandPool(device, &pools, nullptr, &pool), VK_SUCCESS);
    VkCommandBufferAllocateInfo allocation{};
    allocation.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
    allocation.commandPool = pool;
    allocation.commandBufferCount = 1;
    ASSERT_EQ(vkAllocateCommandBuffers(device, &allocation, &commands), VK_SUCCESS);
  }
  void close() {
    if (device)
      vkDestroyCommandPool(device, pool, nullptr);
    if (device)
      vkDestroyDevice(device, nullptr);
    if (instance)
      vkDestroyInstance(instance, nullptr);
  }

  gradus_vulkan_options options() const {
    gradus_vulkan_options options{};
    options.instance = instance;
    options.physical_device = physical;
    options.device = device;
    options.queue = queue;
    options.queue_family = family;
    options.features = &features;
    options.id = 2;
    return options;
  }
};

/// A buffer of the application, mapped.
struct Buffer {
  const Application &owner;
  VkBuffer buffer = VK_NULL_HANDLE;
  VkDeviceMemory memory = VK_NULL_HANDLE;
  uint32_t *words = nullptr;
  gradus_address address = 0;

  Buffer(const Application &application, size_t count) : owner(application) {
    VkBufferCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
    info.size = 4 * count;
    info.usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
                 VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT;
    EXPECT_EQ(vkCreateBuffer(owner.device, &info, nullptr, &buffer), VK_SUCCESS);
    VkMemoryRequirements needs;
    vkGetBufferMemoryRequirements(owner.device, buffer, &needs);
    VkPhysicalDeviceMemoryProperties types;
    vkGetPhysicalDeviceMemoryProperties(owner.physical, &types);
    constexpr VkMemoryPropertyFlags visible = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    uint32_t type = 0;
    while (!(needs.memoryTypeBits >> type & 1) || (types.memoryTypes[type].propertyFlags & visible) != visible)
      ++type;
    VkMemoryAllocateFlagsInfo flags{};
    flags.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO;
    flags.flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT;
    VkMemoryAllocateInfo allocation{};
    allocation.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
    allocation.pNext = &flags;
    allocation.allocationSize = needs.size;
    allocation.memoryTypeIndex = type;
    EXPECT_EQ(vkAllocateMemory(owner.device, &allocation, nullptr, &memory), VK_SUCCESS);
    EXPECT_EQ(vkBindBufferMemory(owner.device, buffer, memory, 0), VK_SUCCESS);
    void *mapped = nullptr;
    EXPECT_EQ(vkMapMemory(owner.device, memory, 0, VK_WHOLE_SIZE, 0, &mapped), VK_SUCCESS);
    words = static_cast<uint32_t *>(mapped);
    std::memset(words, 0, 4 * count);
    VkBufferDeviceAddressInfo where{};
    where.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO;
    where.buffer = buffer;
    address = vkGetBufferDeviceAddress(owner.device, &where);
  }
  Buffer(const Buffer &) = delete;
  ~Buffer() {
    vkDestroyBuffer(owner.device, buffer, nullptr);
    vkFreeMemory(owner.device, memory, nullptr);
  }
};

/// Gradus on the application's device.
struct VulkanAdopt : testing::Test {
  Application application;
  Sink sink;
  gradus_vulkan *vulkan = nullptr;
  gradus_vulkan_recorder *recorder = nullptr;
  gradus_device device{};
  Module kernels{1, readWords("kernels"), {"accumulate", "number", "fused"}};

  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(application.open());
    gradus_context context = sink.context();
    gradus_vulkan_options const options = application.options();
    ASSERT_EQ(gradus_vulkan_open(&context, &options, &vulkan), GRADUS_OK) << sink.message;
    ASSERT_EQ(gradus_vulkan_recorder_open(vulkan, &recorder), GRADUS_OK) << sink.message;
  }
  void TearDown() override {
    gradus_vulkan_recorder_close(recorder);
    gradus_vulkan_close(vulkan);
    application.close(); // it is still the application's to close
  }
};

} // namespace

TEST_F(VulkanAdopt, recordsIntoTheApplicationsCommandBuffer) {
  Buffer frame(application, 64), x(application, 256), copy(application, 256);
  ASSERT_EQ(gradus_vulkan_register(vulkan, frame.buffer, frame.address, 256), GRADUS_OK) << sink.message;
  VkCommandBufferBeginInfo begin{};
  begin.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
  ASSERT_EQ(vkBeginCommandBuffer(application.commands, &begin), VK_SUCCESS);
  vkCmdFillBuffer(application.commands, x.buffer, 0, VK_WHOLE_SIZE, 2); // seen by the first dispatch
  ASSERT_EQ(gradus_vulkan_begin(recorder, application.commands, &device), GRADUS_OK);
  EXPECT_EQ(device.id, 2);
  uint32_t const v = 9;
  ASSERT_EQ(device.update(device.user, frame.address + 128, &v, 4), GRADUS_OK);
  ASSERT_EQ(device.dispatch(device.user, &kernels.module, accumulate, 1, frame.address + 128, x.address), GRADUS_OK);
  EXPECT_EQ(gradus_vulkan_dispatches(vulkan), 0u);
  ASSERT_EQ(gradus_vulkan_end(recorder), GRADUS_OK);
  EXPECT_EQ(gradus_vulkan_dispatches(vulkan), 1u);
  EXPECT_EQ(gradus_vulkan_submit(recorder, nullptr), GRADUS_ERROR_DEVICE); // that is the application's
  VkBufferCopy const region{0, 0, 1024};
  vkCmdCopyBuffer(application.commands, x.buffer, copy.buffer, 1, &region); // sees the last
  ASSERT_EQ(vkEndCommandBuffer(application.commands), VK_SUCCESS);
  VkSubmitInfo submit{};
  submit.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
  submit.commandBufferCount = 1;
  submit.pCommandBuffers = &application.commands;
  ASSERT_EQ(vkQueueSubmit(application.queue, 1, &submit, VK_NULL_HANDLE), VK_SUCCESS);
  ASSERT_EQ(vkQueueWaitIdle(application.queue), VK_SUCCESS);
  for (int k = 0; k < 256; ++k)
    ASSERT_EQ(copy.words[k], 15u);
  EXPECT_EQ(gradus_vulkan_unregister(vulkan, frame.address), GRADUS_OK);
  EXPECT_EQ(gradus_vulkan_read(vulkan, copy.words, frame.address, 4), GRADUS_ERROR_DEVICE);
}

TEST_F(VulkanAdopt, submitsToTheApplicationsQueue) {
  Buffer x(application, 512);
  ASSERT_EQ(gradus_vulkan_begin(recorder, nullptr, &device), GRADUS_OK);
  ASSERT_EQ(device.dispatch(device.user, &kernels.module, number, 2, 0, x.address), GRADUS_OK); // kernels need no registered memory
  ASSERT_EQ(gradus_vulkan_submit(recorder, application.queue), GRADUS_OK);
  ASSERT_EQ(gradus_vulkan_wait(recorder), GRADUS_OK);
  for (uint32_t k = 0; k < 512; ++k)
    ASSERT_EQ(x.words[k], k);
}

TEST_F(VulkanAdopt, neighbouringBuffersAreOneRowOfBytes) {
  // Two buffers that follow one another in one piece of memory: an update that runs over the border is cut there.
  constexpr uint32_t half = 4096, count = 2 * half / 4;
  Buffer memory(application, count);
  VkBuffer halves[2];
  for (uint32_t k = 0; k < 2; ++k) {
    VkBufferCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
    info.size = half;
    info.usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT;
    ASSERT_EQ(vkCreateBuffer(application.device, &info, nullptr, &halves[k]), VK_SUCCESS);
    VkMemoryRequirements needs;
    vkGetBufferMemoryRequirements(application.device, halves[k], &needs);
    ASSERT_EQ(half % needs.alignment, 0u);
    ASSERT_EQ(vkBindBufferMemory(application.device, halves[k], memory.memory, k * half), VK_SUCCESS);
    VkBufferDeviceAddressInfo where{};
    where.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO;
    where.buffer = halves[k];
    ASSERT_EQ(vkGetBufferDeviceAddress(application.device, &where), memory.address + k * half);
    ASSERT_EQ(gradus_vulkan_register(vulkan, halves[k], memory.address + k * half, half), GRADUS_OK) << sink.message;
  }
  ASSERT_EQ(gradus_vulkan_begin(recorder, nullptr, &device), GRADUS_OK);
  std::vector<uint32_t> words(count), back(count);
  for (uint32_t k = 0; k < count; ++k)
    words[k] = k + 1;
  ASSERT_EQ(device.update(device.user, memory.address, words.data(), 100), GRADUS_OK);
  ASSERT_EQ(device.update(device.user, memory.address + 100, words.data() + 25, 2 * half - 100), GRADUS_OK);
  ASSERT_EQ(gradus_vulkan_submit(recorder, nullptr), GRADUS_OK) << sink.message;
  ASSERT_EQ(gradus_vulkan_wait(recorder), GRADUS_OK);
  EXPECT_EQ(std::memcmp(memory.words, words.data(), 2 * half), 0);
  ASSERT_EQ(gradus_vulkan_read(vulkan, back.data(), memory.address, 2 * half), GRADUS_OK);
  EXPECT_EQ(back, words);
  ASSERT_EQ(gradus_vulkan_begin(recorder, nullptr, &device), GRADUS_OK);
  ASSERT_EQ(device.update(device.user, memory.address + 2 * half - 4, words.data(), 8), GRADUS_OK);
  EXPECT_EQ(gradus_vulkan_end(recorder), GRADUS_ERROR_DEVICE); // past the end of both
  for (VkBuffer buffer : halves)
    vkDestroyBuffer(application.device, buffer, nullptr);
}

TEST_F(VulkanAdopt, kernelsThatNeedMoreAreRefused) {
  Module wide(7, readWords("wide"), {"wide"});
  EXPECT_EQ(gradus_vulkan_load(vulkan, &wide.module), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(sink.message, "gradus_vulkan_load: the kernels need shaderFloat64, which this device does not have");
  ASSERT_EQ(gradus_vulkan_begin(recorder, nullptr, &device), GRADUS_OK);
  EXPECT_EQ(device.dispatch(device.user, &wide.module, 0, 1, 0, 0), GRADUS_ERROR_DEVICE);
  EXPECT_STREQ(device.reason(device.user), "the kernels need shaderFloat64, which this device does not have");
}

TEST_F(VulkanAdopt, aDeviceWithoutAddressesDoesNotServe) {
  gradus_vulkan_options options = application.options();
  VkPhysicalDeviceFeatures2 features = application.features;
  features.pNext = nullptr;
  options.features = &features;
  gradus_context context = sink.context();
  gradus_vulkan *other = nullptr;
  EXPECT_EQ(gradus_vulkan_open(&context, &options, &other), GRADUS_ERROR_DEVICE);
  EXPECT_NE(sink.message.find("has no bufferDeviceAddress, by which kernels reach all memory"), std::string::npos) << sink.message;
}
