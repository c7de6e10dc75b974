/* archive - klines and trades from files that others wrote, into the history file. */
#include "tools/nj/archive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/base/json.h"
#include "common/io/clock.h"
#include "common/io/zlines.h"
#include "common/venue/candles.h"
#include "common/venue/iso_time.h"
#include "common/venue/wire.h"

#define SCALE_MAX 8
#define JSON_MAX ((size_t)1 << 30)
#define FIELDS 12 /* of klines; Bybit's trades have 11 */

/* What a row can hold, and what its column is called in headings. */
enum {
	TIME,
	OPEN,
	HIGH,
	LOW,
	CLOSE,
	VOLUME,
	QUOTE,
	COUNT,
	ID,
	AGGREGATE,
	FIRST,
	LAST,
	PRICE,
	QTY,
	MAKER,
	SIDE,
	SYMBOL,
	UUID,
	NAMES
};
static const struct {
	const char *name;
	int field;
} headings[] = {
	{"date", TIME},
	{"time", TIME},
	{"timestamp", TIME},
	{"open_time", TIME},
	{"open", OPEN},
	{"high", HIGH},
	{"low", LOW},
	{"close", CLOSE},
	{"volume", VOLUME},
	{"count", COUNT},
	{"quote_volume", QUOTE},
	{"quote_asset_volume", QUOTE},
	{"trades", COUNT},
	{"id", ID},
	{"agg_trade_id", AGGREGATE},
	{"first_trade_id", FIRST},
	{"last_trade_id", LAST},
	{"trdMatchID", UUID},
	{"transact_time", TIME},
	{"symbol", SYMBOL},
	{"price", PRICE},
	{"qty", QTY},
	{"quantity", QTY},
	{"size", QTY},
	{"amount", QTY},
	{"side", SIDE},
	{"is_buyer_maker", MAKER},
};

/* Without a heading: the venue's own columns; -1: of no use. */
static const int kline_columns[] = {TIME, OPEN, HIGH, LOW, CLOSE, VOLUME, -1, QUOTE, COUNT, -1, -1, -1};
static const int trade_columns[] = {ID, PRICE, QTY, -1, TIME, MAKER, -1};
static const int aggregate_columns[] = {AGGREGATE, PRICE, QTY, FIRST, LAST, TIME, MAKER, -1};
static const int json_kline_columns[] = {TIME, OPEN, HIGH, LOW, CLOSE, VOLUME};
static const int json_trade_columns[] = {TIME, ID, -1, SIDE, PRICE, QTY, -1};

struct reader {
	const struct archive_options *o;
	struct history *history;
	struct archive_result result;
	int64_t interval;
	int column[FIELDS];
	size_t n_columns;
	bool seconds;     /* times are those since 1970, with a fraction */
	bool ids_of_file; /* they number its rows: no trade's own */
	int64_t ms;       /* of the row before */
	uint64_t same_ms; /* rows before this one in its ms */
	const char *why;  /* what is wrong, and the remedy; NULL: the error says it */
};

static int refuse(struct reader *r, const char *why)
{
	r->why = why;
	return ERR_REFUSED;
}

static bool is_of(const struct reader *r, const char *venue)
{
	const char *dot = strrchr(r->o->instrument.s, '.');

	return dot != NULL && strcmp(dot + 1, venue) == 0;
}

static bool is_perp(const struct reader *r)
{
	return strstr(r->o->instrument.s, "-PERP.") != NULL;
}

static void set_columns(struct reader *r, const int *columns, size_t n)
{
	memcpy(r->column, columns, n * sizeof *columns);
	r->n_columns = n;
}

/* ---- numbers ---- */

