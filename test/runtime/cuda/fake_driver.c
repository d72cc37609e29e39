/*===- fake_driver.c - A libcuda.so.1 that keeps a record ----------------------------===*
 *
 * Device memory is host memory, the kernel that writes arguments really writes, every other launch becomes a line of text. Where a CUDA toolkit is installed this
 * file is compiled against its header, so that each function has the very type of the driver's.
 *
 *===----------------------------------------------------------------------------===*/

#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if __has_include(<cuda.h>)
#include <cuda.h>
#else
#define CUDAAPI
#define CUDA_SUCCESS 0
#define CUDA_ERROR_INVALID_VALUE 1
#define CUDA_ERROR_INVALID_CONTEXT 201
#define CUDA_ERROR_NO_BINARY_FOR_GPU 209
#define CUDA_ERROR_UNSUPPORTED_PTX_VERSION 222
#define CUDA_ERROR_NOT_FOUND 500
#define CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED 900
#define cuMemcpyDtoDAsync cuMemcpyDtoDAsync_v2
#define cuStreamBeginCapture cuStreamBeginCapture_v2
#define cuCtxPopCurrent cuCtxPopCurrent_v2
#define cuCtxPushCurrent cuCtxPushCurrent_v2
#define cuDevicePrimaryCtxRelease cuDevicePrimaryCtxRelease_v2
#define cuMemAlloc cuMemAlloc_v2
#define cuMemFree cuMemFree_v2
#define cuMemcpyDtoHAsync cuMemcpyDtoHAsync_v2
#define cuMemcpyHtoDAsync cuMemcpyHtoDAsync_v2
typedef int CUresult, CUdevice, CUdevice_attribute, CUjit_option, CUstreamCaptureMode;
typedef unsigned long long CUdeviceptr;
typedef struct CUctx_st *CUcontext;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUstream_st *CUstream;
typedef struct CUgraph_st *CUgraph;
typedef struct CUgraphExec_st *CUgraphExec;
#endif

#define VISIBLE __attribute__((visibility("default")))
enum { deviceCount = 2, logBytes = 1 << 16, stackDepth = 16 };

/* What the test sets and reads. */
static char record[logBytes];
static size_t used;
static char failing[64];
static int failure, version = 12040, major = 8, minor = 0, gridLimit = 2147483647;
static int loads, primaries, captureMode;
static int isCapturing, captured; /* of all streams; the launches of the last graph */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

struct CUctx_st {
  int device;
};
struct CUmod_st {
  int isUpdate;
};
struct CUfunc_st {
  char name[64];
};
static struct CUctx_st primary[deviceCount] = {{0}, {1}}, own[deviceCount] = {{0}, {1}};
static _Thread_local CUcontext stack[stackDepth];
static _Thread_local int depth;

static void note(const char *format, ...) {
  va_list arguments;
  pthread_mutex_lock(&mutex);
  va_start(arguments, format);
  if (used < logBytes)
    used += (size_t)vsnprintf(record + used, logBytes - used, format, arguments);
  va_end(arguments);
  pthread_mutex_unlock(&mutex);
}

/* 0, or what the test wants this function to return. */
static CUresult ask(const char *name) { return strcmp(failing, name) == 0 ? (CUresult)failure : CUDA_SUCCESS; }
#define ASK(name)                  \
  do {                             \
    CUresult const asked = ask(name); \
    if (asked != CUDA_SUCCESS)     \
      return asked;                \
  } while (0)
#define NEED_CONTEXT                                   \
  do {                                                 \
    if (depth == 0)                                    \
      return (CUresult)CUDA_ERROR_INVALID_CONTEXT;     \
  } while (0)

/* What a stream that is captured does not take. */
#define NO_CAPTURE                                              \
  do {                                                          \
    if (isCapturing && captureMode != 2)                        \
      return (CUresult)CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;   \
  } while (0)

/*===- For the test ---------------------------------------------------------------===*/

