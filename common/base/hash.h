/* hash - a quick hash of short text for tables in memory; never stored, never sent, no secret. */
#ifndef NJ_BASE_HASH_H
#define NJ_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The last step of splitmix64 (Steele, Lea, Flood 2014): every bit reaches every other. */
static inline uint64_t hash_mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static inline uint64_t hash_bytes(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint64_t h = len * 0x9e3779b97f4a7c15u, word;

	for (; len >= sizeof(word); at += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		h = hash_mix(h ^ word);
	}
	word = 0;
	if (len > 0)
		memcpy(&word, at, len);
	return hash_mix(h ^ word);
}

#endif