/* The smallest scale that holds all of them, SCALE_MAX at most. */
static int scale_of(const struct json_str *text, const int *fields, size_t n, uint8_t *ret_scale)
{
	int scale, most = 0;

	for (size_t i = 0; i < n; i++) {
		if (text[fields[i]].len == 0)
			continue;
		if (fixed_scale_of(text[fields[i]].at, text[fields[i]].len, &scale) == ERR_RANGE)
			scale = SCALE_MAX;
		else if (fixed_scale_of(text[fields[i]].at, text[fields[i]].len, &scale) != 0)
			return ERR_SYNTAX;
		most = scale > most ? scale : most;
	}
	*ret_scale = (uint8_t)(most < SCALE_MAX ? most : SCALE_MAX);
	return 0;
}

static int number(struct json_str text, uint8_t scale, int64_t *ret_value)
{
	int own;
	int64_t value;

	if (text.len == 0)
		return 0;
	int rc = fixed_parse(text.at, text.len, scale, ret_value);
	if (rc != ERR_INEXACT)
		return rc < 0 ? rc : *ret_value < 0 ? ERR_RANGE : 0;
	rc = fixed_scale_of(text.at, text.len, &own);
	if (rc == 0)
		rc = fixed_parse(text.at, text.len, own, &value);
	return rc == 0 ? fixed_round(value, own, scale, ret_value) : rc;
}

static int instant(struct json_str text, int64_t *ret_ns)
{
	return memchr(text.at, '-', text.len) != NULL ? iso_time(text.at, text.len, ret_ns) : wire_time(text, ret_ns);
}

/* ---- rows ---- */

static void note_time(struct reader *r, int64_t at, bool is_new)
{
	r->result.from = r->result.rows == 0 || at < r->result.from ? at : r->result.from;
	r->result.to = at > r->result.to ? at : r->result.to;
	r->result.rows++;
	r->result.fresh += is_new;
}

static int put_kline(struct reader *r, const struct json_str *f)
{
	static const int prices[] = {OPEN, HIGH, LOW, CLOSE}, volumes[] = {VOLUME};
	struct ev_candle c = {.instrument = r->o->instrument, .cash_scale = SCALE_MAX};
	int64_t *const price[] = {&c.open, &c.high, &c.low, &c.close};
	int64_t count = 0;
	bool is_new = false;

	if (f[TIME].len == 0 || f[OPEN].len == 0 || f[HIGH].len == 0 || f[LOW].len == 0 || f[CLOSE].len == 0)
		return ERR_PROTOCOL;
	int rc = instant(f[TIME], &c.open_at);
	if (!rc)
		rc = scale_of(f, prices, ARRAY_LEN(prices), &c.price_scale);
	if (!rc)
		rc = scale_of(f, volumes, ARRAY_LEN(volumes), &c.qty_scale);
	for (size_t i = 0; !rc && i < ARRAY_LEN(prices); i++)
		rc = number(f[prices[i]], c.price_scale, price[i]);
	if (!rc)
		rc = number(f[VOLUME], c.qty_scale, &c.volume);
	if (!rc)
		rc = number(f[QUOTE], c.cash_scale, &c.quote_volume);
	if (!rc)
		rc = number(f[COUNT], 0, &count);
	bool sound = c.low <= c.open && c.low <= c.close && c.high >= c.open && c.high >= c.close &&
		     candle_open(c.open_at, r->interval) == c.open_at && count <= UINT32_MAX;
	if (!rc && !sound)
		rc = ERR_PROTOCOL;
	c.trades = (uint32_t)count;
	event_set_name(c.interval, r->o->interval);
	if (!rc)
		rc = history_put_kline(r->history, origin_replay, &c, &is_new);
	if (!rc)
		note_time(r, c.open_at, is_new);
	return rc;
}

