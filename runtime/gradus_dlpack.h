/*===- gradus_dlpack.h - To and from DLPack's DLTensor -----------------------------===*
 *
 * The structs below have the layout of DLTensor in DLPack 0.2 to 1.x, under names of our own, so that no header of DLPack is
 * needed and none is in the way: cast the pointer, `(const gradus_dltensor *)&managed->dl_tensor`. No data is copied.
 *
 *===----------------------------------------------------------------------------===*/

#ifndef GRADUS_DLPACK_H
#define GRADUS_DLPACK_H

#include "gradus.h"

#ifdef __cplusplus
extern "C" {
#endif

/** DLDevice. */
typedef struct gradus_dldevice {
  int32_t device_type;
  int32_t device_id;
} gradus_dldevice;

/** DLDataType: code 0 int, 1 unsigned, 2 float, 4 bfloat, 6 bool. */
typedef struct gradus_dldtype {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
} gradus_dldtype;

/** DLTensor. */
typedef struct gradus_dltensor {
  void *data;
  gradus_dldevice device;
  int32_t ndim;
  gradus_dldtype dtype;
  int64_t *shape;
  int64_t *strides; /**< in elements; null for row-major contiguous */
  uint64_t byte_offset;
} gradus_dltensor;

/**
 * Views a DLTensor. The sizes and strides stay where they are and must outlive `to`.
 * GRADUS_ERROR_DTYPE: an element type Gradus has not. GRADUS_ERROR_RANK: too many axes. GRADUS_ERROR_NULL.
 * `to` is written only on success. The device is taken as it is; the call refuses what it cannot use.
 */
gradus_status gradus_from_dlpack(const gradus_dltensor *from, gradus_tensor *to);
/** Views a Gradus tensor as DLTensor; the consumer must not write the sizes. Errors as above. */
gradus_status gradus_to_dlpack(const gradus_tensor *from, gradus_dltensor *to);

#ifdef __cplusplus
}
#endif

#endif /* GRADUS_DLPACK_H */
