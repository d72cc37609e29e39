/*===- cuda_module.c - Loads the code of entries, each once --------------------------===*
 *
 * A cubin of exactly the device's architecture is taken first, since nothing has to be compiled; else the newest PTX that the device can run. Loading is
 * allowed while a stream is captured: the thread's capture mode is relaxed for its time.
 *
 *===----------------------------------------------------------------------------===*/

#define _POSIX_C_SOURCE 200809L

#include "runtime/cuda_internal.h"
#include "runtime/cuda_update.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The driver's compiler says here what it does not like. */
enum { logBytes = 512, textBytes = 240 };

static cuda_result load(const gradus_cuda *cuda, const void *image, cuda_module *module, char *log) {
  int option[2] = {cuda_jit_error_log_buffer, cuda_jit_error_log_buffer_bytes};
  void *value[2];
  int mode = cuda_capture_mode_relaxed;
  cuda_result result;
  log[0] = 0;
  value[0] = log;
  value[1] = (void *)(uintptr_t)logBytes;
  (void)cuda->driver.capture_mode(&mode);
  result = cuda->driver.module_load(module, image, 2, option, value);
  (void)cuda->driver.capture_mode(&mode);
  log[logBytes - 1] = 0;
  for (; *log != 0; ++log) /* one line */
    *log = (char)(*log == '\n' ? ' ' : *log);
  return result;
}

/* The function by its name, its code on the device. */
static cuda_result findFunction(const gradus_cuda *cuda, cuda_module module, const char *name, cuda_function *function) {
  int mode = cuda_capture_mode_relaxed;
  cuda_result result;
  (void)cuda->driver.capture_mode(&mode);
  result = cuda->driver.module_function(function, module, name);
  if (result == 0 && cuda->driver.function_load != NULL)
    result = cuda->driver.function_load(*function);
  (void)cuda->driver.capture_mode(&mode);
  return result;
}

/* The cubin of the device, or with `kind` PTX the newest that it runs; null where there is none. */
static const gradus_device_image *choose(const gradus_device_module *module, int32_t kind, int32_t architecture) {
  const gradus_device_image *best = NULL;
  int32_t k;
  for (k = 0; k < module->n_images; ++k) {
    const gradus_device_image *image = &module->images[k];
    if (image->kind == kind && (image->architecture == architecture || (kind == GRADUS_IMAGE_PTX && image->architecture < architecture)) &&
        (best == NULL || image->architecture > best->architecture))
      best = image;
  }
  return best;
}

/* "this library has code for sm_80, sm_90 (PTX from sm_80), the device is sm_75" */
static gradus_status failArchitecture(const gradus_cuda *cuda, const gradus_context *context, const gradus_device_module *module) {
  char text[textBytes];
  const char *separator = "";
  size_t used = (size_t)snprintf(text, sizeof(text), "the device '%.64s' is sm_%" PRId32 ", and this library has", cuda->name, cuda->architecture);
  int32_t k;
  for (k = 0; k < module->n_images && used < sizeof(text); ++k) {
    if (module->images[k].kind == GRADUS_IMAGE_SPIRV)
      continue;
    used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %s sm_%" PRId32, separator,
                             module->images[k].kind == GRADUS_IMAGE_PTX ? "PTX for" : "a cubin for", module->images[k].architecture);
    separator = ",";
  }
  if (separator[0] == 0)
    (void)snprintf(text, sizeof(text), "this library has no code for CUDA, and the device '%.64s' is sm_%" PRId32, cuda->name, cuda->architecture);
  return gradus_cuda_fail(context, GRADUS_ERROR_DEVICE, text);
}

static gradus_status failLoad(const gradus_cuda *cuda, const gradus_context *context, const char *what, int32_t architecture, cuda_result result,
                              const char *log) {
  char text[textBytes];
  (void)snprintf(text, sizeof(text), "%s for sm_%" PRId32 " does not load on sm_%" PRId32 " with CUDA %d.%d%s%.100s", what, architecture,
                 cuda->architecture, cuda->version / 1000, cuda->version % 1000 / 10, log[0] != 0 ? ", " : "", log);
  return gradus_cuda_fail_driver(cuda, context, text, result);
}

