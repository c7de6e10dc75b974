/* rival_simdjson - Binance's frames read by simdjson's ondemand reader, keys and texts raw: what it is fastest at. */
#include <simdjson.h>

extern "C" {
#include "tests/bench/cursor.h"
#include "tests/bench/rival.h"
}

using namespace simdjson;

static_assert(SIMDJSON_PADDING <= RIVAL_ROOM, "frames have room for it");

static int64_t fixed(ondemand::value v, int scale)
{
	int64_t n;

	cursor_fixed(v.get_raw_json_string().value().raw(), scale, &n);
	return n;
}

static uint64_t read_levels(ondemand::array rows)
{
	uint64_t sum = 0;

	for (auto row : rows) {
		int i = 0;
		for (auto text : row.get_array()) {
			uint64_t n = (uint64_t)fixed(text.value(), i == 0 ? RIVAL_PRICE_SCALE : RIVAL_QTY_SCALE);
			sum += i++ == 0 ? n * 3 : n;
		}
	}
	return sum;
}

static void read_price(ondemand::value v, struct decoded *d, int64_t *value)
{
	if (v.type() == ondemand::json_type::array)
		d->levels += read_levels(v.get_array());
	else
		*value = fixed(v, RIVAL_PRICE_SCALE);
}

static void read_member(char letter, ondemand::value v, struct decoded *d)
{
	switch (letter) {
	case 'e':
		d->event = v.get_raw_json_string().value().raw()[0];
		break;
	case 'E':
		d->time[0] = v.get_uint64();
		break;
	case 'T':
		d->time[1] = v.get_uint64();
		break;
	case 'U':
		d->id[0] = v.get_uint64();
		break;
	case 'u':
	case 't':
		d->id[1] = v.get_uint64();
		break;
	case 'b':
	case 'p':
		read_price(v, d, &d->value[0]);
		break;
	case 'a':
		read_price(v, d, &d->value[2]);
		break;
	case 'B':
	case 'q':
		d->value[1] = fixed(v, RIVAL_QTY_SCALE);
		break;
	case 'A':
		d->value[3] = fixed(v, RIVAL_QTY_SCALE);
		break;
	case 'm':
		d->maker = v.get_bool();
	}
}

static void decode(const char *text, size_t len, struct decoded *ret)
{
	static ondemand::parser parser;
	auto doc = parser.iterate(padded_string_view(text, len, len + RIVAL_ROOM));

	*ret = decoded();
	for (auto field : doc["data"].get_object())
		read_member(field.key().value().raw()[0], field.value(), ret);
}

extern "C" const struct rival rival_simdjson;
extern "C" const struct rival rival_simdjson = {"simdjson", 1.5, decode};
