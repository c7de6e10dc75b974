/* config - settings from four places into one list of entries, checked as they come, applied when
 * all are good.
 *
 * Each place puts its entries over those of the places before it: file, environment, flags. What no
 * place gives is the row's default. Every value is checked against its row when it is put, also one
 * that a later place covers: a mistake in a file is a mistake.
 */
#include "common/io/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/nearest.h"
#include "common/io/config_impl.h"

#define ENV_PREFIX "NIGHTJAR_"
#define ENV_NAME_MAX 200
#define SKIPPED 1 /* resolve: belongs to another program */

/* Variables with our prefix that are no settings. */
static const char *const plain_env[] = {
	"NIGHTJAR_CAPTURES", /* folder of recorded market data, for tests */
	"NIGHTJAR_CONFIG", /* path of the settings file */
	"NIGHTJAR_SEED", /* seed of randomised tests */
	"NIGHTJAR_HOME",     "NIGHTJAR_BIN",
	"NIGHTJAR_DATA",     "NIGHTJAR_RUN", /* folders, for scripts and images */
};

struct load {
	const struct config *c;
	struct config_entries entries;
	struct config_error *err;
	const char *path;
	bool secret_in_file;
};

static int fail(struct load *ld, const char *where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static int fail(struct load *ld, const char *where, const char *format, ...)
{
	va_list args;
	int n = snprintf(ld->err->text, sizeof ld->err->text, "%s: ", where);
	must(n >= 0);
	size_t used = (size_t)n < sizeof ld->err->text ? (size_t)n : sizeof ld->err->text - 1;
	va_start(args, format);
	vsnprintf(ld->err->text + used, sizeof ld->err->text - used, format, args);
	va_end(args);
	return ERR_ARG;
}

/* ---- rows ---- */

static const struct config_section *section_of(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->sections[i].name, name) == 0)
			return &c->sections[i];
	return NULL;
}

static bool is_foreign(const struct config *c, const char *name)
{
	for (const char *const *f = c->foreign; f && *f; f++)
		if (strcmp(*f, name) == 0)
			return true;
	return false;
}

/* Of a foreign section: is this key, or any where it is NULL, to be kept? */
static bool is_peeked(const struct config *c, const char *section, const char *key)
{
	size_t n = strlen(section);
	for (const char *const *p = c->peeked; p && *p; p++)
		if (strncmp(*p, section, n) == 0 && (*p)[n] == '.' && (!key || strcmp(*p + n + 1, key) == 0))
			return true;
	return false;
}

static const struct config_key *key_of(const struct config_section *s, const char *name)
{
	for (const struct config_key *k = s->keys; k->name; k++)
		if (strcmp(k->name, name) == 0)
			return k;
	return NULL;
}

static int unknown_section(struct load *ld, const char *where, const char *name)
{
	struct nearest n;
	nearest_init(&n, name);
	for (size_t i = 0; i < ld->c->n; i++)
		nearest_offer(&n, ld->c->sections[i].name);
	for (const char *const *f = ld->c->foreign; f && *f; f++)
		nearest_offer(&n, *f);
	const char *meant = nearest_get(&n);
	return fail(ld, where, "%s: no such section (%s%s)", config_show(name).s,
		    meant ? "did you mean " : "see --describe for the sections",
		    meant ? meant : "");
}

static int unknown_key(struct load *ld, const char *where, const struct config_section *s,
		       const char *name)
{
	struct nearest n;
	nearest_init(&n, name);
	for (const struct config_key *k = s->keys; k->name; k++)
		nearest_offer(&n, k->name);
	const char *meant = nearest_get(&n);
	return fail(ld, where, "%s.%s: no such setting (%s%s)", s->name, config_show(name).s,
		    meant ? "did you mean " : "see --describe for the settings of ",
		    meant ? meant : s->name);
}

/* The row of a value, NULL for one of a free-form subsection. SKIPPED, or ERR_ARG and the error is
 * told. */
