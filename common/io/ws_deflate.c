/* ws_deflate - permessage-deflate over zlib's raw streams; its header is read by its grammar.
 *
 * Facts from RFC 7692: a message is one or more deflate blocks ended by a sync flush whose last
 * four bytes 00 00 ff ff are not sent (7.2.1); the window lives on from message to message unless
 * the sender's side said no_context_takeover (7.1.1); a sender may also end a block with BFINAL
 * (7.2.3.4), after which the stream starts anew but the window stays.
 */
#include "common/io/ws_deflate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/headers.h"

#define WINDOW_MAX 32768
#define PARAMS_MAX 8
#define AT_BLOCK_END 128 /* in z_stream.data_type, zlib.h on inflate() */
#define ROOM 4096 /* zlib's fast loop stops 258 bytes before the end of what it may fill */

static const uint8_t tail[WS_DEFLATE_TAIL] = {0x00, 0x00, 0xff, 0xff};

/* ── negotiation ── */

struct word {
	const char *at;
	size_t len;
};

struct extension {
	struct word name;
	struct {
		struct word name, value; /* value.at NULL where there is none */
	} params[PARAMS_MAX];
	size_t n;
};

static const char *skip_space(const char *at)
{
	while (*at == ' ' || *at == '\t')
		at++;
	return at;
}

/* token, or the inside of a quoted one; *at_p moves behind it. False where there is neither. */
static bool take_word(const char **at_p, bool may_quote, struct word *ret_word)
{
	const char *at = skip_space(*at_p);
	bool quoted = may_quote && *at == '"';
	struct word w;

	at += quoted;
	w.at = at;
	w.len = headers_token(at);
	at += w.len;
	if (w.len == 0 || (quoted && *at++ != '"'))
		return false;
	*at_p = skip_space(at);
	*ret_word = w;
	return true;
}

/* One element of the list, up to ',' or the end. */
static int take_extension(const char **at_p, struct extension *ret)
{
	struct extension e = {0};

	if (!take_word(at_p, false, &e.name))
		return ERR_PROTOCOL;
	while (**at_p == ';') {
		if (e.n == PARAMS_MAX)
			return ERR_PROTOCOL;
		++*at_p;
		if (!take_word(at_p, false, &e.params[e.n].name))
			return ERR_PROTOCOL;
		if (**at_p == '=') {
			++*at_p;
			if (!take_word(at_p, true, &e.params[e.n].value))
				return ERR_PROTOCOL;
		}
		e.n++;
	}
	if (**at_p && **at_p != ',')
		return ERR_PROTOCOL;
	*ret = e;
	return 0;
}

static bool word_is(struct word w, const char *text)
{
	return w.len == strlen(text) && memcmp(w.at, text, w.len) == 0;
}

/* 8..15 without a leading zero, or 0. */
static int bits_of(struct word w)
{
	if (w.len == 1 && (w.at[0] == '8' || w.at[0] == '9'))
		return w.at[0] - '0';
	if (w.len == 2 && w.at[0] == '1' && w.at[1] >= '0' && w.at[1] <= '5')
		return 10 + w.at[1] - '0';
	return 0;
}

/* One parameter into p. client_bits may stand without a value in an offer. */
static int take_param(struct word name, struct word value, bool offer, struct ws_deflate_params *p)
{
	int *bits = NULL;

	if (word_is(name, "server_no_context_takeover") && !value.at && !p->server_no_context)
		p->server_no_context = true;
	else if (word_is(name, "client_no_context_takeover") && !value.at && !p->client_no_context)
		p->client_no_context = true;
	else if (word_is(name, "server_max_window_bits") && value.at && !p->server_bits)
		bits = &p->server_bits;
	else if (word_is(name, "client_max_window_bits") && (value.at || offer) && !p->client_bits)
		bits = &p->client_bits;
	else
		return ERR_PROTOCOL;
	if (bits)
		*bits = value.at ? bits_of(value) : 15;
	return bits && !*bits ? ERR_PROTOCOL : 0;
}

