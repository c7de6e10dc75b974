/* verb_accounts - nj accounts: what venues say that we hold, by their own accounts, from the record. */
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/io/clock.h"
#include "tools/nj/database.h"
#include "tools/nj/options.h"
#include "tools/nj/table.h"

#define HELD_MAX 8192

struct options {
	const char *database;
	bool all;
};
#define AT(member) offsetof(struct options, member)

static const struct table_column columns[] = {
	{"account", TABLE_TEXT, "As the settings call it."},
	{"venue", TABLE_TEXT, "Venue, with its suffix."},
	{"state", TABLE_TEXT, "known, stale, refused, unknown: whether what follows can be relied on."},
	{"what", TABLE_TEXT, "balance, or position."},
	{"name", TABLE_TEXT, "Asset, or instrument and leg."},
	{"held", TABLE_NUMBER, "Total, or quantity; negative is short or a debt."},
	{"locked", TABLE_NUMBER, "Of a balance: what open orders hold."},
	{"price", TABLE_NUMBER, "Of a position: its average price."},
	{"age", TABLE_SPAN, "Since it was told; it is asked for again all the while, as long as the state is known."},
	{"learned", TABLE_TEXT, "polled, streamed, corrected."},
	{"changed", TABLE_TIME, "Last change, as the venue says."},
	{"origin", TABLE_TEXT, "live, simulated."},
	{0},
};

struct page {
	struct cli *cli;
	const struct options *o;
	int argc;
	char **argv;
	struct table *table;
	struct event *held; /* owned: the newest of each asset, position and account */
	size_t n, left_out;
};

static bool same_name(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* Are they of the same asset, position, or state? */
static bool same(const struct event *a, const struct event *b)
{
	if (a->id != b->id)
		return false;
	if (a->id == EVENT_account_balance)
		return same_name(a->account_balance.account, b->account_balance.account) &&
		       same_name(a->account_balance.venue, b->account_balance.venue) &&
		       same_name(a->account_balance.asset, b->account_balance.asset);
	if (a->id == EVENT_account_position)
		return same_name(a->account_position.account, b->account_position.account) &&
		       symbol_equal(&a->account_position.instrument, &b->account_position.instrument) &&
		       same_name(a->account_position.leg, b->account_position.leg);
	return same_name(a->account_state.account, b->account_state.account) &&
	       same_name(a->account_state.venue, b->account_state.venue);
}

static void on_event(void *ctx, const struct event *ev)
{
	struct page *p = ctx;
	size_t i = 0;

	if (ev->id != EVENT_account_balance && ev->id != EVENT_account_position && ev->id != EVENT_account_state)
		return;
	while (i < p->n && !same(&p->held[i], ev))
		i++;
	if (i == HELD_MAX) {
		p->left_out++;
		return;
	}
	if (i == p->n || p->held[i].ts_recv <= ev->ts_recv)
		p->held[i] = *ev; /* none of these has parts elsewhere */
	p->n += i == p->n;
}

static const char *state_of(const struct page *p, const char *account, const char *venue)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct ev_account_state *s = &p->held[i].account_state;
		if (p->held[i].id == EVENT_account_state && same_name(s->account, account) &&
		    same_name(s->venue, venue))
			return enum_text(enum_account_state(), s->state);
	}
	return enum_text(enum_account_state(), account_state_unknown);
}

static bool is_wanted(const struct page *p, const char *account)
{
	for (int i = 0; i < p->argc; i++)
		if (strcmp(p->argv[i], account) == 0)
			return true;
	return p->argc == 0;
}

static void head(struct page *p, const char *account, const char *venue, const char *what, const char *name)
{
	const char *state = state_of(p, account, venue);

	table_text(p->table, account);
	table_text(p->table, venue);
	table_tone(p->table, strcmp(state, "known") == 0 ? TABLE_GOOD : TABLE_BAD, state);
	table_text(p->table, what);
	table_text(p->table, name);
}

