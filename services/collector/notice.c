/* notice - when people are told that the feed is lost and that it is back: once each, however often it flaps.
 *
 *     CALM --lose: told--> LOST --return--> BACK --the hold is over: told--> CALM
 *                           ^---- lose -----'
 *
 * A network that flaps for two hours would else be a pair of notices a minute, and the one that matters among them. A
 * life begins LOST, without a loss of its own: whether an earlier one has left a notice open its journal knows.
 */
#include "services/collector/notice.h"

#include <stdio.h>

#define S INT64_C(1000000000)

void notice_init(struct notice *n, int64_t hold_ns)
{
	*n = (struct notice){.hold_ns = hold_ns, .open = true, .lost = true};
}

bool notice_lose(struct notice *n, int64_t now)
{
	bool first = !n->open || n->losses == 0;
	if (n->lost && n->losses > 0)
		return false;
	if (first)
		*n = (struct notice){.hold_ns = n->hold_ns, .first_at = now, .open = true};
	n->lost = true;
	n->since = now;
	n->losses++;
	return first;
}

void notice_return(struct notice *n, int64_t now)
{
	if (!n->lost)
		return;
	if (n->losses > 0)
		n->away_ns += now - n->since;
	n->lost = false;
	n->since = now;
}

bool notice_is_over(struct notice *n, int64_t now)
{
	bool over = n->open && !n->lost && now - n->since >= n->hold_ns;
	if (over)
		n->open = false;
	return over;
}

/* Two units at most: 2 h 5 min, 5 min 12 s, 12 s. */
static const char *span(int64_t ns, char out[40])
{
	long long s = ns / S;
	if (s >= 3600)
		snprintf(out, 40, "%lld h %lld min", s / 3600, s % 3600 / 60);
	else if (s >= 60)
		snprintf(out, 40, "%lld min %lld s", s / 60, s % 60);
	else
		snprintf(out, 40, "%lld s", s);
	return out;
}

void notice_text(const struct notice *n, char *text, size_t cap)
{
	char stayed[40], away[40], all[40];
	span(n->hold_ns, stayed);
	span(n->away_ns, away);
	if (n->losses == 0)
		snprintf(text, cap, "back for %s; it was lost before the restart", stayed);
	else if (n->losses == 1)
		snprintf(text, cap, "back for %s; it was lost for %s", stayed, away);
	else
		snprintf(text, cap, "back for %s; lost %u times in %s, for %s in all", stayed, n->losses,
			 span(n->since - n->first_at, all), away);
}
