/* test_config - what each kind of setting takes and refuses, from which place, and what the error
 * says. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/config.h"

struct bus {
	char dir[32];
	int64_t hwm, wait, buffer, price;
	bool tls;
	char mode[8];
};
struct strat {
	char name[16];
	char api_key[40];
};
static struct bus bus;
static struct strat strat;

static const struct config_key bus_keys[] = {
	{"dir", CONFIG_TEXT, "run", 0, 0, "", "Folder of the sockets.", NULL,
	 offsetof(struct bus, dir), 32},
	{"hwm", CONFIG_INT, "1000", 1, 100000, "messages", "High-water mark.", NULL,
	 offsetof(struct bus, hwm), 0},
	{"wait", CONFIG_DUR, "250ms", 1000000, 60000000000, "", "Longest wait.", NULL,
	 offsetof(struct bus, wait), 0},
	{"buffer", CONFIG_BYTES, "8MiB", 0, 0, "", "Buffer.", NULL, offsetof(struct bus, buffer),
	 0},
	{"price", CONFIG_DECIMAL, "0.001", 0, 0, "quote", "A price.", NULL,
	 offsetof(struct bus, price), 0},
	{"tls", CONFIG_BOOL, "no", 0, 0, "", "Whether it is safe.", NULL, offsetof(struct bus, tls),
	 0},
	{"mode", CONFIG_CHOICE, "live", 0, 0, "", "What it does.", "live|replay|sim",
	 offsetof(struct bus, mode), 8},
	{NULL, CONFIG_TEXT, NULL, 0, 0, NULL, NULL, NULL, 0, 0},
};
static const struct config_key strat_keys[] = {
	{"name", CONFIG_TEXT, "", 0, 0, "", "Which one.", NULL, offsetof(struct strat, name), 16},
	{"api_key", CONFIG_SECRET, "", 0, 0, "", "Key.", NULL, offsetof(struct strat, api_key), 40},
	{NULL, CONFIG_TEXT, NULL, 0, 0, NULL, NULL, NULL, 0, 0},
};
static const struct config_section sections[] = {
	{"bus", "The bus.", bus_keys, &bus, false, false},
	{"strategy", "The strategy.", strat_keys, &strat, true, false},
};
static const char *const foreign[] = {"collector", "persister", NULL};

struct world {
	struct config *c;
	struct config_error err;
	char dir[64];
};

static struct world w;

static int setup(void **state)
{
	(void)state;
	w = (struct world){0};
	memset(&bus, 0, sizeof bus);
	memset(&strat, 0, sizeof strat);
	snprintf(w.dir, sizeof w.dir, "/tmp/nj-test-config.XXXXXX");
	assert_non_null(mkdtemp(w.dir));
	assert_int_equal(chdir(w.dir), 0);
	return config_new(sections, ARRAY_LEN(sections), foreign, &w.c);
}

static int teardown(void **state)
{
	(void)state;
	config_free(w.c);
	unlink("n.conf");
	unlink("secret");
	unlink("pipe");
	assert_int_equal(chdir("/"), 0);
	return rmdir(w.dir);
}

static void write_file(const char *path, const void *text, size_t len, mode_t mode)
{
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static char *const no_env[] = {NULL};

static int load(const char *text)
{
	write_file("n.conf", text, strlen(text), 0600);
	return config_load(w.c, "n.conf", NULL, 0, no_env, &w.err);
}

static int load_env(const char *one, const char *two)
{
	char *envp[] = {(char *)(uintptr_t)"HOME=/", (char *)(uintptr_t)one, (char *)(uintptr_t)two,
			NULL};
	return config_load(w.c, NULL, NULL, 0, envp, &w.err);
}

static int load_flag(const char *flag)
{
	return config_load(w.c, NULL, &flag, 1, no_env, &w.err);
}

#define REFUSED(call, message) \
	do { \
		assert_int_equal(call, ERR_ARG); \
		assert_string_equal(w.err.text, message); \
	} while (0)

static void defaults(void **state)
{
	(void)state;
	assert_int_equal(config_load(w.c, NULL, NULL, 0, no_env, &w.err), 0);
	assert_string_equal(bus.dir, "run");
	assert_int_equal(bus.hwm, 1000);
	assert_int_equal(bus.wait, 250000000);
	assert_int_equal(bus.buffer, 8 << 20);
	assert_int_equal(bus.price, 100000);
	assert_false(bus.tls);
	assert_string_equal(bus.mode, "live");
	assert_string_equal(strat.api_key, "");
}

static void file_gives_all_kinds(void **state)
{
	(void)state;
	assert_int_equal(load("# settings\n"
			      "\n"
			      "bus   # the bus\n"
			      "    dir = \"/run/night jar#1\"   # quoted\n"
			      "  # a comment that is indented oddly\n"
			      "    hwm = 5\r\n"
			      "    wait = 1.5s # unquoted\n"
			      "\t\n"
			      "    buffer='64KiB'\n"
			      "    price = 12.34567891\n"
			      "    tls = YES\n"
			      "    mode = replay\n"
			      "collector\n"
			      "    whatever = it is not ours\n"
			      "    sub\n"
			      "        more = 1\n"
			      "strategy\n"
			      "    name = ema"), 0);
	assert_string_equal(bus.dir, "/run/night jar#1");
	assert_int_equal(bus.hwm, 5);
	assert_int_equal(bus.wait, 1500000000);
	assert_int_equal(bus.buffer, 65536);
	assert_int_equal(bus.price, 1234567891);
	assert_true(bus.tls);
	assert_string_equal(bus.mode, "replay");
	assert_string_equal(strat.name, "ema");
}

static void mistakes_in_files_name_line_key_reason_and_remedy(void **state)
{
	(void)state;
	REFUSED(load("bus\n    hmw = 1\n"),
		"n.conf:2: bus.hmw: no such setting (did you mean hwm)");
	REFUSED(load("bus\n    banana = 1\n"),
		"n.conf:2: bus.banana: no such setting (see --describe for the settings of bus)");
	REFUSED(load("\nbuss\n    hwm = 1\n"),
		"n.conf:2: buss: no such section (did you mean bus)");
	REFUSED(load("colector\n"), "n.conf:1: colector: no such section (did you mean collector)");
	REFUSED(load("bus\n    hwm = 1\n\n    hwm = 1\n"),
		"n.conf:4: bus.hwm: given twice (first at n.conf:2)");
	REFUSED(load("bus\n    hwm = 1\nbus\n    hwm = 1\n"),
		"n.conf:4: bus.hwm: given twice (first at n.conf:2)");
	REFUSED(load("bus\n    hwm = 0\n"), "n.conf:2: bus.hwm: 0 is out of range (1 to 100000)");
	REFUSED(load("bus\n    hwm = 1e3\n"), "n.conf:2: bus.hwm: \"1e3\" is not a whole number");
	REFUSED(load("bus\n    hwm = 99999999999999999999\n"),
		"n.conf:2: bus.hwm: \"99999999999999999999\" is too large");
	REFUSED(load("bus\n    wait = 5\n"),
		"n.conf:2: bus.wait: \"5\" has no known unit (ns us ms s m h d)");
	REFUSED(load("bus\n    wait = 2m\n"), "n.conf:2: bus.wait: 2m is out of range (1ms to 1m)");
	REFUSED(load("bus\n    wait = fast\n"),
		"n.conf:2: bus.wait: \"fast\" is not a duration (write 250ms or 5s)");
	REFUSED(load("bus\n    buffer = 10MB\n"),
		"n.conf:2: bus.buffer: \"10MB\" has no known unit (B KiB MiB GiB TiB)");
	REFUSED(load("bus\n    buffer = -1\n"),
		"n.conf:2: bus.buffer: \"-1\" is not a size (write 64KiB or 10MiB)");
	REFUSED(load("bus\n    price = 0.123456789\n"),
		"n.conf:2: bus.price: \"0.123456789\" has more than eight decimals");
	REFUSED(load("bus\n    tls = maybe\n"),
		"n.conf:2: bus.tls: \"maybe\" is neither true nor false");
	REFUSED(load("bus\n    mode = reply\n"),
		"n.conf:2: bus.mode: \"reply\" is not one of live|replay|sim (did you mean "
		"replay?)");
	REFUSED(load("bus\n    dir = 0123456789012345678901234567890123456789\n"),
		"n.conf:2: bus.dir: longer than 31 bytes");
	REFUSED(load("bus\n    dir\n"), "n.conf:2: bus.dir: no value (write dir = \"...\")");
	REFUSED(load("bus\n    sub\n        a = 1\n"),
		"n.conf:2: bus.sub: no such setting (see --describe for the "
		"settings of bus)");
}

static void files_that_are_not_well_formed(void **state)
{
	(void)state;
	REFUSED(load("bus\n   hwm = 1\n"),
		"n.conf:2: indentation that is not a multiple of four spaces");
	REFUSED(load("bus\n\thwm = 1\n"), "n.conf:2: indentation with a tab (use four spaces)");
	REFUSED(load("hwm = 1\n"),
		"n.conf:1: a setting outside of a section (indent it by four spaces below one)");
	REFUSED(load("    hwm = 1\n"), "n.conf:1: indented without a section above it");
	REFUSED(load("bus\n    hwm = 1\n        x = 2\n"),
		"n.conf:3: indented without a section above it");
	REFUSED(load("strategy\n    a\n        b\n"), "n.conf:3: a name without = and a value");
	REFUSED(load("strategy\n    a\n        b = 1\n            c = 1\n"),
		"n.conf:4: more than two levels below a section");
	REFUSED(load("bus\n    dir = \"a\n"), "n.conf:2: the closing quote is missing");
	REFUSED(load("bus\n    dir = \"a\" b\n"),
		"n.conf:2: text after the value (write value texts with spaces or signs in "
		"double quotes)");
	REFUSED(load("bus\n    dir = # nothing\n"),
		"n.conf:2: a value with # in it (write it in double quotes)");
	REFUSED(load("bus\n    dir = a#b\n"),
		"n.conf:2: a value with # in it (write it in double quotes)");
	REFUSED(load("bus\n    = 1\n"),
		"n.conf:2: a line that does not begin with a name of letters, digits, _ - .");
	REFUSED(load("bus\n    dir = \"\xff\"\n"), "n.conf:2: bytes that are not UTF-8");
	REFUSED(load("bus\n    dir = \"\x1b[1m\"\n"), "n.conf:2: a control character");
	REFUSED(load("bus\n    dir = \"a\tb\"\n"),
		"n.conf:2: bus.dir: control characters or bytes that are not UTF-8");
	write_file("n.conf", "bus\n    dir = \"a\0b\"\n", 20, 0600);
	REFUSED(config_load(w.c, "n.conf", NULL, 0, no_env, &w.err),
		"n.conf:2: a control character");
}

static void files_beyond_the_limits(void **state)
{
	(void)state;
	static char text[2 << 20];
	memset(text, ' ', sizeof text);
	write_file("n.conf", text, 9000, 0600);
	REFUSED(config_load(w.c, "n.conf", NULL, 0, no_env, &w.err),
		"n.conf:1: a line longer than 8192 bytes");
	write_file("n.conf", text, sizeof text, 0600);
	REFUSED(config_load(w.c, "n.conf", NULL, 0, no_env, &w.err),
		"settings file: n.conf is too large");
	size_t len = (size_t)snprintf(text, sizeof text, "strategy\n    sub\n");
	for (int i = 0; i < 3000; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "        k%d = %d\n", i, i);
	write_file("n.conf", text, len, 0600);
	REFUSED(config_load(w.c, "n.conf", NULL, 0, no_env, &w.err),
		"n.conf:2049: more than 2048 settings");
	REFUSED(config_load(w.c, "none.conf", NULL, 0, no_env, &w.err),
		"settings file: none.conf cannot be opened: No such file or directory");
	REFUSED(config_load(w.c, ".", NULL, 0, no_env, &w.err),
		"settings file: . is not a regular file");
	assert_int_equal(mkfifo("pipe", 0600), 0); /* must not wait for a writer */
	REFUSED(config_load(w.c, "pipe", NULL, 0, no_env, &w.err),
		"settings file: pipe is not a regular file");
}

