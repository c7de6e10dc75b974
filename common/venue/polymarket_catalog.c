/* polymarket_catalog - Gamma's markets: asking for them, page by page, and reading their descriptions.
 *
 * Facts: docs.polymarket.com (Gamma's GET /markets) of 2026 and recorded objects. Traps: outcomes, prices and token ids
 * are JSON in strings; index 0 is the first outcome; without "closed" only open markets come; "closed" alone is not
 * resolved: umaResolutionStatus tells; volumes are written with every digit of a double; closedTime is no RFC 3339.
 *
 * A base asset is something that is held: each token is one of its own, named by the first digits of its id, for two
 * markets' outcomes "Yes" are not the same thing.
 */
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/venue/description.h"
#include "common/venue/iso_time.h"
#include "common/venue/polymarket.h"
#include "common/venue/wire.h"

#define NAME(text) text, sizeof(text) - 1
#define TICK "0.01"  /* where Gamma does not say */
#define LOT "0.01"   /* of orders; tokens themselves have six decimals */
#define TICK_SCALE 4 /* ticks go down to 0.0001, and change when a price nears 0 or 1 */
#define LIST_MAX 400 /* bytes of a list in a string: two ids of 78 digits */
#define PAGE_MAX 500

enum member {
	CONDITION,
	QUESTION,
	TOKENS,
	OUTCOMES,
	PRICES,
	TICK_SIZE,
	ORDER_MIN,
	VOLUME,
	VOLUME_NUM,
	BEGINS,
	STARTS,
	ENDS,
	CLOSED_TIME,
	STATUS,
	SCALARS,
	CLOSED = SCALARS,
	ACTIVE,
	ACCEPTING,
	NEG_RISK,
	MEMBERS
};

static const struct {
	const char *name;
	size_t len;
	enum member member;
} names[] = {
	{NAME("conditionId"), CONDITION},
	{NAME("question"), QUESTION},
	{NAME("clobTokenIds"), TOKENS},
	{NAME("outcomes"), OUTCOMES},
	{NAME("outcomePrices"), PRICES},
	{NAME("orderPriceMinTickSize"), TICK_SIZE},
	{NAME("orderMinSize"), ORDER_MIN},
	{NAME("volume"), VOLUME},
	{NAME("volumeNum"), VOLUME_NUM},
	{NAME("eventStartTime"), BEGINS},
	{NAME("startDate"), STARTS},
	{NAME("endDate"), ENDS},
	{NAME("closedTime"), CLOSED_TIME},
	{NAME("umaResolutionStatus"), STATUS},
	{NAME("closed"), CLOSED},
	{NAME("active"), ACTIVE},
	{NAME("acceptingOrders"), ACCEPTING},
	{NAME("negRisk"), NEG_RISK},
};

/* One market as Gamma describes it. */
struct row {
	struct json_str m[SCALARS];
	bool flag[MEMBERS - SCALARS], said[MEMBERS - SCALARS];
	struct venue_listing listing;
};

int polymarket_decimal(struct json_str text, int scale, int64_t *ret_value)
{
	char whole[FIXED_TEXT_MAX];

	if (text.len == 0) /* it was not said */
		return ERR_SYNTAX;
	if (text.len < 2 || text.at[0] != '.' || text.len + 1 > sizeof(whole))
		return wire_decimal(text, scale, ret_value);
	whole[0] = '0';
	memcpy(whole + 1, text.at, text.len);
	return wire_decimal((struct json_str){whole, text.len + 1, false}, scale, ret_value);
}

void polymarket_copy(struct json_str text, char *out, size_t cap)
{
	if (text.len == 0 || text.escaped || text.len >= cap)
		return;
	memcpy(out, text.at, text.len);
	out[text.len] = '\0';
}

static bool flag(const struct row *r, enum member which)
{
	return r->flag[which - SCALARS];
}

