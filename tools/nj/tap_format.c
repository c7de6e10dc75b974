/* tap_format - tokens, JSON and hex dumps of one event; nothing from outside gets through
 * unescaped. */
#include "tools/nj/tap_format.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "common/io/clock.h"
#include "proto/codec.h"
#include "proto/print.h"

#define TOKENS "tekpOLogTESlsj%"
#define NO_TOKEN                                                                                                       \
	"no token; there are %t %e %k %p %O %L %o %g %T %E %S %l %s %j and %% for a "                                  \
	"percent"
#define NO_ESCAPE "no escape; there are \\n \\t \\r \\0 \\\\ \\xNN"
#define TOKEN_MARK '\xff' /* in no UTF-8 text */

/* ---- parsing ---- */

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* What follows a backslash; returns how many characters of it were used, 0 where it is no escape.
 */
static size_t unescape(const char *at, char *ret_c)
{
	static const char names[] = "n\nt\tr\r\\\\0\0";
	if (at[0] == 'x') {
		int high = hex_digit(at[1]), low = high < 0 ? -1 : hex_digit(at[2]);
		if (low < 0)
			return 0;
		*ret_c = (char)(high << 4 | low);
		return 3;
	}
	for (size_t i = 0; i + 1 < sizeof names; i += 2)
		if (at[0] && names[i] == at[0]) {
			*ret_c = names[i + 1];
			return 1;
		}
	return 0;
}

static int refuse(char *reason, size_t cap, const char *what, const char *at)
{
	snprintf(reason, cap, "'%.2s' is %s", at, what);
	return ERR_ARG;
}

static int parse(const char *text, bool tokens, struct tap_format *f, char *reason, size_t cap)
{
	f->len = 0;
	for (const char *c = text; *c; c++) {
		char put = *c;
		size_t n;
		if (f->len + 2 > sizeof f->text)
			return refuse(reason, cap, "too far: a format has at most 511 bytes", c);
		if (*c == '\\') {
			n = unescape(c + 1, &put);
			if (n == 0)
				return refuse(reason, cap, NO_ESCAPE, c);
			c += n;
		} else if (tokens && *c == '%') {
			if (c[1] == '\0' || !strchr(TOKENS, c[1]))
				return refuse(reason, cap, NO_TOKEN, c);
			f->text[f->len++] = TOKEN_MARK;
			put = *++c;
		} else if (tokens && *c == TOKEN_MARK) {
			return refuse(reason, cap, "no UTF-8", c);
		}
		f->text[f->len++] = put;
	}
	return 0;
}

int tap_format_parse(const char *text, struct tap_format *ret_format, char *reason, size_t cap)
{
	struct tap_format f;
	int rc = parse(text, true, &f, reason, cap);
	if (!rc)
		*ret_format = f;
	return rc;
}

int tap_delimiter_parse(const char *text, struct tap_format *ret_delimiter, char *reason, size_t cap)
{
	struct tap_format f;
	int rc = parse(text, false, &f, reason, cap);
	if (!rc)
		*ret_delimiter = f;
	return rc;
}

bool tap_format_ends_line(const struct tap_format *f)
{
	return f->len > 0 && f->text[f->len - 1] == '\n';
}

/* ---- an event as text ---- */

static int put_word(struct buf *out, const char *text, size_t len)
{
	struct printer p;
	print_begin(&p, out);
	print_word(&p, text, len);
	return print_end(&p);
}

static const char *name_of(const struct tap_item *it)
{
	return it->row ? it->row->name : "unknown";
}

static int put_people(const struct tap_item *it, struct buf *out)
{
	if (it->row)
		return codec_print(it->ev, out);
	int rc = buf_printf(out, "unknown event 0x%04x from %s#%" PRIu64 " ", it->ev->id, it->ev->source, it->ev->seq);
	return rc ? rc : codec_print_unknown(it->bytes, it->len, out);
}

int tap_put_json(const struct tap_item *it, struct buf *out)
{
	struct printer p;
	if (it->row)
		return codec_json(it->ev, it->topic, out);
	print_begin(&p, out);
	print_text(&p, "{\"topic\":");
	print_quoted(&p, it->topic, strlen(it->topic));
	print_format(&p, ",\"event\":null,\"id\":%u,\"source\":\"%s\",\"seq\":%" PRIu64 ",\"bytes\":\"", it->ev->id,
		     it->ev->source, it->ev->seq);
	print_hex(&p, it->bytes, it->len);
	print_text(&p, "\"}");
	return print_end(&p);
}