static cuda_module loadBest(const gradus_cuda *cuda, const gradus_context *context, const gradus_device_module *module) {
  const gradus_device_image *cubin = choose(module, GRADUS_IMAGE_CUBIN, cuda->architecture);
  const gradus_device_image *ptx = choose(module, GRADUS_IMAGE_PTX, cuda->architecture);
  char log[logBytes];
  cuda_module loaded = NULL;
  cuda_result result = 0;
  if (cubin != NULL)
    result = load(cuda, cubin->bytes, &loaded, log);
  if (ptx != NULL && (cubin == NULL || result != 0))
    result = load(cuda, ptx->bytes, &loaded, log);
  if (cubin == NULL && ptx == NULL)
    (void)failArchitecture(cuda, context, module);
  else if (result != 0)
    (void)failLoad(cuda, context, ptx != NULL ? "PTX" : "the cubin", ptx != NULL ? ptx->architecture : cubin->architecture, result, log);
  return result == 0 ? loaded : NULL;
}

static cuda_loaded *loadAll(const gradus_cuda *cuda, const gradus_context *context, const gradus_device_module *module) {
  char text[textBytes];
  cuda_loaded *result;
  int32_t k;
  cuda_module const loaded = loadBest(cuda, context, module);
  if (loaded == NULL)
    return NULL;
  result = (cuda_loaded *)malloc(sizeof(*result));
  if (result != NULL)
    result->functions = (cuda_function *)calloc(module->n_kernels > 0 ? (size_t)module->n_kernels : 1, sizeof(cuda_function));
  if (result == NULL || result->functions == NULL) {
    free(result);
    (void)cuda->driver.module_unload(loaded);
    (void)gradus_cuda_fail(context, GRADUS_ERROR_DEVICE, "there is no memory for a table of kernels");
    return NULL;
  }
  result->content = module->content;
  result->module = loaded;
  for (k = 0; k < module->n_kernels; ++k) {
    cuda_result const found = findFunction(cuda, loaded, module->kernels[k], &result->functions[k]);
    if (found != 0) {
      (void)snprintf(text, sizeof(text), "the kernel '%.100s' cannot be loaded", module->kernels[k]);
      (void)gradus_cuda_fail_driver(cuda, context, text, found);
      (void)cuda->driver.module_unload(loaded);
      free(result->functions);
      free(result);
      return NULL;
    }
  }
  return result;
}

const cuda_loaded *gradus_cuda_find(gradus_cuda *cuda, const gradus_context *context, const gradus_device_module *module) {
  cuda_loaded *found;
  (void)pthread_mutex_lock(&cuda->mutex);
  for (found = cuda->loaded; found != NULL && found->content != module->content; found = found->next)
    ;
  if (found == NULL) {
    found = loadAll(cuda, context, module);
    if (found != NULL) {
      found->next = cuda->loaded;
      cuda->loaded = found;
    }
  }
  (void)pthread_mutex_unlock(&cuda->mutex);
  return found;
}

gradus_status gradus_cuda_load_update(gradus_cuda *cuda, const gradus_context *context) {
  static const char *const images[2] = {GRADUS_CUDA_UPDATE_SMALL_PTX, GRADUS_CUDA_UPDATE_LARGE_PTX};
  char log[logBytes];
  int k;
  for (k = 0; k < 2; ++k) {
    cuda_result result = load(cuda, images[k], &cuda->updates[k], log);
    if (result == 0)
      result = findFunction(cuda, cuda->updates[k], "gradus_update", &cuda->update[k]);
    if (result != 0) {
      cuda->update[k] = NULL; /* an older driver does not know the large one */
      if (k == 0)
        return failLoad(cuda, context, "PTX", 70, result, log);
    }
  }
  return GRADUS_OK;
}

void gradus_cuda_unload(gradus_cuda *cuda) {
  int k;
  while (cuda->loaded != NULL) {
    cuda_loaded *next = cuda->loaded->next;
    (void)cuda->driver.module_unload(cuda->loaded->module);
    free(cuda->loaded->functions);
    free(cuda->loaded);
    cuda->loaded = next;
  }
  for (k = 0; k < 2; ++k) {
    if (cuda->updates[k] != NULL)
      (void)cuda->driver.module_unload(cuda->updates[k]);
    cuda->updates[k] = NULL;
  }
}
