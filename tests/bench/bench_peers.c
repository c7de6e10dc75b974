/* bench_peers - goal G13: our bus against nats-server, Redis pub/sub and Redis streams, two processes, 128-byte frames.
 *
 * The brokers run here, for this benchmark only, on loopback or a unix socket, with nothing kept on disk. What talks to
 * them is as quick as it can be: NATS's protocol is written and read by hand, a hundred and more frames a write; Redis
 * is hiredis with AppendCommandArgv, DEPTH commands a write, over a unix socket. Ours sends one frame a message. A
 * round trip is written at once by everybody. The brokers' own CPU is not counted, but they run on the same cores.
 * flow.h says how a run goes. Exits 77 where no broker is installed, 2 on loss or a wrong byte; a missed goal is only
 * told.
 *
 *     bench_peers [--short]
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <hiredis/hiredis.h>

#include "tests/bench/flow.h"

enum { DEPTH = 128, WIRE_BYTES = 64 << 10, PAGE = 512 };

/* ---- a broker of our own ---- */

static char dir[] = "/tmp/nj-peers-XXXXXX";
static char redis_path[64];
static int nats_port;
static pid_t brokers[2];

static int free_port(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	must(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0);
	must(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
	close(fd);
	return ntohs(at.sin_port);
}

static pid_t start_broker(char *const argv[])
{
	pid_t pid = fork();
	must(pid >= 0);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int null = open("/dev/null", O_RDWR);
	dup2(null, 1);
	dup2(null, 2);
	execvp(argv[0], argv);
	_exit(127);
}

static void stop_broker(pid_t *pid)
{
	if (*pid > 0) {
		kill(*pid, SIGKILL);
		waitpid(*pid, NULL, 0);
	}
	*pid = 0;
}

/* ---- NATS by hand ---- */

struct wire {
	int fd;
	size_t at, len; /* unread bytes of in */
	size_t out_len;
	char in[WIRE_BYTES], out[WIRE_BYTES];
};

static int nats_dial(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)nats_port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	must(fd >= 0);
	if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0) {
		close(fd);
		return -1;
	}
	must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0);
	return fd;
}

static void wire_flush(struct wire *w)
{
	for (size_t at = 0; at < w->out_len;) {
		ssize_t n = write(w->fd, w->out + at, w->out_len - at);
		must(n > 0);
		at += (size_t)n;
	}
	w->out_len = 0;
}

static void wire_add(struct wire *w, const void *bytes, size_t len)
{
	if (w->out_len + len > sizeof w->out)
		wire_flush(w);
	memcpy(w->out + w->out_len, bytes, len);
	w->out_len += len;
}

static void wire_more(struct wire *w)
{
	memmove(w->in, w->in + w->at, w->len);
	w->at = 0;
	ssize_t n = read(w->fd, w->in + w->len, sizeof w->in - w->len);
	must(n > 0);
	w->len += (size_t)n;
}

/* The next line without its end, good until the next call. */
static char *wire_line(struct wire *w)
{
	char *end;
	while ((end = memmem(w->in + w->at, w->len, "\r\n", 2)) == NULL)
		wire_more(w);
	char *line = w->in + w->at;
	size_t used = (size_t)(end + 2 - line);
	*end = '\0';
	w->at += used;
	w->len -= used;
	return line;
}

static struct wire *nats_open(const char *subject)
{
	static const char hello[] = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n";
	char text[100];
	struct wire *w = calloc(1, sizeof *w);
	must(w && (w->fd = nats_dial()) >= 0);
	must(strncmp(wire_line(w), "INFO", 4) == 0);
	wire_add(w, hello, sizeof hello - 1);
	if (subject)
		wire_add(w, text, (size_t)snprintf(text, sizeof text, "SUB %s 1\r\n", subject));
	wire_flush(w);
	return w;
}

static void nats_add(struct wire *w, const char *subject, const uint8_t *frame, size_t len)
{
	char head[100];
	wire_add(w, head, (size_t)snprintf(head, sizeof head, "PUB %s %zu\r\n", subject, len));
	wire_add(w, frame, len);
	wire_add(w, "\r\n", 2);
}

/* The next message's payload, good until the next call. */
static const uint8_t *nats_take(struct wire *w, size_t *ret_len)
{
	for (;;) {
		char *line = wire_line(w);
		if (strcmp(line, "PING") == 0) {
			wire_add(w, "PONG\r\n", 6);
			wire_flush(w);
			continue;
		}
		must(strncmp(line, "MSG ", 4) == 0);
		size_t len = strtoul(strrchr(line, ' ') + 1, NULL, 10);
		while (w->len < len + 2)
			wire_more(w);
		const uint8_t *payload = (const uint8_t *)w->in + w->at;
		w->at += len + 2;
		w->len -= len + 2;
		*ret_len = len;
		return payload;
	}
}

/* ---- flows through a broker: frames are gathered and written when the window is full or DEPTH are together ---- */

