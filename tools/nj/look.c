/* look - locks tell who lives, heartbeats who works, status replies the rest. */
#include "tools/nj/look.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/nearest.h"
#include "tools/nj/stack.h"

enum { ANSWER_NS = 1500000000, FAR_NS = 1000000000 };

pid_t look_holder(const char *bus_dir, const char *name)
{
	struct stack s;
	stack_scan(bus_dir, &s);
	const struct stack_member *m = stack_find(&s, name);
	return m ? m->pid : 0;
}

int64_t look_uptime(pid_t pid)
{
	char path[64], line[1024];
	double up = 0;
	unsigned long long ticks = 0;
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "re");
	bool ok = f && fgets(line, sizeof line, f);
	if (f)
		fclose(f);
	/* Field 22, counted from behind the name, which may hold anything. */
	const char *at = ok ? strrchr(line, ')') : NULL;
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (!at || sscanf(at, "%llu", &ticks) != 1)
		return 0;
	f = fopen("/proc/uptime", "re");
	ok = f && fscanf(f, "%lf", &up) == 1;
	if (f)
		fclose(f);
	double ns = (up - (double)ticks / (double)sysconf(_SC_CLK_TCK)) * 1e9;
	return ok && ns > 0 ? (int64_t)ns : 0;
}

int look_find(const struct cli *cli, const char *name)
{
	struct nearest n;
	struct run_settings run;
	char all[400] = "";
	if (stack_settings(cli, &run) != CLI_OK)
		return -1;
	nearest_init(&n, name);
	for (size_t i = 0, used = 0; i < services_n; i++) {
		if (strcmp(services_names[i], name) == 0)
			return (int)i;
		nearest_offer(&n, services_names[i]);
		used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", services_names[i]);
	}
	if (nearest_get(&n))
		cli_usage(cli, "there is no service '%s' (did you mean '%s'?)", name, nearest_get(&n));
	else
		cli_usage(cli, "there is no service '%s'; there are %s", name, all);
	return -1;
}

int look_client(const struct cli *cli, struct client *ret_client)
{
	char reason[400] = "";
	int rc = client_open(ret_client, cli->config_path, cli->set.at, cli->set.n, reason, sizeof reason);
	if (rc == 0)
		return CLI_OK;
	client_close(ret_client);
	return cli_fail(cli,
			rc == ERR_ARG         ? CLI_USAGE
			: rc == ERR_NOT_FOUND ? CLI_NOT_RUNNING
					      : CLI_FAILED,
			"%s", reason[0] ? reason : err_text(rc));
}

bool look_deserted(const struct client *c)
{
	struct stack s;
	stack_scan(c->run.bus_dir, &s);
	return !client_far(c) && s.n == 0;
}

int look_living(const struct cli *cli, struct client *ret_client)
{
	int rc = look_client(cli, ret_client);
	if (rc != CLI_OK || !look_deserted(ret_client))
		return rc;
	rc = cli_fail(cli, CLI_NOT_RUNNING, LOOK_DESERTED, ret_client->run.bus_dir);
	client_close(ret_client);
	return rc;
}

/* ---- heartbeats and answers ---- */

static void on_frame(void *ctx, struct bus_link *link, const uint8_t *frame, size_t len)
{
	static uint8_t memory[EVENT_PAIRS_MAX * sizeof(struct pair)];
	struct look *l = ctx;
	struct look_service *s = link->tag;
	struct arena arena = {.at = memory, .cap = sizeof memory};
	struct event ev;
	const char *topic;
	const uint8_t *body;
	size_t topic_len, left, used;
	if (codec_split(frame, len, &topic, &topic_len, &body, &left) != 0 ||
	    codec_unpack(body, left, &arena, &ev, &used) != 0 || ev.id != EVENT_heartbeat)
		return;
	int64_t now = clock_mono(loop_clock(l->client.loop));
	if (s->beats++ == 0) {
		s->first_at = now;
		s->first_progress = ev.heartbeat.progress;
	}
	s->last_at = now;
	s->beat = ev.heartbeat;
	s->beat.acks = s->beat.ack_epochs = (struct pairs){NULL, 0};
}

int look_ask(struct client *c, const char *service, int64_t timeout_ns)
{
	struct event request;
	client_request_init(&request, verb_status);
	return client_ask(c, service, &request, timeout_ns);
}

