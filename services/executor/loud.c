/* loud - see loud.h. */
#include "services/executor/loud.h"

#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "services/executor/executor.h"

#define MESSAGE_MAX 400 /* an alert keeps as much of it as it holds */

struct loud_call {
	loud_fn *fn;
	void *ctx;
};

struct subject {
	char text[EVENT_NAME_MAX + sizeof(struct symbol)];
};

void loud_note(struct market *m, int64_t at, const struct ev_liquidated *said)
{
	m->taken_over = (struct loud_takeover){at, *said};
}

static bool stands(const struct market *m, int64_t now)
{
	return m->taken_over.at != 0 && now - m->taken_over.at < LOUD_NS;
}

bool loud_lately(const struct executor *x, int64_t now)
{
	for (uint32_t i = 0; i < markets_count(&x->markets); i++)
		if (stands(markets_at(&x->markets, i), now))
			return true;
	return false;
}

static struct subject subject_of(const struct executor *x, const struct market *m)
{
	struct subject s;
	snprintf(s.text, sizeof(s.text), "%s/%s", x->account.name, m->def.instrument.s);
	return s;
}

static void describe(const struct ev_liquidated *e, char text[MESSAGE_MAX])
{
	char qty[FIXED_TEXT_MAX], mark[FIXED_TEXT_MAX], stood[FIXED_TEXT_MAX], least[FIXED_TEXT_MAX];
	char result[FIXED_TEXT_MAX], fee[FIXED_TEXT_MAX];
	fixed_format_trim(qty, sizeof(qty), e->qty, e->qty_scale);
	fixed_format_trim(mark, sizeof(mark), e->mark, e->price_scale);
	fixed_format_trim(stood, sizeof(stood), e->balance, e->cash_scale);
	fixed_format_trim(least, sizeof(least), e->maintenance, e->cash_scale);
	fixed_format_trim(result, sizeof(result), e->realised, e->cash_scale);
	fixed_format_trim(fee, sizeof(fee), e->fee, e->cash_scale);
	snprintf(text, MESSAGE_MAX,
		 "liquidated: %s taken over at the mark %s, where %s stood against a maintenance margin of %s; result "
		 "%s, fee %s. Hold less, or at less leverage (executor.margin).",
		 qty, mark, stood, least, result, fee);
}

/* Another takeover of an instrument whose alert stands is news again. */
static void tell_takeover(const struct loud *l, const struct executor *x, const struct market *m, int64_t now,
			  struct loud_call to)
{
	struct subject s = subject_of(x, m);
	bool stands_now = stands(m, now);
	char text[MESSAGE_MAX];
	describe(&m->taken_over.said, text);
	if (l->began && m->taken_over.at > l->told_at)
		to.fn(to.ctx, severity_critical, false, "position_liquidated", s.text, "it is liquidated again");
	to.fn(to.ctx, severity_critical, stands_now, "position_liquidated", s.text,
	      stands_now ? text : "nothing was liquidated for an hour");
}

/* Who goes in and out of a position hears it once: without marks it is over when none was held for a while. */
static void tell_mark(struct loud *l, const struct executor *x, const struct market *m, int64_t now,
		      struct loud_call to)
{
	struct subject s = subject_of(x, m);
	bool heard = mark_heard(m, now), deaf = m->position.qty != 0 && !heard;
	if (deaf)
		l->deaf_at = now;
	else if (!heard && l->deaf_at != 0 && now - l->deaf_at < MARK_FRESH_NS)
		return;
	to.fn(to.ctx, severity_warning, deaf, "mark_unheard", s.text,
	      deaf ? "a perpetual is held without mark prices: no funding is paid, and the mid decides its "
		     "liquidation. Is mark in collector.streams, and does the venue send it?"
		   : "its mark price is heard, or nothing is held");
}

void loud_tell(struct loud *l, const struct executor *x, int64_t now, loud_fn *fn, void *ctx)
{
	struct loud_call to = {fn, ctx};
	int64_t newest = l->told_at;
	for (uint32_t i = 0; i < markets_count(&x->markets); i++) {
		const struct market *m = markets_at(&x->markets, i);
		if (!m->known || !market_margined(m))
			continue;
		if (m->taken_over.at != 0)
			tell_takeover(l, x, m, now, to);
		if (m->taken_over.at > newest)
			newest = m->taken_over.at;
		tell_mark(l, x, m, now, to);
	}
	l->told_at = newest;
	l->began = true;
}

void loud_save(const struct executor *x, struct packer *p)
{
	const struct markets *ms = &x->markets;
	uint64_t n = 0;
	for (uint32_t i = 0; i < markets_count(ms); i++)
		n += markets_at(ms, i)->taken_over.at != 0;
	pack_u64(p, n);
	for (uint32_t i = 0; i < markets_count(ms); i++) {
		const struct loud_takeover *t = &markets_at(ms, i)->taken_over;
		struct event ev;
		if (t->at == 0)
			continue;
		event_init(&ev, EVENT_liquidated);
		ev.liquidated = t->said;
		pack_i64(p, t->at);
		pack_event(p, &ev);
	}
}

int loud_load(struct executor *x, struct unpacker *u)
{
	uint64_t n = unpack_u64(u);
	for (uint64_t i = 0; i < n && !u->err; i++) {
		struct event ev = {0};
		int64_t at = unpack_i64(u);
		unpack_event(u, NULL, &ev);
		bool sound = !u->err && ev.id == EVENT_liquidated && at > 0;
		struct market *m = sound ? markets_get(&x->markets, &ev.liquidated.instrument) : NULL;
		if (!m)
			return u->err ? u->err : ERR_CORRUPT;
		loud_note(m, at, &ev.liquidated);
	}
	return u->err;
}
