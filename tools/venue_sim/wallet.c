/* wallet - what the simulated venue holds for its one customer. */
#include "tools/venue_sim/wallet.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/base/json.h"
#include "tools/venue_sim/session.h"

static bool is_decimal(const char *text)
{
	int scale;

	return fixed_scale_of(text, strlen(text), &scale) == 0;
}

static bool is_asset(const char *text)
{
	return text[0] != '\0' && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") == strlen(text);
}

static int set_asset(struct wallet_state *s, const struct wallet_asset *a)
{
	uint32_t i = 0;

	if (!is_asset(a->name) || !is_decimal(a->free) || !is_decimal(a->locked))
		return ERR_SYNTAX;
	while (i < s->n && strcmp(s->at[i].name, a->name) != 0)
		i++;
	if (i == WALLET_ASSETS_MAX)
		return ERR_FULL;
	s->at[i] = *a;
	s->n += i == s->n;
	return 0;
}

static int read_lines(struct wallet *w, FILE *f)
{
	struct wallet_asset a = {.changed_ms = 1};
	int rc = 0, n;

	if (fscanf(f, "%127s %519[^\n]", w->id, w->secret) != 2)
		return ERR_SYNTAX;
	while (rc == 0 && (n = fscanf(f, "%63s %39s %39s", a.name, a.free, a.locked)) != EOF)
		rc = n == 3 ? set_asset(&w->now, &a) : ERR_SYNTAX;
	return rc;
}

int wallet_open(struct wallet *w, const char *path, char *reason, size_t cap)
{
	FILE *f = fopen(path, "re");
	int rc = f != NULL ? read_lines(w, f) : ERR_NOT_FOUND;

	if (f != NULL)
		fclose(f);
	w->now.changed_ms = 1;
	w->before = w->now;
	if (rc != 0)
		snprintf(reason, cap, "--account %s: not a file with a key's id, its secret and ASSET FREE LOCKED",
			 path);
	return rc;
}

/* ---- what orders do ---- */

/* It changes: polls may still be told what was before. */
static void stamp(struct wallet *w, int64_t at_ms)
{
	w->before = w->now;
	w->now.changed_ms = at_ms > w->now.changed_ms ? at_ms : w->now.changed_ms + 1;
}

static int64_t digits_of(const char *text)
{
	int64_t value = 0;

	return fixed_parse(text, strlen(text), WALLET_DIGITS, &value) == 0 ? value : -1;
}

static const struct wallet_asset *find_asset(const struct wallet *w, const char *name)
{
	for (uint32_t i = 0; i < w->now.n; i++)
		if (strcmp(w->now.at[i].name, name) == 0)
			return &w->now.at[i];
	return NULL;
}

int64_t wallet_free(const struct wallet *w, const char *asset)
{
	const struct wallet_asset *a = find_asset(w, asset);
	int64_t has = a != NULL ? digits_of(a->free) : 0;

	return has > 0 ? has : 0;
}

int wallet_move(struct wallet *w, const char *asset, int64_t free_by, int64_t locked_by, int64_t at_ms,
		const struct wallet_asset **ret_asset)
{
	const struct wallet_asset *was = find_asset(w, asset);
	struct wallet_asset a = {.free = "0", .locked = "0"};

	if (was != NULL)
		a = *was;
	int64_t free = digits_of(a.free), locked = digits_of(a.locked);
	if (free < 0 || locked < 0 || __builtin_add_overflow(free, free_by, &free) ||
	    __builtin_add_overflow(locked, locked_by, &locked) || free < 0 || locked < 0)
		return ERR_RANGE;
	stamp(w, at_ms);
	snprintf(a.name, sizeof(a.name), "%s", asset);
	fixed_format(a.free, sizeof(a.free), free, WALLET_DIGITS);
	fixed_format(a.locked, sizeof(a.locked), locked, WALLET_DIGITS);
	a.changed_ms = w->now.changed_ms;
	int rc = set_asset(&w->now, &a);
	*ret_asset = find_asset(w, asset);
	return rc;
}

/* ---- control ---- */

struct change {
	struct wallet_asset asset;
	bool silent, twice, drop, withdraws, names_withdraws, trades;
	int64_t stale, clock_ms, page, unanswered;
};

static void copy_text(struct json *j, char *out, size_t cap)
{
	struct json_str text;

	if (json_string(j, &text))
		json_unescape(text, out, cap);
}

