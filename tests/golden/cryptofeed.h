/* cryptofeed - recordings of the kind that bmoscon/cryptofeed writes: JSON lines with the raw frames as strings. */
#ifndef NJ_TESTS_CRYPTOFEED_H
#define NJ_TESTS_CRYPTOFEED_H

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/json.h"

/* One line; the texts lie in the caller's. */
struct cryptofeed {
	struct json_str kind, url, conn, addr;
	int64_t at;
	char *data; /* unescaped */
};

static inline int64_t cryptofeed_time(struct json_str text)
{
	/* up to seven decimals of a double: exact enough for an order */
	return (int64_t)(strtod(text.at, NULL) * 1e6) * 1000;
}

/* False where the line holds no data. Free ret->data. */
static inline bool cryptofeed_line(const char *text, struct cryptofeed *ret)
{
	struct json j;
	struct json_str key, data = {0}, ts = {0};
	size_t len = strlen(text);

	*ret = (struct cryptofeed){0};
	json_init(&j, text, len);
	json_object(&j);
	while (json_key(&j, &key)) {
		if (json_str_is(key, "t"))
			json_string(&j, &ret->kind);
		else if (json_str_is(key, "url"))
			json_string(&j, &ret->url);
		else if (json_str_is(key, "conn"))
			json_string(&j, &ret->conn);
		else if (json_str_is(key, "addr"))
			json_string(&j, &ret->addr);
		else if (json_str_is(key, "ts"))
			json_number(&j, &ts);
		else if (json_str_is(key, "data") && json_peek(&j) == JSON_STRING)
			json_string(&j, &data);
		else
			json_skip(&j);
	}
	must(json_finish(&j) == 0);
	if (data.at == NULL)
		return false;
	ret->at = cryptofeed_time(ts);
	ret->data = malloc(data.len + 1);
	must(ret->data != NULL);
	must(json_unescape(data, ret->data, data.len + 1) >= 0);
	return true;
}

#endif
