/*===- vulkan_features.c - What a device can do, and what a module asks for ---------===*
 *
 * A module declares what it needs, capability by capability. A driver need not refuse a module whose needs it does not meet, so that they are compared here.
 *
 *===----------------------------------------------------------------------------===*/

#include "runtime/vulkan_internal.h"

#include <string.h>

/*===- Abilities of a device ------------------------------------------------------===*/

/* The structs that name the features of kernels, chained. */
typedef struct feature_chain {
  VkPhysicalDeviceFeatures2 base;
  VkPhysicalDeviceVulkan11Features v11;
  VkPhysicalDeviceVulkan12Features v12;
} feature_chain;

static void chainUp(feature_chain *chain) {
  memset(chain, 0, sizeof(*chain));
  chain->base.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
  chain->base.pNext = &chain->v11;
  chain->v11.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES;
  chain->v11.pNext = &chain->v12;
  chain->v12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
}

static uint32_t bitIf(VkBool32 condition, gradus_vk_feature bit) { return condition ? (uint32_t)bit : 0; }

static uint32_t readBase(const VkPhysicalDeviceFeatures *from) {
  return bitIf(from->shaderInt16, GRADUS_VK_INT16) | bitIf(from->shaderInt64, GRADUS_VK_INT64) | bitIf(from->shaderFloat64, GRADUS_VK_FLOAT64);
}

static uint32_t read11(const VkPhysicalDeviceVulkan11Features *from) {
  return bitIf(from->storageBuffer16BitAccess, GRADUS_VK_STORAGE16) | bitIf(from->uniformAndStorageBuffer16BitAccess, GRADUS_VK_UNIFORM16) |
         bitIf(from->variablePointersStorageBuffer, GRADUS_VK_VARIABLE_POINTERS_STORAGE) | bitIf(from->variablePointers, GRADUS_VK_VARIABLE_POINTERS);
}

static uint32_t read12(const VkPhysicalDeviceVulkan12Features *from) {
  return bitIf(from->storageBuffer8BitAccess, GRADUS_VK_STORAGE8) | bitIf(from->uniformAndStorageBuffer8BitAccess, GRADUS_VK_UNIFORM8) |
         bitIf(from->shaderBufferInt64Atomics, GRADUS_VK_INT64_ATOMICS) | bitIf(from->shaderFloat16, GRADUS_VK_FLOAT16) |
         bitIf(from->shaderInt8, GRADUS_VK_INT8) | bitIf(from->bufferDeviceAddress, GRADUS_VK_ADDRESS) |
         bitIf(from->vulkanMemoryModel, GRADUS_VK_MEMORY_MODEL) | bitIf(from->vulkanMemoryModelDeviceScope, GRADUS_VK_MEMORY_MODEL_DEVICE);
}

/* One struct of an application's chain; the older ones each name a part of what 1.1 and 1.2 have in one. */
static uint32_t readLink(const VkBaseInStructure *link) {
  switch (link->sType) {
  case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2: return readBase(&((const VkPhysicalDeviceFeatures2 *)(const void *)link)->features);
  case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES: return read11((const VkPhysicalDeviceVulkan11Features *)(const void *)link);
  case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES: return read12((const VkPhysicalDeviceVulkan12Features *)(const void *)link);
  case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_BUFFER_DEVICE_ADDRESS_FEATURES:
    return bitIf(((const VkPhysicalDeviceBufferDeviceAddressFeatures *)(const void *)link)->bufferDeviceAddress, GRADUS_VK_ADDRESS);
  case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES: {
    const VkPhysicalDeviceShaderFloat16Int8Features *from = (const VkPhysicalDeviceShaderFloat16Int8Features *)(const void *)link;
    return bitIf(from->shaderFloat16, GRADUS_VK_FLOAT16) | bitIf(from->shaderInt8, GRADUS_VK_INT8);
  }
  case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES: {
    const VkPhysicalDevice16BitStorageFeatures *from = (const VkPhysicalDevice16BitStorageFeatures *)(const void *)link;
    return bitIf(from->storageBuffer16BitAccess, GRADUS_VK_STORAGE16) | bitIf(from->uniformAndStorageBuffer16BitAccess, GRADUS_VK_UNIFORM16);
  }
  case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_8BIT_STORAGE_FEATURES: {
    const VkPhysicalDevice8BitStorageFeatures *from = (const VkPhysicalDevice8BitStorageFeatures *)(const void *)link;
    return bitIf(from->storageBuffer8BitAccess, GRADUS_VK_STORAGE8) | bitIf(from->uniformAndStorageBuffer8BitAccess, GRADUS_VK_UNIFORM8);
  }
  default: return 0;
  }
}

