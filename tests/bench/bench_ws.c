/* bench_ws - G10: CPU per message of the receiving thread, ours against bare loops.
 *
 * A child process sends N frames of 253 bytes as fast as it can, plain or deflated with context
 * takeover. The reference reads with recv(64 KiB) and parses by hand, with bare inflate where
 * deflated. Runs are interleaved A B A B; the median of the ratios decides: <= 2.00 plain, <= 1.25
 * deflated. Plain also against libwebsockets, where it was installed when this was built
 * (lws/ws_by_lws.c, a program of its own): its CPU per message is >= 10 times ours; with a receive
 * buffer as large as ours in place of its own it is only told. A lost or wrong message fails it.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/rng.h"
#include "common/io/ws.h"
#include "common/io/ws_deflate.h"
#include "common/io/ws_frame.h"

#define TEXT_BYTES 253
#define PAIRS 7

struct stream {
	const char *name;
	int messages;
	bool deflate;
	double goal;
	struct buf bytes; /* all frames */
	uint64_t sum;     /* of the first and last bytes and the lengths */
};

struct tally {
	struct loop *loop;
	struct ws *ws;
	int messages;
	uint64_t sum;
};

/* ---- what is sent ---- */

/* Shaped like a thin pair's depth update. */
static void make_text(struct rng *r, int i, char text[TEXT_BYTES + 1])
{
	int n = snprintf(text, TEXT_BYTES + 1,
			 "{\"e\":\"depthUpdate\",\"E\":%lld,\"s\":\"BTCUSDT\",\"U\":%d,\"u\":%d,"
			 "\"b\":[",
			 1623456789000LL + i * 100LL, 1000000 + 3 * i, 1000002 + 3 * i);

	while (n < TEXT_BYTES - 40)
		n += snprintf(text + n, (size_t)(TEXT_BYTES + 1 - n), "[\"%d.%02d\",\"0.%05d\"],",
			      35000 + (int)rng_below(r, 200), (int)rng_below(r, 100),
			      (int)rng_below(r, 100000));
	memset(text + n, ' ', (size_t)(TEXT_BYTES - n));
	memcpy(text + TEXT_BYTES - 9, "],\"a\":[]}", 9);
	text[TEXT_BYTES] = '\0';
}

static uint64_t sum_of(const char *at, size_t len)
{
	return (uint64_t)(uint8_t)at[0] * 7 + (uint8_t)at[len / 2] * 3u + (uint8_t)at[len - 1] +
	       len;
}

static void make_stream(struct stream *s)
{
	static const struct ws_deflate_params p = {.server_bits = 15, .client_bits = 15};
	char text[TEXT_BYTES + 1];
	struct ws_deflate *d;
	struct buf packed;
	struct rng r;

	rng_seed(&r, 1);
	buf_init(&s->bytes, 1u << 30);
	buf_init(&packed, 1u << 16);
	must(ws_deflate_new(&p, true, &d) == 0);
	for (int i = 0; i < s->messages; i++) {
		make_text(&r, i, text);
		s->sum += sum_of(text, TEXT_BYTES);
		buf_clear(&packed);
		if (s->deflate)
			must(ws_deflate_pack(d, text, TEXT_BYTES, &packed) == 0);
		must(ws_frame_append(&s->bytes, WS_FIN | WS_TEXT | (s->deflate ? WS_RSV1 : 0), NULL,
				     s->deflate ? (char *)packed.at : text,
				     s->deflate ? packed.len : TEXT_BYTES) == 0);
	}
	ws_deflate_free(d);
	buf_fini(&packed);
}

/* ---- the blaster ---- */

static void send_all(int fd, const void *at, size_t len)
{
	const char *p = at;

	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			_exit(0);
		p += n;
		len -= (size_t)n;
	}
}

static void blast(int listener, const struct stream *s)
{
	for (;;) {
		char head[4096] = "", reply[512], accept_key[29], key[25] = "";
		size_t n = 0;
		int fd = accept(listener, NULL, NULL);

		must(fd >= 0);
		while (!strstr(head, "\r\n\r\n") && n < sizeof head - 1 &&
		       recv(fd, head + n, 1, 0) == 1)
			n++;
		sscanf(strstr(head, "Sec-WebSocket-Key: ") + 19, "%24s", key);
		ws_accept_key(key, accept_key);
		n = (size_t)snprintf(
			reply, sizeof reply,
			"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
			"Sec-WebSocket-Accept: %s\r\n%s\r\n",
			accept_key,
			s->deflate ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : "");
		send_all(fd, reply, n);
		send_all(fd, s->bytes.at, s->bytes.len);
		while (recv(fd, head, sizeof head, 0) > 0)
			;
		close(fd);
	}
}

