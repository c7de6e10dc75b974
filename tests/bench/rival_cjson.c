/* rival_cjson - Binance's frames read by cJSON: the whole tree, then its members by their letters. */
#include <cjson/cJSON.h>

#include "tests/bench/cursor.h"
#include "tests/bench/rival.h"

extern const struct rival rival_cjson;

static uint64_t read_levels(const cJSON *rows)
{
	const cJSON *row;
	uint64_t sum = 0;

	cJSON_ArrayForEach(row, rows)
	{
		int64_t price, qty;
		cursor_fixed(row->child->valuestring, RIVAL_PRICE_SCALE, &price);
		cursor_fixed(row->child->next->valuestring, RIVAL_QTY_SCALE, &qty);
		sum += (uint64_t)price * 3 + (uint64_t)qty;
	}
	return sum;
}

static void read_price(const cJSON *m, struct decoded *d, int64_t *value)
{
	if (cJSON_IsArray(m))
		d->levels += read_levels(m);
	else
		cursor_fixed(m->valuestring, RIVAL_PRICE_SCALE, value);
}

static void read_member(const cJSON *m, struct decoded *d)
{
	switch (m->string[0]) {
	case 'e':
		d->event = m->valuestring[0];
		break;
	case 'E':
		d->time[0] = (uint64_t)m->valuedouble;
		break;
	case 'T':
		d->time[1] = (uint64_t)m->valuedouble;
		break;
	case 'U':
		d->id[0] = (uint64_t)m->valuedouble;
		break;
	case 'u':
	case 't':
		d->id[1] = (uint64_t)m->valuedouble;
		break;
	case 'b':
	case 'p':
		read_price(m, d, &d->value[0]);
		break;
	case 'a':
		read_price(m, d, &d->value[2]);
		break;
	case 'B':
	case 'q':
		cursor_fixed(m->valuestring, RIVAL_QTY_SCALE, &d->value[1]);
		break;
	case 'A':
		cursor_fixed(m->valuestring, RIVAL_QTY_SCALE, &d->value[3]);
		break;
	case 'm':
		d->maker = cJSON_IsTrue(m);
	}
}

static void decode(const char *text, size_t len, struct decoded *ret)
{
	cJSON *root = cJSON_ParseWithLength(text, len);
	const cJSON *m;

	*ret = (struct decoded){.event = 0};
	cJSON_ArrayForEach(m, cJSON_GetObjectItemCaseSensitive(root, "data")) read_member(m, ret);
	cJSON_Delete(root);
}

const struct rival rival_cjson = {"cJSON", 6, decode};
