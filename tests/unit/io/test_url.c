/* test_url - what is taken apart and how, and what two readers could read differently. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/headers.h"
#include "common/io/url.h"

static void test_good(void **state)
{
	static const struct {
		const char *text, *host_line, *target, *host;
		uint16_t port;
		bool tls, web_socket, loopback;
	} rows[] = {
		{"https://api.binance.com/api/v3/depth?limit=5000", "api.binance.com",
		 "/api/v3/depth?limit=5000", "api.binance.com", 443, true, false, false},
		{"WSS://Stream.Binance.Com:9443", "Stream.Binance.Com:9443", "/",
		 "Stream.Binance.Com", 9443, true, true, false},
		{"ws://localhost?x=/y@z:1", "localhost", "/?x=/y@z:1", "localhost", 80, false, true,
		 true},
		{"http://127.255.0.1:80/a:b@c", "127.255.0.1", "/a:b@c", "127.255.0.1", 80, false,
		 false, true},
		{"http://127.0.0.1:443/", "127.0.0.1:443", "/", "127.0.0.1", 443, false, false,
		 true},
		{"https://[::1]:8443/x", "[::1]:8443", "/x", "::1", 8443, true, false, true},
		{"https://[2001:db8::2]/", "[2001:db8::2]", "/", "2001:db8::2", 443, true, false,
		 false},
		{"https://a_b-c.d:65535/%7Ex", "a_b-c.d:65535", "/%7Ex", "a_b-c.d", 65535, true,
		 false, false},
		{"http://128.0.0.1/", "128.0.0.1", "/", "128.0.0.1", 80, false, false, false},
		{"http://127.1/", "127.1", "/", "127.1", 80, false, false, false},
		{"http://2130706433/", "2130706433", "/", "2130706433", 80, false, false, false},
		{"http://localhost./", "localhost.", "/", "localhost.", 80, false, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b;
		struct url u;

		buf_init(&b, 1000);
		assert_int_equal(url_parse(rows[i].text, &u), 0);
		assert_string_equal(u.host, rows[i].host);
		assert_int_equal(u.port, rows[i].port);
		assert_int_equal(u.tls, rows[i].tls);
		assert_int_equal(u.web_socket, rows[i].web_socket);
		assert_int_equal(u.loopback, rows[i].loopback);
		assert_int_equal(url_host(&u, &b), 0);
		assert_int_equal(buf_printf(&b, " "), 0);
		assert_int_equal(url_target(&u, &b), 0);
		buf_byte(&b, 0);
		assert_memory_equal(b.at, rows[i].host_line, strlen(rows[i].host_line));
		assert_string_equal(b.at + strlen(rows[i].host_line) + 1, rows[i].target);
		buf_fini(&b);
	}
}

static void test_bad(void **state)
{
	static const char *const rows[] = {
		"", "x", "https", "https:", "https:/", "https://", "https:///x", "//host/",
		"host/", "ftp://host/", "file:///etc/passwd", "https://u@host/",
		"https://u:p@host/", "https://@host/", "https://host:/", "https://host:0/",
		"https://host:65536/", "https://host:123456/", "https://host:12x/",
		"https://host:-1/", "https://host:1:2/", "https://host\\x/", "https://host/a#b",
		"https://host/a b", "https://host/a\tb", "https://host/a\r\nb",
		"https://host/\x7f", "https://h\xc3\xb6st/", "https://host/\xc3\xb6",
		"https://.host/", "https://ho%73t/", "https://ho,st/", "https://[]/",
		"https://[1.2.3.4]/", "https://[::1", "https://[::1]x/",
		"https://[fe80::1%25eth0]/", "https://::1/", "https://host<x/",
		"https://host/\"x", " https://host/", "https://ho*st/", "https://host;x/",
	};
	struct url u = {.port = 7};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (url_parse(rows[i], &u) != ERR_SYNTAX)
			fail_msg("taken: %s", rows[i]);
	assert_int_equal(u.port, 7);
}

static void test_long(void **state)
{
	char *text = malloc(URL_MAX + 1);
	struct url u;

	(void)state;
	memset(text, 'a', URL_MAX);
	text[URL_MAX] = '\0';
	memcpy(text, "https://h/", 10);
	assert_int_equal(url_parse(text, &u), ERR_TOO_LONG);
	text[URL_MAX - 1] = '\0';
	assert_int_equal(url_parse(text, &u), 0);
	text[8] = 'h';
	text[9] = 'h';
	text[300] = '/';
	assert_int_equal(url_parse(text, &u), ERR_TOO_LONG);
	free(text);
}

/* ---- headers ---- */

