/* le - little-endian integers in files, whatever the machine. */
#ifndef NJ_IO_LE_H
#define NJ_IO_LE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t le_get32(const uint8_t *at)
{
	uint32_t v;
	memcpy(&v, at, sizeof(v));
	return le32toh(v);
}

static inline uint64_t le_get64(const uint8_t *at)
{
	uint64_t v;
	memcpy(&v, at, sizeof(v));
	return le64toh(v);
}

static inline void le_put32(uint8_t *at, uint32_t v)
{
	v = htole32(v);
	memcpy(at, &v, sizeof(v));
}

static inline void le_put64(uint8_t *at, uint64_t v)
{
	v = htole64(v);
	memcpy(at, &v, sizeof(v));
}

#endif