/* The first field that names an instrument; "" where an event has none. */
static const char *instrument_of(const struct tap_item *it)
{
	for (size_t i = 0; it->row && i < it->row->n_fields; i++)
		if (it->row->fields[i].kind == KIND_symbol)
			return ((const struct symbol *)event_field_at(it->ev, &it->row->fields[i]))->s;
	return "";
}

static int put_instrument(const struct tap_item *it, struct buf *out)
{
	const char *text = instrument_of(it);
	size_t len = strnlen(text, sizeof(struct symbol));
	return len ? put_word(out, text, len) : 0;
}

static int64_t latency_us(const struct tap_item *it)
{
	if (it->now == 0)
		return -1;
	return it->ev->ts_sent ? (it->now - it->ev->ts_sent) / 1000 : 0;
}

static int put_token(char token, const struct tap_item *it, struct buf *out)
{
	switch (token) {
	case 't':
		return put_word(out, it->topic, strlen(it->topic));
	case 'e':
		return buf_printf(out, "%s", name_of(it));
	case 'k':
		return put_instrument(it, out);
	case 'p':
		return put_word(out, it->ev->source, strlen(it->ev->source));
	case 'O':
		return buf_printf(out, "%s", enum_text(enum_origin(), it->ev->origin));
	case 'L':
		return buf_byte(out, it->lane == LANE_X ? 'x' : 'm');
	case 'o':
		return buf_printf(out, "%" PRIu64, it->ev->seq);
	case 'g':
		return buf_printf(out, "%" PRIu64, it->gap);
	case 'T':
		return buf_printf(out, "%" PRId64, it->ev->ts_recv);
	case 'E':
		return buf_printf(out, "%" PRId64, it->ev->ts_event);
	case 'S':
		return buf_printf(out, "%zu", it->len);
	case 'l':
		return buf_printf(out, "%" PRId64, latency_us(it));
	case 's':
		return put_people(it, out);
	case 'j':
		return tap_put_json(it, out);
	default:
		return buf_byte(out, '%');
	}
}

int tap_format_put(const struct tap_format *f, const struct tap_item *it, struct buf *out)
{
	int rc = 0;
	for (size_t i = 0; !rc && i < f->len; i++)
		rc = f->text[i] == TOKEN_MARK ? put_token(f->text[++i], it, out) : buf_byte(out, (uint8_t)f->text[i]);
	return rc;
}

/* ---- for people: time dim, event coloured by what it is ---- */

static const char *color_of(const struct tap_item *it)
{
	switch (it->ev->id) {
	case EVENT_alert:
	case EVENT_gap:
	case EVENT_parity:
		return "\033[1;31m";
	case EVENT_fill:
	case EVENT_intent:
	case EVENT_order:
		return "\033[1;32m";
	default:
		return it->lane == LANE_X ? "\033[33m" : "\033[36m";
	}
}

int tap_put_people(const struct tap_item *it, bool color, struct buf *out)
{
	if (!color || !it->row)
		return put_people(it, out);
	struct buf line;
	buf_init(&line, out->max);
	int rc = codec_print(it->ev, &line);
	/* "time event …": the codec's own form, so both blanks are there. */
	const char *text = (const char *)line.at;
	size_t time = 0, name = 0;
	while (!rc && time < line.len && text[time] != ' ')
		time++;
	name = time + 1 + strlen(it->row->name);
	if (!rc && name <= line.len)
		rc = buf_printf(out, "\033[2m%.*s\033[0m %s%s\033[0m%.*s", (int)time, text, color_of(it), it->row->name,
				(int)(line.len - name), text + name);
	buf_fini(&line);
	return rc;
}

/* ---- JSON over several lines: levels stay on one line each ---- */

struct pretty {
	struct buf *out;
	int depth, err;
	bool in_text, escaped;
};

static void put(struct pretty *p, char c)
{
	if (!p->err)
		p->err = buf_byte(p->out, (uint8_t)c);
}

static void new_line(struct pretty *p)
{
	put(p, '\n');
	for (int i = 0; i < p->depth; i++) {
		put(p, ' ');
		put(p, ' ');
	}
}

/* Deeper than an object's member or a list's item: a level, kept on its line. */
static bool is_flat(const struct pretty *p)
{
	return p->depth > 2;
}

