/* test_bus_curve - the bus over tcp: who is let in, as what, who is put out, and what a stranger gets. */
#include "tests/unit/io/bus_kit.h"

#include <zmq.h>

#include "common/io/keys.h"

static char dir[KIT_PATH], keys[KIT_PATH + 8], bus_dir[KIT_PATH + 8], peers[64], reason[KEYS_REASON_MAX];
static struct loop *loop;
static struct bus_end pub, sub;
static struct bus_link *m, *x;

static struct bus_zmq_options options(const char *key)
{
	return (struct bus_zmq_options){.dir = bus_dir, .tcp = true, .peers = peers, .keys = keys, .key = key};
}

static void make(const char *name, enum role role, bool replace)
{
	if (keys_make(keys, &(struct keys_new){name, role, replace}, reason, sizeof reason) != 0)
		fail_msg("%s", reason);
}

static int teardown(void **state)
{
	(void)state;
	bus_close(&sub.bus);
	bus_close(&pub.bus);
	loop_free(loop);
	kit_wipe(keys);
	kit_wipe(bus_dir);
	rmdir(keys);
	rmdir(bus_dir);
	kit_remove(dir);
	return 0;
}

/* libzmq frees the ports and the handler of a closed bus on its own thread. */
static bool try_bind(const char *key)
{
	struct bus_zmq_options o = options(key);
	assert_int_equal(bus_kit_open(&pub, loop, &o), 0);
	if (bus_bind(pub.bus, "pub") == 0)
		return true;
	bus_close(&pub.bus);
	return false;
}

static int setup(void **state)
{
	(void)state;
	kit_dir_in_memory(dir);
	snprintf(keys, sizeof keys, "%s/keys", dir);
	snprintf(bus_dir, sizeof bus_dir, "%s/bus", dir);
	assert_int_equal(mkdir(bus_dir, 0700), 0);
	snprintf(peers, sizeof peers, "pub=127.0.0.1:%u", (unsigned)bus_kit_ports());
	make("pub", role_service, false);
	make("anna", role_operator, false);
	make("tom", role_tap, false);
	assert_int_equal(loop_new(clock_real(), &loop), 0);
	BUS_KIT_UNTIL(loop, try_bind("pub"));
	memset(&sub, 0, sizeof sub);
	return 0;
}

static void start_again(const char *key)
{
	bus_close(&pub.bus);
	BUS_KIT_UNTIL(loop, try_bind(key));
}

static void join(const char *key)
{
	struct bus_zmq_options o = options(key);
	assert_int_equal(bus_kit_open(&sub, loop, &o), 0);
	assert_int_equal(bus_subscribe(sub.bus, "pub", LANE_M, NULL, NULL, &m), 0);
	assert_int_equal(bus_subscribe(sub.bus, "pub", LANE_X, NULL, NULL, &x), 0);
}

static void ask(void)
{
	uint64_t before = sub.replies;
	BUS_KIT_UNTIL(loop, bus_request(sub.bus, "pub", "ask", 3) == 0);
	BUS_KIT_UNTIL(loop, sub.replies > before);
}

static void test_frames_and_requests_with_a_role(void **state)
{
	(void)state;
	join("tom");
	BUS_KIT_UNTIL(loop, (bus_kit_send(&pub, LANE_M, 7), sub.last == 7));
	BUS_KIT_UNTIL(loop, (bus_kit_send(&pub, LANE_X, 8), sub.last == 8));
	ask();
	assert_int_equal(pub.peer.role, role_tap);
	assert_string_equal(pub.peer.name, "tom");
	bus_close(&sub.bus);
	join("anna");
	ask();
	assert_int_equal(pub.peer.role, role_operator);
	assert_string_equal(pub.peer.name, "anna");
	bus_close(&sub.bus);
	join("pub"); /* a service asks itself or another */
	ask();
	assert_int_equal(pub.peer.role, role_service);
	/* A page as large as they get passes the sealed socket's limit. */
	static uint8_t large[BUS_FRAME_X_MAX] = "m";
	uint64_t before = sub.frames;
	BUS_KIT_UNTIL(loop, (assert_int_equal(bus_send(pub.bus, LANE_X, large, sizeof large), 0), sub.frames > before));
	assert_int_equal(sub.frame_len, sizeof large);
}