static int resolve(struct load *ld, const struct config_given *g, const struct config_key **ret_row)
{
	const struct config_section *s = section_of(ld->c, g->section);
	*ret_row = NULL;
	if (!s)
		return is_foreign(ld->c, g->section) ? SKIPPED
						     : unknown_section(ld, g->where, g->section);
	if (g->sub[0] != '\0' && !s->subsections && !s->variants)
		return fail(ld, g->where,
			    "%s.%s: no subsections in this section (settings stand four spaces in)",
			    s->name, config_show(g->sub).s);
	if (g->sub[0] != '\0' && (!s->variants || g->key[0] == '\0'))
		return 0;
	*ret_row = key_of(s, g->key);
	return *ret_row ? 0 : unknown_key(ld, g->where, s, g->key);
}

/* ---- values ---- */

static bool is_text(enum config_kind kind)
{
	return kind == CONFIG_TEXT || kind == CONFIG_SECRET || kind == CONFIG_CHOICE;
}

/* Parses into memory that is thrown away. */
static int try_value(const struct config_key *row, const char *value, char *reason, size_t cap)
{
	struct config_key probe = *row;
	probe.offset = 0;
	void *scratch = malloc(is_text(row->kind) ? row->size : sizeof(int64_t));
	if (!scratch)
		return ERR_NOMEM;
	int rc = config_parse(&probe, value, scratch, reason, cap);
	if (row->kind == CONFIG_SECRET)
		explicit_bzero(scratch, row->size);
	free(scratch);
	return rc;
}

static int put_checked(struct load *ld, const struct config_given *g, const struct config_key *row)
{
	static const struct config_key any_text = {.kind = CONFIG_TEXT, .size = CONFIG_LINE_MAX};
	char reason[300];
	int rc = try_value(row ? row : &any_text, g->value, reason, sizeof reason);
	if (rc == ERR_ARG)
		return fail(ld, g->where, "%s.%s: %s", g->section, g->key, reason);
	if (rc == 0)
		rc = config_entries_put(&ld->entries, g, row && row->kind == CONFIG_SECRET);
	return rc == 0 ? 0 : fail(ld, g->where, "%s", err_text(rc));
}

/* As it was given: its owner checks it. */
static int put_foreign(struct load *ld, const struct config_given *g)
{
	return is_peeked(ld->c, g->section, g->key) ? put_checked(ld, g, NULL) : 0;
}

static int put(struct load *ld, const struct config_given *g)
{
	const struct config_key *row;
	int rc = resolve(ld, g, &row);
	return rc == SKIPPED ? put_foreign(ld, g) : rc == 0 ? put_checked(ld, g, row) : rc;
}

/* ---- files ---- */

/* Whole regular file, NUL-terminated, to be freed; the error is told. Does not wait on pipes. */
static int read_file(struct load *ld, const char *path, const char *where, char **ret_text,
		     struct stat *ret_st)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return fail(ld, where, "%s cannot be opened: %s", config_show(path).s,
			    strerror(errno));
	char *text = NULL;
	ssize_t n = -1;
	bool regular = fstat(fd, ret_st) == 0 && S_ISREG(ret_st->st_mode);
	bool fits = regular && ret_st->st_size <= CONFIG_FILE_MAX;
	if (fits)
		text = malloc(CONFIG_FILE_MAX + 2);
	if (text)
		n = read(fd, text, CONFIG_FILE_MAX + 1);
	close(fd);
	if (n >= 0 && n <= CONFIG_FILE_MAX) {
		text[n] = '\0';
		ret_st->st_size = n;
		*ret_text = text;
		return 0;
	}
	free(text);
	return fail(ld, where, "%s %s", config_show(path).s,
		    !regular	     ? "is not a regular file"
		    : !fits || n > 0 ? "is too large"
				     : "cannot be read");
}

static void where_line(const struct load *ld, int line, char out[256])
{
	snprintf(out, 256, "%.230s:%d", ld->path, line);
}

static int on_section(void *ctx, const char *section, int line)
{
	struct load *ld = ctx;
	char where[256];
	if (section_of(ld->c, section))
		return 0;
	if (is_foreign(ld->c, section))
		return is_peeked(ld->c, section, NULL) ? 0 : SKIPPED;
	where_line(ld, line, where);
	return unknown_section(ld, where, section);
}

