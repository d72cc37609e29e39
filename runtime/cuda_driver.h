/*===- cuda_driver.h - What we use of CUDA's driver ----------------------------------===*
 *
 * Not installed. The few types and numbers of the driver's documented API, declared here so that no toolkit is needed to build, and its functions by
 * pointer. One row of the table below is one function: its member, the name by which libcuda exports this version of it, and what it takes.
 *
 *===----------------------------------------------------------------------------===*/

#ifndef GRADUS_CUDA_DRIVER_H
#define GRADUS_CUDA_DRIVER_H

#include <stddef.h>
#include <stdint.h>

typedef int cuda_result; /* 0 is success */
typedef int cuda_device;
typedef uint64_t cuda_address;
typedef struct cuda_context_handle *cuda_context;
typedef struct cuda_module_handle *cuda_module;
typedef struct cuda_function_handle *cuda_function;
typedef struct cuda_stream_handle *cuda_stream;

enum {
  cuda_max_grid_dim_x = 5,
  cuda_compute_capability_major = 75,
  cuda_compute_capability_minor = 76,
  cuda_capture_mode_relaxed = 2,
  cuda_jit_error_log_buffer = 5,
  cuda_jit_error_log_buffer_bytes = 6
};

#define GRADUS_CUDA_FUNCTIONS(ROW)                                                                                                     \
  ROW(init, "cuInit", (unsigned))                                                                                                      \
  ROW(driver_version, "cuDriverGetVersion", (int *))                                                                                   \
  ROW(error_name, "cuGetErrorName", (cuda_result, const char **))                                                                      \
  ROW(error_string, "cuGetErrorString", (cuda_result, const char **))                                                                  \
  ROW(device_count, "cuDeviceGetCount", (int *))                                                                                       \
  ROW(device_get, "cuDeviceGet", (cuda_device *, int))                                                                                 \
  ROW(device_name, "cuDeviceGetName", (char *, int, cuda_device))                                                                      \
  ROW(device_attribute, "cuDeviceGetAttribute", (int *, int, cuda_device))                                                             \
  ROW(primary_retain, "cuDevicePrimaryCtxRetain", (cuda_context *, cuda_device))                                                       \
  ROW(primary_release, "cuDevicePrimaryCtxRelease_v2", (cuda_device))                                                                  \
  ROW(context_current, "cuCtxGetCurrent", (cuda_context *))                                                                            \
  ROW(context_device, "cuCtxGetDevice", (cuda_device *))                                                                               \
  ROW(context_push, "cuCtxPushCurrent_v2", (cuda_context))                                                                             \
  ROW(context_pop, "cuCtxPopCurrent_v2", (cuda_context *))                                                                             \
  ROW(capture_mode, "cuThreadExchangeStreamCaptureMode", (int *))                                                                      \
  ROW(module_load, "cuModuleLoadDataEx", (cuda_module *, const void *, unsigned, int *, void **))                                      \
  ROW(module_function, "cuModuleGetFunction", (cuda_function *, cuda_module, const char *))                                            \
  ROW(module_unload, "cuModuleUnload", (cuda_module))                                                                                  \
  ROW(launch, "cuLaunchKernel",                                                                                                        \
      (cuda_function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, cuda_stream, void **, void **))            \
  ROW(allocate, "cuMemAlloc_v2", (cuda_address *, size_t))                                                                             \
  ROW(release, "cuMemFree_v2", (cuda_address))                                                                                         \
  ROW(write, "cuMemcpyHtoDAsync_v2", (cuda_address, const void *, size_t, cuda_stream))                                                \
  ROW(read, "cuMemcpyDtoHAsync_v2", (void *, cuda_address, size_t, cuda_stream))                                                       \
  ROW(wait, "cuStreamSynchronize", (cuda_stream))

typedef struct cuda_driver {
  void *library;
#define GRADUS_CUDA_MEMBER(member, name, arguments) cuda_result(*member) arguments;
  GRADUS_CUDA_FUNCTIONS(GRADUS_CUDA_MEMBER)
#undef GRADUS_CUDA_MEMBER
  /** Loads a function now rather than at its first launch; null before CUDA 12.4. */
  cuda_result (*function_load)(cuda_function);
} cuda_driver;

/** Opens the library and finds the functions, which are not called yet. 0, with the reason in `message`, where that fails. */
int gradus_cuda_driver_open(cuda_driver *driver, const char *library, char *message, size_t size);
void gradus_cuda_driver_close(cuda_driver *driver);

#endif /* GRADUS_CUDA_DRIVER_H */
