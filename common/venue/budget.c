/* budget - what a venue's replies say of the request budget that everybody at an address shares, and how long to wait
 * where it is nearly used.
 */
#include "common/venue/budget.h"

#include <stdbool.h>
#include <stddef.h>

#include "common/base/check.h"

#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)
#define RESET_MAX (60 * SECOND)
#define REFUSED (60 * SECOND) /* of a refusal that does not say how long */
#define DIGITS_MAX 18
/* How far our clock may be from the venue's before people are told: asked a moment too early, a reply would still tell
 * of the window before, and cost another one. */
#define CLOCKS_APART SECOND

int64_t budget_number(const char *text)
{
	int64_t value = 0;
	int n = 0;

	if (text == NULL || text[0] == '\0')
		return BUDGET_UNSAID;
	for (; text[n] >= '0' && text[n] <= '9'; n++) {
		if (n == DIGITS_MAX)
			return BUDGET_UNSAID;
		value = value * 10 + (text[n] - '0');
	}
	return text[n] == '\0' ? value : BUDGET_UNSAID;
}

static int64_t number_of(const char *name, const char *(*value)(void *ctx, const char *name), void *ctx)
{
	return name != NULL ? budget_number(value(ctx, name)) : BUDGET_UNSAID;
}

struct budget_said budget_read(const struct budget_headers *h, const char *(*value)(void *ctx, const char *name),
			       void *ctx)
{
	int64_t reset = number_of(h->reset, value, ctx);

	return (struct budget_said){
		.used = number_of(h->used, value, ctx),
		.left = number_of(h->left, value, ctx),
		.of = number_of(h->of, value, ctx),
		.reset_at = reset < 0 || reset > INT64_MAX / MS ? BUDGET_UNSAID : reset * MS,
	};
}

/* share percent of what there is, rounded down, without an overflow. */
static int64_t part(int64_t whole, uint32_t share)
{
	return whole / 100 * share + whole % 100 * share / 100;
}

int64_t budget_hold(const struct budget *b, const struct budget_said *said, int64_t now)
{
	int64_t limit = b->limit < INT64_MAX ? (int64_t)b->limit : INT64_MAX, until = 0;

	must(b->share >= 1 && b->share <= 100);
	if (said->used >= 0 && limit > 0 && b->window_ns > 0 && said->used >= part(limit, b->share))
		until = now - now % b->window_ns + b->window_ns + CLOCKS_APART;
	if (said->left < 0 || said->of <= 0 || said->left > part(said->of, 100 - b->share))
		return until;
	int64_t again = said->reset_at > now ? said->reset_at : now + SECOND;
	if (again > now + RESET_MAX)
		again = now + RESET_MAX;
	return again > until ? again : until;
}

int64_t budget_refused(int status, int64_t retry_after_ns, int64_t forbidden_ns)
{
	bool forbidden = status == 403 && forbidden_ns > 0;

	if (status != 429 && status != 418 && !forbidden)
		return 0;
	return retry_after_ns > 0 ? retry_after_ns : forbidden ? forbidden_ns : REFUSED;
}
