/* doctor_stack - the services of a stack: alive, working, connected, of one version, with trusted books. */
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/base/strmap.h"
#include "common/io/le.h"
#include "tools/nj/doctor.h"
#include "tools/nj/table.h"

#define ANSWER_NS NS_PER_S
#define LISTEN_NS (400 * NS_PER_MS)
#define SKEW_MAX_NS (5 * NS_PER_S)
#define SKEW_MIN_NS (-100 * NS_PER_MS)

/* ---- bus and services ---- */

static void check_bus(struct doctor *d)
{
	struct finding *f = doctor_check(d, "bus.directory", "a directory of this user with mode 0700");
	struct stat st;
	if (lstat(d->run.bus_dir, &st) != 0) {
		finding_measure(f, "%.150s is not there", d->run.bus_dir);
		finding_blame(f, DOCTOR_FAIL, "nj up, or --config with the stack's settings",
			      "no stack was started on this bus");
		return;
	}
	finding_measure(f, "%.150s mode %04o", d->run.bus_dir, (unsigned)(st.st_mode & 07777));
	if (!S_ISDIR(st.st_mode))
		finding_blame(f, DOCTOR_FAIL, "remove what is there and start anew", "it is no directory");
	else if (st.st_uid != geteuid())
		finding_blame(f, DOCTOR_FAIL, "run nj as the user of the stack", "it belongs to user %u",
			      (unsigned)st.st_uid);
	else if ((st.st_mode & 077) != 0)
		finding_blame(f, DOCTOR_FAIL, "chmod 700 the bus directory", "others can reach the bus");
}

/* Only the watchdog can start a service; only nj up the watchdog. */
static const char *start_of(const struct doctor *d)
{
	bool watched = d->looked && look_state(&d->look, &d->look.at[services_n - 1]) != LOOK_STOPPED;
	return watched ? "nj start SERVICE; nj logs tells why it ended" : "nj up; nj logs tells why it ended";
}

static const char *fix_of(enum look_state state)
{
	switch (state) {
	case LOOK_SILENT:
		return "nj restart SERVICE; nj logs tells what it did last";
	case LOOK_STARTING:
		return "wait; nj logs tells how far it is";
	default:
		return "nj logs SERVICE --since 10m";
	}
}

/* A fix that says SERVICE means this one. */
static void name_fix(struct finding *f, const char *service)
{
	char text[sizeof f->fix];
	char *at = strstr(f->fix, "SERVICE");
	if (!at)
		return;
	snprintf(text, sizeof text, "%.*s%s%s", (int)(at - f->fix), f->fix, service, at + strlen("SERVICE"));
	memcpy(f->fix, text, sizeof text);
}

static void judge_service(struct doctor *d, struct finding *f, size_t i)
{
	const struct look_service *s = &d->look.at[i];
	enum look_state state = d->looked ? look_state(&d->look, s) : LOOK_STOPPED;
	const char *text = d->looked ? look_state_text(&d->look, s) : "stopped";
	char up[TABLE_SHORT_MAX], age[TABLE_SHORT_MAX];
	if (state == LOOK_STOPPED) {
		finding_measure(f, "stopped");
		finding_blame(f, i == services_n - 1 ? DOCTOR_WARN : DOCTOR_FAIL, start_of(d),
			      "it does not run: nobody holds its lock");
		return;
	}
	finding_measure(f, "%s for %s%s%s", text, table_span(s->uptime, up),
			s->beats && s->beat.worked_at ? ", last work " : "",
			s->beats && s->beat.worked_at ? table_span(d->look.wall - s->beat.worked_at, age) : "");
	if (state == LOOK_SILENT || !s->answered || s->beats == 0)
		finding_blame(f, DOCTOR_FAIL, fix_of(LOOK_SILENT), "it lives (pid %d) and %s", (int)s->pid,
			      s->answered ? "sends no heartbeat" : "does not answer");
	else if (state == LOOK_STARTING)
		finding_blame(f, DOCTOR_WARN, fix_of(state), "it is not running yet, or not any more");
	else if (state == LOOK_IDLE)
		finding_blame(f, DOCTOR_WARN, fix_of(state), "no work for longer than it calls normal");
	else if (state == LOOK_ILL)
		finding_blame(f, DOCTOR_WARN, fix_of(state), "it says: %s", s->beat.note);
}

static void check_service(struct doctor *d, size_t i)
{
	static char names[SERVICES_MAX][sizeof "service." + EVENT_SOURCE_MAX]; /* a finding keeps no copy */
	snprintf(names[i], sizeof names[i], "service.%.*s", EVENT_SOURCE_MAX, services_names[i]);
	struct finding *f = doctor_check(d, names[i], "running, answers, beats and works");
	judge_service(d, f, i);
	name_fix(f, services_names[i]);
}

