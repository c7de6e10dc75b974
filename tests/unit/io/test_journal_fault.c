/* test_journal_fault - the Nth operation on the journal's files fails, or kills the process: swept
 * from the first to the last, with iofail preloaded (tests/chaos). The program runs itself again
 * as the worker that suffers.
 */
#include "tests/unit/io/journal_kit.h"

#include <errno.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>

#define MAX 250
#define BASE 60     /* records there before the worker runs */
#define WORK 60     /* records that the worker appends */
#define SEGMENT 4096

extern char **environ;

static char dir[KIT_PATH], base[KIT_PATH], self[KIT_PATH], shim[KIT_PATH];
static bool patient; /* nothing is to go wrong in this run: it may take its time, as on a machine under load */

/* What the worker tells: one line of numbers in a file that is not the journal's. */
struct told {
	int open_rc, first_rc;        /* first_rc: first error of append, flush, trim or snapshot */
	unsigned long long appended, durable, write_errors, snapshot_errors;
	int failed;
	bool ended; /* it came to its end and told anything */
	char fired[KIT_PATH + 64]; /* call and path of the operation that failed */
};

static void pause_ms(int ms)
{
	poll(NULL, 0, ms);
}

/* ---- The worker: appends, trims, snapshots; stops at nothing but a journal that died. */

static void note(int *first, int rc)
{
	if (rc && !*first)
		*first = rc;
}

static void tell(const char *path, const struct told *t)
{
	char line[200];
	int n = snprintf(line, sizeof(line), "%d %d %llu %llu %llu %llu %d\n", t->open_rc,
			 t->first_rc, t->appended,
			 t->durable, t->write_errors, t->snapshot_errors, t->failed);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, line, (size_t)n) != n)
		_exit(9);
	close(fd);
}

/* Long where the journal should do it, short once something has gone wrong. */
static int64_t patience(const struct told *t)
{
	return (t->first_rc ? 10 : patient ? 60000 : 400) * NS_PER_MS;
}

static void work(struct journal *j, struct told *t)
{
	static uint8_t bytes[MAX];
	uint64_t seq = 0, last = journal_status(j).last;

	for (uint64_t i = 1; i <= WORK; i++) {
		size_t len = kit_record(last + 1, MAX, bytes);
		int rc = journal_append(j, bytes, len, &seq);
		note(&t->first_rc, rc);
		last += rc == 0;
		if (i % 3 == 0)
			note(&t->first_rc, journal_flush(j, patience(t)));
		if (i == WORK / 2)
			note(&t->first_rc, journal_trim(j, BASE / 2));
		if (i % 20 == 0)
			note(&t->first_rc, journal_snapshot(j, last, &last, sizeof(last)));
	}
	note(&t->first_rc, journal_flush(j, (patient ? 60000 : 400) * NS_PER_MS));
	t->appended = last;
}

static int worker(const char *journal_dir, const char *result)
{
	const struct journal_options o = {.dir = journal_dir, .epoch = KIT_EPOCH,
					  .segment_bytes = SEGMENT};
	struct told t = {0};
	struct journal *j;
	char reason[400] = "";

	t.open_rc = journal_open(&o, &j, reason, sizeof(reason));
	if (t.open_rc == 0) {
		work(j, &t);
		pause_ms(3); /* the writer makes its spare when it has nothing to write */
		struct journal_status s = journal_status(j);
		journal_reason(j, reason, sizeof(reason));
		t.durable = s.durable;
		t.failed = s.failed;
		t.write_errors = s.write_errors + (reason[0] != '\0');
		t.snapshot_errors = s.snapshot_errors;
		tell(result, &t); /* before the close: what was said to be durable by now must be */
		journal_close(j);
	} else if (reason[0] == '\0') {
		return 8;
	}
	tell(result, &t);
	return 0;
}

/* ---- The judge. */

static void copy_base(void)
{
	char from[KIT_PATH + 300], to[KIT_PATH + 300];
	const struct dirent *e;
	DIR *d = opendir(base);
	size_t len;

	kit_wipe(dir);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(from, sizeof(from), "%s/%s", base, e->d_name);
		snprintf(to, sizeof(to), "%s/%s", dir, e->d_name);
		uint8_t *bytes = kit_slurp(from, &len);
		kit_spill(to, bytes, len);
		free(bytes);
	}
	closedir(d);
}