static bool says(struct json_str text, const char *word)
{
	return text.len == strlen(word) && strncasecmp(text.at, word, text.len) == 0;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* Both halves of the 128 bits on each other: which bits say the version does not matter then. */
static int id_of_uuid(struct json_str text, uint64_t *ret_id)
{
	uint64_t half[2] = {0};
	size_t digits = 0;

	for (size_t i = 0; i < text.len; i++) {
		int digit = hex_digit(text.at[i]);
		if (text.at[i] == '-')
			continue;
		if (digit < 0 || digits == 32)
			return ERR_TYPE;
		half[digits / 16] = half[digits / 16] << 4 | (uint64_t)digit;
		digits++;
	}
	*ret_id = (half[0] ^ half[1]) & INT64_MAX;
	return digits == 32 ? 0 : ERR_TYPE;
}

static int id_of_time(struct reader *r, int64_t at, uint64_t *ret_id)
{
	int64_t ms = at / NS_PER_MS;

	if (at < 0 || ms < r->ms)
		return refuse(r, "its times fall, and its ids only number the rows: sort it by time");
	r->same_ms = ms == r->ms ? r->same_ms + 1 : 0;
	r->ms = ms;
	if (r->same_ms >> 20 != 0 || ms >> 43 != 0)
		return ERR_RANGE;
	*ret_id = (uint64_t)ms << 20 | r->same_ms;
	return 0;
}

/* A fetch has aggregates of USD-M by their own id, and spot's trades by theirs: of an aggregate that of its last. */
static int id_of_aggregate(const struct reader *r, const struct json_str *f, uint64_t *ret_id)
{
	uint64_t first, last;
	int rc = wire_u64(f[AGGREGATE], ret_id);

	if (!rc)
		rc = wire_u64(f[FIRST], &first);
	if (!rc)
		rc = wire_u64(f[LAST], &last);
	if (rc || first > last)
		return rc ? rc : ERR_PROTOCOL;
	if (!is_perp(r))
		*ret_id = last;
	return 0;
}

static int trade_id(struct reader *r, const struct json_str *f, int64_t at, uint64_t *ret_id)
{
	int rc;

	if (f[UUID].len > 0)
		rc = id_of_uuid(f[UUID], ret_id);
	else if (r->ids_of_file)
		rc = id_of_time(r, at, ret_id);
	else if (f[AGGREGATE].len > 0)
		rc = id_of_aggregate(r, f, ret_id);
	else
		rc = wire_u64(f[ID], ret_id);
	return !rc && *ret_id > INT64_MAX ? ERR_RANGE : rc; /* the history's are signed */
}

static int put_trade(struct reader *r, const struct json_str *f)
{
	static const int price[] = {PRICE}, qty[] = {QTY};
	struct ev_trade t = {.instrument = r->o->instrument};
	bool sell = says(f[MAKER], "true") || says(f[SIDE], "sell");
	bool buy = says(f[MAKER], "false") || says(f[SIDE], "buy");
	bool is_new = false;
	int64_t at = 0;

	if (f[TIME].len == 0 || f[ID].len + f[UUID].len + f[AGGREGATE].len == 0 || f[PRICE].len == 0 ||
	    f[QTY].len == 0 || sell == buy)
		return ERR_PROTOCOL;
	if (r->seconds && r->o->raw && f[SYMBOL].len > 0 && !says(f[SYMBOL], r->o->raw))
		return refuse(r, "it is of another instrument");
	t.aggressor = sell ? side_sell : side_buy;
	int rc = r->seconds ? number(f[TIME], 9, &at) : instant(f[TIME], &at);
	if (!rc)
		rc = trade_id(r, f, at, &t.trade_id);
	if (!rc)
		rc = scale_of(f, price, 1, &t.price_scale);
	if (!rc)
		rc = scale_of(f, qty, 1, &t.qty_scale);
	if (!rc)
		rc = number(f[PRICE], t.price_scale, &t.price);
	if (!rc)
		rc = number(f[QTY], t.qty_scale, &t.qty);
	if (!rc)
		rc = history_put_trade(r->history, origin_replay, &t, at, &is_new);
	if (!rc)
		note_time(r, at, is_new);
	return rc;
}

static int put_row(struct reader *r, const struct json_str *text, size_t n)
{
	struct json_str f[NAMES] = {0};

	for (size_t i = 0; i < n && i < r->n_columns; i++)
		if (r->column[i] >= 0)
			f[r->column[i]] = text[i];
	return r->o->interval ? put_kline(r, f) : put_trade(r, f);
}

/* ---- CSV ---- */

static size_t split(char *line, size_t len, struct json_str out[FIELDS])
{
	size_t n = 0;

	while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == ' '))
		len--;
	for (size_t at = 0; at <= len && n < FIELDS; n++) {
		const char *comma = memchr(line + at, ',', len - at);
		size_t end = comma ? (size_t)(comma - line) : len;
		out[n] = (struct json_str){line + at, end - at, false};
		at = end + 1;
	}
	return n;
}

