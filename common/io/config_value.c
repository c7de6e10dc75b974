/* config_value - one value of a setting: from text into its place, and back for people. */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/base/nearest.h"
#include "common/base/utf8.h"
#include "common/io/clock.h"
#include "common/io/config_impl.h"

#define DECIMAL_SCALE 8

struct unit {
	const char *name;
	int64_t size;
};

/* From large to small, so that the largest that divides a value is found first. */
static const struct unit durations[] = {
	{"d", 86400 * NS_PER_S}, {"h", 3600 * NS_PER_S}, {"m", 60 * NS_PER_S}, {"s", NS_PER_S},
	{"ms", NS_PER_MS}, {"us", NS_PER_US}, {"ns", 1}, {NULL, 0},
};
static const struct unit sizes[] = {
	{"TiB", INT64_C(1) << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1},
	{NULL, 0},
};

struct refusal {
	char *reason;
	size_t cap;
};

static int refuse(const struct refusal *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static int refuse(const struct refusal *r, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(r->reason, r->cap, format, args);
	va_end(args);
	return ERR_ARG;
}

struct config_shown config_show(const char *text)
{
	struct config_shown out;
	size_t len = strlen(text), max = sizeof out.s - 4;
	size_t n = len <= max ? len : utf8_cut(text, len, max);
	for (size_t i = 0; i < n; i++)
		out.s[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
	memcpy(out.s + n, n < len ? "..." : "", n < len ? 4 : 1);
	return out;
}

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

/* ---- numbers ---- */

const char *config_human(enum config_kind kind, int64_t value, char out[CONFIG_HUMAN_MAX])
{
	const struct unit *u = kind == CONFIG_DUR ? durations : kind == CONFIG_BYTES ? sizes : NULL;
	if (kind == CONFIG_DECIMAL) {
		fixed_format_trim(out, CONFIG_HUMAN_MAX, value, DECIMAL_SCALE);
		return out;
	}
	while (u && u->size > 1 && (value == 0 ? strcmp(u->name, "s") != 0 : value % u->size != 0))
		u++;
	snprintf(out, CONFIG_HUMAN_MAX, "%" PRId64 "%s", u ? value / u->size : value,
		 u && !(kind == CONFIG_BYTES && u->size == 1) ? u->name : "");
	return out;
}

static int check_range(const struct config_key *key, int64_t value, const struct refusal *r)
{
	char shown[CONFIG_HUMAN_MAX], min[CONFIG_HUMAN_MAX], max[CONFIG_HUMAN_MAX];
	bool limited = key->min != 0 || key->max != 0;
	if (limited ? value >= key->min && value <= key->max
		    : value >= 0 || key->kind == CONFIG_INT || key->kind == CONFIG_DECIMAL)
		return 0;
	config_human(key->kind, value, shown);
	if (!limited)
		return refuse(r, "%s is negative (0 or more)", shown);
	return refuse(r, "%s is out of range (%s to %s)", shown,
		      config_human(key->kind, key->min, min),
		      config_human(key->kind, key->max, max));
}

static int parse_int(const char *text, int64_t *ret_value, const struct refusal *r)
{
	size_t sign = text[0] == '-';
	size_t digits = strspn(text + sign, "0123456789");
	int64_t value;
	if (digits == 0 || text[sign + digits] != '\0')
		return refuse(r, "\"%s\" is not a whole number", config_show(text).s);
	if (fixed_parse(text, sign + digits, 0, &value) != 0)
		return refuse(r, "\"%s\" is too large", config_show(text).s);
	*ret_value = value;
	return 0;
}

static int parse_decimal(const char *text, int64_t *ret_value, const struct refusal *r)
{
	int64_t value;
	switch (fixed_parse(text, strlen(text), DECIMAL_SCALE, &value)) {
	case 0:
		*ret_value = value;
		return 0;
	case ERR_INEXACT:
		return refuse(r, "\"%s\" has more than eight decimals", config_show(text).s);
	case ERR_RANGE:
		return refuse(r, "\"%s\" is too large", config_show(text).s);
	default:
		return refuse(r, "\"%s\" is not a decimal number (write 0.001)",
			      config_show(text).s);
	}
}

/* number x unit, exactly: "1.5h" is fine, "0.3ns" is not. */
static int scale_exactly(const char *text, size_t len, int64_t size, int64_t *ret_value)
{
	int64_t number, billion = NS_PER_S;
	int rc = fixed_parse(text, len, 9, &number);
	/* Nine decimals leave room for nine digits before the point. */
	if (rc == ERR_RANGE && !memchr(text, '.', len)) {
		rc = fixed_parse(text, len, 0, &number);
		billion = 1;
	}
	if (rc != 0)
		return rc;
	fixed_wide value = (fixed_wide)number * size;
	if (value % billion != 0)
		return ERR_INEXACT;
	value /= billion;
	if (value > INT64_MAX)
		return ERR_RANGE;
	*ret_value = (int64_t)value;
	return 0;
}

static int parse_units(const struct unit *u, const char *text, int64_t *ret_value,
		       const struct refusal *r)
{
	bool is_size = u == sizes;
	size_t digits = strspn(text, "0123456789.");
	const char *name = text + digits;
	if (digits == 0)
		return refuse(r, "\"%s\" is not a %s", config_show(text).s,
			      is_size ? "size (write 64KiB or 10MiB)"
				      : "duration (write 250ms or 5s)");
	if (*name == '\0' && (is_size || strcmp(text, "0") == 0))
		name = is_size ? "B" : "s";
	while (u->name && strcmp(u->name, name) != 0)
		u++;
	if (!u->name)
		return refuse(r, "\"%s\" has no known unit (%s)", config_show(text).s,
			      is_size ? "B KiB MiB GiB TiB" : "ns us ms s m h d");
	int rc = scale_exactly(text, digits, u->size, ret_value);
	if (rc != 0)
		return refuse(r, "\"%s\": %s", config_show(text).s, err_text(rc));
	return 0;
}

static int parse_number(const struct config_key *key, const char *text, int64_t *ret_value,
			const struct refusal *r)
{
	int64_t value = 0;
	int rc = key->kind == CONFIG_INT     ? parse_int(text, &value, r)
		 : key->kind == CONFIG_DUR   ? parse_units(durations, text, &value, r)
		 : key->kind == CONFIG_BYTES ? parse_units(sizes, text, &value, r)
					     : parse_decimal(text, &value, r);
	if (rc == 0)
		rc = check_range(key, value, r);
	if (rc == 0)
		*ret_value = value;
	return rc;
}

/* ---- texts ---- */

static int parse_bool(const char *text, bool *ret_value, const struct refusal *r)
{
	static const char *const yes[] = {"true", "yes", "on", "1"};
	static const char *const no[] = {"false", "no", "off", "0"};
	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
			*ret_value = strcasecmp(text, yes[i]) == 0;
			return 0;
		}
	return refuse(r, "\"%s\" is neither true nor false", config_show(text).s);
}

static int check_choice(const struct config_key *key, const char *text, const struct refusal *r)
{
	char names[512];
	struct nearest n;
	nearest_init(&n, text);
	must((size_t)snprintf(names, sizeof names, "%s", key->choices) < sizeof names);
	char *rest = names;
	for (char *name = strsep(&rest, "|"); name; name = strsep(&rest, "|")) {
		if (strcmp(name, text) == 0)
			return 0;
		nearest_offer(&n, name);
	}
	if (nearest_get(&n))
		return refuse(r, "\"%s\" is not one of %s (did you mean %s?)", config_show(text).s,
			      key->choices, nearest_get(&n));
	return refuse(r, "\"%s\" is not one of %s", config_show(text).s, key->choices);
}

static bool is_between(const char *text, const char *first, const char *last)
{
	size_t len = strlen(text), head = strlen(first), tail = strlen(last);
	return len >= head + tail && strncmp(text, first, head) == 0 && strcmp(text + len - tail, last) == 0;
}

/* What a template leaves where nobody has filled it in: <host>, ${HOST}, {{ host }}, a unit file's %i, changeme. */
static bool is_template(const char *text)
{
	static const char *const words[] = {"changeme", "change-me", "change_me"};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasecmp(text, words[i]) == 0)
			return true;
	if (text[0] == '%' && isalpha((unsigned char)text[1]) && text[2] == '\0')
		return true;
	return is_between(text, "<", ">") || is_between(text, "${", "}") || is_between(text, "{{", "}}");
}

