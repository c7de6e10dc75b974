/* kalshi_ws - a client's commands, and frames with the sid and seq of the client's own subscription. */
#include <inttypes.h>
#include <stdio.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/io/log.h"
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/kalshi.h"
#include "tools/venue_sim/session.h"

#define ROUTE_YES_PRICE 1u /* the client wants prices of NO on the scale of YES */

enum { /* error codes of the asyncapi document */
	ERROR_UNREADABLE = 1,
	ERROR_NO_PARAMS = 2,
	ERROR_NO_CHANNELS = 3,
	ERROR_UNKNOWN_COMMAND = 5,
	ERROR_SUBSCRIBED = 6,
	ERROR_UNKNOWN_SID = 7,
	ERROR_UNKNOWN_CHANNEL = 8,
	ERROR_ACTION = 13,
	ERROR_NO_MARKET = 14,
	ERROR_UNKNOWN_MARKET = 16,
	ERROR_INTERNAL = 17,
	ERROR_OVERFLOW = 25,
};

int kalshi_ws_open(struct session *s, const struct request *r)
{
	if (!text_is(r->path, "/trade-api/ws/v2"))
		return ERR_ARG;
	const char *key = s->sim->o->client_key;
	return key == NULL || kalshi_signed(key, r) ? 0 : ERR_REFUSED;
}

static void say(struct session *s, const struct buf *out)
{
	session_text(s, -1, (struct text){(const char *)out->at, out->len});
}

struct command {
	struct json_str id, cmd, channels, markets, sids, action;
	bool has_params, yes_price;
};

static void say_error(struct session *s, const struct command *c, int code, const char *why)
{
	struct buf out;

	s->sim->truth.subscriptions_refused++;
	buf_init(&out, 1024);
	buf_printf(&out, "{\"id\":%.*s,\"type\":\"error\",\"msg\":{\"code\":%d,\"msg\":\"%s\"}}", (int)c->id.len,
			c->id.at,
		   code, why);
	say(s, &out);
	buf_fini(&out);
}

/* ---- books ---- */

static const struct fold_symbol *book_of(const struct session *s, struct text ticker)
{
	const struct fold_symbol *f = fold_find(&s->sim->live, ticker);

	return f != NULL && f->book.valid ? f : NULL;
}

/* NO's levels where they are on the scale of YES: still the best last. */
static void print_yes_scale(struct buf *out, const struct fold_symbol *f)
{
	const struct fold_side *side = &f->book.side[FOLD_ASK];

	for (uint32_t i = 0; i < side->n; i++) {
		const struct quote *q = &side->at[side->n - 1 - i];
		buf_printf(out, i > 0 ? ",[\"" : ",\"no_dollars_fp\":[[\"");
		binance_tell_number(out, q->price, f->about->price_scale, KALSHI_PRICE_DIGITS);
		buf_printf(out, "\",\"");
		binance_tell_number(out, q->qty, f->about->qty_scale, KALSHI_QTY_DIGITS);
		buf_printf(out, "\"]%s", i + 1 == side->n ? "]" : "");
	}
}

static void print_snapshot(const struct session *s, struct text ticker, const struct fold_symbol *f, bool seq,
			   struct buf *out)
{
	const struct channel *c = &s->channel[KALSHI_BOOK];

	buf_printf(out, "{\"type\":\"orderbook_snapshot\",\"sid\":%u", c->sid);
	if (seq)
		buf_printf(out, ",\"seq\":%" PRIu64, c->seq);
	buf_printf(out, ",\"msg\":{\"market_ticker\":\"%.*s\",\"market_id\":\"\"", (int)ticker.len, ticker.at);
	kalshi_print_side(out, f, false, "yes_dollars_fp", ",");
	if (s->route == ROUTE_YES_PRICE)
		print_yes_scale(out, f);
	else
		kalshi_print_side(out, f, true, "no_dollars_fp", ",");
	buf_printf(out, "}}");
}

/* A level of YES above all that is offered: the first price becomes one cent short of a dollar. */
static void cross(struct buf *out)
{
	static const char key[] = "\"yes_dollars_fp\":[[\"";
	char *at = memmem(out->at, out->len, key, sizeof(key) - 1);

	if (at != NULL)
		memcpy(at + sizeof(key) - 1, "0.99", 4);
}

static void send_snapshot(struct session *s, struct text ticker)
{
	const struct fold_symbol *f = book_of(s, ticker);
	struct channel *c = &s->channel[KALSHI_BOOK];
	struct buf out;

	if (s->stamped || f == NULL || c->sid == 0)
		return; /* the recorded one is still to come */
	const struct fault *fault = faults_strike(&s->sim->faults, FAULT_OF_SNAPSHOTS, ticker);
	bool old = fault != NULL && strcmp(fault->variant, "old") == 0;
	c->seq += !old;
	buf_init(&out, (size_t)4 << 20);
	print_snapshot(s, ticker, f, fault == NULL || strcmp(fault->variant, "no_seq") != 0, &out);
	if (fault != NULL && strcmp(fault->variant, "crossed") == 0)
		cross(&out);
	say(s, &out);
	buf_fini(&out);
}

