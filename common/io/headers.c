/* headers - a flat text with offsets; few lines, so a look-up walks them. */
#include "common/io/headers.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "common/base/err.h"

#define RETRY_AFTER_MAX_S (7 * 24 * 3600)

void headers_init(struct headers *h, size_t bytes_max)
{
	h->n = 0;
	buf_init(&h->text, bytes_max);
}

void headers_fini(struct headers *h)
{
	if (!h)
		return;
	buf_fini(&h->text);
	h->n = 0;
}

void headers_clear(struct headers *h)
{
	buf_clear(&h->text);
	h->n = 0;
}

static bool is_token_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

size_t headers_token(const char *text)
{
	size_t n = 0;

	while (is_token_char(text[n]))
		n++;
	return n;
}

static bool is_name(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_token_char(text[i]))
			return false;
	return len > 0;
}

static bool is_value(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7f)
			return false;
	return true;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

static int add_text(struct headers *h, const char *text, size_t len)
{
	int rc = buf_append(&h->text, text, len);

	return rc < 0 ? rc : buf_byte(&h->text, 0);
}

int headers_add(struct headers *h, const char *line, size_t len)
{
	const char *colon = len ? memchr(line, ':', len) : NULL;
	const char *value = colon ? colon + 1 : line, *end = line + len;
	uint32_t name_at = (uint32_t)h->text.len, value_at;
	int rc;

	if (!colon || !is_name(line, (size_t)(colon - line)) ||
	    !is_value(value, (size_t)(end - value)))
		return ERR_SYNTAX;
	if (h->n == HEADERS_MAX)
		return ERR_FULL;
	while (value < end && is_space(*value))
		value++;
	while (value < end && is_space(end[-1]))
		end--;
	rc = add_text(h, line, (size_t)(colon - line));
	value_at = (uint32_t)h->text.len;
	if (rc == 0)
		rc = add_text(h, value, (size_t)(end - value));
	if (rc < 0)
		return rc;
	h->rows[h->n].name = name_at;
	h->rows[h->n++].value = value_at;
	return 0;
}

const char *headers_nth(const struct headers *h, const char *name, uint32_t nth)
{
	for (uint32_t i = 0; i < h->n; i++) {
		const char *text = (const char *)h->text.at;

		if (strcasecmp(text + h->rows[i].name, name) == 0 && nth-- == 0)
			return text + h->rows[i].value;
	}
	return NULL;
}

const char *headers_get(const struct headers *h, const char *name)
{
	return headers_nth(h, name, 0);
}

bool headers_list_has(const char *list, const char *token)
{
	size_t n = strlen(token);

	while (list && *list) {
		size_t len;

		list += strspn(list, " \t,");
		len = strcspn(list, ",");
		if (len >= n && strncasecmp(list, token, n) == 0 &&
		    strspn(list + n, " \t") == len - n)
			return true;
		list += len;
	}
	return false;
}

bool headers_value_safe(const char *text)
{
	return is_value(text, strlen(text));
}

bool headers_line_safe(const char *line)
{
	const char *colon = strchr(line, ':');

	return colon && is_name(line, (size_t)(colon - line)) && is_value(colon, strlen(colon));
}

bool headers_line_is(const char *line, const char *name)
{
	size_t n = strlen(name);

	return strncasecmp(line, name, n) == 0 && line[n] == ':';
}

/* IMF-fixdate, the one form that may be sent today (RFC 9110 5.6.7); seconds since 1970 or -1. */
static int64_t date_s(const char *text)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm = {0};
	char month[4], *at;
	int end = -1;

	if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &tm.tm_mday, month,
		   &tm.tm_year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) != 6 ||
	    end < 0 || text[end])
		return -1;
	at = strstr(months, month);
	if (!at || strlen(month) != 3 || (at - months) % 3 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
	    tm.tm_year < 1970 || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return -1;
	tm.tm_mon = (int)(at - months) / 3;
	tm.tm_year -= 1900;
	return (int64_t)timegm(&tm);
}

int64_t headers_retry_after_s(const char *value, int64_t now_s)
{
	size_t digits = value ? strspn(value, "0123456789") : 0;
	int64_t s = 0;

	if (!value || !*value)
		return -1;
	if (value[digits]) {
		s = date_s(value);
		if (s < 0)
			return -1;
		s = s > now_s ? s - now_s : 0;
	}
	for (size_t i = 0; !value[digits] && i < digits && s <= RETRY_AFTER_MAX_S; i++)
		s = s * 10 + (value[i] - '0');
	return s < RETRY_AFTER_MAX_S ? s : RETRY_AFTER_MAX_S;
}
