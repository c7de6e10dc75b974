/* bybit_ws - a client's texts: subscribe, unsubscribe, ping; snapshots from the folded book. */
#include <inttypes.h>

#include "common/base/err.h"
#include "common/base/json.h"
#include "common/io/log.h"
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/bybit.h"
#include "tools/venue_sim/session.h"

#define SPOT_ARGS_MAX 10
#define ARGS_BYTES_MAX 21000
#define ID_MAX 64

static const char path_spot[] = "/v5/public/spot", path_linear[] = "/v5/public/linear";

int bybit_ws_open_spot(struct session *s, const struct request *r)
{
	(void)s;
	return text_is(r->path, path_spot) ? 0 : ERR_ARG;
}

int bybit_ws_open_linear(struct session *s, const struct request *r)
{
	(void)s;
	return text_is(r->path, path_linear) ? 0 : ERR_ARG;
}

static bool is_spot(const struct session *s)
{
	return s->sim->dialect == &dialect_bybit_spot;
}

static void say(struct session *s, const struct buf *out)
{
	session_text(s, -1, (struct text){(const char *)out->at, out->len});
}

struct message {
	struct json_str op, id, args;
};

static void acknowledge(struct session *s, const struct message *m, bool success, const char *why)
{
	struct buf out;

	buf_init(&out, 4096);
	buf_printf(&out, "{\"success\":%s,\"ret_msg\":", success ? "true" : "false");
	json_quote(&out, why, strlen(why));
	buf_printf(&out, ",\"conn_id\":\"nightjar-%u\"", s->slot);
	if (m->id.len > 0 || !is_spot(s))
		buf_printf(&out, ",\"req_id\":\"%.*s\"", (int)m->id.len, m->id.at);
	buf_printf(&out, ",\"op\":\"%.*s\"}", (int)m->op.len, m->op.at);
	say(s, &out);
	buf_fini(&out);
}

/* ---- the book as a snapshot ---- */

static uint64_t taken_off(const struct sim *sim, struct text symbol)
{
	const uint64_t *at = strmap_get(&sim->renumbered, symbol.at, symbol.len);

	return at != NULL ? *at : 0;
}

static void print_side(struct buf *out, const struct fold_symbol *f, enum fold_side_name side)
{
	for (uint32_t i = 0; i < f->book.side[side].n; i++) {
		const struct quote *q = fold_book_at(&f->book, side, i);
		buf_printf(out, "%s[\"", i > 0 ? "," : "");
		binance_tell_number(out, q->price, f->about->price_scale, f->about->price_scale);
		buf_printf(out, "\",\"");
		binance_tell_number(out, q->qty, f->about->qty_scale, f->about->qty_scale);
		buf_printf(out, "\"]");
	}
}

static int print_snapshot(const struct session *s, struct text topic, const struct fold_symbol *f, uint64_t u,
			  struct buf *out)
{
	long long ms = (long long)(sim_now(s->sim) / NS_PER_MS);
	struct text symbol = bybit_symbol(topic);

	buf_printf(out, "{\"topic\":\"%.*s\",\"ts\":%lld,\"type\":\"snapshot\",\"data\":{\"s\":\"%.*s\",\"b\":[",
			(int)topic.len,
		   topic.at, ms, (int)symbol.len, symbol.at);
	print_side(out, f, FOLD_BID);
	buf_printf(out, "],\"a\":[");
	print_side(out, f, FOLD_ASK);
	return buf_printf(out, "],\"u\":%" PRIu64 ",\"seq\":%" PRIu64 "},\"cts\":%lld}", u, f->seq, ms);
}

static void swap_sides(struct buf *out)
{
	char *bids = memmem(out->at, out->len, "\"b\":", 4), *asks = memmem(out->at, out->len, "\"a\":", 4);

	if (bids == NULL || asks == NULL)
		return;
	bids[1] = 'a';
	asks[1] = 'b';
}

static void send_snapshot(struct session *s, struct text topic)
{
	const struct fold_symbol *f = fold_find(&s->sim->live, bybit_symbol(topic));
	const struct fault *fault;
	struct buf out;

	if (s->stamped || !text_starts(topic, "orderbook.") || text_starts(topic, "orderbook.1."))
		return;
	if (f == NULL || !f->book.valid)
		return; /* the recorded one is still to come */
	uint64_t u = f->book.last_id - taken_off(s->sim, bybit_symbol(topic));
	fault = faults_strike(&s->sim->faults, FAULT_OF_SNAPSHOTS, bybit_symbol(topic));
	if (fault != NULL && strcmp(fault->variant, "old") == 0 && u > 1000)
		u -= 1000;
	buf_init(&out, (size_t)4 << 20);
	print_snapshot(s, topic, f, u, &out);
	if (fault != NULL && strcmp(fault->variant, "crossed") == 0)
		swap_sides(&out);
	say(s, &out);
	buf_fini(&out);
}

/* ---- subscribing ---- */

static bool is_topic(const struct sim *sim, struct text t)
{
	static const char *const channels[] = {"orderbook.", "publicTrade.", "kline.", "tickers.", "allLiquidation."};
	struct text symbol = bybit_symbol(t);
	bool listed = sim->listed.count > 0 ? strmap_get(&sim->listed, symbol.at, symbol.len) != NULL
					    : recording_symbol(&sim->rec, symbol) != NULL;

	for (size_t i = 0; listed && i < sizeof(channels) / sizeof(channels[0]); i++)
		if (text_starts(t, channels[i]))
			return true;
	return false;
}

typedef int (*topic_fn)(struct session *s, struct text topic);

