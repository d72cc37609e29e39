/*===- gradus_vulkan.h - Devices of Vulkan that entries record on -------------------===*
 *
 * The archive Gradus::vulkan, which opens the loader of Vulkan at run time: nothing of Vulkan is linked, and no header of it is needed to use this
 * one. Any device of Vulkan 1.2 with bufferDeviceAddress serves that has the features which the kernels declare.
 *
 *   gradus_vulkan *vulkan;                                     gradus_vulkan_recorder *recorder;
 *   gradus_vulkan_open(&context, NULL, &vulkan);               gradus_vulkan_recorder_open(vulkan, &recorder);
 *   gradus_vulkan_allocate(vulkan, bytes, &address);           gradus_vulkan_write(vulkan, address, data, bytes);
 *
 *   gradus_device device;                                      a step, which may have many calls
 *   gradus_vulkan_begin(recorder, NULL, &device);
 *   context.device = &device;
 *   rule_step_vulkan(&context, ..);
 *   gradus_vulkan_submit(recorder, NULL);
 *   gradus_vulkan_wait(recorder);
 *
 * Handles of Vulkan are void pointers here: VkInstance, VkBuffer, .. on hosts of 64 bits are pointers. Every function returns a gradus_status, and tells the
 * context->error of gradus_vulkan_open why, from the thread that calls. Device memory that runs out and whatever Vulkan refuses is
 * GRADUS_ERROR_DEVICE. Any number of threads may use one gradus_vulkan; a recorder is used by one at a time.
 *
 *===----------------------------------------------------------------------------===*/

#ifndef GRADUS_VULKAN_H
#define GRADUS_VULKAN_H

#include "gradus_device.h"