static void later_places_win(void **state)
{
	(void)state;
	const char *text = "bus\n    dir = file\n    hwm = 1\n    wait = 1s\n";
	write_file("n.conf", text, strlen(text), 0644);
	static char env_a[] = "NIGHTJAR_BUS__HWM=2", env_b[] = "NIGHTJAR_BUS__WAIT=2s";
	char *envp[] = {env_a, env_b, NULL};
	const char *const flags[] = {"bus.wait=3s", "bus.price=1=2"};
	assert_int_equal(config_load(w.c, "n.conf", flags, 1, envp, &w.err), 0);
	assert_string_equal(bus.dir, "file");
	assert_int_equal(bus.hwm, 2);
	assert_int_equal(bus.wait, 3000000000);
	REFUSED(config_load(w.c, "n.conf", flags, 2, envp, &w.err),
		"--set bus.price: bus.price: \"1=2\" is not a decimal number (write 0.001)");
	/* A mistake in the file is one, also where the environment covers it. */
	REFUSED((load("bus\n    hwm = x\n"), config_load(w.c, "n.conf", NULL, 0, envp, &w.err)),
		"n.conf:2: bus.hwm: \"x\" is not a whole number");
}

static void environment(void **state)
{
	(void)state;
	assert_int_equal(load_env("NIGHTJAR_STRATEGY__EMA_CROSS__FAST=9", "NIGHTJAR_CAPTURES=/x"),
			 0);
	assert_int_equal(load_env("NIGHTJAR_COLLECTOR__SYMBOLS=A", "NIGHTJARS=1"), 0);
	REFUSED(load_env("NIGHTJAR_BUS__HMW=1", NULL),
		"NIGHTJAR_BUS__HMW: bus.hmw: no such setting (did you mean hwm)");
	REFUSED(load_env("NIGHTJAR_BUSS__HWM=1", NULL),
		"NIGHTJAR_BUSS__HWM: buss: no such section (did you mean bus)");
	REFUSED(load_env("NIGHTJAR_BUS_HWM=1", NULL),
		"NIGHTJAR_BUS_HWM: not a setting (write NIGHTJAR_SECTION__KEY)");
	REFUSED(load_env("NIGHTJAR_BUS__=1", NULL),
		"NIGHTJAR_BUS__: not a setting (write NIGHTJAR_SECTION__KEY)");
	REFUSED(load_env("NIGHTJAR_=1", NULL),
		"NIGHTJAR_: not a setting (write NIGHTJAR_SECTION__KEY)");
	REFUSED(load_env("NIGHTJAR_BUS__HWM=", NULL),
		"NIGHTJAR_BUS__HWM: bus.hwm: \"\" is not a whole number");
	REFUSED(load_env("NIGHTJAR_BUS__DIR=a\nb", NULL),
		"NIGHTJAR_BUS__DIR: bus.dir: control characters or bytes that are not UTF-8");
	REFUSED(load_env("NIGHTJAR_BUS__A__B=1", NULL),
		"NIGHTJAR_BUS__A__B: bus.a: no subsections in this section (settings stand four "
		"spaces in)");
}