static void test_header_lines(void **state)
{
	static const char *const bad[] = {"",       ":", ": x",   "a b: c",  "a : c",    " a: c",
					  "a\t: c", "a", "a(: c", "a: \x01", "a: x\x7f", "a: x\ny"};
	struct headers h;

	(void)state;
	headers_init(&h, 1000);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(headers_add(&h, bad[i], strlen(bad[i])), ERR_SYNTAX);
	assert_int_equal(headers_add(&h, "a: x\0y", 6), ERR_SYNTAX);
	assert_int_equal(headers_add(&h, "Name:value", 10), 0);
	assert_int_equal(headers_add(&h, "name: \t second\t ", 16), 0);
	assert_int_equal(headers_add(&h, "Empty:  ", 8), 0);
	assert_int_equal(headers_add(&h, "U: \xc3\xb6", 5), 0);
	assert_string_equal(headers_get(&h, "NAME"), "value");
	assert_string_equal(headers_nth(&h, "NAME", 1), "second");
	assert_null(headers_nth(&h, "NAME", 2));
	assert_string_equal(headers_get(&h, "empty"), "");
	assert_null(headers_get(&h, "Nam"));
	headers_clear(&h);
	assert_null(headers_get(&h, "NAME"));
	for (int i = 0; i < HEADERS_MAX; i++)
		assert_int_equal(headers_add(&h, "a: b", 4), 0);
	assert_int_equal(headers_add(&h, "a: b", 4), ERR_FULL);
	headers_fini(&h);
	headers_init(&h, 10);
	assert_int_equal(headers_add(&h, "abcdef: ghijkl", 14), ERR_FULL);
	assert_null(headers_get(&h, "abcdef"));
	headers_fini(&h);
	headers_fini(NULL);
}

static void test_lists(void **state)
{
	(void)state;
	assert_true(headers_list_has("Upgrade", "upgrade"));
	assert_true(headers_list_has("keep-alive,UPGRADE ", "upgrade"));
	assert_true(headers_list_has(" ,, a,\tupgrade\t,b", "upgrade"));
	assert_false(headers_list_has("upgrades", "upgrade"));
	assert_false(headers_list_has("up grade", "upgrade"));
	assert_false(headers_list_has("upgrade x", "upgrade"));
	assert_false(headers_list_has("", "upgrade"));
	assert_false(headers_list_has(NULL, "upgrade"));
}

static void test_retry_after(void **state)
{
	static const struct {
		const char *value;
		int64_t s;
	} rows[] = {
		{NULL, -1},
		{"", -1},
		{"0", 0},
		{"17", 17},
		{"604800", 604800},
		{"604801", 604800},
		{"99999999999999999999999999", 604800},
		{"-1", -1},
		{"1.5", -1},
		{"1 ", -1},
		{"soon", -1},
		{"Sun, 06 Nov 1994 08:49:37 GMT", 37},
		{"Sun, 06 Nov 1994 08:48:00 GMT", 0},
		{"Sun, 06 Nov 1994 08:49:37 UTC", -1},
		{"Sun, 06 Nov 1994 08:49:37 GMTx", -1},
		{"Sun, 06 Nox 1994 08:49:37 GMT", -1},
		{"Sun, 06 ovD 1994 08:49:37 GMT", -1},
		{"Sun, 36 Nov 1994 08:49:37 GMT", -1},
		{"Sun, 06 Nov 2094 08:49:37 GMT", 604800},
		{"Sunday, 06-Nov-94 08:49:37 GMT", -1},
	};
	const int64_t now = 784111740; /* 08:49:00 of that day */

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (headers_retry_after_s(rows[i].value, now) != rows[i].s)
			fail_msg("%s: %lld", rows[i].value,
				 (long long)headers_retry_after_s(rows[i].value, now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_header_lines),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_retry_after),
	};

	return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
