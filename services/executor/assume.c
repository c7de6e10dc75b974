/* assume - see assume.h. */
#include "services/executor/assume.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "services/executor/executor.h"

/* Into a field of an assumption: what does not fit is cut off. */
__attribute__((format(printf, 3, 4))) static void put_text(char *out, size_t cap, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(out, cap, format, args);
	va_end(args);
}
#define PUT(field, ...) put_text(field, sizeof(field), __VA_ARGS__)

static void fill_model(const struct executor *x, struct assumption *a)
{
	if (x->settings.remote) {
		PUT(a->value, "venue");
		PUT(a->text, "Orders are the venue's to fill, and none does that executor.send keeps here; "
		     "nothing of their fills is modelled.");
		return;
	}
	PUT(a->value, "book");
	PUT(a->text, "Takers walk the book received by their arrival (the feed's own way is not added), as far as it "
		     "is known; what they took stays taken until the venue renews the level. "
		     "No one reacts to our orders.");
}

#define SHOWN "All that is shown at the price is ahead of a resting order; what is cancelled was "
#define SERVED "Trades serve what is ahead first; what vanishes may be a trade to be told for 1 to 2 s."

static void queue_model(const struct executor *x, struct assumption *a)
{
	static const char *const words[QUEUE_MODELS] = {
		[QUEUE_BACK] = SHOWN "behind it, if possible. " SERVED,
		[QUEUE_SHARE] = SHOWN "so in proportion. " SERVED,
		[QUEUE_SQUARE] = SHOWN "so by the squares. " SERVED,
		[QUEUE_THROUGH] = "A resting order fills only where a trade or the book goes beyond its price.",
	};
	PUT(a->value, "%s", queue_name((enum queue_model)x->settings.queue));
	PUT(a->text, "%s", words[x->settings.queue]);
}

static const struct latency_curve no_curve = {.n = 0};

static void way(const struct latency_curve *c, int64_t min, char out[LATENCY_TEXT_MAX])
{
	size_t n = latency_time(min, out, LATENCY_TEXT_MAX);
	if (c->n == 0)
		return;
	n += (size_t)snprintf(out + n, LATENCY_TEXT_MAX - n, " or more: ");
	latency_format(c, out + n, LATENCY_TEXT_MAX - n);
}

static void latency(const struct executor *x, struct assumption *a)
{
	const struct latency_settings *l = &x->settings.latency;
	bool drawn = l->model == LATENCY_DRAWN;
	char there[LATENCY_TEXT_MAX];
	way(drawn ? &l->order : &no_curve, x->settings.order_latency_ns, there);
	PUT(a->value, "%s", latency_name((enum latency_model)l->model));
	if (x->settings.remote)
		PUT(a->text, "An order leaves %s after its decision and arrives when it does.", there);
	else if (l->model == LATENCY_MEASURED)
		PUT(a->text, "Orders take as long as the venue's trades took to us, at least %s (seed %lld).", there,
		    (long long)l->seed);
	else if (drawn && l->order.n > 0)
		PUT(a->text, "Orders take %s (seed %lld).", there, (long long)l->seed);
	else
		PUT(a->text, "Orders take %s to the exchange, always.", there);
}

static void answers(const struct executor *x, struct assumption *a)
{
	const struct latency_settings *l = &x->settings.latency;
	bool drawn = l->model == LATENCY_DRAWN;
	char back[LATENCY_TEXT_MAX];
	way(drawn ? &l->ack : &no_curve, x->settings.ack_latency_ns, back);
	PUT(a->value, "%s", latency_name((enum latency_model)l->model));
	if (l->model == LATENCY_MEASURED)
		PUT(a->text, "What happens is known as long after it as the venue's trades took to us, at least %s.",
		    back);
	else if (drawn && l->ack.n > 0)
		PUT(a->text, "What happens is known %s after it.", back);
	else
		PUT(a->text, "What happens is known %s after it, always.", back);
}

static void at_once(const struct executor *x, struct assumption *a)
{
	(void)x;
	PUT(a->value, "at once");
	PUT(a->text, "Triggers, dates, and the cancels of a halt, a flatten, the kill switch or a person act in the "
		     "instant itself, without latency.");
}

static void blindness(const struct executor *x, struct assumption *a)
{
	char blind[LATENCY_TEXT_MAX];
	latency_time(x->settings.stale_ns, a->value, sizeof(a->value));
	latency_time(x->settings.blind_max_ns, blind, sizeof(blind));
	bool ends = x->settings.blind_max_ns > 0;
	PUT(a->text, "Nothing fills or triggers on a book that is untrusted, crossed, of another origin or without "
		     "news for %s; orders %s%s.",
	    a->value, ends ? "are cancelled after " : "live on", ends ? blind : "");
}

