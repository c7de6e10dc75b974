/* tap - the inside of `nj tap`: frames in, what passes the filters out, counted, recorded and
 * written. */
#ifndef NJ_TOOLS_NJ_TAP_H
#define NJ_TOOLS_NJ_TAP_H

#include "common/base/rng.h"
#include "proto/codec.h"
#include "tools/nj/tap_dump.h"
#include "tools/nj/tap_file.h"
#include "tools/nj/tap_format.h"
#include "tools/nj/tap_stats.h"

enum tap_form { TAP_PEOPLE, TAP_JSON, TAP_PRETTY, TAP_FORMAT, TAP_RAW, TAP_HEXDUMP, TAP_HEADERS, TAP_NOTHING };

struct tap_filters {
	const char *only[2 * CLI_LIST_MAX]; /* none: everything but telemetry */
	const char *never[CLI_LIST_MAX];
	size_t n_only, n_never;
	bool telemetry;
};

struct tap {
	struct cli *cli;
	struct tap_filters filters;
	enum tap_form form;
	struct tap_format format, delimiter;
	bool has_delimiter, no_newline, unbuffered;
	int64_t count_max; /* 0: no limit */
	uint64_t sample;   /* of 10^10: how many of the events are taken */
	struct rng rng;
	struct tap_stats stats;
	struct tap_writer writer; /* f NULL: nothing is recorded */
	struct tap_dump dump;     /* dir NULL: events go to cli->out */
	bool headers_json;        /* of TAP_HEADERS */
	bool quiet_gaps;          /* count them, tell nobody */
	struct arena arena;       /* owned */
	const char *translate;    /* shell command that each event goes through; NULL none */
	uint64_t untranslated;    /* it failed */
	struct buf line, other;   /* owned; other: what became of the line */
	uint64_t malformed, warned;
	bool done;  /* count reached, or nobody reads any more */
	int failed; /* of the recording */
	void (*on_done)(void *ctx);
	void *ctx;
};

/* The caller fills in what he wants of the plain members after it. ERR_NOMEM. */
int tap_init(struct tap *t, struct cli *cli, bool by_topic, int64_t now);
void tap_fini(struct tap *t);

/* Whether an event of this topic is shown. */
bool tap_wants(const struct tap_filters *f, const char *topic, bool telemetry);

void tap_on_frame(struct tap *t, const struct tap_frame *frame);
/* Looks at the sequence of a frame's first event without showing it: how many are missing before it. */
uint64_t tap_follow(struct tap *t, const struct tap_frame *frame);
/* Writes out what stdio holds; notices that nobody reads any more. */
void tap_flush(struct tap *t);

#endif
