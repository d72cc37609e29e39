/*===- vulkan_internal.h - What the files of Gradus::vulkan share -------------------===*
 *
 * Not installed. Functions that can fail say why in a gradus_vk_reason; who was called by the application tells it.
 *
 *===----------------------------------------------------------------------------===*/

#ifndef GRADUS_VULKAN_INTERNAL_H
#define GRADUS_VULKAN_INTERNAL_H

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan_core.h>

#include "runtime/gradus_vulkan.h"

#include <pthread.h>

#define GRADUS_VK_INSTANCE_FUNCTIONS(X) \
  X(CreateDevice)                       \
  X(DestroyInstance)                    \
  X(EnumeratePhysicalDevices)           \
  X(GetDeviceProcAddr)                  \
  X(GetPhysicalDeviceFeatures2)         \
  X(GetPhysicalDeviceMemoryProperties)  \
  X(GetPhysicalDeviceProperties)        \
  X(GetPhysicalDeviceProperties2)       \
  X(GetPhysicalDeviceQueueFamilyProperties)

#define GRADUS_VK_DEVICE_FUNCTIONS(X) \
  X(AllocateCommandBuffers)           \
  X(AllocateMemory)                   \
  X(BeginCommandBuffer)               \
  X(BindBufferMemory)                 \
  X(CmdBindPipeline)                  \
  X(CmdCopyBuffer)                    \
  X(CmdDispatch)                      \
  X(CmdPipelineBarrier)               \
  X(CmdPushConstants)                 \
  X(CmdUpdateBuffer)                  \
  X(CreateBuffer)                     \
  X(CreateCommandPool)                \
  X(CreateComputePipelines)           \
  X(CreateFence)                      \
  X(CreatePipelineLayout)             \
  X(CreateShaderModule)               \
  X(DestroyBuffer)                    \
  X(DestroyCommandPool)               \
  X(DestroyDevice)                    \
  X(DestroyFence)                     \
  X(DestroyPipeline)                  \
  X(DestroyPipelineLayout)            \
  X(DestroyShaderModule)              \
  X(EndCommandBuffer)                 \
  X(FreeMemory)                       \
  X(GetBufferDeviceAddress)           \
  X(GetBufferMemoryRequirements)      \
  X(GetDeviceQueue)                   \
  X(MapMemory)                        \
  X(QueueSubmit)                      \
  X(ResetFences)                      \
  X(WaitForFences)

/** The functions of Vulkan that are called. */
typedef struct gradus_vk_functions {
  PFN_vkGetInstanceProcAddr GetInstanceProcAddr;
#define GRADUS_VK_MEMBER(name) PFN_vk##name name;
  GRADUS_VK_INSTANCE_FUNCTIONS(GRADUS_VK_MEMBER)
  GRADUS_VK_DEVICE_FUNCTIONS(GRADUS_VK_MEMBER)
#undef GRADUS_VK_MEMBER
} gradus_vk_functions;

/** Why something failed: a clause. */
typedef struct gradus_vk_reason {
  char text[200];
} gradus_vk_reason;

/** What a device can do that a module may ask for. */
typedef struct gradus_vk_abilities {
  uint32_t features;               /**< bits of gradus_vk_feature */
  VkBool32 float_controls[5][3];   /**< of the execution modes 4459 .. 4463, for 16, 32 and 64 bits */
  uint32_t spirv_version;          /**< the newest that it takes, as in the second word of a module */
} gradus_vk_abilities;

typedef enum gradus_vk_feature {
  GRADUS_VK_INT8 = 1 << 0,
  GRADUS_VK_INT16 = 1 << 1,
  GRADUS_VK_INT64 = 1 << 2,
  GRADUS_VK_FLOAT16 = 1 << 3,
  GRADUS_VK_FLOAT64 = 1 << 4,
  GRADUS_VK_STORAGE8 = 1 << 5,
  GRADUS_VK_UNIFORM8 = 1 << 6,
  GRADUS_VK_STORAGE16 = 1 << 7,
  GRADUS_VK_UNIFORM16 = 1 << 8,
  GRADUS_VK_ADDRESS = 1 << 9,
  GRADUS_VK_INT64_ATOMICS = 1 << 10,
  GRADUS_VK_MEMORY_MODEL = 1 << 11,
  GRADUS_VK_MEMORY_MODEL_DEVICE = 1 << 12,
  GRADUS_VK_VARIABLE_POINTERS_STORAGE = 1 << 13,
  GRADUS_VK_VARIABLE_POINTERS = 1 << 14,
  GRADUS_VK_SUBGROUP = 1 << 15 /**< and the seven bits above: VkSubgroupFeatureFlagBits, basic to clustered and quad, of compute shaders */
} gradus_vk_feature;
enum { gradus_vk_subgroup_shift = 15 };

/** Memory that is known by its address. */
typedef struct gradus_vk_range {
  gradus_address begin, end;
  gradus_address base; /**< of the buffer: `begin` is aligned */
  VkBuffer buffer;
  VkDeviceMemory memory; /**< null: the application's */
} gradus_vk_range;

