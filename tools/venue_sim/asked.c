/* asked - answers to stamped requests: a cursor of its own through the source. */
#include "tools/venue_sim/asked.h"

#include "common/base/err.h"

void asked_init(struct asked *a, const struct feed_source *source, const struct recording *rec,
		const struct dialect *d)
{
	*a = (struct asked){.source = source, .rec = rec, .dialect = d};
}

void asked_fini(struct asked *a)
{
	feed_close(a->feed);
	fold_fini(&a->fold);
	a->feed = NULL;
}

static int begin(struct asked *a)
{
	char reason[200];
	int rc;

	if (a->feed != NULL) {
		asked_fini(a);
		a->rewinds++;
	}
	a->has_ahead = a->ended = false;
	rc = fold_init(&a->fold, a->rec, a->dialect);
	return rc != 0 ? rc : feed_open(a->source, &a->feed, reason, sizeof(reason));
}

/* Takes the next line where its stamp is not beyond `until`. */
static bool advance(struct asked *a, int64_t until)
{
	if (!a->has_ahead && feed_next(a->feed, &a->ahead) != 0) {
		a->ended = true; /* a damaged recording ends here for players too */
		return false;
	}
	a->has_ahead = a->ahead.stamp > until;
	if (a->has_ahead)
		return false;
	fold_line(&a->fold, &a->ahead);
	return true;
}

int asked_until(struct asked *a, int64_t until, const struct fold **ret_fold)
{
	int rc = 0;

	if (a->feed == NULL || a->fold.stamp > until)
		rc = begin(a);
	while (rc == 0 && !a->ended && advance(a, until))
		;
	if (rc == 0)
		*ret_fold = &a->fold;
	return rc;
}

void asked_follow(struct asked *a, int64_t until, uint32_t lines_max)
{
	if (a->feed == NULL && begin(a) != 0)
		return;
	for (uint32_t i = 0; i < lines_max && !a->ended && advance(a, until); i++)
		;
}