/* What no feature switches on: it is there or not. */
static void readProperties(const gradus_vk_functions *vk, VkPhysicalDevice physical, gradus_vk_abilities *abilities) {
  VkPhysicalDeviceProperties2 base;
  VkPhysicalDeviceVulkan11Properties v11;
  VkPhysicalDeviceVulkan12Properties v12;
  memset(&base, 0, sizeof(base));
  memset(&v11, 0, sizeof(v11));
  memset(&v12, 0, sizeof(v12));
  base.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
  base.pNext = &v11;
  v11.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES;
  v11.pNext = &v12;
  v12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES;
  vk->GetPhysicalDeviceProperties2(physical, &base);
  if (v11.subgroupSupportedStages & VK_SHADER_STAGE_COMPUTE_BIT)
    abilities->features |= (v11.subgroupSupportedOperations & 0xff) << gradus_vk_subgroup_shift;
  {
    VkBool32 const controls[5][3] = {
        {v12.shaderDenormPreserveFloat16, v12.shaderDenormPreserveFloat32, v12.shaderDenormPreserveFloat64},
        {v12.shaderDenormFlushToZeroFloat16, v12.shaderDenormFlushToZeroFloat32, v12.shaderDenormFlushToZeroFloat64},
        {v12.shaderSignedZeroInfNanPreserveFloat16, v12.shaderSignedZeroInfNanPreserveFloat32, v12.shaderSignedZeroInfNanPreserveFloat64},
        {v12.shaderRoundingModeRTEFloat16, v12.shaderRoundingModeRTEFloat32, v12.shaderRoundingModeRTEFloat64},
        {v12.shaderRoundingModeRTZFloat16, v12.shaderRoundingModeRTZFloat32, v12.shaderRoundingModeRTZFloat64}};
    memcpy(abilities->float_controls, controls, sizeof(controls));
  }
  abilities->spirv_version = base.properties.apiVersion >= VK_API_VERSION_1_3 ? 0x00010600 : 0x00010500;
}

void gradus_vk_read_abilities(const gradus_vk_functions *vk, VkPhysicalDevice physical, const VkPhysicalDeviceFeatures2 *chain,
                              gradus_vk_abilities *abilities) {
  feature_chain all;
  const VkBaseInStructure *link;
  memset(abilities, 0, sizeof(*abilities));
  if (chain == NULL) {
    chainUp(&all);
    vk->GetPhysicalDeviceFeatures2(physical, &all.base);
    chain = &all.base;
  }
  for (link = (const VkBaseInStructure *)(const void *)chain; link != NULL; link = link->pNext)
    abilities->features |= readLink(link);
  readProperties(vk, physical, abilities);
}

