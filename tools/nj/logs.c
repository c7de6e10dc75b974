/* logs - every file's last lines, merged by their time; rotated files where --since reaches back to them.
 *
 * A line's time is its text "time=2026-11-22T02:20:00.123456789Z": of fixed width, so that texts compare as times do.
 * A line without one (a backtrace on stderr) goes with the line before it, or with its file's last change.
 */
#include "tools/nj/logs.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/io/clock.h"
#include "common/io/log.h"
#include "common/io/zlines.h"
#include "tools/nj/cli_print.h"
#include "tools/nj/look.h"
#include "tools/nj/stack.h"

enum { KEY_LEN = 30, FILES_MAX = 256, LINES_MAX = 1000000, TEXT_MAX = 512 << 20, POLL_MS = 200 };

struct line {
	char key[KEY_LEN + 1]; /* RFC 3339; "" unknown */
	size_t at, len;        /* in text */
	size_t order;          /* as read */
	enum log_level level;
	bool is_error_output; /* of a .err file: the name stands in front */
	uint16_t file;
};

struct file {
	char name[96]; /* "collector.log", "collector.log.20261122T…", "collector.err" */
	ino_t inode;
	off_t offset; /* --follow: up to here it was read */
	bool rotated;
};

struct logs {
	struct cli *cli;
	const struct logs_options *o;
	char dir[STACK_PATH_MAX];
	char since[KEY_LEN + 2]; /* "" all */
	enum log_level level;
	struct file file[FILES_MAX];
	size_t n_files;
	struct buf lines, text; /* of struct line, of bytes */
	uint64_t dropped;
};

static struct line *line_at(const struct logs *l, size_t i)
{
	return (struct line *)(void *)l->lines.at + i;
}

static size_t n_lines(const struct logs *l)
{
	return l->lines.len / sizeof(struct line);
}

/* ---- one line ---- */

/* Value of a key in a line of either format: logfmt `name=value`, JSON `"name":"value"`. Names of the log's own keys
 * come first in a line, so that no message can pass for them. */
static const char *value_of(const char *text, const char *name, size_t *ret_len)
{
	char key[32];
	snprintf(key, sizeof key, text[0] == '{' ? "\"%s\":\"" : "%s=", name);
	const char *at = strstr(text, key);
	if (!at)
		return NULL;
	at += strlen(key);
	*ret_len = strcspn(at, text[0] == '{' ? "\"" : " ");
	return at;
}

static enum log_level level_of(const char *text, bool is_error_output)
{
	size_t len = 0;
	char name[8];
	enum log_level level = is_error_output ? LOG_ERROR : LOG_INFO;
	const char *at = value_of(text, "level", &len);
	if (at && len < sizeof name) {
		snprintf(name, sizeof name, "%.*s", (int)len, at);
		log_level_parse(name, &level);
	}
	return level;
}

static bool key_of(const char *text, char key[KEY_LEN + 1])
{
	size_t len = 0;
	const char *at = value_of(text, "time", &len);
	if (!at || len != KEY_LEN)
		return false;
	snprintf(key, KEY_LEN + 1, "%.30s", at);
	return true;
}

/* Keeps a line that passes the filters. key: of the line before, updated. text is NUL-ended. */
static int keep_line(struct logs *l, uint16_t file, char key[KEY_LEN + 1], const char *text)
{
	struct line line = {.file = file, .order = n_lines(l), .at = l->text.len, .len = strlen(text)};
	line.is_error_output = strstr(l->file[file].name, ".err") != NULL;
	line.level = level_of(text, line.is_error_output);
	key_of(text, key);
	memcpy(line.key, key, sizeof line.key);
	if (line.len == 0 || line.level < l->level || (l->o->grep && !strstr(text, l->o->grep)) ||
	    strcmp(line.key, l->since) < 0)
		return 0;
	int rc = buf_append(&l->text, text, line.len + 1);
	if (!rc)
		rc = buf_append(&l->lines, &line, sizeof line);
	return rc;
}

