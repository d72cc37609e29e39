/*===- checkpoint.c - Save and restore what a training run depends on ----------------===*
 *
 * Layout, all little endian: "GRADUSCK", u32 version, u32 zero, u64 t, seed, schema, extra, count; for each tensor u32 bytes
 * of its name, u32 element type, u32 rank, u32 zero, u64 sizes, the name; then zeros to a multiple of 64 and, for each
 * tensor, its data and zeros to a multiple of 64; then u32 CRC-32 of everything before it.
 *
 * A load reads the file twice: once for the checksum and the comparison of the directory, and only if all is well again into
 * the tensors. Both go through one descriptor, so that a save that replaces the file meanwhile does not matter.
 *
 *===----------------------------------------------------------------------------===*/

#define _POSIX_C_SOURCE 200809L

#include "runtime/gradus_checkpoint.h"

#include "runtime/file.h"
#include "runtime/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { maxPath = 4096, maxName = 128, headerBytes = 56, alignment = 64, trailerBytes = 4, maxAttempts = 100 };

static const char magic[8] = {'G', 'R', 'A', 'D', 'U', 'S', 'C', 'K'};

/* Whose error it is. */
typedef struct task {
  const gradus_context *context;
  const char *name;
} task;

static gradus_status fail(const task *self, gradus_status status, const char *argument, int32_t dimension, double expected,
                          double got, const char *format, const char *text) {
  gradus_error error;
  if (self->context == NULL || self->context->error == NULL)
    return status;
  error.status = (int32_t)status;
  error.entry = self->name;
  error.argument = argument;
  error.slot = 0;
  error.dimension = dimension;
  error.element = -1;
  error.expected = expected;
  error.got = got;
  return gradus_internal_report(self->context, &error, 0, format, text);
}

/* What both directions ask of a tensor. */
static gradus_status checkTensor(const task *self, const gradus_named_tensor *named) {
  const gradus_tensor *tensor = &named->tensor;
  int64_t elements = 1;
  size_t bytes;
  int32_t axis;
  if (named->name == NULL)
    return fail(self, GRADUS_ERROR_NULL, NULL, -1, 0, 0, "a tensor's name is a null pointer", NULL);
  if (tensor->rank < 0 || tensor->rank > GRADUS_MAX_RANK)
    return fail(self, GRADUS_ERROR_RANK, named->name, -1, GRADUS_MAX_RANK, tensor->rank, "rank {g} is not in [0, {e}]", NULL);
  if (gradus_dtype_size(tensor->dtype) == 0)
    return fail(self, GRADUS_ERROR_DTYPE, named->name, -1, 0, tensor->dtype, "the element type has the unknown code {g}", NULL);
  if (tensor->device_type != GRADUS_CPU)
    return fail(self, GRADUS_ERROR_DEVICE, named->name, -1, GRADUS_CPU, tensor->device_type,
                "device type is {g}, expected {e} (CPU)", NULL);
  if (tensor->rank > 0 && tensor->dims == NULL)
    return fail(self, GRADUS_ERROR_NULL, named->name, -1, 0, 0, "the sizes are a null pointer", NULL);
  if (!gradus_internal_extent(tensor, &elements, &bytes))
    return fail(self, GRADUS_ERROR_OVERFLOW, named->name, -1, 0, 0, "a size is negative or their product does not fit", NULL);
  if (bytes == 0)
    return GRADUS_OK;
  if (tensor->data == NULL)
    return fail(self, GRADUS_ERROR_NULL, named->name, -1, 0, 0, "its data is a null pointer", NULL);
  elements = 1;
  for (axis = tensor->rank - 1; tensor->strides != NULL && axis >= 0; --axis) {
    if (tensor->dims[axis] != 1 && tensor->strides[axis] != elements)
      return fail(self, GRADUS_ERROR_STRIDE, named->name, axis, (double)elements, (double)tensor->strides[axis],
                  "has stride {g}, expected {e}: only contiguous data is taken", NULL);
    elements *= tensor->dims[axis];
  }
  return GRADUS_OK;
}

