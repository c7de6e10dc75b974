/* test_ws_peer - the WebSocket client against npm's ws: plain and TLS, every variant of deflate.
 *
 * Installs the package into the build folder with `npm ci`; skipped where node or npm is absent or
 * cannot install.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/io/ws_client.h"

static struct {
	char dir[PATH_MAX];
	struct peer_cert cert;
	char key_path[64];
	pid_t pid[2];  /* plain, TLS */
	int in[2];     /* their stdin: closing it ends them */
	unsigned port[2];
} npm;

/* ---- the server's process ---- */

/* Runs a program with output into a log, or into *ret_out; its pid. */
static pid_t spawn(char *const argv[], int *ret_in, int *ret_out)
{
	int in[2], out[2];
	pid_t pid;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(out[1], 2);
		if (chdir(npm.dir) == 0)
			execvp(argv[0], argv);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	*ret_in = in[1];
	*ret_out = out[0];
	return pid;
}

static int run_to_end(char *const argv[])
{
	char text[512];
	int in, out, status;
	pid_t pid = spawn(argv, &in, &out);

	close(in);
	for (ssize_t n; (n = read(out, text, sizeof text)) > 0;)
		fwrite(text, 1, (size_t)n, stderr);
	close(out);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void copy_file(const char *from_dir, const char *name)
{
	char path[PATH_MAX + 64], text[16384];
	int from, to;
	ssize_t n;

	snprintf(path, sizeof path, "%s/tests/e2e/ws_peer/%s", from_dir, name);
	from = open(path, O_RDONLY);
	snprintf(path, sizeof path, "%s/%s", npm.dir, name);
	to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(from >= 0 && to >= 0);
	while ((n = read(from, text, sizeof text)) > 0)
		assert_int_equal(write(to, text, (size_t)n), n);
	close(from);
	close(to);
}

static bool install(void)
{
	const char *source = getenv("NJ_SOURCE"), *bin = getenv("NJ_BIN");
	char path[PATH_MAX + 64];

	if (!source || !bin)
		return false;
	snprintf(npm.dir, sizeof npm.dir, "%s/../ws_peer", bin);
	if (mkdir(npm.dir, 0755) != 0 && errno != EEXIST)
		return false;
	copy_file(source, "package.json");
	copy_file(source, "package-lock.json");
	copy_file(source, "server.js");
	snprintf(path, sizeof path, "%s/node_modules/ws/package.json", npm.dir);
	if (access(path, R_OK) == 0) /* left by an earlier run, which had node */
		return run_to_end((char *[]){"node", "--version", NULL}) == 0;
	return run_to_end((char *[]){"npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts",
				     NULL}) == 0;
}

static void start_server(int which)
{
	char text[64] = "";
	int out, n = 0;
	char *plain[] = {"node", "server.js", NULL};
	char *tls[] = {"node", "server.js", npm.cert.path, npm.key_path, NULL};

	npm.pid[which] = spawn(which ? tls : plain, &npm.in[which], &out);
	while (n < 60 && read(out, text + n, 1) == 1 && text[n] != '\n')
		n++;
	if (sscanf(text, "port %u", &npm.port[which]) != 1)
		fail_msg("server.js: %s", text);
	/* The pipe stays open: what the server says later must have somewhere to go. */
	assert_true(fcntl(out, F_SETFL, O_NONBLOCK) == 0);
}

static int start_all(void **state)
{
	FILE *f;
	int fd;

	(void)state;
	peer_cert_make(&npm.cert, "DNS:localhost,IP:127.0.0.1");
	snprintf(npm.key_path, sizeof npm.key_path, "/tmp/nj-key-XXXXXX");
	fd = mkstemp(npm.key_path);
	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	assert_int_equal(PEM_write_PrivateKey(f, npm.cert.key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	start_server(0);
	start_server(1);
	return 0;
}

static int stop_all(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		int status;

		close(npm.in[i]);
		for (int k = 0; k < 200 && waitpid(npm.pid[i], &status, WNOHANG) == 0; k++) {
			poll(NULL, 0, 10);
			if (k == 150)
				kill(npm.pid[i], SIGKILL);
		}
	}
	unlink(npm.key_path);
	peer_cert_free(&npm.cert);
	return 0;
}

/* ---- one connection ---- */

static const char *const variants[] = {
	"",
	"deflate",
	"deflate&snct",
	"deflate&cnct",
	"deflate&snct&cnct",
	"deflate&swb=9",
	"deflate&cwb=9",
	"deflate&swb=10&cwb=12&snct",
};

static void visit(struct client *c, int which, const char *path, const char *query,
		  struct ws_options o)
{
	char url[128];

	snprintf(url, sizeof url, "%s://%s:%u/%s%s", which ? "wss" : "ws",
		 which ? "localhost" : "127.0.0.1", npm.port[which], path, query);
	o.url = url;
	o.ca_file = npm.cert.path;
	o.deflate = true;
	c->began_ms = peer_now_ms();
	assert_int_equal(ws_open(c->l, &o, &handler, c, &c->ws), 0);
	assert_int_equal(loop_run(c->l), 0);
	text_of(c);
	ws_free(&c->ws);
}

/* ---- echo ---- */

static const size_t sizes[] = {0, 1, 2, 63, 64, 125, 126, 127, 1000, 65535, 65536, 100000, 1000000};

static char *sample(size_t len)
{
	char *text = malloc(len + 1);

	assert_non_null(text);
	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + (i * i / 7 + len) % 26);
	text[len] = '\0';
	return text;
}

static void send_sample(struct client *c)
{
	size_t len = sizes[(size_t)c->messages % ARRAY_LEN(sizes)];
	char *text = sample(len);

	assert_int_equal(ws_send(c->ws, text, len), 0);
	free(text);
}

static void echo_open(void *ctx)
{
	struct client *c = ctx;

	assert_int_equal(ws_deflated(c->ws), strcmp(c->extra, "") != 0);
	assert_string_equal(ws_protocol(c->ws), "nightjar.test");
	send_sample(c);
}

static void echo_message(void *ctx, const char *bytes, size_t len, bool binary)
{
	struct client *c = ctx;
	char *text = sample(sizes[(size_t)c->messages % ARRAY_LEN(sizes)]);

	assert_false(binary);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(bytes, text, len);
	free(text);
	if (++c->messages < 2 * (int)ARRAY_LEN(sizes))
		send_sample(c);
	else
		ws_close(c->ws, 1000, "enough");
}

static void test_echo(void **state)
{
	static const struct ws_handler h = {
		.on_open = echo_open, .on_message = echo_message, .on_close = on_close};

	for (size_t i = 0; i < ARRAY_LEN(variants) * 2; i++) {
		struct client *c = *state;
		char url[128];

		c->extra = (void *)(uintptr_t)variants[i / 2];
		snprintf(url, sizeof url, "%s://localhost:%u/echo?%s", i & 1 ? "wss" : "ws",
			 npm.port[i & 1], variants[i / 2]);
		assert_int_equal(ws_open(c->l,
					 &(struct ws_options){.url = url,
							      .ca_file = npm.cert.path,
							      .protocol = "nightjar.test",
							      .deflate = true},
					 &h, c, &c->ws),
				 0);
		assert_int_equal(loop_run(c->l), 0);
		assert_string_equal(text_of(c), "close 1000 OK: enough");
		teardown(state);
		setup(state);
	}
}

/* ---- bursts ---- */

static void burst_message(void *ctx, const char *bytes, size_t len, bool binary)
{
	struct client *c = ctx;
	size_t pad = (size_t)c->messages * 7919 % 250 * 8;
	char head[32];
	int n = snprintf(head, sizeof head, "{\"i\":%d,\"p\":\"", c->messages);

	assert_false(binary);
	assert_int_equal(len, (size_t)n + pad + 2);
	assert_memory_equal(bytes, head, (size_t)n);
	assert_memory_equal(bytes + len - 2, "\"}", 2);
	c->messages++;
}

static void test_burst(void **state)
{
	static const struct ws_handler h = {
		.on_open = on_open, .on_message = burst_message, .on_close = on_close};

	for (size_t i = 0; i < ARRAY_LEN(variants) * 2; i++) {
		struct client *c = *state;
		struct ws_counters n;
		char url[128];

		snprintf(url, sizeof url, "%s://127.0.0.1:%u/burst?n=1000&%s", i & 1 ? "wss" : "ws",
			 npm.port[i & 1], variants[i / 2]);
		assert_int_equal(ws_open(c->l,
					 &(struct ws_options){.url = url,
							      .ca_file = npm.cert.path,
							      .deflate = true},
					 &h, c, &c->ws),
				 0);
		assert_int_equal(loop_run(c->l), 0);
		assert_string_equal(text_of(c), "open close 1000 ERR_CLOSED: done");
		assert_int_equal(c->messages, 1000);
		n = ws_counters(c->ws);
		assert_int_equal(n.messages, 1000);
		assert_true(i < 2 ? n.wire_bytes_in > n.bytes_in
				  : n.wire_bytes_in < n.bytes_in / 10);
		teardown(state);
		setup(state);
	}
}

/* ---- the rest ---- */

static void test_fragments(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(variants) * 2; i++) {
		char query[64];

		snprintf(query, sizeof query, "?%s", variants[i / 2]);
		visit(*state, i & 1, "fragments", query, (struct ws_options){0});
		assert_string_equal(
			((struct client *)*state)->text.at,
			"open ping msg(one two three) msg(pong heart) close 4001 ERR_CLOSED: bye");
		teardown(state);
		setup(state);
	}
}

