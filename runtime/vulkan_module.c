/*===- vulkan_module.c - Modules become pipelines, once ------------------------------===*
 *
 * A module is known by the hash of its content, so that an artifact that is loaded twice, or by two threads at once, has its pipelines made once.
 * All of them are made when the module is first met: what a driver refuses, it refuses before the first dispatch of a call. Who comes meanwhile waits.
 *
 *===----------------------------------------------------------------------------===*/

#define _POSIX_C_SOURCE 200809L

#include "runtime/vulkan_internal.h"

#include <stdlib.h>
#include <string.h>

static const gradus_device_image *findImage(const gradus_device_module *module) {
  int32_t k;
  for (k = 0; k < module->n_images; ++k)
    if (module->images[k].kind == GRADUS_IMAGE_SPIRV)
      return &module->images[k];
  return NULL;
}

static gradus_status loadModule(gradus_vulkan *self, const gradus_device_module *module, gradus_vk_module **out, gradus_vk_reason *why) {
  const gradus_device_image *image = findImage(module);
  VkShaderModuleCreateInfo info;
  gradus_vk_module *loaded;
  gradus_status status;
  VkResult result;
  if (image == NULL)
    return gradus_vk_because(why, GRADUS_ERROR_DEVICE, "this artifact has no SPIR-V; build it for the target 'vulkan'");
  if (image->size % sizeof(uint32_t) != 0 || (uintptr_t)image->bytes % sizeof(uint32_t) != 0)
    return gradus_vk_because(why, GRADUS_ERROR_FORMAT, "the image is not made of words of 32 bits");
  status = gradus_vk_check_module(&self->abilities, (const uint32_t *)image->bytes, image->size / sizeof(uint32_t), module, why);
  if (status != GRADUS_OK)
    return status;
  loaded = (gradus_vk_module *)calloc(1, sizeof(*loaded) + (size_t)module->n_kernels * sizeof(VkPipeline));
  if (loaded == NULL)
    return gradus_vk_because(why, GRADUS_ERROR_DEVICE, "host memory has run out");
  memset(&info, 0, sizeof(info));
  info.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO;
  info.codeSize = image->size;
  info.pCode = (const uint32_t *)image->bytes;
  result = self->vk.CreateShaderModule(self->device, &info, NULL, &loaded->shader);
  if (result != VK_SUCCESS) {
    free(loaded);
    return gradus_vk_refuse(why, "vkCreateShaderModule", result);
  }
  status = gradus_vk_load_tables(self, info.pCode, image->size / sizeof(uint32_t), &loaded->tables, why);
  if (status != GRADUS_OK) {
    self->vk.DestroyShaderModule(self->device, loaded->shader, NULL);
    free(loaded);
    return status;
  }
  loaded->content = module->content;
  loaded->n_kernels = module->n_kernels;
  *out = loaded;
  return GRADUS_OK;
}

static void destroyModule(gradus_vulkan *self, gradus_vk_module *module) {
  int32_t k;
  for (k = 0; k < module->n_kernels; ++k)
    self->vk.DestroyPipeline(self->device, module->pipelines[k], NULL);
  self->vk.DestroyShaderModule(self->device, module->shader, NULL);
  free(module);
}

/* Specialization constants 0 and 1: codegen/gpu/Spirv.h. */
static gradus_status makePipeline(gradus_vulkan *self, const gradus_vk_module *loaded, const char *name, VkPipeline *pipeline, gradus_vk_reason *why) {
  struct {
    gradus_address tables;
    VkBool32 has_fma;
  } values;
  VkSpecializationMapEntry entries[2];
  VkSpecializationInfo constants;
  VkComputePipelineCreateInfo info;
  VkResult result;
  values.tables = loaded->tables;
  values.has_fma = self->has_fma != 0;
  entries[0].constantID = 0;
  entries[0].offset = sizeof(values.tables);
  entries[0].size = sizeof(values.has_fma);
  entries[1].constantID = 1;
  entries[1].offset = 0;
  entries[1].size = sizeof(values.tables);
  constants.mapEntryCount = 2;
  constants.pMapEntries = entries;
  constants.dataSize = sizeof(values);
  constants.pData = &values;
  memset(&info, 0, sizeof(info));
  info.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO;
  info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = loaded->shader;
  info.stage.pName = name;
  info.stage.pSpecializationInfo = &constants;
  info.layout = self->layout;
  result = self->vk.CreateComputePipelines(self->device, VK_NULL_HANDLE, 1, &info, NULL, pipeline);
  if (result == VK_SUCCESS)
    return GRADUS_OK;
  *pipeline = VK_NULL_HANDLE;
  return gradus_vk_refuse(why, "vkCreateComputePipelines", result);
}

/* With all of its pipelines, or not at all. */
static gradus_status addModule(gradus_vulkan *self, const gradus_device_module *module, gradus_vk_module **out, gradus_vk_reason *why) {
  int32_t k;
  gradus_status status = loadModule(self, module, out, why);
  if (status != GRADUS_OK)
    return status;
  for (k = 0; status == GRADUS_OK && k < module->n_kernels; ++k)
    status = makePipeline(self, *out, module->kernels[k], &(*out)->pipelines[k], why);
  if (status != GRADUS_OK) {
    (void)gradus_vulkan_release(self, (*out)->tables);
    destroyModule(self, *out);
    return status;
  }
  (*out)->next = self->modules;
  self->modules = *out;
  return GRADUS_OK;
}

gradus_status gradus_vk_find_pipeline(gradus_vulkan *self, const gradus_device_module *module, int32_t kernel, VkPipeline *pipeline, gradus_vk_reason *why) {
  gradus_vk_module *loaded;
  gradus_status status = GRADUS_OK;
  if (module == NULL || kernel < 0 || kernel >= module->n_kernels)
    return gradus_vk_because(why, GRADUS_ERROR_NULL, "the module has no kernel number %d", (int)kernel);
  (void)pthread_mutex_lock(&self->modules_lock);
  for (loaded = self->modules; loaded != NULL; loaded = loaded->next)
    if (loaded->content == module->content && loaded->n_kernels == module->n_kernels)
      break;
  if (loaded == NULL)
    status = addModule(self, module, &loaded, why);
  if (status == GRADUS_OK)
    *pipeline = loaded->pipelines[kernel];
  (void)pthread_mutex_unlock(&self->modules_lock);
  return status;
}

gradus_status gradus_vulkan_load(gradus_vulkan *vulkan, const gradus_device_module *module) {
  gradus_status status = GRADUS_OK;
  gradus_vk_reason why;
  VkPipeline pipeline;
  if (module == NULL)
    status = gradus_vk_because(&why, GRADUS_ERROR_NULL, "the module is a null pointer");
  else if (module->n_kernels > 0)
    status = gradus_vk_find_pipeline(vulkan, module, 0, &pipeline, &why);
  return gradus_vk_tell(&vulkan->context, "gradus_vulkan_load", status, &why);
}

void gradus_vk_destroy_modules(gradus_vulkan *self) {
  while (self->modules != NULL) {
    gradus_vk_module *next = self->modules->next;
    destroyModule(self, self->modules);
    self->modules = next;
  }
}