static gradus_status checkArguments(const task *self, const char *path, const void *progress,
                                    const gradus_named_tensor *tensors, size_t n_tensors) {
  uint32_t const one = 1;
  gradus_status status = GRADUS_OK;
  size_t k;
  if (path == NULL || progress == NULL || (tensors == NULL && n_tensors > 0))
    return fail(self, GRADUS_ERROR_NULL, NULL, -1, 0, 0, "the path, the progress or the tensors are a null pointer", NULL);
  if (*(const unsigned char *)&one != 1)
    return fail(self, GRADUS_ERROR_FORMAT, NULL, -1, 0, 0, "checkpoints are little endian, this machine is not", NULL);
  for (k = 0; k < n_tensors && status == GRADUS_OK; ++k)
    status = checkTensor(self, &tensors[k]);
  return status;
}

static size_t tensorBytes(const gradus_tensor *tensor) {
  return gradus_bytes(tensor->dtype, gradus_numel(tensor));
}

/*===- Saving ---------------------------------------------------------------------===*/

static void pad(gradus_file *file) {
  static const unsigned char zeros[alignment] = {0};
  gradus_internal_write(file, zeros, (size_t)((alignment - file->offset % alignment) % alignment));
}

static void writeContent(gradus_file *file, const gradus_progress *progress, const gradus_named_tensor *tensors,
                         size_t n_tensors) {
  size_t k;
  int32_t axis;
  gradus_internal_write(file, magic, sizeof(magic));
  gradus_internal_write_u32(file, GRADUS_CHECKPOINT_VERSION);
  gradus_internal_write_u32(file, 0);
  gradus_internal_write_u64(file, progress->t);
  gradus_internal_write_u64(file, progress->seed);
  gradus_internal_write_u64(file, progress->schema);
  gradus_internal_write_u64(file, progress->extra);
  gradus_internal_write_u64(file, n_tensors);
  for (k = 0; k < n_tensors; ++k) {
    const gradus_tensor *tensor = &tensors[k].tensor;
    gradus_internal_write_u32(file, (uint32_t)strlen(tensors[k].name));
    gradus_internal_write_u32(file, (uint32_t)tensor->dtype);
    gradus_internal_write_u32(file, (uint32_t)tensor->rank);
    gradus_internal_write_u32(file, 0);
    for (axis = 0; axis < tensor->rank; ++axis)
      gradus_internal_write_u64(file, (uint64_t)tensor->dims[axis]);
    gradus_internal_write(file, tensors[k].name, strlen(tensors[k].name));
  }
  pad(file);
  for (k = 0; k < n_tensors; ++k) {
    gradus_internal_write(file, tensors[k].tensor.data, tensorBytes(&tensors[k].tensor));
    pad(file);
  }
  gradus_internal_write_u32(file, ~file->crc.value);
  gradus_internal_flush(file);
}

/* Creates a file beside `path` that nobody else has; its name goes to `temporary`. */
static int openTemporary(const char *path, char *temporary) {
  int attempt, descriptor = -1;
  for (attempt = 0; attempt < maxAttempts && descriptor < 0; ++attempt) {
    (void)snprintf(temporary, maxPath + 64, "%s.%ld-%d.tmp", path, (long)getpid(), attempt);
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0 && errno != EEXIST)
      break;
  }
  return descriptor;
}