static bool is_only(const char *text, const char *bytes)
{
	return strlen(text) > 2 && strspn(text, bytes) == strlen(text);
}

static int check_text(const char *text, const struct refusal *r)
{
	if (is_template(text))
		return refuse(r, "\"%s\" is a template's (fill it in, or leave the setting out)", config_show(text).s);
	return 0;
}

/* What examples put where a secret belongs. */
static int check_secret(const char *text, const struct refusal *r)
{
	static const char *const example[] = {"password", "secret", "example", "default"};
	if (text[0] == '\0')
		return refuse(r, "the secret is empty (set it, or leave the setting out)");
	bool is_example = is_template(text) || text[0] == '<' || strncasecmp(text, "your", 4) == 0;
	for (size_t i = 0; i < ARRAY_LEN(example); i++)
		is_example = is_example || strcasecmp(text, example[i]) == 0;
	if (is_example || is_only(text, "*") || is_only(text, "xX"))
		return refuse(r, "the secret is still an example's (set a real one)");
	return 0;
}

static int parse_text(const struct config_key *key, const char *text, char *out,
		      const struct refusal *r)
{
	size_t len = strlen(text);
	int rc = 0;
	if (has_control(text) || !utf8_valid(text, len))
		return refuse(r, "control characters or bytes that are not UTF-8");
	if (len >= key->size)
		return refuse(r, "longer than %zu bytes", key->size - 1);
	if (key->kind == CONFIG_CHOICE)
		rc = check_choice(key, text, r);
	if (key->kind == CONFIG_TEXT)
		rc = check_text(text, r);
	if (key->kind == CONFIG_SECRET)
		rc = check_secret(text, r);
	if (rc == 0) {
		memcpy(out, text, len);
		memset(out + len, 0,
		       key->size - len); /* nothing of an older, longer secret stays */
	}
	return rc;
}

int config_parse(const struct config_key *key, const char *text, void *base, char *reason,
		 size_t cap)
{
	struct refusal r = {reason, cap};
	char *at = (char *)base + key->offset;
	int64_t number;
	bool flag = false;
	int rc;
	switch (key->kind) {
	case CONFIG_TEXT:
	case CONFIG_SECRET:
	case CONFIG_CHOICE:
		return parse_text(key, text, at, &r);
	case CONFIG_BOOL:
		rc = parse_bool(text, &flag, &r);
		if (rc == 0)
			memcpy(at, &flag, sizeof flag);
		return rc;
	case CONFIG_INT:
	case CONFIG_DUR:
	case CONFIG_BYTES:
	case CONFIG_DECIMAL:
		rc = parse_number(key, text, &number, &r);
		if (rc == 0)
			memcpy(at, &number, sizeof number);
		return rc;
	}
	return refuse(&r, "a kind of setting that is not known");
}
