/* codec_print - events as text: one line for people, one JSON object for programs. */
#include <inttypes.h>
#include <string.h>

#include "common/base/err.h"
#include "proto/codec.h"
#include "proto/print.h"
#include "proto/topic.h"

#define PAIRS_SHOWN 6 /* to people; JSON has all of them */

static bool name_is(const struct field_row *f, const char *name)
{
	return strcmp(f->name, name) == 0;
}

/* Scales stand in the decimals already. */
static bool is_scale(const struct field_row *f)
{
	return f->kind == KIND_u8 &&
	       (name_is(f, "price_scale") || name_is(f, "qty_scale") || name_is(f, "cash_scale"));
}

static size_t chars_len(const struct field_row *f, const char *at)
{
	switch (f->kind) {
	case KIND_symbol:
		return strnlen(at, sizeof(struct symbol));
	case KIND_name:
		return strnlen(at, EVENT_NAME_MAX);
	default:
		return strnlen(at, EVENT_TEXT_MAX);
	}
}

static bool is_chars(const struct field_row *f)
{
	return f->kind == KIND_symbol || f->kind == KIND_name || f->kind == KIND_text;
}

static bool is_decimal(const struct field_row *f)
{
	return f->kind == KIND_price || f->kind == KIND_qty || f->kind == KIND_cash;
}

static void print_enum(struct printer *p, const struct enum_row *e, uint8_t value)
{
	const char *text = enum_text(e, value);

	print_text(p, text);
	if (strcmp(text, "?") == 0)
		print_format(p, "%u", value);
}

/* Numbers, flags and enumerations, the same in both forms but for the quotes around words. */
static void print_number(struct printer *p, const struct field_row *f, const void *at)
{
	switch (f->kind) {
	case KIND_flag:
		print_text(p, *(const bool *)at ? "true" : "false");
		break;
	case KIND_u8:
		print_format(p, "%u", *(const uint8_t *)at);
		break;
	case KIND_u16:
		print_format(p, "%u", *(const uint16_t *)at);
		break;
	case KIND_u32:
		print_format(p, "%" PRIu32, *(const uint32_t *)at);
		break;
	case KIND_u64:
		print_format(p, "%" PRIu64, *(const uint64_t *)at);
		break;
	default: /* i64, dur */
		print_format(p, "%" PRId64, *(const int64_t *)at);
	}
}

/* For people. */

/* "12 bids best 61837.63x3.78826" */
static void people_levels(struct printer *p, const struct event *ev, const struct field_row *f)
{
	const struct levels *l = event_field_at(ev, f);
	int qty_scale = 0, price_scale = event_scale(ev, f, &qty_scale);

	print_format(p, " %" PRIu32 " %s", l->n, f->name);
	if (l->n == 0)
		return;
	print_text(p, name_is(f, "bids") || name_is(f, "asks") ? " best " : " first ");
	print_fixed(p, l->at[0].price, price_scale);
	print_text(p, "x");
	print_fixed(p, l->at[0].qty, qty_scale);
}

static void people_pairs(struct printer *p, const struct field_row *f, const struct pairs *pairs)
{
	uint32_t shown = pairs->n < PAIRS_SHOWN ? pairs->n : PAIRS_SHOWN;

	print_format(p, " %s={", f->name);
	for (uint32_t i = 0; i < shown; i++) {
		print_text(p, i > 0 ? " " : "");
		print_word(p, pairs->at[i].name, strnlen(pairs->at[i].name, EVENT_NAME_MAX));
		print_format(p, "=%" PRId64, pairs->at[i].value);
	}
	if (shown < pairs->n)
		print_format(p, " and %" PRIu32 " more", pairs->n - shown);
	print_text(p, "}");
}

/* What says nothing is left out: empty texts, enumerations at none, times at 0. */
static bool is_silent(const struct field_row *f, const void *at)
{
	if (is_chars(f))
		return chars_len(f, at) == 0;
	if (f->kind == KIND_enumeration)
		return *(const uint8_t *)at == 0;
	if (f->kind == KIND_time)
		return *(const int64_t *)at == 0;
	return is_scale(f);
}

static void people_value(struct printer *p, const struct event *ev, const struct field_row *f)
{
	const void *at = event_field_at(ev, f);

	if (is_chars(f))
		print_word(p, at, chars_len(f, at));
	else if (is_decimal(f))
		print_fixed(p, *(const int64_t *)at, event_scale(ev, f, NULL));
	else if (f->kind == KIND_time)
		print_time(p, *(const int64_t *)at);
	else if (f->kind == KIND_enumeration)
		print_enum(p, f->enumeration, *(const uint8_t *)at);
	else if (f->kind == KIND_blob)
		print_format(p, "%" PRIu32 " bytes", ((const struct blob *)at)->n);
	else
		print_number(p, f, at);
	if (f->kind == KIND_dur)
		print_text(p, "ns");
}

static void people_field(struct printer *p, const struct event *ev, const struct field_row *f)
{
	const void *at = event_field_at(ev, f);

	if (is_silent(f, at))
		return;
	if (f->kind == KIND_levels) {
		people_levels(p, ev, f);
		return;
	}
	if (f->kind == KIND_pairs) {
		people_pairs(p, f, at);
		return;
	}
	print_text(p, " ");
	if (f->kind != KIND_symbol)
		print_format(p, "%s=", f->name);
	people_value(p, ev, f);
}