/* A rename is on the disk only when its directory is. File systems that cannot do so say EINVAL. */
static int syncDirectory(const char *path) {
  char directory[maxPath];
  const char *slash = strrchr(path, '/');
  size_t const length = slash == NULL ? 0 : (size_t)(slash - path);
  int descriptor, result;
  if (slash == NULL) {
    strcpy(directory, ".");
  } else if (length == 0) {
    strcpy(directory, "/");
  } else {
    memcpy(directory, path, length);
    directory[length] = 0;
  }
  descriptor = open(directory, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return errno;
  result = fsync(descriptor) == 0 || errno == EINVAL ? 0 : errno;
  (void)close(descriptor);
  return result;
}

gradus_status gradus_checkpoint_save(const gradus_context *context, const char *path, const gradus_progress *progress,
                                     const gradus_named_tensor *tensors, size_t n_tensors) {
  char temporary[maxPath + 64];
  gradus_file file;
  task self;
  gradus_status status;
  int descriptor, error;
  struct stat info;
  self.context = context;
  self.name = "gradus_checkpoint_save";
  status = checkArguments(&self, path, progress, tensors, n_tensors);
  if (status != GRADUS_OK)
    return status;
  if (strlen(path) >= maxPath)
    return fail(&self, GRADUS_ERROR_IO, NULL, -1, maxPath - 1, (double)strlen(path),
                "the path has {g} bytes, expected at most {e}", NULL);
  if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) /* to replace a device by a file is nobody's wish */
    return fail(&self, GRADUS_ERROR_IO, NULL, -1, 0, 0, "'%s' is not a regular file", path);
  descriptor = openTemporary(path, temporary);
  if (descriptor < 0)
    return fail(&self, GRADUS_ERROR_IO, NULL, -1, 0, errno, "cannot create a file beside '%s' (errno {g})", path);
  gradus_internal_file_start(&file, descriptor);
  writeContent(&file, progress, tensors, n_tensors);
  error = file.error;
  if (error == 0 && fsync(descriptor) != 0)
    error = errno;
  if (close(descriptor) != 0 && error == 0)
    error = errno;
  if (error == 0 && rename(temporary, path) != 0)
    error = errno;
  if (error != 0) {
    (void)unlink(temporary);
    return fail(&self, GRADUS_ERROR_IO, NULL, -1, 0, error, "cannot write '%s' (errno {g}); what stood there is untouched", path);
  }
  error = syncDirectory(path);
  if (error != 0)
    return fail(&self, GRADUS_ERROR_IO, NULL, -1, 0, error, "'%s' is written, but its directory cannot be synchronized (errno {g})",
                path);
  return GRADUS_OK;
}

/*===- Loading --------------------------------------------------------------------===*/

/* Reads to the end and compares the checksum, whatever the bytes mean. */
static gradus_status checkSum(const task *self, const char *path, gradus_file *file, uint64_t size) {
  unsigned char part[4096];
  uint32_t expected;
  if (size < headerBytes + trailerBytes)
    return fail(self, GRADUS_ERROR_FORMAT, NULL, -1, headerBytes + trailerBytes, (double)size,
                "'%s' has {g} bytes: no checkpoint is so short", path);
  while (file->error == 0 && file->offset < size - trailerBytes) {
    uint64_t const left = size - trailerBytes - file->offset;
    size_t const bytes = left < sizeof(part) ? (size_t)left : sizeof(part);
    int const isStart = file->offset == 0;
    gradus_internal_read(file, part, bytes);
    if (isStart && file->error == 0 && memcmp(part, magic, sizeof(magic)) != 0)
      return fail(self, GRADUS_ERROR_FORMAT, NULL, -1, 0, 0, "'%s' is no Gradus checkpoint", path);
  }
  expected = ~file->crc.value;
  if (gradus_internal_read_u32(file) != expected && file->error == 0)
    return fail(self, GRADUS_ERROR_FORMAT, NULL, -1, 0, 0, "'%s' is damaged: its checksum is wrong", path);
  if (file->error != 0)
    return fail(self, GRADUS_ERROR_IO, NULL, -1, 0, file->error, "cannot read '%s' (errno {g})", path);
  return GRADUS_OK;
}

