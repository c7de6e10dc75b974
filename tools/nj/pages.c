/* pages - the vocabulary from our own tables, settings and metrics from the services' programs. */
#include "tools/nj/pages.h"

#include <string.h>

#include "common/base/err.h"
#include "proto/docs.h"
#include "tools/nj/look.h"
#include "tools/nj/spawn.h"
#include "tools/nj/stack.h"

enum { PAGE_MAX = 8 << 20 };

int pages_events(struct cli *cli, const void *options, int argc, char **argv)
{
	struct buf out;
	(void)options;
	(void)argc;
	(void)argv;
	buf_init(&out, PAGE_MAX);
	bool json = cli->format == CLI_AS_JSON || strcmp(cli->verb->name, "schema") == 0;
	int rc = json ? docs_schema_json(&out) : docs_events(&out);
	if (rc == 0)
		fwrite(out.at, 1, out.len, cli->out);
	if (rc == 0 && json)
		fputc('\n', cli->out);
	buf_fini(&out);
	return rc ? cli_fail(cli, CLI_FAILED, "%s", err_text(rc)) : CLI_OK;
}

/* ---- what the services' programs say ---- */

static int append_page(const struct cli *cli, const char *service, const char *page, struct buf *out)
{
	char bin[STACK_PATH_MAX], program[STACK_PATH_MAX + 64], name[32];
	snprintf(name, sizeof name, "%s%s", page, cli->format == CLI_AS_JSON ? ".json" : "");
	char *argv[] = {program, (char *)"--docs", name, NULL};
	if (stack_bin(bin) != 0)
		return cli_fail(cli, CLI_FAILED, "cannot tell where the programs are");
	snprintf(program, sizeof program, "%s/nightjar-%s", bin, service);
	int code, rc = spawn_read(argv, 1, out, &code);
	if (rc || code)
		return cli_fail(cli, CLI_FAILED, "%s: %s", program, rc ? err_text(rc) : "it knows no such page");
	return CLI_OK;
}

/* One JSON object a line becomes one array. */
static void print_array(FILE *to, const struct buf *lines)
{
	fputc('[', to);
	for (size_t i = 0; i < lines->len; i++)
		if (lines->at[i] != '\n')
			fputc(lines->at[i], to);
		else if (i + 1 < lines->len)
			fputs(",\n ", to);
	fputs("]\n", to);
}

static bool is_shared(const char *name)
{
	return strcmp(name, "bus") == 0 || strcmp(name, "run") == 0 || strcmp(name, "log") == 0 ||
	       strcmp(name, "redis") == 0;
}

/* Of the sections that all share, one: "## bus" up to the next heading, or its lines of JSON. */
static void print_section(const struct cli *cli, const struct buf *page, const char *name)
{
	char head[64];
	bool json = cli->format == CLI_AS_JSON, inside = false;
	const char *at = (const char *)page->at, *end = at + page->len;
	int n = snprintf(head, sizeof head, json ? "{\"section\":\"%s\"" : "## %s\n", name);
	fputs(json ? "[" : "", cli->out);
	for (size_t shown = 0; at < end;) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t len = stop ? (size_t)(stop - at) + 1 : (size_t)(end - at);
		bool is_head = len >= (size_t)n && memcmp(at, head, (size_t)n) == 0;
		inside = is_head || (inside && !json && !(len > 3 && memcmp(at, "## ", 3) == 0));
		if (inside && json)
			fprintf(cli->out, "%s%.*s", shown++ ? ",\n " : "", (int)len - 1, at);
		else if (inside)
			fwrite(at, 1, len, cli->out);
		at += len;
	}
	fputs(json ? "]\n" : "", cli->out);
}

static bool is_program(const char *name)
{
	for (size_t i = 0; services_programs[i]; i++)
		if (strcmp(services_programs[i], name) == 0)
			return true;
	return false;
}

int pages_services(struct cli *cli, const void *options, int argc, char **argv)
{
	const char *page = cli->verb->name; /* settings, metrics */
	bool settings = strcmp(page, "settings") == 0, shared = argc > 0 && settings && is_shared(argv[0]);
	struct buf out;
	(void)options;
	const char *of = argc > 0 ? argv[0] : "";
	if (argc > 0 && !shared && !is_program(of)) {
		int at = look_find(cli, of); /* one of several collectors has the pages of the program */
		if (at < 0)
			return CLI_USAGE;
		of = services_program(services_names[at]);
	}
	buf_init(&out, PAGE_MAX);
	const char *common = settings ? "shared" : "shared_metrics";
	int rc = argc == 0 || shared ? append_page(cli, services_programs[0], common, &out) : CLI_OK;
	for (size_t i = 0; rc == CLI_OK && !shared && services_programs[i]; i++)
		if (argc == 0 || strcmp(of, services_programs[i]) == 0)
			rc = append_page(cli, services_programs[i], page, &out);
	if (rc == CLI_OK && shared)
		print_section(cli, &out, argv[0]);
	else if (rc == CLI_OK && cli->format == CLI_AS_JSON)
		print_array(cli->out, &out);
	else if (rc == CLI_OK)
		fwrite(out.at, 1, out.len, cli->out);
	buf_fini(&out);
	return rc;
}