VISIBLE void fake_reset(void) {
  used = 0;
  record[0] = failing[0] = 0;
  version = 12040;
  major = 8;
  minor = 0;
  gridLimit = 2147483647;
  loads = isCapturing = captured = 0;
}
VISIBLE const char *fake_record(void) { return record; }
VISIBLE void fake_clear(void) {
  used = 0;
  record[0] = 0;
}
VISIBLE void fake_fail(const char *name, int result) {
  snprintf(failing, sizeof(failing), "%s", name);
  failure = result;
}
VISIBLE void fake_describe(int driver, int capability, int grid) {
  version = driver;
  major = capability / 10;
  minor = capability % 10;
  gridLimit = grid;
}
VISIBLE void *fake_own_context(int device) { return &own[device]; }
VISIBLE void *fake_primary_context(int device) { return &primary[device]; }
VISIBLE void *fake_current(void) { return depth > 0 ? stack[depth - 1] : NULL; }
VISIBLE int fake_depth(void) { return depth; }
VISIBLE int fake_loads(void) { return loads; }
VISIBLE int fake_primaries(void) { return primaries; }
/* What a library launches (fake_cublas.c); 0 where this thread has no context, or loads code while a stream is captured. */
VISIBLE int fake_launch(const char *line) {
  captured += isCapturing;
  if (line[0] != 0)
    note("%s\n", line);
  return depth > 0 && !(isCapturing && captureMode != 2);
}

/*===- The driver -----------------------------------------------------------------===*/

VISIBLE CUresult CUDAAPI cuInit(unsigned flags) {
  ASK("cuInit");
  return flags == 0 ? CUDA_SUCCESS : (CUresult)CUDA_ERROR_INVALID_VALUE;
}
VISIBLE CUresult CUDAAPI cuDriverGetVersion(int *out) {
  ASK("cuDriverGetVersion");
  *out = version;
  return CUDA_SUCCESS;
}
VISIBLE CUresult CUDAAPI cuGetErrorName(CUresult error, const char **out) {
  *out = (int)error == 999 ? NULL : "CUDA_ERROR_FAKE";
  return CUDA_SUCCESS;
}
VISIBLE CUresult CUDAAPI cuGetErrorString(CUresult error, const char **out) {
  *out = (int)error == 999 ? NULL : "as the test wants";
  return CUDA_SUCCESS;
}
VISIBLE CUresult CUDAAPI cuDeviceGetCount(int *count) {
  ASK("cuDeviceGetCount");
  *count = deviceCount;
  return CUDA_SUCCESS;
}
VISIBLE CUresult CUDAAPI cuDeviceGet(CUdevice *device, int ordinal) {
  ASK("cuDeviceGet");
  *device = ordinal;
  return CUDA_SUCCESS;
}
VISIBLE CUresult CUDAAPI cuDeviceGetName(char *name, int length, CUdevice device) {
  ASK("cuDeviceGetName");
  snprintf(name, (size_t)length, "fake %d", device);
  return CUDA_SUCCESS;
}
VISIBLE CUresult CUDAAPI cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device) {
  ASK("cuDeviceGetAttribute");
  (void)device;
  *value = (int)attribute == 5 ? gridLimit : (int)attribute == 75 ? major : (int)attribute == 76 ? minor : -1;
  return CUDA_SUCCESS;
}
VISIBLE CUresult CUDAAPI cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
  ASK("cuDevicePrimaryCtxRetain");
  ++primaries;
  *context = &primary[device];
  return CUDA_SUCCESS;
}
VISIBLE CUresult CUDAAPI cuDevicePrimaryCtxRelease(CUdevice device) {
  (void)device;
  --primaries;
  return CUDA_SUCCESS;
}
VISIBLE CUresult CUDAAPI cuCtxGetCurrent(CUcontext *context) {
  ASK("cuCtxGetCurrent");
  *context = depth > 0 ? stack[depth - 1] : NULL;
  return CUDA_SUCCESS;
}
VISIBLE CUresult CUDAAPI cuCtxGetDevice(CUdevice *device) {
  NEED_CONTEXT;
  *device = stack[depth - 1]->device;
  return CUDA_SUCCESS;
}
VISIBLE CUresult CUDAAPI cuCtxPushCurrent(CUcontext context) {
  ASK("cuCtxPushCurrent");
  stack[depth++] = context;
  return CUDA_SUCCESS;
}
VISIBLE CUresult CUDAAPI cuCtxPopCurrent(CUcontext *context) {
  NEED_CONTEXT;
  *context = stack[--depth];
  return CUDA_SUCCESS;
}
VISIBLE CUresult CUDAAPI cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode *mode) {
  int const former = captureMode;
  captureMode = (int)*mode;
  *mode = (CUstreamCaptureMode)former;
  return CUDA_SUCCESS;
}