/* ---- markets of a command ---- */

struct visit {
	struct session *s;
	enum kalshi_channel channel;
	uint32_t added;
};

typedef int (*market_fn)(struct visit *v, struct text ticker);

static int each_market(const struct command *c, market_fn fn, struct visit *v)
{
	struct json_str name;
	struct json j;
	int rc = 0;

	json_init(&j, c->markets.at, c->markets.len);
	if (json_peek(&j) == JSON_STRING)
		return json_string(&j, &name) ? fn(v, (struct text){name.at, name.len}) : ERR_SYNTAX;
	json_array(&j);
	while (rc == 0 && json_item(&j)) {
		if (!json_string(&j, &name) || name.escaped)
			return ERR_SYNTAX;
		rc = fn(v, (struct text){name.at, name.len});
	}
	return rc != 0 ? rc : json_finish(&j);
}

static int check(struct visit *v, struct text ticker)
{
	const struct sim *sim = v->s->sim;

	return recording_symbol(&sim->rec, ticker) != NULL ||
			       strmap_get(&sim->listed, ticker.at, ticker.len) != NULL
		       ? 0
		       : ERR_NOT_FOUND;
}

static struct text stream_of(enum kalshi_channel channel, struct text ticker, char name[STREAM_NAME_MAX])
{
	int n = snprintf(name, STREAM_NAME_MAX, "%s/%.*s", kalshi_channel_names[channel], (int)ticker.len, ticker.at);

	return (struct text){name, n < STREAM_NAME_MAX ? (size_t)n : 0};
}

static int add(struct visit *v, struct text ticker)
{
	char name[STREAM_NAME_MAX];
	struct text stream = stream_of(v->channel, ticker, name);

	v->added += !streams_has(&v->s->streams, stream);
	return streams_add(&v->s->streams, stream);
}

static int drop(struct visit *v, struct text ticker)
{
	char name[STREAM_NAME_MAX];

	streams_remove(&v->s->streams, stream_of(v->channel, ticker, name));
	return 0;
}

static int snapshot(struct visit *v, struct text ticker)
{
	if (v->channel == KALSHI_BOOK)
		send_snapshot(v->s, ticker);
	return 0;
}

/* ---- subscribe ---- */

static void subscribed(struct session *s, const struct command *c, enum kalshi_channel channel)
{
	struct buf out;

	buf_init(&out, 1024);
	buf_printf(&out, "{\"id\":%.*s,\"type\":\"subscribed\",\"msg\":{\"channel\":\"%s\",\"sid\":%u}}",
			(int)c->id.len,
		   c->id.at, kalshi_channel_names[channel], s->channel[channel].sid);
	say(s, &out);
	buf_fini(&out);
}

static void subscribe_channel(struct session *s, const struct command *c, enum kalshi_channel channel)
{
	struct visit v = {s, channel, 0};
	struct channel *at = &s->channel[channel];

	int rc = each_market(c, add, &v);
	if (rc != 0 || (at->sid != 0 && v.added == 0)) {
		say_error(s, c, rc != 0 ? ERROR_INTERNAL : ERROR_SUBSCRIBED, rc != 0 ? err_text(rc) :
				"Already subscribed");
		return;
	}
	if (at->sid == 0)
		*at = (struct channel){.sid = ++s->last_sid};
	subscribed(s, c, channel);
	each_market(c, snapshot, &v);
}

static enum kalshi_channel find_channel(struct json_str name)
{
	int i = 0;

	while (i < KALSHI_CHANNELS && !json_str_is(name, kalshi_channel_names[i]))
		i++;
	return (enum kalshi_channel)i;
}

static void subscribe(struct session *s, const struct command *c)
{
	struct visit v = {s, KALSHI_BOOK, 0};
	struct json_str name;
	struct json j;

	if (c->channels.len == 0) {
		say_error(s, c, ERROR_NO_CHANNELS, "Channels required");
		return;
	}
	if (c->markets.len == 0) {
		say_error(s, c, ERROR_NO_MARKET, "Market Ticker required");
		return;
	}
	if (faults_strike(&s->sim->faults, FAULT_OF_SUBSCRIPTIONS, TEXT("")) != NULL) {
		say_error(s, c, ERROR_INTERNAL, "Internal error");
		return;
	}
	if (each_market(c, check, &v) != 0) {
		say_error(s, c, ERROR_UNKNOWN_MARKET, "Market not found");
		return;
	}
	s->route = c->yes_price ? ROUTE_YES_PRICE : 0;
	json_init(&j, c->channels.at, c->channels.len);
	json_array(&j);
	while (json_item(&j) && json_string(&j, &name)) {
		enum kalshi_channel channel = find_channel(name);
		if (channel == KALSHI_CHANNELS)
			say_error(s, c, ERROR_UNKNOWN_CHANNEL, "Unknown channel name");
		else
			subscribe_channel(s, c, channel);
	}
	session_subscribed(s);
}

