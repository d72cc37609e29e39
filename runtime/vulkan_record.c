/*===- vulkan_record.c - The hooks of a device, as commands of Vulkan ---------------===*
 *
 * A call knows nothing of what was recorded before it, so that each dispatch waits for all that stands before it. Updates gather while they follow
 * one another in memory, and wait only for dispatches, or for updates of the same bytes.
 *
 *===----------------------------------------------------------------------------===*/

#define _POSIX_C_SOURCE 200809L

#include "runtime/vulkan_internal.h"

#include <stdlib.h>
#include <string.h>

/* What one command of Vulkan takes at most. */
enum { updateBytes = 65536 };

typedef enum recorder_state {
  recorderIdle,
  recorderRecording,
  recorderEnded, /* the own command buffer can be submitted */
  recorderSubmitted
} recorder_state;

struct gradus_vulkan_recorder {
  gradus_vulkan *owner;
  VkCommandPool pool;
  VkCommandBuffer own;
  VkFence fence;
  recorder_state state;
  VkCommandBuffer target; /* where commands go: `own`, or the application's */
  VkPipeline bound;
  int is_update_last;                 /* only updates came since the last barrier, to addresses between these: */
  gradus_address written, written_end;
  gradus_address pending;             /* where the gathered bytes go */
  size_t pending_bytes;
  uint64_t dispatches;
  void *scratch;
  size_t scratch_bytes;
  int has_failed; /* the last hook did, for this reason */
  gradus_vk_reason why;
  uint32_t gathered[updateBytes / sizeof(uint32_t)];
};

/*===- Commands -------------------------------------------------------------------===*/

gradus_status gradus_vk_make_commands(gradus_vulkan *self, VkCommandPool *pool, VkCommandBuffer *commands, VkFence *fence, gradus_vk_reason *why) {
  VkCommandPoolCreateInfo info;
  VkCommandBufferAllocateInfo allocation;
  VkFenceCreateInfo fence_info;
  const char *function = "vkCreateCommandPool";
  VkResult result;
  memset(&info, 0, sizeof(info));
  info.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
  info.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
  info.queueFamilyIndex = self->queue_family;
  memset(&allocation, 0, sizeof(allocation));
  allocation.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
  allocation.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  allocation.commandBufferCount = 1;
  memset(&fence_info, 0, sizeof(fence_info));
  fence_info.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO;
  result = self->vk.CreateCommandPool(self->device, &info, NULL, pool);
  if (result == VK_SUCCESS) {
    allocation.commandPool = *pool;
    function = "vkAllocateCommandBuffers";
    result = self->vk.AllocateCommandBuffers(self->device, &allocation, commands);
    if (result == VK_SUCCESS) {
      function = "vkCreateFence";
      result = self->vk.CreateFence(self->device, &fence_info, NULL, fence);
    }
    if (result != VK_SUCCESS)
      self->vk.DestroyCommandPool(self->device, *pool, NULL);
  }
  if (result == VK_SUCCESS)
    return GRADUS_OK;
  *pool = VK_NULL_HANDLE;
  *fence = VK_NULL_HANDLE;
  return gradus_vk_refuse(why, function, result);
}

gradus_status gradus_vk_submit(gradus_vulkan *self, VkQueue queue, VkCommandBuffer commands, VkFence fence, gradus_vk_reason *why) {
  VkSubmitInfo info;
  VkResult result;
  memset(&info, 0, sizeof(info));
  info.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
  info.commandBufferCount = 1;
  info.pCommandBuffers = &commands;
  if (queue != VK_NULL_HANDLE && queue != self->queue) {
    result = self->vk.QueueSubmit(queue, 1, &info, fence);
  } else {
    (void)pthread_mutex_lock(&self->queue_lock);
    result = self->vk.QueueSubmit(self->queue, 1, &info, fence);
    (void)pthread_mutex_unlock(&self->queue_lock);
  }
  return result == VK_SUCCESS ? GRADUS_OK : gradus_vk_refuse(why, "vkQueueSubmit", result);
}

