/*===- types.c - Element types, status words and sizes ------------------------------===*/

#include "runtime/internal.h"

size_t gradus_dtype_size(int32_t dtype) {
  size_t const size = gradus_internal_plain_size(dtype);
  return size != 0 ? size : gradus_internal_block_size(dtype) > 0;
}

const char *gradus_dtype_name(int32_t dtype) {
  static const char *const blocks[] = {"u8 blocks(16)",  "u8 blocks(32)",   "u8 blocks(64)",   "u8 blocks(128)", "u8 blocks(256)",
                                       "u8 blocks(512)", "u8 blocks(1024)", "u8 blocks(2048)", "u8 blocks(4096)"};
  switch (dtype) {
  case GRADUS_F16:
    return "f16";
  case GRADUS_BF16:
    return "bf16";
  case GRADUS_F32:
    return "f32";
  case GRADUS_F64:
    return "f64";
  case GRADUS_I32:
    return "i32";
  case GRADUS_I64:
    return "i64";
  case GRADUS_BOOL:
    return "bool";
  default:
    return gradus_internal_block_size(dtype) > 0 ? blocks[dtype - GRADUS_BLOCKS - 4] : "unknown";
  }
}

const char *gradus_status_name(int32_t status) {
  static const char *const names[] = {"ok",       "null",      "dtype",   "rank",  "shape",    "stride",
                                      "alignment", "device",   "overlap", "interval", "workspace", "index",
                                      "version",  "step",      "overflow", "io",    "format",  "workers", "nonfinite"};
  if (status < 0 || status >= (int32_t)(sizeof(names) / sizeof(names[0])))
    return "unknown";
  return names[status];
}

int64_t gradus_numel(const gradus_tensor *tensor) { return gradus_internal_numel(tensor); }

int gradus_internal_extent(const gradus_tensor *tensor, int64_t *elements, size_t *bytes) {
  int64_t const limit = (int64_t)(PTRDIFF_MAX / (ptrdiff_t)8);
  int64_t product = 1; /* of the sizes that are not 0 */
  int empty = 0;
  int32_t axis;
  for (axis = 0; axis < tensor->rank; ++axis) {
    int64_t const size = tensor->dims[axis];
    if (size < 0)
      return 0;
    if (size == 0)
      empty = 1;
    else if ((product | size) >> 31 == 0)
      product *= size; /* the common case, without a division */
    else if (!empty && product > limit / size)
      return 0;
    else if (!empty)
      product *= size;
  }
  if (!empty && product > limit)
    return 0;
  *elements = empty ? 0 : product;
  *bytes = gradus_internal_bytes(tensor->dtype, *elements);
  return 1;
}

static uint64_t hashBytes(uint64_t hash, const unsigned char *bytes, size_t count) {
  size_t k;
  for (k = 0; k < count; ++k)
    hash = (hash ^ bytes[k]) * UINT64_C(1099511628211); /* FNV-1a */
  return hash;
}

static uint64_t hashNumber(uint64_t hash, uint64_t value) {
  unsigned char bytes[8];
  int k;
  for (k = 0; k < 8; ++k)
    bytes[k] = (unsigned char)(value >> (8 * k));
  return hashBytes(hash, bytes, sizeof(bytes));
}

static uint64_t hashName(uint64_t hash, const char *name) {
  size_t length = 0;
  while (name[length] != 0)
    ++length;
  return hashBytes(hashNumber(hash, length), (const unsigned char *)name, length);
}

uint64_t gradus_schema(const gradus_entry *entry) {
  uint64_t hash = UINT64_C(14695981039346656037);
  int32_t k, axis;
  for (k = 0; k < entry->n_arguments; ++k) {
    const gradus_argument *argument = &entry->arguments[k];
    int32_t const n_dims = argument->rank < 0 ? 1 : argument->rank;
    if (argument->role != GRADUS_PARAM && argument->role != GRADUS_STATE)
      continue;
    hash = hashName(hash, argument->name);
    hash = hashNumber(hash, (uint64_t)argument->role);
    hash = hashNumber(hash, (uint64_t)argument->dtype);
    hash = hashNumber(hash, (uint64_t)(int64_t)argument->rank);
    for (axis = 0; axis < n_dims; ++axis) {
      if (argument->dims[axis] < 0)
        hash = hashNumber(hash, (uint64_t)(int64_t)argument->dims[axis]);
      else
        hash = hashName(hash, entry->symbols[argument->dims[axis]]);
    }
  }
  return hash;
}
