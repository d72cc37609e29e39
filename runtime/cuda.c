/*===- cuda.c - A gradus_device over the caller's CUstream ---------------------------===*
 *
 * Every hook makes the context of the queue current, records, and makes the former one current again. Writes of arguments are gathered while they lie side
 * by side, and go as the arguments of a launch (cuda_update.h) as soon as anything else is recorded.
 *
 *===----------------------------------------------------------------------------===*/

#define _POSIX_C_SOURCE 200809L

#include "runtime/cuda_internal.h"
#include "runtime/cuda_update.h"
#include "runtime/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { groupThreads = 256, textBytes = 240 };
/* The multiplications from which on cuBLAS is asked: those of one tile of a kernel, 64 deep. A smaller product is not worth a call of a library. */
static const double leastProduct = 262144;

struct gradus_cuda_queue {
  gradus_device device;
  gradus_cuda *cuda;
  gradus_context errors; /* whose sink writes `reason` */
  char reason[textBytes];
  cuda_stream stream;
  const gradus_device_module *lastModule; /* of the last dispatch, so that the table is not searched for each */
  const cuda_loaded *lastLoaded;
  uint64_t dispatches, products;
  cuda_blas *blas; /* or null: kernels multiply */
  void *scratch;
  size_t scratchBytes;
  gradus_address heldTo;
  size_t held; /* bytes of `value` that are to be written at heldTo */
  char *value; /* GRADUS_CUDA_UPDATE_LARGE bytes, and as many more as make 8 */
};

/*===- Errors ---------------------------------------------------------------------===*/

/* The sink of a queue: the hook `reason` gives the clause without our name. */
static void remember(void *user, const gradus_error *error) {
  gradus_cuda_queue *queue = (gradus_cuda_queue *)user;
  (void)snprintf(queue->reason, sizeof(queue->reason), "%s", error->message + strlen(error->entry) + strlen(": "));
}

static const char *giveReason(void *user) {
  gradus_cuda_queue *queue = (gradus_cuda_queue *)user;
  return queue->reason[0] != 0 ? queue->reason : NULL;
}

gradus_status gradus_cuda_fail(const gradus_context *context, gradus_status status, const char *text) {
  gradus_error error;
  if (context == NULL || context->error == NULL)
    return status;
  memset(&error, 0, sizeof(error));
  error.status = (int32_t)status;
  error.entry = "gradus_cuda";
  error.dimension = -1;
  error.element = -1;
  return gradus_internal_report(context, &error, 0, "%s", text);
}

static gradus_status failDriver(const cuda_driver *driver, const gradus_context *context, const char *what, cuda_result result) {
  const char *name = NULL, *description = NULL;
  char text[textBytes];
  (void)driver->error_name(result, &name);
  (void)driver->error_string(result, &description);
  (void)snprintf(text, sizeof(text), "%s: %s (%d), %s", what, name != NULL ? name : "an unknown error", result,
                 description != NULL ? description : "which the driver does not describe");
  return gradus_cuda_fail(context, GRADUS_ERROR_DEVICE, text);
}

gradus_status gradus_cuda_fail_driver(const gradus_cuda *cuda, const gradus_context *context, const char *what, cuda_result result) {
  return failDriver(&cuda->driver, context, what, result);
}

/*===- The driver and its context -------------------------------------------------===*/

int gradus_cuda_enter(const gradus_cuda *cuda, const gradus_context *context) {
  cuda_result const result = cuda->driver.context_push(cuda->context);
  if (result != 0)
    (void)gradus_cuda_fail_driver(cuda, context, "the context cannot be made current", result);
  return result == 0;
}

void gradus_cuda_leave(const gradus_cuda *cuda) {
  cuda_context ours;
  (void)cuda->driver.context_pop(&ours);
}

/* The number of the device that the current context belongs to, and the context; -1 where there is none. */
static int findCurrent(const cuda_driver *driver, cuda_context *context) {
  cuda_device device;
  if (driver->context_current(context) != 0 || *context == NULL || driver->context_device(&device) != 0)
    return -1;
  return device;
}