/* ---- what changes a subscription ---- */

static enum kalshi_channel channel_of_sid(const struct session *s, const struct command *c)
{
	struct json j;
	uint64_t sid = 0;
	int i = 0;

	json_init(&j, c->sids.at, c->sids.len);
	if (json_peek(&j) == JSON_ARRAY) {
		json_array(&j);
		if (json_item(&j))
			json_u64(&j, &sid);
	} else {
		json_u64(&j, &sid);
	}
	while (i < KALSHI_CHANNELS && (sid == 0 || s->channel[i].sid != sid))
		i++;
	return (enum kalshi_channel)i;
}

/* An answer has its place in the subscription's sequence. */
static void answer(struct session *s, const struct command *c, enum kalshi_channel channel, const char *type)
{
	struct channel *at = &s->channel[channel];
	struct buf out;

	buf_init(&out, 65536);
	buf_printf(&out, "{\"id\":%.*s,\"sid\":%u,\"seq\":%" PRIu64 ",\"type\":\"%s\"", (int)c->id.len, c->id.at,
			at->sid,
		   ++at->seq, type);
	if (c->markets.len > 0)
		buf_printf(&out, ",\"msg\":{\"market_tickers\":%.*s}", (int)c->markets.len, c->markets.at);
	buf_byte(&out, '}');
	say(s, &out);
	buf_fini(&out);
}

static void update(struct session *s, const struct command *c)
{
	struct visit v = {s, channel_of_sid(s, c), 0};
	bool adds = json_str_is(c->action, "add_markets"), gets = json_str_is(c->action, "get_snapshot");

	if (v.channel == KALSHI_CHANNELS) {
		say_error(s, c, ERROR_UNKNOWN_SID, "Unknown subscription ID");
	} else if (!adds && !gets && !json_str_is(c->action, "delete_markets")) {
		say_error(s, c, ERROR_ACTION, "Unsupported action");
	} else if (each_market(c, check, &v) != 0) {
		say_error(s, c, ERROR_UNKNOWN_MARKET, "Market not found");
	} else {
		if (!gets)
			each_market(c, adds ? add : drop, &v);
		answer(s, c, v.channel, "ok");
		if (adds || gets)
			each_market(c, snapshot, &v);
		session_subscribed(s);
	}
}

static void drop_channel(struct session *s, enum kalshi_channel channel)
{
	const char *prefix = kalshi_channel_names[channel];

	for (uint32_t i = s->streams.n; i > 0; i--) {
		struct text name = text_of(s->streams.name[i - 1]);
		if (text_starts(name, prefix) && name.at[strlen(prefix)] == '/')
			streams_remove(&s->streams, name);
	}
	s->channel[channel] = (struct channel){0};
}

static void unsubscribe(struct session *s, const struct command *c)
{
	enum kalshi_channel channel = channel_of_sid(s, c);

	if (channel == KALSHI_CHANNELS) {
		say_error(s, c, ERROR_UNKNOWN_SID, "Unknown subscription ID");
		return;
	}
	answer(s, c, channel, "unsubscribed");
	drop_channel(s, channel);
}

static void read_params(struct json *j, struct command *c)
{
	struct json_str key;

	json_object(j);
	while (json_key(j, &key))
		if (json_str_is(key, "channels") && json_peek(j) == JSON_ARRAY)
			json_raw(j, &c->channels);
		else if (json_str_is(key, "market_tickers") || json_str_is(key, "market_ticker"))
			json_raw(j, &c->markets);
		else if (json_str_is(key, "sids") || json_str_is(key, "sid"))
			json_raw(j, &c->sids);
		else if (json_str_is(key, "action") && json_peek(j) == JSON_STRING)
			json_string(j, &c->action);
		else if (json_str_is(key, "use_yes_price"))
			json_bool(j, &c->yes_price);
		else
			json_skip(j);
}

static int read_command(struct text text, struct command *ret)
{
	const struct json_str none = {"", 0, false};
	struct command c = {{"0", 1, false}, none, none, none, none, none, false, false};
	struct json_str key;
	struct json j;

	json_init(&j, text.at, text.len);
	json_object(&j);
	while (json_key(&j, &key))
		if (json_str_is(key, "id") && json_peek(&j) == JSON_NUMBER)
			json_number(&j, &c.id);
		else if (json_str_is(key, "cmd") && json_peek(&j) == JSON_STRING)
			json_string(&j, &c.cmd);
		else if (json_str_is(key, "params") && json_peek(&j) == JSON_OBJECT) {
			read_params(&j, &c);
			c.has_params = true;
		} else
			json_skip(&j);
	*ret = c;
	return json_finish(&j);
}

