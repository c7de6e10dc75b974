/* test_journal_crash - an appender is killed at random moments, again and again: what it was told
 * to be durable is there, nothing is there twice, and the snapshots fit.
 */
#include "tests/unit/io/journal_kit.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#define MAX 400
#define ROUNDS 50

static char dir[KIT_PATH];

/* Shared with the appender; what it wrote here survives it. */
struct shared {
	volatile uint64_t durable, appended, trimmed;
};

static struct shared *shared;

static int setup(void **state)
{
	(void)state;
	kit_dir(dir);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return shared == MAP_FAILED ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	munmap(shared, 4096);
	kit_remove(dir);
	return 0;
}

static void append_some(struct journal *j, struct rng *rng)
{
	static uint8_t bytes[MAX];

	for (uint64_t n = rng_below(rng, 30); n > 0; n--) {
		uint64_t seq = shared->appended + 1;
		size_t len = kit_record(seq, MAX, bytes);
		/* first: a kill between the two lines must not look like an invention */
		shared->appended = seq;
		if (journal_append(j, bytes, len, &seq) != 0) {
			shared->appended = seq - 1;
			return;
		}
	}
}

static void appender(uint64_t seed)
{
	struct journal *j;
	struct rng rng;

	rng_seed(&rng, seed);
	if (kit_open(dir, 16 << 10, &j) != 0)
		_exit(2);
	shared->appended = journal_status(j).last;
	for (;;) {
		append_some(j, &rng);
		if (rng_below(&rng, 4) == 0 && journal_flush(j, 10 * NS_PER_S) != 0)
			_exit(3);
		shared->durable = journal_durable(j);
		uint64_t at = shared->durable;
		if (rng_below(&rng, 20) == 0)
			(void)journal_snapshot(j, at, &at, sizeof(at));
		if (rng_below(&rng, 50) == 0 && at > 3000) {
			shared->trimmed = at - 3000;
			journal_trim(j, at - 3000);
		}
	}
}

static void judge(void)
{
	struct journal *j;
	struct buf snapshot;
	uint64_t count, seq;

	assert_int_equal(kit_open(dir, 16 << 10, &j), 0);
	struct journal_status s = journal_status(j);
	assert_true(s.durable >= shared->durable);
	assert_true(s.durable <= shared->appended);
	assert_true(s.first <= shared->trimmed + 1);
	assert_int_equal(kit_read_all(j, s.first, MAX, &count), 0);
	assert_int_equal(count, s.durable + 1 - s.first);
	buf_init(&snapshot, 100);
	if (journal_snapshot_read(j, &seq, &snapshot) == 0) {
		assert_true(seq <= s.durable);
		assert_memory_equal(snapshot.at, &seq, sizeof(seq));
	}
	buf_fini(&snapshot);
	journal_close(j);
}

static void test_killed(void **state)
{
	(void)state;
	struct rng rng;

	rng_seed(&rng, 4711);
	for (int i = 0; i < ROUNDS; i++) {
		pid_t pid = fork();
		int status;
		assert_true(pid >= 0);
		if (pid == 0)
			appender(rng_u64(&rng));
		(void)rng_u64(&rng);
		struct timespec pause = {.tv_nsec = (long)rng_below(&rng, 40000000)};
		nanosleep(&pause, NULL);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		judge();
	}
	print_message("%d kills, %llu records\n", ROUNDS, (unsigned long long)shared->appended);
	assert_true(shared->durable > 100);
}

/* Killed while the journal is being opened, which copies its last segment. */
static void test_killed_in_open(void **state)
{
	(void)state;
	struct journal *j;
	struct rng rng;
	int status;

	rng_seed(&rng, 12);
	assert_int_equal(kit_open(dir, 1 << 20, &j), 0);
	kit_append(j, 2000, MAX);
	journal_close(j);
	shared->durable = shared->appended = 2000;
	for (int i = 0; i < ROUNDS; i++) {
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			for (;;) {
				if (kit_open(dir, 1 << 20, &j) != 0)
					_exit(2);
				journal_close(j);
			}
		}
		struct timespec pause = {.tv_nsec = (long)rng_below(&rng, 15000000)};
		nanosleep(&pause, NULL);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		judge();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed_in_open, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
