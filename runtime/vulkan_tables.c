/*===- vulkan_tables.c - The tables of constants that a module carries ---------------===*
 *
 * Compilers of SPIR-V copy a constant array into every thread, which for a table of draws takes them minutes. So a module carries its tables as strings
 * (codegen/gpu/Spirv.h); here they become memory of the device, once, and its address a specialization constant.
 *
 *===----------------------------------------------------------------------------===*/

#define _POSIX_C_SOURCE 200809L

#include "runtime/vulkan_internal.h"

#include <stdlib.h>
#include <string.h>

enum { headerWords = 5, opString = 7 };
static const char prefix[] = "gradus.tables:";

static int digitOf(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The digits of one string: two make a byte. Returns 0 where there is something else, or no end. */
static int readDigits(const char *text, size_t room, unsigned char *bytes, size_t *count) {
  size_t k;
  for (k = 0; k < room && text[k] != '\0'; k += 2) {
    int const high = digitOf(text[k]), low = k + 1 < room ? digitOf(text[k + 1]) : -1;
    if (high < 0 || low < 0)
      return 0;
    bytes[(*count)++] = (unsigned char)(high * 16 + low);
  }
  return k < room;
}

/* All strings of tables, in order. `bytes` has room for half of the module. */
static gradus_status readTables(const uint32_t *words, size_t n_words, unsigned char *bytes, size_t *count, gradus_vk_reason *why) {
  size_t const prefixLength = sizeof(prefix) - 1;
  size_t at;
  for (at = headerWords; at < n_words;) {
    size_t const length = words[at] >> 16;
    const char *text = (const char *)(words + at + 2);
    if (length == 0 || length > n_words - at)
      return gradus_vk_because(why, GRADUS_ERROR_FORMAT, "the image is damaged: an instruction runs past its end");
    if ((words[at] & 0xffff) == opString && length > 2) {
      size_t const room = (length - 2) * sizeof(uint32_t);
      if (room > prefixLength && memcmp(text, prefix, prefixLength) == 0 && !readDigits(text + prefixLength, room - prefixLength, bytes, count))
        return gradus_vk_because(why, GRADUS_ERROR_FORMAT, "the tables of the image are not hexadecimal numbers");
    }
    at += length;
  }
  return GRADUS_OK;
}

gradus_status gradus_vk_load_tables(gradus_vulkan *self, const uint32_t *words, size_t n_words, gradus_address *tables, gradus_vk_reason *why) {
  unsigned char *bytes = (unsigned char *)malloc(n_words * sizeof(uint32_t));
  gradus_status status;
  size_t count = 0;
  *tables = 0;
  if (bytes == NULL)
    return gradus_vk_because(why, GRADUS_ERROR_DEVICE, "host memory has run out");
  status = readTables(words, n_words, bytes, &count, why);
  if (status == GRADUS_OK && count > 0)
    status = gradus_vk_store(self, bytes, count, tables, why);
  free(bytes);
  return status;
}