static int on_empty(void *ctx, const char *section, const char *name, int line)
{
	struct load *ld = ctx;
	struct config_given g = {
		.section = section, .sub = name, .key = "", .value = "", .origin = ORIGIN_FILE};
	const struct config_section *s = section_of(ld->c, section);
	const struct config_key *row;
	if (!s)
		return 0;
	where_line(ld, line, g.where);
	if (key_of(s, name))
		return fail(ld, g.where, "%s.%s: no value (write %s = \"...\")", section, name,
			    name);
	return s->subsections || s->variants ? resolve(ld, &g, &row) : unknown_key(ld, g.where, s, name);
}

static int on_leaf(void *ctx, const struct config_leaf *leaf)
{
	struct load *ld = ctx;
	struct config_given g = {leaf->section, leaf->sub, leaf->key, leaf->value, "", ORIGIN_FILE};
	where_line(ld, leaf->line, g.where);
	const struct config_entry *twice = config_entry_find(&ld->entries, g.section, g.sub, g.key);
	if (twice)
		return fail(ld, g.where, "%s.%s: given twice (first at %s)", g.section, g.key,
			    twice->where);
	int rc = put(ld, &g);
	if (rc == 0 && ld->entries.n > 0 && ld->entries.at[ld->entries.n - 1].secret)
		ld->secret_in_file = true;
	return rc;
}

static int load_file(struct load *ld)
{
	static const struct config_zpl_ops ops = {on_section, on_empty, on_leaf};
	char *text, reason[128], where[256];
	struct stat st;
	int line = 0;
	if (!ld->path)
		return 0;
	int rc = read_file(ld, ld->path, "settings file", &text, &st);
	if (rc != 0)
		return rc;
	size_t len = (size_t)st.st_size;
	rc = config_zpl_walk(text, len, &ops, ld, &line, reason, sizeof reason);
	explicit_bzero(text, len);
	free(text);
	where_line(ld, line, where);
	if (rc == ERR_SYNTAX)
		return fail(ld, where, "%s", reason);
	if (rc == ERR_NOMEM)
		return fail(ld, ld->path, "%s", err_text(rc));
	if (rc == 0 && ld->secret_in_file && (st.st_mode & S_IROTH))
		return fail(
			ld, ld->path,
			"holds a secret and can be read by every user (chmod o-r, or use "
			"..._FILE)");
	return rc;
}

/* ---- environment ---- */

/* A secret from a file, without the line feed that editors leave at its end. */
static int put_secret_file(struct load *ld, struct config_given *g, const struct config_key *row)
{
	char *text;
	struct stat st;
	int rc = read_file(ld, g->value, g->where, &text, &st);
	if (rc != 0)
		return rc;
	size_t len = (size_t)st.st_size, cut = len;
	while (cut > 0 && (text[cut - 1] == '\n' || text[cut - 1] == '\r'))
		text[--cut] = '\0';
	const char *path = g->value;
	g->value = text;
	if (st.st_mode & S_IROTH)
		rc = fail(ld, g->where, "%s can be read by every user (chmod o-r)",
			  config_show(path).s);
	else if (strlen(text) != cut)
		rc = fail(ld, g->where, "%s holds a NUL byte", config_show(path).s);
	else if (config_entry_find(&ld->entries, g->section, g->sub, row->name) &&
		 config_entry_find(&ld->entries, g->section, g->sub, row->name)->origin == ORIGIN_ENV)
		rc = fail(ld, g->where, "%s.%s: given twice in the environment", g->section,
			  row->name);
	else
		rc = put_checked(ld, g, row);
	explicit_bzero(text, len);
	free(text);
	return rc;
}