static void read_row(struct json *j, struct row *r)
{
	struct json_str key;

	json_object(j);
	while (json_key(j, &key)) {
		size_t i = 0;
		while (i < ARRAY_LEN(names) && (names[i].len != key.len || memcmp(names[i].name, key.at, key.len) != 0))
			i++;
		enum json_kind kind = json_peek(j);
		enum member which = i < ARRAY_LEN(names) ? names[i].member : MEMBERS;
		if (which < SCALARS && (kind == JSON_STRING || kind == JSON_NUMBER))
			json_scalar_text(j, &r->m[which]);
		else if (which >= SCALARS && which < MEMBERS && (kind == JSON_TRUE || kind == JSON_FALSE))
			r->said[which - SCALARS] = json_bool(j, &r->flag[which - SCALARS]);
		else
			json_skip(j);
	}
}

/* The nth text of a list that is written as JSON in a string. */
static int nth_of(struct json_str list, uint32_t nth, char *out, size_t cap)
{
	char whole[LIST_MAX];
	struct json_str item = {"", 0, false};
	struct json j;
	uint32_t i = 0;
	int n = list.len > 0 ? json_unescape(list, whole, sizeof(whole)) : ERR_NOT_FOUND;

	if (n < 0)
		return n;
	json_init(&j, whole, (size_t)n);
	json_array(&j);
	while (json_item(&j)) {
		struct json_str text;
		if (!json_scalar_text(&j, &text))
			break;
		item = i++ == nth ? text : item;
	}
	int rc = json_finish(&j);
	if (rc == 0 && i > VENUE_OUTCOMES_MAX)
		rc = ERR_TOO_LONG;
	if (rc == 0 && i <= nth)
		rc = ERR_NOT_FOUND;
	if (rc == 0)
		wire_text(item, out, cap);
	return rc;
}

static int64_t time_of(struct json_str text)
{
	int64_t ns = 0;

	return text.len > 0 && iso_time(text.at, text.len, &ns) == 0 ? ns : 0;
}

static int read_outcomes(struct row *r)
{
	struct venue_listing *l = &r->listing;
	char pays[40] = "";
	int rc = 0;

	while (l->outcomes < VENUE_OUTCOMES_MAX) {
		struct venue_outcome *o = &l->outcome[l->outcomes];
		rc = nth_of(r->m[TOKENS], l->outcomes, o->raw, sizeof(o->raw));
		if (rc == 0)
			rc = nth_of(r->m[OUTCOMES], l->outcomes, o->name, sizeof(o->name));
		if (rc < 0)
			break;
		if (l->resolved)
			rc = nth_of(r->m[PRICES], l->outcomes, pays, sizeof(pays));
		if (rc == 0 && l->resolved)
			rc = wire_decimal((struct json_str){pays, strlen(pays), false}, VENUE_CASH_SCALE, &o->pays);
		if (rc < 0)
			return rc;
		l->outcomes++;
	}
	return l->outcomes > 0 && rc == ERR_NOT_FOUND ? 0 : rc;
}

/* Resolved is what is closed and said to be so; prices of a market under dispute are no result. */
static int read_listing(struct row *r)
{
	struct venue_listing *l = &r->listing;
	struct json_str volume = r->m[VOLUME].len > 0 ? r->m[VOLUME] : r->m[VOLUME_NUM];

	polymarket_copy(r->m[CONDITION], l->group, sizeof(l->group));
	if (r->m[QUESTION].len > 0)
		wire_text(r->m[QUESTION], l->title, sizeof(l->title));
	l->begins = time_of(r->m[BEGINS].len > 0 ? r->m[BEGINS] : r->m[STARTS]);
	l->ends = time_of(r->m[ENDS]);
	l->resolved = flag(r, CLOSED) && json_str_is(r->m[STATUS], "resolved");
	l->resolved_at = l->resolved ? time_of(r->m[CLOSED_TIME]) : 0;
	l->open = flag(r, ACTIVE) && !flag(r, CLOSED) && (flag(r, ACCEPTING) || !r->said[ACCEPTING - SCALARS]);
	int rc = volume.len > 0 ? wire_decimal_floor(volume, VENUE_CASH_SCALE, &l->volume) : 0;
	if (rc == 0)
		rc = read_outcomes(r);
	return rc == 0 && l->group[0] == '\0' ? ERR_PROTOCOL : rc;
}