#ifdef __cplusplus
extern "C" {
#endif

/** An open device, its memory and the pipelines that it has made. */
typedef struct gradus_vulkan gradus_vulkan;
/** Records calls, into a command buffer of its own or of the application. */
typedef struct gradus_vulkan_recorder gradus_vulkan_recorder;

/*===- Opening --------------------------------------------------------------------===*/

/** How to open. Zeros: a device of Gradus's own, the best that the loader names. */
typedef struct gradus_vulkan_options {
  const char *loader; /**< the file of the loader; null: libvulkan.so.1 */
  int32_t number;     /**< 0: the best device, a discrete GPU before an integrated one before others; else 1 + its place in the loader's list */
  int32_t id;         /**< gradus_tensor.device_id of tensors in its memory */
  /*
   * What the application has opened itself, all four or none; it closes them after gradus_vulkan_close. The instance has Vulkan 1.2, and the device
   * the feature bufferDeviceAddress.
   */
  void *instance;
  void *physical_device;
  void *device;
  void *queue;           /**< for work that is submitted to no other; its family can compute. Gradus locks it for itself only */
  uint32_t queue_family; /**< of this queue and of all that are given later */
  const void *features;  /**< the VkPhysicalDeviceFeatures2 and its chain that the device was made with; null: all that the physical device has */
} gradus_vulkan_options;

/**
 * Opens a device. Both pointers may be null: silent, and as with zeros. GRADUS_ERROR_DEVICE: there is no loader, no driver, or no device that serves.
 * It measures what no property tells (has_fma, longest_loop), which takes some milliseconds. `*vulkan` is null where it fails. A device that ends long loops
 * is a line to context->log.
 */
gradus_status gradus_vulkan_open(const gradus_context *context, const gradus_vulkan_options *options, gradus_vulkan **vulkan);
/** Closes what gradus_vulkan_open opened, with all memory; recorders are closed before, and no work is under way. Null is taken. */
void gradus_vulkan_close(gradus_vulkan *vulkan);

/** The name of the device. */
const char *gradus_vulkan_name(const gradus_vulkan *vulkan);
/** Whether GLSL.std.450 Fma rounds once there, in all widths that the device has: what kernels are told as specialization constant 0. */
int32_t gradus_vulkan_has_fma(const gradus_vulkan *vulkan);
/**
 * After how many iterations, of all its loops together, the device ends the loops of a thread without an error: gradus_device.longest_loop.
 * UINT64_MAX: it does not. Mesa's device on the CPU: 65,535.
 */
uint64_t gradus_vulkan_longest_loop(const gradus_vulkan *vulkan);
/**
 * How many dispatches were submitted so far, pieces of what was cut counted each; those in a command buffer of the application count when its recording
 * ends. For who wants to know that the device did the work.
 */
uint64_t gradus_vulkan_dispatches(gradus_vulkan *vulkan);
/** Makes all pipelines of a module, which else happens at its first dispatch. */
gradus_status gradus_vulkan_load(gradus_vulkan *vulkan, const gradus_device_module *module);

/*===- Memory ---------------------------------------------------------------------===*/

/** Memory of the device, for who has no allocator: one allocation of Vulkan each. The address is a multiple of 256. 0 bytes give the address 0. */
gradus_status gradus_vulkan_allocate(gradus_vulkan *vulkan, uint64_t bytes, gradus_address *address);
/** Gives it back; no work that uses it is under way. 0 is taken. */
gradus_status gradus_vulkan_release(gradus_vulkan *vulkan, gradus_address address);
/**
 * Tells of memory that the application has allocated: workspaces, and what the functions below reach. `buffer` is the VkBuffer whose address is
 * `address`, with the usages TRANSFER_SRC, TRANSFER_DST and SHADER_DEVICE_ADDRESS. Tensors that kernels alone touch need not be registered.
 */
gradus_status gradus_vulkan_register(gradus_vulkan *vulkan, void *buffer, gradus_address address, uint64_t bytes);
/** Forgets it, before the buffer is destroyed. */
gradus_status gradus_vulkan_unregister(gradus_vulkan *vulkan, gradus_address address);

/** From the host to the device, and back, after all work that was submitted to the queue of gradus_vulkan_open; they return when it is done. */
gradus_status gradus_vulkan_write(gradus_vulkan *vulkan, gradus_address to, const void *from, uint64_t bytes);
gradus_status gradus_vulkan_read(gradus_vulkan *vulkan, void *to, gradus_address from, uint64_t bytes);

/*===- Recording ------------------------------------------------------------------===*/

gradus_status gradus_vulkan_recorder_open(gradus_vulkan *vulkan, gradus_vulkan_recorder **recorder);
/** Waits for what it has submitted, and closes it. Null is taken. */
void gradus_vulkan_recorder_close(gradus_vulkan_recorder *recorder);

/**
 * Begins to record and fills in `device`, for gradus_context.device; its `values` and `report` are 0, and the caller's to set. `command_buffer` is a
 * VkCommandBuffer of the application that is being recorded, outside of a render pass; its bound compute pipeline and push constants are others afterwards.
 * Null: the recorder's own, which waits for its last submission first.
 */
gradus_status gradus_vulkan_begin(gradus_vulkan_recorder *recorder, void *command_buffer, gradus_device *device);
/**
 * Ends the recording. A command buffer of the application stays open; commands recorded into it afterwards see what was recorded. It is needed before the
 * application ends or submits it.
 */
gradus_status gradus_vulkan_end(gradus_vulkan_recorder *recorder);
/**
 * Ends the recording, if it has not ended, and submits the recorder's own command buffer, to `queue`, a VkQueue of queue_family that nobody else uses
 * meanwhile, or, where that is null, to the queue of gradus_vulkan_open. May be called again: it waits for the last time, and the same work runs again.
 */
gradus_status gradus_vulkan_submit(gradus_vulkan_recorder *recorder, void *queue);
/** Waits until what it has submitted is done. */
gradus_status gradus_vulkan_wait(gradus_vulkan_recorder *recorder);

#ifdef __cplusplus
}
#endif

#endif /* GRADUS_VULKAN_H */
