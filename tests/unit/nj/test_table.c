/* test_table - one table in its five forms, the choice and order of columns, and text from outside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/json.h"
#include "tools/nj/table.h"
#include "tools/nj/table_text.h"

static const struct table_column columns[] = {
	{"name", TABLE_TEXT, ""},    {"count", TABLE_INT, ""},	{"pid", TABLE_ID, ""},
	{"price", TABLE_NUMBER, ""}, {"size", TABLE_BYTES, ""}, {"age_ns", TABLE_SPAN, ""},
	{"at", TABLE_TIME, ""},	     {"ok", TABLE_BOOL, ""},	{0},
};

static char *out, *err;

static void fill(struct table *t)
{
	table_tone(t, TABLE_GOOD, "alpha");
	table_int(t, 1234567);
	table_int(t, 12345);
	table_text(t, "9.50");
	table_int(t, 1536);
	table_int(t, 192 * INT64_C(1000000000));
	table_int(t, INT64_C(1005314000123456789));
	table_bool(t, true);
	table_text(t, "b,\"c\"\x1b[1m\n\tx");
	table_int_tone(t, TABLE_WARN, -5);
	table_null(t);
	table_text(t, "10.125");
	for (int i = 0; i < 4; i++)
		table_null(t);
}

static int print(struct cli *cli)
{
	size_t n_out, n_err;
	struct table *t;
	free(out);
	free(err);
	cli->out = open_memstream(&out, &n_out);
	cli->err = open_memstream(&err, &n_err);
	int rc = table_open(cli, columns, &t);
	if (rc == CLI_OK) {
		fill(t);
		rc = table_close(t);
	}
	fclose(cli->out);
	fclose(cli->err);
	return rc;
}

static int teardown(void **state)
{
	(void)state;
	free(out);
	free(err);
	out = err = NULL;
	return 0;
}

static void for_people(void **state)
{
	(void)state;
	struct cli cli = {0};
	assert_int_equal(print(&cli), CLI_OK);
	assert_string_equal(
		out,
		"NAME                       COUNT    PID   PRICE     SIZE  AGE NS  AT            "
		"       OK\n"
		"alpha                  1,234,567  12345    9.50  1.5 KiB   3m12s  2001-11-09 "
		"13:53:20  yes\n"
		"b,\"c\"\\x1b[1m\\x0a\\x09x         -5      -  10.125        -       -  -        "
		"            -\n");
	cli.no_headers = true;
	cli.color = true;
	cli.columns = "pid,name";
	assert_int_equal(print(&cli), CLI_OK);
	assert_string_equal(
		out,
		"12345  \x1b[32malpha\x1b[0m\n    \x1b[2m-\x1b[0m  b,\"c\"\\x1b[1m\\x0a\\x09x\n");
}

/* On a terminal the last column goes on below itself, where there is room for that. */
static void last_column_wraps(void **state)
{
	(void)state;
	struct cli cli = {.columns = "pid,name", .width = 23};
	assert_int_equal(print(&cli), CLI_OK);
	assert_string_equal(out, "  PID  NAME\n12345  alpha\n    -  b,\"c\"\\x1b[1m\\x0a\n       \\x09x\n");
	cli.width = 22; /* not enough: as it comes */
	assert_int_equal(print(&cli), CLI_OK);
	assert_string_equal(out, "  PID  NAME\n12345  alpha\n    -  b,\"c\"\\x1b[1m\\x0a\\x09x\n");
}

static const struct table_column wide[] = {{"n", TABLE_INT, ""}, {"text", TABLE_TEXT, ""}, {0}};

