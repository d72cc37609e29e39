/*===- dlpack.c - To and from DLPack's DLTensor --------------------------------------===*/

#include "runtime/gradus_dlpack.h"

enum { codeInt = 0, codeUnsigned = 1, codeFloat = 2, codeBfloat = 4, codeBool = 6 };

/* One row an element type. */
typedef struct dtypeRow {
  int32_t dtype;
  uint8_t code, bits;
} dtypeRow;

/* Before DLPack 1.0 a bool was an unsigned byte; the last row is read, never written. */
static const dtypeRow rows[] = {
    {GRADUS_F16, codeFloat, 16}, {GRADUS_BF16, codeBfloat, 16}, {GRADUS_F32, codeFloat, 32}, {GRADUS_F64, codeFloat, 64},
    {GRADUS_I32, codeInt, 32},   {GRADUS_I64, codeInt, 64},     {GRADUS_BOOL, codeBool, 8},  {GRADUS_BOOL, codeUnsigned, 8},
};
enum { rowCount = sizeof(rows) / sizeof(rows[0]) };

gradus_status gradus_from_dlpack(const gradus_dltensor *from, gradus_tensor *to) {
  int k;
  if (from == NULL || to == NULL || (from->ndim > 0 && from->shape == NULL))
    return GRADUS_ERROR_NULL;
  if (from->ndim < 0 || from->ndim > GRADUS_MAX_RANK)
    return GRADUS_ERROR_RANK;
  for (k = 0; k < rowCount; ++k)
    if (from->dtype.lanes == 1 && from->dtype.code == rows[k].code && from->dtype.bits == rows[k].bits)
      break;
  if (k == rowCount)
    return GRADUS_ERROR_DTYPE;
  to->data = from->data == NULL ? NULL : (void *)((char *)from->data + from->byte_offset);
  to->dims = from->shape;
  to->strides = from->strides;
  to->rank = from->ndim;
  to->dtype = rows[k].dtype;
  to->device_type = from->device.device_type;
  to->device_id = from->device.device_id;
  return GRADUS_OK;
}

/* DLTensor has no const; the consumer's promise not to write is in the contract. */
static int64_t *withoutConst(const int64_t *pointer) {
  union {
    const int64_t *in;
    int64_t *out;
  } cast;
  cast.in = pointer;
  return cast.out;
}

gradus_status gradus_to_dlpack(const gradus_tensor *from, gradus_dltensor *to) {
  int k;
  if (from == NULL || to == NULL || (from->rank > 0 && from->dims == NULL))
    return GRADUS_ERROR_NULL;
  if (from->rank < 0 || from->rank > GRADUS_MAX_RANK)
    return GRADUS_ERROR_RANK;
  for (k = 0; k < rowCount; ++k)
    if (from->dtype == rows[k].dtype)
      break;
  if (k == rowCount)
    return GRADUS_ERROR_DTYPE;
  to->data = from->data;
  to->device.device_type = from->device_type;
  to->device.device_id = from->device_id;
  to->ndim = from->rank;
  to->dtype.code = rows[k].code;
  to->dtype.bits = rows[k].bits;
  to->dtype.lanes = 1;
  to->shape = withoutConst(from->dims);
  to->strides = withoutConst(from->strides);
  to->byte_offset = 0;
  return GRADUS_OK;
}
