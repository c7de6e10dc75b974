/* manners - see manners.h. */
#include "tools/venue_sim/manners.h"

#include <inttypes.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/base/json.h"
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/sim.h"

#define LATER_BYTES ((size_t)1 << 20)
#define REPORT_MAX 4096

int manners_open(struct manners *m)
{
	int rc = ring_init(&m->reports, LATER_BYTES);

	buf_init(&m->kept, REPORT_MAX);
	return rc != 0 ? rc : ring_init(&m->requests, LATER_BYTES);
}

void manners_close(struct manners *m)
{
	ring_fini(&m->reports);
	ring_fini(&m->requests);
	buf_fini(&m->kept);
}

const struct manner_fault *manners_strike(struct manners *m, bool places)
{
	struct manner_fault *f = &m->fault;

	if (f->kind == MANNER_GOOD || f->count == 0 || f->of == (places ? MANNER_OF_CANCEL : MANNER_OF_PLACE))
		return NULL;
	f->count--;
	m->struck++;
	return f;
}

/* ---- later ---- */

static int keep(struct ring *r, int64_t due, struct text text)
{
	uint8_t *at;
	int rc = ring_reserve(r, sizeof(due) + text.len, &at);

	if (rc != 0)
		return rc;
	memcpy(at, &due, sizeof(due));
	memcpy(at + sizeof(due), text.at, text.len);
	ring_commit(r);
	return 0;
}

/* The oldest, where it is due. */
static bool is_due(const struct ring *r, int64_t now, struct text *ret_text)
{
	int64_t due;
	size_t len;
	const uint8_t *at = ring_front(r, &len);

	if (at == NULL)
		return false;
	memcpy(&due, at, sizeof(due));
	*ret_text = (struct text){(const char *)at + sizeof(due), len - sizeof(due)};
	return due <= now;
}

static int64_t loop_now(const struct sim *sim)
{
	return clock_mono(loop_clock(sim->loop));
}

bool manners_later(struct sim *sim, const struct request *r, int64_t after_ms)
{
	struct text head = {r->method.at, r->head_len};

	return keep(&sim->manners.requests, loop_now(sim) + after_ms * NS_PER_MS, head) == 0;
}

static void send(struct sim *sim, struct text text)
{
	struct manners *m = &sim->manners;

	m->reported++;
	if (m->late_ms == 0 && m->reports.count == 0)
		wallet_send(sim, text);
	else
		(void)keep(&m->reports, loop_now(sim) + m->late_ms * NS_PER_MS, text); /* no room: it is lost */
}

static void send_kept(struct sim *sim)
{
	struct manners *m = &sim->manners;

	if (m->kept.len > 0)
		send(sim, (struct text){(const char *)m->kept.at, m->kept.len});
	buf_clear(&m->kept);
}

void manners_report(struct sim *sim, struct text text)
{
	struct manners *m = &sim->manners;

	if (m->muted > 0) {
		m->muted--;
		return;
	}
	if (m->swapped > 0 && m->kept.len == 0 && buf_append(&m->kept, text.at, text.len) == 0) {
		m->swapped--;
		return;
	}
	send(sim, text);
	if (m->twice > 0) {
		m->twice--;
		send(sim, text);
	}
	send_kept(sim);
}

/* It was checked when it came. */
static void carry_out(struct sim *sim, struct text head)
{
	struct request r;
	struct reply reply;

	if (request_parse(head.at, head.len, &r) != 0)
		return;
	reply_init(&reply);
	desk_binance_do(sim, &r, &reply);
	reply_fini(&reply);
}

void manners_tick(struct sim *sim, int64_t now)
{
	struct text text;

	while (is_due(&sim->manners.requests, now, &text)) {
		carry_out(sim, text);
		ring_pop(&sim->manners.requests);
	}
	while (is_due(&sim->manners.reports, now, &text)) {
		wallet_send(sim, text);
		ring_pop(&sim->manners.reports);
	}
}

/* ---- control ---- */

struct wish {
	struct manners next; /* its numbers alone */
	char fill[DESK_ID_MAX], expire[DESK_ID_MAX], qty[40];
};

static int one_of(struct json *j, const char *const *names, int *ret_i)
{
	struct json_str text;

	if (!json_string(j, &text))
		return ERR_TYPE;
	for (int i = 0; names[i] != NULL; i++)
		if (json_str_is(text, names[i])) {
			*ret_i = i;
			return 0;
		}
	return ERR_UNKNOWN;
}

static int read_text(struct json *j, char *out, size_t cap)
{
	struct json_str text;

	if (!json_string(j, &text))
		return ERR_TYPE;
	int n = json_unescape(text, out, cap);
	return n < 0 ? n : 0;
}

static int read_number(struct json *j, int64_t *ret_value)
{
	return json_i64(j, ret_value) && *ret_value >= 0 ? 0 : ERR_RANGE;
}

