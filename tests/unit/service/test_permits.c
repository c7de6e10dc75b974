/* test_permits - every role against every verb there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/service/permits.h"

/* Written out, and not read from the table: a slip there is a difference here. */
static bool wanted(const char *role, const char *verb)
{
	static const char *const look[] = {"status", "state", "replay_x", "replay_m"};
	static const char *const trade[] = {"seat", "feed", "wish"};
	if (strcmp(role, "operator") == 0)
		return true;
	for (size_t i = 0; i < sizeof look / sizeof look[0]; i++)
		if (strcmp(verb, look[i]) == 0)
			return strcmp(role, "none") != 0;
	for (size_t i = 0; i < sizeof trade / sizeof trade[0]; i++)
		if (strcmp(verb, trade[i]) == 0)
			return strcmp(role, "service") == 0;
	return false;
}

static const char *role_text(unsigned role)
{
	const char *text = enum_text(enum_role(), (uint8_t)role);
	return role == 0 || !text ? "none" : text;
}

static void test_every_role_and_verb(void **state)
{
	(void)state;
	const struct enum_row *verbs = enum_verb();
	assert_true(verbs->n >= 12);
	for (unsigned role = 0; role < 8; role++)
		for (size_t i = 0; i < verbs->n; i++) {
			bool want = role <= role_tap && wanted(role_text(role), verbs->items[i].name);
			if (control_allowed((enum role)role, (enum verb)verbs->items[i].value) != want)
				fail_msg("role %u and verb %s: must be %s", role, verbs->items[i].name,
					 want ? "allowed" : "refused");
		}
}

static void test_unknown_verbs_are_for_operators(void **state)
{
	(void)state;
	for (unsigned verb = 0; verb < 256; verb++) {
		bool known = false;
		for (size_t i = 0; i < enum_verb()->n; i++)
			known = known || enum_verb()->items[i].value == verb;
		if (known)
			continue;
		assert_true(control_allowed(role_operator, (enum verb)verb));
		assert_false(control_allowed(role_service, (enum verb)verb));
		assert_false(control_allowed(role_tap, (enum verb)verb));
		assert_false(control_allowed(role_none, (enum verb)verb));
	}
}

/* A verb that somebody adds without a row would be the operators' by accident: say so at once. */
static void test_every_verb_has_a_row(void **state)
{
	static const unsigned rows[] = {
#define PERMIT(verb, tap, service, operator) verb_##verb,
#include "common/service/permits.def"
#undef PERMIT
	};
	(void)state;
	for (size_t i = 0; i < enum_verb()->n; i++) {
		size_t n = 0;
		for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
			n += rows[k] == enum_verb()->items[i].value;
		if (n != 1)
			fail_msg("verb %s has %zu rows in permits.def", enum_verb()->items[i].name, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_role_and_verb),
		cmocka_unit_test(test_unknown_verbs_are_for_operators),
		cmocka_unit_test(test_every_verb_has_a_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
