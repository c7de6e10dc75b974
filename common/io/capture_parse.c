/* capture_parse - one line of a recording: stamp and raw JSON, or cryptofeed's object. */
#include "common/io/capture_parse.h"

#include "common/base/err.h"

#define NS_DIGITS 9

/* Does the object have a "stream" member? False for broken JSON too: *ret_err tells. */
static bool has_stream(const char *text, size_t len, int *ret_err)
{
	static const char usual[] = "{\"stream\":";
	struct json j;
	struct json_str key;
	bool found = false;

	*ret_err = 0;
	if (len >= sizeof(usual) - 1 && memcmp(text, usual, sizeof(usual) - 1) == 0)
		return true;
	json_init(&j, text, len);
	json_object(&j);
	while (json_key(&j, &key)) {
		found |= json_str_is(key, "stream");
		json_skip(&j);
	}
	*ret_err = json_finish(&j);
	return found;
}

int capture_parse_stamped(const char *line, size_t len, struct capture_line *ret_line)
{
	int64_t stamp = 0;
	size_t at = 0;
	int err;

	while (at < len && line[at] >= '0' && line[at] <= '9') {
		if (stamp > (INT64_MAX - 9) / 10)
			return ERR_RANGE;
		stamp = stamp * 10 + (line[at++] - '0');
	}
	if (at == 0 || at + 1 >= len || line[at] != ' ')
		return ERR_SYNTAX;
	at++;
	bool frame = has_stream(line + at, len - at, &err);
	if (err != 0)
		return err;
	*ret_line = (struct capture_line){.kind = frame ? CAPTURE_FRAME : CAPTURE_HTTP,
					  .stamp = stamp,
					  .data = line + at,
					  .len = len - at,
					  .url = "",
					  .conn = "",
					  .addr = ""};
	return 0;
}

/* "1633998514.6462898" in ns, exactly; digits beyond the ninth are cut. */
static int seconds_to_ns(struct json_str s, int64_t *ret_ns)
{
	int64_t ns = 0;
	int decimals = -1;

	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] == '.' && decimals < 0) {
			decimals = 0;
			continue;
		}
		if (s.at[i] < '0' || s.at[i] > '9')
			return ERR_SYNTAX; /* negative, or an exponent: no time of ours */
		if (decimals == NS_DIGITS)
			continue;
		if (ns > (INT64_MAX - 9) / 10)
			return ERR_RANGE;
		ns = ns * 10 + (s.at[i] - '0');
		decimals += decimals >= 0;
	}
	for (decimals = decimals < 0 ? 0 : decimals; decimals < NS_DIGITS; decimals++) {
		if (ns > INT64_MAX / 10)
			return ERR_RANGE;
		ns *= 10;
	}
	*ret_ns = ns;
	return 0;
}

static void read_member(struct json *j, struct json_str key, struct json_str *type,
			struct json_str *ts, struct capture_entry *e)
{
	if (json_str_is(key, "t"))
		json_string(j, type);
	else if (json_str_is(key, "ts"))
		json_number(j, ts);
	else if (json_str_is(key, "data") && json_peek(j) == JSON_STRING)
		json_string(j, &e->data);
	else if (json_str_is(key, "url"))
		json_string(j, &e->url);
	else if (json_str_is(key, "conn"))
		json_string(j, &e->conn);
	else if (json_str_is(key, "addr"))
		json_string(j, &e->addr);
	else
		json_skip(j);
}

int capture_parse_entry(const char *line, size_t len, struct capture_entry *ret_entry)
{
	struct capture_entry e = {.url = {.at = ""}, .conn = {.at = ""}, .addr = {.at = ""}};
	struct json_str key, type = {0}, ts = {0};
	struct json j;

	json_init(&j, line, len);
	json_object(&j);
	while (json_key(&j, &key))
		read_member(&j, key, &type, &ts, &e);
	int rc = json_finish(&j);
	if (rc != 0)
		return rc;
	if (type.at == NULL)
		return ERR_SYNTAX;
	if (!json_str_is(type, "recv") && !json_str_is(type, "http")) {
		*ret_entry = e;
		return ERR_UNKNOWN;
	}
	if (ts.at == NULL || e.data.at == NULL)
		return ERR_SYNTAX;
	e.kind = json_str_is(type, "http") ? CAPTURE_HTTP : CAPTURE_FRAME;
	rc = seconds_to_ns(ts, &e.stamp);
	if (rc == 0)
		*ret_entry = e;
	return rc;
}

/* ---- {"recv_ms":N,"event":…} ---- */

#define NS_PER_MILLI INT64_C(1000000)

/* Frames of one millisecond keep their order. */
static int64_t stamp_of(int64_t ms, int64_t *last)
{
	*last = *last / NS_PER_MILLI == ms ? *last + 1 : ms * NS_PER_MILLI;
	return *last;
}

static struct capture_line frame_at(int64_t stamp, const char *data, size_t len)
{
	return (struct capture_line){
		.kind = CAPTURE_FRAME, .stamp = stamp, .data = data, .len = len, .url = "", .conn = "", .addr = ""};
}

int capture_parse_event(const char *line, size_t len, int64_t *last, struct capture_line *ret_line)
{
	struct json_str key, event = {0};
	int64_t ms = -1;
	struct json j;

	json_init(&j, line, len);
	if (json_peek(&j) != JSON_OBJECT)
		return ERR_UNKNOWN;
	json_object(&j);
	while (json_key(&j, &key))
		if (json_str_is(key, "recv_ms") && json_peek(&j) == JSON_NUMBER)
			json_i64(&j, &ms);
		else if (json_str_is(key, "event"))
			json_raw(&j, &event);
		else
			json_skip(&j);
	int rc = json_finish(&j);
	if (rc != 0)
		return rc;
	if (ms < 0 || event.at == NULL)
		return ERR_UNKNOWN;
	if (ms > INT64_MAX / NS_PER_MILLI)
		return ERR_RANGE;
	*ret_line = frame_at(stamp_of(ms, last), event.at, event.len);
	return 0;
}

/* ---- bare frames ---- */

static int64_t own_time(struct json *j)
{
	struct json_str key, text = {0};
	int64_t ms = 0;

	json_object(j);
	while (json_key(j, &key))
		if (json_str_is(key, "timestamp") && (json_peek(j) == JSON_STRING || json_peek(j) == JSON_NUMBER))
			json_scalar_text(j, &text);
		else
			json_skip(j);
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9' || ms > INT64_MAX / NS_PER_MILLI / 10 - 1)
			return 0;
		ms = ms * 10 + (text.at[i] - '0');
	}
	return ms;
}

int capture_parse_bare(const char *line, size_t len, int64_t *last, struct capture_line *ret_line)
{
	int64_t ms = 0;
	struct json j;
	int rc = 0;

	if (len > 0) {
		json_init(&j, line, len);
		if (json_peek(&j) == JSON_ARRAY) {
			json_array(&j);
			while (json_item(&j))
				if (json_peek(&j) == JSON_OBJECT)
					ms = own_time(&j);
				else
					json_skip(&j);
		} else if (json_peek(&j) == JSON_OBJECT) {
			ms = own_time(&j);
		}
		rc = json_finish(&j);
	}
	if (rc != 0 || (ms == 0 && (len > 0 || *last == 0)))
		return rc != 0 ? rc : ERR_UNKNOWN;
	*ret_line = frame_at(stamp_of(len > 0 ? ms : *last / NS_PER_MILLI, last), line, len);
	return 0;
}
