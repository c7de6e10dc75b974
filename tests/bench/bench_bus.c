/* bench_bus - goals G3 and G4: our bus against raw libzmq and czmq's zmsg, ipc, two processes, 128-byte events.
 *
 * Batches: one frame of 32 events. Round trip: one frame at a time over two pairs of sockets. The references have no
 * high-water mark. flow.h says how a run goes. On a machine with other work, rates of two processes that wait for each
 * other say little: the CPU a message is told beside them. Exits 2 on loss or a wrong byte; a missed goal is only told.
 *
 *     bench_bus [--short]
 */
#include <czmq.h>

#include "tests/bench/flow.h"
#include "tests/bench/raw_socket.h"

enum { BATCH = 32 };

/* ---- raw libzmq: one frame ---- */

static void *open_socket(const struct plan *p, int type, const char *name)
{
	char own[32];
	snprintf(own, sizeof own, "%s.m", name);
	return raw_socket(type, &(struct raw_place){p->dir, own, type != ZMQ_SUB}, prefixes[0]);
}

static void send_raw(void *socket, const uint8_t *frame, size_t len)
{
	must(zmq_send(socket, frame, len, 0) == (int)len);
}

static void subscribe_raw(const struct plan *p)
{
	void *s = open_socket(p, ZMQ_SUB, "pub");
	struct taker t = {.plan = p};
	zmq_msg_t m;
	bool done = false;
	zmq_msg_init(&m);
	while (!done) {
		int n = zmq_msg_recv(&m, s, 0);
		must(n > 0);
		done = take(&t, zmq_msg_data(&m), (size_t)n);
	}
}

static void echo_raw(const struct plan *p, const char *own, const char *other, struct echo *e)
{
	void *out = open_socket(p, ZMQ_PUB, own), *in = open_socket(p, ZMQ_SUB, other);
	uint8_t frame[EVENT_BYTES];
	int wait_ms = e->answers ? -1 : 20;
	must(zmq_setsockopt(in, ZMQ_RCVTIMEO, &wait_ms, sizeof wait_ms) == 0);
	for (;;) {
		if (!e->answers) {
			fill(frame, sizeof frame, e->done + 1);
			e->sent_at = bench_now();
			send_raw(out, frame, sizeof frame);
		}
		int n = zmq_recv(in, frame, sizeof frame, 0);
		if (e->answers && n > 0)
			send_raw(out, frame, sizeof frame);
		if (e->answers || n < 0 || check(frame, sizeof frame, EVENT_BYTES) != e->done + 1)
			continue;
		e->took[e->done++] = (double)(bench_now() - e->sent_at);
		if (e->done == e->n)
			return;
	}
}

static int64_t publish_raw(const struct plan *p)
{
	return publish_by(p, open_socket(p, ZMQ_PUB, "pub"), send_raw);
}

/* ---- czmq: topic and payload as a zmsg ---- */

static void send_zmsg(void *socket, const uint8_t *frame, size_t len)
{
	zmsg_t *m = zmsg_new();
	zmsg_addstr(m, topic);
	zmsg_addmem(m, frame + sizeof topic, len - sizeof topic);
	must(zmsg_send(&m, socket) == 0);
}

static zsock_t *zmsg_socket(const struct plan *p, bool publish)
{
	char at[120];
	snprintf(at, sizeof at, "ipc://%s/pub.m", p->dir);
	zsock_t *s = publish ? zsock_new_pub(NULL) : zsock_new_sub(NULL, prefixes[0]);
	zsock_set_sndhwm(s, 0);
	zsock_set_rcvhwm(s, 0);
	must((publish ? zsock_bind(s, "%s", at) : zsock_connect(s, "%s", at)) >= 0);
	return s;
}

static void subscribe_zmsg(const struct plan *p)
{
	zsock_t *s = zmsg_socket(p, false);
	struct taker t = {.plan = p};
	uint8_t *frame = malloc(EVENT_PACKED_MAX);
	bool done = false;
	must(frame);
	while (!done) {
		zmsg_t *m = zmsg_recv(s);
		char *name = zmsg_popstr(m);
		zframe_t *body = zmsg_pop(m);
		must(name && body);
		memcpy(frame, name, sizeof topic);
		memcpy(frame + sizeof topic, zframe_data(body), zframe_size(body));
		done = take(&t, frame, sizeof topic + zframe_size(body));
		zframe_destroy(&body);
		zstr_free(&name);
		zmsg_destroy(&m);
	}
	free(frame);
}

static int64_t publish_zmsg(const struct plan *p)
{
	return publish_by(p, zmsg_socket(p, true), send_zmsg);
}

static const struct way raw_way = {"raw libzmq", publish_raw, subscribe_raw, echo_raw};
static const struct way zmsg_way = {"czmq zmsg", publish_zmsg, subscribe_zmsg, NULL};

int main(int argc, char **argv)
{
	bool brief = argc > 1 && strcmp(argv[1], "--short") == 0;
	int pairs = brief ? 5 : 11;
	uint64_t events = brief ? 100000 : 500000, pings = brief ? 2000 : 10000;
	struct bench_pairs raw = {.n = 0}, zmsg = {.n = 0}, batch = {.n = 0}, gain = {.n = 0}, rtt = {.n = 0};
	struct bench_pairs cpu = {.n = 0}, cpu_zmsg = {.n = 0};
	for (int i = 0; i < pairs; i++) {
		double events_s = throughput(&ours, 1, events), ns = flow_cpu_ns / (double)events;
		bench_add(&raw, events_s, throughput(&raw_way, 1, events));
		bench_add(&cpu, ns, flow_cpu_ns / (double)events);
		bench_add(&zmsg, events_s, throughput(&zmsg_way, 1, events));
		bench_add(&cpu_zmsg, ns, flow_cpu_ns / (double)events);
		double batched = throughput(&ours, BATCH, events * 8);
		bench_add(&batch, batched, throughput(&raw_way, BATCH, events * 8));
		bench_add(&gain, batched, events_s);
		bench_add(&rtt, round_trip(&ours, pings), round_trip(&raw_way, pings));
	}
	bench_print(&(struct bench_goal){"G3", "bus, of raw libzmq", "msg/s", true, 0.95}, &raw);
	bench_print(&(struct bench_goal){"G3", "bus, of czmq zmsg", "msg/s", true, 1.8}, &zmsg);
	printf("#\tG3\tCPU of both processes a message: ours %.0f ns, raw libzmq %.0f ns, zmsg %.0f ns; "
	       "ours %.2f of raw (%.2f..%.2f)\n",
	       bench_share(cpu.ours, pairs, 0.5), bench_share(cpu.ref, pairs, 0.5),
	       bench_share(cpu_zmsg.ref, pairs, 0.5), bench_share(cpu.ratio, pairs, 0.5),
	       bench_share(cpu.ratio, pairs, 0), bench_share(cpu.ratio, pairs, 1));
	bench_print(&(struct bench_goal){"G4", "batches of 32, of raw libzmq", "ev/s", true, 0.9}, &batch);
	bench_print(&(struct bench_goal){"G4", "batches of 32, of ours unbatched", "ev/s", true, 2.5}, &gain);
	bench_print(&(struct bench_goal){"G4", "idle round trip, of raw libzmq", "us", false, 1.1}, &rtt);
	return 0;
}
