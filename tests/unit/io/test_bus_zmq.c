/* test_bus_zmq - the bus over ZeroMQ: options of every socket, whose directory it is, the lock, the addresses. */
#include "tests/unit/io/bus_kit.h"

#include <czmq.h>
#include <sys/wait.h>

static char dir[KIT_PATH];
static struct loop *loop;

static int setup(void **state)
{
	(void)state;
	kit_dir_in_memory(dir);
	return loop_new(clock_real(), &loop);
}

static int teardown(void **state)
{
	(void)state;
	loop_free(loop);
	kit_remove(dir);
	return 0;
}

static int int_of(void *socket, int option)
{
	int value = -99;
	size_t len = sizeof value;
	assert_int_equal(zmq_getsockopt(socket, option, &value, &len), 0);
	return value;
}

static int64_t frame_max(void *socket)
{
	int64_t value = -99;
	size_t len = sizeof value;
	assert_int_equal(zmq_getsockopt(socket, ZMQ_MAXMSGSIZE, &value, &len), 0);
	return value;
}

/* Rule 11 of the bus: bounds on every socket, nothing left at libzmq's default where that is without end. */
static void test_every_socket_has_its_limits(void **state)
{
	static const struct {
		int64_t frame_max;
		int type, send, receive, linger;
	} want[BUS_SOCKETS] = {
		[BUS_SOCKET_PUB_M] = {256, ZMQ_XPUB, 10000, 2, 0},
		[BUS_SOCKET_PUB_X] = {256, ZMQ_XPUB, 10000, 2, 2000},
		[BUS_SOCKET_REP] = {65536, ZMQ_ROUTER, 16, 16, 0},
		[BUS_SOCKET_SUB_M] = {65536, ZMQ_SUB, 0, 10000, 0},
		[BUS_SOCKET_SUB_X] = {1 << 20, ZMQ_SUB, 0, 10000, 0},
		[BUS_SOCKET_ASK] = {(1 << 20) + 65536, ZMQ_DEALER, 10000, 10000, 0},
	};
	(void)state;
	for (int kind = 0; kind < BUS_SOCKETS; kind++)
		for (int tcp = 0; tcp < 2; tcp++) {
			void *s = bus_socket_new((enum bus_socket)kind, tcp);
			assert_non_null(s);
			assert_int_equal(int_of(s, ZMQ_TYPE), want[kind].type);
			assert_int_equal(frame_max(s), want[kind].frame_max + 64);
			assert_int_equal(int_of(s, ZMQ_SNDHWM), want[kind].send);
			assert_int_equal(int_of(s, ZMQ_RCVHWM), want[kind].receive);
			assert_int_equal(int_of(s, ZMQ_LINGER), want[kind].linger);
			assert_int_equal(int_of(s, ZMQ_HANDSHAKE_IVL), 2000);
			assert_int_equal(int_of(s, ZMQ_RECONNECT_IVL), 50);
			assert_int_equal(int_of(s, ZMQ_RECONNECT_IVL_MAX), 2000);
			assert_int_equal(int_of(s, ZMQ_IMMEDIATE), kind == BUS_SOCKET_ASK);
			/* Found dead within three seconds: a ping after one, two for the answer. */
			assert_int_equal(int_of(s, ZMQ_HEARTBEAT_IVL), tcp ? 1000 : 0);
			assert_int_equal(int_of(s, ZMQ_HEARTBEAT_TIMEOUT), tcp ? 2000 : -1);
			assert_int_equal(int_of(s, ZMQ_TCP_KEEPALIVE), tcp ? 1 : -1);
			zmq_close(s);
		}
}

static int open_at(const char *path, char *reason, size_t cap)
{
	struct bus_zmq_options o = {.dir = path};
	struct bus_handler none = {0};
	struct bus *bus = NULL;
	int rc = bus_zmq_open(loop, &o, &none, NULL, &bus, reason, cap);
	bus_close(&bus);
	return rc;
}

