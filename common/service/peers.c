/* peers - who has fallen silent, who is not let in, who floods us: what the bus cannot tell is told here within 3 s.
 *
 * Every publisher's heartbeat comes four times a second. Nine missing ones mean that its process stands, its host is
 * gone or the network between is cut, half open connections included: ZMTP's own pings are answered by a process
 * whose loop hangs (Z11), and a subscriber hears of a lost connection only where a packet says so.
 *
 *     (unheard) ──first heartbeat──► heard ──nine missing──► silent ──a heartbeat──► heard
 *         ▲                            │
 *         └──── heartbeat DONE ────────┘
 */
#include <stdio.h>

#include "common/io/log.h"
#include "common/service/runtime_state.h"

enum { MISSING_MAX = 9 };
#define STOOD_NS (1 * NS_PER_S) /* between two looks: it was we who stood still */
#define QUIET_NS (60 * NS_PER_S)

void peers_heard(struct follow *f, const struct event *ev)
{
	int64_t mono = runtime_mono(f->rt);
	if (ev->heartbeat.state == life_done)
		f->heard_at = 0; /* it said goodbye */
	else
		f->heard_at = mono;
}

static void tell(struct follow *f, bool silent, int64_t mono)
{
	char text[EVENT_TEXT_MAX];
	f->silent = silent;
	f->rt->peers_silent += silent;
	snprintf(text, sizeof text, "%s has not been heard for %lld ms: its process, its host or the network between",
		 f->publisher, (long long)((mono - f->heard_at) / NS_PER_MS));
	if (silent)
		log_warn("peer silent", "publisher=%s", f->publisher);
	else
		log_info("peer heard again", "publisher=%s", f->publisher);
	/* In lockstep everybody waits for everybody, and a record more would make two runs differ. */
	if (!runtime_lockstep(f->rt))
		runtime_alert(f->rt, severity_warning, silent, "peer_silent", f->publisher,
			      silent ? text : "heard again");
}

static void watch_silence(struct runtime *rt, int64_t mono)
{
	int64_t stood = mono - rt->peers_at > STOOD_NS ? mono - rt->peers_at : 0;
	rt->peers_at = mono;
	for (uint32_t i = 0; i < rt->n_follows; i++) {
		struct follow *f = &rt->follow[i];
		if (f->heard_at && stood)
			f->heard_at += stood; /* what was said meanwhile waits in the sockets */
		bool silent = f->heard_at && mono - f->heard_at > MISSING_MAX * rt->run.heartbeat_ns;
		if (silent != f->silent)
			tell(f, silent, mono);
		else if (f->heard_at && !silent && !runtime_lockstep(rt)) /* what a life before this one left open */
			runtime_alert(rt, severity_warning, false, "peer_silent", f->publisher, "heard again");
	}
}

/* What the bus counts and an operator must know: raised from so many in a row, over when none came for a minute. */
static const struct trouble_row {
	size_t counter; /* in bus_counters */
	uint64_t least;
	enum severity severity;
	const char *rule, *raised, *over;
} troubles[PEERS_TROUBLES] = {
	/* A revoked key, a stranger's, or our own that nobody has copied yet. */
	{offsetof(struct bus_counters, auth_failures), 1, severity_critical, "bus_refused",
	 "somebody without a key that is let in tries to connect; the log says from where and why",
	 "nobody has tried for a minute"},
	{offsetof(struct bus_counters, cut_off), 1, severity_critical, "bus_flooded",
	 "connections were cut off that subscribe without end, or are too many (status: bus_cut_off); find who it is",
	 "nobody was cut off for a minute"},
	{offsetof(struct bus_counters, accept_failures), 1, severity_critical, "bus_descriptors",
	 "connections cannot be taken, there are no descriptors left: raise the limit (nofile), or find who holds them",
	 "connections are taken again"},
	{offsetof(struct bus_counters, handshake_failures), 20, severity_warning, "bus_garbage",
	 "connections end in their handshake: something else connects to our sockets, or a publisher has another key "
	 "than the one we know it by",
	 "no such connection for a minute"},
};

static void watch_trouble(struct runtime *rt, const struct trouble_row *row, struct peers_trouble *t, int64_t mono)
{
	uint64_t n = *(const uint64_t *)(const void *)((const char *)&rt->bus->counters + row->counter);
	if (n != t->last)
		t->at = mono;
	t->n += n - t->last;
	t->last = n;
	if (t->at && mono - t->at >= QUIET_NS) {
		t->at = 0;
		t->n = 0;
	}
	bool raised = t->n >= row->least;
	if (raised == t->raised)
		return;
	t->raised = raised;
	runtime_alert(rt, row->severity, raised, row->rule, rt->name, raised ? row->raised : row->over);
}

void peers_watch(struct runtime *rt)
{
	int64_t mono = runtime_mono(rt);
	watch_silence(rt, mono);
	for (size_t i = 0; i < PEERS_TROUBLES; i++)
		watch_trouble(rt, &troubles[i], &rt->troubles[i], mono);
}
