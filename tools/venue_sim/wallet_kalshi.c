/* wallet_kalshi - the customer's endpoints of Kalshi: balance, positions page by page, and the stream of positions.
 *
 * Facts: docs.kalshi.com, openapi of the trade api 3.20 (GetBalance, GetPositions), asyncapi (market_positions). Every
 * request is verified by the public half of the customer's key. The bodies of the refusals are what the venue is seen
 * to answer: how far a timestamp may be off is not documented, 5 s are taken and 30 s are not.
 */
#include <inttypes.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/base/json.h"
#include "tools/venue_sim/kalshi.h"
#include "tools/venue_sim/session.h"

#define WINDOW_MS 15000
#define PAGE_DEFAULT 100
#define PAGE_MAX 1000
#define ACCOUNT_CHANNEL KALSHI_CHANNELS /* its place among the channels of a session */

_Static_assert(ACCOUNT_CHANNEL < SESSION_CHANNELS, "a place for the customer's channel");

static const char cash[] = "USD", no_key[] = "NOT_FOUND", no_signature[] = "INCORRECT_API_KEY_SIGNATURE";

static void refuse(struct reply *reply, int status, const char *code, const char *details)
{
	reply_status(reply, status);
	buf_printf(&reply->body, "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"", code, code);
	if (details != NULL)
		buf_printf(&reply->body, ",\"details\":\"%s\"", details);
	buf_printf(&reply->body, ",\"service\":\"exchange\"}}");
}

static bool in_time(struct sim *sim, const struct request *r)
{
	struct text at = request_header(r, "kalshi-access-timestamp");
	int64_t now = clock_wall(loop_clock(sim->loop)) / NS_PER_MS + sim->wallet.clock_ms, then;

	return at.at != NULL && fixed_parse(at.at, at.len, 0, &then) == 0 && then > now - WINDOW_MS &&
	       then < now + WINDOW_MS;
}

static bool is_customer(const struct wallet *w, const struct request *r)
{
	struct text id = request_header(r, "kalshi-access-key");

	return id.at != NULL && text_is(id, w->id);
}

/* ---- REST ---- */

static bool check(struct sim *sim, const struct request *r, struct reply *reply)
{
	struct wallet *w = &sim->wallet;

	if (!is_customer(w, r)) {
		w->bad_keys++;
		refuse(reply, 401, "authentication_error", no_key);
	} else if (!kalshi_signed(w->secret, r)) {
		w->bad_signatures++;
		refuse(reply, 401, "authentication_error", no_signature);
	} else if (!in_time(sim, r)) {
		w->out_of_time++;
		refuse(reply, 401, "header_timestamp_expired", NULL);
	} else {
		return true;
	}
	return false;
}

static const struct wallet_state *state_of(const struct wallet *w)
{
	return w->stale > 0 ? &w->before : &w->now;
}

/* What is left of a dollar amount is in the decimals; the cents are legacy. */
static void tell_balance(struct sim *sim, struct reply *reply)
{
	const struct wallet_state *s = state_of(&sim->wallet);
	const struct wallet_asset none = {.free = "0.0000"}, *a = &none;
	int64_t units = 0;

	for (uint32_t i = 0; i < s->n; i++)
		if (strcmp(s->at[i].name, cash) == 0)
			a = &s->at[i];
	(void)fixed_parse(a->free, strlen(a->free), 6, &units);
	sim->wallet.polls++;
	buf_printf(&reply->body,
		   "{\"balance\":%" PRId64 ",\"balance_dollars\":\"%s\",\"portfolio_value\":0,"
		   "\"updated_ts\":%" PRId64 "}",
		   units / 10000, a->free, a->changed_ms / 1000);
}

static bool is_zero(const char *decimal)
{
	return strspn(decimal, "-0.") == strlen(decimal);
}

static void tell_position(const struct wallet_asset *a, const char *comma, struct buf *out)
{
	char when[32];

	kalshi_time(a->changed_ms * NS_PER_MS, when);
	buf_printf(out,
		   "%s{\"ticker\":\"%s\",\"total_traded_dollars\":\"%s\",\"position_fp\":\"%s\","
		   "\"market_exposure_dollars\":\"%s\",\"realized_pnl_dollars\":\"0.0000\","
		   "\"fees_paid_dollars\":\"0.0000\",\"resting_orders_count\":0,\"last_updated_ts\":\"%s\"}",
		   comma, a->name, a->locked, a->free, a->locked, when);
}

/* Where a cursor goes on: "+N/", which has to be escaped. -1: it is none of ours. */
static int64_t read_cursor(const struct request *r)
{
	char text[32];
	int n = request_param(r, "cursor", text, sizeof(text));
	int64_t from;

	if (n == ERR_NOT_FOUND || n == 0)
		return 0;
	if (n < 3 || text[0] != '+' || text[n - 1] != '/')
		return -1;
	return fixed_parse(text + 1, (size_t)n - 2, 0, &from) == 0 && from >= 0 ? from : -1;
}

static void tell_positions(struct sim *sim, const struct request *r, struct reply *reply)
{
	struct wallet *w = &sim->wallet;
	const struct wallet_state *s = state_of(w);
	char filter[16] = "";
	int64_t limit = PAGE_DEFAULT, i = read_cursor(r), given = 0;

	if (i < 0 || request_param_i64(r, "limit", PAGE_DEFAULT, &limit) != 0 || limit < 1 || limit > PAGE_MAX) {
		refuse(reply, 400, "bad_request", "limit or cursor");
		return;
	}
	(void)request_param(r, "count_filter", filter, sizeof(filter));
	limit = w->page > 0 && w->page < limit ? w->page : limit;
	w->pages++;
	buf_printf(&reply->body, "{\"market_positions\":[");
	for (; i < s->n && given < limit; i++) {
		const struct wallet_asset *a = &s->at[i];
		if (strcmp(a->name, cash) == 0 || (strcmp(filter, "position") == 0 && is_zero(a->free)))
			continue;
		tell_position(a, given++ > 0 ? "," : "", &reply->body);
	}
	buf_printf(&reply->body, "],\"event_positions\":[],\"cursor\":\"");
	if (i < s->n)
		buf_printf(&reply->body, "+%" PRId64 "/", i);
	else
		w->stale -= w->stale > 0; /* a poll is both questions */
	buf_printf(&reply->body, "\"}");
}

void wallet_kalshi_rest(struct sim *sim, const struct request *r, struct text path, struct reply *reply)
{
	bool balance = text_is(path, "balance"), positions = text_is(path, "positions");

	if ((!balance && !positions) || !text_is(r->method, "GET")) {
		/* Whatever else a customer may sign for is not to come from who only reads. */
		sim->wallet.others++;
		refuse(reply, 404, "not_found", NULL);
		return;
	}
	if (!check(sim, r, reply))
		return;
	if (balance)
		tell_balance(sim, reply);
	else
		tell_positions(sim, r, reply);
}

/* ---- the stream ---- */

/* Where there is a customer, nobody else is let in: the connection itself needs the key. */
int wallet_kalshi_open(struct session *s, const struct request *r)
{
	struct wallet *w = &s->sim->wallet;
	int rc = kalshi_ws_open(s, r);

	if (rc != 0 || w->id[0] == '\0')
		return rc;
	s->customer = is_customer(w, r) && kalshi_signed(w->secret, r) && in_time(s->sim, r);
	w->bad_handshakes += !s->customer;
	return s->customer ? 0 : ERR_REFUSED;
}

static bool names_account(struct json *j)
{
	struct json_str key, name;
	bool account = false;

	json_object(j);
	while (json_key(j, &key)) {
		if (!json_str_is(key, "channels") || json_peek(j) != JSON_ARRAY) {
			json_skip(j);
			continue;
		}
		json_array(j);
		while (json_item(j) && json_string(j, &name))
			account = json_str_is(name, "market_positions");
	}
	return account;
}

/* Is it a wish for the customer's channel? */
static bool read_wish(struct text message, struct json_str *ret_id)
{
	struct json_str key, cmd = {"", 0, false};
	bool account = false;
	struct json j;

	json_init(&j, message.at, message.len);
	json_object(&j);
	while (json_key(&j, &key)) {
		if (json_str_is(key, "id") && json_peek(&j) == JSON_NUMBER)
			json_number(&j, ret_id);
		else if (json_str_is(key, "cmd") && json_peek(&j) == JSON_STRING)
			json_string(&j, &cmd);
		else if (json_str_is(key, "params") && json_peek(&j) == JSON_OBJECT)
			account = names_account(&j);
		else
			json_skip(&j);
	}
	return json_finish(&j) == 0 && account && json_str_is(cmd, "subscribe");
}

void wallet_kalshi_text(struct session *s, struct text message)
{
	struct channel *c = &s->channel[ACCOUNT_CHANNEL];
	struct json_str id = {"0", 1, false};
	struct buf out;

	if (!s->customer || !read_wish(message, &id)) {
		kalshi_ws_text(s, message);
		return;
	}
	if (c->sid == 0)
		c->sid = ++s->last_sid;
	s->customer_subscribed = true;
	s->sim->wallet.subscriptions++;
	buf_init(&out, 1024);
	buf_printf(&out, "{\"id\":%.*s,\"type\":\"subscribed\",\"msg\":{\"channel\":\"market_positions\",\"sid\":%u}}",
		   (int)id.len, id.at, c->sid);
	session_text(s, -1, (struct text){(const char *)out.at, out.len});
	buf_fini(&out);
}

/* Of the cash the stream does not tell. */
int wallet_kalshi_tell(struct session *s, const struct wallet_asset *a, int64_t at_ms, struct buf *out)
{
	(void)at_ms;
	if (strcmp(a->name, cash) == 0)
		return ERR_NOT_FOUND;
	return buf_printf(out,
			  "{\"type\":\"market_position\",\"sid\":%u,\"msg\":{\"user_id\":\"u\","
			  "\"market_ticker\":\"%s\",\"position_fp\":\"%s\",\"position_cost_dollars\":\"%s\","
			  "\"realized_pnl_dollars\":\"0.0000\",\"fees_paid_dollars\":\"0.0000\","
			  "\"position_fee_cost_dollars\":\"0.0000\",\"volume_fp\":\"%s\"}}",
			  s->channel[ACCOUNT_CHANNEL].sid, a->name, a->free, a->locked, a->free);
}
