/* crc - CRC32C (Castagnoli), by the processor's instruction where it has one. */
#ifndef NJ_BASE_CRC_H
#define NJ_BASE_CRC_H

#include <stddef.h>
#include <stdint.h>

/* Continues from crc; start with 0. crc32c(0, "123456789", 9) == 0xE3069283. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);

/* The same without the instruction, for other processors and for the test that compares them. */
uint32_t crc32c_portable(uint32_t crc, const void *bytes, size_t len);

#endif