gradus_status gradus_vk_make_device(gradus_vulkan *self, gradus_vk_reason *why) {
  uint32_t const has = self->abilities.features;
  float const priority = 1;
  VkDeviceQueueCreateInfo queue;
  VkDeviceCreateInfo info;
  feature_chain wanted; /* what kernels may declare, and no more: checks of bounds and the like cost time */
  VkResult result;
  chainUp(&wanted);
  wanted.base.features.shaderInt16 = (has & GRADUS_VK_INT16) != 0;
  wanted.base.features.shaderInt64 = (has & GRADUS_VK_INT64) != 0;
  wanted.base.features.shaderFloat64 = (has & GRADUS_VK_FLOAT64) != 0;
  wanted.v11.storageBuffer16BitAccess = (has & GRADUS_VK_STORAGE16) != 0;
  wanted.v11.uniformAndStorageBuffer16BitAccess = (has & GRADUS_VK_UNIFORM16) != 0;
  wanted.v11.variablePointersStorageBuffer = (has & GRADUS_VK_VARIABLE_POINTERS_STORAGE) != 0;
  wanted.v11.variablePointers = (has & GRADUS_VK_VARIABLE_POINTERS) != 0;
  wanted.v12.storageBuffer8BitAccess = (has & GRADUS_VK_STORAGE8) != 0;
  wanted.v12.uniformAndStorageBuffer8BitAccess = (has & GRADUS_VK_UNIFORM8) != 0;
  wanted.v12.shaderBufferInt64Atomics = (has & GRADUS_VK_INT64_ATOMICS) != 0;
  wanted.v12.shaderFloat16 = (has & GRADUS_VK_FLOAT16) != 0;
  wanted.v12.shaderInt8 = (has & GRADUS_VK_INT8) != 0;
  wanted.v12.bufferDeviceAddress = (has & GRADUS_VK_ADDRESS) != 0;
  wanted.v12.vulkanMemoryModel = (has & GRADUS_VK_MEMORY_MODEL) != 0;
  wanted.v12.vulkanMemoryModelDeviceScope = (has & GRADUS_VK_MEMORY_MODEL_DEVICE) != 0;
  memset(&queue, 0, sizeof(queue));
  queue.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
  queue.queueFamilyIndex = self->queue_family;
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  memset(&info, 0, sizeof(info));
  info.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
  info.pNext = &wanted.base;
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queue;
  result = self->vk.CreateDevice(self->physical, &info, NULL, &self->device);
  return result == VK_SUCCESS ? GRADUS_OK : gradus_vk_refuse(why, "vkCreateDevice", result);
}

/*===- Needs of a module ----------------------------------------------------------===*/

/* What a capability of SPIR-V needs; 0: every device has it. */
typedef struct capability_row {
  uint32_t capability, feature;
  const char *name;
} capability_row;

static const capability_row capabilities[] = {
    {0, 0, "Matrix"},
    {1, 0, "Shader"},
    {9, GRADUS_VK_FLOAT16, "shaderFloat16"},
    {10, GRADUS_VK_FLOAT64, "shaderFloat64"},
    {11, GRADUS_VK_INT64, "shaderInt64"},
    {12, GRADUS_VK_INT64_ATOMICS, "shaderBufferInt64Atomics"},
    {22, GRADUS_VK_INT16, "shaderInt16"},
    {39, GRADUS_VK_INT8, "shaderInt8"},
    {61, GRADUS_VK_SUBGROUP, "basic operations of subgroups"},
    {62, GRADUS_VK_SUBGROUP << 1, "votes of subgroups"},
    {63, GRADUS_VK_SUBGROUP << 2, "arithmetic of subgroups"},
    {64, GRADUS_VK_SUBGROUP << 3, "ballots of subgroups"},
    {65, GRADUS_VK_SUBGROUP << 4, "shuffles of subgroups"},
    {66, GRADUS_VK_SUBGROUP << 5, "relative shuffles of subgroups"},
    {67, GRADUS_VK_SUBGROUP << 6, "clusters of subgroups"},
    {68, GRADUS_VK_SUBGROUP << 7, "quads of subgroups"},
    {4433, GRADUS_VK_STORAGE16, "storageBuffer16BitAccess"},
    {4434, GRADUS_VK_UNIFORM16, "uniformAndStorageBuffer16BitAccess"},
    {4441, GRADUS_VK_VARIABLE_POINTERS_STORAGE, "variablePointersStorageBuffer"},
    {4442, GRADUS_VK_VARIABLE_POINTERS, "variablePointers"},
    {4448, GRADUS_VK_STORAGE8, "storageBuffer8BitAccess"},
    {4449, GRADUS_VK_UNIFORM8, "uniformAndStorageBuffer8BitAccess"},
    {4464, 0, "DenormPreserve"}, /* for each width an execution mode, which is looked at */
    {4465, 0, "DenormFlushToZero"},
    {4466, 0, "SignedZeroInfNanPreserve"},
    {4467, 0, "RoundingModeRTE"},
    {4468, 0, "RoundingModeRTZ"},
    {5345, GRADUS_VK_MEMORY_MODEL, "vulkanMemoryModel"},
    {5346, GRADUS_VK_MEMORY_MODEL_DEVICE, "vulkanMemoryModelDeviceScope"},
    {5347, GRADUS_VK_ADDRESS, "bufferDeviceAddress"},
};
enum { capabilityCount = sizeof(capabilities) / sizeof(capabilities[0]) };