void gradus_vk_barrier(const gradus_vulkan *self, VkCommandBuffer commands, VkPipelineStageFlags stages, VkAccessFlags access) {
  VkMemoryBarrier barrier;
  memset(&barrier, 0, sizeof(barrier));
  barrier.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
  barrier.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
  barrier.dstAccessMask = access;
  self->vk.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT, stages, 0, 1, &barrier, 0, NULL, 0, NULL);
}

/*===- Hooks ----------------------------------------------------------------------===*/

static void flushPiece(gradus_vulkan_recorder *self, const gradus_vk_range *range, gradus_address to, const void *from, uint64_t bytes) {
  if (!self->is_update_last || (to < self->written_end && self->written < to + bytes)) {
    gradus_vk_barrier(self->owner, self->target, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT);
    self->is_update_last = 1;
    self->written = to;
    self->written_end = to + bytes;
  } else {
    self->written = to < self->written ? to : self->written;
    self->written_end = to + bytes > self->written_end ? to + bytes : self->written_end;
  }
  self->owner->vk.CmdUpdateBuffer(self->target, range->buffer, to - range->base, bytes, from);
}

/* Records the gathered bytes; they may lie in buffers that follow one another. */
static gradus_status flush(gradus_vulkan_recorder *self) {
  const char *from = (const char *)self->gathered;
  gradus_status status = GRADUS_OK;
  while (self->pending_bytes > 0 && status == GRADUS_OK) {
    gradus_vk_range range;
    uint64_t piece = self->pending_bytes;
    status = gradus_vk_find_range(self->owner, self->pending, &range, &self->why);
    if (status != GRADUS_OK)
      break;
    if ((self->pending - range.base) % sizeof(uint32_t) != 0)
      return gradus_vk_because(&self->why, GRADUS_ERROR_ALIGNMENT, "an update goes to an address that is no multiple of 4 in its buffer");
    if (piece > range.end - self->pending)
      piece = (range.end - self->pending) / sizeof(uint32_t) * sizeof(uint32_t);
    if (piece == 0)
      return gradus_vk_because(&self->why, GRADUS_ERROR_DEVICE, "an update runs past the end of its buffer");
    flushPiece(self, &range, self->pending, from, piece);
    from += piece;
    self->pending += piece;
    self->pending_bytes -= piece;
  }
  self->pending_bytes = 0;
  return status;
}

/* A hook's result, and whether it has a reason. */
static int32_t finish(gradus_vulkan_recorder *self, gradus_status status) {
  self->has_failed = status != GRADUS_OK;
  return (int32_t)status;
}

static int32_t update(void *user, gradus_address to, const void *from, size_t bytes) {
  gradus_vulkan_recorder *self = (gradus_vulkan_recorder *)user;
  const char *source = (const char *)from;
  gradus_status status = GRADUS_OK;
  if (self->state != recorderRecording)
    return finish(self, gradus_vk_because(&self->why, GRADUS_ERROR_DEVICE, "the recorder does not record: gradus_vulkan_begin comes first"));
  if (to % sizeof(uint32_t) != 0 || bytes % sizeof(uint32_t) != 0)
    return finish(self, gradus_vk_because(&self->why, GRADUS_ERROR_ALIGNMENT, "an update has an address or a number of bytes that is no multiple of 4"));
  while (bytes > 0 && status == GRADUS_OK) {
    size_t piece;
    if (self->pending_bytes == updateBytes || (self->pending_bytes > 0 && to != self->pending + self->pending_bytes))
      status = flush(self);
    if (status != GRADUS_OK)
      break;
    if (self->pending_bytes == 0)
      self->pending = to;
    piece = bytes < updateBytes - self->pending_bytes ? bytes : updateBytes - self->pending_bytes;
    memcpy((char *)self->gathered + self->pending_bytes, source, piece);
    self->pending_bytes += piece;
    source += piece;
    to += piece;
    bytes -= piece;
  }
  return finish(self, status);
}