static void flags(void **state)
{
	(void)state;
	assert_int_equal(load_flag("bus.hwm=7"), 0);
	assert_int_equal(bus.hwm, 7);
	assert_int_equal(load_flag("strategy.ema.fast=7"), 0);
	assert_int_equal(load_flag("persister.x=7"), 0);
	REFUSED(load_flag("hwm=7"), "--set: \"hwm=7\" is not section.key=value");
	REFUSED(load_flag("bus.hwm"), "--set: \"bus.hwm\" is not section.key=value");
	REFUSED(load_flag(".hwm=1"), "--set: \".hwm=1\" is not section.key=value");
	REFUSED(load_flag("bus.=1"), "--set: \"bus.=1\" is not section.key=value");
	REFUSED(load_flag("strategy.api_key=abc"),
		"--set strategy.api_key: a secret on the command line is seen by "
		"every user (use NIGHTJAR_..._FILE)");
}

static void secrets(void **state)
{
	(void)state;
	assert_int_equal(load_env("NIGHTJAR_STRATEGY__API_KEY=abc", NULL), 0);
	assert_string_equal(strat.api_key, "abc");
	write_file("secret", "from a file\n", 12, 0640);
	assert_int_equal(load_env("NIGHTJAR_STRATEGY__API_KEY_FILE=secret", NULL), 0);
	assert_string_equal(strat.api_key, "from a file");
	assert_int_equal(load("strategy\n    api_key = abc\n"), 0);

	REFUSED(load_env("NIGHTJAR_STRATEGY__API_KEY=x", "NIGHTJAR_STRATEGY__API_KEY_FILE=secret"),
		"NIGHTJAR_STRATEGY__API_KEY_FILE: strategy.api_key: given twice in the "
		"environment");
	assert_int_equal(chmod("secret", 0644), 0);
	REFUSED(load_env("NIGHTJAR_STRATEGY__API_KEY_FILE=secret", NULL),
		"NIGHTJAR_STRATEGY__API_KEY_FILE: secret can be read by every user (chmod o-r)");
	REFUSED(load_env("NIGHTJAR_STRATEGY__API_KEY_FILE=gone", NULL),
		"NIGHTJAR_STRATEGY__API_KEY_FILE: gone cannot be opened: No such file or "
		"directory");
	write_file("secret", "a\0b", 3, 0600);
	REFUSED(load_env("NIGHTJAR_STRATEGY__API_KEY_FILE=secret", NULL),
		"NIGHTJAR_STRATEGY__API_KEY_FILE: secret holds a NUL byte");
	write_file("secret", "\n", 1, 0600);
	REFUSED(load_env("NIGHTJAR_STRATEGY__API_KEY_FILE=secret", NULL),
		"NIGHTJAR_STRATEGY__API_KEY_FILE: strategy.api_key: the secret is empty (set it, "
		"or leave the "
		"setting out)");
	REFUSED(load_env("NIGHTJAR_STRATEGY__API_KEY=ChangeMe", NULL),
		"NIGHTJAR_STRATEGY__API_KEY: strategy.api_key: the secret is still an example's "
		"(set a real one)");
	REFUSED(load_env("NIGHTJAR_STRATEGY__NAME_FILE=secret", NULL),
		"NIGHTJAR_STRATEGY__NAME_FILE: strategy.name_file: no such setting (see "
		"--describe for the settings "
		"of strategy)");
	const char *text = "strategy\n    api_key = abc\n";
	write_file("n.conf", text, strlen(text), 0644);
	REFUSED(config_load(w.c, "n.conf", NULL, 0, no_env, &w.err),
		"n.conf: holds a secret and can be read by every user (chmod o-r, or use "
		"..._FILE)");
	/* Errors do not tell it. */
	assert_int_equal(
		load("strategy\n    api_key = \"0123456789012345678901234567890123456789\"\n"),
		ERR_ARG);
	assert_null(strstr(w.err.text, "0123"));
}

