/* test_journal_power - the power fails: after any operation, with any part of what was not synced
 * on the disk.
 *
 * The program runs itself as a worker under iolog (tests/chaos), which writes down every operation
 * on the journal's files. The judge then makes the disks that could have been left: what was
 * synced is there; of each write that was not, any sectors or none; of the names that were not,
 * any prefix (a journalling file system keeps their order). From each the journal must open by
 * itself, hold every record that the worker had been told to be durable, and nothing wrong.
 * NJ_LONG=1 makes a hundred times as many disks.
 */
#include "tests/unit/io/journal_kit.h"

#include <spawn.h>
#include <sys/wait.h>

#include "tests/chaos/iolog.h"

#define MAX 250
#define WORK 250
#define SEGMENT 4096
#define SECTOR 512
#define FILES_MAX 128
#define OPS_MAX 4096
#define NAMES_MAX 64
#define FILE_ROOM 16384

static char dir[KIT_PATH], disk[KIT_PATH], self[KIT_PATH], shim[KIT_PATH];

/* ---- The worker. */

/* What has been promised by now: durable records, trimmed up to. */
struct promise {
	uint64_t durable, appended, trimmed;
};

static int work(const char *journal_dir)
{
	const struct journal_options o = {.dir = journal_dir, .epoch = KIT_EPOCH,
					  .segment_bytes = SEGMENT};
	struct promise p = {0};
	struct journal *j;
	char reason[400], note[KIT_PATH + 16];
	struct rng rng;

	rng_seed(&rng, 5);
	snprintf(note, sizeof(note), "%s/p.note", journal_dir);
	if (journal_open(&o, &j, reason, sizeof(reason)) != 0)
		return 2;
	int fd = open(note, O_WRONLY | O_CREAT | O_APPEND, 0600);
	while (p.appended < WORK) {
		uint64_t n = rng_below(&rng, 9);
		kit_append(j, n, MAX);
		p.appended += n;
		if (rng_below(&rng, 2) == 0)
			kit_flush(j);
		p.durable = journal_durable(j);
		if (write(fd, &p, sizeof(p)) != sizeof(p))
			return 3;
		if (rng_below(&rng, 10) == 0)
			(void)journal_snapshot(j, p.durable, &p.durable, sizeof(p.durable));
		if (p.appended > WORK / 2 && p.trimmed == 0) {
			p.trimmed = WORK / 4;
			if (write(fd, &p, sizeof(p)) != sizeof(p))
				return 3;
			journal_trim(j, p.trimmed);
		}
	}
	close(fd);
	journal_close(j);
	return 0;
}

/* ---- The log of the worker's operations. */

struct op {
	struct iolog_record r;
	const char *path;
	const uint8_t *bytes;
	int file; /* which of the files that were ever made; -1 none */
};

static struct op ops[OPS_MAX];
static size_t n_ops;
static int n_files;

/* Inode numbers are used again: each creation is a file of its own. */
static void number_files(void)
{
	uint64_t inode[FILES_MAX];

	n_files = 0;
	for (size_t i = 0; i < n_ops; i++) {
		ops[i].file = -1;
		if (ops[i].r.op == IOLOG_CREATE) {
			assert_true(n_files < FILES_MAX);
			inode[n_files++] = ops[i].r.file;
		}
		for (int k = n_files - 1; k >= 0 && ops[i].file < 0 && ops[i].r.file; k--)
			if (inode[k] == ops[i].r.file)
				ops[i].file = k;
	}
}

static void parse_log(const uint8_t *bytes, size_t len)
{
	n_ops = 0;
	for (size_t at = 0; at < len;) {
		struct op *op = &ops[n_ops++];
		assert_true(n_ops < OPS_MAX && at + sizeof(op->r) <= len);
		memcpy(&op->r, bytes + at, sizeof(op->r));
		at += sizeof(op->r);
		op->path = (const char *)bytes + at;
		at += op->r.path_len;
		bool has_bytes = op->r.op == IOLOG_WRITE || op->r.op == IOLOG_RENAME ||
			op->r.op == IOLOG_NOTE;
		op->bytes = bytes + at;
		at += has_bytes ? op->r.len : 0;
	}
	number_files();
}

