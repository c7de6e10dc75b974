/* ws_handshake - nothing is accepted in a reply that was not offered in the request. */
#include "common/io/ws_handshake.h"

#include <string.h>
#include <strings.h>

#include "common/base/err.h"
#include "common/io/ws_frame.h"

/* ── request ── */

static const char *const own_lines[] = {
	"Host", "Upgrade", "Connection", "Content-Length",
	"Transfer-Encoding", "User-Agent", "Expect", NULL,
};

static bool line_allowed(const char *line)
{
	if (!headers_line_safe(line) || strncasecmp(line, "Sec-WebSocket-", 14) == 0)
		return false;
	for (const char *const *name = own_lines; *name; name++)
		if (headers_line_is(line, *name))
			return false;
	return true;
}

int ws_request_check(const struct ws_request *r)
{
	if (r->protocol && (!*r->protocol || r->protocol[headers_token(r->protocol)]))
		return ERR_ARG;
	if (r->user_agent && !headers_value_safe(r->user_agent))
		return ERR_ARG;
	for (const char *const *line = r->headers; line && *line; line++)
		if (!line_allowed(*line))
			return ERR_ARG;
	return 0;
}

static int pack_options(const struct ws_request *r, struct buf *out)
{
	int rc = 0;

	if (r->protocol)
		rc = buf_printf(out, "Sec-WebSocket-Protocol: %s\r\n", r->protocol);
	if (rc == 0 && r->deflate)
		rc = buf_printf(out, "Sec-WebSocket-Extensions: " WS_DEFLATE_OFFER "\r\n");
	if (rc == 0 && r->user_agent)
		rc = buf_printf(out, "User-Agent: %s\r\n", r->user_agent);
	for (const char *const *line = r->headers; rc == 0 && line && *line; line++)
		rc = buf_printf(out, "%s\r\n", *line);
	return rc == 0 ? buf_printf(out, "\r\n") : rc;
}

int ws_request_pack(const struct ws_request *r, struct buf *out)
{
	int rc = buf_printf(out, "GET ");

	if (rc == 0)
		rc = url_target(r->url, out);
	if (rc == 0)
		rc = buf_printf(out, " HTTP/1.1\r\nHost: ");
	if (rc == 0)
		rc = url_host(r->url, out);
	if (rc == 0)
		rc = buf_printf(out, "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
				"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n", r->key);
	return rc == 0 ? pack_options(r, out) : rc;
}

/* ── reply ── */

void ws_reply_init(struct ws_reply *p)
{
	*p = (struct ws_reply){.protocol = ""};
	headers_init(&p->headers, WS_REPLY_MAX + 2 * HEADERS_MAX);
}

void ws_reply_fini(struct ws_reply *p)
{
	headers_fini(&p->headers);
}

static int broken(struct ws_reply *p, const char *why)
{
	p->why = why;
	return ERR_PROTOCOL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1 101 Switching Protocols"; the phrase may be missing. */
static int take_status(struct ws_reply *p, const char *line, size_t len)
{
	size_t n;

	if (len < 12 || memcmp(line, "HTTP/1.", 7) != 0 || !is_digit(line[7]) || line[8] != ' ' ||
	    !is_digit(line[9]) || !is_digit(line[10]) || !is_digit(line[11]) ||
	    (len > 12 && line[12] != ' '))
		return broken(p, "the answer is not HTTP/1.1");
	p->status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
	if (p->status == 101 && line[7] != '1')
		return broken(p, "the upgrade is not HTTP/1.1");
	n = len > 13 ? len - 13 : 0;
	if (n >= sizeof p->phrase)
		n = sizeof p->phrase - 1;
	for (size_t i = 0; i < n; i++)
		p->phrase[i] = line[13 + i] >= ' ' && line[13 + i] <= '~' ? line[13 + i] : '?';
	p->phrase[n] = '\0';
	return 0;
}

static int take_lines(struct ws_reply *p, const char *at, const char *end)
{
	const char *eol = memmem(at, (size_t)(end - at), "\r\n", 2);
	int rc = take_status(p, at, (size_t)(eol - at));

	headers_clear(&p->headers);
	for (at = eol + 2; rc == 0 && at < end; at = eol + 2) {
		eol = memmem(at, (size_t)(end - at), "\r\n", 2);
		if (headers_add(&p->headers, at, (size_t)(eol - at)) < 0)
			rc = broken(p, "a header line is malformed, or there are too many");
	}
	return rc;
}

/* The header's only value, or NULL where there is none or more than one. */
static const char *only(const struct ws_reply *p, const char *name)
{
	return headers_nth(&p->headers, name, 1) ? NULL : headers_get(&p->headers, name);
}

static bool connection_upgrades(const struct ws_reply *p)
{
	const char *value;

	for (uint32_t i = 0; (value = headers_nth(&p->headers, "Connection", i)); i++)
		if (headers_list_has(value, "Upgrade"))
			return true;
	return false;
}

static int check_chosen(struct ws_reply *p, const struct ws_request *r)
{
	const char *protocol = only(p, "Sec-WebSocket-Protocol");
	const char *extensions = only(p, "Sec-WebSocket-Extensions");

	if (headers_nth(&p->headers, "Sec-WebSocket-Protocol", 1) ||
	    (protocol && (!r->protocol || strcmp(protocol, r->protocol) != 0)))
		return broken(p, "the server chose a subprotocol that was not offered");
	if (headers_nth(&p->headers, "Sec-WebSocket-Extensions", 1) ||
	    (extensions && !r->deflate) ||
	    (extensions && ws_deflate_reply(extensions, &p->params) < 0))
		return broken(p, "the server chose an extension that was not offered");
	p->protocol = protocol ? protocol : "";
	p->deflate = extensions != NULL;
	return 0;
}

static int check_upgrade(struct ws_reply *p, const struct ws_request *r)
{
	const char *upgrade = only(p, "Upgrade"), *accept = only(p, "Sec-WebSocket-Accept");
	char expected[29];

	if (!upgrade || strcasecmp(upgrade, "websocket") != 0)
		return broken(p, "the answer's Upgrade is not websocket");
	if (!connection_upgrades(p))
		return broken(p, "the answer's Connection is not Upgrade");
	ws_accept_key(r->key, expected);
	if (!accept || strcmp(accept, expected) != 0)
		return broken(p, "the answer's Sec-WebSocket-Accept is not the one for our key");
	return check_chosen(p, r);
}

int ws_reply_parse(struct ws_reply *p, const struct ws_request *r, const char *at, size_t len,
		   size_t *ret_used)
{
	const char *end = memmem(at, len < WS_REPLY_MAX ? len : WS_REPLY_MAX, "\r\n\r\n", 4);
	int rc;

	if (!end && len >= WS_REPLY_MAX) {
		p->why = "the answer's head is longer than 16 KiB";
		return ERR_TOO_LONG;
	}
	/* What does not start like HTTP is told at once, not after a time limit. */
	if (!end)
		return memcmp(at, "HTTP/1.", len < 7 ? len : 7) != 0
			? broken(p, "the answer is not HTTP/1.1") : ERR_AGAIN;
	rc = take_lines(p, at, end + 2);
	if (rc == 0)
		rc = p->status == 101 ? check_upgrade(p, r) : ERR_STATUS;
	if (rc == 0)
		*ret_used = (size_t)(end + 4 - at);
	return rc;
}