/* ---- files ---- */

static void change_key(const char *path, char key[KEY_LEN + 1])
{
	struct stat st;
	char text[32];
	key[0] = '\0';
	if (stat(path, &st) == 0)
		snprintf(key, KEY_LEN + 1, "%s",
			 clock_rfc3339((int64_t)st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec, text));
}

static void path_of(const struct logs *l, const struct file *f, char out[STACK_PATH_MAX + 100])
{
	snprintf(out, STACK_PATH_MAX + 100, "%s/%s", l->dir, f->name);
}

static int read_file(struct logs *l, uint16_t i)
{
	char path[STACK_PATH_MAX + 100], key[KEY_LEN + 1] = "", *text;
	struct zlines z;
	size_t len;
	struct stat st;
	path_of(l, &l->file[i], path);
	if (strstr(l->file[i].name, ".err"))
		change_key(path, key);
	if (stat(path, &st) == 0) {
		l->file[i].inode = st.st_ino;
		l->file[i].offset = st.st_size;
	}
	int rc = zlines_open(&z, path);
	if (rc)
		return rc == ERR_NOT_FOUND ? 0 : rc; /* it was rotated just now */
	while ((rc = zlines_next(&z, &text, &len)) == 0) {
		/* A NUL ends the line here; a log has none. */
		char *copy = strndup(text, len);
		rc = copy ? keep_line(l, i, key, copy) : ERR_NOMEM;
		free(copy);
		if (rc)
			break;
	}
	zlines_close(&z);
	return rc == ERR_CLOSED ? 0 : rc;
}

/* "collector.log" of "collector", also rotated or .err. */
static bool is_of(const char *entry, const char *service)
{
	size_t n = strlen(service);
	return strncmp(entry, service, n) == 0 &&
	       (strncmp(entry + n, ".log", 4) == 0 || strcmp(entry + n, ".err") == 0) && !strstr(entry, ".tmp");
}

static bool is_chosen(const char *entry, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (is_of(entry, argv[i]))
			return true;
	for (size_t i = 0; argc == 0 && services_names[i]; i++)
		if (is_of(entry, services_names[i]))
			return true;
	return argc == 0 && is_of(entry, STACK_KEEPER);
}

/* A rotated file ends with its stamp, 20261122T022000.123456789: is any of it as young as --since? */
static bool is_young(const struct logs *l, const char *stamp)
{
	char since[16];
	if (l->since[0] == '\0')
		return false;
	snprintf(since, sizeof since, "%.4s%.2s%.2sT%.2s%.2s%.2s", l->since, l->since + 5, l->since + 8, l->since + 11,
		 l->since + 14, l->since + 17);
	return strncmp(stamp, since, 15) >= 0;
}

static int by_name(const void *a, const void *b)
{
	const struct file *x = a, *y = b;
	return x->rotated != y->rotated ? y->rotated - x->rotated : strcmp(x->name, y->name);
}

static bool is_known(const struct logs *l, const char *name)
{
	for (size_t i = 0; i < l->n_files; i++)
		if (strcmp(l->file[i].name, name) == 0)
			return true;
	return false;
}

/* Adds the files there are; --follow calls it again for those that come. */
static int list_files(struct logs *l, int argc, char **argv, bool rotated_too)
{
	DIR *d = opendir(l->dir);
	if (!d)
		return ERR_NOT_FOUND;
	for (struct dirent *e = readdir(d); e && l->n_files < FILES_MAX; e = readdir(d)) {
		const char *stamp = strstr(e->d_name, ".log.");
		if (!is_chosen(e->d_name, argc, argv) || strlen(e->d_name) >= sizeof l->file[0].name ||
		    is_known(l, e->d_name) || (stamp && (!rotated_too || !is_young(l, stamp + 5))))
			continue;
		struct file *f = &l->file[l->n_files++];
		*f = (struct file){.rotated = stamp != NULL};
		snprintf(f->name, sizeof f->name, "%.95s", e->d_name);
	}
	closedir(d);
	return 0;
}