static void ask(struct look *l, struct look_service *s)
{
	bool far = !s->pid && client_far(&l->client);
	if ((!s->pid && !far) || look_ask(&l->client, s->name, far ? FAR_NS : ANSWER_NS) != 0)
		return;
	if (far)
		s->pid = (pid_t)client_value(&l->client, "pid", 0);
	const struct pairs *v = &l->client.reply.reply.values;
	s->answered = true;
	s->n_pairs = v->n < EVENT_PAIRS_MAX ? v->n : EVENT_PAIRS_MAX;
	memcpy(s->pairs, v->at, s->n_pairs * sizeof s->pairs[0]);
	event_set_text(s->version, l->client.reply.reply.message);
}

static void listen(struct look *l)
{
	static const char *const beats[] = {"heartbeat", NULL};
	struct bus_link *link;
	for (size_t i = 0; i < services_n; i++)
		if (l->at[i].pid || client_far(&l->client))
			bus_subscribe(l->client.bus, l->at[i].name, LANE_M, beats, &l->at[i], &link);
}

int look_take(const struct cli *cli, struct look *ret_look)
{
	struct look *l = ret_look;
	memset(l, 0, sizeof *l);
	int rc = look_client(cli, &l->client);
	if (rc)
		return rc;
	l->client.on_frame = on_frame;
	l->client.ctx = l;
	bool any = false;
	for (size_t i = 0; i < services_n; i++) {
		l->at[i].name = services_names[i];
		l->at[i].pid = look_holder(l->client.run.bus_dir, services_names[i]);
		l->at[i].uptime = l->at[i].pid ? look_uptime(l->at[i].pid) : 0;
		any = any || l->at[i].pid;
	}
	listen(l);
	int64_t start = clock_mono(loop_clock(l->client.loop));
	for (size_t i = 0; i < services_n; i++)
		ask(l, &l->at[i]);
	for (size_t i = 0; i < services_n; i++)
		any = any || l->at[i].pid;
	int64_t left = l->client.run.heartbeat_ns * 5 / 2 - (clock_mono(loop_clock(l->client.loop)) - start);
	if (any && left > 0)
		client_run(&l->client, left);
	l->wall = clock_wall(loop_clock(l->client.loop));
	return CLI_OK;
}

void look_fini(struct look *l)
{
	client_close(&l->client);
}

/* ---- what it means ---- */

int64_t look_value(const struct look_service *s, const char *name, int64_t fallback)
{
	for (uint32_t i = 0; i < s->n_pairs; i++)
		if (strcmp(s->pairs[i].name, name) == 0)
			return s->pairs[i].value;
	return fallback;
}

int64_t look_rate(const struct look_service *s)
{
	int64_t ns = s->last_at - s->first_at;
	if (s->beats < 2 || ns <= 0 || s->beat.progress < s->first_progress)
		return -1;
	return (int64_t)((double)(s->beat.progress - s->first_progress) * 1e12 / (double)ns + 0.5);
}

/* Notes that say all is well, as far as a comma; any other is a complaint (see the services' beat functions). */
static bool is_complaint(const char *note)
{
	static const char *const fine[] = {"", "connected", "polling", "recording ended",
					    "running", "paused", "scanning"};
	size_t len = strcspn(note, ",");
	for (size_t i = 0; i < ARRAY_LEN(fine); i++)
		if (strlen(fine[i]) == len && memcmp(note, fine[i], len) == 0)
			return false;
	return true;
}

enum look_state look_state(const struct look *l, const struct look_service *s)
{
	if (!s->pid)
		return LOOK_STOPPED;
	if (!s->answered && s->beats == 0)
		return LOOK_SILENT;
	int64_t life = s->beats ? s->beat.state : look_value(s, "life", 0);
	if (life != life_running)
		return LOOK_STARTING;
	if (s->beats && is_complaint(s->beat.note))
		return LOOK_ILL;
	bool idle = s->beats && s->beat.silence_max && s->beat.worked_at &&
		    l->wall - s->beat.worked_at > s->beat.silence_max;
	return idle ? LOOK_IDLE : LOOK_RUNNING;
}

const char *look_state_text(const struct look *l, const struct look_service *s)
{
	switch (look_state(l, s)) {
	case LOOK_STOPPED:
		return "stopped";
	case LOOK_SILENT:
		return "not answering";
	case LOOK_IDLE:
		return "idle";
	case LOOK_STARTING:
	case LOOK_RUNNING:
	case LOOK_ILL:
		break;
	}
	return enum_text(enum_life(), (uint8_t)(s->beats ? s->beat.state : look_value(s, "life", 0)));
}
