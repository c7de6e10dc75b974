/* config_impl - what config.c, config_zpl.c, config_value.c and config_print.c share; nobody else
 * includes it. */
#ifndef NJ_IO_CONFIG_IMPL_H
#define NJ_IO_CONFIG_IMPL_H

#include "common/io/config.h"

#define CONFIG_FILE_MAX (1024 * 1024) /* bytes of a settings file */
#define CONFIG_LINE_MAX 8192          /* bytes of a line */
#define CONFIG_NODES_MAX 2048 /* names in a file; czmq frees a tree by recursion over siblings */
#define CONFIG_NAME_MAX 64            /* bytes of a name */

enum config_origin { ORIGIN_DEFAULT, ORIGIN_FILE, ORIGIN_ENV, ORIGIN_FLAG };

struct config_entry {
	char *section, *sub, *key, *value,
		*where; /* one allocation, at section; sub is "" for plain keys */
	size_t bytes;
	enum config_origin origin;
	bool secret;
};

struct config_entries {
	struct config_entry *at;
	size_t n, cap;
};

struct config {
	const char *const *foreign, *const *peeked;
	struct config_entries entries; /* of the last good load */
	size_t n;
	struct config_section sections[];
};

/* One value on its way in. */
struct config_given {
	const char *section, *sub, *key, *value;
	char where[256];
	enum config_origin origin;
};

/* Copies; covers an entry of an earlier place where there is one, which keeps its position.
 * ERR_NOMEM. */
int config_entries_put(struct config_entries *e, const struct config_given *g, bool secret);
const struct config_entry *config_entry_find(const struct config_entries *e, const char *section,
					     const char *sub, const char *key);
void config_entries_fini(struct config_entries *e); /* wipes what it frees */

/* Text made fit for an error message: short, without control characters. */
struct config_shown {
	char s[48];
};
struct config_shown config_show(const char *text);

/* One leaf of a settings file: `key = value` below section, or below section and subsection. */
struct config_leaf {
	const char *section, *sub, *key, *value;
	int line;
};
/* Where a leaf or section is refused, fn returns non-zero and the walk ends with it. */
struct config_zpl_ops {
	int (*on_section)(void *ctx, const char *section,
			  int line); /* 0 go on, 1 skip what is below, < 0 refused */
	int (*on_empty)(void *ctx, const char *section, const char *name,
			int line); /* a name without value */
	int (*on_leaf)(void *ctx, const struct config_leaf *leaf);
};
/* Checks and parses ZPL text (text[len] is NUL; comment lines are blanked in it), then walks it in
 * order. ERR_SYNTAX with *ret_line and a reason where the text is not well formed. */
int config_zpl_walk(char *text, size_t len, const struct config_zpl_ops *ops, void *ctx,
		    int *ret_line, char *reason, size_t cap);

#endif
