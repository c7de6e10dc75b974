/* pipeline - what the lines of bench_pipeline share beside stages.h: their start, their orders, their CPU. */
#ifndef NJ_TESTS_PIPELINE_H
#define NJ_TESTS_PIPELINE_H

#include <sys/resource.h>

#include <czmq.h>

#include "tests/bench/stages.h"

static const char topic[] = "trade.BINANCE.BTCUSDT";

/* What the processes of a run tell each other beside their line. */
static struct shared {
	_Atomic int64_t began_cpu[3]; /* ns of CPU a stage had used when its first tick came */
	int done[2];                  /* pipe: the last stage's count of orders, to the feeder */
} *shared;

static inline int64_t cpu_of(const struct rusage *u)
{
	return (int64_t)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * NS_PER_S +
	       (int64_t)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) * 1000;
}

static inline void on_first(int stage)
{
	struct rusage u;
	must(getrusage(RUSAGE_SELF, &u) == 0);
	shared->began_cpu[stage] = cpu_of(&u);
}

/* For the lines without stages.h: once for each process. */
static inline void first_tick(int stage)
{
	static bool began;
	if (!began)
		on_first(stage);
	began = true;
}

/* The last stage of each line. True: that was the last one. */
static inline bool on_order(const struct line *l, int64_t stamp, int64_t ordinal)
{
	static int64_t last;
	(void)stamp;
	must(ordinal == last + 1); /* none lost, none twice */
	last = ordinal;
	must(write(shared->done[1], &last, sizeof last) == sizeof last);
	return last == l->orders;
}

/* XPUB hands its subscriptions out: nothing is sent before there is one. */
static inline void wait_for_subscriber(void *publisher)
{
	char word[8];
	must(zmq_recv(publisher, word, sizeof word, 0) == 1);
}

static inline void tell_ready(const struct line *l, int word)
{
	must(write(l->ready[1], &word, sizeof word) == sizeof word);
}

#endif
