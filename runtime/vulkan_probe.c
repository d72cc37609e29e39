/*===- vulkan_probe.c - Does Fma round once? -----------------------------------------===*
 *
 * GLSL.std.450 leaves it to the device, and no property tells. So a kernel computes sums of products whose two roundings would show, and the
 * results are compared with C's, which round once.
 *
 *===----------------------------------------------------------------------------===*/

#include "runtime/vulkan_internal.h"
#include "runtime/vulkan_probe.h"

#include <math.h>
#include <string.h>

enum { cases = 256 };

/* What a run of one width has on the host: operands, then results, as floats or doubles. */
typedef struct probe_run {
  const uint32_t *words;
  size_t bytes; /* of the words */
  size_t size;  /* of an element */
  void *operands;
  void *results;
} probe_run;

static gradus_status runOn(gradus_vulkan *self, gradus_vulkan_recorder *recorder, const probe_run *run, gradus_address memory) {
  static const char *const kernels[] = {"fma"};
  gradus_device_image image;
  gradus_device_module module;
  gradus_device device;
  gradus_vk_reason why;
  gradus_address const results = memory + 3 * cases * run->size;
  gradus_status status = gradus_vulkan_write(self, memory, run->operands, 3 * cases * run->size);
  image.kind = GRADUS_IMAGE_SPIRV;
  image.architecture = 0;
  image.bytes = run->words;
  image.size = run->bytes;
  module.content = 0x6661646572702d00u + run->size; /* no hash has to be missed: a collision would be one of 2^64 */
  module.n_images = 1;
  module.n_kernels = 1;
  module.images = &image;
  module.kernels = kernels;
  if (status == GRADUS_OK)
    status = gradus_vulkan_begin(recorder, NULL, &device);
  if (status == GRADUS_OK) {
    status = (gradus_status)device.dispatch(device.user, &module, 0, 1, memory, results);
    if (status != GRADUS_OK) {
      (void)gradus_vk_because(&why, status, "%s", device.reason(device.user));
      (void)gradus_vk_tell(&self->context, "gradus_vulkan_open", status, &why);
    }
  }
  if (status == GRADUS_OK)
    status = gradus_vulkan_submit(recorder, NULL);
  if (status == GRADUS_OK)
    status = gradus_vulkan_wait(recorder);
  if (status == GRADUS_OK)
    status = gradus_vulkan_read(self, run->results, results, cases * run->size);
  return status;
}

static gradus_status runProbe(gradus_vulkan *self, const probe_run *run, gradus_vk_reason *why) {
  gradus_vulkan_recorder *recorder = NULL;
  gradus_address memory = 0;
  gradus_status status = gradus_vulkan_recorder_open(self, &recorder);
  if (status == GRADUS_OK)
    status = gradus_vulkan_allocate(self, 4 * cases * run->size, &memory);
  if (status == GRADUS_OK)
    status = runOn(self, recorder, run, memory);
  gradus_vulkan_recorder_close(recorder);
  (void)gradus_vulkan_release(self, memory);
  return status == GRADUS_OK ? status : gradus_vk_because(why, status, "the first kernel, which tells how '%.80s' rounds, did not run", self->properties.deviceName);
}

/* A number in [1, 2) of `bits` random bits behind the point. */
static double randomNumber(uint64_t *state, int bits) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return 1 + ldexp((double)(*state >> (64 - bits)), -bits);
}

/* The sum takes the product's leading bits away, so that what is left was below the first rounding. */
static int isFused32(gradus_vulkan *self, gradus_status *status, gradus_vk_reason *why) {
  float operands[3 * cases], results[cases];
  probe_run const run = {gradus_vk_probe32, sizeof(gradus_vk_probe32), sizeof(float), operands, results};
  uint64_t state = 1;
  int k, same = 1;
  for (k = 0; k < cases; ++k) {
    float const x = (float)randomNumber(&state, 23), y = (float)randomNumber(&state, 23);
    operands[3 * k] = x;
    operands[3 * k + 1] = k % 2 == 0 ? y : -y;
    operands[3 * k + 2] = (float)((double)x * (k % 2 == 0 ? -y : y));
  }
  *status = runProbe(self, &run, why);
  for (k = 0; k < cases && *status == GRADUS_OK; ++k)
    same &= results[k] == fmaf(operands[3 * k], operands[3 * k + 1], operands[3 * k + 2]);
  return same;
}

static int isFused64(gradus_vulkan *self, gradus_status *status, gradus_vk_reason *why) {
  double operands[3 * cases], results[cases];
  probe_run const run = {gradus_vk_probe64, sizeof(gradus_vk_probe64), sizeof(double), operands, results};
  uint64_t state = 2;
  int k, same = 1;
  for (k = 0; k < cases; ++k) {
    operands[3 * k] = randomNumber(&state, 52);
    operands[3 * k + 1] = k % 2 == 0 ? randomNumber(&state, 52) : -randomNumber(&state, 52);
    operands[3 * k + 2] = -(operands[3 * k] * operands[3 * k + 1]);
  }
  *status = runProbe(self, &run, why);
  for (k = 0; k < cases && *status == GRADUS_OK; ++k)
    same &= results[k] == fma(operands[3 * k], operands[3 * k + 1], operands[3 * k + 2]);
  return same;
}

gradus_status gradus_vk_probe_fma(gradus_vulkan *self, int32_t *has_fma, gradus_vk_reason *why) {
  gradus_status status = GRADUS_OK;
  *has_fma = 0;
  if (!(self->abilities.features & GRADUS_VK_INT64)) /* nor can it run any kernel of ours: the first module says so */
    return GRADUS_OK;
  *has_fma = isFused32(self, &status, why);
  if (status == GRADUS_OK && (self->abilities.features & GRADUS_VK_FLOAT64))
    *has_fma &= isFused64(self, &status, why);
  return status;
}