struct sender {
	void (*add)(void *to, const uint8_t *frame, size_t len);
	void (*flush)(void *to, int n);
	void *to;
};

static void send_one(const struct plan *p, const struct sender *s, uint8_t *frame, uint64_t seq)
{
	fill(frame, frame_len(p), seq);
	s->add(s->to, frame, frame_len(p));
}

static int64_t publish_through(const struct plan *p, const struct sender *s)
{
	uint8_t *frame = malloc(frame_len(p));
	struct window w = {0};
	must(frame);
	while (!w.open) {
		send_one(p, s, frame, 0);
		s->flush(s->to, 1);
		poll(NULL, 0, 1);
		read_acks(p, &w, false);
	}
	w.began = bench_now();
	while (w.acked < p->frames) {
		int n = 0;
		for (; n < DEPTH && w.sent < p->frames && w.sent - w.acked < WINDOW; n++)
			send_one(p, s, frame, ++w.sent);
		if (n > 0)
			s->flush(s->to, n);
		read_acks(p, &w, n == 0);
	}
	free(frame);
	return bench_now() - w.began;
}

/* ---- NATS ---- */

static void nats_add_flow(void *to, const uint8_t *frame, size_t len)
{
	nats_add(to, topic, frame, len);
}

static void nats_flush_flow(void *to, int n)
{
	(void)n;
	wire_flush(to);
}

static int64_t publish_nats(const struct plan *p)
{
	struct sender s = {nats_add_flow, nats_flush_flow, nats_open(NULL)};
	return publish_through(p, &s);
}

static void subscribe_nats(const struct plan *p)
{
	struct wire *w = nats_open("trade.>");
	struct taker t = {.plan = p};
	const uint8_t *frame;
	size_t len;
	do
		frame = nats_take(w, &len);
	while (!take(&t, frame, len));
}

/* Pings until the other one hears, then one at a time. */
static void echo_nats(const struct plan *p, const char *own, const char *other, struct echo *e)
{
	struct wire *w = nats_open(other);
	uint8_t frame[EVENT_BYTES];
	struct pollfd fd = {.fd = w->fd, .events = POLLIN};
	const uint8_t *got;
	size_t len;
	(void)p;
	while (e->answers || e->done < e->n) {
		if (!e->answers) {
			fill(frame, sizeof frame, e->done + 1);
			e->sent_at = bench_now();
			nats_add(w, own, frame, sizeof frame);
			wire_flush(w);
			if (w->len == 0 && poll(&fd, 1, 20) == 0)
				continue;
		}
		got = nats_take(w, &len);
		if (e->answers) {
			nats_add(w, own, got, len);
			wire_flush(w);
		} else if (check(got, len, EVENT_BYTES) == e->done + 1) {
			e->took[e->done++] = (double)(bench_now() - e->sent_at);
		}
	}
}

/* ---- Redis ---- */

static redisContext *redis_open(void)
{
	redisContext *c = redisConnectUnix(redis_path);
	must(c && !c->err);
	return c;
}

static void redis_replies(redisContext *c, int n)
{
	for (int i = 0; i < n; i++) {
		redisReply *r = NULL;
		must(redisGetReply(c, (void **)&r) == REDIS_OK && r->type != REDIS_REPLY_ERROR);
		freeReplyObject(r);
	}
}

static void redis_flush(void *to, int n)
{
	redis_replies(to, n);
}

static void redis_publish(void *to, const uint8_t *frame, size_t len)
{
	const char *argv[] = {"PUBLISH", topic, (const char *)frame};
	const size_t lens[] = {7, sizeof topic - 1, len};
	must(redisAppendCommandArgv(to, 3, argv, lens) == REDIS_OK);
}

static void redis_xadd(void *to, const uint8_t *frame, size_t len)
{
	const char *argv[] = {"XADD", topic, "MAXLEN", "~", "20000", "*", "f", (const char *)frame};
	const size_t lens[] = {4, sizeof topic - 1, 6, 1, 5, 1, 1, len};
	must(redisAppendCommandArgv(to, 8, argv, lens) == REDIS_OK);
}

static int64_t publish_redis(const struct plan *p)
{
	struct sender s = {redis_publish, redis_flush, redis_open()};
	return publish_through(p, &s);
}

static int64_t publish_stream(const struct plan *p)
{
	struct sender s = {redis_xadd, redis_flush, redis_open()};
	return publish_through(p, &s);
}

static void subscribe_redis(const struct plan *p)
{
	redisContext *c = redis_open();
	struct taker t = {.plan = p};
	bool done = false;
	must(redisAppendCommand(c, "SUBSCRIBE %s", topic) == REDIS_OK);
	while (!done) {
		redisReply *r = NULL;
		must(redisGetReply(c, (void **)&r) == REDIS_OK && r->type == REDIS_REPLY_ARRAY && r->elements == 3);
		if (strcmp(r->element[0]->str, "message") == 0)
			done = take(&t, (const uint8_t *)r->element[2]->str, r->element[2]->len);
		freeReplyObject(r);
	}
}

