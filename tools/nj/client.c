/* client - nj's side of the bus: one request at a time with a time limit, and plain subscriptions. */
#include "tools/nj/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/log.h"
#include "tools/nj/services.h"

enum { PAGE_MAX = BUS_FRAME_X_MAX, FIRST_RETRY_NS = 20000000 };
#define EXPIRES_NS (INT64_C(30) * 1000000000)

static void on_frame(void *ctx, struct bus_link *link, const uint8_t *frame, size_t len)
{
	struct client *c = ctx;
	if (c->on_frame)
		c->on_frame(c->ctx, link, frame, len);
}

static void on_request(void *ctx, const struct bus_peer *peer, const uint8_t *request, size_t len)
{
	(void)ctx, (void)peer, (void)request, (void)len; /* nobody can ask us: we bind nothing */
}

static void on_reply(void *ctx, const char *publisher, const uint8_t *reply, size_t len, const uint8_t *page,
		     size_t page_len)
{
	struct client *c = ctx;
	struct event ev;
	size_t used;
	(void)publisher;
	c->arena.used = 0;
	if (codec_unpack(reply, len, &c->arena, &ev, &used) || ev.id != EVENT_reply)
		return;
	if (ev.reply.id != c->waits_for) {
		if (c->on_reply)
			c->on_reply(c->ctx, &ev, page, page_len);
		return;
	}
	c->reply = ev;
	buf_clear(&c->page);
	c->answered = buf_append(&c->page, page, page_len) == 0;
	loop_stop(c->loop);
}

static const struct bus_handler handler = {.on_frame = on_frame, .on_request = on_request, .on_reply = on_reply};

static int load(struct client *c, const char *path, const char *const *flags, size_t n_flags, char *reason, size_t cap)
{
	struct config_section sections[SETTINGS_SECTIONS_MAX];
	struct config_error err = {{0}};
	uint32_t n = settings_sections(&c->run, NULL, NULL, sections);
	int rc = config_new(sections, n, settings_foreign, &c->config);
	if (!rc)
		rc = config_load(c->config, path, flags, n_flags, NULL, &err);
	if (!rc)
		rc = services_learn(&c->run, err.text, sizeof err.text);
	if (rc)
		snprintf(reason, cap, "%s", err.text[0] ? err.text : err_text(rc));
	return rc ? ERR_ARG : 0;
}

int client_open(struct client *c, const char *config_path, const char *const *flags, size_t n_flags, char *reason,
		size_t cap)
{
	memset(c, 0, sizeof *c);
	buf_init(&c->page, PAGE_MAX);
	c->arena = (struct arena){.cap = ARENA_SIZE, .at = malloc(ARENA_SIZE)};
	if (!c->arena.at)
		return ERR_NOMEM;
	int rc = load(c, config_path, flags, n_flags, reason, cap);
	if (rc)
		return rc;
	struct bus_zmq_options o = settings_bus(&c->run, "operator");
	if (!o.tcp && access(c->run.bus_dir, F_OK) != 0) {
		snprintf(reason, cap, "nothing runs: there is no bus at %s (setting bus.dir)", c->run.bus_dir);
		return ERR_NOT_FOUND;
	}
	rc = loop_new(clock_real(), &c->loop);
	if (!rc)
		rc = bus_zmq_open(c->loop, &o, &handler, c, &c->bus, reason, cap);
	return rc;
}

void client_close(struct client *c)
{
	bus_close(&c->bus);
	loop_free(c->loop);
	config_free(c->config);
	buf_fini(&c->page);
	free(c->arena.at);
	memset(c, 0, sizeof *c);
}

void client_request_init(struct event *request, enum verb verb)
{
	event_init(request, EVENT_request);
	memcpy(request->source, "nj", 3);
	request->request.verb = (uint8_t)verb;
	uint64_t id[2];
	char nonce[EVENT_NAME_MAX];
	/* Only what changes something needs them; nobody minds otherwise. */
	if (getrandom(id, sizeof id, 0) == (ssize_t)sizeof id) {
		snprintf(nonce, sizeof nonce, "%016llx%016llx", (unsigned long long)id[0], (unsigned long long)id[1]);
		event_set_name(request->request.nonce, nonce);
	}
	request->request.expires_at = clock_wall(clock_real()) + EXPIRES_NS;
	const char *user = config_env("USER");
	event_set_name(request->request.owner, user ? user : "operator");
}

static void on_time(void *ctx)
{
	struct client *c = ctx;
	loop_stop(c->loop);
}

void client_run(struct client *c, int64_t ns)
{
	struct loop_source *timer = NULL;
	int64_t start = clock_mono(clock_real());
	if (loop_timer(c->loop, ns, 0, on_time, c, &timer))
		return;
	loop_run(c->loop);
	/* One that has fired has ended itself. */
	if (clock_mono(clock_real()) - start < ns)
		loop_end(&timer);
}

void client_stop(struct client *c)
{
	loop_stop(c->loop);
}

int client_ask(struct client *c, const char *service, struct event *request, int64_t timeout_ns)
{
	static uint64_t next_id;
	uint8_t packed[2048];
	request->request.id = c->waits_for = ++next_id + ((uint64_t)getpid() << 32);
	int n = codec_pack(request, packed, sizeof packed);
	must(n > 0);
	c->answered = false;
	int64_t end = clock_mono(clock_real()) + timeout_ns;
	/* A connection takes a moment; until it stands, sending fails at once. */
	int rc = ERR_AGAIN;
	while ((rc = bus_request(c->bus, service, packed, (size_t)n)) == ERR_AGAIN) {
		if (clock_mono(clock_real()) >= end)
			return ERR_TIMEOUT;
		client_run(c, FIRST_RETRY_NS);
	}
	int64_t left;
	while (!rc && !c->answered && (left = end - clock_mono(clock_real())) > 0)
		client_run(c, left);
	rc = rc ? rc : c->answered ? 0 : ERR_TIMEOUT;
	if (rc && c->bus->counters.handshake_failures)
		log_warn("the handshake failed", "service=%s remedy=%s", service,
			 "its bus.keys must have our .pub, and ours its own: nj keys list on both hosts");
	return rc;
}

bool client_far(const struct client *c)
{
	return strcmp(c->run.bus_transport, "tcp") == 0;
}

int64_t client_value(const struct client *c, const char *name, int64_t fallback)
{
	const struct pairs *v = &c->reply.reply.values;
	for (uint32_t i = 0; i < v->n; i++)
		if (strcmp(v->at[i].name, name) == 0)
			return v->at[i].value;
	return fallback;
}
