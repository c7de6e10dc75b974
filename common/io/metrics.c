/* metrics - one walk over the tables, three ways to write a row: pairs, Prometheus text, Markdown.
 */
#include "common/io/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

/* Upper bounds of the exposed buckets: 2^k - 1 ns, where our histogram is exact; 1 us to 69 s. */
#define BUCKET_BITS_MIN 10
#define BUCKET_BITS_MAX 36

static const struct hist no_values;

static uint64_t counter_of(const struct metric_row *row, const void *self)
{
	uint64_t value;
	memcpy(&value, (const char *)self + row->offset, sizeof value);
	return value;
}

static int64_t gauge_of(const struct metric_row *row, const void *self)
{
	int64_t value;
	memcpy(&value, (const char *)self + row->offset, sizeof value);
	return value;
}

static const struct hist *hist_of(const struct metric_row *row, const void *self)
{
	const struct hist *h;
	memcpy(&h, (const char *)self + row->offset, sizeof h);
	return h ? h : &no_values;
}

static int64_t clamp(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

/* ---- pairs ---- */

struct pairs_out {
	struct pair *at;
	uint32_t n, cap;
};

/* Adds name without its last `cut` bytes, then the ending. */
static void put_pair(struct pairs_out *out, const char *name, size_t cut, const char *ending,
		     int64_t value)
{
	if (out->n == out->cap)
		return;
	struct pair *p = &out->at[out->n++];
	memset(p, 0, sizeof *p);
	int len = snprintf(p->name, sizeof p->name, "%.*s%s", (int)(strlen(name) - cut), name,
			   ending);
	must(len > 0 && (size_t)len < sizeof p->name); /* names are our own rows */
	p->value = value;
}

static void put_hist_pairs(struct pairs_out *out, const char *name, const struct hist *h)
{
	static const char unit[] = "_seconds";
	size_t len = strlen(name), cut = sizeof unit - 1;
	if (len <= cut || strcmp(name + len - cut, unit) != 0)
		cut = 0;
	put_pair(out, name, cut, "_count", clamp(h->count));
	put_pair(out, name, cut, "_p50_ns", clamp(hist_quantile(h, 0.5)));
	put_pair(out, name, cut, "_p99_ns", clamp(hist_quantile(h, 0.99)));
	put_pair(out, name, cut, "_max_ns", clamp(h->max));
}

static void put_row_pairs(struct pairs_out *out, const struct metric_row *row, const void *self)
{
	switch (row->kind) {
	case METRIC_COUNTER:
		put_pair(out, row->name, 0, "", clamp(counter_of(row, self)));
		break;
	case METRIC_GAUGE:
		put_pair(out, row->name, 0, "", gauge_of(row, self));
		break;
	case METRIC_HIST:
		put_hist_pairs(out, row->name, hist_of(row, self));
		break;
	}
}

uint32_t metrics_pairs(const struct metrics_group *groups, size_t n, struct pair *out, uint32_t cap)
{
	struct pairs_out to = {.at = out, .cap = cap};
	for (size_t i = 0; i < n; i++)
		for (const struct metric_row *row = groups[i].rows; row->name; row++)
			put_row_pairs(&to, row, groups[i].self);
	return to.n;
}

/* ---- Prometheus text format 0.0.4 ---- */

static const char *type_of(enum metric_kind kind)
{
	static const char *const text[] = {
		[METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HIST] = "histogram",
	};
	must((size_t)kind < ARRAY_LEN(text));
	return text[kind];
}

/* HELP escapes backslash and line feed, label values the quote as well. */
static int put_escaped(struct buf *out, const char *text, const char *special)
{
	for (int rc; *text; text++) {
		if (*text == '\n')
			rc = buf_append(out, "\\n", 2);
		else if (strchr(special, *text))
			rc = buf_printf(out, "\\%c", *text);
		else
			rc = buf_byte(out, (uint8_t)*text);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int put_head(struct buf *out, const struct metric_row *row)
{
	int rc = buf_printf(out, "# HELP nightjar_%s ", row->name);
	if (rc == 0)
		rc = put_escaped(out, row->doc, "\\");
	if (rc == 0)
		rc = buf_printf(out, "\n# TYPE nightjar_%s %s\n", row->name, type_of(row->kind));
	return rc;
}

/* Nanoseconds as seconds, exactly. */
static int put_seconds(struct buf *out, uint64_t ns)
{
	return buf_printf(out, "%" PRIu64 ".%09" PRIu64, ns / 1000000000u, ns % 1000000000u);
}

static int put_bucket(struct buf *out, const char *name, const char *label, const struct hist *h,
		      unsigned bits)
{
	int rc = buf_printf(out, "nightjar_%s_bucket{service=\"%s\",le=\"", name, label);
	if (rc == 0)
		rc = put_seconds(out, (1ull << bits) - 1);
	if (rc == 0)
		rc = buf_printf(out, "\"} %" PRIu64 "\n", hist_count_below(h, bits));
	return rc;
}

static int put_hist(struct buf *out, const char *name, const char *label, const struct hist *h)
{
	int rc = 0;
	for (unsigned bits = BUCKET_BITS_MIN; bits <= BUCKET_BITS_MAX && rc == 0; bits++)
		rc = put_bucket(out, name, label, h, bits);
	if (rc == 0)
		rc = buf_printf(out, "nightjar_%s_bucket{service=\"%s\",le=\"+Inf\"} %" PRIu64 "\n",
				name, label, h->count);
	if (rc == 0)
		rc = buf_printf(out, "nightjar_%s_sum{service=\"%s\"} ", name, label);
	if (rc == 0)
		rc = put_seconds(out, h->sum);
	if (rc == 0)
		rc = buf_printf(out, "\nnightjar_%s_count{service=\"%s\"} %" PRIu64 "\n", name,
				label, h->count);
	return rc;
}

static int put_row(struct buf *out, const struct metric_row *row, const void *self,
		   const char *label)
{
	int rc = put_head(out, row);
	if (rc != 0)
		return rc;
	switch (row->kind) {
	case METRIC_COUNTER:
		return buf_printf(out, "nightjar_%s{service=\"%s\"} %" PRIu64 "\n", row->name,
				  label, counter_of(row, self));
	case METRIC_GAUGE:
		return buf_printf(out, "nightjar_%s{service=\"%s\"} %" PRId64 "\n", row->name,
				  label, gauge_of(row, self));
	case METRIC_HIST:
		return put_hist(out, row->name, label, hist_of(row, self));
	}
	return ERR_UNKNOWN;
}

int metrics_prometheus(const struct metrics_group *groups, size_t n, const char *service,
		       struct buf *out)
{
	struct buf label;
	buf_init(&label, 1024);
	int rc = put_escaped(&label, service, "\\\"");
	if (rc == 0)
		rc = buf_byte(&label, 0);
	for (size_t i = 0; i < n && rc == 0; i++)
		for (const struct metric_row *row = groups[i].rows; row->name && rc == 0; row++)
			rc = put_row(out, row, groups[i].self, (const char *)label.at);
	buf_fini(&label);
	return rc;
}

/* ---- Markdown ---- */

int metrics_docs(const struct metric_row *rows, const char *service, struct buf *out)
{
	int rc = buf_printf(out, "## %s\n\n| metric | kind | meaning |\n|---|---|---|\n", service);
	for (const struct metric_row *row = rows; row->name && rc == 0; row++) {
		rc = buf_printf(out, "| `nightjar_%s` | %s | ", row->name, type_of(row->kind));
		if (rc == 0)
			rc = put_escaped(out, row->doc, "|");
		if (rc == 0)
			rc = buf_printf(out, " |\n");
	}
	return rc == 0 ? buf_byte(out, '\n') : rc;
}