/* ---- venue: connection, books, clock ---- */

/* Appends what one collector says of its connection to what is measured, and blames it where there is none. */
static void judge_connection(struct finding *f, const struct look_service *s, bool several)
{
	size_t used = strlen(f->measured);
	snprintf(f->measured + used, sizeof f->measured - used, "%s%s%s%s, lost %" PRId64 " times since the start",
		 used ? "; " : "", several ? s->name : "", several ? ": " : "", s->beat.note,
		 look_value(s, "collector_disconnects_total", 0));
	if (strcmp(s->beat.note, "no connection") == 0)
		finding_blame(f, DOCTOR_WARN, "check collector.stream_url, network and the venue's status page",
			      "the %s is not connected to its venue", s->name);
	if (strcmp(s->beat.note, "no answer") == 0)
		finding_blame(f, DOCTOR_WARN, "check collector.rest_url, network and the venue's status page",
			      "the %s polls and nobody answers", s->name);
}

static void check_connection(struct doctor *d)
{
	struct finding *f =
		doctor_check(d, "connection", "connected, or answered where it polls, or the recording has ended");
	f->measured[0] = '\0';
	for (size_t i = 0; d->looked && services_is_collector(services_names[i]); i++)
		if (d->look.at[i].beats)
			judge_connection(f, &d->look.at[i], services_is_collector(services_names[1]));
	if (!f->measured[0])
		finding_measure(f, "not asked: the collector does not run");
}

struct books {
	uint32_t n, trusted;
	char first_bad[96];
};

/* Frames of a state page: u32 length, then the frame. The last state of a book is the one that holds. */
static void count_books(const struct buf *page, struct arena *arena, struct books *out)
{
	struct event ev;
	const char *topic;
	const uint8_t *at = page->at, *body;
	size_t left = page->len, topic_len, body_len, used;
	while (left >= 4 && le_get32(at) <= left - 4) {
		size_t n = le_get32(at);
		arena->used = 0;
		if (codec_split(at + 4, n, &topic, &topic_len, &body, &body_len) == 0 &&
		    codec_unpack(body, body_len, arena, &ev, &used) == 0 && ev.id == EVENT_book_state) {
			bool good = ev.book_state.state == book_state_trusted;
			out->n++;
			out->trusted += good;
			if (!good && !out->first_bad[0])
				snprintf(out->first_bad, sizeof out->first_bad, "%.60s is %s",
					 ev.book_state.instrument.s, enum_text(enum_book_state(), ev.book_state.state));
		}
		at += 4 + n;
		left -= 4 + n;
	}
}

/* false: it does not answer. */
static bool ask_books(struct doctor *d, size_t i, struct books *books)
{
	static uint8_t memory[ARENA_SIZE];
	struct arena arena = {.at = memory, .cap = sizeof memory};
	struct event request;
	client_request_init(&request, verb_state);
	if (!d->looked || !d->look.at[i].pid ||
	    client_ask(&d->look.client, services_names[i], &request, ANSWER_NS) != 0)
		return false;
	count_books(&d->look.client.page, &arena, books);
	return true;
}

static void check_books(struct doctor *d)
{
	struct finding *f = doctor_check(d, "books", "every book is trusted");
	struct books books = {0};
	int64_t resyncs = 0;
	for (size_t i = 0; services_is_collector(services_names[i]); i++) {
		struct books own = {0};
		if (!ask_books(d, i, &own)) {
			finding_measure(f, "not asked: the %s does not answer", services_names[i]);
			return;
		}
		resyncs += look_value(&d->look.at[i], "collector_resyncs_total", 0);
		books.n += own.n;
		books.trusted += own.trusted;
		if (strcmp(d->look.at[i].beat.note, "recording ended") != 0 && !books.first_bad[0])
			memcpy(books.first_bad, own.first_bad, sizeof books.first_bad);
	}
	finding_measure(f, "%u of %u trusted, %" PRId64 " resyncs", books.trusted, books.n, resyncs);
	if (books.first_bad[0])
		finding_blame(f, DOCTOR_WARN, "wait for the next snapshot; nj tap book_state shows the reason", "%s",
			      books.first_bad);
}

struct skew {
	int64_t least;
	uint32_t n;
};

static void on_market(void *ctx, struct bus_link *link, const uint8_t *frame, size_t len)
{
	struct skew *s = ctx;
	struct event head;
	const char *topic;
	const uint8_t *body;
	size_t topic_len, left;
	(void)link;
	if (codec_split(frame, len, &topic, &topic_len, &body, &left) != 0 || codec_peek(body, left, &head) != 0 ||
	    head.origin != origin_live || head.ts_event == 0)
		return;
	int64_t delay = head.ts_recv - head.ts_event;
	s->least = s->n == 0 || delay < s->least ? delay : s->least;
	s->n++;
}

