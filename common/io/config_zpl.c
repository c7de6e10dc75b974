/* config_zpl - settings files: czmq's zconfig parses them, a scan before it checks them and keeps
 * line numbers.
 *
 * zconfig knows no line numbers once it has parsed, prints its complaints to standard output, frees
 * by recursion over siblings, and reads `key = # note` as a value. The scan accepts a strict subset
 * of ZPL on which both agree: names in the order of the text are the nodes of the tree in preorder.
 */
#include <czmq.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/utf8.h"
#include "common/io/config_impl.h"

#define LEVELS 3 /* section, setting or subsection, setting of a subsection */

struct node {
	int line;
	uint8_t level;
	bool valued;
};

struct scan {
	struct node node[CONFIG_NODES_MAX];
	size_t n;
	int line;
	char *reason;
	size_t cap;
};

static int refuse(struct scan *s, const char *reason)
{
	snprintf(s->reason, s->cap, "%s", reason);
	return ERR_SYNTAX;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       strchr("_.-", c);
}

static char *skip_space(char *at, const char *end)
{
	while (at < end && is_space(*at))
		at++;
	return at;
}

/* Only a comment may follow a value. */
static int check_rest(struct scan *s, char *at, const char *end)
{
	at = skip_space(at, end);
	if (at < end && *at != '#')
		return refuse(
			s,
			"text after the value (write value texts with spaces or signs in double "
			"quotes)");
	return 0;
}

static int check_value(struct scan *s, char *at, const char *end)
{
	at = skip_space(at, end);
	if (at == end)
		return 0;
	if (*at == '"' || *at == '\'') {
		char *quote = memchr(at + 1, *at, (size_t)(end - at - 1));
		if (!quote)
			return refuse(s, "the closing quote is missing");
		return check_rest(s, quote + 1, end);
	}
	char *hash = memchr(at, '#', (size_t)(end - at));
	if (hash && (hash == at || !is_space(hash[-1])))
		return refuse(s, "a value with # in it (write it in double quotes)");
	return 0;
}

static int add_node(struct scan *s, size_t indent, bool valued)
{
	if (s->n == CONFIG_NODES_MAX)
		return refuse(s, "more than 2048 settings");
	if (indent % 4 != 0)
		return refuse(s, "indentation that is not a multiple of four spaces");
	size_t level = indent / 4;
	struct node *last = s->n ? &s->node[s->n - 1] : NULL;
	if (level >= LEVELS)
		return refuse(s, "more than two levels below a section");
	if (level > (last ? last->level + 1u : 0u) || (last && level > last->level && last->valued))
		return refuse(s, "indented without a section above it");
	if (level == 0 && valued)
		return refuse(
			s, "a setting outside of a section (indent it by four spaces below one)");
	if (level == LEVELS - 1 && !valued)
		return refuse(s, "a name without = and a value");
	s->node[s->n++] = (struct node){.line = s->line, .level = (uint8_t)level, .valued = valued};
	return 0;
}

static int scan_line(struct scan *s, char *at, char *end)
{
	char *begin = at;
	while (end > at && (is_space(end[-1]) || end[-1] == '\r'))
		end--;
	at = skip_space(at, end);
	if (at == end || *at == '#') {
		memset(begin, ' ',
		       (size_t)(end -
				begin)); /* zconfig is particular about where comments begin */
		return 0;
	}
	if (memchr(begin, '\t', (size_t)(at - begin)))
		return refuse(s, "indentation with a tab (use four spaces)");
	size_t indent = (size_t)(at - begin);
	char *name = at;
	while (at < end && is_name(*at))
		at++;
	if (at == name)
		return refuse(s,
			      "a line that does not begin with a name of letters, digits, _ - .");
	if (at - name > CONFIG_NAME_MAX)
		return refuse(s, "a name longer than 64 bytes");
	at = skip_space(at, end);
	bool valued = at < end && *at == '=';
	int rc = valued ? check_value(s, at + 1, end) : check_rest(s, at, end);
	return rc != 0 ? rc : add_node(s, indent, valued);
}