/* Compares one record of the directory. */
static gradus_status checkRecord(const task *self, gradus_file *file, size_t k, const gradus_named_tensor *named) {
  const gradus_tensor *tensor = &named->tensor;
  uint32_t const length = gradus_internal_read_u32(file);
  uint32_t const dtype = gradus_internal_read_u32(file);
  uint32_t const rank = gradus_internal_read_u32(file);
  uint64_t dims[GRADUS_MAX_RANK];
  char name[maxName];
  const char *rest = named->name;
  uint32_t left;
  int isSame = length == strlen(named->name), isFirst = 1;
  int32_t axis;
  (void)gradus_internal_read_u32(file);
  if (rank > GRADUS_MAX_RANK)
    return fail(self, GRADUS_ERROR_FORMAT, NULL, -1, GRADUS_MAX_RANK, rank, "the file has a tensor of rank {g}", NULL);
  for (axis = 0; axis < (int32_t)rank; ++axis)
    dims[axis] = gradus_internal_read_u64(file);
  name[0] = 0;
  for (left = length; left > 0 && file->error == 0 && isSame + isFirst > 0;) {
    char part[maxName];
    uint32_t const bytes = left < maxName - 1 ? left : maxName - 1;
    gradus_internal_read(file, part, bytes);
    part[bytes] = 0;
    if (isFirst)
      memcpy(name, part, (size_t)bytes + 1);
    isSame = isSame && memcmp(part, rest, bytes) == 0;
    if (isSame)
      rest += bytes;
    left -= bytes;
    isFirst = 0;
  }
  if (!isSame)
    return fail(self, GRADUS_ERROR_FORMAT, named->name, -1, 0, (double)k, "tensor {g} of the file is '%s'", name);
  if (dtype != (uint32_t)tensor->dtype)
    return fail(self, GRADUS_ERROR_DTYPE, named->name, -1, tensor->dtype, dtype, "the file has element type %s",
                gradus_dtype_name((int32_t)dtype));
  if (rank != (uint32_t)tensor->rank)
    return fail(self, GRADUS_ERROR_RANK, named->name, -1, tensor->rank, rank, "rank is {g} in the file, expected {e}", NULL);
  for (axis = 0; axis < tensor->rank; ++axis)
    if (dims[axis] != (uint64_t)tensor->dims[axis])
      return fail(self, GRADUS_ERROR_SHAPE, named->name, axis, (double)tensor->dims[axis], (double)dims[axis],
                  "is {g} in the file, expected {e}", NULL);
  return GRADUS_OK;
}

static void skipPadding(gradus_file *file) {
  unsigned char zeros[alignment];
  gradus_internal_read(file, zeros, (size_t)((alignment - file->offset % alignment) % alignment));
}

/* Compares header and directory; `found` takes the file's numbers. Ends at the first tensor's data. */
static gradus_status checkDirectory(const task *self, const char *path, gradus_file *file, uint64_t size,
                                    const gradus_progress *wanted, const gradus_named_tensor *tensors, size_t n_tensors,
                                    gradus_progress *found) {
  gradus_status status = GRADUS_OK;
  uint64_t count, end;
  uint32_t version;
  char start[sizeof(magic)];
  size_t k;
  gradus_internal_read(file, start, sizeof(start));
  version = gradus_internal_read_u32(file);
  (void)gradus_internal_read_u32(file);
  found->t = gradus_internal_read_u64(file);
  found->seed = gradus_internal_read_u64(file);
  found->schema = gradus_internal_read_u64(file);
  found->extra = gradus_internal_read_u64(file);
  count = gradus_internal_read_u64(file);
  if (version != GRADUS_CHECKPOINT_VERSION)
    return fail(self, GRADUS_ERROR_FORMAT, NULL, -1, GRADUS_CHECKPOINT_VERSION, version,
                "'%s' has layout version {g}, expected {e}", path);
  if (found->schema != wanted->schema)
    return fail(self, GRADUS_ERROR_FORMAT, NULL, -1, 0, 0, "'%s' is of another schema", path);
  if (count != n_tensors)
    return fail(self, GRADUS_ERROR_FORMAT, NULL, -1, (double)n_tensors, (double)count,
                "'%s' has {g} tensors, expected {e}", path);
  for (k = 0; k < n_tensors && status == GRADUS_OK; ++k)
    status = checkRecord(self, file, k, &tensors[k]);
  if (status != GRADUS_OK)
    return status;
  skipPadding(file);
  /* The sizes are the caller's, so that no sum can overflow what exists in memory. */
  end = file->offset;
  for (k = 0; k < n_tensors; ++k)
    end += (tensorBytes(&tensors[k].tensor) + alignment - 1) / alignment * alignment;
  if (file->error != 0 || end + trailerBytes != size)
    return fail(self, GRADUS_ERROR_FORMAT, NULL, -1, (double)(end + trailerBytes), (double)size,
                "'%s' has {g} bytes, expected {e}", path);
  return GRADUS_OK;
}