/* One page of entries: [[stream, [[id, ["f", frame]], ...]]]. */
static bool take_page(struct taker *t, const redisReply *page, char last[64])
{
	for (size_t i = 0; i < page->elements; i++) {
		const redisReply *entry = page->element[i], *frame = entry->element[1]->element[1];
		snprintf(last, 64, "%s", entry->element[0]->str);
		if (take(t, (const uint8_t *)frame->str, frame->len))
			return true;
	}
	return false;
}

static void subscribe_stream(const struct plan *p)
{
	redisContext *c = redis_open();
	struct taker t = {.plan = p};
	char last[64] = "$";
	bool done = false;
	while (!done) {
		redisReply *r = redisCommand(c, "XREAD COUNT %d BLOCK 1000 STREAMS %s %s", PAGE, topic, last);
		must(r && r->type != REDIS_REPLY_ERROR);
		if (r->type == REDIS_REPLY_ARRAY)
			done = take_page(&t, r->element[0]->element[1], last);
		freeReplyObject(r);
	}
}

/* ---- runs ---- */

static const struct way nats = {"NATS", publish_nats, subscribe_nats, echo_nats};
static const struct way redis_pubsub = {"Redis pub/sub", publish_redis, subscribe_redis, NULL};
static const struct way redis_stream = {"Redis streams", publish_stream, subscribe_stream, NULL};

static bool wait_for_nats(void)
{
	for (int i = 0; i < 500 && waitpid(brokers[0], NULL, WNOHANG) == 0; i++) {
		int fd = nats_dial();
		if (fd >= 0) {
			close(fd);
			return true;
		}
		poll(NULL, 0, 20);
	}
	brokers[0] = 0;
	return false;
}

static bool wait_for_redis(void)
{
	for (int i = 0; i < 500 && waitpid(brokers[1], NULL, WNOHANG) == 0; i++) {
		redisContext *c = redisConnectUnix(redis_path);
		bool fine = c && !c->err;
		redisFree(c);
		if (fine)
			return true;
		poll(NULL, 0, 20);
	}
	brokers[1] = 0;
	return false;
}

static bool start_nats(void)
{
	char port[16];
	nats_port = free_port();
	snprintf(port, sizeof port, "%d", nats_port);
	brokers[0] = start_broker((char *[]){"nats-server", "-a", "127.0.0.1", "-p", port, NULL});
	return wait_for_nats();
}

static bool start_redis(void)
{
	snprintf(redis_path, sizeof redis_path, "%s/redis.sock", dir);
	brokers[1] = start_broker((char *[]){"redis-server", "--port", "0", "--unixsocket", redis_path, "--save", "",
					     "--appendonly", "no", "--dir", dir, NULL});
	return wait_for_redis();
}

struct contest {
	const struct way *peer;
	const char *name;
	double want;
	bool on;
	struct bench_pairs pairs;
};

static void compare(struct contest *c, size_t n, bool brief)
{
	struct bench_pairs rtt = {.n = 0};
	uint64_t events = brief ? 100000 : 500000, pings = brief ? 2000 : 10000;
	for (int i = 0; i < (brief ? 5 : 11); i++) {
		double own = throughput(&ours, 1, events);
		for (size_t k = 0; k < n; k++)
			if (c[k].on)
				bench_add(&c[k].pairs, own, throughput(c[k].peer, 1, events));
		if (c[0].on)
			bench_add(&rtt, round_trip(&ours, pings), round_trip(&nats, pings));
	}
	for (size_t k = 0; k < n; k++)
		if (c[k].on)
			bench_print(&(struct bench_goal){"G13", c[k].name, "msg/s", true, c[k].want}, &c[k].pairs);
	if (c[0].on)
		bench_print(&(struct bench_goal){"G13", "round trip p50, of NATS", "us", false, 0.7}, &rtt);
}

int main(int argc, char **argv)
{
	bool brief = argc > 1 && strcmp(argv[1], "--short") == 0;
	struct contest contests[] = {
		{&nats, "bus, of NATS", 1.5, false, {.n = 0}},
		{&redis_pubsub, "bus, of Redis pub/sub", 3, false, {.n = 0}},
		{&redis_stream, "bus, of Redis streams", 5, false, {.n = 0}},
	};
	signal(SIGPIPE, SIG_IGN);
	must(mkdtemp(dir));
	contests[0].on = start_nats();
	contests[1].on = contests[2].on = start_redis();
	if (contests[0].on || contests[1].on)
		compare(contests, ARRAY_LEN(contests), brief);
	for (int i = 0; i < 2; i++)
		stop_broker(&brokers[i]);
	unlink(redis_path);
	rmdir(dir);
	if (!contests[0].on)
		printf("#\tno nats-server\n");
	if (!contests[1].on)
		printf("#\tno redis-server\n");
	return contests[0].on || contests[1].on ? 0 : 77;
}
