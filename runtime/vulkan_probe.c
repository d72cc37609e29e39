/*===- vulkan_probe.c - What no property of a device tells -----------------------------===*
 *
 * Does Fma round once? GLSL.std.450 leaves it to the device. So a kernel computes sums of products whose two roundings would show, and the results are
 * compared with C's, which round once.
 *
 * How long may a loop be? Mesa's device on the CPU ends the loops of a shader after 65,535 iterations, without a word. So a kernel counts.
 *
 *===----------------------------------------------------------------------------===*/

#include "runtime/vulkan_internal.h"
#include "runtime/vulkan_probe.h"

#include <math.h>
#include <string.h>

enum { cases = 256, longLoop = 100000 };

/* What a run has on the host. On the device the results lie behind the operands. */
typedef struct probe_run {
  const char *kernel;
  const uint32_t *words;
  size_t bytes; /* of the words */
  const void *operands;
  size_t operand_bytes; /* a multiple of 8 */
  void *results;
  size_t result_bytes;
} probe_run;

static gradus_status runOn(gradus_vulkan *self, gradus_vulkan_recorder *recorder, const probe_run *run, gradus_address memory) {
  gradus_device_image image;
  gradus_device_module module;
  gradus_device device;
  gradus_vk_reason why;
  gradus_address const results = memory + run->operand_bytes;
  gradus_status status = gradus_vulkan_write(self, memory, run->operands, run->operand_bytes);
  image.kind = GRADUS_IMAGE_SPIRV;
  image.architecture = 0;
  image.bytes = run->words;
  image.size = run->bytes;
  module.content = (uint64_t)(uintptr_t)run->words; /* an address where hashes are expected: as good as one */
  module.n_images = 1;
  module.n_kernels = 1;
  module.images = &image;
  module.kernels = &run->kernel;
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
    status = gradus_vulkan_read(self, run->results, results, run->result_bytes);
  return status;
}

static gradus_status runProbe(gradus_vulkan *self, const probe_run *run, gradus_vk_reason *why) {
  gradus_vulkan_recorder *recorder = NULL;
  gradus_address memory = 0;
  gradus_status status = gradus_vulkan_recorder_open(self, &recorder);
  if (status == GRADUS_OK)
    status = gradus_vulkan_allocate(self, run->operand_bytes + run->result_bytes, &memory);
  if (status == GRADUS_OK)
    status = runOn(self, recorder, run, memory);
  gradus_vulkan_recorder_close(recorder);
  (void)gradus_vulkan_release(self, memory);
  return status == GRADUS_OK ? status : gradus_vk_because(why, status, "a first kernel, which tells how '%.80s' computes, did not run", self->properties.deviceName);
}

/* A number in [1, 2) of `bits` random bits behind the point. */
static double randomNumber(uint64_t *state, int bits) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return 1 + ldexp((double)(*state >> (64 - bits)), -bits);
}

/* The sum takes the product's leading bits away, so that what is left was below the first rounding. */
static int isFused32(gradus_vulkan *self, gradus_status *status, gradus_vk_reason *why) {
  float operands[3 * cases], results[cases];
  probe_run const run = {"fma", gradus_vk_probe32, sizeof(gradus_vk_probe32), operands, sizeof(operands), results, sizeof(results)};
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
  probe_run const run = {"fma", gradus_vk_probe64, sizeof(gradus_vk_probe64), operands, sizeof(operands), results, sizeof(results)};
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

static gradus_status countLoop(gradus_vulkan *self, uint32_t *count, gradus_vk_reason *why) {
  uint32_t const end[2] = {longLoop, 0};
  probe_run const run = {"loop", gradus_vk_loop, sizeof(gradus_vk_loop), end, sizeof(end), count, sizeof(*count)};
  return runProbe(self, &run, why);
}

gradus_status gradus_vk_probe(gradus_vulkan *self, gradus_vk_reason *why) {
  gradus_status status = GRADUS_OK;
  uint32_t count = longLoop;
  self->has_fma = 0;
  self->longest_loop = UINT64_MAX;
  if (!(self->abilities.features & GRADUS_VK_INT64)) /* nor can it run any kernel of ours: the first module says so */
    return GRADUS_OK;
  self->has_fma = isFused32(self, &status, why);
  if (status == GRADUS_OK && (self->abilities.features & GRADUS_VK_FLOAT64))
    self->has_fma &= isFused64(self, &status, why);
  if (status == GRADUS_OK)
    status = countLoop(self, &count, why);
  if (count < longLoop)
    self->longest_loop = count;
  return status;
}
