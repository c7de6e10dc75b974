/* binance_rest - the REST endpoints, a row each: weight counted, symbols checked, then served. */
#include "common/base/err.h"
#include "common/base/json.h"
#include "common/io/log.h"
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/sim.h"

#define INFO_SYMBOLS_MAX 512

void binance_error(struct reply *r, int status, int code, const char *msg)
{
	reply_status(r, status);
	buf_printf(&r->body, "{\"code\":%d,\"msg\":", code);
	json_quote(&r->body, msg, strlen(msg));
	buf_byte(&r->body, '}');
}

void binance_refuse(struct reply *reply, int status, int64_t retry_after_s)
{
	binance_error(reply, status, -1003, "Way too many requests.");
	reply_header(reply, "Retry-After", "%lld", (long long)retry_after_s);
}

static int64_t weight_of_depth(const struct request *r, bool futures)
{
	int64_t limit = 100;

	if (request_param_i64(r, "limit", 100, &limit) != 0 || limit <= 100)
		return futures && limit <= 50 ? 2 : 5;
	if (futures)
		return limit <= 500 ? 10 : 20;
	return limit <= 500 ? 25 : limit <= 1000 ? 50 : 250;
}

static void ping(struct sim *sim, const struct request *r, struct reply *reply)
{
	(void)sim;
	(void)r;
	buf_printf(&reply->body, "{}");
}

static void server_time(struct sim *sim, const struct request *r, struct reply *reply)
{
	/* Who trades is judged by the machine's clock. */
	int64_t ms = sim->o->trading ? desk_binance_now(sim) : sim_now(sim) / NS_PER_MS;
	(void)r;
	buf_printf(&reply->body, "{\"serverTime\":%lld}", (long long)ms);
}

/* ["BTCUSDT","ETHUSDT"], slices of text. */
static int symbol_list(const char *text, size_t len, struct text *out, unsigned *ret_n)
{
	struct json_str item;
	struct json j;

	json_init(&j, text, len);
	json_array(&j);
	while (json_item(&j)) {
		if (*ret_n == INFO_SYMBOLS_MAX || !json_string(&j, &item))
			return ERR_ARG;
		out[(*ret_n)++] = (struct text){item.at, item.len};
	}
	return json_finish(&j);
}

static void exchange_info(struct sim *sim, const struct request *r, struct reply *reply)
{
	static char value[INFO_SYMBOLS_MAX * 32];
	struct text symbols[INFO_SYMBOLS_MAX];
	unsigned n = 0;
	int rc, len = request_param(r, "symbol", value, sizeof(value));

	if (len >= 0) {
		symbols[n++] = (struct text){value, (size_t)len};
		rc = 0;
	} else {
		len = request_param(r, "symbols", value, sizeof(value));
		rc = len >= 0               ? symbol_list(value, (size_t)len, symbols, &n)
		     : len == ERR_NOT_FOUND ? 0
					    : len;
	}
	if (rc != 0)
		binance_error(reply, 400, -1100,
			      "Illegal characters found in parameter 'symbols'.");
	else if (binance_info(sim, symbols, n, reply) != 0)
		binance_error(reply, 400, -1121, "Invalid symbol.");
}

/* Calls fn with the symbol parameter once it is known to be listed. */
static void with_symbol(struct sim *sim, const struct request *r, struct reply *reply,
			void (*fn)(struct sim *, const struct request *, struct text,
				   struct reply *))
{
	char symbol[MARKET_SYMBOL_LEN];
	int len = request_param(r, "symbol", symbol, sizeof(symbol));

	if (len == ERR_NOT_FOUND || len == 0) {
		binance_error(
			reply, 400, -1102,
			"Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.");
		return;
	}
	for (int i = 0; i < len; i++) {
		char c = symbol[i];
		if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
		    c == '.')
			continue;
		binance_error(reply, 400, -1100,
			      "Illegal characters found in parameter 'symbol'; "
			      "legal range is '^[A-Z0-9-_.]{1,20}$'.");
		return;
	}
	if (len < 0 || !binance_lists(sim, (struct text){symbol, (size_t)len})) {
		binance_error(reply, 400, -1121, "Invalid symbol.");
		return;
	}
	fn(sim, r, (struct text){symbol, (size_t)len}, reply);
}

static void depth(struct sim *sim, const struct request *r, struct reply *reply)
{
	with_symbol(sim, r, reply, binance_depth);
}

static void trades(struct sim *sim, const struct request *r, struct reply *reply)
{
	with_symbol(sim, r, reply, binance_trades);
}

static void klines(struct sim *sim, const struct request *r, struct reply *reply)
{
	with_symbol(sim, r, reply, binance_klines);
}

static const struct endpoint {
	const char *path; /* behind the base */
	int64_t weight;   /* 0: by its limit */
	void (*fn)(struct sim *, const struct request *, struct reply *);
} endpoints[] = {
	{"/ping", 1, ping},
	{"/time", 1, server_time},
	{"/exchangeInfo", 20, exchange_info},
	{"/depth", 0, depth},
	{"/trades", 25, trades},
	{"/historicalTrades", 25, trades},
	{"/aggTrades", 20, trades},
	{"/klines", 2, klines},
};

static const char banned[] =
	"Way too many requests; IP banned. Please use the websocket for live updates.";
static const char throttled[] =
	"Too much request weight used; please use WebSocket Streams for live updates.";

/* A stamped request is never refused and tells its own weight only: its answer may not depend on what was asked
 * before. */
bool binance_pay(struct sim *sim, const struct request *r, int64_t weight, struct reply *reply)
{
	int64_t used = weight, retry = 0, stamp = -1;
	int status = 0;

	if (request_param_i64(r, "nj_stamp", -1, &stamp) != 0 || stamp < 0) {
		if (!reply->again)
			status = limits_take(&sim->limits, clock_wall(loop_clock(sim->loop)),
					     weight, &retry);
		used = sim->limits.used;
	}
	reply_header(reply, "X-MBX-USED-WEIGHT", "%lld", (long long)used);
	reply_header(reply, "X-MBX-USED-WEIGHT-1M", "%lld", (long long)used);
	if (status == 0)
		return true;
	log_warn("request weight exceeded", "status=%d used=%lld retry_after_s=%lld", status,
		 (long long)used, (long long)retry);
	binance_error(reply, status, -1003, status == 418 ? banned : throttled);
	reply_header(reply, "Retry-After", "%lld", (long long)retry);
	return false;
}

void binance_rest(struct sim *sim, const struct request *r, struct reply *reply)
{
	size_t base = strlen(sim->dialect->rest_base);
	bool based = text_starts(r->path, sim->dialect->rest_base);
	struct text path = {r->path.at + base, based ? r->path.len - base : 0};

	if (desk_binance_rest(sim, r, reply))
		return;
	if (sim->dialect->futures ? wallet_usdm_rest(sim, r, reply) : wallet_binance_rest(sim, r, reply))
		return;
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
		const struct endpoint *e = &endpoints[i];
		if (!based || !text_is(path, e->path))
			continue;
		if (!text_is(r->method, "GET")) {
			binance_error(reply, 405, -1000, "Request method not supported");
			return;
		}
		if (binance_pay(sim, r, e->weight > 0 ? e->weight : weight_of_depth(r, sim->dialect->futures), reply))
			e->fn(sim, r, reply);
		return;
	}
	binance_error(reply, 404, -1000, "Path not found");
}
