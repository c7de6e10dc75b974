/* bench_sub - the receiving side of nj bench: counts, unpacks, and says how long after it was due a message was here.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/err.h"
#include "tools/nj/bench.h"
#include "tools/nj/look.h"

#define LOOK_NS (100 * NS_PER_MS)
#define COME_NS (60 * NS_PER_S) /* for the publisher to come */

struct bench_sub {
	const struct bench_options *o;
	struct client client;
	struct arena arena;
	struct bench_result *result;
	int ready_fd;
	uint64_t last, total;      /* numbers; total: of the last message */
	int64_t first_at, last_at; /* monotonic, of measured messages */
	int64_t heard_at;
};

static void on_message(struct bench_sub *b, uint64_t number, const struct event *ev, size_t bytes)
{
	struct bench_result *r = b->result;
	int64_t now = clock_mono(clock_real()), late = clock_wall(clock_real()) - ev->ts_event;
	b->heard_at = now;
	if (number <= b->last)
		return;
	uint64_t warmup = (uint64_t)b->o->warmup, expected = b->last + 1 > warmup + 1 ? b->last + 1 : warmup + 1;
	b->last = number;
	if (number > warmup) {
		r->lost += number - expected;
		r->messages++;
		r->bytes += bytes;
		b->first_at = b->first_at ? b->first_at : now;
		b->last_at = now;
		hist_record(&r->latency, late > 0 ? (uint64_t)late : 0);
	}
	if (number >= b->total)
		client_stop(&b->client);
}

static void on_connected(struct bench_sub *b)
{
	b->heard_at = clock_mono(clock_real());
	if (b->ready_fd >= 0 && write(b->ready_fd, "r", 1) == 1)
		b->ready_fd = -1;
}

static void on_frame(void *ctx, struct bus_link *link, const uint8_t *frame, size_t len)
{
	struct bench_sub *b = ctx;
	const char *topic;
	const uint8_t *body;
	size_t topic_len, left, used;
	struct event ev;
	(void)link;
	if (codec_split(frame, len, &topic, &topic_len, &body, &left) != 0)
		return;
	for (; left > 0; body += used, left -= used) {
		b->arena.used = 0;
		if (codec_unpack(body, left, &b->arena, &ev, &used) != 0)
			return;
		int64_t number = bench_number_of(&ev);
		if (number > 0)
			on_message(b, (uint64_t)number, &ev, used);
		else if (number == 0)
			on_connected(b);
	}
}

static int subscribe(struct bench_sub *b)
{
	struct bus_link *link;
	b->client.on_frame = on_frame;
	b->client.ctx = b;
	return bus_subscribe(b->client.bus, b->o->as, b->o->lane[0] == 'x' ? LANE_X : LANE_M, NULL, NULL, &link);
}

/* Until the last message, or nothing has come for a while: for longer before the first one. */
static void receive(struct bench_sub *b)
{
	int64_t began = clock_mono(clock_real());
	while (b->last < b->total) {
		client_run(&b->client, LOOK_NS);
		int64_t now = clock_mono(clock_real());
		if (b->last > 0 ? now - b->heard_at >= b->o->idle : now - began >= COME_NS)
			break;
	}
}

int bench_receive(struct cli *cli, const struct bench_options *o, int ready_fd, struct bench_result *ret_result)
{
	static struct bench_sub b;
	b = (struct bench_sub){
		.o = o, .ready_fd = ready_fd, .result = ret_result, .total = (uint64_t)(o->messages + o->warmup)};
	memset(ret_result, 0, sizeof *ret_result);
	hist_init(&ret_result->latency);
	b.arena = (struct arena){.at = malloc(ARENA_SIZE), .cap = ARENA_SIZE};
	if (!b.arena.at)
		return cli_fail(cli, CLI_FAILED, "%s", err_text(ERR_NOMEM));
	int rc = look_client(cli, &b.client);
	if (!rc) {
		int err = subscribe(&b);
		if (err)
			rc = cli_fail(cli, CLI_FAILED, "cannot subscribe: %s", err_text(err));
		else
			receive(&b);
		client_close(&b.client);
	}
	free(b.arena.at);
	if (rc)
		return rc;
	ret_result->ns = b.last_at - b.first_at;
	/* What was sent behind the last one that came. */
	if (b.last > 0 && b.last < b.total)
		ret_result->lost += b.total - (b.last > (uint64_t)o->warmup ? b.last : (uint64_t)o->warmup);
	return b.last == 0 ? cli_fail(cli, CLI_TIMEOUT, "%s published nothing", o->as) : CLI_OK;
}