/* Of a setting that holds a text, and of one that holds a secret; what looks like one and is none is taken. */
static void samples(void **state)
{
	static const char *const texts[] = {"changeme", "CHANGE-ME",  "change_me", "<host>",
					    "${HOST}",  "{{ host }}", "%i",	   "%H"};
	static const char *const secrets_too[] = {"password", "Secret", "example",	 "default",
						  "***",      "xxxx",	"your-key-here", "<paste it here"};
	static const char *const fine[] = {"%", "%20", "100%", "a<b>", "$HOME", "{}", "changeme.org"};
	char env[80], text[80];
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		snprintf(text, sizeof text, "strategy\n    name = \"%s\"\n", texts[i]);
		assert_int_equal(load(text), ERR_ARG);
		assert_non_null(strstr(w.err.text, "strategy.name: "));
		assert_non_null(strstr(w.err.text, "is a template's (fill it in, or leave the setting out)"));
		snprintf(env, sizeof env, "NIGHTJAR_STRATEGY__API_KEY=%s", texts[i]);
		assert_int_equal(load_env(env, NULL), ERR_ARG);
		assert_non_null(strstr(w.err.text, "the secret is still an example's"));
	}
	for (size_t i = 0; i < sizeof secrets_too / sizeof *secrets_too; i++) {
		snprintf(env, sizeof env, "NIGHTJAR_STRATEGY__API_KEY=%s", secrets_too[i]);
		assert_int_equal(load_env(env, NULL), ERR_ARG);
		assert_non_null(strstr(w.err.text, "the secret is still an example's"));
	}
	for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
		snprintf(text, sizeof text, "strategy\n    name = \"%s\"\n", fine[i]);
		assert_int_equal(load(text), 0);
	}
}