/* Strangers: none of them gets a frame, and each is counted. */
static void expect_nothing(void *socket)
{
	char bytes[64];
	uint64_t before = pub.bus->counters.auth_failures + pub.bus->counters.handshake_failures;
	uint64_t requests = pub.requests;
	for (int lane = LANE_M; lane <= LANE_X; lane++)
		bus_kit_send(&pub, (enum lane)lane, 1);
	BUS_KIT_UNTIL(loop, (bus_kit_send(&pub, LANE_M, 1),
			     pub.bus->counters.auth_failures + pub.bus->counters.handshake_failures > before));
	for (int i = 0; i < 20; i++) {
		bus_kit_send(&pub, LANE_M, 1);
		bus_kit_turn(loop);
		assert_int_equal(zmq_recv(socket, bytes, sizeof bytes, ZMQ_DONTWAIT), -1);
	}
	assert_int_equal(pub.requests, requests);
}

static void *stranger(int type, const char *server_key, const char *public_key, const char *secret_key)
{
	char at[64];
	int zero = 0, one = 1;
	void *s = zmq_socket(bus_context(), type);
	assert_non_null(s);
	zmq_setsockopt(s, ZMQ_LINGER, &zero, sizeof zero);
	if (type == ZMQ_SUB)
		zmq_setsockopt(s, ZMQ_SUBSCRIBE, "", 0);
	else
		zmq_setsockopt(s, ZMQ_IMMEDIATE, &one, sizeof one);
	if (server_key) {
		assert_int_equal(zmq_setsockopt(s, ZMQ_CURVE_SERVERKEY, server_key, 41), 0);
		assert_int_equal(zmq_setsockopt(s, ZMQ_CURVE_PUBLICKEY, public_key, 41), 0);
		assert_int_equal(zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, secret_key, 41), 0);
	}
	unsigned port = (unsigned)strtoul(strrchr(peers, ':') + 1, NULL, 10) + (type == ZMQ_SUB ? 0 : 2);
	snprintf(at, sizeof at, "tcp://127.0.0.1:%u", port);
	assert_int_equal(zmq_connect(s, at), 0);
	if (type == ZMQ_DEALER)
		(void)zmq_send(s, "ask", 3, ZMQ_DONTWAIT);
	return s;
}

static void test_strangers_get_nothing(void **state)
{
	static const int types[] = {ZMQ_SUB, ZMQ_DEALER};
	struct key_secret *own = NULL;
	char public_key[41], secret_key[41];
	(void)state;
	assert_int_equal(keys_secret(keys, "pub", &own, reason, sizeof reason), 0);
	assert_int_equal(zmq_curve_keypair(public_key, secret_key), 0);
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		void *null = stranger(types[i], NULL, NULL, NULL); /* no mechanism at all */
		expect_nothing(null);
		zmq_close(null);
		void *unknown = stranger(types[i], own->public_text, public_key, secret_key);
		expect_nothing(unknown);
		zmq_close(unknown);
	}
	keys_forget(&own);
}

/* A wrong server is not believed either: its key is not the publisher's. */
static void test_a_false_publisher_is_not_believed(void **state)
{
	(void)state;
	make("mallory", role_service, false);
	start_again("mallory");
	join("anna");
	for (int i = 0; i < 100; i++) {
		bus_kit_send(&pub, LANE_M, 1);
		bus_kit_turn(loop);
	}
	assert_int_equal(sub.frames, 0);
	assert_int_equal(sub.ups, 0);
}

static void test_a_tap_is_no_publisher(void **state)
{
	(void)state;
	make("pub", role_tap, true); /* the key of that name is not a service's */
	start_again("pub");
	join("anna");
	for (int i = 0; i < 100; i++) {
		bus_kit_send(&pub, LANE_M, 1);
		bus_kit_turn(loop);
	}
	assert_int_equal(sub.frames, 0);
}

