/* account - see account.h. */
#include "services/executor/account.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

void account_init(struct account *a, const char *name, const char *quote)
{
	*a = (struct account){0};
	event_set_name(a->name, name);
	must(account_asset(a, quote) == account_quote(a));
}

const struct asset *account_find(const struct account *a, const char *name)
{
	for (uint32_t i = 0; i < a->n; i++)
		if (strcmp(a->asset[i].name, name) == 0)
			return &a->asset[i];
	return NULL;
}

struct asset *account_asset(struct account *a, const char *name)
{
	const struct asset *found = account_find(a, name);
	if (found)
		return &a->asset[found - a->asset];
	if (a->n == ACCOUNT_ASSETS_MAX)
		return NULL;
	struct asset *s = &a->asset[a->n++];
	*s = (struct asset){0};
	event_set_name(s->name, name);
	return s;
}

int asset_lock(struct asset *s, int64_t amount)
{
	must(amount >= 0);
	if (amount > asset_free(s))
		return ERR_REFUSED;
	s->locked += amount;
	return 0;
}

void asset_unlock(struct asset *s, int64_t amount)
{
	must(amount >= 0 && amount <= s->locked);
	s->locked -= amount;
}

int asset_receive(struct asset *s, int64_t amount)
{
	must(amount >= 0);
	if (s->total > INT64_MAX - amount)
		return ERR_RANGE;
	s->total += amount;
	return 0;
}

int asset_pay(struct asset *s, int64_t amount, int64_t *lock)
{
	must(amount >= 0 && *lock >= 0 && *lock <= s->locked);
	int64_t from_lock = amount < *lock ? amount : *lock;
	if (amount - from_lock > asset_free(s))
		return ERR_REFUSED;
	*lock -= from_lock;
	s->locked -= from_lock;
	s->total -= amount;
	must(s->total >= s->locked && s->locked >= 0);
	return 0;
}

void account_save(const struct account *a, struct packer *p)
{
	pack_array(p, 4 + 3 * a->n);
	pack_str(p, a->name);
	pack_i64(p, a->asset[0].realised);
	pack_i64(p, a->asset[0].fees);
	pack_str(p, a->asset[0].name);
	for (uint32_t i = 0; i < a->n; i++) {
		pack_str(p, a->asset[i].name);
		pack_i64(p, a->asset[i].total);
		pack_i64(p, a->asset[i].locked);
	}
}

static int load_asset(struct account *a, struct unpacker *u)
{
	char name[EVENT_NAME_MAX];
	unpack_str(u, name, sizeof(name));
	int64_t total = unpack_i64(u), locked = unpack_i64(u);
	if (u->err)
		return u->err;
	struct asset *s = account_asset(a, name);
	if (!s || locked < 0 || total < locked)
		return ERR_CORRUPT;
	s->total = total;
	s->locked = locked;
	return 0;
}

int account_load(struct account *a, struct unpacker *u)
{
	char name[EVENT_NAME_MAX], quote[EVENT_NAME_MAX];
	uint32_t n = unpack_array(u);
	unpack_str(u, name, sizeof(name));
	int64_t realised = unpack_i64(u), fees = unpack_i64(u);
	unpack_str(u, quote, sizeof(quote));
	if (u->err)
		return u->err;
	if (strcmp(name, a->name) != 0 || strcmp(quote, a->asset[0].name) != 0)
		return ERR_DIFFERS;
	if (n < 4 || (n - 4) % 3 != 0)
		return ERR_CORRUPT;
	int rc = 0;
	a->n = 0; /* what a new account is given is not given again */
	for (uint32_t i = 0; rc == 0 && i < (n - 4) / 3; i++)
		rc = load_asset(a, u);
	if (rc == 0 && (a->n == 0 || strcmp(a->asset[0].name, quote) != 0))
		rc = ERR_CORRUPT;
	a->asset[0].realised = realised;
	a->asset[0].fees = fees;
	return rc;
}