static void bad_reload_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(load("bus\n    hwm = 7\n    dir = a\n"), 0);
	assert_int_equal(load("bus\n    dir = b\n    hwm = x\n"), ERR_ARG);
	assert_int_equal(bus.hwm, 7);
	assert_string_equal(bus.dir, "a");
	struct buf b;
	buf_init(&b, 65536);
	assert_int_equal(config_print(w.c, &b), 0);
	assert_int_equal(buf_byte(&b, 0), 0);
	assert_non_null(strstr((char *)b.at, "    dir = \"a\"    # n.conf:3\n"));
	buf_fini(&b);
}

static void required_setting(void **state)
{
	(void)state;
	static struct bus mine;
	static const struct config_key keys[] = {
		{"hwm", CONFIG_INT, NULL, 1, 9, "", "How many.", NULL, offsetof(struct bus, hwm),
		 0},
		{NULL, CONFIG_TEXT, NULL, 0, 0, NULL, NULL, NULL, 0, 0},
	};
	static const struct config_section need[] = {{"bus", "", keys, &mine, false, false}};
	struct config *c;
	assert_int_equal(config_new(need, 1, NULL, &c), 0);
	REFUSED(config_load(c, NULL, NULL, 0, no_env, &w.err),
		"settings: bus.hwm: must be set: How many.");
	const char *flag = "bus.hwm=3";
	assert_int_equal(config_load(c, NULL, &flag, 1, no_env, &w.err), 0);
	assert_int_equal(mine.hwm, 3);
	config_free(c);
}

