/* test_indicators - against values worked out by hand, and against Tulip's vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "services/strategy/indicators.h"

#define SCALE 8
#define MAX 400

static void ema_by_hand(void **state)
{
	(void)state;
	struct ema e;
	int64_t v;
	ema_init(&e, 3); /* half of each new value */
	assert_true(ema_add(&e, 100, &v));
	assert_int_equal(v, 100);
	ema_add(&e, 200, &v);
	assert_int_equal(v, 150);
	ema_add(&e, 201, &v); /* 175.5: to even */
	assert_int_equal(v, 176);
	ema_add(&e, 201, &v); /* 188.25, not 188.5: the half was kept inside */
	assert_int_equal(v, 188);
	ema_init(&e, 1);
	ema_add(&e, -7, &v);
	ema_add(&e, 9, &v);
	assert_int_equal(v, 9);
}

static void sma_by_hand(void **state)
{
	(void)state;
	struct sma s;
	int64_t v = -1;
	sma_init(&s, 3);
	assert_false(sma_add(&s, 1, &v));
	assert_false(sma_add(&s, 2, &v));
	assert_int_equal(v, -1);
	assert_true(sma_add(&s, 6, &v));
	assert_int_equal(v, 3);
	sma_add(&s, -8, &v);
	assert_int_equal(v, 0);
	sma_add(&s, 4, &v); /* 2 / 3 */
	assert_int_equal(v, 1);
}

/* The largest prices do not overflow inside. */
static void extremes(void **state)
{
	(void)state;
	struct ema e;
	struct sma s;
	struct rsi r;
	int64_t v = 0;
	ema_init(&e, INDICATOR_PERIOD_MAX);
	sma_init(&s, INDICATOR_PERIOD_MAX);
	rsi_init(&r, 14);
	for (int i = 0; i < 2000; i++) {
		int64_t in = i % 2 ? INT64_MAX : -INT64_MAX;
		ema_add(&e, in, &v);
		sma_add(&s, in, &v);
		rsi_add(&r, in, &v);
	}
	assert_in_range((uintmax_t)v, 0, 1000000);
	sma_init(&s, 2);
	sma_add(&s, INT64_MAX, &v);
	assert_true(sma_add(&s, INT64_MAX, &v));
	assert_int_equal(v, INT64_MAX);
}

static void rsi_of_nothing_is_fifty(void **state)
{
	(void)state;
	struct rsi r;
	int64_t v = 0;
	rsi_init(&r, 2);
	assert_false(rsi_add(&r, 5, &v));
	assert_false(rsi_add(&r, 5, &v));
	assert_true(rsi_add(&r, 5, &v));
	assert_int_equal(v, 500000);
	rsi_add(&r, 6, &v);
	assert_int_equal(v, 1000000);
}

/* ---- Tulip's vectors: "name options", input lines, output lines, blank line ---- */

struct vector {
	char name[32];
	uint32_t period;
	int64_t row[5][MAX];
	uint32_t len[5];
	uint32_t rows;
};

/* "{1.5,2,.25}" at SCALE. */
static void parse_row(const char *line, struct vector *v)
{
	int64_t *row = v->row[v->rows];
	uint32_t n = 0;
	for (const char *at = line + 1; *at && *at != '}' && n < MAX;) {
		char text[40];
		size_t len = strcspn(at, ",}");
		const char *zero = *at == '.' ? "0" : "";
		assert_true(len < 30);
		snprintf(text, sizeof(text), "%s%.*s%s", zero, (int)len, at,
			 at[len - 1] == '.' ? "0" : "");
		assert_int_equal(fixed_parse(text, strlen(text), SCALE, &row[n++]), 0);
		at += len + (at[len] == ',');
	}
	v->len[v->rows++] = n;
}