static int read_fault(struct json *j, struct json_str key, struct manner_fault *f)
{
	static const char *const kinds[] = {"none", "lost", "unavailable", "unknown", "refused", NULL};
	static const char *const of[] = {"both", "place", "cancel", NULL};
	int i = 0, rc = ERR_NOT_FOUND;

	if (json_str_is(key, "fault")) {
		rc = one_of(j, kinds, &i);
		*f = (struct manner_fault){.kind = (enum manner)i, .count = 1, .done = true};
	} else if (json_str_is(key, "of")) {
		rc = one_of(j, of, &i);
		f->of = (enum manner_of)i;
	} else if (json_str_is(key, "count")) {
		rc = read_number(j, &f->count);
	} else if (json_str_is(key, "after_ms")) {
		rc = read_number(j, &f->after_ms);
	} else if (json_str_is(key, "done")) {
		rc = json_bool(j, &f->done) ? 0 : ERR_TYPE;
	}
	return rc;
}

static int read_member(struct json *j, struct json_str key, struct wish *w)
{
	struct {
		const char *name;
		int64_t *at;
	} numbers[] = {{"muted", &w->next.muted},
		       {"twice", &w->next.twice},
		       {"swapped", &w->next.swapped},
		       {"late_ms", &w->next.late_ms},
		       {"hidden_ms", &w->next.hidden_ms}};
	int rc = read_fault(j, key, &w->next.fault);

	for (size_t i = 0; rc == ERR_NOT_FOUND && i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (json_str_is(key, numbers[i].name))
			rc = read_number(j, numbers[i].at);
	if (rc == ERR_NOT_FOUND && json_str_is(key, "fill"))
		rc = read_text(j, w->fill, sizeof(w->fill));
	if (rc == ERR_NOT_FOUND && json_str_is(key, "expire"))
		rc = read_text(j, w->expire, sizeof(w->expire));
	if (rc == ERR_NOT_FOUND && json_str_is(key, "qty"))
		rc = read_text(j, w->qty, sizeof(w->qty));
	return rc;
}

/* Members in the order they come: `fault` sets the others of a fault to what they are without a word. */
static int read_wish(struct text body, struct wish *w)
{
	struct json_str key;
	struct json j;
	int rc = 0;

	json_init(&j, body.at, body.len);
	json_object(&j);
	while (rc == 0 && json_key(&j, &key))
		rc = read_member(&j, key, w);
	return rc != 0 ? rc : json_finish(&j);
}

static struct desk_order *find_open(const struct sim *sim, const char *client_id)
{
	for (uint32_t i = 0; i < sim->desk.n; i++)
		if (desk_is_open(&sim->desk.order[i]) && strcmp(sim->desk.order[i].client_id, client_id) == 0)
			return &sim->desk.order[i];
	return NULL;
}

static int fill(struct sim *sim, const struct wish *w)
{
	struct desk_order *o = find_open(sim, w->fill);
	int64_t qty = INT64_MAX;

	if (o == NULL)
		return ERR_NOT_FOUND;
	if (w->qty[0] != '\0' && (fixed_parse(w->qty, strlen(w->qty), o->about->qty_scale, &qty) != 0 || qty <= 0))
		return ERR_RANGE;
	desk_fill(&sim->desk, o, qty, desk_binance_now(sim));
	return 0;
}

static int apply(struct sim *sim, const struct wish *w)
{
	struct manners *m = &sim->manners;
	struct desk_order *o = w->expire[0] != '\0' ? find_open(sim, w->expire) : NULL;

	m->fault = w->next.fault;
	m->muted = w->next.muted;
	m->twice = w->next.twice;
	m->swapped = w->next.swapped;
	m->late_ms = w->next.late_ms;
	m->hidden_ms = w->next.hidden_ms;
	if (m->swapped == 0)
		send_kept(sim);
	if (w->expire[0] != '\0' && o == NULL)
		return ERR_NOT_FOUND;
	if (o != NULL)
		desk_expire(&sim->desk, o, "EXCHANGE_CANCELED", desk_binance_now(sim));
	return w->fill[0] != '\0' ? fill(sim, w) : 0;
}

static void print(const struct sim *sim, struct buf *out)
{
	const struct manners *m = &sim->manners;

	buf_printf(out,
		   "{\"placed\":%" PRIu64 ",\"cancelled\":%" PRIu64 ",\"queried\":%" PRIu64 ",\"refused\":%" PRIu64
		   ",\"struck\":%" PRIu64 ",\"reported\":%" PRIu64 ",\"waiting\":%u,\"trades\":%" PRIu64
		   ",\"orders\":[",
		   m->placed, m->cancelled, m->queried, m->refused, m->struck, m->reported,
		   (unsigned)(m->reports.count + m->requests.count), sim->desk.trades);
	for (uint32_t i = 0; i < sim->desk.n; i++) {
		buf_printf(out, "%s", i > 0 ? "," : "");
		desk_binance_tell(&sim->desk.order[i], DESK_QUERIED, out);
	}
	buf_printf(out, "]}");
}

bool manners_control(struct sim *sim, const struct request *r, struct text body, struct reply *reply)
{
	struct wish w = {.next = sim->manners, .fill = "", .expire = "", .qty = ""};

	if (!text_is(r->path, "/nightjar/orders") || sim->desk.order == NULL)
		return false;
	if (text_is(r->method, "POST") && (read_wish(body, &w) != 0 || apply(sim, &w) != 0)) {
		reply_status(reply, 400);
		buf_printf(&reply->body, "{\"error\":\"no such misbehaviour about orders, or no such open order\"}");
		return true;
	}
	print(sim, &reply->body);
	return true;
}