struct seen {
	char text[400];
	int stop_after;
};

static int see(void *ctx, const char *key, const char *value, const char *where)
{
	struct seen *s = ctx;
	size_t n = strlen(s->text);
	snprintf(s->text + n, sizeof s->text - n, "%s=%s@%s;", key, value, where);
	return --s->stop_after == 0 ? 42 : 0;
}

static void free_form_subsections(void **state)
{
	(void)state;
	const char *text =
		"strategy\n    ema\n        fast = 1\n        slow = 2\n    rsi\n        fast = 3\n"
		"    BTC.X\n        a = 5\n";
	write_file("n.conf", text, strlen(text), 0600);
	static char env[] = "NIGHTJAR_STRATEGY__EMA__SLOW=20",
		    more[] = "NIGHTJAR_STRATEGY__EMA__SIZE=30";
	char *envp[] = {env, more, NULL};
	const char *flag = "strategy.BTC.X.a=6";
	assert_int_equal(config_load(w.c, "n.conf", &flag, 1, envp, &w.err), 0);
	struct seen s = {0};
	assert_int_equal(config_each(w.c, "strategy", "ema", see, &s), 0);
	assert_string_equal(s.text, "fast=1@n.conf:3;slow=20@NIGHTJAR_STRATEGY__EMA__SLOW;"
				    "size=30@NIGHTJAR_STRATEGY__EMA__SIZE;");
	s = (struct seen){0};
	assert_int_equal(config_each(w.c, "strategy", "BTC.X", see, &s), 0);
	assert_string_equal(s.text, "a=6@--set strategy.BTC.X.a;");
	s = (struct seen){.stop_after = 1};
	assert_int_equal(config_each(w.c, "strategy", "ema", see, &s), 42);
	assert_string_equal(s.text, "fast=1@n.conf:3;");
	assert_int_equal(config_each(w.c, "strategy", "none", see, &s), 0);
	assert_int_equal(load("strategy\n    ema\n        a = 1\n        a = 2\n"), ERR_ARG);
}