/* As many as there is room for. */
static void fee_rates(const struct executor *x, struct assumption *a)
{
	const struct fee_table *t = &x->settings.fees;
	char row[FEES_ROW_TEXT];
	size_t n;
	fees_format(&t->rest, a->value, sizeof(a->value));
	PUT(a->text, "Maker/taker %s of the value", a->value);
	n = strlen(a->text);
	for (uint32_t i = 0; i < t->n; i++) {
		fees_format(&t->row[i].fees, row, sizeof(row));
		bool fits = n + strlen(t->row[i].key) + strlen(row) + 20 < sizeof(a->text);
		if (fits)
			n += (size_t)snprintf(a->text + n, sizeof(a->text) - n, ", %s %s", t->row[i].key, row);
		else
			n += (size_t)snprintf(a->text + n, sizeof(a->text) - n, ", %u more", t->n - i);
		if (!fits)
			break;
	}
	snprintf(a->text + n, sizeof(a->text) - n, ".");
}

static void marks(const struct executor *x, struct assumption *a)
{
	static const char *const words[MARK_KINDS] = {
		[MARK_MID] = "Positions are worth the mid of the last trusted book.",
		[MARK_SIDE] = "Positions are worth what closing them would bring by the last trusted book: longs the "
			      "bid, shorts the ask.",
		[MARK_LAST] = "Positions are worth the last trade seen while the book could be used.",
		[MARK_VENUE] = "Positions are worth the venue's mark price where it has one, else the mid of the last "
			       "trusted book.",
	};
	PUT(a->value, "%s", mark_name((enum mark_kind)x->settings.mark));
	PUT(a->text, "%s", words[x->settings.mark]);
}

/* As many as there is room for. */
static void margin(const struct executor *x, struct assumption *a)
{
	const struct margin_table *t = &x->settings.margins;
	PUT(a->value, "perpetuals");
	PUT(a->text, "Nothing but perpetuals is on margin, with tiers of maintenance");
	size_t n = strlen(a->text);
	for (uint32_t i = 0; i < t->n; i++) {
		const struct margin_row *r = &t->row[i];
		bool fits = n + strlen(r->key) + 40 < sizeof(a->text);
		if (!fits) {
			n += (size_t)snprintf(a->text + n, sizeof(a->text) - n, ", %u more", t->n - i);
			break;
		}
		n += (size_t)snprintf(a->text + n, sizeof(a->text) - n, ", %s %s x%lld", r->key,
				      enum_text(enum_margin_mode(), r->margin.mode), (long long)r->margin.leverage);
	}
	snprintf(a->text + n, sizeof(a->text) - n, ".");
}

static void funding(const struct executor *x, struct assumption *a)
{
	(void)x;
	PUT(a->value, "as announced");
	PUT(a->text, "Perpetuals pay and get funding at the venue's times, rates and mark prices as last heard "
		     "before; what was not announced is not paid.");
}

static void liquidation(const struct executor *x, struct assumption *a)
{
	(void)x;
	PUT(a->value, "whole");
	PUT(a->text, "What its margin no longer carries is taken over whole, at the mark price (else the mid), for a "
		     "fee; no step before makes it smaller, and losses beyond what stood for it are the venue's.");
}

/* "one 0.5" or "two 0.1..0.4" */
static size_t budget_row(const struct allocation_row *r, char *out, size_t cap)
{
	char least[FIXED_TEXT_MAX], most[FIXED_TEXT_MAX];
	fixed_format_trim(least, sizeof(least), r->least, SHARE_SCALE);
	fixed_format_trim(most, sizeof(most), r->most, SHARE_SCALE);
	bool fixed = r->least == r->most;
	int n = snprintf(out, cap, " %s %s%s%s", r->strategy, least, fixed ? "" : "..", fixed ? "" : most);
	return n > 0 ? (size_t)n : 0;
}

