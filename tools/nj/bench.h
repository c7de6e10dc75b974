/* bench - load of nj's own on the bus: what a publisher gets out, what a subscriber gets in, and how late.
 *
 * A message is an event as any other: packed, logged (lane M) or journalled (lane X), sent, received, unpacked. Its
 * ts_event is the moment it was due, so that a publisher that falls behind shows as latency and is not left out of the
 * figure. Warm-up messages are sent and received but not measured. Messages are numbered, and lost ones counted.
 */
#ifndef NJ_TOOLS_NJ_BENCH_H
#define NJ_TOOLS_NJ_BENCH_H

#include "common/base/hist.h"
#include "proto/event.h"
#include "tools/nj/cli.h"

#define BENCH_CLIENTS_MAX 16
#define BENCH_SIZE_MIN 96 /* bytes: about the smallest event of lane M */
#define BENCH_SIZE_MAX 32768

struct bench_options {
	int64_t messages, size, rate, batch, warmup, clients, idle;
	const char *as, *lane, *csv;
};

/* What one side measured; crosses a pipe as it is. */
struct bench_result {
	uint64_t messages, lost, bytes;
	int64_t ns; /* from the first measured message to the last */
	struct hist latency;
	int failed; /* ERR_ of what ended it early; 0 */
};

struct bench_message {
	struct event ev;
	struct level level[EVENT_LEVELS_MAX / 2];
	size_t packed; /* bytes */
};
/* Fills in a message of about so many bytes; lane X has one size only. */
void bench_message_init(struct bench_message *m, enum lane lane, int64_t size);

/* Number of a message, from 1; 0 is a probe, sent until everybody has heard one. -1: it is no message. */
void bench_message_number(struct event *ev, int64_t number);
int64_t bench_number_of(const struct event *ev);

/* Publishes; ready_fds: so many readers write a byte each before it begins (n_ready 0: it waits a second). CLI_OK or an
 * exit code, told. */
int bench_publish(struct cli *cli, const struct bench_options *o, const int *ready_fds, size_t n_ready,
		  struct bench_result *ret_result);

/* Receives all messages of a publisher, or until nothing came for o->idle. ready_fd: gets a byte when connected; -1.
 * CLI_OK or an exit code, told. */
int bench_receive(struct cli *cli, const struct bench_options *o, int ready_fd, struct bench_result *ret_result);

int bench_run(struct cli *cli, const void *options, int argc, char **argv);

#endif
