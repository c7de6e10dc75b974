/* keys - CURVE keys in files of one directory: who may talk on the bus, as what, and our own secret. */
#include "common/io/keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zmq.h>

#include "common/base/err.h"
#include "common/io/fs.h"

enum { FILE_MAX = 4096, PATH_CAP = 320, PAGE = 4096 };

static const char z85[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
bool key_name_ok(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");
	return n >= 1 && n < KEY_NAME_MAX && name[n] == '\0';
}

/* ---- one file ---- */

/* A page of its own, so that a core dump and the swap leave out the secret and nothing else. */
static void *secret_page(void)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return NULL;
	/* Best effort: locking has a limit that an unprivileged process may have used up. */
	(void)madvise(page, PAGE, MADV_DONTDUMP);
	(void)madvise(page, PAGE, MADV_DONTFORK);
	(void)mlock(page, PAGE);
	return page;
}

void keys_no_dumps(void)
{
	/* Both: a limit of 0 does not keep a core from a program that the kernel pipes it to, and being dumpable comes
	 * back with an exec. */
	struct rlimit none = {0, 0};
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static void drop_page(void *page)
{
	if (!page)
		return;
	explicit_bzero(page, PAGE);
	munmap(page, PAGE);
}

/* Key and value of a line `name = "value"`; false where it is none, like a section or a comment. */
static bool split_line(const char *line, size_t len, char name[16], char value[KEY_TEXT_MAX])
{
	size_t at = 0, n = 0;
	while (at < len && (line[at] == ' ' || line[at] == '\t'))
		at++;
	for (; at < len && line[at] != ' ' && line[at] != '=' && n < 15; at++)
		name[n++] = line[at];
	name[n] = '\0';
	while (at < len && (line[at] == ' ' || line[at] == '\t'))
		at++;
	if (n == 0 || at >= len || line[at] != '=')
		return false;
	const char *open = memchr(line + at, '"', len - at);
	const char *close = open ? memchr(open + 1, '"', len - (size_t)(open + 1 - line)) : NULL;
	if (!close || close - open - 1 >= KEY_TEXT_MAX)
		return false;
	size_t value_len = (size_t)(close - open - 1);
	memcpy(value, open + 1, value_len);
	value[value_len] = '\0';
	return true;
}

static bool is_key(const char *text)
{
	return strlen(text) == KEY_TEXT_MAX - 1 && strspn(text, z85) == KEY_TEXT_MAX - 1;
}

/* 0, or ERR_SYNTAX where a key or the role is missing. `text` may be somebody else's file. */
static int parse(const char *text, size_t len, struct key_secret *ret)
{
	char name[16], value[KEY_TEXT_MAX];
	for (const char *line = text; line < text + len;) {
		const char *end = memchr(line, '\n', len - (size_t)(line - text));
		size_t n = end ? (size_t)(end - line) : len - (size_t)(line - text);
		if (split_line(line, n, name, value)) {
			if (strcmp(name, "role") == 0)
				ret->role = (enum role)enum_value(enum_role(), value, strlen(value));
			else if (strcmp(name, "public-key") == 0)
				memcpy(ret->public_text, value, sizeof value);
			else if (strcmp(name, "secret-key") == 0)
				memcpy(ret->secret_text, value, sizeof value);
		}
		line += n + 1;
	}
	explicit_bzero(value, sizeof value);
	return is_key(ret->public_text) && ret->role != role_none ? 0 : ERR_SYNTAX;
}

static int say(char *reason, size_t cap, int err, const char *path, const char *what)
{
	snprintf(reason, cap, "%.200s %s", path, what);
	return err;
}

/* Reads a file of the directory that only we can read; page holds PAGE bytes. */
static int read_file(int dir_fd, const char *file, char *page, size_t *ret_len)
{
	struct stat st;
	int fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? ERR_NOT_FOUND : errno == ELOOP ? ERR_REFUSED : ERR_IO;
	int rc = fstat(fd, &st) != 0 ? ERR_IO : 0;
	if (!rc && (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0 || (st.st_uid != geteuid() && st.st_uid != 0)))
		rc = ERR_REFUSED;
	if (!rc && st.st_size >= FILE_MAX)
		rc = ERR_TOO_LONG;
	if (!rc)
		rc = fs_read_at(fd, page, FILE_MAX, 0, ret_len);
	close(fd);
	return rc;
}

static const char *complaint_of(int rc)
{
	switch (rc) {
	case ERR_NOT_FOUND: return "is not there (nj keys make)";
	case ERR_REFUSED: return "must be a regular file of this user with mode 0600";
	case ERR_SYNTAX: return "is not a key file: it lacks public-key or role (nj keys make)";
	default: return "cannot be read";
	}
}

int keys_secret(const char *dir, const char *name, struct key_secret **ret_secret, char *reason, size_t cap)
{
	char path[PATH_CAP], file[KEY_NAME_MAX + 8];
	size_t len = 0;
	if (!key_name_ok(name))
		return say(reason, cap, ERR_ARG, name, "is not a key's name: a-z, 0-9, _ and -, at most 31");
	snprintf(path, sizeof path, "%.250s/%s.secret", dir, name);
	snprintf(file, sizeof file, "%s.secret", name);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return say(reason, cap, ERR_NOT_FOUND, path, complaint_of(ERR_NOT_FOUND));
	char *text = secret_page();
	struct key_secret *s = secret_page();
	int rc = text && s ? read_file(fd, file, text, &len) : ERR_NOMEM;
	close(fd);
	if (!rc)
		rc = parse(text, len, s);
	if (!rc && !is_key(s->secret_text))
		rc = ERR_SYNTAX;
	drop_page(text);
	if (rc) {
		drop_page(s);
		return say(reason, cap, rc, path, complaint_of(rc));
	}
	*ret_secret = s;
	return 0;
}

void keys_forget(struct key_secret **secret_p)
{
	drop_page(*secret_p);
	*secret_p = NULL;
}

/* ---- the directory ---- */

static int check_dir(int fd, const char *dir, struct stat *ret_st, char *reason, size_t cap)
{
	if (fstat(fd, ret_st) != 0)
		return say(reason, cap, ERR_IO, dir, "cannot be read");
	/* root's, too: in containers secrets are mounted by the engine. */
	if ((ret_st->st_mode & 077) != 0 || (ret_st->st_uid != geteuid() && ret_st->st_uid != 0))
		return say(reason, cap, ERR_REFUSED, dir, "must belong to this user with mode 0700 (chmod 700 it)");
	return 0;
}

static struct key *slot(struct keys *k, const char *name)
{
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->at[i].name, name) == 0)
			return &k->at[i];
	if (k->n == KEYS_MAX)
		return NULL;
	struct key *key = &k->at[k->n++];
	memset(key, 0, sizeof *key);
	memcpy(key->name, name, strlen(name) + 1);
	return key;
}

