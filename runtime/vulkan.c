/*===- vulkan.c - Opening a device of Vulkan, and closing it ------------------------===*
 *
 * The loader is opened here, at run time, and every function is asked for by name; so a program that links this archive runs where there is no Vulkan.
 *
 *===----------------------------------------------------------------------------===*/

#define _POSIX_C_SOURCE 200809L

#include "runtime/internal.h"
#include "runtime/vulkan_internal.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*===- What goes wrong ------------------------------------------------------------===*/

gradus_status gradus_vk_because(gradus_vk_reason *why, gradus_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(why->text, sizeof(why->text), format, arguments);
  va_end(arguments);
  return status;
}

static const char *describe(VkResult result) {
  switch (result) {
  case VK_ERROR_OUT_OF_HOST_MEMORY: return "host memory has run out";
  case VK_ERROR_OUT_OF_DEVICE_MEMORY: return "the memory of the device has run out";
  case VK_ERROR_INITIALIZATION_FAILED: return "the driver failed to begin";
  case VK_ERROR_DEVICE_LOST: return "the device is lost";
  case VK_ERROR_MEMORY_MAP_FAILED: return "the memory cannot be mapped";
  case VK_ERROR_EXTENSION_NOT_PRESENT: return "an extension is missing";
  case VK_ERROR_FEATURE_NOT_PRESENT: return "a feature is missing";
  case VK_ERROR_INCOMPATIBLE_DRIVER: return "there is no driver of Vulkan";
  case VK_ERROR_TOO_MANY_OBJECTS: return "there are too many objects";
  default: return "Vulkan refused";
  }
}

gradus_status gradus_vk_refuse(gradus_vk_reason *why, const char *function, VkResult result) {
  return gradus_vk_because(why, GRADUS_ERROR_DEVICE, "%s: %s (VkResult %d)", function, describe(result), (int)result);
}

gradus_status gradus_vk_tell(const gradus_context *context, const char *function, gradus_status status, const gradus_vk_reason *why) {
  gradus_error error;
  if (status == GRADUS_OK || context == NULL || context->error == NULL)
    return status;
  memset(&error, 0, sizeof(error));
  error.status = (int32_t)status;
  error.entry = function;
  error.dimension = -1;
  error.element = -1;
  return gradus_internal_report(context, &error, 0, "%s", why->text);
}

/*===- The loader -----------------------------------------------------------------===*/

