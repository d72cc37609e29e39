/*===- cuda_driver.c - Opens CUDA's driver -------------------------------------------===*/

#define _POSIX_C_SOURCE 200809L

#include "runtime/cuda_driver.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* POSIX promises that the pointer to an object which dlsym gives is that of the function; C has no cast for it. */
static int find(cuda_driver *driver, const char *name, void *pointer, size_t size) {
  void *const found = dlsym(driver->library, name);
  memcpy(pointer, &found, size);
  return found != NULL;
}

int gradus_cuda_driver_open(cuda_driver *driver, const char *library, char *message, size_t size) {
  memset(driver, 0, sizeof(*driver));
  driver->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (driver->library == NULL) {
    const char *reason = dlerror();
    (void)snprintf(message, size, "there is no CUDA driver here: %s", reason != NULL ? reason : library);
    return 0;
  }
#define GRADUS_CUDA_FIND(member, name, arguments)                                                     \
  if (!find(driver, name, &driver->member, sizeof(driver->member))) {                                 \
    (void)snprintf(message, size, "the CUDA driver '%s' has no function %s: it is too old", library, name); \
    gradus_cuda_driver_close(driver);                                                                 \
    return 0;                                                                                         \
  }
  GRADUS_CUDA_FUNCTIONS(GRADUS_CUDA_FIND)
#undef GRADUS_CUDA_FIND
  (void)find(driver, "cuFuncLoad", &driver->function_load, sizeof(driver->function_load));
  return 1;
}

void gradus_cuda_driver_close(cuda_driver *driver) {
  if (driver->library != NULL)
    (void)dlclose(driver->library);
  driver->library = NULL;
}
