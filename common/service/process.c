/* process - what every service tells of its process: memory, threads, descriptors, processor time. */
#include "common/service/runtime_state.h"

enum { USAGE_EVERY_NS = 1000000000 };

#define GAUGE(name, member, doc) {name, METRIC_GAUGE, doc, offsetof(struct usage, member)}
const struct metric_row process_metrics[] = {
	GAUGE("process_resident_bytes", rss, "Resident memory: anonymous, shared and mapped files."),
	GAUGE("process_anonymous_bytes", anon, "Resident memory that is no file's: only here can a process leak."),
	GAUGE("process_heap_bytes", heap, "Handed out by malloc, touched or not."),
	GAUGE("process_threads", threads, "Threads."),
	GAUGE("process_open_fds", fds, "Open descriptors."),
	{"process_cpu_ns_total", METRIC_COUNTER, "Processor time since the start, ns.", offsetof(struct usage, cpu_ns)},
	{0},
};

const struct usage *process_usage(struct runtime *rt)
{
	int64_t mono = runtime_mono(rt);
	if (rt->usage_at == 0 || mono - rt->usage_at >= USAGE_EVERY_NS) {
		usage_read(&rt->usage);
		rt->usage_at = mono;
	}
	return &rt->usage;
}
