/*===- blocks.c - Numbers in blocks of 8-bit codes -----------------------------------===*
 *
 * For who fills or looks at what a rule keeps so; compiled code has its own. A block is its scale s, a float, and then a byte for each number. A magnitude is
 * v(u) s with u = 2^f m, 1 <= m < 2, and v(u) = 8^(f - 7) (7 m - 6); a code c without a sign has u = (1 + c) / 2, one with a sign in its highest bit
 * u = 1 + the other bits, and 0 is 0. The sign bit of the scale says that the codes have none. Bits are those of compiled code.
 *
 *===----------------------------------------------------------------------------===*/

#include "runtime/internal.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { scaleBytes = sizeof(float), lowestLog = 4, highestLog = 12 };

int64_t gradus_internal_block_size(int32_t dtype) {
  if (dtype < GRADUS_BLOCKS + lowestLog || dtype > GRADUS_BLOCKS + highestLog) /* asked before the difference, which may be beyond 32 bits */
    return 0;
  return INT64_C(1) << (dtype - GRADUS_BLOCKS);
}

size_t gradus_bytes(int32_t dtype, int64_t count) {
  int64_t const size = gradus_internal_block_size(dtype);
  size_t const bytes = (size_t)count * gradus_dtype_size(dtype);
  return size == 0 ? bytes : bytes + (size_t)((count + size - 1) / size) * scaleBytes;
}

/*===- Decoding -------------------------------------------------------------------===*/

static float valueOf(unsigned code, int has_sign) {
  unsigned const magnitude = has_sign ? code & 0x7f : code;
  float u = has_sign ? 1.0f + (float)magnitude : 0.5f * (1.0f + (float)magnitude);
  float power = 1.0f / 2097152.0f; /* 8^(f - 7), from f = 0 on */
  float value;
  if (magnitude == 0)
    return has_sign && code ? -0.0f : 0.0f;
  for (; u >= 2.0f; u *= 0.5f)
    power *= 8.0f;
  value = power * (7.0f * u - 6.0f);
  return has_sign && (code & 0x80) ? -value : value;
}

void gradus_decode(int32_t dtype, int64_t count, const void *blocks, float *numbers) {
  int64_t const size = gradus_internal_block_size(dtype);
  const unsigned char *block = (const unsigned char *)blocks;
  int64_t begin, i;
  for (begin = 0; size > 0 && begin < count; begin += size) {
    int64_t const left = count - begin < size ? count - begin : size;
    float scale;
    int has_sign;
    memcpy(&scale, block, scaleBytes);
    has_sign = !signbit(scale);
    scale = fabsf(scale);
    for (i = 0; i < left; ++i)
      numbers[begin + i] = valueOf(block[scaleBytes + i], has_sign) * scale;
    block += scaleBytes + left;
  }
}

/*===- Encoding -------------------------------------------------------------------===*/

/* The code of a number that is not 0, without its sign. `y` is its part of the largest magnitude. */
static unsigned codeOf(float y, int has_sign) {
  float const seventh = 1.0f / 7.0f;
  float u, shifted;
  float power = has_sign ? 128.0f : 256.0f; /* 2^(d + 7), twice that without a sign */
  unsigned code;
  while (y < 1.0f && power > 0.125f) { /* down to 8^-9 the power matters, below it the code is the least */
    y *= 8.0f;
    power *= 0.5f;
  }
  u = (y + 6.0f) * seventh * power;
  shifted = u - 1.0f;
  if (shifted < 0.5f)
    return 1;
  code = (unsigned)shifted;
  shifted -= (float)code; /* exact */
  if (shifted > 0.5f || (shifted == 0.5f && (code & 1)))
    ++code;
  return code > 0 ? code : 1;
}

static void encodeBlock(const float *numbers, int64_t count, unsigned char *block) {
  float largest = 0.0f, lowest = 0.0f, bound, half_reciprocal;
  int is_finite = 1, has_sign;
  int64_t i;
  for (i = 0; i < count; ++i) {
    is_finite = is_finite && isfinite(numbers[i]);
    largest = fabsf(numbers[i]) > largest ? fabsf(numbers[i]) : largest;
    lowest = numbers[i] < lowest ? numbers[i] : lowest;
  }
  memset(block, 0, scaleBytes + (size_t)count);
  if (!is_finite) {
    uint32_t const not_a_number = UINT32_C(0x7fc00000);
    memcpy(block, &not_a_number, scaleBytes);
    return;
  }
  if (largest > 0.0f && largest < FLT_MIN) /* 2^-126: its reciprocal must be a number */
    largest = FLT_MIN;
  half_reciprocal = largest > 0.0f ? 0.5f / largest : 0.0f;
  bound = largest / 524288.0f; /* 2^-19 */
  has_sign = -lowest > bound;
  if (!has_sign)
    bound = 0.0f;
  for (i = 0; i < count; ++i) {
    float const x = has_sign ? fabsf(numbers[i]) : numbers[i];
    if (x > bound)
      block[scaleBytes + i] = (unsigned char)(codeOf(2.0f * (x * half_reciprocal), has_sign) | (has_sign && numbers[i] < 0.0f ? 0x80u : 0u));
  }
  if (!has_sign && largest > 0.0f)
    largest = -largest;
  memcpy(block, &largest, scaleBytes);
}

void gradus_encode(int32_t dtype, int64_t count, const float *numbers, void *blocks) {
  int64_t const size = gradus_internal_block_size(dtype);
  unsigned char *block = (unsigned char *)blocks;
  int64_t begin;
  for (begin = 0; size > 0 && begin < count; begin += size) {
    int64_t const left = count - begin < size ? count - begin : size;
    encodeBlock(numbers + begin, left, block);
    block += scaleBytes + left;
  }
}
