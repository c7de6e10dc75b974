/* printed - files in the tree that the program prints: read, compared, written on --update. */
#ifndef NJ_TESTS_PROTO_PRINTED_H
#define NJ_TESTS_PROTO_PRINTED_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/buf.h"

#define PRINTED_MAX (4u << 20)

/* The path of a file of the source tree; without NJ_SOURCE the test is skipped. */
static inline const char *printed_path(const char *name, char path[1024])
{
	const char *source = getenv("NJ_SOURCE");

	if (source == NULL)
		return NULL;
	snprintf(path, 1024, "%s/%s", source, name);
	return path;
}

/* Appends the file and a NUL; false where it cannot be read. */
static inline bool printed_read(const char *path, struct buf *out)
{
	char chunk[4096];
	size_t n;
	FILE *file = fopen(path, "rb");

	if (file == NULL)
		return false;
	while ((n = fread(chunk, 1, sizeof chunk, file)) > 0)
		assert_int_equal(buf_append(out, chunk, n), 0);
	fclose(file);
	return buf_byte(out, '\0') == 0;
}

static inline void printed_write(const char *path, const struct buf *text)
{
	FILE *file = fopen(path, "wb");

	if (file == NULL) {
		perror(path);
		exit(1);
	}
	fwrite(text->at, 1, text->len, file);
	if (fclose(file) != 0) {
		perror(path);
		exit(1);
	}
	printf("written: %s\n", path);
}

static inline bool printed_is_update(int argc, char **argv)
{
	return argc > 1 && strcmp(argv[1], "--update") == 0;
}

#endif