static int take_params(const struct extension *e, bool offer, struct ws_deflate_params *ret_params)
{
	struct ws_deflate_params p = {0};

	if (!word_is(e->name, "permessage-deflate"))
		return ERR_NOT_FOUND;
	for (size_t i = 0; i < e->n; i++)
		if (take_param(e->params[i].name, e->params[i].value, offer, &p) < 0)
			return ERR_PROTOCOL;
	*ret_params = p;
	return 0;
}

int ws_deflate_reply(const char *value, struct ws_deflate_params *ret_params)
{
	struct ws_deflate_params p;
	struct extension e;

	if (take_extension(&value, &e) < 0 || *value || take_params(&e, false, &p) < 0)
		return ERR_PROTOCOL;
	p.server_bits = p.server_bits ? p.server_bits : 15;
	p.client_bits = p.client_bits ? p.client_bits : 15;
	*ret_params = p;
	return 0;
}

/* Offers of a window of 8 bits for our side are passed over: zlib cannot make it (7.1.2.1 lets us).
 */
int ws_deflate_answer(const char *offers, struct ws_deflate_params *ret_params, char *out,
		      size_t cap)
{
	struct ws_deflate_params p = {0};
	struct extension e;
	bool found = false, more = true;
	int n;

	while (more && !found) {
		if (take_extension(&offers, &e) < 0)
			return ERR_PROTOCOL;
		found = take_params(&e, true, &p) == 0 && p.server_bits != 8;
		more = *offers == ',';
		offers += more;
	}
	if (!found)
		return ERR_NOT_FOUND;
	n = snprintf(out, cap, "permessage-deflate%s%s",
		     p.server_no_context ? "; server_no_context_takeover" : "",
		     p.client_no_context ? "; client_no_context_takeover" : "");
	if (n > 0 && (size_t)n < cap && p.server_bits)
		n += snprintf(out + n, cap - (size_t)n, "; server_max_window_bits=%d",
			      p.server_bits);
	must(n > 0 && (size_t)n < cap);
	p.server_bits = p.server_bits ? p.server_bits : 15;
	p.client_bits = 15; /* not answered, so the client may use them all */
	*ret_params = p;
	return 0;
}

/* ── the streams ── */

struct ws_deflate {
	z_stream in, out;
	bool in_ready, out_ready; /* made at first use */
	bool in_forgets, out_forgets;
	int out_bits;
	uint8_t window[WINDOW_MAX]; /* only while a stream that ended is started anew */
};

int ws_deflate_new(const struct ws_deflate_params *p, bool server, struct ws_deflate **ret_deflate)
{
	struct ws_deflate *d = calloc(1, sizeof *d);

	if (!d)
		return ERR_NOMEM;
	d->in_forgets = server ? p->client_no_context : p->server_no_context;
	d->out_forgets = server ? p->server_no_context : p->client_no_context;
	d->out_bits = server ? p->server_bits : p->client_bits;
	*ret_deflate = d;
	return 0;
}

void ws_deflate_free(struct ws_deflate *d)
{
	if (!d)
		return;
	if (d->in_ready)
		inflateEnd(&d->in);
	if (d->out_ready)
		deflateEnd(&d->out);
	free(d);
}

/* After a final block: the next one starts a new stream that still sees the window. */
static int restart(struct ws_deflate *d)
{
	uInt n = 0;

	if (inflateGetDictionary(&d->in, d->window, &n) != Z_OK || inflateReset(&d->in) != Z_OK)
		return ERR_CORRUPT;
	return n == 0 || inflateSetDictionary(&d->in, d->window, n) == Z_OK ? 0 : ERR_CORRUPT;
}