static gradus_status describeDevice(gradus_cuda *cuda, const gradus_context *context) {
  const cuda_driver *driver = &cuda->driver;
  int major = 0, minor = 0, groups = 0;
  cuda_result result = driver->device_attribute(&major, cuda_compute_capability_major, cuda->device);
  if (result == 0)
    result = driver->device_attribute(&minor, cuda_compute_capability_minor, cuda->device);
  if (result == 0)
    result = driver->device_attribute(&groups, cuda_max_grid_dim_x, cuda->device);
  if (result == 0)
    result = driver->device_name(cuda->name, (int)sizeof(cuda->name), cuda->device);
  if (result == 0)
    result = driver->driver_version(&cuda->version);
  if (result != 0)
    return gradus_cuda_fail_driver(cuda, context, "the device does not describe itself", result);
  cuda->name[sizeof(cuda->name) - 1] = 0;
  cuda->architecture = 10 * major + minor;
  cuda->maxGroups = groups > 0 ? (uint64_t)groups : 65535;
  return GRADUS_OK;
}

/* Initialises the driver and takes the device and its context. */
static gradus_status takeDevice(gradus_cuda *cuda, const gradus_context *context, int32_t ordinal) {
  const cuda_driver *driver = &cuda->driver;
  char text[textBytes];
  cuda_context current = NULL;
  int count = 0, currentDevice;
  cuda_result result = driver->init(0);
  if (result == 0)
    result = driver->device_count(&count);
  if (result != 0)
    return gradus_cuda_fail_driver(cuda, context, "the CUDA driver does not start", result);
  if (count == 0 || ordinal < -1 || ordinal >= count) {
    (void)snprintf(text, sizeof(text), "there is no CUDA device %d; the driver has %d", ordinal < 0 ? 0 : (int)ordinal, count);
    return gradus_cuda_fail(context, GRADUS_ERROR_DEVICE, text);
  }
  currentDevice = findCurrent(driver, &current);
  if (ordinal == -1 && currentDevice >= 0)
    cuda->device = currentDevice;
  else
    result = driver->device_get(&cuda->device, ordinal == -1 ? 0 : (int)ordinal);
  if (result == 0 && currentDevice >= 0 && cuda->device == currentDevice) {
    cuda->context = current;
  } else if (result == 0) {
    result = driver->primary_retain(&cuda->context, cuda->device);
    cuda->isPrimary = result == 0;
  }
  return result == 0 ? GRADUS_OK : gradus_cuda_fail_driver(cuda, context, "the CUDA device cannot be used", result);
}

gradus_status gradus_cuda_open(const gradus_context *context, const char *library, int32_t ordinal, gradus_cuda **out) {
  char text[textBytes];
  gradus_status status;
  gradus_cuda *cuda = (gradus_cuda *)calloc(1, sizeof(*cuda));
  *out = NULL;
  if (cuda == NULL)
    return gradus_cuda_fail(context, GRADUS_ERROR_DEVICE, "there is no memory for a device");
  if (!gradus_cuda_driver_open(&cuda->driver, library != NULL ? library : "libcuda.so.1", text, sizeof(text))) {
    free(cuda);
    return gradus_cuda_fail(context, GRADUS_ERROR_DEVICE, text);
  }
  if (context != NULL) {
    cuda->errors.user = context->user;
    cuda->errors.error = context->error;
  }
  (void)pthread_mutex_init(&cuda->mutex, NULL);
  status = takeDevice(cuda, context, ordinal);
  if (status == GRADUS_OK)
    status = describeDevice(cuda, context);
  if (status == GRADUS_OK)
    status = gradus_cuda_enter(cuda, context) ? GRADUS_OK : GRADUS_ERROR_DEVICE;
  if (status == GRADUS_OK) {
    status = gradus_cuda_load_update(cuda, context);
    gradus_cuda_leave(cuda);
  }
  if (status == GRADUS_OK)
    *out = cuda;
  else
    gradus_cuda_close(cuda);
  return status;
}

void gradus_cuda_close(gradus_cuda *cuda) {
  if (cuda == NULL)
    return;
  if (cuda->context != NULL && cuda->driver.context_push(cuda->context) == 0) {
    gradus_cuda_unload(cuda);
    gradus_cuda_leave(cuda);
  }
  if (cuda->isPrimary)
    (void)cuda->driver.primary_release(cuda->device);
  (void)pthread_mutex_destroy(&cuda->mutex);
  gradus_cuda_driver_close(&cuda->driver);
  free(cuda);
}