/* PTX begins with its version; what the test calls a cubin is "cubin 80". */
VISIBLE CUresult CUDAAPI cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count, CUjit_option *options, void **values) {
  const char *text = (const char *)image;
  NEED_CONTEXT;
  ASK("cuModuleLoadDataEx");
  if (captureMode != 2)
    return (CUresult)CUDA_ERROR_INVALID_VALUE;
  ++loads;
  if (strncmp(text, "cubin ", 6) == 0 && atoi(text + 6) != 10 * major + minor)
    return (CUresult)CUDA_ERROR_NO_BINARY_FOR_GPU;
  if (strncmp(text, ".version 8.1", 12) == 0 && version < 12010)
    return (CUresult)CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
  if (strstr(text, "wrong") != NULL) {
    if (count == 2 && (int)options[0] == 5 && (int)options[1] == 6)
      snprintf((char *)values[0], (size_t)(uintptr_t)values[1], "line 1: wrong");
    return (CUresult)218;
  }
  *module = (CUmodule)calloc(1, sizeof(struct CUmod_st));
  (*module)->isUpdate = strstr(text, "gradus_update") != NULL;
  if (!(*module)->isUpdate)
    note("load %.8s at %d\n", text, stack[depth - 1]->device);
  return CUDA_SUCCESS;
}
VISIBLE CUresult CUDAAPI cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
  (void)module;
  NEED_CONTEXT;
  ASK("cuModuleGetFunction");
  if (strcmp(name, "missing") == 0)
    return (CUresult)CUDA_ERROR_NOT_FOUND;
  *function = (CUfunction)calloc(1, sizeof(struct CUfunc_st)); /* never freed: a driver keeps them with the module */
  snprintf((*function)->name, sizeof((*function)->name), "%s", name);
  return CUDA_SUCCESS;
}
VISIBLE CUresult CUDAAPI cuModuleUnload(CUmodule module) {
  NEED_CONTEXT;
  free(module);
  return CUDA_SUCCESS;
}

VISIBLE CUresult CUDAAPI cuLaunchKernel(CUfunction function, unsigned x, unsigned y, unsigned z, unsigned bx, unsigned by, unsigned bz, unsigned shared,
                                        CUstream stream, void **parameters, void **extra) {
  NEED_CONTEXT;
  ASK("cuLaunchKernel");
  captured += isCapturing;
  if (y != 1 || z != 1 || bx != 256 || by != 1 || bz != 1 || shared != 0 || extra != NULL || x == 0 || x > (unsigned)gridLimit)
    return (CUresult)CUDA_ERROR_INVALID_VALUE;
  if (strcmp(function->name, "gradus_update") == 0) {
    CUdeviceptr const to = *(CUdeviceptr *)parameters[0];
    unsigned const words = *(unsigned *)parameters[1];
    memcpy((void *)(uintptr_t)to, parameters[2], 4 * (size_t)words);
    note("update %u on %lx\n", 4 * words, (unsigned long)(uintptr_t)stream);
    return CUDA_SUCCESS;
  }
  note("%s %u (%llx, %llx, %llx) on %lx\n", function->name, x, *(unsigned long long *)parameters[0], *(unsigned long long *)parameters[1],
       *(unsigned long long *)parameters[2], (unsigned long)(uintptr_t)stream);
  return CUDA_SUCCESS;
}

