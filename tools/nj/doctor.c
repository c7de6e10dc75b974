/* doctor - runs the checks and prints what they found. */
#include "tools/nj/doctor.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/io/clock.h"
#include "tools/nj/cli_print.h"
#include "tools/nj/table_text.h"

static const char *const verdict_text[] = {[DOCTOR_OK] = "OK", [DOCTOR_WARN] = "WARN", [DOCTOR_FAIL] = "FAIL"};

/* ---- findings ---- */

struct finding *doctor_check(struct doctor *d, const char *name, const char *threshold)
{
	must(d->n < DOCTOR_FINDINGS_MAX);
	struct finding *f = &d->at[d->n++];
	*f = (struct finding){.name = name, .threshold = threshold};
	return f;
}

void finding_measure(struct finding *f, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(f->measured, sizeof f->measured, format, args);
	va_end(args);
}

void finding_blame(struct finding *f, enum verdict verdict, const char *fix, const char *format, ...)
{
	va_list args;
	if (verdict <= f->verdict)
		return;
	f->verdict = verdict;
	snprintf(f->fix, sizeof f->fix, "%s", fix);
	va_start(args, format);
	vsnprintf(f->cause, sizeof f->cause, format, args);
	va_end(args);
}

/* ---- printing ---- */

static void print_people(const struct doctor *d, size_t number, const struct finding *f)
{
	static const char *const color[] = {"\033[32m", "\033[1;33m", "\033[1;31m"};
	FILE *to = d->cli->out;
	const char *on = d->cli->color ? color[f->verdict] : "", *off = d->cli->color ? "\033[0m" : "";
	fprintf(to, "%2zu  %s%-4s%s  %-18s ", number, on, verdict_text[f->verdict], off, f->name);
	cli_put_safe(to, f->measured);
	if (f->verdict == DOCTOR_OK) {
		fputc('\n', to);
		return;
	}
	fprintf(to, "\n          expected: %s\n          cause:    ", f->threshold);
	cli_put_safe(to, f->cause);
	fputs("\n          fix:      ", to);
	cli_put_safe(to, f->fix);
	fputc('\n', to);
}

static void json_member(FILE *to, const char *name, const char *text)
{
	fprintf(to, ",\"%s\":", name);
	if (text[0])
		table_put_json(to, text);
	else
		fputs("null", to);
}

static void print_json(FILE *to, size_t number, const struct finding *f)
{
	static const char *const verdict[] = {"ok", "warn", "fail"};
	fprintf(to, "%s\n {\"number\":%zu,\"name\":\"%s\",\"verdict\":\"%s\"", number > 1 ? "," : "", number, f->name,
		verdict[f->verdict]);
	json_member(to, "measured", f->measured);
	json_member(to, "expected", f->threshold);
	json_member(to, "cause", f->cause);
	json_member(to, "fix", f->fix);
	fputc('}', to);
}

bool doctor_wants(const struct doctor *d, const char *name)
{
	for (int i = 0; i < d->n_chosen; i++)
		if (strncmp(name, d->chosen[i], strlen(d->chosen[i])) == 0)
			return true;
	return d->n_chosen == 0;
}

static int print(const struct doctor *d)
{
	static const int exit_of[] = {CLI_OK, CLI_DEGRADED, CLI_FAILED};
	size_t count[3] = {0}, shown = 0;
	char at[32];
	FILE *to = d->cli->out;
	enum verdict worst = DOCTOR_OK;
	bool json = d->cli->format == CLI_AS_JSON;
	if (json)
		fprintf(to, "{\"at\":\"%s\",\"version\":\"%s\",\"checks\":[",
			clock_rfc3339(clock_wall(clock_real()), at), NJ_VERSION);
	for (size_t i = 0; i < d->n; i++) {
		const struct finding *f = &d->at[i];
		if (!doctor_wants(d, f->name))
			continue;
		shown++;
		count[f->verdict]++;
		worst = f->verdict > worst ? f->verdict : worst;
		if (json)
			print_json(to, shown, f);
		else
			print_people(d, shown, f);
	}
	if (shown == 0)
		return cli_usage(d->cli, "there is no check '%s'", d->chosen[0]);
	if (json)
		fprintf(to, "],\n\"ok\":%zu,\"warn\":%zu,\"fail\":%zu}\n", count[0], count[1], count[2]);
	else
		fprintf(to, "%zu checks: %zu ok, %zu warnings, %zu failures\n", shown, count[0], count[1], count[2]);
	return exit_of[worst];
}

/* ---- the verb ---- */

static void take_look(struct doctor *d)
{
	struct stack s;
	if (access(d->run.bus_dir, F_OK) != 0)
		return;
	stack_scan(d->run.bus_dir, &s);
	for (size_t i = 0; i < services_n; i++) {
		const struct stack_member *m = stack_find(&s, services_names[i]);
		d->cpu[i] = m ? doctor_cpu_ticks(m->pid) : 0;
	}
	d->cpu_at = clock_mono(clock_real());
	d->looked = look_take(d->cli, &d->look) == CLI_OK;
}

int doctor_run(struct cli *cli, const void *options, int argc, char **argv)
{
	static struct doctor d;
	const struct doctor_options *o = options;
	if (o->diff)
		return argc == 2 ? doctor_diff(cli, argv[0], argv[1]) : cli_usage(cli, "--diff takes two files");
	memset(&d, 0, sizeof d);
	d.cli = cli;
	d.chosen = argv;
	d.n_chosen = argc;
	if (cli->format != CLI_AS_TABLE && cli->format != CLI_AS_JSON)
		return cli_usage(cli, "a diagnosis is printed as table or json");
	int rc = stack_settings(cli, &d.run);
	if (rc)
		return rc;
	take_look(&d);
	doctor_settings(&d);
	doctor_services(&d);
	doctor_host(&d);
	doctor_files(&d);
	doctor_cache(&d);
	if (d.looked)
		look_fini(&d.look);
	return print(&d);
}