/* ---- A disk as the power left it. */

enum left { LEFT_NOTHING, LEFT_ALL, LEFT_SOME };

struct file {
	uint8_t bytes[FILE_ROOM];
	size_t size;
};

struct name {
	char text[64];
	int file; /* -1: gone */
};

static struct file files[FILES_MAX];
static struct name names[NAMES_MAX];
static int n_names;

static struct name *name_of(const void *text, size_t len)
{
	for (int i = 0; i < n_names; i++)
		if (strlen(names[i].text) == len && memcmp(names[i].text, text, len) == 0)
			return &names[i];
	assert_true(n_names < NAMES_MAX && len < sizeof(names[0].text));
	struct name *n = &names[n_names++];
	memset(n->text, 0, sizeof(n->text));
	memcpy(n->text, text, len);
	n->file = -1;
	return n;
}

static bool is_name_op(const struct op *op)
{
	return op->r.op == IOLOG_CREATE || op->r.op == IOLOG_UNLINK || op->r.op == IOLOG_RENAME;
}

static void apply_name(const struct op *op)
{
	struct name *from = name_of(op->path, op->r.path_len);
	int file = from->file;

	from->file = op->r.op == IOLOG_CREATE ? op->file : -1;
	if (op->r.op == IOLOG_RENAME)
		name_of(op->bytes, op->r.len)->file = file;
}

/* The last sync of a file (or, with -1, of the names) before the end. */
static size_t last_sync(int file, size_t end)
{
	for (size_t i = end; i > 0; i--) {
		const struct op *op = &ops[i - 1];
		if (file < 0 ? op->r.op == IOLOG_SYNC_DIR : op->r.op == IOLOG_SYNC &&
		    op->file == file)
			return i;
	}
	return 0;
}

static void apply_bytes(struct file *f, const struct op *op, struct rng *choose)
{
	size_t at = op->r.offset, end = at + op->r.len;

	assert_true(end <= FILE_ROOM);
	if (op->r.op == IOLOG_SIZE && (!choose || rng_below(choose, 2))) {
		if (at < f->size)
			memset(f->bytes + at, 0, f->size - at);
		f->size = at;
	}
	if (op->r.op != IOLOG_WRITE)
		return;
	for (size_t next; at < end; at = next) {
		next = (at / SECTOR + 1) * SECTOR < end ? (at / SECTOR + 1) * SECTOR : end;
		if (choose && rng_below(choose, 2))
			continue;
		memcpy(f->bytes + at, op->bytes + (at - op->r.offset), next - at);
		f->size = next > f->size ? next : f->size;
	}
}

static void make_files(size_t end, enum left left, struct rng *rng)
{
	for (int k = 0; k < n_files; k++) {
		struct file *f = &files[k];
		size_t sure = last_sync(k, end);
		memset(f, 0, sizeof(*f));
		for (size_t i = 0; i < end; i++) {
			if (ops[i].file != k || (i >= sure && left == LEFT_NOTHING))
				continue;
			apply_bytes(f, &ops[i], i >= sure && left == LEFT_SOME ? rng : NULL);
		}
	}
}

static void make_names(size_t end, enum left left, struct rng *rng)
{
	size_t sure = last_sync(-1, end), until = end;

	if (left == LEFT_NOTHING)
		until = sure;
	else if (left == LEFT_SOME)
		until = sure + (size_t)rng_below(rng, end - sure + 1);
	n_names = 0;
	for (size_t i = 0; i < until; i++)
		if (is_name_op(&ops[i]))
			apply_name(&ops[i]);
}

