/* account_read - what the account files of the venues share: rows that are read twice, decimals at their own scale. */
#include "common/venue/account_read.h"

#include "common/base/fixed.h"

void account_read_note(struct account_read *a, int rc)
{
	if (rc < 0 && a->err == 0)
		a->err = rc;
}

void account_read_give(struct account_read *a, const struct venue_account_row *row)
{
	if (++a->rows > VENUE_ACCOUNT_ROWS_MAX)
		account_read_note(a, ERR_TOO_LONG);
	if (a->fn != NULL && a->err == 0)
		a->fn(a->ctx, row);
}

int account_read_twice(struct json_str text, int (*read)(struct account_read *a, struct json *j), venue_account_fn fn,
		       void *ctx)
{
	struct account_read a = {.ctx = ctx};
	struct json j;

	for (int pass = 0; pass < 2; pass++) {
		json_init(&j, text.at, text.len);
		int rc = read(&a, &j), end = json_finish(&j);
		account_read_note(&a, end);
		account_read_note(&a, rc);
		if (a.err != 0)
			return a.err;
		a = (struct account_read){.fn = fn, .ctx = ctx, .time = a.time};
	}
	return 0;
}

/* Zeros behind the point are no decimals. */
static int scale_of(struct json_str text)
{
	int scale = 0, rc = fixed_scale_of(text.at, text.len, &scale);

	return rc < 0 ? rc : scale;
}

void account_read_decimal(struct account_read *a, struct json_str text, uint8_t *ret_scale, int64_t *ret_value)
{
	int scale = scale_of(text), rc = scale < 0 ? scale : fixed_parse(text.at, text.len, scale, ret_value);

	account_read_note(a, rc);
	*ret_scale = rc == 0 ? (uint8_t)scale : 0;
	if (rc != 0)
		*ret_value = 0;
}

void account_read_balance(struct account_read *a, struct venue_account_row *row, struct json_str free,
			  struct json_str locked)
{
	int one = scale_of(free), other = scale_of(locked), scale = one > other ? one : other;
	int64_t available = 0;

	account_read_note(a, one < 0 ? one : other < 0 ? other : 0);
	if (one < 0 || other < 0)
		return;
	int rc = fixed_parse(free.at, free.len, scale, &available);
	account_read_note(a, rc ? rc : fixed_parse(locked.at, locked.len, scale, &row->locked));
	if (a->err == 0 && (available < 0 || row->locked < 0))
		account_read_note(a, ERR_RANGE);
	if (__builtin_add_overflow(available, row->locked, &row->total))
		account_read_note(a, ERR_RANGE);
	row->scale = (uint8_t)scale;
}

void account_read_name(struct account_read *a, struct json_str text, char *out, size_t cap)
{
	int n = json_unescape(text, out, cap);

	account_read_note(a, n < 0 ? n : n == 0 ? ERR_PROTOCOL : 0);
	for (int i = 0; i < n; i++)
		if ((unsigned char)out[i] <= ' ' || out[i] == 0x7f)
			account_read_note(a, ERR_PROTOCOL);
}

void account_read_items(struct account_read *a, struct json *j, void (*item)(struct account_read *a, struct json *j))
{
	json_array(j);
	while (a->err == 0 && json_item(j))
		item(a, j);
}

/* ---- what is signed ---- */

int venue_account_stamp(const char *path, int64_t at_ms, int64_t window_ms, struct buf *out)
{
	const char *mark = strchr(path, '?');

	return buf_printf(out, "%s%srecvWindow=%lld&timestamp=%lld", path, mark == NULL ? "?" : mark[1] ? "&" : "",
			  (long long)window_ms, (long long)at_ms);
}

int venue_account_escape(const char *text, struct buf *out)
{
	int rc = 0;

	for (; *text != '\0' && rc == 0; text++) {
		char c = *text;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
			     c == '_' || c == '.' || c == '~';
		rc = plain ? buf_byte(out, (uint8_t)c) : buf_printf(out, "%%%02X", (unsigned)(unsigned char)c);
	}
	return rc;
}