static void test_close_codes(void **state)
{
	static const int codes[] = {1000, 1001, 1003, 1008, 1011, 1013, 3000, 4999};

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		char query[64], expect[64];

		snprintf(query, sizeof query, "?code=%d", codes[i]);
		snprintf(expect, sizeof expect, "open close %d ERR_CLOSED: as asked \xc3\xa4",
			 codes[i]);
		visit(*state, i & 1, "close", query, (struct ws_options){0});
		assert_string_equal(((struct client *)*state)->text.at, expect);
		teardown(state);
		setup(state);
	}
}

static void test_terminate(void **state)
{
	for (int i = 0; i < 2; i++) {
		visit(*state, i, "terminate", "", (struct ws_options){0});
		assert_memory_equal(((struct client *)*state)->text.at,
				    "open msg(x) close 1006 ERR_", 27);
		teardown(state);
		setup(state);
	}
}

static void test_too_big(void **state)
{
	for (int i = 0; i < 4; i++) {
		visit(*state, i & 1, "big", i < 2 ? "?size=10001" : "?deflate&size=10000000",
		      (struct ws_options){.message_max = 10000});
		assert_memory_equal(((struct client *)*state)->text.at,
				    "open close 1009 ERR_TOO_LONG: ", 30);
		teardown(state);
		setup(state);
	}
}

static void test_refused(void **state)
{
	struct client *c = *state;

	visit(c, 1, "unknown", "", (struct ws_options){0});
	assert_string_equal(c->text.at, "close 1006 ERR_STATUS: the server answered HTTP "
			    "429 Too Many Requests");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_echo),
		TEST(test_burst),
		TEST(test_fragments),
		TEST(test_close_codes),
		TEST(test_terminate),
		TEST(test_too_big),
		TEST(test_refused),
	};

	if (!install()) {
		printf("skipped: npm's ws cannot be installed here: node and npm are needed\n");
		return 77;
	}
	return cmocka_run_group_tests_name("ws_peer", tests, start_all, stop_all);
}