/* The secret that a key ending in _file names, or NULL. Cuts the ending off the key. */
static const struct config_key *secret_of(const struct config_section *s, char *key)
{
	size_t len = strlen(key);
	if (!s || len <= 5 || strcmp(key + len - 5, "_file") != 0 || key_of(s, key))
		return NULL;
	key[len - 5] = '\0';
	const struct config_key *row = key_of(s, key);
	if (row && row->kind == CONFIG_SECRET)
		return row;
	key[len - 5] = '_';
	return NULL;
}

static bool is_plain_env(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(plain_env); i++)
		if (strcmp(plain_env[i], name) == 0)
			return true;
	return false;
}

/* name: SECTION__KEY or SECTION__SUB__KEY, in small letters already. */
static int put_env(struct load *ld, char *name, const char *env_name, const char *value)
{
	struct config_given g = {.sub = "", .value = value, .origin = ORIGIN_ENV};
	snprintf(g.where, sizeof g.where, "%s", env_name);
	char *key = strstr(name, "__");
	if (!key || key == name || key[2] == '\0')
		return fail(ld, env_name, "not a setting (write NIGHTJAR_SECTION__KEY)");
	*key = '\0';
	key += 2;
	g.section = name;
	char *leaf = strstr(key, "__");
	if (leaf && leaf != key && leaf[2] != '\0') {
		*leaf = '\0';
		g.sub = key;
		key = leaf + 2;
	}
	const struct config_section *s = section_of(ld->c, g.section);
	const struct config_key *secret = g.sub[0] == '\0' || (s && s->variants) ? secret_of(s, key) : NULL;
	g.key = key;
	return secret ? put_secret_file(ld, &g, secret) : put(ld, &g);
}

