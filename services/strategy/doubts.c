/* doubts - see doubts.h. */
#include "services/strategy/doubts.h"

#include <stdio.h>
#include <string.h>

const char *const doubts_peeks[] = {
	"collector.venue", "collector.symbols", "collector.scan", "collector.candles", "collector.kline_interval",
	"executor.account", "executor.accounts", "executor.balances", "executor.quote", NULL};

struct setting {
	const char *key;
	char value[8000]; /* as long as collector.symbols may be */
	bool any;         /* the section has settings at all */
};

static int on_key(void *ctx, const char *key, const char *value, const char *where)
{
	struct setting *s = ctx;
	(void)where;
	s->any = true;
	if (strcmp(key, s->key) == 0)
		snprintf(s->value, sizeof s->value, "%s", value);
	return 0;
}

/* Another service's: its subsection's value, its section's, or the default. False: of the section nothing is given. */
static bool read(const struct config *c, const char *section, const char *sub, struct setting *s, const char *fallback)
{
	snprintf(s->value, sizeof s->value, "%s", fallback);
	config_each(c, section, "", on_key, s);
	if (sub[0])
		config_each(c, section, sub, on_key, s);
	return s->any;
}

static bool lists(const char *list, const char *word)
{
	size_t n = strlen(word);
	for (const char *at = list; *at; at += strcspn(at, ", ")) {
		at += strspn(at, ", ");
		if (strncmp(at, word, n) == 0 && (at[n] == '\0' || at[n] == ',' || at[n] == ' '))
			return true;
	}
	return false;
}

static bool has_account(const struct config *c, const char *account)
{
	static struct setting s;
	s = (struct setting){.key = "account"};
	if (!read(c, "executor", "", &s, "paper") || strcmp(s.value, account) == 0)
		return true;
	s = (struct setting){.key = "accounts"};
	read(c, "executor", "", &s, "");
	return lists(s.value, account);
}

/* Has the settings of this collector the instrument? XRPUSDT of BINANCE-PERP is XRPUSDT-PERP.BINANCE. */
static bool follows(const struct config *c, const char *sub, const char *instrument)
{
	static struct setting s;
	char venue[64], symbol[EVENT_NAME_MAX];
	s = (struct setting){.key = "venue"};
	if (!read(c, "collector", sub, &s, "BINANCE"))
		return true;
	snprintf(venue, sizeof venue, "%.60s", s.value);
	char *perp = strstr(venue, "-PERP");
	if (perp)
		*perp = '\0';
	const char *dot = strrchr(instrument, '.');
	if (!dot || strcmp(dot + 1, venue) != 0)
		return false;
	snprintf(symbol, sizeof symbol, "%.*s", (int)(dot - instrument), instrument);
	char *suffix = strstr(symbol, "-PERP");
	if ((suffix != NULL) != (perp != NULL))
		return false;
	if (suffix)
		*suffix = '\0';
	s = (struct setting){.key = "scan"};
	if (read(c, "collector", sub, &s, "false") && strcmp(s.value, "false") != 0)
		return true;
	s = (struct setting){.key = "symbols"};
	read(c, "collector", sub, &s, "BTCUSDT");
	for (char *at = s.value; *at; at++) /* as ids have it (venue.points) */
		if (*at == '.')
			*at = '_';
	return lists(s.value, symbol);
}

static bool makes(const struct config *c, const char *sub, const char *interval)
{
	static struct setting s;
	s = (struct setting){.key = "candles"};
	if (!read(c, "collector", sub, &s, "1s,1m") || lists(s.value, interval))
		return true;
	s = (struct setting){.key = "kline_interval"};
	read(c, "collector", sub, &s, "1m");
	return lists(s.value, interval);
}

static const char *interval_of(const struct strategy_seat *seat)
{
	for (uint32_t i = 0; i < seat->n_settings; i++)
		if (strcmp(seat->setting[i].name, "interval") == 0)
			return seat->setting[i].value;
	return NULL;
}

bool doubts_of(const struct config *config, const struct collectors *collectors, const struct strategy_seat *seat,
	       char text[DOUBT_MAX])
{
	const char *interval = interval_of(seat);
	bool followed = false, made = interval == NULL;
	for (uint32_t i = 0; i < collectors->n; i++) {
		const char *sub = collectors->at[i].section;
		bool here = follows(config, sub, seat->instrument.s);
		followed = followed || here;
		made = made || (here && makes(config, sub, interval));
	}
	const char *name = seat->name;
	if (!has_account(config, seat->account))
		snprintf(text, DOUBT_MAX, "strategy.%s: the executor has no account '%s', and will take no order of it "
			 "(executor.account, executor.accounts)", name, seat->account);
	else if (!followed)
		snprintf(text, DOUBT_MAX, "strategy.%s: no collector follows %s, so it will see no data "
			 "(collector.venue, collector.symbols)", name, seat->instrument.s);
	else if (!made)
		snprintf(text, DOUBT_MAX, "strategy.%s: no collector makes candles of '%s' for it "
			 "(collector.candles, collector.kline_interval)", name, interval);
	else
		return false;
	return true;
}
