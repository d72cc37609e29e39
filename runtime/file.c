/*===- file.c - Checksummed streams over file descriptors ----------------------------===*/

#define _POSIX_C_SOURCE 200809L

#include "runtime/file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void gradus_internal_crc_start(gradus_crc *crc) {
  uint32_t k;
  int bit, slice;
  for (k = 0; k < 256; ++k) {
    uint32_t value = k;
    for (bit = 0; bit < 8; ++bit)
      value = (value & 1u) != 0 ? (value >> 1) ^ UINT32_C(0xEDB88320) : value >> 1;
    crc->tables[0][k] = value;
  }
  for (slice = 1; slice < 8; ++slice)
    for (k = 0; k < 256; ++k)
      crc->tables[slice][k] = (crc->tables[slice - 1][k] >> 8) ^ crc->tables[0][crc->tables[slice - 1][k] & 255u];
  crc->value = UINT32_C(0xFFFFFFFF);
}

void gradus_internal_crc_add(gradus_crc *crc, const void *data, size_t bytes) {
  const unsigned char *p = (const unsigned char *)data;
  uint32_t value = crc->value;
  for (; bytes >= 8; bytes -= 8, p += 8)
    value = crc->tables[7][(value ^ p[0]) & 255u] ^ crc->tables[6][((value >> 8) ^ p[1]) & 255u] ^
            crc->tables[5][((value >> 16) ^ p[2]) & 255u] ^ crc->tables[4][((value >> 24) ^ p[3]) & 255u] ^
            crc->tables[3][p[4]] ^ crc->tables[2][p[5]] ^ crc->tables[1][p[6]] ^ crc->tables[0][p[7]];
  for (; bytes > 0; --bytes, ++p)
    value = (value >> 8) ^ crc->tables[0][(value ^ p[0]) & 255u];
  crc->value = value;
}

void gradus_internal_file_start(gradus_file *file, int descriptor) {
  file->descriptor = descriptor;
  file->error = 0;
  file->offset = 0;
  file->used = 0;
  file->filled = 0;
  gradus_internal_crc_start(&file->crc);
}

/* The system may take less than it is given, or be interrupted. */
static void writeAll(gradus_file *file, const unsigned char *data, size_t bytes) {
  while (bytes > 0 && file->error == 0) {
    ssize_t const taken = write(file->descriptor, data, bytes);
    if (taken >= 0) {
      data += taken;
      bytes -= (size_t)taken;
    } else if (errno != EINTR) {
      file->error = errno;
    }
  }
}

void gradus_internal_flush(gradus_file *file) {
  writeAll(file, file->buffer, file->used);
  file->used = 0;
}

void gradus_internal_write(gradus_file *file, const void *data, size_t bytes) {
  if (file->error != 0 || bytes == 0)
    return;
  gradus_internal_crc_add(&file->crc, data, bytes);
  file->offset += bytes;
  if (bytes > sizeof(file->buffer) - file->used)
    gradus_internal_flush(file);
  if (bytes > sizeof(file->buffer)) {
    writeAll(file, (const unsigned char *)data, bytes);
    return;
  }
  memcpy(file->buffer + file->used, data, bytes);
  file->used += bytes;
}

void gradus_internal_write_u32(gradus_file *file, uint32_t value) {
  unsigned char bytes[4];
  int k;
  for (k = 0; k < 4; ++k)
    bytes[k] = (unsigned char)(value >> (8 * k));
  gradus_internal_write(file, bytes, sizeof(bytes));
}

void gradus_internal_write_u64(gradus_file *file, uint64_t value) {
  gradus_internal_write_u32(file, (uint32_t)value);
  gradus_internal_write_u32(file, (uint32_t)(value >> 32));
}

/* At least one byte, or an error. */
static size_t readSome(gradus_file *file, unsigned char *data, size_t bytes) {
  for (;;) {
    ssize_t const got = read(file->descriptor, data, bytes);
    if (got > 0)
      return (size_t)got;
    if (got == 0) {
      file->error = -1;
      return 0;
    }
    if (errno != EINTR) {
      file->error = errno;
      return 0;
    }
  }
}

void gradus_internal_read(gradus_file *file, void *data, size_t bytes) {
  unsigned char *target = (unsigned char *)data;
  size_t left = bytes;
  while (left > 0 && file->error == 0) {
    size_t part = file->filled - file->used;
    if (part == 0 && left >= sizeof(file->buffer)) {
      part = readSome(file, target, left);
    } else if (part == 0) {
      file->used = 0;
      file->filled = readSome(file, file->buffer, sizeof(file->buffer));
      continue;
    } else {
      part = part < left ? part : left;
      memcpy(target, file->buffer + file->used, part);
      file->used += part;
    }
    gradus_internal_crc_add(&file->crc, target, part);
    target += part;
    left -= part;
  }
  if (left > 0)
    memset(target, 0, left);
  file->offset += bytes - left;
}

uint32_t gradus_internal_read_u32(gradus_file *file) {
  unsigned char bytes[4];
  gradus_internal_read(file, bytes, sizeof(bytes));
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

uint64_t gradus_internal_read_u64(gradus_file *file) {
  uint64_t const low = gradus_internal_read_u32(file);
  return low | (uint64_t)gradus_internal_read_u32(file) << 32;
}