VISIBLE CUresult CUDAAPI cuMemAlloc(CUdeviceptr *address, size_t bytes) {
  NEED_CONTEXT;
  NO_CAPTURE;
  ASK("cuMemAlloc");
  *address = (CUdeviceptr)(uintptr_t)aligned_alloc(256, (bytes + 255) / 256 * 256);
  return CUDA_SUCCESS;
}
VISIBLE CUresult CUDAAPI cuMemFree(CUdeviceptr address) {
  NEED_CONTEXT;
  free((void *)(uintptr_t)address);
  return CUDA_SUCCESS;
}
VISIBLE CUresult CUDAAPI cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t bytes, CUstream stream) {
  NEED_CONTEXT;
  NO_CAPTURE;
  ASK("cuMemcpyHtoDAsync");
  memcpy((void *)(uintptr_t)to, from, bytes);
  note("write %zu on %lx\n", bytes, (unsigned long)(uintptr_t)stream);
  return CUDA_SUCCESS;
}
VISIBLE CUresult CUDAAPI cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t bytes, CUstream stream) {
  NEED_CONTEXT;
  NO_CAPTURE;
  ASK("cuMemcpyDtoHAsync");
  memcpy(to, (void *)(uintptr_t)from, bytes);
  note("read %zu on %lx\n", bytes, (unsigned long)(uintptr_t)stream);
  return CUDA_SUCCESS;
}
VISIBLE CUresult CUDAAPI cuStreamSynchronize(CUstream stream) {
  NEED_CONTEXT;
  NO_CAPTURE;
  ASK("cuStreamSynchronize");
  note("wait on %lx\n", (unsigned long)(uintptr_t)stream);
  return CUDA_SUCCESS;
}

/*===- What applications of the tests call ----------------------------------------===*/

VISIBLE CUresult CUDAAPI cuStreamCreate(CUstream *stream, unsigned flags) {
  NEED_CONTEXT;
  *stream = (CUstream)(uintptr_t)(0x100 + flags);
  return CUDA_SUCCESS;
}
VISIBLE CUresult CUDAAPI cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  NEED_CONTEXT;
  memcpy((void *)(uintptr_t)to, (const void *)(uintptr_t)from, bytes);
  note("copy %zu on %lx\n", bytes, (unsigned long)(uintptr_t)stream);
  return CUDA_SUCCESS;
}
VISIBLE CUresult CUDAAPI cuStreamBeginCapture(CUstream stream, CUstreamCaptureMode mode) {
  NEED_CONTEXT;
  (void)stream;
  if ((int)mode != 0)
    return (CUresult)CUDA_ERROR_INVALID_VALUE;
  isCapturing = 1;
  captured = 0;
  return CUDA_SUCCESS;
}
VISIBLE CUresult CUDAAPI cuStreamEndCapture(CUstream stream, CUgraph *graph) {
  NEED_CONTEXT;
  (void)stream;
  isCapturing = 0;
  *graph = (CUgraph)(uintptr_t)captured;
  return CUDA_SUCCESS;
}
VISIBLE CUresult CUDAAPI cuGraphInstantiateWithFlags(CUgraphExec *executable, CUgraph graph, unsigned long long flags) {
  (void)flags;
  *executable = (CUgraphExec)graph;
  return graph != NULL ? CUDA_SUCCESS : (CUresult)CUDA_ERROR_INVALID_VALUE;
}
VISIBLE CUresult CUDAAPI cuGraphLaunch(CUgraphExec executable, CUstream stream) {
  NEED_CONTEXT;
  note("graph of %d on %lx\n", (int)(uintptr_t)executable, (unsigned long)(uintptr_t)stream);
  return CUDA_SUCCESS;
}
