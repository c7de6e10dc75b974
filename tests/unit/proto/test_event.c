/* test_event - the tables: rows by id and name, scales, enumerations, names cut. */
#include "tests/unit/proto/samples.h"

static void rows_found(void **state)
{
	(void)state;
	size_t n;
	const struct event_row *rows = event_rows(&n);
	size_t found = 0;

	for (unsigned id = 0; id <= UINT16_MAX; id++) {
		const struct event_row *row = event_row((uint16_t)id);
		found += row != NULL;
		if (row != NULL)
			assert_int_equal(row->id, id);
	}
	assert_int_equal(found, n);
	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(event_row(rows[i].id), &rows[i]);
		assert_ptr_equal(event_row_by_name(rows[i].name, strlen(rows[i].name)), &rows[i]);
		assert_true(rows[i].lane == LANE_M || rows[i].lane == LANE_X ||
			rows[i].lane == LANE_R);
		assert_true(rows[i].size <= sizeof(struct event));
	}
	assert_null(event_row_by_name("trad", 4));
	assert_null(event_row_by_name("trade", 4));
}

/* Fields are only ever added at the end; each name once; the version is the newest since. */
static void fields_in_order(void **state)
{
	(void)state;
	size_t n;
	const struct event_row *rows = event_rows(&n);

	for (size_t i = 0; i < n; i++) {
		const struct event_row *row = &rows[i];
		for (size_t k = 0; k < row->n_fields; k++) {
			const struct field_row *f = &row->fields[k];
			assert_true(f->offset < row->size);
			assert_ptr_equal(event_field(row, f->name, strlen(f->name)), f);
			assert_int_equal(f->enumeration != NULL, f->kind == KIND_enumeration);
			if (k > 0)
				assert_true(f->since >= f[-1].since && f->offset > f[-1].offset);
		}
		assert_int_equal(row->version, row->fields[row->n_fields - 1].since);
	}
}

static void scales(void **state)
{
	(void)state;
	struct event ev;
	int qty_scale = -1;

	event_init(&ev, EVENT_candle);
	ev.candle.price_scale = 2;
	ev.candle.qty_scale = 5;
	ev.candle.cash_scale = 8;
	const struct event_row *row = event_row(EVENT_candle);
	assert_int_equal(event_scale(&ev, event_field(row, "close", 5), NULL), 2);
	assert_int_equal(event_scale(&ev, event_field(row, "volume", 6), NULL), 5);
	assert_int_equal(event_scale(&ev, event_field(row, "quote_volume", 12), NULL), 8);
	assert_int_equal(event_scale(&ev, event_field(row, "trades", 6), &qty_scale), 0);
	assert_int_equal(qty_scale, -1);
	event_init(&ev, EVENT_book_delta);
	ev.book_delta.price_scale = 3;
	ev.book_delta.qty_scale = 4;
	row = event_row(EVENT_book_delta);
	assert_int_equal(event_scale(&ev, event_field(row, "asks", 4), &qty_scale), 3);
	assert_int_equal(qty_scale, 4);
}

static void enumerations(void **state)
{
	(void)state;
	size_t n;
	const struct enum_row *const *rows = enum_rows(&n);

	assert_string_equal(enum_text(enum_side(), side_sell), "sell");
	assert_string_equal(enum_text(enum_side(), 0), "none");
	assert_string_equal(enum_text(enum_side(), 200), "?");
	assert_int_equal(enum_value(enum_side(), "buy", 3), side_buy);
	assert_int_equal(enum_value(enum_side(), "buyer", 5), 0);
	assert_int_equal(enum_value(enum_side(), "none", 4), 0);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < rows[i]->n; k++) {
			const struct enum_item *item = &rows[i]->items[k];
			assert_ptr_equal(enum_text(rows[i], item->value), item->name);
			assert_int_equal(enum_value(rows[i], item->name, strlen(item->name)),
				item->value);
			assert_string_not_equal(item->name, "none");
		}
}

static void initial(void **state)
{
	(void)state;
	struct event ev, zero = {0};

	memset(&ev, 0xa5, sizeof ev);
	event_init(&ev, EVENT_order);
	assert_int_equal(ev.id, EVENT_order);
	assert_int_equal(ev.version, event_row(EVENT_order)->version);
	ev.id = 0;
	ev.version = 0;
	assert_memory_equal(&ev, &zero, sizeof ev);
}

static void names_cut(void **state)
{
	(void)state;
	char name[EVENT_NAME_MAX], long_text[300], text[EVENT_TEXT_MAX];

	memset(name, 'x', sizeof name);
	event_set_name(name, "short");
	assert_memory_equal(name,
		"short\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 40);
	event_set_name(name, "123456789012345678901234567890123456789ä");
	assert_string_equal(name, "123456789012345678901234567890123456789");
	event_set_name(name, "12345678901234567890123456789012345678ä"); /* 38 + 2 bytes */
	assert_string_equal(name, "12345678901234567890123456789012345678");
	event_set_name(name, "1234567890123456789012345678901234567ä"); /* 37 + 2 */
	assert_string_equal(name, "1234567890123456789012345678901234567ä");
	event_set_name(name, "123456789012345678901234567890123456\xf0\x9f\x98\x80"); /* 36 + 4 */
	assert_string_equal(name, "123456789012345678901234567890123456");
	event_set_name(name, "a\xff" "b\xe4\xbe");
	assert_string_equal(name, "a?b??");
	memset(long_text, 0x80, sizeof long_text);
	long_text[sizeof long_text - 1] = '\0';
	event_set_text(text, long_text);
	assert_int_equal(strlen(text), EVENT_TEXT_MAX - 1);
	assert_int_equal(strspn(text, "?"), EVENT_TEXT_MAX - 1);
	event_set_text(text, text + 190); /* from within itself */
	assert_string_equal(text, "?????????");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_found),	cmocka_unit_test(fields_in_order),
			cmocka_unit_test(scales),
		cmocka_unit_test(enumerations),
			cmocka_unit_test(initial),	   cmocka_unit_test(names_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
