/* runtime_docs - the pages of docs/ that a service prints of itself, from its own tables; see docs/print.sh.
 *
 * settings, metrics, wiring: Markdown; shared, shared_metrics: what all services have. settings.json, metrics.json …:
 * the same for programs, one JSON object a line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/service/runtime_state.h"
#include "proto/print.h"

enum { PAGE_MAX = 1 << 20 };

struct page {
	const struct service *s;
	struct run_settings run; /* what the tables point into; never read */
	struct config_section sections[SETTINGS_SECTIONS_MAX];
	uint32_t n;
	struct buf *out;
};

/* ---- Markdown ---- */

/* Which of them nj reload takes over. */
static int put_live(const char *const *names, struct buf *out)
{
	int rc = buf_printf(out, "May change while it runs (`nj reload`): ");
	for (; rc == 0 && *names; names++)
		rc = buf_printf(out, "`%s`%s", *names, names[1] ? ", " : ".\n\n");
	return rc;
}

static int put_settings(struct page *p)
{
	int rc = p->n > 4 ? config_docs(p->sections + 4, p->n - 4, p->out) : 0;
	if (rc == 0 && p->s->live)
		rc = put_live(p->s->live, p->out);
	return rc == 0 && p->s->docs ? p->s->docs("settings", p->out) : rc;
}

static int put_shared(struct page *p)
{
	int rc = config_docs(p->sections, 4, p->out);
	return rc == 0 ? put_live(reload_shared(), p->out) : rc;
}

static int put_metrics(struct page *p)
{
	return p->s->metrics ? metrics_docs(p->s->metrics, p->s->name, p->out) : 0;
}

static int put_shared_metrics(struct page *p)
{
	return metrics_docs(process_metrics, "every service", p->out);
}

static int put_input(const struct service_input *in, struct buf *out)
{
	int rc = buf_printf(out, "| %s | %c | ", in->publisher, in->lane == LANE_M ? 'M' : 'X');
	for (size_t i = 0; rc == 0 && in->prefixes && in->prefixes[i]; i++)
		rc = buf_printf(out, "%s`%s`", i ? " " : "", in->prefixes[i]);
	if (rc == 0 && !in->prefixes)
		rc = buf_printf(out, "everything");
	return rc == 0 ? buf_printf(out, " |\n") : rc;
}

static int put_output(uint16_t id, struct buf *out)
{
	const struct event_row *row = event_row(id);
	must(row);
	return buf_printf(out, "| %s | %c | `%s` | %s |\n", row->name, row->lane == LANE_M ? 'M' : 'X', row->topic,
			  row->doc);
}

static int put_wiring(struct page *p)
{
	const struct service *s = p->s;
	int rc = buf_printf(p->out, "## %s\n\n%s\n", s->name, s->doc);
	if (rc == 0 && s->inputs && s->inputs[0].publisher)
		rc = buf_printf(p->out, "\n| follows | lane | topics |\n|---|---|---|\n");
	for (size_t i = 0; rc == 0 && s->inputs && s->inputs[i].publisher; i++)
		rc = put_input(&s->inputs[i], p->out);
	if (rc == 0 && s->pubs && s->pubs[0])
		rc = buf_printf(p->out, "\n| publishes | lane | topic | meaning |\n|---|---|---|---|\n");
	for (size_t i = 0; rc == 0 && s->pubs && s->pubs[i]; i++)
		rc = put_output(s->pubs[i], p->out);
	return rc == 0 ? buf_byte(p->out, '\n') : rc;
}

/* ---- JSON, a line each ---- */

static void member(struct printer *p, const char *name, const char *text)
{
	print_format(p, ",\"%s\":", name);
	if (text)
		print_quoted(p, text, strlen(text));
	else
		print_text(p, "null");
}

static int json_setting(const struct config_section *s, const struct config_key *k, struct buf *out)
{
	static const char *const kinds[] = {"text", "secret", "choice", "int", "bool", "duration", "bytes", "decimal"};
	struct printer p;
	print_begin(&p, out);
	print_format(&p, "{\"section\":\"%s\",\"name\":\"%s\",\"kind\":\"%s\"", s->name, k->name, kinds[k->kind]);
	member(&p, "default", k->fallback);
	member(&p, "choices", k->choices);
	if (k->min || k->max)
		print_format(&p, ",\"min\":%" PRId64 ",\"max\":%" PRId64, k->min, k->max);
	member(&p, "unit", k->unit && k->unit[0] ? k->unit : NULL);
	member(&p, "doc", k->doc);
	print_text(&p, "}\n");
	return print_end(&p);
}

static int json_settings(const struct config_section *s, uint32_t n, struct buf *out)
{
	int rc = 0;
	for (uint32_t i = 0; i < n; i++)
		for (const struct config_key *k = s[i].keys; rc == 0 && k && k->name; k++)
			rc = json_setting(&s[i], k, out);
	return rc;
}

static int put_settings_json(struct page *p)
{
	return p->n > 4 ? json_settings(p->sections + 4, p->n - 4, p->out) : 0;
}

static int put_shared_json(struct page *p)
{
	return json_settings(p->sections, 4, p->out);
}

static int json_metrics(const struct metric_row *row, const char *service, struct buf *to)
{
	static const char *const kinds[] = {"counter", "gauge", "histogram"};
	int rc = 0;
	for (; rc == 0 && row && row->name; row++) {
		struct printer out;
		print_begin(&out, to);
		print_format(&out, "{\"service\":\"%s\",\"name\":\"nightjar_%s\",\"kind\":\"%s\"", service, row->name,
			     kinds[row->kind]);
		member(&out, "doc", row->doc);
		print_text(&out, "}\n");
		rc = print_end(&out);
	}
	return rc;
}

static int put_metrics_json(struct page *p)
{
	return json_metrics(p->s->metrics, p->s->name, p->out);
}

static int put_shared_metrics_json(struct page *p)
{
	return json_metrics(process_metrics, "*", p->out);
}

int runtime_docs(const struct service *s, const char *page)
{
	static const struct {
		const char *name;
		int (*put)(struct page *p);
	} pages[] = {{"settings", put_settings},
		     {"shared", put_shared},
		     {"metrics", put_metrics},
		     {"shared_metrics", put_shared_metrics},
		     {"wiring", put_wiring},
		     {"settings.json", put_settings_json},
		     {"shared.json", put_shared_json},
		     {"metrics.json", put_metrics_json},
		     {"shared_metrics.json", put_shared_metrics_json}};
	struct page p = {.s = s};
	struct buf out;
	int rc = ERR_UNKNOWN;
	buf_init(&out, PAGE_MAX);
	p.out = &out;
	p.n = settings_sections(&p.run, s, NULL, p.sections);
	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		if (strcmp(pages[i].name, page) == 0)
			rc = pages[i].put(&p);
	if (rc == 0)
		fwrite(out.at, 1, out.len, stdout);
	buf_fini(&out);
	return rc;
}