static const capability_row *findCapability(uint32_t capability) {
  int k;
  for (k = 0; k < capabilityCount; ++k)
    if (capabilities[k].capability == capability)
      return &capabilities[k];
  return NULL;
}

static gradus_status checkCapability(const gradus_vk_abilities *abilities, uint32_t capability, gradus_vk_reason *why) {
  const capability_row *row = findCapability(capability);
  if (row == NULL)
    return gradus_vk_because(why, GRADUS_ERROR_DEVICE, "the kernels need the capability %u of SPIR-V, which this runtime does not know", capability);
  if ((abilities->features & row->feature) == row->feature)
    return GRADUS_OK;
  return gradus_vk_because(why, GRADUS_ERROR_DEVICE, "the kernels need %s, which this device does not have", row->name);
}

/* The modes of arithmetic come with a width; they and their capabilities have the same order. */
static gradus_status checkMode(const gradus_vk_abilities *abilities, uint32_t mode, uint32_t width, gradus_vk_reason *why) {
  uint32_t const first = 4459;
  int const column = width == 16 ? 0 : width == 32 ? 1 : width == 64 ? 2 : -1;
  if (mode < first || mode > first + 4)
    return GRADUS_OK;
  if (column >= 0 && abilities->float_controls[mode - first][column])
    return GRADUS_OK;
  return gradus_vk_because(why, GRADUS_ERROR_DEVICE, "the kernels need %s for floats of %u bits, which this device does not have",
                           findCapability(mode - first + 4464)->name, width);
}

/* A text in the words of an instruction. */
static int isText(const uint32_t *words, size_t count, const char *text) {
  size_t const length = strlen(text);
  return length < count * sizeof(uint32_t) && memcmp(words, text, length + 1) == 0;
}

gradus_status gradus_vk_check_module(const gradus_vk_abilities *abilities, const uint32_t *words, size_t count, const gradus_device_module *module,
                                     gradus_vk_reason *why) {
  enum { entryPoint = 15, executionMode = 16, capability = 17, function = 54, header = 5 };
  gradus_status status = GRADUS_OK;
  int32_t found = 0, k;
  size_t at, length;
  if (count < header || words[0] != 0x07230203)
    return gradus_vk_because(why, GRADUS_ERROR_FORMAT, "the image is no SPIR-V of this machine's byte order");
  if (words[1] > abilities->spirv_version)
    return gradus_vk_because(why, GRADUS_ERROR_DEVICE, "the kernels are SPIR-V %u.%u, this device takes %u.%u", words[1] >> 16, words[1] >> 8 & 0xff,
                             abilities->spirv_version >> 16, abilities->spirv_version >> 8 & 0xff);
  for (at = header; at < count && (words[at] & 0xffff) != function && status == GRADUS_OK; at += length) {
    length = words[at] >> 16;
    if (length == 0 || length > count - at)
      return gradus_vk_because(why, GRADUS_ERROR_FORMAT, "the image is damaged: an instruction runs past its end");
    if ((words[at] & 0xffff) == capability && length == 2)
      status = checkCapability(abilities, words[at + 1], why);
    else if ((words[at] & 0xffff) == executionMode && length == 4)
      status = checkMode(abilities, words[at + 2], words[at + 3], why);
    else if ((words[at] & 0xffff) == entryPoint && length > 3)
      for (k = 0; k < module->n_kernels; ++k)
        found += isText(words + at + 3, length - 3, module->kernels[k]);
  }
  if (status == GRADUS_OK && found != module->n_kernels)
    return gradus_vk_because(why, GRADUS_ERROR_FORMAT, "the image has %d of the %d kernels of its module", (int)found, (int)module->n_kernels);
  return status;
}
