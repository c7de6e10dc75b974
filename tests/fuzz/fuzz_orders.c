/* fuzz_orders - a venue's words about our orders through the translator, and orders of any kind into its parameters.
 *
 * Input: lines. The first letter says what a line is: a digit the reply to that question (enum venue_orders_ask), with
 * a second letter for its status; U a text of the user's stream; O the bytes of an order to be placed. Whatever comes:
 * a reply has at least one row, an event that cannot be read none; what nobody can read, and what came without an
 * answer or with a 5xx, is never a refusal; numbers fit their scales; nothing but plain characters is asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/venue/venue_orders.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define V (&venue_orders_binance_spot)

struct seen {
	uint32_t rows, unknown, ended;
	uint64_t sum; /* of what they say */
};

static void note(struct seen *s, uint64_t value)
{
	s->sum = (s->sum ^ value) * 1099511628211u;
}

static void check_text(const char *text, size_t cap, bool named)
{
	const char *end = memchr(text, 0, cap);

	must(end != NULL && (!named || end > text));
	for (; named && *text != '\0'; text++)
		must((unsigned char)*text > ' ' && *text != 0x7f);
}

static void check_amounts(const struct venue_orders_row *r)
{
	must(r->price_scale <= FIXED_SCALE_MAX && r->trigger_scale <= FIXED_SCALE_MAX);
	must(r->qty_scale <= FIXED_SCALE_MAX && r->filled_scale <= FIXED_SCALE_MAX);
	must(r->spent_scale <= FIXED_SCALE_MAX && r->fee_scale <= FIXED_SCALE_MAX);
	must(r->price >= 0 && r->trigger >= 0 && r->qty >= 0 && r->filled >= -1 && r->spent >= -1);
	must(r->kind != VENUE_ORDERS_FILL || (r->price > 0 && r->qty > 0 && (r->fee == 0 || r->fee_asset[0] != '\0')));
}

static void on_row(void *ctx, const struct venue_orders_row *r)
{
	struct seen *s = ctx;
	bool order = r->kind == VENUE_ORDERS_ORDER || r->kind == VENUE_ORDERS_FILL;

	must(!s->ended); /* nothing behind the last one */
	s->rows++;
	s->unknown += r->kind == VENUE_ORDERS_UNKNOWN;
	s->ended = r->kind == VENUE_ORDERS_NO_MORE || r->kind == VENUE_ORDERS_MORE;
	must(r->kind > VENUE_ORDERS_NOTHING && r->kind <= VENUE_ORDERS_MORE);
	must(r->refusal == VENUE_ORDERS_REFUSED_ORDER || r->kind == VENUE_ORDERS_REFUSED);
	must(r->status <= order_status_triggered && r->type <= order_type_trailing_stop && r->tif <= tif_gtd);
	check_text(r->symbol, sizeof(r->symbol), order);
	check_text(r->client_id, sizeof(r->client_id), r->kind == VENUE_ORDERS_ORDER);
	check_text(r->fee_asset, sizeof(r->fee_asset), false);
	check_text(r->words, sizeof(r->words), false);
	check_amounts(r);
	note(s, r->kind);
	note(s, r->venue_id ^ r->trade_id);
	note(s, (uint64_t)(r->price ^ r->qty ^ r->filled ^ r->fee ^ r->code ^ r->time));
}

static int one(int ask, int status, struct json_str text, struct seen *ret)
{
	*ret = (struct seen){0};
	return ask < 0 ? V->event(text, on_row, ret) : V->reply((enum venue_orders_ask)ask, status, text, on_row, ret);
}

/* A copy that ends where its memory ends; twice, as it remembers nothing. */
static void tell(int ask, int status, const char *text, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);
	struct seen first, again;

	must(copy != NULL);
	memcpy(copy, text, len);
	int rc = one(ask, status, (struct json_str){copy, len, false}, &first);
	must(one(ask, status, (struct json_str){copy, len, false}, &again) == rc);
	must(first.rows == again.rows && first.sum == again.sum);
	must(ask >= 0 ? first.rows > 0 : rc == 0 || first.rows == 0);
	must(ask < 0 || rc == 0 || (first.rows == 1 && first.unknown == 1));
	must(ask < 0 || (status != 0 && status < 500) || first.unknown == 1);
	free(copy);
}

static int64_t number(uint8_t byte)
{
	return byte < 200 ? byte : (int64_t)(byte - 228) * ((int64_t)1 << (byte & 31));
}

static void place(const uint8_t *b, size_t len)
{
	struct venue_order o = {.symbol = "BTCUSDT", .client_id = "a"};
	struct venue_orders_call call;
	const char *why = NULL;
	struct buf out;

	if (len < 16)
		return;
	o.side = b[0] % 4, o.type = b[1] % 10, o.tif = b[2] % 6, o.trigger_by = b[3] % 4;
	o.post_only = b[4] & 1;
	o.price_scale = b[5] % 20, o.qty_scale = b[6] % 20, o.cash_scale = b[7] % 20;
	o.price = number(b[8]), o.qty = number(b[9]), o.trigger = number(b[10]), o.trail = number(b[11]);
	o.amount = number(b[12]), o.trail_bp = b[13];
	memcpy(o.client_id, b + 14, len - 14 < sizeof(o.client_id) - 1 ? len - 14 : sizeof(o.client_id) - 1);
	buf_init(&out, 2000);
	int rc = V->request(&(struct venue_orders_question){.ask = VENUE_ORDERS_PLACE, .order = &o}, &out, &call);
	must((rc == ERR_REFUSED) == (V->takes(&o, &why) == ERR_REFUSED));
	must((why != NULL) == (rc == ERR_REFUSED));
	must(call.changes && strcmp(call.method, "POST") == 0);
	for (size_t i = 0; rc == 0 && i < out.len; i++)
		must(out.at[i] > ' ' && out.at[i] < 0x7f && strchr("\"<>\\^`{|}#", out.at[i]) == NULL);
	buf_fini(&out);
}

static void step(const char *line, size_t len)
{
	static const int statuses[] = {200, 0, 400, 401, 403, 408, 418, 429, 500, 503};

	if (line[0] == 'O')
		place((const uint8_t *)line + 1, len - 1);
	else if (line[0] >= '0' && line[0] < '0' + VENUE_ORDERS_ASKS && len > 1)
		tell(line[0] - '0', statuses[(uint8_t)line[1] % 10], line + 2, len - 2);
	else
		tell(-1, 0, line + (line[0] == 'U'), len - (line[0] == 'U'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size;

	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((stop != NULL ? stop : end) - at);
		if (len > 0)
			step(at, len);
		at += len + 1;
	}
	return 0;
}
