/* cache_keys - the rows of cache_keys.def as a table, and the page that is printed from it. */
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/cache.h"

#define CACHE_KEY(name, kind, pattern, ttl_ms, cap, bytes_max, owner, reader, doc) \
	_Static_assert((ttl_ms) > 0, "every key has a TTL: " #name); \
	_Static_assert(CACHE_##kind != CACHE_LIST || (cap) > 0, "every list has a cap: " #name); \
	_Static_assert(CACHE_##kind == CACHE_COUNTER || (bytes_max) > 0, "bounded: " #name);
#include "common/io/cache_keys.def"
#undef CACHE_KEY

static const struct cache_row rows[CACHE_KEYS] = {
#define CACHE_KEY(name, kind, pattern, ttl_ms, cap, bytes_max, owner, reader, doc) \
	{#name, pattern, CACHE_##kind, ttl_ms, cap, bytes_max, owner, reader, doc},
#include "common/io/cache_keys.def"
#undef CACHE_KEY
};

const struct cache_row *cache_row(enum cache_key key)
{
	must(key < CACHE_KEYS);
	return &rows[key];
}

const char *cache_type(const struct cache_row *row)
{
	return row->kind == CACHE_LIST ? "list" : "string";
}

const struct cache_row *cache_row_of(const char *key, const char *prefix)
{
	size_t n = strlen(prefix ? prefix : "nj");

	if (strncmp(key, prefix ? prefix : "nj", n) != 0 || key[n] != ':')
		return NULL;
	for (size_t i = 0; i < CACHE_KEYS; i++) {
		size_t name = strcspn(rows[i].pattern, "{");
		if (strncmp(key + n + 1, rows[i].pattern, name) == 0)
			return &rows[i];
	}
	return NULL;
}

static int print_type(const struct cache_row *r, struct buf *out)
{
	switch (r->kind) {
	case CACHE_LIST:
		return buf_printf(out, "list, newest %u", (unsigned)r->cap);
	case CACHE_COUNTER:
		return buf_printf(out, "counter");
	case CACHE_CLAIM:
		return buf_printf(out, "claim");
	case CACHE_VALUE:
		break;
	}
	return buf_printf(out, "string");
}

static int print_row(const struct cache_row *r, struct buf *out)
{
	int rc = buf_printf(out, "| `%s` | ", r->pattern);

	if (!rc)
		rc = print_type(r, out);
	if (!rc)
		rc = buf_printf(out, " | %lld s | %s | %s | %s |\n", (long long)r->ttl_ms / 1000,
				r->owner,
				r->reader, r->doc);
	return rc;
}

int cache_docs(struct buf *out)
{
	int rc = buf_printf(out, "# Keys in Redis\n\nPrinted by the programs from cache_keys.def. "
				 "Every key begins "
				 "with a prefix (`nj:`) and has a TTL; none of them is anybody's "
				 "truth.\n\n"
				 "| key | type | TTL | written by | read by | what |\n"
				 "|---|---|---|---|---|---|\n");

	for (size_t i = 0; !rc && i < CACHE_KEYS; i++)
		rc = print_row(&rows[i], out);
	return rc;
}