int32_t gradus_cuda_architecture(const gradus_cuda *cuda) { return cuda->architecture; }
const char *gradus_cuda_name(const gradus_cuda *cuda) { return cuda->name; }

gradus_status gradus_cuda_load(gradus_cuda *cuda, const gradus_device_module *module) {
  const cuda_loaded *loaded;
  if (module == NULL)
    return gradus_cuda_fail(&cuda->errors, GRADUS_ERROR_NULL, "the entry has no kernels");
  if (!gradus_cuda_enter(cuda, &cuda->errors))
    return GRADUS_ERROR_DEVICE;
  loaded = gradus_cuda_find(cuda, &cuda->errors, module);
  gradus_cuda_leave(cuda);
  return loaded != NULL ? GRADUS_OK : GRADUS_ERROR_DEVICE;
}

/*===- What a queue records -------------------------------------------------------===*/

/* Launches what is held back. The context is current. */
static gradus_status flush(gradus_cuda_queue *queue) {
  const gradus_cuda *cuda = queue->cuda;
  uint32_t words = (uint32_t)(queue->held / 4);
  void *arguments[3];
  cuda_result result;
  if (queue->held == 0)
    return GRADUS_OK;
  arguments[0] = &queue->heldTo;
  arguments[1] = &words;
  arguments[2] = queue->value;
  result = cuda->driver.launch(cuda->update[queue->held > GRADUS_CUDA_UPDATE_SMALL], 1, 1, 1, groupThreads, 1, 1, 0, queue->stream, arguments, NULL);
  queue->held = 0;
  return result == 0 ? GRADUS_OK : gradus_cuda_fail_driver(cuda, &queue->errors, "arguments cannot be written", result);
}

/* Holds back as much as side by side fits, and launches the rest. The context is current. */
static gradus_status hold(gradus_cuda_queue *queue, gradus_address to, const char *from, size_t bytes) {
  size_t const capacity = queue->cuda->update[1] != NULL ? GRADUS_CUDA_UPDATE_LARGE : GRADUS_CUDA_UPDATE_SMALL;
  gradus_status status = GRADUS_OK;
  if (queue->held > 0 && queue->heldTo + queue->held != to)
    status = flush(queue);
  while (bytes > 0 && status == GRADUS_OK) {
    size_t const room = capacity - queue->held, part = bytes < room ? bytes : room;
    if (queue->held == 0)
      queue->heldTo = to;
    memcpy(queue->value + queue->held, from, part);
    queue->held += part;
    to += part;
    from += part;
    bytes -= part;
    if (queue->held == capacity)
      status = flush(queue);
  }
  return status;
}

static int32_t update(void *user, gradus_address to, const void *from, size_t bytes) {
  gradus_cuda_queue *queue = (gradus_cuda_queue *)user;
  gradus_status status;
  if (bytes % 4 != 0 || to % 4 != 0)
    return (int32_t)gradus_cuda_fail(&queue->errors, GRADUS_ERROR_ALIGNMENT, "arguments are written in words of 4 bytes");
  if (!gradus_cuda_enter(queue->cuda, &queue->errors))
    return GRADUS_ERROR_DEVICE;
  status = hold(queue, to, (const char *)from, bytes);
  gradus_cuda_leave(queue->cuda);
  return (int32_t)status;
}

/* One launch, or as many as the largest grid asks for. */
static gradus_status launch(gradus_cuda_queue *queue, cuda_function function, uint64_t groups, gradus_address frame, uint64_t argument) {
  const gradus_cuda *cuda = queue->cuda;
  uint64_t first = 0;
  void *arguments[3];
  arguments[0] = &frame;
  arguments[1] = &argument;
  arguments[2] = &first;
  while (first < groups) {
    uint64_t const left = groups - first, count = left < cuda->maxGroups ? left : cuda->maxGroups;
    cuda_result const result = cuda->driver.launch(function, (unsigned)count, 1, 1, groupThreads, 1, 1, 0, queue->stream, arguments, NULL);
    if (result != 0)
      return gradus_cuda_fail_driver(cuda, &queue->errors, "a kernel cannot be launched", result);
    ++queue->dispatches;
    first += count;
  }
  return GRADUS_OK;
}