static pid_t start_blaster(const struct stream *s, uint16_t *ret_port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	pid_t pid;

	must(bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, 8) == 0);
	must(getsockname(fd, (struct sockaddr *)&a, &len) == 0);
	*ret_port = ntohs(a.sin_port);
	pid = fork();
	must(pid >= 0);
	if (pid == 0)
		blast(fd, s);
	close(fd);
	return pid;
}

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ---- reference ---- */

static int dial(uint16_t port)
{
	static const char request[] =
		"GET / HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char head[512] = "";
	size_t n = 0;

	must(connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
	must(send(fd, request, sizeof request - 1, 0) == (ssize_t)sizeof request - 1);
	while (!strstr(head, "\r\n\r\n") && n < sizeof head - 1 && recv(fd, head + n, 1, 0) == 1)
		n++;
	return fd;
}

struct bare {
	z_stream z;
	char out[4096];
};

static void bare_message(struct tally *t, struct bare *b, uint8_t *at, size_t len, bool deflate)
{
	uint8_t kept[4];

	if (deflate) {
		memcpy(kept, at + len, 4);
		memcpy(at + len, "\x00\x00\xff\xff", 4);
		b->z.next_in = at;
		b->z.avail_in = (uInt)len + 4;
		b->z.next_out = (Bytef *)b->out;
		b->z.avail_out = sizeof b->out;
		must(inflate(&b->z, Z_SYNC_FLUSH) == Z_OK && b->z.avail_in == 0);
		memcpy(at + len, kept, 4);
		t->sum += sum_of(b->out, sizeof b->out - b->z.avail_out);
	} else {
		t->sum += sum_of((char *)at, len);
	}
	t->messages++;
}

static double run_bare(const struct stream *s, uint16_t port, struct tally *t)
{
	static uint8_t in[(64 << 10) + 4096];
	static struct bare b;
	int fd = dial(port);
	size_t have = 0;
	double began = cpu_ns(), took;

	memset(&b.z, 0, sizeof b.z);
	must(inflateInit2(&b.z, -15) == Z_OK);
	while (t->messages < s->messages) {
		ssize_t n = recv(fd, in + have, 64 << 10, 0);
		size_t at = 0;

		must(n > 0);
		have += (size_t)n;
		while (have - at >= 4) {
			size_t len = in[at + 1], head = 2;

			if (len == 126) {
				len = (size_t)in[at + 2] << 8 | in[at + 3];
				head = 4;
			}
			if (have - at < head + len)
				break;
			bare_message(t, &b, in + at + head, len, s->deflate);
			at += head + len;
		}
		have -= at;
		memmove(in, in + at, have);
	}
	took = cpu_ns() - began;
	inflateEnd(&b.z);
	close(fd);
	return took / s->messages;
}

/* ---- ours ---- */

static const struct stream *running;
static double opened_ns;

static void on_open(void *ctx)
{
	(void)ctx;
	opened_ns = cpu_ns();
}

static void on_message(void *ctx, const char *bytes, size_t len, bool binary)
{
	struct tally *t = ctx;

	(void)binary;
	t->sum += sum_of(bytes, len);
	if (++t->messages == running->messages)
		loop_stop(t->loop);
}

static void on_close(void *ctx, int code, int err, const char *reason)
{
	fprintf(stderr, "closed %d %s %s after %d messages\n", code, err_name(err), reason,
		((struct tally *)ctx)->messages);
	exit(1);
}

static double run_ours(const struct stream *s, uint16_t port, struct tally *t)
{
	static const struct ws_handler h = {
		.on_open = on_open, .on_message = on_message, .on_close = on_close};
	char url[64];
	double took;

	running = s;
	snprintf(url, sizeof url, "ws://127.0.0.1:%u/", port);
	must(loop_new(clock_real(), &t->loop) == 0);
	must(ws_open(t->loop, &(struct ws_options){.url = url, .deflate = s->deflate}, &h, t,
		     &t->ws) == 0);
	must(loop_run(t->loop) == 0);
	took = cpu_ns() - opened_ns;
	ws_free(&t->ws);
	loop_free(t->loop);
	return took / s->messages;
}

/* ---- libwebsockets' ---- */

static char lws_path[4096]; /* beside this program; empty: there is none */

static void find_lws(const char *self)
{
	const char *slash = strrchr(self, '/');

	snprintf(lws_path, sizeof lws_path, "%.*sws_by_lws", slash ? (int)(slash + 1 - self) : 0, self);
	if (access(lws_path, X_OK) != 0)
		lws_path[0] = '\0';
}

static double run_lws(const struct stream *s, uint16_t port, const char *buffer)
{
	char command[sizeof lws_path + 64];
	unsigned long long messages = 0, sum = 0;
	double took = 0;

	snprintf(command, sizeof command, "'%s' %u %d %s", lws_path, port, s->messages, buffer);
	FILE *p = popen(command, "r");
	must(p && fscanf(p, "%llu %llu %lf", &messages, &sum, &took) == 3);
	pclose(p);
	must(messages == (unsigned long long)s->messages && sum == s->sum);
	return took / s->messages;
}

/* ---- judgement ---- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The median of the ratios against its goal: at most, or at least. */
struct verdict {
	const char *with; /* what it is compared with */
	double ours[PAIRS], other[PAIRS], ratio[PAIRS];
	double goal; /* 0: it is only told */
	bool least;
};

static bool tell(struct verdict *v, const char *name)
{
	double of = 0;
	bool good;

	qsort(v->ours, PAIRS, sizeof v->ours[0], by_value);
	qsort(v->other, PAIRS, sizeof v->other[0], by_value);
	qsort(v->ratio, PAIRS, sizeof v->ratio[0], by_value);
	of = v->ratio[PAIRS / 2];
	good = v->goal == 0 || (v->least ? of >= v->goal : of <= v->goal);
	printf("G10 ws %-8s ours %6.1f ns/msg  %s %6.1f ns/msg  ratio %.2f [%.2f..%.2f]", name, v->ours[PAIRS / 2],
	       v->with, v->other[PAIRS / 2], of, v->ratio[0], v->ratio[PAIRS - 1]);
	if (v->goal > 0)
		printf("  goal %s %.2f  %s", v->least ? ">=" : "<=", v->goal, good ? "ok" : "MISSED");
	printf("\n");
	return good;
}

static bool judge(struct stream *s)
{
	struct verdict bare = {.with = "bare", .goal = s->goal}, lws = {.with = "lws", .goal = 10, .least = true};
	struct verdict wide = {.with = "lws", .least = true}; /* with our buffer */
	bool good, by_lws = !s->deflate && lws_path[0] != '\0';
	uint16_t port;
	pid_t pid;

	make_stream(s);
	pid = start_blaster(s, &port);
	for (int i = 0; i < PAIRS; i++) {
		struct tally a = {0}, b = {0};

		bare.other[i] = run_bare(s, port, &a);
		bare.ours[i] = lws.ours[i] = wide.ours[i] = run_ours(s, port, &b);
		bare.ratio[i] = bare.ours[i] / bare.other[i];
		must(a.messages == s->messages && a.sum == s->sum);
		must(b.messages == s->messages && b.sum == s->sum);
		if (!by_lws)
			continue;
		lws.other[i] = run_lws(s, port, "");
		lws.ratio[i] = lws.other[i] / lws.ours[i];
		wide.other[i] = run_lws(s, port, "65536");
		wide.ratio[i] = wide.other[i] / wide.ours[i];
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	good = tell(&bare, s->name);
	if (by_lws) {
		good &= tell(&lws, "lws");
		tell(&wide, "lws 64K");
	} else if (!s->deflate) {
		printf("ws against libwebsockets: not installed: skipped\n");
	}
	buf_fini(&s->bytes);
	return good;
}

int main(int argc, char **argv)
{
	struct stream plain = {.name = "plain", .messages = 1000000, .goal = 2.0};
	struct stream deflated = {
		.name = "deflate", .messages = 300000, .deflate = true, .goal = 1.25};
	find_lws(argc > 0 ? argv[0] : "");
	bool good = judge(&plain);

	good &= judge(&deflated);
	return good ? 0 : 1;
}