/* ---- of markets that we follow ---- */

static void make_seal(const struct row *r, struct venue_seal *s)
{
	*s = (struct venue_seal){0};
	memcpy(s->group, r->listing.group, sizeof(s->group));
	polymarket_copy(r->m[TICK_SIZE], s->tick, sizeof(s->tick));
	polymarket_copy(r->m[ORDER_MIN], s->order_min, sizeof(s->order_min));
	if (r->said[NEG_RISK - SCALARS])
		s->neg_risk = flag(r, NEG_RISK) ? 2 : 1;
}

/* One tick below a dollar; returns the text's length. */
static size_t below_one(struct json_str tick, char out[FIXED_TEXT_MAX])
{
	int64_t value = 0, one = fixed_pow10(9);

	(void)wire_decimal(tick, 9, &value); /* description_deliver will say what is wrong with it */
	return fixed_format_trim(out, FIXED_TEXT_MAX, value < one ? one - value : 0, 9);
}

/* The other token of the pair that makes a complete set. */
static struct json_str sibling_of(const struct row *r, const struct venue_outcome *o)
{
	const struct venue_listing *l = &r->listing;
	if (l->outcomes != 2)
		return (struct json_str){NULL, 0, false};
	const struct venue_outcome *other = o == &l->outcome[0] ? &l->outcome[1] : &l->outcome[0];
	return (struct json_str){other->raw, strlen(other->raw), false};
}

static int give_token(const struct row *r, const struct venue_outcome *o, struct venue_output *out)
{
	static const struct json_str usd = {"USDC", 4, false}, lot = {LOT, sizeof(LOT) - 1, false};
	static const struct json_str usual = {TICK, sizeof(TICK) - 1, false};
	struct json_str tick = r->m[TICK_SIZE].len > 0 ? r->m[TICK_SIZE] : usual;
	char highest[FIXED_TEXT_MAX];
	struct venue_seal seal;
	size_t len = strlen(o->raw), base = len < EVENT_NAME_MAX ? len : EVENT_NAME_MAX - 1;
	struct description d = {
		.symbol = {o->raw, len, false},
		.base = {o->raw, base, false},
		.quote = usd,
		.tick = tick,
		.price_scale_min = TICK_SCALE,
		.price_min = tick,
		.price_max = {highest, below_one(tick, highest), false},
		.step = lot,
		.qty_min = r->m[ORDER_MIN],
		.trading = r->listing.open,
		.complement = sibling_of(r, o),
	};

	make_seal(r, &seal);
	d.seal = &seal;
	return description_deliver(&d, out);
}

static int give_resolution(const struct row *r, uint32_t nth, struct venue_output *out)
{
	const struct venue_outcome *o = &r->listing.outcome[nth], *won = &r->listing.outcome[0];
	const struct venue_market *m = out->find(out->ctx, o->raw, strlen(o->raw));
	struct venue_message msg = {.kind = VENUE_RESOLUTION, .market = m, .time = r->listing.resolved_at};

	if (m == NULL || !r->listing.resolved)
		return 0;
	for (uint32_t i = 1; i < r->listing.outcomes; i++)
		won = r->listing.outcome[i].pays > won->pays ? &r->listing.outcome[i] : won;
	msg.resolution = (struct venue_resolution){.at = r->listing.resolved_at, .outcome = won->name};
	int rc = fixed_rescale(o->pays, VENUE_CASH_SCALE, m->price_scale, &msg.resolution.price);
	if (rc == 0)
		out->message(out->ctx, &msg);
	return rc;
}

static int give_tokens(const struct row *r, struct venue_output *out)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < r->listing.outcomes; i++) {
		rc = give_token(r, &r->listing.outcome[i], out);
		if (rc == 0)
			rc = give_resolution(r, i, out);
	}
	return rc;
}

