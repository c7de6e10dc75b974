/* wallet_binance - the customer's endpoints of Binance spot: every request is verified as the venue does it. */
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/json.h"
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/session.h"

#define WINDOW_MS 5000
#define WINDOW_MAX_MS 60000

struct refusal {
	int status, code;
	const char *msg;
};

static const struct refusal
	no_key = {401, -2015, "Invalid API-key, IP, or permissions for action."},
	no_signature = {400, -1022, "Signature for this request is not valid."},
	no_time = {400, -1021, "Timestamp for this request is outside of the recvWindow."},
	no_parameter = {400, -1102, "Mandatory parameter was not sent, was empty/null, or malformed."};

static bool is_signed(const struct wallet *w, struct text payload, struct text signature)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	unsigned n = 0;

	if (HMAC(EVP_sha256(), w->secret, (int)strlen(w->secret), (const unsigned char *)payload.at, payload.len, mac,
		 &n) == NULL)
		return false;
	for (unsigned i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", mac[i]);
	return signature.len == 2 * (size_t)n && memcmp(signature.at, hex, signature.len) == 0;
}

/* rest-api.md, "Timing security". */
static bool in_time(struct sim *sim, int64_t timestamp, int64_t window)
{
	int64_t now = clock_wall(loop_clock(sim->loop)) / NS_PER_MS + sim->wallet.clock_ms;

	return window <= WINDOW_MAX_MS && timestamp < now + 1000 && now - timestamp <= window;
}

static const struct refusal *judge(struct sim *sim, struct text payload, struct text signature, int64_t timestamp,
				   int64_t window)
{
	struct wallet *w = &sim->wallet;

	if (timestamp <= 0)
		return &no_parameter;
	if (!is_signed(w, payload, signature)) {
		w->bad_signatures++;
		return &no_signature;
	}
	if (!in_time(sim, timestamp, window)) {
		w->out_of_time++;
		return &no_time;
	}
	return NULL;
}

/* ---- REST ---- */

static const struct refusal *check(struct sim *sim, const struct request *r)
{
	static const char mark[] = "&signature=";
	struct text key = request_header(r, "x-mbx-apikey"), query = r->query;
	int64_t timestamp = 0, window = WINDOW_MS;

	if (key.at == NULL || !text_is(key, sim->wallet.id)) {
		sim->wallet.bad_keys++;
		return &no_key;
	}
	const char *at = query.len > 0 ? memmem(query.at, query.len, mark, sizeof(mark) - 1) : NULL;
	if (at == NULL || request_param_i64(r, "timestamp", 0, &timestamp) != 0 ||
	    request_param_i64(r, "recvWindow", WINDOW_MS, &window) != 0)
		return &no_parameter;
	struct text payload = {query.at, (size_t)(at - query.at)};
	at += sizeof(mark) - 1;
	return judge(sim, payload, (struct text){at, (size_t)(query.at + query.len - at)}, timestamp, window);
}

bool wallet_binance_check(struct sim *sim, const struct request *r, struct reply *reply)
{
	const struct refusal *no = check(sim, r);

	if (no != NULL)
		binance_error(reply, no->status, no->code, no->msg);
	return no == NULL;
}

static void tell_account(struct sim *sim, struct reply *reply)
{
	struct wallet *w = &sim->wallet;
	const struct wallet_state *s = w->stale > 0 ? &w->before : &w->now;
	const char *comma = "";

	w->stale -= w->stale > 0;
	w->polls++;
	buf_printf(&reply->body,
		   "{\"makerCommission\":10,\"canTrade\":%s,\"canWithdraw\":%s,\"updateTime\":%" PRId64
		   ",\"accountType\":\"SPOT\",\"balances\":[",
		   w->trades ? "true" : "false", w->withdraws ? "true" : "false", s->changed_ms);
	for (uint32_t i = 0; i < s->n; i++) {
		if (strspn(s->at[i].free, "0.") == strlen(s->at[i].free) &&
		    strspn(s->at[i].locked, "0.") == strlen(s->at[i].locked))
			continue;
		buf_printf(&reply->body, "%s{\"asset\":\"%s\",\"free\":\"%s\",\"locked\":\"%s\"}", comma, s->at[i].name,
			   s->at[i].free, s->at[i].locked);
		comma = ",";
	}
	buf_printf(&reply->body, "],\"permissions\":[\"SPOT\"],\"uid\":1}");
}

static void tell_rights(struct sim *sim, struct reply *reply)
{
	sim->wallet.rights++;
	buf_printf(&reply->body,
		   "{\"ipRestrict\":true,\"createTime\":1698645219000,\"enableReading\":true,\"enableWithdrawals\":%s,"
		   "\"enableInternalTransfer\":false,\"permitsUniversalTransfer\":false,\"enableFutures\":false,"
		   "\"enableSpotAndMarginTrading\":%s}",
		   sim->wallet.withdraws ? "true" : "false", sim->wallet.trades ? "true" : "false");
}