/* 2023-11-14T22:13:20.000000000Z trade BTCUSDT.BINANCE price=… aggressor=buy from collector#7
 * live */
int codec_print(const struct event *ev, struct buf *out)
{
	const struct event_row *row = event_row(ev->id);
	struct printer p;

	if (row == NULL)
		return ERR_UNKNOWN;
	print_begin(&p, out);
	print_time(&p, ev->ts_recv);
	print_format(&p, " %s", row->name);
	for (size_t i = 0; i < row->n_fields; i++)
		people_field(&p, ev, &row->fields[i]);
	print_text(&p, " from ");
	print_word(&p, ev->source, strnlen(ev->source, sizeof ev->source));
	print_format(&p, "#%" PRIu64 " ", ev->seq);
	print_enum(&p, enum_origin(), ev->origin);
	return print_end(&p);
}

/* For programs. */

static void json_decimal(struct printer *p, int64_t value, int scale)
{
	print_text(p, "\"");
	print_fixed(p, value, scale);
	print_text(p, "\"");
}

static void json_time(struct printer *p, int64_t ns)
{
	if (ns == 0) {
		print_text(p, "null");
		return;
	}
	print_text(p, "\"");
	print_time(p, ns);
	print_text(p, "\"");
}

static void json_enum(struct printer *p, const struct enum_row *e, uint8_t value)
{
	print_text(p, "\"");
	print_enum(p, e, value);
	print_text(p, "\"");
}

/* [["61837.63","3.78826"],…] */
static void json_levels(struct printer *p, const struct event *ev, const struct field_row *f)
{
	const struct levels *l = event_field_at(ev, f);
	int qty_scale = 0, price_scale = event_scale(ev, f, &qty_scale);

	print_text(p, "[");
	for (uint32_t i = 0; i < l->n; i++) {
		print_text(p, i > 0 ? ",[" : "[");
		json_decimal(p, l->at[i].price, price_scale);
		print_text(p, ",");
		json_decimal(p, l->at[i].qty, qty_scale);
		print_text(p, "]");
	}
	print_text(p, "]");
}

static void json_pairs(struct printer *p, const struct pairs *pairs)
{
	print_text(p, "{");
	for (uint32_t i = 0; i < pairs->n; i++) {
		print_text(p, i > 0 ? "," : "");
		print_quoted(p, pairs->at[i].name, strnlen(pairs->at[i].name, EVENT_NAME_MAX));
		print_format(p, ":%" PRId64, pairs->at[i].value);
	}
	print_text(p, "}");
}

static void json_blob(struct printer *p, const struct blob *b)
{
	print_text(p, "\"");
	print_hex(p, b->at, b->n);
	print_text(p, "\"");
}

static void json_field(struct printer *p, const struct event *ev, const struct field_row *f)
{
	const void *at = event_field_at(ev, f);

	print_format(p, ",\"%s\":", f->name);
	if (is_chars(f))
		print_quoted(p, at, chars_len(f, at));
	else if (is_decimal(f))
		json_decimal(p, *(const int64_t *)at, event_scale(ev, f, NULL));
	else if (f->kind == KIND_time)
		json_time(p, *(const int64_t *)at);
	else if (f->kind == KIND_enumeration)
		json_enum(p, f->enumeration, *(const uint8_t *)at);
	else if (f->kind == KIND_levels)
		json_levels(p, ev, f);
	else if (f->kind == KIND_pairs)
		json_pairs(p, at);
	else if (f->kind == KIND_blob)
		json_blob(p, at);
	else
		print_number(p, f, at);
}

static void json_topic(struct printer *p, const struct event *ev, const char *topic)
{
	char made[TOPIC_MAX];

	print_text(p, "{\"topic\":");
	if (topic == NULL && topic_of(ev, made) >= 0)
		topic = made;
	if (topic != NULL)
		print_quoted(p, topic, strnlen(topic, TOPIC_MAX));
	else
		print_text(p, "null");
}

static void json_envelope(struct printer *p, const struct event *ev, const struct event_row *row)
{
	print_format(p, ",\"event\":\"%s\",\"source\":", row->name);
	print_quoted(p, ev->source, strnlen(ev->source, sizeof ev->source));
	print_text(p, ",\"origin\":");
	json_enum(p, enum_origin(), ev->origin);
	print_format(p, ",\"epoch\":%" PRIu64 ",\"seq\":%" PRIu64, ev->epoch, ev->seq);
	print_text(p, ",\"ts_event\":");
	json_time(p, ev->ts_event);
	print_text(p, ",\"ts_recv\":");
	json_time(p, ev->ts_recv);
	print_text(p, ",\"ts_sent\":");
	json_time(p, ev->ts_sent);
}

int codec_json(const struct event *ev, const char *topic, struct buf *out)
{
	const struct event_row *row = event_row(ev->id);
	struct printer p;

	if (row == NULL)
		return ERR_UNKNOWN;
	print_begin(&p, out);
	json_topic(&p, ev, topic);
	json_envelope(&p, ev, row);
	for (size_t i = 0; i < row->n_fields; i++)
		json_field(&p, ev, &row->fields[i]);
	print_text(&p, "}");
	return print_end(&p);
}
