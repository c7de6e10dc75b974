/* dialect - the venues that the simulator can be, by name; what several of them need. */
#include "tools/venue_sim/dialect.h"

#include <string.h>

static const struct dialect *const dialects[] = {
	&dialect_binance_spot,
	&dialect_binance_usdm,
	&dialect_bybit_spot,
	&dialect_bybit_linear,
	&dialect_kalshi,
	&dialect_polymarket,
};

#define DIALECTS (sizeof(dialects) / sizeof(dialects[0]))

const struct dialect *dialect_find(const char *name)
{
	for (size_t i = 0; i < DIALECTS; i++)
		if (strcmp(dialects[i]->name, name) == 0)
			return dialects[i];
	return NULL;
}

const struct dialect *dialect_at(size_t i)
{
	return i < DIALECTS ? dialects[i] : NULL;
}

struct text dialect_url_param(struct text url, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i + n + 1 < url.len; i++) {
		if ((url.at[i] != '?' && url.at[i] != '&') ||
		    memcmp(url.at + i + 1, name, n) != 0 || url.at[i + 1 + n] != '=')
			continue;
		struct text value = {url.at + i + n + 2, 0};
		while (value.at + value.len < url.at + url.len && value.at[value.len] != '&')
			value.len++;
		return value;
	}
	return (struct text){"", 0};
}
