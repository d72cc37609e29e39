/*===- vulkan_memory.c - Memory by address, and bytes between it and the host -------===*
 *
 * Kernels know addresses, commands of transfer know buffers: a table has the buffer of each address. It is sorted, and under a lock.
 *
 *===----------------------------------------------------------------------------===*/

#define _POSIX_C_SOURCE 200809L

#include "runtime/vulkan_internal.h"

#include <stdlib.h>
#include <string.h>

enum { addressAlignment = 256, stagingBytes = 1 << 22 };

/*===- The table ------------------------------------------------------------------===*/

/* The first range that ends behind the address; the lock is held. */
static size_t findPlace(const gradus_vulkan *self, gradus_address address) {
  size_t low = 0, high = self->n_ranges;
  while (low < high) {
    size_t const middle = low + (high - low) / 2;
    if (self->ranges[middle].end <= address)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static gradus_status addRange(gradus_vulkan *self, const gradus_vk_range *range, gradus_vk_reason *why) {
  gradus_status status = GRADUS_OK;
  size_t place;
  (void)pthread_mutex_lock(&self->ranges_lock);
  if (self->n_ranges == self->room_for_ranges) {
    size_t const room = 2 * self->room_for_ranges + 16;
    gradus_vk_range *more = (gradus_vk_range *)realloc(self->ranges, room * sizeof(*more));
    if (more == NULL) {
      (void)pthread_mutex_unlock(&self->ranges_lock);
      return gradus_vk_because(why, GRADUS_ERROR_DEVICE, "host memory has run out");
    }
    self->ranges = more;
    self->room_for_ranges = room;
  }
  place = findPlace(self, range->begin);
  if (place < self->n_ranges && self->ranges[place].begin < range->end) {
    status = gradus_vk_because(why, GRADUS_ERROR_OVERLAP, "memory at the address %#llx is known already",
                               (unsigned long long)self->ranges[place].begin);
  } else {
    memmove(self->ranges + place + 1, self->ranges + place, (self->n_ranges - place) * sizeof(*self->ranges));
    self->ranges[place] = *range;
    ++self->n_ranges;
  }
  (void)pthread_mutex_unlock(&self->ranges_lock);
  return status;
}

/* Takes out what begins at the address and is, or is not, our own. */
static gradus_status removeRange(gradus_vulkan *self, gradus_address address, int is_own, gradus_vk_range *range, gradus_vk_reason *why) {
  gradus_status status = GRADUS_OK;
  size_t place;
  (void)pthread_mutex_lock(&self->ranges_lock);
  place = findPlace(self, address);
  if (place < self->n_ranges && self->ranges[place].begin == address && (self->ranges[place].memory != VK_NULL_HANDLE) == is_own) {
    *range = self->ranges[place];
    --self->n_ranges;
    memmove(self->ranges + place, self->ranges + place + 1, (self->n_ranges - place) * sizeof(*self->ranges));
  } else {
    status = gradus_vk_because(why, GRADUS_ERROR_NULL, "no memory that was %s begins at the address %#llx", is_own ? "allocated" : "registered",
                               (unsigned long long)address);
  }
  (void)pthread_mutex_unlock(&self->ranges_lock);
  return status;
}

gradus_status gradus_vk_find_range(gradus_vulkan *self, gradus_address address, gradus_vk_range *range, gradus_vk_reason *why) {
  int found;
  size_t place;
  (void)pthread_mutex_lock(&self->ranges_lock);
  place = findPlace(self, address);
  found = place < self->n_ranges && self->ranges[place].begin <= address;
  if (found)
    *range = self->ranges[place];
  (void)pthread_mutex_unlock(&self->ranges_lock);
  return found ? GRADUS_OK
               : gradus_vk_because(why, GRADUS_ERROR_DEVICE, "no memory is known at the address %#llx: neither allocated here nor registered",
                                   (unsigned long long)address);
}

/*===- Buffers --------------------------------------------------------------------===*/

/* The first type of memory with these properties among those that `types` allows, or UINT32_MAX. */
static uint32_t findMemoryType(const gradus_vulkan *self, uint32_t types, VkMemoryPropertyFlags properties) {
  VkPhysicalDeviceMemoryProperties memory;
  uint32_t k;
  self->vk.GetPhysicalDeviceMemoryProperties(self->physical, &memory);
  for (k = 0; k < memory.memoryTypeCount; ++k)
    if ((types >> k & 1) && (memory.memoryTypes[k].propertyFlags & properties) == properties)
      return k;
  return UINT32_MAX;
}

/* A buffer with memory of its own; where it fails, nothing is left. */
static gradus_status makeBuffer(gradus_vulkan *self, uint64_t bytes, VkBufferUsageFlags usage, VkMemoryPropertyFlags properties, VkBuffer *buffer,
                                VkDeviceMemory *memory, gradus_vk_reason *why) {
  VkBufferCreateInfo info;
  VkMemoryRequirements needs;
  VkMemoryAllocateFlagsInfo flags;
  VkMemoryAllocateInfo allocation;
  const char *function = "vkCreateBuffer";
  VkResult result;
  memset(&info, 0, sizeof(info));
  info.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
  info.size = bytes;
  info.usage = usage | VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  memset(&flags, 0, sizeof(flags));
  flags.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO;
  flags.flags = usage & VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT ? VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT : 0;
  memset(&allocation, 0, sizeof(allocation));
  allocation.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
  allocation.pNext = &flags;
  *memory = VK_NULL_HANDLE;
  result = self->vk.CreateBuffer(self->device, &info, NULL, buffer);
  if (result == VK_SUCCESS) {
    self->vk.GetBufferMemoryRequirements(self->device, *buffer, &needs);
    allocation.allocationSize = needs.size;
    allocation.memoryTypeIndex = findMemoryType(self, needs.memoryTypeBits, properties);
    function = "vkAllocateMemory";
    result = allocation.memoryTypeIndex == UINT32_MAX ? VK_ERROR_FEATURE_NOT_PRESENT
                                                      : self->vk.AllocateMemory(self->device, &allocation, NULL, memory);
    if (result == VK_SUCCESS) {
      function = "vkBindBufferMemory";
      result = self->vk.BindBufferMemory(self->device, *buffer, *memory, 0);
    }
    if (result != VK_SUCCESS) {
      self->vk.DestroyBuffer(self->device, *buffer, NULL);
      self->vk.FreeMemory(self->device, *memory, NULL);
    }
  }
  return result == VK_SUCCESS ? GRADUS_OK : gradus_vk_refuse(why, function, result);
}

/* Known by an aligned address, from which `bytes` bytes follow. */
static gradus_status allocate(gradus_vulkan *self, uint64_t bytes, gradus_vk_range *range, gradus_vk_reason *why) {
  VkBufferDeviceAddressInfo info;
  gradus_status status = makeBuffer(self, bytes + addressAlignment, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT,
                                    VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, &range->buffer, &range->memory, why);
  if (status != GRADUS_OK)
    return status;
  memset(&info, 0, sizeof(info));
  info.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO;
  info.buffer = range->buffer;
  range->base = self->vk.GetBufferDeviceAddress(self->device, &info);
  range->begin = (range->base + addressAlignment - 1) / addressAlignment * addressAlignment;
  range->end = range->begin + bytes;
  status = addRange(self, range, why);
  if (status != GRADUS_OK) {
    self->vk.DestroyBuffer(self->device, range->buffer, NULL);
    self->vk.FreeMemory(self->device, range->memory, NULL);
  }
  return status;
}

gradus_status gradus_vulkan_allocate(gradus_vulkan *vulkan, uint64_t bytes, gradus_address *address) {
  gradus_vk_reason why;
  gradus_vk_range range;
  gradus_status status = GRADUS_OK;
  *address = 0;
  if (bytes > 0) {
    status = bytes > (uint64_t)INT64_MAX ? gradus_vk_because(&why, GRADUS_ERROR_OVERFLOW, "%llu bytes do not fit", (unsigned long long)bytes)
                                         : allocate(vulkan, bytes, &range, &why);
    if (status == GRADUS_OK)
      *address = range.begin;
  }
  return gradus_vk_tell(&vulkan->context, "gradus_vulkan_allocate", status, &why);
}

gradus_status gradus_vulkan_release(gradus_vulkan *vulkan, gradus_address address) {
  gradus_vk_reason why;
  gradus_vk_range range;
  gradus_status status = GRADUS_OK;
  if (address != 0) {
    status = removeRange(vulkan, address, 1, &range, &why);
    if (status == GRADUS_OK) {
      vulkan->vk.DestroyBuffer(vulkan->device, range.buffer, NULL);
      vulkan->vk.FreeMemory(vulkan->device, range.memory, NULL);
    }
  }
  return gradus_vk_tell(&vulkan->context, "gradus_vulkan_release", status, &why);
}

gradus_status gradus_vulkan_register(gradus_vulkan *vulkan, void *buffer, gradus_address address, uint64_t bytes) {
  gradus_vk_reason why;
  gradus_vk_range range;
  gradus_status status;
  range.begin = range.base = address;
  range.end = address + bytes;
  range.buffer = (VkBuffer)buffer;
  range.memory = VK_NULL_HANDLE;
  if (buffer == NULL || address == 0 || bytes == 0)
    status = gradus_vk_because(&why, GRADUS_ERROR_NULL, "the buffer, the address or the bytes are 0");
  else if (range.end < address)
    status = gradus_vk_because(&why, GRADUS_ERROR_OVERFLOW, "the buffer runs past the end of memory");
  else
    status = addRange(vulkan, &range, &why);
  return gradus_vk_tell(&vulkan->context, "gradus_vulkan_register", status, &why);
}

gradus_status gradus_vulkan_unregister(gradus_vulkan *vulkan, gradus_address address) {
  gradus_vk_reason why;
  gradus_vk_range range;
  return gradus_vk_tell(&vulkan->context, "gradus_vulkan_unregister", removeRange(vulkan, address, 0, &range, &why), &why);
}

/*===- Transfers ------------------------------------------------------------------===*/

/* Made by the first transfer; the lock is held. */
static gradus_status makeStaging(gradus_vulkan *self, gradus_vk_reason *why) {
  gradus_vk_staging *staging = &self->staging;
  VkMemoryPropertyFlags const visible = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  gradus_status status;
  VkResult result;
  if (staging->fence != VK_NULL_HANDLE)
    return GRADUS_OK;
  if (staging->buffer == VK_NULL_HANDLE) {
    status = makeBuffer(self, stagingBytes, 0, visible, &staging->buffer, &staging->memory, why);
    if (status != GRADUS_OK) {
      staging->buffer = VK_NULL_HANDLE;
      return status;
    }
  }
  if (staging->mapped == NULL) {
    result = self->vk.MapMemory(self->device, staging->memory, 0, VK_WHOLE_SIZE, 0, &staging->mapped);
    if (result != VK_SUCCESS)
      return gradus_vk_refuse(why, "vkMapMemory", result);
  }
  return gradus_vk_make_commands(self, &staging->pool, &staging->commands, &staging->fence, why);
}

/* A piece through the staging buffer, in one of the directions; the lock is held. */
static gradus_status copyPiece(gradus_vulkan *self, const gradus_vk_range *range, gradus_address address, uint64_t bytes, int to_device,
                               gradus_vk_reason *why) {
  gradus_vk_staging *staging = &self->staging;
  VkCommandBufferBeginInfo begin;
  VkBufferCopy region;
  gradus_status status;
  VkResult result;
  memset(&begin, 0, sizeof(begin));
  begin.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
  begin.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
  result = self->vk.BeginCommandBuffer(staging->commands, &begin);
  if (result != VK_SUCCESS)
    return gradus_vk_refuse(why, "vkBeginCommandBuffer", result);
  gradus_vk_barrier(self, staging->commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT);
  region.srcOffset = to_device ? 0 : address - range->base;
  region.dstOffset = to_device ? address - range->base : 0;
  region.size = bytes;
  self->vk.CmdCopyBuffer(staging->commands, to_device ? staging->buffer : range->buffer, to_device ? range->buffer : staging->buffer, 1, &region);
  gradus_vk_barrier(self, staging->commands, VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
  result = self->vk.EndCommandBuffer(staging->commands);
  if (result != VK_SUCCESS)
    return gradus_vk_refuse(why, "vkEndCommandBuffer", result);
  status = gradus_vk_submit(self, VK_NULL_HANDLE, staging->commands, staging->fence, why);
  if (status != GRADUS_OK)
    return status;
  result = self->vk.WaitForFences(self->device, 1, &staging->fence, VK_TRUE, UINT64_MAX);
  if (result == VK_SUCCESS)
    result = self->vk.ResetFences(self->device, 1, &staging->fence);
  return result == VK_SUCCESS ? GRADUS_OK : gradus_vk_refuse(why, "vkWaitForFences", result);
}

/* One of the two host pointers is null. */
static gradus_status transfer(gradus_vulkan *self, gradus_address address, const char *from, char *to, uint64_t bytes, gradus_vk_reason *why) {
  gradus_status status = GRADUS_OK;
  if (bytes == 0)
    return GRADUS_OK;
  if (from == NULL && to == NULL)
    return gradus_vk_because(why, GRADUS_ERROR_NULL, "the memory of the host is a null pointer");
  if (bytes > UINT64_MAX - address)
    return gradus_vk_because(why, GRADUS_ERROR_OVERFLOW, "%llu bytes run past the end of memory", (unsigned long long)bytes);
  (void)pthread_mutex_lock(&self->staging.lock);
  status = makeStaging(self, why);
  while (status == GRADUS_OK && bytes > 0) {
    gradus_vk_range range;
    uint64_t piece = bytes < stagingBytes ? bytes : stagingBytes;
    status = gradus_vk_find_range(self, address, &range, why);
    if (status != GRADUS_OK)
      break;
    if (piece > range.end - address)
      piece = range.end - address;
    if (from != NULL) {
      memcpy(self->staging.mapped, from, piece);
      from += piece;
    }
    status = copyPiece(self, &range, address, piece, from != NULL, why);
    if (status == GRADUS_OK && to != NULL) {
      memcpy(to, self->staging.mapped, piece);
      to += piece;
    }
    address += piece;
    bytes -= piece;
  }
  (void)pthread_mutex_unlock(&self->staging.lock);
  return status;
}

gradus_status gradus_vk_store(gradus_vulkan *self, const void *bytes, uint64_t count, gradus_address *address, gradus_vk_reason *why) {
  gradus_vk_range range;
  gradus_status status = allocate(self, count, &range, why);
  if (status != GRADUS_OK)
    return status;
  *address = range.begin;
  status = transfer(self, range.begin, (const char *)bytes, NULL, count, why);
  if (status != GRADUS_OK && removeRange(self, range.begin, 1, &range, why) == GRADUS_OK) {
    self->vk.DestroyBuffer(self->device, range.buffer, NULL);
    self->vk.FreeMemory(self->device, range.memory, NULL);
  }
  return status;
}

gradus_status gradus_vulkan_write(gradus_vulkan *vulkan, gradus_address to, const void *from, uint64_t bytes) {
  gradus_vk_reason why;
  return gradus_vk_tell(&vulkan->context, "gradus_vulkan_write", transfer(vulkan, to, (const char *)from, NULL, bytes, &why), &why);
}

gradus_status gradus_vulkan_read(gradus_vulkan *vulkan, void *to, gradus_address from, uint64_t bytes) {
  gradus_vk_reason why;
  return gradus_vk_tell(&vulkan->context, "gradus_vulkan_read", transfer(vulkan, from, NULL, (char *)to, bytes, &why), &why);
}

void gradus_vk_destroy_memory(gradus_vulkan *self) {
  size_t k;
  for (k = 0; k < self->n_ranges; ++k) {
    if (self->ranges[k].memory == VK_NULL_HANDLE)
      continue;
    self->vk.DestroyBuffer(self->device, self->ranges[k].buffer, NULL);
    self->vk.FreeMemory(self->device, self->ranges[k].memory, NULL);
  }
  /* Vulkan takes null for all of these. */
  self->vk.DestroyFence(self->device, self->staging.fence, NULL);
  self->vk.DestroyCommandPool(self->device, self->staging.pool, NULL);
  self->vk.DestroyBuffer(self->device, self->staging.buffer, NULL);
  self->vk.FreeMemory(self->device, self->staging.memory, NULL);
}
