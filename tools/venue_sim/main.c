/* main - venue_sim: a local exchange that speaks the venues' own protocols. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/io/log.h"
#include "tools/venue_sim/options.h"
#include "tools/venue_sim/sim.h"

enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static void on_signal(void *ctx, int events)
{
	(void)events;
	log_info("signal, ending", NULL);
	loop_stop(ctx);
}

static int serve(struct sim *sim)
{
	char reason[300] = "";
	int rc = server_open(sim, reason, sizeof(reason));

	if (rc != 0) {
		fprintf(stderr, "venue_sim: %s\n", reason);
		server_close(sim);
		return EXIT_FAILED;
	}
	log_info("listening", "port=%u tls=%d origin=%s", sim->port, sim->tls != NULL,
		 sim_origin(sim));
	printf("%u\n", sim->port);
	fflush(stdout);
	rc = loop_run(sim->loop);
	server_close(sim);
	return rc == 0 ? EXIT_FINE : EXIT_FAILED;
}

static int run(const struct options *o, struct loop *loop)
{
	static struct sim sim;
	struct loop_source *source = NULL;
	char reason[300] = "";
	int signals = open_signals(), code;
	int rc = sim_init(&sim, o, loop, reason, sizeof(reason));

	if (rc != 0) {
		fprintf(stderr, "venue_sim: %s\n", reason);
		close(signals);
		return EXIT_FAILED;
	}
	rc = loop_fd(loop, signals, LOOP_IN, on_signal, loop, &source);
	code = rc == 0 ? serve(&sim) : EXIT_FAILED;
	loop_end(&source);
	close(signals);
	sim_fini(&sim);
	return code;
}

int main(int argc, char **argv)
{
	struct options o;
	struct loop *loop;
	char reason[300] = "";
	int code;

	if (options_parse(&o, argc, argv, reason, sizeof(reason)) != 0) {
		fprintf(stderr, "venue_sim: %s\n", reason);
		return EXIT_USAGE;
	}
	if (o.help) {
		options_help(stdout);
		return EXIT_FINE;
	}
	if (o.version) {
		printf("venue_sim %s\n", NJ_VERSION);
		return EXIT_FINE;
	}
	log_open(&(struct log_options){.service = "venue_sim",
				       .level = o.quiet ? LOG_WARN : LOG_INFO});
	if (loop_new(clock_real(), &loop) != 0)
		return EXIT_FAILED;
	code = run(&o, loop);
	loop_free(loop);
	log_close();
	return code;
}