static void test_the_directory_must_be_ours_alone(void **state)
{
	char path[KIT_PATH + 20], other[KIT_PATH + 20], reason[300] = "";
	struct stat st;
	(void)state;
	snprintf(path, sizeof path, "%s/bus", dir);
	assert_int_equal(open_at(path, reason, sizeof reason), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	for (unsigned bit = 1; bit <= 040; bit <<= 1) { /* any right of the group or of others */
		assert_int_equal(chmod(path, 0700 | bit), 0);
		assert_int_equal(open_at(path, reason, sizeof reason), ERR_REFUSED);
		assert_non_null(strstr(reason, "chmod 700"));
	}
	assert_int_equal(chmod(path, 0700), 0);
	snprintf(other, sizeof other, "%s/link", dir);
	assert_int_equal(symlink(path, other), 0);
	assert_int_equal(open_at(other, reason, sizeof reason), ERR_REFUSED);
	unlink(other);
	rmdir(path);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(open_at(path, reason, sizeof reason), ERR_REFUSED);
	if (geteuid() == 0) { /* somebody else's */
		unlink(path);
		assert_int_equal(mkdir(path, 0700), 0);
		assert_int_equal(chown(path, 12345, 12345), 0);
		assert_int_equal(open_at(path, reason, sizeof reason), ERR_REFUSED);
		rmdir(path);
	}
}

/* libzmq would unlink the first one's sockets and serve in its place without a word (Z10). */
static void test_the_lock_comes_before_the_sockets(void **state)
{
	struct bus_zmq_options o = {.dir = dir};
	struct bus_end first, second, reader;
	struct bus_link *link;
	char path[KIT_PATH + 20];
	struct stat before, after;
	(void)state;
	assert_int_equal(bus_kit_open(&first, loop, &o), 0);
	assert_int_equal(bus_bind(first.bus, "pub"), 0);
	snprintf(path, sizeof path, "%s/pub.m", dir);
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(bus_kit_open(&second, loop, &o), 0);
	assert_int_equal(bus_bind(second.bus, "pub"), ERR_BUSY);
	bus_close(&second.bus);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(bus_kit_open(&reader, loop, &o), 0);
	assert_int_equal(bus_subscribe(reader.bus, "pub", LANE_M, NULL, NULL, &link), 0);
	BUS_KIT_UNTIL(loop, (bus_kit_send(&first, LANE_M, 1), reader.frames > 0));
	bus_close(&reader.bus);
	bus_close(&first.bus);
	/* A lock that is a link somewhere else is not followed. */
	snprintf(path, sizeof path, "%s/pub.lock", dir);
	unlink(path);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(bus_kit_open(&first, loop, &o), 0);
	assert_int_not_equal(bus_bind(first.bus, "pub"), 0);
	bus_close(&first.bus);
}

static void test_frames_requests_and_peers(void **state)
{
	struct bus_zmq_options o = {.dir = dir};
	struct bus_end pub, sub;
	struct bus_link *m, *x;
	(void)state;
	assert_int_equal(bus_kit_open(&pub, loop, &o), 0);
	assert_int_equal(bus_kit_open(&sub, loop, &o), 0);
	assert_int_equal(bus_subscribe(sub.bus, "pub", LANE_M, NULL, NULL, &m), 0); /* before it exists */
	assert_int_equal(bus_subscribe(sub.bus, "pub", LANE_X, NULL, NULL, &x), 0);
	assert_int_equal(bus_request(sub.bus, "pub", "ask", 3), ERR_AGAIN);
	assert_int_equal(bus_bind(pub.bus, "pub"), 0);
	BUS_KIT_UNTIL(loop, (bus_kit_send(&pub, LANE_M, 7), sub.frames > 0));
	assert_int_equal(sub.last, 7);
	BUS_KIT_UNTIL(loop, (bus_kit_send(&pub, LANE_X, 8), sub.last == 8));
	BUS_KIT_UNTIL(loop, bus_request(sub.bus, "pub", "ask", 3) == 0);
	BUS_KIT_UNTIL(loop, sub.replies == 1);
	assert_int_equal(sub.ups, 2);
	assert_int_equal(sub.downs, 0);
	assert_int_equal(pub.bus->counters.accepted, 3);
	bus_close(&pub.bus);
	BUS_KIT_UNTIL(loop, sub.downs == 2);
	assert_int_equal(bus_kit_open(&pub, loop, &o), 0);
	assert_int_equal(bus_bind(pub.bus, "pub"), 0);
	BUS_KIT_UNTIL(loop, sub.ups == 4);
	bus_close(&pub.bus);
	bus_close(&sub.bus);
}

enum { PAGE = 3 * BUS_FRAME_X_MAX + 12345 };
static uint8_t whole[PAGE];
static size_t pages[3], n_pages;

static void answer_in_frames(void *ctx, const struct bus_peer *peer, const uint8_t *request, size_t len)
{
	static const size_t sizes[] = {PAGE, BUS_FRAME_X_MAX, 0};
	struct bus_end *e = ctx;
	assert_int_equal(bus_reply(e->bus, peer, request, len, whole, sizes[e->requests++ % 3]), 0);
}

static void take_page(void *ctx, const char *publisher, const uint8_t *reply, size_t len, const uint8_t *page, size_t n)
{
	struct bus_end *e = ctx;
	(void)publisher, (void)reply;
	assert_int_equal(len, 3);
	assert_memory_equal(page, whole, n);
	pages[n_pages++ % 3] = n;
	e->replies++;
}

/* The last values of many instruments are more than a frame may have. */
static void test_a_page_of_several_frames(void **state)
{
	struct bus_zmq_options o = {.dir = dir};
	struct bus_end pub, sub;
	(void)state;
	for (size_t i = 0; i < PAGE; i++)
		whole[i] = (uint8_t)(i * 2654435761u >> 24);
	assert_int_equal(bus_kit_open(&pub, loop, &o), 0);
	assert_int_equal(bus_kit_open(&sub, loop, &o), 0);
	pub.bus->handler.on_request = answer_in_frames;
	sub.bus->handler.on_reply = take_page;
	assert_int_equal(bus_bind(pub.bus, "pub"), 0);
	for (uint64_t i = 0; i < 3; i++) {
		BUS_KIT_UNTIL(loop, bus_request(sub.bus, "pub", "ask", 3) == 0);
		BUS_KIT_UNTIL(loop, sub.replies == i + 1);
	}
	assert_int_equal(pages[0], PAGE);
	assert_int_equal(pages[1], BUS_FRAME_X_MAX);
	assert_int_equal(pages[2], 0);
	bus_close(&sub.bus);
	bus_close(&pub.bus);
}

/* An answer that nobody waits for any more is an error that is counted, not a silence. */
static void test_answers_to_nobody_are_counted(void **state)
{
	struct bus_zmq_options o = {.dir = dir};
	struct bus_end pub;
	struct bus_peer stranger = {.id = "12345", .len = 5};
	(void)state;
	assert_int_equal(bus_kit_open(&pub, loop, &o), 0);
	assert_int_equal(bus_bind(pub.bus, "pub"), 0);
	assert_int_not_equal(bus_reply(pub.bus, &stranger, "x", 1, NULL, 0), 0);
	assert_int_equal(pub.bus->counters.send_errors, 1);
	bus_close(&pub.bus);
}

static int parse(const char *peers, const char *listen, struct bus_addresses *a, char *reason, size_t cap)
{
	struct bus_zmq_options o = {.dir = "/x", .tcp = true, .peers = peers, .listen = listen};
	reason[0] = '\0';
	return bus_addresses_init(a, &o, reason, cap);
}

static void test_addresses(void **state)
{
	static const char *const bad[] = {"a", "a=", "a=h", "a=h:", "a=h:0", "a=h:65534", "a=h:99999999999", "a=h:12x",
					  "=h:1", "a=h h:1", "a=[::1:5", "a=[]:5", "a=h:1,a=h:5", "a=h;rm:5", "a:5=h",
					  "a=:5", "a=tcp://h:5", "averyveryverylongnameofapublisherthatdoesnotfit=h:5"};
	struct bus_addresses a;
	char reason[300], at[BUS_ADDRESS_MAX] = "untouched";
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(parse(bad[i], "", &a, reason, sizeof reason), ERR_ARG);
		assert_non_null(strstr(reason, "bus.peers"));
	}
	assert_int_equal(parse("a=h:1", "10.0.0.1:5 ", &a, reason, sizeof reason), ERR_ARG);
	assert_non_null(strstr(reason, "bus.listen"));
	assert_int_equal(parse(" a=10.0.0.1:9410 ,b=[fd00::1]:9420, c=host-1.lan:65533,", "", &a, reason,
			       sizeof reason), 0);
	assert_int_equal(bus_address(&a, "d", LANE_M, false, at), ERR_NOT_FOUND);
	assert_string_equal(at, "untouched");
	assert_int_equal(bus_address(&a, "a", LANE_M, true, at), 0);
	assert_string_equal(at, "tcp://10.0.0.1:9410");
	assert_int_equal(bus_address(&a, "b", LANE_X, false, at), 0);
	assert_string_equal(at, "tcp://[fd00::1]:9421");
	assert_int_equal(bus_address(&a, "c", LANE_R, false, at), 0);
	assert_string_equal(at, "tcp://host-1.lan:65535");
	assert_int_equal(parse("a=collector:9410", "0.0.0.0", &a, reason, sizeof reason), 0);
	assert_int_equal(bus_address(&a, "a", LANE_R, true, at), 0);
	assert_string_equal(at, "tcp://0.0.0.0:9412");
	assert_int_equal(bus_address(&a, "a", LANE_R, false, at), 0);
	assert_string_equal(at, "tcp://collector:9412");
}

