/* test_params - parameters from text: defaults, each kind, each way to be wrong; the registry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "services/strategy/params.h"
#include "services/strategy/registry.h"

struct params {
	int64_t count, qty, choice;
	char name[EVENT_NAME_MAX];
};

static const struct strategy_param rows[] = {
	{"count", PARAM_COUNT, "7", 1, 9, NULL, "", "", offsetof(struct params, count)},
	{"qty", PARAM_QTY, "0.5", 1, 100000000, NULL, "base", "", offsetof(struct params, qty)},
	{"choice", PARAM_CHOICE, "two", 0, 0, "one two three", "", "",
	 offsetof(struct params, choice)},
	{"name", PARAM_NAME, "1m", 0, 0, NULL, "", "", offsetof(struct params, name)},
};

static const struct strategy strategy = {
	.params = rows, .n_params = 4, .params_size = sizeof(struct params)};

static void values(void **state)
{
	(void)state;
	struct params p;
	params_defaults(&strategy, &p);
	assert_int_equal(p.count, 7);
	assert_int_equal(p.qty, 50000000);
	assert_int_equal(p.choice, 1);
	assert_string_equal(p.name, "1m");
	assert_int_equal(params_set(&strategy, &p, "count", "9"), 0);
	assert_int_equal(params_set(&strategy, &p, "qty", "0.00000001"), 0);
	assert_int_equal(params_set(&strategy, &p, "choice", "three"), 0);
	assert_int_equal(params_set(&strategy, &p, "name", "4h"), 0);
	assert_int_equal(p.count, 9);
	assert_int_equal(p.qty, 1);
	assert_int_equal(p.choice, 2);
	assert_string_equal(p.name, "4h");
}

static void mistakes_change_nothing(void **state)
{
	(void)state;
	struct params p, before;
	params_defaults(&strategy, &p);
	before = p;
	assert_int_equal(params_set(&strategy, &p, "cuont", "1"), ERR_NOT_FOUND);
	assert_int_equal(params_set(&strategy, &p, "count", "0"), ERR_RANGE);
	assert_int_equal(params_set(&strategy, &p, "count", "10"), ERR_RANGE);
	assert_int_equal(params_set(&strategy, &p, "count", "1.5"), ERR_INEXACT);
	assert_int_equal(params_set(&strategy, &p, "count", "many"), ERR_SYNTAX);
	assert_int_equal(params_set(&strategy, &p, "count", ""), ERR_SYNTAX);
	assert_int_equal(params_set(&strategy, &p, "qty", "0.000000001"), ERR_INEXACT);
	assert_int_equal(params_set(&strategy, &p, "choice", "tw"), ERR_UNKNOWN);
	assert_int_equal(params_set(&strategy, &p, "choice", "one two"), ERR_UNKNOWN);
	assert_int_equal(params_set(&strategy, &p, "choice", ""), ERR_UNKNOWN);
	assert_int_equal(params_set(&strategy, &p, "name",
				    "a name that is longer than any name may ever be"),
			 ERR_TOO_LONG);
	assert_memory_equal(&p, &before, sizeof(p));
}

static void mistakes_are_explained(void **state)
{
	(void)state;
	static const struct {
		const char *name, *value, *why;
	} rows_wrong[] = {
		{"cuont", "1", "there is no parameter cuont (did you mean count?)"},
		{"xyzzy", "1", "there is no parameter xyzzy; there are count, qty, choice, name"},
		{"count", "10", "count: \"10\" is no whole number from 1 to 9"},
		{"qty", "many", "qty: \"many\" is no decimal number from 0.00000001 to 1.00000000"},
		{"choice", "tw", "choice: \"tw\" is none of: one two three"},
		{"name", "a very long one", "name: \"a very long one\" is longer than 39 bytes"},
	};
	char why[EVENT_TEXT_MAX];
	for (size_t i = 0; i < sizeof rows_wrong / sizeof rows_wrong[0]; i++) {
		params_explain(&strategy, rows_wrong[i].name, rows_wrong[i].value, why, sizeof why);
		assert_string_equal(why, rows_wrong[i].why);
		/* Room is never exceeded. */
		memset(why, 'x', sizeof why);
		params_explain(&strategy, rows_wrong[i].name, rows_wrong[i].value, why, 12);
		assert_int_equal(strlen(why), 11);
		assert_int_equal(why[12], 'x');
	}
}

/* Every strategy that was built in: rows that stand on their own feet. */
static void registered_strategies_are_sound(void **state)
{
	(void)state;
	size_t n;
	const struct strategy *const *all = registry_all(&n);
	assert_true(n >= 1);
	assert_non_null(registry_find("ema_cross"));
	assert_null(registry_find("no such"));
	for (size_t i = 0; i < n; i++) {
		static uint64_t params[512];
		assert_ptr_equal(registry_find(all[i]->name), all[i]);
		assert_true(all[i]->params_size <= sizeof(params) && all[i]->doc[0]);
		params_defaults(all[i], params);
		assert_true(!all[i]->check || !all[i]->check(params));
		for (uint32_t k = 0; k < all[i]->n_params; k++) {
			const struct strategy_param *p = &all[i]->params[k];
			assert_ptr_equal(params_find(all[i], p->name), p);
			assert_true(p->doc[0] && p->offset < all[i]->params_size);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(mistakes_change_nothing),
		cmocka_unit_test(mistakes_are_explained),
		cmocka_unit_test(registered_strategies_are_sound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