static int setup(void **state)
{
	(void)state;
	struct journal *j;

	kit_dir_in_memory(dir);
	kit_dir_in_memory(base);
	assert_int_equal(kit_open(base, SEGMENT, &j), 0);
	for (int i = 0; i < BASE; i += 4) {
		kit_append(j, 4, MAX);
		kit_flush(j);
	}
	assert_int_equal(journal_snapshot(j, BASE, &(uint64_t){BASE}, sizeof(uint64_t)), 0);
	journal_close(j);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kit_remove(dir);
	kit_remove(base);
	return 0;
}

struct fault {
	const char *calls;
	int nth, count, error, cut, kill;
};

/* Runs the worker under the fault; false where the fault did not come because there were not so
 * many operations. */
static bool run(const struct fault *f, struct told *ret_told)
{
	char env[8][KIT_PATH + 64], result[KIT_PATH + 8], log[KIT_PATH + 8];
	char *argv[] = {self, (char[]){"worker"}, dir, result, patient ? (char[]){"patient"} : NULL, NULL};
	char *envp[] = {env[0], env[1], env[2], env[3], env[4], env[5], env[6], env[7],
			(char[]){"ASAN_OPTIONS=verify_asan_link_order=0"}, NULL};
	int status;
	pid_t pid;

	snprintf(result, sizeof(result), "%s.res", base);
	snprintf(log, sizeof(log), "%s.log", base);
	snprintf(env[0], sizeof(env[0]), "LD_PRELOAD=%s", shim);
	snprintf(env[1], sizeof(env[1]), "IOFAIL_PATH=%s", dir);
	snprintf(env[2], sizeof(env[2]), "IOFAIL_CALLS=%s", f->calls);
	snprintf(env[3], sizeof(env[3]), "IOFAIL_NTH=%d", f->nth);
	snprintf(env[4], sizeof(env[4]), "IOFAIL_COUNT=%d", f->count);
	snprintf(env[5], sizeof(env[5]), "IOFAIL_ERRNO=%d", f->error);
	snprintf(env[6], sizeof(env[6]), "IOFAIL_SHORT=%d", f->cut);
	snprintf(env[7], sizeof(env[7]), f->kill ? "IOFAIL_KILL=1" : "IOFAIL_LOG=%s", log);
	unlink(log);
	unlink(result);
	assert_int_equal(posix_spawn(&pid, self, NULL, NULL, argv, envp), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	bool fired = f->kill && WIFSIGNALED(status);
	if (!fired)
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	*ret_told = (struct told){0};
	FILE *in = fopen(result, "r");
	if (in) {
		char line[200] = "", *at = line;
		assert_non_null(fgets(line, sizeof(line), in));
		fclose(in);
		ret_told->open_rc = (int)strtol(at, &at, 10);
		ret_told->first_rc = (int)strtol(at, &at, 10);
		ret_told->appended = strtoull(at, &at, 10);
		ret_told->durable = strtoull(at, &at, 10);
		ret_told->write_errors = strtoull(at, &at, 10);
		ret_told->snapshot_errors = strtoull(at, &at, 10);
		ret_told->failed = (int)strtol(at, &at, 10);
		ret_told->ended = true;
	}
	if (!f->kill) {
		size_t len;
		uint8_t *text = kit_slurp(log, &len);
		text[len] = '\0';
		fired = strncmp((char *)text, "count", 5) != 0;
		snprintf(ret_told->fired, sizeof(ret_told->fired), "%.*s",
			 (int)strcspn((char *)text, "\n"), text);
		free(text);
	}
	unlink(log);
	unlink(result);
	return fired;
}

static bool run_patiently(const struct fault *f, struct told *ret_told)
{
	copy_base();
	patient = true;
	bool fired = run(f, ret_told);
	patient = false;
	return fired;
}

/* Without any fault: everything that had been durable is there, all of it is right, and it goes
 * on. */
static void judge(const struct told *t)
{
	struct journal *j;
	struct journal_status s;
	struct buf snapshot;
	uint64_t count, seq;

	assert_int_equal(kit_open(dir, SEGMENT, &j), 0);
	s = journal_status(j);
	assert_true(s.durable >= BASE);
	assert_true(s.durable >= t->durable);
	assert_true(!t->ended || s.durable <= (t->appended > BASE ? t->appended : BASE));
	assert_true(s.first <= BASE / 2 + 1);
	assert_int_equal(kit_read_all(j, s.first, MAX, &count), 0);
	assert_int_equal(count, s.durable + 1 - s.first);
	buf_init(&snapshot, 100);
	assert_int_equal(journal_snapshot_read(j, &seq, &snapshot), 0);
	assert_int_equal(snapshot.len, sizeof(seq));
	assert_memory_equal(snapshot.at, &seq, sizeof(seq));
	buf_fini(&snapshot);
	kit_append(j, 5, MAX);
	kit_flush(j);
	assert_int_equal(journal_durable(j), s.durable + 5);
	journal_close(j);
}

/* From the first matching operation to the last; `silent`: operations whose failure costs nothing
 * and may go unsaid. */
static int sweep(struct fault f, bool silent)
{
	struct told t;

	for (f.nth = 1;; f.nth++) {
		copy_base();
		bool fired = run(&f, &t);
		if (!fired && t.first_rc == ERR_TIMEOUT)
			fired = run_patiently(&f, &t);
		/* The pid in the lock file is for people; the lock holds without it. */
		if (fired && !f.kill && !silent && !strstr(t.fired, "/lock")) {
			bool said = t.ended &&
				(t.open_rc || t.first_rc || t.write_errors || t.snapshot_errors);
			if (!said)
				print_error("unsaid: %s (operation %d)\n", t.fired, f.nth);
			assert_true(said);
		}
		if (fired && !f.kill && t.open_rc == 0) {
			/* one error never kills a journal, and costs no record */
			assert_int_equal(t.failed, 0);
			assert_true(t.first_rc != 0 || t.durable == t.appended);
		}
		if (!fired) {
			assert_int_equal(t.open_rc, 0);
			assert_int_equal(t.first_rc, 0);
			assert_int_equal(t.durable, BASE + WORK);
			return f.nth - 1;
		}
		judge(&t);
	}
}

static bool possible(void)
{
	const char *bin = getenv("NJ_BIN");

	snprintf(shim, sizeof(shim), "%s/iofail.so", bin ? bin : "");
	if (access(shim, R_OK) != 0) {
		print_message("skipped: %s is not built\n", shim);
		return false;
	}
	if (strpbrk(shim, " :")) { /* the loader splits LD_PRELOAD there */
		print_message("skipped: a library cannot be preloaded from '%s'\n", shim);
		return false;
	}
#if defined(__SANITIZE_THREAD__)
	print_message("skipped: ThreadSanitizer and preloaded libraries do not mix\n");
	return false;
#else
	return true;
#endif
}

static void test_writes_fail(void **state)
{
	(void)state;
	static const int errors[] = {EIO, ENOSPC};

	if (!possible())
		skip();
	for (size_t i = 0; i < 2; i++) {
		int n = sweep((struct fault){"write", 0, 1, errors[i], 0, 0}, false);
		print_message("write, errno %d: %d operations\n", errors[i], n);
		assert_true(n > 20);
	}
	/* Also what was taken in part: 1 byte, a header, more. */
	for (int cut = 1; cut < 300; cut += 99)
		assert_true(sweep((struct fault){"write", 0, 1, ENOSPC, cut, 0}, false) > 20);
}

static void test_syncs_fail(void **state)
{
	(void)state;
	if (!possible())
		skip();
	assert_true(sweep((struct fault){"fdatasync", 0, 1, EIO, 0, 0}, false) > 20);
	assert_true(sweep((struct fault){"fsync", 0, 1, EIO, 0, 0}, false) > 5);
}

static void test_files_fail(void **state)
{
	(void)state;
	if (!possible())
		skip();
	assert_true(sweep((struct fault){"rename", 0, 1, EIO, 0, 0}, false) > 5);
	assert_true(sweep((struct fault){"fallocate", 0, 1, ENOSPC, 0, 0}, false) > 2);
	assert_true(sweep((struct fault){"open", 0, 1, EMFILE, 0, 0}, true) > 10);
	sweep((struct fault){"unlink", 0, 1, EIO, 0, 0}, true);
	sweep((struct fault){"ftruncate", 0, 1, EIO, 0, 0}, true);
	sweep((struct fault){"read", 0, 1, EIO, 0, 0}, true);
}

/* A file system that cannot preallocate gets zeros instead. */
static void test_no_fallocate(void **state)
{
	(void)state;
	struct told t;

	if (!possible())
		skip();
	assert_true(run_patiently(&(struct fault){"fallocate", 1, 0, EOPNOTSUPP, 0, 0}, &t));
	assert_true(t.ended && t.open_rc == 0 && t.first_rc == 0 && t.write_errors == 0);
	assert_int_equal(t.durable, BASE + WORK);
	judge(&t);
}

/* The disk stays bad from the Nth operation on: refused, told, nothing lost that was durable. */
static void test_disk_dies(void **state)
{
	(void)state;
	if (!possible())
		skip();
	struct fault f = {"write,fdatasync,fsync,rename,fallocate,open", 0, 0, EIO, 0, 0};
	struct told t;
	for (f.nth = 1; f.nth < 120; f.nth += 7) {
		copy_base();
		if (!run(&f, &t))
			break;
		/* Looking for left files at the very end may fail unsaid. */
		bool said = t.open_rc || t.first_rc || t.write_errors;
		assert_true(t.ended && (said || strncmp(t.fired, "open ", 5) == 0));
		judge(&t);
	}
}

/* Killed at every operation there is. */
static void test_killed_at_every_operation(void **state)
{
	(void)state;
	if (!possible())
		skip();
	int n = sweep((struct fault){"", 0, 1, 0, 0, 1}, true);
	print_message("killed at %d operations\n", n);
	assert_true(n > 100);
}

/* ---- A real full disk, where we may mount one. */

static void fill_disk(const char *path)
{
	static const uint8_t bytes[4096];
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	while (write(fd, bytes, sizeof(bytes)) > 0)
		;
	close(fd);
}

static void assert_all_there(struct journal *j)
{
	struct journal_status s = journal_status(j);
	uint64_t count;

	assert_int_equal(kit_read_all(j, s.first, MAX, &count), 0);
	assert_int_equal(count, s.durable + 1 - s.first);
}

static uint64_t append_until_refused(struct journal *j, int *ret_rc)
{
	static uint8_t bytes[MAX];
	uint64_t seq, last = journal_status(j).last;

	for (int i = 0; i < 100000; i++) {
		*ret_rc = journal_append(j, bytes, kit_record(last + 1, MAX, bytes), &seq);
		if (*ret_rc)
			return last;
		last = seq;
		if (last % 5 == 0 && journal_flush(j, 200 * NS_PER_MS) != 0)
			continue;
	}
	return last;
}

static void full_disk(const char *ballast)
{
	struct journal *j;
	int rc;

	assert_int_equal(kit_open(dir, SEGMENT, &j), 0);
	kit_append(j, 50, MAX);
	kit_flush(j);
	uint64_t last = append_until_refused(j, &rc);
	assert_int_equal(rc, ERR_NO_SPACE);
	assert_int_equal(journal_status(j).blocked, ERR_NO_SPACE);
	assert_int_equal(journal_status(j).failed, 0);
	/* refused before acceptance: what was accepted is durable */
	assert_int_equal(journal_flush(j, 5 * NS_PER_S), 0);
	assert_int_equal(journal_durable(j), last);
	assert_all_there(j);
	journal_trim(j, last - 50); /* makes room */
	for (int i = 0; i < 400 && journal_status(j).blocked; i++)
		pause_ms(10);
	kit_append(j, 50, MAX);
	kit_flush(j);
	assert_all_there(j);
	last = append_until_refused(j, &rc);
	journal_trim(j, last - 50);
	journal_close(j);
	fill_disk(ballast);
	/* no room for a copy of the last segment */
	assert_int_equal(kit_open(dir, SEGMENT, &j), 0);
	assert_int_equal(journal_durable(j), last);
	assert_all_there(j);
	last = append_until_refused(j, &rc);
	assert_int_equal(rc, ERR_NO_SPACE);
	unlink(ballast);
	for (int i = 0; i < 400 && journal_status(j).blocked; i++)
		pause_ms(10);
	kit_append(j, 50, MAX);
	kit_flush(j);
	assert_all_there(j);
	journal_close(j);
}

static void test_full_disk(void **state)
{
	(void)state;
	char ballast[KIT_PATH + 16];

	if (mount("nj-test", dir, "tmpfs", 0, "size=128k,mode=0700") != 0) {
		print_message("skipped: no right to mount a small disk: %s\n", strerror(errno));
		skip();
	}
	snprintf(ballast, sizeof(ballast), "%s/ballast", dir);
	full_disk(ballast);
	assert_int_equal(umount(dir), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_writes_fail, setup, teardown),
		cmocka_unit_test_setup_teardown(test_syncs_fail, setup, teardown),
		cmocka_unit_test_setup_teardown(test_files_fail, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_fallocate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disk_dies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed_at_every_operation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
	};
	patient = argc == 5;
	if (argc >= 4 && strcmp(argv[1], "worker") == 0)
		return worker(argv[2], argv[3]);
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	return cmocka_run_group_tests(tests, NULL, NULL);
}
