/* seal - books that the venue hashes: each hash proves the whole book behind it, or puts it in doubt.
 *
 *     sound --hash differs (seal_check)--> IN DOUBT
 *     IN DOUBT --hash of a frame of the same time is met (settle)--> sound
 *              --a later update (look_back)--> OVERDUE: untrusted, updates go on being applied
 *     OVERDUE --a later hash is met (settle)--> sound, published whole
 *     IN DOUBT, OVERDUE --GRACE_NS since the first hash that differed (seal_on_timer)--> lost, made anew
 *
 * Why a difference is no loss at once: frames of one time all carry the hash behind the last of them, and the price of
 * a trade goes into the hash before anybody is told of the trade (70 to 85 ms in recorded sessions). So other last
 * prices are tried: those before, and those of the levels that have just changed, for a trade takes from a level. What
 * then still differs is awaited for a moment; one hash that is met proves all that came before it.
 *
 * The hash of a book asked for by REST may be made otherwise: met it proves, else the stream's next one decides.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/io/digest.h"
#include "services/collector/state.h"

#define MS 1000000LL
#define GRACE_NS (250 * MS)
#define AGAIN_NS (250 * MS)       /* before the second snapshot in a row, doubling … */
#define AGAIN_MAX_NS (30000 * MS) /* … up to */
#define TROUBLE_LOSSES 4          /* in a row: people are told */

static bool is_in_doubt(const struct market *m)
{
	return m->seal->hash[0] != '\0';
}

bool seal_is_broken(const struct market *m)
{
	return m->seal != NULL && m->seal->overdue;
}

/* ---- hashing ---- */

static bool is_met(struct collector_core *c, const struct market *m, const struct venue_seal *known)
{
	const struct venue_sealed of = {&m->venue, &m->book, m->seal->time};
	char sum[DIGEST_SHA1_HEX];

	buf_clear(&c->sealed);
	return c->set.venue->seal_text(known, &of, &c->sealed) == 0 &&
	       digest_sha1(c->sealed.at, c->sealed.len, sum) == 0 && strcmp(sum, m->seal->hash) == 0;
}

static bool is_met_with(struct collector_core *c, const struct market *m, struct venue_seal *guess, const char *last)
{
	if (strcmp(guess->last, last) == 0)
		return false;
	snprintf(guess->last, sizeof(guess->last), "%s", last);
	return is_met(c, m, guess);
}

static bool is_met_with_price(struct collector_core *c, const struct market *m, struct venue_seal *guess, int64_t price)
{
	char text[FIXED_TEXT_MAX];

	fixed_format_trim(text, sizeof(text), price, m->venue.price_scale);
	return is_met_with(c, m, guess, text);
}

/* The last price that makes the hash come out, in guess. */
static bool is_explained(struct collector_core *c, const struct market *m, struct venue_seal *guess)
{
	const struct seal *s = m->seal;
	int64_t one = fixed_pow10(m->venue.price_scale);

	for (uint32_t i = 0; i < SEAL_LASTS; i++)
		if (s->lasts[i][0] != '\0' && is_met_with(c, m, guess, s->lasts[i]))
			return true;
	for (uint32_t i = 0; i < SEAL_MOVED; i++)
		if (s->moved[i] > 0 &&
		    (is_met_with_price(c, m, guess, s->moved[i]) || is_met_with_price(c, m, guess, one - s->moved[i])))
			return true;
	return false;
}

/* ---- what is known ---- */

static void copy_said(char *to, const char *said, size_t cap)
{
	if (said[0] != '\0')
		snprintf(to, cap, "%s", said);
}

static void set_last(struct seal *s, const char *last)
{
	if (s->known.has_last && strcmp(s->known.last, last) == 0)
		return;
	if (s->known.has_last) {
		memcpy(s->lasts[s->next_last], s->known.last, sizeof(s->known.last));
		s->next_last = (s->next_last + 1) % SEAL_LASTS;
	}
	s->known.has_last = true;
	snprintf(s->known.last, sizeof(s->known.last), "%s", last);
}

static void settle(struct collector_core *c, struct market *m);

/* The price of the last trade is the same for all outcomes of a market. */
static void tell_group(struct collector_core *c, const char *group, const char *last)
{
	for (uint32_t i = 0; i < c->set.n_markets; i++) {
		struct market *m = &c->markets[i];
		if (m->seal == NULL || strcmp(m->seal->known.group, group) != 0)
			continue;
		set_last(m->seal, last);
		if (is_in_doubt(m) && is_live(m) && is_met(c, m, &m->seal->known))
			settle(c, m);
	}
}