/* One call of inflate into what room there is. *ret_end: the last block read is complete. */
static int inflate_some(struct ws_deflate *d, struct buf *out, bool *ret_end)
{
	z_stream *z = &d->in;
	size_t room = out->max - out->len;
	int rc = buf_reserve(out, room < ROOM ? room : ROOM);

	if (rc < 0)
		return rc;
	room = out->cap - out->len;
	z->avail_out = room < UINT32_MAX ? (uInt)room : UINT32_MAX;
	room = z->avail_out;
	z->next_out = out->at + out->len;
	rc = inflate(z, Z_SYNC_FLUSH);
	out->len += room - z->avail_out;
	if (rc == Z_STREAM_END)
		rc = restart(d) == 0 ? Z_OK : Z_DATA_ERROR;
	if (rc == Z_OK)
		*ret_end = z->data_type & AT_BLOCK_END;
	/* Z_BUF_ERROR only says that there was nothing left to do. */
	return rc == Z_OK || rc == Z_BUF_ERROR ? 0 : ERR_CORRUPT;
}

static int inflate_all(struct ws_deflate *d, uint8_t *at, size_t len, struct buf *out,
		       bool *ret_end)
{
	d->in.next_in = at;
	d->in.avail_in = (uInt)len;
	do {
		int rc = inflate_some(d, out, ret_end);

		if (rc < 0)
			return rc;
		if (out->len == out->max)
			return ERR_TOO_LONG;
	} while (d->in.avail_in > 0 || d->in.avail_out == 0);
	return 0;
}

static int unpack_last(struct ws_deflate *d, uint8_t *at, size_t len, struct buf *out)
{
	uint8_t borrowed[WS_DEFLATE_TAIL];
	bool end = false;
	int rc;

	memcpy(borrowed, at + len, sizeof borrowed);
	memcpy(at + len, tail, sizeof tail);
	rc = inflate_all(d, at, len + sizeof tail, out, &end);
	memcpy(at + len, borrowed, sizeof borrowed);
	if (rc == 0 && !end)
		rc = ERR_CORRUPT; /* the payload stopped inside a block */
	if (rc == 0 && d->in_forgets)
		rc = inflateReset(&d->in) == Z_OK ? 0 : ERR_CORRUPT;
	return rc;
}

/* The window is always opened at its widest: it reads whatever a narrower one wrote. */
int ws_deflate_unpack(struct ws_deflate *d, uint8_t *at, size_t len, bool fin, struct buf *out)
{
	bool end;

	must(out->len < out->max && len < UINT32_MAX - WS_DEFLATE_TAIL);
	if (!d->in_ready && inflateInit2(&d->in, -15) != Z_OK)
		return ERR_NOMEM;
	d->in_ready = true;
	return fin ? unpack_last(d, at, len, out) : inflate_all(d, at, len, out, &end);
}

static int pack_ready(struct ws_deflate *d)
{
	if (d->out_bits == 8)
		return ERR_ARG;
	if (!d->out_ready && deflateInit2(&d->out, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
					  -d->out_bits, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return ERR_NOMEM;
	d->out_ready = true;
	return 0;
}

int ws_deflate_pack(struct ws_deflate *d, const void *payload, size_t len, struct buf *out)
{
	z_stream *z = &d->out;
	int rc = pack_ready(d);

	if (rc < 0)
		return rc;
	if (len == 0)
		return buf_byte(out, 0); /* 7.2.3.6: zlib would give nothing for a second flush */
	must(len < UINT32_MAX / 2);
	rc = buf_reserve(out, deflateBound(z, (uLong)len) + 16);
	if (rc < 0)
		return rc;
	z->next_in = (z_const Bytef *)(uintptr_t)payload;
	z->avail_in = (uInt)len;
	z->next_out = out->at + out->len;
	z->avail_out = (uInt)(out->cap - out->len);
	must(deflate(z, Z_SYNC_FLUSH) == Z_OK && z->avail_in == 0 && z->avail_out > 0);
	out->len = (size_t)(z->next_out - out->at) - sizeof tail;
	if (d->out_forgets)
		must(deflateReset(z) == Z_OK);
	return 0;
}
