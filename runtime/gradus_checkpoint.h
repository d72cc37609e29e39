/*===- gradus_checkpoint.h - Save and restore what a training run depends on ---------===*
 *
 * A file holds named tensors, the step t, the seed and a schema number, all little endian, with checksums. It appears whole
 * or not at all: it is written under a temporary name beside its own, synchronized with the disk and renamed. A load compares
 * every name, type and shape and every checksum before it writes the first byte of a tensor.
 *
 *===----------------------------------------------------------------------------===*/

#ifndef GRADUS_CHECKPOINT_H
#define GRADUS_CHECKPOINT_H

#include "gradus.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Raised whenever the file's layout changes; a file of another version is refused. */
#define GRADUS_CHECKPOINT_VERSION 1

/** A tensor and the name under which it stands in the file. */
typedef struct gradus_named_tensor {
  const char *name;
  gradus_tensor tensor;
} gradus_named_tensor;

/** The numbers of a checkpoint beside its tensors. */
typedef struct gradus_progress {
  uint64_t t;      /**< the last committed step */
  uint64_t seed;   /**< as passed to the calls */
  uint64_t schema; /**< gradus_schema(entry), or any number that says what the tensors mean */
  uint64_t extra;  /**< for the application: an epoch, a position in the data; not compared */
} gradus_progress;

/** Errors go to context->error, with `entry` "gradus_checkpoint_save" and the tensor's name as argument. */
gradus_status gradus_checkpoint_save(const gradus_context *context, const char *path, const gradus_progress *progress,
                                     const gradus_named_tensor *tensors, size_t n_tensors);
/**
 * The tensors must stand in the file with these names, types and shapes, in this order, and `progress->schema` must be the
 * file's; then the rest of `progress` and the tensors are written.
 * GRADUS_ERROR_IO: cannot be read. GRADUS_ERROR_FORMAT: no checkpoint, damaged, or of another schema or other names.
 * GRADUS_ERROR_DTYPE, _RANK, _SHAPE: a tensor differs.
 */
gradus_status gradus_checkpoint_load(const gradus_context *context, const char *path, gradus_progress *progress,
                                     const gradus_named_tensor *tensors, size_t n_tensors);

#ifdef __cplusplus
}
#endif

#endif /* GRADUS_CHECKPOINT_H */
