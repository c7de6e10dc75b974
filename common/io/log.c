/* log - where a line goes: level, the limit for repeated lines, stderr, file; one lock around the
 * last three.
 *
 * The limit works on call sites. A line that says the same as the site's last one is written once a
 * second. Lines that differ have a small allowance (a list of symbols at start is no storm),
 * refilled by one a second. What was held back is reported as suppressed=N by the site's next line,
 * or by a line of its own when the storm is over.
 */
#include "common/io/log.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/hash.h"
#include "common/io/log_file.h"
#include "common/io/log_line.h"

#define ROTATE_BYTES (10 * 1024 * 1024)
#define KEEP 7
#define SITES 512  /* power of two */
#define PROBES 8
#define ALLOWANCE 16
#define STDERR_WAIT_MS 10 /* for a reader that is behind; the next lines do not wait at all */

struct site {
	const struct log_site *at; /* NULL: free */
	uint64_t text_hash;
	int64_t written; /* monotonic time of the last line */
	uint32_t allowance;
	uint64_t suppressed;
};

static struct {
	pthread_mutex_t lock;
	char service[48];
	bool json;
	const struct clock *clock;
	struct log_file *file;
	struct site site[SITES];
	int64_t swept;
	bool file_only;
	bool stderr_slow;
	struct log_counters n;
} log_state = {.lock = PTHREAD_MUTEX_INITIALIZER, .service = "nightjar"};

static _Atomic int log_min_level = LOG_INFO;

static const char *const level_names[] = {
	[LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error",
};

static const struct clock *the_clock(void)
{
	return log_state.clock ? log_state.clock : clock_real();
}

/* ---- sinks, under the lock ---- */

/* stderr may be a pipe whose reader sleeps. A pipe that polls writable takes a whole line without
 * blocking. */
static bool write_stderr(const struct log_line *l)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
	int ready = poll(&p, 1, log_state.stderr_slow ? 0 : STDERR_WAIT_MS);
	log_state.stderr_slow = ready <= 0;
	return ready > 0 && write(STDERR_FILENO, l->at, l->len) == (ssize_t)l->len;
}

static void emit(const struct log_line *l)
{
	bool to_file = log_state.file && log_file_write(log_state.file, l->at, l->len) == 0;
	bool to_stderr = (to_file && log_state.file_only) || write_stderr(l);
	log_state.n.lines += to_stderr || to_file;
	log_state.n.dropped += !to_stderr || (log_state.file && !to_file);
}

static void begin_line(struct log_line *l, const struct log_site *site)
{
	char time[32];
	log_line_begin(l, log_state.json);
	log_line_text(l, "time", clock_rfc3339(clock_wall(the_clock()), time));
	log_line_text(l, "level", level_names[site->level]);
	log_line_text(l, "service", log_state.service);
	log_line_text(l, "msg", site->msg);
}

/* ---- the limit, under the lock ---- */

static void report_suppressed(struct site *s)
{
	struct log_line l;
	begin_line(&l, s->at);
	log_line_u64(&l, "suppressed", s->suppressed);
	log_line_end(&l);
	emit(&l);
	s->suppressed = 0;
}

/* Storms that are over: their sites have no next line to report with. */
static void sweep(int64_t now, int64_t quiet_ns)
{
	log_state.swept = now;
	for (size_t i = 0; i < SITES; i++) {
		struct site *s = &log_state.site[i];
		if (s->at && s->suppressed > 0 && now - s->written >= quiet_ns) {
			s->written = now;
			report_suppressed(s);
		}
	}
}

static struct site *site_of(const struct log_site *at)
{
	uint64_t hash = hash_mix((uintptr_t)at);
	struct site *oldest = NULL;
	for (size_t i = 0; i < PROBES; i++) {
		struct site *s = &log_state.site[(hash + i) % SITES];
		if (s->at == at)
			return s;
		if (!oldest || !s->at || (oldest->at && s->written < oldest->written))
			oldest = s;
		if (!s->at)
			break;
	}
	if (oldest->at && oldest->suppressed > 0)
		report_suppressed(oldest);
	*oldest = (struct site){.at = at, .allowance = ALLOWANCE + 1};
	return oldest;
}