/* ---- the list ---- */

/* Every row of a page is told of, so that whoever pages knows whether it was full. */
static int read_market(struct json *j, const struct venue_input *in, struct venue_output *out)
{
	struct row r = {0};

	read_row(j, &r);
	int rc = j->err != 0 ? j->err : read_listing(&r);
	if (rc == 0 && in->ask == VENUE_ASK_INSTRUMENTS)
		return give_tokens(&r, out);
	struct venue_message m = {.kind = rc == 0 ? VENUE_LISTING : VENUE_IGNORED, .listing = &r.listing};
	if (in->ask == VENUE_ASK_LISTINGS)
		out->message(out->ctx, &m);
	return rc;
}

/* One bad description does not keep the others back; the first error is returned at the end. */
static int walk(struct json_str list, const struct venue_input *in, struct venue_output *out)
{
	struct json_str text;
	struct json j;
	int first = 0;

	json_init(&j, list.at, list.len);
	json_array(&j);
	while (json_item(&j) && json_raw(&j, &text)) {
		struct json one;
		json_init(&one, text.at, text.len);
		int rc = read_market(&one, in, out);
		first = first == 0 ? rc : first;
	}
	return first;
}

/* The list itself, or {"markets":[…],"next_cursor":…} of the newer endpoint. */
int polymarket_decode_catalog(const struct venue_input *in, struct venue_output *out)
{
	struct json_str list;
	struct json j;
	int rc;

	json_init(&j, in->text, in->len);
	if (json_peek(&j) == JSON_ARRAY) {
		json_raw(&j, &list);
		rc = json_finish(&j);
	} else {
		rc = wire_part(in, "markets", JSON_ARRAY, &list);
	}
	return rc == 0 ? walk(list, in, out) : rc;
}

/* ---- asking ---- */

static int append_time(const char *name, int64_t ns, struct buf *out)
{
	char text[21];

	if (ns <= 0)
		return 0;
	iso_time_text(ns, text);
	return buf_printf(out, "&%s=%s", name, text);
}

static int listings_path(const struct venue_request *r, struct buf *out)
{
	const struct venue_filter none = {{0}, 0, 0, 0}, *f = r->filter != NULL ? r->filter : &none;

	if (r->limit == 0 || r->limit > PAGE_MAX)
		return ERR_ARG;
	for (const char *c = f->tag; *c != '\0'; c++)
		if (*c < '0' || *c > '9')
			return ERR_SYNTAX;
	/* by id: pages do not shift when volumes do */
	int rc = buf_printf(out, "/markets?closed=false&active=true&order=id&ascending=false&limit=%u&offset=%u",
			    r->limit, r->offset);
	if (rc == 0 && f->tag[0] != '\0')
		rc = buf_printf(out, "&tag_id=%s", f->tag);
	if (rc == 0 && f->volume_min > 0) {
		char text[FIXED_TEXT_MAX];
		fixed_format_trim(text, sizeof(text), f->volume_min, VENUE_CASH_SCALE);
		rc = buf_printf(out, "&volume_num_min=%s", text);
	}
	if (rc == 0)
		rc = append_time("end_date_min", f->ends_from, out);
	return rc == 0 ? append_time("end_date_max", f->ends, out) : rc;
}

/* Gamma leaves closed ones out unless they are asked for. */
static int instruments_path(const struct venue_request *r, struct buf *out)
{
	if (r->n == 0 || r->n > POLYMARKET_TOKENS_MAX)
		return ERR_ARG;
	int rc = buf_printf(out, "/markets?limit=%u", r->n);
	for (uint32_t i = 0; rc == 0 && i < r->n; i++)
		rc = buf_printf(out, "&clob_token_ids=%s", r->markets[i]->raw);
	return rc == 0 && r->closed ? buf_printf(out, "&closed=true") : rc;
}

int polymarket_catalog_path(const struct venue_request *r, struct buf *out)
{
	return r->ask == VENUE_ASK_LISTINGS ? listings_path(r, out) : instruments_path(r, out);
}
