/* verb_lots - nj lots: what was bought and sold as tax lots: what each closing closed, and at what gain. */
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "services/executor/lots.h"
#include "services/executor/money.h"
#include "tools/nj/database.h"
#include "tools/nj/options.h"
#include "tools/nj/table.h"

enum { BOOKS_MAX = 1024 }; /* accounts times instruments */

struct options {
	const char *database, *method;
	bool open;
};
#define AT(member) offsetof(struct options, member)

static const struct table_column columns[] = {
	{"account", TABLE_TEXT, "Account."},
	{"instrument", TABLE_TEXT, "Instrument."},
	{"opened", TABLE_TIME, "When the lot was opened."},
	{"closed", TABLE_TIME, "When it, or this part of it, was closed; empty: it is open."},
	{"quantity", TABLE_NUMBER, "Of base; negative: sold first, bought back later."},
	{"basis", TABLE_NUMBER, "What was paid for it, fees included."},
	{"proceeds", TABLE_NUMBER, "What it brought, less fees."},
	{"gain", TABLE_NUMBER, "Proceeds less basis; of open lots nothing yet."},
	{0},
};

struct lots_book {
	char account[EVENT_NAME_MAX];
	struct symbol instrument;
	struct lots lots;
};

struct page {
	struct cli *cli;
	const struct options *o;
	struct table *table;
	enum lots_method method;
	struct lots_book *book[BOOKS_MAX]; /* owned */
	uint32_t n;
	struct lots_book *about; /* of the fill being handled */
	uint64_t left_out;
};

static void money(struct table *t, int64_t value)
{
	table_fixed(t, value, CASH_SCALE);
}

static void on_closed(void *ctx, const struct lots_closed *c)
{
	struct page *p = ctx;
	if (p->o->open)
		return;
	table_text(p->table, p->about->account);
	table_text(p->table, p->about->instrument.s);
	table_int(p->table, c->opened_at);
	table_int(p->table, c->closed_at);
	money(p->table, c->qty);
	money(p->table, c->basis);
	money(p->table, c->proceeds);
	money(p->table, c->proceeds - c->basis);
}

static struct lots_book *book_of(struct page *p, const struct ev_fill *f)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (symbol_equal(&p->book[i]->instrument, &f->instrument) &&
		    strcmp(p->book[i]->account, f->account) == 0)
			return p->book[i];
	struct lots_book *b = p->n < BOOKS_MAX ? calloc(1, sizeof *b) : NULL;
	if (!b)
		return NULL;
	event_set_name(b->account, f->account);
	b->instrument = f->instrument;
	b->lots.method = p->method;
	p->book[p->n++] = b;
	return b;
}

static void on_event(void *ctx, const struct event *ev)
{
	struct page *p = ctx;
	const struct ev_fill *f = &ev->fill;
	if (ev->id != EVENT_fill)
		return;
	struct rated what = {f->price, f->qty, f->price_scale, f->qty_scale};
	struct lots_fill fill = {.at = ev->ts_event, .side = f->side};
	int rc = money_cost(what, &fill.cost);
	if (rc == 0)
		rc = fixed_rescale(f->qty, f->qty_scale, CASH_SCALE, &fill.qty);
	if (rc == 0)
		rc = fixed_rescale(f->fee, f->cash_scale, CASH_SCALE, &fill.fee);
	p->about = rc == 0 ? book_of(p, f) : NULL;
	if (!p->about || lots_on_fill(&p->about->lots, &fill, on_closed, p) != 0)
		p->left_out++;
}

static void print_known(struct table *t, bool known, int64_t value)
{
	if (known)
		money(t, value);
	else
		table_null(t);
}

static void print_open(struct page *p, const struct lots_book *b)
{
	for (uint32_t i = 0; i < b->lots.n; i++) {
		const struct lot *l = &b->lots.at[i];
		table_text(p->table, b->account);
		table_text(p->table, b->instrument.s);
		table_int(p->table, l->at);
		table_null(p->table);
		money(p->table, l->qty);
		print_known(p->table, l->qty > 0, l->basis);
		print_known(p->table, l->qty < 0, l->basis);
		table_null(p->table);
	}
}

static int print(struct page *p, struct database *d)
{
	uint64_t merged = 0;
	int rc = table_open(p->cli, columns, &p->table);
	if (rc != CLI_OK)
		return rc;
	int told = database_events(d, on_event, p);
	for (uint32_t i = 0; i < p->n; i++) {
		merged += p->book[i]->lots.merged;
		if (p->o->open)
			print_open(p, p->book[i]);
	}
	rc = table_close(p->table);
	if (merged + p->left_out > 0)
		cli_note(p->cli, "%llu lots were merged with an older one (more than %d open), %llu fills left out",
			 (unsigned long long)merged, LOTS_MAX, (unsigned long long)p->left_out);
	return told == CLI_OK ? rc : told;
}

static enum lots_method method_of(const char *choice)
{
	return strcmp(choice, "fifo") == 0 ? LOTS_FIFO : strcmp(choice, "lifo") == 0 ? LOTS_LIFO : LOTS_HIFO;
}

static int run(struct cli *cli, const void *options, int argc, char **argv)
{
	const struct options *o = options;
	struct database d;
	(void)argc;
	(void)argv;
	struct page *p = calloc(1, sizeof *p);
	if (!p)
		return cli_fail(cli, CLI_FAILED, "%s", err_text(ERR_NOMEM));
	p->cli = cli;
	p->o = o;
	p->method = method_of(o->method);
	int rc = database_open(cli, o->database, &d);
	if (rc == CLI_OK)
		rc = print(p, &d);
	database_close(&d);
	for (uint32_t i = 0; i < p->n; i++)
		free(p->book[i]);
	free(p);
	return rc;
}

static const struct cli_option options[] = {
	OPTION_DATABASE(AT(database)),
	{.letter = 'm',
	 .name = "method",
	 .kind = CLI_CHOICE,
	 .arg = "METHOD",
	 .fallback = "fifo",
	 .choices = "fifo|lifo|hifo",
	 .offset = AT(method),
	 .doc = "Which lots are closed first: the oldest, the newest, or those that leave the smallest gain."},
	{.name = "open", .kind = CLI_FLAG, .offset = AT(open), .doc = "What is still open instead."},
	{0},
};

static const struct cli_example examples[] = {
	{"nj lots", "Every closing, first in first out."},
	{"nj lots --method hifo -o csv > lots.csv", "As a file, dearest first."},
	{"nj lots --open", "What is held, by purchase."},
	{0},
};

const struct cli_verb verb_lots = {
	.name = "lots",
	.group = CLI_OBSERVE_GROUP,
	.summary = "List tax lots: what was closed, opened when, at what gain",
	.doc = "Folds the fills in the persister's database (read-only), settlements of event contracts included. "
	       "Basis and proceeds have the fees in them. More than 256 open lots of an instrument: the oldest are "
	       "merged.",
	.options = options,
	.examples = examples,
	.columns = columns,
	.options_size = sizeof(struct options),
	.output = true,
	.run = run,
};
