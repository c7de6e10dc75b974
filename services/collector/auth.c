/* auth - who we are to a venue: the headers of a signed request or handshake. */
#include "services/collector/auth.h"

#include <stdio.h>

#include "common/base/err.h"
#include "common/io/clock.h"

int auth_init(struct auth *a, const struct collector_section *set, const struct venue *v, char *reason, size_t cap)
{
	bool id = set->key_id[0] != '\0', file = set->key_file[0] != '\0';
	*a = (struct auth){0};
	if (!id && !file)
		return 0;
	if (!v->auth) {
		snprintf(reason, cap, "collector.key_id, collector.key_file: %s%s takes no key, leave them out",
			 v->name, v->suffix);
		return ERR_ARG;
	}
	if (!id || !file) {
		snprintf(reason, cap, "collector.%s is missing: a key is its id and its file",
			 id ? "key_file" : "key_id");
		return ERR_ARG;
	}
	int rc = sign_key_open(set->key_file, &a->key, reason, cap);
	if (!rc && sign_key_kind(a->key) != SIGN_RSA) {
		snprintf(reason, cap, "collector.key_file: %s holds no private RSA key, which is what %s takes",
			 set->key_file, v->name);
		rc = ERR_CORRUPT;
	}
	if (!rc) {
		a->how = v->auth;
		a->id = set->key_id;
	}
	return rc;
}

void auth_fini(struct auth *a)
{
	sign_key_close(a->key);
	*a = (struct auth){0};
}

bool auth_signs(const struct auth *a)
{
	return a->how != NULL;
}

int auth_sign(const struct auth *a, int64_t at, const char *method, const char *path, struct auth_headers *ret)
{
	char signature[SIGN_TEXT_MAX];
	int64_t ms = at / NS_PER_MS;
	struct buf text;
	buf_init(&text, 1 << 16);
	int rc = a->how->text(ms, method, path, &text);
	if (!rc)
		rc = sign_rsa_pss(a->key, text.at, text.len, signature);
	buf_fini(&text);
	if (rc)
		return rc;
	snprintf(ret->line[0], sizeof ret->line[0], "%s: %s", a->how->key, a->id);
	snprintf(ret->line[1], sizeof ret->line[1], "%s: %lld", a->how->time, (long long)ms);
	snprintf(ret->line[2], sizeof ret->line[2], "%s: %s", a->how->signature, signature);
	for (int i = 0; i < AUTH_LINES; i++)
		ret->at[i] = ret->line[i];
	ret->at[AUTH_LINES] = NULL;
	return 0;
}