static int32_t dispatch(void *user, const gradus_device_module *module, int32_t kernel, uint64_t groups, gradus_address frame, uint64_t argument) {
  gradus_vulkan_recorder *self = (gradus_vulkan_recorder *)user;
  const gradus_vk_functions *vk = &self->owner->vk;
  uint64_t const most = self->owner->properties.limits.maxComputeWorkGroupCount[0];
  uint64_t constants[3];
  VkPipeline pipeline;
  gradus_status status;
  if (self->state != recorderRecording)
    return finish(self, gradus_vk_because(&self->why, GRADUS_ERROR_DEVICE, "the recorder does not record: gradus_vulkan_begin comes first"));
  status = gradus_vk_find_pipeline(self->owner, module, kernel, &pipeline, &self->why);
  if (status == GRADUS_OK && groups > 0)
    status = flush(self);
  if (status != GRADUS_OK || groups == 0)
    return finish(self, status);
  gradus_vk_barrier(self->owner, self->target, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT);
  self->is_update_last = 0;
  if (pipeline != self->bound)
    vk->CmdBindPipeline(self->target, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
  self->bound = pipeline;
  constants[0] = frame;
  constants[1] = argument;
  for (constants[2] = 0; constants[2] < groups; constants[2] += most) {
    uint64_t const rest = groups - constants[2];
    vk->CmdPushConstants(self->target, self->owner->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(constants), constants);
    vk->CmdDispatch(self->target, (uint32_t)(rest < most ? rest : most), 1, 1);
    ++self->dispatches;
  }
  return finish(self, GRADUS_OK);
}

static void *scratch(void *user, size_t bytes) {
  gradus_vulkan_recorder *self = (gradus_vulkan_recorder *)user;
  if (bytes > self->scratch_bytes) {
    void *more = realloc(self->scratch, bytes);
    if (more == NULL)
      return NULL;
    self->scratch = more;
    self->scratch_bytes = bytes;
  }
  return self->scratch;
}

static const char *reason(void *user) {
  const gradus_vulkan_recorder *self = (const gradus_vulkan_recorder *)user;
  return self->has_failed ? self->why.text : NULL;
}

/*===- What applications call -----------------------------------------------------===*/

gradus_status gradus_vulkan_recorder_open(gradus_vulkan *vulkan, gradus_vulkan_recorder **recorder) {
  gradus_vk_reason why;
  gradus_status status;
  gradus_vulkan_recorder *self = (gradus_vulkan_recorder *)calloc(1, sizeof(*self));
  *recorder = NULL;
  if (self == NULL) {
    status = gradus_vk_because(&why, GRADUS_ERROR_DEVICE, "host memory has run out");
  } else {
    self->owner = vulkan;
    status = gradus_vk_make_commands(vulkan, &self->pool, &self->own, &self->fence, &why);
    if (status == GRADUS_OK)
      *recorder = self;
    else
      free(self);
  }
  return gradus_vk_tell(&vulkan->context, "gradus_vulkan_recorder_open", status, &why);
}

static gradus_status waitFor(gradus_vulkan_recorder *self, gradus_vk_reason *why) {
  VkResult result;
  if (self->state != recorderSubmitted)
    return GRADUS_OK;
  result = self->owner->vk.WaitForFences(self->owner->device, 1, &self->fence, VK_TRUE, UINT64_MAX);
  if (result == VK_SUCCESS)
    result = self->owner->vk.ResetFences(self->owner->device, 1, &self->fence);
  self->state = result == VK_SUCCESS ? recorderEnded : recorderIdle; /* what is lost cannot run again */
  return result == VK_SUCCESS ? GRADUS_OK : gradus_vk_refuse(why, "vkWaitForFences", result);
}

gradus_status gradus_vulkan_begin(gradus_vulkan_recorder *recorder, void *command_buffer, gradus_device *device) {
  gradus_vk_reason why;
  VkCommandBufferBeginInfo info;
  gradus_status status = waitFor(recorder, &why);
  if (status == GRADUS_OK && recorder->state == recorderRecording)
    status = gradus_vk_because(&why, GRADUS_ERROR_DEVICE, "the recorder records already: gradus_vulkan_end or gradus_vulkan_submit comes first");
  if (status == GRADUS_OK && device == NULL)
    status = gradus_vk_because(&why, GRADUS_ERROR_NULL, "the device is a null pointer");
  if (status == GRADUS_OK && command_buffer == NULL) {
    VkResult result;
    memset(&info, 0, sizeof(info));
    info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
    result = recorder->owner->vk.BeginCommandBuffer(recorder->own, &info);
    if (result != VK_SUCCESS)
      status = gradus_vk_refuse(&why, "vkBeginCommandBuffer", result);
  }
  if (status != GRADUS_OK)
    return gradus_vk_tell(&recorder->owner->context, "gradus_vulkan_begin", status, &why);
  recorder->target = command_buffer != NULL ? (VkCommandBuffer)command_buffer : recorder->own;
  recorder->state = recorderRecording;
  recorder->bound = VK_NULL_HANDLE;
  recorder->is_update_last = 0;
  recorder->pending_bytes = 0;
  recorder->dispatches = 0;
  recorder->has_failed = 0;
  memset(device, 0, sizeof(*device));
  device->user = recorder;
  device->type = GRADUS_VULKAN;
  device->id = recorder->owner->id;
  device->update = update;
  device->dispatch = dispatch;
  device->scratch = scratch;
  device->reason = reason;
  device->longest_loop = recorder->owner->longest_loop == UINT64_MAX ? 0 : recorder->owner->longest_loop;
  return GRADUS_OK;
}

static void countDispatches(gradus_vulkan_recorder *self) {
  (void)pthread_mutex_lock(&self->owner->count_lock);
  self->owner->dispatches += self->dispatches;
  (void)pthread_mutex_unlock(&self->owner->count_lock);
}

/* Ends a recording; whatever comes of it, none is under way afterwards. */
static gradus_status end(gradus_vulkan_recorder *self, gradus_vk_reason *why) {
  gradus_status status;
  VkResult result = VK_SUCCESS;
  if (self->state != recorderRecording)
    return gradus_vk_because(why, GRADUS_ERROR_DEVICE, "nothing is being recorded: gradus_vulkan_begin comes first");
  status = flush(self);
  if (status != GRADUS_OK)
    *why = self->why;
  gradus_vk_barrier(self->owner, self->target, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT);
  if (self->target == self->own)
    result = self->owner->vk.EndCommandBuffer(self->own);
  else
    countDispatches(self);
  self->state = self->target == self->own && status == GRADUS_OK && result == VK_SUCCESS ? recorderEnded : recorderIdle;
  return status != GRADUS_OK || result == VK_SUCCESS ? status : gradus_vk_refuse(why, "vkEndCommandBuffer", result);
}

gradus_status gradus_vulkan_end(gradus_vulkan_recorder *recorder) {
  gradus_vk_reason why;
  return gradus_vk_tell(&recorder->owner->context, "gradus_vulkan_end", end(recorder, &why), &why);
}

gradus_status gradus_vulkan_submit(gradus_vulkan_recorder *recorder, void *queue) {
  gradus_vk_reason why;
  gradus_status status = GRADUS_OK;
  if (recorder->state == recorderRecording)
    status = end(recorder, &why);
  if (status == GRADUS_OK)
    status = waitFor(recorder, &why);
  if (status == GRADUS_OK && recorder->state != recorderEnded)
    status = gradus_vk_because(&why, GRADUS_ERROR_DEVICE, "there is nothing to submit: the recorder has recorded nothing of its own");
  if (status == GRADUS_OK)
    status = gradus_vk_submit(recorder->owner, (VkQueue)queue, recorder->own, recorder->fence, &why);
  if (status != GRADUS_OK)
    return gradus_vk_tell(&recorder->owner->context, "gradus_vulkan_submit", status, &why);
  recorder->state = recorderSubmitted;
  countDispatches(recorder);
  return GRADUS_OK;
}

gradus_status gradus_vulkan_wait(gradus_vulkan_recorder *recorder) {
  gradus_vk_reason why;
  return gradus_vk_tell(&recorder->owner->context, "gradus_vulkan_wait", waitFor(recorder, &why), &why);
}

void gradus_vulkan_recorder_close(gradus_vulkan_recorder *recorder) {
  gradus_vk_reason why;
  if (recorder == NULL)
    return;
  (void)waitFor(recorder, &why);
  recorder->owner->vk.DestroyFence(recorder->owner->device, recorder->fence, NULL);
  recorder->owner->vk.DestroyCommandPool(recorder->owner->device, recorder->pool, NULL);
  free(recorder->scratch);
  free(recorder);
}
