/* test_fs - folders, lock, whole reads and writes, lists; and the pager and the sparse index that
 * stand on them. */
#include "tests/unit/io/journal_kit.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io/fs.h"
#include "common/io/pager.h"
#include "common/io/sparse.h"

static char dir[KIT_PATH];
static int dir_fd;

static int setup(void **state)
{
	(void)state;
	kit_dir_in_memory(dir);
	return fs_open_dir(dir, &dir_fd);
}

static int teardown(void **state)
{
	(void)state;
	close(dir_fd);
	kit_remove(dir);
	return 0;
}

static int make(const char *name)
{
	int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	return fd;
}

static void test_write_read(void **state)
{
	(void)state;
	uint8_t out[10];
	size_t n = 99;
	uint64_t size;
	int fd = make("a");

	assert_int_equal(fs_write_at(fd, "hello", 5, 3), 0);
	assert_int_equal(fs_size(fd, &size), 0);
	assert_int_equal(size, 8);
	assert_int_equal(fs_read_at(fd, out, sizeof(out), 0, &n), 0);
	assert_int_equal(n, 8);
	assert_memory_equal(out, "\0\0\0hello", 8);
	assert_int_equal(fs_preallocate(fd, 100000), 0);
	assert_int_equal(fs_size(fd, &size), 0);
	assert_int_equal(size, 100000);
	assert_int_equal(fs_read_at(fd, out, 5, 3, &n), 0);
	assert_memory_equal(out, "hello", 5);
	close(fd);
	n = 99;
	assert_int_not_equal(fs_read_at(fd, out, 5, 0, &n), 0);
	assert_int_equal(n, 99);
	assert_int_not_equal(fs_write_at(fd, "x", 1, 0), 0);
}

static void expect_text(const char *name, const char *text)
{
	char at[100];
	size_t n;
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fs_read_at(fd, at, sizeof(at), 0, &n), 0);
	assert_int_equal(n, strlen(text));
	assert_memory_equal(at, text, n);
	close(fd);
}

/* What cannot be written leaves the file of before. */
static void test_put(void **state)
{
	(void)state;
	char name[NAME_MAX + 1];
	assert_int_equal(fs_put(dir, "a", "one", 3), 0);
	assert_int_equal(fs_put(dir, "a", "other", 5), 0);
	expect_text("a", "other");
	assert_int_equal(faccessat(dir_fd, "a.new", F_OK, 0), -1);
	assert_int_equal(mkdirat(dir_fd, "a.new", 0700), 0);
	assert_int_not_equal(fs_put(dir, "a", "third", 5), 0);
	expect_text("a", "other");
	assert_int_equal(unlinkat(dir_fd, "a.new", AT_REMOVEDIR), 0);
	memset(name, 'x', NAME_MAX);
	name[NAME_MAX] = '\0';
	assert_int_not_equal(fs_put(dir, name, "", 0), 0);
}

static void test_full_device(void **state)
{
	(void)state;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		skip();
	assert_int_equal(fs_write_at(fd, "x", 1, 0), ERR_NO_SPACE);
	close(fd);
}