/* "collector, executor": whose logs there are. */
static void name_logs(const char *dir, char *out, size_t cap)
{
	DIR *d = opendir(dir);
	size_t n = 0;
	out[0] = '\0';
	for (struct dirent *e = d ? readdir(d) : NULL; e && n < cap; e = readdir(d)) {
		const char *end = strstr(e->d_name, ".log");
		if (end && end[4] == '\0')
			n += (size_t)snprintf(out + n, cap - n, "%s%.*s", n ? ", " : "", (int)(end - e->d_name),
					      e->d_name);
	}
	if (d)
		closedir(d);
}

/* A name that nobody logs under is a slip of the pen, not an empty log. */
static int check_names(const struct logs *l, int argc, char **argv)
{
	char known[400];
	for (int i = 0; i < argc; i++) {
		bool found = false;
		for (size_t k = 0; k < l->n_files; k++)
			found = found || is_of(l->file[k].name, argv[i]);
		if (found || l->o->follow)
			continue;
		name_logs(l->dir, known, sizeof known);
		return cli_usage(l->cli, "there is no log of '%s' at %s; there are %s", argv[i], l->dir,
				 known[0] ? known : "none");
	}
	return CLI_OK;
}

/* ---- printing ---- */

static int by_time(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int order = strcmp(x->key, y->key);
	return order ? order : (x->order > y->order) - (x->order < y->order);
}

static void print_line(const struct logs *l, const struct line *line)
{
	static const char *const color[] = {
		[LOG_DEBUG] = "\033[2m", [LOG_INFO] = "", [LOG_WARN] = "\033[33m", [LOG_ERROR] = "\033[31m"};
	FILE *to = l->cli->out;
	const char *on = l->cli->color ? color[line->level] : "";
	fputs(on, to);
	if (line->is_error_output)
		fprintf(to, "%s: ", l->file[line->file].name);
	cli_put_safe(to, (const char *)l->text.at + line->at);
	fputs(*on ? "\033[0m\n" : "\n", to);
}

/* The last `max` lines (0: all) in the order of time; then forgets them. */
static void print_lines(struct logs *l, size_t max)
{
	size_t n = n_lines(l), first = max && n > max ? n - max : 0;
	if (n > 0)
		qsort(l->lines.at, n, sizeof(struct line), by_time);
	for (size_t i = first; i < n; i++)
		print_line(l, line_at(l, i));
	fflush(l->cli->out);
	buf_clear(&l->lines);
	buf_clear(&l->text);
}

/* ---- --follow ---- */

static int read_more(struct logs *l, uint16_t i)
{
	char path[STACK_PATH_MAX + 100], key[KEY_LEN + 1] = "", *text = NULL;
	struct file *f = &l->file[i];
	struct stat st;
	size_t cap = 0;
	ssize_t len;
	int rc = 0;
	path_of(l, f, path);
	if (f->rotated || stat(path, &st) != 0)
		return 0;
	if (st.st_ino != f->inode || st.st_size < f->offset)
		f->offset = 0; /* another file: the last one was rotated away */
	f->inode = st.st_ino;
	if (st.st_size == f->offset)
		return 0;
	FILE *in = fopen(path, "re");
	if (!in || fseeko(in, f->offset, SEEK_SET) != 0)
		rc = ERR_IO;
	change_key(path, key);
	while (!rc && (len = getline(&text, &cap, in)) > 0 && text[len - 1] == '\n') {
		f->offset += len;
		text[len - 1] = '\0';
		rc = keep_line(l, i, key, text);
	}
	free(text);
	if (in)
		fclose(in);
	return rc;
}

