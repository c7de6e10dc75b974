/* binance_ws - stream paths and the messages of a client: SUBSCRIBE and its kin. */
#include "common/base/err.h"
#include "common/base/json.h"
#include "common/io/log.h"
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/session.h"

#define STREAMS_QUERY_MAX 60000

static int subscribe(struct session *s, struct text name)
{
	int rc = streams_add(&s->streams, name);

	if (rc == 0 && s->sim->rec.streams.count > 0 &&
	    strmap_get(&s->sim->rec.streams, name.at, name.len) == NULL)
		log_warn("stream is not in the recording: no frames", "stream=%.*s", (int)name.len,
			 name.at);
	return rc;
}

static int subscribe_list(struct session *s, struct text list)
{
	int rc = 0;

	while (rc == 0 && list.len > 0) {
		const char *slash = memchr(list.at, '/', list.len);
		size_t n = slash != NULL ? (size_t)(slash - list.at) : list.len;
		if (n > 0)
			rc = subscribe(s, (struct text){list.at, n});
		n += slash != NULL;
		list = (struct text){list.at + n, list.len - n};
	}
	return rc;
}

/* Event times are recorded in ms: microseconds cannot be served, so they are refused. */
static bool wants_us(const struct request *r)
{
	char unit[16];
	int n = request_param(r, "timeUnit", unit, sizeof(unit));

	return n > 0 && (unit[0] == 'M' || unit[0] == 'm') && (unit[1] == 'I' || unit[1] == 'i') &&
	       (unit[2] == 'C' || unit[2] == 'c');
}

int binance_ws_open(struct session *s, const struct request *r)
{
	s->customer = text_is(r->path, "/ws-api/v3") && s->sim->wallet.id[0] != '\0';
	if (s->customer)
		return 0;
	return binance_ws_open_at(s, r, r->path);
}

int binance_ws_open_at(struct session *s, const struct request *r, struct text path)
{
	static char streams[STREAMS_QUERY_MAX];

	if (wants_us(r))
		return ERR_FULL;
	if (text_is(path, "/stream")) {
		s->combined = true;
		int n = request_param(r, "streams", streams, sizeof(streams));
		if (n < 0)
			return n == ERR_NOT_FOUND ? 0 : ERR_FULL;
		return subscribe_list(s, (struct text){streams, (size_t)n}) == 0 ? 0 : ERR_FULL;
	}
	if (text_is(path, "/ws"))
		return 0;
	if (!text_starts(path, "/ws/"))
		return ERR_ARG;
	struct text list = {path.at + 4, path.len - 4};
	return subscribe_list(s, list) == 0 ? 0 : ERR_FULL;
}

enum method { METHOD_NONE, METHOD_SUBSCRIBE, METHOD_UNSUBSCRIBE, METHOD_LIST };

struct message {
	enum method method;
	struct json_str id;     /* raw: number, string or null */
	struct json_str params; /* raw */
};

static void say(struct session *s, const struct buf *text)
{
	session_text(s, -1, (struct text){(const char *)text->at, text->len});
}

static void say_error(struct session *s, int code, const char *msg, struct json_str id)
{
	struct buf out;

	buf_init(&out, 4096);
	buf_printf(&out, "{\"code\":%d,\"msg\":\"%s\"", code, msg);
	if (id.at != NULL)
		buf_printf(&out, ",\"id\":%.*s", (int)id.len, id.at);
	buf_byte(&out, '}');
	say(s, &out);
	buf_fini(&out);
}

static enum method method_of(struct json_str text)
{
	if (json_str_is(text, "SUBSCRIBE"))
		return METHOD_SUBSCRIBE;
	if (json_str_is(text, "UNSUBSCRIBE"))
		return METHOD_UNSUBSCRIBE;
	return json_str_is(text, "LIST_SUBSCRIPTIONS") ? METHOD_LIST : METHOD_NONE;
}

static int read_message(struct text text, struct message *ret_message)
{
	struct message m = {0};
	struct json_str key, method = {.at = ""};
	struct json j;

	json_init(&j, text.at, text.len);
	json_object(&j);
	while (json_key(&j, &key)) {
		if (json_str_is(key, "method"))
			json_string(&j, &method);
		else if (json_str_is(key, "params"))
			json_raw(&j, &m.params);
		else if (json_str_is(key, "id") && json_peek(&j) != JSON_OBJECT &&
			 json_peek(&j) != JSON_ARRAY)
			json_raw(&j, &m.id);
		else
			return ERR_UNKNOWN;
	}
	m.method = method_of(method);
	int rc = json_finish(&j);
	if (rc == 0 && m.id.len > 64)
		rc = ERR_TOO_LONG;
	*ret_message = m;
	return rc;
}

static int change(struct session *s, const struct message *m)
{
	struct json_str name;
	struct json j;
	int rc = 0;

	json_init(&j, m->params.at, m->params.len);
	json_array(&j);
	while (rc == 0 && json_item(&j)) {
		struct text t;
		if (!json_string(&j, &name) || name.escaped)
			return ERR_SYNTAX;
		t = (struct text){name.at, name.len};
		if (m->method == METHOD_SUBSCRIBE)
			rc = subscribe(s, t);
		else
			streams_remove(&s->streams, t);
	}
	return rc != 0 ? rc : json_finish(&j);
}

static void say_list(struct session *s, struct json_str id)
{
	struct buf out;

	buf_init(&out, (size_t)256 * 1024);
	buf_printf(&out, "{\"result\":[");
	for (uint32_t i = 0; i < s->streams.n; i++) {
		if (i > 0)
			buf_byte(&out, ',');
		json_quote(&out, s->streams.name[i], strlen(s->streams.name[i]));
	}
	buf_printf(&out, "],\"id\":%.*s}", (int)id.len, id.at);
	say(s, &out);
	buf_fini(&out);
}

void binance_ws_text(struct session *s, struct text message)
{
	struct message m = {0};
	struct buf out;

	if (s->customer) {
		wallet_binance_text(s, message);
		return;
	}
	int rc = read_message(message, &m);

	if (rc == ERR_UNKNOWN) {
		say_error(s, 0, "Unknown property", m.id);
		return;
	}
	if (rc != 0) {
		say_error(s, 3, "Invalid JSON: expected value", m.id);
		return;
	}
	if (m.id.at == NULL || m.method == METHOD_NONE) {
		say_error(s, 2, "Invalid request: unknown or missing method or id", m.id);
		return;
	}
	if (m.method == METHOD_LIST) {
		say_list(s, m.id);
		return;
	}
	rc = m.params.at == NULL ? ERR_SYNTAX : change(s, &m);
	if (rc == ERR_FULL) {
		session_end(s, 1008, "too many streams");
		return;
	}
	if (rc != 0) {
		say_error(s, 2, "Invalid request: params must be a list of stream names", m.id);
		return;
	}
	buf_init(&out, 1024);
	buf_printf(&out, "{\"result\":null,\"id\":%.*s}", (int)m.id.len, m.id.at);
	say(s, &out);
	buf_fini(&out);
	session_subscribed(s);
}