static void test_list(void **state)
{
	(void)state;
	static const char *const names[] = {"x-00000000000000000007.t", "x-00000000000000000001.t",
					    "x-18446744073709551615.t", "x-18446744073709551616.t",
					    	"x-1.t",
					    "x-00000000000000000002.tt", "y-00000000000000000003.t",
					    "x-0000000000000000000g.t"};
	struct fs_list l;
	char name[FS_NAME_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		close(make(names[i]));
	assert_int_equal(fs_list(dir_fd, "x-", ".t", &l), 0);
	assert_int_equal(l.n, 3);
	assert_true(l.at[0] == 1 && l.at[1] == 7 && l.at[2] == UINT64_MAX);
	fs_list_fini(&l);
	fs_name(name, "x-", 7, ".t");
	assert_string_equal(name, names[0]);
	for (uint64_t i = 0; i < 300; i++) {
		fs_name(name, "n-", 299 - i, "");
		close(make(name));
	}
	assert_int_equal(fs_list(dir_fd, "n-", "", &l), 0);
	assert_int_equal(l.n, 300);
	for (uint64_t i = 0; i < 300; i++)
		assert_int_equal(l.at[i], i);
	fs_list_fini(&l);
	assert_int_equal(fs_remove_all(dir_fd, "n-", ""), 0);
	assert_int_equal(fs_list(dir_fd, "n-", "", &l), 0);
	assert_int_equal(l.n, 0);
	fs_list_fini(&l);
}

static void test_lock(void **state)
{
	(void)state;
	int a = -1, b = -1, status;
	long pid = 0;

	assert_int_equal(fs_lock(dir_fd, &a, &pid), 0);
	assert_int_equal(fs_lock(dir_fd, &b, &pid), ERR_BUSY);
	assert_int_equal(pid, getpid());
	close(a);
	pid_t child = fork();
	if (child == 0)
		_exit(fs_lock(dir_fd, &a, &pid) == 0 ? 0 : 1); /* and dies with it */
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(fs_lock(dir_fd, &b, &pid), 0);
	close(b);
}

static void test_folders(void **state)
{
	(void)state;
	char path[KIT_PATH + 16];
	int fd;

	snprintf(path, sizeof(path), "%s//a/b/", dir);
	assert_int_equal(fs_open_dir(path, &fd), 0);
	close(fd);
	assert_int_equal(fs_open_dir(path, &fd), 0);
	close(fd);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/a", dir);
	rmdir(path);
	assert_int_equal(fs_open_dir("", &fd), ERR_ARG);
	char *longer = malloc(10000);
	memset(longer, 'a', 9999);
	longer[9999] = '\0';
	assert_int_equal(fs_open_dir(longer, &fd), ERR_TOO_LONG);
	free(longer);
	assert_int_equal(fs_open_dir("/dev/null/a", &fd), ERR_IO);
}

static void test_pager(void **state)
{
	(void)state;
	static uint8_t bytes[400000];
	struct pager p;
	const uint8_t *at;
	struct rng rng;
	int fd = make("p");

	rng_seed(&rng, 3);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)rng_u64(&rng);
	assert_int_equal(fs_write_at(fd, bytes, sizeof(bytes), 0), 0);
	pager_init(&p);
	assert_int_equal(pager_open(&p, dir_fd, "none", 1), ERR_NOT_FOUND);
	assert_int_equal(pager_open(&p, dir_fd, "p", 2), 0);
	for (int i = 0; i < 5000; i++) {
		size_t offset = (size_t)rng_below(&rng, sizeof(bytes)),
			need = (size_t)rng_below(&rng, 200000);
		size_t end = (size_t)rng_below(&rng, sizeof(bytes) + 1);
		int rc = pager_get(&p, offset, need, end, &at);
		assert_int_equal(rc, offset + need <= end ? 0 : ERR_TRUNCATED);
		if (rc == 0)
			assert_memory_equal(at, bytes + offset, need);
	}
	assert_int_equal(pager_get(&p, sizeof(bytes) - 1, 2, sizeof(bytes) + 10, &at),
			 ERR_TRUNCATED);
	assert_int_equal(fs_write_at(fd, "new", 3, 0), 0);
	pager_forget(&p);
	assert_int_equal(pager_get(&p, 0, 3, 3, &at), 0);
	assert_memory_equal(at, "new", 3);
	pager_fini(&p);
	close(fd);
}

static void test_sparse(void **state)
{
	(void)state;
	struct sparse s = {0};
	const struct sparse_entry none = {.key = 0, .offset = 64};

	assert_int_equal(sparse_find(&s, 5, none).offset, 64);
	for (uint64_t i = 1; i <= 100000; i++)
		sparse_add(&s, i, 64 + i * 100);
	sparse_add(&s, 5, 1); /* not in order: ignored */
	assert_true(s.n > 100 && s.n < 200);
	for (uint64_t i = 1; i <= 100000; i += 37) {
		struct sparse_entry e = sparse_find(&s, i, none);
		assert_true(e.key <= i && i - e.key <= SPARSE_STRIDE / 100 + 1);
		assert_int_equal(e.offset, 64 + e.key * 100);
	}
	assert_int_equal(sparse_find(&s, 0, none).offset, 64);
	sparse_fini(&s);
	sparse_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_write_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_put, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_device, setup, teardown),
		cmocka_unit_test_setup_teardown(test_list, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lock, setup, teardown),
		cmocka_unit_test_setup_teardown(test_folders, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pager, setup, teardown),
		cmocka_unit_test(test_sparse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