static void test_ipc_paths_have_a_limit(void **state)
{
	char at[BUS_ADDRESS_MAX], reason[300], name[EVENT_SOURCE_MAX + 1], deep[100];
	struct bus_zmq_options o = {.dir = deep};
	struct bus_addresses a;
	(void)state;
	memset(deep, 'd', sizeof deep - 1);
	deep[sizeof deep - 1] = '\0';
	assert_int_equal(bus_addresses_init(&a, &o, reason, sizeof reason), ERR_TOO_LONG);
	deep[79] = '\0';
	assert_int_equal(bus_addresses_init(&a, &o, reason, sizeof reason), 0);
	memset(name, 'n', EVENT_SOURCE_MAX - 1);
	name[EVENT_SOURCE_MAX - 1] = '\0';
	int want = 79 + 1 + EVENT_SOURCE_MAX - 1 + 4 <= 107 ? 0 : ERR_TOO_LONG;
	assert_int_equal(bus_address(&a, name, LANE_R, false, at), want);
	assert_int_equal(bus_address(&a, "n", LANE_R, false, at), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_socket_has_its_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_directory_must_be_ours_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_lock_comes_before_the_sockets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_frames_requests_and_peers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_page_of_several_frames, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answers_to_nobody_are_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ipc_paths_have_a_limit, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
