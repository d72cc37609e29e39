/*===- file.h - Checksummed streams over file descriptors ----------------------------===*
 *
 * Not installed. Nothing is allocated: each stream carries its buffer and the tables of its CRC-32 and lives on the stack.
 *
 *===----------------------------------------------------------------------------===*/

#ifndef GRADUS_FILE_H
#define GRADUS_FILE_H

#include <stddef.h>
#include <stdint.h>

/** CRC-32 (polynomial 0xEDB88320), eight bytes at a time. */
typedef struct gradus_crc {
  uint32_t tables[8][256];
  uint32_t value;
} gradus_crc;

/** A file being read or written. `error` is the first errno, or -1 for an early end; once set, all calls do nothing. */
typedef struct gradus_file {
  int descriptor;
  int error;
  uint64_t offset; /**< bytes handed over so far */
  size_t used;     /**< writing: bytes in the buffer; reading: the next byte of it */
  size_t filled;   /**< reading: bytes in the buffer */
  gradus_crc crc;
  unsigned char buffer[16384];
} gradus_file;

void gradus_internal_crc_start(gradus_crc *crc);
void gradus_internal_crc_add(gradus_crc *crc, const void *data, size_t bytes);

void gradus_internal_file_start(gradus_file *file, int descriptor);
void gradus_internal_write(gradus_file *file, const void *data, size_t bytes);
void gradus_internal_write_u32(gradus_file *file, uint32_t value);
void gradus_internal_write_u64(gradus_file *file, uint64_t value);
/** Hands what is buffered to the system. */
void gradus_internal_flush(gradus_file *file);
/** Reads exactly so many bytes; zeros where that fails. */
void gradus_internal_read(gradus_file *file, void *data, size_t bytes);
uint32_t gradus_internal_read_u32(gradus_file *file);
uint64_t gradus_internal_read_u64(gradus_file *file);

#endif /* GRADUS_FILE_H */
