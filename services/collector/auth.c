/* auth - who we are to a venue: the headers of a signed request or handshake. */
#include "services/collector/auth.h"

#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "common/io/clock.h"
#include "common/io/keys.h"
#include "common/venue/venue_account.h"

/* The id goes into a header and a JSON text as it is. */
static bool is_id(const char *id)
{
	return strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == strlen(id);
}

static int check_names(const struct collector_section *set, const struct venue *v, char *reason, size_t cap)
{
	bool id = set->key_id[0] != '\0', file = set->key_file[0] != '\0';
	if (!v->auth && !v->account)
		snprintf(reason, cap, "collector.key_id, collector.key_file: %s%s takes no key, leave them out",
			 v->name, v->suffix);
	else if (!id || !file)
		snprintf(reason, cap, "collector.%s is missing: a key is its id and its file",
			 id ? "key_file" : "key_id");
	else if (!is_id(set->key_id))
		snprintf(reason, cap, "collector.key_id: an id is letters, digits, '-' and '_' alone");
	else
		return 0;
	return ERR_ARG;
}

int auth_init(struct auth *a, const struct collector_section *set, const struct venue *v, char *reason, size_t cap)
{
	*a = (struct auth){0};
	if (!set->key_id[0] && !set->key_file[0])
		return 0;
	int rc = check_names(set, v, reason, cap);
	if (!rc)
		rc = sign_key_open(set->key_file, &a->key, reason, cap);
	if (!rc && v->auth && sign_key_kind(a->key) != SIGN_RSA) {
		snprintf(reason, cap, "collector.key_file: %s holds no private RSA key, which is what %s takes",
			 set->key_file, v->name);
		rc = ERR_CORRUPT;
	}
	if (rc)
		return rc;
	keys_no_dumps();
	a->how = v->auth;
	a->id = set->key_id;
	return 0;
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

int auth_query(const struct auth *a, int64_t at, int64_t window, const char *path, struct buf *out)
{
	char signature[SIGN_TEXT_MAX];
	size_t from = out->len;
	int rc = venue_account_stamp(path, at / NS_PER_MS, window / NS_PER_MS, out);
	if (rc)
		return rc;
	const char *query = memchr(out->at + from, '?', out->len - from);
	rc = sign_by_key(a->key, query + 1, out->len - (size_t)((const uint8_t *)query + 1 - out->at), signature);
	if (!rc)
		rc = buf_printf(out, "&signature=");
	return rc ? rc : venue_account_escape(signature, out);
}
