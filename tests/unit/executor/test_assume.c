/* test_assume - what an account rests on is said once, in whole sentences, and again where it is another. */
#include "scenario.h"

static const struct ev_assumption *about(const char *what)
{
	const struct ev_assumption *found = NULL;
	for (uint32_t i = 0; i < d.n; i++)
		if (d.out[i].id == EVENT_assumption && strcmp(d.out[i].assumption.about, what) == 0)
			found = &d.out[i].assumption;
	return found;
}

static void open_by(const struct executor_settings *s)
{
	desk_open(&d, s);
	desk_instrument(&d);
}

/* Every model there is, with texts as long as they get: none is cut off. */
static void every_model_fits_its_sentence(void **state)
{
	(void)state;
	struct executor_settings s = desk_settings();
	char why[EVENT_TEXT_MAX];
	static const char curve[] = "12.3456%=1111ms 22%=2222ms 33%=3333ms 44%=4444ms 55%=5555ms 66%=6666ms "
				    "77%=7777ms 100%=59s";
	for (unsigned q = 0; q < QUEUE_MODELS; q++)
		for (unsigned l = 0; l < LATENCY_MODELS; l++) {
			s.queue = (uint8_t)q;
			s.latency.model = (uint8_t)l;
			s.blind_max_ns = q * 1234567890;
			assert_int_equal(latency_parse(curve, &s.latency.order, why, sizeof(why)), 0);
			s.latency.ack = s.latency.order;
			s.remote = q == 1;
			s.mark = (uint8_t)(q % MARK_KINDS);
			s.margins.n = s.n_quotes = 0;
			assert_int_equal(margin_parse(&s.margins, MARGIN_DEFAULT, why, sizeof(why)), 0);
			const char *others = q == 2 ? "USDC, EUR" : "";
			assert_int_equal(quotes_parse(s.quotes, &s.n_quotes, others, why, sizeof(why)), 0);
			open_by(&s);
			for (uint32_t i = 0; i < d.n; i++) {
				const struct ev_assumption *a = &d.out[i].assumption;
				if (d.out[i].id != EVENT_assumption)
					continue;
				size_t n = strlen(a->text);
				assert_true(n > 20 && n < EVENT_TEXT_MAX - 1 && a->text[n - 1] == '.');
				assert_true(a->value[0] && strlen(a->value) < EVENT_NAME_MAX - 1);
				assert_string_equal(a->account, "paper");
			}
			desk_close(&d);
		}
}

static void they_say_what_is_set(void **state)
{
	(void)state;
	struct executor_settings s = desk_settings();
	char why[EVENT_TEXT_MAX];
	s.queue = QUEUE_SHARE;
	s.latency.model = LATENCY_DRAWN;
	s.latency.seed = 77;
	assert_int_equal(latency_parse("50%=70ms 100%=1s", &s.latency.order, why, sizeof(why)), 0);
	assert_int_equal(fees_parse(&s.fees, "KALSHI 0 0.07 kalshi", why, sizeof(why)), 0);
	open_by(&s);
	assert_string_equal(about("queue")->value, "share");
	assert_string_equal(about("latency")->value, "drawn");
	assert_string_equal(about("latency")->text, "Orders take 50ms or more: 50%=70ms 100%=1s (seed 77).");
	assert_string_equal(about("answers")->text, "What happens is known 10ms after it, always.");
	assert_string_equal(about("fees")->text, "Maker/taker 0.001/0.001 of the value, KALSHI 0/0.07 kalshi.");
	assert_non_null(strstr(about("blind")->text, "without news for 5s; orders live on."));
	desk_close(&d);
}

/* More markets than a sentence holds are counted. */
static void fees_beyond_the_sentence_are_counted(void **state)
{
	(void)state;
	struct executor_settings s = desk_settings();
	char row[64], why[EVENT_TEXT_MAX];
	for (int i = 0; i < 20; i++) {
		snprintf(row, sizeof(row), "A-VENUE-OF-SOME-LENGTH-%d 0.0001 0.0002", i);
		assert_int_equal(fees_parse(&s.fees, row, why, sizeof(why)), 0);
	}
	open_by(&s);
	assert_non_null(strstr(about("fees")->text, ", 17 more."));
	desk_close(&d);
}

static struct event reload_of(const char *target, const char *value)
{
	struct event ev = desk_command_of("ann", verb_reload, "", 0);
	event_set_name(ev.command.target, target);
	event_set_text(ev.command.value, value);
	return ev;
}