/* Subsections of the same keys: what they do not say is as the section has it. */
static void variants(void **state)
{
	(void)state;
	struct strat two;
	const struct config_section one = {
		.name = "strategy", .keys = strat_keys, .self = &strat, .variants = true};
	const char *text = "strategy\n    name = all\n    api_key = k\n    a\n        name = own\n"
			   "    b\n        api_key = x\n";
	struct config *c;
	static char secret[] = "NIGHTJAR_STRATEGY__A__API_KEY_FILE=secret";
	char *envp[] = {secret, NULL};
	struct buf b;
	write_file("n.conf", text, strlen(text), 0600);
	write_file("secret", "hunter2\n", 8, 0600);
	assert_int_equal(config_new(&one, 1, foreign, &c), 0);
	assert_int_equal(config_load(c, "n.conf", NULL, 0, envp, &w.err), 0);
	assert_string_equal(strat.name, "all");
	config_variant(c, "strategy", "a", &two);
	assert_string_equal(two.name, "own");
	assert_string_equal(two.api_key, "hunter2");
	config_variant(c, "strategy", "b", &two);
	assert_string_equal(two.name, "all");
	assert_string_equal(two.api_key, "x");
	config_variant(c, "strategy", "", &two);
	assert_string_equal(two.api_key, "k");
	assert_true(config_has_sub(c, "strategy", "a"));
	assert_false(config_has_sub(c, "strategy", "c"));
	buf_init(&b, 65536);
	assert_int_equal(config_print(c, &b), 0);
	assert_int_equal(buf_byte(&b, 0), 0);
	assert_null(strstr((const char *)b.at, "hunter2"));
	assert_non_null(strstr((const char *)b.at,
			       "        # api_key = \"***\"    # NIGHTJAR_STRATEGY__A__API_KEY_FILE\n"));
	buf_fini(&b);
	const char *flag = "strategy.a.nmae=x", *on_line = "strategy.a.api_key=x";
	assert_int_equal(config_load(c, NULL, &flag, 1, no_env, &w.err), ERR_ARG);
	assert_non_null(strstr(w.err.text, "did you mean name"));
	assert_int_equal(config_load(c, NULL, &on_line, 1, no_env, &w.err), ERR_ARG);
	assert_non_null(strstr(w.err.text, "secret on the command line"));
	config_free(c);
}

static void printed_settings_load_again(void **state)
{
	(void)state;
	assert_int_equal(
		load("bus\n    dir = 'say \"x\"'\n    wait = 2s\nstrategy\n    api_key = "
		"hunter2\n    ema\n"
		     "        fast = \"1 # 2\"\n"),
		0);
	struct buf b, again;
	buf_init(&b, 65536);
	buf_init(&again, 65536);
	assert_int_equal(config_print(w.c, &b), 0);
	assert_int_equal(buf_byte(&b, 0), 0);
	const char *text = (const char *)b.at;
	assert_null(strstr(text, "hunter2"));
	assert_non_null(strstr(text, "    # api_key = \"***\"    # n.conf:5\n"));
	assert_non_null(strstr(text, "    hwm = \"1000\"    # default\n"));
	assert_non_null(strstr(text, "    dir = 'say \"x\"'    # n.conf:2\n"));
	assert_non_null(strstr(text, "    ema\n        fast = \"1 # 2\"    # n.conf:7\n"));
	assert_int_equal(load(text), 0);
	assert_string_equal(bus.dir, "say \"x\"");
	assert_int_equal(bus.wait, 2000000000);
	assert_int_equal(config_print(w.c, &again), 0);
	buf_fini(&b);
	buf_fini(&again);
}