static void tail(struct page *p, const struct event *ev, uint8_t learned, int64_t changed_at)
{
	table_int(p->table, clock_wall(clock_real()) - ev->ts_recv);
	table_text(p->table, enum_text(enum_learned(), learned));
	if (changed_at > 0)
		table_int(p->table, changed_at);
	else
		table_null(p->table);
	table_text(p->table, enum_text(enum_origin(), ev->origin));
}

static void print_balance(struct page *p, const struct event *ev)
{
	const struct ev_account_balance *b = &ev->account_balance;

	if (!is_wanted(p, b->account) || (!p->o->all && b->total == 0 && b->locked == 0))
		return;
	head(p, b->account, b->venue, "balance", b->asset);
	table_fixed(p->table, b->total, b->cash_scale);
	table_fixed(p->table, b->locked, b->cash_scale);
	table_null(p->table);
	tail(p, ev, b->learned, b->changed_at);
}

static void print_position(struct page *p, const struct event *ev)
{
	const struct ev_account_position *q = &ev->account_position;
	char name[sizeof q->instrument.s + EVENT_NAME_MAX + 2];

	if (!is_wanted(p, q->account) || (!p->o->all && q->qty == 0))
		return;
	snprintf(name, sizeof name, "%s%s%s", q->instrument.s, q->leg[0] ? " " : "", q->leg);
	head(p, q->account, q->venue, "position", name);
	table_fixed(p->table, q->qty, q->qty_scale);
	table_null(p->table);
	table_fixed(p->table, q->avg_price, q->price_scale);
	tail(p, ev, q->learned, q->changed_at);
}

static int print(struct page *p)
{
	if (p->n == 0)
		cli_note(p->cli, "no account is followed: collector.key_id and collector.key_file name a key");
	for (size_t i = 0; i < p->n; i++) {
		const struct ev_account_state *s = &p->held[i].account_state;
		if (p->held[i].id == EVENT_account_state && s->state != account_state_known)
			cli_note(p->cli, "%s at %s is %s: %s", s->account, s->venue,
				 enum_text(enum_account_state(), s->state), s->reason);
	}
	int rc = table_open(p->cli, columns, &p->table);
	if (rc != CLI_OK)
		return rc;
	for (size_t i = 0; i < p->n; i++)
		if (p->held[i].id == EVENT_account_balance)
			print_balance(p, &p->held[i]);
		else if (p->held[i].id == EVENT_account_position)
			print_position(p, &p->held[i]);
	if (p->left_out > 0)
		cli_note(p->cli, "more than %d assets and positions: some are left out", HELD_MAX);
	return table_close(p->table);
}

static int run(struct cli *cli, const void *options, int argc, char **argv)
{
	struct page p = {.cli = cli, .o = options, .argc = argc, .argv = argv};
	struct database d;
	int rc;

	p.held = calloc(HELD_MAX, sizeof *p.held);
	if (!p.held)
		return cli_fail(cli, CLI_FAILED, "%s", err_text(ERR_NOMEM));
	rc = database_open(cli, p.o->database, &d);
	if (rc == CLI_OK)
		rc = database_events(&d, on_event, &p);
	database_close(&d);
	if (rc == CLI_OK)
		rc = print(&p);
	free(p.held);
	return rc;
}

static const struct cli_option options[] = {
	OPTION_DATABASE(AT(database)),
	{.letter = 'a',
	 .name = "all",
	 .kind = CLI_FLAG,
	 .offset = AT(all),
	 .doc = "Also what is down to zero."},
	{0},
};

static const struct cli_example examples[] = {
	{"nj accounts", "Balances and positions of every account."},
	{"nj accounts binance --json", "Of one, for programs."},
	{0},
};

const struct cli_verb verb_accounts = {
	.name = "accounts",
	.group = CLI_DATA_GROUP,
	.summary = "What venues say that we hold there",
	.operands = "[ACCOUNT]...",
	.doc = "Our own accounts at the venues, which the collector follows where it has a key: never the paper "
	       "account. Read from the persister's database, also while it is written. A value stands until it "
	       "changes; as long as the state is known it was asked for again within collector.account_stale.",
	.options = options,
	.examples = examples,
	.columns = columns,
	.options_size = sizeof(struct options),
	.operands_max = -1,
	.output = true,
	.run = run,
};
