/* kalshi_markets - Kalshi's reply to GET /markets: instruments, and what those that ended pay.
 *
 * Facts: docs.kalshi.com "Get Markets" and "Fixed-Point Migration" of 2026, recorded replies.
 *
 * A base asset is something that is held: each market's YES is one of its own, named by the ticker, for the YES of two
 * markets is not the same thing.
 */
#include "common/venue/kalshi_markets.h"

#include <stdio.h>
#include <string.h>

#include "common/base/crc.h"
#include "common/base/err.h"
#include "common/venue/description.h"
#include "common/venue/iso_time.h"
#include "common/venue/wire.h"

#define RANGE_SCALE 9
#define BASE_MARK 9 /* "1a2b3c4d~", in front of a ticker's end; no ticker has a '~' */

struct range {
	struct json_str start, end, step;
};

static void read_range(struct json *j, struct range *r)
{
	struct json_str key;

	*r = (struct range){0};
	json_object(j);
	while (json_key(j, &key))
		if (json_str_is(key, "start"))
			json_scalar_text(j, &r->start);
		else if (json_str_is(key, "end"))
			json_scalar_text(j, &r->end);
		else if (json_str_is(key, "step"))
			json_scalar_text(j, &r->step);
		else
			json_skip(j);
}

static bool same_price(struct json_str a, struct json_str b)
{
	int64_t x, y;
	return wire_decimal(a, RANGE_SCALE, &x) == 0 && wire_decimal(b, RANGE_SCALE, &y) == 0 && x == y;
}

static bool finer(struct json_str a, struct json_str b)
{
	int64_t x, y;
	return b.len == 0 || (wire_decimal(a, RANGE_SCALE, &x) == 0 && wire_decimal(b, RANGE_SCALE, &y) == 0 && x < y);
}

/* Where prices begin and end, if that is not where every contract's do. */
static void bound(struct json_str text, struct json_str usual, struct json_str *ret_limit)
{
	if (text.len > 0 && !same_price(text, usual))
		*ret_limit = text;
}

/* The price ranges, each with its step: one begins where the one before ends (so they do for every
 * price_level_structure of docs.kalshi.com/getting_started/fixed_point_migration). Ranges that do not, or more of them
 * than an instrument tells, make no description. */
static void read_ranges(struct json *j, struct description *d)
{
	static const struct json_str zero = {"0", 1, false}, one = {"1", 1, false};
	struct json_str end = zero;
	struct range r;

	json_array(j);
	while (json_item(j)) {
		read_range(j, &r);
		if (d->ranges == GRID_RANGES_MAX)
			d->unclear = ERR_TOO_LONG;
		if (d->unclear != 0)
			continue;
		if (d->ranges == 0)
			bound(r.start, zero, &d->price_min);
		else if (!same_price(r.start, end))
			d->unclear = ERR_PROTOCOL;
		if (r.step.len == 0)
			d->unclear = ERR_PROTOCOL;
		d->range[d->ranges] = (struct description_range){d->ranges == 0 ? zero : r.start, r.step};
		d->ranges++;
		if (finer(r.step, d->tick))
			d->tick = r.step;
		end = r.end;
	}
	if (d->ranges > 0)
		bound(end, one, &d->price_max);
}

/* The ticker. A name does not hold the longest: of those the end, where event and strike stand, behind the checksum of
 * what is left out. */
static struct json_str base_of(struct json_str ticker, char text[EVENT_NAME_MAX])
{
	const size_t max = EVENT_NAME_MAX - 1;

	if (ticker.len <= max)
		return ticker;
	size_t kept = max - BASE_MARK, cut = ticker.len - kept;
	snprintf(text, EVENT_NAME_MAX, "%08x~", crc32c(0, ticker.at, cut));
	memcpy(text + BASE_MARK, ticker.at + cut, kept);
	return (struct json_str){text, max, false};
}