static const struct ev_assumption *divided(const char *method, const char *rows, int64_t window)
{
	static struct ev_assumption said;
	struct executor_settings s = desk_settings();
	char why[EVENT_TEXT_MAX];
	s.allocation = (struct allocation_settings){.every_ns = 3600 * S, .window = window, .leverage = 2};
	s.allocation.method = enum_value(enum_allocation_method(), method, strlen(method));
	if (s.allocation.method != 0)
		assert_int_equal(allocation_parse(&s.allocation, rows, why, sizeof(why)), 0);
	open_by(&s);
	assert_non_null(about("allocation"));
	said = *about("allocation");
	desk_close(&d);
	return &said;
}

static void the_division_of_the_worth_is_said(void **state)
{
	(void)state;
	const struct ev_assumption *a = divided("none", "", 24);
	assert_string_equal(a->value, "none");
	assert_string_equal(a->text,
			    "No strategy has a budget of its own: what all may have at stake is the account's.");
	a = divided("fixed", "one=0.5, two=0.25", 24);
	assert_string_equal(a->value, "fixed");
	assert_string_equal(a->text,
			    "Shares of the worth, times 2, set every 3600s: one 0.5, two 0.25; no other gets any.");
	a = divided("performance", "one=0.1..0.4, two", 24);
	assert_string_equal(a->value, "performance");
	assert_string_equal(a->text, "Shares of the worth, times 2, set every 3600s by 24 returns: one 0.1..0.4, two "
				     "0..1; no other gets any.");
	a = divided("equal_risk", "a_strategy_with_a_very_long_name_1=0.01..0.31234567, "
				  "a_strategy_with_a_very_long_name_2=0.01..0.31234567, "
				  "a_strategy_with_a_very_long_name_3=0.01..0.31234567", 64);
	assert_non_null(strstr(a->text, "name_1 0.01..0.31234567"));
	assert_non_null(strstr(a->text, ", 1 more; no other gets any."));
}

static void what_changes_is_said_again_and_nothing_else(void **state)
{
	(void)state;
	struct event ev = reload_of("executor.stale", "7s");
	give(&ev);
	assert_int_equal(d.n, 1);
	assert_string_equal(about("blind")->value, "7s");
	ev = reload_of("executor.order_qty_max", "5"); /* a limit is no assumption */
	give(&ev);
	assert_int_equal(d.n, 0);
}

/* Other settings at a restart: on record by one command. */
static void a_restart_under_other_settings_says_them(void **state)
{
	(void)state;
	struct buf bytes;
	struct executor *x = NULL;
	struct executor_settings s = d.x->settings;
	buf_init(&bytes, 1 << 22);
	assert_false(executor_assumes_anew(d.x));
	assert_int_equal(executor_core.save(d.x, &bytes), 0);
	s.queue = QUEUE_SQUARE;
	assert_int_equal(executor_new(&s, &x), 0);
	assert_false(executor_assumes_anew(x)); /* not opened yet: it will say all */
	assert_int_equal(executor_core.load(x, bytes.at, bytes.len), 0);
	assert_true(executor_assumes_anew(x));
	executor_free(d.x);
	d.x = x;
	uint64_t refused = executor_counters(x)->reloads_refused;
	struct event ev = reload_of("executor.assumptions", "");
	give(&ev);
	assert_int_equal(d.n, 1);
	assert_string_equal(about("queue")->value, "square");
	assert_false(executor_assumes_anew(d.x));
	assert_true(executor_counters(d.x)->reloads_refused == refused);
	buf_fini(&bytes);
}

/* Our journal is all there is: what it said is not said again. */
static void a_takeover_knows_what_was_said(void **state)
{
	(void)state;
	struct desk other;
	struct executor_settings s = desk_settings();
	desk_open(&other, &s);
	desk_open(&d, &s);
	desk_instrument(&d);
	for (uint32_t i = 0; i < d.n; i++)
		executor_core.on_own(other.x, &d.out[i]);
	assert_false(executor_assumes_anew(other.x));
	desk_close(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_model_fits_its_sentence),
		cmocka_unit_test(they_say_what_is_set),
		cmocka_unit_test(fees_beyond_the_sentence_are_counted),
		cmocka_unit_test(the_division_of_the_worth_is_said),
		BOTH(what_changes_is_said_again_and_nothing_else),
		BOTH(a_restart_under_other_settings_says_them),
		cmocka_unit_test_teardown(a_takeover_knows_what_was_said, close_desk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
