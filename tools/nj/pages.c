/* pages - the vocabulary from our own tables, settings and metrics from the services' programs. */
#include "tools/nj/pages.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/err.h"
#include "proto/docs.h"
#include "tools/nj/look.h"
#include "tools/nj/stack.h"

enum { PAGE_MAX = 8 << 20 };

extern char **environ;

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

static int run_program(char *const *argv, struct buf *out)
{
	int pipes[2], status = -1, err;
	char part[4096];
	pid_t pid;
	ssize_t n;
	posix_spawn_file_actions_t fa;
	if (pipe(pipes) != 0)
		return err_from_errno(errno);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, pipes[1], 1);
	posix_spawn_file_actions_addclose(&fa, pipes[0]);
	err = posix_spawn(&pid, argv[0], &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	close(pipes[1]);
	int rc = err ? err_from_errno(err) : 0;
	while (!rc && (n = read(pipes[0], part, sizeof part)) > 0)
		rc = buf_append(out, part, (size_t)n);
	close(pipes[0]);
	if (!err && (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0))
		rc = rc ? rc : ERR_IO;
	return rc;
}

static int append_page(const struct cli *cli, const char *service, const char *page, struct buf *out)
{
	char bin[STACK_PATH_MAX], program[STACK_PATH_MAX + 64], name[32];
	snprintf(name, sizeof name, "%s%s", page, cli->format == CLI_AS_JSON ? ".json" : "");
	char *argv[] = {program, (char *)"--docs", name, NULL};
	if (stack_bin(bin) != 0)
		return cli_fail(cli, CLI_FAILED, "cannot tell where the programs are");
	snprintf(program, sizeof program, "%s/nightjar-%s", bin, service);
	int rc = run_program(argv, out);
	return rc ? cli_fail(cli, CLI_FAILED, "%s: %s", program, err_text(rc)) : CLI_OK;
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

int pages_services(struct cli *cli, const void *options, int argc, char **argv)
{
	const char *page = cli->verb->name; /* settings, metrics */
	bool settings = strcmp(page, "settings") == 0, shared = argc > 0 && settings && is_shared(argv[0]);
	struct buf out;
	(void)options;
	if (argc > 0 && !shared && look_find(cli, argv[0]) < 0)
		return CLI_USAGE;
	buf_init(&out, PAGE_MAX);
	int rc = settings && (argc == 0 || shared) ? append_page(cli, look_names[0], "shared", &out) : CLI_OK;
	for (size_t i = 0; rc == CLI_OK && !shared && look_names[i]; i++)
		if (argc == 0 || strcmp(argv[0], look_names[i]) == 0)
			rc = append_page(cli, look_names[i], page, &out);
	if (rc == CLI_OK && cli->format == CLI_AS_JSON)
		print_array(cli->out, &out);
	else if (rc == CLI_OK)
		fwrite(out.at, 1, out.len, cli->out);
	buf_fini(&out);
	return rc;
}