static int check_bytes(struct scan *s, const char *at, const char *end)
{
	if (end - at > CONFIG_LINE_MAX)
		return refuse(s, "a line longer than 8192 bytes");
	if (!utf8_valid(at, (size_t)(end - at)))
		return refuse(s, "bytes that are not UTF-8");
	for (; at < end; at++) {
		unsigned char c = (unsigned char)*at;
		if ((c < 0x20 && c != '\t' && !(c == '\r' && at + 1 == end)) || c == 0x7f)
			return refuse(s, "a control character");
	}
	return 0;
}

static int scan_text(struct scan *s, char *at, char *end)
{
	for (s->line = 1; at < end; s->line++) {
		char *eol = memchr(at, '\n', (size_t)(end - at));
		if (!eol)
			eol = end;
		int rc = check_bytes(s, at, eol);
		if (rc == 0)
			rc = scan_line(s, at, eol);
		if (rc != 0)
			return rc;
		at = eol + 1;
	}
	return 0;
}

/* ---- the walk over zconfig's tree, in step with the scan ---- */

struct walk {
	const struct scan *scan;
	size_t at;
	const struct config_zpl_ops *ops;
	void *ctx;
};

static const struct node *next_node(struct walk *w, uint8_t level)
{
	must(w->at < w->scan->n && w->scan->node[w->at].level == level);
	return &w->scan->node[w->at++];
}

static int walk_leaf(struct walk *w, const char *section, const char *sub, zconfig_t *item,
		     int line)
{
	const char *value = zconfig_value(item);
	struct config_leaf leaf = {section, sub, zconfig_name(item), value ? value : "", line};
	return w->ops->on_leaf(w->ctx, &leaf);
}

static int walk_sub(struct walk *w, const char *section, zconfig_t *sub)
{
	int rc = 0;
	for (zconfig_t *item = zconfig_child(sub); item && rc == 0; item = zconfig_next(item))
		rc = walk_leaf(w, section, zconfig_name(sub), item, next_node(w, 2)->line);
	return rc;
}

static int walk_section(struct walk *w, zconfig_t *section)
{
	int rc = 0;
	const char *name = zconfig_name(section);
	for (zconfig_t *item = zconfig_child(section); item && rc == 0; item = zconfig_next(item)) {
		const struct node *node = next_node(w, 1);
		if (node->valued)
			rc = walk_leaf(w, name, "", item, node->line);
		else
			rc = w->ops->on_empty(w->ctx, name, zconfig_name(item), node->line);
		if (rc == 0 && !node->valued)
			rc = walk_sub(w, name, item);
	}
	return rc;
}

static int walk_root(struct walk *w, zconfig_t *root)
{
	for (zconfig_t *section = zconfig_child(root); section; section = zconfig_next(section)) {
		int rc = w->ops->on_section(w->ctx, zconfig_name(section), next_node(w, 0)->line);
		if (rc == 0)
			rc = walk_section(w, section);
		if (rc < 0)
			return rc;
		while (w->at < w->scan->n && w->scan->node[w->at].level > 0)
			w->at++; /* skipped */
	}
	must(w->at == w->scan->n);
	return 0;
}

int config_zpl_walk(char *text, size_t len, const struct config_zpl_ops *ops, void *ctx,
		    int *ret_line, char *reason, size_t cap)
{
	struct scan *s = calloc(1, sizeof *s);
	if (!s)
		return ERR_NOMEM;
	s->reason = reason;
	s->cap = cap;
	int rc = scan_text(s, text, text + len);
	if (rc != 0) {
		*ret_line = s->line;
		free(s);
		return rc;
	}
	zconfig_t *root = zconfig_str_load(text);
	rc = root ? 0 : ERR_NOMEM; /* the scan accepts nothing that zconfig refuses */
	struct walk w = {.scan = s, .ops = ops, .ctx = ctx};
	if (rc == 0)
		rc = walk_root(&w, root);
	zconfig_destroy(&root);
	free(s);
	return rc;
}