/* Whether the site may write now. */
static bool site_passes(struct site *s, uint64_t text_hash, int64_t now)
{
	bool fresh = s->allowance > ALLOWANCE; /* never wrote */
	int64_t seconds = fresh ? 0 : (now - s->written) / NS_PER_S;
	if (seconds > 0) {
		int64_t allowance = s->allowance + seconds;
		s->allowance = (uint32_t)(allowance < ALLOWANCE ? allowance : ALLOWANCE);
	}
	bool same = !fresh && text_hash == s->text_hash;
	if (seconds == 0 && (same || s->allowance == 0))
		return false;
	s->allowance--;
	s->text_hash = text_hash;
	s->written = now;
	return true;
}

/* ---- what callers see ---- */

/* The end of a line that passed, or one more that did not. */
static void limit(struct site *s, struct log_line *l, bool passes)
{
	if (!passes) {
		s->suppressed++;
		log_state.n.suppressed++;
		return;
	}
	if (s->suppressed > 0)
		log_line_u64(l, "suppressed", s->suppressed);
	s->suppressed = 0;
	log_line_end(l);
	emit(l);
}

void log_write(const struct log_site *site, const char *pairs, ...)
{
	must((size_t)site->level < ARRAY_LEN(level_names));
	if ((int)site->level < atomic_load_explicit(&log_min_level, memory_order_relaxed))
		return;
	pthread_mutex_lock(&log_state.lock);
	struct log_line l;
	begin_line(&l, site);
	size_t head = l.len;
	if (pairs) {
		va_list args;
		va_start(args, pairs);
		log_line_pairs(&l, pairs, args);
		va_end(args);
	}
	log_state.n.warnings += site->level == LOG_WARN;
	log_state.n.errors += site->level == LOG_ERROR;
	int64_t now = clock_mono(the_clock());
	struct site *s = site_of(site);
	limit(s, &l, site_passes(s, hash_bytes(l.at + head, l.len - head), now));
	if (now - log_state.swept >= NS_PER_S)
		sweep(now, NS_PER_S);
	pthread_mutex_unlock(&log_state.lock);
}

static int open_file(const struct log_options *o)
{
	struct log_file_options file = {
		.path = o->file,
		.rotate_bytes = o->rotate_bytes > 0 ? o->rotate_bytes : ROTATE_BYTES,
		.keep = o->keep > 0 ? o->keep : KEEP,
		.clock = o->clock ? o->clock : clock_real(),
	};
	struct log_file *f;
	int rc = log_file_open(&file, &f);
	if (rc != 0)
		return rc;
	pthread_mutex_lock(&log_state.lock);
	log_state.file = f;
	pthread_mutex_unlock(&log_state.lock);
	return 0;
}

int log_open(const struct log_options *o)
{
	log_close();
	pthread_mutex_lock(&log_state.lock);
	snprintf(log_state.service, sizeof log_state.service, "%s",
		 o->service ? o->service : "nightjar");
	log_state.json = o->json;
	log_state.clock = o->clock;
	log_state.file_only = o->file_only;
	log_state.n = (struct log_counters){0};
	log_state.swept = clock_mono(the_clock());
	memset(log_state.site, 0, sizeof log_state.site);
	pthread_mutex_unlock(&log_state.lock);
	log_set_level(o->level);
	return o->file ? open_file(o) : 0;
}

/* The file's thread logs, too: it is joined without the lock. */
void log_close(void)
{
	pthread_mutex_lock(&log_state.lock);
	sweep(clock_mono(the_clock()), 0);
	struct log_file *f = log_state.file;
	if (f)
		log_state.n.rotations = log_file_rotations(f);
	log_state.file = NULL;
	pthread_mutex_unlock(&log_state.lock);
	log_file_close(f);
}

void log_reopen(void)
{
	pthread_mutex_lock(&log_state.lock);
	int rc = log_state.file ? log_file_reopen(log_state.file) : 0;
	pthread_mutex_unlock(&log_state.lock);
	if (rc != 0)
		log_error("log file not reopened", "error=%s", err_text(rc));
}

void log_set_level(enum log_level level)
{
	must((size_t)level < ARRAY_LEN(level_names));
	atomic_store_explicit(&log_min_level, (int)level, memory_order_relaxed);
}

int log_level_parse(const char *text, enum log_level *ret_level)
{
	for (size_t i = 0; i < ARRAY_LEN(level_names); i++)
		if (strcmp(text, level_names[i]) == 0) {
			*ret_level = (enum log_level)i;
			return 0;
		}
	return ERR_ARG;
}

struct log_counters log_counters(void)
{
	pthread_mutex_lock(&log_state.lock);
	struct log_counters n = log_state.n;
	if (log_state.file)
		n.rotations = log_file_rotations(log_state.file);
	pthread_mutex_unlock(&log_state.lock);
	return n;
}