static bool is_bool(struct json_str text)
{
	return says(text, "true") || says(text, "false");
}

static bool has(const struct reader *r, int field)
{
	for (size_t i = 0; i < r->n_columns; i++)
		if (r->column[i] == field)
			return true;
	return false;
}

/* Which venue's dump a heading is of, if any, and what that means for times and ids. */
static int know_dump(struct reader *r)
{
	bool candles = has(r, OPEN), trades = has(r, PRICE);

	if (r->o->interval != NULL)
		return trades && !candles ? refuse(r, "a heading of trades: add --trades") : 0;
	if (candles)
		return refuse(r, "a heading of klines: leave out --trades");
	r->seconds = has(r, UUID);
	r->ids_of_file = has(r, VOLUME) && has(r, ID) && has(r, SIDE);
	for (size_t i = 0; i < r->n_columns; i++)
		if (r->column[i] == VOLUME)
			r->column[i] = QTY;
	if (r->seconds && !(is_of(r, "BYBIT") && is_perp(r)))
		return refuse(r, "a heading of Bybit's derivatives: say --venue BYBIT-PERP");
	if (r->ids_of_file && (!is_of(r, "BYBIT") || is_perp(r)))
		return refuse(r, "a heading of Bybit's spot dumps: say --venue BYBIT; if it is none, call volume qty");
	if (has(r, AGGREGATE) && !is_of(r, "BINANCE"))
		return refuse(r, "a heading of Binance's aggTrades: say --venue BINANCE or BINANCE-PERP");
	return 0;
}

static int read_heading(struct reader *r, const struct json_str *text, size_t n)
{
	int known = 0;

	for (size_t i = 0; i < n; i++) {
		r->column[i] = -1;
		for (size_t k = 0; k < ARRAY_LEN(headings); k++)
			if (says(text[i], headings[k].name))
				r->column[i] = headings[k].field;
		known += r->column[i] >= 0;
	}
	r->n_columns = n;
	return known >= 4 ? know_dump(r) : refuse(r, "a heading without the columns that are needed");
}

/* One without a heading: klines as ever; trades and aggregates are told apart by where their true or false stands. */
static int know_columns(struct reader *r, const struct json_str *text, size_t n)
{
	if (r->o->interval != NULL)
		return (n == 6 || n == 7) && is_bool(text[5])   ? refuse(r, "columns of trades: add --trades")
		       : (n == 7 || n == 8) && is_bool(text[6]) ? refuse(r, "columns of aggTrades: add --trades")
								: 0;
	if (n == 12)
		return refuse(r, "columns of klines: leave out --trades");
	if (n == 10 || n == 11)
		return refuse(r, "columns as of Bybit's, without their heading: put it back");
	if ((n == 6 || n == 7) && is_bool(text[5]))
		return 0;
	if ((n != 7 && n != 8) || !is_bool(text[6]))
		return refuse(r, "columns that are not known: put a heading above them, as id,time,price,qty,side");
	set_columns(r, aggregate_columns, ARRAY_LEN(aggregate_columns));
	return is_of(r, "BINANCE") ? 0
				   : refuse(r, "columns of Binance's aggTrades: say --venue BINANCE or BINANCE-PERP");
}

