/* text - what may stand in a `name` or `text` field: UTF-8, cut at a boundary, repaired. */
#include "proto/text.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/utf8.h"
#include "proto/event.h"

void text_repair(uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = utf8_sequence(at + i, len - i);
		if (n == 0) {
			at[i] = '?';
			n = 1;
		}
		i += n;
	}
}

void text_set(char *field, size_t cap, const char *text)
{
	char whole[EVENT_TEXT_MAX + 3]; /* a sequence that crosses the cut is still seen as one */

	must(cap > 0 && cap <= EVENT_TEXT_MAX);
	size_t len = strnlen(text, cap - 1 + 3);
	memcpy(whole, text, len);
	text_repair((uint8_t *)whole, len);
	len = utf8_cut(whole, len, cap - 1);
	memcpy(field, whole, len);
	memset(field + len, 0, cap - len);
}