static int take(struct keys *k, int fd, const char *file, const char *name, bool revoked)
{
	char page[PAGE];
	struct key_secret found = {.role = role_none};
	size_t len = 0;
	struct key *key = slot(k, name);
	if (!key)
		return ERR_FULL;
	if (revoked) {
		key->revoked = true;
		return 0; /* the name is what counts, whatever stands in it */
	}
	int rc = read_file(fd, file, page, &len);
	if (!rc)
		rc = parse(page, len, &found);
	if (!rc) {
		memcpy(key->public_text, found.public_text, sizeof key->public_text);
		key->role = found.role;
	}
	explicit_bzero(page, sizeof page); /* somebody may have copied the secret over it */
	explicit_bzero(&found, sizeof found);
	return rc;
}

static void take_entry(struct keys *k, int fd, const char *file)
{
	char name[KEY_NAME_MAX];
	const char *dot = strchr(file, '.');
	if (!dot || dot - file >= KEY_NAME_MAX)
		return;
	memcpy(name, file, (size_t)(dot - file));
	name[dot - file] = '\0';
	bool revoked = strcmp(dot, ".revoked") == 0;
	if (!key_name_ok(name) || (!revoked && strcmp(dot, ".pub") != 0))
		return;
	int rc = take(k, fd, file, name, revoked);
	if (!rc)
		return;
	k->unreadable++;
	snprintf(k->complaint, sizeof k->complaint, "%.150s/%.40s %s", k->dir, file,
		 rc == ERR_FULL ? "is one key too many (64)" : complaint_of(rc));
}

/* Two names for one key would make it a matter of luck which role it has. */
static void drop_doubles(struct keys *k)
{
	for (size_t i = 0; i < k->n; i++)
		for (size_t j = i + 1; j < k->n; j++)
			if (k->at[i].public_text[0] && strcmp(k->at[i].public_text, k->at[j].public_text) == 0) {
				k->unreadable++;
				snprintf(k->complaint, sizeof k->complaint,
					 "%s and %s are the same key: neither is let in", k->at[i].name, k->at[j].name);
				k->at[i].revoked = k->at[j].revoked = true;
			}
}

int keys_load(const char *dir, struct keys *ret_keys, char *reason, size_t cap)
{
	struct keys *k = ret_keys;
	struct stat st;
	memset(k, 0, sizeof *k);
	snprintf(k->dir, sizeof k->dir, "%s", dir);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return say(reason, cap, ERR_NOT_FOUND, dir,
			   "is not there: bus.keys must name the directory of the keys (nj keys make)");
	int rc = check_dir(fd, dir, &st, reason, cap);
	DIR *d = rc ? NULL : fdopendir(fd);
	if (!d) {
		close(fd);
		return rc ? rc : say(reason, cap, ERR_IO, dir, "cannot be read");
	}
	k->changed = st.st_mtim;
	for (const struct dirent *e = readdir(d); e; e = readdir(d))
		take_entry(k, dirfd(d), e->d_name);
	closedir(d);
	drop_doubles(k);
	return 0;
}