static void docs(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 65536);
	assert_int_equal(config_docs(sections, ARRAY_LEN(sections), &b), 0);
	assert_int_equal(buf_byte(&b, 0), 0);
	const char *text = (const char *)b.at;
	assert_non_null(strstr(text, "## bus\n\nThe bus.\n\n| setting |"));
	assert_non_null(strstr(
		text,
		"| `hwm` | whole number | `1000` | 1 to 100000 | High-water mark. (messages) |\n"));
	assert_non_null(
		strstr(text, "| `wait` | duration | `250ms` | 1ms to 1m | Longest wait. |\n"));
	assert_non_null(strstr(
		text, "| `mode` | choice | `live` | live\\|replay\\|sim | What it does. |\n"));
	assert_non_null(strstr(text, "| `api_key` | secret |  | at most 39 bytes | Key. |\n"));
	buf_fini(&b);
}

static int64_t number(enum config_kind kind, const char *text)
{
	struct config_key key = {.name = "x", .kind = kind};
	char reason[200];
	int64_t value = -77;
	return config_parse(&key, text, &value, reason, sizeof reason) == 0 ? value : -77;
}

static void numbers_at_their_edges(void **state)
{
	(void)state;
	assert_int_equal(number(CONFIG_INT, "9223372036854775807"), INT64_MAX);
	assert_int_equal(number(CONFIG_INT, "-9223372036854775808"), INT64_MIN);
	assert_int_equal(number(CONFIG_INT, "9223372036854775808"), -77);
	assert_int_equal(number(CONFIG_INT, "+1"), -77);
	assert_int_equal(number(CONFIG_INT, "-"), -77);
	assert_int_equal(number(CONFIG_INT, "1 "), -77);
	assert_int_equal(number(CONFIG_DUR, "0"), 0);
	assert_int_equal(number(CONFIG_DUR, "0.5us"), 500);
	assert_int_equal(number(CONFIG_DUR, "0.5ns"), -77);
	assert_int_equal(number(CONFIG_DUR, "106751d"), INT64_C(106751) * 86400 * 1000000000);
	assert_int_equal(number(CONFIG_DUR, "106752d"), -77);
	assert_int_equal(number(CONFIG_DUR, "9223372036854775807ns"), INT64_MAX);
	assert_int_equal(number(CONFIG_DUR, "1h30m"), -77);
	assert_int_equal(number(CONFIG_DUR, "."), -77);
	assert_int_equal(number(CONFIG_DUR, "-1s"), -77);
	assert_int_equal(number(CONFIG_BYTES, "1.5GiB"), INT64_C(3) << 29);
	assert_int_equal(number(CONFIG_BYTES, "4096"), 4096);
	assert_int_equal(number(CONFIG_BYTES, "0.3KiB"), -77);
	assert_int_equal(number(CONFIG_DECIMAL, "-0.00000001"), -1);
	assert_int_equal(number(CONFIG_DECIMAL, "1e-7"), 10);
	assert_int_equal(number(CONFIG_DECIMAL, "92233720369"), -77);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(defaults),
		T(file_gives_all_kinds),
		T(mistakes_in_files_name_line_key_reason_and_remedy),
		T(files_that_are_not_well_formed),
		T(files_beyond_the_limits),
		T(later_places_win),
		T(environment),
		T(flags),
		T(secrets),
		T(samples),
		T(bad_reload_changes_nothing),
		T(required_setting),
		T(free_form_subsections),
		T(variants),
		T(printed_settings_load_again),
		T(docs),
		T(numbers_at_their_edges),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
