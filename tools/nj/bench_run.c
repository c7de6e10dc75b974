/* bench_run - nj bench pub, sub and e2e: who runs where, and the table of what came out. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/clock.h"
#include "common/io/fs.h"
#include "tools/nj/bench.h"
#include "tools/nj/stack.h"
#include "tools/nj/table.h"

struct bench {
	struct cli *cli;
	const struct bench_options *o;
	bool has_pub;
	struct bench_result pub, sub[BENCH_CLIENTS_MAX];
	size_t n_subs;
	pid_t child[BENCH_CLIENTS_MAX];
	int pipe[BENCH_CLIENTS_MAX]; /* read ends, not blocking until the publisher is through */
};

/* ---- the table ---- */

static const struct table_column columns[] = {
	{"role", TABLE_TEXT, "pub, sub, or all subs together."},
	{"client", TABLE_ID, "Number of the subscriber."},
	{"messages", TABLE_INT, "Measured messages."},
	{"lost", TABLE_INT, "Measured messages that never came."},
	{"seconds", TABLE_NUMBER, "From the first (pub with a rate: from when that was due) to the last."},
	{"rate", TABLE_INT, "Messages a second."},
	{"throughput", TABLE_BYTES, "Bytes a second, of the events without topics."},
	{"p50", TABLE_SPAN, "Half were here within this time after they were due."},
	{"p90", TABLE_SPAN, "9 of 10."},
	{"p99", TABLE_SPAN, "99 of 100."},
	{"p999", TABLE_SPAN, "999 of 1000."},
	{"max", TABLE_SPAN, "The latest."},
	{"mean", TABLE_SPAN, "On average."},
	{0},
};

static double per_second(uint64_t n, int64_t ns)
{
	return ns > 0 ? (double)n * 1e9 / (double)ns : 0;
}

static void put_latency(struct table *t, const struct hist *h)
{
	static const double at[] = {0.5, 0.9, 0.99, 0.999};
	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		h->count ? table_int(t, (int64_t)hist_quantile(h, at[i])) : table_null(t);
	h->count ? table_int(t, (int64_t)h->max) : table_null(t);
	h->count ? table_int(t, (int64_t)(h->sum / h->count)) : table_null(t);
}

static void put_row(struct table *t, const char *role, size_t client, const struct bench_result *r)
{
	char seconds[32];
	bool pub = strcmp(role, "pub") == 0;
	table_text(t, role);
	client ? table_int(t, (int64_t)client) : table_null(t);
	table_int(t, (int64_t)r->messages);
	pub ? table_null(t) : table_int(t, (int64_t)r->lost);
	snprintf(seconds, sizeof seconds, "%.3f", (double)r->ns / 1e9);
	table_text(t, seconds);
	table_int(t, (int64_t)(per_second(r->messages, r->ns) + 0.5));
	table_int(t, (int64_t)(per_second(r->bytes, r->ns) + 0.5));
	put_latency(t, &r->latency);
}

static int put_table(struct bench *b)
{
	static struct bench_result all;
	struct table *t;
	int rc = table_open(b->cli, columns, &t);
	if (rc)
		return rc;
	if (b->has_pub)
		put_row(t, "pub", 0, &b->pub);
	memset(&all, 0, sizeof all);
	hist_init(&all.latency);
	for (size_t i = 0; i < b->n_subs; i++) {
		const struct bench_result *r = &b->sub[i];
		put_row(t, "sub", i + 1, r);
		all.messages += r->messages;
		all.lost += r->lost;
		all.bytes += r->bytes;
		all.ns = r->ns > all.ns ? r->ns : all.ns;
		hist_merge(&all.latency, &r->latency);
	}
	if (b->n_subs > 1)
		put_row(t, "all", 0, &all);
	return table_close(t);
}

/* "min … | avg … | max … | stddev …", as nats bench has it. */
static void put_spread(const struct bench *b)
{
	double min = INFINITY, max = 0, sum = 0, squares = 0;
	char text[4][TABLE_SHORT_MAX];
	if (b->n_subs < 2 || b->cli->format != CLI_AS_TABLE)
		return;
	for (size_t i = 0; i < b->n_subs; i++) {
		double rate = per_second(b->sub[i].messages, b->sub[i].ns);
		min = fmin(min, rate);
		max = fmax(max, rate);
		sum += rate;
		squares += rate * rate;
	}
	double mean = sum / (double)b->n_subs, variance = squares / (double)b->n_subs - mean * mean;
	fprintf(b->cli->out, "min %s | avg %s | max %s | stddev %s msgs/s\n", table_thousands((int64_t)min, text[0]),
		table_thousands((int64_t)mean, text[1]), table_thousands((int64_t)max, text[2]),
		table_thousands((int64_t)sqrt(fmax(variance, 0)), text[3]));
}