static gradus_status openLoader(gradus_vulkan *self, const char *file, gradus_vk_reason *why) {
  void *symbol;
  self->library = dlopen(file != NULL ? file : "libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
  if (self->library == NULL) {
    const char *message = dlerror();
    return gradus_vk_because(why, GRADUS_ERROR_DEVICE, "the loader of Vulkan is not here (%s); install libvulkan1 and a driver",
                             message != NULL ? message : "no reason is known");
  }
  symbol = dlsym(self->library, "vkGetInstanceProcAddr");
  if (symbol == NULL)
    return gradus_vk_because(why, GRADUS_ERROR_DEVICE, "'%s' is no loader of Vulkan: it has no vkGetInstanceProcAddr",
                             file != NULL ? file : "libvulkan.so.1");
  memcpy(&self->vk.GetInstanceProcAddr, &symbol, sizeof(symbol)); /* C has no cast from data to functions */
  return GRADUS_OK;
}

static gradus_status loadInstanceFunctions(gradus_vulkan *self, gradus_vk_reason *why) {
#define GRADUS_VK_LOAD(function)                                                                                 \
  self->vk.function = (PFN_vk##function)self->vk.GetInstanceProcAddr(self->instance, "vk" #function);            \
  if (self->vk.function == NULL)                                                                                 \
    return gradus_vk_because(why, GRADUS_ERROR_DEVICE, "the instance has no vk" #function "; it needs Vulkan 1.2");
  GRADUS_VK_INSTANCE_FUNCTIONS(GRADUS_VK_LOAD)
#undef GRADUS_VK_LOAD
  return GRADUS_OK;
}

static gradus_status loadDeviceFunctions(gradus_vulkan *self, gradus_vk_reason *why) {
#define GRADUS_VK_LOAD(function)                                                                       \
  self->vk.function = (PFN_vk##function)self->vk.GetDeviceProcAddr(self->device, "vk" #function);      \
  if (self->vk.function == NULL)                                                                       \
    return gradus_vk_because(why, GRADUS_ERROR_DEVICE, "the device has no vk" #function "; it needs Vulkan 1.2");
  GRADUS_VK_DEVICE_FUNCTIONS(GRADUS_VK_LOAD)
#undef GRADUS_VK_LOAD
  return GRADUS_OK;
}

static gradus_status makeInstance(gradus_vulkan *self, gradus_vk_reason *why) {
  PFN_vkCreateInstance const create = (PFN_vkCreateInstance)self->vk.GetInstanceProcAddr(NULL, "vkCreateInstance");
  VkApplicationInfo application;
  VkInstanceCreateInfo info;
  VkResult result;
  memset(&application, 0, sizeof(application));
  application.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
  application.pEngineName = "Gradus";
  application.apiVersion = VK_API_VERSION_1_2;
  memset(&info, 0, sizeof(info));
  info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
  info.pApplicationInfo = &application;
  if (create == NULL)
    return gradus_vk_because(why, GRADUS_ERROR_DEVICE, "the loader has no vkCreateInstance");
  result = create(&info, NULL, &self->instance);
  return result == VK_SUCCESS ? GRADUS_OK : gradus_vk_refuse(why, "vkCreateInstance", result);
}

/*===- The choice of a device -----------------------------------------------------===*/

/* The first family of queues that can compute, or UINT32_MAX. */
static uint32_t findQueueFamily(const gradus_vulkan *self, VkPhysicalDevice physical) {
  VkQueueFamilyProperties families[32];
  uint32_t count = 32, k;
  self->vk.GetPhysicalDeviceQueueFamilyProperties(physical, &count, families);
  for (k = 0; k < count; ++k)
    if (families[k].queueFlags & VK_QUEUE_COMPUTE_BIT)
      return k;
  return UINT32_MAX;
}

/* Takes a physical device, or says what it does not have. */
static gradus_status takePhysical(gradus_vulkan *self, VkPhysicalDevice physical, const VkPhysicalDeviceFeatures2 *chain, gradus_vk_reason *why) {
  const VkPhysicalDeviceLimits *limits = &self->properties.limits;
  self->physical = physical;
  self->vk.GetPhysicalDeviceProperties(physical, &self->properties);
  if (self->properties.apiVersion < VK_API_VERSION_1_2)
    return gradus_vk_because(why, GRADUS_ERROR_DEVICE, "'%.80s' has Vulkan %u.%u, expected at least 1.2", self->properties.deviceName,
                             VK_API_VERSION_MAJOR(self->properties.apiVersion), VK_API_VERSION_MINOR(self->properties.apiVersion));
  gradus_vk_read_abilities(&self->vk, physical, chain, &self->abilities);
  if (!(self->abilities.features & GRADUS_VK_ADDRESS))
    return gradus_vk_because(why, GRADUS_ERROR_DEVICE, "'%.80s' has no bufferDeviceAddress, by which kernels reach all memory",
                             self->properties.deviceName);
  if (limits->maxComputeWorkGroupInvocations < 256 || limits->maxComputeWorkGroupSize[0] < 256)
    return gradus_vk_because(why, GRADUS_ERROR_DEVICE, "'%.80s' takes groups of %u threads, expected at least 256", self->properties.deviceName,
                             limits->maxComputeWorkGroupInvocations);
  if (self->owns_device && (self->queue_family = findQueueFamily(self, physical)) == UINT32_MAX)
    return gradus_vk_because(why, GRADUS_ERROR_DEVICE, "'%.80s' has no queue that can compute", self->properties.deviceName);
  return GRADUS_OK;
}

static int rank(VkPhysicalDeviceType type) {
  return type == VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU     ? 4
         : type == VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU ? 3
         : type == VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU    ? 2
                                                          : 1;
}

/* The device that was asked for, or the best of those that serve; if none does, the reason is that of the last. */
static gradus_status choosePhysical(gradus_vulkan *self, int32_t number, gradus_vk_reason *why) {
  VkPhysicalDevice devices[64], best = VK_NULL_HANDLE;
  uint32_t count = 64, k;
  int best_rank = 0;
  gradus_status status = GRADUS_ERROR_DEVICE;
  VkResult const result = self->vk.EnumeratePhysicalDevices(self->instance, &count, devices);
  if (result != VK_SUCCESS && result != VK_INCOMPLETE)
    return gradus_vk_refuse(why, "vkEnumeratePhysicalDevices", result);
  if (count == 0)
    return gradus_vk_because(why, GRADUS_ERROR_DEVICE, "no driver of Vulkan brings a device");
  if (number < 0 || (uint32_t)number > count)
    return gradus_vk_because(why, GRADUS_ERROR_DEVICE, "there is no device number %d; the loader has %u, from 1 on", (int)number, count);
  if (number > 0)
    return takePhysical(self, devices[number - 1], NULL, why);
  for (k = 0; k < count; ++k) {
    gradus_status const served = takePhysical(self, devices[k], NULL, why);
    if (served == GRADUS_OK && rank(self->properties.deviceType) > best_rank) {
      best = devices[k];
      best_rank = rank(self->properties.deviceType);
      status = GRADUS_OK;
    }
  }
  return status == GRADUS_OK ? takePhysical(self, best, NULL, why) : status;
}

/* The instance and device, our own or the application's. */
static gradus_status openDevice(gradus_vulkan *self, const gradus_vulkan_options *options, gradus_vk_reason *why) {
  int const given = (options->instance != NULL) + (options->physical_device != NULL) + (options->device != NULL) + (options->queue != NULL);
  gradus_status status;
  if (given != 0 && given != 4)
    return gradus_vk_because(why, GRADUS_ERROR_NULL, "%d of instance, physical_device, device and queue are given, expected all or none", given);
  self->id = options->id;
  status = openLoader(self, options->loader, why);
  if (status == GRADUS_OK && given == 0)
    status = makeInstance(self, why);
  if (status != GRADUS_OK)
    return status;
  self->owns_device = given == 0;
  if (given != 0)
    self->instance = (VkInstance)options->instance;
  status = loadInstanceFunctions(self, why);
  if (status != GRADUS_OK)
    return status;
  if (given == 0) {
    status = choosePhysical(self, options->number, why);
    if (status == GRADUS_OK)
      status = gradus_vk_make_device(self, why);
  } else {
    self->queue_family = options->queue_family;
    status = takePhysical(self, (VkPhysicalDevice)options->physical_device, (const VkPhysicalDeviceFeatures2 *)options->features, why);
    self->device = (VkDevice)options->device;
    self->queue = (VkQueue)options->queue;
  }
  if (status == GRADUS_OK)
    status = loadDeviceFunctions(self, why);
  if (status == GRADUS_OK && given == 0)
    self->vk.GetDeviceQueue(self->device, self->queue_family, 0, &self->queue);
  return status;
}

static gradus_status makeLayout(gradus_vulkan *self, gradus_vk_reason *why) {
  VkPushConstantRange range;
  VkPipelineLayoutCreateInfo info;
  VkResult result;
  range.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT;
  range.offset = 0;
  range.size = 3 * sizeof(uint64_t);
  memset(&info, 0, sizeof(info));
  info.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
  info.pushConstantRangeCount = 1;
  info.pPushConstantRanges = &range;
  result = self->vk.CreatePipelineLayout(self->device, &info, NULL, &self->layout);
  return result == VK_SUCCESS ? GRADUS_OK : gradus_vk_refuse(why, "vkCreatePipelineLayout", result);
}

/* What a device gets wrong without an error is said once. */
static void warn(const gradus_vulkan *self) {
  char line[256];
  if (self->longest_loop == UINT64_MAX || self->context.log == NULL)
    return;
  (void)snprintf(line, sizeof(line), "'%.80s' ends loops after %llu iterations: calls of kernels that need longer ones are refused there", self->properties.deviceName,
                 (unsigned long long)self->longest_loop);
  self->context.log(self->context.user, line);
}

/*===- What applications call -----------------------------------------------------===*/

gradus_status gradus_vulkan_open(const gradus_context *context, const gradus_vulkan_options *options, gradus_vulkan **vulkan) {
  static const gradus_vulkan_options none;
  gradus_vulkan *self;
  gradus_vk_reason why;
  gradus_status status;
  if (vulkan == NULL)
    return GRADUS_ERROR_NULL;
  *vulkan = NULL;
  self = (gradus_vulkan *)calloc(1, sizeof(*self));
  if (self == NULL)
    return GRADUS_ERROR_DEVICE;
  if (context != NULL)
    self->context = *context;
  (void)pthread_mutex_init(&self->queue_lock, NULL);
  (void)pthread_mutex_init(&self->ranges_lock, NULL);
  (void)pthread_mutex_init(&self->modules_lock, NULL);
  (void)pthread_mutex_init(&self->staging.lock, NULL);
  (void)pthread_mutex_init(&self->count_lock, NULL);
  status = openDevice(self, options != NULL ? options : &none, &why);
  if (status == GRADUS_OK)
    status = makeLayout(self, &why);
  if (status == GRADUS_OK)
    status = gradus_vk_probe(self, &why);
  if (status != GRADUS_OK) {
    gradus_vulkan_close(self);
    return gradus_vk_tell(context, "gradus_vulkan_open", status, &why);
  }
  self->dispatches = 0; /* the probe's do not count */
  warn(self);
  *vulkan = self;
  return GRADUS_OK;
}

void gradus_vulkan_close(gradus_vulkan *self) {
  if (self == NULL)
    return;
  if (self->device != VK_NULL_HANDLE && self->vk.WaitForFences != NULL) { /* the last of the device's functions: all are there */
    gradus_vk_destroy_modules(self);
    gradus_vk_destroy_memory(self);
    if (self->layout != VK_NULL_HANDLE)
      self->vk.DestroyPipelineLayout(self->device, self->layout, NULL);
    if (self->owns_device)
      self->vk.DestroyDevice(self->device, NULL);
  }
  if (self->owns_device && self->instance != VK_NULL_HANDLE && self->vk.DestroyInstance != NULL)
    self->vk.DestroyInstance(self->instance, NULL);
  if (self->library != NULL)
    (void)dlclose(self->library);
  (void)pthread_mutex_destroy(&self->queue_lock);
  (void)pthread_mutex_destroy(&self->ranges_lock);
  (void)pthread_mutex_destroy(&self->modules_lock);
  (void)pthread_mutex_destroy(&self->staging.lock);
  (void)pthread_mutex_destroy(&self->count_lock);
  free(self->ranges);
  free(self);
}

const char *gradus_vulkan_name(const gradus_vulkan *vulkan) { return vulkan->properties.deviceName; }

int32_t gradus_vulkan_has_fma(const gradus_vulkan *vulkan) { return vulkan->has_fma; }

uint64_t gradus_vulkan_longest_loop(const gradus_vulkan *vulkan) { return vulkan->longest_loop; }

uint64_t gradus_vulkan_dispatches(gradus_vulkan *vulkan) {
  uint64_t count;
  (void)pthread_mutex_lock(&vulkan->count_lock);
  count = vulkan->dispatches;
  (void)pthread_mutex_unlock(&vulkan->count_lock);
  return count;
}
