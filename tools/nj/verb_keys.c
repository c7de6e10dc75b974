/* verb_keys - nj keys: the keys of a bus over tcp, made, listed and revoked. */
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/keys.h"
#include "tools/nj/stack.h"
#include "tools/nj/table.h"
#include "tools/nj/services.h"

struct options {
	const char *role;
	bool replace;
};

#define AT(member) offsetof(struct options, member)

static const struct cli_option options[] = {
	{.name = "role",
	 .kind = CLI_CHOICE,
	 .arg = "ROLE",
	 .fallback = "auto",
	 .choices = "auto|service|operator|tap",
	 .offset = AT(role),
	 .doc = "make: what the key may do. auto: service for the services' names, operator for operator, else tap."},
	{.name = "replace",
	 .kind = CLI_FLAG,
	 .offset = AT(replace),
	 .doc = "make: also where the name has a key, which is of no use from then on."},
	{0},
};

static const struct cli_example examples[] = {
	{"nj keys make", "Keys of the five services and of the operator, those that are missing."},
	{"nj keys make anna --role tap", "A key that may look and nothing else."},
	{"nj keys list", "Who is let in on this host."},
	{"nj keys revoke anna", "Out within a second, connections that stand included."},
	{0},
};

static enum role role_of(const struct options *o, const char *name)
{
	if (strcmp(o->role, "auto") != 0)
		return (enum role)enum_value(enum_role(), o->role, strlen(o->role));
	for (size_t i = 0; i < services_n; i++)
		if (strcmp(services_names[i], name) == 0)
			return role_service;
	return strcmp(name, "operator") == 0 ? role_operator : role_tap;
}

static int make_one(struct cli *cli, const struct options *o, const char *dir, const char *name)
{
	char reason[KEYS_REASON_MAX];
	struct keys_new new = {.name = name, .role = role_of(o, name), .replace = o->replace};
	int rc = keys_make(dir, &new, reason, sizeof reason);
	if (rc)
		return cli_fail(cli, rc == ERR_ARG ? CLI_USAGE : CLI_FAILED, "%s", reason);
	cli_note(cli, "%s: a key of role %s in %s; copy %s.pub to the other hosts, and nothing else", name,
		 enum_text(enum_role(), (uint8_t)new.role), dir, name);
	return CLI_OK;
}

static int make_all(struct cli *cli, const struct options *o, const char *dir)
{
	struct keys keys = {.n = 0};
	char reason[KEYS_REASON_MAX];
	int rc = keys_load(dir, &keys, reason, sizeof reason);
	if (rc && rc != ERR_NOT_FOUND)
		return cli_fail(cli, CLI_FAILED, "%s", reason);
	int code = CLI_OK;
	for (size_t i = 0; code == CLI_OK && i <= services_n; i++) {
		const char *name = i < services_n ? services_names[i] : "operator";
		if (o->replace || !keys_find(&keys, name))
			code = make_one(cli, o, dir, name);
	}
	return code;
}

static const struct table_column columns[] = {
	{"name", TABLE_TEXT, "Name: of a service, a person, a program."},
	{"role", TABLE_TEXT, "What it may do: service, operator, tap."},
	{"state", TABLE_TEXT, "in: is let in; revoked: is not."},
	{"secret", TABLE_BOOL, "Its secret is on this host."},
	{"public_key", TABLE_TEXT, "Public key, Z85."},
	{0},
};

static bool has_secret(const char *dir, const char *name)
{
	char reason[KEYS_REASON_MAX];
	struct key_secret *s = NULL;
	int rc = keys_secret(dir, name, &s, reason, sizeof reason);
	keys_forget(&s);
	return rc == 0;
}

static int list(struct cli *cli, const char *dir)
{
	static struct keys keys;
	char reason[KEYS_REASON_MAX];
	struct table *t;
	if (keys_load(dir, &keys, reason, sizeof reason) != 0)
		return cli_fail(cli, CLI_FAILED, "%s", reason);
	int rc = table_open(cli, columns, &t);
	if (rc)
		return rc;
	for (size_t i = 0; i < keys.n; i++) {
		const struct key *k = &keys.at[i];
		table_text(t, k->name);
		table_text(t, k->role ? enum_text(enum_role(), (uint8_t)k->role) : NULL);
		table_tone(t, k->revoked ? TABLE_BAD : TABLE_GOOD, k->revoked ? "revoked" : "in");
		table_bool(t, has_secret(dir, k->name));
		table_text(t, k->public_text[0] ? k->public_text : NULL);
	}
	rc = table_close(t);
	if (rc == CLI_OK && keys.unreadable)
		return cli_fail(cli, CLI_DEGRADED, "left out: %s", keys.complaint);
	return rc;
}

static int revoke(struct cli *cli, const char *dir, const char *name)
{
	char reason[KEYS_REASON_MAX];
	int rc = keys_revoke(dir, name, reason, sizeof reason);
	if (rc)
		return cli_fail(cli, rc == ERR_ARG ? CLI_USAGE : CLI_FAILED, "%s", reason);
	cli_note(cli, "%s is revoked; copy %s.revoked from %s to the other hosts", name, name, dir);
	return CLI_OK;
}

static int run(struct cli *cli, const void *given, int argc, char **argv)
{
	const struct options *o = given;
	static struct run_settings settings;
	int code = stack_settings(cli, &settings);
	if (code)
		return code;
	const char *dir = settings.bus_keys, *what = argv[0];
	if (strcmp(what, "list") == 0 && argc == 1)
		return list(cli, dir);
	if (strcmp(what, "make") == 0 && argc == 1)
		return make_all(cli, o, dir);
	bool making = strcmp(what, "make") == 0;
	if (argc < 2 || (!making && strcmp(what, "revoke") != 0))
		return cli_usage(cli, "say make [NAME]..., list, or revoke NAME...");
	for (int i = 1; code == CLI_OK && i < argc; i++)
		code = making ? make_one(cli, o, dir, argv[i]) : revoke(cli, dir, argv[i]);
	return code;
}

const struct cli_verb verb_keys = {
	.name = "keys",
	.group = CLI_SETUP_GROUP,
	.summary = "Make, list and revoke the keys of a bus over tcp",
	.operands = "make|list|revoke [NAME]...",
	.operand_choices = "make|list|revoke",
	.doc = "Keys are files of bus.keys. Who is let in on a host is whose NAME.pub lies there, as what its role "
	       "says; a NAME.secret stays on the host of the program that uses it. What is printed is never "
	       "secret.\n\n"
	       "Services look at the directory each second: a revoked key is refused from then on, and its "
	       "connections are ended.",
	.options = options,
	.examples = examples,
	.options_size = sizeof(struct options),
	.operands_min = 1,
	.operands_max = 32,
	.output = true,
	.run = run,
};