static void words_stay_whole(void **state)
{
	(void)state;
	static const struct {
		const char *text, *printed;
	} rows[] = {
		{"", "1  \n"},
		{"exactly as many as fit", "1  exactly as many as fit\n"},
		{"one more than what can b", "1  one more than what can\n   b\n"},
		{"übergroß wörter über alle zeilen", "1  übergroß wörter über\n   alle zeilen\n"},
		{"abcdefghijklmnopqrstuvwxyz", "1  abcdefghijklmnopqrstuv\n   wxyz\n"},
		{"a line of its own, and one that follows, and the last",
		 "1  a line of its own, and\n   one that follows, and\n   the last\n"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct cli cli = {.no_headers = true, .width = 25};
		struct table *t;
		size_t n;
		free(out);
		cli.out = cli.err = open_memstream(&out, &n);
		assert_int_equal(table_open(&cli, wide, &t), CLI_OK);
		table_int(t, 1);
		table_text(t, rows[i].text);
		assert_int_equal(table_close(t), CLI_OK);
		fclose(cli.out);
		assert_string_equal(out, rows[i].printed);
	}
}

static void json(void **state)
{
	(void)state;
	struct cli cli = {.format = CLI_AS_JSON};
	assert_int_equal(print(&cli), CLI_OK);
	assert_string_equal(
		out,
		"[\n "
		"{\"name\":\"alpha\",\"count\":1234567,\"pid\":12345,\"price\":9.50,\"size\":1536,"
		"\"age_ns\":192000000000,\"at\":\"2001-11-09T13:53:20.123456789Z\",\"ok\":true},\n"
		" "
		"{\"name\":\"b,\\\"c\\\"\\u001b[1m\\n\\tx\",\"count\":-5,\"pid\":null,"
		"\"price\":10.125,\"size\":null,"
		"\"age_ns\":null,\"at\":null,\"ok\":null}\n]\n");
	struct json j;
	json_init(&j, out, strlen(out));
	json_skip(&j);
	assert_int_equal(json_finish(&j), 0);
	cli.format = CLI_AS_JSONL;
	cli.columns = "name,ok";
	assert_int_equal(print(&cli), CLI_OK);
	assert_string_equal(out, "{\"name\":\"alpha\",\"ok\":true}\n"
				 "{\"name\":\"b,\\\"c\\\"\\u001b[1m\\n\\tx\",\"ok\":null}\n");
}

static void csv_and_tsv(void **state)
{
	(void)state;
	struct cli cli = {.format = CLI_AS_CSV, .columns = "name,price,at"};
	assert_int_equal(print(&cli), CLI_OK);
	assert_string_equal(out, "name,price,at\r\nalpha,9.50,2001-11-09T13:53:20.123456789Z\r\n"
				 "\"b,\"\"c\"\"\\x1b[1m\n\\x09x\",10.125,\r\n");
	cli.format = CLI_AS_TSV;
	cli.no_headers = true;
	assert_int_equal(print(&cli), CLI_OK);
	assert_string_equal(
		out,
		"alpha\t9.50\t2001-11-09T13:53:20.123456789Z\nb,\"c\"\\x1b[1m\\n\\tx\t10.125\t\n");
}

static void order(void **state)
{
	(void)state;
	struct cli cli = {.format = CLI_AS_CSV, .no_headers = true, .columns = "price"};
	cli.sort = "-price"; /* by value, not as text */
	assert_int_equal(print(&cli), CLI_OK);
	assert_string_equal(out, "10.125\r\n9.50\r\n");
	cli.sort = "count";
	assert_int_equal(print(&cli), CLI_OK);
	assert_string_equal(out, "10.125\r\n9.50\r\n");
	cli.sort = "-pid"; /* unknown ones stay last */
	assert_int_equal(print(&cli), CLI_OK);
	assert_string_equal(out, "9.50\r\n10.125\r\n");
	cli.sort = "pid";
	assert_int_equal(print(&cli), CLI_OK);
	assert_string_equal(out, "9.50\r\n10.125\r\n");
	cli.sort = "-name";
	assert_int_equal(print(&cli), CLI_OK);
	assert_string_equal(out, "10.125\r\n9.50\r\n");
}

static void wrong_columns(void **state)
{
	(void)state;
	struct cli cli = {.columns = "name,conut"};
	assert_int_equal(print(&cli), CLI_USAGE);
	assert_string_equal(
		err, "nj: there is no column 'conut' (did you mean count?)\nTry 'nj help'.\n");
	cli.columns = NULL;
	cli.sort = "-x";
	assert_int_equal(print(&cli), CLI_USAGE);
	assert_string_equal(err,
			    "nj: there is no column 'x'; there are name, count, pid, price, size, age_ns, "
			    "at, ok\nTry 'nj help'.\n");
}

static void no_rows(void **state)
{
	(void)state;
	static const struct { enum cli_format format; const char *text;
	} row[] = {
		{CLI_AS_TABLE, "NAME\n"}, {CLI_AS_JSON, "[]\n"},  {CLI_AS_JSONL, ""},
		{CLI_AS_CSV, "name\r\n"}, {CLI_AS_TSV, "name\n"},
	};
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct cli cli = {.format = row[i].format, .columns = "name"};
		size_t n;
		struct table *t;
		free(out);
		cli.out = open_memstream(&out, &n);
		assert_int_equal(table_open(&cli, columns, &t), CLI_OK);
		assert_int_equal(table_close(t), CLI_OK);
		fclose(cli.out);
		assert_string_equal(out, row[i].text);
	}
}