static void read_member(struct json *j, struct json_str key, struct change *c)
{
	if (json_str_is(key, "asset"))
		copy_text(j, c->asset.name, sizeof(c->asset.name));
	else if (json_str_is(key, "free"))
		copy_text(j, c->asset.free, sizeof(c->asset.free));
	else if (json_str_is(key, "locked"))
		copy_text(j, c->asset.locked, sizeof(c->asset.locked));
	else if (json_str_is(key, "silent"))
		json_bool(j, &c->silent);
	else if (json_str_is(key, "twice"))
		json_bool(j, &c->twice);
	else if (json_str_is(key, "drop"))
		json_bool(j, &c->drop);
	else if (json_str_is(key, "withdraws"))
		c->names_withdraws = json_bool(j, &c->withdraws);
	else if (json_str_is(key, "trades"))
		json_bool(j, &c->trades);
	else if (json_str_is(key, "stale"))
		json_i64(j, &c->stale);
	else if (json_str_is(key, "clock_ms"))
		json_i64(j, &c->clock_ms);
	else if (json_str_is(key, "page"))
		json_i64(j, &c->page);
	else if (json_str_is(key, "unanswered"))
		json_i64(j, &c->unanswered);
	else
		j->err = ERR_UNKNOWN;
}

static int read_change(struct text body, struct change *c)
{
	struct json_str key;
	struct json j;

	json_init(&j, body.at, body.len);
	json_object(&j);
	while (json_key(&j, &key))
		read_member(&j, key, c);
	return json_finish(&j);
}

void wallet_tell(struct sim *sim, const struct wallet_asset *a, int64_t at_ms)
{
	struct buf out;

	buf_init(&out, 4096);
	for (uint32_t i = 0; i < SIM_SESSIONS_MAX; i++) {
		struct session *s = sim->session[i];
		if (s == NULL || !s->customer_subscribed)
			continue;
		buf_clear(&out);
		if (sim->dialect->tell_account(s, a, at_ms, &out) == 0)
			session_text(s, -1, (struct text){(const char *)out.at, out.len});
	}
	buf_fini(&out);
}

void wallet_send(struct sim *sim, struct text text)
{
	for (uint32_t i = 0; i < SIM_SESSIONS_MAX; i++)
		if (sim->session[i] != NULL && sim->session[i]->customer_subscribed)
			session_text(sim->session[i], -1, text);
}

static void drop(struct sim *sim)
{
	for (uint32_t i = 0; i < SIM_SESSIONS_MAX; i++)
		if (sim->session[i] != NULL && sim->session[i]->customer)
			conn_reset(&sim->session[i]->conn);
}

static int apply(struct sim *sim, struct change *c)
{
	struct wallet *w = &sim->wallet;
	int rc = 0;

	w->stale = c->stale > 0 ? c->stale : w->stale;
	w->unanswered = c->unanswered > 0 ? c->unanswered : w->unanswered;
	w->clock_ms = c->clock_ms;
	w->page = c->page;
	w->trades = c->trades;
	if (c->names_withdraws)
		w->withdraws = c->withdraws;
	if (c->asset.name[0] != '\0') {
		stamp(w, clock_wall(loop_clock(sim->loop)) / NS_PER_MS);
		c->asset.changed_ms = w->now.changed_ms;
		rc = set_asset(&w->now, &c->asset);
		for (int times = c->silent || rc != 0 ? 0 : c->twice ? 2 : 1; times > 0; times--)
			wallet_tell(sim, &c->asset, w->now.changed_ms);
	}
	if (c->drop)
		drop(sim);
	return rc;
}

static void print(const struct wallet *w, struct buf *out)
{
	buf_printf(out,
		   "{\"polls\":%" PRIu64 ",\"rights\":%" PRIu64 ",\"subscriptions\":%" PRIu64 ",\"bad_keys\":%" PRIu64
		   ",\"bad_signatures\":%" PRIu64 ",\"out_of_time\":%" PRIu64 ",\"others\":%" PRIu64
		   ",\"pages\":%" PRIu64 ",\"bad_handshakes\":%" PRIu64 "}",
		   w->polls, w->rights, w->subscriptions, w->bad_keys, w->bad_signatures, w->out_of_time, w->others,
		   w->pages, w->bad_handshakes);
}

bool wallet_control(struct sim *sim, const struct request *r, struct text body, struct reply *reply)
{
	struct change c = {.clock_ms = sim->wallet.clock_ms, .page = sim->wallet.page, .trades = sim->wallet.trades};

	if (!text_is(r->path, "/nightjar/account") || sim->wallet.id[0] == '\0')
		return false;
	if (text_is(r->method, "POST") && (read_change(body, &c) != 0 || apply(sim, &c) != 0)) {
		reply_status(reply, 400);
		buf_printf(&reply->body, "{\"error\":\"not a change of the account\"}");
		return true;
	}
	print(&sim->wallet, &reply->body);
	return true;
}
