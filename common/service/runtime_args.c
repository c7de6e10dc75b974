/* runtime_args - flags, settings and the printed description every service shares. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/service/runtime_state.h"

/* Processes we start read the same settings: the file's absolute path and the flags become environment. */
static void export_settings(const struct runtime_args *a)
{
	char *path = a->config_path ? realpath(a->config_path, NULL) : NULL;
	if (path)
		setenv("NIGHTJAR_CONFIG", path, 1);
	free(path);
	for (size_t i = 0; i < a->n_flags; i++) {
		char name[200] = "NIGHTJAR_";
		size_t n = strlen(name);
		const char *c = a->flags[i];
		for (; *c && *c != '=' && n + 3 < sizeof name; c++) {
			name[n++] = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
			if (*c == '.')
				name[n++] = '_';
		}
		name[n] = '\0';
		if (*c == '=')
			setenv(name, c + 1, 1);
	}
}

/* Which of the stack's collectors we are, and its settings. */
static int find_place(struct runtime *rt, const struct runtime_args *a, char *reason, size_t cap)
{
	char why[300], all[200];
	int rc = collectors_parse(rt->run.collectors, &rt->collectors, why, sizeof why);
	if (rc)
		snprintf(reason, cap, "%s: run.collectors: %s", config_where(rt->config, "run", "collectors"), why);
	if (rc || !rt->s->several)
		return rc;
	const struct collector_place *place = collectors_find(&rt->collectors, a->name ? a->name : rt->s->name);
	if (!place) {
		snprintf(reason, cap, "%s is not one of run.collectors (%s): say which of them to be with --name",
			 a->name ? a->name : rt->s->name, collectors_text(&rt->collectors, all, sizeof all));
		return ERR_ARG;
	}
	if (place->section[0] && !config_has_sub(rt->config, rt->s->name, place->section)) {
		snprintf(reason, cap, "%s of run.collectors has no settings: it needs a subsection %s of section %s",
			 place->name, place->section, rt->s->name);
		return ERR_ARG;
	}
	rt->place = *place;
	rt->name = rt->place.name;
	config_variant(rt->config, rt->s->name, place->section, rt->settings);
	return 0;
}

int runtime_load_settings(struct runtime *rt, const struct runtime_args *a)
{
	struct config_section sections[5];
	struct config_error err = {{0}};
	uint32_t n = settings_sections(&rt->run, rt->s, rt->settings, sections);
	int rc = config_new(sections, n, settings_foreign, &rt->config);
	if (!rc) {
		config_peek(rt->config, rt->s->peeks);
		rc = config_load(rt->config, a->config_path, a->flags, a->n_flags, NULL, &err);
	}
	if (!rc)
		rc = find_place(rt, a, err.text, sizeof err.text);
	if (rc)
		fprintf(stderr, "nightjar-%s: %s\n", rt->s->name, err.text[0] ? err.text : err_text(rc));
	else
		export_settings(a);
	return rc;
}

int runtime_check_settings(struct runtime *rt)
{
	char reason[400] = "";
	int rc = rt->s->check ? rt->s->check(rt, rt->settings, reason, sizeof reason) : 0;
	if (rc)
		fprintf(stderr, "nightjar-%s: %s\n", rt->s->name, reason[0] ? reason : err_text(rc));
	return rc;
}

static void usage(const struct service *s, FILE *to)
{
	fprintf(to,
		"nightjar-%s - %s\n\nUsage: nightjar-%s [--config FILE] [--set section.key=value]...\n\n%s"
		"  -c, --config FILE     settings file (default: NIGHTJAR_CONFIG, else none)\n"
		"  -s, --set KEY=VALUE   one setting, before file and environment\n"
		"      --check-config    read the settings, say what is wrong, start nothing\n"
		"      --print-config    print the settings in force and where each comes from\n"
		"      --describe        print inputs, outputs and settings\n"
		"      --docs PAGE       print a page of the manual: settings, shared, metrics,\n"
		"                        shared_metrics, wiring\n"
		"  -V, --version         print the version\n  -h, --help            print this\n",
		s->name, s->doc, s->name,
		s->several ? "  -n, --name NAME       which of run.collectors this is; needed where there are several\n"
			   : "");
}

static const char *value_of(int argc, char **argv, int *i, const char *flag)
{
	size_t n = strlen(flag);
	if (strncmp(argv[*i], flag, n) == 0 && argv[*i][n] == '=')
		return argv[*i] + n + 1;
	if (strcmp(argv[*i], flag) == 0 && *i + 1 < argc)
		return argv[++*i];
	return NULL;
}

static bool switch_flag(struct runtime_args *a, const char *arg)
{
	bool *flag = strcmp(arg, "--describe") == 0	  ? &a->describe
		     : strcmp(arg, "--check-config") == 0 ? &a->check_config
		     : strcmp(arg, "--print-config") == 0 ? &a->print_config
							  : NULL;
	if (flag)
		*flag = true;
	return flag != NULL;
}

int runtime_args_parse(const struct service *s, int argc, char **argv, struct runtime_args *a)
{
	a->config_path = config_env("NIGHTJAR_CONFIG");
	for (int i = 1; i < argc; i++) {
		const char *v;
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			usage(s, stdout);
			return 1;
		} else if (strcmp(argv[i], "--version") == 0 || strcmp(argv[i], "-V") == 0) {
			printf("nightjar-%s %s\n", s->name, NJ_VERSION);
			return 1;
		} else if ((v = value_of(argc, argv, &i, "--config")) || (v = value_of(argc, argv, &i, "-c"))) {
			a->config_path = v;
		} else if ((v = value_of(argc, argv, &i, "--set")) || (v = value_of(argc, argv, &i, "-s"))) {
			if (a->n_flags == ARRAY_LEN(a->flags))
				return 2;
			a->flags[a->n_flags++] = v;
		} else if (s->several &&
			   ((v = value_of(argc, argv, &i, "--name")) || (v = value_of(argc, argv, &i, "-n")))) {
			a->name = v;
		} else if ((v = value_of(argc, argv, &i, "--docs"))) {
			a->docs = v;
		} else if (!switch_flag(a, argv[i])) {
			fprintf(stderr, "nightjar-%s: unknown argument '%s'\n\n", s->name, argv[i]);
			usage(s, stderr);
			return 2;
		}
	}
	return 0;
}

static void describe_outputs(const struct service *s)
{
	printf("\npublishes\n");
	for (size_t i = 0; s->pubs && s->pubs[i]; i++) {
		const struct event_row *row = event_row(s->pubs[i]);
		must(row);
		printf("  %-14s lane %c  %-32s %s\n", row->name, row->lane == LANE_M ? 'M' : 'X', row->topic, row->doc);
	}
}

void runtime_describe(const struct service *s)
{
	printf("%s: %s\n\nfollows\n", s->name, s->doc);
	for (size_t i = 0; s->inputs && s->inputs[i].publisher; i++) {
		const struct service_input *in = &s->inputs[i];
		printf("  %-10s lane %c  ", in->publisher, in->lane == LANE_M ? 'M' : 'X');
		for (size_t k = 0; in->prefixes && in->prefixes[k]; k++)
			printf("%s ", in->prefixes[k]);
		printf("%s\n", in->prefixes ? "" : "everything");
	}
	describe_outputs(s);
	printf("\nsettings (section %s)\n", s->name);
	for (size_t i = 0; s->keys && s->keys[i].name; i++)
		printf("  %-22s %-14s %s\n", s->keys[i].name, s->keys[i].fallback, s->keys[i].doc);
}
