/* copy - answers replay_x for every publisher from the database: what its journal has given up, or while it is away. */
#include "services/persister/copy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/service/outbox.h"
#include "services/persister/store_read.h"

struct copy {
	char path[400];
	struct store_read *db; /* NULL until somebody asks, and after an error */
	struct copy_counters counters;
	uint8_t frame[BUS_FRAME_X_MAX];
};

int copy_open(const char *path, struct copy **ret_copy)
{
	struct copy *c = calloc(1, sizeof *c);
	if (!c)
		return ERR_NOMEM;
	snprintf(c->path, sizeof c->path, "%s", path);
	*ret_copy = c;
	return 0;
}

void copy_close(struct copy *c)
{
	if (!c)
		return;
	store_read_close(c->db);
	free(c);
}

struct copy_counters copy_counters(const struct copy *c)
{
	return c->counters;
}

struct filling {
	struct copy *c;
	struct buf *page;
	uint32_t limit, records;
	uint64_t next;
	int rc;
};

static bool add(void *ctx, uint64_t seq, const char *topic, const uint8_t *body, size_t len)
{
	struct filling *f = ctx;
	size_t topic_len = strlen(topic) + 1;
	if (seq != f->next) { /* a hole in the copy: no page goes across it */
		f->rc = f->records ? 0 : ERR_NOT_FOUND;
		return false;
	}
	if (f->records == f->limit || topic_len + len > sizeof f->c->frame)
		return false;
	memcpy(f->c->frame, topic, topic_len);
	memcpy(f->c->frame + topic_len, body, len);
	if (replay_page_add(f->page, f->c->frame, topic_len + len) != 0)
		return false;
	f->records++;
	f->next++;
	return true;
}

static int fill(struct copy *c, const struct event *request, struct ev_reply *r, struct buf *page)
{
	uint32_t limit = request->request.limit;
	struct store_read_from from = {.publisher = request->request.target,
				       .epoch = request->request.of_epoch,
				       .seq = request->request.from ? request->request.from : 1};
	struct filling f = {.c = c, .page = page, .next = from.seq};
	f.limit = limit == 0 || limit > OUTBOX_PAGE_RECORDS ? OUTBOX_PAGE_RECORDS : limit;
	struct store_lane lane;
	int rc = store_read_frames(c->db, &from, &lane, add, &f);
	if (rc)
		return rc;
	r->of_epoch = lane.epoch;
	r->first = (uint64_t)lane.first;
	r->last = (uint64_t)lane.last;
	r->records = f.records;
	r->more = f.records && f.next <= r->last;
	return f.rc;
}

void copy_answer(struct copy *c, const struct event *request, struct event *reply, struct buf *page)
{
	char reason[200] = "";
	int rc = c->db ? 0 : store_read_open(c->path, &c->db, reason, sizeof reason);
	if (!rc)
		rc = fill(c, request, &reply->reply, page);
	if (rc && rc != ERR_NOT_FOUND) {
		c->counters.errors++;
		store_read_close(c->db);
		c->db = NULL;
		snprintf(reason, sizeof reason, "the copy cannot be read: %s", err_text(rc));
	} else {
		c->counters.pages++;
		c->counters.records += reply->reply.records;
	}
	reply->reply.result = rc;
	event_set_text(reply->reply.message, reason);
}