/** A module that was loaded, and the pipelines of its kernels as far as they were made. */
typedef struct gradus_vk_module {
  struct gradus_vk_module *next;
  uint64_t content;
  VkShaderModule shader;
  gradus_address tables; /**< of constants; 0: it has none */
  int32_t n_kernels;
  VkPipeline pipelines[];
} gradus_vk_module;

/** Where bytes between the host and the device pass through. */
typedef struct gradus_vk_staging {
  pthread_mutex_t lock;
  VkBuffer buffer;
  VkDeviceMemory memory;
  void *mapped;
  VkCommandPool pool;
  VkCommandBuffer commands;
  VkFence fence;
} gradus_vk_staging;

struct gradus_vulkan {
  gradus_context context; /**< a copy: its `error` and `user` are used */
  gradus_vk_functions vk;
  void *library;
  int owns_device;
  VkInstance instance;
  VkPhysicalDevice physical;
  VkDevice device;
  uint32_t queue_family;
  VkQueue queue;
  pthread_mutex_t queue_lock;
  int32_t id;
  VkPhysicalDeviceProperties properties;
  gradus_vk_abilities abilities;
  int32_t has_fma;
  uint64_t longest_loop;
  pthread_mutex_t ranges_lock; /**< of the ranges, sorted by address */
  gradus_vk_range *ranges;
  size_t n_ranges, room_for_ranges;
  pthread_mutex_t modules_lock;
  gradus_vk_module *modules;
  VkPipelineLayout layout;
  gradus_vk_staging staging;
  pthread_mutex_t count_lock;
  uint64_t dispatches;
};

/** Writes the reason, as printf, and returns `status`. */
gradus_status gradus_vk_because(gradus_vk_reason *why, gradus_status status, const char *format, ...);
/** "vkCreateDevice: the device is lost". */
gradus_status gradus_vk_refuse(gradus_vk_reason *why, const char *function, VkResult result);
/** Tells the context of an error of the public function `function`, and returns `status`; nothing happens for GRADUS_OK. */
gradus_status gradus_vk_tell(const gradus_context *context, const char *function, gradus_status status, const gradus_vk_reason *why);

/** The features that the struct of Vulkan and what is chained to it name, and the other abilities of a physical device; `chain` is null for all that it has. */
void gradus_vk_read_abilities(const gradus_vk_functions *vk, VkPhysicalDevice physical, const VkPhysicalDeviceFeatures2 *chain, gradus_vk_abilities *abilities);
/** A device of our own, with all features that kernels may declare and the device has. */
gradus_status gradus_vk_make_device(gradus_vulkan *self, gradus_vk_reason *why);
/** Whether the device takes the words of a module, and they have these kernels. */
gradus_status gradus_vk_check_module(const gradus_vk_abilities *abilities, const uint32_t *words, size_t count, const gradus_device_module *module,
                                     gradus_vk_reason *why);

/** The pipeline of a kernel, made at the first call. */
gradus_status gradus_vk_find_pipeline(gradus_vulkan *self, const gradus_device_module *module, int32_t kernel, VkPipeline *pipeline, gradus_vk_reason *why);
void gradus_vk_destroy_modules(gradus_vulkan *self);

/** The tables that the words of a module carry, in memory of the device until it is closed; 0 if there are none. */
gradus_status gradus_vk_load_tables(gradus_vulkan *self, const uint32_t *words, size_t n_words, gradus_address *tables, gradus_vk_reason *why);

/** New memory with these bytes. */
gradus_status gradus_vk_store(gradus_vulkan *self, const void *bytes, uint64_t count, gradus_address *address, gradus_vk_reason *why);
/** The memory that has the address; bytes from there to its end are at least 1. */
gradus_status gradus_vk_find_range(gradus_vulkan *self, gradus_address address, gradus_vk_range *range, gradus_vk_reason *why);
void gradus_vk_destroy_memory(gradus_vulkan *self);
/** A pool with one command buffer, and a fence; all or nothing. */
gradus_status gradus_vk_make_commands(gradus_vulkan *self, VkCommandPool *pool, VkCommandBuffer *commands, VkFence *fence, gradus_vk_reason *why);
/** Submits to a queue; null: our own, under its lock. */
gradus_status gradus_vk_submit(gradus_vulkan *self, VkQueue queue, VkCommandBuffer commands, VkFence fence, gradus_vk_reason *why);
/** A barrier between all that compute shaders and transfers do before it, and the stages and accesses that come after. */
void gradus_vk_barrier(const gradus_vulkan *self, VkCommandBuffer commands, VkPipelineStageFlags stages, VkAccessFlags access);

/** Runs kernels that tell has_fma and longest_loop. */
gradus_status gradus_vk_probe(gradus_vulkan *self, gradus_vk_reason *why);

#endif /* GRADUS_VULKAN_INTERNAL_H */