static int follow(struct logs *l, int argc, char **argv)
{
	int rc = 0;
	while (!rc && !ferror(l->cli->out)) {
		stack_pause(POLL_MS);
		list_files(l, argc, argv, false);
		for (size_t i = 0; !rc && i < l->n_files; i++)
			rc = read_more(l, (uint16_t)i);
		print_lines(l, 0);
	}
	return rc;
}

/* ---- the verb ---- */

static int settle(struct logs *l, int argc, char **argv)
{
	struct run_settings run;
	char text[32];
	memset(&run, 0, sizeof run);
	for (int i = 0; i < argc; i++)
		if (strpbrk(argv[i], "/.") || strlen(argv[i]) > 40)
			return cli_usage(l->cli, "'%s' is no service", argv[i]);
	int rc = stack_settings(l->cli, &run);
	if (rc)
		return rc;
	if (l->o->dir)
		snprintf(l->dir, sizeof l->dir, "%s", l->o->dir);
	else
		stack_logs(&run, l->dir);
	if (l->o->since)
		snprintf(l->since, sizeof l->since, "%s", clock_rfc3339(clock_wall(clock_real()) - l->o->since, text));
	log_level_parse(l->o->level, &l->level);
	return CLI_OK;
}

static int read_all(struct logs *l, int argc, char **argv)
{
	int rc = list_files(l, argc, argv, true);
	if (rc)
		return cli_fail(l->cli, CLI_NOT_RUNNING,
				"there are no logs at %s (setting log.dir; in containers: docker compose logs)",
				l->dir);
	rc = check_names(l, argc, argv);
	if (rc)
		return rc;
	qsort(l->file, l->n_files, sizeof l->file[0], by_name);
	for (size_t i = 0; !rc && i < l->n_files; i++)
		rc = read_file(l, (uint16_t)i);
	if (rc == ERR_FULL)
		return cli_fail(l->cli, CLI_FAILED, "more than a million lines: use --since, --level or --grep");
	return rc ? cli_fail(l->cli, CLI_DATA, "%s: %s", l->dir, err_text(rc)) : CLI_OK;
}

int logs_run(struct cli *cli, const void *options, int argc, char **argv)
{
	static struct logs l;
	memset(&l, 0, sizeof l);
	l.cli = cli;
	l.o = options;
	buf_init(&l.lines, LINES_MAX * sizeof(struct line));
	buf_init(&l.text, TEXT_MAX);
	int rc = settle(&l, argc, argv);
	if (!rc)
		rc = read_all(&l, argc, argv);
	/* --since asks for all since then, unless -n says how many. */
	int64_t max = l.o->lines >= 0 ? l.o->lines : l.o->since ? 0 : 100;
	if (!rc && (max > 0 || l.o->lines < 0))
		print_lines(&l, (size_t)max);
	buf_clear(&l.lines);
	buf_clear(&l.text);
	if (!rc && l.o->follow && follow(&l, argc, argv) != 0)
		rc = cli_fail(cli, CLI_FAILED, "%s cannot be read any more", l.dir);
	buf_fini(&l.lines);
	buf_fini(&l.text);
	return rc;
}

void logs_tail(struct cli *cli, const struct run_settings *run, const char *service, int64_t n)
{
	static struct logs l;
	const struct logs_options o = {.lines = n};
	char *name[] = {(char *)service};
	memset(&l, 0, sizeof l);
	l.cli = cli;
	l.o = &o;
	stack_logs(run, l.dir);
	buf_init(&l.lines, LINES_MAX * sizeof(struct line));
	buf_init(&l.text, TEXT_MAX);
	int rc = list_files(&l, 1, name, false);
	for (size_t i = 0; !rc && i < l.n_files; i++)
		rc = read_file(&l, (uint16_t)i);
	if (!rc && n_lines(&l) > 0) {
		fputc('\n', cli->out);
		print_lines(&l, (size_t)n);
	}
	buf_fini(&l.lines);
	buf_fini(&l.text);
}