static int32_t dispatch(void *user, const gradus_device_module *module, int32_t kernel, uint64_t groups, gradus_address frame, uint64_t argument) {
  gradus_cuda_queue *queue = (gradus_cuda_queue *)user;
  gradus_status status = GRADUS_ERROR_DEVICE;
  if (!gradus_cuda_enter(queue->cuda, &queue->errors))
    return GRADUS_ERROR_DEVICE;
  if (queue->lastModule != module || queue->lastLoaded->content != module->content)
    queue->lastLoaded = gradus_cuda_find(queue->cuda, &queue->errors, module);
  queue->lastModule = queue->lastLoaded != NULL ? module : NULL;
  if (queue->lastLoaded != NULL)
    status = flush(queue);
  if (status == GRADUS_OK)
    status = launch(queue, queue->lastLoaded->functions[kernel], groups, frame, argument);
  else
    queue->held = 0; /* nobody finishes a call that failed, and its workspace may be gone when the next one begins */
  gradus_cuda_leave(queue->cuda);
  return (int32_t)status;
}

/* The first call of one size may load code of cuBLAS, as a dispatch may load a module. */
static int32_t multiply(void *user, const gradus_device_product *what) {
  gradus_cuda_queue *queue = (gradus_cuda_queue *)user;
  const cuda_driver *driver = &queue->cuda->driver;
  int mode = cuda_capture_mode_relaxed;
  int32_t status;
  if (!gradus_cuda_enter(queue->cuda, &queue->errors))
    return GRADUS_ERROR_DEVICE;
  status = (int32_t)flush(queue);
  if (status == GRADUS_OK) {
    (void)driver->capture_mode(&mode);
    status = gradus_cuda_blas_product(queue->blas, &queue->errors, queue->stream, what);
    (void)driver->capture_mode(&mode);
  }
  queue->products += status == GRADUS_OK;
  gradus_cuda_leave(queue->cuda);
  return status;
}

static int32_t finish(void *user) {
  gradus_cuda_queue *queue = (gradus_cuda_queue *)user;
  gradus_status status;
  if (queue->held == 0)
    return GRADUS_OK;
  if (!gradus_cuda_enter(queue->cuda, &queue->errors))
    return GRADUS_ERROR_DEVICE;
  status = flush(queue);
  gradus_cuda_leave(queue->cuda);
  return (int32_t)status;
}

static void *takeScratch(void *user, size_t bytes) {
  gradus_cuda_queue *queue = (gradus_cuda_queue *)user;
  if (bytes > queue->scratchBytes) {
    void *larger = realloc(queue->scratch, bytes);
    if (larger == NULL)
      return NULL;
    queue->scratch = larger;
    queue->scratchBytes = bytes;
  }
  return queue->scratch;
}

/*===- Queues ---------------------------------------------------------------------===*/

gradus_status gradus_cuda_queue_open(gradus_cuda *cuda, void *stream, gradus_cuda_queue **out) {
  gradus_cuda_queue *queue = (gradus_cuda_queue *)calloc(1, sizeof(*queue));
  *out = NULL;
  if (queue != NULL)
    queue->value = (char *)malloc(GRADUS_CUDA_UPDATE_LARGE);
  if (queue == NULL || queue->value == NULL) {
    free(queue);
    return GRADUS_ERROR_DEVICE;
  }
  queue->cuda = cuda;
  queue->stream = (cuda_stream)stream;
  queue->errors.user = queue;
  queue->errors.error = remember;
  queue->device.user = queue;
  queue->device.type = GRADUS_CUDA;
  queue->device.id = (int32_t)cuda->device;
  queue->device.update = update;
  queue->device.dispatch = dispatch;
  queue->device.scratch = takeScratch;
  queue->device.reason = giveReason;
  queue->device.finish = finish;
  *out = queue;
  return GRADUS_OK;
}

static void closeBlas(gradus_cuda_queue *queue) {
  if (queue->blas != NULL && gradus_cuda_enter(queue->cuda, &queue->errors)) {
    gradus_cuda_blas_close(queue->blas);
    gradus_cuda_leave(queue->cuda);
  }
  queue->blas = NULL;
  queue->device.product = NULL;
}

void gradus_cuda_queue_close(gradus_cuda_queue *queue) {
  if (queue == NULL)
    return;
  closeBlas(queue);
  free(queue->scratch);
  free(queue->value);
  free(queue);
}

