/* wallet_usdm - the customer's endpoints of Binance USD-M: wallets, positions, and the stream behind a listen key.
 *
 * Facts: developers.binance.com, USD-M futures: Account Information V3, Position Information V3, Start User Data
 * Stream (the key's id alone, no signature), ACCOUNT_UPDATE; the stream is of the base /private since 2026-04-23.
 */
#include <inttypes.h>
#include <string.h>

#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/session.h"

static const char listen_key[] = "pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf19v8a65a1";

static bool is_position(const struct sim *sim, const struct wallet_asset *a)
{
	return recording_symbol(&sim->rec, text_of(a->name)) != NULL;
}

static bool is_zero(const char *decimal)
{
	return strspn(decimal, "-0.") == strlen(decimal);
}

/* ---- REST ---- */

static void tell_one(const struct wallet_asset *a, bool position, const char *comma, struct buf *out)
{
	if (position)
		buf_printf(out,
			   "%s{\"symbol\":\"%s\",\"positionSide\":\"BOTH\",\"positionAmt\":\"%s\","
			   "\"entryPrice\":\"%s\",\"unRealizedProfit\":\"0.00000000\",\"updateTime\":%" PRId64 "}",
			   comma, a->name, a->free, a->locked, a->changed_ms);
	else
		buf_printf(out,
			   "%s{\"asset\":\"%s\",\"walletBalance\":\"%s\",\"unrealizedProfit\":\"0.00000000\","
			   "\"updateTime\":%" PRId64 "}",
			   comma, a->name, a->free, a->changed_ms);
}

/* Of one kind, all of which there is something. */
static void tell_all(const struct sim *sim, bool positions, struct buf *out)
{
	const struct wallet_state *s = sim->wallet.stale > 0 ? &sim->wallet.before : &sim->wallet.now;
	const char *comma = "";

	for (uint32_t i = 0; i < s->n; i++) {
		if (is_position(sim, &s->at[i]) != positions || is_zero(s->at[i].free))
			continue;
		tell_one(&s->at[i], positions, comma, out);
		comma = ",";
	}
}

static void tell_account(struct sim *sim, struct reply *reply)
{
	sim->wallet.polls++;
	buf_printf(&reply->body, "{\"totalInitialMargin\":\"0.00000000\",\"assets\":[");
	tell_all(sim, false, &reply->body);
	buf_printf(&reply->body, "],\"positions\":[]}");
}

static void tell_positions(struct sim *sim, struct reply *reply)
{
	struct wallet *w = &sim->wallet;

	w->pages++;
	buf_byte(&reply->body, '[');
	tell_all(sim, true, &reply->body);
	buf_byte(&reply->body, ']');
	w->stale -= w->stale > 0; /* a poll is both questions */
}

static void tell_listen_key(struct sim *sim, const struct request *r, struct reply *reply)
{
	struct text key = request_header(r, "x-mbx-apikey");

	if (key.at != NULL && text_is(key, sim->wallet.id)) {
		buf_printf(&reply->body, "{\"listenKey\":\"%s\"}", listen_key);
		return;
	}
	sim->wallet.bad_keys++;
	binance_error(reply, 401, -2015, "Invalid API-key, IP, or permissions for action.");
}

bool wallet_usdm_rest(struct sim *sim, const struct request *r, struct reply *reply)
{
	bool get = text_is(r->method, "GET"), account = get && text_is(r->path, "/fapi/v3/account");
	bool positions = get && text_is(r->path, "/fapi/v3/positionRisk");
	bool listens = text_is(r->method, "POST") && text_is(r->path, "/fapi/v1/listenKey");

	if (sim->wallet.id[0] == '\0')
		return false;
	if (!account && !positions && !listens) {
		/* Whatever else a customer may sign for is not to come from who only reads. */
		sim->wallet.others += request_header(r, "x-mbx-apikey").at != NULL;
		return false;
	}
	if (listens)
		tell_listen_key(sim, r, reply);
	else if (!wallet_binance_check(sim, r, reply))
		return true;
	else if (account)
		tell_account(sim, reply);
	else
		tell_positions(sim, reply);
	return true;
}

/* ---- the stream ---- */

bool wallet_usdm_open(struct session *s, struct text path)
{
	static const char base[] = "/private/ws/";
	size_t n = sizeof(base) - 1;
	struct wallet *w = &s->sim->wallet;

	s->customer = w->id[0] != '\0' && text_starts(path, base) &&
		      text_is((struct text){path.at + n, path.len - n}, listen_key);
	s->customer_subscribed = s->customer;
	w->subscriptions += s->customer;
	return s->customer;
}

int wallet_usdm_tell(struct session *s, const struct wallet_asset *a, int64_t at_ms, struct buf *out)
{
	int rc = buf_printf(out,
			    "{\"e\":\"ACCOUNT_UPDATE\",\"E\":%" PRId64 ",\"T\":%" PRId64
			    ",\"a\":{\"m\":\"ORDER\",",
			    at_ms, at_ms);
	if (rc != 0)
		return rc;
	if (is_position(s->sim, a))
		return buf_printf(out,
				  "\"B\":[],\"P\":[{\"s\":\"%s\",\"pa\":\"%s\",\"ep\":\"%s\",\"cr\":\"0\","
				  "\"up\":\"0\",\"mt\":\"cross\",\"iw\":\"0\",\"ps\":\"BOTH\"}]}}",
				  a->name, a->free, a->locked);
	return buf_printf(out, "\"B\":[{\"a\":\"%s\",\"wb\":\"%s\",\"cw\":\"%s\",\"bc\":\"0\"}],\"P\":[]}}", a->name,
			  a->free, a->free);
}