static void test_revoking_ends_connections_that_stand(void **state)
{
	struct bus_end other;
	struct bus_link *link;
	(void)state;
	join("tom");
	struct bus_zmq_options o = options("anna");
	assert_int_equal(bus_kit_open(&other, loop, &o), 0);
	assert_int_equal(bus_subscribe(other.bus, "pub", LANE_M, NULL, NULL, &link), 0);
	BUS_KIT_UNTIL(loop, (bus_kit_send(&pub, LANE_M, 7), sub.last == 7 && other.last == 7));
	ask();
	uint64_t refused = pub.bus->counters.auth_failures;
	assert_int_equal(keys_revoke(keys, "tom", reason, sizeof reason), 0);
	BUS_KIT_UNTIL(loop, sub.downs == 2);
	BUS_KIT_UNTIL(loop, pub.bus->counters.auth_failures > refused);
	/* Whoever may stay is back, whoever may not gets nothing more. */
	uint64_t got = sub.frames;
	BUS_KIT_UNTIL(loop, (bus_kit_send(&pub, LANE_M, 9), other.last == 9));
	assert_int_equal(sub.frames, got);
	assert_int_equal(other.ups, 2);
	/* With a new key he is let in again; he may come before the publisher has read it. */
	make("tom", role_tap, true);
	bus_close(&sub.bus);
	join("tom");
	BUS_KIT_UNTIL(loop, (bus_kit_send(&pub, LANE_M, 10), sub.last == 10));
	bus_close(&other.bus);
}

/* Keys may come in any order: what lacks one is connected as soon as it is there. */
static void test_a_publisher_whose_key_comes_later(void **state)
{
	char from[KIT_PATH + 64], to[KIT_PATH + 64];
	(void)state;
	snprintf(from, sizeof from, "%s/pub.pub", keys);
	snprintf(to, sizeof to, "%s/hidden", keys);
	assert_int_equal(rename(from, to), 0);
	join("anna");
	for (int i = 0; i < 20; i++)
		bus_kit_turn(loop);
	assert_int_equal(sub.ups, 0);
	assert_int_equal(rename(to, from), 0);
	BUS_KIT_UNTIL(loop, sub.ups == 2);
	BUS_KIT_UNTIL(loop, (bus_kit_send(&pub, LANE_M, 7), sub.last == 7));
}

static void test_a_publisher_with_a_new_key(void **state)
{
	(void)state;
	join("anna");
	BUS_KIT_UNTIL(loop, (bus_kit_send(&pub, LANE_M, 7), sub.last == 7));
	make("pub", role_service, true);
	start_again("pub");
	BUS_KIT_UNTIL(loop, (bus_kit_send(&pub, LANE_M, 8), sub.last == 8));
}

static void test_without_keys_nothing_starts(void **state)
{
	struct bus_zmq_options o = options("nobody");
	struct bus *bus = NULL;
	(void)state;
	assert_int_equal(bus_zmq_open(loop, &o, &bus_kit_handler, NULL, &bus, reason, sizeof reason), ERR_NOT_FOUND);
	assert_non_null(strstr(reason, "nobody.secret"));
	o.keys = "/nonexistent";
	assert_int_equal(bus_zmq_open(loop, &o, &bus_kit_handler, NULL, &bus, reason, sizeof reason), ERR_NOT_FOUND);
	assert_non_null(strstr(reason, "bus.keys"));
	assert_null(bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_frames_and_requests_with_a_role, setup, teardown),
		cmocka_unit_test_setup_teardown(test_strangers_get_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_false_publisher_is_not_believed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_tap_is_no_publisher, setup, teardown),
		cmocka_unit_test_setup_teardown(test_revoking_ends_connections_that_stand, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_publisher_whose_key_comes_later, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_publisher_with_a_new_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_keys_nothing_starts, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
