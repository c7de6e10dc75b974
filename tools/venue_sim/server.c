/* server - the listening socket, new clients, and the tick that looks after them. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/io/log.h"
#include "tools/venue_sim/session.h"

#define TICK_NS (25 * NS_PER_MS)
#define ACCEPTS_A_TURN 32
#define FOLLOW_NS (60 * NS_PER_S) /* at speed 1 */
#define FOLLOW_LINES 4000         /* a tick */

static void on_accept(void *ctx, int events)
{
	struct sim *sim = ctx;

	(void)events;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		int fd = accept4(sim->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		if (session_new(sim, fd) == 0)
			continue;
		sim->truth.refused++;
		log_warn("client refused: all sessions are taken", "max=%d", SIM_SESSIONS_MAX);
		close(fd);
	}
}

/* The cursor for stamped requests stays near those who may ask, where the clock sets the pace; it
 * never passes them: to go back would mean to begin anew. */
static void follow_players(struct sim *sim)
{
	int64_t slowest = INT64_MAX, behind = FOLLOW_NS * sim->o->speed;

	for (uint32_t i = 0; i < SIM_SESSIONS_MAX; i++) {
		const struct session *s = sim->session[i];
		if (s != NULL && s->stamped && s->player.position < slowest)
			slowest = s->player.position;
	}
	if (sim->o->speed > 0 && slowest != INT64_MAX && slowest > sim->rec.first_stamp + behind)
		asked_follow(&sim->asked, slowest - behind, FOLLOW_LINES);
}

static void on_tick(void *ctx)
{
	struct sim *sim = ctx;
	int64_t now = clock_mono(loop_clock(sim->loop));

	for (uint32_t i = 0; i < SIM_SESSIONS_MAX; i++)
		if (sim->session[i] != NULL)
			session_tick(sim->session[i], now);
	manners_tick(sim, now);
	follow_players(sim);
	if (sim->any_ended)
		sim_ended(sim);
}

static int listen_on(const struct addrinfo *a, int *ret_fd)
{
	int on = 1;
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_from_errno(errno);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, a->ai_addr, a->ai_addrlen) != 0 || listen(fd, 64) != 0) {
		int rc = errno == EADDRINUSE ? ERR_BUSY : err_from_errno(errno);
		close(fd);
		return rc;
	}
	*ret_fd = fd;
	return 0;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);
	char port[8];

	if (getsockname(fd, (struct sockaddr *)&at, &len) != 0 ||
	    getnameinfo((struct sockaddr *)&at, len, NULL, 0, port, sizeof(port), NI_NUMERICSERV) !=
		    0)
		return 0;
	unsigned value = 0;
	for (const char *c = port; *c != '\0'; c++)
		value = value * 10 + (unsigned)(*c - '0');
	return (uint16_t)value;
}

static int resolve_and_listen(struct sim *sim, char *reason, size_t cap)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list;
	char host[64], service[8];
	uint16_t port;
	int rc = options_address(sim->o->listen, host, sizeof(host), &port);

	if (rc != 0)
		return rc;
	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(host, service, &hints, &list) != 0) {
		snprintf(reason, cap, "%s: no such address", sim->o->listen);
		return ERR_DNS;
	}
	rc = listen_on(list, &sim->listen_fd);
	freeaddrinfo(list);
	if (rc != 0)
		snprintf(reason, cap, "%s: %s", sim->o->listen, err_text(rc));
	return rc;
}

static int write_port(const struct sim *sim, char *reason, size_t cap)
{
	char part[1024];
	FILE *f;

	if (sim->o->port_file == NULL)
		return 0;
	snprintf(part, sizeof(part), "%s.part", sim->o->port_file);
	f = fopen(part, "we");
	if (f == NULL || fprintf(f, "%u\n", sim->port) < 0 || fclose(f) != 0 ||
	    rename(part, sim->o->port_file) != 0) {
		snprintf(reason, cap, "%s: cannot be written", sim->o->port_file);
		return ERR_IO;
	}
	return 0;
}

int server_open(struct sim *sim, char *reason, size_t cap)
{
	int rc = resolve_and_listen(sim, reason, cap);

	if (rc != 0)
		return rc;
	sim->port = port_of(sim->listen_fd);
	if (strncmp(sim->o->listen, "127.", 4) != 0 && strncmp(sim->o->listen, "[::1]", 5) != 0 &&
	    strncmp(sim->o->listen, "localhost:", 10) != 0)
		log_warn("listening beyond loopback: whoever reaches it can give it faults",
			 "at=%s", sim->o->listen);
	rc = loop_fd(sim->loop, sim->listen_fd, LOOP_IN, on_accept, sim, &sim->listen_source);
	if (rc == 0)
		rc = loop_timer(sim->loop, TICK_NS, TICK_NS, on_tick, sim, &sim->tick);
	if (rc != 0)
		snprintf(reason, cap, "%s", err_text(rc));
	return rc != 0 ? rc : write_port(sim, reason, cap);
}

void server_close(struct sim *sim)
{
	loop_end(&sim->listen_source);
	loop_end(&sim->tick);
	if (sim->listen_fd >= 0)
		close(sim->listen_fd);
	sim->listen_fd = -1;
}