static void short_forms(void **state)
{
	(void)state;
	char t[TABLE_SHORT_MAX];
	assert_string_equal(table_span(0, t), "0ns");
	assert_string_equal(table_span(-999, t), "-999ns");
	assert_string_equal(table_span(1500, t), "1.5us");
	assert_string_equal(table_span(999999, t), "999.9us");
	assert_string_equal(table_span(12345678, t), "12.3ms");
	assert_string_equal(table_span(59999999999, t), "59.9s");
	assert_string_equal(table_span(60000000000, t), "1m0s");
	assert_string_equal(table_span(-3 * INT64_C(3600000000000), t), "-3h0m");
	assert_string_equal(table_span(INT64_MAX, t), "106751d23h");
	assert_string_equal(table_span(INT64_MIN, t), "-106751d23h");
	assert_string_equal(table_bytes(1023, t), "1023 B");
	assert_string_equal(table_bytes(1024, t), "1.0 KiB");
	assert_string_equal(table_bytes(1048575, t), "1023.9 KiB");
	assert_string_equal(table_bytes(1048576, t), "1.0 MiB");
	assert_string_equal(table_bytes(INT64_MAX, t), "7.9 EiB");
	assert_string_equal(table_bytes(-2048, t), "-2.0 KiB");
	assert_string_equal(table_thousands(999, t), "999");
	assert_string_equal(table_thousands(-1000, t), "-1,000");
	assert_string_equal(table_thousands(INT64_MIN, t), "-9,223,372,036,854,775,808");
	assert_string_equal(table_time(0, 86399999999999, t), "00:00:00.000");
	assert_string_equal(table_time(0, 86400000000000, t), "1970-01-01 00:00:00");
}

static void decimal_order(void **state)
{
	(void)state;
	static const char *const up[] = {"-10.5",
					 "-10",
					 "-2.25",
					 "-0.001",
					 "0",
					 "0.001",
					 "0.01",
					 "1",
					 "1.5",
					 "2",
					 "10",
					 "99999999999999999999.1",
					 "100000000000000000000"};
	for (size_t i = 0; i < ARRAY_LEN(up); i++)
		for (size_t k = 0; k < ARRAY_LEN(up); k++) {
			int c = table_compare_numbers(up[i], up[k]);
			assert_int_equal((c > 0) - (c < 0), (i > k) - (i < k));
		}
	assert_int_equal(table_compare_numbers("1.50", "01.5"), 0);
	assert_int_equal(table_compare_numbers("-0.0", "0"), 0);
}

static void long_text_is_cut(void **state)
{
	(void)state;
	char text[2000];
	struct table_shown s;
	for (size_t i = 0; i + 3 < sizeof text; i += 3)
		memcpy(text + i, "\xe2\x82\xac", 4);
	table_show_text(text, &s);
	assert_true(strlen(s.text) < sizeof s.text);
	assert_string_equal(s.text + strlen(s.text) - 6, "\xe2\x82\xac...");
	assert_int_equal(s.width, (strlen(s.text) - 3) / 3 + 3);
	memset(text, 1, sizeof text - 1);
	text[sizeof text - 1] = '\0';
	table_show_text(text, &s);
	assert_int_equal(s.width, strlen(s.text));
}

#define T(f) cmocka_unit_test_teardown(f, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(for_people),	T(last_column_wraps), T(words_stay_whole), T(json),	  T(csv_and_tsv),
		T(order),	T(wrong_columns), T(no_rows),
		T(short_forms), T(decimal_order), T(long_text_is_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