static void pretty_mark(struct pretty *p, char c, char next)
{
	bool open = c == '{' || c == '[', close = c == '}' || c == ']';
	if (close) {
		bool was_flat = is_flat(p);
		p->depth--;
		if (!was_flat)
			new_line(p);
	}
	put(p, c);
	if (open)
		p->depth++;
	if (open && (next == '}' || next == ']'))
		return;
	if ((open || c == ',') && !is_flat(p))
		new_line(p);
	else if (c == ',' || c == ':')
		put(p, ' ');
}

static void pretty_char(struct pretty *p, char c, char next)
{
	if (p->in_text || c == '"') {
		put(p, c);
		if (!p->in_text || (c == '"' && !p->escaped))
			p->in_text = !p->in_text;
		p->escaped = p->in_text && c == '\\' && !p->escaped;
	} else if (strchr("{}[],:", c)) {
		pretty_mark(p, c, next);
	} else {
		put(p, c);
	}
}

int tap_put_pretty(const struct tap_item *it, struct buf *out)
{
	struct buf line;
	buf_init(&line, out->max);
	struct pretty p = {.out = out, .err = tap_put_json(it, &line)};
	for (size_t i = 0; i < line.len; i++)
		pretty_char(&p, (char)line.at[i], i + 1 < line.len ? (char)line.at[i + 1] : '\0');
	buf_fini(&line);
	return p.err;
}

/* ---- the envelope alone ---- */

static int put_headers_json(const struct tap_item *it, struct buf *out)
{
	const struct event *ev = it->ev;
	struct printer p;
	print_begin(&p, out);
	print_text(&p, "{\"topic\":");
	print_quoted(&p, it->topic, strlen(it->topic));
	print_format(&p, ",\"event\":\"%s\",\"id\":%u,\"version\":%u,\"source\":\"%s\",\"epoch\":%" PRIu64, name_of(it),
		     ev->id, ev->version, ev->source, ev->epoch);
	print_format(&p, ",\"seq\":%" PRIu64 ",\"origin\":\"%s\",\"ts_event\":%" PRId64 ",\"ts_recv\":%" PRId64,
		     ev->seq, enum_text(enum_origin(), ev->origin), ev->ts_event, ev->ts_recv);
	print_format(&p, ",\"ts_sent\":%" PRId64 ",\"lane\":\"%s\",\"bytes\":%zu,\"gap\":%" PRIu64 "}", ev->ts_sent,
		     it->lane == LANE_X ? "x" : "m", it->len, it->gap);
	return print_end(&p);
}

int tap_put_headers(const struct tap_item *it, bool json, struct buf *out)
{
	const struct event *ev = it->ev;
	char at[32];
	if (json)
		return put_headers_json(it, out);
	int rc = buf_printf(out, "%s %s %s#%" PRIu64 " ", clock_rfc3339(ev->ts_recv, at), name_of(it), ev->source,
			    ev->seq);
	if (!rc)
		rc = put_word(out, it->topic, strlen(it->topic));
	return rc ? rc : buf_printf(out, " %zu bytes", it->len);
}

/* ---- hex dump, as hexdump -C ---- */

static int put_hex_row(const uint8_t *at, size_t n, size_t offset, struct buf *out)
{
	char hex[64] = "", text[17] = "";
	size_t len = 0;
	for (size_t i = 0; i < 16; i++) {
		const char *space = i == 8 ? "  " : " ";
		if (i < n)
			len += (size_t)snprintf(hex + len, sizeof hex - len, "%s%02x", space, at[i]);
		else
			len += (size_t)snprintf(hex + len, sizeof hex - len, "%s  ", space);
		if (i < n)
			text[i] = at[i] >= 0x20 && at[i] < 0x7f ? (char)at[i] : '.';
	}
	return buf_printf(out, "%s%08zx %s  |%s|", offset ? "\n" : "", offset, hex, text);
}

int tap_put_hexdump(const struct tap_item *it, struct buf *out)
{
	int rc = put_word(out, it->topic, strlen(it->topic));
	if (!rc)
		rc = buf_printf(out, " %s %s#%" PRIu64 " %zu bytes\n", name_of(it), it->ev->source, it->ev->seq,
				it->len);
	for (size_t at = 0; !rc && at < it->len; at += 16)
		rc = put_hex_row(it->bytes + at, it->len - at < 16 ? it->len - at : 16, at, out);
	return rc;
}
