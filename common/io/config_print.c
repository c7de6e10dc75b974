/* config_print - settings for people: the resolved ones as a settings file, the tables as Markdown.
 */
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/config_impl.h"

/* ---- resolved settings ---- */

/* ZPL has no escapes: a value is quoted with the sign that it does not hold. One that holds both
 * and could not be read back without quotes becomes a comment. */
static int put_setting(struct buf *out, int indent, const char *key, const char *value,
		       const char *origin)
{
	const char *quote = !strchr(value, '"') ? "\"" : !strchr(value, '\'') ? "'" : "";
	bool readable = *quote || (!strchr("\"' \t", value[0]) && !strchr(value, '#') &&
				   value[strlen(value) - 1] != ' ');
	return buf_printf(out, "%*s%s%s = %s%s%s    # %s\n", indent, "", readable ? "" : "# ", key,
			  quote, value, quote, origin);
}

static int put_key(const struct config *c, const struct config_section *s,
		   const struct config_key *k, struct buf *out)
{
	const struct config_entry *e = config_entry_find(&c->entries, s->name, "", k->name);
	const char *origin = e ? e->where : "default";
	/* A printed secret is a comment, so that the output can be used as a settings file. */
	if (k->kind == CONFIG_SECRET && !e)
		return buf_printf(out, "    # %s is not set\n", k->name);
	if (k->kind == CONFIG_SECRET)
		return buf_printf(out, "    # %s = \"***\"    # %s\n", k->name, origin);
	return put_setting(out, 4, k->name, e ? e->value : k->fallback ? k->fallback : "", origin);
}

/* Whether an earlier entry opened the same subsection. */
static bool is_first_of_sub(const struct config_entries *e, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(e->at[k].section, e->at[i].section) == 0 &&
		    strcmp(e->at[k].sub, e->at[i].sub) == 0)
			return false;
	return true;
}

static int put_sub(const struct config_entries *e, size_t first, struct buf *out)
{
	const struct config_entry *head = &e->at[first];
	int rc = buf_printf(out, "    %s\n", head->sub);
	for (size_t i = first; i < e->n && rc == 0; i++)
		if (strcmp(e->at[i].section, head->section) == 0 &&
		    strcmp(e->at[i].sub, head->sub) == 0)
			rc = e->at[i].secret
				     ? buf_printf(out, "        # %s = \"***\"    # %s\n", e->at[i].key, e->at[i].where)
				     : put_setting(out, 8, e->at[i].key, e->at[i].value, e->at[i].where);
	return rc;
}

int config_print(const struct config *c, struct buf *out)
{
	int rc = 0;
	for (size_t i = 0; i < c->n && rc == 0; i++) {
		const struct config_section *s = &c->sections[i];
		rc = buf_printf(out, "%s\n", s->name);
		for (const struct config_key *k = s->keys; k->name && rc == 0; k++)
			rc = put_key(c, s, k, out);
		for (size_t e = 0; e < c->entries.n && rc == 0; e++)
			if (c->entries.at[e].sub[0] != '\0' &&
			    strcmp(c->entries.at[e].section, s->name) == 0 &&
			    is_first_of_sub(&c->entries, e))
				rc = put_sub(&c->entries, e, out);
	}
	return rc;
}

/* ---- tables ---- */

static const char *kind_name(enum config_kind kind)
{
	static const char *const name[] = {
		[CONFIG_TEXT] = "text",		 [CONFIG_SECRET] = "secret",
		[CONFIG_CHOICE] = "choice",	 [CONFIG_INT] = "whole number",
		[CONFIG_BOOL] = "true or false", [CONFIG_DUR] = "duration",
		[CONFIG_BYTES] = "size",	 [CONFIG_DECIMAL] = "decimal number",
	};
	must((size_t)kind < ARRAY_LEN(name));
	return name[kind];
}

/* Text in a table cell: a bar would end it. */
static int put_cell(struct buf *out, const char *text)
{
	int rc = 0;
	for (; *text && rc == 0; text++)
		rc = *text == '|' ? buf_append(out, "\\|", 2) : buf_byte(out, (uint8_t)*text);
	return rc;
}

static int put_limits(const struct config_key *k, struct buf *out)
{
	char min[CONFIG_HUMAN_MAX], max[CONFIG_HUMAN_MAX];
	if (k->kind == CONFIG_CHOICE)
		return put_cell(out, k->choices);
	if (k->kind == CONFIG_TEXT || k->kind == CONFIG_SECRET)
		return buf_printf(out, "at most %zu bytes", k->size - 1);
	if (k->kind == CONFIG_BOOL || (k->min == 0 && k->max == 0))
		return 0;
	return buf_printf(out, "%s to %s", config_human(k->kind, k->min, min),
			  config_human(k->kind, k->max, max));
}

static int put_doc_row(const struct config_key *k, struct buf *out)
{
	int rc = buf_printf(out, "| `%s` | %s | ", k->name, kind_name(k->kind));
	if (rc == 0 && !k->fallback)
		rc = buf_printf(out, "required");
	else if (rc == 0 && k->fallback[0] != '\0')
		rc = buf_printf(out, "`%s`", k->fallback);
	if (rc == 0)
		rc = buf_printf(out, " | ");
	if (rc == 0)
		rc = put_limits(k, out);
	if (rc == 0)
		rc = buf_printf(out, " | ");
	if (rc == 0)
		rc = put_cell(out, k->doc ? k->doc : "");
	if (rc == 0 && k->unit && k->unit[0] != '\0')
		rc = buf_printf(out, " (%s)", k->unit);
	return rc == 0 ? buf_printf(out, " |\n") : rc;
}

int config_docs(const struct config_section *sections, size_t n, struct buf *out)
{
	int rc = 0;
	for (size_t i = 0; i < n && rc == 0; i++) {
		const struct config_section *s = &sections[i];
		rc = buf_printf(
			out,
			"## %s\n\n%s\n\n| setting | kind | default | limits | meaning |\n|---|"
			"---|---|---|---|\n",
			s->name, s->doc ? s->doc : "");
		for (const struct config_key *k = s->keys; k->name && rc == 0; k++)
			rc = put_doc_row(k, out);
		if (rc == 0)
			rc = buf_byte(out, '\n');
	}
	return rc;
}