gradus_status gradus_cuda_queue_use(gradus_cuda_queue *queue, void *stream) {
  gradus_status const status = (gradus_status)finish(queue);
  queue->stream = (cuda_stream)stream;
  return status;
}

gradus_device *gradus_cuda_queue_device(gradus_cuda_queue *queue) { return &queue->device; }
uint64_t gradus_cuda_queue_dispatches(const gradus_cuda_queue *queue) { return queue->dispatches; }
uint64_t gradus_cuda_queue_products(const gradus_cuda_queue *queue) { return queue->products; }

gradus_status gradus_cuda_queue_use_blas(gradus_cuda_queue *queue, const char *library, int32_t flags, gradus_address workspace, size_t workspace_bytes) {
  gradus_cuda *cuda = queue->cuda;
  gradus_status status;
  closeBlas(queue);
  if (workspace == 0)
    return GRADUS_OK;
  if (!gradus_cuda_enter(cuda, &cuda->errors))
    return GRADUS_ERROR_DEVICE;
  status = gradus_cuda_blas_open(&cuda->errors, library, flags, queue->stream, workspace, workspace_bytes, &queue->blas);
  gradus_cuda_leave(cuda);
  if (status == GRADUS_OK) {
    queue->device.product = multiply;
    queue->device.least_product = leastProduct;
  }
  return status;
}

/*===- Memory ---------------------------------------------------------------------===*/

/* Ends what a copy, a wait or the like has begun: the context is current. */
static gradus_status conclude(gradus_cuda *cuda, const char *what, cuda_result result) {
  gradus_cuda_leave(cuda);
  return result == 0 ? GRADUS_OK : gradus_cuda_fail_driver(cuda, &cuda->errors, what, result);
}

gradus_status gradus_cuda_allocate(gradus_cuda *cuda, size_t bytes, gradus_address *address) {
  *address = 0;
  if (bytes == 0)
    return GRADUS_OK;
  if (!gradus_cuda_enter(cuda, &cuda->errors))
    return GRADUS_ERROR_DEVICE;
  return conclude(cuda, "there is no memory on the device", cuda->driver.allocate(address, bytes));
}

gradus_status gradus_cuda_release(gradus_cuda *cuda, gradus_address address) {
  if (address == 0)
    return GRADUS_OK;
  if (!gradus_cuda_enter(cuda, &cuda->errors))
    return GRADUS_ERROR_DEVICE;
  return conclude(cuda, "memory cannot be released", cuda->driver.release(address));
}

/* What is held back goes first. 0, with the context current, where the queue can go on. */
static gradus_status beginCopy(gradus_cuda_queue *queue) {
  gradus_status status = GRADUS_ERROR_DEVICE;
  if (!gradus_cuda_enter(queue->cuda, &queue->cuda->errors))
    return status;
  status = flush(queue);
  if (status == GRADUS_OK)
    return GRADUS_OK;
  gradus_cuda_leave(queue->cuda);
  return gradus_cuda_fail(&queue->cuda->errors, status, queue->reason);
}

gradus_status gradus_cuda_write(gradus_cuda_queue *queue, gradus_address to, const void *from, size_t bytes) {
  const cuda_driver *driver = &queue->cuda->driver;
  cuda_result result = 0;
  gradus_status const status = beginCopy(queue);
  if (status != GRADUS_OK)
    return status;
  if (bytes > 0)
    result = driver->write(to, from, bytes, queue->stream);
  if (result == 0) /* pinned memory would be read later */
    result = driver->wait(queue->stream);
  return conclude(queue->cuda, "memory cannot be written", result);
}

gradus_status gradus_cuda_read(gradus_cuda_queue *queue, void *to, gradus_address from, size_t bytes) {
  const cuda_driver *driver = &queue->cuda->driver;
  cuda_result result = 0;
  gradus_status const status = beginCopy(queue);
  if (status != GRADUS_OK)
    return status;
  if (bytes > 0)
    result = driver->read(to, from, bytes, queue->stream);
  if (result == 0)
    result = driver->wait(queue->stream);
  return conclude(queue->cuda, "memory cannot be read", result);
}

gradus_status gradus_cuda_wait(gradus_cuda_queue *queue) {
  gradus_status const status = beginCopy(queue);
  return status != GRADUS_OK ? status : conclude(queue->cuda, "the work on the device failed", queue->cuda->driver.wait(queue->stream));
}