static bool ours(const char *name)
{
	static const char *const names[] = {"ema", "sma", "wilders", "rsi", "atr"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static void parse_head(const char *line, struct vector *v)
{
	if (sscanf(line, "%31s %u", v->name, &v->period) < 2)
		v->period = 0;
}

static bool read_vector(FILE *f, struct vector *v)
{
	static char line[65536];
	memset(v, 0, sizeof(*v));
	while (fgets(line, sizeof(line), f)) {
		bool blank = line[0] == '\n' || line[0] == '\r';
		if (blank && v->rows > 0)
			return true;
		if (line[0] == '{' && ours(v->name) && v->rows < 5)
			parse_row(line, v);
		else if (line[0] != '{' && line[0] != '#' && !blank)
			parse_head(line, v);
	}
	return v->rows > 0;
}

/* To three decimals, as they are printed. */
static void expect_near(int64_t got, int64_t expected, const char *name)
{
	int64_t off = got > expected ? got - expected : expected - got;
	if (off > 50100)
		print_message("%s: %lld, expected %lld\n", name, (long long)got,
			      (long long)expected);
	assert_true(off <= 50100);
}

static void check_series(const struct vector *v, bool (*add)(void *, int64_t, int64_t *),
			 void *indicator)
{
	uint32_t out = 0;
	int64_t got;
	for (uint32_t i = 0; i < v->len[0]; i++)
		if (add(indicator, v->row[0][i], &got))
			expect_near(got, v->row[1][out++], v->name);
	assert_int_equal(out, v->len[1]);
}

static bool add_ema(void *e, int64_t in, int64_t *out)
{
	return ema_add(e, in, out);
}

static bool add_sma(void *s, int64_t in, int64_t *out)
{
	return sma_add(s, in, out);
}

static bool add_wilder(void *w, int64_t in, int64_t *out)
{
	return wilder_add(w, in, out);
}

static bool add_rsi(void *r, int64_t in, int64_t *out)
{
	bool ready = rsi_add(r, in, out);
	if (ready)
		*out *= 10000; /* to SCALE */
	return ready;
}

static void check_atr(const struct vector *v)
{
	struct atr a;
	uint32_t out = 0;
	int64_t got;
	atr_init(&a, v->period);
	for (uint32_t i = 0; i < v->len[0]; i++)
		if (atr_add(&a, v->row[0][i], v->row[1][i], v->row[2][i], &got))
			expect_near(got, v->row[3][out++], v->name);
	assert_int_equal(out, v->len[3]);
}

static bool check(const struct vector *v)
{
	static struct ema ema;
	static struct sma sma;
	static struct wilder wilder;
	static struct rsi rsi;
	if (strcmp(v->name, "ema") == 0) {
		ema_init(&ema, v->period);
		check_series(v, add_ema, &ema);
	} else if (strcmp(v->name, "sma") == 0) {
		sma_init(&sma, v->period);
		check_series(v, add_sma, &sma);
	} else if (strcmp(v->name, "wilders") == 0) {
		wilder_init(&wilder, v->period);
		check_series(v, add_wilder, &wilder);
	} else if (strcmp(v->name, "rsi") == 0) {
		rsi_init(&rsi, v->period);
		check_series(v, add_rsi, &rsi);
	} else if (strcmp(v->name, "atr") == 0) {
		check_atr(v);
	} else {
		return false;
	}
	return true;
}

static void tulip_vectors(void **state)
{
	(void)state;
	static const char *const files[] = {"untest.txt", "atoz.txt", "extra.txt"};
	static struct vector v;
	const char *captures = getenv("NIGHTJAR_CAPTURES"), *source = getenv("NJ_SOURCE");
	char path[512];
	uint32_t seen = 0;
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s/indicators/%s",
			 captures ? captures
			 : source ? source
				  : ".",
			 captures ? "" : "/../shared/captures", files[i]);
		FILE *f = fopen(path, "r");
		if (!f) {
			print_message("skipped: no %s\n", path);
			skip();
		}
		while (read_vector(f, &v))
			seen += check(&v);
		fclose(f);
	}
	print_message("%u of Tulip's vectors\n", seen);
	assert_true(seen >= 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ema_by_hand),
		cmocka_unit_test(sma_by_hand),
		cmocka_unit_test(extremes),
		cmocka_unit_test(rsi_of_nothing_is_fifty),
		cmocka_unit_test(tulip_vectors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
