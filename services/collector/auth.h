/* auth - who we are to a venue: the headers of a signed request or handshake. */
#ifndef NJ_COLLECTOR_AUTH_H
#define NJ_COLLECTOR_AUTH_H

#include "common/io/sign.h"
#include "common/venue/venue.h"
#include "services/collector/section.h"

#define AUTH_LINES 3

struct auth {
	const struct venue_auth *how; /* NULL: requests for market data are not signed */
	const char *id;               /* of the settings */
	struct sign_key *key;         /* owned; NULL: there is none */
};

struct auth_headers { /* of one request, to be sent at once */
	char line[AUTH_LINES][SIGN_TEXT_MAX + 100];
	const char *at[AUTH_LINES + 1]; /* NULL-ended, as ws_options and http_request want it */
};

/* Reads the key where the settings name one. ERR_ARG with a reason: a key and no id, an id and no key, a venue that
 * signs nothing; what sign_key_open says. */
int auth_init(struct auth *a, const struct collector_section *set, const struct venue *v, char *reason, size_t cap);
void auth_fini(struct auth *a);
bool auth_signs(const struct auth *a); /* market data, too */
/* path without host, with its query; at: wall clock, ns. */
int auth_sign(const struct auth *a, int64_t at, const char *method, const char *path, struct auth_headers *ret);
/* For a venue whose account endpoints take the signature in the query: appends path, time, window and signature. at:
 * wall clock, as the venue has it. */
int auth_query(const struct auth *a, int64_t at, int64_t window, const char *path, struct buf *out);

#endif