/* All is known to fit. Only a device that fails now can leave tensors half written, and the code says so. */
static gradus_status readData(const task *self, const char *path, gradus_file *file, const gradus_named_tensor *tensors,
                              size_t n_tensors) {
  uint32_t expected;
  size_t k;
  for (k = 0; k < n_tensors; ++k) {
    if (tensorBytes(&tensors[k].tensor) > 0)
      gradus_internal_read(file, tensors[k].tensor.data, tensorBytes(&tensors[k].tensor));
    skipPadding(file);
  }
  expected = ~file->crc.value;
  if (gradus_internal_read_u32(file) != expected || file->error != 0)
    return fail(self, GRADUS_ERROR_IO, NULL, -1, 0, file->error,
                "'%s' changed or failed while it was read (errno {g}): the tensors are not usable", path);
  return GRADUS_OK;
}

/* What is read into one tensor must not fall into another one. Directories are short, and a load reads a file twice: pairs will do. */
static gradus_status checkApart(const task *self, const gradus_named_tensor *tensors, size_t n_tensors) {
  size_t one, two;
  for (one = 0; one < n_tensors; ++one)
    for (two = 0; two < one; ++two) {
      uintptr_t const a = (uintptr_t)tensors[one].tensor.data, b = (uintptr_t)tensors[two].tensor.data;
      size_t const aBytes = tensorBytes(&tensors[one].tensor), bBytes = tensorBytes(&tensors[two].tensor);
      if (aBytes > 0 && bBytes > 0 && (a < b ? b - a < aBytes : a - b < bBytes))
        return fail(self, GRADUS_ERROR_OVERLAP, tensors[one].name, -1, 0, 0, "it overlaps '%s'", tensors[two].name);
    }
  return GRADUS_OK;
}

static gradus_status loadFrom(const task *self, const char *path, int descriptor, gradus_progress *progress,
                              const gradus_named_tensor *tensors, size_t n_tensors) {
  gradus_progress found;
  gradus_file file;
  gradus_status status;
  struct stat info;
  if (fstat(descriptor, &info) != 0)
    return fail(self, GRADUS_ERROR_IO, NULL, -1, 0, errno, "cannot read '%s' (errno {g})", path);
  if (!S_ISREG(info.st_mode))
    return fail(self, GRADUS_ERROR_IO, NULL, -1, 0, 0, "'%s' is not a regular file", path);
  gradus_internal_file_start(&file, descriptor);
  status = checkSum(self, path, &file, (uint64_t)info.st_size);
  if (status != GRADUS_OK)
    return status;
  if (lseek(descriptor, 0, SEEK_SET) != 0)
    return fail(self, GRADUS_ERROR_IO, NULL, -1, 0, errno, "cannot read '%s' (errno {g})", path);
  gradus_internal_file_start(&file, descriptor);
  status = checkDirectory(self, path, &file, (uint64_t)info.st_size, progress, tensors, n_tensors, &found);
  if (status == GRADUS_OK)
    status = readData(self, path, &file, tensors, n_tensors);
  if (status == GRADUS_OK)
    *progress = found;
  return status;
}

gradus_status gradus_checkpoint_load(const gradus_context *context, const char *path, gradus_progress *progress,
                                     const gradus_named_tensor *tensors, size_t n_tensors) {
  task self;
  gradus_status status;
  int descriptor;
  self.context = context;
  self.name = "gradus_checkpoint_load";
  status = checkArguments(&self, path, progress, tensors, n_tensors);
  if (status == GRADUS_OK)
    status = checkApart(&self, tensors, n_tensors);
  if (status != GRADUS_OK)
    return status;
  descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe without a writer would not be opened */
  if (descriptor < 0)
    return fail(&self, GRADUS_ERROR_IO, NULL, -1, 0, errno, "cannot open '%s' (errno {g})", path);
  status = loadFrom(&self, path, descriptor, progress, tensors, n_tensors);
  (void)close(descriptor);
  return status;
}