static void put_disk(void)
{
	char path[KIT_PATH + 80];

	kit_wipe(disk);
	for (int i = 0; i < n_names; i++) {
		if (names[i].file < 0)
			continue;
		snprintf(path, sizeof(path), "%s/%.63s", disk, names[i].text);
		kit_spill(path, files[names[i].file].bytes, files[names[i].file].size);
	}
}

/* ---- The judge. */

static struct promise promised(size_t end)
{
	struct promise p = {0};

	for (size_t i = 0; i < end; i++)
		if (ops[i].r.op == IOLOG_NOTE)
			memcpy(&p, ops[i].bytes, sizeof(p));
	return p;
}

static void judge(size_t end)
{
	struct promise p = promised(end);
	struct journal *j;
	struct buf snapshot;
	uint64_t count, seq;

	int rc = kit_open(disk, SEGMENT, &j);
	if (rc)
		print_error("power lost after operation %zu: cannot be opened: %s\n", end,
			    err_name(rc));
	assert_int_equal(rc, 0);
	struct journal_status s = journal_status(j);
	assert_true(s.durable >= p.durable);
	assert_true(s.first <= p.trimmed + 1);
	assert_int_equal(kit_read_all(j, s.first, MAX, &count), 0);
	assert_int_equal(count, s.durable + 1 - s.first);
	buf_init(&snapshot, 100);
	if (journal_snapshot_read(j, &seq, &snapshot) == 0) {
		assert_true(seq <= s.durable);
		assert_memory_equal(snapshot.at, &seq, sizeof(seq));
	}
	buf_fini(&snapshot);
	kit_append(j, 2, MAX);
	journal_close(j);
}

static void run_worker(const char *log)
{
	char env[3][KIT_PATH + 64];
	char *argv[] = {self, (char[]){"worker"}, dir, NULL};
	char *envp[] = {env[0], env[1], env[2], (char[]){"ASAN_OPTIONS=verify_asan_link_order=0"},
			NULL};
	int status;
	pid_t pid;

	snprintf(env[0], sizeof(env[0]), "LD_PRELOAD=%s", shim);
	snprintf(env[1], sizeof(env[1]), "IOLOG_DIR=%s", dir);
	snprintf(env[2], sizeof(env[2]), "IOLOG_OUT=%s", log);
	assert_int_equal(posix_spawn(&pid, self, NULL, NULL, argv, envp), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static bool possible(void)
{
	const char *bin = getenv("NJ_BIN");

	snprintf(shim, sizeof(shim), "%s/iolog.so", bin ? bin : "");
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

static void test_power_loss(void **state)
{
	(void)state;
	char log[KIT_PATH + 8];
	struct rng rng;
	size_t len, disks = 0, some = getenv("NJ_LONG") ? 300 : 3;

	if (!possible())
		skip();
	kit_dir_in_memory(dir);
	kit_dir_in_memory(disk);
	snprintf(log, sizeof(log), "%s.log", dir);
	run_worker(log);
	uint8_t *bytes = kit_slurp(log, &len);
	parse_log(bytes, len);
	print_message("%zu ops\n", n_ops);
	assert_true(n_ops > 200);
	assert_int_equal(promised(n_ops).appended >= WORK, 1);
	rng_seed(&rng, 8);
	for (size_t end = 0; end <= n_ops; end++) {
		for (size_t v = 0; v < 2 + some; v++, disks++) {
			enum left left = v < LEFT_SOME ? (enum left)v : LEFT_SOME;
			make_files(end, left, &rng);
			make_names(end, left, &rng);
			put_disk();
			judge(end);
		}
	}
	print_message("%zu operations, %zu disks\n", n_ops, disks);
	free(bytes);
	unlink(log);
	kit_remove(dir);
	kit_remove(disk);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_power_loss),
	};
	if (argc == 3 && strcmp(argv[1], "worker") == 0)
		return work(argv[2]);
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	return cmocka_run_group_tests(tests, NULL, NULL);
}