static int put_csv(struct bench *b)
{
	struct cli *cli = b->cli;
	FILE *out = cli->out, *f = fopen(b->o->csv, "we");
	enum cli_format format = cli->format;
	if (!f)
		return cli_fail(cli, CLI_FAILED, "%s: %s", b->o->csv, strerror(errno));
	cli->out = f;
	cli->format = CLI_AS_CSV;
	int rc = put_table(b);
	cli->out = out;
	cli->format = format;
	bool failed = fclose(f) != 0;
	return rc ? rc : failed ? cli_fail(cli, CLI_FAILED, "%s: %s", b->o->csv, strerror(errno)) : CLI_OK;
}

static int report(struct bench *b)
{
	int rc = put_table(b);
	put_spread(b);
	if (!rc && b->o->csv)
		rc = put_csv(b);
	bool lost = false;
	for (size_t i = 0; i < b->n_subs; i++)
		lost = lost || b->sub[i].lost > 0;
	return rc ? rc : lost ? CLI_DATA : CLI_OK;
}

static void banner(const struct bench *b, const char *what)
{
	static struct bench_message m;
	const struct bench_options *o = b->o;
	char count[TABLE_SHORT_MAX], rate[TABLE_SHORT_MAX], warmup[TABLE_SHORT_MAX];
	bench_message_init(&m, o->lane[0] == 'x' ? LANE_X : LANE_M, o->size);
	cli_note(b->cli,
		 "%s as %s: lane %s, %s messages of %zu bytes, %s%s, batches of %" PRId64 ", warm-up %s, %" PRId64
		 " subscriber%s",
		 what, o->as, o->lane, table_thousands(o->messages, count), m.packed,
		 o->rate ? table_thousands(o->rate, rate) : "flat out", o->rate ? " a second" : "", o->batch,
		 table_thousands(o->warmup, warmup), o->clients, o->clients == 1 ? "" : "s");
}

/* ---- e2e: subscribers are processes of their own, made before any socket exists ---- */

static void run_child(struct bench *b, int fd)
{
	static struct bench_result r;
	int rc = bench_receive(b->cli, b->o, fd, &r);
	if (rc == CLI_OK && fs_write(fd, &r, sizeof r) != 0)
		rc = CLI_FAILED;
	_exit(rc);
}

static int make_children(struct bench *b)
{
	fflush(NULL);
	for (size_t i = 0; i < (size_t)b->o->clients; i++) {
		int ends[2];
		if (pipe2(ends, O_CLOEXEC) != 0)
			return err_from_errno(errno);
		pid_t pid = fork();
		if (pid == 0) {
			close(ends[0]);
			run_child(b, ends[1]);
		}
		close(ends[1]);
		b->pipe[i] = ends[0];
		b->child[i] = pid;
		b->n_subs = i + 1;
		if (pid < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
			return err_from_errno(errno);
	}
	return 0;
}

static bool read_result(int fd, struct bench_result *r)
{
	char *at = (char *)r;
	size_t left = sizeof *r;
	fcntl(fd, F_SETFL, 0);
	while (left > 0) {
		ssize_t n = read(fd, at, left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		left -= (size_t)n;
	}
	return true;
}

/* Where the publisher failed its subscribers are ended; they hold nothing. */
static int collect(struct bench *b, bool failed)
{
	int rc = CLI_OK, status;
	for (size_t i = 0; i < b->n_subs; i++) {
		if (b->child[i] <= 0)
			continue;
		if (failed)
			kill(b->child[i], SIGTERM);
		else if (!read_result(b->pipe[i], &b->sub[i]))
			rc = cli_fail(b->cli, CLI_FAILED, "subscriber %zu ended early", i + 1);
		close(b->pipe[i]);
		waitpid(b->child[i], &status, 0);
	}
	return rc;
}

static int run_e2e(struct bench *b)
{
	struct run_settings run;
	int rc = stack_settings(b->cli, &run);
	if (rc)
		return rc;
	/* The subscribers look for it before the publisher has made it. */
	int err = stack_make_dirs(run.bus_dir);
	if (!err)
		err = make_children(b);
	if (err)
		rc = cli_fail(b->cli, CLI_FAILED, "%s", err_text(err));
	if (!rc)
		rc = bench_publish(b->cli, b->o, b->pipe, b->n_subs, &b->pub);
	b->has_pub = true;
	int collected = collect(b, rc != CLI_OK);
	return rc ? rc : collected;
}

int bench_run(struct cli *cli, const void *options, int argc, char **argv)
{
	static struct bench b;
	const char *what = argv[0];
	b = (struct bench){.cli = cli, .o = options};
	int rc;
	(void)argc;
	if (strcmp(what, "pub") == 0) {
		banner(&b, what);
		b.has_pub = true;
		rc = bench_publish(cli, b.o, NULL, 0, &b.pub);
	} else if (strcmp(what, "sub") == 0) {
		b.n_subs = 1;
		rc = bench_receive(cli, b.o, -1, &b.sub[0]);
	} else if (strcmp(what, "e2e") == 0) {
		banner(&b, what);
		rc = run_e2e(&b);
	} else {
		return cli_usage(cli, "'%s' is none of pub, sub, e2e", what);
	}
	return rc ? rc : report(&b);
}
