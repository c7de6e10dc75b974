/* http_parse - the request line, then header lines, then what they mean. */
#include "tools/venue_sim/http_parse.h"

#include <strings.h>

#include "common/base/err.h"

static bool is_token_char(char c)
{
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return true;
	return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_token(struct text t)
{
	for (size_t i = 0; i < t.len; i++)
		if (!is_token_char(t.at[i]))
			return false;
	return t.len > 0;
}

static bool equal_fold(struct text a, const char *b)
{
	return a.len == strlen(b) && strncasecmp(a.at, b, a.len) == 0;
}

/* Takes the text before the first `c` of *rest, and *rest moves behind it; false where there is
 * none. */
static bool cut(struct text *rest, char c, struct text *ret_before)
{
	const char *found = rest->len > 0 ? memchr(rest->at, c, rest->len) : NULL;

	if (found == NULL)
		return false;
	size_t n = (size_t)(found - rest->at);
	*ret_before = (struct text){rest->at, n};
	*rest = (struct text){found + 1, rest->len - n - 1};
	return true;
}

static struct text trim(struct text t)
{
	while (t.len > 0 && (t.at[0] == ' ' || t.at[0] == '\t'))
		t = (struct text){t.at + 1, t.len - 1};
	while (t.len > 0 && (t.at[t.len - 1] == ' ' || t.at[t.len - 1] == '\t'))
		t.len--;
	return t;
}

/* One line up to its CRLF; ERR_PROTOCOL for a bare CR or LF or a control character. */
static int next_line(struct text *rest, struct text *ret_line)
{
	struct text line;

	if (!cut(rest, '\n', &line) || line.len == 0 || line.at[line.len - 1] != '\r')
		return ERR_PROTOCOL;
	line.len--;
	for (size_t i = 0; i < line.len; i++) {
		unsigned char c = (unsigned char)line.at[i];
		if ((c < ' ' && c != '\t') || c == 0x7f)
			return ERR_PROTOCOL;
	}
	*ret_line = line;
	return 0;
}

static int request_line(struct text line, struct request *r)
{
	struct text target;

	if (!cut(&line, ' ', &r->method) || !is_token(r->method) || !cut(&line, ' ', &target))
		return ERR_PROTOCOL;
	if (!text_is(line, "HTTP/1.1") && !text_is(line, "HTTP/1.0"))
		return ERR_PROTOCOL;
	r->keep_alive = text_is(line, "HTTP/1.1");
	if (target.len == 0 || target.at[0] != '/')
		return ERR_PROTOCOL;
	for (size_t i = 0; i < target.len; i++)
		if (target.at[i] <= ' ' || target.at[i] == '#')
			return ERR_PROTOCOL; /* also bytes above ASCII, which are negative */
	r->path = target;
	r->query = (struct text){target.at + target.len, 0};
	if (cut(&target, '?', &r->path))
		r->query = target;
	return 0;
}

static int header_line(struct text line, struct request *r)
{
	struct request_header h;

	if (r->n_headers == REQUEST_HEADERS_MAX)
		return ERR_TOO_LONG;
	if (!cut(&line, ':', &h.name) || !is_token(h.name))
		return ERR_PROTOCOL;
	h.value = trim(line);
	r->header[r->n_headers++] = h;
	return 0;
}

static int body_length(struct text digits, size_t *ret_len)
{
	size_t n = 0;

	for (size_t i = 0; i < digits.len; i++) {
		if (digits.at[i] < '0' || digits.at[i] > '9')
			return ERR_PROTOCOL;
		n = n * 10 + (size_t)(digits.at[i] - '0');
		if (n > REQUEST_BODY_MAX)
			return ERR_TOO_LONG;
	}
	if (digits.len == 0)
		return ERR_PROTOCOL;
	*ret_len = n;
	return 0;
}

static int judge_headers(struct request *r)
{
	unsigned lengths = 0, hosts = 0;

	for (unsigned i = 0; i < r->n_headers; i++) {
		const struct request_header *h = &r->header[i];
		if (equal_fold(h->name, "transfer-encoding"))
			return ERR_UNKNOWN;
		hosts += equal_fold(h->name, "host");
		if (!equal_fold(h->name, "content-length"))
			continue;
		int rc = body_length(h->value, &r->body_len);
		if (rc != 0)
			return rc;
		lengths++;
	}
	if (lengths > 1 || hosts > 1 || (r->keep_alive && hosts == 0))
		return ERR_PROTOCOL;
	if (request_has_token(r, "connection", "close"))
		r->keep_alive = false;
	else if (request_has_token(r, "connection", "keep-alive"))
		r->keep_alive = true;
	return 0;
}

int request_parse(const char *at, size_t len, struct request *ret_request)
{
	size_t look = len < REQUEST_HEAD_MAX ? len : REQUEST_HEAD_MAX;
	const char *end = look > 0 ? memmem(at, look, "\r\n\r\n", 4) : NULL;
	struct request r = {0};
	struct text rest, line;

	if (end == NULL)
		return len >= REQUEST_HEAD_MAX ? ERR_TOO_LONG : ERR_AGAIN;
	r.head_len = (size_t)(end - at) + 4;
	rest = (struct text){at, r.head_len};
	int rc = next_line(&rest, &line);
	if (rc == 0)
		rc = request_line(line, &r);
	while (rc == 0) {
		rc = next_line(&rest, &line);
		if (rc != 0 || line.len == 0)
			break;
		rc = header_line(line, &r);
	}
	if (rc == 0)
		rc = judge_headers(&r);
	if (rc == 0)
		*ret_request = r;
	return rc;
}

struct text request_header(const struct request *r, const char *name)
{
	for (unsigned i = 0; i < r->n_headers; i++)
		if (equal_fold(r->header[i].name, name))
			return r->header[i].value;
	return (struct text){NULL, 0};
}

bool request_has_token(const struct request *r, const char *name, const char *token)
{
	for (unsigned i = 0; i < r->n_headers; i++) {
		if (!equal_fold(r->header[i].name, name))
			continue;
		struct text rest = r->header[i].value, item;
		while (cut(&rest, ',', &item))
			if (equal_fold(trim(item), token))
				return true;
		if (equal_fold(trim(rest), token))
			return true;
	}
	return false;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int percent_decode(struct text t, char *out, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < t.len; i++) {
		char c = t.at[i];
		if (c == '%') {
			int high = i + 2 < t.len ? hex(t.at[i + 1]) : -1;
			int low = high >= 0 ? hex(t.at[i + 2]) : -1;
			if (low < 0 || (high == 0 && low == 0))
				return ERR_SYNTAX;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (n + 1 >= cap)
			return ERR_TOO_LONG;
		out[n++] = c;
	}
	out[n] = '\0';
	return (int)n;
}

int request_param(const struct request *r, const char *name, char *out, size_t cap)
{
	struct text rest = r->query, item, key;

	for (bool more = true; more;) {
		more = cut(&rest, '&', &item);
		if (!more)
			item = rest;
		if (cut(&item, '=', &key) && text_is(key, name))
			return percent_decode(item, out, cap);
	}
	return ERR_NOT_FOUND;
}

int request_param_i64(const struct request *r, const char *name, int64_t fallback,
		      int64_t *ret_value)
{
	char digits[24];
	int64_t value = 0;
	int n = request_param(r, name, digits, sizeof(digits));

	if (n == ERR_NOT_FOUND) {
		*ret_value = fallback;
		return 0;
	}
	if (n < 0)
		return n;
	if (n == 0)
		return ERR_SYNTAX;
	for (int i = 0; i < n; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return ERR_SYNTAX;
		if (value > (INT64_MAX - 9) / 10)
			return ERR_RANGE;
		value = value * 10 + (digits[i] - '0');
	}
	*ret_value = value;
	return 0;
}