bool wallet_binance_rest(struct sim *sim, const struct request *r, struct reply *reply)
{
	bool account = text_is(r->path, "/api/v3/account");
	bool rights = text_is(r->path, "/sapi/v1/account/apiRestrictions");

	if (sim->wallet.id[0] == '\0')
		return false;
	if ((!account && !rights) || !text_is(r->method, "GET")) {
		/* Whatever else a customer may sign for is not to come from who only reads. */
		sim->wallet.others += request_header(r, "x-mbx-apikey").at != NULL;
		return false;
	}
	if (!wallet_binance_check(sim, r, reply))
		return true;
	if (account)
		tell_account(sim, reply);
	else
		tell_rights(sim, reply);
	return true;
}

/* ---- the WebSocket API ---- */

struct wish {
	struct json_str id, method, key, signature;
	int64_t timestamp, window;
};

static void read_params(struct json *j, struct wish *w)
{
	struct json_str key;

	json_object(j);
	while (json_key(j, &key)) {
		if (json_str_is(key, "apiKey"))
			json_string(j, &w->key);
		else if (json_str_is(key, "signature"))
			json_string(j, &w->signature);
		else if (json_str_is(key, "timestamp"))
			json_i64(j, &w->timestamp);
		else if (json_str_is(key, "recvWindow"))
			json_i64(j, &w->window);
		else
			json_skip(j);
	}
}

static int read_wish(struct text message, struct wish *w)
{
	struct json_str key;
	struct json j;

	json_init(&j, message.at, message.len);
	json_object(&j);
	while (json_key(&j, &key)) {
		if (json_str_is(key, "id"))
			json_raw(&j, &w->id);
		else if (json_str_is(key, "method"))
			json_string(&j, &w->method);
		else if (json_str_is(key, "params") && json_peek(&j) == JSON_OBJECT)
			read_params(&j, w);
		else
			json_skip(&j);
	}
	return json_finish(&j);
}

/* The parameters in the order of the alphabet. */
static const struct refusal *check_wish(struct sim *sim, const struct wish *w)
{
	char payload[300];
	int n = snprintf(payload, sizeof(payload), "apiKey=%.*s&recvWindow=%" PRId64 "&timestamp=%" PRId64,
			 (int)w->key.len, w->key.at, w->window, w->timestamp);

	if (!json_str_is(w->key, sim->wallet.id)) {
		sim->wallet.bad_keys++;
		return &no_key;
	}
	return judge(sim, (struct text){payload, (size_t)n}, (struct text){w->signature.at, w->signature.len},
		     w->timestamp, w->window);
}

void wallet_binance_text(struct session *s, struct text message)
{
	static const struct refusal no_method = {400, -1020, "This operation is not supported."};
	struct wish w = {.id = {"null", 4, false}, .method = {"", 0, false}, .key = {"", 0, false},
			 .signature = {"", 0, false}};
	struct buf out;
	int rc = read_wish(message, &w);
	bool subscribes = json_str_is(w.method, "userDataStream.subscribe.signature");
	const struct refusal *no = rc != 0 || w.key.len > 128 ? &no_parameter
				   : subscribes              ? check_wish(s->sim, &w)
							     : &no_method;

	s->sim->wallet.others += !subscribes;
	if (subscribes && s->sim->wallet.unanswered > 0) {
		s->sim->wallet.unanswered--;
		return;
	}
	buf_init(&out, 4096);
	if (no != NULL) {
		buf_printf(&out, "{\"id\":%.*s,\"status\":%d,\"error\":{\"code\":%d,\"msg\":\"%s\"}}", (int)w.id.len,
			   w.id.at, no->status, no->code, no->msg);
	} else {
		s->customer_subscribed = true;
		s->sim->wallet.subscriptions++;
		buf_printf(&out, "{\"id\":%.*s,\"status\":200,\"result\":{\"subscriptionId\":0}}", (int)w.id.len,
			   w.id.at);
	}
	session_text(s, -1, (struct text){(const char *)out.at, out.len});
	buf_fini(&out);
}

int wallet_binance_tell(struct session *s, const struct wallet_asset *a, int64_t at_ms, struct buf *out)
{
	(void)s;
	return buf_printf(out,
			  "{\"subscriptionId\":0,\"event\":{\"e\":\"outboundAccountPosition\",\"E\":%" PRId64
			  ",\"u\":%" PRId64 ",\"B\":[{\"a\":\"%s\",\"f\":\"%s\",\"l\":\"%s\"}]}}",
			  at_ms, at_ms, a->name, a->free, a->locked);
}
