/* url - one pass from left to right; anything two parsers could read differently is an error. */
#include "common/io/url.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "common/base/err.h"

static const struct scheme {
	const char *prefix;
	uint16_t port;
	bool tls, web_socket;
} schemes[] = {
	{"https://", 443, true, false},
	{"http://", 80, false, false},
	{"wss://", 443, true, true},
	{"ws://", 80, false, true},
	{NULL, 0, false, false},
};

static const struct scheme *scheme_of(const char *text)
{
	for (const struct scheme *s = schemes; s->prefix; s++)
		if (strncasecmp(text, s->prefix, strlen(s->prefix)) == 0)
			return s;
	return NULL;
}

static bool chars_good(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text > '~' || strchr("\\#\"<>^`{|}", *text))
			return false;
	return true;
}

static bool name_good(const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = at[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		      c == '-' || c == '.' || c == '_'))
			return false;
	}
	return len > 0 && at[0] != '.';
}

/* Host at text; *ret_end is behind it. */
static int take_host(const char *text, struct url *u, const char **ret_end)
{
	const char *at = text, *end;
	struct in6_addr v6;
	size_t len;

	u->ipv6 = *at == '[';
	at += u->ipv6;
	len = u->ipv6 ? strcspn(at, "]") : strcspn(at, ":/?");
	if (len >= sizeof u->host)
		return ERR_TOO_LONG;
	end = at + len;
	if (u->ipv6 ? *end != ']' : !name_good(at, len))
		return ERR_SYNTAX;
	memcpy(u->host, at, len);
	u->host[len] = '\0';
	if (u->ipv6 && inet_pton(AF_INET6, u->host, &v6) != 1)
		return ERR_SYNTAX;
	*ret_end = end + u->ipv6;
	return 0;
}

/* ":port" or nothing; *at_p moves behind it. */
static int take_port(const char **at_p, uint16_t *port)
{
	const char *at = *at_p;
	size_t n;
	uint32_t v = 0;

	if (*at != ':')
		return 0;
	n = strspn(++at, "0123456789");
	for (size_t i = 0; i < n && i < 6; i++)
		v = v * 10 + (uint32_t)(at[i] - '0');
	if (n == 0 || n > 5 || v == 0 || v > UINT16_MAX)
		return ERR_SYNTAX;
	*port = (uint16_t)v;
	*at_p = at + n;
	return 0;
}

static bool is_loopback(const struct url *u)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (u->ipv6)
		return inet_pton(AF_INET6, u->host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
	if (inet_pton(AF_INET, u->host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return strcasecmp(u->host, "localhost") == 0;
}

int url_parse(const char *text, struct url *ret_url)
{
	const struct scheme *s = scheme_of(text);
	struct url u = {0};
	const char *at;
	int rc;

	if (strnlen(text, URL_MAX) == URL_MAX)
		return ERR_TOO_LONG;
	if (!s || !chars_good(text))
		return ERR_SYNTAX;
	at = text + strlen(s->prefix);
	if (memchr(at, '@', strcspn(at, "/?")))
		return ERR_SYNTAX; /* credentials do not belong into a URL that is logged */
	rc = take_host(at, &u, &at);
	u.port = s->port;
	if (rc == 0)
		rc = take_port(&at, &u.port);
	if (rc < 0)
		return rc;
	if (*at && *at != '/' && *at != '?')
		return ERR_SYNTAX;
	u.target = at;
	u.tls = s->tls;
	u.web_socket = s->web_socket;
	u.loopback = is_loopback(&u);
	*ret_url = u;
	return 0;
}

int url_host(const struct url *u, struct buf *out)
{
	int rc = buf_printf(out, u->ipv6 ? "[%s]" : "%s", u->host);

	if (rc == 0 && u->port != (u->tls ? 443 : 80))
		rc = buf_printf(out, ":%u", (unsigned)u->port);
	return rc;
}

int url_target(const struct url *u, struct buf *out)
{
	int rc = u->target[0] == '/' ? 0 : buf_byte(out, '/');

	return rc < 0 ? rc : buf_append(out, u->target, strlen(u->target));
}
