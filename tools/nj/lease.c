/* lease - nj pause, resume and reset: commands to the executor, and the wait until they are in
 * force. */
#include <string.h>

#include "common/base/err.h"
#include "tools/nj/look.h"
#include "tools/nj/operate.h"
#include "tools/nj/table.h"

struct lease {
	struct cli *cli;
	const struct lease_options *o;
	struct client client;
	enum verb verb;
	char note[EVENT_NAME_MAX]; /* the executor's state of trading, by its heartbeats */
	uint32_t beats;
	bool applied; /* the answer says so: what the next heartbeat tells is the result */
	char state[EVENT_NAME_MAX]; /* of --account, as the answer has it: heartbeats tell of all accounts together */
};

static void on_frame(void *ctx, struct bus_link *link, const uint8_t *frame, size_t len)
{
	static uint8_t memory[EVENT_PAIRS_MAX * sizeof(struct pair)];
	struct lease *l = ctx;
	struct arena arena = {.at = memory, .cap = sizeof memory};
	struct event ev;
	const char *topic;
	const uint8_t *body;
	size_t topic_len, left, used;
	(void)link;
	if (codec_split(frame, len, &topic, &topic_len, &body, &left) != 0 ||
	    codec_unpack(body, left, &arena, &ev, &used) != 0 || ev.id != EVENT_heartbeat)
		return;
	event_set_name(l->note, ev.heartbeat.note);
	l->beats++;
	client_stop(&l->client);
}

static int64_t lease_of(const struct lease *l)
{
	return l->o->span ? l->o->span : l->o->lease;
}

static void take_state(struct lease *l, const char *message)
{
	static const char begins[] = "carried out: trading is ";
	l->applied = strncmp(message, "carried out", 11) == 0;
	if (l->o->account && strncmp(message, begins, sizeof begins - 1) == 0)
		event_set_name(l->state, message + sizeof begins - 1);
}

static int order(struct lease *l)
{
	struct event request;
	client_request_init(&request, l->verb);
	event_set_text(request.request.reason, l->o->reason);
	if (l->o->owner)
		event_set_name(request.request.owner, l->o->owner);
	if (l->o->account)
		event_set_name(request.request.target, l->o->account);
	request.request.lease = l->verb == verb_pause ? lease_of(l) : 0;
	request.request.all = l->o->all;
	request.request.expires_at = clock_wall(clock_real()) + l->o->timeout;
	int rc = client_ask(&l->client, "executor", &request, l->o->timeout);
	if (rc)
		return cli_fail(l->cli, rc == ERR_TIMEOUT ? CLI_NOT_RUNNING : CLI_FAILED,
				"the executor does not answer (%s); 'nj status' tells how it is", err_text(rc));
	const struct ev_reply *r = &l->client.reply.reply;
	if (r->result)
		return cli_fail(l->cli, CLI_FAILED, "refused: %s",
				r->message[0] ? r->message : err_text((int)r->result));
	take_state(l, r->message);
	return CLI_OK;
}

/* A pause under safe mode or a halt shows only when those are over: any state but `running` is no
 * trading. */
static bool in_force(const struct lease *l)
{
	if (l->applied)
		return l->note[0] != '\0';
	if (l->verb == verb_pause)
		return l->note[0] && strcmp(l->note, "running") != 0;
	return l->note[0] && strcmp(l->note, l->verb == verb_resume ? "paused" : "halted") != 0;
}

static int wait_for(struct lease *l)
{
	const struct clock *clock = loop_clock(l->client.loop);
	int64_t end = clock_mono(clock) + l->o->timeout, left;
	event_set_name(l->note, l->state); /* what was heard before the answer tells nothing */
	while (!l->o->account && (left = end - clock_mono(clock)) > 0 && !in_force(l))
		client_run(&l->client, left);
	if (!in_force(l) || (l->o->account && !l->state[0]))
		return cli_fail(l->cli, CLI_TIMEOUT,
				"accepted and journalled, but not in force yet; see 'nj status executor'");
	return CLI_OK;
}

static int conclude(const struct lease *l)
{
	char span[TABLE_SHORT_MAX];
	FILE *to = l->cli->out;
	if (l->o->account)
		fprintf(to, "%s: ", l->o->account);
	if (l->verb == verb_pause && strcmp(l->note, "paused") == 0)
		fprintf(to, "paused for %s: no new orders until then or 'nj resume'\n", table_span(lease_of(l), span));
	else if (l->verb == verb_resume && strcmp(l->note, "paused") == 0)
		fputs("your pause is over; others' are not (nj tap trading --lane x): nj resume --all ends them\n",
		      to);
	else if (strcmp(l->note, "running") == 0)
		fputs("running: orders are accepted\n", to);
	else
		fprintf(to,
			"done; trading is %s, for another reason or again: 'nj tap trading --lane x' and 'nj "
			"report' tell why\n",
			l->note);
	return strcmp(l->note, l->verb == verb_pause ? "paused" : "running") == 0 ? CLI_OK : CLI_DEGRADED;
}

int lease_run(struct cli *cli, const void *options, int argc, char **argv)
{
	static const char *const beats[] = {"heartbeat", NULL};
	static struct lease l;
	const char *name = cli->verb->name;
	struct bus_link *link;
	(void)argc;
	(void)argv;
	l = (struct lease){.cli = cli, .o = options};
	l.verb = strcmp(name, "pause") == 0 ? verb_pause : strcmp(name, "resume") == 0 ? verb_resume : verb_reset;
	if (!l.o->reason || !l.o->reason[0])
		return cli_usage(cli, "give a --reason: it is journalled with the command");
	int rc = look_living(cli, &l.client);
	if (rc)
		return rc;
	l.client.on_frame = on_frame;
	l.client.ctx = &l;
	if (bus_subscribe(l.client.bus, "executor", LANE_M, beats, NULL, &link) != 0)
		rc = cli_fail(cli, CLI_FAILED, "cannot subscribe");
	if (!rc)
		rc = order(&l);
	if (!rc)
		rc = wait_for(&l);
	if (!rc)
		rc = conclude(&l);
	client_close(&l.client);
	return rc;
}
