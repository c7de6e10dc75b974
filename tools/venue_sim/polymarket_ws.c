/* polymarket_ws - the market channel: what a client subscribes to, and the books it begins with. */
#include <stdio.h>

#include "common/base/err.h"
#include "tools/venue_sim/polymarket.h"
#include "tools/venue_sim/session.h"

#define BOOKS_MAX ((size_t)32 << 20)

int polymarket_ws_open(struct session *s, const struct request *r)
{
	(void)s;
	return text_is(r->path, "/ws/market") ? 0 : ERR_ARG;
}

typedef int (*asset_fn)(struct session *s, struct text asset, void *ctx);

static int each_asset(struct session *s, struct json_str list, asset_fn fn, void *ctx)
{
	struct json_str asset;
	struct json j;
	int rc = 0;

	json_init(&j, list.at, list.len);
	json_array(&j);
	while (rc == 0 && json_item(&j)) {
		if (!json_string(&j, &asset) || asset.escaped)
			return ERR_SYNTAX;
		rc = fn(s, (struct text){asset.at, asset.len}, ctx);
	}
	return rc != 0 ? rc : json_finish(&j);
}

/* A token that nobody knows is no error: nothing comes of it. */
static int add(struct session *s, struct text asset, void *ctx)
{
	const struct rec_symbol *about = recording_symbol(&s->sim->rec, asset);

	(void)ctx;
	int rc = streams_add(&s->streams, asset);
	if (rc == 0 && about != NULL && about->group[0] != '\0')
		rc = streams_add(&s->streams, text_of(about->group));
	return rc;
}

static bool wants_market(const struct session *s, const char *group)
{
	for (uint32_t i = 0; i < s->streams.n; i++) {
		const struct rec_symbol *other = recording_symbol(&s->sim->rec, text_of(s->streams.name[i]));
		if (other != NULL && strcmp(other->group, group) == 0)
			return true;
	}
	return false;
}

static int drop(struct session *s, struct text asset, void *ctx)
{
	const struct rec_symbol *about = recording_symbol(&s->sim->rec, asset);

	(void)ctx;
	streams_remove(&s->streams, asset);
	if (about != NULL && !wants_market(s, about->group))
		streams_remove(&s->streams, text_of(about->group));
	return 0;
}

/* ---- books ---- */

static void spoil_hash(char *at, const char *end)
{
	static const char key[] = "\"hash\":\"";
	size_t n = sizeof(key) - 1;

	while ((at = memmem(at, (size_t)(end - at), key, n)) != NULL) {
		at += n;
		if (at < end)
			*at = *at == '0' ? '1' : '0';
	}
}

/* The first bid is offered at the price of the best ask and above. */
static void cross(struct buf *out)
{
	static const char key[] = "\"bids\":[{\"price\":\"0.";
	char *at = memmem(out->at, out->len, key, sizeof(key) - 1);

	for (at = at != NULL ? at + sizeof(key) - 1 : NULL; at != NULL && *at != '"'; at++)
		*at = '9';
}

static int print_book(struct session *s, struct text asset, void *ctx)
{
	const struct fold_symbol *f = fold_find(&s->sim->live, asset);
	struct buf *out = ctx;
	size_t from = out->len;

	if (f == NULL || !f->book.valid)
		return 0;
	buf_byte(out, from == 0 ? '[' : ',');
	int rc = polymarket_print_book(f, ",\"event_type\":\"book\"", out);
	const struct fault *fault = faults_strike(&s->sim->faults, FAULT_OF_SNAPSHOTS, asset);
	if (fault != NULL && strcmp(fault->variant, "wrong_hash") == 0)
		spoil_hash((char *)out->at + from, (char *)out->at + out->len);
	if (fault != NULL && strcmp(fault->variant, "crossed") == 0)
		cross(out);
	return rc;
}

static void send_books(struct session *s, struct json_str assets)
{
	struct buf out;

	if (s->stamped)
		return;
	buf_init(&out, BOOKS_MAX);
	if (each_asset(s, assets, print_book, &out) == 0 && out.len > 0 && buf_byte(&out, ']') == 0)
		session_text(s, -1, (struct text){(const char *)out.at, out.len});
	buf_fini(&out);
}

/* ---- texts ---- */

struct message {
	struct json_str assets, operation, type;
};

static int read_message(struct text text, struct message *m)
{
	struct json_str key;
	struct json j;

	json_init(&j, text.at, text.len);
	json_object(&j);
	while (json_key(&j, &key))
		if (json_str_is(key, "assets_ids") && json_peek(&j) == JSON_ARRAY)
			json_raw(&j, &m->assets);
		else if (json_str_is(key, "operation") && json_peek(&j) == JSON_STRING)
			json_string(&j, &m->operation);
		else if (json_str_is(key, "type") && json_peek(&j) == JSON_STRING)
			json_string(&j, &m->type);
		else
			json_skip(&j);
	return json_finish(&j);
}

static bool is_upper_or_lower(struct json_str t, const char *lower, const char *upper)
{
	return json_str_is(t, lower) || json_str_is(t, upper);
}

void polymarket_ws_text(struct session *s, struct text text)
{
	struct message m = {{"", 0, false}, {"", 0, false}, {"", 0, false}};

	if (text_is(text, "PING")) {
		if (faults_strike(&s->sim->faults, FAULT_OF_PINGS, TEXT("")) == NULL)
			session_text(s, -1, TEXT("PONG"));
		return;
	}
	int rc = read_message(text, &m);
	bool subscribes = json_str_is(m.operation, "subscribe") || is_upper_or_lower(m.type, "market", "MARKET");
	if (rc == 0 && subscribes && faults_strike(&s->sim->faults, FAULT_OF_SUBSCRIPTIONS, TEXT("")) != NULL)
		rc = ERR_REFUSED;
	if (rc == 0 && m.assets.len == 0)
		rc = ERR_SYNTAX;
	if (rc == 0 && json_str_is(m.operation, "unsubscribe")) {
		each_asset(s, m.assets, drop, NULL);
		return;
	}
	if (rc == 0)
		rc = subscribes ? each_asset(s, m.assets, add, NULL) : ERR_UNKNOWN;
	if (rc != 0) {
		s->sim->truth.subscriptions_refused++;
		session_text(s, -1, TEXT("INVALID OPERATION"));
		return;
	}
	send_books(s, m.assets);
	session_subscribed(s);
}

int polymarket_spoil(struct session *s, const struct feed_line *line, const struct fault *f, struct text frame,
		     struct buf *out)
{
	static const char key[] = "\"hash\":\"";

	(void)s;
	(void)line;
	if (f->kind != FAULT_wrong_hash || memmem(frame.at, frame.len, key, sizeof(key) - 1) == NULL)
		return ERR_NOT_FOUND;
	int rc = buf_append(out, frame.at, frame.len);
	if (rc == 0)
		spoil_hash((char *)out->at, (char *)out->at + out->len);
	return rc;
}