/* The venue's stamps are the other clock: the quickest message was under way for a moment, and not less than none. */
static void check_clock(struct doctor *d)
{
	static const char *const prefixes[] = {"trade", "book", "candle", NULL};
	struct finding *f = doctor_check(d, "clock", "live data is 0 to 5 s old by our clock; both clocks agree");
	struct skew skew = {0};
	struct bus_link *link;
	char text[TABLE_SHORT_MAX], now[32];
	const struct clock *clock = clock_real();
	int64_t wall = clock_wall(clock), mono = clock_mono(clock);
	bool any = false;
	for (size_t i = 0; d->looked && services_is_collector(services_names[i]); i++)
		if (d->look.at[i].pid && bus_subscribe(d->look.client.bus, services_names[i], LANE_M, prefixes, NULL,
						       &link) == 0)
			any = true;
	if (any) {
		d->look.client.on_frame = on_market;
		d->look.client.ctx = &skew;
		client_run(&d->look.client, LISTEN_NS);
	} else {
		stack_pause(100);
	}
	int64_t step = (clock_wall(clock) - wall) - (clock_mono(clock) - mono);
	if (skew.n)
		finding_measure(f, "%s, live data at least %s old", clock_rfc3339(wall, now),
				table_span(skew.least, text));
	else
		finding_measure(f, "%s, no live data to compare with", clock_rfc3339(wall, now));
	if (step > 50 * NS_PER_MS || step < -50 * NS_PER_MS)
		finding_blame(f, DOCTOR_WARN, "let chrony or ntpd slew the clock, not step it", "it jumped by %s",
			      table_span(step, text));
	if (skew.n && (skew.least < SKEW_MIN_NS || skew.least > SKEW_MAX_NS))
		finding_blame(f, DOCTOR_WARN, "synchronise the clock (chronyc tracking, timedatectl)",
			      "the venue's clock and ours differ");
}

/* ---- versions, errors ---- */

/* The program of a running process was replaced or removed on disk. */
static bool is_replaced(pid_t pid)
{
	char path[64], target[512];
	snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
	ssize_t n = readlink(path, target, sizeof target - 1);
	target[n > 0 ? n : 0] = '\0';
	return n > 0 && strstr(target, " (deleted)") != NULL;
}

static void check_versions(struct doctor *d)
{
	struct finding *f = doctor_check(d, "versions", "all services are of nj's version, as on disk");
	size_t n = 0;
	for (size_t i = 0; d->looked && i < services_n; i++) {
		const struct look_service *s = &d->look.at[i];
		n += s->answered;
		if (s->answered && strcmp(s->version, NJ_VERSION) != 0)
			finding_blame(f, DOCTOR_WARN, "nj restart all, from one installation", "%s is %.40s, nj is %s",
				      s->name, s->version, NJ_VERSION);
		else if (s->pid && is_replaced(s->pid))
			finding_blame(f, DOCTOR_WARN, "nj restart SERVICE", "%s runs a program that was replaced since",
				      s->name);
	}
	finding_measure(f, "%zu services, nj %s", n, NJ_VERSION);
}

static void check_errors(struct doctor *d)
{
	struct finding *f = doctor_check(d, "errors", "no error logged since the start");
	int64_t sum = 0;
	for (size_t i = 0; d->looked && i < services_n; i++) {
		const struct look_service *s = &d->look.at[i];
		int64_t n = look_value(s, "errors", 0);
		sum += n;
		if (n > 0)
			finding_blame(f, DOCTOR_WARN, "nj logs --level error", "%s logged %" PRId64 " errors", s->name,
				      n);
	}
	finding_measure(f, "%" PRId64, sum);
}

static void check_differing(struct doctor *d)
{
	struct finding *f = doctor_check(d, "recovery", "what was regenerated is what the journal has");
	int64_t verified = 0, differing = 0;
	for (size_t i = 0; d->looked && i < services_n; i++) {
		verified += look_value(&d->look.at[i], "verified", 0);
		differing += look_value(&d->look.at[i], "differing", 0);
	}
	finding_measure(f, "%" PRId64 " records made again after restarts, %" PRId64 " differ", verified, differing);
	if (differing)
		finding_blame(f, DOCTOR_FAIL, "keep run.data for a report; nj logs --grep differs",
			      "a restart did not repeat the run before it");
}

void doctor_services(struct doctor *d)
{
	check_bus(d);
	for (size_t i = 0; i < services_n; i++)
		check_service(d, i);
	check_connection(d);
	check_books(d);
	if (doctor_wants(d, "clock"))
		check_clock(d);
	check_versions(d);
	check_errors(d);
	check_differing(d);
}
