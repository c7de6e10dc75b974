/* peers - who has fallen silent, and who is not let in: what the bus itself cannot tell is told here within 3 s.
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
	}
}

/* Somebody tries keys that are not let in: a revoked one, a stranger's, or our own that nobody has copied yet. */
static void watch_refused(struct runtime *rt, int64_t mono)
{
	uint64_t n = rt->bus->counters.auth_failures;
	if (n != rt->auth_failures)
		rt->auth_failed_at = mono;
	rt->auth_failures = n;
	bool raised = rt->auth_failed_at && mono - rt->auth_failed_at < QUIET_NS;
	if (raised == rt->auth_alert)
		return;
	rt->auth_alert = raised;
	runtime_alert(rt, severity_critical, raised, "bus_refused", rt->s->name,
		      raised ? "somebody without a key that is let in tries to connect; the log says from where and why"
			     : "nobody has tried for a minute");
}

void peers_watch(struct runtime *rt)
{
	int64_t mono = runtime_mono(rt);
	watch_silence(rt, mono);
	watch_refused(rt, mono);
}
