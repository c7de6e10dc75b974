/* config - settings: tables of typed keys, read from defaults, a czmq ZPL file, the environment and
 * flags.
 *
 * Precedence: flag (--set section.key=value) > environment (NIGHTJAR_SECTION__KEY, also ..._FILE
 * for secrets) > file > default. A key that no table knows, a value of the wrong type or out of its
 * range refuses the start with file:line, key, reason and remedy; so does a key given twice in the
 * file, a secret that is empty or still an example's text, and a file with a secret that others can
 * read. A list is comma separated. Lists of sections that belong to other programs of the stack are
 * accepted without a look inside: their owners check them.
 *
 *     bus
 *         dir = "run"
 *     collector
 *         symbols = "BTCUSDT,ETHUSDT"
 */
#ifndef NJ_IO_CONFIG_H
#define NJ_IO_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

enum config_kind {
	CONFIG_TEXT, /* char[size] */
	CONFIG_SECRET, /* char[size]; never printed, read from a file by NIGHTJAR_X__Y_FILE, never
			  from a flag */
	CONFIG_CHOICE, /* char[size], one of choices */
	CONFIG_INT, /* int64_t, min..max */
	CONFIG_BOOL, /* bool: true/false yes/no on/off 1/0 */
	CONFIG_DUR, /* int64_t ns, written 250ms 5s 2m 1h 1d */
	CONFIG_BYTES, /* int64_t bytes, written 64KiB 10MiB 5GiB or a plain number */
	CONFIG_DECIMAL /* int64_t at scale 8, written 0.001 */
};

struct config_key {
	const char *name;     /* within its section */
	enum config_kind kind;
	const char *fallback; /* text of the default; "" is an empty text; NULL: the setting must be
				 given */
	int64_t min,
		max; /* of the parsed value; both 0: no limits (for durations and bytes: >= 0) */
	const char *unit, *doc;
	const char *choices;  /* "a|b|c" */
	size_t offset, size;  /* into the section's struct; size of text kinds */
};

struct config_section {
	const char *name, *doc;
	const struct config_key *keys; /* ends with a row whose name is NULL */
	void *self;                    /* the struct that is filled */
	bool subsections;              /* free-form subsections may stand in it, see config_each */
	bool variants;                 /* subsections of the same keys may, see config_variant */
};

/* An error for people: "nightjar.conf:12: collector.symbols: … (remedy)". */
struct config_error {
	char text[400];
};

struct config;

/* `foreign`: NULL-ended names of sections that other programs own. It, the keys and the
 * structs must outlive the config; the array of sections need not. */
int config_new(const struct config_section *sections, size_t n, const char *const *foreign,
	       struct config **ret_config);
void config_free(struct config *c);

/* Before config_load: keys of foreign sections ("collector.symbols", NULL-ended, outliving the config) whose values are
 * kept as they were given, for config_each; never those of secrets. */
void config_peek(struct config *c, const char *const *keys);

/* Reads everything and fills the structs only when all of it is good; ERR_ARG with *err filled
 * otherwise, and the structs and the settings of the last good load stay as they were (a bad reload
 * changes nothing). path may be NULL (no file). flags: "section.key=value" texts. envp as in
 * environ, NULL: the process's own. */
int config_load(struct config *c, const char *path, const char *const *flags, size_t n_flags,
		char *const *envp, struct config_error *err);

/* Free-form subsection ("strategy" / "ema_cross" …): calls fn for each key below section/sub, in
 * file order, with the environment and flags (section.sub.key=value) applied. Used where a table is
 * only known later. Ends early with what fn returns where that is not 0. */
int config_each(const struct config *c, const char *section, const char *sub,
		int (*fn)(void *ctx, const char *key, const char *value, const char *where),
		void *ctx);

/* The section as its subsection `sub` has it: each key's own value there, else the section's, else the default. Fills a
 * struct like the section's; with sub "" the same as config_load did. */
void config_variant(const struct config *c, const char *section, const char *sub, void *ret_self);

/* Parses one value by its row into base + offset; ERR_ARG with a reason. Shared with strategies'
 * parameters. */
int config_parse(const struct config_key *key, const char *text, void *base, char *reason,
		 size_t cap);

/* Is there a subsection of that name, with anything in it? */
bool config_has_sub(const struct config *c, const char *section, const char *sub);

/* Where a setting of the last good load came from ("nightjar.conf:12", "NIGHTJAR_RUN__PACE"), or "default". */
const char *config_where(const struct config *c, const char *section, const char *key);
/* Do the free-form subsections of a section differ? Then `what` says where and which one. */
bool config_sub_differs(const struct config *was, const struct config *now, const char *section, char *what,
			size_t cap);

/* Value for people, in its largest whole unit: "1m", "10MiB", "0.001". */
#define CONFIG_HUMAN_MAX 40
const char *config_human(enum config_kind kind, int64_t value, char out[CONFIG_HUMAN_MAX]);

/* Resolved settings as ZPL with the origin of each as a comment; secrets as "***". */
int config_print(const struct config *c, struct buf *out);
/* Markdown table of the sections for docs/settings.md. */
int config_docs(const struct config_section *sections, size_t n, struct buf *out);

/* The one place that reads the environment for others: NULL where unset. */
const char *config_env(const char *name);

#endif
