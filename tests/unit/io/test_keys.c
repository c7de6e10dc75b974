/* test_keys - key files: made, read, refused, revoked; nothing that others can read, nothing half written. */
#include "tests/unit/io/journal_kit.h"

#include <sys/mman.h>

#include "common/io/keys.h"

static char dir[KIT_PATH];
static struct keys keys;
static char reason[KEYS_REASON_MAX];

#define REASON reason, sizeof reason

static int setup(void **state)
{
	(void)state;
	kit_dir_in_memory(dir);
	reason[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kit_remove(dir);
	return 0;
}

static void make(const char *name, enum role role)
{
	if (keys_make(dir, &(struct keys_new){name, role, false}, REASON) != 0)
		fail_msg("%s", reason);
}

static int load(void)
{
	return keys_load(dir, &keys, REASON);
}

static void path_of(const char *file, char out[KIT_PATH + 64])
{
	snprintf(out, KIT_PATH + 64, "%s/%s", dir, file);
}

static size_t contents(const char *file, char *out, size_t cap)
{
	char path[KIT_PATH + 64];
	path_of(file, path);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	size_t n = fread(out, 1, cap - 1, f);
	fclose(f);
	out[n] = '\0';
	return n;
}

static void write_text(const char *file, const char *text, mode_t mode)
{
	char path[KIT_PATH + 64];
	path_of(file, path);
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void test_a_pair(void **state)
{
	struct key_secret *s = NULL;
	struct stat st;
	char path[KIT_PATH + 64], text[1000];
	(void)state;
	make("collector", role_service);
	make("anna", role_operator);
	static const char *const files[] = {"collector.pub", "collector.secret", "anna.pub", "anna.secret"};
	for (size_t i = 0; i < 4; i++) {
		path_of(files[i], path);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
	assert_int_equal(load(), 0);
	assert_int_equal(keys.n, 2);
	assert_int_equal(keys.unreadable, 0);
	const struct key *k = keys_find(&keys, "collector");
	assert_non_null(k);
	assert_int_equal(k->role, role_service);
	assert_ptr_equal(keys_who(&keys, k->public_text), k);
	assert_null(keys_find(&keys, "nobody"));
	assert_int_equal(keys_secret(dir, "collector", &s, REASON), 0);
	assert_string_equal(s->public_text, k->public_text);
	assert_int_equal(strlen(s->secret_text), 40);
	contents("collector.pub", text, sizeof text);
	assert_null(strstr(text, s->secret_text)); /* what is copied to other hosts */
	assert_non_null(strstr(text, "    public-key = \""));
	contents("collector.secret", text, sizeof text);
	assert_non_null(strstr(text, s->secret_text));
	keys_forget(&s);
	assert_null(s);
	keys_forget(&s);
	/* Not by accident over one that is in use. */
	assert_int_equal(keys_make(dir, &(struct keys_new){"anna", role_tap, false}, REASON), ERR_EXISTS);
	assert_non_null(strstr(reason, "--replace"));
	assert_int_equal(keys_make(dir, &(struct keys_new){"anna", role_tap, true}, REASON), 0);
	assert_true(keys_changed(&keys));
	assert_int_equal(load(), 0);
	assert_int_equal(keys_find(&keys, "anna")->role, role_tap);
}

static void test_revoking(void **state)
{
	char text[1000];
	struct key_secret *s = NULL;
	(void)state;
	make("anna", role_operator);
	contents("anna.pub", text, sizeof text);
	assert_int_equal(keys_revoke(dir, "bert", REASON), ERR_NOT_FOUND);
	assert_int_equal(keys_revoke(dir, "anna", REASON), 0);
	assert_int_equal(load(), 0);
	assert_true(keys_find(&keys, "anna")->revoked);
	assert_int_equal(keys_secret(dir, "anna", &s, REASON), ERR_NOT_FOUND);
	write_text("anna.pub", text, 0600); /* somebody copies it here again */
	assert_int_equal(load(), 0);
	assert_true(keys_find(&keys, "anna")->revoked);
	make("bert", role_tap);
	/* A new key, on purpose. */
	assert_int_equal(keys_make(dir, &(struct keys_new){"anna", role_tap, true}, REASON), 0);
	assert_int_equal(load(), 0);
	assert_false(keys_find(&keys, "anna")->revoked);
}

static void test_what_others_could_read_or_change_is_refused(void **state)
{
	struct key_secret *s = NULL;
	char path[KIT_PATH + 64], other[KIT_PATH + 64];
	(void)state;
	make("anna", role_operator);
	path_of("anna.secret", path);
	for (unsigned bit = 1; bit <= 040; bit <<= 1) {
		assert_int_equal(chmod(path, 0600 | bit), 0);
		assert_int_equal(keys_secret(dir, "anna", &s, REASON), ERR_REFUSED);
		assert_non_null(strstr(reason, "0600"));
	}
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(chmod(dir, 0750), 0);
	assert_int_equal(load(), ERR_REFUSED);
	assert_non_null(strstr(reason, "chmod 700"));
	assert_int_equal(chmod(dir, 0700), 0);
	path_of("bert.pub", other);
	path_of("anna.pub", path);
	assert_int_equal(symlink(path, other), 0);
	assert_int_equal(load(), 0);
	assert_int_equal(keys.unreadable, 1);
	assert_null(keys_find(&keys, "bert"));
	assert_non_null(keys_find(&keys, "anna"));
	unlink(other);
	assert_int_equal(mkfifo(other, 0600), 0); /* must not hang */
	assert_int_equal(load(), 0);
	assert_int_equal(keys.unreadable, 1);
	unlink(other);
	assert_int_equal(keys_load("/nonexistent/keys", &keys, REASON), ERR_NOT_FOUND);
}

#define GOOD "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"

static void test_damaged_files_are_left_out_and_named(void **state)
{
	static const char *const bad[] = {
		"", "curve\n", "metadata\n    role = \"tap\"\n",
		"metadata\n    role = \"king\"\ncurve\n    public-key = \"" GOOD "\"\n",
		"curve\n    public-key = \"" GOOD "\"\n",
		"metadata\n    role = \"tap\"\ncurve\n    public-key = \"short\"\n",
		"metadata\n    role = \"tap\"\ncurve\n    public-key = \"" GOOD "x\"\n",
		"metadata\n    role = \"tap\"\ncurve\n    public-key = \"" GOOD "\n",
		"metadata\n    role = \"tap\"\ncurve\n    public-key = \"~ne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID\"\n",
	};
	char large[6000];
	(void)state;
	make("anna", role_operator);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		write_text("bert.pub", bad[i], 0600);
		assert_int_equal(load(), 0);
		assert_int_equal(keys.unreadable, 1);
		assert_non_null(strstr(keys.complaint, "bert.pub"));
		assert_null(keys_find(&keys, "bert"));
		assert_non_null(keys_find(&keys, "anna"));
	}
	memset(large, 'x', sizeof large - 1);
	large[sizeof large - 1] = '\0';
	write_text("bert.pub", large, 0600);
	assert_int_equal(load(), 0);
	assert_int_equal(keys.unreadable, 1);
	/* As czmq and a person with an editor would write it. */
	write_text("bert.pub", "#   ZeroMQ CURVE Public Certificate\nmetadata\n    name = \"b\"\n    role = \"tap\"\n"
		   "curve\n    public-key = \"" GOOD "\"", 0600);
	assert_int_equal(load(), 0);
	assert_int_equal(keys.unreadable, 0);
	assert_string_equal(keys_find(&keys, "bert")->public_text, GOOD);
}

static void test_one_key_under_two_names_is_nobody(void **state)
{
	char text[1000];
	(void)state;
	make("anna", role_tap);
	contents("anna.pub", text, sizeof text);
	char *role = strstr(text, "tap");
	assert_non_null(role);
	char other[1100];
	snprintf(other, sizeof other, "%.*soperator%s", (int)(role - text), text, role + 3);
	write_text("bert.pub", other, 0600);
	assert_int_equal(load(), 0);
	assert_int_equal(keys.unreadable, 1);
	assert_true(keys_find(&keys, "anna")->revoked);
	assert_true(keys_find(&keys, "bert")->revoked);
}

static void test_names_and_numbers(void **state)
{
	static const char *const bad[] = {"", ".", "..", "a/b", "A", "a b", "../x", "a.b",
					  "abcdefghijklmnopqrstuvwxyz0123456"};
	char name[KEY_NAME_MAX];
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_false(key_name_ok(bad[i]));
		assert_int_equal(keys_make(dir, &(struct keys_new){bad[i], role_tap, false}, REASON), ERR_ARG);
		assert_int_equal(keys_revoke(dir, bad[i], REASON), ERR_ARG);
	}
	for (int i = 0; i < KEYS_MAX + 2; i++) {
		snprintf(name, sizeof name, "k%d", i);
		make(name, role_tap);
	}
	assert_int_equal(load(), 0);
	assert_int_equal(keys.n, KEYS_MAX);
	assert_int_equal(keys.unreadable, 2);
}

/* A core dump leaves the page of a secret out: the kernel marks it "dd". */
static void test_the_secret_is_in_no_core_dump(void **state)
{
	struct key_secret *s = NULL;
	char line[512];
	bool here = false, marked = false;
	(void)state;
	make("anna", role_operator);
	assert_int_equal(keys_secret(dir, "anna", &s, REASON), 0);
	FILE *f = fopen("/proc/self/smaps", "r");
	assert_non_null(f);
	while (fgets(line, sizeof line, f)) {
		unsigned long from, to;
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = (unsigned long)s >= from && (unsigned long)s < to;
		if (here && strncmp(line, "VmFlags:", 8) == 0)
			marked = strstr(line, " dd") != NULL;
	}
	fclose(f);
	assert_true(marked);
	keys_forget(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_pair, setup, teardown),
		cmocka_unit_test_setup_teardown(test_revoking, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_others_could_read_or_change_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_files_are_left_out_and_named, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_key_under_two_names_is_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names_and_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_secret_is_in_no_core_dump, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