static void learn(struct collector_core *c, struct market *m, const struct venue_seal *said)
{
	struct venue_seal *known = &m->seal->known;

	copy_said(known->group, said->group, sizeof(known->group));
	copy_said(known->tick, said->tick, sizeof(known->tick));
	copy_said(known->order_min, said->order_min, sizeof(known->order_min));
	known->neg_risk = said->neg_risk != 0 ? said->neg_risk : known->neg_risk;
	if (said->has_last && known->group[0] != '\0')
		tell_group(c, known->group, said->last);
}

static void note_moved(struct seal *s, const struct venue_depth *d)
{
	for (uint32_t i = 0; i < d->bids.n + d->asks.n; i++) {
		int64_t price = i < d->bids.n ? d->bids.at[i].price : d->asks.at[i - d->bids.n].price;
		s->moved[s->next_moved] = price;
		s->next_moved = (s->next_moved + 1) % SEAL_MOVED;
	}
}

/* ---- judging ---- */

/* The hash was met: what was in doubt is proved. */
static void settle(struct collector_core *c, struct market *m)
{
	struct seal *s = m->seal;
	bool was_overdue = s->overdue;

	c->count.seals_met++;
	s->met_at = c->now;
	s->hash[0] = '\0';
	s->overdue = false;
	s->losses = 0;
	depth_trouble(c, m, NULL);
	if (was_overdue)
		depth_trust_again(c, m);
}

static void doubt(struct collector_core *c, struct market *m)
{
	c->count.seals_doubted++;
	if (m->seal->doubt_at == 0)
		m->seal->doubt_at = c->now;
	arm(c, after(m->seal->doubt_at, GRACE_NS));
}

static bool is_known(const struct venue_seal *known)
{
	return known->group[0] != '\0' && known->tick[0] != '\0' && known->has_last;
}

void seal_check(struct collector_core *c, struct market *m, const struct venue_message *msg, uint64_t id)
{
	struct seal *s = m->seal;

	if (!is_live(m) || m->book.last_id != id)
		return; /* it is kept, or was too old */
	if (!is_known(&s->known)) {
		c->count.seals_unchecked++;
		return;
	}
	struct venue_seal guess = s->known;
	s->doubt_at = is_in_doubt(m) ? s->doubt_at : 0;
	snprintf(s->hash, sizeof(s->hash), "%s", msg->seal->hash);
	s->time = msg->time;
	if (is_met(c, m, &guess))
		settle(c, m);
	else if (is_explained(c, m, &guess))
		tell_group(c, guess.group, guess.last);
	else if (c->from == NULL)
		s->hash[0] = '\0'; /* by REST */
	else
		doubt(c, m);
}

/* An update of a later time: what was to come for the hash in doubt has not. */
static void look_back(struct collector_core *c, struct market *m, int64_t time)
{
	struct seal *s = m->seal;

	if (!is_in_doubt(m) || s->overdue || time <= s->time || !is_live(m))
		return;
	s->overdue = true;
	depth_announce(c, m, book_state_untrusted, "its hash differs");
}

uint64_t seal_enter(struct collector_core *c, struct market *m, const struct venue_message *msg)
{
	uint64_t id = msg->kind == VENUE_SNAPSHOT ? msg->snapshot.last_id : 0;

	if (msg->seal == NULL || m->seal == NULL)
		return 0;
	if (msg->kind == VENUE_DEPTH) {
		look_back(c, m, msg->time);
		note_moved(m->seal, &msg->depth);
		id = msg->depth.last_id;
	}
	learn(c, m, msg->seal);
	return msg->seal->hash[0] != '\0' ? id : 0;
}

void seal_forget(struct market *m)
{
	m->seal->hash[0] = '\0';
	m->seal->overdue = false;
}

int64_t seal_due(const struct market *m)
{
	return is_in_doubt(m) && is_live(m) ? after(m->seal->doubt_at, GRACE_NS) : CORE_NEVER;
}

/* The wait before a snapshot doubles with each that has not helped. */
void seal_on_timer(struct collector_core *c, struct market *m)
{
	struct seal *s = m->seal;
	int64_t wait = AGAIN_NS;

	if (seal_due(m) > c->now)
		return;
	for (uint32_t i = 1; i < s->losses && wait < AGAIN_MAX_NS; i++)
		wait *= 2;
	c->count.seals_broken++;
	depth_lose(c, m, &(struct gap){.cause = gap_cause_checksum, .from = s->met_at}, "its hash differs");
	m->failures = s->losses++; /* so that no update asks sooner */
	if (m->failures > 0 && m->ask_at != CORE_NEVER)
		m->ask_at = after(c->now, wait < AGAIN_MAX_NS ? wait : AGAIN_MAX_NS);
	if (s->losses == TROUBLE_LOSSES)
		depth_trouble(c, m, "its order book is not the one that the venue's hash is of");
}