static int load_env(struct load *ld, char *const *envp)
{
	for (; *envp; envp++) {
		const char *equals = strchr(*envp, '=');
		if (!equals || strncmp(*envp, ENV_PREFIX, strlen(ENV_PREFIX)) != 0)
			continue;
		char env_name[ENV_NAME_MAX], name[ENV_NAME_MAX];
		size_t len = (size_t)(equals - *envp);
		if (len >= sizeof name)
			return fail(ld, "environment", "%s: the name is too long",
				    config_show(*envp).s);
		memcpy(env_name, *envp, len);
		env_name[len] = '\0';
		if (is_plain_env(env_name))
			continue;
		size_t skip = strlen(ENV_PREFIX);
		for (size_t i = skip; i <= len; i++)
			name[i - skip] = (char)tolower((unsigned char)env_name[i]);
		int rc = put_env(ld, name, config_show(env_name).s, equals + 1);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* ---- flags ---- */

static int put_flag(struct load *ld, const char *flag)
{
	struct config_given g = {.sub = "", .origin = ORIGIN_FLAG};
	char name[3 * CONFIG_NAME_MAX];
	const char *equals = strchr(flag, '=');
	size_t len = equals ? (size_t)(equals - flag) : 0;
	if (len == 0 || len >= sizeof name)
		return fail(ld, "--set", "\"%s\" is not section.key=value", config_show(flag).s);
	memcpy(name, flag, len);
	name[len] = '\0';
	snprintf(g.where, sizeof g.where, "--set %s", config_show(name).s);
	char *dot = strchr(name, '.'), *last = strrchr(name, '.');
	if (!dot || dot == name || last[1] == '\0')
		return fail(ld, "--set", "\"%s\" is not section.key=value", config_show(flag).s);
	*dot = *last = '\0';
	g.section = name;
	g.sub = dot == last ? "" : dot + 1;
	g.key = last + 1;
	g.value = equals + 1;
	const struct config_key *row;
	int rc = resolve(ld, &g, &row);
	if (rc == 0 && row && row->kind == CONFIG_SECRET)
		return fail(ld, g.where,
			    "a secret on the command line is seen by every user (use " ENV_PREFIX
			    "..._FILE)");
	return rc == 0 ? put_checked(ld, &g, row) : rc == SKIPPED ? put_foreign(ld, &g) : rc;
}

/* ---- all of it ---- */

static int check_required(struct load *ld)
{
	for (size_t i = 0; i < ld->c->n; i++) {
		const struct config_section *s = &ld->c->sections[i];
		for (const struct config_key *k = s->keys; k->name; k++)
			if (!k->fallback && !config_entry_find(&ld->entries, s->name, "", k->name))
				return fail(ld, ld->path ? ld->path : "settings",
					    "%s.%s: must be set: %s", s->name, k->name, k->doc);
	}
	return 0;
}

static void fill_section(const struct config *c, const struct config_section *s, const char *sub, void *self)
{
	char reason[300];
	for (const struct config_key *k = s->keys; k->name; k++) {
		const struct config_entry *e = config_entry_find(&c->entries, s->name, sub, k->name);
		if (!e)
			e = config_entry_find(&c->entries, s->name, "", k->name);
		if (!e && is_text(k->kind) && k->fallback[0] == '\0')
			memset((char *)self + k->offset, 0, k->size); /* also a secret that is not set */
		else
			must(config_parse(k, e ? e->value : k->fallback, self, reason, sizeof reason) == 0);
	}
}

static void fill(const struct config *c)
{
	for (size_t i = 0; i < c->n; i++)
		fill_section(c, &c->sections[i], "", c->sections[i].self);
}

void config_variant(const struct config *c, const char *section, const char *sub, void *ret_self)
{
	const struct config_section *s = section_of(c, section);
	must(s && s->variants);
	fill_section(c, s, sub, ret_self);
}

bool config_has_sub(const struct config *c, const char *section, const char *sub)
{
	for (size_t i = 0; i < c->entries.n; i++)
		if (strcmp(c->entries.at[i].section, section) == 0 && strcmp(c->entries.at[i].sub, sub) == 0)
			return true;
	return false;
}

int config_load(struct config *c, const char *path, const char *const *flags, size_t n_flags,
		char *const *envp, struct config_error *err)
{
	struct load ld = {.c = c, .err = err, .path = path};
	err->text[0] = '\0';
	int rc = load_file(&ld);
	if (rc == 0)
		rc = load_env(&ld, envp ? envp : environ);
	for (size_t i = 0; i < n_flags && rc == 0; i++)
		rc = put_flag(&ld, flags[i]);
	if (rc == 0)
		rc = check_required(&ld);
	if (rc != 0) {
		config_entries_fini(&ld.entries);
		return ERR_ARG;
	}
	config_entries_fini(&c->entries);
	c->entries = ld.entries;
	fill(c);
	return 0;
}

/* Tables are our own promises: a default that its own row refuses is a mistake in the program. */
static void check_tables(const struct config_section *sections, size_t n)
{
	char reason[300];
	for (size_t i = 0; i < n; i++)
		for (const struct config_key *k = sections[i].keys; k->name; k++) {
			must(!is_text(k->kind) || k->size > 0);
			must(k->kind != CONFIG_CHOICE || k->choices);
			bool empty_text = is_text(k->kind) && k->fallback && k->fallback[0] == '\0';
			must(!k->fallback || empty_text ||
			     try_value(k, k->fallback, reason, sizeof reason) == 0);
		}
}

int config_new(const struct config_section *sections, size_t n, const char *const *foreign,
	       struct config **ret_config)
{
	check_tables(sections, n);
	struct config *c = calloc(1, sizeof *c + n * sizeof c->sections[0]);
	if (!c)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		c->sections[i] = sections[i];
	c->n = n;
	c->foreign = foreign;
	*ret_config = c;
	return 0;
}

void config_peek(struct config *c, const char *const *keys)
{
	c->peeked = keys;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	config_entries_fini(&c->entries);
	free(c);
}

int config_each(const struct config *c, const char *section, const char *sub,
		int (*fn)(void *ctx, const char *key, const char *value, const char *where),
		void *ctx)
{
	for (size_t i = 0; i < c->entries.n; i++) {
		const struct config_entry *e = &c->entries.at[i];
		if (strcmp(e->section, section) != 0 || strcmp(e->sub, sub) != 0)
			continue;
		int rc = fn(ctx, e->key, e->value, e->where);
		if (rc != 0)
			return rc;
	}
	return 0;
}

const char *config_env(const char *name)
{
	return getenv(name);
}