/* What a market has come to. Closed is not settled: its result is empty, or may still be amended, until it is
 * finalized. Results are yes, no, scalar (with a value) and void, where positions are returned at what they cost
 * (docs.kalshi.com, "Market Lifecycle", "Get Market", "Get Settlements"; recorded events). Of anything else nobody can
 * tell what it pays. */
struct settled {
	struct json_str status, result, value, at;
};

static int64_t time_of(struct json_str text)
{
	int64_t ns = 0;
	return text.len > 0 && iso_time(text.at, text.len, &ns) == 0 ? ns : 0;
}

static int deliver_result(const struct description *d, const struct settled *s, struct venue_output *out)
{
	const struct venue_market *m = d->symbol.len > 0 ? out->find(out->ctx, d->symbol.at, d->symbol.len) : NULL;
	struct venue_message msg = {.kind = VENUE_RESOLUTION, .market = m};
	static const struct json_str one = {"1", 1, false}, zero = {"0", 1, false};
	char outcome[EVENT_NAME_MAX];

	if (m == NULL || !json_str_is(s->status, "finalized"))
		return 0;
	bool yes = json_str_is(s->result, "yes"), no = json_str_is(s->result, "no");
	struct json_str pays = s->value.len > 0 ? s->value : yes ? one : zero;
	bool called_off = json_str_is(s->result, "void");
	bool untold = !called_off && s->value.len == 0 && !yes && !no;
	wire_text(s->result, outcome, sizeof(outcome));
	msg.resolution = (struct venue_resolution){.at = time_of(s->at), .outcome = outcome};
	msg.time = msg.resolution.at;
	msg.resolution.price = called_off ? VENUE_CALLED_OFF : VENUE_UNTOLD;
	int rc = called_off || untold ? 0 : wire_decimal(pays, m->price_scale, &msg.resolution.price);
	if (rc == 0)
		out->message(out->ctx, &msg);
	return rc;
}

static void read_market(struct json *j, struct description *d, struct settled *s)
{
	static const struct json_str quote = {"USD", 3, false}, lot = {"0.01", 4, false};
	struct json_str key;

	*s = (struct settled){0};
	*d = (struct description){.quote = quote, .step = lot};
	json_object(j);
	while (json_key(j, &key)) {
		enum json_kind kind = json_peek(j);
		if (json_str_is(key, "ticker") && kind == JSON_STRING)
			json_string(j, &d->symbol);
		else if (json_str_is(key, "status") && kind == JSON_STRING)
			json_string(j, &s->status);
		else if (json_str_is(key, "result") && kind == JSON_STRING)
			json_string(j, &s->result);
		else if (json_str_is(key, "settlement_value_dollars") && kind == JSON_STRING)
			json_string(j, &s->value);
		else if (json_str_is(key, "settlement_ts") && kind == JSON_STRING)
			json_string(j, &s->at);
		else if (json_str_is(key, "price_ranges") && kind == JSON_ARRAY)
			read_ranges(j, d);
		else
			json_skip(j);
	}
	if (d->tick.len == 0)
		d->tick = lot; /* linear_cent, the usual structure */
	d->trading = json_str_is(s->status, "active");
}

/* One bad description does not keep the others back; the first error is returned at the end. */
int kalshi_decode_markets(const struct venue_input *in, struct venue_output *out)
{
	struct json_str list;
	struct json j;
	int first = 0, rc = wire_part(in, "markets", JSON_ARRAY, &list);

	if (rc < 0)
		return rc;
	json_init(&j, list.at, list.len);
	json_array(&j);
	while (json_item(&j)) {
		struct description d;
		struct settled s;
		char base[EVENT_NAME_MAX];
		read_market(&j, &d, &s);
		d.base = base_of(d.symbol, base);
		rc = j.err != 0 ? j.err : description_deliver(&d, out);
		first = first == 0 ? rc : first;
		rc = j.err != 0 ? j.err : deliver_result(&d, &s, out);
		first = first == 0 ? rc : first;
	}
	return first != 0 ? first : json_finish(&j);
}