/* As many as there is room for. */
static void budgets(const struct executor *x, struct assumption *a)
{
	static const char rest[] = ", 32 more; no other gets any.";
	const struct allocation_settings *set = &x->settings.allocation;
	char every[LATENCY_TEXT_MAX], row[EVENT_TEXT_MAX];
	if (set->method == allocation_method_none) {
		PUT(a->value, "none");
		PUT(a->text, "No strategy has a budget of its own: what all may have at stake is the account's.");
		return;
	}
	latency_time(set->every_ns, every, sizeof(every));
	PUT(a->value, "%s", enum_text(enum_allocation_method(), set->method));
	PUT(a->text, "Shares of the worth, times %lld, set every %s", (long long)set->leverage, every);
	size_t n = strlen(a->text);
	if (set->method != allocation_method_fixed)
		n += (size_t)snprintf(a->text + n, sizeof(a->text) - n, " by %lld returns", (long long)set->window);
	for (uint32_t i = 0; i < set->n; i++) {
		size_t more = budget_row(&set->row[i], row, sizeof(row));
		bool fits = n + more + sizeof(rest) < sizeof(a->text);
		if (!fits) {
			n += (size_t)snprintf(a->text + n, sizeof(a->text) - n, ", %u more", set->n - i);
			break;
		}
		n += (size_t)snprintf(a->text + n, sizeof(a->text) - n, "%s%s", i > 0 ? "," : ":", row);
	}
	snprintf(a->text + n, sizeof(a->text) - n, "; no other gets any.");
}

static void quotes(const struct executor *x, struct assumption *a)
{
	PUT(a->value, "%s", x->settings.quote);
	if (x->settings.n_quotes == 0)
		PUT(a->text, "Everything is paid and counted in %s.", x->settings.quote);
	else
		PUT(a->text, "Counted in %s; what is paid in others (%u of them) is worth the rate that "
			     "executor.quotes states, else their market's mid with it. Nothing is converted.",
		    x->settings.quote, x->settings.n_quotes);
}

static void not_modelled(const struct executor *x, struct assumption *a)
{
	PUT(a->value, "-");
	PUT(a->text, "Not modelled: %sunseen overloads and outages; interest, withdrawals, taxes.",
	    x->settings.remote ? ""
			       : "market impact; hidden orders; self-trade prevention; "
				 "limits of accounts, lists, amendments, Bybit's orders, USD-M trails; ");
}

static const struct row {
	const char *about;
	void (*say)(const struct executor *x, struct assumption *a);
} rows[] = {
	{"fills", fill_model}, {"queue", queue_model},	   {"latency", latency}, {"answers", answers},
	{"instant", at_once},  {"blind", blindness},	   {"fees", fee_rates},	 {"marks", marks},
	{"margin", margin},    {"funding", funding},	   {"liquidation", liquidation},
	{"allocation", budgets}, {"quotes", quotes},   {"absent", not_modelled},
};
_Static_assert(ARRAY_LEN(rows) <= ASSUMPTIONS_MAX, "each row has its place");

static bool is_news(const struct executor *x, size_t row, struct assumption *ret)
{
	const struct assumption *was = &x->assumptions.said[row];
	*ret = (struct assumption){0};
	PUT(ret->about, "%s", rows[row].about);
	rows[row].say(x, ret);
	return !was->about[0] || strcmp(was->value, ret->value) != 0 || strcmp(was->text, ret->text) != 0;
}

void assume_tell(const struct step *s)
{
	struct assumption now;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (is_news(s->x, i, &now)) {
			s->x->assumptions.said[i] = now;
			report_assumption(s, &now);
		}
}

bool executor_assumes_anew(const struct executor *x)
{
	struct assumption now;
	for (size_t i = 0; x->opened && i < ARRAY_LEN(rows); i++)
		if (is_news(x, i, &now))
			return true;
	return false;
}

/* One that this program does not know of is of a later one, which said it. */
static void put(struct executor *x, const struct assumption *a)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].about, a->about) == 0)
			x->assumptions.said[i] = *a;
}

void assume_recall(struct executor *x, const struct ev_assumption *e)
{
	struct assumption a = {0};
	PUT(a.about, "%s", e->about);
	PUT(a.value, "%s", e->value);
	PUT(a.text, "%s", e->text);
	put(x, &a);
}

void assume_save(const struct executor *x, struct packer *p)
{
	uint32_t n = 0;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		n += x->assumptions.said[i].about[0] != '\0';
	pack_array(p, 3 * n);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct assumption *a = &x->assumptions.said[i];
		if (!a->about[0])
			continue;
		pack_str(p, a->about);
		pack_str(p, a->value);
		pack_str(p, a->text);
	}
}

int assume_load(struct executor *x, struct unpacker *u)
{
	uint32_t n = unpack_array(u);
	for (uint32_t i = 0; i < n / 3 && !u->err; i++) {
		struct assumption a = {0};
		unpack_str(u, a.about, sizeof(a.about));
		unpack_str(u, a.value, sizeof(a.value));
		unpack_str(u, a.text, sizeof(a.text));
		if (!u->err)
			put(x, &a);
	}
	if (u->err)
		return u->err;
	return n % 3 == 0 ? 0 : ERR_CORRUPT;
}