static int each_topic(struct session *s, struct json_str args, topic_fn fn)
{
	struct json_str name;
	struct json j;
	int rc = 0;

	json_init(&j, args.at, args.len);
	json_array(&j);
	while (rc == 0 && json_item(&j)) {
		if (!json_string(&j, &name) || name.escaped)
			return ERR_SYNTAX;
		rc = fn(s, (struct text){name.at, name.len});
	}
	return rc != 0 ? rc : json_finish(&j);
}

static int check(struct session *s, struct text topic)
{
	s->counted++;
	return is_topic(s->sim, topic) ? 0 : ERR_NOT_FOUND;
}

static int add(struct session *s, struct text topic)
{
	int rc = streams_add(&s->streams, topic);

	if (rc == 0 && s->sim->rec.streams.count > 0 &&
	    strmap_get(&s->sim->rec.streams, topic.at, topic.len) == NULL)
		log_warn("topic is not in the recording: no frames", "topic=%.*s", (int)topic.len, topic.at);
	return rc;
}

static int drop(struct session *s, struct text topic)
{
	streams_remove(&s->streams, topic);
	return 0;
}

static int begin(struct session *s, struct text topic)
{
	send_snapshot(s, topic);
	return 0;
}

static void subscribe(struct session *s, const struct message *m)
{
	s->counted = 0;
	int rc = m->args.len > ARGS_BYTES_MAX ? ERR_TOO_LONG : each_topic(s, m->args, check);

	if (faults_strike(&s->sim->faults, FAULT_OF_SUBSCRIPTIONS, TEXT("")) != NULL)
		rc = ERR_REFUSED;
	if (rc == 0 && is_spot(s) && s->counted > SPOT_ARGS_MAX)
		rc = ERR_FULL;
	if (rc == 0)
		rc = each_topic(s, m->args, add);
	if (rc != 0) {
		s->sim->truth.subscriptions_refused++;
		acknowledge(s, m, false,
			    rc == ERR_FULL        ? "args size >10"
			    : rc == ERR_NOT_FOUND ? "error:handler not found"
						  : "error:subscription refused");
		return;
	}
	acknowledge(s, m, true, is_spot(s) ? "subscribe" : "");
	each_topic(s, m->args, begin);
	session_subscribed(s);
}

void bybit_ws_text(struct session *s, struct text text)
{
	struct message m = {{"", 0, false}, {"", 0, false}, {"[]", 2, false}};
	struct json_str key;
	struct json j;

	json_init(&j, text.at, text.len);
	json_object(&j);
	while (json_key(&j, &key))
		if (json_str_is(key, "op") && json_peek(&j) == JSON_STRING)
			json_string(&j, &m.op);
		else if (json_str_is(key, "req_id") && json_peek(&j) == JSON_STRING)
			json_string(&j, &m.id);
		else if (json_str_is(key, "args") && json_peek(&j) == JSON_ARRAY)
			json_raw(&j, &m.args);
		else
			json_skip(&j);
	if (json_finish(&j) != 0 || m.op.escaped || m.id.escaped || m.id.len > ID_MAX || m.op.len > ID_MAX) {
		acknowledge(s, &(struct message){.op = {"", 0, false}, .id = {"", 0, false}}, false,
				"error:invalid request");
		return;
	}
	if (json_str_is(m.op, "ping")) {
		if (faults_strike(&s->sim->faults, FAULT_OF_PINGS, TEXT("")) == NULL)
			acknowledge(s, &m, true, "pong");
	} else if (json_str_is(m.op, "subscribe")) {
		subscribe(s, &m);
	} else if (json_str_is(m.op, "unsubscribe")) {
		each_topic(s, m.args, drop);
		acknowledge(s, &m, true, is_spot(s) ? "unsubscribe" : "");
	} else {
		acknowledge(s, &m, false, "error:unknown op");
	}
}

/* ---- what goes out ---- */

/* As recorded, but for a service that has restarted since: its ids began again. */
int bybit_render(struct session *s, const struct feed_line *line, struct buf *out)
{
	uint64_t off = text_starts(line->stream, "orderbook.") ? taken_off(s->sim, bybit_symbol(line->stream)) : 0;
	struct text at;
	uint64_t u = off > 0 ? bybit_number(line->raw, "\"u\":", &at) : 0;

	if (u <= off)
		return buf_append(out, line->raw.at, line->raw.len);
	size_t head = (size_t)(at.at - line->raw.at);
	int rc = buf_append(out, line->raw.at, head);
	if (rc == 0)
		rc = buf_printf(out, "%" PRIu64, u - off);
	return rc != 0 ? rc : buf_append(out, at.at + at.len, line->raw.len - head - at.len);
}

/* The book as it is behind this frame, with u = 1; what follows counts from there. */
int bybit_spoil(struct session *s, const struct feed_line *line, const struct fault *f, struct text frame,
		struct buf *out)
{
	struct text symbol = bybit_symbol(line->stream);
	const struct fold_symbol *fold = fold_find(&s->sim->live, symbol);

	(void)frame;
	if (f->kind != FAULT_restart || s->stamped || !text_starts(line->stream, "orderbook.") || fold == NULL ||
	    !fold->book.valid || text_starts(line->stream, "orderbook.1."))
		return ERR_NOT_FOUND;
	uint64_t *off = strmap_put(&s->sim->renumbered, symbol.at, symbol.len);
	if (off == NULL)
		return ERR_FULL;
	*off = fold->book.last_id - 1;
	return print_snapshot(s, line->stream, fold, 1, out);
}