void kalshi_ws_text(struct session *s, struct text message)
{
	struct command c;
	int rc = read_command(message, &c);

	if (rc != 0)
		say_error(s, &(struct command){.id = {"0", 1, false}}, ERROR_UNREADABLE, "Unable to process message");
	else if (!c.has_params)
		say_error(s, &c, ERROR_NO_PARAMS, "Params required");
	else if (json_str_is(c.cmd, "subscribe"))
		subscribe(s, &c);
	else if (json_str_is(c.cmd, "update_subscription"))
		update(s, &c);
	else if (json_str_is(c.cmd, "unsubscribe"))
		unsubscribe(s, &c);
	else
		say_error(s, &c, ERROR_UNKNOWN_COMMAND, "Unknown command");
}

/* ---- what goes out ---- */

/* A price of NO on the scale of YES, in place: four decimals below a dollar. */
static void turn(char *at, size_t len)
{
	int64_t price;
	char text[16];

	if (len != KALSHI_PRICE_DIGITS + 2 || fixed_parse(at, len, KALSHI_PRICE_DIGITS, &price) != 0)
		return;
	snprintf(text, sizeof(text), "0.%04d", (int)(10000 - price));
	memcpy(at, text, len);
}

static void turn_each(char *at, const char *end, const char *key)
{
	size_t n = strlen(key);

	while ((at = memmem(at, (size_t)(end - at), key, n)) != NULL) {
		at += n;
		char *quote = memchr(at, '"', (size_t)(end - at));
		if (quote == NULL)
			return;
		turn(at, (size_t)(quote - at));
	}
}

static void to_yes_scale(struct buf *out, const struct kalshi_frame *f)
{
	static const char no_side[] = "\"side\":\"no\"", no_levels[] = "\"no_dollars_fp\":[";
	char *at = (char *)out->at, *end = at + out->len;

	if (json_str_is(f->type, "orderbook_delta") && memmem(at, out->len, no_side, sizeof(no_side) - 1) != NULL)
		turn_each(at, end, "\"price_dollars\":\"");
	char *levels = memmem(at, out->len, no_levels, sizeof(no_levels) - 1);
	if (levels == NULL)
		return;
	char *close = memmem(levels, (size_t)(end - levels), "]]", 2);
	turn_each(levels, close != NULL ? close : end, "[\"");
}

int kalshi_render(struct session *s, const struct feed_line *line, struct buf *out)
{
	struct kalshi_frame f;

	if (!kalshi_parse(line->raw, &f) || s->channel[f.channel].sid == 0)
		return ERR_NOT_FOUND;
	struct channel *c = &s->channel[f.channel];
	int rc = buf_printf(out, "{\"type\":\"%.*s\",\"sid\":%u,\"seq\":%" PRIu64 ",\"msg\":", (int)f.type.len,
			f.type.at,
			    c->sid, ++c->seq);
	if (rc == 0)
		rc = buf_append(out, f.msg.at, f.msg.len);
	if (rc == 0)
		rc = buf_byte(out, '}');
	if (rc == 0 && s->route == ROUTE_YES_PRICE)
		to_yes_scale(out, &f);
	return rc;
}

/* A frame without its place, or the word that the subscription is dead. */
int kalshi_spoil(struct session *s, const struct feed_line *line, const struct fault *f, struct text frame,
		 struct buf *out)
{
	static const char key[] = ",\"seq\":", msg[] = ",\"msg\":";
	const char *at = memmem(frame.at, frame.len, key, sizeof(key) - 1);
	const char *behind = memmem(frame.at, frame.len, msg, sizeof(msg) - 1);
	struct kalshi_frame parsed;

	if (f->kind == FAULT_overflow && kalshi_parse(line->raw, &parsed)) {
		int rc = buf_printf(out,
				    "{\"type\":\"error\",\"sid\":%u,\"msg\":{\"code\":%d,"
				    "\"msg\":\"Subscription buffer overflow\"}}",
				    s->channel[parsed.channel].sid, ERROR_OVERFLOW);
		drop_channel(s, parsed.channel);
		return rc;
	}
	if (f->kind != FAULT_no_seq || at == NULL || behind == NULL || behind < at)
		return ERR_NOT_FOUND;
	int rc = buf_append(out, frame.at, (size_t)(at - frame.at));
	return rc != 0 ? rc : buf_append(out, behind, (size_t)(frame.at + frame.len - behind));
}