bool keys_changed(const struct keys *k)
{
	struct stat st;
	return stat(k->dir, &st) != 0 || st.st_mtim.tv_sec != k->changed.tv_sec ||
	       st.st_mtim.tv_nsec != k->changed.tv_nsec;
}

const struct key *keys_find(const struct keys *k, const char *name)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->at[i].public_text[0] && strcmp(k->at[i].name, name) == 0)
			return &k->at[i];
	return NULL;
}

const struct key *keys_who(const struct keys *k, const char *public_text)
{
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->at[i].public_text, public_text) == 0)
			return &k->at[i];
	return NULL;
}

/* ---- making and revoking ---- */

/* A new file under a temporary name, synced, then renamed: no reader sees half a key. */
static int write_file(int dir_fd, const char *file, const char *text)
{
	int rc = 0;
	(void)unlinkat(dir_fd, ".new", 0);
	int fd = openat(dir_fd, ".new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_from_errno(errno);
	rc = fs_write_at(fd, text, strlen(text), 0);
	if (!rc && fsync(fd) != 0)
		rc = ERR_IO;
	close(fd);
	if (!rc && renameat(dir_fd, ".new", dir_fd, file) != 0)
		rc = ERR_IO;
	return rc ? rc : fs_sync_dir(dir_fd);
}

static int open_dir(const char *dir, int *ret_fd, char *reason, size_t cap)
{
	struct stat st;
	int rc = fs_open_dir(dir, ret_fd);
	if (rc)
		return say(reason, cap, rc, dir, strerror(errno));
	rc = check_dir(*ret_fd, dir, &st, reason, cap);
	if (rc)
		close(*ret_fd);
	return rc;
}

/* The directory that a key of this name belongs in. */
static int open_for(const char *dir, const char *name, int *ret_fd, char *reason, size_t cap)
{
	if (!key_name_ok(name))
		return say(reason, cap, ERR_ARG, name, "is not a key's name: a-z, 0-9, _ and -, at most 31");
	return open_dir(dir, ret_fd, reason, cap);
}

static int remove_file(int dir_fd, const char *file)
{
	return unlinkat(dir_fd, file, 0) != 0 && errno != ENOENT ? ERR_IO : 0;
}

static int write_pair(int fd, const char *name, enum role role, struct key_secret *s)
{
	char file[KEY_NAME_MAX + 8], head[160];
	char *text = secret_page();
	if (!text)
		return ERR_NOMEM;
	snprintf(head, sizeof head,
		 "metadata\n    name = \"%s\"\n    role = \"%s\"\ncurve\n    public-key = \"%s\"\n", name,
		 enum_text(enum_role(), (uint8_t)role), s->public_text);
	snprintf(text, PAGE, "%s    secret-key = \"%s\"\n", head, s->secret_text);
	snprintf(file, sizeof file, "%s.secret", name);
	int rc = write_file(fd, file, text);
	drop_page(text);
	snprintf(file, sizeof file, "%s.revoked", name);
	if (!rc)
		rc = remove_file(fd, file);
	snprintf(file, sizeof file, "%s.pub", name);
	return rc ? rc : write_file(fd, file, head);
}

int keys_make(const char *dir, const struct keys_new *n, char *reason, size_t cap)
{
	const char *name = n->name;
	char file[KEY_NAME_MAX + 8];
	int fd;
	int rc = open_for(dir, name, &fd, reason, cap);
	if (rc)
		return rc;
	snprintf(file, sizeof file, "%s.pub", name);
	bool exists = faccessat(fd, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	struct key_secret *s = secret_page();
	rc = exists && !n->replace ? ERR_EXISTS : s ? 0 : ERR_NOMEM;
	if (!rc && zmq_curve_keypair(s->public_text, s->secret_text) != 0)
		rc = ERR_UNKNOWN; /* a libzmq without CURVE */
	if (!rc)
		rc = write_pair(fd, name, n->role, s);
	drop_page(s);
	close(fd);
	if (rc == ERR_EXISTS)
		return say(reason, cap, rc, name,
			   "has a key already; a new one locks out who uses the old one (--replace)");
	return rc ? say(reason, cap, rc, dir, err_text(rc)) : 0;
}

int keys_revoke(const char *dir, const char *name, char *reason, size_t cap)
{
	char file[KEY_NAME_MAX + 8];
	int fd;
	int rc = open_for(dir, name, &fd, reason, cap);
	if (rc)
		return rc;
	snprintf(file, sizeof file, "%s.pub", name);
	if (faccessat(fd, file, F_OK, AT_SYMLINK_NOFOLLOW) != 0) {
		close(fd);
		return say(reason, cap, ERR_NOT_FOUND, name, "has no key here (nj keys list)");
	}
	snprintf(file, sizeof file, "%s.revoked", name);
	rc = write_file(fd, file, "revoked\n");
	snprintf(file, sizeof file, "%s.secret", name);
	if (!rc)
		rc = remove_file(fd, file);
	close(fd);
	return rc ? say(reason, cap, rc, dir, err_text(rc)) : 0;
}