static int read_csv(struct reader *r, char *reason, size_t cap)
{
	struct zlines lines;
	struct json_str text[FIELDS];
	char *line;
	size_t len;
	int rc = zlines_open(&lines, r->o->path);

	if (r->o->interval)
		set_columns(r, kline_columns, ARRAY_LEN(kline_columns));
	else
		set_columns(r, trade_columns, ARRAY_LEN(trade_columns));
	while (!rc && (rc = zlines_next(&lines, &line, &len)) == 0) {
		size_t n = len > 0 ? split(line, len, text) : 0;
		bool heading = lines.line == 1 && n > 0 && (line[0] < '0' || line[0] > '9');
		if (heading)
			rc = read_heading(r, text, n);
		else if (lines.line == 1 && n > 0)
			rc = know_columns(r, text, n);
		if (!rc && !heading && n > 0)
			rc = put_row(r, text, n);
	}
	if (rc == ERR_CLOSED)
		rc = lines.too_long > 0 ? ERR_TOO_LONG : 0;
	if (rc)
		snprintf(reason, cap, "line %llu%s%s", (unsigned long long)lines.line, r->why ? ": " : "",
			 r->why ? r->why : "");
	zlines_close(&lines);
	return rc;
}

/* ---- JSON ---- */

static int read_all(const char *path, struct buf *out)
{
	struct zfile *file;
	size_t n = 1;
	int rc = zfile_open(path, &file);

	if (rc)
		return rc;
	while (!rc && n > 0) {
		rc = buf_reserve(out, 1 << 16);
		if (!rc)
			rc = zfile_read(file, out->at + out->len, 1 << 16, &n);
		if (!rc)
			out->len += n;
	}
	zfile_close(file);
	return rc;
}

static int read_json(struct reader *r, char *reason, size_t cap)
{
	struct buf all;
	struct json j;
	uint64_t row = 0;

	buf_init(&all, JSON_MAX);
	int rc = read_all(r->o->path, &all);
	if (r->o->interval)
		set_columns(r, json_kline_columns, ARRAY_LEN(json_kline_columns));
	else
		set_columns(r, json_trade_columns, ARRAY_LEN(json_trade_columns));
	json_init(&j, (const char *)all.at, all.len);
	json_array(&j);
	while (!rc && json_item(&j)) {
		struct json_str text[FIELDS] = {0};
		size_t n = 0;
		row++;
		json_array(&j);
		while (json_item(&j)) {
			enum json_kind kind = json_peek(&j);
			if (n < FIELDS && (kind == JSON_STRING || kind == JSON_NUMBER))
				json_scalar_text(&j, &text[n]);
			n++;
		}
		if (j.err == 0)
			rc = put_row(r, text, n < FIELDS ? n : FIELDS);
	}
	if (!rc)
		rc = json_finish(&j);
	if (rc)
		snprintf(reason, cap, "row %llu", (unsigned long long)row);
	buf_fini(&all);
	return rc;
}

static int is_json(const char *path, bool *ret_json)
{
	struct zfile *file;
	char first[64];
	size_t n = 0, i = 0;
	int rc = zfile_open(path, &file);

	if (rc)
		return rc;
	rc = zfile_read(file, first, sizeof first, &n);
	while (i < n && strchr(" \t\r\n", first[i]) != NULL)
		i++;
	*ret_json = i < n && first[i] == '[';
	zfile_close(file);
	return rc;
}

int archive_import(const struct archive_options *o, struct history *h, struct archive_result *ret_result, char *reason,
		   size_t cap)
{
	struct reader r = {.o = o, .history = h};
	bool json = false;
	int rc = o->interval ? candle_interval(o->interval, strlen(o->interval), &r.interval) : 0;

	snprintf(reason, cap, "it cannot be opened");
	if (!rc)
		rc = is_json(o->path, &json);
	if (!rc)
		rc = history_begin(h);
	if (rc)
		return rc;
	rc = json ? read_json(&r, reason, cap) : read_csv(&r, reason, cap);
	if (!rc)
		rc = history_commit(h);
	else
		history_rollback(h);
	if (!rc)
		*ret_result = r.result;
	return rc;
}
